// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room for detached messages, and wake-ups for new room: see space.h.
 */
#include "notify.h"
#include "settled.h"
#include "space.h"
#include "tqueue.h"
#include "wait.h"

/**
 * tq_room_detached - whether a message fits if it stays detached
 * @queue: the queue
 * @bytes: the size of the message
 *
 * A message that was taken out of the middle of the ring leaves a void.  The
 * void takes up room in the ring, but not in the queue, until everything before
 * it has left.
 *
 * Context: tx.lock held; may take rx.lock.
 */
bool tq_room_detached(struct tqueue *queue, unsigned long bytes)
{
	struct tq_rx *rx = &queue->rx;
	bool ret;

	lockdep_assert_held(&queue->tx.lock);

	if (likely(!READ_ONCE(rx->store.void_bytes)))
		return false;
	mutex_lock(&rx->lock);
	ret = tq_fits_detached(queue, bytes);
	mutex_unlock(&rx->lock);
	return ret;
}

/*
 * Whether nothing is ready except, perhaps, empty messages.  With rx.lock held.
 */
static bool tq_perhaps_read_out(const struct tqueue *queue)
{
	return !queue->rx.store.ready_filled &&
	       (tq_ring_empty(queue) || tq_empties(queue));
}

/**
 * tq_released - choose which waiters to wake for new room
 * @queue: the queue
 * @limit: the new value of rx.limit
 * @freed: by how much it has risen
 * @need: the value of tx.need after that
 *
 * Context: rx.lock held, after the barrier of tq_release_room().
 * Return: TQ_NOTIFY_*.
 */
unsigned int tq_released(struct tqueue *queue, unsigned long limit,
			 unsigned long freed, unsigned long need)
{
	unsigned int events = tq_settled_changed(queue);
	unsigned long pos, most;

	/* A message that stays detached can use the room of voids, too. */
	limit += queue->rx.store.void_bytes;

	/* Pollers for the end of file alone sleep until it may have come. */
	if (queue->rx.attention & TQ_ATTENTION_ENDING &&
	    tq_perhaps_read_out(queue))
		events |= TQ_NOTIFY_ENDED;
	pos = READ_ONCE(queue->tx.pos);
	if (need) {
		if (tq_fits(limit, pos, need))
			events |= TQ_NOTIFY_ADMIT;
		return events;
	}
	most = tq_record_bytes(READ_ONCE(queue->policy.max_message));
	if (tq_fits(limit, pos, most) && !tq_fits(limit - freed, pos, most))
		events |= TQ_NOTIFY_WRITABLE;
	return events;
}
