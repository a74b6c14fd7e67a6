// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a receive that made room has to look at when it is not alone: see space.h.
 */
#include "notify.h"
#include "settled.h"
#include "space.h"
#include "tqueue.h"
#include "wait.h"

/**
 * tq_room_beside - whether a message that the ring has no room for fits all the same
 * @queue: the queue
 * @bytes: of the message, which then stays detached
 *
 * A message that was taken out of the middle of the ring leaves a void, which takes
 * up room in the ring until what stands before it has gone.
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

/**
 * tq_released - see whom the room that was made concerns
 * @queue: the queue
 * @limit: what rx.limit is now
 * @freed: by how much it has risen
 * @need: what tx.need was after that
 *
 * Context: rx.lock held, past the barrier of tq_release_space().
 * Return: TQ_NOTIFY_*.
 */
unsigned int tq_released(struct tqueue *queue, unsigned long limit,
			 unsigned long freed, unsigned long need)
{
	unsigned int events = tq_settled_changed(queue);
	unsigned long pos, most;

	/* Beside the ring, voids in it count for nothing. */
	limit += queue->rx.store.void_bytes;

	/* Those who poll for the end alone sleep while messages are there. */
	if (queue->rx.attention & TQ_ATTENTION_ENDING &&
	    tq_nothing_ready(queue))
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
