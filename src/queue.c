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
 * tq_lock_both - lock both sides of a queue
 * @queue: the queue
 *
 * Context: Process context, no lock of this queue held.
 */
void tq_lock_both(struct tqueue *queue)
{
	mutex_lock(&queue->send_lock);
	mutex_lock(&queue->receive_lock);
}

/**
 * tq_unlock_both - undo tq_lock_both()
 * @queue: the queue
 *
 * Context: Process context, both locks held.
 */
void tq_unlock_both(struct tqueue *queue)
{
	mutex_unlock(&queue->receive_lock);
	mutex_unlock(&queue->send_lock);
}

/**
 * tq_queue_create - make a queue
 * @config: how it shall be; what it does not give gets its default
 *
 * Context: Process context, may sleep.
 * Return: the queue, which nobody can open yet; ERR_PTR of -EINVAL, -ENOMEM,
 * -ENOSPC (beyond the memory for all rings) or -EINTR.
 */
struct tqueue *tq_queue_create(const struct tqueue_config *config)
{
	struct tqueue *queue;
	unsigned long size;
	int ret;

	ret = tq_config_check(config);
	if (ret)
		return ERR_PTR(ret);
	size = tq_config_size(config);

	queue = kzalloc_obj(*queue, GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	ret = tq_ring_alloc(&queue->ring, size);
	if (ret) {
		kfree(queue);
		return ERR_PTR(ret);
	}
	mutex_init(&queue->send_lock);
	INIT_LIST_HEAD(&queue->senders);
	queue->limit_seen = size;

	mutex_init(&queue->receive_lock);
	queue->limit = size;
	queue->index = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&queue->in_hand);

	init_waitqueue_head(&queue->readers);
	init_waitqueue_head(&queue->poll_in);
	init_waitqueue_head(&queue->poll_out);
	init_waitqueue_head(&queue->done);

	queue->max_follows = true;
	tq_lock_both(queue);
	ret = tq_config_apply(queue, config, size);
	tq_unlock_both(queue);
	if (ret) {
		tq_queue_free(queue);
		return ERR_PTR(ret);
	}
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
	tq_messages_free(&queue->index.rb_root);
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

	if (tq_closed(queue) ||
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
