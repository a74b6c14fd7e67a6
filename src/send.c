// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending one message.
 *
 * The fast path copies from the caller straight into the ring under tx.lock,
 * with page faults disabled.  The slow path copies the message into an
 * allocation of its own first, with no lock held.  It serves sends that find no
 * room or whose memory faults twice, and messages of more than one piece.
 */
#include <linux/list.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "drop.h"
#include "enqueue.h"
#include "message.h"
#include "notify.h"
#include "send.h"
#include "senders.h"
#include "space.h"
#include "store.h"
#include "tqueue.h"
#include "user.h"
#include "wait.h"

/* Copy a message to tx.pos, where there is room: 0 or -EFAULT. */
static __always_inline int tq_put_record(struct tqueue *queue, u32 uid,
					 const struct tq_user *user,
					 size_t length, unsigned long bytes)
{
	struct tqueue_record *record = tq_ring_at(&queue->ring, queue->tx.pos);

	tq_record_pad(record, bytes);
	if (unlikely(!tq_copy_from_user_nofault(user, record->payload, length)))
		return -EFAULT;
	tq_record_stamp(record, length, uid);
	record->id = tq_alloc_ids(queue, 1);
	tq_publish(queue, bytes);
	return 0;
}

/*
 * There is no room.  If the policy says so, drop old messages, but only once it
 * is known that the new one can be copied.  Returns as tq_send_direct().
 * Called with tx.lock held, and unlocks it.
 */
static noinline int tq_send_dropping(struct tq_file *file,
				     const struct tq_user *user, size_t length)
{
	struct tqueue *queue = file->queue;
	unsigned long bytes = tq_record_bytes(length);
	struct tq_notify notify __uninitialized;
	int ret = -EAGAIN;

	notify.events = 0;
	notify.garbage = NULL;
	if (queue->policy.overflow == TQUEUE_OVERFLOW_DROP_OLDEST) {
		ret = -EFAULT;
		if (tq_readable_nofault(user, length))
			ret = tq_drop_for(queue, bytes, &notify);
		if (!ret)
			ret = tq_put_record(queue, file->uid, user, length,
					    bytes);
	}
	mutex_unlock(&queue->tx.lock);
	tq_notify_events(queue, notify.events);
	tq_messages_put(notify.garbage);
	return unlikely(ret == TQ_ROOM_DETACHED) ? TQ_SEND_SLOW : ret;
}

/*
 * Copy a message straight into the ring.  Returns 0; -EAGAIN if there is no
 * room or senders are blocked; -EFAULT; -ENOBUFS; TQ_SEND_SLOW.
 */
static __always_inline int tq_send_direct(struct tq_file *file,
					  const struct tq_user *user,
					  size_t length)
{
	struct tqueue *queue = file->queue;
	unsigned long bytes = tq_record_bytes(length);
	struct tq_tx *tx = &queue->tx;
	int ret = -EAGAIN;

	mutex_lock(&tx->lock);
	if (unlikely(tx->gate)) {
		if (tx->gate == TQ_GATE_NO_READER)
			ret = TQ_SEND_SLOW;
	} else if (likely(tq_has_room(queue, bytes))) {
		ret = tq_put_record(queue, file->uid, user, length, bytes);
	} else {
		return tq_send_dropping(file, user, length);
	}
	mutex_unlock(&tx->lock);
	return ret;
}

/* Why a message of @bytes can never be sent, or 0. */
static int tq_refusal(const struct tq_file *file, unsigned long bytes)
{
	const struct tqueue *queue = file->queue;

	if (queue->policy.shutdown_error)
		return queue->policy.shutdown_error;
	if (tq_no_reader(file))
		return -EPIPE;
	/* The ring may have shrunk since the length was checked. */
	return bytes > queue->ring.size ? -EMSGSIZE : 0;
}

/*
 * Try once, with tx.lock held.  Returns 0 if the message was sent; -EINPROGRESS
 * if the sender is blocked now; -EAGAIN if it may not block; or another error.
 * With -EAGAIN, TQ_NOTIFY_ADMIT asks the caller to try again.
 */
static int tq_send_locked(struct tq_sender *sender, bool nowait, bool pass,
			  struct tq_notify *notify)
{
	struct tqueue *queue = sender->file->queue;
	unsigned long bytes = tq_message_bytes(sender->message);
	u32 overflow = queue->policy.overflow;
	int ret;

	ret = tq_refusal(sender->file, bytes) ?:
	      tq_key_refuses(queue, sender->message, &sender->id);
	if (ret)
		return ret;
	if (!(queue->tx.gate & TQ_GATE_BLOCKED)) {
		if (!tq_has_room(queue, bytes) &&
		    !tq_room_detached(queue, bytes)) {
			ret = -EAGAIN;
			if (overflow == TQUEUE_OVERFLOW_DROP_OLDEST)
				ret = tq_drop_for(queue, bytes, notify);
			else if (overflow == TQUEUE_OVERFLOW_REJECT)
				ret = -ENOBUFS;
		}
		if (!ret || ret == TQ_ROOM_DETACHED) {
			ret = tq_enqueue(queue, &sender->message, &sender->id,
					 notify);
		} else if (overflow == TQUEUE_OVERFLOW_DROP_OLDEST &&
			   ret == -EAGAIN) {
			notify->events |= TQ_NOTIFY_ADMIT;
		}
		if (ret != -EAGAIN || notify->events & TQ_NOTIFY_ADMIT)
			return ret;
	}
	/*
	 * The policy is not to block, but senders are still blocked from before
	 * it changed.  They are admitted at once, and this sender with them.
	 */
	if (overflow != TQUEUE_OVERFLOW_BLOCK)
		nowait = false;
	if (nowait)
		return pass ? tq_senders_pass(sender, notify) : -EAGAIN;
	tq_senders_block(sender);
	tq_senders_admit(queue, notify);
	return -EINPROGRESS;
}

/**
 * tq_send_message - send a message that is already in kernel memory
 * @file: the open file
 * @message: the message, stamped.  If *@message is not NULL afterwards, the
 *	caller must free it.
 * @nowait: fail instead of waiting for room
 * @pass: with @nowait: may overtake blocked senders, see senders.c
 * @deadline: when to stop waiting, CLOCK_MONOTONIC; NULL for never
 * @id: filled with the id of the message; with -EEXIST, with the id of the
 *	message that has its key
 *
 * Context: Process context, may sleep, no lock held.
 * Return: 0; -EAGAIN; -EEXIST; -ENOBUFS; -ETIMEDOUT; -EMSGSIZE; -EPIPE;
 * -ESHUTDOWN; -EIDRM; -ERESTARTSYS on a signal.
 */
int tq_send_message(struct tq_file *file, struct tq_message **message,
		    bool nowait, bool pass, ktime_t *deadline, u64 *id)
{
	struct tq_sender sender = { .file = file, .message = *message };
	struct tqueue *queue = file->queue;
	bool again;
	int ret;

	do {
		struct tq_notify notify = {};

		mutex_lock(&queue->tx.lock);
		ret = tq_send_locked(&sender, nowait, pass, &notify);
		mutex_unlock(&queue->tx.lock);
		again = ret == -EAGAIN && notify.events & TQ_NOTIFY_ADMIT;
		if (again)
			notify.events &= ~TQ_NOTIFY_ADMIT;
		tq_notify_deliver(queue, &notify);
	} while (again);
	if (ret == -EINPROGRESS)
		ret = tq_senders_wait(&sender, deadline);
	*message = sender.message;
	*id = sender.id;
	return ret;
}

/**
 * tq_send_hopeless - why a send that found no room cannot succeed
 * @file: the open file
 * @nowait: the send must not wait
 *
 * Called before a message is allocated, to save the allocation.
 *
 * Context: Any.
 * Return: 0 if tq_send_message() must decide; -EAGAIN; -ENOBUFS; -EPIPE;
 * -ESHUTDOWN; -EIDRM.
 */
int tq_send_hopeless(const struct tq_file *file, bool nowait)
{
	const struct tqueue *queue = file->queue;
	int error = tq_shutdown_error(queue);

	if (error)
		return error;
	if (tq_no_reader(file))
		return -EPIPE;
	/* There may be room for a detached message: see tq_room_detached(). */
	if (unlikely(READ_ONCE(queue->rx.store.void_bytes)))
		return 0;
	switch (READ_ONCE(queue->policy.overflow)) {
	case TQUEUE_OVERFLOW_DROP_OLDEST:
		return 0;
	case TQUEUE_OVERFLOW_REJECT:
		return -ENOBUFS;
	}
	/*
	 * If senders are blocked and it is this file's turn, it may overtake
	 * them.
	 */
	if (nowait && (READ_ONCE(file->ticket) || !READ_ONCE(queue->tx.need)))
		return -EAGAIN;
	return 0;
}

/* Look for room for a message that will not go through the ring. */
static int tq_room_for(struct tq_file *file, size_t length)
{
	struct tqueue *queue = file->queue;
	bool room;

	mutex_lock(&queue->tx.lock);
	room = !(queue->tx.gate & TQ_GATE_BLOCKED) &&
	       tq_has_room(queue, tq_record_bytes(length));
	mutex_unlock(&queue->tx.lock);
	return room ? TQ_SEND_SLOW : -EAGAIN;
}

static ssize_t tq_send_slow(struct tq_file *file, struct tq_user *user,
			    size_t length, bool nowait, int ret)
{
	struct tq_message *message;
	u64 id;

	if (ret == -EFAULT) {
		if (!tq_fault_in_readable(user, length))
			return -EFAULT;
		ret = tq_send_direct(file, user, length);
		if (!ret) {
			tq_notify_ready(file->queue, 1, true);
			return length;
		}
	}
	if (ret == -EAGAIN) {
		ret = tq_send_hopeless(file, nowait);
		if (ret)
			return ret;
	}
	if (fatal_signal_pending(current))
		return -EINTR;

	message = tq_message_alloc(length);
	if (!message)
		return -ENOMEM;
	tq_record_stamp(&message->record, length, file->uid);
	if (tq_copy_from_user(user, message->record.payload, length))
		ret = tq_send_message(file, &message, nowait, true, NULL, &id);
	else
		ret = -EFAULT;
	tq_message_put(message);
	return ret ?: length;
}

/* A sender without readers gets SIGPIPE, as on a pipe. */
static noinline ssize_t tq_send_otherwise(struct tq_file *file,
					  struct tq_user *user, size_t length,
					  unsigned int how, int ret)
{
	ssize_t sent = tq_send_slow(file, user, length, how & TQ_NOWAIT, ret);

	if (sent == -EPIPE && !(how & TQ_NOSIGNAL))
		send_sig(SIGPIPE, current, 0);
	return sent;
}

/**
 * tq_send - send one message
 * @file: the open file
 * @user: the payload
 * @length: its length, at least 1
 * @how: %TQ_NOWAIT to fail instead of waiting for room, %TQ_NOSIGNAL
 *
 * The message is sent whole or not at all.
 *
 * Context: Process context, may sleep even with %TQ_NOWAIT: for locks, which
 * are never held for long, and for the caller's own memory.
 * Return: @length; -EMSGSIZE; -EAGAIN if there is no room and it must not wait;
 * -ENOBUFS if there is no room and the policy is not to wait; -EPIPE, and
 * SIGPIPE was raised; -ESHUTDOWN; -EIDRM; -EFAULT; -ENOMEM; -ERESTARTSYS or
 * -EINTR on a signal.
 */
ssize_t tq_send(struct tq_file *file, struct tq_user *user, size_t length,
		unsigned int how)
{
	struct tqueue *queue = file->queue;
	int ret;

	if (likely(length <= READ_ONCE(queue->policy.direct_max)))
		ret = tq_send_direct(file, user, length);
	else if (length <= READ_ONCE(queue->policy.max_message))
		ret = tq_room_for(file, length);
	else
		return tq_removed(queue) ? -EIDRM : -EMSGSIZE;
	if (unlikely(ret))
		return tq_send_otherwise(file, user, length, how, ret);
	tq_notify_ready(queue, 1, true);
	return length;
}
