// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files: counting readers and writers, and returning what a file held.
 *
 * Closing a file returns its partial message and its leases to the queue.  A
 * queue that holds messages keeps the module loaded even if no file is open.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "file.h"
#include "inflight.h"
#include "lease.h"
#include "message.h"
#include "notify.h"
#include "senders.h"
#include "states.h"
#include "tqueue.h"
#include "wait.h"

/* Note the opener of a file, and whether its namespaces see other ids. */
static void tq_file_identify(struct tq_file *file, const struct cred *cred)
{
	file->cred = cred;
	file->uid = from_kuid(&init_user_ns, cred->euid);
	file->pids = task_active_pid_ns(current) == &init_pid_ns;
	file->foreign = cred->user_ns != &init_user_ns || !file->pids;
}

/**
 * tq_opens_changed - update what depends on open files and on the policy
 * @queue: the queue
 *
 * Context: Both locks held.
 */
void tq_opens_changed(struct tqueue *queue)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_tx *tx = &queue->tx;

	tq_assert_both_held(queue);

	rx->attention &= ~TQ_ATTENTION_ENDING;
	if (tq_ending(queue))
		rx->attention |= TQ_ATTENTION_ENDING;
	tx->gate &= ~(TQ_GATE_SHUTDOWN | TQ_GATE_NO_READER);
	if (queue->policy.shutdown_error)
		tx->gate |= TQ_GATE_SHUTDOWN;
	if (queue->policy.no_reader == TQUEUE_NO_READER_ERROR &&
	    !queue->opens.readers && queue->opens.readers_begun)
		tx->gate |= TQ_GATE_NO_READER;
}

/**
 * tq_file_open - open a queue
 * @queue: the queue
 * @filp: the file that is being opened; it keeps the credentials of its opener
 *
 * Context: Process context, may sleep.  The caller holds a reference to the
 * module and to the queue until it has called tq_file_close().
 * Return: the open file, or ERR_PTR of -ENOMEM or -ENXIO (the queue was
 * removed).
 */
struct tq_file *tq_file_open(struct tqueue *queue, struct file *filp)
{
	struct tq_file *file = kzalloc_obj(*file, GFP_KERNEL_ACCOUNT);
	struct tq_opens *opens = &queue->opens;

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->queue = queue;
	file->mode = filp->f_mode & (FMODE_READ | FMODE_WRITE);
	init_waitqueue_head(&file->wait);
	INIT_LIST_HEAD(&file->turn);
	tq_holder_init(&file->holder, NULL);
	tq_file_identify(file, filp->f_cred);

	tq_lock_both(queue);
	if (queue->policy.shutdown_error == -EIDRM) {
		tq_unlock_both(queue);
		kfree(file);
		return ERR_PTR(-ENXIO);
	}
	/*
	 * A stream lasts until a reader gets its end, even after its writers.
	 */
	file->saw_writer = opens->writers ||
		tq_counter_get(&queue->tx.last_id) > queue->rx.stream_end;
	file->saw_reader = opens->readers;
	file->writers_begun = opens->writers_begun;
	file->readers_begun = opens->readers_begun;
	list_add_tail(&file->link, &opens->files);
	opens->count++;
	if (file->mode & FMODE_WRITE) {
		WRITE_ONCE(opens->writers, opens->writers + 1);
		/*
		 * A reader that sees the new writers_begun also sees the new
		 * writers: see tq_writers_left().
		 */
		smp_wmb();
		WRITE_ONCE(opens->writers_begun, opens->writers_begun + 1);
	}
	if (opens->pinned)
		module_put(THIS_MODULE);
	opens->pinned = false;
	tq_opens_changed(queue);
	tq_unlock_both(queue);
	return file;
}

/**
 * tq_file_begin_reading - count a file as a reader from now on
 * @file: the file, which is open for reading
 *
 * Context: Process context, no lock held; takes both.
 */
void tq_file_begin_reading(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	struct tq_opens *opens = &queue->opens;

	tq_lock_both(queue);
	if (!file->reader) {
		WRITE_ONCE(opens->readers, opens->readers + 1);
		WRITE_ONCE(opens->readers_begun, opens->readers_begun + 1);
		WRITE_ONCE(file->reader, true);
		tq_opens_changed(queue);
	}
	tq_unlock_both(queue);
}

/* Remove a file from those of its queue.  Both locks held. */
static void tq_file_leave(struct tq_file *file, struct tq_notify *notify)
{
	struct tqueue *queue = file->queue;
	struct tq_opens *opens = &queue->opens;

	tq_assert_both_held(queue);

	list_del(&file->link);
	if (file->reader)
		WRITE_ONCE(opens->readers, opens->readers - 1);
	if (file->mode & FMODE_WRITE)
		/* Release: a reader that sees no writer sees all messages. */
		smp_store_release(&opens->writers, opens->writers - 1);
	tq_opens_changed(queue);
	if (file->reader && queue->tx.gate & TQ_GATE_NO_READER)
		tq_senders_fail(queue, -EPIPE, notify);
	if (file->mode & FMODE_WRITE && !opens->writers)
		notify->events |= TQ_NOTIFY_ENDED;
	/* A removed queue is about to be emptied.  Nothing would unpin it. */
	if (!--opens->count && !tq_vacant(queue) && !tq_removed(queue)) {
		__module_get(THIS_MODULE);
		opens->pinned = true;
	}
}

/**
 * tq_unpin - release the module if a queue without open files is empty
 * @queue: the queue
 *
 * Context: rx.lock held.  The caller has its own reference to the module, or is
 * the module's thread.
 */
void tq_unpin(struct tqueue *queue)
{
	struct tq_opens *opens = &queue->opens;

	lockdep_assert_held(&queue->rx.lock);

	if (!opens->pinned || !tq_vacant(queue))
		return;
	opens->pinned = false;
	module_put(THIS_MODULE);
}

/**
 * tq_file_close - close an open file
 * @file: made by tq_file_open(); no call uses it any more
 *
 * The partial message of the file and the messages that it has leased go back
 * to their places.
 *
 * Context: Process context, may sleep.
 */
void tq_file_close(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	struct tq_notify notify = {};

	if (file->partial)
		tq_requeue(queue, file->partial);
	tq_holder_release(queue, &file->holder);
	tq_spares_free(file);
	tq_senders_forget(file);

	tq_lock_both(queue);
	tq_file_leave(file, &notify);
	tq_unlock_both(queue);
	tq_notify_deliver(queue, &notify);
	kfree(file);
}

/**
 * tq_file_show - show an open file in /proc/PID/fdinfo
 * @seq: where to print
 * @file: the open file
 *
 * Context: Process context, takes both locks.
 */
void tq_file_show(struct seq_file *seq, struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	struct tq_message *partial;
	struct tq_message *lease;
	struct tqueue_info info;
	unsigned int leases = 0;
	size_t left = 0;

	mutex_lock(&queue->rx.lock);
	partial = file->partial;
	if (partial && partial != TQ_PARTIAL_IN_FLIGHT)
		left = tq_message_left(partial);
	hlist_for_each_entry(lease, &file->holder.leases, lease)
		if (++leases == TQ_PIECE_RECORDS)
			break;
	mutex_unlock(&queue->rx.lock);

	tq_stats_info(queue, &info);
	seq_printf(seq, "queue:\t%s\n", info.name);
	seq_printf(seq, "messages:\t%llu\n", info.messages);
	seq_printf(seq, "bytes:\t%llu\n", info.bytes);
	seq_printf(seq, "partial:\t%zu\n", left);
	seq_printf(seq, "leases:\t%u%s\n", leases,
		   leases == TQ_PIECE_RECORDS ? "+" : "");
}
