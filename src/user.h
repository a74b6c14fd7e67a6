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

#include <linux/fault-inject-usercopy.h>
#include <linux/instrumented.h>
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

/*
 * Copy from resident memory that access_ok() allowed, as far as it is resident.
 * Any context; returns the bytes that were copied.
 *
 * It is __copy_from_user_inatomic() but for the look whether @to lies within
 * one object, which would search the tree of all that was ever mapped.  The
 * caller has just measured what it has there.
 */
static __always_inline size_t tq_copy_in_partly(void *to,
						const void __user *from,
						size_t n)
{
	size_t left;

	if (should_fail_usercopy())
		return 0;
	instrument_copy_from_user_before(to, from, n);
	pagefault_disable();
	left = raw_copy_from_user(to, from, n);
	pagefault_enable();
	instrument_copy_from_user_after(to, from, n, left);
	return n - left;
}

/* The same the other way. */
static __always_inline size_t tq_copy_out_partly(void __user *to,
						 const void *from, size_t n)
{
	size_t left;

	if (should_fail_usercopy())
		return 0;
	instrument_copy_to_user(to, from, n);
	pagefault_disable();
	left = raw_copy_to_user(to, from, n);
	pagefault_enable();
	return n - left;
}

/* Copy in from resident memory.  Any context; false when a byte is not. */
static __always_inline bool
tq_user_copy_in_nofault(const struct tq_user *user, void *to, size_t n)
{
	size_t copied;

	if (likely(!user->iter))
		return likely(tq_copy_in_partly(to, user->buf, n) == n);
	pagefault_disable();
	copied = copy_from_iter(to, n, user->iter);
	pagefault_enable();
	if (unlikely(copied != n))
		iov_iter_revert(user->iter, copied);
	return likely(copied == n);
}

/* Copy out to resident memory.  Any context; false when a byte is not. */
static __always_inline bool
tq_user_copy_out_nofault(const struct tq_user *user, const void *from, size_t n)
{
	size_t copied;

	if (likely(!user->iter))
		return likely(tq_copy_out_partly(user->buf, from, n) == n);
	pagefault_disable();
	copied = copy_to_iter(from, n, user->iter);
	pagefault_enable();
	if (unlikely(copied != n))
		iov_iter_revert(user->iter, copied);
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
 * Whether the memory to copy to is known to be resident, for those who may not
 * fault it in yet.  Any context.
 */
static inline bool tq_user_resident(const struct tq_user *user, size_t n)
{
	size_t left;

	if (user->iter)
		return !user_backed_iter(user->iter);
	pagefault_disable();
	left = fault_in_writeable(user->buf, n);
	pagefault_enable();
	return !left;
}

#endif /* TQ_USER_H */
