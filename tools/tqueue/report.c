// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <tqueue.h>

#include "command.h"
#include "progress.h"
#include "report.h"

void report(const char *queue, const char *format, ...)
{
	va_list arguments;

	progress_clear();
	flockfile(stderr);
	fputs("tqueue: ", stderr);
	if (queue)
		fprintf(stderr, "%s: ", queue);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	funlockfile(stderr);
}

int status_of(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS:
		return EXIT_NOTHING;
	case ETIMEDOUT:
		return EXIT_TIMED_OUT;
	case ENOENT:
		return EXIT_NO_QUEUE;
	case ESHUTDOWN:
	case EIDRM:
	case EPIPE:
		return EXIT_STOPPED;
	case TQUEUE_ENODRIVER:
	case TQUEUE_EOLDDRIVER:
		return EXIT_NO_DRIVER;
	default:
		return EXIT_ERROR;
	}
}

int report_error(const char *queue, int error)
{
	char text[512];

	report(NULL, "%s", tqueue_explain(queue, error, text, sizeof(text)));
	return status_of(error);
}

int report_message(const char *queue, uint64_t id, int error)
{
	char text[512];

	report(NULL, "%s", tqueue_explain_message(queue, id, error, text, sizeof(text)));
	switch (error) {
	case ENOENT:
	case EBUSY:
	case ESTALE:
		return EXIT_MESSAGE;
	case EEXIST:
		return EXIT_KEY_TAKEN;
	default:
		return status_of(error);
	}
}

void *xnonnull(void *memory)
{
	if (!memory) {
		report(NULL, "out of memory");
		exit(EXIT_ERROR);
	}
	return memory;
}

int check_stdout(int status)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	report(NULL, "cannot write to standard output: %s",
	       errno ? strerror(errno) : "an error");
	/* Report this once. */
	clearerr(stdout);
	__fpurge(stdout);
	return status ? status : EXIT_ERROR;
}
