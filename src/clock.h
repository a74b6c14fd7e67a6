/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Times: signed 64-bit nanoseconds.
 */
#ifndef TQ_CLOCK_H
#define TQ_CLOCK_H

#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/overflow.h>
#include <linux/types.h>

/* The time now, on CLOCK_BOOTTIME. */
static inline s64 tq_now_boottime(void)
{
	return ktime_get_boottime_ns();
}

/* The same from the coarse clock. */
static inline s64 tq_coarse_boottime(void)
{
	return ktime_to_ns(ktime_get_coarse_boottime());
}

/* The time @span after @begin, at most S64_MAX.  @span is below 2^63. */
static inline s64 tq_time_after(s64 begin, u64 span)
{
	s64 when;

	return check_add_overflow(begin, (s64)span, &when) ? S64_MAX : when;
}

#endif /* TQ_CLOCK_H */
