/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long messages wait until they are received, and how long leases last: for
 * the histograms of a queue and for tracepoints.
 *
 * One static branch guards all of this.  While it is off, it costs a nop in
 * each place.  While it is on, messages are stamped with the fine clock, which
 * costs more than the coarse one.
 */
#ifndef TQ_OBSERVE_H
#define TQ_OBSERVE_H

#include <linux/compiler.h>
#include <linux/jump_label.h>
#include <linux/types.h>

#include "clock.h"
#include "message.h"
#include "tqueue.h"

/* Bucket n counts times from 2^(n-1) to below 2^n nanoseconds; 0 counts 0. */
#define TQ_HISTOGRAM_BUCKETS	64

/**
 * struct tq_histogram - counts of durations
 * @buckets: how many durations of each length
 * @sum: the sum of all durations, in nanoseconds
 */
struct tq_histogram {
	u64 buckets[TQ_HISTOGRAM_BUCKETS];
	u64 sum;
};

/**
 * struct tq_histograms - histograms of one queue
 * @wait: how long messages were ready until they were received
 * @held: how long leases lasted
 *
 * Under rx.lock.
 */
struct tq_histograms {
	struct tq_histogram wait;
	struct tq_histogram held;
};

DECLARE_STATIC_KEY_FALSE(tq_observed);

void tq_observe_wait(struct tqueue *queue, u64 id, s64 since);
void tq_observe_run(struct tqueue *queue, unsigned long pos,
		    unsigned int count);
void tq_observe_held(struct tqueue *queue, const struct tq_message *message);
int tq_observe(struct tqueue *queue, bool on);

/* The time for a stamp: CLOCK_BOOTTIME. */
static __always_inline s64 tq_stamp_time(void)
{
	return static_branch_unlikely(&tq_observed) ? tq_now_boottime() :
						      tq_coarse_boottime();
}

/* Note that a record of the ring is received.  With rx.lock held. */
static __always_inline void
tq_received_record(struct tqueue *queue, const struct tqueue_record *record)
{
	if (static_branch_unlikely(&tq_observed))
		tq_observe_wait(queue, record->id, record->sent_ns);
}

/* The same for @count records in a row, from @pos on. */
static __always_inline void tq_received_run(struct tqueue *queue,
					    unsigned long pos,
					    unsigned int count)
{
	if (static_branch_unlikely(&tq_observed))
		tq_observe_run(queue, pos, count);
}

/* The same for a detached message, which was ready. */
static __always_inline void
tq_received_message(struct tqueue *queue, const struct tq_message *message)
{
	if (static_branch_unlikely(&tq_observed))
		tq_observe_wait(queue, message->record.id,
				message->since ?: message->record.sent_ns);
}

/* Note the end of a lease.  With rx.lock held. */
static __always_inline void tq_lease_lasted(struct tqueue *queue,
					    const struct tq_message *message)
{
	if (static_branch_unlikely(&tq_observed))
		tq_observe_held(queue, message);
}

#endif /* TQ_OBSERVE_H */
