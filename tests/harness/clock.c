// SPDX-License-Identifier: GPL-2.0-only
/* See clock.h. */
#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double t_slow(void)
{
	static double slow;

	if (!slow) {
		const char *text = getenv("TQUEUE_SLOW");

		slow = text ? atof(text) : 1;
		if (slow < 0.1)
			slow = 1;
	}
	return slow;
}

double t_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

double t_boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void t_sleep(double seconds)
{
	struct timespec left;

	left.tv_sec = (time_t)seconds;
	left.tv_nsec = (long)((seconds - left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

void t_sleep_ms(unsigned int ms)
{
	t_sleep(ms * t_slow() / 1000);
}

double t_seconds(double otherwise)
{
	const char *text = getenv("TQUEUE_SECONDS");

	return text && atof(text) > 0 ? atof(text) : otherwise;
}

void t_runs(unsigned long *seed, void (*one_run)(void))
{
	double end = t_now() + t_seconds(5);
	const char *given = getenv("TQUEUE_SEED");
	int runs = 0;

	*seed = given ? strtoul(given, NULL, 0) :
		(unsigned long)(t_now() * 1e6) % 100000000;
	do {
		one_run();
		++*seed;
		runs++;
	} while (t_now() < end);
	fprintf(stderr, "# %d runs\n", runs);
}

/*
 * A timed test ends when its time is over and it has seen enough: what a slow
 * machine does not get done in time it may do later, but not never.
 */
bool t_goes_on(double end, bool enough)
{
	double now = t_now();

	return now < end || (!enough && now < end + 20 * t_slow());
}

/* How long something may take that should take no time at all. */
double t_patience(void)
{
	return 10 * t_slow();
}
