// SPDX-License-Identifier: GPL-2.0
/*
 * kill -9 at every point: while blocked, while holding a rest, in the middle of
 * a transfer. What a dead reader had in hand comes back, what a dead sender had
 * not sent is not sent, and all the rest is there exactly once.
 */
#include "common.h"

static void read_once(void *arg)
{
	char buf[64];

	(void)arg;
	if (read(tq_open(O_RDONLY), buf, sizeof(buf)) < 0)
		_exit(1);
}

static void blocked_reader(void)
{
	int fd = tq_open(O_RDWR), i;
	pid_t child;

	for (i = 0; i < 10; i++) {
		child = tq_fork(read_once, NULL);
		tq_asleep_pid(child, SYS_read);
		tq_kill(child);
		tq_send(fd, 10, i);
		tq_receive(fd, 10, i);
	}
	close(fd);
}

/* Killed just as the message arrives: it goes to the next reader, or comes back. */
static void reader_killed_by_the_arrival(void)
{
	int fd = tq_open(O_RDWR), i;
	struct tq_task other;
	char buf[64];

	for (i = 0; i < 30; i++) {
		pid_t child = tq_fork(read_once, NULL);

		tq_asleep_pid(child, SYS_read);
		tq_start_read(&other, tq_open(O_RDONLY), buf, sizeof(buf));
		tq_asleep(&other, SYS_read);
		kill(child, SIGKILL);
		tq_send(fd, 10, i);
		tq_kill(child);
		/* The child may have consumed it with its last breath. */
		tq_sleep_ms(2);
		if (!tq_done(&other) && !tq_value("messages"))
			tq_send(fd, 10, i);
		tq_finish(&other);
		tq_is(other.result, 10);
		tq_is(tq_differs(buf, 10, i, 0), -1);
		tq_nothing();
		close(other.fd);
	}
	close(fd);
}

static char message[TQ_SMALL_MAX];

static void write_once(void *arg)
{
	size_t len = (size_t)arg;

	tq_is(write(tq_open(O_WRONLY), message, len), len);
}

static void blocked_sender(void)
{
	int fd = tq_open(O_RDWR), i;
	pid_t child;

	for (i = 0; i < 10; i++) {
		tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
		child = tq_fork(write_once, (void *)TQ_SMALL_MAX);
		tq_asleep_pid(child, SYS_write);
		tq_kill(child);
		tq_is(tq_drain(), 4);
		tq_nothing();
		tq_is(tq_value("bytes"), 0);
	}
	close(fd);
}

/* The death of the first in line lets those behind in that now fit. */
static void first_in_line(void)
{
	int fd = tq_open(O_RDWR), i, round;
	struct tq_task small;
	char buf[8];
	pid_t child;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < 3; i++)
			tq_send(fd, TQ_SMALL_MAX, i);
		tq_send(fd, 8, 3);
		child = tq_fork(write_once, (void *)TQ_SMALL_MAX);
		tq_asleep_pid(child, SYS_write);
		tq_pattern(buf, sizeof(buf), 4, 0);
		tq_start_write(&small, tq_open(O_WRONLY), buf, sizeof(buf));
		tq_asleep(&small, SYS_write);
		tq_kill(child);
		/* No receive is needed for this. */
		tq_finish(&small);
		tq_is(small.result, sizeof(buf));
		close(small.fd);
		for (i = 0; i < 3; i++)
			tq_receive(fd, TQ_SMALL_MAX, i);
		tq_receive(fd, 8, 3);
		tq_receive(fd, 8, 4);
		tq_nothing();
	}
	close(fd);
}

/* In the middle of the line, one after the other, in a stirred order. */
static void out_of_the_line(void)
{
	enum { MANY = 9 };
	int fd = tq_open(O_RDWR), i;
	pid_t children[MANY];

	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < MANY; i++) {
		tq_pattern(message, 100 + i, 10 + i, 0);
		children[i] = tq_fork(write_once, (void *)(100UL + i));
		tq_asleep_pid(children[i], SYS_write);
	}
	tq_kill(children[4]);
	tq_kill(children[8]);
	tq_kill(children[0]);
	tq_kill(children[5]);
	for (i = 0; i < 4; i++)
		tq_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < MANY; i++) {
		if (i == 4 || i == 8 || i == 0 || i == 5)
			continue;
		tq_receive(fd, 100 + i, 10 + i);
		tq_reap(children[i]);
	}
	tq_nothing();
	close(fd);
}

static void hold_a_rest(void *arg)
{
	int fd = tq_open(O_RDONLY);
	char buf[7];

	tq_is(read(fd, buf, 7), 7);
	tq_is(write(*(int *)arg, "x", 1), 1);
	for (;;)
		pause();
}

static void holding_a_rest(void)
{
	int fd = tq_open(O_RDWR), pipes[2], i;
	char byte;

	tq_is(pipe(pipes), 0);
	for (i = 0; i < 10; i++) {
		pid_t child;

		tq_send(fd, 100, i);
		tq_send(fd, 50, 100);
		child = tq_fork(hold_a_rest, &pipes[1]);
		tq_is(read(pipes[0], &byte, 1), 1);
		tq_is(tq_fionread(fd), 50);
		tq_kill(child);
		tq_receive_rest(fd, 93, i, 7);
		tq_receive(fd, 50, 100);
		tq_nothing();
	}
	close(fd);
}

static void poll_for_ever(void *arg)
{
	struct pollfd one = { .fd = tq_open(O_RDWR), .events = POLLIN };

	(void)arg;
	poll(&one, 1, -1);
}

static void while_polling(void)
{
	int fd = tq_open(O_RDWR), i;

	for (i = 0; i < 5; i++) {
		pid_t child = tq_fork(poll_for_ever, NULL);

		tq_asleep_pid(child, SYS_poll);
		tq_kill(child);
		tq_send(fd, 5, i);
		tq_receive(fd, 5, i);
	}
	close(fd);
}

/*
 * Workers killed at random. Each reads straight into memory we share and marks
 * the place when its read has returned, so that a message can be in doubt only
 * if it lies complete in the one place its reader was killed at.
 */
#define PLACES	20000

struct ledger {
	struct place {
		uint64_t name;		/* 0: not read */
		char body[64 - sizeof(uint64_t)];
	} places[PLACES];
	atomic_int marked[PLACES];	/* the read has returned */
	atomic_int next;
	atomic_ullong sent;		/* names 1..sent are in, or being sent */
};

static struct ledger *ledger;

static void work(void *arg)
{
	int fd = tq_open(O_RDONLY);

	(void)arg;
	for (;;) {
		int at = atomic_fetch_add(&ledger->next, 1);

		if (at >= PLACES)
			for (;;)
				pause();
		if (read(fd, &ledger->places[at], sizeof(struct place)) !=
		    sizeof(struct place))
			_exit(1);
		atomic_store(&ledger->marked[at], 1);
	}
}

static void killed_at_random(void)
{
	enum { WORKERS = 3 };
	double end = tq_now() + tq_seconds(1.5);
	int fd = tq_open(O_RDWR | O_NONBLOCK), i, kills = 0;
	struct place place = { 0 };
	unsigned char *times;
	pid_t workers[WORKERS];
	uint64_t name = 0;
	unsigned int state = 7, doubt = 0;

	ledger = tq_shared(sizeof(*ledger));
	for (i = 0; i < WORKERS; i++)
		workers[i] = tq_fork(work, NULL);
	while ((kills < 10 || tq_now() < end) && name < PLACES / 2) {
		state = state * 1103515245 + 12345;
		for (i = 0; i < (int)(state >> 16) % 40 && name < PLACES / 2; i++) {
			place.name = ++name;
			memset(place.body, (int)name, sizeof(place.body));
			if (write(fd, &place, sizeof(place)) < 0) {
				tq_errno(-1, EAGAIN);
				name--;
				break;
			}
		}
		i = (state >> 8) % WORKERS;
		tq_kill(workers[i]);
		kills++;
		workers[i] = tq_fork(work, NULL);
	}
	for (i = 0; i < WORKERS; i++)
		tq_kill(workers[i]);
	tq_true(kills >= 10, "only %d were killed", kills);

	times = calloc(1, name + 1);
	while (read(fd, &place, sizeof(place)) == sizeof(place)) {
		tq_true(place.name >= 1 && place.name <= name, "never sent");
		times[place.name]++;
	}
	for (i = 0; i < PLACES; i++) {
		struct place *at = &ledger->places[i];
		size_t j;

		if (!atomic_load(&ledger->marked[i]))
			continue;
		tq_true(at->name >= 1 && at->name <= name, "never sent");
		for (j = 0; j < sizeof(at->body); j++)
			tq_is((unsigned char)at->body[j], (unsigned char)at->name);
		times[at->name]++;
	}
	for (i = 1; i <= (int)name; i++)
		tq_true(times[i] <= 1, "message %d was received %d times", i, times[i]);
	/* Read, but its reader died before it could say so. */
	for (i = 0; i < PLACES; i++) {
		struct place *at = &ledger->places[i];

		if (atomic_load(&ledger->marked[i]) || !at->name)
			continue;
		if (!times[at->name]) {
			times[at->name]++;
			doubt++;
		}
	}
	for (i = 1; i <= (int)name; i++)
		tq_true(times[i] == 1, "message %d of %d is lost (%d kills)", i,
			(int)name, kills);
	tq_true((int)doubt <= kills + WORKERS, "%u messages died with %d readers",
		doubt, kills);
	munmap(ledger, sizeof(*ledger));
	close(fd);
}

/* Short readers killed at random: no byte is lost while its file was open. */
static void short_work(void *arg)
{
	int fd = tq_open(O_RDONLY);
	struct ledger *book = arg;

	for (;;) {
		int at = atomic_fetch_add(&book->next, 1);

		if (at >= PLACES)
			for (;;)
				pause();
		/* 8 bytes of a 64 byte message; the place takes no more. */
		if (read(fd, &book->places[at].name, 8) != 8)
			_exit(1);
		atomic_store(&book->marked[at], 1);
	}
}

static void short_readers_killed_at_random(void)
{
	enum { WORKERS = 3, WORDS = 8 };
	double end = tq_now() + tq_seconds(1);
	int fd = tq_open(O_RDWR | O_NONBLOCK), i, j, kills = 0, doubt = 0;
	uint64_t words[WORDS], word, messages = 0;
	unsigned char *times;
	pid_t workers[WORKERS];
	unsigned int state = 11;
	ssize_t got;

	ledger = tq_shared(sizeof(*ledger));
	for (i = 0; i < WORKERS; i++)
		workers[i] = tq_fork(short_work, ledger);
	while (tq_now() < end && messages < PLACES / 2 / WORDS) {
		state = state * 1103515245 + 12345;
		for (i = 0; i < (int)(state >> 16) % 8; i++) {
			for (j = 0; j < WORDS; j++)
				words[j] = messages * WORDS + j + 1;
			if (write(fd, words, sizeof(words)) < 0)
				break;
			messages++;
		}
		i = (state >> 8) % WORKERS;
		tq_kill(workers[i]);
		kills++;
		workers[i] = tq_fork(short_work, ledger);
	}
	for (i = 0; i < WORKERS; i++)
		tq_kill(workers[i]);
	times = calloc(1, messages * WORDS + 1);
	while ((got = read(fd, &word, 8)) == 8) {
		tq_true(word >= 1 && word <= messages * WORDS, "never sent");
		times[word]++;
	}
	tq_is(got, -1);
	for (i = 0; i < PLACES; i++)
		if (atomic_load(&ledger->marked[i]))
			times[ledger->places[i].name]++;
	for (i = 1; i <= (int)messages * WORDS; i++)
		tq_true(times[i] <= 1, "word %d was received %d times", i, times[i]);
	for (i = 0; i < PLACES; i++) {
		word = ledger->places[i].name;
		if (!atomic_load(&ledger->marked[i]) && word && !times[word]) {
			times[word]++;
			doubt++;
		}
	}
	for (i = 1; i <= (int)messages * WORDS; i++)
		tq_true(times[i] == 1, "word %d is lost (%d kills)", i, kills);
	tq_true(doubt <= kills + WORKERS, "%d words died with %d readers", doubt,
		kills);
	munmap(ledger, sizeof(*ledger));
	close(fd);
}

/* Senders killed at random: each message is there once or not at all, whole. */
static void send_for_ever(void *arg)
{
	int fd = tq_open(O_WRONLY);
	struct ledger *book = arg;
	struct place place;

	for (;;) {
		place.name = atomic_fetch_add(&book->sent, 1) + 1;
		if (place.name >= PLACES)
			for (;;)
				pause();
		memset(place.body, (int)place.name, sizeof(place.body));
		if (write(fd, &place, sizeof(place)) != sizeof(place))
			_exit(1);
		atomic_store(&book->marked[place.name], 1);
	}
}

static void senders_killed_at_random(void)
{
	enum { SENDERS = 3 };
	double end = tq_now() + tq_seconds(1);
	int fd = tq_open(O_RDWR | O_NONBLOCK), i, kills = 0;
	struct place place;
	unsigned char *times = calloc(1, PLACES + SENDERS + 1);
	pid_t senders[SENDERS];
	unsigned int state = 3;
	size_t j;

	ledger = tq_shared(sizeof(*ledger));
	for (i = 0; i < SENDERS; i++)
		senders[i] = tq_fork(send_for_ever, ledger);
	for (;;) {
		bool over = tq_now() > end;
		int taken = 0;

		state = state * 1103515245 + 12345;
		if (over)
			for (i = 0; i < SENDERS; i++)
				tq_kill(senders[i]);
		while (read(fd, &place, sizeof(place)) == sizeof(place)) {
			tq_true(place.name >= 1 && place.name < PLACES, "never sent");
			times[place.name]++;
			for (j = 0; j < sizeof(place.body); j++)
				tq_is((unsigned char)place.body[j],
				      (unsigned char)place.name);
			if (!over && taken++ > (int)(state >> 20) % 64)
				break;
		}
		if (over)
			break;
		i = (state >> 8) % SENDERS;
		tq_kill(senders[i]);
		kills++;
		senders[i] = tq_fork(send_for_ever, ledger);
	}
	for (i = 1; i < PLACES; i++) {
		tq_true(times[i] <= 1, "message %d came %d times", i, times[i]);
		if (atomic_load(&ledger->marked[i]))
			tq_true(times[i] == 1, "message %d was sent and is lost", i);
	}
	tq_nothing();
	munmap(ledger, sizeof(*ledger));
	close(fd);
}

static const struct tq_test tests[] = {
	TQ_TEST(blocked_reader),
	TQ_TEST(reader_killed_by_the_arrival),
	TQ_TEST(holding_a_rest),
	TQ_TEST(while_polling),
	TQ_TEST(killed_at_random),
	TQ_TEST(short_readers_killed_at_random),
	TQ_TEST_WITH(blocked_sender, TQ_SMALL),
	TQ_TEST_WITH(first_in_line, TQ_SMALL),
	TQ_TEST_WITH(out_of_the_line, TQ_SMALL),
	TQ_TEST_WITH(senders_killed_at_random, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return tq_main("kill", tests, ARRAY_SIZE(tests), argc, argv);
}
