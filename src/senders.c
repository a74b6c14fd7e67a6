// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocked senders: senders that wait for room.
 *
 * The message of a blocked sender is already in kernel memory.  The room that
 * the first one needs is published in tx.need.  The receiver that makes that
 * much room admits the message.  So a blocked sender needs neither its own
 * memory nor a processor to make progress, and it cannot hold up the senders
 * after it.
 *
 * The message with the highest priority is admitted first; of equal priorities,
 * the one that came first.
 *
 * Only non-blocking files, which would otherwise never find room, may overtake
 * blocked senders.  Such a file may send one message past the senders that are
 * blocked at that moment.  It may send the next one when all of these have been
 * served, so it sends as much as each of them.  Blocked senders are numbered as
 * they come.  The file notes the number of the last one: its ticket.
 */
#include <linux/list.h>
#include <linux/sched.h>

#include "drop.h"
#include "enqueue.h"
#include "message.h"
#include "notify.h"
#include "senders.h"
#include "space.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"
#include "wait.h"

static struct tq_sender *tq_first_blocked(struct tqueue *queue)
{
	return list_first_entry_or_null(&queue->tx.blocked, struct tq_sender,
					link);
}

static void tq_sender_leave(struct tq_tx *tx, struct tq_sender *sender)
{
	list_del(&sender->link);
	list_del(&sender->by_ticket);
	WRITE_ONCE(tx->blocked_count, tx->blocked_count - 1);
}

/* Remove a sender from the blocked ones and wake it, with 0 or an error. */
static void tq_sender_release(struct tqueue *queue, struct tq_sender *sender,
			      int error)
{
	struct tq_tx *tx = &queue->tx;

	tq_sender_leave(tx, sender);
	sender->error = error;
	/* Release: the sleeper sees what became of the message. */
	smp_store_release(&sender->left, true);
	wake_up_process(sender->task);
}

/*
 * Senders have left.  Publish what the first one needs now, and give files
 * their turns.
 */
static void tq_senders_changed(struct tqueue *queue)
{
	struct tq_tx *tx = &queue->tx;
	struct tq_sender *first = tq_first_blocked(queue);
	struct tq_sender *eldest =
		list_first_entry_or_null(&tx->tickets, struct tq_sender,
					 by_ticket);
	unsigned long served = eldest ? eldest->ticket - 1 : tx->ticket;
	struct tq_file *file, *next;

	lockdep_assert_held(&tx->lock);

	if (!first)
		tx->gate &= ~TQ_GATE_BLOCKED;
	/*
	 * Release: a reader that sees no blocked sender also sees the tx.pos
	 * that the last one left.
	 */
	smp_store_release(&tx->need,
			  first ? tq_message_bytes(first->message) : 0);
	list_for_each_entry_safe(file, next, &tx->turns, turn) {
		if ((long)(file->ticket - served) > 0)
			break;
		list_del_init(&file->turn);
		WRITE_ONCE(file->ticket, 0);
		tq_notify_turn(file);
	}
}

/**
 * tq_senders_block - block a sender
 * @sender: its file and message are set; the rest is filled in
 *
 * Context: tx.lock held.  The caller calls tq_senders_admit() next, which looks
 * for room after it has published the need: see wait.h.
 */
void tq_senders_block(struct tq_sender *sender)
{
	struct tq_tx *tx = &sender->file->queue->tx;
	struct tq_sender *other;

	lockdep_assert_held(&tx->lock);

	sender->task = current;
	sender->left = false;
	/* 0 means no ticket. */
	if (!++tx->ticket)
		tx->ticket++;
	sender->ticket = tx->ticket;
	list_add_tail(&sender->by_ticket, &tx->tickets);
	list_for_each_entry_reverse(other, &tx->blocked, link)
		if (other->message->record.priority >=
		    sender->message->record.priority)
			break;
	list_add(&sender->link, &other->link);
	WRITE_ONCE(tx->blocked_count, tx->blocked_count + 1);
	tx->gate |= TQ_GATE_BLOCKED;
	trace_tqueue_block(sender->file->queue);
}

/**
 * tq_senders_admit - admit blocked senders, as many as fit, in their order
 * @queue: the queue
 * @notify: collects the wake-ups
 *
 * Context: tx.lock held; may take rx.lock.
 */
void tq_senders_admit(struct tqueue *queue, struct tq_notify *notify)
{
	struct tq_tx *tx = &queue->tx;
	bool blocked = tx->need;
	struct tq_sender *sender;
	unsigned long bytes;
	int ret;

	lockdep_assert_held(&tx->lock);

	while ((sender = tq_first_blocked(queue))) {
		bytes = tq_message_bytes(sender->message);
		/* Publish, then look for room: see wait.h. */
		WRITE_ONCE(tx->need, bytes);
		ret = tq_key_refuses(queue, sender->message, &sender->id);
		if (!ret && !tq_has_room(queue, bytes) &&
		    !tq_room_detached(queue, bytes)) {
			if (queue->policy.overflow !=
			    TQUEUE_OVERFLOW_DROP_OLDEST)
				break;
			ret = tq_drop_for(queue, bytes, notify);
			if (ret == -EAGAIN) {
				/*
				 * One piece of work is done: unlock before the
				 * next.
				 */
				notify->events |= TQ_NOTIFY_ADMIT;
				break;
			}
		}
		if (!ret || ret == TQ_ROOM_DETACHED)
			ret = tq_enqueue(queue, &sender->message, &sender->id,
					 notify);
		tq_sender_release(queue, sender, ret);
	}
	tq_senders_changed(queue);
	/* Non-blocking files may overtake now, or find room. */
	bytes = tq_record_bytes(queue->policy.max_message);
	if (tx->need ? !blocked : blocked && tq_has_room(queue, bytes))
		notify->events |= TQ_NOTIFY_WRITABLE;
}

/**
 * tq_admit_senders - admit blocked senders after room was made
 * @queue: the queue
 *
 * Context: Process context, no lock held; takes tx.lock.
 */
void tq_admit_senders(struct tqueue *queue)
{
	unsigned int again;

	do {
		struct tq_notify notify = {};

		mutex_lock(&queue->tx.lock);
		tq_senders_admit(queue, &notify);
		mutex_unlock(&queue->tx.lock);
		again = notify.events & TQ_NOTIFY_ADMIT;
		notify.events &= ~TQ_NOTIFY_ADMIT;
		tq_notify_deliver(queue, &notify);
	} while (again);
}

/**
 * tq_senders_fail - refuse blocked senders
 * @queue: the queue
 * @error: what their calls return.  -EPIPE fails only senders whose files have
 *	seen a reader.
 * @notify: collects the wake-ups
 *
 * Context: tx.lock held.
 */
void tq_senders_fail(struct tqueue *queue, int error, struct tq_notify *notify)
{
	struct tq_tx *tx = &queue->tx;
	struct tq_sender *sender, *next;

	lockdep_assert_held(&tx->lock);

	list_for_each_entry_safe(sender, next, &tx->blocked, link)
		if (error != -EPIPE || tq_no_reader(sender->file))
			tq_sender_release(queue, sender, error);
	tq_senders_changed(queue);
	/* The senders that are left may need less room. */
	notify->events |= TQ_NOTIFY_WRITABLE | TQ_NOTIFY_ADMIT;
}

/**
 * tq_senders_pass - send a message past blocked senders
 * @sender: the sender, which may not wait; its file and message are set
 * @notify: collects the wake-ups
 *
 * The message may exceed the size of the queue, like one that comes back.  All
 * such messages together exceed it by at most the same size again.
 *
 * Context: tx.lock held; takes rx.lock.
 * Return: 0; -EAGAIN if no sender is blocked or it is not the file's turn;
 * -EEXIST.
 */
int tq_senders_pass(struct tq_sender *sender, struct tq_notify *notify)
{
	struct tq_file *file = sender->file;
	struct tqueue *queue = file->queue;
	struct tq_tx *tx = &queue->tx;
	unsigned long bytes = tq_message_bytes(sender->message);

	lockdep_assert_held(&tx->lock);

	if (!(tx->gate & TQ_GATE_BLOCKED) || file->ticket)
		return -EAGAIN;
	WRITE_ONCE(file->ticket, tx->ticket);
	list_add_tail(&file->turn, &tx->turns);
	tq_has_room(queue, bytes);
	if (!tq_fits(tx->limit_cached + queue->ring.size, tx->pos, bytes))
		return -EAGAIN;
	return tq_enqueue_detached(queue, &sender->message, &sender->id,
				   notify);
}

/**
 * tq_senders_forget - forget the turn of a file
 * @file: the open file, which is being closed
 *
 * Context: Process context, no lock held; takes tx.lock.
 */
void tq_senders_forget(struct tq_file *file)
{
	struct tqueue *queue = file->queue;

	/* No call uses the file, but its turn may come meanwhile. */
	if (!READ_ONCE(file->ticket))
		return;
	mutex_lock(&queue->tx.lock);
	list_del_init(&file->turn);
	mutex_unlock(&queue->tx.lock);
}

static bool tq_sender_left(struct tq_sender *sender)
{
	/* Acquire: see what became of the message. */
	return smp_load_acquire(&sender->left);
}

/**
 * tq_senders_wait - sleep until a blocked sender is admitted or refused
 * @sender: blocked by tq_senders_block()
 * @deadline: when to stop waiting, CLOCK_MONOTONIC; NULL for never
 *
 * Context: Process context, no lock held; takes tx.lock.
 * Return: 0 if it was admitted; why it was refused; -ETIMEDOUT; -ERESTARTSYS on
 * a signal.  After an error the message is still the caller's.
 */
int tq_senders_wait(struct tq_sender *sender, ktime_t *deadline)
{
	struct tqueue *queue = sender->file->queue;
	struct tq_notify notify = {};
	int ret;

	ret = tq_sleep(set_current_state(TASK_INTERRUPTIBLE),
		       tq_sender_left(sender), deadline);

	/* The call that released the sender uses it until it unlocks. */
	mutex_lock(&queue->tx.lock);
	if (sender->left) {
		ret = sender->error;
	} else {
		sender->left = true;
		tq_sender_leave(&queue->tx, sender);
		/* The senders after it may need less room. */
		tq_senders_admit(queue, &notify);
	}
	mutex_unlock(&queue->tx.lock);
	tq_notify_deliver(queue, &notify);
	return ret;
}
