/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running the tests of a suite.
 *
 * A suite is a table of struct t_test and a main() that calls t_main(). Each
 * test runs in a child process, the leader of its own process group, with a time
 * limit: a failed check ends the whole group from whatever thread or process it
 * happens in, so nothing of a failed or hung test is left to disturb the next one.
 * Afterwards the parent checks that the test left the queue empty, the module
 * unused and the kernel log as they were.
 */
#ifndef TQUEUE_TESTS_RUN_H
#define TQUEUE_TESTS_RUN_H

#include <stdbool.h>
#include <stddef.h>

struct t_test {
	const char *name;
	void (*run)(void);
	const char *params;	/* of the module; NULL: as it was found */
	unsigned int seconds;	/* time limit, 0: 45 */
	bool logs;		/* may write to the kernel log */
	bool reloads;		/* loads and unloads the module by itself */
};

#define TQ_TEST(fn)		{ .name = #fn, .run = fn }
#define TQ_TEST_WITH(fn, with)	{ .name = #fn, .run = fn, .params = with }
/* Loads and unloads the module by itself, of which the kernel log tells. */
#define TQ_TEST_RELOADING(fn)	{ .name = #fn, .run = fn, .params = "", \
				  .logs = true, .reloads = true }

int t_main(const char *suite, const struct t_test *tests, size_t count,
	   int argc, char **argv);

#endif
