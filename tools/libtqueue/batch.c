// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Many messages, as records in a buffer of the caller.
 */
#include <string.h>

#include "internal.h"

#define ALIGNMENT	8

EXPORT void tqueue_batch_init(struct tqueue_batch *batch, void *buffer,
			      size_t size)
{
	size_t skip = -(uintptr_t)buffer & (ALIGNMENT - 1);

	memset(batch, 0, sizeof(*batch));
	if (skip > size)
		skip = size;
	batch->buffer = (unsigned char *)buffer + skip;
	batch->size = size - skip;
}

EXPORT int tqueue_batch_load(struct tqueue_batch *batch, const void *records,
			     size_t bytes)
{
	if ((uintptr_t)records & (ALIGNMENT - 1))
		return libtq_fail(EINVAL);
	tqueue_batch_init(batch, (void *)(uintptr_t)records, bytes);
	batch->end = bytes;
	return 0;
}

/* Where the payload of the next record goes, after @header bytes. */
static inline void *find_room(const struct tqueue_batch *batch, size_t header,
			      size_t *room)
{
	size_t left = (batch->size - batch->end) & ~(size_t)(ALIGNMENT - 1);

	*room = 0;
	if (left < header)
		return NULL;
	left -= header;
	*room = left < TQUEUE_LENGTH_MAX ? left : TQUEUE_LENGTH_MAX;
	return batch->buffer + batch->end + header;
}

EXPORT void *tqueue_batch_room(const struct tqueue_batch *batch, size_t *room)
{
	return find_room(batch, sizeof(struct tqueue_record), room);
}

EXPORT int tqueue_batch_commit(struct tqueue_batch *batch, size_t length)
{
	size_t room;

	if (length > TQUEUE_LENGTH_MAX)
		return libtq_fail(EMSGSIZE);
	if (!find_room(batch, sizeof(struct tqueue_record), &room) || length > room)
		return libtq_fail(ENOBUFS);
	libtq_finish_record((void *)(batch->buffer + batch->end), length);
	batch->end += TQUEUE_RECORD_BYTES(length);
	return 0;
}

/* Adds a record.  Returns its header, or NULL and errno. */
static inline struct tqueue_record *append(struct tqueue_batch *batch, size_t header,
					   const void *data, size_t length)
{
	size_t room, last = length & ~(size_t)(ALIGNMENT - 1);
	struct tqueue_record *record = (void *)(batch->buffer + batch->end);
	unsigned char *to = find_room(batch, header, &room);

	if (length > TQUEUE_LENGTH_MAX) {
		errno = EMSGSIZE;
		return NULL;
	}
	if (!to || length > room) {
		errno = ENOBUFS;
		return NULL;
	}
	/* The padding after the payload stays zero. */
	if (last != length)
		memset(to + last, 0, ALIGNMENT);
	if (length)
		memcpy(to, data, length);
	libtq_make_header(record, length);
	batch->end += header + TQUEUE_RECORD_BYTES(length) - sizeof(*record);
	return record;
}

EXPORT int tqueue_batch_add(struct tqueue_batch *batch, const void *data,
			    size_t length)
{
	return append(batch, sizeof(struct tqueue_record), data, length) ? 0 : -1;
}

EXPORT int tqueue_batch_add_with(struct tqueue_batch *batch, const void *data,
				 size_t length,
				 const struct tqueue_send_options *options)
{
	struct tqueue_send_options taken = { 0 };
	size_t header = sizeof(struct tqueue_record);
	struct tqueue_record_extra *extra;
	struct tqueue_record *record;

	if (options && libtq_take_options(&taken, options))
		return -1;
	if (taken.flags)
		header += sizeof(*extra);
	record = append(batch, header, data, length);
	if (!record)
		return -1;
	record->priority = (__u8)taken.priority;
	if (!taken.flags)
		return 0;
	record->header_words = TQUEUE_HEADER_WORDS_EXTRA;
	if (taken.flags & TQUEUE_SEND_DELAY)
		record->flags |= TQUEUE_FLAG_DELAY;
	if (taken.flags & TQUEUE_SEND_UNIQUE)
		record->flags |= TQUEUE_FLAG_UNIQUE;
	if (taken.flags & TQUEUE_SEND_UNSETTLED)
		record->flags |= TQUEUE_FLAG_UNSETTLED;
	extra = (void *)record->payload;
	extra->key = taken.key;
	extra->delay = taken.delay;
	return 0;
}

EXPORT int tqueue_batch_next(struct tqueue_batch *batch,
			     const struct tqueue_record **record)
{
	size_t left = tqueue_batch_bytes(batch);
	const volatile struct tqueue_record *here;
	size_t header, payload;

	if (!left)
		return 0;
	if (left < sizeof(*here))
		return libtq_fail(EBADMSG);
	here = (const void *)(batch->buffer + batch->start);
	/* Loaded once: another process that shares the memory may be writing it. */
	header = here->header_words * 8U;
	payload = here->length;
	if (header < sizeof(*here) || header > left ||
	    payload > TQUEUE_LENGTH_MAX)
		return libtq_fail(EBADMSG);
	payload = (payload + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (payload > left - header)
		return libtq_fail(EBADMSG);
	*record = (const void *)(batch->buffer + batch->start);
	batch->start += header + payload;
	return 1;
}

/* The features that the driver needs for the first record that is left. */
static uint64_t needed_features(const struct tqueue_batch *batch)
{
	const struct tqueue_record *record = (const void *)(batch->buffer + batch->start);
	uint32_t flags = 0;

	if (tqueue_batch_bytes(batch) < sizeof(*record))
		return 0;
	if (record->flags & TQUEUE_FLAG_DELAY)
		flags |= TQUEUE_SEND_DELAY;
	if (record->flags & TQUEUE_FLAG_UNIQUE)
		flags |= TQUEUE_SEND_UNIQUE;
	return libtq_features_of(flags, record->priority);
}

EXPORT int tqueue_send_batch(int fd, struct tqueue_batch *batch,
			     uint64_t deadline)
{
	struct tqueue_send send = {
		.records = (uintptr_t)(batch->buffer + batch->start),
		.bytes = tqueue_batch_bytes(batch),
		.deadline = deadline,
	};
	int result;

	if (!send.bytes)
		return 0;
	result = libtq_ioctl_for(fd, TQUEUE_SEND, &send,
				 needed_features(batch));
	if (result >= 0 || errno == EEXIST)
		batch->last_id = send.last_id;
	if (result < 0)
		return result;
	batch->start += (size_t)send.sent_bytes;
	/* Everything was sent: the whole buffer is free. */
	if (batch->start == batch->end) {
		batch->start = 0;
		batch->end = 0;
	}
	return result;
}

int libtq_receive_batch(int fd, struct tqueue_batch *batch,
			struct tqueue_receive *receive)
{
	int result;

	receive->records = (uintptr_t)batch->buffer;
	receive->bytes = batch->size;
	batch->start = 0;
	batch->end = 0;
	batch->dropped = 0;
	result = libtq_receive(fd, receive);
	if (result > 0) {
		batch->end = (size_t)receive->bytes;
		batch->dropped = receive->dropped;
	} else if (result < 0 && errno == EMSGSIZE) {
		batch->needed = (size_t)receive->bytes;
	}
	return result;
}

EXPORT int tqueue_receive_batch(int fd, struct tqueue_batch *batch,
				uint32_t count, uint64_t deadline)
{
	struct tqueue_receive receive = { .deadline = deadline, .count = count };

	return libtq_receive_batch(fd, batch, &receive);
}

EXPORT int tqueue_peek_batch(int fd, struct tqueue_batch *batch,
			     uint32_t count, uint64_t deadline)
{
	struct tqueue_receive receive = {
		.deadline = deadline,
		.flags = TQUEUE_RECEIVE_PEEK,
		.count = count,
	};

	return libtq_receive_batch(fd, batch, &receive);
}
