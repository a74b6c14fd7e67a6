// SPDX-License-Identifier: GPL-2.0-only
/*
 * How things end: queues that are stopped or removed, and the last writer's
 * leaving.
 *
 * A message that left its queue is not always done: a call that copies it out,
 * or an open file that has read a part of it, may give it back.  Such messages
 * are in hand, and end-of-file waits for them.
 *
 * A queue whose readers are at their end is never read by the fast way alone:
 * who goes to sleep on it looks first (tq_ended()), and no reader can go to
 * sleep while a message is there.  So only three things can end its sleep: the
 * stop, the last writer's close, and a message in hand being done or coming
 * back.  Who polls for the end and nothing else can sleep while messages are
 * there, and is woken by the receive that takes the last: see tq_raise_limit().
 */
#include <linux/module.h>

#include "message.h"
#include "tqueue.h"
#include "trace.h"
#include "wake.h"

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
		WRITE_ONCE(queue->need, 0);
		/* Who sees that it is not closed sees that: tq_writable(). */
		smp_store_release(&queue->closed, 0);
		trace_tqueue_start(queue);
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
	if (queue->closed == -EIDRM) {
		ret = -EIDRM;
	} else if (!queue->closed) {
		tq_close_queue(queue, -ESHUTDOWN);
		trace_tqueue_stop(queue);
	}
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
	WRITE_ONCE(queue->limit, queue->tail + queue->ring.size);
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
	trace_tqueue_remove(queue);
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
