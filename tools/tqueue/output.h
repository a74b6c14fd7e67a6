/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Standard output: what it is, how much it takes without waiting, and whether anybody
 * reads it.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>
#include <tqueue.h>

#include "format.h"

enum output_kind {
	OUTPUT_NONE,	/* nothing is written */
	OUTPUT_FILE,	/* a file, a terminal, a device: takes everything */
	OUTPUT_STREAM,	/* a pipe or a socket that joins writes */
	OUTPUT_PACKETS,	/* a pipe or a socket that keeps writes apart */
	OUTPUT_QUEUE,	/* a queue */
};

/**
 * struct output - standard output
 * @kind: what it is
 * @queue: the queue that is received from, for messages
 * @format: the format of messages
 * @pipe_size: bytes that it holds if it is a pipe, else 0
 * @room: bytes of messages that it takes now, as far as can be known
 * @one: @room is that of one message
 */
struct output {
	enum output_kind kind;
	const char *queue;
	enum format format;
	size_t pipe_size;
	size_t room;
	int one;
};

/*
 * Finds out what standard output is.  It must not be @source, the queue that messages
 * come from (or NULL).  Returns 0, or an exit status after reporting the error.
 */
int output_open(struct output *output, const char *queue, enum format format,
		const struct tqueue_info *source);

/*
 * Whether our terminal may show the output, or what its reader makes of it.  Progress
 * would then be mixed with it.
 */
int output_may_be_seen(const struct output *output);

/*
 * Waits until the output has room, for a record of @needed bytes if that is not 0, and
 * finds out how much.  Returns 0, or an exit status after reporting the error; signals
 * are not reported.
 */
int output_wait(struct output *output, size_t needed);

/* Writes a text.  Returns the bytes that were written, and errno. */
size_t output_write(const struct strbuf *text);

/*
 * Removes the last bytes again, if it is a file that ends with them.  Returns 0 or -1.
 */
int output_take_off(size_t bytes);

/* What poll(2) reports if nobody would get what is written. */
#define OUTPUT_GONE	(POLLERR | POLLHUP | POLLNVAL)

/* Reports that.  Returns the exit status. */
int output_gone(const struct output *output);

/* Why the output could not be written. */
const char *output_strerror(const struct output *output, int error);

#endif /* OUTPUT_H */
