// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counting the memory of all rings against max_memory.
 */
#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "charge.h"

/* The bytes of all rings that count towards max_memory. */
static atomic_long_t tq_charged;

/**
 * tq_charge - change how many bytes a queue counts for in max_memory
 * @from: the bytes that it counts for now
 * @to: the bytes that it will count for
 *
 * A queue can always shrink, even if max_memory is exceeded.
 *
 * Context: Any.
 * Return: 0, or -ENOSPC beyond max_memory.
 */
int tq_charge(unsigned long from, unsigned long to)
{
	unsigned long most = READ_ONCE(tq_max_memory);
	long used = atomic_long_read(&tq_charged);

	if (to <= from) {
		atomic_long_sub(from - to, &tq_charged);
		return 0;
	}
	if (!most)
		most = min_t(u64, (u64)totalram_pages() / 4 * PAGE_SIZE,
			     LONG_MAX);
	do {
		if (used + (to - from) > most)
			return -ENOSPC;
	} while (!atomic_long_try_cmpxchg(&tq_charged, &used,
					  used + (to - from)));
	return 0;
}
