/* SPDX-License-Identifier: GPL-2.0-only */
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

size_t t_put_extra(void *buf, size_t at, size_t len, uint64_t seed,
		   unsigned int flags, uint64_t key, uint64_t delay);

void t_received_at(const char *file, int line, int fd, unsigned int n,
		   size_t len, uint64_t seed);
/* RECEIVE gives n messages: seed, seed + 1, ... */
#define t_received(fd, n, len, seed)					\
	t_received_at(__FILE__, __LINE__, fd, n, len, seed)
void t_empty_at(const char *file, int line, int fd);
#define t_empty(fd)	t_empty_at(__FILE__, __LINE__, fd)

void t_adds_up_at(const char *file, int line, const struct tqueue_info *info);
/* All that was sent was received or dropped, or is still there, in some state. */
#define t_adds_up(fd)							\
	do {								\
		struct tqueue_info t_info_ = t_info(fd);		\
									\
		t_adds_up_at(__FILE__, __LINE__, &t_info_);		\
	} while (0)
void t_end_at(const char *file, int line, int fd);
/* Nothing is left of what went through the queue; closes and removes it. */
#define t_end(fd)	t_end_at(__FILE__, __LINE__, fd)

/* ---- the work queue ------------------------------------------------------- */

#define T_MS		1000000ULL	/* nanoseconds */
#define T_SECOND	(1000 * T_MS)

/* How a queue is otherwise than others: t_set_field(fd, MAX_LEASED, max_leased, 3). */
#define t_set_field(fd, FIELD, field, value)				\
	ioctl(fd, TQUEUE_SET, &(struct tqueue_config){			\
		.fields = TQUEUE_CONFIG_ ## FIELD, .field = (value) })

/* Sends one message of @len bytes, by SEND; its id. */
uint64_t t_send_id(int fd, size_t len, uint64_t seed);
uint64_t t_send_priority(int fd, size_t len, uint64_t seed, unsigned int priority);
uint64_t t_send_delayed(int fd, size_t len, uint64_t seed, uint64_t delay);
/* With a key; 1, or -1 and errno. @id: of the message sent, or that which has the key. */
long t_send_unique_call(int fd, size_t len, uint64_t seed, uint64_t key,
			unsigned int flags, uint64_t *id);
uint64_t t_send_unique(int fd, size_t len, uint64_t seed, uint64_t key);

/* Without sleeping; @limit 0: that of the queue. */
long t_lease_call(int fd, void *buf, size_t room, unsigned int count,
		  uint64_t limit);
struct tqueue_record t_lease_at(const char *file, int line, int fd, size_t len,
				uint64_t seed);
/* Leases one message, which must be this one; the header of its record. */
#define t_lease(fd, len, seed)	t_lease_at(__FILE__, __LINE__, fd, len, seed)
struct tqueue_record t_take_at(const char *file, int line, int fd, size_t len,
			       uint64_t seed);
/* The same, and it is received. */
#define t_take(fd, len, seed)	t_take_at(__FILE__, __LINE__, fd, len, seed)
void t_no_lease_at(const char *file, int line, int fd, int error);
#define t_no_lease(fd, error)	t_no_lease_at(__FILE__, __LINE__, fd, error)
/* By id: PEEK, LEASE or 0; 1 with the record in buf, or -1 and errno. */
long t_by_id_call(int fd, uint64_t id, unsigned int flags, void *buf,
		  size_t room);

struct tqueue_settlement t_settlement(const struct tqueue_record *record,
				      unsigned int action);
long t_settle_call(int fd, struct tqueue_settlement *settlements,
		   unsigned int count);
/* Settles one; its result. */
int t_settle_one(int fd, struct tqueue_settlement settlement);
int t_settle(int fd, const struct tqueue_record *record, unsigned int action);
int t_settle_unleased(int fd, uint64_t id, unsigned int action);
int t_requeue(int fd, const struct tqueue_record *record, uint64_t delay,
	      unsigned int flags);
long t_kick_call(int fd, uint64_t id, unsigned int count, unsigned int states,
		 unsigned int *left);
long t_list_call(int fd, struct tqueue_listed *entries, unsigned int count,
		 uint64_t after, unsigned int states);
/* The entry of that message; all zero if there is none. */
struct tqueue_listed t_listed(int fd, uint64_t id);
unsigned int t_state(int fd, uint64_t id);
void t_becomes_at(const char *file, int line, int fd, uint64_t id,
		  unsigned int state);
/* The message gets into that state (TQUEUE_READY, ... or 0: gone) before long. */
#define t_becomes(fd, id, state)	t_becomes_at(__FILE__, __LINE__, fd, id, state)
void t_counts_at(const char *file, int line, int fd, unsigned int ready,
		 unsigned int leased, unsigned int delayed, unsigned int buried);
/* So many are ready, leased, delayed and buried. */
#define t_counts(fd, ready, leased, delayed, buried)			\
	t_counts_at(__FILE__, __LINE__, fd, ready, leased, delayed, buried)
double t_boot_time(void);	/* seconds, CLOCK_BOOTTIME */
void t_set_user(unsigned int uid);

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
void t_result_at(const char *file, int line, struct t_task *task,
		 ssize_t want, int error);
/* The task ends with this result, or with -1 and this errno. */
#define t_result(task, want)	t_result_at(__FILE__, __LINE__, task, want, 0)
#define t_fails(task, error)	t_result_at(__FILE__, __LINE__, task, -1, error)

#endif
