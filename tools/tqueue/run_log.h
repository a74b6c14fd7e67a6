/* SPDX-License-Identifier: GPL-2.0-only */
/* What tqueue run says on stderr, without ever waiting for who reads that. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

#include <stdint.h>
#include <syslog.h>

/* Begins. */
void run_log_open(void);

/*
 * Says something of a queue, or in general if that is NULL.  @priority: LOG_ERR,
 * LOG_WARNING, ...: of the line, if it is the journal that reads it.
 */
__attribute__((format(printf, 3, 4)))
void run_log(int priority, const char *queue, const char *format, ...);

/* Says what an error of libtqueue means for a queue; returns the exit status. */
int run_log_error(const char *queue, int error);

#endif /* RUN_LOG_H */
