// SPDX-License-Identifier: GPL-2.0-only
/* Out of the queue, as far as the pipe has room. */
#include "splice.h"

void out(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	t_send(fd, 500, 1);
	t_send(fd, 5, 2);
	/* One message, however much was asked for. */
	t_is(splice(fd, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0), 500);
	t_is(in_pipe(pipe), 500);
	t_is(splice(fd, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0), 5);
	get(pipe, 500, 1, 0);
	get(pipe, 5, 2, 0);
	t_is(in_pipe(pipe), 0);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

void out_in_parts(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	t_send(fd, 10000, 1);
	t_send(fd, 5, 2);
	t_is(splice(fd, NULL, pipe.in, NULL, 1, 0), 1);
	t_is(t_fionread(fd), 9999);
	t_is(splice(fd, NULL, pipe.in, NULL, 6000, 0), 6000);
	t_is(splice(fd, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0), 3999);
	get(pipe, 10000, 1, 0);
	t_receive(fd, 5, 2);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* More than the pipe takes: what it takes, then the rest, and no byte lost. */
void out_larger_than_the_pipe(void)
{
	struct pipe pipe = make_pipe(TQ_PAGE);
	int fd = t_open(O_RDWR);
	size_t at = 0, calls = 0;

	t_send(fd, 100000, 1);
	t_send(fd, 10, 2);
	while (at < 100000) {
		ssize_t got = splice(fd, NULL, pipe.in, NULL, 1 << 20, 0);

		t_true(got > 0 && at + got <= 100000, "splice gives %zd, errno %d",
		       got, errno);
		t_is(in_pipe(pipe), got);
		get(pipe, got, 1, at);
		at += got;
		t_true(++calls < 1000, "it never ends");
	}
	t_receive(fd, 10, 2);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* A pipe that is nearly full already. */
void out_into_the_last_page(void)
{
	enum { LENGTH = 5 * TQ_PAGE - 480 };
	struct pipe pipe = make_pipe(16 * TQ_PAGE);
	int fd = t_open(O_RDWR);
	ssize_t got;

	put(pipe, 15 * TQ_PAGE, 9, 0);
	t_send(fd, LENGTH, 1);
	got = splice(fd, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0);
	t_true(got > 0 && got <= TQ_PAGE, "splice gives %zd, errno %d", got, errno);
	t_is(t_fionread(fd), LENGTH - got);
	get(pipe, 15 * TQ_PAGE, 9, 0);
	get(pipe, got, 1, 0);
	t_receive_rest(fd, LENGTH - got, 1, got);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

void out_into_a_full_pipe(void)
{
	struct pipe pipe = make_pipe(TQ_PAGE);
	int fd = t_open(O_RDWR);

	put(pipe, TQ_PAGE, 9, 0);
	t_send(fd, 100, 1);
	t_errno(splice(fd, NULL, pipe.in, NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	t_is(t_fionread(fd), 100);
	t_receive(fd, 100, 1);
	close_pipe(pipe);
	close(fd);
}

/* A rest left by splice goes back on close as any rest. */
void out_leaves_a_rest(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY);

	t_send(fd, 10000, 1);
	t_is(splice(fd, NULL, pipe.in, NULL, 4000, 0), 4000);
	close(fd);
	t_receive_rest(other, 6000, 1, 4000);
	t_nothing();
	close_pipe(pipe);
	close(other);
}

void offsets_are_refused(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);
	loff_t at = 0;

	put(pipe, 10, 1, 0);
	t_send(fd, 10, 2);
	t_errno(splice(pipe.out, NULL, fd, &at, 10, 0), EINVAL);
	t_errno(splice(fd, &at, pipe.in, NULL, 10, 0), EINVAL);
	t_receive(fd, 10, 2);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}
