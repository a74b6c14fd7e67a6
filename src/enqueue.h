/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Putting a message that is already in kernel memory into its queue.
 */
#ifndef TQ_ENQUEUE_H
#define TQ_ENQUEUE_H

#include "notify.h"
#include "tqueue.h"

int tq_key_refuses(struct tqueue *queue, const struct tq_message *message,
		   u64 *id);
int tq_enqueue(struct tqueue *queue, struct tq_message **message, u64 *id,
	       struct tq_notify *notify);
int tq_enqueue_detached(struct tqueue *queue, struct tq_message **message,
			u64 *id, struct tq_notify *notify);

#endif /* TQ_ENQUEUE_H */
