/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages that were leased go to the standard output; then they are acknowledged,
 * and what could not be written goes back to its place in the queue.  So nothing is
 * lost whatever ends the program, and what it was just writing comes again.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include <stdint.h>
#include <tqueue.h>

#include "output.h"

/**
 * struct deliverer - where messages come from, and where they go to
 * @queue: the name of the queue, for messages
 * @fd: the queue
 * @output: where to
 * @keep: the leases are left to whoever reads their ids
 * @text: memory for what is to be written
 */
struct deliverer {
	const char *queue;
	int fd;
	struct output output;
	int keep;
	struct strbuf text;
};

/*
 * Delivers the @count messages of a batch.  0, or an exit status, and it has said
 * why.
 */
int deliver(struct deliverer *deliverer, struct tqueue_batch *batch, uint64_t count);

#endif /* DELIVER_H */
