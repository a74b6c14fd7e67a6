// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving: the way of a message out of the ring, and what an open file keeps
 * of a message that was read in part.
 *
 * The fast way copies straight out of the ring under receive_lock, with page
 * faults disabled.  Everything else - a short read, memory that faults a second
 * time, a message that came back - is taken in hand: detached, owned by the
 * call, and copied out with no lock held.  What the caller did not take stays
 * with its open file; what it could not take goes back to its place.
 */
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>

#include "hand.h"
#include "head.h"
#include "message.h"
#include "room.h"
#include "tqueue.h"
#include "wake.h"

/* Internal result: the message cannot be copied straight out of the ring. */
#define TQ_TAKE_IN_HAND (-ERANGE)

/* Sleep until nobody has this file's rest in hand, or a signal comes. */
static int tq_wait_rest(struct tq_file *file)
{
	struct tqueue *queue = file->queue;

	return wait_var_event_interruptible(&queue->rests_in_hand,
			READ_ONCE(file->rest) != TQ_REST_IN_HAND ||
			tq_removed(queue));
}

/* The record at the head was copied. */
static __always_inline unsigned int tq_ring_advance(struct tqueue *queue,
						    unsigned long bytes)
{
	WRITE_ONCE(queue->head, queue->head + bytes);
	return tq_raise_limit(queue, bytes, 1);
}

/*
 * Copy a message straight out of the ring.  Returns its length; -EAGAIN when
 * there is none; -EFAULT; TQ_TAKE_IN_HAND when it must go the other way.
 */
static __always_inline ssize_t tq_receive_direct(struct tq_file *file,
						 const struct tq_user *user,
						 size_t count)
{
	struct tqueue *queue = file->queue;
	struct tqueue_record *record;
	unsigned int debt;
	ssize_t ret;

	mutex_lock(&queue->receive_lock);
	ret = TQ_TAKE_IN_HAND;
	if (unlikely(file->rest || tq_index_ready(queue) || tq_user_cuts(user)))
		goto unlock;
	ret = -EAGAIN;
	if (!tq_ring_ready(queue))
		goto unlock;
	record = tq_ring_at(&queue->ring, queue->head);
	ret = tq_ring_length(queue, queue->head);
	/* Longer than @count, or empty: then the way of the hand skips it. */
	if (unlikely((size_t)ret - 1 >= count)) {
		ret = TQ_TAKE_IN_HAND;
		goto unlock;
	}
	if (unlikely(!tq_user_copy_out_nofault(user, record->payload, ret))) {
		ret = -EFAULT;
		goto unlock;
	}
	debt = tq_ring_advance(queue, tq_record_bytes(ret));
	mutex_unlock(&queue->receive_lock);

	tq_settle_debt(queue, debt);
	return ret;

unlock:
	mutex_unlock(&queue->receive_lock);
	return ret;
}

/* Copy out what is in hand, with no lock held and faults welcome. */
static ssize_t tq_deliver(struct tq_file *file, const struct tq_user *user,
			  size_t count, struct tq_hand *hand)
{
	struct tq_message *message = hand->message;
	size_t copied;

	copied = tq_user_copy_out(user,
				  message->record.payload + message->offset,
				  min(count, tq_message_left(message)));
	if (copied) {
		message->offset += copied;
		message->begun = true;
	}
	tq_put_down(file, hand, !tq_message_left(message));
	return copied ?: -EFAULT;
}

static noinline ssize_t tq_receive_slow(struct tq_file *file,
					struct tq_user *user, size_t count,
					bool nowait, ssize_t ret)
{
	struct tqueue *queue = file->queue;
	size_t resident = 0;
	bool woken = false;
	struct tq_hand hand;
	size_t length = 0;

	for (;;) {
		if (ret == -EFAULT)
			length = min(count, tq_next_length(file));
		if (ret == -EFAULT && length > resident) {
			if (!tq_user_resident(user, length)) {
				/* As long as the memory's owner likes. */
				if (woken)
					tq_pass_on(queue);
				woken = false;
				if (!tq_user_fault_in_writeable(user, length))
					break;
			}
			resident = length;
		} else if (ret == -EFAULT || ret == TQ_TAKE_IN_HAND) {
			ret = -EINTR;
			if (fatal_signal_pending(current))
				break;
			ret = tq_take_in_hand(file, tq_user_cuts(user) ? 0 : count,
					      resident, false, &hand);
			if (!ret) {
				if (woken && !hand.from_queue)
					tq_pass_on(queue);
				return tq_deliver(file, user, count, &hand);
			}
			if (ret != -EAGAIN && ret != -EBUSY && ret != -EFAULT)
				break;
			continue;
		} else if (ret == -EAGAIN && tq_ended(file)) {
			ret = tq_removed(queue) ? -EIDRM : 0;
			break;
		} else if (nowait) {
			ret = -EAGAIN;
			break;
		} else if (ret == -EBUSY) {
			if (woken)
				tq_pass_on(queue);
			woken = false;
			ret = tq_wait_rest(file);
			if (ret)
				break;
		} else {
			ret = tq_wait_readable(file, NULL);
			if (ret)
				break;
			woken = true;
		}
		ret = tq_receive_direct(file, user, count);
		if (ret >= 0)
			return ret;
	}
	/* Woken for a message, and leaving without it. */
	if (woken)
		tq_pass_on(queue);
	return ret;
}

/**
 * tq_receive - receive bytes of one message
 * @file: the open file it is received through
 * @user: where the payload goes
 * @count: room there, at least 1
 * @nowait: whether to fail rather than wait for a message
 *
 * Of a message longer than @count the first part is received; the rest stays
 * with @file for its next receives.
 *
 * Context: Process context, may sleep (even with @nowait: for the two locks,
 * which are never held for long, and for the caller's own memory).
 * Return: bytes received; 0 at end-of-file; -EAGAIN when there is nothing to
 * receive; -EIDRM; -EFAULT or -ENOMEM, and the message is where it was;
 * -ERESTARTSYS or -EINTR on a signal.
 */
ssize_t tq_receive(struct tq_file *file, struct tq_user *user, size_t count,
		   bool nowait)
{
	ssize_t ret = tq_receive_direct(file, user, count);

	if (likely(ret >= 0))
		return ret;
	return tq_receive_slow(file, user, count, nowait, ret);
}

/* The length of the first message that is not empty, or 0. */
static size_t tq_first_length(struct tqueue *queue)
{
	struct tq_message *message = tq_index_first(&queue->index);
	unsigned long at = queue->head;
	struct tqueue_record *record;
	struct rb_node *next;
	size_t length = 0;

	/* Pairs with tq_publish(): the records are complete. */
	queue->tail_seen = smp_load_acquire(&queue->tail);
	while (!length && (message || at != queue->tail_seen)) {
		record = tq_ring_at(&queue->ring, at);
		if (message &&
		    (at == queue->tail_seen ||
		     tq_record_precedes(&message->record, record))) {
			length = tq_message_left(message);
			next = rb_next(&message->node);
			message = next ? tq_message_of(next) : NULL;
		} else {
			length = tq_ring_length(queue, at);
			at += tq_record_bytes(length);
		}
	}
	return length;
}

/**
 * tq_next_length - how many bytes the next read could return
 * @file: the open file
 *
 * Context: Process context, takes receive_lock.
 * Return: what is left of the message that is read in part, or the length of
 * the next message that is not empty, or 0 when there is none.
 */
size_t tq_next_length(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	size_t length = 0;

	mutex_lock(&queue->receive_lock);
	if (!file->rest)
		length = tq_first_length(queue);
	else if (file->rest != TQ_REST_IN_HAND)
		length = tq_message_left(file->rest);
	mutex_unlock(&queue->receive_lock);
	return length;
}
