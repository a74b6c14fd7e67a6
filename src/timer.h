/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The work of the module's thread.
 */
#ifndef TQ_TIMER_H
#define TQ_TIMER_H

struct kthread_work;

void tq_timer_work(struct kthread_work *work);

#endif /* TQ_TIMER_H */
