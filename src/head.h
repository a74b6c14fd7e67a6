/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The receivers' side of a queue: what stands at its head, and taking it away.
 * Everything here needs receive_lock but for what is said.
 */
#ifndef TQ_HEAD_H
#define TQ_HEAD_H

#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include "message.h"
#include "tqueue.h"
#include "trace.h"

/* What a receive that made room owes others, once it is unlocked. */
#define TQ_OWES_NOTHING	0
#define TQ_OWES_LINE	0x1	/* the first in line fits: let it move up */
#define TQ_OWES_POLLERS	0x2	/* max_message fits again: that is an edge */
#define TQ_OWES_WAITERS	0x4	/* some wait for messages to be done */

void tq_pay_debt(struct tqueue *queue, unsigned int debt);

/* Whether something stands at the head of the ring. */
static inline bool tq_ring_ready(struct tqueue *queue)
{
	lockdep_assert_held(&queue->receive_lock);

	if (likely(queue->head != queue->tail_seen))
		return true;
	/* Pairs with tq_publish(): the record is complete. */
	queue->tail_seen = smp_load_acquire(&queue->tail);
	return queue->head != queue->tail_seen;
}

/* The length of the record at @position: loaded once, within what is there. */
static inline size_t tq_ring_length(const struct tqueue *queue,
				    unsigned long position)
{
	size_t length = READ_ONCE(tq_ring_at(&queue->ring, position)->length);

	return min_t(size_t, length, queue->tail_seen - position -
				     sizeof(struct tqueue_record));
}

/*
 * The detached message that is to be received before what stands at the head
 * of the ring, or NULL.
 */
static inline struct tq_message *tq_index_ready(struct tqueue *queue)
{
	struct tq_message *first;

	lockdep_assert_held(&queue->receive_lock);

	first = tq_index_first(&queue->index);
	if (likely(!first))
		return NULL;
	if (tq_ring_ready(queue) &&
	    tq_record_precedes(tq_ring_at(&queue->ring, queue->head),
			       &first->record))
		return NULL;
	return first;
}

/*
 * Make a detached message ready; from now on the index owns it.  What the index
 * holds counts for the queue's size: senders find that much less room from now
 * on, and the more so if it was not there.  Both locks; the caller wakes
 * receivers once they are dropped.
 */
static inline void tq_index_put(struct tqueue *queue,
				struct tq_message *message)
{
	unsigned long limit = queue->limit - tq_message_bytes(message);

	lockdep_assert_held(&queue->send_lock);
	lockdep_assert_held(&queue->receive_lock);

	tq_index_add(&queue->index, message);
	WRITE_ONCE(queue->indexed, queue->indexed + 1);
	WRITE_ONCE(queue->limit, limit);
	queue->limit_seen = limit;
}

/* Take a message out of the index; it still counts for the size. */
static inline void tq_index_del(struct tqueue *queue,
				struct tq_message *message)
{
	lockdep_assert_held(&queue->receive_lock);

	rb_erase_cached(&message->node, &queue->index);
	WRITE_ONCE(queue->indexed, queue->indexed - 1);
}

/*
 * @count messages of @freed bytes left the queue: let senders have their room.
 * Returns what others are owed.
 *
 * The edge between "a message of max_message does not fit" and "it fits" must
 * be crossed by exactly one of several receivers.  So it is looked for with
 * receive_lock held: the limits and tails that they compare grow in step.
 */
static __always_inline unsigned int
tq_raise_limit(struct tqueue *queue, unsigned long freed, unsigned int count)
{
	unsigned long limit = queue->limit + freed;
	unsigned int debt = TQ_OWES_NOTHING;
	unsigned long need, tail, most;
	bool waiters;

	lockdep_assert_held(&queue->receive_lock);

	WRITE_ONCE(queue->taken, queue->taken + count);
	trace_tqueue_receive(queue, count, freed);
	/* Release: the copy is done before senders write there. */
	smp_store_release(&queue->limit, limit);
	/* Publish, barrier, look who waits: see wake.h. */
	smp_mb();
	/* Pairs with tq_admit(): no line, then the tail it left. */
	need = smp_load_acquire(&queue->need);
	/* After the barrier. */
	waiters = waitqueue_active(&queue->done);
	/* After the barrier. */
	if (likely(!need && !waiters && !waitqueue_active(&queue->poll_out) &&
		   !READ_ONCE(queue->fasync_out)))
		return TQ_OWES_NOTHING;

	if (waiters)
		debt |= TQ_OWES_WAITERS;
	tail = READ_ONCE(queue->tail);
	if (need) {
		if (tq_fits(limit, tail, need))
			debt |= TQ_OWES_LINE;
		return debt;
	}
	most = tq_record_bytes(READ_ONCE(queue->max_message));
	if (tq_fits(limit, tail, most) && !tq_fits(limit - freed, tail, most))
		debt |= TQ_OWES_POLLERS;
	return debt;
}

/* With no lock held. */
static inline void tq_settle_debt(struct tqueue *queue, unsigned int debt)
{
	if (unlikely(debt))
		tq_pay_debt(queue, debt);
}

#endif /* TQ_HEAD_H */
