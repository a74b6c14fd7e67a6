// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving many records in one call: TQUEUE_RECEIVE.
 *
 * Records are copied straight out of the ring, as many as are ready and fit, a
 * piece at a time, with page faults disabled.  Detached messages between them
 * are copied one by one.  A message goes in flight if the buffer faults twice
 * or if it is longer than a piece.
 */
#include <linux/minmax.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "due.h"
#include "inflight.h"
#include "lease.h"
#include "message.h"
#include "notify.h"
#include "observe.h"
#include "receive_batch.h"
#include "record.h"
#include "space.h"
#include "store.h"
#include "tqueue.h"
#include "user.h"
#include "wait.h"

/*
 * Copy @count records out of the ring one by one, each with a header made for
 * this receiver.  Returns the bytes that were copied, and the number of records
 * in *@count.
 *
 * noinline, like everything here with a header on its stack: Debian's kernels
 * clear automatic variables, and the common path must not pay for them.
 */
static noinline size_t tq_copy_each(const struct tq_file *file,
				    unsigned long from, bool dropped,
				    void __user *to, int *count)
{
	const struct tq_store *store = &file->queue->rx.store;
	struct tqueue_record head;
	size_t done = 0;
	int n;

	for (n = 0; n < *count; n++) {
		const struct tqueue_record *record =
			tq_store_at(store, from + done);
		size_t length = tq_store_length(store, from + done);
		size_t bytes = tq_record_bytes(length);
		size_t rest = bytes - sizeof(head);

		tq_header_for(file, record, length, 0, dropped && !n, &head);
		if (tq_copy_to_user_some(to + done, &head, sizeof(head)) !=
		    sizeof(head) ||
		    tq_copy_to_user_some(to + done + sizeof(head),
					 record->payload, rest) != rest)
			break;
		done += bytes;
	}
	*count = n;
	return done;
}

/* Mark a copied record: messages were dropped before it. */
static bool tq_mark_dropped(const struct tqueue_record *record,
			    struct tqueue_record __user *to)
{
	u16 flags = record->flags | TQUEUE_FLAG_DROPPED;

	return tq_copy_to_user_some(&to->flags, &flags, sizeof(flags)) ==
	       sizeof(flags);
}

/*
 * Copy records out of the ring, from the cursor on, as many as are ready and
 * fit into @room bytes.  Returns the bytes that were copied, and the number of
 * records in *@count.
 */
static size_t tq_copy_run(const struct tq_receive_batch *batch, bool dropped,
			  size_t room, int most, int *count)
{
	const struct tq_receiver *receiver = &batch->receiver;
	const struct tq_cursor *cursor = &receiver->cursor;
	const struct tq_file *file = receiver->file;
	const struct tq_store *store = &file->queue->rx.store;
	const void *from = tq_store_at(store, cursor->pos);
	size_t bytes, copied;

	bytes = tq_store_run(store, cursor, room, room, most, count);
	if (unlikely(file->foreign))
		return tq_copy_each(file, cursor->pos, dropped, batch->at,
				    count);
	copied = tq_copy_to_user_some(batch->at, from, bytes);
	if (unlikely(copied != bytes))
		bytes = tq_store_run(store, cursor, copied, copied, *count,
				     count);
	if (unlikely(dropped) && bytes &&
	    !tq_mark_dropped(from, batch->at)) {
		*count = 0;
		return 0;
	}
	return bytes;
}

/* Copy the detached message at the cursor: 0 or an error. */
static noinline int tq_batch_detached(struct tq_receive_batch *batch,
				      struct tq_piece *piece,
				      struct tq_message *message)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tq_store *store = &receiver->file->queue->rx.store;
	struct tq_cursor at = receiver->cursor;
	int ret;

	ret = tq_batch_copy_detached(batch, piece, message, 0);
	if (ret)
		return ret;
	tq_batch_got_detached(batch, piece,
			      tq_record_bytes(tq_message_left(message)));
	receiver->last = tq_rank_of(&message->record);
	tq_store_step(store, &receiver->cursor);
	if (receiver->peek)
		return 0;
	tq_received_message(receiver->file->queue, message);
	tq_due_del_timed(receiver->file->queue, message);
	piece->freed += tq_store_take(store, &at);
	tq_store_settle(store, message);
	message->next = piece->garbage;
	piece->garbage = message;
	return 0;
}

/*
 * Count the empty ones of @count records from @pos on.  Returns the last
 * record.
 */
static const struct tqueue_record *tq_survey_run(const struct tq_store *store,
						 unsigned long pos, int count,
						 u32 *empties)
{
	const struct tqueue_record *record;

	do {
		size_t length = tq_store_length(store, pos);

		record = tq_store_at(store, pos);
		*empties += !length;
		pos += tq_record_bytes(length);
	} while (--count);
	return record;
}

/* Move past records that were copied out of the ring. */
static void tq_batch_pass(struct tq_receiver *receiver, struct tq_piece *piece,
			  size_t bytes, int count)
{
	struct tqueue *queue = receiver->file->queue;
	struct tq_cursor *cursor = &receiver->cursor;
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	u32 empties = 0;

	if (receiver->peek) {
		receiver->last = tq_rank_of(tq_survey_run(store, cursor->pos,
							  count, &empties));
		cursor->pos = tq_store_skip_voids(store, cursor->pos + bytes);
		return;
	}
	tq_received_run(queue, cursor->pos, count);
	/* Count empty messages before their room is released. */
	if (unlikely(tq_empties(queue))) {
		tq_survey_run(store, cursor->pos, count, &empties);
		tq_empties_leave(queue, empties);
	}
	piece->freed += tq_store_advance(store, bytes);
	cursor->pos = store->pos;
}

/* Copy the record at the cursor, and those that follow it in the ring. */
static int tq_batch_run(struct tq_receive_batch *batch, struct tq_piece *piece)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tq_store *store = &receiver->file->queue->rx.store;
	size_t room = min(batch->room, piece->bytes);
	size_t bytes;
	int count;

	if (unlikely(receiver->resident))
		room = min(room, receiver->resident);
	bytes = tq_copy_run(batch, piece->dropped && !piece->count, room,
			    min(batch->most, piece->records), &count);
	if (unlikely(!count)) {
		bytes = tq_record_bytes(tq_store_length(store,
							receiver->cursor.pos));
		return tq_batch_fits(batch, piece, bytes) ?: -EFAULT;
	}
	tq_batch_pass(receiver, piece, bytes, count);
	tq_batch_got(batch, bytes, count);
	piece->bytes -= bytes;
	piece->records -= count;
	piece->count += count;
	return 0;
}

/* Copy what is ready, with rx.lock held.  Returns 0 or why it stopped. */
static __always_inline int tq_batch_walk(struct tq_receive_batch *batch,
					 struct tq_piece *piece)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tq_store *store = &receiver->file->queue->rx.store;
	struct tq_message *message;
	int ret = 0;

	while (!ret && batch->most) {
		if (piece->records <= 0)
			return TQ_NEXT_PIECE;
		if (tq_store_at_end(store, &receiver->cursor))
			return -EAGAIN;
		message = tq_store_detached(store, &receiver->cursor);
		if (unlikely(message))
			ret = tq_batch_detached(batch, piece, message);
		else
			ret = tq_batch_run(batch, piece);
	}
	return ret;
}

/* Lease what is ready, with rx.lock held.  Returns 0 or why it stopped. */
static int tq_lease_walk(struct tq_receive_batch *batch, struct tq_piece *piece)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tq_store *store = &receiver->file->queue->rx.store;
	int ret;

	do {
		/* Fails even if the queue is empty: waiting would not help. */
		if (tq_leases_full(receiver->file->queue))
			return -ENOSPC;
		if (tq_store_at_end(store, &receiver->cursor))
			return -EAGAIN;
		ret = tq_batch_lease(batch, piece);
		if (ret)
			return ret;
		if (piece->records <= 0)
			return TQ_NEXT_PIECE;
	} while (batch->most);
	return 0;
}

/* Why this file can receive nothing now, or 0. */
static __always_inline int tq_batch_refusal(const struct tq_receiver *receiver)
{
	const struct tq_file *file = receiver->file;

	if (unlikely(tq_must_leave(receiver->slept)))
		return -ERESTARTSYS;
	if (unlikely(file->partial))
		return tq_removed(file->queue) ? -EIDRM : -EBUSY;
	if (unlikely(file->queue->rx.paused) && !receiver->peek)
		return -EAGAIN;
	return 0;
}

/*
 * Copy one piece out of the queue.  A @special receive leases, or acknowledges
 * first.
 */
static __always_inline int tq_batch_copy_piece(struct tq_receive_batch *batch,
					       bool special)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tqueue *queue = receiver->file->queue;
	struct tq_rx *rx = &queue->rx;
	struct tq_piece piece __uninitialized;
	int ret;

	piece.bytes = tq_record_bytes(TQ_PIECE);
	piece.records = TQ_PIECE_RECORDS;
	piece.count = 0;
	piece.freed = 0;
	piece.dropped = 0;
	piece.events = 0;
	piece.garbage = NULL;

	mutex_lock(&rx->lock);
	if (special && batch->acks)
		tq_batch_acknowledge(batch, &piece);
	ret = tq_batch_refusal(receiver);
	if (ret)
		goto unlock;
	tq_receive_begin(receiver, &rx->store);
	if (unlikely(tq_counter_get(&rx->dropped) != rx->dropped_reported) &&
	    !receiver->peek && !receiver->got)
		piece.dropped = tq_counter_get(&rx->dropped) -
				rx->dropped_reported;
	if (special && receiver->lease)
		ret = tq_lease_walk(batch, &piece);
	else
		ret = tq_batch_walk(batch, &piece);
	if (piece.count && !receiver->peek) {
		if (unlikely(piece.dropped)) {
			rx->dropped_reported += piece.dropped;
			batch->dropped += piece.dropped;
		}
		receiver->woken = false;
		if (!special || !receiver->lease)
			piece.events |= tq_release_space(queue, piece.freed,
							 piece.count);
	}
unlock:
	mutex_unlock(&rx->lock);
	tq_notify_events(queue, piece.events);
	tq_messages_put(piece.garbage);
	return ret;
}

/* Allocate a spare for the next lease: 0 or -ENOMEM. */
static int tq_batch_memory(struct tq_receive_batch *batch)
{
	tq_message_put(batch->spare);
	batch->spare = tq_message_alloc(batch->receiver.needed);
	return batch->spare ? 0 : -ENOMEM;
}

/*
 * If something was received, it does not matter that no more is ready or fits.
 */
static inline int tq_batch_enough(const struct tq_receiver *receiver, int ret)
{
	return receiver->got && (ret == -EAGAIN || ret == -EMSGSIZE) ? 0 : ret;
}

static int tq_batch_copy(struct tq_receiver *receiver)
{
	int ret;

	do {
		ret = tq_batch_copy_piece(tq_batch_of(receiver), false);
	} while (unlikely(ret == TQ_NEXT_PIECE));
	return tq_batch_enough(receiver, ret);
}

static int tq_batch_copy_special(struct tq_receiver *receiver)
{
	struct tq_receive_batch *batch = tq_batch_of(receiver);
	int ret;

	if (receiver->id)
		return receiver->got ? 0 : TQ_TAKE_IN_FLIGHT;
	do {
		ret = tq_batch_copy_piece(batch, true);
		if (unlikely(ret == TQ_NEED_MEMORY))
			ret = tq_batch_memory(batch) ?: TQ_NEXT_PIECE;
	} while (unlikely(ret == TQ_NEXT_PIECE));
	return tq_batch_enough(receiver, ret);
}

/*
 * Make the buffer resident for what is ready: at least for the record that
 * could not be copied, and at most for one piece.
 */
static int tq_batch_fault_in(struct tq_receiver *receiver)
{
	struct tq_receive_batch *batch = tq_batch_of(receiver);
	struct tqueue *queue = receiver->file->queue;
	size_t want, left;
	unsigned long pos;

	/* Another record is first now.  It may not fit at all. */
	if (receiver->needed > batch->room)
		return 0;
	/* A page fault may take as long as the owner of the memory likes. */
	tq_receive_wake_next(receiver);
	/* In this order tx.pos is never before store.pos. */
	pos = smp_load_acquire(&queue->rx.store.pos);
	want = min3(batch->room, (size_t)(READ_ONCE(queue->tx.pos) - pos),
		    (size_t)TQ_PIECE);
	want = max(want, receiver->needed);
	left = fault_in_writeable(batch->at, want);
	receiver->resident = ALIGN_DOWN(want - left, sizeof(u64));
	if (receiver->resident < receiver->needed)
		return -EFAULT;
	return signal_pending(current) ? -ERESTARTSYS : 0;
}

static int tq_batch_deliver(struct tq_receiver *receiver,
			    struct tq_flight *flight)
{
	struct tq_receive_batch *batch = tq_batch_of(receiver);
	size_t left = flight->left;
	size_t bytes = tq_record_bytes(left);
	void __user *to = batch->at;
	struct tqueue_record head;

	tq_header_for(receiver->file, &flight->head, left, flight->delivery,
		      flight->dropped, &head);
	if (copy_to_user(to, &head, sizeof(head)) ||
	    copy_to_user(to + sizeof(head), flight->payload, left) ||
	    clear_user(to + sizeof(head) + left, bytes - sizeof(head) - left)) {
		tq_flight_end(receiver, flight, TQ_NOT_DELIVERED);
		receiver->needed = 0;
		return -EFAULT;
	}
	batch->dropped += flight->dropped;
	tq_flight_end(receiver, flight, TQ_DELIVERED);
	tq_batch_got(batch, bytes, 1);
	return 0;
}

static const struct tq_receive_ops tq_batch_ops = {
	.copy		= tq_batch_copy,
	.fault_in	= tq_batch_fault_in,
	.deliver	= tq_batch_deliver,
};

static const struct tq_receive_ops tq_special_ops = {
	.copy		= tq_batch_copy_special,
	.fault_in	= tq_batch_fault_in,
	.deliver	= tq_batch_deliver,
};

/* Set up what only special receives use. */
static void tq_batch_prepare(struct tq_receive_batch *batch,
			     struct tqueue_receive *args)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tqueue *queue = receiver->file->queue;

	args->ack_result = -EIDRM;
	batch->args = args;
	batch->acks = args->flags & TQUEUE_RECEIVE_ACK;
	receiver->lease = args->flags & TQUEUE_RECEIVE_LEASE;
	receiver->limit = args->limit;
	if (args->flags & TQUEUE_RECEIVE_BY_ID) {
		receiver->id = args->id;
		receiver->room = batch->room;
		receiver->cursor.pos = READ_ONCE(queue->rx.store.pos);
		receiver->cursor.detached = NULL;
		batch->most = 1;
	}
}

/* Acknowledge in a call that receives by id, or cannot receive at all. */
static void tq_batch_acknowledge_now(struct tq_receive_batch *batch)
{
	struct tqueue *queue = batch->receiver.file->queue;
	struct tq_piece piece = {};

	mutex_lock(&queue->rx.lock);
	if (!tq_removed(queue))
		tq_batch_acknowledge(batch, &piece);
	mutex_unlock(&queue->rx.lock);
	tq_notify_events(queue, piece.events);
	tq_messages_put(piece.garbage);
}

/*
 * Set up what all receives use.  Returns whether the buffer is in user space.
 */
static __always_inline bool tq_batch_init(struct tq_receive_batch *batch,
					  const struct tq_receive_ops *ops,
					  struct tq_file *file,
					  const struct tqueue_receive *args,
					  bool nowait, ktime_t *place)
{
	batch->at = u64_to_user_ptr(args->records);
	batch->room = min_t(u64, args->bytes, MAX_RW_COUNT);
	batch->most = args->count && args->count < INT_MAX ? args->count :
							     INT_MAX;
	batch->dropped = 0;
	tq_receiver_init(&batch->receiver, ops, file,
			 nowait || !args->deadline);
	batch->receiver.deadline = tq_deadline(args->deadline, place);
	batch->receiver.records = true;
	batch->receiver.peek = args->flags & TQUEUE_RECEIVE_PEEK;
	batch->receiver.wanted = SIZE_MAX;
	batch->receiver.header = sizeof(struct tqueue_record);
	return access_ok(batch->at, batch->room);
}

/* Fill in the results.  Returns what the call returns. */
static inline int tq_batch_results(const struct tq_receive_batch *batch,
				   struct tqueue_receive *args, int ret)
{
	if (ret < 0 && ret != -EMSGSIZE)
		return ret;
	args->bytes = ret < 0 ? batch->receiver.needed :
				batch->at - u64_to_user_ptr(args->records);
	args->dropped = batch->dropped;
	return ret;
}

/* A receive with flags: as tq_receive_batch(). */
static noinline int tq_receive_special(struct tq_file *file,
				       struct tqueue_receive *args, bool nowait)
{
	struct tq_receive_batch batch __uninitialized;
	ktime_t place;
	bool writable;
	int ret;

	writable = tq_batch_init(&batch, &tq_special_ops, file, args, nowait,
				 &place);
	batch.spare = NULL;
	tq_batch_prepare(&batch, args);
	/* These do not pass through tq_batch_copy_piece(). */
	if (unlikely(batch.acks && (batch.receiver.id || !writable)))
		tq_batch_acknowledge_now(&batch);
	if (!writable)
		return -EFAULT;
	ret = tq_batch_copy_special(&batch.receiver);
	if (unlikely(ret))
		ret = tq_receive_loop(&batch.receiver, ret);
	else
		ret = batch.receiver.got;
	tq_message_put(batch.spare);
	/* A restart would acknowledge twice. */
	if (ret == -ERESTARTSYS && args->flags & TQUEUE_RECEIVE_ACK)
		ret = -EINTR;
	return tq_batch_results(&batch, args, ret);
}

/**
 * tq_receive_batch - receive messages as records
 * @file: the open file
 * @args: a copy of what user space gave, checked except for the buffer; gets
 *	the results, with -EMSGSIZE too
 * @nowait: fail instead of waiting, whatever the deadline
 *
 * Context: Process context, may sleep, no lock held.
 * Return: the number of records; 0 at the end of file; if there is none,
 * -EAGAIN, -ETIMEDOUT, -EMSGSIZE, -EBUSY, -EIDRM, -EFAULT, -ENOMEM, or
 * -ERESTARTSYS on a signal; when leasing, -ENOSPC; by id, -ENOENT.
 */
int tq_receive_batch(struct tq_file *file, struct tqueue_receive *args,
		     bool nowait)
{
	struct tq_receive_batch batch __uninitialized;
	ktime_t place;
	int ret;

	if (unlikely(args->flags & ~TQUEUE_RECEIVE_PEEK))
		return tq_receive_special(file, args, nowait);
	if (!tq_batch_init(&batch, &tq_batch_ops, file, args, nowait, &place))
		return -EFAULT;
	ret = tq_batch_copy(&batch.receiver);
	if (ret)
		ret = tq_receive_loop(&batch.receiver, ret);
	else
		ret = batch.receiver.got;
	return tq_batch_results(&batch, args, ret);
}
