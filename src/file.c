// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files: what they hold goes back when they close, and what they leave in
 * a queue keeps the module.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "message.h"
#include "tqueue.h"

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
	struct tq_file *file = kzalloc_obj(*file, GFP_KERNEL_ACCOUNT);

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

	if (file->rest)
		tq_return(queue, file->rest);

	mutex_lock(&queue->receive_lock);
	if (!--queue->files && !tq_queue_empty(queue)) {
		__module_get(THIS_MODULE);
		queue->pinned = true;
	}
	mutex_unlock(&queue->receive_lock);
	kfree(file);
}
