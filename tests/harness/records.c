// SPDX-License-Identifier: GPL-2.0-only
/* See records.h. */
#include "records.h"

#include "check.h"
#include "clock.h"
#include "messages.h"
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

uint64_t t_deadline(double seconds)
{
	return (t_now() + seconds * t_slow()) * 1e9;
}

struct tqueue_record *t_at(void *buf, size_t at)
{
	return (struct tqueue_record *)((char *)buf + at);
}

size_t t_put(void *buf, size_t at, size_t len, uint64_t seed)
{
	struct tqueue_record *record = t_at(buf, at);

	memset(record, 0, t_record(len));
	record->length = len;
	record->header_words = TQUEUE_HEADER_WORDS;
	t_pattern(record->payload, len, seed, 0);
	return at + t_record(len);
}

/* A record that says by itself what the call says for others. */
size_t t_put_extra(void *buf, size_t at, size_t len, uint64_t seed,
		   unsigned int flags, uint64_t key, uint64_t delay)
{
	struct tqueue_record *record = t_at(buf, at);
	struct tqueue_record_extra extra = { .key = key, .delay = delay };
	size_t bytes = t_record(len) + sizeof(extra);

	memset(record, 0, bytes);
	record->length = len;
	record->header_words = TQUEUE_HEADER_WORDS_EXTRA;
	record->flags = flags;
	memcpy(record->payload, &extra, sizeof(extra));
	t_pattern(record->payload + sizeof(extra), len, seed, 0);
	return at + bytes;
}

size_t t_put_many(void *buf, size_t len, uint64_t seed, unsigned int n)
{
	size_t end = 0;

	while (n--)
		end = t_put(buf, end, len, seed++);
	return end;
}

long t_send_call(int fd, void *buf, size_t bytes, uint64_t deadline)
{
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = bytes, .deadline = deadline,
	};

	return ioctl(fd, TQUEUE_SEND, &send);
}

long t_receive_call(int fd, void *buf, size_t room, uint64_t deadline)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

long t_peek_call(int fd, void *buf, size_t room)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room,
		.flags = TQUEUE_RECEIVE_PEEK,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

long t_wait_call(int fd, uint64_t id, uint64_t deadline)
{
	struct tqueue_wait wait = { .id = id, .deadline = deadline };

	return ioctl(fd, TQUEUE_WAIT, &wait);
}

void t_record_at(const char *file, int line, void *buf, size_t *at, size_t end,
		 size_t len, uint64_t seed, unsigned int flags)
{
	struct tqueue_record *record = t_at(buf, *at);
	size_t i;

	t_here(file, line);
	if (end - *at < TQ_HEADER || record->length > end - *at - TQ_HEADER)
		t_fail_at(file, line, "no whole record at byte %zu of %zu", *at, end);
	if (record->length != len)
		t_fail_at(file, line, "a record of %u bytes, not of the %zu of message %llu",
			  record->length, len, (unsigned long long)seed);
	if (record->header_words != TQUEUE_HEADER_WORDS || record->priority ||
	    record->reserved || record->delivery)
		t_fail_at(file, line, "header_words %u, priority %u, reserved %u, delivery %u",
			  record->header_words, record->priority,
			   record->reserved, record->delivery);
	if (record->flags != flags)
		t_fail_at(file, line, "flags %#x, not %#x", record->flags, flags);
	if (t_differs(record->payload, len, seed, 0) >= 0)
		t_fail_at(file, line, "byte %zd is not that of message %llu",
			  t_differs(record->payload, len, seed, 0),
			   (unsigned long long)seed);
	for (i = len; i < t_record(len) - TQ_HEADER; i++)
		if (record->payload[i])
			t_fail_at(file, line, "byte %zu of the padding is %#x", i - len,
				  record->payload[i]);
	*at += t_record(len);
}

void t_received_at(const char *file, int line, int fd, unsigned int n,
		   size_t len, uint64_t seed)
{
	size_t room = n * t_record(len), at = 0;
	struct tqueue_receive receive = { .bytes = room, .count = n };
	unsigned char *buf = malloc(room + 64);
	uint64_t last = 0;
	long got;
	size_t i;

	memset(buf, 0xa5, room + 64);
	receive.records = (uintptr_t)buf;
	got = ioctl(fd, TQUEUE_RECEIVE, &receive);
	if (got != (long)n)
		t_fail_at(file, line, "RECEIVE gives %ld (%s), not %u", got,
			  got < 0 ? strerrorname_np(errno) : "", n);
	if (receive.bytes != room)
		t_fail_at(file, line, "%llu bytes, not %zu",
			  (unsigned long long)receive.bytes, room);
	for (i = 0; i < n; i++) {
		uint64_t id = t_at(buf, at)->id;

		if (id <= last)
			t_fail_at(file, line, "id %llu after %llu",
				  (unsigned long long)id, (unsigned long long)last);
		last = id;
		t_record_at(file, line, buf, &at, room, len, seed + i, 0);
	}
	for (i = room; i < room + 64; i++)
		if (buf[i] != 0xa5)
			t_fail_at(file, line, "RECEIVE writes beyond its room");
	free(buf);
}

void t_empty_at(const char *file, int line, int fd)
{
	uint64_t buf[TQ_PAGE / 8];
	long got = t_peek_call(fd, buf, sizeof(buf));

	t_here(file, line);
	if (got != -1 || errno != EAGAIN)
		t_fail_at(file, line, "the queue is not empty: %ld (%s)", got,
			  got < 0 ? strerrorname_np(errno) : "");
}
