/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for many files and a time at once, and telling whom it concerns. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdint.h>
#include <sys/epoll.h>

/**
 * struct event_source - a file that is waited for
 * @fd: the file, or -1
 * @ready: called with what epoll(7) says of it
 */
struct event_source {
	int fd;
	void (*ready)(struct event_source *source, uint32_t events);
};

/* Begins; 0, or -1 and errno. */
int events_open(void);

/* Waits for these events of a file from now on; 0, or -1 and errno. */
int events_add(struct event_source *source, uint32_t events);

/* The same once more, for one that was added with EPOLLONESHOT. */
void events_arm(struct event_source *source, uint32_t events);

/* Waits for it no more, and closes it. */
void events_close(struct event_source *source);

/* Waits until that time (of clock_ns(), or UNITS_FOREVER) at most, and tells. */
void events_wait(uint64_t until);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_ns(void);

#endif /* EVENTS_H */
