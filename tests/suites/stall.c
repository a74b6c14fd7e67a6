// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that stall: memory behind userfaultfd whose faults nobody answers (as
 * a hung FUSE file system would do). The owner waits, and nobody else does,
 * whatever place the owner had.
 */
#include "common.h"

#include <sys/epoll.h>

/* Everything another process can do with the queue, at once. */
static void others_go_on(int n)
{
	int fd = tq_open(O_RDWR), i;
	char text[256];
	int info;

	for (i = 0; i < n; i++) {
		tq_send(fd, 100, 1000 + i);
		tq_is(tq_poll(fd, POLLIN), POLLIN);
		tq_is(tq_fionread(fd), 100);
		tq_is(tq_value("messages") > 0, 1);
		tq_receive(fd, 100, 1000 + i);
	}
	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", fd);
	info = open(text, O_RDONLY);
	tq_true(read(info, text, sizeof(text)) > 0, "fdinfo cannot be read");
	close(info);
	close(fd);
}

static void stalled_sender(void)
{
	int fd = tq_open(O_RDWR);
	struct tq_stall stall;
	struct tq_task sender;
	char *from = aligned_alloc(tq_page(), tq_page());

	tq_stall_make(&stall, tq_page());
	tq_start_write(&sender, fd, stall.map, 300);
	tq_stall_wait(&stall);
	others_go_on(50);
	tq_true(!tq_done(&sender), "the stalled sender is done");
	tq_nothing();
	tq_pattern(from, tq_page(), 7, 0);
	tq_stall_release(&stall, from);
	tq_finish(&sender);
	tq_is(sender.result, 300);
	tq_receive(fd, 300, 7);
	tq_nothing();
	close(fd);
}

/* The first pages are there: part of the message was copied already. */
static void sender_stalled_half_way(void)
{
	int fd = tq_open(O_RDWR);
	size_t page = tq_page(), len = 5 * page;
	char *from = aligned_alloc(page, len);
	struct tq_stall stall;
	struct tq_task sender;

	tq_stall_make(&stall, len);
	tq_pattern(from, len, 7, 0);
	tq_stall_give(&stall, from, 0, 2 * page);
	tq_start_write(&sender, fd, stall.map, len);
	tq_stall_wait(&stall);
	others_go_on(20);
	tq_nothing();
	tq_stall_release(&stall, from);
	tq_finish(&sender);
	tq_is(sender.result, len);
	tq_receive(fd, len, 7);
	tq_nothing();
	close(fd);
}

static void run_writev(struct tq_task *task)
{
	task->result = writev(task->fd, task->arg, 2);
	task->error = errno;
}

static void run_readv(struct tq_task *task)
{
	task->result = readv(task->fd, task->arg, 2);
	task->error = errno;
}

static void sender_stalled_in_the_second_segment(void)
{
	int fd = tq_open(O_RDWR);
	size_t page = tq_page();
	char *from = aligned_alloc(page, 2 * page);
	struct tq_stall stall;
	struct iovec two[2];
	struct tq_task sender = { .fd = fd, .arg = two };

	tq_stall_make(&stall, page);
	tq_pattern(from, 2 * page, 7, 0);
	two[0] = (struct iovec){ from, page };
	two[1] = (struct iovec){ stall.map, page };
	tq_start(&sender, run_writev);
	tq_stall_wait(&stall);
	others_go_on(20);
	tq_stall_release(&stall, from + page);
	tq_finish(&sender);
	tq_is(sender.result, 2 * page);
	tq_receive(fd, 2 * page, 7);
	tq_nothing();
	close(fd);
}

/*
 * Three messages, one reader stalled on the first: the others take two of them
 * at once, the stalled one ends with the third. Which is which is not said.
 */
static void reader_stalls(size_t len, size_t want, bool vector)
{
	int fd = tq_open(O_RDWR), in = tq_open(O_RDONLY), i;
	size_t page = tq_page();
	char *buf = malloc(len + 64), small[64];
	struct iovec two[2] = { { small, 8 }, { NULL, want - 8 } };
	struct tq_stall stall;
	struct tq_task reader = { .fd = in, .arg = two };
	bool seen[3] = { false };

	tq_stall_make(&stall, want);
	two[1].iov_base = stall.map;
	for (i = 0; i < 3; i++)
		tq_send(fd, len, i);
	if (vector)
		tq_start(&reader, run_readv);
	else
		tq_start_read(&reader, in, stall.map, want);
	tq_stall_wait(&stall);
	for (i = 0; i < 2; i++) {
		int n;

		tq_is(read(fd, buf, len + 64), len);
		for (n = 0; n < 3 && tq_differs(buf, len, n, 0) >= 0; n++)
			;
		tq_true(n < 3 && !seen[n], "a message comes twice, or mixed");
		seen[n] = true;
	}
	tq_stall_release(&stall, NULL);
	tq_finish(&reader);
	for (i = 0; i < 3 && seen[i]; i++)
		;
	if (vector) {
		memmove(buf + 8, stall.map, want - 8);
		memcpy(buf, small, 8);
	} else {
		memcpy(buf, stall.map, want < len ? want : len);
	}
	tq_is(reader.result, want < len ? want : len);
	tq_is(tq_differs(buf, reader.result, i, 0), -1);
	if (want < len)
		tq_receive_rest(in, len - want, i, want);
	others_go_on(5);
	tq_nothing();
	munmap(stall.map, (want + page - 1) / page * page);
	free(buf);
	close(fd);
	close(in);
}

static void stalled_reader(void)
{
	reader_stalls(100, 4096, false);
}

static void stalled_reader_of_a_large_message(void)
{
	reader_stalls(5 * 4096, 5 * 4096, false);
}

static void stalled_short_reader(void)
{
	reader_stalls(5 * 4096, 4096, false);
}

static void reader_stalled_in_the_second_segment(void)
{
	reader_stalls(4000, 4000, true);
}

/* A stalled reader that the queue ran empty under waits like any other. */
static void stalled_reader_and_an_empty_queue(void)
{
	int fd = tq_open(O_RDWR), in = tq_open(O_RDONLY);
	struct tq_stall stall;
	struct tq_task reader;
	int round, got;

	for (round = 0; round < 5; round++) {
		tq_stall_make(&stall, tq_page());
		tq_send(fd, 40, 1);
		tq_start_read(&reader, in, stall.map, 4096);
		tq_stall_wait(&stall);
		/* It may hold the message by now, or may not. */
		got = tq_drain();
		tq_stall_release(&stall, NULL);
		if (got) {
			tq_asleep(&reader, SYS_read);
			tq_send(fd, 40, 1);
		}
		tq_finish(&reader);
		tq_is(reader.result, 40);
		tq_is(tq_differs(stall.map, 40, 1, 0), -1);
		munmap(stall.map, stall.len);
	}
	tq_nothing();
	close(fd);
	close(in);
}

/* Nonblocking, too, and a dozen of them. */
static void many_stalled(void)
{
	enum { MANY = 12 };
	int fd = tq_open(O_RDWR), i, ready = 0;
	struct tq_stall stalls[MANY];
	struct tq_task tasks[MANY];
	char *from = aligned_alloc(tq_page(), tq_page());
	long received = 0;

	for (i = 0; i < MANY / 2; i++)
		tq_send(fd, 50, 1);
	for (i = 0; i < MANY; i++) {
		int file = tq_open(O_RDWR | (i & 2 ? O_NONBLOCK : 0));

		tq_stall_make(&stalls[i], tq_page());
		if (i & 1)
			tq_start_write(&tasks[i], file, stalls[i].map, 50);
		else
			tq_start_read(&tasks[i], file, stalls[i].map, 50);
	}
	for (i = 0; i < MANY; i++)
		ready += tq_stall_hit(&stalls[i], 10000 * tq_slow());
	tq_is(ready, MANY);
	for (i = 0; i < 20; i++) {
		tq_send(fd, 50, 1);
		tq_receive(fd, 50, 1);
	}
	tq_pattern(from, tq_page(), 1, 0);
	for (i = 0; i < MANY; i++)
		tq_stall_release(&stalls[i], from);
	for (i = 0; i < MANY; i++) {
		tq_finish(&tasks[i]);
		tq_is(tasks[i].result, 50);
		tq_is(tq_differs(stalls[i].map, 50, 1, 0), -1);
		received += i & 1 ? 0 : 1;
		close(tasks[i].fd);
	}
	/* 6 + 6 + 20 sent, 20 taken by us. */
	tq_is(tq_drain(), 12 - received);
	close(fd);
}

/* On a full queue a stalled sender is not in the line: others are, and move. */
static void stalled_before_the_line(void)
{
	int fd = tq_open(O_RDWR), i;
	struct tq_stall stall;
	struct tq_task stalled, next;
	char buf[TQ_SMALL_MAX], *from = aligned_alloc(tq_page(), tq_page());

	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	tq_stall_make(&stall, tq_page());
	tq_start_write(&stalled, tq_open(O_WRONLY), stall.map, TQ_SMALL_MAX);
	tq_stall_wait(&stall);
	tq_pattern(buf, sizeof(buf), 4, 0);
	tq_start_write(&next, tq_open(O_WRONLY), buf, sizeof(buf));
	tq_asleep(&next, SYS_write);
	tq_receive(fd, TQ_SMALL_MAX, 0);
	tq_finish(&next);
	tq_is(next.result, TQ_SMALL_MAX);
	for (i = 1; i < 5; i++)
		tq_receive(fd, TQ_SMALL_MAX, i);
	tq_nothing();
	tq_pattern(from, tq_page(), 5, 0);
	tq_stall_release(&stall, from);
	tq_finish(&stalled);
	tq_receive(fd, TQ_SMALL_MAX, 5);
	close(stalled.fd);
	close(next.fd);
	close(fd);
}

/*
 * Room for a stalled sender that comes while it stalls, and goes again: it ends
 * up in the line, and comes out of it.
 */
static void stalled_and_then_in_the_line(void)
{
	int fd = tq_open(O_RDWR), i;
	struct tq_stall stall;
	struct tq_task stalled;
	char *from = aligned_alloc(tq_page(), tq_page());

	tq_stall_make(&stall, tq_page());
	tq_start_write(&stalled, tq_open(O_WRONLY), stall.map, TQ_SMALL_MAX);
	tq_stall_wait(&stall);
	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	tq_pattern(from, tq_page(), 4, 0);
	tq_stall_release(&stall, from);
	tq_asleep(&stalled, SYS_write);
	for (i = 0; i < 5; i++)
		tq_receive(fd, TQ_SMALL_MAX, i);
	tq_finish(&stalled);
	tq_nothing();
	close(stalled.fd);
	close(fd);
}

/*
 * Memory that is gone again whenever it was made resident: the message is copied
 * with no lock held, and the room that was there is taken meanwhile.
 */
static void stalled_and_then_refused(void)
{
	size_t page = tq_page(), len = page + 100;
	int fd = tq_open(O_RDWR), i;
	struct tq_stall stall;
	struct tq_task stalled;
	char *from = aligned_alloc(page, 2 * page);

	tq_pattern(from, 2 * page, 9, 0);
	tq_stall_make(&stall, 2 * page);
	tq_start_write(&stalled, tq_open(O_WRONLY | O_NONBLOCK), stall.map, len);
	tq_stall_by_turns(&stall, from);
	tq_is(tq_fill(16344, 0), 4);
	tq_stall_release(&stall, from);
	tq_finish(&stalled);
	tq_is(stalled.result, -1);
	tq_is(stalled.error, EAGAIN);
	for (i = 0; i < 4; i++)
		tq_receive(fd, 16344, i);
	tq_nothing();
	tq_is(tq_value("bytes"), 0);
	close(stalled.fd);
	close(fd);
}

static void write_and_exit(void *arg)
{
	int fd = tq_open(O_WRONLY);

	tq_is(write(fd, arg, TQ_SMALL_MAX), TQ_SMALL_MAX);
}

/* Stopped while first in the line: the receiver moves its message in. */
static void stopped_first_in_line(void)
{
	int fd = tq_open(O_RDWR), i;
	char first[TQ_SMALL_MAX], second[TQ_SMALL_MAX];
	pid_t stopped;
	struct tq_task next;

	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	tq_pattern(first, sizeof(first), 4, 0);
	tq_pattern(second, sizeof(second), 5, 0);
	stopped = tq_fork(write_and_exit, first);
	tq_asleep_pid(stopped, SYS_write);
	tq_start_write(&next, tq_open(O_WRONLY), second, sizeof(second));
	tq_asleep(&next, SYS_write);
	kill(stopped, SIGSTOP);
	tq_sleep_ms(20);
	for (i = 0; i < 4; i++)
		tq_receive(fd, TQ_SMALL_MAX, i);
	/*
	 * Stopping is a signal: the call may be over (to be restarted) and its
	 * message not sent, or be still there and its message moved in. The
	 * second one arrives at once in either case.
	 */
	tq_finish(&next);
	tq_is(next.result, sizeof(second));
	kill(stopped, SIGCONT);
	tq_reap(stopped);
	for (i = 0; i < 2; i++) {
		char buf[TQ_SMALL_MAX];

		tq_is(read(fd, buf, sizeof(buf)), sizeof(buf));
		if (tq_differs(buf, sizeof(buf), 4, 0) < 0)
			first[0] = 0;
		else if (tq_differs(buf, sizeof(buf), 5, 0) < 0)
			second[0] = 0;
		else
			tq_fail("a message of neither sender");
	}
	tq_true(!first[0] && !second[0], "one came twice");
	tq_nothing();
	close(next.fd);
	close(fd);
}

/* Two readers of one open file: one stalls on the rest, the other waits. */
static void stalled_with_the_rest_of_a_shared_file(void)
{
	int shared = tq_open(O_RDWR), other = tq_open(O_RDWR);
	struct tq_stall stall;
	struct tq_task stalled, waiting;
	char buf[64];
	size_t offset;

	tq_send(shared, 100, 1);
	tq_is(read(shared, buf, 20), 20);
	tq_stall_make(&stall, tq_page());
	tq_start_read(&stalled, shared, stall.map, 30);
	tq_stall_wait(&stall);
	/* Other files are not concerned. */
	others_go_on(20);
	tq_is(fcntl(shared, F_SETFL, O_NONBLOCK), 0);
	/* Either in the hands of the stalled reader, or free to take. */
	waiting.result = read(shared, buf, 10);
	waiting.error = errno;
	offset = 20;
	if (waiting.result == -1) {
		tq_is(waiting.error, EAGAIN);
		tq_is(fcntl(shared, F_SETFL, 0), 0);
		tq_start_read(&waiting, shared, buf, 10);
		tq_asleep(&waiting, SYS_read);
		others_go_on(20);
		tq_stall_release(&stall, NULL);
		tq_finish(&stalled);
		tq_finish(&waiting);
	} else {
		tq_stall_release(&stall, NULL);
		tq_finish(&stalled);
	}
	tq_is(stalled.result, 30);
	tq_is(waiting.result, 10);
	if (tq_differs(stall.map, 30, 1, offset) < 0) {
		tq_is(tq_differs(buf, 10, 1, offset + 30), -1);
	} else {
		tq_is(tq_differs(buf, 10, 1, offset), -1);
		tq_is(tq_differs(stall.map, 30, 1, offset + 10), -1);
	}
	tq_is(tq_fionread(shared), 40);
	tq_receive_rest(shared, 40, 1, 60);
	tq_nothing();
	close(shared);
	close(other);
}

static void run_poll(struct tq_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLIN };

	task->result = poll(&one, 1, -1);
}

/*
 * The end of a rest that another reader of the file had in hand: who polls that
 * file is told of the message that is next.
 */
static void poll_after_a_stalled_rest(void)
{
	int shared = tq_open(O_RDWR);
	struct tq_stall stall;
	struct tq_task stalled, poller = { .fd = shared };
	char buf[64];

	tq_send(shared, 100, 1);
	tq_send(shared, 50, 2);
	tq_is(read(shared, buf, 10), 10);
	tq_stall_make(&stall, tq_page());
	tq_start_read(&stalled, shared, stall.map, 200);
	tq_stall_wait(&stall);
	tq_sleep_ms(5);
	tq_start(&poller, run_poll);
	while (!tq_done(&poller) && !tq_is_asleep(poller.tid, SYS_poll))
		tq_sleep_ms(1);
	tq_stall_release(&stall, NULL);
	tq_finish(&stalled);
	tq_is(stalled.result, 90);
	tq_finish(&poller);
	tq_is(poller.result, 1);
	tq_receive(shared, 50, 2);
	tq_nothing();
	close(shared);
}

static void run_epoll(struct tq_task *task)
{
	struct epoll_event event;

	task->result = epoll_wait(task->fd, &event, 1, -1);
}

/* A rest is news for its own file's event loop, however many others wait. */
static void epoll_of_a_stalled_rest(void)
{
	int shared = tq_open(O_RDWR), other[2], i;
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	struct tq_stall stall;
	struct tq_task stalled, loops[3];
	char buf[64];

	tq_send(shared, 100, 1);
	tq_is(read(shared, buf, 10), 10);
	tq_stall_make(&stall, tq_page());
	tq_start_read(&stalled, shared, stall.map, 20);
	tq_stall_wait(&stall);
	tq_sleep_ms(5);
	for (i = 0; i < 3; i++) {
		int fd = i == 1 ? shared : (other[i / 2] = tq_open(O_RDONLY));

		loops[i] = (struct tq_task){ .fd = epoll_create1(0) };
		tq_is(epoll_ctl(loops[i].fd, EPOLL_CTL_ADD, fd, &event), 0);
		tq_start(&loops[i], run_epoll);
		while (!tq_done(&loops[i]) &&
		       !tq_is_asleep(loops[i].tid, SYS_epoll_wait))
			tq_sleep_ms(1);
	}
	tq_stall_release(&stall, NULL);
	tq_finish(&stalled);
	tq_is(stalled.result, 20);
	tq_finish(&loops[1]);
	tq_receive_rest(shared, 70, 1, 30);
	/* The others wait for messages as before. */
	for (i = 0; i < 4; i++) {
		tq_send(shared, 5, 1);
		tq_sleep_ms(2);
	}
	tq_finish(&loops[0]);
	tq_finish(&loops[2]);
	tq_is(tq_drain(), 4);
	for (i = 0; i < 3; i++)
		close(loops[i].fd);
	close(other[0]);
	close(other[1]);
	close(shared);
}

/*
 * Two poll, one on the shared file whose rest is held, and one on the other, which
 * alone learns of the message that came; the first learns of its rest when that is
 * let go.
 */
static void the_other_polls_on(struct tq_stall *stall, struct tq_task *holder,
			       int shared, int other, struct tq_task loops[2])
{
	int i;

	tq_finish(&loops[1]);
	tq_receive(other, 5, 2);
	tq_stall_release(stall, NULL);
	tq_finish(holder);
	tq_finish(&loops[0]);
	tq_receive_rest(shared, 70, 1, 30);
	tq_nothing();
	for (i = 0; i < 2; i++)
		close(loops[i].fd);
	close(other);
	close(shared);
}

/*
 * While the rest of a shared file is in hand, a message must not be announced to
 * that file's EPOLLEXCLUSIVE poller alone, who could not receive it.
 */
static void epoll_beside_a_held_rest(void)
{
	int shared = tq_open(O_RDWR), other = tq_open(O_RDWR), i;
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	struct tq_stall stall;
	struct tq_task stalled, loops[2];
	char buf[64];

	tq_send(shared, 100, 1);
	tq_is(read(shared, buf, 10), 10);
	tq_stall_make(&stall, tq_page());
	tq_start_read(&stalled, shared, stall.map, 20);
	tq_stall_wait(&stall);
	for (i = 0; i < 2; i++) {
		loops[i] = (struct tq_task){ .fd = epoll_create1(0) };
		tq_is(epoll_ctl(loops[i].fd, EPOLL_CTL_ADD, i ? other : shared,
				&event), 0);
		tq_start(&loops[i], run_epoll);
		tq_asleep(&loops[i], SYS_epoll_wait);
	}
	tq_send(other, 5, 2);
	the_other_polls_on(&stall, &stalled, shared, other, loops);
}

/*
 * The message is announced to that poller first, and the rest is in hand by the
 * time when it looks.  All are kept on one processor, where those who write and
 * read go first.
 */
static void epoll_before_a_held_rest(void)
{
	int shared = tq_open(O_RDWR), other = tq_open(O_RDWR), i;
	struct sched_param first = { .sched_priority = 1 };
	struct epoll_event event;
	struct tq_stall stall;
	struct tq_task stalled, loops[2];
	char buf[64];

	tq_send(shared, 100, 1);
	tq_is(read(shared, buf, 10), 10);
	tq_stall_make(&stall, tq_page());
	tq_pin(0);
	for (i = 0; i < 2; i++) {
		loops[i] = (struct tq_task){ .fd = epoll_create1(0) };
		event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLET;
		tq_is(epoll_ctl(loops[i].fd, EPOLL_CTL_ADD, i ? other : shared,
				&event), 0);
		/* The rest is no news. */
		tq_is(epoll_wait(loops[i].fd, &event, 1, 0), !i);
		tq_start(&loops[i], run_epoll);
		tq_asleep(&loops[i], SYS_epoll_wait);
	}
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		tq_skip("no real-time priority: %s", strerror(errno));
	tq_send(other, 5, 2);
	tq_start_read(&stalled, shared, stall.map, 20);
	tq_stall_wait(&stall);
	the_other_polls_on(&stall, &stalled, shared, other, loops);
}

struct victim {
	bool writes;
	size_t len;
};

static void stall_for_ever(void *arg)
{
	struct victim *victim = arg;
	struct tq_stall stall;
	int fd = tq_open(O_RDWR);

	tq_stall_make(&stall, victim->len);
	if (victim->writes)
		tq_is(write(fd, stall.map, victim->len), victim->len);
	else
		tq_is(read(fd, stall.map, victim->len), victim->len);
}

/* kill -9 ends a stall; a message in hand comes back, one not sent is not. */
static void killed_while_stalled(void)
{
	static const size_t lengths[] = { 100, 5000, 100000 };
	int fd = tq_open(O_RDWR), writes, cut;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (writes = 0; writes < 2; writes++) {
			for (cut = 1; cut < 3; cut++) {
				struct victim victim = { writes, lengths[i] / cut };
				pid_t child;

				tq_send(fd, lengths[i], 1);
				tq_send(fd, 10, 2);
				child = tq_fork(stall_for_ever, &victim);
				tq_asleep_pid(child, writes ? SYS_write : SYS_read);
				/* Longer than the driver tries again. */
				tq_sleep_ms(5);
				tq_kill(child);
				tq_receive(fd, lengths[i], 1);
				tq_receive(fd, 10, 2);
				tq_nothing();
			}
		}
	}
	close(fd);
}

/* Only the stalled reader's own: the module's other users never notice. */
static void run_transfer(struct tq_task *task)
{
	char buf[256];
	int i;

	for (i = 0; i < 500; i++)
		if (task->number)
			tq_is(write(task->fd, buf, 200), 200);
		else
			tq_is(read(task->fd, buf, 256), 200);
}

static void transfer_beside_stalls(void)
{
	int in = tq_open(O_RDONLY), out = tq_open(O_WRONLY), fd = tq_open(O_RDWR);
	struct tq_stall reading, writing;
	struct tq_task stalled[2], busy[2] = {
		{ .fd = tq_open(O_RDONLY) }, { .fd = out, .number = 1 },
	};

	tq_stall_make(&reading, tq_page());
	tq_stall_make(&writing, tq_page());
	tq_start_write(&stalled[1], out, writing.map, 200);
	tq_stall_wait(&writing);
	tq_send(fd, 200, 1);
	tq_start_read(&stalled[0], in, reading.map, 200);
	tq_stall_wait(&reading);
	/* The sender even uses the open file that the stalled one uses. */
	tq_start(&busy[1], run_transfer);
	tq_start(&busy[0], run_transfer);
	tq_finish(&busy[1]);
	tq_finish(&busy[0]);
	tq_stall_release(&writing, NULL);
	tq_stall_release(&reading, NULL);
	tq_finish(&stalled[0]);
	tq_finish(&stalled[1]);
	tq_is(stalled[0].result, 200);
	tq_is(stalled[1].result, 200);
	/* 502 were sent and 501 taken. */
	tq_is(tq_drain(), 1);
	close(in);
	close(out);
	close(fd);
}

static const struct tq_test tests[] = {
	TQ_TEST(stalled_sender),
	TQ_TEST(sender_stalled_half_way),
	TQ_TEST(sender_stalled_in_the_second_segment),
	TQ_TEST(stalled_reader),
	TQ_TEST(stalled_reader_of_a_large_message),
	TQ_TEST(stalled_short_reader),
	TQ_TEST(reader_stalled_in_the_second_segment),
	TQ_TEST(stalled_reader_and_an_empty_queue),
	TQ_TEST(many_stalled),
	TQ_TEST(stalled_with_the_rest_of_a_shared_file),
	TQ_TEST(poll_after_a_stalled_rest),
	TQ_TEST(epoll_of_a_stalled_rest),
	TQ_TEST(epoll_beside_a_held_rest),
	TQ_TEST(epoll_before_a_held_rest),
	TQ_TEST(killed_while_stalled),
	TQ_TEST(transfer_beside_stalls),
	TQ_TEST_WITH(stalled_before_the_line, TQ_SMALL),
	TQ_TEST_WITH(stalled_and_then_in_the_line, TQ_SMALL),
	TQ_TEST_WITH(stalled_and_then_refused, "size_l=65536"),
	TQ_TEST_WITH(stopped_first_in_line, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return tq_main("stall", tests, ARRAY_SIZE(tests), argc, argv);
}
