/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by receive_batch.c and receive_lease.c.
 */
#ifndef TQ_RECEIVE_BATCH_H
#define TQ_RECEIVE_BATCH_H

#include "receive.h"
#include "record.h"
#include "tqueue.h"

/* Internal results. */
#define TQ_NEXT_PIECE	(-ESTALE)	/* unlock and go on */
#define TQ_NEED_MEMORY	(-ENOSR)	/* unlock and get a spare */

/**
 * struct tq_receive_batch - a TQUEUE_RECEIVE in progress
 * @receiver: what all receives have in common
 * @at: where the next record goes
 * @room: bytes of room there
 * @most: how many more records are wanted
 * @dropped: dropped messages that this call reports
 * @spare: memory for a message to lease, or NULL
 * @args: the arguments; set only if it leases, acknowledges or has an id
 * @acks: a delivery has yet to be acknowledged
 */
struct tq_receive_batch {
	struct tq_receiver receiver;
	void __user *at;
	size_t room;
	int most;
	u64 dropped;
	struct tq_message *spare;
	struct tqueue_receive *args;
	bool acks;
};

/**
 * struct tq_piece - what a receive does while it holds the lock once
 * @bytes: how many more bytes it may copy
 * @records: how many more records it may copy
 * @count: how many it has copied
 * @freed: the room that this makes
 * @dropped: how many dropped messages the first record reports
 * @events: wake-ups: TQ_NOTIFY_*
 * @garbage: messages to free, a list by @next
 */
struct tq_piece {
	size_t bytes;
	int records;
	int count;
	unsigned long freed;
	u64 dropped;
	unsigned int events;
	struct tq_message *garbage;
};

static inline struct tq_receive_batch *
tq_batch_of(struct tq_receiver *receiver)
{
	return container_of(receiver, struct tq_receive_batch, receiver);
}

static inline void tq_batch_got(struct tq_receive_batch *batch, size_t bytes,
				int count)
{
	struct tq_receiver *receiver = &batch->receiver;

	batch->at += bytes;
	batch->room -= bytes;
	batch->most -= count;
	receiver->got += count;
	receiver->resident -= min(receiver->resident, bytes);
}

/* Whether a record of @bytes can be copied now: 0 or why not. */
static inline int tq_batch_fits(struct tq_receive_batch *batch,
				const struct tq_piece *piece, size_t bytes)
{
	struct tq_receiver *receiver = &batch->receiver;

	receiver->needed = bytes;
	if (bytes > batch->room)
		return -EMSGSIZE;
	if (receiver->resident && bytes > receiver->resident)
		return -EFAULT;
	return bytes > piece->bytes ? TQ_NEXT_PIECE : 0;
}

/* Copy a detached message as the delivery @delivery: 0 or why not. */
static inline int tq_batch_copy_detached(struct tq_receive_batch *batch,
					 const struct tq_piece *piece,
					 const struct tq_message *message,
					 u32 delivery)
{
	size_t left = tq_message_left(message);
	int ret;

	ret = tq_batch_fits(batch, piece, tq_record_bytes(left));
	/* A message that is longer than a piece goes in flight. */
	if (ret == TQ_NEXT_PIECE && left > TQ_PIECE)
		ret = -EFAULT;
	return ret ?: tq_copy_detached(batch->receiver.file, message, delivery,
				       piece->dropped && !piece->count,
				       batch->at);
}

/* Note that a detached message was copied. */
static inline void tq_batch_got_detached(struct tq_receive_batch *batch,
					 struct tq_piece *piece, size_t bytes)
{
	tq_batch_got(batch, bytes, 1);
	piece->bytes -= bytes;
	piece->records -= TQ_DETACHED_RECORDS;
	piece->count++;
}

/* receive_lease.c */
int tq_batch_lease(struct tq_receive_batch *batch, struct tq_piece *piece);
void tq_batch_acknowledge(struct tq_receive_batch *batch,
			  struct tq_piece *piece);

#endif /* TQ_RECEIVE_BATCH_H */
