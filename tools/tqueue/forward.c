// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "signals.h"
#include "forward.h"
#include "report.h"

/* Between two tries where poll(2) sees room and a message finds none. */
#define PAUSE_NS	50000000

int is_full(int error)
{
	/* A queue that makes its senders wait, and one that rejects. */
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
 * Sends a batch as far as there is room; what is left in it then could not be
 * sent, and errno says why.  Returns how many messages were sent.
 */
static uint64_t send_what_fits(int fd, struct tqueue_batch *batch)
{
	return send_all(fd, batch, 0);
}

/* The same, and waits for room until a signal comes, as signals.h has it. */
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
		/* A queue that rejects has no senders that wait. */
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

/* The flags of a record are the driver's, and not for sending. */
static void clear_flags(struct tqueue_batch batch)
{
	const struct tqueue_record *record;

	while (tqueue_batch_next(&batch, &record) > 0)
		((struct tqueue_record *)record)->flags = 0;
}

/* A batch of the messages of another one, each as it is to be. */
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
	/* As they are they need no copy. */
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
