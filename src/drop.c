// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dropping the oldest messages.
 */
#include <linux/mutex.h>

#include "compat.h"
#include "drop.h"
#include "notify.h"
#include "settled.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"

/*
 * Trace the next @count records, which will be dropped.  Returns how many are
 * empty.
 */
static u32 tq_drop_survey(struct tqueue *queue, int count)
{
	const struct tq_store *store = &queue->rx.store;
	unsigned long pos = store->pos;
	u32 empties = 0;

	for (; count; count--) {
		size_t length = tq_store_length(store, pos);

		trace_tqueue_drop(queue, tq_store_at(store, pos)->id);
		empties += !length;
		pos += tq_record_bytes(length);
	}
	return empties;
}

/*
 * Drop records from the head of the ring until @need bytes are gone, but at
 * most @most records and none after the cursor's detached message.  Returns the
 * room that this makes, and the number of records in *@count.
 */
static unsigned long tq_drop_run(struct tqueue *queue,
				 const struct tq_cursor *cursor,
				 unsigned long need, int most, int *count)
{
	struct tq_store *store = &queue->rx.store;
	unsigned long bytes;

	/* The usual case: one old message makes room for one new message. */
	bytes = tq_record_bytes(tq_store_length(store, cursor->pos));
	*count = 1;
	if (bytes < need || unlikely(cursor->detached))
		bytes = tq_store_run(store, cursor, need, ULONG_MAX, most,
				     count);
	/* Count empty messages before their room is released. */
	if (unlikely(tq_empties(queue) || trace_tqueue_drop_enabled()))
		tq_empties_leave(queue, tq_drop_survey(queue, *count));
	return tq_store_advance(store, bytes);
}

/*
 * Drop the detached message that must be dropped before any record of the ring:
 * a buried one, or the oldest ready one of the lowest priority.  If there is
 * none, returns false, with cursor->detached set for tq_drop_run().
 */
static noinline bool tq_drop_detached(struct tqueue *queue,
				      struct tq_cursor *cursor,
				      struct tq_notify *notify)
{
	struct tq_store *store = &queue->rx.store;
	struct tq_message *message = tq_store_first_buried(store);

	if (!message) {
		cursor->detached = tq_store_oldest_last(store);
		message = tq_store_detached(store, cursor);
	}
	if (!message)
		return false;
	tq_seize(queue, message);
	tq_drop(queue, message, notify);
	return true;
}

/*
 * Drop the oldest buried message.  If there is none, drop the oldest ready
 * messages of the lowest priority until @bytes fit into the ring, but at most
 * @most messages.  Returns the work done, counted in records; 0 if there was
 * nothing to drop.
 */
static int tq_drop_oldest(struct tqueue *queue, unsigned long bytes, int most,
			  struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	/* If the ring has voids, it is enough that a detached message fits. */
	unsigned long need = bytes - (rx->limit + store->void_bytes -
				      queue->tx.pos);
	struct tq_cursor cursor __uninitialized;
	unsigned long freed;
	int count;

	tq_store_refresh(store);
	cursor.pos = store->pos;
	cursor.detached = NULL;
	if (unlikely(rx->buried.count | store->ready_count) &&
	    tq_drop_detached(queue, &cursor, notify))
		return TQ_DETACHED_RECORDS;
	if (cursor.pos == store->end)
		return 0;
	freed = tq_drop_run(queue, &cursor, need, most, &count);
	WRITE_ONCE(rx->limit, rx->limit + freed);
	tq_counter_add(&rx->gone, count);
	tq_counter_add(&rx->dropped, count);
	return count;
}

/*
 * Whether @bytes fit once everything is dropped that may be.  Without this
 * check a send that is refused could drop messages for nothing.
 */
static bool tq_room_in_the_end(const struct tqueue *queue, unsigned long bytes)
{
	const struct tq_rx *rx = &queue->rx;

	if (likely(!(rx->leased.bytes | rx->delayed.bytes)))
		return true;
	return tq_fits(queue->ring.size, rx->leased.bytes + rx->delayed.bytes,
		       bytes);
}

/**
 * tq_drop_for - make room by dropping the oldest messages
 * @queue: the queue
 * @bytes: how much room is needed, at most the size of the ring
 * @notify: collects the wake-ups
 *
 * Context: tx.lock held; takes rx.lock.
 * Return: 0 if there is room now; %TQ_ROOM_DETACHED if there is room for a
 * detached message only; -EAGAIN after one piece of work: the caller unlocks
 * before it calls again; -ENOBUFS if there would be too little room without all
 * messages that may be dropped.
 */
int tq_drop_for(struct tqueue *queue, unsigned long bytes,
		struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;
	int left = TQ_PIECE_RECORDS;
	int count;
	int ret;

	lockdep_assert_held(&queue->tx.lock);

	mutex_lock(&rx->lock);
	ret = tq_room_in_the_end(queue, bytes) ? 0 : -ENOBUFS;
	while (!ret && !tq_fits(rx->limit, queue->tx.pos, bytes)) {
		if (tq_fits_detached(queue, bytes)) {
			ret = TQ_ROOM_DETACHED;
		} else if (left <= 0) {
			ret = -EAGAIN;
		} else {
			count = tq_drop_oldest(queue, bytes, left, notify);
			left -= count;
			if (!count)
				ret = -ENOBUFS;
		}
	}
	queue->tx.limit_cached = rx->limit;
	notify->events |= tq_settled_changed(queue);
	mutex_unlock(&rx->lock);
	return ret;
}
