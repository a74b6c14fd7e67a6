/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receiving: what read() and TQUEUE_RECEIVE share.
 */
#ifndef TQ_RECEIVE_H
#define TQ_RECEIVE_H

#include "tqueue.h"
#include "user.h"

struct tq_flight;
struct tq_receiver;

/* Internal result: the message must be taken in flight. */
#define TQ_TAKE_IN_FLIGHT (-ERANGE)

/**
 * struct tq_receive_ops - how a receive differs from others
 * @copy: copy what is ready, with page faults disabled.  0 if no more is wanted;
 *	-EAGAIN: nothing is ready; -EFAULT: @needed bytes were not resident;
 *	-EBUSY: another call copies from the file's partial message;
 *	%TQ_TAKE_IN_FLIGHT; or another error.
 * @fault_in: make at least @needed bytes of the caller's memory resident, with
 *	no lock held: 0 or -EFAULT
 * @deliver: copy out a message in flight, with no lock held, and end its flight:
 *	0 or -EFAULT
 */
struct tq_receive_ops {
	int (*copy)(struct tq_receiver *receiver);
	int (*fault_in)(struct tq_receiver *receiver);
	int (*deliver)(struct tq_receiver *receiver, struct tq_flight *flight);
};

/**
 * struct tq_receiver - a receive on its way
 * @ops: what it is
 * @file: the open file it goes through
 * @deadline: until when to wait, CLOCK_MONOTONIC; NULL for ever
 * @nowait: whether to fail rather than wait
 * @records: messages are received whole, as records, empty ones too
 * @peek: they stay in the queue
 * @lease: they are leased
 * @id: of the only message that is to be received, or 0
 * @room: bytes that the record of that one may have
 * @slept: it has slept, and heeds each signal from now on
 * @woken: it may have been woken for a message that it did not take yet
 * @got: bytes or records that it has received
 * @wanted: of one message, the most payload bytes that it takes
 * @header: bytes that precede them
 * @needed: bytes that must be resident for the next message
 * @resident: bytes that are known to be
 * @limit: how long leases last; 0: as long as the policy of the queue says
 * @cursor: where a peek has come to, or the look for @id, once it has begun
 * @last: the last message that it has passed
 * @first_id: the first message that it has leased
 * @first_delivery: number of that delivery
 */
struct tq_receiver {
	const struct tq_receive_ops *ops;
	struct tq_file *file;
	ktime_t *deadline;
	bool nowait;
	bool records;
	bool peek;
	bool lease;
	bool slept;
	bool woken;
	ssize_t got;
	size_t wanted;
	size_t header;
	size_t needed;
	size_t resident;
	u64 id;
	size_t room;
	u64 limit;
	struct tq_cursor cursor;
	struct tq_rank last;
	u64 first_id;
	u32 first_delivery;
};

/* All but the cursor, which means nothing before the receive has begun. */
static inline void tq_receiver_init(struct tq_receiver *receiver,
				    const struct tq_receive_ops *ops,
				    struct tq_file *file, bool nowait)
{
	receiver->ops = ops;
	receiver->file = file;
	receiver->deadline = NULL;
	receiver->nowait = nowait;
	receiver->records = false;
	receiver->peek = false;
	receiver->lease = false;
	receiver->slept = false;
	receiver->woken = false;
	receiver->got = 0;
	receiver->header = 0;
	receiver->needed = 0;
	receiver->resident = 0;
	receiver->id = 0;
}

ssize_t tq_receive(struct tq_file *file, struct tq_user *user, size_t count,
		   unsigned int how);
ssize_t tq_receive_loop(struct tq_receiver *receiver, int ret);
void tq_receive_wake_next(struct tq_receiver *receiver);
size_t tq_next_length(struct tq_file *file);

/* Go to where the receive has come to.  With rx.lock held. */
static inline void tq_receive_begin(struct tq_receiver *receiver,
				    struct tq_store *store)
{
	if (unlikely(receiver->peek && receiver->got))
		tq_store_resume(store, &receiver->cursor, &receiver->last);
	else
		tq_store_begin(store, &receiver->cursor);
}

#endif /* TQ_RECEIVE_H */
