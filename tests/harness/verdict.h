/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the processes of a test tell their parent: a verdict, and where they were.
 * The first failure counts; it ends the whole process group.
 */
#ifndef TQUEUE_TESTS_VERDICT_H
#define TQUEUE_TESTS_VERDICT_H

#include <stdatomic.h>

enum { T_UNDECIDED, T_FAILED, T_SKIPPED };

struct t_report {
	atomic_int verdict;
	atomic_int line;		/* of the last check that was reached */
	char file[64];
	char text[2048];
};

extern struct t_report *t_report;	/* in memory that all processes share */

__attribute__((noreturn, format(printf, 1, 2)))
void t_skip(const char *format, ...);

/*
 * What a random test is doing, such as its seed and its step, and a colon: begins
 * the text of a failure. Of one thread only.
 */
__attribute__((format(printf, 1, 2)))
void t_doing(const char *format, ...);

#endif
