/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The caller's memory.  No other code touches it.
 *
 * A copy that may take a page fault runs with no lock held, because a process
 * (userfaultfd, FUSE) may serve the fault as slowly as it likes.  The _nofault
 * and _some functions take no page fault: they fail or stop instead.
 */
#ifndef TQ_USER_H
#define TQ_USER_H

#include <linux/fault-inject-usercopy.h>
#include <linux/fcntl.h>
#include <linux/instrumented.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"

/**
 * struct tq_user - the source or the destination of a payload
 * @buf: the buffer of a plain read() or write(), which the VFS has checked;
 *	used if @iter is NULL
 * @iter: the buffer of any other call
 *
 * Plain buffers have a path of their own, because an iov_iter would add a tenth
 * to the cost of a small message.
 */
struct tq_user {
	void __user *buf;
	struct iov_iter *iter;
};

/* The mode of a call. */
#define TQ_NOWAIT	O_NONBLOCK	/* fail instead of waiting */
#define TQ_NOSIGNAL	0x1		/* raise no SIGPIPE with EPIPE */

/*
 * Copy from memory that access_ok() allowed, as far as it is resident.  Returns
 * the bytes that were copied.  Any context.
 *
 * This is __copy_from_user_inatomic() without the check that @to is within one
 * object.  The check would search the tree of all vmalloc() mappings, and the
 * caller has just measured the room.
 */
static __always_inline size_t
tq_copy_from_user_some(void *to, const void __user *from, size_t n)
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

/* The same in the other direction. */
static __always_inline size_t
tq_copy_to_user_some(void __user *to, const void *from, size_t n)
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

/*
 * Copy in from resident memory.  Returns false if a byte is not resident.  Any
 * context.
 */
static __always_inline bool
tq_copy_from_user_nofault(const struct tq_user *user, void *to, size_t n)
{
	size_t copied;

	if (likely(!user->iter))
		return likely(tq_copy_from_user_some(to, user->buf, n) == n);
	pagefault_disable();
	copied = copy_from_iter(to, n, user->iter);
	pagefault_enable();
	if (unlikely(copied != n))
		iov_iter_revert(user->iter, copied);
	return likely(copied == n);
}

/*
 * Copy out to resident memory.  Returns false if a byte is not resident.  Any
 * context.
 */
static __always_inline bool
tq_copy_to_user_nofault(const struct tq_user *user, const void *from, size_t n)
{
	size_t copied;

	if (likely(!user->iter))
		return likely(tq_copy_to_user_some(user->buf, from, n) == n);
	pagefault_disable();
	copied = copy_to_iter(from, n, user->iter);
	pagefault_enable();
	if (unlikely(copied != n))
		iov_iter_revert(user->iter, copied);
	return likely(copied == n);
}

/*
 * Copy in, with page faults.  No lock held.  Returns false if the memory is
 * bad.
 */
static inline bool tq_copy_from_user(const struct tq_user *user, void *to,
				     size_t n)
{
	if (!user->iter)
		return !copy_from_user(to, user->buf, n);
	return copy_from_iter(to, n, user->iter) == n;
}

/*
 * Copy out, with page faults.  No lock held.  Returns false if the memory is
 * bad.
 */
static inline bool tq_copy_to_user(const struct tq_user *user, const void *from,
				   size_t n)
{
	size_t copied;

	if (!user->iter)
		return !copy_to_user(user->buf, from, n);
	copied = copy_to_iter(from, n, user->iter);
	if (copied == n)
		return true;
	iov_iter_revert(user->iter, copied);
	return false;
}

/* Make the source resident.  No lock held.  Returns false if it is bad. */
static inline bool tq_fault_in_readable(const struct tq_user *user, size_t n)
{
	if (!user->iter)
		return !fault_in_readable(user->buf, n);
	return !fault_in_iov_iter_readable(user->iter, n);
}

/* Make the destination resident.  No lock held.  Returns false if it is bad. */
static inline bool tq_fault_in_writeable(const struct tq_user *user, size_t n)
{
	if (!user->iter)
		return !fault_in_writeable(user->buf, n);
	return !fault_in_iov_iter_writeable(user->iter, n);
}

/* Whether @n bytes from @from on are resident.  Any context. */
static inline bool tq_resident(const u8 __user *from, size_t n)
{
	const u8 __user *end = from + n;
	u8 byte __maybe_unused;
	bool ret = false;

	pagefault_disable();
	if (!user_read_access_begin(from, n))
		goto enable;
	do {
		unsafe_get_user(byte, from, out);
		from = PTR_ALIGN(from + 1, PAGE_SIZE);
	} while (from < end);
	ret = true;
out:
	user_read_access_end();
enable:
	pagefault_enable();
	return ret;
}

/* Whether the source is resident.  Any context. */
static inline bool tq_readable_nofault(const struct tq_user *user, size_t n)
{
	bool ret;

	if (!user->iter)
		return tq_resident(user->buf, n);
	pagefault_disable();
	ret = !fault_in_iov_iter_readable(user->iter, n);
	pagefault_enable();
	return ret;
}

/*
 * Whether the destination is known to be resident, for callers that may not
 * fault it in yet.  Any context.
 */
static inline bool tq_writeable_nofault(const struct tq_user *user, size_t n)
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
