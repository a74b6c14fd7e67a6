/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The room that receivers make, and who is to learn of it: the line of senders,
 * pollers, and those who wait for messages to be done.  They are looked for with
 * receive_lock held, and told once it is dropped.
 */
#ifndef TQ_ROOM_H
#define TQ_ROOM_H

#include <linux/mutex.h>
#include <linux/wait.h>

#include "tqueue.h"
#include "trace.h"

/* What a receive that made room owes others, once it is unlocked. */
#define TQ_OWES_NOTHING	0
#define TQ_OWES_LINE	0x1	/* the first in line fits: let it move up */
#define TQ_OWES_POLLERS	0x2	/* max_message fits again: that is an edge */
#define TQ_OWES_WAITERS	0x4	/* some wait for messages to be done */
#define TQ_OWES_END	0x8	/* it was the last: that may be the end */

void tq_pay_debt(struct tqueue *queue, unsigned int debt);

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
	/* Who polls for the end alone may sleep while messages are there. */
	if (tq_ending(queue) && tq_queue_empty(queue))
		debt |= TQ_OWES_END;
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

#endif /* TQ_ROOM_H */
