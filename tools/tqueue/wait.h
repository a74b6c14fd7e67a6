/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting until messages are settled, and reporting those that failed.
 */
#ifndef WAIT_H
#define WAIT_H

#include <stdint.h>
#include <tqueue.h>

/*
 * Waits until the messages up to @id are settled.  @before describes the queue as it
 * was before.  Returns 0, or an exit status after reporting the error: EXIT_FAILED if
 * messages were buried or dropped.  Returns -1 if a signal arrived: see signals.h.
 */
int wait_for_settled(const char *name, int fd, uint64_t id,
		     const struct tqueue_info *before, uint64_t deadline);

#endif /* WAIT_H */
