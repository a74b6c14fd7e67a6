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

/* How many leases come back while the lock is held once. */
#define TQ_LEASES_PIECE	64

/**
 * tq_holder_init - somebody who holds no lease yet
 * @holder: what to fill
 * @over: whom to wake when a lease ends that others settled, or NULL
 *
 * Context: Any.
 */
void tq_holder_init(struct tq_holder *holder, struct wait_queue_head *over)
{
	INIT_LIST_HEAD(&holder->leases);
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
	if (list_empty_careful(&holder->leases))
		return;
	do {
		struct tq_notify notify = {};

		mutex_lock(&queue->rx.lock);
		for (n = 0; n < TQ_LEASES_PIECE; n++) {
			message = list_first_entry_or_null(&holder->leases,
							   struct tq_message,
							   lease);
			if (!message)
				break;
			tq_seize(queue, message);
			tq_counter_add(&queue->rx.ever_requeued, 1);
			how.counted = message->started;
			tq_come_back(queue, message, &how, &notify);
		}
		more = !list_empty(&holder->leases);
		mutex_unlock(&queue->rx.lock);
		tq_notify_deliver(queue, &notify);
		cond_resched();
	} while (more);
}

/**
 * tq_lease_received - a receive has leased a message
 * @receiver: the receive, before it counts the message
 * @message: the message
 *
 * The delivery of a message that is leased alone has begun.  Of those that are
 * leased together none has: see &struct tqueue_receive.
 *
 * Context: rx.lock held.
 */
void tq_lease_received(struct tq_receiver *receiver, struct tq_message *message)
{
	struct tqueue *queue = receiver->file->queue;

	if (!receiver->got) {
		message->started = true;
		receiver->first_id = message->record.id;
		receiver->first_delivery = message->record.delivery;
	} else if (receiver->got == 1) {
		message = tq_lease_find(queue, receiver->first_id,
					receiver->first_delivery);
		if (message)
			message->started = false;
	}
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
 * tq_acknowledge - a leased message is done
 * @file: the open file through which that is said; it keeps the memory
 * @message: the message
 * @garbage: a list by @next, to which it is added if its memory is not kept
 *
 * Context: Process context, rx.lock held.
 * Return: TQ_NOTIFY_*.
 */
unsigned int tq_acknowledge(struct tq_file *file, struct tq_message *message,
			    struct tq_message **garbage)
{
	struct tqueue *queue = file->queue;
	unsigned int events;

	tq_seize(queue, message);
	tq_counter_add(&queue->rx.ever_acknowledged, 1);
	trace_tqueue_settle(queue, message->record.id, message->record.delivery,
			    TQUEUE_ACKNOWLEDGE, TQUEUE_RESULT_DONE);
	events = tq_finish(queue, message);
	if (!tq_spare_put(file, message)) {
		message->next = *garbage;
		*garbage = message;
	}
	return events;
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
	tq_lease_over(message);
	message->holder = holder;
	list_add_tail(&message->lease, &holder->leases);
}

/**
 * tq_spare_get - memory for a message, of what a file has kept
 * @file: the open file
 * @length: payload bytes
 *
 * Context: rx.lock held.
 * Return: the memory, as from tq_message_alloc() but for the padding; or NULL.
 */
struct tq_message *tq_spare_get(struct tq_file *file, size_t length)
{
	struct tq_message *message = file->spares;

	if (!message || message->capacity < length)
		return NULL;
	file->spares = message->next;
	file->spare_count--;
	tq_message_init(message);
	return message;
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
