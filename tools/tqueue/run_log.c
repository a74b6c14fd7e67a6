// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tqueue.h>

#include "report.h"
#include "run_log.h"
#include "service.h"
#include "sink.h"

static int is_journal;

void run_log_open(void)
{
	is_journal = service_has_journal();
}

void run_log(int priority, const char *queue, const char *format, ...)
{
	va_list arguments;
	char *said, *line;
	int length;

	va_start(arguments, format);
	length = vasprintf(&said, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if (is_journal)
		length = asprintf(&line, "<%d>%s%s%s\n", priority, queue ? queue : "",
				  queue ? ": " : "", said);
	else
		length = asprintf(&line, "tqueue: %s%s%s\n", queue ? queue : "",
				  queue ? ": " : "", said);
	free(said);
	if (length < 0)
		return;
	sink_write(&sink_stderr, line, (size_t)length);
	free(line);
}

int run_log_error(const char *queue, int error)
{
	char text[512];

	run_log(LOG_ERR, NULL, "%s", tqueue_explain(queue, error, text, sizeof(text)));
	return status_of(error);
}
