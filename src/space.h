/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much a queue may hold: what messages count for, wherever they stand.
 *
 * tx.pos may grow up to rx.limit.  A message in the ring counts by the way that
 * tx.pos has gone for it; a detached one that is ready, delayed, leased or buried
 * counts by a lower rx.limit:
 *
 *	rx.limit = store.pos + ring.size - bytes of those detached ones
 *
 * So a message that goes from the head of the ring into a lease leaves rx.limit as
 * it is, and so does one that goes from one of these states to another.  A message
 * that is received or settled raises rx.limit by what it counted for.  One in
 * flight with a read() counts for nothing: it needs room again if it comes back.
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

/* What all messages count for, and voids do not.  Both locks held. */
static inline unsigned long tq_queue_bytes(const struct tqueue *queue)
{
	const struct tq_rx *rx = &queue->rx;

	return queue->tx.pos - (rx->limit - queue->ring.size) -
	       rx->store.void_bytes;
}

/* A detached message becomes ready: senders find that much less room. */
static inline void tq_claim_space(struct tqueue *queue, unsigned long bytes)
{
	unsigned long limit = queue->rx.limit - bytes;

	tq_assert_both_held(queue);

	WRITE_ONCE(queue->rx.limit, limit);
	queue->tx.limit_cached = limit;
}

/*
 * Whether @bytes more fit beside the ring: there, the voids in it count for nothing.
 * With rx.lock held.
 */
static inline bool tq_fits_beside(const struct tqueue *queue,
				  unsigned long bytes)
{
	const struct tq_rx *rx = &queue->rx;

	return unlikely(rx->store.void_bytes) &&
	       tq_fits(rx->limit + rx->store.void_bytes, queue->tx.pos, bytes);
}

bool tq_room_beside(struct tqueue *queue, unsigned long bytes);
unsigned int tq_released(struct tqueue *queue, unsigned long limit,
			 unsigned long freed, unsigned long need);

/*
 * Senders may have room, @freed bytes of messages that are over.  With rx.lock
 * held, after the store has let them go.  Returns what there is to notify others
 * of: TQ_NOTIFY_*.
 *
 * The edge between "a message of max_message does not fit" and "it fits" must
 * be crossed by exactly one of several receivers.  So it is looked for with
 * rx.lock held: the limits and positions that they compare grow in step.
 */
static __always_inline unsigned int
tq_release_room(struct tqueue *queue, unsigned long freed)
{
	struct tq_rx *rx = &queue->rx;
	unsigned long limit = rx->limit + freed;
	unsigned long need;

	lockdep_assert_held(&rx->lock);

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

/* The same, and @count messages left that were ready. */
static __always_inline unsigned int
tq_release_space(struct tqueue *queue, unsigned long freed, unsigned int count)
{
	tq_counter_add(&queue->rx.gone, count);
	trace_tqueue_receive(queue, count, freed);
	return tq_release_room(queue, freed);
}

/*
 * The first record of the ring was taken, which made @freed bytes of room; its
 * detached copy counts for it from now on.  With rx.lock held.  Returns TQ_NOTIFY_*.
 */
static inline unsigned int tq_keep_space(struct tqueue *queue,
					 unsigned long freed,
					 const struct tq_message *message)
{
	tq_counter_add(&queue->rx.gone, 1);
	/* There were voids after it. */
	freed -= tq_message_bytes(message);
	return unlikely(freed) ? tq_release_room(queue, freed) : 0;
}

/*
 * A detached copy counts from now on for the record in the ring at the cursor, which
 * is taken.  In the middle of the ring it counts as well until its void is passed.
 * Both locks held.
 */
static inline void tq_detach_space(struct tqueue *queue,
				   const struct tq_cursor *cursor,
				   struct tq_notify *notify)
{
	struct tq_store *store = &queue->rx.store;
	unsigned long bytes =
		tq_record_bytes(tq_store_length(store, cursor->pos));

	tq_claim_space(queue, bytes);
	bytes = tq_store_take(store, cursor);
	if (bytes)
		notify->events |= tq_release_room(queue, bytes);
}

#endif /* TQ_SPACE_H */
