/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sleeping, and the conditions for waking up.  docs/design.md lists all pairs
 * of barriers.
 *
 * No wake-up is lost
 *
 * The side that makes something true publishes it, passes a full barrier, and
 * then looks for sleepers.  The side that goes to sleep registers, passes a
 * full barrier, and then checks whether it is true.  At least one of them sees
 * the other.
 *
 * A message arrives while a reader goes to sleep:
 *
 *	sender				receiver
 *	------				--------
 *	tx.pos = new (release)		prepare_to_wait_exclusive(read_wait)
 *	smp_mb() [tq_notify_ready]	smp_mb() [set_current_state]
 *	waitqueue_active(read_wait)?		tx.pos == store.pos?
 *
 * Room is made while a sender is blocked, or polls after a refusal:
 *
 *	receiver			sender
 *	--------			------
 *	rx.limit = new (release)	tx.need = bytes
 *	smp_mb() [tq_release_room]	smp_mb() [tq_has_room]
 *	tx.need != 0?			rx.limit - tx.pos < bytes?
 *
 * A send that is refused passes that barrier, too.  So the receiver that makes
 * room next finds "not writable" and turns it into "writable": pollers for
 * EPOLLOUT get their edge.  The pollers' barrier is in poll_wait().
 *
 * The last message is settled while a reader waits for the end:
 *
 *	call that settles it		receiver
 *	--------------------		--------
 *	flights_ended++			prepare_to_wait_exclusive(read_wait)
 *	smp_mb() [tq_notify_deliver]	smp_mb() [set_current_state]
 *	tq_drained()? wake all		tq_drained()?
 *
 * No wake-up is wasted
 *
 * One message wakes one reader.  A reader that was woken and leaves without a
 * message wakes the next one if a message is there: tq_wake_next_reader().  A
 * reader that has slept and finds a signal takes nothing, whatever woke it.  So
 * a killed or stopped process cannot hold a message: see tq_must_leave().
 */
#ifndef TQ_WAIT_H
#define TQ_WAIT_H

#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "tqueue.h"

bool tq_drained(struct tqueue *queue);
bool tq_read_out(struct tqueue *queue);
bool tq_ended(const struct tq_file *file);
bool tq_receive_end(struct tq_file *file);
bool tq_readable(struct tq_file *file);
bool tq_writable(struct tq_file *file);
int tq_wait_readable(struct tq_file *file, ktime_t *deadline);
int tq_wait_partial(struct tq_file *file);
int tq_reader_woken(struct wait_queue_entry *wait, unsigned int mode, int sync,
		    void *key);

/**
 * tq_sleep - sleep until a condition is true
 * @prepare: statement before each sleep that sets the task's state to
 *	%TASK_INTERRUPTIBLE and, if needed, registers the task
 * @condition: what to wait for; evaluated after each @prepare
 * @deadline: CLOCK_MONOTONIC, or NULL for never
 *
 * Context: Process context, no lock held.
 * Return: 0 if the condition is true; -ETIMEDOUT; -ERESTARTSYS on a signal.
 */
#define tq_sleep(prepare, condition, deadline)				\
({									\
	bool __late = false;						\
	int __ret;							\
									\
	for (;;) {							\
		prepare;						\
		__ret = 0;						\
		if (condition)						\
			break;						\
		__ret = -ETIMEDOUT;					\
		if (__late)						\
			break;						\
		__ret = -ERESTARTSYS;					\
		if (signal_pending(current))				\
			break;						\
		__late = !schedule_hrtimeout_range(deadline,		\
						   current->timer_slack_ns, \
						   HRTIMER_MODE_ABS);	\
	}								\
	__set_current_state(TASK_RUNNING);				\
	__ret;								\
})

/*
 * Whether a receive must leave without a message.  Called with rx.lock held,
 * before the copy begins: a later signal does not stop it.  SIGSTOP and the
 * freezer look like any pending signal, so a call that has slept obeys every
 * signal.
 */
static inline bool tq_must_leave(bool slept)
{
	return unlikely(signal_pending(current)) &&
	       (slept || fatal_signal_pending(current));
}

/* Whether the ring is empty.  Takes no lock. */
static inline bool tq_ring_empty(const struct tqueue *queue)
{
	/*
	 * In this order: positions only grow, so if they are equal, the ring
	 * was empty when the second one was loaded.
	 */
	unsigned long pos = smp_load_acquire(&queue->rx.store.pos);

	/* Pairs with tq_publish(). */
	return pos == smp_load_acquire(&queue->tx.pos);
}

/* Whether nothing is ready, not even an empty message.  Takes no lock. */
static inline bool tq_nothing_ready(const struct tqueue *queue)
{
	return tq_ring_empty(queue) && !READ_ONCE(queue->rx.store.ready_count);
}

/* Whether nothing can be received now, not even an empty message. */
static inline bool tq_nothing_offered(const struct tqueue *queue)
{
	return tq_nothing_ready(queue) || READ_ONCE(queue->rx.paused);
}

/* Whether readers are at the end of file once nothing is left. */
static inline bool tq_ending(const struct tqueue *queue)
{
	return tq_shutdown_error(queue) ||
	       (READ_ONCE(queue->policy.end_of_file) ==
		TQUEUE_EOF_LAST_WRITER && !READ_ONCE(queue->opens.writers));
}

/* Whether sends through this file fail because the last reader has left. */
static inline bool tq_no_reader(const struct tq_file *file)
{
	const struct tqueue *queue = file->queue;

	return unlikely(READ_ONCE(queue->policy.no_reader) ==
			TQUEUE_NO_READER_ERROR) &&
	       !READ_ONCE(queue->opens.readers) &&
	       (file->saw_reader ||
		READ_ONCE(queue->opens.readers_begun) != file->readers_begun);
}

#endif /* TQ_WAIT_H */
