/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words for what a test expects, in all tests that are written in C, with the
 * driver or without. A check that fails ends the test, from any thread or process
 * of it.
 *
 *   t_is(call, value)              the call returns the value
 *   t_errno(call, error)           it returns -1, with that errno
 *   t_true(condition, format, ...) the condition holds
 *   t_ok(condition)               it holds, and its text says enough of it
 *   t_fail(format, ...)            it never gets here
 *
 * What a failure does is up to who uses them, and defines t_fail_at() and t_here():
 * verdict.c does for the suites.
 */
#ifndef TQUEUE_TESTS_CHECK_H
#define TQUEUE_TESTS_CHECK_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What a failure does. */
__attribute__((noreturn, format(printf, 3, 4)))
void t_fail_at(const char *file, int line, const char *format, ...);
/* A check is reached: a test that hangs did so after this. */
void t_here(const char *file, int line);

void t_is_at(const char *file, int line, const char *what, long long got,
	     long long want);
void t_errno_at(const char *file, int line, const char *what, long long got,
		int want);
const char *t_error_name(int error);

#define t_fail(...)	t_fail_at(__FILE__, __LINE__, __VA_ARGS__)

#define t_true(condition, ...)						\
	do {								\
		t_here(__FILE__, __LINE__);				\
		if (!(condition))					\
			t_fail_at(__FILE__, __LINE__, __VA_ARGS__);	\
	} while (0)

#define t_ok(condition)	t_true(condition, "%s does not hold", #condition)

#define t_is(call, want)						\
	do {								\
		t_here(__FILE__, __LINE__);				\
		t_is_at(__FILE__, __LINE__, #call, (long long)(call),	\
			 (long long)(want));				\
	} while (0)

#define t_errno(call, want)						\
	do {								\
		t_here(__FILE__, __LINE__);				\
		t_errno_at(__FILE__, __LINE__, #call,			\
			    (long long)(call), want);			\
	} while (0)

#endif
