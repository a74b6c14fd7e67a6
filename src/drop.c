// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dropping the oldest messages.
 */
#include <linux/mutex.h>

#include "drop.h"
#include "notify.h"
#include "settled.h"
#include "space.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"

/* Drop the oldest of what may be dropped; false if there is none. */
static bool tq_drop_oldest(struct tqueue *queue, struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	struct tq_cursor cursor;
	struct tq_message *message;
	unsigned long bytes;
	u64 id;

	/* All have the same priority, so the first is the oldest. */
	tq_store_begin(store, &cursor);
	if (tq_store_at_end(store, &cursor))
		return false;
	message = tq_store_detached(store, &cursor);
	if (message) {
		id = message->record.id;
	} else {
		id = tq_store_at(store, cursor.pos)->id;
		if (!tq_store_length(store, cursor.pos))
			WRITE_ONCE(rx->empties, rx->empties + 1);
	}
	bytes = tq_store_take(store, &cursor);
	if (message) {
		tq_store_settle(store, message);
		tq_notify_free(notify, message);
	}
	WRITE_ONCE(rx->limit, rx->limit + bytes);
	tq_counter_add(&rx->gone, 1);
	tq_counter_add(&rx->dropped, 1);
	trace_tqueue_drop(queue, id);
	return true;
}

/**
 * tq_drop_for - make room at the cost of the oldest messages
 * @queue: the queue
 * @bytes: how much is needed, at most what its ring can hold
 * @notify: what others are to be notified of is added
 *
 * Context: tx.lock held; takes rx.lock.
 * Return: 0 if there is room now; -EAGAIN after one piece of work, and the
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
		if (!left--)
			ret = -EAGAIN;
		else if (!tq_drop_oldest(queue, notify))
			ret = -ENOBUFS;
	}
	queue->tx.limit_cached = rx->limit;
	notify->events |= tq_settled_changed(queue);
	mutex_unlock(&rx->lock);
	return ret;
}
