/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages as records, as their receiver may see them.
 */
#ifndef TQ_RECORD_H
#define TQ_RECORD_H

#include "message.h"
#include "tqueue.h"

void tq_sender_for(const struct tq_file *file, u32 *uid, u32 *pid);
void tq_header_for(const struct tq_file *file,
		   const struct tqueue_record *record, size_t length,
		   u32 delivery, bool dropped, struct tqueue_record *head);
int tq_copy_detached(const struct tq_file *file,
		     const struct tq_message *message, u32 delivery,
		     bool dropped, void __user *to);

#endif /* TQ_RECORD_H */
