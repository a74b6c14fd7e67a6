// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of an open queue: checking their structures and carrying them out.
 */
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/ioctls.h>

#include "compat.h"
#include "file.h"
#include "ioctl.h"
#include "receive.h"
#include "requests.h"
#include "settled.h"
#include "tqueue.h"
#include "wait.h"

static int tq_ioctl_info(struct tqueue *queue, unsigned int cmd,
			 void __user *user)
{
	struct tqueue_info info;

	tq_stats_info(queue, &info);
	return tq_args_put(&info, sizeof(info), cmd, user);
}

#define TQ_STATES	(TQUEUE_READY | TQUEUE_LEASED | TQUEUE_DELAYED |	\
			 TQUEUE_BURIED | TQUEUE_IN_FLIGHT)

#define TQ_SEND_FLAGS	(TQUEUE_SEND_DELAY | TQUEUE_SEND_UNIQUE |	\
			 TQUEUE_SEND_UNSETTLED)

/* Check the flags and values of a SEND: 0 or -EINVAL. */
static noinline int tq_check_send(const struct tqueue_send *args)
{
	u32 flags = args->flags;

	if (flags & ~TQ_SEND_FLAGS || args->reserved ||
	    (flags & TQUEUE_SEND_UNSETTLED && !(flags & TQUEUE_SEND_UNIQUE)) ||
	    (args->delay && !(flags & TQUEUE_SEND_DELAY)) ||
	    (args->key && !(flags & TQUEUE_SEND_UNIQUE)) ||
	    args->delay > S64_MAX)
		return -EINVAL;
	return 0;
}

#define TQ_RECEIVE_FLAGS (TQUEUE_RECEIVE_PEEK | TQUEUE_RECEIVE_LEASE |	\
			  TQUEUE_RECEIVE_ACK | TQUEUE_RECEIVE_BY_ID)

/* Check the flags and values of a RECEIVE: 0 or -EINVAL. */
static noinline int tq_check_receive(const struct tqueue_receive *args)
{
	u32 flags = args->flags;
	bool peek = flags & TQUEUE_RECEIVE_PEEK;
	bool lease = flags & TQUEUE_RECEIVE_LEASE;
	bool ack = flags & TQUEUE_RECEIVE_ACK;
	bool by_id = flags & TQUEUE_RECEIVE_BY_ID;

	if (flags & ~TQ_RECEIVE_FLAGS || (peek && (lease || ack)))
		return -EINVAL;
	if (args->limit && (!lease || (args->limit > S64_MAX &&
				       args->limit != TQUEUE_FOREVER)))
		return -EINVAL;
	if (by_id ? !args->id || args->count > 1 : args->id)
		return -EINVAL;
	if (ack ? !args->ack_id || !args->ack_delivery :
		  args->ack_id || args->ack_delivery)
		return -EINVAL;
	return 0;
}

/*
 * SEND and RECEIVE are called in tight loops.  Their arguments are fetched word
 * by word, because copy_from_user() would cost a quarter of the call.  The
 * results are cleared at the same time, so that a structure that cannot be
 * written is found before any message moves.
 */
static __always_inline int tq_get_send(struct tqueue_send *args,
				       struct tqueue_send __user *user)
{
	u64 delay, key;
	u32 reserved;

	if (!user_access_begin(user, sizeof(*user)))
		return -EFAULT;
	unsafe_get_user(args->records, &user->records, failed);
	unsafe_get_user(args->bytes, &user->bytes, failed);
	unsafe_get_user(args->deadline, &user->deadline, failed);
	unsafe_get_user(args->flags, &user->flags, failed);
	unsafe_get_user(reserved, &user->reserved, failed);
	unsafe_get_user(delay, &user->delay, failed);
	unsafe_get_user(key, &user->key, failed);
	unsafe_put_user(0ULL, &user->last_id, failed);
	unsafe_put_user(0ULL, &user->sent_bytes, failed);
	user_access_end();
	/* Most calls use none of these. */
	if (likely(!(args->flags | reserved | delay | key)))
		return 0;
	args->reserved = reserved;
	args->delay = delay;
	args->key = key;
	return tq_check_send(args);

failed:
	user_access_end();
	return -EFAULT;
}

static __always_inline int tq_get_receive(struct tqueue_receive *args,
					  struct tqueue_receive __user *user)
{
	u64 limit, id, ack_id;
	u32 ack_delivery;

	if (!user_access_begin(user, sizeof(*user)))
		return -EFAULT;
	unsafe_get_user(args->records, &user->records, failed);
	unsafe_get_user(args->bytes, &user->bytes, failed);
	unsafe_get_user(args->deadline, &user->deadline, failed);
	unsafe_get_user(args->flags, &user->flags, failed);
	unsafe_get_user(args->count, &user->count, failed);
	unsafe_get_user(limit, &user->limit, failed);
	unsafe_get_user(id, &user->id, failed);
	unsafe_get_user(ack_id, &user->ack_id, failed);
	unsafe_get_user(ack_delivery, &user->ack_delivery, failed);
	unsafe_put_user(0ULL, &user->dropped, failed);
	user_access_end();
	/* Most calls use none of these. */
	if (likely(!(args->flags | limit | id | ack_id | ack_delivery)))
		return 0;
	args->limit = limit;
	args->id = id;
	args->ack_id = ack_id;
	args->ack_delivery = ack_delivery;
	return tq_check_receive(args);

failed:
	user_access_end();
	return -EFAULT;
}

static int tq_ioctl_send(struct file *filp, struct tqueue_send __user *user)
{
	struct tqueue_send args __uninitialized;
	int ret;

	if (!(filp->f_mode & FMODE_WRITE))
		return -EBADF;
	ret = tq_get_send(&args, user);
	if (ret)
		return ret;
	ret = tq_send_batch(filp->private_data, &args,
			    filp->f_flags & O_NONBLOCK);
	if (ret < 0 && ret != -EEXIST)
		return ret;
	/*
	 * The messages have moved, so the call succeeds even if the structure
	 * has become unwritable.  The caller then learns only their number.
	 */
	if (!user_write_access_begin(user, sizeof(*user)))
		return ret;
	unsafe_put_user(args.last_id, &user->last_id, failed);
	unsafe_put_user(args.sent_bytes, &user->sent_bytes, failed);
failed:
	user_write_access_end();
	return ret;
}

/* The same for a structure of another size. */
static int tq_ioctl_send_sized(struct file *filp, unsigned int cmd,
			       void __user *user)
{
	struct tqueue_send args;
	int ret;

	if (!(filp->f_mode & FMODE_WRITE))
		return -EBADF;
	ret = tq_args_get(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	ret = tq_check_send(&args);
	if (ret)
		return ret;
	args.last_id = 0;
	args.sent_bytes = 0;
	/* If the structure cannot be written, fail before any message moves. */
	ret = tq_args_put(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	ret = tq_send_batch(filp->private_data, &args,
			    filp->f_flags & O_NONBLOCK);
	/* As in tq_ioctl_send(). */
	if (ret >= 0 || ret == -EEXIST)
		tq_args_put(&args, sizeof(args), cmd, user);
	return ret;
}

/*
 * A file with access mode 3 has both permissions, and may peek.  A file counts
 * as a reader from its first RECEIVE that does not peek.
 */
static int tq_may_receive(struct file *filp, u32 flags)
{
	if (unlikely(flags & TQUEUE_RECEIVE_PEEK))
		return filp->f_mode & FMODE_READ ||
		       !(filp->f_mode & FMODE_WRITE) ? 0 : -EBADF;
	if (unlikely(!(filp->f_mode & FMODE_READ)))
		return -EBADF;
	tq_file_reads(filp->private_data);
	return 0;
}

/* Report the acknowledgment, whatever the rest of the call returns. */
static noinline void tq_put_ack_result(const struct tqueue_receive *args,
				       struct tqueue_receive __user *user)
{
	if (put_user(args->ack_result, &user->ack_result))
		return;
}

static int tq_ioctl_receive(struct file *filp,
			    struct tqueue_receive __user *user)
{
	struct tqueue_receive args __uninitialized;
	int ret;

	ret = tq_get_receive(&args, user);
	if (!ret)
		ret = tq_may_receive(filp, args.flags);
	if (ret)
		return ret;
	ret = tq_receive_batch(filp->private_data, &args,
			       filp->f_flags & O_NONBLOCK);
	if (unlikely(ret < 0)) {
		if (args.flags & TQUEUE_RECEIVE_ACK)
			tq_put_ack_result(&args, user);
		if (ret != -EMSGSIZE)
			return ret;
	}
	/* As in tq_ioctl_send(). */
	if (!user_write_access_begin(user, sizeof(*user)))
		return ret;
	unsafe_put_user(args.bytes, &user->bytes, failed);
	unsafe_put_user(args.dropped, &user->dropped, failed);
	if (unlikely(args.flags & TQUEUE_RECEIVE_ACK))
		unsafe_put_user(args.ack_result, &user->ack_result, failed);
failed:
	user_write_access_end();
	return ret;
}

/* The same for a structure of another size. */
static int tq_ioctl_receive_sized(struct file *filp, unsigned int cmd,
				  void __user *user)
{
	struct tqueue_receive args;
	int ret;

	ret = tq_args_get(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	ret = tq_check_receive(&args);
	if (ret)
		return ret;
	ret = tq_may_receive(filp, args.flags);
	if (ret)
		return ret;
	args.dropped = 0;
	args.ack_result = 0;
	ret = tq_args_put(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	ret = tq_receive_batch(filp->private_data, &args,
			       filp->f_flags & O_NONBLOCK);
	/* As in tq_ioctl_send(). */
	if (ret >= 0 || ret == -EMSGSIZE || args.flags & TQUEUE_RECEIVE_ACK)
		tq_args_put(&args, sizeof(args), cmd, user);
	return ret;
}

static int tq_ioctl_wait(struct file *filp, unsigned int cmd,
			 const void __user *user)
{
	struct tqueue_wait args;
	ktime_t deadline;
	int ret;

	ret = tq_args_get(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	return tq_wait_settled(filp->private_data, args.id,
			       !args.deadline || filp->f_flags & O_NONBLOCK,
			       tq_deadline(args.deadline, &deadline));
}

static int tq_settle_checked(struct file *filp,
			     const struct tqueue_settle *args)
{
	if (!args->count || args->count > INT_MAX || args->flags)
		return -EINVAL;
	return tq_settle(filp->private_data, args);
}

static int tq_ioctl_settle(struct file *filp, struct tqueue_settle __user *user)
{
	struct tqueue_settle args __uninitialized;

	if (!(filp->f_mode & FMODE_READ))
		return -EBADF;
	if (!user_read_access_begin(user, sizeof(*user)))
		return -EFAULT;
	unsafe_get_user(args.settlements, &user->settlements, failed);
	unsafe_get_user(args.count, &user->count, failed);
	unsafe_get_user(args.flags, &user->flags, failed);
	user_read_access_end();
	return tq_settle_checked(filp, &args);

failed:
	user_read_access_end();
	return -EFAULT;
}

/* The same for a structure of another size. */
static int tq_ioctl_settle_sized(struct file *filp, unsigned int cmd,
				 const void __user *user)
{
	struct tqueue_settle args;
	int ret;

	if (!(filp->f_mode & FMODE_READ))
		return -EBADF;
	ret = tq_args_get(&args, sizeof(args), cmd, user);
	return ret ?: tq_settle_checked(filp, &args);
}

static int tq_ioctl_kick(struct file *filp, unsigned int cmd,
			 void __user *user)
{
	struct tqueue_kick args;
	int kicked, ret;

	if (!(filp->f_mode & FMODE_READ))
		return -EBADF;
	ret = tq_args_get(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	if (!args.states || args.reserved ||
	    args.states & ~(TQUEUE_BURIED | TQUEUE_DELAYED))
		return -EINVAL;
	args.left = 0;
	ret = tq_args_put(&args, sizeof(args), cmd, user);
	if (ret)
		return ret;
	kicked = tq_kick(filp->private_data, &args);
	/* As in tq_ioctl_send(). */
	if (args.left)
		tq_args_put(&args, sizeof(args), cmd, user);
	return kicked;
}

/* A file that may peek may list. */
static int tq_ioctl_list(struct file *filp, unsigned int cmd,
			 const void __user *user)
{
	struct tqueue_list args;
	int ret;

	ret = tq_args_get(&args, sizeof(args), cmd, user) ?:
	      tq_may_receive(filp, TQUEUE_RECEIVE_PEEK);
	if (ret)
		return ret;
	if (args.flags || args.states & ~TQ_STATES || !args.entry_bytes ||
	    args.entry_bytes % sizeof(u64) || args.entry_bytes > PAGE_SIZE)
		return -EINVAL;
	return tq_list(filp->private_data, &args);
}

static int tq_ioctl_set(struct tqueue *queue, unsigned int cmd,
			const void __user *user)
{
	struct tqueue_config config;
	int ret;

	ret = tq_args_get(&config, sizeof(config), cmd, user);
	return ret ?: tq_config_set(queue, &config);
}

/*
 * The other requests, and those requests of tq_ioctl() whose structure has
 * another size than the driver's.
 */
static int tq_ioctl_sized(struct file *filp, unsigned int cmd,
			  void __user *user)
{
	struct tq_file *file = filp->private_data;
	struct tqueue *queue = file->queue;

	switch (TQ_IOCTL_BASE(cmd)) {
	case TQ_IOCTL_BASE(TQUEUE_INFO):
		if (tq_removed(queue))
			return -EIDRM;
		return tq_ioctl_info(queue, cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_SEND):
		return tq_ioctl_send_sized(filp, cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_RECEIVE):
		return tq_ioctl_receive_sized(filp, cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_WAIT):
		return tq_ioctl_wait(filp, cmd, user);
	case TQUEUE_START:
		return tq_may_configure(queue) ? tq_start(queue) : -EPERM;
	case TQUEUE_STOP:
		return tq_may_configure(queue) ? tq_stop(queue) : -EPERM;
	case TQUEUE_PAUSE:
		return tq_may_configure(queue) ? tq_pause(queue) : -EPERM;
	case TQUEUE_RESUME:
		return tq_may_configure(queue) ? tq_resume(queue) : -EPERM;
	case TQ_IOCTL_BASE(TQUEUE_SETTLE):
		return tq_ioctl_settle_sized(filp, cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_KICK):
		return tq_ioctl_kick(filp, cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_LIST):
		return tq_ioctl_list(filp, cmd, user);
	case TQ_IOCTL_BASE(TQUEUE_SET):
		return tq_may_configure(queue) ?
		       tq_ioctl_set(queue, cmd, user) : -EPERM;
	default:
		return -ENOTTY;
	}
}

/**
 * tq_ioctl - carry out a request on an open queue
 * @filp: the open file
 * @cmd: the request
 * @arg: address of its structure
 *
 * Context: Process context, may sleep, no lock held.
 * Return: what the request returns; -ENOTTY if there is no such request; -EBADF
 * if the file is not open for it.
 */
long tq_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct tq_file *file = filp->private_data;
	void __user *user = (void __user *)arg;

	/* These are called in tight loops, so they come first. */
	if (likely(cmd == TQUEUE_RECEIVE))
		return tq_ioctl_receive(filp, user);
	if (cmd == TQUEUE_SEND)
		return tq_ioctl_send(filp, user);
	switch (cmd) {
	case TQUEUE_SETTLE:
		return tq_ioctl_settle(filp, user);
	case FIONREAD:
		if (tq_removed(file->queue))
			return -EIDRM;
		return put_user((int)tq_next_length(file), (int __user *)user);
	default:
		return tq_ioctl_sized(filp, cmd, user);
	}
}
