/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The caller's memory: the only code that touches it.
 *
 * A copy either may fault, and then no lock may be held, since the memory
 * behind it may belong to a process (userfaultfd, FUSE) that takes its time;
 * or it must not fault (the _nofault functions), and then it fails instead.
 */
#ifndef TQ_USER_H
#define TQ_USER_H

#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"

/**
 * struct tq_user - where a call's payload comes from or goes to
 * @buf: the buffer of a plain read() or write(), which the VFS found to lie
 *	in user space; used when @iter is NULL
 * @iter: of all other calls
 *
 * Plain buffers are kept apart because an iov_iter costs a tenth of a small
 * message's way.
 */
struct tq_user {
	void __user *buf;
	struct iov_iter *iter;
};

/* Whether a copy out may allocate, or stop short with no fault: see compat.h */
static inline bool tq_user_cuts(const struct tq_user *user)
{
	return user->iter && tq_iter_cuts(user->iter);
}

/* Copy in from resident memory.  Any context; false when a byte is not. */
static __always_inline bool
tq_user_copy_in_nofault(const struct tq_user *user, void *to, size_t n)
{
	size_t copied;

	pagefault_disable();
	if (likely(!user->iter)) {
		copied = n - __copy_from_user_inatomic(to, user->buf, n);
	} else {
		copied = copy_from_iter(to, n, user->iter);
		if (unlikely(copied != n))
			iov_iter_revert(user->iter, copied);
	}
	pagefault_enable();
	return likely(copied == n);
}

/* Copy out to resident memory.  Any context; false when a byte is not. */
static __always_inline bool
tq_user_copy_out_nofault(const struct tq_user *user, const void *from, size_t n)
{
	size_t copied;

	pagefault_disable();
	if (likely(!user->iter)) {
		copied = n - __copy_to_user_inatomic(user->buf, from, n);
	} else {
		copied = copy_to_iter(from, n, user->iter);
		if (unlikely(copied != n))
			iov_iter_revert(user->iter, copied);
	}
	pagefault_enable();
	return likely(copied == n);
}

/* Copy in, with faults.  No lock held; false when the memory is bad. */
static inline bool tq_user_copy_in(const struct tq_user *user, void *to,
				   size_t n)
{
	if (!user->iter)
		return !copy_from_user(to, user->buf, n);
	return copy_from_iter(to, n, user->iter) == n;
}

/*
 * Copy out, with faults.  No lock held.  Returns the bytes that were copied:
 * @n, or 0 when the memory is bad, or something between where tq_user_cuts().
 */
static inline size_t tq_user_copy_out(const struct tq_user *user,
				      const void *from, size_t n)
{
	size_t copied;

	if (!user->iter)
		return copy_to_user(user->buf, from, n) ? 0 : n;
	copied = copy_to_iter(from, n, user->iter);
	if (copied == n || tq_user_cuts(user))
		return copied;
	iov_iter_revert(user->iter, copied);
	return 0;
}

/* Make the memory to copy from resident.  No lock held; false when it is bad. */
static inline bool tq_user_fault_in_readable(const struct tq_user *user,
					     size_t n)
{
	if (!user->iter)
		return !fault_in_readable(user->buf, n);
	return !fault_in_iov_iter_readable(user->iter, n);
}

/* Make the memory to copy to resident.  No lock held; false when it is bad. */
static inline bool tq_user_fault_in_writeable(const struct tq_user *user,
					      size_t n)
{
	if (!user->iter)
		return !fault_in_writeable(user->buf, n);
	return !fault_in_iov_iter_writeable(user->iter, n);
}

/*
 * Copy to or from resident memory that access_ok() allowed, as far as it is
 * resident.  Any context; returns the bytes that were copied.
 */
static __always_inline size_t tq_copy_in_partly(void *to,
						const void __user *from,
						size_t n)
{
	size_t left;

	pagefault_disable();
	left = __copy_from_user_inatomic(to, from, n);
	pagefault_enable();
	return n - left;
}

static __always_inline size_t tq_copy_out_partly(void __user *to,
						 const void *from, size_t n)
{
	size_t left;

	pagefault_disable();
	left = __copy_to_user_inatomic(to, from, n);
	pagefault_enable();
	return n - left;
}

#endif /* TQ_USER_H */
