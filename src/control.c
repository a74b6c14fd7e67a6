// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tqueue-control: making, removing and configuring named queues.
 *
 * A named queue holds a reference to the module from its creation to its
 * removal.  A removed queue lives on while files are open on it.
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

#include "compat.h"
#include "ioctl.h"
#include "tqueue.h"
#include "trace.h"

/* Reserved for local use.  No driver in Debian's kernels takes it. */
#define TQ_CONTROL_MINOR	243
#define TQ_CONTROL_NAME		TQ_NAME "-control"

#define TQ_MODES		0666

/* Guards the set of queues: tq_queues and tq_named. */
static DEFINE_MUTEX(tq_control_lock);
static struct rb_root tq_queues = RB_ROOT;
static unsigned int tq_named;	/* how many, without the default queue */

static struct tqueue *tq_queue_of(const struct rb_node *node)
{
	return rb_entry(node, struct tqueue, by_name);
}

static int tq_compare_name(const void *name, const struct rb_node *node)
{
	return strcmp(name, dev_name(&tq_queue_of(node)->dev));
}

static bool tq_queue_precedes(struct rb_node *a, const struct rb_node *b)
{
	return tq_compare_name(dev_name(&tq_queue_of(a)->dev), b) < 0;
}

static struct tqueue *tq_find(const char *name)
{
	struct rb_node *node;

	lockdep_assert_held(&tq_control_lock);

	node = rb_find(name, &tq_queues, tq_compare_name);
	return node ? tq_queue_of(node) : NULL;
}

/* The first queue whose name comes after @name. */
static struct tqueue *tq_find_next(const char *name)
{
	struct rb_node *node = tq_queues.rb_node;
	struct tqueue *next = NULL;

	lockdep_assert_held(&tq_control_lock);

	while (node) {
		if (tq_compare_name(name, node) < 0) {
			next = tq_queue_of(node);
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

/* Returns 0, -EINVAL or -ENAMETOOLONG. */
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

/*
 * Find a queue by name.  Returns it with a reference to its device, or an
 * ERR_PTR.
 */
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

/* The rules of chown(), as in tq_check_owner(). */
static int tq_check_group(kgid_t gid)
{
	if (!gid_valid(gid))
		return -EINVAL;
	return gid_eq(gid, current_fsgid()) || in_group_p(gid) ||
	       capable(CAP_CHOWN) ? 0 : -EPERM;
}

/*
 * Make the device of a queue and add the queue to the set.  Frees the queue on
 * failure.
 */
static int tq_register(struct tqueue *queue, const char *name, bool named)
{
	int ret;

	lockdep_assert_held(&tq_control_lock);

	ret = tq_device_add(queue, name, named);
	if (ret)
		return ret;
	rb_add(&queue->by_name, &tq_queues, tq_queue_precedes);
	trace_tqueue_create(queue);
	return 0;
}

static void tq_unregister(struct tqueue *queue)
{
	lockdep_assert_held(&tq_control_lock);

	rb_erase(&queue->by_name, &tq_queues);
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
		ret = tq_register(queue, name, true);
	if (!ret) {
		tq_named++;
		__module_get(THIS_MODULE);
	}
	mutex_unlock(&tq_control_lock);
	return ret;
}

static int tq_ctl_create(unsigned int cmd, const void __user *user)
{
	struct tqueue_create args;
	struct tqueue *queue;
	kuid_t uid;
	kgid_t gid;
	int ret;

	ret = tq_args_get(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	ret = tq_check_name(args.name);
	if (ret)
		return ret;
	/* args.uid sets the owner; the configuration must not. */
	if (!args.mode || args.mode & ~TQ_MODES || args.reserved ||
	    args.config.fields & TQUEUE_CONFIG_OWNER)
		return -EINVAL;
	uid = make_kuid(current_user_ns(), args.uid);
	gid = make_kgid(current_user_ns(), args.gid);
	ret = tq_check_owner(uid) ?: tq_check_group(gid);
	if (ret)
		return ret;

	queue = tq_queue_create(&args.config, 0);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	queue->uid = uid;
	queue->gid = gid;
	queue->mode = args.mode;
	queue->policy.owner = uid;
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
		tq_unregister(queue);
		tq_named--;
		module_put(THIS_MODULE);
	}
	mutex_unlock(&tq_control_lock);
	return ret;
}

/* Fetch a structure that names a queue: 0 or an error. */
static int tq_get_select(struct tqueue_select *args, unsigned int cmd,
			 const void __user *user, u32 flags)
{
	int ret = tq_args_get(args, sizeof(*args), cmd, user);

	if (ret)
		return ret;
	if (args->flags & ~flags || args->reserved)
		return -EINVAL;
	return tq_check_name(args->name);
}

static int tq_ctl_remove(unsigned int cmd, const void __user *user)
{
	struct tqueue_select args;
	int ret = tq_get_select(&args, cmd, user, TQUEUE_REMOVE_FORCE);

	return ret ?: tq_remove_named(args.name,
				      args.flags & TQUEUE_REMOVE_FORCE);
}

static int tq_ctl_switch(unsigned int cmd, const void __user *user,
			 int (*how)(struct tqueue *queue))
{
	struct tqueue_select args;
	struct tqueue *queue;
	int ret;

	ret = tq_get_select(&args, cmd, user, 0);
	if (ret)
		return ret;
	queue = tq_get(args.name);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	ret = how(queue);
	put_device(&queue->dev);
	return ret;
}

static int tq_ctl_set(unsigned int cmd, const void __user *user)
{
	struct tqueue_set args;
	struct tqueue *queue;
	int ret;

	ret = tq_args_get(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	queue = tq_get(args.name);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	ret = tq_config_set(queue, &args.config);
	put_device(&queue->dev);
	return ret;
}

/* Describe the queue @name or, if @after, the next one: 0 or -ENOENT. */
static int tq_look_up(bool after, const char *name, struct tqueue_info *info)
{
	struct tqueue *queue;

	mutex_lock(&tq_control_lock);
	queue = after ? tq_find_next(name) : tq_find(name);
	if (queue)
		get_device(&queue->dev);
	mutex_unlock(&tq_control_lock);
	if (!queue)
		return -ENOENT;
	/*
	 * Without the lock: a busy queue must not delay calls for other queues.
	 */
	tq_stats_info(queue, info);
	put_device(&queue->dev);
	return 0;
}

/**
 * tq_control_next - describe the next queue, in the order of names
 * @info: names a queue, which need not exist any more, or none; filled with the
 *	state of the next queue
 *
 * Context: Process context, takes tq_control_lock, and then the queue's locks.
 * Return: 0; -ENOENT if there is no next queue.
 */
int tq_control_next(struct tqueue_info *info)
{
	return tq_look_up(true, info->name, info);
}

/* TQUEUE_CTL_GET and TQUEUE_CTL_NEXT. */
static int tq_ctl_info(bool next, unsigned int cmd, void __user *user)
{
	struct tqueue_info info;
	int ret;

	ret = tq_args_get(&info, sizeof(info), cmd, user);
	if (ret)
		return ret;
	/* NEXT with no name starts from the first queue. */
	if (!next || *info.name) {
		ret = tq_check_name(info.name);
		if (ret)
			return ret;
	}
	ret = tq_look_up(next, info.name, &info);
	return ret ?: tq_args_put(&info, sizeof(info), cmd, user);
}

/* The requests that change something. */
static long tq_control_change(unsigned int cmd, const void __user *user)
{
	switch (TQ_IOCTL_BASE(cmd)) {
	case TQ_IOCTL_BASE(TQUEUE_CTL_CREATE):
		return tq_ctl_create(cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_CTL_REMOVE):
		return tq_ctl_remove(cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_CTL_SET):
		return tq_ctl_set(cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_CTL_START):
		return tq_ctl_switch(cmd, user, tq_start);
	case TQ_IOCTL_BASE(TQUEUE_CTL_PAUSE):
		return tq_ctl_switch(cmd, user, tq_pause);
	case TQ_IOCTL_BASE(TQUEUE_CTL_RESUME):
		return tq_ctl_switch(cmd, user, tq_resume);
	default:
		return tq_ctl_switch(cmd, user, tq_stop);
	}
}

static long tq_control_ioctl(struct file *filp, unsigned int cmd,
			     unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (TQ_IOCTL_BASE(cmd)) {
	case TQ_IOCTL_BASE(TQUEUE_CTL_FEATURES):
		return put_user((u64)TQ_FEATURES, (u64 __user *)user);
	case TQ_IOCTL_BASE(TQUEUE_CTL_GET):
		return tq_ctl_info(false, cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_CTL_NEXT):
		return tq_ctl_info(true, cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_CTL_CREATE):
	case TQ_IOCTL_BASE(TQUEUE_CTL_REMOVE):
	case TQ_IOCTL_BASE(TQUEUE_CTL_SET):
	case TQ_IOCTL_BASE(TQUEUE_CTL_START):
	case TQ_IOCTL_BASE(TQUEUE_CTL_STOP):
	case TQ_IOCTL_BASE(TQUEUE_CTL_PAUSE):
	case TQ_IOCTL_BASE(TQUEUE_CTL_RESUME):
		if (!(filp->f_mode & FMODE_WRITE))
			return -EBADF;
		return tq_control_change(cmd, user);
	default:
		return -ENOTTY;
	}
}

static int tq_control_open(struct inode *inode, struct file *filp)
{
	return tq_may_open() ? 0 : -ENXIO;
}

static const struct file_operations tq_control_fops = {
	.owner		= THIS_MODULE,
	.open		= tq_control_open,
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
 * Return: 0; -ENOMEM; -EBUSY if no minor is free.
 */
int tq_control_init(void)
{
	int ret = misc_register(&tq_control);

	/*
	 * The fixed minor is taken.  Another one works, except that opening the
	 * device does not load the module.
	 */
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
 * tq_default_add - make the device of the default queue
 * @queue: made by tq_queue_create(); freed on failure
 *
 * Context: Process context, may sleep; takes tq_control_lock.
 * Return: 0; -ENOMEM; -EEXIST.
 */
int tq_default_add(struct tqueue *queue)
{
	int ret;

	mutex_lock(&tq_control_lock);
	ret = tq_register(queue, TQ_NAME, false);
	mutex_unlock(&tq_control_lock);
	return ret;
}

/**
 * tq_default_del - remove the device of the default queue
 * @queue: added by tq_default_add(); freed when its last file is closed
 *
 * Context: Process context, may sleep; takes tq_control_lock.
 */
void tq_default_del(struct tqueue *queue)
{
	mutex_lock(&tq_control_lock);
	tq_unregister(queue);
	mutex_unlock(&tq_control_lock);
}

MODULE_ALIAS_MISCDEV(TQ_CONTROL_MINOR);
MODULE_ALIAS("devname:" TQ_CONTROL_NAME);
