/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much a queue may hold.  docs/design.md explains it in full.
 *
 * tx.pos may grow up to rx.limit.  A message in the ring counts by the distance
 * that tx.pos moved for it.  A detached message that is ready, delayed, leased
 * or buried lowers rx.limit:
 *
 *	rx.limit = store.pos + ring.size - bytes of these detached messages
 *
 * So rx.limit stays the same when a message moves from the head of the ring
 * into a lease, or from one of these states to another.  It rises when a
 * message is received or settled.  A message in flight with a read() does not
 * count.  It needs room again if it comes back.
 */
#ifndef TQ_SPACE_H
#define TQ_SPACE_H

#include <linux/mutex.h>
#include <linux/wait.h>

#include "notify.h"
#include "tqueue.h"
#include "trace.h"

/* Whether @bytes fit between @pos and @limit.  @limit may be below @pos. */
static inline bool tq_fits(unsigned long limit, unsigned long pos,
			   unsigned long bytes)
{
	return (long)(limit - pos) >= (long)bytes;
}

/*
 * Whether @bytes fit, with tx.lock held.  A refusal has passed the barrier that
 * pollers and blocked senders need: see wait.h.
 */
static inline bool tq_has_room(struct tqueue *queue, unsigned long bytes)
{
	struct tq_tx *tx = &queue->tx;

	lockdep_assert_held(&tx->lock);

	if (likely(tq_fits(tx->limit_cached, tx->pos, bytes)))
		return true;
	/* Pairs with tq_release_room(): see wait.h. */
	smp_mb();
	/* Acquire: receivers have finished reading the room that is reused. */
	tx->limit_cached = smp_load_acquire(&queue->rx.limit);
	return tq_fits(tx->limit_cached, tx->pos, bytes);
}

/* The bytes of all messages, without voids.  Both locks held. */
static inline unsigned long tq_queue_bytes(const struct tqueue *queue)
{
	const struct tq_rx *rx = &queue->rx;

	return queue->tx.pos - (rx->limit - queue->ring.size) -
	       rx->store.void_bytes;
}

/* A detached message starts to count in the size.  Both locks held. */
static inline void tq_claim_space(struct tqueue *queue, unsigned long bytes)
{
	unsigned long limit = queue->rx.limit - bytes;

	tq_assert_both_held(queue);

	WRITE_ONCE(queue->rx.limit, limit);
	queue->tx.limit_cached = limit;
}

/*
 * Whether @bytes fit if the message stays detached.  Voids do not count then.
 * With rx.lock held.
 */
static inline bool tq_fits_detached(const struct tqueue *queue,
				    unsigned long bytes)
{
	const struct tq_rx *rx = &queue->rx;

	return unlikely(rx->store.void_bytes) &&
	       tq_fits(rx->limit + rx->store.void_bytes, queue->tx.pos, bytes);
}

bool tq_room_detached(struct tqueue *queue, unsigned long bytes);
unsigned int tq_released(struct tqueue *queue, unsigned long limit,
			 unsigned long freed, unsigned long need);

/*
 * Give back @freed bytes of room, with rx.lock held and after the store has let
 * the messages go.  Returns the wake-ups, TQ_NOTIFY_*.
 *
 * Exactly one of several receivers must find that a message of max_message fits
 * now and did not fit before.  So each compares the old limit with the new one
 * while it holds rx.lock.
 */
static __always_inline unsigned int
tq_release_room(struct tqueue *queue, unsigned long freed)
{
	struct tq_rx *rx = &queue->rx;
	unsigned long limit = rx->limit + freed;
	unsigned long need;

	lockdep_assert_held(&rx->lock);

	/*
	 * Release: the copy is finished before a sender overwrites the record.
	 */
	smp_store_release(&rx->limit, limit);
	/* Publish, barrier, look for waiters: see wait.h. */
	smp_mb();
	/* Pairs with tq_senders_changed(): load need before tx.pos. */
	need = smp_load_acquire(&queue->tx.need);
	if (unlikely(need || rx->attention ||
		     /* The barrier is above. */
		     waitqueue_active(&queue->waiters.poll)))
		return tq_released(queue, limit, freed, need);
	return 0;
}

/* The same after @count messages that were ready have left. */
static __always_inline unsigned int
tq_release_space(struct tqueue *queue, unsigned long freed, unsigned int count)
{
	tq_counter_add(&queue->rx.gone, count);
	trace_tqueue_receive(queue, count, freed);
	return tq_release_room(queue, freed);
}

/*
 * The first record of the ring was taken, which freed @freed bytes.  Its
 * detached copy counts from now on.  Returns TQ_NOTIFY_*.  With rx.lock held.
 */
static inline unsigned int tq_keep_space(struct tqueue *queue,
					 unsigned long freed,
					 const struct tq_message *message)
{
	tq_counter_add(&queue->rx.gone, 1);
	/* What is left is the room of voids that followed it. */
	freed -= tq_message_bytes(message);
	return unlikely(freed) ? tq_release_room(queue, freed) : 0;
}

/*
 * Take the record at the cursor out of the ring.  Its detached copy counts from
 * now on.  If the record is not the first one, its void counts as well until it
 * is reclaimed.  Both locks held.
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
