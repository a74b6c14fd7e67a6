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

/* Of @count records that are to be dropped: trace them, count the empty ones. */
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
 * Drop the first records of the ring: those before the cursor's detached message,
 * until @need bytes have gone, at most @most.  Returns the room that this makes,
 * in *@count how many there were.
 */
static unsigned long tq_drop_run(struct tqueue *queue,
				 const struct tq_cursor *cursor,
				 unsigned long need, int most, int *count)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	unsigned long bytes;

	/* Most often one goes for one that comes. */
	bytes = tq_record_bytes(tq_store_length(store, cursor->pos));
	*count = 1;
	if (bytes < need || unlikely(cursor->detached))
		bytes = tq_store_run(store, cursor, need, ULONG_MAX, most,
				     count);
	/* They are counted before they are published. */
	if (unlikely(READ_ONCE(queue->tx.empties) != rx->empties ||
		     trace_tqueue_drop_enabled()))
		WRITE_ONCE(rx->empties,
			   rx->empties + tq_drop_survey(queue, *count));
	return tq_store_advance(store, bytes);
}

/*
 * Not all that the queue holds stands in the ring.  Drop the message that goes before
 * any in the ring: a buried one, or the oldest that is ready and has the lowest
 * priority.  Returns 1; 0 if there is none; TQ_ROOM_BESIDE if none has to go.  The
 * cursor, at the head of the ring, learns which detached one comes next.
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
 * Drop buried messages, the oldest first, then the oldest of those that are ready and
 * have the lowest priority, until there is room for @bytes, or so many messages have
 * gone as are @left.  0; -ENOBUFS if there is none; TQ_ROOM_BESIDE.
 */
static int tq_drop_oldest(struct tqueue *queue, unsigned long bytes, int *left,
			  struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	/* Where there are voids, a message that fits beside the ring is enough. */
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
 * tq_drop_for - make room at the cost of the oldest messages
 * @queue: the queue
 * @bytes: how much is needed, at most what its ring can hold
 * @notify: what others are to be notified of is added
 *
 * Context: tx.lock held; takes rx.lock.
 * Return: 0 if there is room now; %TQ_ROOM_BESIDE if there is, but not in the ring:
 * see tq_room_beside(); -EAGAIN after one piece of work, and the
 * caller lets its lock go before the next; -ENOBUFS when nothing more can be
 * dropped.
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
