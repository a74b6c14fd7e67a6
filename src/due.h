/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes due: delays, limits of leases, and the age of messages.
 *
 * Delays and ages use CLOCK_BOOTTIME, which counts the time of a suspend: a job
 * that became due meanwhile runs at the resume.  Limits use CLOCK_MONOTONIC,
 * which does not count it: the workers did not run either.
 */
#ifndef TQ_DUE_H
#define TQ_DUE_H

#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>

#include "clock.h"
#include "message.h"
#include "tqueue.h"

int tq_due_start(void);
void tq_due_stop(void);
void tq_due_init(struct tqueue *queue, kthread_work_func_t work);
void tq_due_destroy(struct tqueue *queue);
void tq_due_look(struct tqueue *queue);
void tq_due_add_delayed(struct tqueue *queue, struct tq_message *message);
void tq_due_del_delayed(struct tqueue *queue, struct tq_message *message);
void tq_due_insert_limit(struct tqueue *queue, struct tq_message *message);
void tq_due_insert_age(struct tqueue *queue, struct tq_message *message);
void tq_due_erase_timed(struct tqueue *queue, struct tq_message *message);
void tq_due_arm(struct tqueue *queue);

/* When a message expires, or S64_MAX.  With rx.lock held. */
static inline s64 tq_expiry(const struct tqueue *queue, s64 sent_ns)
{
	u64 ttl = queue->policy.ttl;

	return likely(!ttl) ? S64_MAX : tq_time_after(sent_ns, ttl);
}

/*
 * Whether a waiting message can expire.  A message that could not be buried is
 * put off (delayed).  If expired messages are buried, it would only be put off
 * again, so it does not expire.  With rx.lock held.
 */
static inline bool tq_can_age(const struct tqueue *queue,
			      const struct tq_message *message)
{
	if (message->state == TQ_MESSAGE_DELAYED &&
	    message->reason == TQUEUE_REASON_PUT_OFF)
		return queue->policy.on_expired == TQUEUE_EXPIRED_DROP;
	return message->state == TQ_MESSAGE_READY ||
	       message->state == TQ_MESSAGE_DELAYED;
}

/*
 * Add a lease to the tree of limits if it has one: see tq_message.when.  With
 * rx.lock held.
 */
static inline void tq_due_add_limit(struct tqueue *queue,
				    struct tq_message *message)
{
	lockdep_assert_held(&queue->rx.lock);

	if (message->when != S64_MAX)
		tq_due_insert_limit(queue, message);
}

/*
 * Add a message to the tree of ages if the queue has a ttl.  With rx.lock held.
 */
static inline void tq_due_add_age(struct tqueue *queue,
				  struct tq_message *message)
{
	lockdep_assert_held(&queue->rx.lock);

	if (unlikely(queue->policy.ttl))
		tq_due_insert_age(queue, message);
}

/*
 * Remove a message from the tree of limits or of ages if it is in one.  With
 * rx.lock held.
 */
static inline void tq_due_del_timed(struct tqueue *queue,
				    struct tq_message *message)
{
	lockdep_assert_held(&queue->rx.lock);

	if (unlikely(!RB_EMPTY_NODE(&message->timed)))
		tq_due_erase_timed(queue, message);
}

#endif /* TQ_DUE_H */
