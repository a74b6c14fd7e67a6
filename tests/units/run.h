/* SPDX-License-Identifier: GPL-2.0-only */
/* Tests of parts of a program that need no driver: functions that run one after the other. */
#ifndef UNITS_RUN_H
#define UNITS_RUN_H

#include <stddef.h>

struct unit {
	const char *name;
	void (*run)(void);
};

/*
 * Runs them.  Prints PASS or FAIL and the name of each, after @prefix, and what was wrong.
 * Returns the exit status of the program.
 */
int units_run(const char *prefix, const struct unit *units, size_t count);

#endif /* UNITS_RUN_H */
