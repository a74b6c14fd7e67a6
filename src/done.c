// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting until messages are done: received whole, or dropped.
 *
 * A message in hand is not done, as it may come back.  Each waiter waits for all
 * ids up to its own; whoever makes messages leave looks which is the lowest that
 * is left, and wakes those whose id is below.
 */
#include <linux/list.h>
#include <linux/sched/signal.h>

#include "message.h"
#include "tqueue.h"
#include "wake.h"

/**
 * struct tq_waiter - a call that waits until messages are done
 * @wait: its place among those of the queue
 * @id: it waits for all up to this
 * @queue: the queue
 */
struct tq_waiter {
	struct wait_queue_entry wait;
	u64 id;
	struct tqueue *queue;
};

static bool tq_waiter_done(struct tq_waiter *waiter)
{
	return READ_ONCE(waiter->queue->undone_id) > waiter->id ||
	       tq_removed(waiter->queue);
}

static int tq_waiter_woken(struct wait_queue_entry *wait, unsigned int mode,
			   int sync, void *key)
{
	if (!tq_waiter_done(container_of(wait, struct tq_waiter, wait)))
		return 0;
	return default_wake_function(wait, mode, sync, key);
}

/* Look anew which is the first message that is not done. */
static void tq_find_undone(struct tqueue *queue)
{
	struct tq_message *message;
	u64 id = U64_MAX;

	mutex_lock(&queue->receive_lock);
	if (!tq_ring_empty(queue))
		id = tq_ring_at(&queue->ring, queue->head)->id;
	/* All have the same priority: the first is the oldest. */
	message = tq_index_first(&queue->index);
	if (message)
		id = min(id, message->record.id);
	list_for_each_entry(message, &queue->in_hand, in_hand)
		id = min(id, message->record.id);
	WRITE_ONCE(queue->undone_id, id);
	mutex_unlock(&queue->receive_lock);
}

/**
 * tq_wake_done - messages left: tell those who wait for them to be done
 * @queue: the queue
 *
 * Context: Process context, no lock held; takes receive_lock.
 */
void tq_wake_done(struct tqueue *queue)
{
	tq_find_undone(queue);
	wake_up(&queue->done);
}

/**
 * tq_wait_done - wait until messages are done
 * @file: an open file of the queue
 * @id: up to this one; %TQUEUE_FOREVER for all that were sent before the call
 * @nowait: whether to fail rather than wait
 * @deadline: until when, CLOCK_MONOTONIC; NULL for ever
 *
 * Context: Process context, may sleep, no lock held.
 * Return: 0; -EAGAIN; -ETIMEDOUT; -EIDRM; -ERESTARTSYS on a signal.
 */
int tq_wait_done(struct tq_file *file, u64 id, bool nowait, ktime_t *deadline)
{
	struct tqueue *queue = file->queue;
	struct tq_waiter waiter = { .id = id, .queue = queue };
	bool late = false;
	int ret;

	if (id == TQUEUE_FOREVER) {
		mutex_lock(&queue->send_lock);
		waiter.id = queue->last_id;
		mutex_unlock(&queue->send_lock);
	}
	init_waitqueue_func_entry(&waiter.wait, tq_waiter_woken);
	waiter.wait.private = current;
	add_wait_queue(&queue->done, &waiter.wait);
	/* Pairs with the barriers of those who look for waiters: see wake.h. */
	smp_mb();
	tq_find_undone(queue);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		ret = 0;
		if (tq_waiter_done(&waiter))
			break;
		ret = -EAGAIN;
		if (nowait)
			break;
		ret = -ETIMEDOUT;
		if (late)
			break;
		ret = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		late = tq_sleep_until(deadline);
	}
	__set_current_state(TASK_RUNNING);
	remove_wait_queue(&queue->done, &waiter.wait);
	return tq_removed(queue) ? -EIDRM : ret;
}
