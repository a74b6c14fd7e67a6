// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "signals.h"
#include "forward.h"
#include "report.h"

/* How long to pause if poll(2) sees room but a message finds none. */
#define PAUSE_NS	50000000

int is_full(int error)
{
	/* The queue's policy is to block, or to reject. */
	return error == EAGAIN || error == ENOBUFS;
}

static uint64_t send_all(int fd, struct tqueue_batch *batch, uint64_t deadline)
{
	uint64_t count = 0;
	int sent;

	while ((sent = tqueue_send_batch(fd, batch, deadline)) > 0)
		count += (uint64_t)sent;
	return count;
}

/*
 * Sends as much of a batch as there is room for.  Returns how many messages were sent.
 * If some are left, errno says why.
 */
static uint64_t send_what_fits(int fd, struct tqueue_batch *batch)
{
	return send_all(fd, batch, 0);
}

/* The same, but waits for room until a signal arrives: see signals.h. */
static uint64_t send_waiting(int fd, struct tqueue_batch *batch)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	int before = signals_count();
	uint64_t count = 0, sent;

	signals_release();
	while (signals_count() == before) {
		sent = send_all(fd, batch, TQUEUE_FOREVER);
		count += sent;
		if (!tqueue_batch_bytes(batch) || !(is_full(errno) || errno == EINTR))
			break;
		/* A queue that rejects has no blocked senders. */
		if (is_full(errno)) {
			signals_poll(&room, 1, UNITS_FOREVER);
			if (!sent)
				signals_poll(NULL, 0, PAUSE_NS);
			errno = EINTR;
		}
	}
	signals_hold();
	return count;
}

/* Clears flags that the driver has set and that cannot be sent. */
static void clear_flags(struct tqueue_batch batch)
{
	const struct tqueue_record *record;

	while (tqueue_batch_next(&batch, &record) > 0)
		((struct tqueue_record *)record)->flags = 0;
}

/* Makes a batch of the messages of another one, in the given format. */
static void *make_batch(struct tqueue_batch *made, enum format format,
			struct tqueue_batch batch)
{
	size_t *ends = NULL, count = 0, size = 0, start = 0, i;
	struct strbuf text = { 0 };
	void *room;

	while (tqueue_batch_bytes(&batch)) {
		format_messages(&text, format, 0, &batch, 1);
		ends = xnonnull(realloc(ends, (count + 1) * sizeof(*ends)));
		ends[count] = text.length;
		size += TQUEUE_RECORD_BYTES(text.length - (count ? ends[count - 1] : 0));
		count++;
	}
	room = xnonnull(malloc(size));
	tqueue_batch_init(made, room, size);
	for (i = 0; i < count; i++) {
		tqueue_batch_add(made, text.data + start, ends[i] - start);
		start = ends[i];
	}
	free(text.data);
	free(ends);
	return room;
}

uint64_t forward(enum format format, const struct tqueue_batch *batch)
{
	struct tqueue_batch all = *batch, made;
	void *room = NULL;
	uint64_t count;
	int error;

	all.start = 0;
	/* Unchanged messages need no copy. */
	if (format == FORMAT_RAW) {
		clear_flags(all);
		tqueue_batch_load(&made, all.buffer, all.end);
	} else {
		room = make_batch(&made, format, all);
	}
	count = send_what_fits(STDOUT_FILENO, &made);
	if (tqueue_batch_bytes(&made) && is_full(errno))
		count += send_waiting(STDOUT_FILENO, &made);
	error = errno;
	free(room);
	errno = error;
	return count;
}
