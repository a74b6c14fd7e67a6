// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leasing what TQUEUE_RECEIVE receives, and acknowledging what was leased before.
 *
 * A record in the ring is copied twice: into memory of its own, where it stays
 * while it is leased, and from there to the caller.  That memory is what the file
 * has kept of messages that it has settled; only where there is none it is
 * allocated, and for that the lock is let go.
 */
#include <linux/minmax.h>

#include "inflight.h"
#include "lease.h"
#include "message.h"
#include "receive_batch.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"
#include "user.h"

/* Memory for a message of @length: that of the call, or of its file. */
static struct tq_message *tq_lease_memory(struct tq_receive_batch *batch,
					  size_t length)
{
	struct tq_message *message = batch->spare;

	if (message && message->capacity >= length) {
		batch->spare = NULL;
		return message;
	}
	return tq_spare_get(batch->receiver.file, length);
}

/* The memory is not needed after all. */
static void tq_lease_return(struct tq_receive_batch *batch,
			    struct tq_message *message,
			    struct tq_piece *piece)
{
	if (!batch->spare) {
		batch->spare = message;
	} else if (!tq_spare_put(batch->receiver.file, message)) {
		message->next = piece->garbage;
		piece->garbage = message;
	}
}

/* Copy a message to the caller, as the delivery of that number: 0 or -EFAULT. */
static int tq_copy_leased(struct tq_receive_batch *batch,
			  struct tq_message *message, u32 delivery,
			  bool dropped)
{
	const struct tq_file *file = batch->receiver.file;
	size_t bytes = tq_message_bytes(message);

	if (unlikely(file->foreign || message->offset || dropped))
		return tq_copy_detached(file, message, delivery, dropped,
					batch->at);
	message->record.delivery = delivery;
	return tq_copy_to_user_some(batch->at, &message->record, bytes) ==
	       bytes ? 0 : -EFAULT;
}

/* Take the record at the cursor out of the ring; @message is its copy. */
static unsigned int tq_take_record(struct tqueue *queue,
				   struct tq_cursor *cursor,
				   struct tq_message *message)
{
	struct tq_rx *rx = &queue->rx;

	tq_flights_begin(rx);
	tq_store_track(&rx->store, message);
	if (unlikely(!message->record.length))
		WRITE_ONCE(rx->empties, rx->empties + 1);
	return tq_keep_space(queue, tq_store_take(&rx->store, cursor), message);
}

/**
 * tq_batch_lease - lease the message at the cursor, and copy it out
 * @batch: the batch
 * @piece: what is received while the lock is held
 *
 * Context: Process context, rx.lock held.
 * Return: 0; -ENOSPC when no more may be leased; -EMSGSIZE; -EFAULT;
 * %TQ_NEXT_PIECE; %TQ_NEED_MEMORY.
 */
int tq_batch_lease(struct tq_receive_batch *batch, struct tq_piece *piece)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tq_file *file = receiver->file;
	struct tqueue *queue = file->queue;
	struct tq_store *store = &queue->rx.store;
	struct tq_cursor *cursor = &receiver->cursor;
	struct tq_message *detached = tq_store_detached(store, cursor);
	struct tq_message *message = detached;
	size_t length, bytes;
	u32 delivery;
	int ret;

	if (tq_leases_full(queue))
		return -ENOSPC;
	length = detached ? tq_message_left(detached) :
			    tq_store_length(store, cursor->pos);
	bytes = tq_record_bytes(length);
	ret = tq_batch_fits(batch, piece, bytes);
	/* What is longer than a piece goes in flight. */
	if (ret == TQ_NEXT_PIECE && length > TQ_PIECE)
		ret = -EFAULT;
	if (unlikely(ret))
		return ret;
	if (!detached) {
		message = tq_lease_memory(batch, length);
		if (unlikely(!message)) {
			receiver->needed = length;
			return TQ_NEED_MEMORY;
		}
		tq_message_copy(message, tq_store_at(store, cursor->pos),
				length);
	}
	delivery = tq_next_delivery(&queue->rx);
	if (unlikely(tq_copy_leased(batch, message, delivery,
				    piece->dropped && !piece->count))) {
		if (!detached)
			tq_lease_return(batch, message, piece);
		return -EFAULT;
	}
	if (detached)
		tq_seize(queue, detached);
	else
		piece->events |= tq_take_record(queue, cursor, message);
	tq_place_leased(queue, message, &file->holder, delivery,
			tq_limit_at(receiver->limit));
	tq_lease_received(receiver, message);
	tq_batch_got(batch, bytes, 1);
	piece->bytes -= bytes;
	piece->records--;
	piece->count++;
	tq_store_begin(store, cursor);
	return 0;
}

/**
 * tq_batch_acknowledge - acknowledge the delivery that a receive names
 * @batch: the batch
 * @piece: what is received while the lock is held
 *
 * Context: Process context, rx.lock held.
 */
void tq_batch_acknowledge(struct tq_receive_batch *batch,
			  struct tq_piece *piece)
{
	struct tqueue_receive *args = batch->args;
	struct tq_file *file = batch->receiver.file;
	struct tqueue *queue = file->queue;
	struct tq_message *message;

	batch->acks = false;
	message = tq_lease_find(queue, args->ack_id, args->ack_delivery);
	if (!message) {
		args->ack_result = tq_lease_missing(queue, args->ack_id);
		return;
	}
	args->ack_result = 0;
	piece->events |= tq_acknowledge(file, message, &piece->garbage);
}
