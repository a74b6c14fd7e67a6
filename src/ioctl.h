/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structures that grow: copying one whose size differs from ours.
 *
 * The size in the number of a request is the caller's size of the structure.  A
 * shorter structure is extended with zeros.  A longer one must be zero beyond
 * the part that we know.  Results are cut to the caller's size.
 */
#ifndef TQ_IOCTL_H
#define TQ_IOCTL_H

#include <linux/build_bug.h>
#include <linux/ioctl.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/uaccess.h>

#include "uapi/tqueue.h"

/* The number of a request without the size. */
#define TQ_IOCTL_BASE(cmd)	((cmd) & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT))

/* Fetch the caller's structure: 0, -EFAULT or -E2BIG. */
static inline int tq_args_get(void *args, size_t size, unsigned int cmd,
			      const void __user *user)
{
	return copy_struct_from_user(args, size, user, _IOC_SIZE(cmd));
}

/* Copy it back: 0 or -EFAULT. */
static inline int tq_args_put(const void *args, size_t size, unsigned int cmd,
			      void __user *user)
{
	size_t theirs = _IOC_SIZE(cmd);
	size_t both = min(size, theirs);

	if (copy_to_user(user, args, both) ||
	    clear_user(user + both, theirs - both))
		return -EFAULT;
	return 0;
}

/*
 * The layout that programs were compiled with.  A field may be added at the end
 * of a structure, and then its size changes here.  Nothing else may change.
 */
#define TQ_LAYOUT(type, field, at)					\
	static_assert(offsetof(struct type, field) == (at))
#define TQ_SIZE(type, bytes)						\
	static_assert(sizeof(struct type) == (bytes));			\
	static_assert(sizeof(struct type) % sizeof(__u64) == 0)

TQ_LAYOUT(tqueue_record, header_words, 4);
TQ_LAYOUT(tqueue_record, priority, 5);
TQ_LAYOUT(tqueue_record, flags, 6);
TQ_LAYOUT(tqueue_record, id, 8);
TQ_LAYOUT(tqueue_record, sent_ns, 16);
TQ_LAYOUT(tqueue_record, uid, 24);
TQ_LAYOUT(tqueue_record, pid, 28);
TQ_LAYOUT(tqueue_record, delivery, 32);
TQ_LAYOUT(tqueue_record, attempts, 36);
TQ_LAYOUT(tqueue_record, payload, 40);
TQ_SIZE(tqueue_record, 40);

TQ_LAYOUT(tqueue_send, bytes, 8);
TQ_LAYOUT(tqueue_send, deadline, 16);
TQ_LAYOUT(tqueue_send, flags, 24);
TQ_LAYOUT(tqueue_send, reserved, 28);
TQ_LAYOUT(tqueue_send, last_id, 32);
TQ_LAYOUT(tqueue_send, sent_bytes, 40);
TQ_LAYOUT(tqueue_send, delay, 48);
TQ_LAYOUT(tqueue_send, key, 56);
TQ_SIZE(tqueue_send, 64);

TQ_LAYOUT(tqueue_receive, bytes, 8);
TQ_LAYOUT(tqueue_receive, deadline, 16);
TQ_LAYOUT(tqueue_receive, flags, 24);
TQ_LAYOUT(tqueue_receive, count, 28);
TQ_LAYOUT(tqueue_receive, dropped, 32);
TQ_LAYOUT(tqueue_receive, limit, 40);
TQ_LAYOUT(tqueue_receive, ack_id, 56);
TQ_LAYOUT(tqueue_receive, ack_result, 68);
TQ_SIZE(tqueue_receive, 72);

TQ_LAYOUT(tqueue_settlement, time, 8);
TQ_LAYOUT(tqueue_settlement, delivery, 16);
TQ_LAYOUT(tqueue_settlement, result, 24);
TQ_LAYOUT(tqueue_settlement, action, 28);
TQ_LAYOUT(tqueue_settlement, flags, 30);
TQ_SIZE(tqueue_settlement, 32);

TQ_LAYOUT(tqueue_settle, count, 8);
TQ_SIZE(tqueue_settle, 16);

TQ_LAYOUT(tqueue_kick, count, 8);
TQ_LAYOUT(tqueue_kick, left, 16);
TQ_SIZE(tqueue_kick, 24);

TQ_LAYOUT(tqueue_listed, key, 32);
TQ_LAYOUT(tqueue_listed, length, 40);
TQ_LAYOUT(tqueue_listed, code, 60);
TQ_LAYOUT(tqueue_listed, attempts, 64);
TQ_LAYOUT(tqueue_listed, state, 68);
TQ_SIZE(tqueue_listed, 72);

TQ_LAYOUT(tqueue_list, count, 16);
TQ_SIZE(tqueue_list, 32);

TQ_LAYOUT(tqueue_wait, deadline, 8);
TQ_SIZE(tqueue_wait, 16);

TQ_LAYOUT(tqueue_config, size, 8);
TQ_LAYOUT(tqueue_config, max_message, 16);
TQ_LAYOUT(tqueue_config, overflow, 24);
TQ_LAYOUT(tqueue_config, end_of_file, 28);
TQ_LAYOUT(tqueue_config, no_reader, 32);
TQ_LAYOUT(tqueue_config, uid, 36);
TQ_LAYOUT(tqueue_config, ttl, 40);
TQ_LAYOUT(tqueue_config, on_expired, 64);
TQ_LAYOUT(tqueue_config, unique, 80);
TQ_SIZE(tqueue_config, 88);

TQ_LAYOUT(tqueue_info, uuid, 64);
TQ_LAYOUT(tqueue_info, features, 80);
TQ_LAYOUT(tqueue_info, last_id, 144);
TQ_LAYOUT(tqueue_info, overflow, 152);
TQ_LAYOUT(tqueue_info, in_flight, 168);
TQ_LAYOUT(tqueue_info, uid, 184);
TQ_LAYOUT(tqueue_info, minor, 192);
TQ_LAYOUT(tqueue_info, ttl, 200);
TQ_LAYOUT(tqueue_info, ever_buried, 304);
TQ_LAYOUT(tqueue_info, on_expired, 312);
TQ_LAYOUT(tqueue_info, unique, 328);
TQ_SIZE(tqueue_info, 336);

TQ_LAYOUT(tqueue_create, uid, 64);
TQ_LAYOUT(tqueue_create, config, 80);
TQ_SIZE(tqueue_create, 168);

TQ_LAYOUT(tqueue_select, flags, 64);
TQ_SIZE(tqueue_select, 72);

TQ_LAYOUT(tqueue_set, config, 64);
TQ_SIZE(tqueue_set, 152);

#endif /* TQ_IOCTL_H */
