/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages on stderr: "tqueue: QUEUE: what is wrong (what to do)".
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

/* Reports something about a queue or, if that is NULL, in general. */
__attribute__((format(printf, 2, 3)))
void report(const char *queue, const char *format, ...);

/* Reports an error of libtqueue.  Returns the exit status. */
int report_error(const char *queue, int error);

/* The same for an error that concerns one message. */
int report_message(const char *queue, uint64_t id, int error);

/* The exit status for an error of libtqueue. */
int status_of(int error);

/* Returns @memory, or exits with a message if it is NULL. */
void *xnonnull(void *memory);

/*
 * Flushes stdout: a full disk may be noticed only now.  Returns @status, or EXIT_ERROR
 * if something could not be written.
 */
int check_stdout(int status);

#endif /* REPORT_H */
