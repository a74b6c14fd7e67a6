/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages that can be told apart: what is in them follows from a seed. */
#ifndef TQUEUE_TESTS_MESSAGES_H
#define TQUEUE_TESTS_MESSAGES_H

#include <stdint.h>
#include <sys/types.h>

void t_pattern(void *buf, size_t len, uint64_t seed, size_t offset);
/* The first byte that is not as it should be, or -1. */
ssize_t t_differs(const void *buf, size_t len, uint64_t seed, size_t offset);
void t_send(int fd, size_t len, uint64_t seed);
void t_receive_at(const char *file, int line, int fd, size_t len,
		  uint64_t seed, size_t offset);
#define t_receive(fd, len, seed)					\
	t_receive_at(__FILE__, __LINE__, fd, len, seed, 0)
#define t_receive_rest(fd, len, seed, offset)				\
	t_receive_at(__FILE__, __LINE__, fd, len, seed, offset)
void t_read_part(int fd, size_t len, uint64_t seed, size_t offset);	/* read() takes no more */
void t_nothing_at(const char *file, int line);
/* The default queue is empty. */
#define t_nothing()	t_nothing_at(__FILE__, __LINE__)

#endif
