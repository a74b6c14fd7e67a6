// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill -9 at every point: while blocked, while holding a rest, in the middle of
 * a transfer. What a dead reader had in flight comes back, what a dead sender had
 * not sent is not sent, and all the rest is there exactly once.
 */
#include "common.h"

static void read_once(void *arg)
{
	char buf[64];

	(void)arg;
	if (read(t_open(O_RDONLY), buf, sizeof(buf)) < 0)
		_exit(1);
}

static void blocked_reader(void)
{
	int fd = t_open(O_RDWR), i;
	pid_t child;

	for (i = 0; i < 10; i++) {
		child = t_fork(read_once, NULL);
		t_asleep_pid(child, SYS_read);
		t_kill(child);
		t_send(fd, 10, i);
		t_receive(fd, 10, i);
	}
	close(fd);
}

/* Killed just as the message arrives: it goes to the next reader. */
static void reader_killed_by_the_arrival(void)
{
	int fd = t_open(O_RDWR), i;
	struct t_task other;
	char buf[64];

	for (i = 0; i < 30; i++) {
		pid_t child = t_fork(read_once, NULL);

		t_asleep_pid(child, SYS_read);
		t_start_read(&other, t_open(O_RDONLY), buf, sizeof(buf));
		t_asleep(&other, SYS_read);
		kill(child, SIGKILL);
		t_send(fd, 10, i);
		t_kill(child);
		t_finish(&other);
		t_is(other.result, 10);
		t_is(t_differs(buf, 10, i, 0), -1);
		t_nothing();
		close(other.fd);
	}
	close(fd);
}

static char message[TQ_SMALL_MAX];

static void write_once(void *arg)
{
	size_t len = (size_t)arg;

	t_is(write(t_open(O_WRONLY), message, len), len);
}

static void blocked_sender(void)
{
	int fd = t_open(O_RDWR), i;
	pid_t child;

	for (i = 0; i < 10; i++) {
		t_is(t_fill(TQ_SMALL_MAX, 0), 4);
		child = t_fork(write_once, (void *)TQ_SMALL_MAX);
		t_asleep_pid(child, SYS_write);
		t_kill(child);
		t_is(t_drain(), 4);
		t_nothing();
		t_is(t_value("bytes"), 0);
	}
	close(fd);
}

/* The death of the first in line lets those behind in that now fit. */
static void first_in_line(void)
{
	int fd = t_open(O_RDWR), i, round;
	struct t_task small;
	char buf[8];
	pid_t child;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < 3; i++)
			t_send(fd, TQ_SMALL_MAX, i);
		t_send(fd, 8, 3);
		child = t_fork(write_once, (void *)TQ_SMALL_MAX);
		t_asleep_pid(child, SYS_write);
		t_pattern(buf, sizeof(buf), 4, 0);
		t_start_write(&small, t_open(O_WRONLY), buf, sizeof(buf));
		t_asleep(&small, SYS_write);
		t_kill(child);
		/* No receive is needed for this. */
		t_finish(&small);
		t_is(small.result, sizeof(buf));
		close(small.fd);
		for (i = 0; i < 3; i++)
			t_receive(fd, TQ_SMALL_MAX, i);
		t_receive(fd, 8, 3);
		t_receive(fd, 8, 4);
		t_nothing();
	}
	close(fd);
}

/* In the middle of the line, one after the other, in a stirred order. */
static void out_of_the_line(void)
{
	enum { MANY = 9 };
	int fd = t_open(O_RDWR), i;
	pid_t children[MANY];

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < MANY; i++) {
		t_pattern(message, 100 + i, 10 + i, 0);
		children[i] = t_fork(write_once, (void *)(100UL + i));
		t_asleep_pid(children[i], SYS_write);
	}
	t_kill(children[4]);
	t_kill(children[8]);
	t_kill(children[0]);
	t_kill(children[5]);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < MANY; i++) {
		if (i == 4 || i == 8 || i == 0 || i == 5)
			continue;
		t_receive(fd, 100 + i, 10 + i);
		t_reap(children[i]);
	}
	t_nothing();
	close(fd);
}

static void hold_a_rest(void *arg)
{
	int fd = t_open(O_RDONLY);
	char buf[7];

	t_is(read(fd, buf, 7), 7);
	t_is(write(*(int *)arg, "x", 1), 1);
	for (;;)
		pause();
}

static void holding_a_rest(void)
{
	int fd = t_open(O_RDWR), pipes[2], i;
	char byte;

	t_is(pipe(pipes), 0);
	for (i = 0; i < 10; i++) {
		pid_t child;

		t_send(fd, 100, i);
		t_send(fd, 50, 100);
		child = t_fork(hold_a_rest, &pipes[1]);
		t_is(read(pipes[0], &byte, 1), 1);
		t_is(t_fionread(fd), 50);
		t_kill(child);
		t_receive_rest(fd, 93, i, 7);
		t_receive(fd, 50, 100);
		t_nothing();
	}
	close(fd);
}

static void poll_for_ever(void *arg)
{
	struct pollfd one = { .fd = t_open(O_RDWR), .events = POLLIN };

	(void)arg;
	poll(&one, 1, -1);
}

static void while_polling(void)
{
	int fd = t_open(O_RDWR), i;

	for (i = 0; i < 5; i++) {
		pid_t child = t_fork(poll_for_ever, NULL);

		t_asleep_pid(child, SYS_poll);
		t_kill(child);
		t_send(fd, 5, i);
		t_receive(fd, 5, i);
	}
	close(fd);
}

/* ---- killed at random ------------------------------------------------------ */

#define PLACES	20000

/*
 * Where readers put what they receive, and senders say what they sent: memory
 * that we share. A place is marked when its call has returned, so that only what
 * lies in the one place its process was killed at can be in doubt.
 */
struct ledger {
	struct place {
		uint64_t name;		/* 0: nothing was read */
		char body[64 - sizeof(uint64_t)];
	} places[PLACES];
	atomic_int marked[PLACES];	/* the call has returned */
	atomic_int next;
	atomic_ullong sent;		/* names 1..sent are in, or being sent */
	size_t unit;			/* bytes that a reader takes at a time */
};

static struct ledger *ledger;

/* Processes that do the same thing for ever; one after the other is killed. */
#define CREW	3

struct crew {
	void (*work)(void *arg);
	pid_t pids[CREW];
	int kills;
	unsigned int dice;
};

static void crew_start(struct crew *crew)
{
	int i;

	for (i = 0; i < CREW; i++)
		crew->pids[i] = t_fork(crew->work, NULL);
}

static unsigned int crew_dice(struct crew *crew, unsigned int n)
{
	crew->dice = crew->dice * 1103515245 + 12345;
	return (crew->dice >> 16) % n;
}

static void crew_kill_one(struct crew *crew)
{
	int i = crew_dice(crew, CREW);

	t_kill(crew->pids[i]);
	crew->kills++;
	crew->pids[i] = t_fork(crew->work, NULL);
}

static void crew_end(struct crew *crew)
{
	int i;

	for (i = 0; i < CREW; i++)
		t_kill(crew->pids[i]);
}

/* What a unit of @len bytes with this name looks like. */
static void place_make(struct place *place, uint64_t name, size_t len)
{
	place->name = name;
	memset(place->body, (int)name, len - sizeof(name));
}

static void place_check(const struct place *place, uint64_t names, size_t len)
{
	size_t i;

	t_true(place->name >= 1 && place->name <= names, "%llu was never sent",
	       (unsigned long long)place->name);
	for (i = 0; i < len - sizeof(place->name); i++)
		t_is((unsigned char)place->body[i], (unsigned char)place->name);
}

static void read_for_ever(void *arg)
{
	int fd = t_open(O_RDONLY);
	ssize_t unit = ledger->unit;

	(void)arg;
	for (;;) {
		int at = atomic_fetch_add(&ledger->next, 1);

		if (at >= PLACES)
			for (;;)
				pause();
		if (read(fd, &ledger->places[at], unit) != unit)
			_exit(1);
		atomic_store(&ledger->marked[at], 1);
	}
}

/*
 * Each message is made of units that have a name each, and each read takes one:
 * every unit is received once, by whomever.
 */
static void readers_killed(size_t unit, int burst)
{
	struct crew crew = { .work = read_for_ever, .dice = 7 };
	double end = t_now() + t_seconds(1.5);
	int fd = t_open(O_RDWR | O_NONBLOCK), i, doubt = 0;
	unsigned char *times;
	struct place place;
	uint64_t name = 0;
	ssize_t got;

	ledger = t_shared(sizeof(*ledger));
	ledger->unit = unit;
	crew_start(&crew);
	while ((crew.kills < 10 || t_now() < end) && name < PLACES / 2) {
		for (i = crew_dice(&crew, burst); i && name < PLACES / 2; i--) {
			char message[sizeof(place)];
			size_t at;

			for (at = 0; at < sizeof(message); at += unit)
				place_make((struct place *)(message + at), ++name, unit);
			t_is(write(fd, message, sizeof(message)), sizeof(message));
		}
		crew_kill_one(&crew);
	}
	crew_end(&crew);
	t_true(crew.kills >= 10, "only %d were killed", crew.kills);

	times = calloc(1, name + 1);
	while ((got = read(fd, &place, unit)) == (ssize_t)unit) {
		place_check(&place, name, unit);
		times[place.name]++;
	}
	t_errno(got, EAGAIN);
	for (i = 0; i < PLACES; i++) {
		if (!atomic_load(&ledger->marked[i]))
			continue;
		place_check(&ledger->places[i], name, unit);
		times[ledger->places[i].name]++;
	}
	for (i = 1; i <= (int)name; i++)
		t_true(times[i] <= 1, "unit %d was received %d times", i, times[i]);
	/* Read, but its reader died before it could say so. */
	for (i = 0; i < PLACES; i++) {
		struct place *at = &ledger->places[i];

		if (atomic_load(&ledger->marked[i]) || !at->name || times[at->name])
			continue;
		times[at->name]++;
		doubt++;
	}
	for (i = 1; i <= (int)name; i++)
		t_true(times[i] == 1, "unit %d of %d is lost (%d kills)", i,
		       (int)name, crew.kills);
	t_true(doubt <= crew.kills + CREW, "%d units died with %d readers", doubt,
	       crew.kills);
	munmap(ledger, sizeof(*ledger));
	close(fd);
}

static void killed_at_random(void)
{
	readers_killed(sizeof(struct place), 40);
}

/* A reader that dies with a rest gives it back: no unit of it is lost. */
static void short_readers_killed_at_random(void)
{
	readers_killed(sizeof(uint64_t), 8);
}

/* Senders killed at random: each message is there once or not at all, whole. */
static void send_for_ever(void *arg)
{
	int fd = t_open(O_WRONLY);
	struct place place;

	(void)arg;
	for (;;) {
		uint64_t name = atomic_fetch_add(&ledger->sent, 1) + 1;

		if (name >= PLACES)
			for (;;)
				pause();
		place_make(&place, name, sizeof(place));
		if (write(fd, &place, sizeof(place)) != sizeof(place))
			_exit(1);
		atomic_store(&ledger->marked[name], 1);
	}
}

static void senders_killed_at_random(void)
{
	struct crew crew = { .work = send_for_ever, .dice = 3 };
	double end = t_now() + t_seconds(1);
	int fd = t_open(O_RDWR | O_NONBLOCK), i;
	unsigned char *times = calloc(1, PLACES);
	struct place place;
	bool over;

	ledger = t_shared(sizeof(*ledger));
	crew_start(&crew);
	do {
		int room = crew_dice(&crew, 64);

		over = crew.kills >= 10 && t_now() > end;
		if (over)
			crew_end(&crew);
		else
			crew_kill_one(&crew);
		while ((over || room-- > 0) &&
		       read(fd, &place, sizeof(place)) == sizeof(place)) {
			place_check(&place, PLACES - 1, sizeof(place));
			times[place.name]++;
		}
	} while (!over);
	for (i = 1; i < PLACES; i++) {
		t_true(times[i] <= 1, "message %d came %d times", i, times[i]);
		if (atomic_load(&ledger->marked[i]))
			t_true(times[i] == 1, "message %d was sent and is lost", i);
	}
	t_nothing();
	munmap(ledger, sizeof(*ledger));
	close(fd);
}

static const struct t_test tests[] = {
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
	return t_main("kill", tests, ARRAY_SIZE(tests), argc, argv);
}
