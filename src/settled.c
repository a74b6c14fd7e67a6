// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting until messages are settled: TQUEUE_WAIT.
 *
 * A message in flight may come back, so it is not settled.  Each call waits for
 * all ids up to its own.  While any call waits, calls that remove or settle
 * messages publish the lowest id that is not settled, and wake the calls that
 * wait for lower ones.
 */
#include <linux/wait.h>

#include "settled.h"
#include "tqueue.h"
#include "wait.h"

/**
 * struct tq_waiter - a call that waits until messages are settled
 * @wait: its entry in the wait queue
 * @id: it waits for all messages up to this one
 * @queue: the queue
 */
struct tq_waiter {
	struct wait_queue_entry wait;
	u64 id;
	struct tqueue *queue;
};

static bool tq_waiter_done(const struct tq_waiter *waiter)
{
	return tq_counter_read(&waiter->queue->rx.unsettled_id) > waiter->id ||
	       tq_removed(waiter->queue);
}

static int tq_waiter_woken(struct wait_queue_entry *wait, unsigned int mode,
			   int sync, void *key)
{
	if (!tq_waiter_done(container_of(wait, struct tq_waiter, wait)))
		return 0;
	return default_wake_function(wait, mode, sync, key);
}

/* From now on, calls that settle messages look for waiters. */
static void tq_waiter_begin(struct tq_waiter *waiter)
{
	struct tqueue *queue = waiter->queue;

	init_waitqueue_func_entry(&waiter->wait, tq_waiter_woken);
	waiter->wait.private = current;
	mutex_lock(&queue->rx.lock);
	add_wait_queue(&queue->waiters.settled, &waiter->wait);
	queue->rx.attention |= TQ_ATTENTION_SETTLED;
	tq_settled_changed(queue);
	mutex_unlock(&queue->rx.lock);
}

static void tq_waiter_end(struct tq_waiter *waiter)
{
	struct tqueue *queue = waiter->queue;

	mutex_lock(&queue->rx.lock);
	remove_wait_queue(&queue->waiters.settled, &waiter->wait);
	/* Waiters register under the lock. */
	if (!waitqueue_active(&queue->waiters.settled))
		queue->rx.attention &= ~TQ_ATTENTION_SETTLED;
	mutex_unlock(&queue->rx.lock);
}

/**
 * tq_wait_settled - wait until messages are settled
 * @file: an open file of the queue
 * @id: the last of them; %TQUEUE_FOREVER for all that were sent before the call
 * @nowait: fail instead of waiting
 * @deadline: when to stop waiting, CLOCK_MONOTONIC; NULL for never
 *
 * Context: Process context, may sleep, no lock held.
 * Return: 0; -EAGAIN; -ETIMEDOUT; -EIDRM; -ERESTARTSYS on a signal.
 */
int tq_wait_settled(struct tq_file *file, u64 id, bool nowait,
		    ktime_t *deadline)
{
	struct tqueue *queue = file->queue;
	struct tq_waiter waiter = { .id = id, .queue = queue };
	int ret;

	if (id == TQUEUE_FOREVER) {
		mutex_lock(&queue->tx.lock);
		waiter.id = tq_counter_get(&queue->tx.last_id);
		mutex_unlock(&queue->tx.lock);
	}
	tq_waiter_begin(&waiter);
	if (tq_waiter_done(&waiter))
		ret = 0;
	else if (nowait)
		ret = -EAGAIN;
	else
		ret = tq_sleep(set_current_state(TASK_INTERRUPTIBLE),
			       tq_waiter_done(&waiter), deadline);
	tq_waiter_end(&waiter);
	return tq_removed(queue) ? -EIDRM : ret;
}
