// SPDX-License-Identifier: GPL-2.0-only
/*
 * Putting a message that is already in kernel memory into its queue.
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
 * A message of at least this many bytes stays detached.  That is cheaper than a
 * second copy into the ring.
 */
#define TQ_KEEP_DETACHED PAGE_SIZE

/**
 * tq_key_refuses - whether another message has the key of this one
 * @queue: the queue
 * @message: unsent
 * @id: filled with the id of the other message
 *
 * Called before room is made or awaited: both are useless if the key is taken.
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

/* Whether a message must stay out of the ring, where all messages are plain. */
static bool tq_message_special(const struct tq_message *message)
{
	return message->record.priority || message->key || message->when;
}

/*
 * Stamp a message with the time at which it gets its place, not at which it
 * began to wait for room.  So the times in the ring are in order.
 */
static void tq_sent_now(struct tq_message *message)
{
	message->record.sent_ns = tq_stamp_time();
}

/* Make a message ready or delayed.  Both locks held. */
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
 * tq_enqueue_detached - send a message that stays detached
 * @queue: the queue
 * @message: unsent; *@message is NULL once the store owns it
 * @id: filled with its id; with -EEXIST, with the id of the message that has
 *	its key
 * @notify: collects the wake-ups
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
 * tq_enqueue - send a message for which there is room
 * @queue: the queue
 * @message: unsent.  If the ring gets a copy, the message is still the caller's
 *	to free.  Otherwise the store owns it, and *@message is NULL.
 * @id: as in tq_enqueue_detached()
 * @notify: collects the wake-ups
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
		tq_empties_enter(queue, 1);
	tq_notify_add(notify, *message);
	tq_publish(queue, bytes);
	return 0;
}
