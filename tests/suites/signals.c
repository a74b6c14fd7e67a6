// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals: a call that waits is restarted or ends with EINTR, as SA_RESTART
 * says, and has done nothing until then.
 */
#include "common.h"

#include <sys/time.h>

static void reader_is_interrupted(void)
{
	int fd = t_open(O_RDWR);
	struct t_task reader;
	char buf[64];

	t_catch(SIGUSR1, 0);
	t_start_read(&reader, fd, buf, sizeof(buf));
	t_asleep(&reader, SYS_read);
	pthread_kill(reader.thread, SIGUSR1);
	t_finish(&reader);
	t_is(reader.result, -1);
	t_is(reader.error, EINTR);
	t_send(fd, 5, 1);
	t_receive(fd, 5, 1);
	t_nothing();
	close(fd);
}

static void reader_is_restarted(void)
{
	int fd = t_open(O_RDWR), i;
	struct t_task reader;
	char buf[64];

	t_catch(SIGUSR1, SA_RESTART);
	t_start_read(&reader, fd, buf, sizeof(buf));
	for (i = 1; i <= 5; i++) {
		t_asleep(&reader, SYS_read);
		pthread_kill(reader.thread, SIGUSR1);
		t_wait_caught(i);
	}
	t_still_asleep(&reader, SYS_read);
	t_send(fd, 5, 1);
	t_finish(&reader);
	t_is(reader.result, 5);
	t_is(t_differs(buf, 5, 1, 0), -1);
	t_nothing();
	close(fd);
}

static void sender_is_interrupted(void)
{
	int fd = t_open(O_RDWR), i, round;
	struct t_task sender;
	char buf[100] = "";

	t_catch(SIGUSR1, 0);
	for (round = 0; round < 5; round++) {
		t_is(t_fill(TQ_SMALL_MAX, 0), 4);
		t_start_write(&sender, fd, buf, sizeof(buf));
		t_asleep(&sender, SYS_write);
		pthread_kill(sender.thread, SIGUSR1);
		t_finish(&sender);
		t_is(sender.result, -1);
		t_is(sender.error, EINTR);
		/* Not sent, now or later. */
		for (i = 0; i < 4; i++)
			t_receive(fd, TQ_SMALL_MAX, i);
		t_nothing();
		t_is(t_value("bytes"), 0);
	}
	close(fd);
}

/* Restarted, it is sent once; its place is that of the restart at the latest. */
static void sender_is_restarted(void)
{
	int fd = t_open(O_RDWR), i;
	struct t_task sender;
	char buf[100];

	t_catch(SIGUSR1, SA_RESTART);
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_pattern(buf, sizeof(buf), 4, 0);
	t_start_write(&sender, fd, buf, sizeof(buf));
	for (i = 1; i <= 5; i++) {
		t_asleep(&sender, SYS_write);
		pthread_kill(sender.thread, SIGUSR1);
		t_wait_caught(i);
	}
	t_still_asleep(&sender, SYS_write);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, sizeof(buf), 4);
	t_finish(&sender);
	t_is(sender.result, sizeof(buf));
	t_nothing();
	close(fd);
}

/* A pending signal is no reason to fail where nothing has to wait. */
static void pending_signal_does_not_matter(void)
{
	int fd = t_open(O_RDWR), i;

	t_catch(SIGUSR1, 0);
	for (i = 0; i < 200; i++) {
		raise(SIGUSR1);
		t_send(fd, 10, i);
		raise(SIGUSR1);
		t_receive(fd, 10, i);
	}
	close(fd);
}

/* First in the line goes away by a signal: what is behind and fits gets in. */
static void first_in_line_leaves(void)
{
	int fd = t_open(O_RDWR), i, round;
	struct t_task large, small[2];
	char buf[TQ_SMALL_MAX] = "";

	t_catch(SIGUSR1, 0);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 3; i++)
			t_send(fd, TQ_SMALL_MAX, i);
		t_send(fd, 8, 3);
		t_start_write(&large, t_open(O_WRONLY), buf, sizeof(buf));
		t_asleep(&large, SYS_write);
		for (i = 0; i < 2; i++) {
			t_start_write(&small[i], t_open(O_WRONLY), buf, 10 + i);
			t_asleep(&small[i], SYS_write);
		}
		pthread_kill(large.thread, SIGUSR1);
		t_finish(&large);
		t_is(large.error, EINTR);
		for (i = 0; i < 2; i++) {
			t_finish(&small[i]);
			t_is(small[i].result, 10 + i);
			close(small[i].fd);
		}
		close(large.fd);
		t_is(t_value("messages"), 6);
		t_is(t_drain(), 6);
	}
	close(fd);
}

/* ... and a nonblocking sender that had its turn gets in again, once nobody waits. */
static void line_ends_with_its_last(void)
{
	int fd = t_open(O_RDWR), quick = t_open(O_WRONLY | O_NONBLOCK), i;
	struct t_task large;
	char buf[TQ_SMALL_MAX] = "";

	t_catch(SIGUSR1, 0);
	for (i = 0; i < 3; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_send(fd, 8, 3);
	t_start_write(&large, fd, buf, sizeof(buf));
	t_asleep(&large, SYS_write);
	t_is(write(quick, buf, 8), 8);
	t_errno(write(quick, buf, 8), EAGAIN);
	pthread_kill(large.thread, SIGUSR1);
	t_finish(&large);
	t_is(write(quick, buf, 8), 8);
	t_is(t_drain(), 6);
	close(fd);
	close(quick);
}

/* The signal and the room (or the message) come at the same time. */
static void races_with_room(void)
{
	int fd = t_open(O_RDWR), round, sent = 0, interrupted = 0;
	struct t_task sender;
	char buf[100];
	volatile int spin;

	t_catch(SIGUSR1, 0);
	/* Where one side always wins in time, the signal gets some more. */
	for (round = 0; round < 200 ||
	     (round < 400 && !(sent && interrupted)); round++) {
		int i;

		t_is(t_fill(TQ_SMALL_MAX, 0), 4);
		t_pattern(buf, sizeof(buf), 4, 0);
		t_start_write(&sender, fd, buf, sizeof(buf));
		t_asleep(&sender, SYS_write);
		if (round & 1)
			pthread_kill(sender.thread, SIGUSR1);
		for (spin = 0; spin < round * 5; spin++)
			;
		if (round >= 200)
			t_sleep_ms(round & 1);
		t_receive(fd, TQ_SMALL_MAX, 0);
		if (!(round & 1)) {
			for (spin = 0; spin < round; spin++)
				;
			pthread_kill(sender.thread, SIGUSR1);
		}
		t_finish(&sender);
		for (i = 1; i < 4; i++)
			t_receive(fd, TQ_SMALL_MAX, i);
		/* What it says is what happened. */
		if (sender.result == (ssize_t)sizeof(buf)) {
			t_receive(fd, sizeof(buf), 4);
			sent++;
		} else {
			t_is(sender.result, -1);
			t_is(sender.error, EINTR);
			interrupted++;
		}
		t_nothing();
	}
	t_true(sent && interrupted, "%d sent and %d interrupted is no race", sent,
	       interrupted);
	close(fd);
}

static void go_on_reading(void *arg)
{
	int fd = t_open(O_RDONLY);
	char buf[16];

	(void)arg;
	t_is(read(fd, buf, sizeof(buf)), 9);
}

static void stop_and_continue(void)
{
	int fd = t_open(O_WRONLY), i, status;
	pid_t child = t_fork(go_on_reading, NULL);

	for (i = 0; i < 3; i++) {
		t_asleep_pid(child, SYS_read);
		kill(child, SIGSTOP);
		t_is(waitpid(child, &status, WUNTRACED), child);
		t_true(WIFSTOPPED(status), "the child did not stop");
		kill(child, SIGCONT);
	}
	t_asleep_pid(child, SYS_read);
	t_send(fd, 9, 1);
	t_reap(child);
	t_nothing();
	close(fd);
}

/* A stopped reader that was waiting does not keep the message for itself. */
static void stopped_reader_takes_nothing(void)
{
	int fd = t_open(O_RDWR), status;
	pid_t child = t_fork(go_on_reading, NULL);

	t_asleep_pid(child, SYS_read);
	kill(child, SIGSTOP);
	t_is(waitpid(child, &status, WUNTRACED), child);
	t_send(fd, 7, 1);
	t_receive(fd, 7, 1);
	kill(child, SIGCONT);
	t_asleep_pid(child, SYS_read);
	t_send(fd, 9, 2);
	t_reap(child);
	t_nothing();
	close(fd);
}

#define STORM	1500

static void run_storm_sender(struct t_task *task)
{
	uint64_t i = 0;

	while (i < STORM) {
		uint64_t words[100] = { i };
		ssize_t n = write(task->fd, words, 8 + i % 90 * 8);

		if (n < 0) {
			t_errno(n, EINTR);
			task->count++;
			continue;
		}
		t_is(n, 8 + i % 90 * 8);
		i++;
	}
}

static void run_storm_reader(struct t_task *task)
{
	uint64_t i = 0;

	while (i < STORM) {
		uint64_t words[100];
		ssize_t n = read(task->fd, words, sizeof(words));

		if (n < 0) {
			t_errno(n, EINTR);
			task->count++;
			continue;
		}
		t_is(words[0], i);
		t_is(n, 8 + i % 90 * 8);
		i++;
	}
}

/* Both ends under a hail of signals; nothing is lost, doubled or reordered. */
static void hail(void)
{
	struct t_task sender = { .fd = t_open(O_WRONLY) };
	struct t_task reader = { .fd = t_open(O_RDONLY) };

	t_catch(SIGUSR1, 0);
	t_start(&sender, run_storm_sender);
	t_start(&reader, run_storm_reader);
	while (!t_done(&sender) || !t_done(&reader)) {
		struct timespec pause = { .tv_nsec = 100000 };

		if (!t_done(&sender))
			pthread_kill(sender.thread, SIGUSR1);
		if (!t_done(&reader))
			pthread_kill(reader.thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	t_finish(&sender);
	t_finish(&reader);
	t_true(sender.count + reader.count > 0, "no signal ever interrupted a call");
	t_nothing();
	close(sender.fd);
	close(reader.fd);
}

static const struct t_test tests[] = {
	TQ_TEST(reader_is_interrupted),
	TQ_TEST(reader_is_restarted),
	TQ_TEST(pending_signal_does_not_matter),
	TQ_TEST(stop_and_continue),
	TQ_TEST(stopped_reader_takes_nothing),
	TQ_TEST_WITH(sender_is_interrupted, TQ_SMALL),
	TQ_TEST_WITH(sender_is_restarted, TQ_SMALL),
	TQ_TEST_WITH(first_in_line_leaves, TQ_SMALL),
	TQ_TEST_WITH(line_ends_with_its_last, TQ_SMALL),
	TQ_TEST_WITH(races_with_room, TQ_SMALL),
	TQ_TEST_WITH(hail, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("signals", tests, ARRAY_SIZE(tests), argc, argv);
}
