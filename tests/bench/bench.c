// SPDX-License-Identifier: GPL-2.0-only
/*
 * The price list: what one message costs through tqueue and through its peers.
 *
 * usage: bench count|wall [-p PART]... [-x PEER]... [-s SIZE]... [-r ROUNDS] [-n FACTOR]
 *
 * "count" wants a machine whose time stamp counter counts instructions (QEMU
 * with -icount shift=0) and one processor, checks that it does, and prints
 * instructions; "wall" prints nanoseconds.
 *
 * One line for each measurement: part, peer, parameter, round, price.
 *
 *	pair    one send and one receive in one process; by size
 *	poll    the same with a poll() between them, at 64 bytes
 *	epoll   the same with an epoll_wait() between them
 *	wake    a message to a process that sleeps until it comes, and one byte
 *		back through a pipe, whichever the peer
 *	many    a message of 64 bytes, by the number of senders and of receivers
 *	batch   a message of 64 bytes, by the number of them that go and come in one
 *		call
 *	stream  a message from one sender to one receiver; by size
 *	p50 p90 p99 p999   percentiles of "wake" (wall only)
 *
 * Rounds are interleaved: every peer once, then every peer again, so that
 * whatever disturbs the machine for a while disturbs all of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "peers.h"

#define MAX_PROCESSES	16
#define WAKE_SIZE	64

static bool counting;
static double factor = 1;	/* how many messages, against the usual */

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	if (counting)
		return __rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* A hundred thousand instructions must read as a hundred thousand, but for a timer tick. */
static void check_counter(void)
{
	uint64_t start, taken, least = UINT64_MAX;
	unsigned long n;
	int i;

	for (i = 0; i < 20; i++) {
		n = 50000;
		start = __rdtsc();
		asm volatile("1: dec %0; jnz 1b" : "+r" (n) : : "cc");
		taken = __rdtsc() - start;
		if (taken < least)
			least = taken;
	}
	if (least >= 100000 && least < 100100)
		return;
	fprintf(stderr, "bench: this machine does not count instructions: %llu for 100000\n",
		(unsigned long long)least);
	fputs("bench: run 'count' under QEMU with -icount shift=0,sleep=off, or run 'wall'\n",
	      stderr);
	exit(1);
}

static unsigned long times(unsigned long usual)
{
	unsigned long n = usual * factor;

	return n < 10 ? 10 : n;
}

static void must_move(const struct channel *c, ssize_t moved)
{
	if (moved == (ssize_t)c->size)
		return;
	if (moved >= 0) {
		fprintf(stderr, "bench: %s: %zd bytes of a message of %zu\n",
			c->peer->name, moved, c->size);
		exit(1);
	}
	die(c->peer->name);
}

static void print(const char *part, const struct peer *peer, size_t parameter, int round,
		  double price)
{
	printf("%s\t%s\t%zu\t%d\t%.1f\n", part, peer->name, parameter, round, price);
	fflush(stdout);
}

/* --- one process ------------------------------------------------------------- */

static double pair_price(struct channel *c, int poller)
{
	struct epoll_event event;
	struct pollfd fd = { .fd = c->out, .events = POLLIN };
	unsigned long i, n = times(c->size > 16384 ? 500 : 2000);
	unsigned long warm = n / 4;
	uint64_t start = 0;

	for (i = 0; i < warm + n; i++) {
		if (i == warm)
			start = now();
		must_move(c, c->peer->send(c));
		if (poller == -2) {
			if (poll(&fd, 1, -1) != 1)
				die("poll");
		} else if (poller >= 0) {
			if (epoll_wait(poller, &event, 1, -1) != 1)
				die("epoll_wait");
		}
		must_move(c, c->peer->receive(c));
	}
	return (double)(now() - start) / n;
}

static void measure_pair(struct channel *c, size_t parameter, int round)
{
	print("pair", c->peer, parameter, round, pair_price(c, -1));
}

static void measure_poll(struct channel *c, size_t parameter, int round)
{
	if (c->out >= 0 && !c->peer->floor)
		print("poll", c->peer, parameter, round, pair_price(c, -2));
}

static void measure_epoll(struct channel *c, size_t parameter, int round)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd;

	if (c->out < 0 || c->peer->floor)
		return;
	epfd = epoll_create1(0);
	if (epfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, c->out, &event))
		die("epoll");
	print("epoll", c->peer, parameter, round, pair_price(c, epfd));
	close(epfd);
}

static void must_count(const struct channel *c, int moved, int wanted)
{
	if (moved == wanted)
		return;
	if (moved >= 0) {
		fprintf(stderr, "bench: %s: %d messages and not %d in a call\n",
			c->peer->name, moved, wanted);
		exit(1);
	}
	die(c->peer->name);
}

static void measure_batch(struct channel *c, size_t parameter, int round)
{
	unsigned long i, n = times(500), warm = n / 4;
	uint64_t start = 0;

	if (!c->peer->send_many)
		return;
	/* An earlier fork() has left the pages to be copied when written to. */
	memset(c->received, 0, BENCH_MAX_SIZE);
	for (i = 0; i < warm + n; i++) {
		if (i == warm)
			start = now();
		must_count(c, c->peer->send_many(c, parameter), parameter);
		must_count(c, c->peer->receive_many(c, parameter), parameter);
	}
	print("batch", c->peer, parameter, round,
	      (double)(now() - start) / n / parameter);
}

/* --- a sleeper to wake --------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_percentiles(const struct peer *peer, size_t parameter, int round,
			      uint64_t *values, unsigned long n)
{
	qsort(values, n, sizeof(*values), by_value);
	print("p50", peer, parameter, round, values[n / 2]);
	print("p90", peer, parameter, round, values[n * 90 / 100]);
	print("p99", peer, parameter, round, values[n * 99 / 100]);
	print("p999", peer, parameter, round, values[n * 999 / 1000]);
}

static void measure_wake(struct channel *c, size_t parameter, int round)
{
	unsigned long i, n = times(2000), warm = n / 4;
	uint64_t start = 0, last = 0;
	uint64_t t, *values;
	int back[2], status;
	char byte = 0;
	pid_t child;

	if (c->peer->floor)
		return;
	values = calloc(n, sizeof(*values));
	if (!values || pipe(back))
		die("wake");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		if (channel_attach(c))
			die(c->peer->name);
		for (i = 0; i < warm + n; i++) {
			must_move(c, c->peer->receive(c));
			if (write(back[1], &byte, 1) != 1)
				die("answer");
		}
		_exit(0);
	}
	/* So that a child that dies ends the wait for its answer. */
	close(back[1]);
	for (i = 0; i < warm + n; i++) {
		if (i == warm)
			start = now();
		if (i == warm && !counting)
			last = now();
		must_move(c, c->peer->send(c));
		if (read(back[0], &byte, 1) != 1)
			die("answer");
		if (i >= warm && !counting) {
			t = now();
			values[i - warm] = t - last;
			last = t;
		}
	}
	t = now();
	print("wake", c->peer, parameter, round, (double)(t - start) / n);
	if (!counting)
		print_percentiles(c->peer, parameter, round, values, n);
	if (waitpid(child, &status, 0) != child || status)
		die("the child that answers");
	close(back[0]);
	free(values);
}

/* --- senders and receivers ------------------------------------------------------- */

static void crew_member(struct channel *c, bool sender, unsigned long n, int gate, int done)
{
	uint64_t end;
	char byte;

	if (channel_attach(c))
		die(c->peer->name);
	/* Held back until all are there, by a pipe whose last writer goes away. */
	if (write(done, &(uint64_t){ 0 }, sizeof(uint64_t)) < 0 || read(gate, &byte, 1))
		die("gate");
	while (n--)
		must_move(c, sender ? c->peer->send(c) : c->peer->receive(c));
	end = now();
	if (write(done, &end, sizeof(end)) != sizeof(end))
		die("done");
	/* Killed by the parent: an exit here would be counted to the others. */
	pause();
	_exit(0);
}

/* Crew members end only when they are killed: one that ends by itself has failed. */
static void crew_failed(int signal)
{
	static const char text[] = "bench: a process of the crew failed\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

static double crew_price(struct channel *c, int senders, unsigned long each)
{
	int gate[2], done[2], i, processes = 2 * senders;
	pid_t children[MAX_PROCESSES];
	uint64_t start, end = 0, t;

	if (pipe(gate) || pipe(done))
		die("pipe");
	signal(SIGCHLD, crew_failed);
	for (i = 0; i < processes; i++) {
		children[i] = fork();
		if (children[i] < 0)
			die("fork");
		if (!children[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(gate[1]);
			crew_member(c, i % 2, each, gate[0], done[1]);
		}
	}
	close(gate[0]);
	close(done[1]);
	for (i = 0; i < processes; i++)
		if (read(done[0], &t, sizeof(t)) != sizeof(t))
			die("a child did not start");
	/* Let them reach the gate. */
	usleep(20000);
	start = now();
	close(gate[1]);
	for (i = 0; i < processes; i++) {
		if (read(done[0], &t, sizeof(t)) != sizeof(t))
			die("a child did not finish");
		if (t > end)
			end = t;
	}
	signal(SIGCHLD, SIG_DFL);
	for (i = 0; i < processes; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	close(done[0]);
	return (double)(end - start) / (each * senders);
}

static void measure_many(struct channel *c, size_t parameter, int round)
{
	if (!c->peer->floor && !c->peer->merges)
		print("many", c->peer, parameter, round,
		      crew_price(c, parameter, times(16000) / parameter));
}

static void measure_stream(struct channel *c, size_t parameter, int round)
{
	if (!c->peer->floor && !c->peer->merges)
		print("stream", c->peer, parameter, round,
		      crew_price(c, 1, times(parameter > 16384 ? 2000 : 10000)));
}

/* --- what to measure ---------------------------------------------------------------- */

static const struct part {
	const char *name;
	void (*measure)(struct channel *c, size_t parameter, int round);
	size_t size;			/* 0: the parameter is the size */
	size_t parameters[8];
} parts[] = {
	{ "pair", measure_pair, 0, { 1, 8, 64, 1024, 4000, 65536 } },
	{ "poll", measure_poll, 64, { 64 } },
	{ "epoll", measure_epoll, 64, { 64 } },
	{ "wake", measure_wake, WAKE_SIZE, { WAKE_SIZE } },
	{ "many", measure_many, 64, { 1, 2, 4, 8 } },
	{ "batch", measure_batch, 64, { 1, 8, 32, BENCH_MAX_BATCH } },
	{ "stream", measure_stream, 0, { 64, 4000, 65536 } },
};

struct wanted {
	const char *names[16];
	int n;
};

static bool want(const struct wanted *wanted, const char *name)
{
	int i;

	for (i = 0; i < wanted->n; i++)
		if (!strcmp(wanted->names[i], name))
			return true;
	return !wanted->n;
}

static void add(struct wanted *wanted, const char *name)
{
	if (wanted->n == 16) {
		fprintf(stderr, "bench: too many names\n");
		exit(2);
	}
	wanted->names[wanted->n++] = name;
}

static void measure(const struct part *part, const struct peer *peer, size_t parameter, int round)
{
	size_t size = part->size ? part->size : parameter;
	struct channel c;

	/* An eventfd only ever carries 8 bytes; elsewhere sizes are never changed. */
	if (part->size && peer->min == peer->max)
		size = peer->min;
	if (size < peer->min || size > peer->max)
		return;
	if (channel_open(&c, peer, size)) {
		if (!round)
			fprintf(stderr, "bench: %s of %zu bytes cannot be measured here: %s\n",
				peer->name, size, strerror(errno));
		return;
	}
	if (!channel_works(&c)) {
		fprintf(stderr, "bench: %s: what was received at %zu bytes is not what was sent\n",
			peer->name, size);
		exit(1);
	}
	part->measure(&c, parameter, round);
	channel_close(&c);
}

static void show_usage(void)
{
	fputs("usage: bench count|wall [-p PART]... [-x PEER]... [-s SIZE]...\n", stderr);
	fputs("                        [-r ROUNDS] [-n FACTOR]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct wanted want_parts = { 0 }, want_peers = { 0 }, want_sizes = { 0 };
	const struct part *part;
	const struct peer *peer;
	int rounds = 3, round, option;
	const size_t *parameter;
	char text[24];

	if (argc < 2)
		show_usage();
	counting = !strcmp(argv[1], "count");
	if (!counting && strcmp(argv[1], "wall"))
		show_usage();
	optind = 2;
	while ((option = getopt(argc, argv, "p:x:s:r:n:")) != -1) {
		switch (option) {
		case 'p':
			add(&want_parts, optarg);
			break;
		case 'x':
			add(&want_peers, optarg);
			break;
		case 's':
			add(&want_sizes, optarg);
			break;
		case 'r':
			rounds = atoi(optarg);
			break;
		case 'n':
			factor = atof(optarg);
			break;
		default:
			show_usage();
		}
	}
	if (optind != argc || rounds < 1 || factor <= 0)
		show_usage();
	if (counting)
		check_counter();

	for (round = 0; round < rounds; round++) {
		for (part = parts; part < parts + sizeof(parts) / sizeof(*parts); part++) {
			if (!want(&want_parts, part->name))
				continue;
			for (parameter = part->parameters; *parameter; parameter++) {
				snprintf(text, sizeof(text), "%zu", *parameter);
				if (!part->size && !want(&want_sizes, text))
					continue;
				for (peer = peers; peer->name; peer++)
					if (want(&want_peers, peer->name))
						measure(part, peer, *parameter, round);
			}
		}
	}
	return 0;
}
