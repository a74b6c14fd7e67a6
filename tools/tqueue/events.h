/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for many files and a time at once, with a function for each file. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdint.h>
#include <sys/epoll.h>

/**
 * struct event_source - a file to wait for
 * @fd: the file, or -1
 * @ready: called with the events that epoll(7) reports
 */
struct event_source {
	int fd;
	void (*ready)(struct event_source *source, uint32_t events);
};

/* Prepares waiting.  Returns 0, or -1 and errno. */
int events_open(void);

/* Adds a file to wait for, with these events.  Returns 0, or -1 and errno. */
int events_add(struct event_source *source, uint32_t events);

/* Waits again for a file that was added with EPOLLONESHOT. */
void events_arm(struct event_source *source, uint32_t events);

/* Removes the file and closes it. */
void events_close(struct event_source *source);

/* Waits for events until @until (of clock_ns(), or UNITS_FOREVER), and handles them. */
void events_wait(uint64_t until);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_ns(void);

#endif /* EVENTS_H */
