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
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	unsigned long bytes;

	/* The usual case: one message goes for one that comes. */
	bytes = tq_record_bytes(tq_store_length(store, cursor->pos));
	*count = 1;
	if (bytes < need || unlikely(cursor->detached))
		bytes = tq_store_run(store, cursor, need, ULONG_MAX, most,
				     count);
	/* Counted before the room is published. */
	if (unlikely(READ_ONCE(queue->tx.empties) != rx->empties ||
		     trace_tqueue_drop_enabled()))
		WRITE_ONCE(rx->empties,
			   rx->empties + tq_drop_survey(queue, *count));
	return tq_store_advance(store, bytes);
}

/*
 * Part of what the queue holds is outside the ring.  Drop the message that has
 * to go before any in the ring: a buried one, or the oldest ready one of the
 * lowest priority.  Returns 1, or 0 if there is none, or TQ_ROOM_BESIDE if
 * nothing has to go.  Sets the cursor, which is at the head of the ring, to the
 * detached message that comes next.
 */
static noinline int tq_drop_beside(struct tqueue *queue, unsigned long bytes,
				   struct tq_cursor *cursor,
				   struct tq_notify *notify)
{
	struct tq_store *store = &queue->rx.store;
	struct tq_message *message;

	if (tq_fits_beside(queue, bytes))
		return TQ_ROOM_BESIDE;
	message = tq_store_first_buried(store);
	if (!message) {
		cursor->detached = tq_store_oldest_last(store);
		message = tq_store_detached(store, cursor);
	}
	if (!message)
		return 0;
	tq_seize(queue, message);
	tq_drop(queue, message, notify);
	return 1;
}

/*
 * Drop the oldest buried message or, if there is none, the oldest ready
 * messages of the lowest priority.  Stops when @bytes fit, or when *@left
 * messages are gone.  Returns 0, -ENOBUFS if there is nothing to drop, or
 * TQ_ROOM_BESIDE.
 */
static int tq_drop_oldest(struct tqueue *queue, unsigned long bytes, int *left,
			  struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	/*
	 * Where the ring has voids, it is enough if the message fits beside it.
	 */
	unsigned long need = bytes - (rx->limit + store->void_bytes -
				      queue->tx.pos);
	struct tq_cursor cursor __uninitialized;
	unsigned long freed;
	int count, ret;

	tq_store_refresh(store);
	cursor.pos = store->pos;
	cursor.detached = NULL;
	if (unlikely(rx->buried.count | store->ready_count |
		     store->void_bytes)) {
		ret = tq_drop_beside(queue, bytes, &cursor, notify);
		if (ret) {
			*left -= TQ_DETACHED_RECORDS;
			return min(ret, 0);
		}
	}
	if (cursor.pos == store->end)
		return -ENOBUFS;
	freed = tq_drop_run(queue, &cursor, need, *left, &count);
	*left -= count;
	WRITE_ONCE(rx->limit, rx->limit + freed);
	tq_counter_add(&rx->gone, count);
	tq_counter_add(&rx->dropped, count);
	return 0;
}

/**
 * tq_drop_for - make room by dropping the oldest messages
 * @queue: the queue
 * @bytes: how much room is needed, at most the size of the ring
 * @notify: collects the wake-ups
 *
 * Context: tx.lock held; takes rx.lock.
 * Return: 0 if there is room now; %TQ_ROOM_BESIDE if there is room, but not in
 * the ring (see tq_room_beside()); -EAGAIN after one piece of work: the caller
 * unlocks before it calls again; -ENOBUFS if nothing more can be dropped.
 */
int tq_drop_for(struct tqueue *queue, unsigned long bytes,
		struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;
	int left = TQ_PIECE_RECORDS;
	int ret = 0;

	lockdep_assert_held(&queue->tx.lock);

	mutex_lock(&rx->lock);
	while (!ret && !tq_fits(rx->limit, queue->tx.pos, bytes)) {
		if (left <= 0)
			ret = -EAGAIN;
		else
			ret = tq_drop_oldest(queue, bytes, &left, notify);
	}
	queue->tx.limit_cached = rx->limit;
	notify->events |= tq_settled_changed(queue);
	mutex_unlock(&rx->lock);
	return ret;
}
