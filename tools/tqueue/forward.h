/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages that go into a queue: on to another one, or back to where they were. */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdint.h>
#include <tqueue.h>

#include "format.h"

/* Is this the error of a queue that has no room? */
int is_full(int error);

/*
 * Sends a batch as far as there is room; what is left in it then could not be
 * sent, and errno says why.  Returns how many messages were sent.
 */
uint64_t send_what_fits(int fd, struct tqueue_batch *batch);

/* The same, and waits for room until a signal comes, as ending.h has it. */
uint64_t send_waiting(int fd, struct tqueue_batch *batch);

/*
 * Sends the messages of a batch to the queue that is the standard output, each in
 * that format as a message of its own, and waits for room until a signal comes.
 * Returns how many messages were sent; if not all, errno says why.
 */
uint64_t forward(enum format format, const struct tqueue_batch *batch);

#endif /* FORWARD_H */
