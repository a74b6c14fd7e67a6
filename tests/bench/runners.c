// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to run a program for each job: by "tqueue run", and by what it is compared
 * with: xargs and GNU parallel, which take their jobs from a file, and a worker of
 * beanstalkd that forks (jobpeers.c).
 *
 * usage: runners [-x PEER] [-r ROUNDS] [-l]
 *
 *	-l	the long form: GNU parallel as well
 *
 * Wants a machine whose time stamp counter counts instructions, as jobs.c does, and in
 * PATH the programs tqueue, xargs, parallel, beanstalkd and true.
 *
 * One line for each measurement, as bench.c prints them: part, peer, parameter, round,
 * price.
 *
 *	run       a job whose program is true, so many at a time
 *	run-next  from the end of a job's program to the start of the next one's, one at a
 *		  time
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "jobpeers.h"

/* The prices of a few jobs and of many more: what is between them is that of the jobs alone. */
#define FEW	10
#define MANY	40

#define LIST	"/tmp/jobs"
#define STAMPS	"/tmp/stamps"

struct stamp {
	uint64_t start, end;
};

struct runner {
	const char *name;
	const char *jobs;		/* where they are: a peer of jobpeers.c, or NULL: in LIST */
	bool slow;			/* for the long form */
	/* Replaces the process: @n jobs, @width at a time. */
	void (*run)(const struct runner *runner, unsigned int n, unsigned int width,
		    const char *program, const char *argument);
};

static const struct job_peer *peer_called(const char *name)
{
	const struct job_peer *peer = job_peers;

	while (peer->name && strcmp(peer->name, name))
		peer++;
	must(peer->name, name);
	return peer;
}

/* ---- those who run the jobs -------------------------------------------------------------- */

static void run_tqueue(const struct runner *runner, unsigned int n, unsigned int width,
		       const char *program, const char *argument)
{
	char text[16];

	(void)runner;
	(void)n;
	snprintf(text, sizeof(text), "%u", width);
	execlp("tqueue", "tqueue", "run", "--all", "--quiet", "-j", text, "jobs", "--", program,
	       argument, NULL);
}

/* An argument more does not matter to the programs. */
static void run_xargs(const struct runner *runner, unsigned int n, unsigned int width,
		      const char *program, const char *argument)
{
	char text[16];

	(void)runner;
	(void)n;
	snprintf(text, sizeof(text), "%u", width);
	execlp("xargs", "xargs", "-a", LIST, "-d", "\\n", "-n", "1", "-P", text, program,
	       argument, NULL);
}

static void run_parallel(const struct runner *runner, unsigned int n, unsigned int width,
			 const char *program, const char *argument)
{
	char text[16];

	(void)runner;
	(void)n;
	snprintf(text, sizeof(text), "%u", width);
	execlp("parallel", "parallel", "-a", LIST, "-j", text, program, argument, NULL);
}

/* The worker that one writes by hand; each of @width is a process of its own. */
static void run_by_hand(const struct runner *runner, unsigned int n, unsigned int width,
			const char *program, const char *argument)
{
	char *words[3] = { (char *)program, (char *)argument };
	struct worker w = { .peer = peer_called(runner->jobs) };
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 1; i < width; i++) {
		pid = fork();
		must(pid >= 0, "fork");
		if (!pid)
			break;
	}
	w.peer->connect(&w);
	for (n /= width; n; n--) {
		w.peer->take(&w, 1);
		errno = posix_spawnp(&pid, program, NULL, NULL, words, environ);
		must(!errno, program);
		must(waitpid(pid, &status, 0) == pid && !status, program);
		w.peer->done(&w, 1);
	}
	close(w.fd);
	if (i == width)
		while (wait(&status) > 0)
			must(!status, "a worker");
	_exit(0);
}

static const struct runner runners[] = {
	{ "tqueue", "tqueue", false, run_tqueue },
	{ "xargs", NULL, false, run_xargs },
	{ "beanstalkd-unix", "beanstalkd-unix", false, run_by_hand },
	{ "parallel", NULL, true, run_parallel },
	{ NULL }
};

/* ---- what it costs ----------------------------------------------------------------------- */

static void list_jobs(unsigned int n)
{
	FILE *f = fopen(LIST, "w");

	must(f, LIST);
	while (n--)
		fprintf(f, "%.*s\n", JOB_SIZE - 1, job_payload);
	must(!fclose(f), LIST);
}

static uint64_t price_of(const struct runner *runner, unsigned int n, unsigned int width,
			 const char *program, const char *argument)
{
	struct worker w = { 0 };
	unsigned int left, now;
	uint64_t start;
	int status;
	pid_t pid;

	if (runner->jobs) {
		w.peer = peer_called(runner->jobs);
		w.peer->start(w.peer, n + JOB_MAX_BATCH);
		w.peer->connect(&w);
		for (left = n; left; left -= now) {
			now = left < FEW ? left : FEW;
			w.peer->put(&w, now);
		}
		close(w.fd);
	} else {
		list_jobs(n);
	}
	start = __rdtsc();
	pid = fork();
	must(pid >= 0, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		runner->run(runner, n, width, program, argument);
		die(runner->name);
	}
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	start = __rdtsc() - start;
	if (status) {
		fprintf(stderr, "runners: %s ended with %#x\n", runner->name, status);
		exit(1);
	}
	if (runner->jobs)
		w.peer->stop(w.peer);
	return start;
}

static void print(const char *part, const struct runner *runner, unsigned int parameter, int round,
		  double price)
{
	printf("%s\t%s\t%u\t%d\t%.1f\n", part, runner->name, parameter, round, price);
	fflush(stdout);
}

static void measure_run(const struct runner *runner, unsigned int width, int round)
{
	uint64_t few, many;

	/* What is found out and kept when it is used first is not looked for twice. */
	price_of(runner, 1, 1, "true", NULL);
	few = price_of(runner, FEW * width, width, "true", NULL);
	many = price_of(runner, MANY * width, width, "true", NULL);
	print("run", runner, width, round, ((double)many - few) / ((MANY - FEW) * width));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The median: a timer tick may come between. */
static void measure_next(const struct runner *runner, const char *self, int round)
{
	uint64_t gaps[MANY - 1];
	struct stamp stamps[MANY];
	unsigned int i;
	int fd;

	unlink(STAMPS);
	price_of(runner, MANY, 1, self, "stamp");
	fd = open(STAMPS, O_RDONLY);
	must(fd >= 0 && read(fd, stamps, sizeof(stamps)) == sizeof(stamps), STAMPS);
	close(fd);
	for (i = 0; i + 1 < MANY; i++)
		gaps[i] = stamps[i + 1].start - stamps[i].end;
	qsort(gaps, MANY - 1, sizeof(*gaps), by_value);
	print("run-next", runner, 1, round, gaps[(MANY - 1) / 2]);
}

/* The program of a job: notes when it ran. */
static int stamp(uint64_t start)
{
	int fd = open(STAMPS, O_WRONLY | O_CREAT | O_APPEND, 0600);
	struct stamp stamp = { .start = start };

	must(fd >= 0, STAMPS);
	stamp.end = __rdtsc();
	must(write(fd, &stamp, sizeof(stamp)) == sizeof(stamp), STAMPS);
	_exit(0);
}

static void show_usage(void)
{
	fputs("usage: runners [-x PEER] [-r ROUNDS] [-l]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	uint64_t start = __rdtsc();
	int rounds = 1, round, option;
	const struct runner *runner;
	bool long_form = false;
	const char *only = NULL;

	if (argc > 1 && !strcmp(argv[1], "stamp"))
		return stamp(start);
	while ((option = getopt(argc, argv, "x:r:l")) != -1) {
		switch (option) {
		case 'x':
			only = optarg;
			break;
		case 'r':
			rounds = atoi(optarg);
			break;
		case 'l':
			long_form = true;
			break;
		default:
			show_usage();
		}
	}
	if (optind != argc || rounds < 1)
		show_usage();
	signal(SIGPIPE, SIG_IGN);
	for (round = 0; round < rounds; round++) {
		for (runner = runners; runner->name; runner++) {
			if (only ? strcmp(only, runner->name) != 0 : runner->slow && !long_form)
				continue;
			measure_run(runner, 1, round);
			measure_run(runner, 4, round);
			measure_next(runner, argv[0], round);
		}
	}
	return 0;
}
