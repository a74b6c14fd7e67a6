// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue as an object: making and freeing it, and whether it can be read
 * from and written to.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "message.h"
#include "tqueue.h"

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

	queue = kzalloc_obj(*queue, GFP_KERNEL_ACCOUNT);
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

/**
 * tq_index_put - make a detached message ready
 * @queue: the queue
 * @message: has its id; owned by the caller, from now on by the queue's index
 *
 * What the index holds counts for the queue's size: senders find that much less
 * room from now on, and the more so if it was not there.
 *
 * Context: Both locks held.  The caller wakes receivers once they are dropped.
 */
void tq_index_put(struct tqueue *queue, struct tq_message *message)
{
	unsigned long limit = queue->limit - tq_message_bytes(message);

	lockdep_assert_held(&queue->send_lock);
	lockdep_assert_held(&queue->receive_lock);

	tq_index_add(&queue->index, message);
	WRITE_ONCE(queue->indexed, queue->indexed + 1);
	WRITE_ONCE(queue->limit, limit);
	queue->limit_seen = limit;
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
	unsigned long tail;

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
