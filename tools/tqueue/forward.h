/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending received messages to another queue.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdint.h>
#include <tqueue.h>

#include "format.h"

/* Whether the error means that the queue is full. */
int is_full(int error);

/*
 * Sends the messages of a batch to the queue that is standard output, each as one
 * message in the given format.  Waits for room until a signal arrives.  Returns how
 * many were sent.  If not all were sent, errno says why.
 */
uint64_t forward(enum format format, const struct tqueue_batch *batch);

#endif /* FORWARD_H */
