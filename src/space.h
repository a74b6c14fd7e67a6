/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much a queue may hold: what messages count for, wherever they stand.
 *
 * tx.pos may grow up to rx.limit.  A message in the ring counts by the way that
 * tx.pos has gone for it; a detached one that is ready counts by a lower rx.limit.
 * A message that is taken raises rx.limit again by what it counted for.
 */
#ifndef TQ_SPACE_H
#define TQ_SPACE_H

#include <linux/mutex.h>
#include <linux/wait.h>

#include "notify.h"
#include "tqueue.h"
#include "trace.h"

/* Whether @bytes more fit before @limit, which may lie before @pos. */
static inline bool tq_fits(unsigned long limit, unsigned long pos,
			   unsigned long bytes)
{
	return (long)(limit - pos) >= (long)bytes;
}

/*
 * Whether @bytes more fit.  With tx.lock held.  A refusal has passed the barrier
 * that pollers and blocked senders rely on: see wait.h.
 */
static inline bool tq_has_room(struct tqueue *queue, unsigned long bytes)
{
	struct tq_tx *tx = &queue->tx;

	lockdep_assert_held(&tx->lock);

	if (likely(tq_fits(tx->limit_cached, tx->pos, bytes)))
		return true;
	/* Pairs with tq_release_space(): see wait.h. */
	smp_mb();
	/* Pairs with the release of rx.limit: the ring there was read. */
	tx->limit_cached = smp_load_acquire(&queue->rx.limit);
	return tq_fits(tx->limit_cached, tx->pos, bytes);
}

/* What is ready, in the ring and out of it.  Both locks held. */
static inline unsigned long tq_queue_bytes(const struct tqueue *queue)
{
	return queue->tx.pos - (queue->rx.limit - queue->ring.size);
}

/* A detached message becomes ready: senders find that much less room. */
static inline void tq_claim_space(struct tqueue *queue, unsigned long bytes)
{
	unsigned long limit = queue->rx.limit - bytes;

	tq_assert_both_held(queue);

	WRITE_ONCE(queue->rx.limit, limit);
	queue->tx.limit_cached = limit;
}

unsigned int tq_released(struct tqueue *queue, unsigned long limit,
			 unsigned long freed, unsigned long need);

/*
 * @count messages left: senders may have their room, @freed bytes.  With rx.lock
 * held, after the store has let them go.  Returns what there is to notify others
 * of: TQ_NOTIFY_*.
 *
 * The edge between "a message of max_message does not fit" and "it fits" must
 * be crossed by exactly one of several receivers.  So it is looked for with
 * rx.lock held: the limits and positions that they compare grow in step.
 */
static __always_inline unsigned int
tq_release_space(struct tqueue *queue, unsigned long freed, unsigned int count)
{
	struct tq_rx *rx = &queue->rx;
	unsigned long limit = rx->limit + freed;
	unsigned long need;

	lockdep_assert_held(&rx->lock);

	tq_counter_add(&rx->gone, count);
	trace_tqueue_receive(queue, count, freed);
	/* Release: the copy is done before senders write there. */
	smp_store_release(&rx->limit, limit);
	/* Publish, barrier, look who waits: see wait.h. */
	smp_mb();
	/* Pairs with tq_senders_changed(): none is blocked, then tx.pos. */
	need = smp_load_acquire(&queue->tx.need);
	if (unlikely(need || rx->attention ||
		     /* After the barrier. */
		     waitqueue_active(&queue->waiters.poll)))
		return tq_released(queue, limit, freed, need);
	return 0;
}

#endif /* TQ_SPACE_H */
