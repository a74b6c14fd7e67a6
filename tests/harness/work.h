/* SPDX-License-Identifier: GPL-2.0-only */
/* The work queue: leases, settlements, delays, keys, lists. */
#ifndef TQUEUE_TESTS_WORK_H
#define TQUEUE_TESTS_WORK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "../../src/uapi/tqueue.h"

#define T_MS		1000000ULL	/* nanoseconds */
#define T_SECOND	(1000 * T_MS)

/* How a queue is otherwise than others: t_set_field(fd, MAX_LEASED, max_leased, 3). */
#define t_set_field(fd, FIELD, field, value)				\
	ioctl(fd, TQUEUE_SET, &(struct tqueue_config){			\
		.fields = TQUEUE_CONFIG_ ## FIELD, .field = (value) })

/* Sends one message of @len bytes, by SEND; its id. */
uint64_t t_send_id(int fd, size_t len, uint64_t seed);
/* @n of 20 bytes: seed, seed + 1, ...; the id of the last. */
uint64_t t_send_many(int fd, unsigned int n, uint64_t seed);
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

#endif
