// SPDX-License-Identifier: GPL-2.0-only
/* See queue.h. */
#include "queue.h"

#include "check.h"
#include "files.h"
#include "messages.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

long t_value(const char *attribute)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/sys/class/tqueue/tqueue/%s", attribute);
	if (t_slurp(path, text, sizeof(text)) < 0)
		t_fail("cannot read %s: %s", path, t_error_name(errno));
	return atol(text);
}

size_t t_size(void)
{
	return t_value("size");
}

size_t t_max_message(void)
{
	return t_value("max_message");
}

long t_try_drain(void)
{
	int fd = open(TQ_DEVICE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	size_t len = 1UL << 20;
	long reads = 0;
	char *buf;
	int error;

	if (fd < 0)
		return -errno;
	buf = malloc(len);
	while (buf && read(fd, buf, len) > 0)
		reads++;
	error = errno;
	free(buf);
	close(fd);
	return error == EAGAIN ? reads : -error;
}

long t_drain(void)
{
	long reads = t_try_drain();

	t_true(reads >= 0, "draining fails with %s", t_error_name(-reads));
	return reads;
}

int t_open(int flags)
{
	int fd = open(TQ_DEVICE, flags | O_CLOEXEC);

	t_true(fd >= 0, "open(%s, %#x) fails with %s", TQ_DEVICE, flags,
	       t_error_name(errno));
	return fd;
}

size_t t_fill_file(int fd, size_t len, uint64_t seed)
{
	int flags = fcntl(fd, F_GETFL);
	char *buf = malloc(len);
	size_t n = 0;

	t_is(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	for (;;) {
		ssize_t sent;

		t_pattern(buf, len, seed + n, 0);
		sent = write(fd, buf, len);
		if (sent < 0) {
			t_errno(sent, EAGAIN);
			break;
		}
		t_is(sent, len);
		n++;
	}
	t_is(fcntl(fd, F_SETFL, flags), 0);
	free(buf);
	return n;
}

size_t t_fill(size_t len, uint64_t seed)
{
	int fd = t_open(O_WRONLY);
	size_t n = t_fill_file(fd, len, seed);

	close(fd);
	return n;
}

void t_fdinfo(int fd, char *text, size_t len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	t_true(t_read_file(path, text, len) > 0, "%s cannot be read", path);
}

int t_fionread(int fd)
{
	int bytes = -1;

	t_is(ioctl(fd, FIONREAD, &bytes), 0);
	return bytes;
}

short t_poll(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };
	int n = poll(&one, 1, 0);

	t_true(n >= 0, "poll fails with %s", t_error_name(errno));
	return n ? one.revents : 0;
}

int t_epoll(int fd, unsigned int events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	return epoll;
}
