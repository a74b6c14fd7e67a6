// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histograms of a queue, and the static branch that guards them.
 *
 * The branch is on while any queue has histograms, or while one of the two
 * tracepoints is in use.
 */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "observe.h"
#include "store.h"
#include "trace.h"
#include "tqueue.h"

DEFINE_STATIC_KEY_FALSE(tq_observed);

/* Called when a tracepoint gets its first user, and when it loses its last. */
int tq_observe_traced(void)
{
	static_branch_inc(&tq_observed);
	return 0;
}

void tq_observe_untraced(void)
{
	static_branch_dec(&tq_observed);
}

static void tq_histogram_add(struct tq_histogram *histogram, u64 ns)
{
	histogram->buckets[min(fls64(ns), TQ_HISTOGRAM_BUCKETS - 1)]++;
	histogram->sum += ns;
}

/* The time since a stamp, which may be coarse and so a little too old. */
static u64 tq_elapsed(s64 since)
{
	return max(tq_now_boottime() - since, 0LL);
}

/**
 * tq_observe_wait - record how long a received message was ready
 * @queue: the queue
 * @id: its id
 * @since: since when it was ready: CLOCK_BOOTTIME
 *
 * Context: rx.lock held.
 */
noinline void tq_observe_wait(struct tqueue *queue, u64 id, s64 since)
{
	u64 ns = tq_elapsed(since);

	trace_tqueue_waited(queue, id, ns);
	if (queue->rx.histograms)
		tq_histogram_add(&queue->rx.histograms->wait, ns);
}

/**
 * tq_observe_run - record how long received records of the ring were ready
 * @queue: the queue
 * @pos: the position of the first one
 * @count: how many in a row, with no voids between them
 *
 * Context: rx.lock held.
 */
noinline void tq_observe_run(struct tqueue *queue, unsigned long pos,
			     unsigned int count)
{
	const struct tq_store *store = &queue->rx.store;
	const struct tqueue_record *record;

	while (count--) {
		record = tq_store_at(store, pos);
		tq_observe_wait(queue, record->id, record->sent_ns);
		pos += tq_record_bytes(tq_store_bound(store, pos, record));
	}
}

/**
 * tq_observe_held - record how long a lease lasted
 * @queue: the queue
 * @message: leased
 *
 * Context: rx.lock held.
 */
noinline void tq_observe_held(struct tqueue *queue,
			      const struct tq_message *message)
{
	u64 ns = tq_elapsed(message->since);

	trace_tqueue_held(queue, message->record.id, ns);
	if (queue->rx.histograms)
		tq_histogram_add(&queue->rx.histograms->held, ns);
}

/**
 * tq_observe - turn the histograms of a queue on or off
 * @queue: the queue
 * @on: turn them on; existing ones continue
 *
 * Context: Process context, may sleep, no lock held.
 * Return: 0; -ENOMEM.
 */
int tq_observe(struct tqueue *queue, bool on)
{
	struct tq_histograms *mine = NULL, *old;

	if (on) {
		mine = kzalloc_obj(*mine, GFP_KERNEL_ACCOUNT);
		if (!mine)
			return -ENOMEM;
		static_branch_inc(&tq_observed);
	}
	mutex_lock(&queue->rx.lock);
	old = queue->rx.histograms;
	/* Another call may have turned them on meanwhile. */
	if (!on || !old) {
		WRITE_ONCE(queue->rx.histograms, mine);
		mine = old;
	}
	mutex_unlock(&queue->rx.lock);
	if (mine)
		static_branch_dec(&tq_observed);
	kfree(mine);
	return 0;
}
