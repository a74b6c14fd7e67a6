// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue: the way a send and a receive go, who waits, and who is woken.
 *
 * A send has a fast way and a slow way.  The fast one copies from the caller
 * straight into the ring under send_lock, with page faults disabled.  When
 * there is no room, or the caller's memory faults a second time, the message
 * is first copied into an allocation of its own with no lock held, and then
 * stands in the line until receivers have made room; a receiver moves it into
 * the ring.  So whoever is first in line needs neither its memory nor a
 * processor to get on, and holds up nobody behind it.
 *
 * A receive is the mirror image: straight out of the ring under receive_lock,
 * or else the message is taken in hand - detached, and owned by the call - and
 * copied out with no lock held.  What the caller did not take stays with its
 * open file; what it could not take goes back to its place.
 *
 * Waking without losing a wake-up: who makes something true (a message, room)
 * publishes it, then passes a full barrier, then looks for sleepers; who goes
 * to sleep registers, then passes a full barrier, then looks whether it is
 * true.  At least one of them sees the other:
 *
 *	sender				receiver
 *	------				--------
 *	tail = new (release)		prepare_to_wait_event(readers)
 *	smp_mb()			smp_mb() [set_current_state]
 *	waitqueue_active(readers)?	tail == head?
 *
 *	receiver			sender
 *	--------			------
 *	limit = new (release)		need = bytes
 *	smp_mb()			smp_mb() [tq_has_room]
 *	need != 0?			limit - tail < bytes?
 *
 * poll_wait() has the barrier of its side inside.  A refused non-blocking send
 * has passed the one in tq_has_room(), so that the receiver which then makes
 * room sees the edge that pollers of EPOLLOUT wait for.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "message.h"
#include "tqueue.h"

/* Internal result: the message cannot be copied straight out of the ring. */
#define TQ_TAKE_IN_HAND (-ERANGE)

/**
 * struct tq_sender - a sender that waits for room
 * @link: place in the line, under send_lock; empty once it was admitted
 * @message: what it sends, read by whoever admits it
 * @admitted: completed when the message stands in the ring
 */
struct tq_sender {
	struct list_head link;
	struct tq_message *message;
	struct completion admitted;
};

/**
 * struct tq_reader - a call that sleeps until there is something to receive
 * @wait: its place among the queue's readers
 * @file: its open file, for wake-ups that concern only that
 */
struct tq_reader {
	struct wait_queue_entry wait;
	struct tq_file *file;
};

/* What a receive made room for; noted under receive_lock, acted on after. */
struct tq_room {
	unsigned long limit;
	unsigned long freed;
};

/* Making and freeing a queue */

/**
 * tq_queue_create - make a queue
 * @size: bytes of its ring, a power of two of whole pages
 * @max_message: the most payload bytes of a message, at most
 *	tq_ring_length_max(@size)
 *
 * Context: Process context, may sleep.
 * Return: the queue, which nobody can open yet; ERR_PTR of -ENOMEM or -EINTR.
 */
struct tqueue *tq_queue_create(unsigned long size, unsigned long max_message)
{
	struct tqueue *queue;
	int ret;

	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	ret = tq_ring_alloc(&queue->ring, size);
	if (ret) {
		kfree(queue);
		return ERR_PTR(ret);
	}
	queue->max_message = max_message;

	mutex_init(&queue->send_lock);
	INIT_LIST_HEAD(&queue->senders);
	queue->limit_seen = size;

	mutex_init(&queue->receive_lock);
	queue->limit = size;
	queue->index = RB_ROOT_CACHED;

	init_waitqueue_head(&queue->readers);
	init_waitqueue_head(&queue->poll_in);
	init_waitqueue_head(&queue->poll_out);
	return queue;
}

/**
 * tq_queue_free - free a queue and the messages in it
 * @queue: made by tq_queue_create(); no file is open on it, and none can be
 *
 * Context: Process context, may sleep.
 */
void tq_queue_free(struct tqueue *queue)
{
	struct tq_message *message, *next;

	rbtree_postorder_for_each_entry_safe(message, next,
					     &queue->index.rb_root, node)
		tq_message_free(message);
	tq_ring_free(&queue->ring);
	mutex_destroy(&queue->receive_lock);
	mutex_destroy(&queue->send_lock);
	kfree(queue);
}

/* What is there, and what fits */

static inline bool tq_ring_empty(struct tqueue *queue)
{
	/* Pairs with the release of @tail in tq_publish(). */
	return READ_ONCE(queue->head) == smp_load_acquire(&queue->tail);
}

static inline bool tq_index_empty(struct tqueue *queue)
{
	return !READ_ONCE(queue->index.rb_leftmost);
}

static inline bool tq_queue_empty(struct tqueue *queue)
{
	return tq_ring_empty(queue) && tq_index_empty(queue);
}

/* Whether @bytes more fit in front of @limit; a message may have come back. */
static inline bool tq_fits(unsigned long limit, unsigned long tail,
			   unsigned long bytes)
{
	return (long)(limit - tail) >= (long)bytes;
}

static inline bool tq_has_room(struct tqueue *queue, unsigned long bytes)
{
	lockdep_assert_held(&queue->send_lock);

	if (likely(tq_fits(queue->limit_seen, queue->tail, bytes)))
		return true;
	/* Pairs with the barrier in tq_room_made(): see the head of this file. */
	smp_mb();
	/* Pairs with the release of @limit: the ring there was read. */
	queue->limit_seen = smp_load_acquire(&queue->limit);
	return tq_fits(queue->limit_seen, queue->tail, bytes);
}

/**
 * tq_readable - whether a read through this file would not wait
 * @file: the open file
 *
 * Context: Any.  Takes no lock; to be true to sleepers and pollers, call it
 * after they are registered.
 */
bool tq_readable(struct tq_file *file)
{
	struct tq_message *rest = READ_ONCE(file->rest);

	if (rest)
		return rest != TQ_REST_IN_HAND;
	return !tq_queue_empty(file->queue);
}

/**
 * tq_writable - whether a message of max_message bytes could be sent at once
 * @queue: the queue
 *
 * Context: Any.  Takes no lock; to be true to pollers, call it after they are
 * registered.
 */
bool tq_writable(struct tqueue *queue)
{
	/* Pairs with the release of @need in tq_admit(): then read @tail. */
	return !smp_load_acquire(&queue->need) &&
	       tq_fits(READ_ONCE(queue->limit), READ_ONCE(queue->tail),
		       tq_record_bytes(READ_ONCE(queue->max_message)));
}

/* Waking receivers and being woken */

static int tq_reader_woken(struct wait_queue_entry *wait, unsigned int mode,
			   int sync, void *key)
{
	struct tq_reader *reader = container_of(wait, struct tq_reader, wait);

	/* A wake-up for one file's readers passes by all others uncounted. */
	if (key && key != reader->file)
		return 0;
	return autoremove_wake_function(wait, mode, sync, NULL);
}

static void tq_wake_pollers_in(struct tqueue *queue)
{
	if (waitqueue_active(&queue->poll_in))
		wake_up_poll(&queue->poll_in, EPOLLIN | EPOLLRDNORM);
	kill_fasync(&queue->fasync_in, SIGIO, POLL_IN);
}

static void tq_wake_pollers_out(struct tqueue *queue)
{
	if (waitqueue_active(&queue->poll_out))
		wake_up_poll(&queue->poll_out, EPOLLOUT | EPOLLWRNORM);
	kill_fasync(&queue->fasync_out, SIGIO, POLL_OUT);
}

/* @count messages became ready: wake as many readers, and all pollers. */
static inline void tq_wake_receivers(struct tqueue *queue, unsigned int count)
{
	/* Publish, barrier, look for sleepers: see the head of this file. */
	smp_mb();
	if (waitqueue_active(&queue->readers))
		__wake_up(&queue->readers, TASK_INTERRUPTIBLE, count, NULL);
	if (waitqueue_active(&queue->poll_in) || READ_ONCE(queue->fasync_in))
		tq_wake_pollers_in(queue);
}

/*
 * A reader that was woken for a message will not take it, or not now: let the
 * next one have it.
 */
static void tq_pass_on(struct tqueue *queue)
{
	if (!tq_queue_empty(queue))
		__wake_up(&queue->readers, TASK_INTERRUPTIBLE, 1, NULL);
}

/* Sleep until this file may have something to receive, or a signal comes. */
static int tq_wait_readable(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	struct tq_reader reader = { .file = file };
	long ret;

	atomic_inc(&file->sleepers);
	init_wait_entry(&reader.wait, WQ_FLAG_EXCLUSIVE);
	reader.wait.func = tq_reader_woken;
	for (;;) {
		ret = prepare_to_wait_event(&queue->readers, &reader.wait,
					    TASK_INTERRUPTIBLE);
		/*
		 * Look before minding a signal: who was woken for a message
		 * must take it, or another would have to be woken.
		 */
		if (READ_ONCE(file->rest) || !tq_queue_empty(queue)) {
			ret = 0;
			break;
		}
		if (ret)
			break;
		schedule();
	}
	finish_wait(&queue->readers, &reader.wait);
	atomic_dec(&file->sleepers);
	return ret;
}

/* Sleep until nobody has this file's rest in hand, or a signal comes. */
static int tq_wait_rest(struct tq_file *file)
{
	return wait_var_event_interruptible(&file->rest,
			READ_ONCE(file->rest) != TQ_REST_IN_HAND);
}

/* Sending */

/* Let receivers see the record of @bytes that stands at the tail. */
static inline void tq_publish(struct tqueue *queue, unsigned long bytes)
{
	lockdep_assert_held(&queue->send_lock);

	WRITE_ONCE(queue->last_id, queue->last_id + 1);
	tq_ring_at(&queue->ring, queue->tail)->id = queue->last_id;
	smp_store_release(&queue->tail, queue->tail + bytes);
}

/* Move a detached message to the tail, where there is room for it. */
static void tq_place(struct tqueue *queue, const struct tq_message *message)
{
	struct tqueue_record *record = tq_ring_at(&queue->ring, queue->tail);
	unsigned long bytes = tq_message_bytes(message);

	tq_record_pad(record, bytes);
	*record = message->record;
	memcpy(record->payload, message->record.payload,
	       message->record.length);
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

		/* Before the room is looked at: see the head of this file. */
		WRITE_ONCE(queue->need, bytes);
		if (!tq_has_room(queue, bytes))
			return count;
		tq_place(queue, sender->message);
		list_del_init(&sender->link);
		/* From here on the sender may be gone. */
		complete(&sender->admitted);
		count++;
	}
	/* Release: who sees that nobody waits sees the tail they left. */
	smp_store_release(&queue->need, 0);
	return count;
}

/* Room was made, or somebody left the line: let the line move up. */
static void tq_move_up(struct tqueue *queue)
{
	unsigned int count;

	mutex_lock(&queue->send_lock);
	count = tq_admit(queue);
	mutex_unlock(&queue->send_lock);

	if (count)
		tq_wake_receivers(queue, count);
	/* The line was in the way of pollers; if it is gone, that is an edge. */
	if (tq_writable(queue))
		tq_wake_pollers_out(queue);
}

/*
 * A receive raised the limit.  @room->limit is its own value, not a later one:
 * the edge between "a message of max_message does not fit" and "it fits" is
 * then crossed by exactly one of several receivers.
 */
static inline void tq_room_made(struct tqueue *queue,
				const struct tq_room *room)
{
	unsigned long need, tail, most;

	/* Publish, barrier, look who waits: see the head of this file. */
	smp_mb();
	/* Pairs with tq_admit(): no line, then the tail it left. */
	need = smp_load_acquire(&queue->need);
	if (unlikely(need)) {
		if (tq_fits(room->limit, READ_ONCE(queue->tail), need))
			tq_move_up(queue);
		return;
	}
	if (likely(!waitqueue_active(&queue->poll_out) &&
		   !READ_ONCE(queue->fasync_out)))
		return;
	tail = READ_ONCE(queue->tail);
	most = tq_record_bytes(READ_ONCE(queue->max_message));
	if (tq_fits(room->limit, tail, most) &&
	    !tq_fits(room->limit - room->freed, tail, most))
		tq_wake_pollers_out(queue);
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

/* Send a message that is in kernel memory already; the caller frees it. */
static int tq_send_message(struct tq_file *file, struct tq_message *message,
			   bool nowait)
{
	struct tqueue *queue = file->queue;
	struct tq_sender sender = { .message = message };
	unsigned int count;

	init_completion(&sender.admitted);

	mutex_lock(&queue->send_lock);
	if (nowait && (queue->need ||
		       !tq_has_room(queue, tq_message_bytes(message)))) {
		mutex_unlock(&queue->send_lock);
		return -EAGAIN;
	}
	list_add_tail(&sender.link, &queue->senders);
	count = tq_admit(queue);
	mutex_unlock(&queue->send_lock);

	if (count)
		tq_wake_receivers(queue, count);
	return tq_wait_admitted(queue, &sender);
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
		ret = tq_send_message(file, message, nowait);
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

/* Receiving */

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

	return min(length, queue->tail_seen - queue->head -
			   sizeof(struct tqueue_record));
}

/* The record at the head was copied: give its memory to the senders. */
static inline void tq_ring_advance(struct tqueue *queue, unsigned long bytes,
				   struct tq_room *room)
{
	lockdep_assert_held(&queue->receive_lock);

	WRITE_ONCE(queue->taken, queue->taken + 1);
	WRITE_ONCE(queue->head, queue->head + bytes);
	room->freed = bytes;
	room->limit = queue->limit + bytes;
	/* Release: the copy is done before senders write there. */
	smp_store_release(&queue->limit, room->limit);
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
	struct tq_room room;
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
	tq_ring_advance(queue, tq_record_bytes(ret), &room);
	mutex_unlock(&queue->receive_lock);

	tq_room_made(queue, &room);
	return ret;

unlock:
	mutex_unlock(&queue->receive_lock);
	return ret;
}

/* Take a message out of the index. */
static void tq_index_take(struct tqueue *queue, struct tq_message *message,
			  struct tq_room *room)
{
	rb_erase_cached(&message->node, &queue->index);
	WRITE_ONCE(queue->taken, queue->taken + 1);
	room->freed = tq_message_bytes(message);
	room->limit = queue->limit + room->freed;
	smp_store_release(&queue->limit, room->limit);
}

/* Put a message that comes back at its place, with receive_lock held. */
static void tq_index_return(struct tqueue *queue, struct tq_message *message)
{
	lockdep_assert_held(&queue->receive_lock);

	if (message->begun)
		message->record.flags |= TQUEUE_FLAG_PARTIAL;
	message->begun = false;
	tq_index_add(&queue->index, message);
	WRITE_ONCE(queue->taken, queue->taken - 1);
	WRITE_ONCE(queue->limit, queue->limit - tq_message_bytes(message));
}

/**
 * struct tq_hand - a message being taken in hand
 * @message: the message, owned by the call
 * @spare: memory for a message out of the ring; freed at the end if not used
 * @wanted: payload bytes that @spare was found too small for
 * @from_queue: it came from the queue, not from the file's own rest
 * @holds: the file's place for a rest is held for it
 * @room: what it made room for, if it came from the queue
 */
struct tq_hand {
	struct tq_message *message;
	struct tq_message *spare;
	size_t wanted;
	bool from_queue;
	bool holds;
	struct tq_room room;
};

/* One try, with receive_lock held: 0, -EAGAIN, -EBUSY or -ENOSPC (no spare). */
static int tq_take_locked(struct tq_file *file, struct tq_hand *hand)
{
	struct tqueue *queue = file->queue;
	struct tqueue_record *record;
	struct tq_message *message;

	if (file->rest == TQ_REST_IN_HAND)
		return -EBUSY;
	if (file->rest) {
		hand->message = file->rest;
		hand->from_queue = false;
		return 0;
	}
	hand->from_queue = true;

	message = tq_index_ready(queue);
	if (message) {
		tq_index_take(queue, message, &hand->room);
		hand->message = message;
		return 0;
	}

	if (!tq_ring_ready(queue))
		return -EAGAIN;
	hand->wanted = tq_ring_length(queue);
	message = hand->spare;
	if (!message || message->capacity < hand->wanted)
		return -ENOSPC;
	record = tq_ring_at(&queue->ring, queue->head);
	message->record = *record;
	memcpy(message->record.payload, record->payload, hand->wanted);
	tq_ring_advance(queue, tq_record_bytes(hand->wanted), &hand->room);
	hand->message = message;
	hand->spare = NULL;
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
			if (hand->holds)
				WRITE_ONCE(file->rest, TQ_REST_IN_HAND);
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
	if (!ret && hand->from_queue)
		tq_room_made(queue, &hand->room);
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

	mutex_lock(&queue->receive_lock);
	if (back)
		tq_index_return(queue, message);
	if (hand->holds)
		WRITE_ONCE(file->rest, rest ? message : NULL);
	mutex_unlock(&queue->receive_lock);

	if (!left)
		tq_message_free(message);
	if (back)
		tq_wake_receivers(queue, 1);
	if (!hand->holds)
		return;
	/* Publish, barrier, look for those who wait on this very file. */
	smp_mb();
	wake_up_var(&file->rest);
	if (!rest)
		return;
	if (atomic_read(&file->sleepers))
		__wake_up(&queue->readers, TASK_INTERRUPTIBLE, 0, file);
	if (waitqueue_active(&queue->poll_in))
		wake_up_poll(&queue->poll_in, EPOLLIN | EPOLLRDNORM);
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

	for (;;) {
		if (ret == -EFAULT && !faulted) {
			faulted = true;
			/* This may take as long as the memory's owner likes. */
			if (woken)
				tq_pass_on(queue);
			woken = false;
			if (!tq_user_fault_in_writeable(user,
					min(count, tq_next_length(file))))
				break;
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

/* Open files */

/**
 * tq_file_open - open a queue
 * @queue: the queue
 * @uid: effective user id of the opener, as the initial namespace sees it
 *
 * Context: Process context, may sleep.  The caller keeps a reference to the
 * module and to the queue until it has called tq_file_close().
 * Return: the open file or ERR_PTR(-ENOMEM).
 */
struct tq_file *tq_file_open(struct tqueue *queue, u32 uid)
{
	struct tq_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->queue = queue;
	file->uid = uid;

	mutex_lock(&queue->receive_lock);
	queue->files++;
	if (queue->pinned)
		module_put(THIS_MODULE);
	queue->pinned = false;
	mutex_unlock(&queue->receive_lock);
	return file;
}

/**
 * tq_file_close - close an open file
 * @file: made by tq_file_open(); no call uses it any more
 *
 * What is left of a message that was read in part goes back to its place.
 * Messages that nobody has open keep the module from being unloaded.
 *
 * Context: Process context, may sleep.
 */
void tq_file_close(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	bool back = file->rest;

	mutex_lock(&queue->receive_lock);
	if (back)
		tq_index_return(queue, file->rest);
	if (!--queue->files && !tq_queue_empty(queue)) {
		__module_get(THIS_MODULE);
		queue->pinned = true;
	}
	mutex_unlock(&queue->receive_lock);

	if (back)
		tq_wake_receivers(queue, 1);
	kfree(file);
}
