// SPDX-License-Identifier: GPL-2.0-only
/* See verdict.h. This half of it runs in the processes of a test. */
#include "verdict.h"

#include "check.h"
#include "clock.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct t_report *t_report;
static char doing[160];	/* see t_doing() */

__attribute__((noreturn))
static void decide(int verdict, const char *text)
{
	int undecided = T_UNDECIDED;

	if (atomic_compare_exchange_strong(&t_report->verdict, &undecided, -1)) {
		snprintf(t_report->text, sizeof(t_report->text), "%s", text);
		atomic_store(&t_report->verdict, verdict);
	} else {
		/* Somebody else is about to end us. */
		t_sleep(1);
	}
	kill(0, SIGKILL);
	for (;;)
		pause();
}

void t_fail_at(const char *file, int line, const char *format, ...)
{
	char text[2048];
	va_list args;
	int len;

	len = snprintf(text, sizeof(text) / 2, "%s:%d: %s", file, line, doing);
	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
	decide(T_FAILED, text);
}

void t_skip(const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	decide(T_SKIPPED, text);
}

void t_doing(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(doing, sizeof(doing), format, args);
	va_end(args);
}

void t_here(const char *file, int line)
{
	static __thread int in_main;	/* 0: not known yet */

	if (!in_main)
		in_main = gettid() == getpid() ? 1 : -1;
	if (in_main < 0)
		return;
	atomic_store_explicit(&t_report->line, line, memory_order_relaxed);
	strncpy(t_report->file, file, sizeof(t_report->file) - 1);
}
