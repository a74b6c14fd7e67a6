/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs here have in common beyond the suites: a seed and a time,
 * on the command line or in the environment (TQUEUE_SEED, TQUEUE_SECONDS).
 */
#ifndef TQUEUE_STRESS_OPTIONS_H
#define TQUEUE_STRESS_OPTIONS_H

#include "common.h"

static uint64_t option_seed;
static double option_seconds;

/*
 * Takes -s SEED and -t SECONDS out of the arguments, and leaves the rest to
 * t_main(). Prints the seed: with it a run makes the same choices.
 */
static inline int options(int argc, char **argv, double seconds)
{
	const char *seed = getenv("TQUEUE_SEED");
	int i, kept = 1;

	option_seconds = t_seconds(seconds);
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-s") && i + 1 < argc)
			seed = argv[++i];
		else if (!strcmp(argv[i], "-t") && i + 1 < argc)
			option_seconds = atof(argv[++i]);
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	if (seed) {
		option_seed = strtoull(seed, NULL, 0);
	} else {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		option_seed = mix(now.tv_sec ^ (uint64_t)now.tv_nsec << 32) >> 32;
	}
	printf("# seed %llu, %g seconds: repeat with TQUEUE_SEED=%llu TQUEUE_SECONDS=%g\n",
	       (unsigned long long)option_seed, option_seconds,
	       (unsigned long long)option_seed, option_seconds);
	fflush(stdout);
	return kept;
}

#endif
