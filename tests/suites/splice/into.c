// SPDX-License-Identifier: GPL-2.0-only
/* Into the queue: one call makes one message. */
#include "splice.h"

void in(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	put(pipe, 500, 1, 0);
	t_is(splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, 0), 500);
	put(pipe, 3, 2, 0);
	t_is(splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, SPLICE_F_MOVE), 3);
	t_is(in_pipe(pipe), 0);
	t_receive(fd, 500, 1);
	t_receive(fd, 3, 2);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* Several buffers of the pipe go into one message. */
void in_gathers(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR), i;

	for (i = 0; i < 10; i++)
		put(pipe, 5000, 1, i * 5000);
	t_is(splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, 0), 50000);
	t_receive(fd, 50000, 1);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* No more than was asked for; the pipe keeps what was not. */
void in_a_part(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	put(pipe, 10000, 1, 0);
	t_is(splice(pipe.out, NULL, fd, NULL, 6000, 0), 6000);
	t_is(in_pipe(pipe), 4000);
	t_is(splice(pipe.out, NULL, fd, NULL, 1, 0), 1);
	t_is(splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, 0), 3999);
	t_receive(fd, 6000, 1);
	t_receive_rest(fd, 1, 1, 6000);
	t_receive_rest(fd, 3999, 1, 6001);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

void in_is_cut_at_max_message(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);
	size_t at = 0;

	put(pipe, 3000, 1, 0);
	while (at < 3000) {
		ssize_t sent = splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, 0);

		t_true(sent > 0 && sent <= (ssize_t)TQ_SMALL_MAX,
		       "splice makes a message of %zd bytes, errno %d", sent, errno);
		t_receive_rest(fd, sent, 1, at);
		at += sent;
		t_is(in_pipe(pipe), 3000 - at);
	}
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

void in_nothing(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	t_is(splice(pipe.out, NULL, fd, NULL, 0, 0), 0);
	close(pipe.in);
	/* An empty pipe without a writer: its end, and no message. */
	t_is(splice(pipe.out, NULL, fd, NULL, 100, 0), 0);
	t_nothing();
	close(pipe.out);
	close(fd);
}

void in_when_full(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR), quick = t_open(O_WRONLY | O_NONBLOCK), i;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	put(pipe, 300, 4, 0);
	t_errno(splice(pipe.out, NULL, quick, NULL, 300, 0), EAGAIN);
	t_is(in_pipe(pipe), 300);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_nothing();
	t_is(splice(pipe.out, NULL, quick, NULL, 300, 0), 300);
	t_receive(fd, 300, 4);
	close_pipe(pipe);
	close(fd);
	close(quick);
}

void in_waits_for_room(void)
{
	struct pipe pipe = make_pipe(0);
	struct t_task sender = {
		.fd = t_open(O_WRONLY), .arg = &pipe, .number = 1, .len = 300,
	};
	int fd = t_open(O_RDWR), i;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	put(pipe, 300, 4, 0);
	t_start(&sender, run_splice);
	t_asleep(&sender, SYS_splice);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_finish(&sender);
	t_is(sender.result, 300);
	t_receive(fd, 300, 4);
	t_nothing();
	t_is(in_pipe(pipe), 0);
	close_pipe(pipe);
	close(sender.fd);
	close(fd);
}

/* Interrupted: nothing sent, and the pipe has it all. */
void in_interrupted(void)
{
	struct pipe pipe = make_pipe(0);
	struct t_task sender = {
		.fd = t_open(O_WRONLY), .arg = &pipe, .number = 1, .len = 300,
	};

	t_unblockable();
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	put(pipe, 300, 4, 0);
	t_start(&sender, run_splice);
	t_asleep(&sender, SYS_splice);
	pthread_kill(sender.thread, SIGUSR1);
	t_finish(&sender);
	t_is(sender.result, -1);
	t_is(sender.error, EINTR);
	t_is(t_drain(), 4);
	t_nothing();
	t_is(in_pipe(pipe), 300);
	get(pipe, 300, 4, 0);
	close_pipe(pipe);
	close(sender.fd);
}
