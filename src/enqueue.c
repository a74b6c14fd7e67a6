// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a message that is in kernel memory gets into its queue.
 */
#include <linux/mutex.h>

#include "clock.h"
#include "due.h"
#include "enqueue.h"
#include "message.h"
#include "notify.h"
#include "send.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"
#include "unique.h"

/*
 * A message of so many bytes that was copied already is not copied into the ring
 * as well: it costs less to make it ready as it is, detached.
 */
#define TQ_KEEP_DETACHED PAGE_SIZE

/**
 * tq_key_refuses - whether a message cannot be sent since another has its key
 * @queue: the queue
 * @message: unsent
 * @id: filled with the id of the other one
 *
 * Asked before room is made, or waited for, which would be in vain.
 *
 * Context: tx.lock held; may take rx.lock.
 * Return: 0 or -EEXIST.
 */
int tq_key_refuses(struct tqueue *queue, const struct tq_message *message,
		   u64 *id)
{
	struct tq_message *other;

	lockdep_assert_held(&queue->tx.lock);

	if (likely(!message->key))
		return 0;
	mutex_lock(&queue->rx.lock);
	other = tq_key_taken(queue, message);
	if (other)
		*id = other->record.id;
	mutex_unlock(&queue->rx.lock);
	return other ? -EEXIST : 0;
}

/* Whether a message cannot go into the ring, where all are ready and alike. */
static bool tq_message_special(const struct tq_message *message)
{
	return message->record.priority || message->key || message->when;
}

/*
 * It may have waited for room.  It is sent when it gets its place: so the times of
 * sending are in the order of the ring.
 */
static void tq_sent_now(struct tq_message *message)
{
	message->record.sent_ns = tq_coarse_boottime();
}

/* Make a message ready, or delay it.  Both locks held. */
static void tq_put_detached(struct tqueue *queue, struct tq_message *message,
			    struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;

	if (unlikely(message->when)) {
		tq_flights_begin(rx);
		tq_store_track(&rx->store, message);
		tq_counter_add(&rx->gone, 1);
		tq_place_delayed(queue, message, message->when);
		return;
	}
	if (message->key)
		tq_key_insert(&rx->store, message->key);
	tq_notify_add(notify, message);
	tq_store_put(&rx->store, message);
	tq_due_add_age(queue, message);
}

/**
 * tq_enqueue_detached - make a detached message ready as it is, or delay it
 * @queue: the queue
 * @message: unsent; *@message is NULL once the store owns it
 * @id: filled with its id; with -EEXIST, that of the one that has its key
 * @notify: what others are to be notified of is added
 *
 * Context: Process context, tx.lock held; takes rx.lock.
 * Return: 0; -EEXIST, and nothing was done.
 */
int tq_enqueue_detached(struct tqueue *queue, struct tq_message **message,
			u64 *id, struct tq_notify *notify)
{
	struct tq_message *other;

	mutex_lock(&queue->rx.lock);
	other = tq_key_taken(queue, *message);
	if (unlikely(other)) {
		*id = other->record.id;
		mutex_unlock(&queue->rx.lock);
		return -EEXIST;
	}
	*id = tq_alloc_ids(queue, 1);
	(*message)->record.id = *id;
	tq_sent_now(*message);
	tq_claim_space(queue, tq_message_bytes(*message));
	tq_put_detached(queue, *message, notify);
	mutex_unlock(&queue->rx.lock);
	*message = NULL;
	return 0;
}

/**
 * tq_enqueue - send a message, for which there is room
 * @queue: the queue
 * @message: unsent.  It is copied into the ring, and stays the caller's to free;
 *	or the store owns it now, and *@message is NULL.
 * @id: as of tq_enqueue_detached()
 * @notify: what others are to be notified of is added
 *
 * Context: Process context, tx.lock held; may take rx.lock.
 * Return: 0; -EEXIST, and nothing was done.
 */
int tq_enqueue(struct tqueue *queue, struct tq_message **message, u64 *id,
	       struct tq_notify *notify)
{
	struct tqueue_record *from = &(*message)->record;
	unsigned long bytes = tq_message_bytes(*message);
	struct tq_tx *tx = &queue->tx;
	struct tqueue_record *record;

	if (bytes >= TQ_KEEP_DETACHED || tq_message_special(*message) ||
	    !tq_has_room(queue, bytes))
		return tq_enqueue_detached(queue, message, id, notify);
	*id = tq_alloc_ids(queue, 1);
	tq_sent_now(*message);
	record = tq_ring_at(&queue->ring, tx->pos);
	*record = *from;
	record->id = *id;
	memcpy(record->payload, from->payload, bytes - sizeof(*record));
	if (!from->length)
		WRITE_ONCE(tx->empties, tx->empties + 1);
	tq_notify_add(notify, *message);
	tq_publish(queue, bytes);
	return 0;
}
