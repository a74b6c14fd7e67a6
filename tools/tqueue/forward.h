/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages that go on into another queue. */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdint.h>
#include <tqueue.h>

#include "format.h"

/* Is this the error of a queue that has no room? */
int is_full(int error);

/*
 * Sends the messages of a batch to the queue that is the standard output, each in
 * that format as a message of its own, and waits for room until a signal comes.
 * Returns how many messages were sent; if not all, errno says why.
 */
uint64_t forward(enum format format, const struct tqueue_batch *batch);

#endif /* FORWARD_H */
