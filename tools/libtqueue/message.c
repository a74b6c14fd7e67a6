// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One message at a time.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"

/* Up to this length, a message is copied behind a header on the stack. */
#define ON_STACK	4096

#define SEND_FLAGS	(TQUEUE_SEND_DELAY | TQUEUE_SEND_UNIQUE | TQUEUE_SEND_UNSETTLED)

void libtq_finish_record(struct tqueue_record *record, size_t length)
{
	libtq_make_header(record, length);
	memset(record->payload + length, 0, -length & 7);
}

/* Copies the options that the caller knows.  Later ones are 0. */
int libtq_take_options(struct tqueue_send_options *to,
		       const struct tqueue_send_options *from)
{
	size_t size = from->size, i;

	if (size < offsetof(struct tqueue_send_options, priority))
		return libtq_fail(EINVAL);
	/* Options of a later library cannot be carried out by this one. */
	for (i = sizeof(*to); i < size; i++)
		if (((const unsigned char *)from)[i])
			return libtq_fail(E2BIG);
	memset(to, 0, sizeof(*to));
	memcpy(to, from, size < sizeof(*to) ? size : sizeof(*to));
	if (to->flags & ~(uint32_t)SEND_FLAGS ||
	    to->priority > TQUEUE_PRIORITY_MAX || to->delay >> 63)
		return libtq_fail(EINVAL);
	if (!(to->flags & TQUEUE_SEND_UNIQUE) &&
	    (to->key || to->flags & TQUEUE_SEND_UNSETTLED))
		return libtq_fail(EINVAL);
	if (to->delay)
		to->flags |= TQUEUE_SEND_DELAY;
	return 0;
}

uint64_t libtq_features_of(uint32_t flags, uint32_t priority)
{
	uint64_t features = 0;

	if (priority)
		features |= TQUEUE_FEATURE_PRIORITY;
	if (flags & TQUEUE_SEND_DELAY)
		features |= TQUEUE_FEATURE_DELAY;
	if (flags & TQUEUE_SEND_UNIQUE)
		features |= TQUEUE_FEATURE_UNIQUE;
	return features;
}

/* Sends a message, copied into @record. */
static int send_in(struct tqueue_record *record, int fd, const void *data,
		   size_t length, const struct tqueue_send_options *options,
		   struct tqueue_send *send)
{
	send->records = (uintptr_t)record;
	send->bytes = TQUEUE_RECORD_BYTES(length);
	send->flags = options->flags;
	send->delay = options->delay;
	send->key = options->key;
	if (length)
		memcpy(record->payload, data, length);
	libtq_finish_record(record, length);
	record->priority = (__u8)options->priority;
	return libtq_ioctl_for(fd, TQUEUE_SEND, send,
			       libtq_features_of(options->flags, options->priority)) < 0 ? -1 : 0;
}

static int send_small(int fd, const void *data, size_t length,
		      const struct tqueue_send_options *options,
		      struct tqueue_send *send)
{
	union {
		struct tqueue_record record;
		unsigned char bytes[TQUEUE_RECORD_BYTES(ON_STACK)];
	} space;

	return send_in(&space.record, fd, data, length, options, send);
}

/*
 * Sends a long message that write(2) cannot send, because it has a deadline or options:
 * TQUEUE_SEND needs the header before the payload.
 */
static int send_mapped(int fd, const void *data, size_t length,
		       const struct tqueue_send_options *options,
		       struct tqueue_send *send)
{
	size_t bytes = TQUEUE_RECORD_BYTES(length);
	void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int result, error;

	if (space == MAP_FAILED)
		return -1;
	result = send_in(space, fd, data, length, options, send);
	error = errno;
	munmap(space, bytes);
	errno = error;
	return result;
}

EXPORT int tqueue_send(int fd, const void *data, size_t length,
		       uint64_t deadline)
{
	struct iovec vector = { (void *)(uintptr_t)data, length };
	const struct tqueue_send_options none = { 0 };
	struct tqueue_send send = { .deadline = deadline };

	if (length > TQUEUE_LENGTH_MAX)
		return libtq_fail(EMSGSIZE);
	if (length && deadline == TQUEUE_FOREVER)
		return write(fd, data, length) < 0 ? -1 : 0;
	if (length <= ON_STACK)
		return send_small(fd, data, length, &none, &send);
	if (pwritev2(fd, &vector, 1, -1, RWF_NOWAIT) >= 0)
		return 0;
	if (errno == EAGAIN && deadline)
		return send_mapped(fd, data, length, &none, &send);
	return -1;
}

EXPORT int tqueue_send_with(int fd, const void *data, size_t length,
			    const struct tqueue_send_options *options,
			    uint64_t deadline, uint64_t *id)
{
	struct tqueue_send send = { .deadline = deadline };
	struct tqueue_send_options taken = { 0 };
	int result;

	if (length > TQUEUE_LENGTH_MAX)
		return libtq_fail(EMSGSIZE);
	if (options && libtq_take_options(&taken, options))
		return -1;
	if (length <= ON_STACK)
		result = send_small(fd, data, length, &taken, &send);
	else
		result = send_mapped(fd, data, length, &taken, &send);
	if (id && (!result || errno == EEXIST))
		*id = send.last_id;
	return result;
}

EXPORT uint64_t tqueue_key(const void *data, size_t length)
{
	const unsigned char *byte = data;
	uint64_t key = 0xcbf29ce484222325;

	for (; length; length--)
		key = (key ^ *byte++) * 0x100000001b3;
	return key;
}

int libtq_receive(int fd, struct tqueue_receive *receive)
{
	uint64_t features = 0;

	if (receive->flags & (TQUEUE_RECEIVE_LEASE | TQUEUE_RECEIVE_ACK))
		features |= TQUEUE_FEATURE_LEASE;
	if (receive->flags & TQUEUE_RECEIVE_BY_ID)
		features |= TQUEUE_FEATURE_LIST;
	return libtq_ioctl_for(fd, TQUEUE_RECEIVE, receive, features);
}

int libtq_receive_one(int fd, struct tqueue_record *record, size_t size,
		      struct tqueue_receive *receive)
{
	int result;

	if (size < sizeof(*record))
		return libtq_fail(EINVAL);
	receive->records = (uintptr_t)record;
	receive->bytes = size;
	receive->count = 1;
	result = libtq_receive(fd, receive);
	if (result < 0 && errno == EMSGSIZE)
		record->length = (uint32_t)(receive->bytes - sizeof(*record));
	return result;
}

EXPORT int tqueue_receive(int fd, struct tqueue_record *record, size_t size,
			  uint64_t deadline)
{
	struct tqueue_receive receive = { .deadline = deadline };

	return libtq_receive_one(fd, record, size, &receive);
}

EXPORT int tqueue_peek(int fd, struct tqueue_record *record, size_t size,
		       uint64_t deadline)
{
	struct tqueue_receive receive = {
		.deadline = deadline,
		.flags = TQUEUE_RECEIVE_PEEK,
	};

	return libtq_receive_one(fd, record, size, &receive);
}

EXPORT int tqueue_receive_id(int fd, uint64_t id, struct tqueue_record *record,
			     size_t size)
{
	struct tqueue_receive receive = { .flags = TQUEUE_RECEIVE_BY_ID, .id = id };

	return libtq_receive_one(fd, record, size, &receive);
}

EXPORT int tqueue_peek_id(int fd, uint64_t id, struct tqueue_record *record,
			  size_t size)
{
	struct tqueue_receive receive = {
		.flags = TQUEUE_RECEIVE_PEEK | TQUEUE_RECEIVE_BY_ID,
		.id = id,
	};

	return libtq_receive_one(fd, record, size, &receive);
}
