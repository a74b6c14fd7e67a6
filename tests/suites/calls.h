/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's own calls, for the suites: named queues made and removed through
 * the control device, and buffers of records to send and to receive.
 *
 * A check that fails ends the test, as in common.h; what is meant to fail is
 * left to the plain ioctl().
 */
#ifndef TQUEUE_TESTS_CALLS_H
#define TQUEUE_TESTS_CALLS_H

#include "common.h"

#include "../../src/uapi/tqueue.h"

#define TQ_CONTROL	"/dev/tqueue-control"
#define TQ_DIRECTORY	"/dev/tq"

/* ---- named queues ------------------------------------------------------ */

int t_control(void);			/* open for reading and writing, one for all */
struct tqueue_create t_creation(const char *name);	/* root's, 0600 */
int t_create_call(const struct tqueue_create *create);	/* 0, or -1 and errno */
void t_create(const char *name, size_t size);
void t_create_with(const char *name, size_t size, unsigned int overflow,
		   unsigned int end_of_file);
int t_remove_call(const char *name, unsigned int flags);
int t_select_call(unsigned long request, const char *name);
void t_remove(const char *name);	/* must be closed and empty */
void t_remove_all(void);		/* with force, whatever there is */
int t_open_queue_call(const char *name, int flags);
int t_open_queue(const char *name, int flags);
int t_open_small(const char *name);	/* new, of one page, for both ways */
char *t_queue_path(const char *name);	/* lasts until the next call */
struct tqueue_info t_get(const char *name);
struct tqueue_info t_info(int fd);
int t_set_call(const char *name, unsigned int fields, uint64_t size,
	       uint64_t max_message);
int t_policy_call(const char *name, unsigned int fields, unsigned int overflow,
		  unsigned int end_of_file);

/* ---- records ------------------------------------------------------------ */

uint64_t t_deadline(double seconds);	/* from now, scaled by TQUEUE_SLOW */
size_t t_put(void *buf, size_t at, size_t len, uint64_t seed);	/* new end */
size_t t_put_many(void *buf, size_t len, uint64_t seed, unsigned int n);
struct tqueue_record *t_at(void *buf, size_t at);

/* The plain calls; @deadline 0: without sleeping. */
long t_send_call(int fd, void *buf, size_t bytes, uint64_t deadline);
long t_receive_call(int fd, void *buf, size_t room, uint64_t deadline);
long t_peek_call(int fd, void *buf, size_t room);
long t_wait_call(int fd, uint64_t id, uint64_t deadline);

void t_record_at(const char *file, int line, void *buf, size_t *at, size_t end,
		 size_t len, uint64_t seed, unsigned int flags);
/* The record at *at has these contents; moves *at to the next one. */
#define t_record_is(buf, at, end, len, seed, flags)			\
	t_record_at(__FILE__, __LINE__, buf, at, end, len, seed, flags)

void t_received_at(const char *file, int line, int fd, unsigned int n,
		   size_t len, uint64_t seed);
/* RECEIVE gives n messages: seed, seed + 1, ... */
#define t_received(fd, n, len, seed)					\
	t_received_at(__FILE__, __LINE__, fd, n, len, seed)
void t_empty_at(const char *file, int line, int fd);
#define t_empty(fd)	t_empty_at(__FILE__, __LINE__, fd)

void t_adds_up_at(const char *file, int line, const struct tqueue_info *info);
/* All that was sent was received or dropped, or is still there. */
#define t_adds_up(fd)							\
	do {								\
		struct tqueue_info t_info_ = t_info(fd);		\
									\
		t_adds_up_at(__FILE__, __LINE__, &t_info_);		\
	} while (0)
void t_end_at(const char *file, int line, int fd);
/* Nothing is left of what went through the queue; closes and removes it. */
#define t_end(fd)	t_end_at(__FILE__, __LINE__, fd)

/* ---- calls that are expected to sleep ------------------------------------- */

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
void t_start_wait(struct t_batch *batch, int fd, uint64_t id,
		  uint64_t deadline);
void t_result_at(const char *file, int line, struct t_task *task,
		 ssize_t want, int error);
/* The task ends with this result, or with -1 and this errno. */
#define t_result(task, want)	t_result_at(__FILE__, __LINE__, task, want, 0)
#define t_fails(task, error)	t_result_at(__FILE__, __LINE__, task, -1, error)

#endif
