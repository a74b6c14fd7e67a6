// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "signals.h"
#include "output.h"
#include "report.h"
#include "units.h"

/* Whether the pipe is in packet mode. */
static int keeps_writes_apart(void)
{
	socklen_t length = sizeof(int);
	int type;

	if (!getsockopt(STDOUT_FILENO, SOL_SOCKET, SO_TYPE, &type, &length))
		return type != SOCK_STREAM;
	return (fcntl(STDOUT_FILENO, F_GETFL) & O_DIRECT) != 0;
}

/* Finds out what standard output is. */
static enum output_kind find_kind(struct tqueue_info *info)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st))
		return OUTPUT_FILE;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		return keeps_writes_apart() ? OUTPUT_PACKETS : OUTPUT_STREAM;
	if (S_ISCHR(st.st_mode) && !tqueue_get(STDOUT_FILENO, info))
		return OUTPUT_QUEUE;
	return OUTPUT_FILE;
}

int output_open(struct output *output, const char *queue, enum format format,
		const struct tqueue_info *source)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL), size;
	struct tqueue_info info;

	output->queue = queue;
	output->format = format;
	output->room = SIZE_MAX;
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
		report(queue, "standard output is not open for writing; nothing was taken");
		return EXIT_ERROR;
	}
	output->kind = find_kind(&info);
	if (output->kind == OUTPUT_QUEUE) {
		/* It keeps messages apart itself. */
		if (format == FORMAT_UNSET)
			output->format = FORMAT_RAW;
		if (source && source->major == info.major && source->minor == info.minor) {
			report(queue, "standard output is this queue itself, which would never end; nothing was taken");
			return EXIT_ERROR;
		}
	}
	if (output->format == FORMAT_UNSET)
		output->format = FORMAT_LINES;
	size = fcntl(STDOUT_FILENO, F_GETPIPE_SZ);
	if (size > 0)
		output->pipe_size = (size_t)size;
	output->one = output->kind == OUTPUT_PACKETS;
	return EXIT_OK;
}

int output_may_be_seen(const struct output *output)
{
	switch (output->kind) {
	case OUTPUT_STREAM:
	case OUTPUT_PACKETS:
		return 1;
	case OUTPUT_FILE:
		return isatty(STDOUT_FILENO);
	default:
		return 0;
	}
}

int output_gone(const struct output *output)
{
	struct tqueue_info info;

	/* Ctrl-C ends the reader and us, and then needs no explanation. */
	signals_release();
	signals_hold();
	if (signals_caught())
		return EXIT_ERROR;
	if (output->kind == OUTPUT_QUEUE && !tqueue_get(STDOUT_FILENO, &info))
		report(output->queue, "standard output is queue %s, whose last reader has left; no message was lost",
		       info.name);
	else if (output->kind == OUTPUT_QUEUE)
		report(output->queue, "standard output is a queue that was removed; no message was lost");
	else
		report(output->queue, "nobody reads standard output any more; no message was lost");
	return EXIT_ERROR;
}

const char *output_strerror(const struct output *output, int error)
{
	if (error == EPIPE)
		return "nobody reads it any more";
	if (output->kind != OUTPUT_QUEUE)
		return strerror(error);
	if (error == EINTR)
		return "a signal arrived while that queue was full";
	return tqueue_strerror(error);
}

/* The room of a pipe, or of a socket that can be written to. */
static size_t room_of_stream(const struct output *output)
{
	socklen_t length = sizeof(int);
	int bytes;

	if (output->pipe_size) {
		if (ioctl(STDOUT_FILENO, FIONREAD, &bytes) || bytes < 0)
			return SIZE_MAX;
		return (size_t)bytes < output->pipe_size ? output->pipe_size - (size_t)bytes : 0;
	}
	/* At least three quarters are free.  The kernel counts more than the bytes. */
	if (getsockopt(STDOUT_FILENO, SOL_SOCKET, SO_SNDBUF, &bytes, &length) || bytes < 0)
		return SIZE_MAX;
	return (size_t)bytes / 4;
}

/* Whether the queue takes a record of @needed bytes.  Returns 0 or an exit status. */
static int check_queue(const struct output *output, const struct tqueue_info *info,
		       size_t needed)
{
	if (info->state & TQUEUE_STATE_STOPPED) {
		report(output->queue, "standard output is queue %s, which is stopped (start it with \"tqueue start %s\"); no message was lost",
		       info->name, info->name);
		return EXIT_ERROR;
	}
	if (needed > TQUEUE_RECORD_BYTES(info->max_message)) {
		report(output->queue, "the next message is longer than %llu bytes, the limit of queue %s on standard output (\"tqueue set --max-message\" and \"--size\" allow more); it was not taken",
		       (unsigned long long)info->max_message, info->name);
		return EXIT_ERROR;
	}
	return EXIT_OK;
}

/*
 * Waits for room in a queue.  If poll(2) sees room, any message fits, but perhaps only
 * one, past blocked senders.  If it sees none, a message that is shorter than the
 * longest may still fit.
 */
static int wait_for_queue(struct output *output, size_t needed)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	struct tqueue_info info;
	uint64_t wait = 0;
	size_t most, free;
	int status;

	for (;;) {
		signals_poll(&fd, 1, wait);
		if (signals_caught())
			return EXIT_ERROR;
		if (fd.revents & OUTPUT_GONE || tqueue_get(STDOUT_FILENO, &info))
			return output_gone(output);
		status = check_queue(output, &info, needed);
		if (status)
			return status;
		most = TQUEUE_RECORD_BYTES(info.max_message);
		free = info.bytes < info.size ? info.size - info.bytes : 0;
		output->one = (fd.revents & POLLOUT) && free < most;
		output->room = free < most && !output->one ? free : most;
		if (output->room >= needed && output->room >= TQUEUE_RECORD_BYTES(1))
			return EXIT_OK;
		wait = UNITS_FOREVER;
	}
}

int output_wait(struct output *output, size_t needed)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (output->kind == OUTPUT_NONE)
		return EXIT_OK;
	if (output->kind == OUTPUT_QUEUE)
		return wait_for_queue(output, needed);
	while (signals_poll(&fd, 1, UNITS_FOREVER) < 0)
		if (signals_caught())
			return EXIT_ERROR;
	/* Nobody would read messages that are taken now. */
	if (fd.revents & OUTPUT_GONE)
		return output_gone(output);
	if (output->kind == OUTPUT_STREAM)
		output->room = room_of_stream(output);
	return EXIT_OK;
}

size_t output_write(const struct strbuf *text)
{
	struct pollfd poll_fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	size_t written = 0;
	ssize_t length;

	while (written < text->length) {
		length = write(STDOUT_FILENO, text->data + written, text->length - written);
		if (length >= 0)
			written += (size_t)length;
		else if (errno == EAGAIN)
			poll(&poll_fd, 1, -1);
		else if (errno != EINTR)
			break;
	}
	return written;
}

int output_take_off(size_t bytes)
{
	off_t end = lseek(STDOUT_FILENO, 0, SEEK_CUR), begin = end - (off_t)bytes;
	struct stat st;

	if (begin < 0 || fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode) || st.st_size != end)
		return -1;
	if (ftruncate(STDOUT_FILENO, begin))
		return -1;
	return lseek(STDOUT_FILENO, begin, SEEK_SET) < 0 ? -1 : 0;
}
