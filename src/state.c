// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be said of a queue without a lock, to those who poll it and those who
 * are about to sleep.
 */
#include "tqueue.h"

/**
 * tq_drained - whether no message is here, and none in hand that may come back
 * @queue: the queue
 *
 * Context: Any.  Takes no lock.
 */
bool tq_drained(struct tqueue *queue)
{
	u32 done = READ_ONCE(queue->hands_done);

	/*
	 * Done with as many before the look as were begun after it: then none
	 * was in hand all the while, and what is seen empty is empty.
	 */
	smp_rmb();
	if (!tq_queue_empty(queue))
		return false;
	/* Pairs with tq_hand_begin(), as the first does with tq_hand_end(). */
	smp_rmb();
	return READ_ONCE(queue->hands) == done;
}

/**
 * tq_ended - whether readers of this file are at the end
 * @file: the open file, which holds no rest
 *
 * The removal of the queue is an end, too.
 *
 * Context: Any.  Takes no lock; to be true to sleepers and pollers, call it
 * after they are registered.
 */
bool tq_ended(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	/* Acquire: what was sent before is seen. */
	int closed = smp_load_acquire(&queue->closed);

	if (closed == -EIDRM)
		return true;
	if (!closed) {
		if (READ_ONCE(queue->end_of_file) != TQUEUE_EOF_LAST_WRITER ||
		    READ_ONCE(queue->write_opens) == file->write_opens)
			return false;
		/* Pairs with tq_file_open(): a writer came, and then it left. */
		smp_rmb();
		/* Acquire: what the writers sent is seen. */
		if (smp_load_acquire(&queue->write_files))
			return false;
	}
	return tq_drained(queue);
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

	if (tq_removed(file->queue))
		return true;
	if (rest)
		return rest != TQ_REST_IN_HAND;
	return !tq_queue_empty(file->queue) || tq_ended(file);
}

/**
 * tq_writable - whether a send of max_message bytes would not wait
 * @queue: the queue
 *
 * Context: Any.  Takes no lock; to be true to pollers, call it after they are
 * registered.
 */
bool tq_writable(struct tqueue *queue)
{
	unsigned long tail;

	/* Acquire: what tq_start() did to @need is seen. */
	if (smp_load_acquire(&queue->closed) ||
	    READ_ONCE(queue->overflow) == TQUEUE_OVERFLOW_DROP_OLDEST)
		return true;
	/* Pairs with the release of @need in tq_admit(): then read @tail. */
	if (smp_load_acquire(&queue->need))
		return false;
	tail = READ_ONCE(queue->tail);
	/*
	 * In this order a "no" was true at the moment when @limit was read, and
	 * the receiver that raises it next sees this @tail or a later one: it
	 * cannot miss the edge.
	 */
	smp_mb();
	return tq_fits(READ_ONCE(queue->limit), tail,
		       tq_record_bytes(READ_ONCE(queue->max_message)));
}
