/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wake-ups.  A call collects them while it holds a lock, and delivers them
 * once, after it has unlocked.
 */
#ifndef TQ_NOTIFY_H
#define TQ_NOTIFY_H

#include <linux/sched.h>
#include <linux/wait.h>

#include "message.h"
#include "tqueue.h"

#define TQ_NOTIFY_ADMIT		0x1	/* the first blocked sender fits */
#define TQ_NOTIFY_WRITABLE	0x2	/* a non-blocking send may succeed */
#define TQ_NOTIFY_SETTLED	0x4	/* TQUEUE_WAIT may be over */
#define TQ_NOTIFY_ENDED		0x8	/* readers may be at the end of file */

/**
 * struct tq_notify - wake-ups that a call has collected
 * @events: TQ_NOTIFY_*
 * @ready: how many messages became ready
 * @filled: one of them has bytes to read
 * @file: a file whose partial message is not in flight any more, or NULL
 * @garbage: messages to free, a list by @next
 */
struct tq_notify {
	unsigned int events;
	unsigned int ready;
	bool filled;
	struct tq_file *file;
	struct tq_message *garbage;
};

void tq_notify_deliver(struct tqueue *queue, struct tq_notify *notify);
void tq_notify_these(struct tqueue *queue, unsigned int events);
void tq_notify_removed(struct tqueue *queue);
void tq_notify_pollers_in(struct tqueue *queue, unsigned int count,
			  bool filled);
void tq_notify_turn(struct tq_file *file);
void tq_wake_next_reader(struct tqueue *queue);

/* Free a message once no lock is held. */
static inline void tq_notify_free(struct tq_notify *notify,
				  struct tq_message *message)
{
	message->next = notify->garbage;
	notify->garbage = message;
}

/* Note that a message becomes ready. */
static inline void tq_notify_add(struct tq_notify *notify,
				 const struct tq_message *message)
{
	notify->ready++;
	notify->filled |= tq_message_left(message) != 0;
}

/* Deliver events of the common path.  There are usually none. */
static inline void tq_notify_events(struct tqueue *queue, unsigned int events)
{
	if (unlikely(events))
		tq_notify_these(queue, events);
}

/**
 * tq_notify_ready - wake readers and pollers: messages became ready
 * @queue: the queue
 * @count: how many messages.  Wakes at most this many sleeping readers.
 * @filled: one of the messages has bytes to read
 *
 * Context: Any, no lock held; the messages are published.
 */
static inline void tq_notify_ready(struct tqueue *queue, unsigned int count,
				   bool filled)
{
	struct tq_waiters *waiters = &queue->waiters;

	/* Publish, barrier, look for sleepers: see wait.h. */
	smp_mb();
	/* The barrier is above. */
	if (waitqueue_active(&waiters->read_wait))
		__wake_up(&waiters->read_wait, TASK_INTERRUPTIBLE, count, NULL);
	/* The barrier is above. */
	if (waitqueue_active(&waiters->poll) ||
	    READ_ONCE(waiters->fasync_in))
		tq_notify_pollers_in(queue, count, filled);
}

#endif /* TQ_NOTIFY_H */
