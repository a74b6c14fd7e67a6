// SPDX-License-Identifier: GPL-2.0-only
#include <time.h>
#include <unistd.h>

#include "events.h"
#include "units.h"

/* The most events of one wait. */
#define AT_ONCE	64

static struct {
	int fd;
	struct epoll_event happened[AT_ONCE];
	int count;
} epoll = { .fd = -1 };

int events_open(void)
{
	epoll.fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll.fd < 0 ? -1 : 0;
}

int events_add(struct event_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(epoll.fd, EPOLL_CTL_ADD, source->fd, &event);
}

void events_arm(struct event_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	epoll_ctl(epoll.fd, EPOLL_CTL_MOD, source->fd, &event);
}

void events_close(struct event_source *source)
{
	int i;

	if (source->fd < 0)
		return;
	/* If another process has the file open, close(2) does not remove it from epoll. */
	epoll_ctl(epoll.fd, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
	source->fd = -1;
	/* Forget its events that have not been handled yet. */
	for (i = 0; i < epoll.count; i++)
		if (epoll.happened[i].data.ptr == source)
			epoll.happened[i].data.ptr = NULL;
}

void events_wait(uint64_t until)
{
	uint64_t now = clock_ns(), left = until > now ? until - now : 0;
	struct timespec wait = {
		.tv_sec = (time_t)(left / 1000000000),
		.tv_nsec = (long)(left % 1000000000),
	};
	struct event_source *source;
	int i;

	epoll.count = epoll_pwait2(epoll.fd, epoll.happened, AT_ONCE,
				   until == UNITS_FOREVER ? NULL : &wait, NULL);
	for (i = 0; i < epoll.count; i++) {
		source = epoll.happened[i].data.ptr;
		if (source)
			source->ready(source, epoll.happened[i].events);
	}
	epoll.count = 0;
}

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
