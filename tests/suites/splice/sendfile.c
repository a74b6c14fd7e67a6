// SPDX-License-Identifier: GPL-2.0-only
/* sendfile, gifts, and both ways at once. */
#include "splice.h"

/* The messages put together are the file; each is at most max_message. */
void sendfile_in(void)
{
	int fd = t_open(O_RDWR), file = file_of(300000, 1);
	size_t max = t_max_message(), at = 0, sent = 0, messages = 0;
	char *buf = malloc(300000);

	while (sent < 300000) {
		ssize_t n = sendfile(fd, file, NULL, 300000 - sent);

		t_true(n > 0, "sendfile gives %zd, errno %d", n, errno);
		sent += n;
	}
	t_is(sent, 300000);
	while (at < 300000) {
		ssize_t got = read(fd, buf, 300000);

		t_true(got > 0 && got <= (ssize_t)max, "a message of %zd bytes", got);
		t_is(t_differs(buf, got, 1, at), -1);
		at += got;
		messages++;
	}
	t_is(at, 300000);
	t_true(messages <= 20, "%zu messages", messages);
	t_nothing();
	free(buf);
	close(file);
	close(fd);
}

/* A small file is one message. */
void sendfile_small(void)
{
	int fd = t_open(O_RDWR), file = file_of(700, 1);

	t_is(sendfile(fd, file, NULL, 16 * TQ_PAGE), 700);
	t_receive(fd, 700, 1);
	t_nothing();
	close(file);
	close(fd);
}

/* Into a full queue, nonblocking: not a byte of the file is lost. */
void sendfile_when_full(void)
{
	enum { LENGTH = 5 * TQ_PAGE - 480 };
	int fd = t_open(O_RDWR), quick = t_open(O_WRONLY | O_NONBLOCK);
	int file = file_of(LENGTH, 1);
	size_t at = 0, sent = 0, stalls = 0;
	char buf[2000];

	for (;;) {
		ssize_t n = sendfile(quick, file, NULL, LENGTH);

		t_true(n >= 0 || errno == EAGAIN, "errno %d", errno);
		if (!n)
			break;
		if (n > 0) {
			sent += n;
			continue;
		}
		stalls++;
		n = read(fd, buf, sizeof(buf));
		t_true(n > 0, "full and empty");
		t_is(t_differs(buf, n, 1, at), -1);
		at += n;
	}
	t_is(sent, LENGTH);
	while (at < LENGTH) {
		ssize_t n = read(fd, buf, sizeof(buf));

		t_is(t_differs(buf, n, 1, at), -1);
		at += n;
	}
	t_true(stalls, "the queue never was full");
	t_nothing();
	close(file);
	close(quick);
	close(fd);
}

void sendfile_out(void)
{
	int fd = t_open(O_RDWR), file = file_of(10, 1);

	t_send(fd, 10, 2);
	t_errno(sendfile(file, fd, NULL, 10), EINVAL);
	t_receive(fd, 10, 2);
	close(file);
	close(fd);
}

/* The pages of a spliced message are copied: the pipe's own do not matter. */
void gifts_are_copied(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);
	char *page = aligned_alloc(TQ_PAGE, TQ_PAGE);
	struct iovec one = { page, TQ_PAGE };

	t_pattern(page, TQ_PAGE, 1, 0);
	t_is(vmsplice(pipe.in, &one, 1, 0), TQ_PAGE);
	t_is(splice(pipe.out, NULL, fd, NULL, TQ_PAGE, 0), TQ_PAGE);
	memset(page, 0, TQ_PAGE);
	t_receive(fd, TQ_PAGE, 1);
	close_pipe(pipe);
	close(fd);
}

/* Queue to pipe to queue, at once with plain senders and readers. */
static void run_feeder(struct t_task *task)
{
	struct pipe *pipe = task->arg;
	uint64_t i;

	for (i = 1; i <= 300; i++) {
		ssize_t sent;

		t_is(write(pipe->in, &i, sizeof(i)), sizeof(i));
		sent = splice(pipe->out, NULL, task->fd, NULL, sizeof(i), 0);
		t_is(sent, sizeof(i));
	}
}

void both_ways(void)
{
	struct pipe a = make_pipe(0), b = make_pipe(0);
	struct t_task feeder = { .fd = t_open(O_WRONLY), .arg = &a };
	int in = t_open(O_RDONLY);
	uint64_t i, value;

	t_start(&feeder, run_feeder);
	for (i = 1; i <= 300; i++) {
		t_is(splice(in, NULL, b.in, NULL, TQ_PAGE, 0), 8);
		t_is(read(b.out, &value, sizeof(value)), 8);
		t_is(value, i);
	}
	t_finish(&feeder);
	t_nothing();
	close_pipe(a);
	close_pipe(b);
	close(feeder.fd);
	close(in);
}
