/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Senders that wait for room, and the turns of those that may not wait.
 */
#ifndef TQ_SENDERS_H
#define TQ_SENDERS_H

#include <linux/list.h>
#include <linux/sched.h>

#include "notify.h"
#include "tqueue.h"

/**
 * struct tq_sender - a sender that is blocked
 * @link: place among those of the queue, in the order in which they are admitted,
 *	under tx.lock
 * @by_ticket: the same in the order in which they came
 * @ticket: its number
 * @file: the open file it sends through
 * @message: what it sends; NULL once the store owns it
 * @id: of the message, once it is admitted
 * @task: the task that sleeps.  It takes tx.lock once more before it leaves.
 * @left: it is blocked no longer: admitted, or refused
 * @error: why it was refused, or 0
 */
struct tq_sender {
	struct list_head link;
	struct list_head by_ticket;
	unsigned long ticket;
	struct tq_file *file;
	struct tq_message *message;
	u64 id;
	struct task_struct *task;
	bool left;
	int error;
};

void tq_senders_block(struct tq_sender *sender);
int tq_senders_wait(struct tq_sender *sender, ktime_t *deadline);
void tq_senders_admit(struct tqueue *queue, struct tq_notify *notify);
void tq_senders_fail(struct tqueue *queue, int error,
		     struct tq_notify *notify);
int tq_senders_pass(struct tq_sender *sender, struct tq_notify *notify);
void tq_senders_forget(struct tq_file *file);
void tq_admit_senders(struct tqueue *queue);

#endif /* TQ_SENDERS_H */
