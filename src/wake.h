/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is woken, and how no wake-up is lost.
 *
 * Readers that sleep, pollers for input and pollers for output have a wait
 * queue each.  (Senders that sleep stand in a line of their own: send.c.)
 *
 * Waking without losing a wake-up: who makes something true (a message, room)
 * publishes it, then passes a full barrier, then looks for sleepers; who goes
 * to sleep registers, then passes a full barrier, then looks whether it is
 * true.  At least one of them sees the other:
 *
 *	sender				receiver
 *	------				--------
 *	tail = new (release)		prepare_to_wait_event(readers)
 *	smp_mb()			smp_mb() [set_current_state]
 *	waitqueue_active(readers)?	tail == head?
 *
 *	receiver			sender
 *	--------			------
 *	limit = new (release)		need = bytes
 *	smp_mb()			smp_mb() [tq_has_room]
 *	need != 0?			limit - tail < bytes?
 *
 * poll_wait() has the barrier of its side inside.  A refused non-blocking send
 * has passed the one in tq_has_room(), so that the receiver which then makes
 * room sees the edge that pollers of EPOLLOUT wait for.
 */
#ifndef TQ_WAKE_H
#define TQ_WAKE_H

#include <linux/sched.h>
#include <linux/wait.h>

#include "tqueue.h"

void tq_wake_pollers_in(struct tqueue *queue, unsigned int count);
void tq_wake_all_pollers_in(struct tqueue *queue);
void tq_wake_pollers_out(struct tqueue *queue);
void tq_wake_file(struct tq_file *file);
void tq_pass_on(struct tqueue *queue);
void tq_wake_all_in(struct tqueue *queue);
void tq_wake_ended(struct tqueue *queue);
void tq_wake_removed(struct tqueue *queue);
bool tq_sleep_until(ktime_t *deadline);
int tq_wait_readable(struct tq_file *file, ktime_t *deadline);

/**
 * tq_wake_receivers - messages became ready
 * @queue: the queue
 * @count: how many: as many sleeping readers wake, and all pollers
 *
 * Context: Any, no lock held; the messages are published.
 */
static inline void tq_wake_receivers(struct tqueue *queue, unsigned int count)
{
	/* Publish, barrier, look for sleepers: see above. */
	smp_mb();
	/* After the barrier. */
	if (waitqueue_active(&queue->readers))
		__wake_up(&queue->readers, TASK_INTERRUPTIBLE, count, NULL);
	/* After the barrier. */
	if (waitqueue_active(&queue->poll_in) || READ_ONCE(queue->fasync_in))
		tq_wake_pollers_in(queue, count);
}

#endif /* TQ_WAKE_H */
