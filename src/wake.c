// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waking readers and pollers, and how a reader sleeps: see wake.h.
 */
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/wait_bit.h>

#include "wake.h"

/**
 * struct tq_reader - a call that sleeps until there is something to receive
 * @wait: its place among the queue's readers
 * @file: its open file, for wake-ups that concern only that
 */
struct tq_reader {
	struct wait_queue_entry wait;
	struct tq_file *file;
};

static int tq_reader_woken(struct wait_queue_entry *wait, unsigned int mode,
			   int sync, void *key)
{
	struct tq_reader *reader = container_of(wait, struct tq_reader, wait);

	/* A wake-up for one file's readers passes by all others uncounted. */
	if (key && key != reader->file)
		return 0;
	return autoremove_wake_function(wait, mode, sync, NULL);
}

/* All who poll, also EPOLLEXCLUSIVE ones. */
static void tq_wake_all_pollers(struct wait_queue_head *pollers, __poll_t events)
{
	__wake_up(pollers, TASK_NORMAL, 0, poll_to_key(events));
}

/**
 * tq_wake_pollers_in - messages became ready: wake those who poll for them
 * @queue: the queue
 * @count: how many messages: as many EPOLLEXCLUSIVE pollers wake, and all
 *	others
 *
 * Context: Any, no lock held, and past the barrier of tq_wake_receivers().
 */
void tq_wake_pollers_in(struct tqueue *queue, unsigned int count)
{
	/*
	 * One whose file has its rest in hand could not use the message.  If
	 * that begins later, tq_take_in_hand() sees the message.
	 */
	if (READ_ONCE(queue->rests_in_hand))
		count = 0;
	/* The caller has passed the barrier. */
	if (waitqueue_active(&queue->poll_in))
		__wake_up(&queue->poll_in, TASK_NORMAL, count,
			  poll_to_key(EPOLLIN | EPOLLRDNORM));
	kill_fasync(&queue->fasync_in, SIGIO, POLL_IN);
}

/**
 * tq_wake_pollers_out - the queue became writable: wake those who poll for that
 * @queue: the queue
 *
 * All of them, also EPOLLEXCLUSIVE ones: what one of them sends may leave the
 * queue writable, and then there is no further edge for the others.
 *
 * Context: Any, no lock held, and past a full barrier after what made it so.
 */
void tq_wake_pollers_out(struct tqueue *queue)
{
	/* The caller has passed the barrier. */
	if (waitqueue_active(&queue->poll_out))
		tq_wake_all_pollers(&queue->poll_out, EPOLLOUT | EPOLLWRNORM);
	kill_fasync(&queue->fasync_out, SIGIO, POLL_OUT);
}

/**
 * tq_wake_all_pollers_in - wake all who poll for messages
 * @queue: the queue, in which only some of them may find what they can use
 *
 * Context: Any, no lock held, and past a full barrier after what they look at
 * was changed.
 */
void tq_wake_all_pollers_in(struct tqueue *queue)
{
	/* The caller has passed the barrier. */
	if (waitqueue_active(&queue->poll_in))
		tq_wake_all_pollers(&queue->poll_in, EPOLLIN | EPOLLRDNORM);
}

/**
 * tq_wake_file - a file whose rest was in hand can be read from again
 * @file: the open file, which others may share
 *
 * Wakes all who sleep or poll on that file.
 *
 * Context: Any, no lock held, and past a full barrier after @file->rest was
 * set.
 */
void tq_wake_file(struct tq_file *file)
{
	struct tqueue *queue = file->queue;

	if (atomic_read(&file->sleepers))
		__wake_up(&queue->readers, TASK_INTERRUPTIBLE, 0, file);
	/* All, as only some poll this file. */
	tq_wake_all_pollers_in(queue);
}

/**
 * tq_wake_all_in - wake all who read or poll for input
 * @queue: the queue, whose end may have come
 *
 * Context: Any, no lock held, and past a full barrier after what made it so.
 */
void tq_wake_all_in(struct tqueue *queue)
{
	wake_up_all(&queue->readers);
	tq_wake_all_pollers(&queue->poll_in,
			    EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLHUP);
	kill_fasync(&queue->fasync_in, SIGIO, POLL_HUP);
}

/**
 * tq_wake_ended - wake all who read, for the end may have come
 * @queue: the queue
 *
 * Context: Any, no lock held, and past a full barrier after what made it so.
 */
void tq_wake_ended(struct tqueue *queue)
{
	if (tq_ending(queue))
		tq_wake_all_in(queue);
}

/**
 * tq_wake_removed - wake all who wait for anything of a queue
 * @queue: the queue, which was removed
 *
 * Context: Any, no lock held, and past a full barrier after what made it so.
 */
void tq_wake_removed(struct tqueue *queue)
{
	const __poll_t end = EPOLLHUP | EPOLLERR;

	wake_up_all(&queue->readers);
	wake_up_all(&queue->done);
	wake_up_var(&queue->rests_in_hand);
	tq_wake_all_pollers(&queue->poll_in, EPOLLIN | EPOLLRDNORM | end);
	tq_wake_all_pollers(&queue->poll_out, EPOLLOUT | EPOLLWRNORM | end);
	kill_fasync(&queue->fasync_in, SIGIO, POLL_HUP);
	kill_fasync(&queue->fasync_out, SIGIO, POLL_HUP);
}

/**
 * tq_sleep_until - sleep until woken or until a deadline
 * @deadline: CLOCK_MONOTONIC; NULL for ever
 *
 * Context: Process context; the caller has set the state of the task.
 * Return: whether the deadline has passed.
 */
bool tq_sleep_until(ktime_t *deadline)
{
	return !schedule_hrtimeout_range(deadline, current->timer_slack_ns,
					 HRTIMER_MODE_ABS);
}

/**
 * tq_pass_on - let the next reader have what this one was woken for
 * @queue: the queue
 *
 * For a reader that was woken and will not take a message, or not now.
 *
 * Context: Any, no lock held.
 */
void tq_pass_on(struct tqueue *queue)
{
	if (!tq_queue_empty(queue))
		__wake_up(&queue->readers, TASK_INTERRUPTIBLE, 1, NULL);
}

/**
 * tq_wait_readable - sleep until a file may have something to receive
 * @file: the open file
 * @deadline: until when, CLOCK_MONOTONIC; NULL for ever
 *
 * Context: Process context, no lock held.
 * Return: 0, and the caller looks again; -ETIMEDOUT; -ERESTARTSYS on a signal.
 */
int tq_wait_readable(struct tq_file *file, ktime_t *deadline)
{
	struct tqueue *queue = file->queue;
	struct tq_reader reader = { .file = file };
	bool late = false;
	long ret;

	atomic_inc(&file->sleepers);
	init_wait_entry(&reader.wait, WQ_FLAG_EXCLUSIVE);
	reader.wait.func = tq_reader_woken;
	for (;;) {
		ret = prepare_to_wait_event(&queue->readers, &reader.wait,
					    TASK_INTERRUPTIBLE);
		if (!ret && late) {
			/* As with a signal: what comes now wakes another. */
			finish_wait(&queue->readers, &reader.wait);
			ret = -ETIMEDOUT;
		}
		/*
		 * Look before minding that or a signal: who was woken for a
		 * message must take it, or another would have to be woken.
		 */
		if (READ_ONCE(file->rest) || !tq_queue_empty(queue) ||
		    tq_ended(file)) {
			ret = 0;
			break;
		}
		if (ret)
			break;
		late = tq_sleep_until(deadline);
	}
	finish_wait(&queue->readers, &reader.wait);
	atomic_dec(&file->sleepers);
	return ret;
}
