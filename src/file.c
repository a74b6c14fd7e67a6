// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files: what they hold goes back when they close, and what they leave in
 * a queue keeps the module.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "hand.h"
#include "tqueue.h"

/* Whether a task in these namespaces sees users and processes otherwise. */
static void tq_file_identify(struct tq_file *file, const struct cred *cred)
{
	file->cred = cred;
	file->uid = from_kuid(&init_user_ns, cred->euid);
	file->pids = task_active_pid_ns(current) == &init_pid_ns;
	file->foreign = cred->user_ns != &init_user_ns || !file->pids;
}

/**
 * tq_file_open - open a queue
 * @queue: the queue
 * @filp: the file that is being opened; it keeps its opener's credentials
 *
 * Context: Process context, may sleep.  The caller keeps a reference to the
 * module and to the queue until it has called tq_file_close().
 * Return: the open file or ERR_PTR of -ENOMEM or -ENXIO (the queue was removed).
 */
struct tq_file *tq_file_open(struct tqueue *queue, struct file *filp)
{
	struct tq_file *file = kzalloc_obj(*file, GFP_KERNEL_ACCOUNT);

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->queue = queue;
	file->mode = filp->f_mode & (FMODE_READ | FMODE_WRITE);
	tq_file_identify(file, filp->f_cred);

	mutex_lock(&queue->receive_lock);
	if (queue->closed == -EIDRM) {
		mutex_unlock(&queue->receive_lock);
		kfree(file);
		return ERR_PTR(-ENXIO);
	}
	/* If there is a writer it has seen one. */
	file->write_opens = queue->write_opens - !!queue->write_files;
	queue->files++;
	if (file->mode & FMODE_READ)
		queue->read_files++;
	if (file->mode & FMODE_WRITE) {
		WRITE_ONCE(queue->write_files, queue->write_files + 1);
		/* Who sees that a writer came sees it there: see tq_ended(). */
		smp_wmb();
		WRITE_ONCE(queue->write_opens, queue->write_opens + 1);
	}
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
	bool last_writer = false;

	if (file->rest)
		tq_return(queue, file->rest);

	mutex_lock(&queue->receive_lock);
	if (file->mode & FMODE_READ)
		queue->read_files--;
	if (file->mode & FMODE_WRITE) {
		/* Release: who sees that no writer is left sees what it sent. */
		smp_store_release(&queue->write_files, queue->write_files - 1);
		last_writer = !queue->write_files;
	}
	if (!--queue->files && !tq_queue_empty(queue)) {
		__module_get(THIS_MODULE);
		queue->pinned = true;
	}
	mutex_unlock(&queue->receive_lock);
	if (last_writer)
		tq_writers_left(queue);
	kfree(file);
}
