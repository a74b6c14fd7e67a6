// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <tqueue.h>
#include <unistd.h>

#include "progress.h"
#include "sink.h"

/* A sink that keeps more bytes than this is full. */
#define MOST_KEPT	(1024 * 1024)

struct sink sink_stdout, sink_stderr;
static void (*drained)(void);
static int line_stands;

/* The next bytes that go in one write. */
static size_t next_length(const struct sink *sink)
{
	const char *data = sink->kept.data + sink->written, *end;
	size_t left = sink->kept.length - sink->written;

	if (sink->apart) {
		end = memchr(data, '\n', left);
		return end ? (size_t)(end - data) + 1 : left;
	}
	/* If poll(2) reports POLLOUT, a pipe takes PIPE_BUF bytes without waiting. */
	return sink->polled && left > PIPE_BUF ? PIPE_BUF : left;
}

static int takes_more(const struct sink *sink)
{
	struct pollfd fd = { .fd = sink->source.fd, .events = POLLOUT };

	return !sink->polled || poll(&fd, 1, 0) > 0;
}

static ssize_t write_some(const struct sink *sink)
{
	const char *data = sink->kept.data + sink->written;
	size_t length = next_length(sink);

	if (sink->socket)
		return send(sink->source.fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(sink->source.fd, data, length);
}

/* Writes as much as the file takes.  Returns whether that was all. */
static int flush(struct sink *sink)
{
	ssize_t length;

	while (sink->written < sink->kept.length) {
		if (!takes_more(sink))
			return 0;
		length = write_some(sink);
		if (length >= 0) {
			sink->written += (size_t)length;
		} else if (errno == EAGAIN) {
			return 0;
		} else if (errno != EINTR) {
			sink->gone = errno;
			break;
		}
	}
	sink->written = 0;
	sink->kept.length = 0;
	return 1;
}

static void on_ready(struct event_source *source, uint32_t events)
{
	struct sink *sink = source == &sink_stdout.source ? &sink_stdout : &sink_stderr;

	(void)events;
	if (!flush(sink))
		events_arm(source, EPOLLOUT | EPOLLONESHOT);
	if (!sink_is_full(sink))
		drained();
}

static void open_sink(struct sink *sink, int fd)
{
	struct stat st;

	sink->source = (struct event_source){ .fd = fd, .ready = on_ready };
	sink->terminal = isatty(fd);
	if (fstat(fd, &st))
		return;
	sink->socket = S_ISSOCK(st.st_mode);
	/* epoll(7) refuses regular files and /dev/null. */
	sink->polled = !events_add(&sink->source, EPOLLONESHOT);
	sink->apart = sink->polled && S_ISCHR(st.st_mode) && !sink->terminal;
}

void sinks_open(void (*when_drained)(void))
{
	drained = when_drained;
	open_sink(&sink_stdout, STDOUT_FILENO);
	open_sink(&sink_stderr, STDERR_FILENO);
}

void sink_write(struct sink *sink, const void *data, size_t length)
{
	int waits = sink->kept.length != 0;

	if (sink->gone || !length)
		return;
	if (sink->terminal)
		sink_clear_line();
	if (sink->written > sink->kept.length / 2) {
		sink->kept.length -= sink->written;
		memmove(sink->kept.data, sink->kept.data + sink->written, sink->kept.length);
		sink->written = 0;
	}
	strbuf_add_bytes(&sink->kept, data, length);
	if (!waits && !flush(sink))
		events_arm(&sink->source, EPOLLOUT | EPOLLONESHOT);
}

int sink_is_full(const struct sink *sink)
{
	return sink->kept.length - sink->written > MOST_KEPT;
}

void sink_show_line(const char *line)
{
	char cut[256];

	if (!sink_stderr.terminal || sink_stderr.kept.length || !progress_in_foreground())
		return;
	strncpy(cut, line, sizeof(cut) - 1);
	cut[sizeof(cut) - 1] = '\0';
	progress_cut_to_width(cut);
	sink_write(&sink_stderr, cut, strlen(cut));
	line_stands = 1;
}

void sink_clear_line(void)
{
	static const char clear[] = "\r\033[K";

	if (!line_stands)
		return;
	line_stands = 0;
	if (progress_in_foreground())
		sink_write(&sink_stderr, clear, sizeof(clear) - 1);
}

/* Whether a signal that ends the program is pending.  These signals are blocked. */
static int signal_pending(void)
{
	static const int ending[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t pending;
	size_t i;

	sigpending(&pending);
	for (i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		if (sigismember(&pending, ending[i]))
			return 1;
	return 0;
}

void sinks_flush(int wait)
{
	struct sink *const sinks[] = { &sink_stdout, &sink_stderr };
	struct pollfd fd = { .events = POLLOUT };
	size_t i;

	sink_clear_line();
	for (i = 0; i < 2; i++)
		while (!flush(sinks[i]) && wait && !signal_pending()) {
			fd.fd = sinks[i]->source.fd;
			poll(&fd, 1, 100);
		}
}
