// SPDX-License-Identifier: GPL-2.0-only
/* See messages.h. */
#include "messages.h"

#include "check.h"
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline uint64_t pattern_word(uint64_t seed, size_t i)
{
	uint64_t word = (seed * 0x9e3779b97f4a7c15 + i) * 0xd6e8feb86659fd93;

	return word ^ word >> 32;
}

void t_pattern(void *buf, size_t len, uint64_t seed, size_t offset)
{
	unsigned char *at = buf;
	size_t end = offset + len;

	while (offset < end) {
		uint64_t word = pattern_word(seed, offset / 8);
		size_t skip = offset % 8;
		size_t n = end - offset < 8 - skip ? end - offset : 8 - skip;

		memcpy(at, (char *)&word + skip, n);
		at += n;
		offset += n;
	}
}

ssize_t t_differs(const void *buf, size_t len, uint64_t seed, size_t offset)
{
	const unsigned char *at = buf;
	size_t done = 0;

	while (done < len) {
		uint64_t word = pattern_word(seed, (offset + done) / 8);
		size_t skip = (offset + done) % 8;
		size_t n = len - done < 8 - skip ? len - done : 8 - skip;

		if (memcmp(at + done, (char *)&word + skip, n)) {
			while (at[done] == ((unsigned char *)&word)[skip]) {
				done++;
				skip++;
			}
			return done;
		}
		done += n;
	}
	return -1;
}

void t_send(int fd, size_t len, uint64_t seed)
{
	char *buf = malloc(len + 1);

	t_pattern(buf, len, seed, 0);
	t_is(write(fd, buf, len), len);
	free(buf);
}

void t_receive_at(const char *file, int line, int fd, size_t len,
		  uint64_t seed, size_t offset)
{
	size_t space = len + 64;
	unsigned char *buf = malloc(space);
	ssize_t got, at;

	t_here(file, line);
	memset(buf, 0xa5, space);
	got = read(fd, buf, space);
	if (got != (ssize_t)len)
		t_fail_at(file, line, "read gives %zd (%s), not the %zu bytes of message %llu",
			  got, got < 0 ? t_error_name(errno) : "", len,
			   (unsigned long long)seed);
	at = t_differs(buf, len, seed, offset);
	if (at >= 0)
		t_fail_at(file, line, "byte %zd of %zu is not that of message %llu",
			  at, len, (unsigned long long)seed);
	for (at = len; at < (ssize_t)space; at++)
		if (buf[at] != 0xa5)
			t_fail_at(file, line, "read of %zu bytes writes to byte %zd",
				  len, at);
	free(buf);
}

void t_read_part(int fd, size_t len, uint64_t seed, size_t offset)
{
	char buf[TQ_PAGE];

	t_is(read(fd, buf, len), len);
	t_is(t_differs(buf, len, seed, offset), -1);
}

void t_nothing_at(const char *file, int line)
{
	int fd = t_open(O_RDONLY | O_NONBLOCK);
	char buf[64];
	ssize_t got = read(fd, buf, sizeof(buf));

	if (got >= 0)
		t_fail_at(file, line, "a message of %zd bytes or more is in the queue",
			  got);
	if (errno != EAGAIN)
		t_fail_at(file, line, "reading an empty queue fails with %s",
			  t_error_name(errno));
	close(fd);
}
