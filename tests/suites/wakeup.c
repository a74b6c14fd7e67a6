// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is woken: n new messages wake n of those who wait, no more (no herd) and
 * no fewer (no lost wake-up), and one who was woken and leaves without taking
 * anything wakes the next. A thread that is woken and goes back to sleep shows
 * in the count of its voluntary context switches.
 */
#include "common.h"

struct sleeper {
	struct t_task task;
	char buf[64];
	long switches;
};

static void start_readers(struct sleeper *sleepers, int n)
{
	int i;

	for (i = 0; i < n; i++)
		t_start_read(&sleepers[i].task, t_open(O_RDONLY),
			     sleepers[i].buf, sizeof(sleepers[i].buf));
	for (i = 0; i < n; i++) {
		t_asleep(&sleepers[i].task, SYS_read);
		sleepers[i].switches = t_switches(sleepers[i].task.tid);
	}
}

static int how_many_came_back(struct sleeper *sleepers, int n)
{
	int i, back = 0;

	for (i = 0; i < n; i++)
		back += t_done(&sleepers[i].task);
	return back;
}

/* Waits until @want have come back, and sees that nobody else was woken. */
static void exactly(struct sleeper *sleepers, int n, int want)
{
	double end = t_now() + 10 * t_slow();
	int i;

	while (how_many_came_back(sleepers, n) < want)
		t_true(t_now() < end, "%d of %d come back, not %d",
		       how_many_came_back(sleepers, n), n, want);
	t_sleep_ms(20);
	t_is(how_many_came_back(sleepers, n), want);
	for (i = 0; i < n; i++) {
		long now;

		if (t_done(&sleepers[i].task))
			continue;
		now = t_switches(sleepers[i].task.tid);
		t_true(now == sleepers[i].switches,
		       "one that got nothing was woken %ld times",
			now - sleepers[i].switches);
	}
}

static void finish(struct sleeper *sleepers, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		t_finish(&sleepers[i].task);
		t_true(sleepers[i].task.result > 0, "a call fails with errno %d",
		       sleepers[i].task.error);
		close(sleepers[i].task.fd);
	}
}

static void n_messages_wake_n_readers(void)
{
	enum { MANY = 16 };
	static struct sleeper sleepers[MANY];
	int fd = t_open(O_WRONLY), sent = 0, n;

	start_readers(sleepers, MANY);
	for (n = 1; sent + n <= MANY; n++) {
		int i;

		for (i = 0; i < n; i++)
			t_send(fd, 8, sent + i);
		sent += n;
		exactly(sleepers, MANY, sent);
	}
	for (; sent < MANY; sent++)
		t_send(fd, 8, sent);
	finish(sleepers, MANY);
	t_nothing();
	close(fd);
}

/* So they do if each takes a part of its message only. */
static void n_messages_wake_n_short_readers(void)
{
	enum { MANY = 8 };
	static struct sleeper sleepers[MANY];
	int fd = t_open(O_WRONLY), i, n;

	for (i = 0; i < MANY; i++) {
		t_start_read(&sleepers[i].task, t_open(O_RDONLY),
			     sleepers[i].buf, 3);
		t_asleep(&sleepers[i].task, SYS_read);
	}
	for (i = 0; i < MANY; i++)
		sleepers[i].switches = t_switches(sleepers[i].task.tid);
	for (n = 1; n <= MANY; n++) {
		t_send(fd, 8, n);
		exactly(sleepers, MANY, n);
	}
	finish(sleepers, MANY);
	t_is(t_drain(), MANY);
	close(fd);
}

static void one_message_of_two_hundred_readers(void)
{
	enum { MANY = 200 };
	static struct sleeper sleepers[MANY];
	int fd = t_open(O_WRONLY), i;

	start_readers(sleepers, MANY);
	t_send(fd, 8, 0);
	exactly(sleepers, MANY, 1);
	t_send(fd, 8, 1);
	exactly(sleepers, MANY, 2);
	for (i = 2; i < MANY; i++)
		t_send(fd, 8, i);
	finish(sleepers, MANY);
	t_nothing();
	close(fd);
}

static void poll_on(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLIN };

	while (!atomic_load((atomic_int *)task->arg))
		if (poll(&one, 1, 50) == 1)
			task->count++;
}

/* Pollers learn of the message as well; they take no reader's place. */
static void with_pollers_beside(void)
{
	enum { MANY = 8 };
	static struct sleeper sleepers[MANY];
	struct t_task pollers[3];
	atomic_int stop = 0;
	int fd = t_open(O_WRONLY), i;

	for (i = 0; i < 3; i++) {
		pollers[i] = (struct t_task){
			.fd = t_open(O_RDONLY), .arg = &stop,
		};
		t_start(&pollers[i], poll_on);
	}
	start_readers(sleepers, MANY);
	for (i = 0; i < MANY; i++) {
		t_send(fd, 8, i);
		exactly(sleepers, MANY, i + 1);
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 3; i++)
		t_finish(&pollers[i]);
	finish(sleepers, MANY);
	t_nothing();
	close(fd);
}

/* Room for one wakes one sender; room for three, three. */
static void room_wakes_as_many_senders_as_fit(void)
{
	enum { MANY = 12, FULL = TQ_PAGE / 128 };
	static struct sleeper sleepers[MANY];
	static char large[TQ_SMALL_MAX];
	int fd = t_open(O_RDWR), i;

	for (i = 0; i < FULL; i++)
		t_send(fd, 88, i);	/* 128 bytes each */
	for (i = 0; i < MANY; i++) {
		t_start_write(&sleepers[i].task, t_open(O_WRONLY), large, 88);
		t_asleep(&sleepers[i].task, SYS_write);
		sleepers[i].switches = t_switches(sleepers[i].task.tid);
	}
	for (i = 0; i < 6; i++) {
		t_receive(fd, 88, i);
		exactly(sleepers, MANY, i + 1);
	}
	t_is(t_value("messages"), FULL);
	for (; i < MANY; i++)
		t_receive(fd, 88, i);
	finish(sleepers, MANY);
	for (i = 0; i < FULL; i++)
		t_is(read(fd, large, sizeof(large)), 88);
	t_nothing();
	close(fd);
}

/* A small receive wakes nobody who needs more than it frees. */
static void too_little_room_wakes_nobody(void)
{
	enum { FULL = TQ_PAGE / 128, LARGE = FULL / 4 };	/* small ones for a large one */
	static struct sleeper sleepers[4];
	static char large[TQ_SMALL_MAX];
	int fd = t_open(O_RDWR), i;

	for (i = 0; i < FULL; i++)
		t_send(fd, 88, i);
	for (i = 0; i < 4; i++) {
		t_start_write(&sleepers[i].task, t_open(O_WRONLY), large,
			      sizeof(large));
		t_asleep(&sleepers[i].task, SYS_write);
		sleepers[i].switches = t_switches(sleepers[i].task.tid);
	}
	for (i = 0; i < FULL; i++) {
		t_receive(fd, 88, i);
		if (i < LARGE - 1)
			t_is(how_many_came_back(sleepers, 4), 0);
		if (i % LARGE >= LARGE - 2)
			exactly(sleepers, 4, (i + 1) / LARGE);
	}
	finish(sleepers, 4);
	for (i = 0; i < 4; i++)
		t_is(read(fd, large, sizeof(large)), sizeof(large));
	t_nothing();
	close(fd);
}

/* The one that was woken cannot take it: the next one gets it. */
static void a_bad_buffer_passes_the_message_on(void)
{
	int fd = t_open(O_WRONLY), round, i;
	struct t_task bad[3], good;
	char buf[64];

	for (round = 0; round < 10; round++) {
		for (i = 0; i < 3; i++) {
			t_start_read(&bad[i], t_open(O_RDONLY), (void *)16, 64);
			t_asleep(&bad[i], SYS_read);
		}
		t_start_read(&good, t_open(O_RDONLY), buf, sizeof(buf));
		t_asleep(&good, SYS_read);
		t_send(fd, 30, round);
		t_finish(&good);
		t_is(good.result, 30);
		t_is(t_differs(buf, 30, round, 0), -1);
		close(good.fd);
		/* Those the message did not reach wait on; end them. */
		for (i = 0; i < 3; i++) {
			if (!t_done(&bad[i]))
				t_send(fd, 1, 1);
			t_finish(&bad[i]);
			t_is(bad[i].result, -1);
			t_is(bad[i].error, EFAULT);
			close(bad[i].fd);
		}
		t_drain();
	}
	close(fd);
}

/* Signalled at the moment of the wake-up: the message finds another reader. */
static void a_signal_passes_the_message_on(void)
{
	int fd = t_open(O_WRONLY), round, delay;
	struct t_task readers[2];
	char buf[2][64];
	volatile int spin;

	t_unblockable();
	for (round = 0; round < 200; round++) {
		int i, woken = round % 2, got = 0;

		for (i = 0; i < 2; i++) {
			t_start_read(&readers[i], t_open(O_RDONLY), buf[i], 64);
			t_asleep(&readers[i], SYS_read);
		}
		delay = round * 7 % 400;
		if (round & 4) {
			t_send(fd, 20, round);
			for (spin = 0; spin < delay; spin++)
				;
			pthread_kill(readers[woken].thread, SIGUSR1);
		} else {
			pthread_kill(readers[woken].thread, SIGUSR1);
			for (spin = 0; spin < delay; spin++)
				;
			t_send(fd, 20, round);
		}
		/* Whatever happens, the message reaches one of them. */
		t_finish(&readers[woken]);
		if (readers[woken].result == 20) {
			got++;
			t_asleep(&readers[!woken], SYS_read);
			t_send(fd, 21, round);
			t_finish(&readers[!woken]);
			t_is(readers[!woken].result, 21);
		} else {
			t_is(readers[woken].result, -1);
			t_is(readers[woken].error, EINTR);
			t_finish(&readers[!woken]);
			t_is(readers[!woken].result, 20);
		}
		for (i = 0; i < 2; i++)
			close(readers[i].fd);
	}
	t_nothing();
	close(fd);
}

static void run_thief(struct t_task *task)
{
	char buf[64];

	while (!atomic_load((atomic_int *)task->arg)) {
		if (read(task->fd, buf, sizeof(buf)) > 0)
			task->count++;
		else
			sched_yield();
	}
}

static void run_readers(struct t_task *task)
{
	char buf[64];

	while (read(task->fd, buf, sizeof(buf)) > 4)
		task->count++;
}

/* A thief takes what a sleeper was woken for: no sleeper is forgotten. */
static void thieves_leave_nobody_asleep(void)
{
	struct t_task readers[3], thief;
	atomic_int stop = 0;
	int fd = t_open(O_WRONLY), i;
	long count;

	for (i = 0; i < 3; i++) {
		readers[i] = (struct t_task){ .fd = t_open(O_RDONLY) };
		t_start(&readers[i], run_readers);
	}
	thief = (struct t_task){
		.fd = t_open(O_RDONLY | O_NONBLOCK), .arg = &stop,
	};
	t_start(&thief, run_thief);
	for (i = 0; i < 3000; i++)
		t_send(fd, 8, i);
	while (t_value("messages"))
		t_sleep_ms(1);
	atomic_store(&stop, 1);
	t_finish(&thief);
	for (i = 0; i < 3; i++)
		t_send(fd, 4, i);
	for (i = 0; i < 3; i++)
		t_finish(&readers[i]);
	count = thief.count;
	for (i = 0; i < 3; i++)
		count += readers[i].count;
	t_is(count, 3000);
	t_nothing();
}

/* A message at a time, each sent when the one before was taken. */
static void run_echo(struct t_task *task)
{
	unsigned int value;

	while (read(task->fd, &value, sizeof(value)) == sizeof(value)) {
		if (value == ~0U)
			return;
		atomic_store((atomic_uint *)task->arg, value);
	}
}

/* Sleep and wake-up race each other thousands of times. */
static void no_wake_up_is_lost(void)
{
	int fd = t_open(O_WRONLY);
	atomic_uint reached = 0;
	struct t_task readers[2];
	unsigned int i, end = ~0U;

	for (i = 0; i < 2; i++) {
		readers[i] = (struct t_task){
			.fd = t_open(O_RDONLY), .arg = &reached,
		};
		t_start(&readers[i], run_echo);
	}
	for (i = 1; i <= 1000; i++) {
		double late = t_now() + 10 * t_slow();
		int looks = 0;

		t_is(write(fd, &i, sizeof(i)), sizeof(i));
		while (atomic_load(&reached) != i) {
			/* Sometimes at once, sometimes when all have gone to sleep. */
			if (++looks > 20)
				usleep(50);
			t_true(t_now() < late, "message %u reaches nobody", i);
		}
	}
	for (i = 0; i < 2; i++)
		t_is(write(fd, &end, sizeof(end)), sizeof(end));
	for (i = 0; i < 2; i++)
		t_finish(&readers[i]);
	close(fd);
}

static void run_sender(struct t_task *task)
{
	char buf[TQ_SMALL_MAX] = "";
	int i;

	for (i = 0; i < 1500; i++)
		t_is(write(task->fd, buf, 600 + i % 384), 600 + i % 384);
}

/* The same for senders: a queue that is nearly always full, two of each. */
static void no_room_is_lost(void)
{
	struct t_task tasks[3];
	int fd = t_open(O_RDONLY), i;
	char buf[TQ_SMALL_MAX];

	for (i = 0; i < 3; i++) {
		tasks[i] = (struct t_task){ .fd = t_open(O_WRONLY) };
		t_start(&tasks[i], run_sender);
	}
	for (i = 0; i < 4500; i++)
		t_true(read(fd, buf, sizeof(buf)) >= 600, "read fails");
	for (i = 0; i < 3; i++)
		t_finish(&tasks[i]);
	t_nothing();
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(n_messages_wake_n_readers),
	TQ_TEST(n_messages_wake_n_short_readers),
	TQ_TEST(one_message_of_two_hundred_readers),
	TQ_TEST(with_pollers_beside),
	TQ_TEST(a_bad_buffer_passes_the_message_on),
	TQ_TEST(a_signal_passes_the_message_on),
	TQ_TEST(thieves_leave_nobody_asleep),
	TQ_TEST(no_wake_up_is_lost),
	TQ_TEST_WITH(room_wakes_as_many_senders_as_fit, TQ_SMALL),
	TQ_TEST_WITH(too_little_room_wakes_nobody, TQ_SMALL),
	TQ_TEST_WITH(no_room_is_lost, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("wakeup", tests, ARRAY_SIZE(tests), argc, argv);
}
