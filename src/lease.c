// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases, and who holds them: see lease.h.
 */
#include <linux/list.h>
#include <linux/sched.h>

#include "lease.h"
#include "message.h"
#include "notify.h"
#include "states.h"
#include "store.h"
#include "trace.h"

/**
 * tq_holder_init - somebody who holds no lease yet
 * @holder: what to fill
 * @over: whom to wake when a lease ends that others settled, or NULL
 *
 * Context: Any.
 */
void tq_holder_init(struct tq_holder *holder, struct wait_queue_head *over)
{
	INIT_HLIST_HEAD(&holder->leases);
	holder->last = NULL;
	holder->over = over;
}

/**
 * tq_holder_release - all leases of a holder come back
 * @queue: the queue
 * @holder: gets no more
 *
 * Context: Process context, may sleep; no lock held.
 */
void tq_holder_release(struct tqueue *queue, struct tq_holder *holder)
{
	struct tq_return how = { .reason = TQUEUE_REASON_CLOSED };
	struct tq_message *message;
	bool more;
	int n;

	/* No call uses the holder.  That others settle its leases, the lock tells. */
	if (hlist_empty(&holder->leases))
		return;
	do {
		struct tq_notify notify = {};

		mutex_lock(&queue->rx.lock);
		for (n = 0; n < TQ_STATES_PIECE; n++) {
			message = tq_first_lease(holder);
			if (!message)
				break;
			how.counted = message->started;
			tq_come_back(queue, message, &how, &notify);
		}
		more = !hlist_empty(&holder->leases);
		mutex_unlock(&queue->rx.lock);
		tq_notify_deliver(queue, &notify);
		cond_resched();
	} while (more);
}

/**
 * tq_lease_not_alone - a receive has leased more messages than one
 * @receiver: the receive
 *
 * The delivery of a message that is leased alone has begun.  Of those that are
 * leased together none has: see &struct tqueue_receive.
 *
 * Context: rx.lock held.
 */
void tq_lease_not_alone(const struct tq_receiver *receiver)
{
	struct tq_message *message;

	message = tq_lease_find(receiver->file->queue, receiver->first_id,
				receiver->first_delivery);
	if (message)
		message->started = false;
}

/**
 * tq_lease_find - find a delivery that is not over
 * @queue: the queue
 * @id: of the message
 * @delivery: its number; 0 for whichever it is
 *
 * Context: rx.lock held.
 * Return: the message, leased, or NULL.
 */
struct tq_message *tq_lease_find(struct tqueue *queue, u64 id, u32 delivery)
{
	struct tq_message *message = tq_store_by_id(&queue->rx.store, id);

	if (!message || message->state != TQ_MESSAGE_LEASED ||
	    (delivery && message->record.delivery != delivery))
		return NULL;
	return message;
}

/**
 * tq_lease_missing - why a delivery is not there
 * @queue: the queue
 * @id: of the message
 *
 * Context: Any.
 * Return: -ENOENT if there never was such a message, else -ESTALE.
 */
int tq_lease_missing(struct tqueue *queue, u64 id)
{
	return id && id <= tq_counter_read(&queue->tx.last_id) ? -ESTALE :
								-ENOENT;
}

/**
 * tq_lease_move - a lease gets another holder
 * @message: leased
 * @holder: the other one
 *
 * Context: rx.lock held.
 */
void tq_lease_move(struct tq_message *message, struct tq_holder *holder)
{
	tq_lease_unlink(message);
	tq_lease_link(message, holder);
}

/* How many pieces of memory are looked at for one that is large enough. */
#define TQ_SPARES_LOOK	4

/**
 * tq_spare_search - memory for a message, where the first that is kept is too small
 * @file: the open file
 * @length: payload bytes
 *
 * Context: rx.lock held.
 * Return: the memory, or NULL.
 */
struct tq_message *tq_spare_search(struct tq_file *file, size_t length)
{
	struct tq_message **at = &file->spares, *message;
	int n;

	for (n = 0; n < TQ_SPARES_LOOK && (message = *at); n++) {
		if (message->capacity >= length) {
			*at = message->next;
			file->spare_count--;
			return message;
		}
		at = &message->next;
	}
	return NULL;
}

/**
 * tq_spares_free - free the memory that a file has kept
 * @file: the open file, which no call uses any more
 *
 * Context: Process context, may sleep, no lock held.
 */
void tq_spares_free(struct tq_file *file)
{
	tq_messages_put(file->spares);
	file->spares = NULL;
	file->spare_count = 0;
}
