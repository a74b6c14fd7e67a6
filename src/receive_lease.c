// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leasing what TQUEUE_RECEIVE receives, and acknowledging an earlier lease.
 *
 * A record in the ring is copied twice: into memory of its own, where it stays
 * while it is leased, and from there to the caller.  The memory is usually a
 * spare, which the file kept when it settled another message.  Only if there is
 * no spare is memory allocated, and the lock dropped for that.
 */
#include <linux/minmax.h>
#include <linux/sched.h>

#include "clock.h"
#include "compat.h"
#include "due.h"
#include "lease.h"
#include "message.h"
#include "observe.h"
#include "receive_batch.h"
#include "record.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"
#include "user.h"

/*
 * Get memory for a message of @length: from the call, or a spare of the file.
 */
static inline struct tq_message *tq_lease_memory(struct tq_receive_batch *batch,
						 size_t length)
{
	struct tq_message *message = batch->spare;

	if (unlikely(message) && message->capacity >= length) {
		batch->spare = NULL;
		return message;
	}
	return tq_spare_get(batch->receiver.file, length);
}

/* Give back memory that is not needed. */
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

/* Copy a record of @bytes to the caller: 0 or -EFAULT. */
static inline int tq_copy_leased(struct tq_receive_batch *batch,
				 struct tq_message *message, size_t bytes,
				 bool dropped)
{
	const struct tq_file *file = batch->receiver.file;

	if (unlikely(file->foreign || dropped)) {
		message->offset = 0;
		return tq_copy_detached(file, message, message->record.delivery,
					dropped, batch->at);
	}
	return likely(tq_copy_to_user_some(batch->at, &message->record,
					   bytes) == bytes) ? 0 : -EFAULT;
}

/**
 * struct tq_lease_run - consecutive records of the ring that are leased
 * @count: how many
 * @bytes: their bytes
 * @empties: how many of them have no payload
 * @limit: when their leases end: CLOCK_MONOTONIC, or S64_MAX
 * @since: the time now: CLOCK_BOOTTIME, coarse
 * @pid: the process that leases them
 */
struct tq_lease_run {
	int count;
	size_t bytes;
	u32 empties;
	s64 limit;
	s64 since;
	u32 pid;
};

/* Lease the copy of a record that the caller has received. */
static inline void tq_lease_copy(struct tq_file *file,
				 struct tq_message *message,
				 const struct tq_lease_run *run)
{
	struct tqueue *queue = file->queue;

	tq_store_track(&queue->rx.store, message);
	tq_message_init(message);
	tq_lease_begin(queue, message, &file->holder, run->limit, run->since,
		       run->pid);
}

/* Copy and lease the record at @pos: 0 or why not. */
static inline int tq_lease_record(struct tq_receive_batch *batch,
				  struct tq_piece *piece, unsigned long pos,
				  struct tq_lease_run *run)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tq_file *file = receiver->file;
	struct tqueue *queue = file->queue;
	struct tq_store *store = &queue->rx.store;
	const struct tqueue_record *record = tq_store_at(store, pos);
	size_t length = tq_store_bound(store, pos, record);
	size_t bytes = tq_record_bytes(length);
	struct tq_message *message;
	int ret;

	ret = tq_batch_fits(batch, piece, bytes);
	if (unlikely(ret))
		return ret;
	message = tq_lease_memory(batch, length);
	if (unlikely(!message)) {
		receiver->needed = length;
		return TQ_NEED_MEMORY;
	}
	tq_message_copy(message, record, length);
	message->record.delivery = tq_next_delivery(&queue->rx);
	if (unlikely(tq_copy_leased(batch, message, bytes,
				    piece->dropped && !piece->count))) {
		tq_lease_return(batch, message, piece);
		return -EFAULT;
	}
	tq_lease_copy(file, message, run);
	if (!receiver->got)
		tq_lease_first(receiver, message);
	run->count++;
	run->bytes += bytes;
	run->empties += !length;
	tq_batch_got(batch, bytes, 1);
	piece->bytes -= bytes;
	piece->count++;
	return 0;
}

/* Remove leased records from the head of the ring.  Their room stays taken. */
static void tq_lease_advance(struct tqueue *queue,
			     const struct tq_lease_run *run,
			     struct tq_piece *piece)
{
	struct tq_rx *rx = &queue->rx;
	unsigned long freed;

	WRITE_ONCE(rx->flights_begun, rx->flights_begun + run->count);
	/* In flight first, and then not ready: see tq_nothing_left(). */
	smp_wmb();
	if (unlikely(run->empties))
		tq_empties_leave(queue, run->empties);
	tq_received_run(queue, rx->store.pos, run->count);
	freed = tq_store_advance(&rx->store, run->bytes) - run->bytes;
	tq_counter_add(&rx->gone, run->count);
	tq_counter_add(&rx->ever_leased, run->count);
	WRITE_ONCE(rx->leased.count, rx->leased.count + run->count);
	WRITE_ONCE(rx->leased.bytes, rx->leased.bytes + run->bytes);
	/* Voids that followed them give up their room. */
	if (unlikely(freed))
		piece->events |= tq_release_room(queue, freed);
}

/* How many records in a row may be leased. */
static int tq_lease_most(const struct tq_receive_batch *batch,
			 const struct tq_piece *piece)
{
	const struct tqueue *queue = batch->receiver.file->queue;
	u32 max_leased = queue->policy.max_leased;
	int most = min(batch->most, piece->records);

	/* A void may follow each record: lease one at a time. */
	if (unlikely(queue->rx.store.void_bytes))
		return 1;
	if (unlikely(max_leased))
		most = min_t(u32, most, max_leased - tq_leases(queue));
	return most;
}

/* Lease the record at the cursor, and those that follow it in the ring. */
static int tq_lease_records(struct tq_receive_batch *batch,
			    struct tq_piece *piece)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tqueue *queue = receiver->file->queue;
	struct tq_store *store = &queue->rx.store;
	const struct tq_message *until = receiver->cursor.detached;
	int most = tq_lease_most(batch, piece);
	unsigned long pos = store->pos;
	struct tq_lease_run run __uninitialized;
	int ret = 0;

	run.count = 0;
	run.bytes = 0;
	run.empties = 0;
	run.limit = tq_limit_at(queue, receiver->limit);
	run.since = tq_stamp_time();
	run.pid = task_tgid_nr(current);
	do {
		ret = tq_lease_record(batch, piece, pos + run.bytes, &run);
		if (ret)
			break;
		if (run.count == most || pos + run.bytes == store->end)
			break;
	} while (likely(!until) ||
		 tq_record_precedes(tq_store_at(store, pos + run.bytes),
				    &until->record));
	piece->records -= run.count;
	if (likely(run.count))
		tq_lease_advance(queue, &run, piece);
	return ret;
}

/* Lease the detached message at the cursor, and copy it out. */
static noinline int tq_lease_detached(struct tq_receive_batch *batch,
				      struct tq_piece *piece,
				      struct tq_message *message)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tq_file *file = receiver->file;
	struct tqueue *queue = file->queue;
	u32 delivery = tq_next_delivery(&queue->rx);
	int ret;

	ret = tq_batch_copy_detached(batch, piece, message, delivery);
	if (ret)
		return ret;
	tq_received_message(queue, message);
	tq_seize(queue, message);
	tq_place_leased(queue, message, &file->holder, delivery,
			tq_limit_at(queue, receiver->limit));
	if (!receiver->got)
		tq_lease_first(receiver, message);
	tq_batch_got_detached(batch, piece,
			      tq_record_bytes(tq_message_left(message)));
	return 0;
}

/**
 * tq_batch_lease - lease the message at the cursor, and others that follow it
 * @batch: the receive
 * @piece: what it does while it holds the lock.  One more message may be
 *	leased.
 *
 * Context: Process context, rx.lock held.
 * Return: 0; -EMSGSIZE; -EFAULT; %TQ_NEXT_PIECE; %TQ_NEED_MEMORY.
 */
int tq_batch_lease(struct tq_receive_batch *batch, struct tq_piece *piece)
{
	struct tq_receiver *receiver = &batch->receiver;
	struct tqueue *queue = receiver->file->queue;
	struct tq_store *store = &queue->rx.store;
	struct tq_message *message = tq_store_detached(store,
						       &receiver->cursor);
	ssize_t before = receiver->got;
	int ret;

	if (unlikely(message))
		ret = tq_lease_detached(batch, piece, message);
	else
		ret = tq_lease_records(batch, piece);
	/* The first lease is not alone any more. */
	if (unlikely(before <= 1 && receiver->got > 1))
		tq_lease_not_alone(receiver);
	tq_store_begin(store, &receiver->cursor);
	return ret;
}

/**
 * tq_batch_acknowledge - acknowledge the delivery that a receive names
 * @batch: the receive
 * @piece: what it does while it holds the lock
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
	message = tq_lease_of(file, args->ack_id, args->ack_delivery);
	if (!message) {
		args->ack_result = tq_lease_missing(queue, args->ack_id);
		return;
	}
	args->ack_result = 0;
	piece->events |=
		tq_release_room(queue, tq_acknowledge(file, message,
						      &piece->garbage));
}
