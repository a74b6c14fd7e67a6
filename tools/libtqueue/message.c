// SPDX-License-Identifier: LGPL-2.1-or-later
/* One message at a time. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"

/* Up to this length a message is copied behind a header on the stack. */
#define ON_STACK	4096

void libtq_finish_record(struct tqueue_record *record, size_t length)
{
	libtq_make_header(record, length);
	memset(record->payload + length, 0, -length & 7);
}

static int send_in(struct tqueue_record *record, int fd, const void *data,
		   size_t length, uint64_t deadline)
{
	struct tqueue_send send = {
		.records = (uintptr_t)record,
		.bytes = TQUEUE_RECORD_BYTES(length),
		.deadline = deadline,
	};

	if (length)
		memcpy(record->payload, data, length);
	libtq_finish_record(record, length);
	return libtq_ioctl(fd, TQUEUE_SEND, &send) < 0 ? -1 : 0;
}

static int send_small(int fd, const void *data, size_t length,
		      uint64_t deadline)
{
	union {
		struct tqueue_record record;
		unsigned char bytes[TQUEUE_RECORD_BYTES(ON_STACK)];
	} space;

	return send_in(&space.record, fd, data, length, deadline);
}

/*
 * For a long message that has to stand in line until a deadline: write(2) knows
 * none, and TQUEUE_SEND wants the header in front of the payload.
 */
static int send_mapped(int fd, const void *data, size_t length,
		       uint64_t deadline)
{
	size_t bytes = TQUEUE_RECORD_BYTES(length);
	void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int result, error;

	if (space == MAP_FAILED)
		return -1;
	result = send_in(space, fd, data, length, deadline);
	error = errno;
	munmap(space, bytes);
	errno = error;
	return result;
}

EXPORT int tqueue_send(int fd, const void *data, size_t length,
		       uint64_t deadline)
{
	struct iovec vector = { (void *)(uintptr_t)data, length };

	if (length > TQUEUE_LENGTH_MAX)
		return libtq_fail(EMSGSIZE);
	if (length && deadline == TQUEUE_FOREVER)
		return write(fd, data, length) < 0 ? -1 : 0;
	if (length <= ON_STACK)
		return send_small(fd, data, length, deadline);
	if (pwritev2(fd, &vector, 1, -1, RWF_NOWAIT) >= 0)
		return 0;
	if (errno == EAGAIN && deadline)
		return send_mapped(fd, data, length, deadline);
	return -1;
}

int libtq_receive(int fd, struct tqueue_receive *receive)
{
	return libtq_ioctl(fd, TQUEUE_RECEIVE, receive);
}

static int receive_one(int fd, struct tqueue_record *record, size_t size,
		       uint64_t deadline, uint32_t flags)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)record,
		.bytes = size,
		.deadline = deadline,
		.flags = flags,
		.count = 1,
	};
	int result;

	if (size < sizeof(*record))
		return libtq_fail(EINVAL);
	result = libtq_receive(fd, &receive);
	if (result < 0 && errno == EMSGSIZE)
		record->length = (uint32_t)(receive.bytes - sizeof(*record));
	return result;
}

EXPORT int tqueue_receive(int fd, struct tqueue_record *record, size_t size,
			  uint64_t deadline)
{
	return receive_one(fd, record, size, deadline, 0);
}

EXPORT int tqueue_peek(int fd, struct tqueue_record *record, size_t size,
		       uint64_t deadline)
{
	return receive_one(fd, record, size, deadline, TQUEUE_RECEIVE_PEEK);
}
