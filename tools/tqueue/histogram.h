/* SPDX-License-Identifier: GPL-2.0-only */
/* The histograms of a queue: how long messages waited, and how long leases lasted. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS	64

/**
 * struct histogram - a distribution of times
 * @buckets: how many times were below 2^n ns, and not below 2^(n-1) ns
 * @sum: the sum of all times, nanoseconds
 */
struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t sum;
};

/* Reads one, "wait" or "lease".  Returns 0, or -1 if the queue has none. */
int histogram_read(const char *queue, const char *name, struct histogram *histogram);

uint64_t histogram_count(const struct histogram *histogram);

/* Prints it for people, with a bar for each power of two. */
void histogram_print(const struct histogram *histogram);

#endif /* HISTOGRAM_H */
