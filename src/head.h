/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The receivers' side of a queue: what stands at its head, and taking it away.
 * Everything here needs receive_lock but for what is said.
 */
#ifndef TQ_HEAD_H
#define TQ_HEAD_H

#include <linux/minmax.h>
#include <linux/mutex.h>

#include "message.h"
#include "tqueue.h"

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

/* The length of the record at @position: loaded once, within what is there. */
static inline size_t tq_ring_length(const struct tqueue *queue,
				    unsigned long position)
{
	size_t length = READ_ONCE(tq_ring_at(&queue->ring, position)->length);

	return min_t(size_t, length, queue->tail_seen - position -
				     sizeof(struct tqueue_record));
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
 * Make a detached message ready; from now on the index owns it.  What the index
 * holds counts for the queue's size: senders find that much less room from now
 * on, and the more so if it was not there.  Both locks; the caller wakes
 * receivers once they are dropped.
 */
static inline void tq_index_put(struct tqueue *queue,
				struct tq_message *message)
{
	unsigned long limit = queue->limit - tq_message_bytes(message);

	lockdep_assert_held(&queue->send_lock);
	lockdep_assert_held(&queue->receive_lock);

	tq_index_add(&queue->index, message);
	WRITE_ONCE(queue->indexed, queue->indexed + 1);
	WRITE_ONCE(queue->limit, limit);
	queue->limit_seen = limit;
}

/* Take a message out of the index; it still counts for the size. */
static inline void tq_index_del(struct tqueue *queue,
				struct tq_message *message)
{
	lockdep_assert_held(&queue->receive_lock);

	rb_erase_cached(&message->node, &queue->index);
	WRITE_ONCE(queue->indexed, queue->indexed - 1);
}

#endif /* TQ_HEAD_H */
