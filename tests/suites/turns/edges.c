// SPDX-License-Identifier: GPL-2.0-only
/* Edges of EPOLLOUT. */
#include "turns.h"

/* Both that it may send and that it may send again are edges. */
void edges(void)
{
	int fd = open_full(), quick = open_nonblocking(), i, round;
	int level, edge;
	struct blocked large[2];

	edge = t_epoll(quick, EPOLLOUT | EPOLLET);
	level = t_epoll(quick, EPOLLOUT);
	t_is(events_of(edge, false), 0);
	t_is(events_of(level, false), 0);
	for (round = 0; round < 3; round++) {
		block(&large[0], TQ_SMALL_MAX, 50);
		t_is(events_of(edge, true), EPOLLOUT);
		t_is(events_of(edge, false), 0);
		t_is(events_of(level, false), EPOLLOUT);
		t_is(write(quick, buf, SMALL), SMALL);
		refused(quick);
		t_is(events_of(level, false), 0);
		/* It has come later, and is there when the first has gone. */
		block(&large[1], TQ_SMALL_MAX, 51);
		events_of(edge, false);
		t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
		t_is(events_of(edge, false), 0);
		t_is(events_of(level, false), 0);
		t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
		admitted(&large[0], TQ_SMALL_MAX);
		t_is(events_of(edge, true), EPOLLOUT);
		t_is(events_of(level, false), EPOLLOUT);
		t_is(t_info(fd).blocked_senders, 1);
		/* It does not use that turn. */
		for (i = 0; i < 3; i++)
			t_true(read(fd, buf, sizeof(buf)) > 0, "read fails");
		admitted(&large[1], TQ_SMALL_MAX);
		t_is(t_info(fd).messages, 2);
		t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), 2);
		events_of(edge, false);
		t_is(events_of(level, false), 0);
	}
	for (i = 0; i < FULL; i++)
		t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
	t_is(events_of(edge, true), EPOLLOUT);
	close(edge);
	close(level);
	close(quick);
	t_end(fd);
}

/* A stop and a start are edges, and a start is one for whom the stop refused. */
void start_is_an_edge(void)
{
	int fd = open_full(), quick = open_nonblocking(), edge, i, how;

	edge = t_epoll(quick, EPOLLOUT | EPOLLET);
	t_is(events_of(edge, false), 0);
	for (how = 0; how < 3; how++) {
		t_errno(write(quick, buf, 1), EAGAIN);
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		t_is(events_of(edge, true), EPOLLOUT);
		t_errno(write(quick, buf, 1), ESHUTDOWN);
		t_is(events_of(edge, false), 0);
		if (how == 0) {
			/* It fits when it is started. */
			for (i = 0; i < FULL; i++)
				t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
			events_of(edge, false);
			t_is(ioctl(fd, TQUEUE_START), 0);
			t_is(events_of(edge, true), EPOLLOUT);
			t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
		} else if (how == 1) {
			/* It does not fit then, but later. */
			t_is(ioctl(fd, TQUEUE_START), 0);
			events_of(edge, false);
			t_errno(write(quick, buf, 1), EAGAIN);
			t_receive(fd, TQ_SMALL_MAX, 0);
			t_is(events_of(edge, true), EPOLLOUT);
			t_is(t_fill_file(fd, TQ_SMALL_MAX, FULL), 1);
		} else {
			/* There was room all the time. */
			t_receive(fd, TQ_SMALL_MAX, 1);
			events_of(edge, false);
			t_errno(write(quick, buf, 1), ESHUTDOWN);
			t_is(ioctl(fd, TQUEUE_START), 0);
			t_is(events_of(edge, true), EPOLLOUT);
		}
	}
	for (i = 0; i < FULL - 1; i++)
		t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
	close(edge);
	close(quick);
	t_end(fd);
}

/* Sends until it is refused, for whatever reason, and then waits for an edge. */
static void run_edge_sender(struct t_task *task)
{
	int epoll = t_epoll(task->fd, EPOLLOUT | EPOLLET);

	while (!atomic_load(&stop)) {
		while (write(task->fd, "message", 7) == 7)
			atomic_fetch_add(&task->count, 1);
		t_true(errno == EAGAIN || errno == ESHUTDOWN, "write fails with %s",
		       strerrorname_np(errno));
		events_of(epoll, true);
	}
	close(epoll);
}

/* Refused at the very moment of the start it is told as well. */
void started_in_traffic(void)
{
	int fd = t_open_small(NAME), i;
	struct t_task sender = { .fd = open_nonblocking() };
	double end = t_now() + t_seconds(2);
	volatile int spin;

	t_start(&sender, run_edge_sender);
	for (i = 0; t_goes_on(end, i > 100); i++) {
		/* The events_of() of the sender would end by itself after that. */
		double late = t_now() + 3 * t_slow();
		long before;

		t_is(ioctl(fd, TQUEUE_STOP), 0);
		for (spin = 0; spin < i % 50 * 20; spin++)
			;
		while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
			;
		before = atomic_load(&sender.count);
		t_is(ioctl(fd, TQUEUE_START), 0);
		while (atomic_load(&sender.count) == before)
			t_true(t_now() < late, "the sender is not told of start %d", i);
	}
	atomic_store(&stop, 1);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_finish(&sender);
	while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
		;
	t_is(ioctl(fd, TQUEUE_START), 0);
	close(sender.fd);
	t_end(fd);
}
