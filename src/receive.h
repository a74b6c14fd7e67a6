/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receiving: what read() and TQUEUE_RECEIVE have in common.
 */
#ifndef TQ_RECEIVE_H
#define TQ_RECEIVE_H

#include "tqueue.h"
#include "user.h"

struct tq_flight;
struct tq_receiver;

/* Internal result: put the next message in flight. */
#define TQ_TAKE_IN_FLIGHT (-ERANGE)

/**
 * struct tq_receive_ops - how one kind of receive differs from another
 * @copy: copy what is ready, with page faults disabled.  Returns 0 if the call
 *	needs nothing more; -EAGAIN if nothing is ready; -EFAULT if @needed
 *	bytes were not resident; -EBUSY if another call copies from the partial
 *	message of the file; %TQ_TAKE_IN_FLIGHT; or another error.
 * @fault_in: make at least @needed bytes of the caller's memory resident, with
 *	no lock held: 0 or -EFAULT
 * @deliver: copy a message in flight, with no lock held, and end its flight: 0
 *	or -EFAULT
 */
struct tq_receive_ops {
	int (*copy)(struct tq_receiver *receiver);
	int (*fault_in)(struct tq_receiver *receiver);
	int (*deliver)(struct tq_receiver *receiver, struct tq_flight *flight);
};

/**
 * struct tq_receiver - a receive in progress
 * @ops: which kind of receive it is
 * @file: the open file
 * @deadline: when to stop waiting, CLOCK_MONOTONIC; NULL for never
 * @nowait: fail instead of waiting
 * @records: receive whole messages, as records, even empty ones
 * @peek: leave the messages in the queue
 * @lease: lease the messages
 * @slept: it has slept, and obeys any signal from now on
 * @woken: it may have been woken for a message that it has not taken yet
 * @got: how many bytes or records it has received
 * @wanted: the most payload bytes that it takes of one message
 * @header: bytes that it writes before the payload
 * @needed: bytes that must be resident for the next message
 * @resident: bytes that are known to be resident
 * @id: the id of the only message that it receives, or 0
 * @room: room for the record of that message
 * @limit: how long leases last; 0 for the limit of the queue
 * @cursor: how far a peek or the search for @id has come; valid once that has
 *	begun
 * @last: the last message that it has passed
 * @first_id: the first message that it has leased
 * @first_delivery: the number of that delivery
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

/* Initialize a receive.  Its cursor is set when it begins. */
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

/* Set the cursor to where the receive continues.  With rx.lock held. */
static inline void tq_receive_begin(struct tq_receiver *receiver,
				    struct tq_store *store)
{
	if (unlikely(receiver->peek && receiver->got))
		tq_store_resume(store, &receiver->cursor, &receiver->last);
	else
		tq_store_begin(store, &receiver->cursor);
}

#endif /* TQ_RECEIVE_H */
