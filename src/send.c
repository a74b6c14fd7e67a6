// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: the way of a message into the queue, and the line of senders that
 * wait for room.
 *
 * The fast way copies from the caller straight into the ring under send_lock,
 * with page faults disabled.  When there is no room, or the caller's memory
 * faults a second time, the message is first copied into an allocation of its
 * own with no lock held, and then stands in line until receivers have made
 * room; a receiver makes it ready.  So whoever is first in line needs neither
 * its memory nor a processor to get on, and holds up nobody behind it.
 */
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "head.h"
#include "message.h"
#include "tail.h"
#include "tqueue.h"
#include "trace.h"
#include "wake.h"

/*
 * A message of so many bytes that has waited in line is not copied into the
 * ring: it costs less to make it ready as it is, detached.
 */
#define TQ_KEEP_DETACHED PAGE_SIZE

/**
 * struct tq_sender - a sender that waits for room
 * @link: place in the line, under send_lock
 * @message: what it sends; NULL once the queue's index owns it
 * @id: of the message, once it is admitted
 * @task: who waits.  It takes send_lock once more before it leaves.
 * @left: it is out of the line: admitted, or refused
 * @error: why it was refused, or 0
 */
struct tq_sender {
	struct list_head link;
	struct tq_message *message;
	u64 id;
	struct task_struct *task;
	bool left;
	int error;
};

/*
 * Make a detached message ready, for which there is room.  Either it is copied,
 * and stays the caller's to free, or the index owns it and *@place is NULL.
 * Returns its id.
 */
static u64 tq_place(struct tqueue *queue, struct tq_message **place)
{
	struct tqueue_record *record = tq_ring_at(&queue->ring, queue->tail);
	struct tq_message *message = *place;
	unsigned long bytes = tq_message_bytes(message);
	u64 id = tq_next_ids(queue, 1);

	message->record.id = id;
	if (bytes >= TQ_KEEP_DETACHED) {
		mutex_lock(&queue->receive_lock);
		tq_index_put(queue, message);
		mutex_unlock(&queue->receive_lock);
		*place = NULL;
		return id;
	}
	*record = message->record;
	memcpy(record->payload, message->record.payload,
	       bytes - sizeof(*record));
	tq_publish(queue, bytes);
	return id;
}

/* Drop the message that is to be received next: there is one. */
static void tq_drop_one(struct tqueue *queue)
{
	struct tq_message *first;
	unsigned long bytes;
	u64 id;

	/* With both locks held there is no other. */
	queue->tail_seen = queue->tail;
	first = tq_index_ready(queue);
	if (first) {
		id = first->record.id;
		bytes = tq_message_bytes(first);
		tq_index_del(queue, first);
		tq_message_free(first);
	} else {
		id = tq_ring_at(&queue->ring, queue->head)->id;
		bytes = tq_record_bytes(tq_ring_length(queue, queue->head));
		WRITE_ONCE(queue->head, queue->head + bytes);
	}
	WRITE_ONCE(queue->taken, queue->taken + 1);
	WRITE_ONCE(queue->limit, queue->limit + bytes);
	queue->lost++;
	trace_tqueue_drop(queue, id);
	/*
	 * The gap grows, unless its other side was received meanwhile.  A
	 * message that came back may stand before a gap, and joins it.
	 */
	if (id > queue->gap_id)
		queue->gap = 0;
	queue->gap++;
	first = tq_index_ready(queue);
	if (first)
		queue->gap_id = first->record.id;
	else if (tq_ring_ready(queue))
		queue->gap_id = tq_ring_at(&queue->ring, queue->head)->id;
	else
		queue->gap_id = queue->last_id + 1;
}

/* Make room for @bytes, which the ring can hold, at the oldest's cost. */
static void tq_drop_for(struct tqueue *queue, unsigned long bytes)
{
	lockdep_assert_held(&queue->send_lock);

	mutex_lock(&queue->receive_lock);
	while (!tq_fits(queue->limit, queue->tail, bytes))
		tq_drop_one(queue);
	queue->limit_seen = queue->limit;
	mutex_unlock(&queue->receive_lock);
}

/* Take a sender out of the line and let it go, with 0 or an error. */
static void tq_release_sender(struct tq_sender *sender, int error)
{
	list_del(&sender->link);
	sender->error = error;
	/* Release: with what became of the message. */
	smp_store_release(&sender->left, true);
	wake_up_process(sender->task);
}

/**
 * tq_line_fail - refuse all who wait for room
 * @queue: the queue
 * @error: what their calls return
 *
 * Context: send_lock held.
 */
void tq_line_fail(struct tqueue *queue, int error)
{
	struct tq_sender *sender, *next;

	lockdep_assert_held(&queue->send_lock);

	list_for_each_entry_safe(sender, next, &queue->senders, link)
		tq_release_sender(sender, error);
	if (!queue->closed)
		/* Release: as in tq_admit(). */
		smp_store_release(&queue->need, 0);
}

/**
 * tq_line_fits - whether a ring could take each message that waits for room
 * @queue: the queue
 * @size: bytes of the ring
 *
 * Context: send_lock held.
 */
bool tq_line_fits(struct tqueue *queue, unsigned long size)
{
	struct tq_sender *sender;

	lockdep_assert_held(&queue->send_lock);

	list_for_each_entry(sender, &queue->senders, link)
		if (tq_message_bytes(sender->message) > size)
			return false;
	return true;
}

/* Move as many of the line into the ring as fit, in order.  Returns how many. */
static unsigned int tq_admit(struct tqueue *queue)
{
	struct tq_sender *sender;
	unsigned int count = 0;

	lockdep_assert_held(&queue->send_lock);

	/* Nobody is in the line, and nobody may find it open. */
	if (queue->closed)
		return 0;
	while ((sender = list_first_entry_or_null(&queue->senders,
						  struct tq_sender, link))) {
		unsigned long bytes = tq_message_bytes(sender->message);

		/* Before the room is looked at: see wake.h. */
		WRITE_ONCE(queue->need, bytes);
		if (!tq_has_room(queue, bytes)) {
			if (queue->overflow != TQUEUE_OVERFLOW_DROP_OLDEST)
				return count;
			tq_drop_for(queue, bytes);
		}
		sender->id = tq_place(queue, &sender->message);
		tq_release_sender(sender, 0);
		count++;
	}
	/* Release: who sees that nobody waits sees the tail they left. */
	smp_store_release(&queue->need, 0);
	return count;
}

/* The line moved up by @count: tell who waits for that. */
static void tq_line_moved(struct tqueue *queue, unsigned int count)
{
	if (count)
		tq_wake_receivers(queue, count);
	/* Past a barrier, in there or in tq_has_room(). */
	if (waitqueue_active(&queue->done))
		tq_wake_done(queue);
	/* The line was in the way of pollers; if it is gone, that is an edge. */
	if (tq_writable(queue))
		tq_wake_pollers_out(queue);
}

/**
 * tq_move_up - let the line of waiting senders move up
 * @queue: the queue, in which room was made
 *
 * Context: Process context, no lock held; takes send_lock.
 */
void tq_move_up(struct tqueue *queue)
{
	unsigned int count;

	mutex_lock(&queue->send_lock);
	count = tq_admit(queue);
	mutex_unlock(&queue->send_lock);
	tq_line_moved(queue, count);
}

/* Copy a message straight into the ring: 0, -EAGAIN (no room) or -EFAULT. */
static __always_inline int tq_send_direct(struct tq_file *file,
					  const struct tq_user *user,
					  size_t length)
{
	struct tqueue *queue = file->queue;
	unsigned long bytes = tq_record_bytes(length);
	struct tqueue_record *record;
	int ret = -EAGAIN;

	mutex_lock(&queue->send_lock);
	if (unlikely(queue->need || !tq_has_room(queue, bytes)))
		goto unlock;
	record = tq_ring_at(&queue->ring, queue->tail);
	tq_record_pad(record, bytes);
	ret = -EFAULT;
	if (unlikely(!tq_user_copy_in_nofault(user, record->payload, length)))
		goto unlock;
	tq_record_stamp(record, length, file->uid);
	record->id = tq_next_ids(queue, 1);
	tq_publish(queue, bytes);
	ret = 0;
unlock:
	mutex_unlock(&queue->send_lock);
	return ret;
}

/* Stand in line until out of it, or a signal or the deadline comes. */
static int tq_wait_admitted(struct tqueue *queue, struct tq_sender *sender,
			    ktime_t *deadline)
{
	bool late = false;
	bool gave_up;
	int ret;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		/* Acquire: with what became of the message. */
		if (smp_load_acquire(&sender->left))
			break;
		ret = -ETIMEDOUT;
		if (late)
			break;
		ret = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		late = tq_sleep_until(deadline);
	}
	__set_current_state(TASK_RUNNING);

	/* Whoever let it go is done with @sender when the lock is free. */
	mutex_lock(&queue->send_lock);
	gave_up = !sender->left;
	if (gave_up)
		list_del(&sender->link);
	else
		ret = sender->error;
	mutex_unlock(&queue->send_lock);

	/* Who stood behind may be smaller and fit. */
	if (gave_up)
		tq_move_up(queue);
	return ret;
}

/* Why a message of @bytes cannot be sent, not even later; or 0. */
static int tq_refusal(struct tqueue *queue, unsigned long bytes)
{
	lockdep_assert_held(&queue->send_lock);

	if (queue->closed)
		return queue->closed;
	/* The ring may have become smaller since the length was looked at. */
	return bytes > queue->ring.size ? -EMSGSIZE : 0;
}

/**
 * tq_send_message - send a message that is in kernel memory already
 * @queue: the queue
 * @message: the message, stamped.  What is left of it, if the index does not
 *	own it now, is the caller's to free: *@message
 * @nowait: whether to fail rather than wait for room
 * @deadline: until when to wait, CLOCK_MONOTONIC; NULL for ever
 * @id: filled with the id of the message
 *
 * Context: Process context, may sleep, no lock held.
 * Return: 0; -EAGAIN; -ETIMEDOUT; -EMSGSIZE; -ESHUTDOWN; -EIDRM; -ERESTARTSYS.
 */
int tq_send_message(struct tqueue *queue, struct tq_message **message,
		    bool nowait, ktime_t *deadline, u64 *id)
{
	struct tq_sender sender = { .message = *message, .task = current };
	unsigned long bytes = tq_message_bytes(*message);
	unsigned int count;
	int ret;

	mutex_lock(&queue->send_lock);
	ret = tq_refusal(queue, bytes);
	if (ret)
		goto unlock;
	if (!queue->need && tq_has_room(queue, bytes)) {
		*id = tq_place(queue, message);
		mutex_unlock(&queue->send_lock);
		tq_wake_receivers(queue, 1);
		return 0;
	}
	ret = -EAGAIN;
	if (queue->overflow == TQUEUE_OVERFLOW_REJECT ||
	    (nowait && queue->overflow == TQUEUE_OVERFLOW_BLOCK))
		goto unlock;
	list_add_tail(&sender.link, &queue->senders);
	count = tq_admit(queue);
	mutex_unlock(&queue->send_lock);

	if (unlikely(count))
		tq_line_moved(queue, count);
	ret = tq_wait_admitted(queue, &sender, deadline);
	*message = sender.message;
	*id = sender.id;
	return ret;

unlock:
	mutex_unlock(&queue->send_lock);
	return ret;
}

/**
 * tq_no_room - why a send that found no room should not go on
 * @queue: the queue
 * @nowait: whether it must not wait
 *
 * Saves it a message in kernel memory that would be of no use.
 *
 * Context: Any.
 * Return: 0, and tq_send_message() decides; -EAGAIN; -ESHUTDOWN; -EIDRM.
 */
int tq_no_room(struct tqueue *queue, bool nowait)
{
	int closed = tq_closed(queue);

	if (closed)
		return closed;
	switch (READ_ONCE(queue->overflow)) {
	case TQUEUE_OVERFLOW_DROP_OLDEST:
		return 0;
	case TQUEUE_OVERFLOW_REJECT:
		return -EAGAIN;
	default:
		return nowait ? -EAGAIN : 0;
	}
}

static noinline ssize_t tq_send_slow(struct tq_file *file, struct tq_user *user,
				     size_t length, bool nowait, int ret)
{
	struct tq_message *message;
	u64 id;

	if (ret == -EFAULT) {
		if (!tq_user_fault_in_readable(user, length))
			return -EFAULT;
		ret = tq_send_direct(file, user, length);
		if (!ret) {
			tq_wake_receivers(file->queue, 1);
			return length;
		}
	}
	if (ret == -EAGAIN) {
		ret = tq_no_room(file->queue, nowait);
		if (ret)
			return ret;
	}
	if (fatal_signal_pending(current))
		return -EINTR;

	message = tq_message_alloc(length);
	if (!message)
		return -ENOMEM;
	tq_record_stamp(&message->record, length, file->uid);
	if (tq_user_copy_in(user, message->record.payload, length))
		ret = tq_send_message(file->queue, &message, nowait, NULL, &id);
	else
		ret = -EFAULT;
	tq_message_free(message);
	return ret ?: length;
}

/**
 * tq_send - send one message
 * @file: the open file it is sent through
 * @user: the payload
 * @length: bytes of it, at least 1
 * @nowait: whether to fail rather than wait for room
 *
 * The message is sent whole or not at all.
 *
 * Context: Process context, may sleep (even with @nowait: for the two locks,
 * which are never held for long, and for the caller's own memory).
 * Return: @length; -EMSGSIZE; -EAGAIN when there is no room, or others wait
 * for it; -ESHUTDOWN; -EIDRM; -EFAULT; -ENOMEM; -ERESTARTSYS or -EINTR on a
 * signal.
 */
ssize_t tq_send(struct tq_file *file, struct tq_user *user, size_t length,
		bool nowait)
{
	struct tqueue *queue = file->queue;
	int ret;

	if (unlikely(length > READ_ONCE(queue->max_message)))
		return tq_removed(queue) ? -EIDRM : -EMSGSIZE;
	ret = tq_send_direct(file, user, length);
	if (unlikely(ret))
		return tq_send_slow(file, user, length, nowait, ret);
	tq_wake_receivers(queue, 1);
	return length;
}
