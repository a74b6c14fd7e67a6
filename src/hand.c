// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages in hand: how they are taken, put down and given back.  What a call
 * did not take of its message stays with its open file, as that file's rest;
 * what it could not take goes back to its place in the queue.
 *
 * Guarded by receive_lock: which messages are in hand, and who has them.  The
 * message itself belongs to the call alone.
 */
#include <linux/minmax.h>
#include <linux/wait_bit.h>

#include "hand.h"
#include "head.h"
#include "message.h"
#include "room.h"
#include "tqueue.h"
#include "trace.h"
#include "wake.h"

/* A message that may come back is about to leave its queue. */
static void tq_hand_begin(struct tqueue *queue, struct tq_message *message)
{
	lockdep_assert_held(&queue->receive_lock);

	list_add_tail(&message->in_hand, &queue->in_hand);
	WRITE_ONCE(queue->hands, queue->hands + 1);
	/* In hand, then gone: see tq_drained(). */
	smp_wmb();
}

/* A message in hand is done, or came back.  Then comes tq_hand_settle(). */
static void tq_hand_end(struct tqueue *queue, struct tq_message *message)
{
	lockdep_assert_held(&queue->receive_lock);

	list_del(&message->in_hand);
	/* Back, then no more in hand: see tq_drained(). */
	smp_wmb();
	WRITE_ONCE(queue->hands_done, queue->hands_done + 1);
}

/* After tq_hand_end(), with no lock held: tell those who wait for that. */
static void tq_hand_settle(struct tqueue *queue)
{
	/* Publish, barrier, look for sleepers: see wake.h. */
	smp_mb();
	if (tq_drained(queue))
		tq_wake_ended(queue);
	/* After the barrier. */
	if (waitqueue_active(&queue->done))
		tq_wake_done(queue);
}

/**
 * tq_return - give a message in hand back to its queue, at its place
 * @queue: the queue
 * @message: owned by the caller, from now on by the queue's index; freed if the
 *	queue was removed
 *
 * Context: Process context, no lock held; takes both.
 */
void tq_return(struct tqueue *queue, struct tq_message *message)
{
	bool removed;

	if (message->begun)
		message->record.flags |= TQUEUE_FLAG_PARTIAL;
	message->begun = false;

	tq_lock_both(queue);
	removed = queue->closed == -EIDRM;
	if (!removed) {
		tq_index_put(queue, message);
		WRITE_ONCE(queue->taken, queue->taken - 1);
		trace_tqueue_return(queue, message->record.id);
	}
	tq_hand_end(queue, message);
	tq_unlock_both(queue);

	if (removed) {
		tq_message_free(message);
	} else {
		tq_wake_receivers(queue, 1);
		/* It may be taken in ways that tell nobody of the end. */
		tq_wake_ended(queue);
	}
	tq_hand_settle(queue);
}

/*
 * Plain reads pass over empty messages.  Nobody waits for those, so they need
 * not be in hand.
 */
static void tq_skip_empty(struct tqueue *queue, struct tq_hand *hand)
{
	struct tq_message *message;
	unsigned long bytes;

	for (;;) {
		message = tq_index_ready(queue);
		if (message) {
			if (tq_message_left(message))
				return;
			bytes = tq_message_bytes(message);
			tq_index_del(queue, message);
			tq_message_free(message);
		} else {
			if (!tq_ring_ready(queue) ||
			    tq_ring_length(queue, queue->head))
				return;
			bytes = tq_record_bytes(0);
			WRITE_ONCE(queue->head, queue->head + bytes);
		}
		hand->debt |= tq_raise_limit(queue, bytes, 1);
	}
}

/* Take the message that is next, or say what is missing: see tq_take_locked() */
static int tq_take_next(struct tqueue *queue, size_t count, size_t resident,
			struct tq_hand *hand)
{
	struct tq_message *message = tq_index_ready(queue);
	struct tqueue_record *record;
	unsigned long bytes;
	size_t length;

	if (message)
		length = tq_message_left(message);
	else if (tq_ring_ready(queue))
		length = tq_ring_length(queue, queue->head);
	else
		return -EAGAIN;
	/* It would come back, and out of its turn. */
	if (min(length, count) > resident)
		return -EFAULT;

	if (message) {
		tq_hand_begin(queue, message);
		tq_index_del(queue, message);
		bytes = tq_message_bytes(message);
	} else {
		hand->wanted = length;
		message = hand->spare;
		if (!message || message->capacity < hand->wanted)
			return -ENOSPC;
		hand->spare = NULL;
		record = tq_ring_at(&queue->ring, queue->head);
		bytes = tq_record_bytes(hand->wanted);
		message->record = *record;
		/* What it was measured with, not what it may say by now. */
		message->record.length = length;
		memcpy(message->record.payload, record->payload,
		       bytes - sizeof(*record));
		tq_hand_begin(queue, message);
		WRITE_ONCE(queue->head, queue->head + bytes);
	}
	hand->message = message;
	hand->lost = message->record.id == queue->gap_id ? queue->gap : 0;
	hand->debt |= tq_raise_limit(queue, bytes, 1);
	return 0;
}

/* One try: 0, -EIDRM, -EAGAIN, -EBUSY, -EFAULT or -ENOSPC (no spare). */
static int tq_take_locked(struct tq_file *file, size_t count, size_t resident,
			  bool records, struct tq_hand *hand)
{
	struct tqueue *queue = file->queue;

	lockdep_assert_held(&queue->receive_lock);

	if (queue->closed == -EIDRM)
		return -EIDRM;
	if (file->rest == TQ_REST_IN_HAND)
		return -EBUSY;
	hand->from_queue = !file->rest;
	if (file->rest) {
		if (records)
			return -EBUSY;
		hand->message = file->rest;
		return 0;
	}
	if (!records)
		tq_skip_empty(queue, hand);
	return tq_take_next(queue, count, resident, hand);
}

/**
 * tq_take_in_hand - take in hand what a file receives next
 * @file: the open file
 * @count: bytes of it that are wanted; if that leaves a rest, the file's place
 *	for one is held until tq_put_down()
 * @resident: bytes that are known to be there for it; a message of which more is
 *	wanted is left where it is
 * @records: the message is received whole, as a record
 * @hand: filled
 *
 * Context: Process context, may sleep, no lock held; takes both.
 * Return: 0; -EAGAIN; -EBUSY (another call has the file's rest in hand, or,
 * with @records, the file holds one); -EFAULT (more than @resident is wanted);
 * -EIDRM; -ENOMEM.
 */
int tq_take_in_hand(struct tq_file *file, size_t count, size_t resident,
		    bool records, struct tq_hand *hand)
{
	struct tqueue *queue = file->queue;
	int ret;

	hand->spare = NULL;
	hand->debt = TQ_OWES_NOTHING;
	for (;;) {
		mutex_lock(&queue->receive_lock);
		ret = tq_take_locked(file, count, resident, records, hand);
		if (!ret) {
			hand->holds = !hand->from_queue ||
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
		if (!hand->spare) {
			ret = -ENOMEM;
			break;
		}
	}
	tq_message_free(hand->spare);
	tq_settle_debt(queue, hand->debt);
	if (ret || !hand->holds)
		return ret;

	/* Publish, barrier, look for messages: see tq_wake_pollers_in(). */
	smp_mb();
	if (!tq_queue_empty(queue))
		tq_wake_all_pollers_in(queue);
	return 0;
}

/**
 * tq_put_down - done with a message in hand: free it, keep the rest, or give
 *	it back
 * @file: the open file it was taken through
 * @hand: filled by tq_take_in_hand()
 * @done: all of it was delivered; an empty message does not tell by itself
 *
 * Context: Process context, no lock held; takes both.
 */
void tq_put_down(struct tq_file *file, struct tq_hand *hand, bool done)
{
	struct tqueue *queue = file->queue;
	struct tq_message *message = hand->message;
	bool rest = !done && message->begun;

	if (!done && !rest)
		tq_return(queue, message);

	mutex_lock(&queue->receive_lock);
	if (done)
		tq_hand_end(queue, message);
	if (hand->holds) {
		WRITE_ONCE(file->rest, rest ? message : NULL);
		WRITE_ONCE(queue->rests_in_hand, queue->rests_in_hand - 1);
	}
	mutex_unlock(&queue->receive_lock);
	if (done) {
		tq_message_free(message);
		tq_hand_settle(queue);
	}
	if (!hand->holds)
		return;

	/* Publish, barrier, look for those who wait on this very file. */
	smp_mb();
	wake_up_var(&queue->rests_in_hand);
	if (rest || !tq_queue_empty(queue))
		tq_wake_file(file);
	/* It came back and was received while this file could not be read. */
	else if (!done && tq_drained(queue))
		tq_wake_ended(queue);
}
