/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending one message.
 */
#ifndef TQ_SEND_H
#define TQ_SEND_H

#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "clock.h"
#include "notify.h"
#include "observe.h"
#include "space.h"
#include "tqueue.h"
#include "trace.h"
#include "user.h"

/* Internal result: take the slow path. */
#define TQ_SEND_SLOW (-EFBIG)

ssize_t tq_send(struct tq_file *file, struct tq_user *user, size_t length,
		unsigned int how);
int tq_send_message(struct tq_file *file, struct tq_message **message,
		    bool nowait, bool pass, ktime_t *deadline, u64 *id);
int tq_send_hopeless(const struct tq_file *file, bool nowait);

/* Fill in the fields of a header that the driver owns, except the id. */
static inline void tq_record_sign(struct tqueue_record *record, s64 now,
				  u32 uid, u32 pid)
{
	record->sent_ns = now;
	record->uid = uid;
	record->pid = pid;
	record->delivery = 0;
	record->attempts = 0;
	record->reserved = 0;
}

/* Fill in a header, except the id, which the message gets with its place. */
static inline void tq_record_stamp(struct tqueue_record *record, u32 length,
				   u32 uid)
{
	record->length = length;
	record->header_words = TQUEUE_HEADER_WORDS;
	record->priority = 0;
	record->flags = 0;
	tq_record_sign(record, tq_stamp_time(), uid,
		       task_tgid_nr(current));
}

/*
 * Take ids for the next @count messages.  Returns the last.  With tx.lock held.
 */
static inline u64 tq_alloc_ids(struct tqueue *queue, unsigned int count)
{
	struct tq_tx *tx = &queue->tx;
	u64 id = tq_counter_get(&tx->last_id) + count;

	lockdep_assert_held(&tx->lock);

	tq_counter_set(&tx->last_id, id);
	tq_counter_add(&tx->sent, count);
	trace_tqueue_send(queue, id, count);
	return id;
}

/* Publish the records of @bytes at tx.pos.  With tx.lock held. */
static inline void tq_publish(struct tqueue *queue, unsigned long bytes)
{
	/* Release: receivers see complete records. */
	smp_store_release(&queue->tx.pos, queue->tx.pos + bytes);
}

#endif /* TQ_SEND_H */
