/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said on stderr: "tqueue: QUEUE: what is wrong; what can be done". */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

/* Says something about a queue, or in general if that is NULL. */
__attribute__((format(printf, 2, 3)))
void report(const char *queue, const char *format, ...);

/* Says what an error of libtqueue means for a queue; returns the exit status. */
int report_error(const char *queue, int error);

/* The same for an error that concerns one message. */
int report_message(const char *queue, uint64_t id, int error);

/* The exit status that stands for an error of libtqueue. */
int status_of(int error);

/* Memory or nothing: these end the program when there is none. */
void *xnonnull(void *memory);

/*
 * Writes what stdio still has for stdout, where a full disk may show last; the
 * status, or EXIT_ERROR if something could not be written.
 */
int check_stdout(int status);

#endif /* REPORT_H */
