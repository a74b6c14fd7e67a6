// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a job costs, from a work queue to its worker and done: through tqueue, and
 * through the daemons it is compared with (jobpeers.c).  All of 64 bytes.
 *
 * usage: jobs [-p PART]... [-x PEER] [-r ROUNDS] [-l]
 *
 *	-l	the long form: Redis as well, and a million of jobs that wait
 *
 * Wants a machine whose time stamp counter counts instructions (QEMU with -icount
 * shift=0) and one processor: what a daemon and the kernel do for a job then counts
 * as well as what the worker does.
 *
 * One line for each measurement, as bench.c prints them: part, peer, parameter,
 * round, price.
 *
 *	job       a job is taken and done, in two calls of so many
 *	job-next  "that one is done, the next" in one call
 *	priority  a job is put, taken and done, at random priorities, while so many wait
 *	growth    the same in percent of it while one waits
 *	priority-batch  so many of random priorities are put, taken and done in one
 *		  call each
 *	kill      a worker that holds so many jobs is killed: until the next one, which
 *		  sleeps, has one; of a pipe, until the reader sees its end
 *	close     a file with so many leases is closed, for each lease
 *	idle      how often the thread of the driver runs in so many seconds, while jobs
 *		  wait for another day, and others are leased
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "jobpeers.h"

#include "../../src/uapi/tqueue.h"

#define SECOND	1000000000ULL

static bool long_form;

static void print(const char *part, const char *peer, size_t parameter, int round, double price)
{
	printf("%s\t%s\t%zu\t%d\t%.1f\n", part, peer, parameter, round, price);
	fflush(stdout);
}

static void put_all(struct worker *w, size_t n)
{
	while (n) {
		unsigned int now = n < JOB_MAX_BATCH ? n : JOB_MAX_BATCH;

		w->peer->put(w, now);
		n -= now;
	}
}

/* Starts a queue with @n jobs, and sees that they come as they went. */
static void begin(struct worker *w, const struct job_peer *peer, size_t n, bool priorities)
{
	memset(w, 0, sizeof(*w));
	w->peer = peer;
	w->priorities = priorities;
	peer->start(peer, n + JOB_MAX_BATCH);
	peer->connect(w);
	peer->put(w, 1);
	peer->take(w, 1);
	must(!memcmp(w->payload, job_payload, JOB_SIZE), "another job than was put");
	peer->done(w, 1);
	put_all(w, n);
}

static void end(struct worker *w)
{
	close(w->fd);
	w->peer->stop(w->peer);
}

/* ---- taken and done ---------------------------------------------------------------------- */

static void measure_job(const char *part, const struct job_peer *peer, size_t parameter, int round)
{
	unsigned int i, n = 4000 / (parameter + 3), warm = n / 4;
	struct worker w;
	uint64_t start = 0;

	begin(&w, peer, (n + warm) * parameter, false);
	for (i = 0; i < warm + n; i++) {
		if (i == warm)
			start = __rdtsc();
		peer->take(&w, parameter);
		peer->done(&w, parameter);
	}
	print(part, peer->name, parameter, round, (double)(__rdtsc() - start) / n / parameter);
	end(&w);
}

static void measure_next(const char *part, const struct job_peer *peer, size_t parameter, int round)
{
	unsigned int i, n = 1000, warm = n / 4;
	struct worker w;
	uint64_t start = 0;

	if (!peer->next)
		return;
	begin(&w, peer, n + warm + 1, false);
	peer->take(&w, 1);
	for (i = 0; i < warm + n; i++) {
		if (i == warm)
			start = __rdtsc();
		peer->next(&w);
	}
	print(part, peer->name, parameter, round, (double)(__rdtsc() - start) / n);
	peer->done(&w, 1);
	end(&w);
}

/* ---- priorities -------------------------------------------------------------------------- */

static void measure_priority(const char *part, const struct job_peer *peer,
			     size_t parameter, int round)
{
	unsigned int i, n = 1000, warm = n / 4;
	static double alone;
	struct worker w;
	uint64_t start = 0;
	double price;

	begin(&w, peer, parameter, true);
	for (i = 0; i < warm + n; i++) {
		if (i == warm)
			start = __rdtsc();
		peer->put(&w, 1);
		peer->take(&w, 1);
		peer->done(&w, 1);
	}
	price = (double)(__rdtsc() - start) / n;
	end(&w);
	print(part, peer->name, parameter, round, price);
	/* The first of the parameters is 1. */
	if (parameter == 1)
		alone = price;
	else if (parameter > 1000)
		print("growth", peer->name, parameter, round, 100 * price / alone);
}

static void measure_priority_batch(const char *part, const struct job_peer *peer,
				   size_t parameter, int round)
{
	unsigned int i, n = 4000 / parameter, warm = n / 4;
	struct worker w;
	uint64_t start = 0;

	begin(&w, peer, 0, true);
	for (i = 0; i < warm + n; i++) {
		if (i == warm)
			start = __rdtsc();
		peer->put(&w, parameter);
		peer->take(&w, parameter);
		peer->done(&w, parameter);
	}
	print(part, peer->name, parameter, round, (double)(__rdtsc() - start) / n / parameter);
	end(&w);
}

/* ---- a worker that is killed ------------------------------------------------------------- */

struct scene {
	const struct job_peer *peer;	/* NULL: a pipe */
	int pipe[2];
	int told;			/* where a process says that it got so far */
	volatile uint64_t *woke;
};

static void tell(const struct scene *scene)
{
	must(write(scene->told, "", 1) == 1, "tell");
}

static void hold(const struct scene *scene, size_t n)
{
	struct worker w = { .peer = scene->peer };

	if (scene->peer) {
		scene->peer->connect(&w);
		scene->peer->take(&w, n);
	} else {
		close(scene->pipe[0]);
	}
	tell(scene);
	for (;;)
		pause();
}

static void come_next(const struct scene *scene)
{
	struct worker w = { .peer = scene->peer };
	char byte;

	if (scene->peer) {
		scene->peer->connect(&w);
		tell(scene);
		scene->peer->take(&w, 1);
		*scene->woke = __rdtsc();
	} else {
		close(scene->pipe[1]);
		tell(scene);
		must(!read(scene->pipe[0], &byte, 1), "end-of-file");
		*scene->woke = __rdtsc();
	}
	tell(scene);
	_exit(0);
}

/* Whatever the peer, it has the same memory to give back, and none to be copied yet. */
static pid_t child(void)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	touch_buffers();
	return 0;
}

static double kill_price(const struct job_peer *peer, size_t jobs)
{
	struct scene scene = { .peer = peer };
	struct worker w;
	uint64_t start;
	pid_t holder, next;
	int told[2], status;
	char byte;

	scene.woke = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(scene.woke != MAP_FAILED && !pipe(told), "pipe");
	scene.told = told[1];
	if (peer) {
		begin(&w, peer, jobs, false);
		close(w.fd);
	} else {
		must(!pipe(scene.pipe), "pipe");
	}
	holder = child();
	if (!holder)
		hold(&scene, jobs);
	must(read(told[0], &byte, 1) == 1, "the worker that holds it");
	next = child();
	if (!next)
		come_next(&scene);
	must(read(told[0], &byte, 1) == 1, "the worker that waits");
	if (!peer) {
		close(scene.pipe[0]);
		close(scene.pipe[1]);
	}
	/* Until it sleeps. */
	usleep(50000);
	must(!*scene.woke, "the worker that waits does not wait");
	start = __rdtsc();
	kill(holder, SIGKILL);
	must(read(told[0], &byte, 1) == 1, "the next worker");
	must(waitpid(next, &status, 0) == next && !status, "the next worker");
	waitpid(holder, NULL, 0);
	start = *scene.woke - start;
	if (peer)
		peer->stop(peer);
	close(told[0]);
	close(told[1]);
	munmap((void *)scene.woke, 4096);
	return start;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median of some: a timer tick may come between, and caches of the kernel may be empty. */
static void measure_kill(const char *part, const struct job_peer *peer, size_t parameter, int round)
{
	double prices[9];
	size_t i, n = sizeof(prices) / sizeof(*prices);

	if (peer && !peer->returns)
		return;
	for (i = 0; i < n; i++)
		prices[i] = kill_price(peer, parameter);
	qsort(prices, n, sizeof(*prices), by_value);
	print(part, peer ? peer->name : "pipe", parameter, round, prices[n / 2]);
}

/* ---- a file that is closed --------------------------------------------------------------- */

static void measure_close(const char *part, const struct job_peer *peer, size_t parameter,
			  int round)
{
	struct worker w, other = { .peer = peer };
	uint64_t start;
	size_t i;

	begin(&w, peer, parameter, false);
	peer->connect(&other);
	for (i = 0; i < parameter; i += 100)
		peer->take(&other, 100);
	start = __rdtsc();
	close(other.fd);
	print(part, peer->name, parameter, round, (double)(__rdtsc() - start) / parameter);
	/* They are back. */
	peer->take(&w, 1);
	end(&w);
}

/* ---- an idle system ---------------------------------------------------------------------- */

/* The thread of the driver, by its name in ps; ends the program if there is none. */
static int driver_thread(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300], name[32];
	int pid = 0;
	FILE *f;

	must(proc, "/proc");
	while (!pid && (entry = readdir(proc))) {
		if (!isdigit(entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) && !strncmp(name, "tqueue", 6))
			pid = atoi(entry->d_name);
		fclose(f);
	}
	closedir(proc);
	errno = ESRCH;
	must(pid, "the thread of the driver, tqueue...");
	return pid;
}

static unsigned long switches(int pid)
{
	unsigned long n, all = 0;
	char path[64], line[128];
	int lines = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	must(f, path);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %lu", &n) == 1) {
			all += n;
			lines++;
		}
	}
	fclose(f);
	must(lines == 2, path);
	return all;
}

static void put_later(int fd, uint64_t delay)
{
	uint64_t buffer[(sizeof(struct tqueue_record) + JOB_SIZE) / 8] = { 0 };
	struct tqueue_record *record = (void *)buffer;
	struct tqueue_send send = {
		.records = (uintptr_t)buffer,
		.bytes = sizeof(buffer),
		.flags = TQUEUE_SEND_DELAY,
		.delay = delay,
	};

	record->length = JOB_SIZE;
	record->header_words = TQUEUE_HEADER_WORDS;
	must(ioctl(fd, TQUEUE_SEND, &send) == 1, "SEND with DELAY");
}

static void lease_until(int fd, uint64_t limit)
{
	uint64_t buffer[(sizeof(struct tqueue_record) + JOB_SIZE) / 8];
	struct tqueue_receive receive = {
		.records = (uintptr_t)buffer,
		.bytes = sizeof(buffer),
		.flags = TQUEUE_RECEIVE_LEASE,
		.count = 1,
		.limit = limit,
	};

	must(ioctl(fd, TQUEUE_RECEIVE, &receive) == 1, "RECEIVE with LEASE");
}

static void measure_idle(const char *part, const struct job_peer *peer, size_t parameter, int round)
{
	unsigned long first, before;
	int pid = driver_thread();
	struct worker w;

	begin(&w, peer, 10, false);
	put_later(w.fd, 3600 * SECOND);
	put_later(w.fd, 86400 * SECOND);
	lease_until(w.fd, TQUEUE_FOREVER);
	lease_until(w.fd, 0);
	lease_until(w.fd, 3600 * SECOND);
	/* Its rest says something only if it works when something is due. */
	first = switches(pid);
	put_later(w.fd, SECOND / 100);
	usleep(200000);
	before = switches(pid);
	errno = ETIME;
	must(before > first, "the thread of the driver does not run when a job is due");
	sleep(parameter);
	print(part, peer->name, parameter, round, switches(pid) - before);
	end(&w);
}

/* ---- what to measure --------------------------------------------------------------------- */

static const struct part {
	const char *name;
	void (*measure)(const char *part, const struct job_peer *peer, size_t parameter, int round);
	bool all;			/* of all peers, not of tqueue alone */
	size_t parameters[5];
} parts[] = {
	{ "job", measure_job, true, { 1, 32 } },
	{ "job-next", measure_next, false, { 1 } },
	/* The last is for the long form. */
	{ "priority", measure_priority, false, { 1, 1000, 100000, 1000000 } },
	{ "priority-batch", measure_priority_batch, false, { 32, JOB_MAX_BATCH } },
	{ "kill", measure_kill, true, { 1 } },
	{ "close", measure_close, false, { 10000 } },
	{ "idle", measure_idle, false, { 20 } },
};

#define PARTS	(sizeof(parts) / sizeof(*parts))

static void measure(const struct part *part, const char *only, size_t parameter, int round)
{
	const struct job_peer *peer;

	if (parameter > 100000 && !long_form)
		return;
	if (part->measure == measure_kill && (!only || !strcmp(only, "pipe")))
		measure_kill(part->name, NULL, parameter, round);
	for (peer = job_peers; peer->name; peer++) {
		bool slow = !strncmp(peer->name, "redis", 5);

		if (only ? strcmp(only, peer->name) != 0 : slow && !long_form)
			continue;
		if (part->all || peer == job_peers)
			part->measure(part->name, peer, parameter, round);
	}
}

static void show_usage(void)
{
	fputs("usage: jobs [-p PART]... [-x PEER] [-r ROUNDS] [-l]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	bool wanted[PARTS] = { false }, some = false;
	int rounds = 3, round, option;
	const char *only = NULL;
	const size_t *parameter;
	size_t i;

	while ((option = getopt(argc, argv, "p:x:r:l")) != -1) {
		switch (option) {
		case 'p':
			for (i = 0; i < PARTS && strcmp(parts[i].name, optarg); i++)
				;
			if (i == PARTS)
				show_usage();
			wanted[i] = true;
			some = true;
			break;
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
	/* A daemon that ends is told by what then is read. */
	signal(SIGPIPE, SIG_IGN);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < PARTS; i++)
			for (parameter = parts[i].parameters; *parameter; parameter++)
				if (wanted[i] || !some)
					measure(&parts[i], only, *parameter, round);
	return 0;
}
