/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wake-ups: what a call has to notify others of is collected while it holds a
 * lock, and delivered once, when it holds none.
 */
#ifndef TQ_NOTIFY_H
#define TQ_NOTIFY_H

#include <linux/sched.h>
#include <linux/wait.h>

#include "message.h"
#include "tqueue.h"

#define TQ_NOTIFY_ADMIT		0x1	/* the first blocked sender fits */
#define TQ_NOTIFY_WRITABLE	0x2	/* senders that may not wait may succeed */
#define TQ_NOTIFY_SETTLED	0x4	/* TQUEUE_WAIT may have to end */
#define TQ_NOTIFY_ENDED		0x8	/* readers may be at their end */

/**
 * struct tq_notify - what a call has to notify others of
 * @events: TQ_NOTIFY_*
 * @ready: messages that became ready
 * @filled: one of them has bytes to read
 * @file: its partial message changed hands, or NULL
 * @garbage: messages to be freed, a list by @next
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

/* A message is over: free it when no lock is held. */
static inline void tq_notify_free(struct tq_notify *notify,
				  struct tq_message *message)
{
	message->next = notify->garbage;
	notify->garbage = message;
}

/* A message is about to become ready. */
static inline void tq_notify_add(struct tq_notify *notify,
				 const struct tq_message *message)
{
	notify->ready++;
	notify->filled |= tq_message_left(message) != 0;
}

/* Deliver what the common path has collected, which is usually nothing. */
static inline void tq_notify_events(struct tqueue *queue, unsigned int events)
{
	if (unlikely(events))
		tq_notify_these(queue, events);
}

/**
 * tq_notify_ready - messages became ready
 * @queue: the queue
 * @count: how many: as many sleeping readers wake, and all pollers
 * @filled: one of them has bytes to read
 *
 * Context: Any, no lock held; the messages are published.
 */
static inline void tq_notify_ready(struct tqueue *queue, unsigned int count,
				   bool filled)
{
	struct tq_waiters *waiters = &queue->waiters;

	/* Publish, barrier, look for sleepers: see wait.h. */
	smp_mb();
	/* After the barrier. */
	if (waitqueue_active(&waiters->read_wait))
		__wake_up(&waiters->read_wait, TASK_INTERRUPTIBLE, count, NULL);
	/* After the barrier. */
	if (waitqueue_active(&waiters->poll) ||
	    READ_ONCE(waiters->fasync_in))
		tq_notify_pollers_in(queue, count, filled);
}

#endif /* TQ_NOTIFY_H */
