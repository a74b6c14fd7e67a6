/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 64-bit counters that are written under a lock and read without it.
 *
 * On 64-bit machines this is a plain variable.  On 32-bit machines a store
 * takes two instructions, and a reader could see halves of two values.  There
 * the writer stores the high half before and after the low one, and the reader
 * starts again if the two differ:
 *
 *	writer			reader
 *	------			------
 *	high_before		high_after
 *	smp_wmb()		smp_rmb()
 *	low			low
 *	smp_wmb()		smp_rmb()
 *	high_after		high_before
 */
#ifndef TQ_COUNTER_H
#define TQ_COUNTER_H

#include <linux/compiler.h>
#include <linux/types.h>

#include <asm/barrier.h>
#include <asm/bitsperlong.h>

#if BITS_PER_LONG == 64

struct tq_counter {
	u64 value;
};

static inline void tq_counter_set(struct tq_counter *counter, u64 value)
{
	WRITE_ONCE(counter->value, value);
}

/* For callers that hold the writers' lock. */
static inline u64 tq_counter_get(const struct tq_counter *counter)
{
	return counter->value;
}

/* For all other callers. */
static inline u64 tq_counter_read(const struct tq_counter *counter)
{
	return READ_ONCE(counter->value);
}

#else

struct tq_counter {
	u32 high_before;
	u32 low;
	u32 high_after;
};

static inline void tq_counter_set(struct tq_counter *counter, u64 value)
{
	WRITE_ONCE(counter->high_before, value >> 32);
	/* See above. */
	smp_wmb();
	WRITE_ONCE(counter->low, value);
	/* See above. */
	smp_wmb();
	WRITE_ONCE(counter->high_after, value >> 32);
}

static inline u64 tq_counter_get(const struct tq_counter *counter)
{
	return (u64)counter->high_after << 32 | counter->low;
}

static inline u64 tq_counter_read(const struct tq_counter *counter)
{
	u32 before, low, after;

	do {
		after = READ_ONCE(counter->high_after);
		/* See above. */
		smp_rmb();
		low = READ_ONCE(counter->low);
		/* See above. */
		smp_rmb();
		before = READ_ONCE(counter->high_before);
	} while (before != after);
	return (u64)after << 32 | low;
}

#endif

static inline void tq_counter_add(struct tq_counter *counter, u64 more)
{
	tq_counter_set(counter, tq_counter_get(counter) + more);
}

#endif /* TQ_COUNTER_H */
