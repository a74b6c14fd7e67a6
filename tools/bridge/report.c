// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static const char *bridge;
static _Thread_local const char *direction_of_thread;

void report_name(const char *name)
{
	bridge = name;
}

void report_direction(const char *direction)
{
	direction_of_thread = direction;
}

/* Whether stderr is the journal: systemd puts its device and inode into the environment. */
static int is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

static void write_message(int priority, const char *format, va_list arguments)
{
	flockfile(stderr);
	/* The journal shows the program itself, and takes a priority before each line. */
	if (is_journal())
		fprintf(stderr, "<%d>", priority);
	else
		fputs("tqueue-bridge: ", stderr);
	if (bridge)
		fprintf(stderr, "%s: ", bridge);
	if (direction_of_thread)
		fprintf(stderr, "%s: ", direction_of_thread);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void report(int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(priority, format, arguments);
	va_end(arguments);
}

void report_notice(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(LOG_NOTICE, format, arguments);
	va_end(arguments);
}

void *need_memory(void *memory)
{
	if (!memory) {
		report(LOG_ERR, "out of memory");
		exit(EXIT_FAILURE);
	}
	return memory;
}
