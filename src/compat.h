/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernel versions that tqueue builds for.  This is the
 * only file that may name a version.  The rest of the driver is written for the
 * newest kernel, and this file supplies what older ones lack.
 */
#ifndef TQ_COMPAT_H
#define TQ_COMPAT_H

#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "tqueue needs Linux 6.1 or newer"
#endif

/* Since 7.0; some stable kernels have it, too. */
#ifndef kzalloc_obj
#define kzalloc_obj(object, flags) kzalloc(sizeof(object), flags)
#endif

/*
 * Debian's kernels clear automatic variables.  A structure on the common path
 * that is filled in field by field opts out.  The attribute exists since 6.14.
 */
#ifndef __uninitialized
#if __has_attribute(__uninitialized__)
#define __uninitialized __attribute__((__uninitialized__))
#else
#define __uninitialized
#endif
#endif

/* Since 6.2 the callbacks of a class get a constant device. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define TQ_DEV_CONST
#else
#define TQ_DEV_CONST const
#endif

/* Since 6.4 a registered class is constant. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define TQ_CLASS_CONST
#else
#define TQ_CLASS_CONST const
#endif

/* Since 6.10 a tracepoint remembers the source of a string. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define tq_assign_str(name, source) __assign_str(name, source)
#else
#define tq_assign_str(name, source) __assign_str(name)
#endif

/* Since 7.0 a writer can ask for no SIGPIPE. */
#ifndef IOCB_NOSIGNAL
#define IOCB_NOSIGNAL 0
#endif

/* Since 6.13 one call sets up a timer. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#include <linux/hrtimer.h>
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/* Since 6.14 one call creates a worker and starts it. */
#include <linux/kthread.h>
#ifndef kthread_run_worker
#define kthread_run_worker(flags, ...) kthread_create_worker(flags, __VA_ARGS__)
#endif

/*
 * Whether two mappings of one page may show different bytes.  Since 6.9 the
 * kernel has one name for this.  Before, each architecture had its own.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#include <linux/cacheinfo.h>
#define tq_cache_is_aliasing() cpu_dcache_is_aliasing()
#elif defined(CONFIG_ARM)
#include <asm/cachetype.h>
#define tq_cache_is_aliasing() (cache_is_vivt() || cache_is_vipt_aliasing())
#elif defined(CONFIG_MIPS)
#include <asm/cpu-features.h>
#define tq_cache_is_aliasing() cpu_has_dc_aliases
#else
#define tq_cache_is_aliasing() false
#endif

#endif /* TQ_COMPAT_H */
