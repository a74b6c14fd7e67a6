// SPDX-License-Identifier: GPL-2.0-only
/* See kernel_log.h. */
#include "kernel_log.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int t_log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0)
		lseek(log, 0, SEEK_END);
	return log;
}

int t_log_lines(int log, const char *needle, char *last, size_t len)
{
	char record[2 * TQ_PAGE];
	int lines = 0;

	if (log < 0)
		return 0;
	for (;;) {
		ssize_t got = read(log, record, sizeof(record) - 1);
		char *text;

		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			return lines;
		record[got] = '\0';
		text = strchr(record, ';');
		if (!text || !strcasestr(text, needle))
			continue;
		lines++;
		if (last) {
			text[strcspn(text, "\n")] = '\0';
			snprintf(last, len, "%s", text + 1);
		}
	}
}

/* The kernel's own words for trouble, and the driver speaking unasked. */
bool t_log_trouble(int log, bool logs, char *text, size_t len)
{
	static const char * const words[] = {
		"BUG:", "WARNING:", "Oops", "INFO: task", "UBSAN", "KASAN",
		"general protection", "rcu: INFO", "usercopy",
	};
	char record[2 * TQ_PAGE];
	ssize_t got;
	size_t i;

	if (log < 0)
		return false;
	while ((got = read(log, record, sizeof(record) - 1)) > 0 ||
	       (got < 0 && errno == EPIPE)) {
		char *line;

		if (got < 0)
			continue;
		record[got] = '\0';
		line = strchr(record, ';');
		if (!line)
			continue;
		line[strcspn(line, "\n")] = '\0';
		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (strstr(line, words[i]))
				goto trouble;
		if (!logs && !strncasecmp(line + 1, "tqueue", 6))
			goto trouble;
		continue;
trouble:
		snprintf(text, len, "%s", line + 1);
		return true;
	}
	return false;
}
