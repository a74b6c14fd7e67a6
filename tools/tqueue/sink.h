/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The standard output and the standard error of a program that must never wait for
 * their readers.  What they do not take at once is kept, and written later.
 */
#ifndef SINK_H
#define SINK_H

#include <stddef.h>

#include "events.h"
#include "strbuf.h"

/**
 * struct sink - standard output or standard error
 * @source: the file
 * @polled: poll(2) works on it; otherwise it takes everything
 * @socket: it is a socket
 * @apart: each write is a message, such as to a queue: write line by line
 * @terminal: it is a terminal
 * @gone: the error after which nothing is written any more, or 0
 * @kept: bytes that are kept
 * @written: how many of them were written
 */
struct sink {
	struct event_source source;
	int polled, socket, apart, terminal, gone;
	struct strbuf kept;
	size_t written;
};

extern struct sink sink_stdout, sink_stderr;

/* Opens both.  @drained is called when one of them takes more. */
void sinks_open(void (*drained)(void));

/* Writes, or keeps to be written. */
void sink_write(struct sink *sink, const void *data, size_t length);

/* Whether so much is kept that no more should be written. */
int sink_is_full(const struct sink *sink);

/*
 * Shows a line if standard error is a terminal.  The line is removed before anything
 * else is written there.
 */
void sink_show_line(const char *line);

/* Removes that line. */
void sink_clear_line(void);

/*
 * Writes what is kept.  With @wait it waits until all of it is written, or a signal
 * is pending.
 */
void sinks_flush(int wait);

#endif /* SINK_H */
