/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Named queues, made and removed through the control device, and what a queue says
 * of itself.
 */
#ifndef TQUEUE_TESTS_NAMED_H
#define TQUEUE_TESTS_NAMED_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/uapi/tqueue.h"

#define TQ_CONTROL	"/dev/tqueue-control"
#define TQ_DIRECTORY	"/dev/tq"

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

#endif
