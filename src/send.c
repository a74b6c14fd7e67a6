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
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/sched/signal.h>

#include "message.h"
#include "tqueue.h"
#include "wake.h"

/*
 * A message of so many bytes that has waited in line is not copied into the
 * ring: it costs less to make it ready as it is, detached.
 */
#define TQ_KEEP_DETACHED PAGE_SIZE

/**
 * struct tq_sender - a sender that waits for room
 * @link: place in the line, under send_lock; empty once it was admitted
 * @message: what it sends; NULL once the queue's index owns it
 * @admitted: completed when the message is ready
 */
struct tq_sender {
	struct list_head link;
	struct tq_message *message;
	struct completion admitted;
};

/*
 * Whether @bytes fit at the tail.  A refusal has passed the barrier that
 * pollers and the line rely on: see wake.h.
 */
static inline bool tq_has_room(struct tqueue *queue, unsigned long bytes)
{
	lockdep_assert_held(&queue->send_lock);

	if (likely(tq_fits(queue->limit_seen, queue->tail, bytes)))
		return true;
	/* Pairs with tq_raise_limit(): see wake.h. */
	smp_mb();
	/* Pairs with the release of @limit: the ring there was read. */
	queue->limit_seen = smp_load_acquire(&queue->limit);
	return tq_fits(queue->limit_seen, queue->tail, bytes);
}

/* The next place in the order of the queue. */
static inline u64 tq_next_id(struct tqueue *queue)
{
	lockdep_assert_held(&queue->send_lock);

	WRITE_ONCE(queue->last_id, queue->last_id + 1);
	return queue->last_id;
}

/* Let receivers see the record of @bytes that stands at the tail. */
static inline void tq_publish(struct tqueue *queue, unsigned long bytes)
{
	tq_ring_at(&queue->ring, queue->tail)->id = tq_next_id(queue);
	/* Release: the record is complete before receivers see it. */
	smp_store_release(&queue->tail, queue->tail + bytes);
}

/*
 * Make a detached message ready, for which there is room.  Either it is copied,
 * and stays the caller's to free, or the index owns it and *@place is NULL.
 */
static void tq_place(struct tqueue *queue, struct tq_message **place)
{
	struct tqueue_record *record = tq_ring_at(&queue->ring, queue->tail);
	struct tq_message *message = *place;
	unsigned long bytes = tq_message_bytes(message);

	if (bytes >= TQ_KEEP_DETACHED) {
		message->record.id = tq_next_id(queue);
		mutex_lock(&queue->receive_lock);
		tq_index_put(queue, message);
		mutex_unlock(&queue->receive_lock);
		*place = NULL;
		return;
	}
	*record = message->record;
	memcpy(record->payload, message->record.payload,
	       bytes - sizeof(*record));
	tq_publish(queue, bytes);
}

/* Move as many of the line into the ring as fit, in order.  Returns how many. */
static unsigned int tq_admit(struct tqueue *queue)
{
	struct tq_sender *sender;
	unsigned int count = 0;

	lockdep_assert_held(&queue->send_lock);

	while ((sender = list_first_entry_or_null(&queue->senders,
						  struct tq_sender, link))) {
		unsigned long bytes = tq_message_bytes(sender->message);

		/* Before the room is looked at: see wake.h. */
		WRITE_ONCE(queue->need, bytes);
		if (!tq_has_room(queue, bytes))
			return count;
		tq_place(queue, &sender->message);
		list_del_init(&sender->link);
		/* From here on the sender may be gone. */
		complete(&sender->admitted);
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
	tq_publish(queue, bytes);
	ret = 0;
unlock:
	mutex_unlock(&queue->send_lock);
	return ret;
}

/* Stand in line until the message was admitted, or a signal comes. */
static int tq_wait_admitted(struct tqueue *queue, struct tq_sender *sender)
{
	int ret;

	if (!wait_for_completion_interruptible(&sender->admitted))
		return 0;

	mutex_lock(&queue->send_lock);
	if (list_empty(&sender->link)) {
		ret = 0;
	} else {
		list_del_init(&sender->link);
		ret = -ERESTARTSYS;
	}
	mutex_unlock(&queue->send_lock);

	/* Who stood behind may be smaller and fit. */
	if (ret)
		tq_move_up(queue);
	return ret;
}

/*
 * Send a message that is in kernel memory already.  What is left of it, if the
 * index does not own it, is the caller's to free: *@message.
 */
static int tq_send_message(struct tq_file *file, struct tq_message **message,
			   bool nowait)
{
	struct tqueue *queue = file->queue;
	struct tq_sender sender = { .message = *message };
	unsigned int count;
	int ret;

	mutex_lock(&queue->send_lock);
	if (!queue->need && tq_has_room(queue, tq_message_bytes(*message))) {
		tq_place(queue, message);
		mutex_unlock(&queue->send_lock);
		tq_wake_receivers(queue, 1);
		return 0;
	}
	if (nowait) {
		mutex_unlock(&queue->send_lock);
		return -EAGAIN;
	}
	init_completion(&sender.admitted);
	list_add_tail(&sender.link, &queue->senders);
	count = tq_admit(queue);
	mutex_unlock(&queue->send_lock);

	if (unlikely(count))
		tq_line_moved(queue, count);
	ret = tq_wait_admitted(queue, &sender);
	*message = sender.message;
	return ret;
}

static noinline ssize_t tq_send_slow(struct tq_file *file, struct tq_user *user,
				     size_t length, bool nowait, int ret)
{
	struct tq_message *message;

	if (ret == -EFAULT) {
		if (!tq_user_fault_in_readable(user, length))
			return -EFAULT;
		ret = tq_send_direct(file, user, length);
		if (!ret) {
			tq_wake_receivers(file->queue, 1);
			return length;
		}
	}
	if (ret == -EAGAIN && nowait)
		return -EAGAIN;
	if (fatal_signal_pending(current))
		return -EINTR;

	message = tq_message_alloc(length);
	if (!message)
		return -ENOMEM;
	tq_record_stamp(&message->record, length, file->uid);
	if (tq_user_copy_in(user, message->record.payload, length))
		ret = tq_send_message(file, &message, nowait);
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
 * for it; -EFAULT; -ENOMEM; -ERESTARTSYS or -EINTR on a signal.
 */
ssize_t tq_send(struct tq_file *file, struct tq_user *user, size_t length,
		bool nowait)
{
	struct tqueue *queue = file->queue;
	int ret;

	if (unlikely(length > READ_ONCE(queue->max_message)))
		return -EMSGSIZE;
	ret = tq_send_direct(file, user, length);
	if (unlikely(ret))
		return tq_send_slow(file, user, length, nowait, ret);
	tq_wake_receivers(queue, 1);
	return length;
}
