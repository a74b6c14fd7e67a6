// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivering wake-ups: see notify.h, and wait.h for why none is lost.
 */
#include <linux/fs.h>
#include <linux/poll.h>

#include "message.h"
#include "notify.h"
#include "senders.h"
#include "wait.h"

/* Wake all pollers, EPOLLEXCLUSIVE ones too. */
static void tq_wake_all_pollers(struct wait_queue_head *pollers,
				__poll_t events)
{
	__wake_up(pollers, TASK_NORMAL, 0, poll_to_key(events));
}

/**
 * tq_notify_pollers_in - wake pollers: messages became ready
 * @queue: the queue
 * @count: how many messages.  Wakes at most this many EPOLLEXCLUSIVE pollers,
 *	and all other pollers.
 * @filled: one of the messages has bytes to read
 *
 * Context: Any, no lock held, after a full barrier that follows the change.
 */
void tq_notify_pollers_in(struct tqueue *queue, unsigned int count, bool filled)
{
	struct tq_waiters *waiters = &queue->waiters;
	__poll_t events = EPOLLMSG;

	/* A plain read gets nothing from an empty message. */
	if (filled)
		events |= EPOLLIN | EPOLLRDNORM;
	/* The caller has passed the barrier. */
	if (waitqueue_active(&waiters->poll))
		__wake_up(&waiters->poll, TASK_NORMAL, count,
			  poll_to_key(events));
	if (filled)
		kill_fasync(&waiters->fasync_in, SIGIO, POLL_IN);
}

/*
 * Wake all pollers for output, EPOLLEXCLUSIVE ones too.  If the queue is still
 * writable after one of them has sent, no other edge would wake the rest.
 */
static void tq_wake_pollers_out(struct tqueue *queue)
{
	struct tq_waiters *waiters = &queue->waiters;

	/* The caller has passed the barrier. */
	if (waitqueue_active(&waiters->poll))
		tq_wake_all_pollers(&waiters->poll,
				    EPOLLOUT | EPOLLWRNORM | EPOLLERR);
	kill_fasync(&waiters->fasync_out, SIGIO, POLL_OUT);
}

/* The end of file has come: wake all readers and all pollers for input. */
static void tq_wake_ended(struct tqueue *queue)
{
	struct tq_waiters *waiters = &queue->waiters;

	wake_up_all(&waiters->read_wait);
	tq_wake_all_pollers(&waiters->poll,
			    EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLHUP);
	kill_fasync(&waiters->fasync_in, SIGIO, POLL_HUP);
}

/*
 * A call has finished copying from the partial message of a file: wake its
 * waiters.
 */
static void tq_wake_file(struct tq_file *file)
{
	struct tqueue *queue = file->queue;

	/* The caller has passed the barrier. */
	if (atomic_read(&file->sleepers))
		__wake_up(&queue->waiters.read_wait, TASK_INTERRUPTIBLE, 0, file);
	/* The caller has passed the barrier. */
	if (waitqueue_active(&file->wait))
		tq_wake_all_pollers(&file->wait,
				    EPOLLIN | EPOLLRDNORM | EPOLLMSG |
				    EPOLLRDHUP | EPOLLHUP);
}

/**
 * tq_notify_turn - wake pollers of a file that may overtake blocked senders
 * @file: the open file
 *
 * Context: tx.lock held, so that the file is not closed meanwhile.
 */
void tq_notify_turn(struct tq_file *file)
{
	struct tqueue *queue = file->queue;

	lockdep_assert_held(&queue->tx.lock);

	/* Publish, barrier, look for pollers: see wait.h. */
	smp_mb();
	/* The barrier is above. */
	if (waitqueue_active(&file->wait))
		tq_wake_all_pollers(&file->wait, EPOLLOUT | EPOLLWRNORM);
	kill_fasync(&queue->waiters.fasync_out, SIGIO, POLL_OUT);
}

/**
 * tq_wake_next_reader - pass a wake-up on to the next reader
 * @queue: the queue
 *
 * Called by a reader that was woken and leaves without a message, or is about
 * to do something slow.
 *
 * Context: Any, no lock held.
 */
void tq_wake_next_reader(struct tqueue *queue)
{
	if (!tq_nothing_offered(queue))
		__wake_up(&queue->waiters.read_wait, TASK_INTERRUPTIBLE, 1, NULL);
}

/**
 * tq_notify_deliver - deliver collected wake-ups
 * @queue: the queue
 * @notify: what was collected; the changes are published.  Its garbage is
 *	freed.
 *
 * Context: Process context, no lock held; may take both.
 */
void tq_notify_deliver(struct tqueue *queue, struct tq_notify *notify)
{
	if (notify->ready)
		tq_notify_ready(queue, notify->ready, notify->filled);
	/* Publish, barrier, look for sleepers: see wait.h. */
	smp_mb();
	if (notify->file)
		tq_wake_file(notify->file);
	if (notify->events & TQ_NOTIFY_ADMIT)
		tq_admit_senders(queue);
	if (notify->events & TQ_NOTIFY_WRITABLE)
		tq_wake_pollers_out(queue);
	if (notify->events & TQ_NOTIFY_SETTLED)
		wake_up(&queue->waiters.settled);
	if (notify->events & TQ_NOTIFY_ENDED && tq_ending(queue) &&
	    tq_read_out(queue))
		tq_wake_ended(queue);

	tq_messages_put(notify->garbage);
}

/**
 * tq_notify_these - deliver nothing but events
 * @queue: the queue
 * @events: TQ_NOTIFY_*
 *
 * Context: Process context, no lock held; may take both.
 */
void tq_notify_these(struct tqueue *queue, unsigned int events)
{
	struct tq_notify notify = { .events = events };

	tq_notify_deliver(queue, &notify);
}

/**
 * tq_notify_removed - wake all waiters of a queue
 * @queue: the queue, which was removed
 *
 * Context: Process context, no lock held; takes rx.lock.
 */
void tq_notify_removed(struct tqueue *queue)
{
	const __poll_t end = EPOLLHUP | EPOLLERR;
	struct tq_waiters *waiters = &queue->waiters;
	struct tq_file *file;

	/* Publish, barrier, look for sleepers: see wait.h. */
	smp_mb();
	wake_up_all(&waiters->read_wait);
	wake_up_all(&waiters->settled);
	tq_wake_all_pollers(&waiters->poll, EPOLLIN | EPOLLRDNORM | EPOLLRDHUP |
					    EPOLLOUT | EPOLLWRNORM | end);
	/*
	 * Wake reads that wait for a partial message.  The queue gets no more
	 * files.
	 */
	mutex_lock(&queue->rx.lock);
	list_for_each_entry(file, &queue->opens.files, link)
		wake_up_all(&file->wait);
	mutex_unlock(&queue->rx.lock);
	kill_fasync(&waiters->fasync_in, SIGIO, POLL_HUP);
	kill_fasync(&waiters->fasync_out, SIGIO, POLL_HUP);
}
