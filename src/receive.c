// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving: read(), and the loop that it shares with TQUEUE_RECEIVE.
 *
 * The fast path copies straight out of the ring under rx.lock, with page faults
 * disabled.  Everything else goes in flight: a short read, a buffer that faults
 * twice, a message that came back.  The message is then detached, owned by the
 * call, and copied with no lock held.  If the caller takes a part of it, the
 * rest stays with the open file.  If the caller can take nothing, the message
 * goes back to its place.
 */
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "inflight.h"
#include "message.h"
#include "notify.h"
#include "observe.h"
#include "receive.h"
#include "space.h"
#include "store.h"
#include "tqueue.h"
#include "user.h"
#include "wait.h"

/**
 * tq_receive_wake_next - pass a wake-up on before doing something slow
 * @receiver: the receive, which may have been woken for a message
 *
 * Context: Any, no lock held.
 */
void tq_receive_wake_next(struct tq_receiver *receiver)
{
	if (receiver->woken)
		tq_wake_next_reader(receiver->file->queue);
	receiver->woken = false;
}

/*
 * Nothing is ready: wait.  Returns 0 at the end of file, -EAGAIN to try again,
 * or an error.
 */
static int tq_receive_wait(struct tq_receiver *receiver, bool *ended)
{
	struct tq_file *file = receiver->file;
	int ret;

	*ended = tq_receive_end(file);
	if (*ended)
		return tq_removed(file->queue) ? -EIDRM : 0;
	if (receiver->nowait)
		return -EAGAIN;
	ret = tq_wait_readable(file, receiver->deadline);
	receiver->slept = true;
	receiver->woken = true;
	return ret;
}

/*
 * Put the next message in flight and copy it.  Returns 0, or an error as from
 * tq_receive_ops.copy.
 */
static int tq_receive_in_flight(struct tq_receiver *receiver)
{
	struct tq_flight flight;
	int ret;

	ret = tq_flight_begin(receiver, &flight);
	if (ret)
		return ret;
	/* The message for which it was woken is still there. */
	if (receiver->peek || !flight.from_queue)
		tq_receive_wake_next(receiver);
	receiver->woken = false;
	return receiver->ops->deliver(receiver, &flight);
}

/**
 * tq_receive_loop - continue a receive that the fast path did not finish
 * @receiver: the receive
 * @ret: what its @ops->copy has returned
 *
 * Context: Process context, may sleep, no lock held.
 * Return: what was received; 0 at the end of file; or an error.
 */
ssize_t tq_receive_loop(struct tq_receiver *receiver, int ret)
{
	const struct tq_receive_ops *ops = receiver->ops;
	bool ended;

	while (ret) {
		if (ret == -EFAULT && receiver->needed > receiver->resident) {
			ret = ops->fault_in(receiver);
			if (!ret)
				ret = ops->copy(receiver);
			else
				break;
		} else if (ret == -EFAULT || ret == TQ_TAKE_IN_FLIGHT) {
			ret = tq_receive_in_flight(receiver);
			/*
			 * The buffer is bad.  No later message may be received
			 * before the one that went back.
			 */
			if (ret == -EFAULT && !receiver->needed)
				break;
			if (!ret && receiver->records)
				ret = ops->copy(receiver);
		} else if (receiver->got) {
			break;
		} else if (ret == -EBUSY && !receiver->records) {
			ret = -EAGAIN;
			if (receiver->nowait)
				break;
			tq_receive_wake_next(receiver);
			ret = tq_wait_partial(receiver->file);
			receiver->slept = true;
			if (ret)
				break;
			ret = ops->copy(receiver);
		} else if (ret == -EAGAIN) {
			ret = tq_receive_wait(receiver, &ended);
			if (ret || ended)
				break;
			ret = ops->copy(receiver);
		} else {
			break;
		}
	}
	/* It was woken for a message and leaves without one. */
	tq_receive_wake_next(receiver);
	return receiver->got ?: ret;
}

/**
 * struct tq_read - a read() in progress
 * @receiver: what all receives have in common
 * @user: where the payload goes
 */
struct tq_read {
	struct tq_receiver receiver;
	const struct tq_user *user;
};

/*
 * Copy a message straight out of the ring.  Returns its length; -EAGAIN if
 * there is none; -EFAULT if *@needed bytes were not resident;
 * TQ_TAKE_IN_FLIGHT; -ERESTARTSYS.
 */
static __always_inline ssize_t
tq_read_direct(struct tq_file *file, const struct tq_user *user, size_t count,
	       bool slept, size_t *needed)
{
	struct tqueue *queue = file->queue;
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	struct tqueue_record *record;
	unsigned int events;
	unsigned long freed;
	ssize_t ret;

	mutex_lock(&rx->lock);
	ret = -ERESTARTSYS;
	if (slept && tq_must_leave(true))
		goto unlock;
	ret = TQ_TAKE_IN_FLIGHT;
	if (unlikely(file->partial || rx->paused ||
		     tq_store_first_detached(store)))
		goto unlock;
	ret = -EAGAIN;
	if (!tq_store_ring_ready(store))
		goto unlock;
	record = tq_ring_at(&queue->ring, store->pos);
	ret = tq_store_bound(store, store->pos, record);
	/*
	 * It is longer than @count, or empty.  The slow path discards an empty
	 * one.
	 */
	if (unlikely((size_t)ret - 1 >= count)) {
		ret = TQ_TAKE_IN_FLIGHT;
		goto unlock;
	}
	if (unlikely(!tq_copy_to_user_nofault(user, record->payload, ret))) {
		*needed = ret;
		ret = -EFAULT;
		goto unlock;
	}
	tq_received_record(queue, record);
	freed = tq_store_advance(store, tq_record_bytes(ret));
	events = tq_release_space(queue, freed, 1);
	mutex_unlock(&rx->lock);

	tq_notify_events(queue, events);
	return ret;

unlock:
	mutex_unlock(&rx->lock);
	return ret;
}

static int tq_read_copy(struct tq_receiver *receiver)
{
	struct tq_read *read = container_of(receiver, struct tq_read, receiver);
	ssize_t ret = tq_read_direct(receiver->file, read->user,
				     receiver->wanted, receiver->slept,
				     &receiver->needed);

	if (ret < 0)
		return ret;
	receiver->got = ret;
	receiver->woken = false;
	return 0;
}

static int tq_read_fault_in(struct tq_receiver *receiver)
{
	struct tq_read *read = container_of(receiver, struct tq_read, receiver);

	if (!tq_writeable_nofault(read->user, receiver->needed)) {
		/*
		 * A page fault may take as long as the owner of the memory
		 * likes.
		 */
		tq_receive_wake_next(receiver);
		if (!tq_fault_in_writeable(read->user, receiver->needed))
			return -EFAULT;
	}
	receiver->resident = receiver->needed;
	return 0;
}

static int tq_read_deliver(struct tq_receiver *receiver,
			   struct tq_flight *flight)
{
	struct tq_read *read = container_of(receiver, struct tq_read, receiver);
	struct tq_message *message = flight->message;
	size_t n = min(receiver->wanted, flight->left);
	enum tq_outcome outcome;

	if (tq_copy_to_user(read->user, flight->payload, n)) {
		receiver->got = n;
		message->offset += n;
		message->part_read = true;
	}
	if (!tq_message_left(message))
		outcome = TQ_DELIVERED;
	else
		outcome = message->part_read ? TQ_PART_READ : TQ_NOT_DELIVERED;
	tq_flight_end(receiver, flight, outcome);
	if (receiver->got)
		return 0;
	receiver->needed = 0;
	return -EFAULT;
}

static const struct tq_receive_ops tq_read_ops = {
	.copy		= tq_read_copy,
	.fault_in	= tq_read_fault_in,
	.deliver	= tq_read_deliver,
};

static noinline ssize_t tq_read_slow(struct tq_file *file,
				     const struct tq_user *user, size_t count,
				     unsigned int how, int ret, size_t needed)
{
	struct tq_read read = { .user = user };

	tq_receiver_init(&read.receiver, &tq_read_ops, file, how & TQ_NOWAIT);
	read.receiver.wanted = count;
	read.receiver.needed = needed;
	return tq_receive_loop(&read.receiver, ret);
}

/**
 * tq_receive - receive bytes of one message
 * @file: the open file
 * @user: where the payload goes
 * @count: bytes of room there, at least 1
 * @how: %TQ_NOWAIT to fail instead of waiting for a message
 *
 * If the message is longer than @count, the rest stays with @file for its next
 * receives.
 *
 * Context: Process context, may sleep even with %TQ_NOWAIT: for locks, which
 * are never held for long, and for the caller's own memory.
 * Return: the number of bytes; 0 at the end of file; -EAGAIN if there is
 * nothing; -EIDRM; -EFAULT or -ENOMEM, and the message is where it was;
 * -ERESTARTSYS on a signal.
 */
ssize_t tq_receive(struct tq_file *file, struct tq_user *user, size_t count,
		   unsigned int how)
{
	size_t needed = 0;
	ssize_t ret = tq_read_direct(file, user, count, false, &needed);

	if (likely(ret >= 0))
		return ret;
	return tq_read_slow(file, user, count, how, ret, needed);
}

/* Find the first message that is not empty, in one piece of work. */
static size_t tq_first_filled(struct tq_store *store, struct tq_cursor *cursor,
			      struct tq_rank *last, bool *more)
{
	const struct tqueue_record *passed = NULL;
	struct tq_message *message;
	size_t length = 0;
	int n;

	for (n = 0; n < TQ_PIECE_RECORDS && !length; n++) {
		*more = !tq_store_at_end(store, cursor);
		if (!*more)
			return 0;
		message = tq_store_detached(store, cursor);
		if (message) {
			passed = &message->record;
			length = tq_message_left(message);
		} else {
			passed = tq_store_at(store, cursor->pos);
			length = tq_store_length(store, cursor->pos);
		}
		tq_store_step(store, cursor);
	}
	*last = tq_rank_of(passed);
	*more = !length;
	return length;
}

/**
 * tq_next_length - how many bytes the next read can return at most
 * @file: the open file
 *
 * Context: Process context, takes rx.lock.
 * Return: what is left of the partial message of the file; or the length of the
 * next message that is not empty; or 0.
 */
size_t tq_next_length(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	struct tq_store *store = &queue->rx.store;
	struct tq_rank last;
	struct tq_cursor cursor;
	bool begun = false;
	bool more = false;
	size_t length = 0;

	do {
		mutex_lock(&queue->rx.lock);
		if (file->partial) {
			more = false;
			length = file->partial == TQ_PARTIAL_IN_FLIGHT ? 0 :
				 tq_message_left(file->partial);
		} else if (queue->rx.paused) {
			more = false;
		} else {
			if (begun)
				tq_store_resume(store, &cursor, &last);
			else
				tq_store_begin(store, &cursor);
			begun = true;
			length = tq_first_filled(store, &cursor, &last, &more);
		}
		mutex_unlock(&queue->rx.lock);
		cond_resched();
	} while (more && !fatal_signal_pending(current));
	return length;
}
