// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "../harness/check.h"
#include "run.h"

/* Where a test that fails ends, and what it said. */
static jmp_buf failed;
static char said[1024];

void t_fail_at(const char *file, int line, const char *format, ...)
{
	int len = snprintf(said, sizeof(said), "    %s:%d: ", file, line);
	va_list args;

	va_start(args, format);
	vsnprintf(said + len, sizeof(said) - len, format, args);
	va_end(args);
	longjmp(failed, 1);
}

/* No test hangs. */
void t_here(const char *file, int line)
{
	(void)file;
	(void)line;
}

int units_run(const char *prefix, const struct unit *units, size_t count)
{
	static volatile int status;
	static volatile size_t i;

	for (i = 0; i < count; i++) {
		if (!setjmp(failed)) {
			units[i].run();
			printf("PASS %s.%s\n", prefix, units[i].name);
		} else {
			printf("FAIL %s.%s\n%s\n", prefix, units[i].name, said);
			status = 1;
		}
	}
	return status;
}
