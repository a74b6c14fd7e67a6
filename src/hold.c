// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases in files of their own: TQUEUE_HOLD.
 *
 * Such a file can be polled, inherited, sent to another process and closed.
 * Its last close returns the message to the queue.  If the lease ends earlier,
 * the file polls as hung up.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "file.h"
#include "lease.h"
#include "message.h"
#include "tqueue.h"

/**
 * struct tq_held - a lease in a file of its own
 * @queue: the queue.  The file holds a reference to its device.
 * @holder: has the lease until it is over
 * @wait: pollers of the file
 * @id: the id of the message
 * @delivery: the number of the delivery
 */
struct tq_held {
	struct tqueue *queue;
	struct tq_holder holder;
	wait_queue_head_t wait;
	u64 id;
	u32 delivery;
};

static int tq_held_release(struct inode *inode, struct file *filp)
{
	struct tq_held *held = filp->private_data;
	struct tqueue *queue = held->queue;

	tq_holder_release(queue, &held->holder);
	/* A call that ends the lease may use @held until it unlocks. */
	mutex_lock(&queue->rx.lock);
	tq_unpin(queue);
	mutex_unlock(&queue->rx.lock);
	kfree(held);
	put_device(&queue->dev);
	return 0;
}

static __poll_t tq_held_poll(struct file *filp, poll_table *wait)
{
	struct tq_held *held = filp->private_data;

	poll_wait(filp, &held->wait, wait);
	return hlist_empty(&held->holder.leases) || tq_removed(held->queue) ?
	       EPOLLHUP : 0;
}

static void tq_held_show(struct seq_file *seq, struct file *filp)
{
	struct tq_held *held = filp->private_data;

	seq_printf(seq, "queue:\t%s\n", dev_name(&held->queue->dev));
	seq_printf(seq, "id:\t%llu\n", held->id);
	seq_printf(seq, "delivery:\t%u\n", held->delivery);
	seq_printf(seq, "over:\t%d\n",
		   hlist_empty(&held->holder.leases));
}

static const struct file_operations tq_held_fops = {
	.owner		= THIS_MODULE,
	.release	= tq_held_release,
	.poll		= tq_held_poll,
	.show_fdinfo	= tq_held_show,
	.llseek		= noop_llseek,
};

/* Move a lease to @held: 0 or an error. */
static int tq_hold_move(struct tqueue *queue, struct tq_held *held)
{
	struct tq_message *message;
	int ret = 0;

	mutex_lock(&queue->rx.lock);
	message = tq_lease_find(queue, held->id, held->delivery);
	if (queue->policy.shutdown_error == -EIDRM) {
		ret = -EIDRM;
	} else if (!message) {
		ret = tq_lease_missing(queue, held->id);
	} else {
		tq_lease_move(message, &held->holder);
		message->begun = true;
	}
	mutex_unlock(&queue->rx.lock);
	return ret;
}

/**
 * tq_hold - move a lease to a file of its own
 * @file: an open file of the queue
 * @id: the id of the message
 * @delivery: the number of the delivery
 *
 * Context: Process context, may sleep, no lock held.
 * Return: the new descriptor; -ESTALE; -ENOENT; -EIDRM; -ENOMEM; -EMFILE;
 * -ENFILE.
 */
int tq_hold(struct tq_file *file, u64 id, u32 delivery)
{
	struct tqueue *queue = file->queue;
	struct tq_held *held;
	struct file *filp;
	int fd, ret;

	if (!delivery)
		return tq_lease_missing(queue, id);
	held = kzalloc_obj(*held, GFP_KERNEL_ACCOUNT);
	if (!held)
		return -ENOMEM;
	held->queue = queue;
	held->id = id;
	held->delivery = delivery;
	init_waitqueue_head(&held->wait);
	tq_holder_init(&held->holder, &held->wait);

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kfree(held);
		return fd;
	}
	filp = anon_inode_getfile("[tqueue-lease]", &tq_held_fops, held,
				  O_RDONLY);
	if (IS_ERR(filp)) {
		put_unused_fd(fd);
		kfree(held);
		return PTR_ERR(filp);
	}
	get_device(&queue->dev);
	ret = tq_hold_move(queue, held);
	if (ret) {
		put_unused_fd(fd);
		fput(filp);
		return ret;
	}
	fd_install(fd, filp);
	return fd;
}
