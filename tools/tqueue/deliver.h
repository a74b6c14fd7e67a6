/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Delivering leased messages to standard output.  Messages that were written are
 * acknowledged, the others go back to their places.  So nothing is lost, however the
 * program ends, and only messages that were being written come twice.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include <stdint.h>
#include <tqueue.h>

#include "output.h"

/**
 * struct deliverer - where messages come from and go to
 * @queue: the name of the queue, for messages
 * @fd: the queue
 * @output: standard output
 * @keep: keep the leases, for the program that reads their ids
 * @text: memory for the output
 */
struct deliverer {
	const char *queue;
	int fd;
	struct output output;
	int keep;
	struct strbuf text;
};

/*
 * Delivers the @count messages of a batch.  Returns 0, or an exit status after
 * reporting the error.
 */
int deliver(struct deliverer *deliverer, struct tqueue_batch *batch, uint64_t count);

#endif /* DELIVER_H */
