// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doing what is due: delayed messages become ready, leases reach their limits,
 * and messages expire.
 *
 * The module's thread does this, a piece at a time.  Then it arms the timers
 * for what is due next, and sleeps: see due.c.
 */
#include <linux/sched.h>

#include "due.h"
#include "file.h"
#include "message.h"
#include "notify.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "timer.h"
#include "tqueue.h"
#include "trace.h"

/* The most pieces that are done for one queue while others wait. */
#define TQ_TIMER_ROUNDS		16

/**
 * struct tq_round - one piece of work, while the lock is held once
 * @left: how many more messages to handle
 * @boottime: the time now, of CLOCK_BOOTTIME
 * @monotonic: the time now, of CLOCK_MONOTONIC
 * @spare: memory for a record that is buried, or NULL
 * @needed: payload bytes that the next spare must have room for
 * @notify: collects the wake-ups
 */
struct tq_round {
	int left;
	s64 boottime;
	s64 monotonic;
	struct tq_message *spare;
	size_t needed;
	struct tq_notify notify;
};

static void tq_end_delays(struct tqueue *queue, struct tq_round *round)
{
	struct tq_message *message;
	struct rb_node *node;

	for (; round->left; round->left--) {
		node = rb_first_cached(&queue->rx.due.delays);
		if (!node)
			return;
		message = rb_entry(node, struct tq_message, ready);
		if (message->when > round->boottime)
			return;
		tq_seize(queue, message);
		tq_place_ready(queue, message, &round->notify);
	}
}

static void tq_end_leases(struct tqueue *queue, struct tq_round *round)
{
	struct tq_return how = { .reason = TQUEUE_REASON_LIMIT };
	struct tq_message *message;
	struct rb_node *node;

	for (; round->left; round->left--) {
		node = rb_first_cached(&queue->rx.due.limits);
		if (!node)
			return;
		message = rb_entry(node, struct tq_message, timed);
		if (message->when > round->monotonic)
			return;
		how.counted = message->begun;
		tq_come_back(queue, message, &how, &round->notify);
	}
}

static void tq_end_ages(struct tqueue *queue, struct tq_round *round)
{
	struct tq_message *message;
	struct rb_node *node;

	for (; round->left; round->left--) {
		node = rb_first_cached(&queue->rx.due.ages);
		if (!node)
			return;
		message = rb_entry(node, struct tq_message, timed);
		if (tq_expiry(queue, message->record.sent_ns) >
		    round->boottime)
			return;
		tq_seize(queue, message);
		tq_expire(queue, message, &round->notify);
	}
}

/* Drop the first record of the ring, which has expired. */
static void tq_drop_record(struct tqueue *queue, struct tq_round *round,
			   const struct tqueue_record *record, size_t length)
{
	struct tq_rx *rx = &queue->rx;

	trace_tqueue_expire(queue, record->id);
	trace_tqueue_drop(queue, record->id);
	if (!length)
		tq_empties_leave(queue, 1);
	tq_counter_add(&rx->ever_expired, 1);
	tq_counter_add(&rx->dropped, 1);
	tq_counter_add(&rx->gone, 1);
	round->notify.events |=
		tq_release_room(queue, tq_store_advance(&rx->store,
							tq_record_bytes(length)));
}

/*
 * Bury the first record of the ring, which has expired.  Returns false if it
 * needs a spare.
 */
static bool tq_bury_record(struct tqueue *queue, struct tq_round *round,
			   const struct tqueue_record *record, size_t length)
{
	struct tq_message *message = round->spare;
	struct tq_rx *rx = &queue->rx;
	struct tq_cursor cursor = { .pos = rx->store.pos };

	if (!message || message->capacity < length) {
		round->needed = max(length, sizeof(u64));
		return false;
	}
	round->spare = NULL;
	tq_message_copy(message, record, length);
	tq_flights_begin_copy(queue, message);
	round->notify.events |=
		tq_keep_space(queue, tq_store_take(&rx->store, &cursor),
			      message);
	tq_expire(queue, message, &round->notify);
	return true;
}

/* Expire records of the ring.  Returns false if one needs a spare. */
static bool tq_end_records(struct tqueue *queue, struct tq_round *round)
{
	bool buries = queue->policy.on_expired == TQUEUE_EXPIRED_BURY;
	struct tq_store *store = &queue->rx.store;
	const struct tqueue_record *record;
	size_t length;

	if (!queue->policy.ttl)
		return true;
	for (; round->left && tq_store_ring_ready(store); round->left--) {
		record = tq_store_at(store, store->pos);
		length = tq_store_length(store, store->pos);
		if (tq_expiry(queue, record->sent_ns) > round->boottime)
			break;
		if (!buries)
			tq_drop_record(queue, round, record, length);
		else if (!tq_bury_record(queue, round, record, length))
			return false;
	}
	return true;
}

/* Do one piece of what is due.  Returns whether there may be more. */
static bool tq_timer_round(struct tqueue *queue, struct tq_round *round)
{
	struct tq_rx *rx = &queue->rx;
	bool more = false;

	memset(&round->notify, 0, sizeof(round->notify));
	round->left = TQ_STATES_PIECE;
	round->boottime = tq_now_boottime();
	round->monotonic = ktime_get_ns();

	mutex_lock(&rx->lock);
	if (queue->policy.shutdown_error != -EIDRM) {
		tq_end_delays(queue, round);
		tq_end_leases(queue, round);
		tq_end_ages(queue, round);
		more = !tq_end_records(queue, round) || !round->left;
		if (!more)
			tq_due_arm(queue);
		tq_unpin(queue);
	}
	mutex_unlock(&rx->lock);
	tq_notify_deliver(queue, &round->notify);
	return more;
}

/**
 * tq_timer_work - do what is due in a queue
 * @work: the work of its &struct tq_due
 *
 * Context: The module's thread, may sleep.
 */
void tq_timer_work(struct kthread_work *work)
{
	struct tqueue *queue = container_of(work, struct tqueue, rx.due.work);
	struct tq_round round = {};
	int rounds = 0;

	while (tq_timer_round(queue, &round)) {
		if (round.needed) {
			tq_message_put(round.spare);
			round.spare = tq_message_alloc(round.needed);
			/* There is no memory.  Try again a little later. */
			if (!round.spare)
				schedule_timeout_uninterruptible(HZ / 10);
			round.needed = 0;
		}
		/* Let other queues have their turn. */
		if (++rounds == TQ_TIMER_ROUNDS) {
			tq_due_look(queue);
			break;
		}
		cond_resched();
	}
	tq_message_put(round.spare);
}
