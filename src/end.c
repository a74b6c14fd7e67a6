// SPDX-License-Identifier: GPL-2.0-only
/*
 * How things end: queues that are stopped or removed, end-of-file for those who
 * read, and messages that others wait to see done.
 *
 * A message that left its queue is not always done: a call that copies it out,
 * or an open file that has read a part of it, may give it back.  Such messages
 * are in hand; end-of-file and TQUEUE_WAIT wait for them.
 *
 * A queue whose readers are at their end is never read by the fast way alone:
 * who goes to sleep on it looks first (tq_ended()), and nobody can go to sleep
 * while a message is there.  So only three things can end a sleep: the stop,
 * the last writer's close, and the last message in hand being done.
 */
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>

#include "message.h"
#include "tqueue.h"
#include "wake.h"

/* Whether no message is here, and none in hand that may come back. */
static bool tq_drained(struct tqueue *queue)
{
	u32 done = READ_ONCE(queue->hands_done);

	/*
	 * Done with as many before the look as were begun after it: then none
	 * was in hand all the while, and what is seen empty is empty.
	 */
	smp_rmb();
	if (!tq_queue_empty(queue))
		return false;
	/* Pairs with tq_hand_begin(), as the first does with tq_hand_end(). */
	smp_rmb();
	return READ_ONCE(queue->hands) == done;
}

/**
 * tq_ended - whether readers of this file are at the end
 * @file: the open file, which holds no rest
 *
 * The removal of the queue is an end, too.
 *
 * Context: Any.  Takes no lock; to be true to sleepers and pollers, call it
 * after they are registered.
 */
bool tq_ended(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	/* Acquire: what was sent before is seen. */
	int closed = smp_load_acquire(&queue->closed);

	if (closed == -EIDRM)
		return true;
	if (!closed) {
		if (READ_ONCE(queue->end_of_file) != TQUEUE_EOF_LAST_WRITER ||
		    READ_ONCE(queue->write_opens) == file->write_opens)
			return false;
		/* Acquire: what the writers sent is seen. */
		if (smp_load_acquire(&queue->write_files))
			return false;
	}
	return tq_drained(queue);
}

/* Wake all readers, for the end may have come.  Past a full barrier. */
static void tq_wake_ended(struct tqueue *queue)
{
	if (tq_closed(queue) ||
	    READ_ONCE(queue->end_of_file) == TQUEUE_EOF_LAST_WRITER)
		tq_wake_all_in(queue);
}

/**
 * tq_hand_settle - tell those who wait for messages in hand
 * @queue: the queue, for which tq_hand_end() was called
 *
 * Context: Process context, no lock held.
 */
void tq_hand_settle(struct tqueue *queue)
{
	/* Publish, barrier, look for sleepers: see wake.h. */
	smp_mb();
	if (tq_drained(queue))
		tq_wake_ended(queue);
	/* After the barrier. */
	if (waitqueue_active(&queue->done))
		tq_wake_done(queue);
}

/**
 * tq_writers_left - the last file open for writing was closed
 * @queue: the queue
 *
 * Context: Process context, no lock held.
 */
void tq_writers_left(struct tqueue *queue)
{
	/* Publish, barrier, look for sleepers: see wake.h. */
	smp_mb();
	tq_wake_ended(queue);
}

/**
 * tq_start - let a stopped queue take messages again
 * @queue: the queue
 *
 * Context: Process context, takes both locks.
 * Return: 0, also if it was not stopped; -EIDRM.
 */
int tq_start(struct tqueue *queue)
{
	int ret = 0;

	tq_lock_both(queue);
	if (queue->closed == -EIDRM) {
		ret = -EIDRM;
	} else if (queue->closed) {
		WRITE_ONCE(queue->closed, 0);
		WRITE_ONCE(queue->need, 0);
	}
	tq_unlock_both(queue);
	return ret;
}

/* Refuse messages from now on, those of the line too.  Both locks held. */
static void tq_close_queue(struct tqueue *queue, int error)
{
	/* Release: who sees it sees what was sent before. */
	smp_store_release(&queue->closed, error);
	WRITE_ONCE(queue->need, TQ_NEED_CLOSED);
	tq_line_fail(queue, error);
}

/**
 * tq_stop - refuse new messages; readers get what is there, then end-of-file
 * @queue: the queue
 *
 * Context: Process context, takes both locks.
 * Return: 0, also if it was stopped already; -EIDRM.
 */
int tq_stop(struct tqueue *queue)
{
	int ret = 0;

	tq_lock_both(queue);
	if (queue->closed == -EIDRM)
		ret = -EIDRM;
	else if (!queue->closed)
		tq_close_queue(queue, -ESHUTDOWN);
	tq_unlock_both(queue);
	if (ret)
		return ret;

	/* Publish, barrier, look for sleepers: see wake.h. */
	smp_mb();
	tq_wake_all_in(queue);
	tq_wake_pollers_out(queue);
	return 0;
}

/* Throw away what the queue holds.  Both locks held; the caller frees. */
static struct rb_root tq_take_all(struct tqueue *queue)
{
	struct rb_root messages = queue->index.rb_root;

	queue->index = RB_ROOT_CACHED;
	WRITE_ONCE(queue->indexed, 0);
	queue->tail_seen = queue->tail;
	WRITE_ONCE(queue->head, queue->tail);
	WRITE_ONCE(queue->taken, queue->last_id);
	return messages;
}

/**
 * tq_remove - end a queue for all who have it open
 * @queue: the queue, which nobody can open any more unless this fails
 * @force: even if files are open on it or it holds messages, which are lost
 *
 * Calls under way and all later ones fail with -EIDRM.
 *
 * Context: Process context, takes both locks.
 * Return: 0; -EBUSY.
 */
int tq_remove(struct tqueue *queue, bool force)
{
	struct rb_root messages;

	tq_lock_both(queue);
	if (!force && (queue->files || !tq_queue_empty(queue))) {
		tq_unlock_both(queue);
		return -EBUSY;
	}
	tq_close_queue(queue, -EIDRM);
	messages = tq_take_all(queue);
	if (queue->pinned)
		module_put(THIS_MODULE);
	queue->pinned = false;
	tq_unlock_both(queue);
	tq_messages_free(&messages);

	/* Publish, barrier, look for sleepers: see wake.h. */
	smp_mb();
	tq_wake_removed(queue);
	return 0;
}

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
