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

#include "message.h"
#include "tqueue.h"
#include "wake.h"

/* Internal result: the message cannot be copied straight out of the ring. */
#define TQ_TAKE_IN_HAND (-ERANGE)

/* What a receive that made room owes the senders' side, once it is unlocked. */
enum tq_debt {
	TQ_OWES_NOTHING,
	TQ_OWES_LINE,		/* the first in line fits: let it move up */
	TQ_OWES_POLLERS,	/* max_message fits again: that is an edge */
};

/* Sleep until nobody has this file's rest in hand, or a signal comes. */
static int tq_wait_rest(struct tq_file *file)
{
	return wait_var_event_interruptible(&file->rest,
			READ_ONCE(file->rest) != TQ_REST_IN_HAND);
}

/* Whether something stands at the head of the ring. */
static inline bool tq_ring_ready(struct tqueue *queue)
{
	lockdep_assert_held(&queue->receive_lock);

	if (likely(queue->head != queue->tail_seen))
		return true;
	/* Pairs with tq_publish(): the record is complete. */
	queue->tail_seen = smp_load_acquire(&queue->tail);
	return queue->head != queue->tail_seen;
}

/* The length of the record at the head: loaded once, within what is there. */
static inline size_t tq_ring_length(struct tqueue *queue)
{
	size_t length = READ_ONCE(tq_ring_at(&queue->ring, queue->head)->length);

	return min_t(size_t, length, queue->tail_seen - queue->head -
				     sizeof(struct tqueue_record));
}

/*
 * A message left the queue: let senders have its room.  Returns what they are
 * owed.
 *
 * The edge between "a message of max_message does not fit" and "it fits" must
 * be crossed by exactly one of several receivers.  So it is looked for with
 * receive_lock held: the limits and tails that they compare grow in step.
 */
static inline enum tq_debt tq_raise_limit(struct tqueue *queue,
					  unsigned long freed)
{
	unsigned long limit = queue->limit + freed;
	unsigned long need, tail, most;

	lockdep_assert_held(&queue->receive_lock);

	WRITE_ONCE(queue->taken, queue->taken + 1);
	/* Release: the copy is done before senders write there. */
	smp_store_release(&queue->limit, limit);
	/* Publish, barrier, look who waits: see wake.h. */
	smp_mb();
	/* Pairs with tq_admit(): no line, then the tail it left. */
	need = smp_load_acquire(&queue->need);
	/* After the barrier. */
	if (likely(!need && !waitqueue_active(&queue->poll_out) &&
		   !READ_ONCE(queue->fasync_out)))
		return TQ_OWES_NOTHING;

	tail = READ_ONCE(queue->tail);
	if (need)
		return tq_fits(limit, tail, need) ? TQ_OWES_LINE :
						    TQ_OWES_NOTHING;
	most = tq_record_bytes(READ_ONCE(queue->max_message));
	if (tq_fits(limit, tail, most) && !tq_fits(limit - freed, tail, most))
		return TQ_OWES_POLLERS;
	return TQ_OWES_NOTHING;
}

/* With no lock held. */
static inline void tq_settle_debt(struct tqueue *queue, enum tq_debt debt)
{
	if (likely(debt == TQ_OWES_NOTHING))
		return;
	if (debt == TQ_OWES_LINE)
		tq_move_up(queue);
	else
		tq_wake_pollers_out(queue);
}

/* The record at the head was copied. */
static inline enum tq_debt tq_ring_advance(struct tqueue *queue,
					   unsigned long bytes)
{
	WRITE_ONCE(queue->head, queue->head + bytes);
	return tq_raise_limit(queue, bytes);
}

/*
 * The detached message that is to be received before what stands at the head
 * of the ring, or NULL.
 */
static inline struct tq_message *tq_index_ready(struct tqueue *queue)
{
	struct tq_message *first;

	lockdep_assert_held(&queue->receive_lock);

	first = tq_index_first(&queue->index);
	if (likely(!first))
		return NULL;
	if (tq_ring_ready(queue) &&
	    tq_record_precedes(tq_ring_at(&queue->ring, queue->head),
			       &first->record))
		return NULL;
	return first;
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
	enum tq_debt debt;
	ssize_t ret;

	mutex_lock(&queue->receive_lock);
	ret = TQ_TAKE_IN_HAND;
	if (unlikely(file->rest || tq_index_ready(queue) || tq_user_cuts(user)))
		goto unlock;
	ret = -EAGAIN;
	if (!tq_ring_ready(queue))
		goto unlock;
	record = tq_ring_at(&queue->ring, queue->head);
	ret = tq_ring_length(queue);
	if (unlikely(ret > count)) {
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

/**
 * tq_return - give a message back to its queue, at its place
 * @queue: the queue
 * @message: owned by the caller, from now on by the queue's index
 *
 * Context: Process context, no lock held; takes both.
 */
void tq_return(struct tqueue *queue, struct tq_message *message)
{
	if (message->begun)
		message->record.flags |= TQUEUE_FLAG_PARTIAL;
	message->begun = false;

	mutex_lock(&queue->send_lock);
	mutex_lock(&queue->receive_lock);
	tq_index_put(queue, message);
	WRITE_ONCE(queue->taken, queue->taken - 1);
	mutex_unlock(&queue->receive_lock);
	mutex_unlock(&queue->send_lock);

	tq_wake_receivers(queue, 1);
}

/**
 * struct tq_hand - a message being taken in hand
 * @message: the message, owned by the call
 * @spare: memory for a message out of the ring; freed at the end if not used
 * @wanted: payload bytes that @spare was found too small for
 * @from_queue: it came from the queue, not from the file's own rest
 * @holds: the file's place for a rest is held for it
 * @debt: what the queue's senders are owed for it
 */
struct tq_hand {
	struct tq_message *message;
	struct tq_message *spare;
	size_t wanted;
	bool from_queue;
	bool holds;
	enum tq_debt debt;
};

/* One try, with receive_lock held: 0, -EAGAIN, -EBUSY or -ENOSPC (no spare). */
static int tq_take_locked(struct tq_file *file, struct tq_hand *hand)
{
	struct tqueue *queue = file->queue;
	struct tqueue_record *record;
	struct tq_message *message;
	unsigned long bytes;

	if (file->rest == TQ_REST_IN_HAND)
		return -EBUSY;
	if (file->rest) {
		hand->message = file->rest;
		hand->from_queue = false;
		hand->debt = TQ_OWES_NOTHING;
		return 0;
	}
	hand->from_queue = true;

	message = tq_index_ready(queue);
	if (message) {
		rb_erase_cached(&message->node, &queue->index);
		WRITE_ONCE(queue->indexed, queue->indexed - 1);
		hand->message = message;
		hand->debt = tq_raise_limit(queue, tq_message_bytes(message));
		return 0;
	}

	if (!tq_ring_ready(queue))
		return -EAGAIN;
	hand->wanted = tq_ring_length(queue);
	message = hand->spare;
	if (!message || message->capacity < hand->wanted)
		return -ENOSPC;
	record = tq_ring_at(&queue->ring, queue->head);
	bytes = tq_record_bytes(hand->wanted);
	message->record = *record;
	memcpy(message->record.payload, record->payload,
	       bytes - sizeof(*record));
	hand->message = message;
	hand->spare = NULL;
	hand->debt = tq_ring_advance(queue, bytes);
	return 0;
}

/*
 * Take in hand what this file receives next.  @count bytes of it are wanted;
 * if that leaves a rest, the file's place for one is held until
 * tq_put_down().  Returns 0, -EAGAIN, -EBUSY (another call has the file's
 * rest in hand) or -ENOMEM.
 */
static int tq_take_in_hand(struct tq_file *file, const struct tq_user *user,
			   size_t count, struct tq_hand *hand)
{
	struct tqueue *queue = file->queue;
	int ret;

	hand->spare = NULL;
	for (;;) {
		mutex_lock(&queue->receive_lock);
		ret = tq_take_locked(file, hand);
		if (!ret) {
			hand->holds = !hand->from_queue || tq_user_cuts(user) ||
				      tq_message_left(hand->message) > count;
			if (hand->holds) {
				WRITE_ONCE(file->rest, TQ_REST_IN_HAND);
				WRITE_ONCE(queue->rests_in_hand,
					   queue->rests_in_hand + 1);
			}
		}
		mutex_unlock(&queue->receive_lock);
		if (ret != -ENOSPC)
			break;
		tq_message_free(hand->spare);
		hand->spare = tq_message_alloc(hand->wanted);
		if (!hand->spare)
			return -ENOMEM;
	}
	tq_message_free(hand->spare);
	if (!ret)
		tq_settle_debt(queue, hand->debt);
	return ret;
}

/* Done with a message in hand: free it, keep the rest, or give it back. */
static void tq_put_down(struct tq_file *file, struct tq_hand *hand)
{
	struct tqueue *queue = file->queue;
	struct tq_message *message = hand->message;
	bool left = tq_message_left(message);
	bool rest = left && message->begun;
	bool back = left && !rest;

	if (back)
		tq_return(queue, message);
	else if (!left)
		tq_message_free(message);
	if (!hand->holds)
		return;

	mutex_lock(&queue->receive_lock);
	WRITE_ONCE(file->rest, rest ? message : NULL);
	WRITE_ONCE(queue->rests_in_hand, queue->rests_in_hand - 1);
	mutex_unlock(&queue->receive_lock);
	/* Publish, barrier, look for those who wait on this very file. */
	smp_mb();
	wake_up_var(&file->rest);
	if (rest || !tq_queue_empty(queue))
		tq_wake_file(file);
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
	tq_put_down(file, hand);
	return copied ?: -EFAULT;
}

static noinline ssize_t tq_receive_slow(struct tq_file *file,
					struct tq_user *user, size_t count,
					bool nowait, ssize_t ret)
{
	struct tqueue *queue = file->queue;
	bool faulted = false;
	bool woken = false;
	struct tq_hand hand;
	size_t length;

	for (;;) {
		if (ret == -EFAULT && !faulted) {
			/* This may take as long as the memory's owner likes. */
			if (woken)
				tq_pass_on(queue);
			woken = false;
			length = min(count, tq_next_length(file));
			if (!tq_user_fault_in_writeable(user, length))
				break;
			/*
			 * Others may have emptied the queue meanwhile.  Then
			 * nothing is known of this memory, and no message must
			 * be taken out of its turn to find out.
			 */
			faulted = length;
		} else if (ret == -EFAULT || ret == TQ_TAKE_IN_HAND) {
			ret = -EINTR;
			if (fatal_signal_pending(current))
				break;
			ret = tq_take_in_hand(file, user, count, &hand);
			if (!ret) {
				if (woken && !hand.from_queue)
					tq_pass_on(queue);
				return tq_deliver(file, user, count, &hand);
			}
			if (ret == -ENOMEM)
				break;
			continue;
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
			ret = tq_wait_readable(file);
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
 * Return: bytes received; -EAGAIN when there is nothing to receive; -EFAULT or
 * -ENOMEM, and the message is where it was; -ERESTARTSYS or -EINTR on a signal.
 */
ssize_t tq_receive(struct tq_file *file, struct tq_user *user, size_t count,
		   bool nowait)
{
	ssize_t ret = tq_receive_direct(file, user, count);

	if (likely(ret >= 0))
		return ret;
	return tq_receive_slow(file, user, count, nowait, ret);
}

/**
 * tq_next_length - how many bytes the next read could return
 * @file: the open file
 *
 * Context: Process context, takes receive_lock.
 * Return: what is left of the message that is read in part, or the length of
 * the next message, or 0 when there is none.
 */
size_t tq_next_length(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	struct tq_message *message;
	size_t length = 0;

	mutex_lock(&queue->receive_lock);
	message = file->rest ?: tq_index_ready(queue);
	if (message == TQ_REST_IN_HAND)
		length = 0;
	else if (message)
		length = tq_message_left(message);
	else if (tq_ring_ready(queue))
		length = tq_ring_length(queue);
	mutex_unlock(&queue->receive_lock);
	return length;
}
