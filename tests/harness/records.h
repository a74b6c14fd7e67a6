/* SPDX-License-Identifier: GPL-2.0-only */
/* SEND, RECEIVE and PEEK: buffers of records. */
#ifndef TQUEUE_TESTS_RECORDS_H
#define TQUEUE_TESTS_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/uapi/tqueue.h"

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

#endif
