// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tqueue-control: the queues by name, made, removed and configured.
 *
 * A named queue holds the module from its creation to its removal.  A queue
 * that was removed lives on for the files that are open on it.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>

#include "tqueue.h"
#include "trace.h"

/* Reserved for local use, and taken by no driver of Debian's kernels. */
#define TQ_CONTROL_MINOR	243
#define TQ_CONTROL_NAME		TQ_NAME "-control"

#define TQ_MODES		0666

/* Guards which queues there are: this and the next two. */
static DEFINE_MUTEX(tq_control_lock);
static struct rb_root tq_queues = RB_ROOT;
static unsigned int tq_named;	/* all but the default queue */

static struct tqueue *tq_of_node(const struct rb_node *node)
{
	return rb_entry(node, struct tqueue, node);
}

static int tq_compare_name(const void *name, const struct rb_node *node)
{
	return strcmp(name, dev_name(&tq_of_node(node)->dev));
}

static bool tq_queue_precedes(struct rb_node *a, const struct rb_node *b)
{
	return tq_compare_name(dev_name(&tq_of_node(a)->dev), b) < 0;
}

static struct tqueue *tq_find(const char *name)
{
	struct rb_node *node;

	lockdep_assert_held(&tq_control_lock);

	node = rb_find(name, &tq_queues, tq_compare_name);
	return node ? tq_of_node(node) : NULL;
}

/* The first queue whose name follows @name. */
static struct tqueue *tq_find_next(const char *name)
{
	struct rb_node *node = tq_queues.rb_node;
	struct tqueue *next = NULL;

	lockdep_assert_held(&tq_control_lock);

	while (node) {
		if (tq_compare_name(name, node) < 0) {
			next = tq_of_node(node);
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return next;
}

static bool tq_is_default(const struct tqueue *queue)
{
	return !queue->dev.type;
}

/* 0, -EINVAL or -ENAMETOOLONG. */
static int tq_check_name(const char *name)
{
	const char *c;

	if (strnlen(name, TQUEUE_NAME_MAX + 1) > TQUEUE_NAME_MAX)
		return -ENAMETOOLONG;
	if (!*name || *name == '.')
		return -EINVAL;
	for (c = name; *c; c++)
		if (!isascii(*c) || !(isalnum(*c) || strchr("._-", *c)))
			return -EINVAL;
	return 0;
}

/* A queue by name, with a reference to its device, or an ERR_PTR. */
static struct tqueue *tq_get(const char *name)
{
	struct tqueue *queue;
	int ret = tq_check_name(name);

	if (ret)
		return ERR_PTR(ret);
	mutex_lock(&tq_control_lock);
	queue = tq_find(name);
	if (queue)
		get_device(&queue->dev);
	mutex_unlock(&tq_control_lock);
	return queue ?: ERR_PTR(-ENOENT);
}

/* Whoever may create queues may not give them away: the rules of chown(). */
static int tq_check_owner(kuid_t uid, kgid_t gid)
{
	if (!uid_valid(uid) || !gid_valid(gid))
		return -EINVAL;
	if (capable(CAP_CHOWN))
		return 0;
	if (!uid_eq(uid, current_fsuid()) ||
	    !(gid_eq(gid, current_fsgid()) || in_group_p(gid)))
		return -EPERM;
	return 0;
}

/* Make the queue's device and book it.  On failure the queue is freed. */
static int tq_book(struct tqueue *queue, const char *name, bool named)
{
	int ret;

	lockdep_assert_held(&tq_control_lock);

	ret = tq_device_add(queue, name, named);
	if (ret)
		return ret;
	rb_add(&queue->node, &tq_queues, tq_queue_precedes);
	trace_tqueue_create(queue);
	return 0;
}

static void tq_unbook(struct tqueue *queue)
{
	lockdep_assert_held(&tq_control_lock);

	rb_erase(&queue->node, &tq_queues);
	tq_device_del(queue);
}

static int tq_create_named(struct tqueue *queue, const char *name)
{
	int ret = 0;

	mutex_lock(&tq_control_lock);
	if (tq_find(name))
		ret = -EEXIST;
	else if (tq_named >= READ_ONCE(tq_max_queues))
		ret = -ENOSPC;
	if (ret)
		tq_queue_free(queue);
	else
		ret = tq_book(queue, name, true);
	if (!ret) {
		tq_named++;
		__module_get(THIS_MODULE);
	}
	mutex_unlock(&tq_control_lock);
	return ret;
}

static int tq_ctl_create(const struct tqueue_create __user *user)
{
	struct tqueue_create args;
	struct tqueue *queue;
	kuid_t uid;
	kgid_t gid;
	int ret;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	ret = tq_check_name(args.name);
	if (ret)
		return ret;
	if (!args.mode || args.mode & ~TQ_MODES || args.reserved)
		return -EINVAL;
	uid = make_kuid(current_user_ns(), args.uid);
	gid = make_kgid(current_user_ns(), args.gid);
	ret = tq_check_owner(uid, gid);
	if (ret)
		return ret;

	queue = tq_queue_create(&args.config, 0);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	queue->uid = uid;
	queue->gid = gid;
	queue->mode = args.mode;
	return tq_create_named(queue, args.name);
}

static int tq_remove_named(const char *name, bool force)
{
	struct tqueue *queue;
	int ret;

	mutex_lock(&tq_control_lock);
	queue = tq_find(name);
	if (!queue)
		ret = -ENOENT;
	else if (tq_is_default(queue))
		ret = -EPERM;
	else
		ret = tq_remove(queue, force);
	if (!ret) {
		tq_unbook(queue);
		tq_named--;
		module_put(THIS_MODULE);
	}
	mutex_unlock(&tq_control_lock);
	return ret;
}

static int tq_ctl_remove(const struct tqueue_select __user *user)
{
	struct tqueue_select args;
	int ret;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~TQUEUE_REMOVE_FORCE || args.reserved)
		return -EINVAL;
	ret = tq_check_name(args.name);
	return ret ?: tq_remove_named(args.name,
				      args.flags & TQUEUE_REMOVE_FORCE);
}

static int tq_ctl_switch(const struct tqueue_select __user *user,
			 int (*how)(struct tqueue *queue))
{
	struct tqueue_select args;
	struct tqueue *queue;
	int ret;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags || args.reserved)
		return -EINVAL;
	queue = tq_get(args.name);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	ret = how(queue);
	put_device(&queue->dev);
	return ret;
}

static int tq_ctl_set(const struct tqueue_set __user *user)
{
	struct tqueue_set args;
	struct tqueue *queue;
	int ret;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	queue = tq_get(args.name);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	ret = tq_config_set(queue, &args.config);
	put_device(&queue->dev);
	return ret;
}

/* The queue that is called @name, or the one after it: 0 or -ENOENT. */
static int tq_look_up(bool after, const char *name, struct tqueue_info *info)
{
	struct tqueue *queue;

	mutex_lock(&tq_control_lock);
	queue = after ? tq_find_next(name) : tq_find(name);
	if (queue)
		tq_stats_info(queue, info);
	mutex_unlock(&tq_control_lock);
	return queue ? 0 : -ENOENT;
}

/**
 * tq_control_next - go from one queue to the next, in the order of their names
 * @info: with the name of a queue that may be gone, or none to begin with;
 *	filled with the next one
 *
 * Context: Process context, takes tq_control_lock and the queue's locks.
 * Return: 0; -ENOENT when there is none.
 */
int tq_control_next(struct tqueue_info *info)
{
	return tq_look_up(true, info->name, info);
}

/* GET and NEXT. */
static int tq_ctl_info(unsigned int cmd, struct tqueue_info __user *user)
{
	struct tqueue_info info;
	int ret;

	if (copy_from_user(info.name, user->name, sizeof(info.name)))
		return -EFAULT;
	/* A walk begins with no name. */
	if (cmd == TQUEUE_CTL_GET || *info.name) {
		ret = tq_check_name(info.name);
		if (ret)
			return ret;
	}
	ret = tq_look_up(cmd == TQUEUE_CTL_NEXT, info.name, &info);
	if (ret)
		return ret;
	return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
}

static long tq_control_ioctl(struct file *filp, unsigned int cmd,
			     unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case TQUEUE_CTL_FEATURES:
		return put_user((u64)TQ_FEATURES, (u64 __user *)user);
	case TQUEUE_CTL_GET:
	case TQUEUE_CTL_NEXT:
		return tq_ctl_info(cmd, user);
	case TQUEUE_CTL_CREATE:
	case TQUEUE_CTL_REMOVE:
	case TQUEUE_CTL_SET:
	case TQUEUE_CTL_START:
	case TQUEUE_CTL_STOP:
		break;
	default:
		return -ENOTTY;
	}
	if (!(filp->f_mode & FMODE_WRITE))
		return -EBADF;
	switch (cmd) {
	case TQUEUE_CTL_CREATE:
		return tq_ctl_create(user);
	case TQUEUE_CTL_REMOVE:
		return tq_ctl_remove(user);
	case TQUEUE_CTL_SET:
		return tq_ctl_set(user);
	case TQUEUE_CTL_START:
		return tq_ctl_switch(user, tq_start);
	default:
		return tq_ctl_switch(user, tq_stop);
	}
}

static const struct file_operations tq_control_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= tq_control_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice tq_control = {
	.minor	= TQ_CONTROL_MINOR,
	.name	= TQ_CONTROL_NAME,
	.fops	= &tq_control_fops,
	.mode	= 0600,
};

/**
 * tq_control_init - make /dev/tqueue-control
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM; -EBUSY when no minor is left.
 */
int tq_control_init(void)
{
	int ret = misc_register(&tq_control);

	/* Only opening it does not load the module then. */
	if (ret == -EBUSY) {
		tq_control.minor = MISC_DYNAMIC_MINOR;
		ret = misc_register(&tq_control);
	}
	return ret;
}

/**
 * tq_control_exit - undo tq_control_init()
 *
 * Context: Process context, may sleep.
 */
void tq_control_exit(void)
{
	misc_deregister(&tq_control);
}

/**
 * tq_default_add - give the default queue its device
 * @queue: made by tq_queue_create(); freed on failure
 *
 * Context: Process context, may sleep; takes tq_control_lock.
 * Return: 0; -ENOMEM; -EEXIST.
 */
int tq_default_add(struct tqueue *queue)
{
	int ret;

	mutex_lock(&tq_control_lock);
	ret = tq_book(queue, TQ_NAME, false);
	mutex_unlock(&tq_control_lock);
	return ret;
}

/**
 * tq_default_del - take the default queue's device away
 * @queue: added by tq_default_add(); freed when the last file is closed
 *
 * Context: Process context, may sleep; takes tq_control_lock.
 */
void tq_default_del(struct tqueue *queue)
{
	mutex_lock(&tq_control_lock);
	tq_unbook(queue);
	mutex_unlock(&tq_control_lock);
}

MODULE_ALIAS_MISCDEV(TQ_CONTROL_MINOR);
MODULE_ALIAS("devname:" TQ_CONTROL_NAME);
