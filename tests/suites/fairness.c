// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody starves: a large sender beside small ones, small ones beside a large
 * one, a blocking sender beside those that only try.
 */
#include "common.h"

struct crowd {
	atomic_int stop;
	atomic_long sent;
};

static void run_small(struct t_task *task)
{
	struct crowd *crowd = task->arg;
	char buf[8] = "";

	while (!atomic_load(&crowd->stop))
		if (write(task->fd, buf, sizeof(buf)) > 0)
			crowd->sent++;
}

static void run_large(struct t_task *task)
{
	char buf[TQ_SMALL_MAX];

	memset(buf, 1, sizeof(buf));
	for (int i = 0; i < 20; i++) {
		t_is(write(task->fd, buf, sizeof(buf)), sizeof(buf));
		task->count++;
	}
}

/*
 * A queue kept full by a crowd of small senders: a large one gets in after what
 * was there and in the line before it, and so every so many messages.
 */
static void large_among_small(int flags)
{
	enum { CROWD = 4 };
	struct crowd crowd = { 0 };
	struct t_task small[CROWD], large = { .fd = t_open(O_WRONLY) };
	int in = t_open(O_RDONLY), i;
	long between = 0, longest = 0;
	char buf[TQ_SMALL_MAX];

	for (i = 0; i < CROWD; i++) {
		small[i] = (struct t_task){
			.fd = t_open(O_WRONLY | flags), .arg = &crowd,
		};
		t_start(&small[i], run_small);
	}
	while (t_value("messages") < TQ_PAGE / 48 - CROWD)
		t_sleep_ms(1);
	t_start(&large, run_large);
	t_asleep(&large, SYS_write);
	for (i = 0; i < 20;) {
		ssize_t got = read(in, buf, sizeof(buf));

		if (got == (ssize_t)sizeof(buf)) {
			if (between > longest)
				longest = between;
			between = 0;
			i++;
		} else {
			t_is(got, 8);
			/* Only when it waits again does its next turn begin. */
			if (large.count < 20 && t_is_asleep(large.tid, SYS_write))
				between++;
		}
	}
	/* A full queue and the line, and as much again for what we cannot see. */
	t_true(longest <= 2 * (TQ_PAGE / 48 + CROWD),
	       "a large message waits for %ld small ones", longest);
	t_finish(&large);
	atomic_store(&crowd.stop, 1);
	for (i = 0; i < CROWD; i++) {
		while (!t_done(&small[i]))
			t_drain();
		t_finish(&small[i]);
	}
	t_drain();
}

static void large_among_small_that_wait(void)
{
	large_among_small(0);
}

static void large_among_small_that_try(void)
{
	large_among_small(O_NONBLOCK);
}

/* The exact turn: what was there, what was in the line, then this one. */
static void exact_turn(void)
{
	enum { BEFORE = 3, AFTER = 5 };
	int fd = t_open(O_RDWR), i, n;
	struct t_task before[BEFORE], large, after[AFTER];
	char buf[TQ_SMALL_MAX];

	memset(buf, 7, sizeof(buf));
	n = t_fill(8, 0);
	for (i = 0; i < BEFORE; i++) {
		t_start_write(&before[i], fd, buf, 10);
		t_asleep(&before[i], SYS_write);
	}
	t_start_write(&large, fd, buf, sizeof(buf));
	t_asleep(&large, SYS_write);
	for (i = 0; i < AFTER; i++) {
		t_start_write(&after[i], fd, buf, 12);
		t_asleep(&after[i], SYS_write);
	}
	for (i = 0; i < n; i++)
		t_receive(fd, 8, i);
	for (i = 0; i < BEFORE; i++)
		t_is(read(fd, buf, sizeof(buf)), 10);
	t_is(read(fd, buf, sizeof(buf)), sizeof(buf));
	for (i = 0; i < AFTER; i++)
		t_is(read(fd, buf, sizeof(buf)), 12);
	for (i = 0; i < BEFORE; i++)
		t_finish(&before[i]);
	t_finish(&large);
	for (i = 0; i < AFTER; i++)
		t_finish(&after[i]);
	t_nothing();
	close(fd);
}

static void run_equal(struct t_task *task)
{
	struct crowd *crowd = task->arg;
	char buf[900] = "";

	while (!atomic_load(&crowd->stop)) {
		if (write(task->fd, buf, sizeof(buf)) > 0)
			task->count++;
	}
}

/* Senders that are all in the line get turn and turn about. */
static void equal_shares(void)
{
	enum { SENDERS = 5, TURNS = 20 };
	struct crowd crowd = { 0 };
	struct t_task tasks[SENDERS];
	int in = t_open(O_RDONLY), i, turn;
	char buf[1024];

	for (i = 0; i < SENDERS; i++) {
		tasks[i] = (struct t_task){
			.fd = t_open(O_WRONLY), .arg = &crowd,
		};
		t_start(&tasks[i], run_equal);
	}
	for (i = 0; i < SENDERS; i++) {
		t_asleep(&tasks[i], SYS_write);
		tasks[i].number = tasks[i].count;
	}
	for (turn = 0; turn < SENDERS * TURNS; turn++) {
		t_is(read(in, buf, sizeof(buf)), 900);
		/* The one that got in is back in the line before the next. */
		for (i = 0; i < SENDERS; i++)
			while (!t_is_asleep(tasks[i].tid, SYS_write))
				sched_yield();
	}
	for (i = 0; i < SENDERS; i++) {
		long count = tasks[i].count - tasks[i].number;

		t_true(count >= TURNS - 1 && count <= TURNS + 1,
		       "one of %d senders got %ld of %d turns", SENDERS, count,
			SENDERS * TURNS);
	}
	atomic_store(&crowd.stop, 1);
	for (i = 0; i < SENDERS; i++) {
		while (!t_done(&tasks[i]))
			t_drain();
		t_finish(&tasks[i]);
	}
	t_drain();
	close(in);
}

static const struct t_test tests[] = {
	TQ_TEST_WITH(large_among_small_that_wait, TQ_SMALL),
	TQ_TEST_WITH(large_among_small_that_try, TQ_SMALL),
	TQ_TEST_WITH(exact_turn, TQ_SMALL),
	TQ_TEST_WITH(equal_shares, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("fairness", tests, ARRAY_SIZE(tests), argc, argv);
}
