/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_uring by raw system calls, as little of it as the tests need: a ring that
 * one thread uses, requests put in one by one, completions taken out.
 */
#ifndef TQUEUE_TESTS_URING_H
#define TQUEUE_TESTS_URING_H

#include <linux/io_uring.h>

#include "common.h"

struct uring {
	int fd;
	char *queues, *completions;
	struct io_uring_sqe *entries;
	struct io_uring_params params;
	unsigned int unsubmitted;
};

/* False, with errno, where there is no io_uring. */
static inline bool uring_open(struct uring *ring, unsigned int entries)
{
	struct io_uring_params *p = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, entries, p);
	if (ring->fd < 0)
		return false;
	ring->queues = mmap(NULL, p->sq_off.array + p->sq_entries * 4,
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    ring->fd, IORING_OFF_SQ_RING);
	ring->completions = mmap(NULL, p->cq_off.cqes + p->cq_entries *
				 sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_POPULATE, ring->fd,
				 IORING_OFF_CQ_RING);
	ring->entries = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe),
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			     ring->fd, IORING_OFF_SQES);
	if (ring->queues == MAP_FAILED || ring->completions == MAP_FAILED ||
	    ring->entries == MAP_FAILED) {
		close(ring->fd);
		return false;
	}
	return true;
}

/* A mapping keeps the ring as well as the descriptor does. */
static inline void uring_close(struct uring *ring)
{
	struct io_uring_params *p = &ring->params;

	munmap(ring->queues, p->sq_off.array + p->sq_entries * 4);
	munmap(ring->completions, p->cq_off.cqes +
	       p->cq_entries * sizeof(struct io_uring_cqe));
	munmap(ring->entries, p->sq_entries * sizeof(struct io_uring_sqe));
	close(ring->fd);
}

/* The caller sees to it that there is room for one more. */
static inline struct io_uring_sqe *uring_put(struct uring *ring, int op, int fd,
					     void *buf, size_t len,
					     uint64_t name)
{
	_Atomic unsigned int *tail = (void *)(ring->queues + ring->params.sq_off.tail);
	unsigned int *array = (void *)(ring->queues + ring->params.sq_off.array);
	unsigned int at = *tail & (ring->params.sq_entries - 1);
	struct io_uring_sqe *entry = &ring->entries[at];

	memset(entry, 0, sizeof(*entry));
	entry->opcode = op;
	entry->fd = fd;
	entry->addr = (uintptr_t)buf;
	entry->len = len;
	entry->off = -1;
	entry->user_data = name;
	array[at] = at;
	atomic_store(tail, *tail + 1);
	ring->unsubmitted++;
	return entry;
}

/*
 * Submits what was put in, and lets work be done that is due in our context;
 * with @wait, sleeps until a completion is there.
 */
static inline int uring_enter(struct uring *ring, unsigned int wait)
{
	int done = syscall(SYS_io_uring_enter, ring->fd, ring->unsubmitted, wait,
			   IORING_ENTER_GETEVENTS, NULL, 0);

	if (done > 0)
		ring->unsubmitted -= done;
	return done;
}

/* Takes the next completion out; false when there is none. */
static inline bool uring_take(struct uring *ring, uint64_t *name, int *result)
{
	_Atomic unsigned int *head =
		(void *)(ring->completions + ring->params.cq_off.head);
	_Atomic unsigned int *tail =
		(void *)(ring->completions + ring->params.cq_off.tail);
	struct io_uring_cqe *entries =
		(void *)(ring->completions + ring->params.cq_off.cqes);
	struct io_uring_cqe *entry;

	if (atomic_load(head) == atomic_load(tail))
		return false;
	entry = &entries[*head & (ring->params.cq_entries - 1)];
	*result = entry->res;
	*name = entry->user_data;
	atomic_store(head, *head + 1);
	return true;
}

#endif
