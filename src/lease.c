// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases and their holders: see lease.h.
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
 * tq_holder_init - initialize a holder without leases
 * @holder: the holder
 * @over: the wait queue to wake when one of its leases ends, or NULL
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
 * tq_holder_release - return all leases of a holder to the queue
 * @queue: the queue
 * @holder: gets no more leases
 *
 * Context: Process context, may sleep; no lock held.
 */
void tq_holder_release(struct tqueue *queue, struct tq_holder *holder)
{
	struct tq_return how = { .reason = TQUEUE_REASON_CLOSED };
	struct tq_message *message;
	bool more;
	int n;

	/*
	 * No call adds a lease any more.  Calls that settle leases hold
	 * rx.lock, which the caller takes before it frees the holder.
	 */
	if (hlist_empty(&holder->leases))
		return;
	do {
		struct tq_notify notify = {};

		mutex_lock(&queue->rx.lock);
		for (n = 0; n < TQ_STATES_PIECE; n++) {
			message = tq_first_lease(holder);
			if (!message)
				break;
			how.counted = message->begun;
			tq_come_back(queue, message, &how, &notify);
		}
		more = !hlist_empty(&holder->leases);
		mutex_unlock(&queue->rx.lock);
		tq_notify_deliver(queue, &notify);
		cond_resched();
	} while (more);
}

/**
 * tq_lease_not_alone - note that a receive has leased more than one message
 * @receiver: the receive
 *
 * If a receive leases one message, its delivery has begun.  If it leases
 * several, none has: see &struct tqueue_receive.
 *
 * Context: rx.lock held.
 */
void tq_lease_not_alone(const struct tq_receiver *receiver)
{
	struct tq_message *message;

	message = tq_lease_find(receiver->file->queue, receiver->first_id,
				receiver->first_delivery);
	if (message)
		message->begun = false;
}

/**
 * tq_lease_find - find a delivery that is not over
 * @queue: the queue
 * @id: the id of the message
 * @delivery: the number of the delivery; 0 for any
 *
 * Context: rx.lock held.
 * Return: the leased message, or NULL.
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
 * tq_lease_missing - why a delivery was not found
 * @queue: the queue
 * @id: the id of the message
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
 * tq_lease_move - give a lease to another holder
 * @message: leased
 * @holder: the new holder
 *
 * Context: rx.lock held.
 */
void tq_lease_move(struct tq_message *message, struct tq_holder *holder)
{
	tq_lease_unlink(message);
	tq_lease_link(message, holder);
}

/* How many spares to try before allocating. */
#define TQ_SPARES_LOOK	4

/**
 * tq_spare_search - find a spare that is large enough
 * @file: the open file, whose first spare is too small
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
 * tq_spares_free - free the spares of a file
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
