/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The standard output of those that receive: what it is, how much it takes
 * without waiting, and whether anybody reads it.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>
#include <tqueue.h>

#include "format.h"

enum output_kind {
	OUTPUT_NONE,	/* nothing is written */
	OUTPUT_FILE,	/* a file, a terminal, a device: it takes what it is given */
	OUTPUT_STREAM,	/* a pipe or a socket, which joins what is written */
	OUTPUT_PACKETS,	/* a pipe or a socket that keeps each write apart */
	OUTPUT_QUEUE,	/* a queue of this driver */
};

/**
 * struct output - the standard output
 * @kind: what it is
 * @queue: the queue that is received from, for messages
 * @format: how messages are written
 * @pipe_size: bytes that it holds if it is a pipe, else 0
 * @room: bytes of messages that it takes now, as far as that can be known
 * @one: whether that is one message
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
 * Finds out what it is.  @source: the queue that messages are moved from, which
 * must not be the output as well, or NULL.  0, or an exit status, and it has said
 * why.
 */
int output_open(struct output *output, const char *queue, enum format format,
		const struct tqueue_info *source);

/*
 * May it, or what its reader makes of it, be seen on our terminal?  Then progress
 * would come in between.
 */
int output_may_be_seen(const struct output *output);

/*
 * Waits until it takes something, or a record of @needed bytes unless that is 0,
 * and finds out how much.  0, or an exit status, and it has said why unless that
 * was a signal.
 */
int output_wait(struct output *output, size_t needed);

/* Writes all of a text; the bytes that could be written, and errno. */
size_t output_write(const struct strbuf *text);

/* Takes the last bytes off again, if it is a file that ends with them; 0, or -1. */
int output_take_off(size_t bytes);

/* What poll(2) says of it when what is written would reach nobody. */
#define OUTPUT_GONE	(POLLERR | POLLHUP | POLLNVAL)

/* Says that it is so; the exit status. */
int output_gone(const struct output *output);

/* Why it could not be written to. */
const char *output_strerror(const struct output *output, int error);

#endif /* OUTPUT_H */
