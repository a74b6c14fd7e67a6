// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue as an object: making and freeing it.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "message.h"
#include "tqueue.h"

/**
 * tq_queue_create - make a queue
 * @config: how it shall be; what it does not give gets its default
 * @free: bytes of its ring that do not count for what all rings may have
 *
 * Context: Process context, may sleep.
 * Return: the queue, which nobody can open yet; ERR_PTR of -EINVAL, -ENOMEM,
 * -ENOSPC (beyond the memory for all rings) or -EINTR.
 */
struct tqueue *tq_queue_create(const struct tqueue_config *config,
			       unsigned long free)
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
	queue->free = free;
	ret = tq_ring_alloc(&queue->ring, size, free, 0);
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
