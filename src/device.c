// SPDX-License-Identifier: GPL-2.0-only
/*
 * The character device of a queue and its file operations.
 *
 * The device owns its queue.  An open file holds a reference to the character
 * device, which holds one to the device.  The queue is freed with the last
 * reference to the device.
 */
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "compat.h"
#include "file.h"
#include "receive.h"
#include "requests.h"
#include "send.h"
#include "splice.h"
#include "tqueue.h"
#include "user.h"
#include "wait.h"

/*
 * The number of minors.  They are handed out cyclically, so that the number of
 * a removed queue is not reused soon.
 */
#define TQ_MINORS 65536

static dev_t tq_devt;
static DEFINE_XARRAY_ALLOC(tq_minors);
static u32 tq_minor_next;

/* Add the name of the queue to its uevents, for udev and systemd. */
static int tq_uevent(TQ_DEV_CONST struct device *dev,
		     struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "TQUEUE_NAME=%s", dev_name(dev));
}

/* The owner of the node also owns the sysfs attributes. */
static void tq_get_ownership(TQ_DEV_CONST struct device *dev, kuid_t *uid,
			     kgid_t *gid)
{
	*uid = to_tqueue(dev)->uid;
}

static TQ_CLASS_CONST struct class tq_class = {
	.name = TQ_NAME,
	.dev_uevent = tq_uevent,
	.get_ownership = tq_get_ownership,
};

/* TQ_NOWAIT is O_NONBLOCK. */
static unsigned int tq_how(const struct kiocb *iocb)
{
	unsigned int how = iocb->ki_filp->f_flags & TQ_NOWAIT;

	if (iocb->ki_flags & IOCB_NOWAIT)
		how |= TQ_NOWAIT;
	if (iocb->ki_flags & IOCB_NOSIGNAL)
		how |= TQ_NOSIGNAL;
	return how;
}

/*
 * Check the opener's permission again.  The VFS may have checked it while the
 * node still belonged to root: see tq_device_appear().
 */
static int tq_open_permission(struct file *filp)
{
	int mask = 0;

	if (filp->f_mode & FMODE_READ)
		mask |= MAY_READ;
	if (filp->f_mode & FMODE_WRITE)
		mask |= MAY_WRITE;
	/* Access mode 3 (no reading, no writing) needs both permissions. */
	return file_permission(filp, mask ?: MAY_READ | MAY_WRITE);
}

static int tq_open(struct inode *inode, struct file *filp)
{
	struct tqueue *queue = container_of(inode->i_cdev, struct tqueue, cdev);
	struct tq_file *file;
	int ret;

	if (!tq_may_open())
		return -ENXIO;
	ret = tq_open_permission(filp);
	if (ret)
		return ret;
	file = tq_file_open(queue, filp);
	if (IS_ERR(file))
		return PTR_ERR(file);
	filp->private_data = file;
	/* read_iter and write_iter honour IOCB_NOWAIT. */
	filp->f_mode |= FMODE_NOWAIT;
	return stream_open(inode, filp);
}

static int tq_release(struct inode *inode, struct file *filp)
{
	tq_file_close(filp->private_data);
	return 0;
}

/*
 * read() and write() have methods without an iterator, too.  Most callers use
 * these two calls, and they are cheaper without one.
 */
static ssize_t tq_read(struct file *filp, char __user *buf, size_t count,
		       loff_t *pos)
{
	struct tq_user user = { .buf = buf };

	if (unlikely(!count))
		return 0;
	tq_file_reads(filp->private_data);
	return tq_receive(filp->private_data, &user, count,
			  filp->f_flags & TQ_NOWAIT);
}

static ssize_t tq_write(struct file *filp, const char __user *buf, size_t count,
			loff_t *pos)
{
	struct tq_user user = { .buf = (char __user *)buf };

	if (unlikely(!count))
		return 0;
	return tq_send(filp->private_data, &user, count,
		       filp->f_flags & TQ_NOWAIT);
}

static ssize_t tq_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct tq_file *file = iocb->ki_filp->private_data;
	struct tq_user user = { .iter = to };

	if (!iov_iter_count(to))
		return 0;
	/* A killed process receives nothing, not even through io_uring. */
	if (fatal_signal_pending(current))
		return -EINTR;
	tq_file_reads(file);
	return tq_receive(file, &user, iov_iter_count(to), tq_how(iocb));
}

static ssize_t tq_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct tq_user user = { .iter = from };

	if (!iov_iter_count(from))
		return 0;
	return tq_send(iocb->ki_filp->private_data, &user, iov_iter_count(from),
		       tq_how(iocb));
}

static __poll_t tq_poll_in(struct tq_file *file, bool writes)
{
	__poll_t mask = 0;

	tq_file_reads(file);
	if (tq_readable(file))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(file->partial))
		return mask;
	if (!tq_nothing_offered(file->queue))
		mask |= EPOLLMSG;
	/*
	 * As on a pipe.  EPOLLHUP is not reported to a file that can also
	 * write.
	 */
	else if (tq_ended(file))
		mask |= writes ? EPOLLRDHUP : EPOLLRDHUP | EPOLLHUP;
	return mask;
}

static __poll_t tq_poll_out(struct tq_file *file)
{
	__poll_t mask = 0;

	if (tq_writable(file))
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (tq_no_reader(file))
		mask |= EPOLLERR;
	return mask;
}

static __poll_t tq_poll(struct file *filp, poll_table *wait)
{
	struct tq_file *file = filp->private_data;
	struct tqueue *queue = file->queue;
	bool reads = filp->f_mode & FMODE_READ;
	bool writes = filp->f_mode & FMODE_WRITE;
	__poll_t mask = 0;

	/* Register, then look: see wait.h. */
	poll_wait(filp, &file->wait, wait);
	poll_wait(filp, &queue->waiters.poll, wait);
	if (reads)
		mask |= tq_poll_in(file, writes);
	if (writes)
		mask |= tq_poll_out(file);
	if (tq_removed(queue))
		mask |= EPOLLERR | EPOLLHUP;
	return mask;
}

/* Tell receivers whether a file wants SIGIO when there is room. */
static void tq_fasync_changed(struct tqueue *queue)
{
	struct tq_rx *rx = &queue->rx;

	mutex_lock(&rx->lock);
	rx->attention &= ~TQ_ATTENTION_SIGIO;
	if (READ_ONCE(queue->waiters.fasync_out))
		rx->attention |= TQ_ATTENTION_SIGIO;
	mutex_unlock(&rx->lock);
}

static int tq_fasync(int fd, struct file *filp, int on)
{
	struct tq_file *file = filp->private_data;
	struct tq_waiters *waiters = &file->queue->waiters;
	int ret = 0;

	if (filp->f_mode & FMODE_READ)
		ret = fasync_helper(fd, filp, on, &waiters->fasync_in);
	if (ret >= 0 && (filp->f_mode & FMODE_WRITE)) {
		ret = fasync_helper(fd, filp, on, &waiters->fasync_out);
		if (ret < 0 && (filp->f_mode & FMODE_READ))
			fasync_helper(-1, filp, 0, &waiters->fasync_in);
		tq_fasync_changed(file->queue);
	}
	return ret < 0 ? ret : 0;
}

static void tq_show_fdinfo(struct seq_file *seq, struct file *filp)
{
	tq_file_show(seq, filp->private_data);
}

static const struct file_operations tq_fops = {
	.owner		= THIS_MODULE,
	.open		= tq_open,
	.release	= tq_release,
	.read		= tq_read,
	.write		= tq_write,
	.read_iter	= tq_read_iter,
	.write_iter	= tq_write_iter,
	.splice_read	= tq_splice_read,
	.splice_write	= tq_splice_write,
	.poll		= tq_poll,
	.fasync		= tq_fasync,
	.unlocked_ioctl	= tq_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= tq_show_fdinfo,
};

static void tq_device_release(struct device *dev)
{
	xa_erase(&tq_minors, MINOR(dev->devt));
	tq_queue_free(to_tqueue(dev));
}

/* The name of the node, and its owner, group and mode. */
static char *tq_devnode(TQ_DEV_CONST struct device *dev, umode_t *mode,
			kuid_t *uid, kgid_t *gid)
{
	const struct tqueue *queue = to_tqueue(dev);

	if (mode)
		*mode = queue->mode;
	if (uid)
		*uid = queue->uid;
	if (gid)
		*gid = queue->gid;
	/*
	 * This must not fail: the core would use the name of the device
	 * instead, and leave the node behind when it removes the device.  The
	 * name has less than a hundred bytes.
	 */
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "tq/%s", dev_name(dev));
}

/* For named queues.  The device of the default queue has no type. */
static const struct device_type tq_named_type = {
	.name = "named",
	.devnode = tq_devnode,
};

/*
 * Make the node first and the character device afterwards.  devtmpfs creates
 * the node as root's and changes its owner a moment later.  Until then no open
 * succeeds, so that root's group does not get in.  tq_open() checks the
 * permission again for calls that are already in open().  The uevent is sent
 * when the node can be opened.
 */
static int tq_device_appear(struct tqueue *queue)
{
	int ret;

	dev_set_uevent_suppress(&queue->dev, true);
	ret = device_add(&queue->dev);
	if (ret)
		return ret;
	cdev_set_parent(&queue->cdev, &queue->dev.kobj);
	ret = cdev_add(&queue->cdev, queue->dev.devt, 1);
	if (ret) {
		device_del(&queue->dev);
		return ret;
	}
	dev_set_uevent_suppress(&queue->dev, false);
	kobject_uevent(&queue->dev.kobj, KOBJ_ADD);
	return 0;
}

/**
 * tq_device_add - make the device of a queue
 * @queue: made by tq_queue_create(); from now on owned by its device
 * @name: the name of the device
 * @named: whether the node is tq/@name, with the queue's owner, group and mode
 *
 * The queue is freed on failure.
 *
 * Context: Process context, may sleep.
 * Return: 0, and the queue can be opened; -ENOMEM; -EEXIST; -ENOSPC if no minor
 * is free.
 */
int tq_device_add(struct tqueue *queue, const char *name, bool named)
{
	u32 minor;
	int ret;

	ret = xa_alloc_cyclic(&tq_minors, &minor, queue,
			      XA_LIMIT(0, TQ_MINORS - 1), &tq_minor_next,
			      GFP_KERNEL);
	if (ret < 0) {
		tq_queue_free(queue);
		return ret == -EBUSY ? -ENOSPC : ret;
	}
	device_initialize(&queue->dev);
	queue->dev.class = &tq_class;
	queue->dev.type = named ? &tq_named_type : NULL;
	queue->dev.devt = MKDEV(MAJOR(tq_devt), MINOR(tq_devt) + minor);
	queue->dev.groups = tq_sysfs_groups_get();
	queue->dev.release = tq_device_release;
	cdev_init(&queue->cdev, &tq_fops);
	queue->cdev.owner = THIS_MODULE;

	ret = dev_set_name(&queue->dev, "%s", name);
	if (!ret)
		ret = tq_device_appear(queue);
	if (ret)
		put_device(&queue->dev);
	return ret;
}

/**
 * tq_device_del - remove the device of a queue
 * @queue: added by tq_device_add(); freed when its last file is closed
 *
 * Context: Process context, may sleep.
 */
void tq_device_del(struct tqueue *queue)
{
	cdev_device_del(&queue->cdev, &queue->dev);
	put_device(&queue->dev);
}

/**
 * tq_device_init - make the class and reserve the device numbers
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM; -EBUSY if no major is free; -EEXIST.
 */
int tq_device_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&tq_devt, 0, TQ_MINORS, TQ_NAME);
	if (ret)
		return ret;
	ret = class_register(&tq_class);
	if (ret)
		unregister_chrdev_region(tq_devt, TQ_MINORS);
	return ret;
}

/**
 * tq_device_exit - undo tq_device_init()
 *
 * Context: Process context, may sleep.  No device is left.
 */
void tq_device_exit(void)
{
	class_unregister(&tq_class);
	unregister_chrdev_region(tq_devt, TQ_MINORS);
}
