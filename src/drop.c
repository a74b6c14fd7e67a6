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

	bytes = tq_store_run(store, cursor, need, ULONG_MAX, most, count);
	/* They are counted before they are published. */
	if (unlikely(READ_ONCE(queue->tx.empties) != rx->empties ||
		     trace_tqueue_drop_enabled()))
		WRITE_ONCE(rx->empties,
			   rx->empties + tq_drop_survey(queue, *count));
	return tq_store_advance(store, bytes);
}

/*
 * Of the messages beside the ring, the one that is dropped before any in it: a buried
 * one, or the oldest that is ready and has the lowest priority; or NULL.  @cursor is
 * at the head of the ring, and learns which detached one comes next.
 */
static noinline struct tq_message *tq_drop_beside(struct tqueue *queue,
						  struct tq_cursor *cursor)
{
	struct tq_store *store = &queue->rx.store;

	if (queue->rx.buried.count)
		return tq_store_first_buried(store);
	cursor->detached = tq_store_oldest_last(store);
	return tq_store_detached(store, cursor);
}

static noinline void tq_drop_message(struct tqueue *queue,
				     struct tq_message *message,
				     struct tq_notify *notify)
{
	tq_seize(queue, message);
	trace_tqueue_drop(queue, message->record.id);
	tq_counter_add(&queue->rx.dropped, 1);
	notify->events |= tq_finish(queue, message);
	tq_notify_free(notify, message);
}

/*
 * Drop buried messages, the oldest first, then the oldest of those that are ready and
 * have the lowest priority, until @need bytes have gone or so many messages as are
 * @left.  Returns whether there were any.
 */
static bool tq_drop_oldest(struct tqueue *queue, unsigned long need, int *left,
			   struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	struct tq_message *message;
	struct tq_cursor cursor __uninitialized;
	unsigned long bytes;
	int count __uninitialized;

	tq_store_refresh(store);
	cursor.pos = store->pos;
	cursor.detached = NULL;
	if (unlikely(rx->buried.count | store->ready_count)) {
		message = tq_drop_beside(queue, &cursor);
		if (message) {
			tq_drop_message(queue, message, notify);
			*left -= TQ_DETACHED_RECORDS;
			return true;
		}
	}
	if (cursor.pos == store->end)
		return false;
	bytes = tq_drop_run(queue, &cursor, need, *left, &count);
	*left -= count;
	WRITE_ONCE(rx->limit, rx->limit + bytes);
	tq_counter_add(&rx->gone, count);
	tq_counter_add(&rx->dropped, count);
	return true;
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
		unsigned long need = bytes - (rx->limit - queue->tx.pos);

		if (tq_fits_beside(queue, bytes))
			ret = TQ_ROOM_BESIDE;
		else if (left <= 0)
			ret = -EAGAIN;
		else if (!tq_drop_oldest(queue, need, &left, notify))
			ret = -ENOBUFS;
	}
	queue->tx.limit_cached = rx->limit;
	notify->events |= tq_settled_changed(queue);
	mutex_unlock(&rx->lock);
	return ret;
}
