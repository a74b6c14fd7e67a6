/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages on stderr, from any thread: "tqueue-bridge: mail: out: what is wrong (the cure)". */
#ifndef REPORT_H
#define REPORT_H

#include <syslog.h>

/* The name of the bridge, which each message begins with. */
void report_name(const char *name);

/* "out" or "in", which each message of the calling thread has after the name. */
void report_direction(const char *direction);

/* Writes one message; @priority is that of syslog(3), which the journal shows. */
__attribute__((format(printf, 2, 3))) void report(int priority, const char *format, ...);

/* Writes one of priority LOG_NOTICE. */
__attribute__((format(printf, 1, 2))) void report_notice(const char *format, ...);

/* Returns @memory, or ends the program if that is NULL. */
void *need_memory(void *memory);

#endif /* REPORT_H */
