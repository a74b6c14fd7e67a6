// SPDX-License-Identifier: GPL-2.0-only
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
	int fd = t_open(O_RDWR), i;
	char text[256];

	for (i = 0; i < n; i++) {
		t_send(fd, 100, 1000 + i);
		t_is(t_poll(fd, POLLIN), POLLIN);
		t_is(t_fionread(fd), 100);
		t_is(t_value("messages") > 0, 1);
		t_receive(fd, 100, 1000 + i);
	}
	t_fdinfo(fd, text, sizeof(text));
	close(fd);
}

static void stalled_sender(void)
{
	int fd = t_open(O_RDWR);
	struct t_stall stall;
	struct t_task sender;
	char *from = aligned_alloc(t_page(), t_page());

	t_stall_make(&stall, t_page());
	t_start_write(&sender, fd, stall.map, 300);
	t_stall_wait(&stall);
	others_go_on(50);
	t_true(!t_done(&sender), "the stalled sender is done");
	t_nothing();
	t_pattern(from, t_page(), 7, 0);
	t_stall_release(&stall, from);
	t_finish(&sender);
	t_is(sender.result, 300);
	t_receive(fd, 300, 7);
	t_nothing();
	close(fd);
}

/* The first pages are there: part of the message was copied already. */
static void sender_stalled_half_way(void)
{
	int fd = t_open(O_RDWR);
	size_t page = t_page(), len = 5 * page;
	char *from = aligned_alloc(page, len);
	struct t_stall stall;
	struct t_task sender;

	t_stall_make(&stall, len);
	t_pattern(from, len, 7, 0);
	t_stall_give(&stall, from, 0, 2 * page);
	t_start_write(&sender, fd, stall.map, len);
	t_stall_wait(&stall);
	others_go_on(20);
	t_nothing();
	t_stall_release(&stall, from);
	t_finish(&sender);
	t_is(sender.result, len);
	t_receive(fd, len, 7);
	t_nothing();
	close(fd);
}

static void run_readv(struct t_task *task)
{
	task->result = readv(task->fd, task->arg, 2);
	task->error = errno;
}

static void sender_stalled_in_the_second_segment(void)
{
	int fd = t_open(O_RDWR);
	size_t page = t_page();
	char *from = aligned_alloc(page, 2 * page);
	struct t_stall stall;
	struct iovec two[2];
	struct t_task sender;

	t_stall_make(&stall, page);
	t_pattern(from, 2 * page, 7, 0);
	two[0] = (struct iovec){ from, page };
	two[1] = (struct iovec){ stall.map, page };
	t_start_writev(&sender, fd, two, 2);
	t_stall_wait(&stall);
	others_go_on(20);
	t_stall_release(&stall, from + page);
	t_finish(&sender);
	t_is(sender.result, 2 * page);
	t_receive(fd, 2 * page, 7);
	t_nothing();
	close(fd);
}

/*
 * Three messages, one reader stalled on the first: the others take two of them
 * at once, the stalled one ends with the third. Which is which is not said.
 */
static void reader_stalls(size_t len, size_t want, bool vector)
{
	int fd = t_open(O_RDWR), in = t_open(O_RDONLY), i;
	size_t page = t_page();
	char *buf = malloc(len + 64), small[64];
	struct iovec two[2] = { { small, 8 }, { NULL, want - 8 } };
	struct t_stall stall;
	struct t_task reader = { .fd = in, .arg = two };
	bool seen[3] = { false };

	t_stall_make(&stall, want);
	two[1].iov_base = stall.map;
	for (i = 0; i < 3; i++)
		t_send(fd, len, i);
	if (vector)
		t_start(&reader, run_readv);
	else
		t_start_read(&reader, in, stall.map, want);
	t_stall_wait(&stall);
	for (i = 0; i < 2; i++) {
		int n;

		t_is(read(fd, buf, len + 64), len);
		for (n = 0; n < 3 && t_differs(buf, len, n, 0) >= 0; n++)
			;
		t_true(n < 3 && !seen[n], "a message comes twice, or mixed");
		seen[n] = true;
	}
	t_stall_release(&stall, NULL);
	t_finish(&reader);
	for (i = 0; i < 3 && seen[i]; i++)
		;
	if (vector) {
		memmove(buf + 8, stall.map, want - 8);
		memcpy(buf, small, 8);
	} else {
		memcpy(buf, stall.map, want < len ? want : len);
	}
	t_is(reader.result, want < len ? want : len);
	t_is(t_differs(buf, reader.result, i, 0), -1);
	if (want < len)
		t_receive_rest(in, len - want, i, want);
	others_go_on(5);
	t_nothing();
	munmap(stall.map, (want + page - 1) / page * page);
	free(buf);
	close(fd);
	close(in);
}

static void stalled_reader(void)
{
	reader_stalls(100, TQ_PAGE, false);
}

static void stalled_reader_of_a_large_message(void)
{
	reader_stalls(5 * TQ_PAGE, 5 * TQ_PAGE, false);
}

static void stalled_short_reader(void)
{
	reader_stalls(5 * TQ_PAGE, TQ_PAGE, false);
}

static void reader_stalled_in_the_second_segment(void)
{
	reader_stalls(4000, 4000, true);
}

/* A stalled reader that the queue ran empty under waits like any other. */
static void stalled_reader_and_an_empty_queue(void)
{
	int fd = t_open(O_RDWR), in = t_open(O_RDONLY);
	struct t_stall stall;
	struct t_task reader;
	int round, got;

	for (round = 0; round < 5; round++) {
		t_stall_make(&stall, t_page());
		t_send(fd, 40, 1);
		t_start_read(&reader, in, stall.map, TQ_PAGE);
		t_stall_wait(&stall);
		/* It may hold the message by now, or may not. */
		got = t_drain();
		t_stall_release(&stall, NULL);
		if (got) {
			t_asleep(&reader, SYS_read);
			t_send(fd, 40, 1);
		}
		t_finish(&reader);
		t_is(reader.result, 40);
		t_is(t_differs(stall.map, 40, 1, 0), -1);
		munmap(stall.map, stall.len);
	}
	t_nothing();
	close(fd);
	close(in);
}

/* Nonblocking, too, and a dozen of them. */
static void many_stalled(void)
{
	enum { MANY = 12 };
	int fd = t_open(O_RDWR), i, ready = 0;
	struct t_stall stalls[MANY];
	struct t_task tasks[MANY];
	char *from = aligned_alloc(t_page(), t_page());
	long received = 0;

	for (i = 0; i < MANY / 2; i++)
		t_send(fd, 50, 1);
	for (i = 0; i < MANY; i++) {
		int file = t_open(O_RDWR | (i & 2 ? O_NONBLOCK : 0));

		t_stall_make(&stalls[i], t_page());
		if (i & 1)
			t_start_write(&tasks[i], file, stalls[i].map, 50);
		else
			t_start_read(&tasks[i], file, stalls[i].map, 50);
	}
	for (i = 0; i < MANY; i++)
		ready += t_stall_hit(&stalls[i], 10000 * t_slow());
	t_is(ready, MANY);
	for (i = 0; i < 20; i++) {
		t_send(fd, 50, 1);
		t_receive(fd, 50, 1);
	}
	t_pattern(from, t_page(), 1, 0);
	for (i = 0; i < MANY; i++)
		t_stall_release(&stalls[i], from);
	for (i = 0; i < MANY; i++) {
		t_finish(&tasks[i]);
		t_is(tasks[i].result, 50);
		t_is(t_differs(stalls[i].map, 50, 1, 0), -1);
		received += i & 1 ? 0 : 1;
		close(tasks[i].fd);
	}
	/* 6 + 6 + 20 sent, 20 taken by us. */
	t_is(t_drain(), 12 - received);
	close(fd);
}

/* On a full queue a stalled sender is not in the line: others are, and move. */
static void stalled_before_the_line(void)
{
	int fd = t_open(O_RDWR), i;
	struct t_stall stall;
	struct t_task stalled, next;
	char buf[TQ_SMALL_MAX], *from = aligned_alloc(t_page(), t_page());

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_stall_make(&stall, t_page());
	t_start_write(&stalled, t_open(O_WRONLY), stall.map, TQ_SMALL_MAX);
	t_stall_wait(&stall);
	t_pattern(buf, sizeof(buf), 4, 0);
	t_start_write(&next, t_open(O_WRONLY), buf, sizeof(buf));
	t_asleep(&next, SYS_write);
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_finish(&next);
	t_is(next.result, TQ_SMALL_MAX);
	for (i = 1; i < 5; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_nothing();
	t_pattern(from, t_page(), 5, 0);
	t_stall_release(&stall, from);
	t_finish(&stalled);
	t_receive(fd, TQ_SMALL_MAX, 5);
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
	int fd = t_open(O_RDWR), i;
	struct t_stall stall;
	struct t_task stalled;
	char *from = aligned_alloc(t_page(), t_page());

	t_stall_make(&stall, t_page());
	t_start_write(&stalled, t_open(O_WRONLY), stall.map, TQ_SMALL_MAX);
	t_stall_wait(&stall);
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_pattern(from, t_page(), 4, 0);
	t_stall_release(&stall, from);
	t_asleep(&stalled, SYS_write);
	for (i = 0; i < 5; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_finish(&stalled);
	t_nothing();
	close(stalled.fd);
	close(fd);
}

/*
 * Memory that is gone again whenever it was made resident: the message is copied
 * with no lock held, and the room that was there is taken meanwhile.
 */
static void stalled_and_then_refused(void)
{
	size_t page = t_page(), len = page + 100;
	int fd = t_open(O_RDWR), i;
	struct t_stall stall;
	struct t_task stalled;
	char *from = aligned_alloc(page, 2 * page);

	t_needs_small_pages();
	t_pattern(from, 2 * page, 9, 0);
	t_stall_make(&stall, 2 * page);
	t_start_write(&stalled, t_open(O_WRONLY | O_NONBLOCK), stall.map, len);
	t_stall_by_turns(&stall, from);
	t_is(t_fill(16344, 0), 4);
	t_stall_release(&stall, from);
	t_finish(&stalled);
	t_is(stalled.result, -1);
	t_is(stalled.error, EAGAIN);
	for (i = 0; i < 4; i++)
		t_receive(fd, 16344, i);
	t_nothing();
	t_is(t_value("bytes"), 0);
	close(stalled.fd);
	close(fd);
}

static void write_and_exit(void *arg)
{
	int fd = t_open(O_WRONLY);

	t_is(write(fd, arg, TQ_SMALL_MAX), TQ_SMALL_MAX);
}

/* Stopped while first in the line: the receiver moves its message in. */
static void stopped_first_in_line(void)
{
	int fd = t_open(O_RDWR), i;
	char first[TQ_SMALL_MAX], second[TQ_SMALL_MAX];
	pid_t stopped;
	struct t_task next;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_pattern(first, sizeof(first), 4, 0);
	t_pattern(second, sizeof(second), 5, 0);
	stopped = t_fork(write_and_exit, first);
	t_asleep_pid(stopped, SYS_write);
	t_start_write(&next, t_open(O_WRONLY), second, sizeof(second));
	t_asleep(&next, SYS_write);
	kill(stopped, SIGSTOP);
	t_sleep_ms(20);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	/*
	 * Stopping is a signal: the call may be over (to be restarted) and its
	 * message not sent, or be still there and its message moved in. The
	 * second one arrives at once in either case.
	 */
	t_finish(&next);
	t_is(next.result, sizeof(second));
	kill(stopped, SIGCONT);
	t_reap(stopped);
	for (i = 0; i < 2; i++) {
		char buf[TQ_SMALL_MAX];

		t_is(read(fd, buf, sizeof(buf)), sizeof(buf));
		if (t_differs(buf, sizeof(buf), 4, 0) < 0)
			first[0] = 0;
		else if (t_differs(buf, sizeof(buf), 5, 0) < 0)
			second[0] = 0;
		else
			t_fail("a message of neither sender");
	}
	t_true(!first[0] && !second[0], "one came twice");
	t_nothing();
	close(next.fd);
	close(fd);
}

/* Two readers of one open file: one stalls on the rest, the other waits. */
static void stalled_with_the_rest_of_a_shared_file(void)
{
	int shared = t_open(O_RDWR), other = t_open(O_RDWR);
	struct t_stall stall;
	struct t_task stalled, waiting;
	char buf[64];
	size_t offset;

	t_send(shared, 100, 1);
	t_is(read(shared, buf, 20), 20);
	t_stall_make(&stall, t_page());
	t_start_read(&stalled, shared, stall.map, 30);
	t_stall_wait(&stall);
	/* Other files are not concerned. */
	others_go_on(20);
	t_is(fcntl(shared, F_SETFL, O_NONBLOCK), 0);
	/* Either in the hands of the stalled reader, or free to take. */
	waiting.result = read(shared, buf, 10);
	waiting.error = errno;
	offset = 20;
	if (waiting.result == -1) {
		t_is(waiting.error, EAGAIN);
		t_is(fcntl(shared, F_SETFL, 0), 0);
		t_start_read(&waiting, shared, buf, 10);
		t_asleep(&waiting, SYS_read);
		others_go_on(20);
		t_stall_release(&stall, NULL);
		t_finish(&stalled);
		t_finish(&waiting);
	} else {
		t_stall_release(&stall, NULL);
		t_finish(&stalled);
	}
	t_is(stalled.result, 30);
	t_is(waiting.result, 10);
	if (t_differs(stall.map, 30, 1, offset) < 0) {
		t_is(t_differs(buf, 10, 1, offset + 30), -1);
	} else {
		t_is(t_differs(buf, 10, 1, offset), -1);
		t_is(t_differs(stall.map, 30, 1, offset + 10), -1);
	}
	t_is(t_fionread(shared), 40);
	t_receive_rest(shared, 40, 1, 60);
	t_nothing();
	close(shared);
	close(other);
}

/*
 * The end of a rest that another reader of the file had in flight: who polls that
 * file is told of the message that is next.
 */
static void poll_after_a_stalled_rest(void)
{
	int shared = t_open(O_RDWR);
	struct t_stall stall;
	struct t_task stalled, poller;
	char buf[64];

	t_send(shared, 100, 1);
	t_send(shared, 50, 2);
	t_is(read(shared, buf, 10), 10);
	t_stall_make(&stall, t_page());
	t_start_read(&stalled, shared, stall.map, 200);
	t_stall_wait(&stall);
	t_sleep_ms(5);
	t_start_poll(&poller, shared, POLLIN);
	while (!t_done(&poller) && !t_is_asleep(poller.tid, SYS_poll))
		t_sleep_ms(1);
	t_stall_release(&stall, NULL);
	t_finish(&stalled);
	t_is(stalled.result, 90);
	t_finish(&poller);
	t_is(poller.result, 1);
	t_receive(shared, 50, 2);
	t_nothing();
	close(shared);
}

/* A rest is news for its own file's event loop, however many others wait. */
static void epoll_of_a_stalled_rest(void)
{
	int shared = t_open(O_RDWR), other[2], i;
	struct t_stall stall;
	struct t_task stalled, loops[3];
	char buf[64];

	t_send(shared, 100, 1);
	t_is(read(shared, buf, 10), 10);
	t_stall_make(&stall, t_page());
	t_start_read(&stalled, shared, stall.map, 20);
	t_stall_wait(&stall);
	t_sleep_ms(5);
	for (i = 0; i < 3; i++) {
		int fd = i == 1 ? shared : (other[i / 2] = t_open(O_RDONLY));

		loops[i].fd = t_epoll(fd, EPOLLIN | EPOLLEXCLUSIVE);
		t_start(&loops[i], t_run_epoll_wait);
		while (!t_done(&loops[i]) &&
		       !t_is_asleep(loops[i].tid, SYS_epoll_wait))
			t_sleep_ms(1);
	}
	t_stall_release(&stall, NULL);
	t_finish(&stalled);
	t_is(stalled.result, 20);
	t_finish(&loops[1]);
	t_receive_rest(shared, 70, 1, 30);
	/* The others wait for messages as before. */
	for (i = 0; i < 4; i++) {
		t_send(shared, 5, 1);
		t_sleep_ms(2);
	}
	t_finish(&loops[0]);
	t_finish(&loops[2]);
	t_is(t_drain(), 4);
	for (i = 0; i < 3; i++)
		close(loops[i].fd);
	close(other[0]);
	close(other[1]);
	close(shared);
}

/*
 * While what is left of a shared file's message is in flight, another message must
 * not be announced to that file's EPOLLEXCLUSIVE poller alone, who has been told
 * already and may not be waiting.
 */
static void epoll_beside_a_held_rest(void)
{
	int shared = t_open(O_RDWR), other = t_open(O_RDWR), i;
	struct t_stall stall;
	struct t_task stalled, loops[2];
	char buf[64];

	t_send(shared, 100, 1);
	t_is(read(shared, buf, 10), 10);
	t_stall_make(&stall, t_page());
	t_start_read(&stalled, shared, stall.map, 20);
	t_stall_wait(&stall);
	for (i = 0; i < 2; i++) {
		loops[i].fd = t_epoll(i ? other : shared, EPOLLIN | EPOLLEXCLUSIVE);
		t_start(&loops[i], t_run_epoll_wait);
	}
	t_finish(&loops[0]);
	t_is(loops[0].result, 1);
	t_asleep(&loops[1], SYS_epoll_wait);
	t_send(other, 5, 2);
	t_finish(&loops[1]);
	t_receive(other, 5, 2);
	t_stall_release(&stall, NULL);
	t_finish(&stalled);
	t_receive_rest(shared, 70, 1, 30);
	t_nothing();
	for (i = 0; i < 2; i++)
		close(loops[i].fd);
	close(other);
	close(shared);
}

struct victim {
	bool writes;
	size_t len;
};

static void stall_for_ever(void *arg)
{
	struct victim *victim = arg;
	struct t_stall stall;
	int fd = t_open(O_RDWR);

	t_stall_make(&stall, victim->len);
	if (victim->writes)
		t_is(write(fd, stall.map, victim->len), victim->len);
	else
		t_is(read(fd, stall.map, victim->len), victim->len);
}

/* kill -9 ends a stall; a message in flight comes back, one not sent is not. */
static void killed_while_stalled(void)
{
	static const size_t lengths[] = { 100, 5000, 100000 };
	int fd = t_open(O_RDWR), writes, cut;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (writes = 0; writes < 2; writes++) {
			for (cut = 1; cut < 3; cut++) {
				struct victim victim = { writes, lengths[i] / cut };
				pid_t child;

				t_send(fd, lengths[i], 1);
				t_send(fd, 10, 2);
				child = t_fork(stall_for_ever, &victim);
				t_asleep_pid(child, writes ? SYS_write : SYS_read);
				/* Longer than the driver tries again. */
				t_sleep_ms(5);
				t_kill(child);
				t_receive(fd, lengths[i], 1);
				t_receive(fd, 10, 2);
				t_nothing();
			}
		}
	}
	close(fd);
}

/* Only the stalled reader's own: the module's other users never notice. */
static void run_transfer(struct t_task *task)
{
	char buf[256];
	int i;

	for (i = 0; i < 500; i++)
		if (task->number)
			t_is(write(task->fd, buf, 200), 200);
		else
			t_is(read(task->fd, buf, 256), 200);
}

static void transfer_beside_stalls(void)
{
	int in = t_open(O_RDONLY), out = t_open(O_WRONLY), fd = t_open(O_RDWR);
	struct t_stall reading, writing;
	struct t_task stalled[2], busy[2] = {
		{ .fd = t_open(O_RDONLY) }, { .fd = out, .number = 1 },
	};

	t_stall_make(&reading, t_page());
	t_stall_make(&writing, t_page());
	t_start_write(&stalled[1], out, writing.map, 200);
	t_stall_wait(&writing);
	t_send(fd, 200, 1);
	t_start_read(&stalled[0], in, reading.map, 200);
	t_stall_wait(&reading);
	/* The sender even uses the open file that the stalled one uses. */
	t_start(&busy[1], run_transfer);
	t_start(&busy[0], run_transfer);
	t_finish(&busy[1]);
	t_finish(&busy[0]);
	t_stall_release(&writing, NULL);
	t_stall_release(&reading, NULL);
	t_finish(&stalled[0]);
	t_finish(&stalled[1]);
	t_is(stalled[0].result, 200);
	t_is(stalled[1].result, 200);
	/* 502 were sent and 501 taken. */
	t_is(t_drain(), 1);
	close(in);
	close(out);
	close(fd);
}

static const struct t_test tests[] = {
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
	TQ_TEST(killed_while_stalled),
	TQ_TEST(transfer_beside_stalls),
	TQ_TEST_WITH(stalled_before_the_line, TQ_SMALL),
	TQ_TEST_WITH(stalled_and_then_in_the_line, TQ_SMALL),
	TQ_TEST_WITH(stalled_and_then_refused, "size_l=65536"),
	TQ_TEST_WITH(stopped_first_in_line, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("stall", tests, ARRAY_SIZE(tests), argc, argv);
}
