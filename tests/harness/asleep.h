/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver's own calls where they are expected to sleep: each in a thread. */
#ifndef TQUEUE_TESTS_ASLEEP_H
#define TQUEUE_TESTS_ASLEEP_H

#include <stddef.h>
#include <stdint.h>

#include "tasks.h"

#include "../../src/uapi/tqueue.h"

struct t_batch {
	struct t_task task;
	union {
		struct tqueue_send send;
		struct tqueue_receive receive;
		struct tqueue_wait wait;
	};
};

void t_start_send(struct t_batch *batch, int fd, void *buf, size_t bytes,
		  uint64_t deadline);
void t_start_receive(struct t_batch *batch, int fd, void *buf, size_t room,
		     uint64_t deadline);
/* Leases at most @count, without a limit. */
void t_start_lease(struct t_batch *batch, int fd, void *buf, size_t room,
		   unsigned int count, uint64_t deadline);
/* Acknowledges that one first. */
void t_start_turn(struct t_batch *batch, int fd, void *buf, size_t room,
		  const struct tqueue_record *record, uint64_t deadline);
void t_start_wait(struct t_batch *batch, int fd, uint64_t id,
		  uint64_t deadline);
void t_blocked_at(const char *file, int line, int fd, unsigned int count);
/* So many senders wait for room, before long. */
#define t_blocked(fd, count)	t_blocked_at(__FILE__, __LINE__, fd, count)

#endif
