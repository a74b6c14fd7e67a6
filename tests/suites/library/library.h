/* SPDX-License-Identifier: GPL-2.0-only */
/* libtqueue: each call, its errors, batches from buffers that lie. */
#ifndef TQUEUE_SUITE_LIBRARY_H
#define TQUEUE_SUITE_LIBRARY_H

#include "common.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <tqueue.h>

#define CONTROL	"/dev/tqueue-control"

/* The example of libtqueue(3). */
int example_main(int argc, char **argv);

static inline int open_queue(const char *name, int flags)
{
	int fd = tqueue_open(name, flags);

	t_true(fd >= 0, "%s cannot be opened: %s", name,
	       tqueue_strerror(errno));
	return fd;
}

static inline int open_control(void)
{
	int fd = tqueue_control_open(O_RDWR);

	t_true(fd >= 0, "no control device: %s", tqueue_strerror(errno));
	return fd;
}

/* A full queue: what may not wait, what waits too long, what gets in. */
static inline void fill_up(int fd)
{
	struct tqueue_info info;

	while (!tqueue_send(fd, "", 0, 0))
		;
	t_is(errno == EAGAIN || errno == ENOBUFS, 1);
	t_is(tqueue_get(fd, &info), 0);
	t_errno(tqueue_send(fd, "", 0, 0),
		info.overflow == TQUEUE_OVERFLOW_REJECT ? ENOBUFS : EAGAIN);
}

/* batches.c */
void names(void);
void deadlines(void);
void filling(void);
void hostile(void);

/* absent.c */
void no_queue(void);
void no_driver(void);
void old_driver(void);

/* messages.c */
void one_message(void);
void full_queue(void);
void full_queue_long(void);
void batches(void);
void threads(void);

/* administration.c */
void stop_and_start(void);
void administration(void);
void looking(void);
void polling(void);

/* explanations.c */
void explanations(void);
void wrong_devices(void);
void example(void);

#endif
