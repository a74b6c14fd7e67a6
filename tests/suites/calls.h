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

int tq_control(void);			/* open for reading and writing, one for all */
struct tqueue_create tq_creation(const char *name);	/* root's, 0600 */
int tq_create_call(const struct tqueue_create *create);	/* 0, or -1 and errno */
void tq_create(const char *name, size_t size);
void tq_create_with(const char *name, size_t size, unsigned int overflow,
		    unsigned int end_of_file);
int tq_remove_call(const char *name, unsigned int flags);
int tq_select_call(unsigned long request, const char *name);
void tq_remove(const char *name);	/* must be closed and empty */
void tq_remove_all(void);		/* with force, whatever there is */
int tq_open_queue_call(const char *name, int flags);
int tq_open_queue(const char *name, int flags);
int tq_open_small(const char *name);	/* new, of one page, for both ways */
char *tq_queue_path(const char *name);	/* lasts until the next call */
struct tqueue_info tq_get(const char *name);
struct tqueue_info tq_info(int fd);
int tq_set_call(const char *name, unsigned int fields, uint64_t size,
		uint64_t max_message);
int tq_policy_call(const char *name, unsigned int fields, unsigned int overflow,
		   unsigned int end_of_file);

/* ---- records ------------------------------------------------------------ */

uint64_t tq_deadline(double seconds);	/* from now, scaled by TQUEUE_SLOW */
size_t tq_put(void *buf, size_t at, size_t len, uint64_t seed);	/* new end */
size_t tq_put_many(void *buf, size_t len, uint64_t seed, unsigned int n);
struct tqueue_record *tq_at(void *buf, size_t at);

/* The plain calls; @deadline 0: without sleeping. */
long tq_send_call(int fd, void *buf, size_t bytes, uint64_t deadline);
long tq_receive_call(int fd, void *buf, size_t room, uint64_t deadline);
long tq_peek_call(int fd, void *buf, size_t room);
long tq_wait_call(int fd, uint64_t id, uint64_t deadline);

void tq_record_at(const char *file, int line, void *buf, size_t *at, size_t end,
		  size_t len, uint64_t seed, unsigned int flags);
/* The record at *at has these contents; moves *at to the next one. */
#define tq_record_is(buf, at, end, len, seed, flags)			\
	tq_record_at(__FILE__, __LINE__, buf, at, end, len, seed, flags)

void tq_received_at(const char *file, int line, int fd, unsigned int n,
		    size_t len, uint64_t seed);
/* RECEIVE gives n messages: seed, seed + 1, ... */
#define tq_received(fd, n, len, seed)					\
	tq_received_at(__FILE__, __LINE__, fd, n, len, seed)
void tq_empty_at(const char *file, int line, int fd);
#define tq_empty(fd)	tq_empty_at(__FILE__, __LINE__, fd)

void tq_end_at(const char *file, int line, int fd);
/* Nothing is left of what went through the queue; closes and removes it. */
#define tq_end(fd)	tq_end_at(__FILE__, __LINE__, fd)

/* ---- calls that are expected to sleep ------------------------------------- */

struct tq_batch {
	struct tq_task task;
	union {
		struct tqueue_send send;
		struct tqueue_receive receive;
		struct tqueue_wait wait;
	};
};

void tq_start_send(struct tq_batch *batch, int fd, void *buf, size_t bytes,
		   uint64_t deadline);
void tq_start_receive(struct tq_batch *batch, int fd, void *buf, size_t room,
		      uint64_t deadline);
void tq_start_wait(struct tq_batch *batch, int fd, uint64_t id,
		   uint64_t deadline);
void tq_result_at(const char *file, int line, struct tq_task *task,
		  ssize_t want, int error);
/* The task ends with this result, or with -1 and this errno. */
#define tq_result(task, want)	tq_result_at(__FILE__, __LINE__, task, want, 0)
#define tq_fails(task, error)	tq_result_at(__FILE__, __LINE__, task, -1, error)

#endif
