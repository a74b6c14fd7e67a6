/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting until messages are settled, and what became of them meanwhile. */
#ifndef WAIT_H
#define WAIT_H

#include <stdint.h>
#include <tqueue.h>

/*
 * Waits until the messages up to that id are settled; @before: the queue as it was
 * before.  0, or an exit status, and it has said why: EXIT_FAILED if messages were
 * buried or dropped since then.  With -1 a signal came, as signals.h has it.
 */
int wait_for_settled(const char *name, int fd, uint64_t id,
		     const struct tqueue_info *before, uint64_t deadline);

#endif /* WAIT_H */
