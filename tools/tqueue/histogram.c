// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "histogram.h"
#include "units.h"

#define BAR	40

int histogram_read(const char *queue, const char *name, struct histogram *histogram)
{
	char path[256];
	FILE *in;
	int i;

	memset(histogram, 0, sizeof(*histogram));
	snprintf(path, sizeof(path), "/sys/class/tqueue/%s/%s_histogram", queue, name);
	in = fopen(path, "re");
	if (!in)
		return -1;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (fscanf(in, "%" SCNu64, &histogram->buckets[i]) != 1)
			break;
	if (i == HISTOGRAM_BUCKETS && fscanf(in, "%" SCNu64, &histogram->sum) != 1)
		i = 0;
	fclose(in);
	return i == HISTOGRAM_BUCKETS ? 0 : -1;
}

uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t count = 0;
	int i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += histogram->buckets[i];
	return count;
}

/* 2^n ns, in the unit that is best to read. */
static const char *limit_text(int n, char text[24])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = (double)(UINT64_C(1) << n);
	int unit = 0;

	while (value >= 1000 && unit < 3) {
		value /= 1000;
		unit++;
	}
	if (value < 10 && unit)
		snprintf(text, 24, "%.1f%s", value, units[unit]);
	else
		snprintf(text, 24, "%.0f%s", value, units[unit]);
	return text;
}

void histogram_print(const struct histogram *histogram)
{
	static const char bar[] = "########################################";
	int first = 0, last = HISTOGRAM_BUCKETS - 1, i;
	uint64_t most = 1;
	char text[24];

	while (last > 0 && !histogram->buckets[last])
		last--;
	while (first < last && !histogram->buckets[first])
		first++;
	for (i = first; i <= last; i++)
		if (histogram->buckets[i] > most)
			most = histogram->buckets[i];
	for (i = first; i <= last; i++)
		printf("  below %7s %12" PRIu64 " %.*s\n", limit_text(i, text),
		       histogram->buckets[i],
		       (int)((double)histogram->buckets[i] * BAR / (double)most + 0.5), bar);
}
