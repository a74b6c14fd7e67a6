/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The senders' side of a queue: the room at its tail, and what they put there.
 * Everything here needs send_lock.
 */
#ifndef TQ_TAIL_H
#define TQ_TAIL_H

#include <linux/mutex.h>

#include "tqueue.h"
#include "trace.h"

/*
 * Whether @bytes fit at the tail.  A refusal has passed the barrier that
 * pollers and the line rely on: see wake.h.
 */
static inline bool tq_has_room(struct tqueue *queue, unsigned long bytes)
{
	lockdep_assert_held(&queue->send_lock);

	if (likely(tq_fits(queue->limit_seen, queue->tail, bytes)))
		return true;
	/* Pairs with tq_raise_limit(): see wake.h. */
	smp_mb();
	/* Pairs with the release of @limit: the ring there was read. */
	queue->limit_seen = smp_load_acquire(&queue->limit);
	return tq_fits(queue->limit_seen, queue->tail, bytes);
}

/* The next @count places in the order of the queue; returns the last. */
static inline u64 tq_next_ids(struct tqueue *queue, unsigned int count)
{
	lockdep_assert_held(&queue->send_lock);

	WRITE_ONCE(queue->last_id, queue->last_id + count);
	trace_tqueue_send(queue, count);
	return queue->last_id;
}

/* Let receivers see the records of @bytes that stand at the tail. */
static inline void tq_publish(struct tqueue *queue, unsigned long bytes)
{
	/* Release: the records are complete before receivers see them. */
	smp_store_release(&queue->tail, queue->tail + bytes);
}

#endif /* TQ_TAIL_H */
