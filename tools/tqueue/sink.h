/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The standard output and the standard error of a program that must never wait for
 * who reads them: what they do not take at once is kept, and written when they do.
 */
#ifndef SINK_H
#define SINK_H

#include <stddef.h>

#include "events.h"
#include "strbuf.h"

/**
 * struct sink - one of the two
 * @source: the file, waited for while something is kept
 * @polled: it tells when it takes something; else it takes everything
 * @socket: it is a socket
 * @apart: each write of it is a message: a line
 * @terminal: it is a terminal
 * @gone: the error after which nothing is written any more, or 0
 * @kept: what was not written yet, from @written on
 * @written: bytes of @kept
 */
struct sink {
	struct event_source source;
	int polled, socket, apart, terminal, gone;
	struct strbuf kept;
	size_t written;
};

extern struct sink sink_stdout, sink_stderr;

/* @drained: called when one of them was full and takes more. */
void sinks_open(void (*drained)(void));

/* Writes, or keeps to be written. */
void sink_write(struct sink *sink, const void *data, size_t length);

/* Is so much kept that no more should be written? */
int sink_is_full(const struct sink *sink);

/*
 * Shows a line on the terminal that is the standard error, which goes away before
 * anything else is written there.
 */
void sink_show_line(const char *line);

/* Takes that line away. */
void sink_clear_line(void);

/*
 * Writes what is kept.  With @wait it waits until all of it is written, or a signal
 * is pending.
 */
void sinks_flush(int wait);

#endif /* SINK_H */
