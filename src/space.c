// SPDX-License-Identifier: GPL-2.0-only
/*
 * What to do when room was made and somebody waits for it: see space.h.
 */
#include "notify.h"
#include "settled.h"
#include "space.h"
#include "tqueue.h"
#include "wait.h"

/**
 * tq_room_beside - whether a message fits the queue although the ring is full
 * @queue: the queue
 * @bytes: the size of the message, which will stay detached
 *
 * A message that was taken out of the middle of the ring leaves a void.  The
 * void takes up room in the ring, but not in the queue, until everything before
 * it has left.
 *
 * Context: tx.lock held; may take rx.lock.
 */
bool tq_room_beside(struct tqueue *queue, unsigned long bytes)
{
	struct tq_rx *rx = &queue->rx;
	bool ret;

	lockdep_assert_held(&queue->tx.lock);

	if (likely(!READ_ONCE(rx->store.void_bytes)))
		return false;
	mutex_lock(&rx->lock);
	ret = tq_fits_beside(queue, bytes);
	mutex_unlock(&rx->lock);
	return ret;
}

/*
 * Whether nothing is ready except, perhaps, empty messages.  With rx.lock held.
 */
static bool tq_perhaps_read_out(const struct tqueue *queue)
{
	return !queue->rx.store.ready_filled &&
	       (tq_ring_empty(queue) ||
		READ_ONCE(queue->tx.empties) != queue->rx.empties);
}

/**
 * tq_released - find out whom new room concerns
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

	/* A message that stays detached does not need the room of the voids. */
	limit += queue->rx.store.void_bytes;

	/* Pollers that wait for the end alone sleep through everything else. */
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
