/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocked senders, and the turns of non-blocking files.
 */
#ifndef TQ_SENDERS_H
#define TQ_SENDERS_H

#include <linux/list.h>
#include <linux/sched.h>

#include "notify.h"
#include "tqueue.h"

/**
 * struct tq_sender - a sender, which may be blocked
 * @link: node among the blocked senders in the order in which they are
 *	admitted, under tx.lock
 * @by_ticket: node among the blocked senders in the order in which they came
 * @ticket: its number
 * @file: the open file
 * @message: its message; NULL once the store owns it
 * @id: the id of the message, once it is admitted
 * @task: the task that sleeps.  It takes tx.lock once more before it leaves.
 * @left: it was admitted or refused
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
