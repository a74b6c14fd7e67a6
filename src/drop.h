/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making room by dropping the oldest messages: TQUEUE_OVERFLOW_DROP_OLDEST.
 */
#ifndef TQ_DROP_H
#define TQ_DROP_H

#include "notify.h"
#include "tqueue.h"

/* Internal result: the message fits only if it stays detached. */
#define TQ_ROOM_DETACHED (-EXFULL)

int tq_drop_for(struct tqueue *queue, unsigned long bytes,
		struct tq_notify *notify);

#endif /* TQ_DROP_H */
