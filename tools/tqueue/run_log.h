/* SPDX-License-Identifier: GPL-2.0-only */
/* The messages of tqueue run on stderr.  They never wait for the reader of stderr. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

#include <stdint.h>
#include <syslog.h>

/* Finds out whether the journal reads stderr. */
void run_log_open(void);

/*
 * Reports something about a queue or, if that is NULL, in general.  @priority: LOG_ERR,
 * LOG_WARNING and so on, which the line has if the journal reads it.
 */
__attribute__((format(printf, 3, 4)))
void run_log(int priority, const char *queue, const char *format, ...);

/* Reports an error of libtqueue.  Returns the exit status. */
int run_log_error(const char *queue, int error);

#endif /* RUN_LOG_H */
