// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call costs beside others: next to a full queue, to messages in flight, to
 * pollers, to senders that wait, and to a call that moves much at once.
 *
 * usage: beside [-p PART]... [-r ROUNDS]
 *
 * Wants a machine whose time stamp counter counts instructions (QEMU with -icount
 * shift=0), one processor, and a kernel that preempts (preempt=full): the last
 * parts interrupt a call wherever it is.
 *
 * One line for each measurement, as bench.c prints them: part, peer, parameter,
 * round, price.
 *
 *	full        a write of so many bytes to a full drop-oldest queue, in percent
 *		    of one to a queue with room
 *	full-batch  the same for a SEND of so many messages of 64 bytes
 *	in-flight   a write and a read while so many messages are in flight and
 *		    somebody waits for them, in percent of the same with one
 *	partial     a read of one byte of a message beside so many who poll other
 *		    files, in percent of the same beside none
 *	share       messages received for one of a sender that polls, beside so many
 *		    that wait for room
 *	batch-write, batch-info, batch-get, batch-sysfs
 *		    the longest of these calls, which must not wait, beside batches
 *		    through a ring of so many MiB
 *	skip-write, skip-info, skip-get, skip-sysfs
 *		    the same beside a read that passes over so many empty messages
 *	close-write, close-info, close-get, close-sysfs
 *		    the same beside close() of a file with so many leases
 *	lease-write, lease-info, lease-get, lease-sysfs
 *		    the same beside calls that lease and acknowledge so many at once
 *	due-write, due-info, due-get, due-sysfs
 *		    the same while so many delayed messages become ready, and the limits
 *		    of so many leases pass
 *	kick-write, kick-info, kick-get, kick-sysfs
 *		    the same beside calls that list so many delayed messages, and make
 *		    them ready
 *
 * It is one file of more than 700 lines because each part is short, and all parts
 * share the means to measure beside others.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../../src/uapi/tqueue.h"

#define NAME	"beside"
#define PATH	"/dev/tq/" NAME
#define MIB	1048576UL
/* Of a record with 64 bytes. */
#define JOB_BYTES	(sizeof(struct tqueue_record) + 64)

static int control;

static void die(const char *what)
{
	fprintf(stderr, "beside: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void must(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

static void print(const char *part, size_t parameter, int round, double price)
{
	printf("%s\ttqueue\t%zu\t%d\t%.1f\n", part, parameter, round, price);
	fflush(stdout);
}

/* ---- queues --------------------------------------------------------------------- */

static void make(size_t size, unsigned int overflow)
{
	struct tqueue_create create = { .name = NAME, .mode = 0600, .config = {
		.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_OVERFLOW,
		.size = size, .overflow = overflow,
	} };

	must(!ioctl(control, TQUEUE_CTL_CREATE, &create), "create");
}

static void end(void)
{
	struct tqueue_select select = { .name = NAME, .flags = TQUEUE_REMOVE_FORCE };

	must(!ioctl(control, TQUEUE_CTL_REMOVE, &select), "remove");
}

static int open_queue(int flags)
{
	int fd = open(PATH, flags | O_CLOEXEC);

	must(fd >= 0, PATH);
	return fd;
}

/* @n records of @length bytes; returns their bytes. */
static size_t put_records(char *buf, size_t n, size_t length)
{
	size_t bytes = sizeof(struct tqueue_record) + (length + 7) / 8 * 8, i;

	memset(buf, 0, n * bytes);
	for (i = 0; i < n; i++) {
		struct tqueue_record *record = (void *)(buf + i * bytes);

		record->length = length;
		record->header_words = TQUEUE_HEADER_WORDS;
	}
	return n * bytes;
}

static int send_records(int fd, char *buf, size_t bytes)
{
	struct tqueue_send send = { .records = (uintptr_t)buf, .bytes = bytes };

	return ioctl(fd, TQUEUE_SEND, &send);
}

static int receive_records(int fd, char *buf, size_t bytes)
{
	struct tqueue_receive receive = { .records = (uintptr_t)buf, .bytes = bytes };

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

static pid_t in_child(void (*run)(void *arg), void *arg)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(arg);
	_exit(0);
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Long enough for all others to have gone to sleep. */
static void settle(void)
{
	usleep(50000);
}

/* ---- a full queue ----------------------------------------------------------------- */

static double write_price(int fd, const char *buf, size_t size)
{
	enum { TIMES = 1000 };
	uint64_t start;
	int i;

	for (i = 0; i < TIMES / 2; i++)
		must(write(fd, buf, size) == (ssize_t)size, "write");
	start = __rdtsc();
	for (i = 0; i < TIMES; i++)
		must(write(fd, buf, size) == (ssize_t)size, "write");
	return (double)(__rdtsc() - start) / TIMES;
}

static void full(const char *part, size_t size, int round)
{
	char *buf = calloc(1, size);
	double usual, price;
	int fd;

	make(64 * MIB, TQUEUE_OVERFLOW_BLOCK);
	fd = open_queue(O_WRONLY | O_NONBLOCK);
	usual = write_price(fd, buf, size);
	close(fd);
	end();
	make(65536, TQUEUE_OVERFLOW_DROP_OLDEST);
	fd = open_queue(O_WRONLY | O_NONBLOCK);
	/* Until it is full, and then some. */
	write_price(fd, buf, size);
	price = write_price(fd, buf, size);
	close(fd);
	end();
	free(buf);
	print(part, size, round, 100 * price / usual);
}

static double send_price(int fd, char *buf, size_t bytes, int n)
{
	enum { TIMES = 200 };
	uint64_t start;
	int i;

	for (i = 0; i < TIMES / 2; i++)
		must(send_records(fd, buf, bytes) == n, "SEND");
	start = __rdtsc();
	for (i = 0; i < TIMES; i++)
		must(send_records(fd, buf, bytes) == n, "SEND");
	return (double)(__rdtsc() - start) / TIMES;
}

static void full_batch(const char *part, size_t n, int round)
{
	char *buf = malloc(n * 104);
	size_t bytes = put_records(buf, n, 64);
	double usual, price;
	int fd;

	make(64 * MIB, TQUEUE_OVERFLOW_BLOCK);
	fd = open_queue(O_WRONLY);
	usual = send_price(fd, buf, bytes, n);
	close(fd);
	end();
	make(65536, TQUEUE_OVERFLOW_DROP_OLDEST);
	fd = open_queue(O_WRONLY);
	send_price(fd, buf, bytes, n);
	price = send_price(fd, buf, bytes, n);
	close(fd);
	end();
	free(buf);
	print(part, n, round, 100 * price / usual);
}

/* ---- messages in flight, and one who waits for them ---------------------------------- */

static void wait_for_all(void *arg)
{
	struct tqueue_wait wait = { .id = TQUEUE_FOREVER, .deadline = TQUEUE_FOREVER };

	(void)arg;
	ioctl(open_queue(O_RDWR), TQUEUE_WAIT, &wait);
}

static double receive_price(size_t held)
{
	enum { TIMES = 500 };
	char buf[64] = "";
	uint64_t start = 0;
	pid_t waiter;
	size_t i;
	int fd, *files = malloc(held * sizeof(*files));
	double price;

	make(4 * MIB, TQUEUE_OVERFLOW_BLOCK);
	fd = open_queue(O_RDWR);
	for (i = 0; i < held; i++) {
		must(write(fd, buf, 16) == 16, "write");
		files[i] = open_queue(O_RDONLY);
		must(read(files[i], buf, 1) == 1, "read");
	}
	waiter = in_child(wait_for_all, NULL);
	settle();
	for (i = 0; i < 2 * TIMES; i++) {
		if (i == TIMES)
			start = __rdtsc();
		must(write(fd, buf, 64) == 64, "write");
		must(read(fd, buf, 64) == 64, "read");
	}
	price = (double)(__rdtsc() - start) / TIMES;
	end_child(waiter);
	for (i = 0; i < held; i++)
		close(files[i]);
	free(files);
	close(fd);
	end();
	return price;
}

static void in_flight(const char *part, size_t held, int round)
{
	double usual = receive_price(1);

	print(part, held, round, 100 * receive_price(held) / usual);
}

/* ---- pollers --------------------------------------------------------------------------- */

static void *poll_on(void *arg)
{
	struct pollfd one = { .fd = (long)arg, .events = POLLIN };

	poll(&one, 1, -1);
	return NULL;
}

static double partial_price(size_t pollers)
{
	enum { TIMES = 1000 };
	pthread_t *threads = malloc((pollers + 1) * sizeof(*threads));
	int *files = malloc((pollers + 1) * sizeof(*files));
	char buf[2 * TIMES] = "", byte;
	pthread_attr_t attr;
	uint64_t start = 0;
	double price;
	size_t i;
	int fd;

	make(65536, TQUEUE_OVERFLOW_BLOCK);
	fd = open_queue(O_RDWR);
	must(write(fd, buf, sizeof(buf)) == sizeof(buf), "write");
	must(read(fd, &byte, 1) == 1, "read");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < pollers; i++) {
		files[i] = open_queue(O_RDONLY);
		errno = pthread_create(&threads[i], &attr, poll_on,
				       (void *)(long)files[i]);
		must(!errno, "pthread_create");
	}
	settle();
	for (i = 0; i < 2 * TIMES - 2; i++) {
		if (i == TIMES)
			start = __rdtsc();
		must(read(fd, &byte, 1) == 1, "read");
	}
	price = (double)(__rdtsc() - start) / (TIMES - 2);
	must(read(fd, &byte, 1) == 1, "read");
	end();
	for (i = 0; i < pollers; i++) {
		pthread_join(threads[i], NULL);
		close(files[i]);
	}
	close(fd);
	free(threads);
	free(files);
	return price;
}

static void partial(const char *part, size_t pollers, int round)
{
	double usual = partial_price(0);

	print(part, pollers, round, 100 * partial_price(pollers) / usual);
}

/* ---- senders that wait and one that polls ----------------------------------------------- */

static void send_on(void *arg)
{
	int fd = open_queue(O_WRONLY);
	char message[900] = "";

	(void)arg;
	while (write(fd, message, sizeof(message)) > 0)
		;
}

static void poll_and_send_on(void *arg)
{
	struct pollfd one = { .fd = open_queue(O_WRONLY | O_NONBLOCK), .events = POLLOUT };
	char message[900] = { 1 };

	(void)arg;
	for (;;) {
		poll(&one, 1, -1);
		while (write(one.fd, message, sizeof(message)) > 0)
			;
	}
}

static void share(const char *part, size_t blocking, int round)
{
	enum { TIMES = 400 };
	pid_t *senders = malloc((blocking + 1) * sizeof(*senders));
	char message[900];
	size_t i, polled = 0;
	int fd;

	make(4096, TQUEUE_OVERFLOW_BLOCK);
	fd = open_queue(O_RDONLY);
	for (i = 0; i <= blocking; i++)
		senders[i] = in_child(i < blocking ? send_on : poll_and_send_on, NULL);
	settle();
	for (i = 0; i < TIMES + 16; i++) {
		must(read(fd, message, sizeof(message)) == sizeof(message), "read");
		/* After the first turn. */
		if (i >= 16)
			polled += message[0];
		usleep(200);
	}
	for (i = 0; i <= blocking; i++)
		end_child(senders[i]);
	free(senders);
	close(fd);
	end();
	print(part, blocking, round, polled ? (double)TIMES / polled : 1e9);
}

/* ---- calls that must not wait, beside one that moves much --------------------------------- */

/* What the offender does, and how often it has. */
static size_t much;
static atomic_int *rounds_done;

static void move_batches(void *arg)
{
	size_t bytes, n = much * MIB / 2 / 1040;
	char *buf = malloc(n * 1040);
	int fd = open_queue(O_RDWR);

	(void)arg;
	bytes = put_records(buf, n, 1000);
	for (;;) {
		int got;

		must(send_records(fd, buf, bytes) > 0, "SEND");
		do {
			got = receive_records(fd, buf, n * 1040);
		} while (got > 0);
		bytes = put_records(buf, n, 1000);
		atomic_fetch_add(rounds_done, 1);
	}
}

static void skip_empties(void *arg)
{
	size_t n = 10000, bytes;
	char *buf = malloc(n * sizeof(struct tqueue_record)), byte;
	int fd = open_queue(O_RDWR | O_NONBLOCK);

	(void)arg;
	bytes = put_records(buf, n, 0);
	for (;;) {
		size_t i;

		for (i = 0; i < much; i += n)
			must(send_records(fd, buf, bytes) > 0, "SEND");
		while (read(fd, &byte, 1) > 0)
			;
		atomic_fetch_add(rounds_done, 1);
	}
}

/* Leases up to @n messages, for @limit nanoseconds; returns how many. */
static int lease_records(int fd, char *buf, size_t n, uint64_t limit)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = n * JOB_BYTES, .count = n,
		.flags = TQUEUE_RECEIVE_LEASE, .limit = limit,
	};
	int got = ioctl(fd, TQUEUE_RECEIVE, &receive);

	must(got > 0 || errno == EAGAIN, "RECEIVE with LEASE");
	return got;
}

static void lease_and_close(void *arg)
{
	char *buf = malloc(much * JOB_BYTES);
	int fd = open_queue(O_RDWR);

	(void)arg;
	must(send_records(fd, buf, put_records(buf, much, 64)) == (int)much, "SEND");
	for (;;) {
		int file = open_queue(O_RDONLY | O_NONBLOCK);

		while (lease_records(file, buf, 64, TQUEUE_FOREVER) > 0)
			;
		close(file);
		atomic_fetch_add(rounds_done, 1);
	}
}

static void lease_and_acknowledge(void *arg)
{
	struct tqueue_settlement *settlements = calloc(much, sizeof(*settlements));
	struct tqueue_settle settle_them = { .settlements = (uintptr_t)settlements };
	char *buf = malloc(much * JOB_BYTES);
	int fd = open_queue(O_RDWR);

	(void)arg;
	for (;;) {
		char *next = buf;
		int got, i;

		must(send_records(fd, buf, put_records(buf, much, 64)) == (int)much, "SEND");
		got = lease_records(fd, buf, much, TQUEUE_FOREVER);
		must(got > 0, "RECEIVE with LEASE");
		for (i = 0; i < got; i++) {
			struct tqueue_record *record = (void *)next;

			settlements[i].id = record->id;
			settlements[i].delivery = record->delivery;
			settlements[i].action = TQUEUE_ACKNOWLEDGE;
			next += record->header_words * 8 + (record->length + 7) / 8 * 8;
		}
		settle_them.count = got;
		must(ioctl(fd, TQUEUE_SETTLE, &settle_them) == got, "SETTLE");
		atomic_fetch_add(rounds_done, 1);
	}
}

static void send_delayed(int fd, char *buf, size_t n, uint64_t delay)
{
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = put_records(buf, n, 64),
		.flags = TQUEUE_SEND_DELAY, .delay = delay,
	};

	must(ioctl(fd, TQUEUE_SEND, &send) == (int)n, "SEND with DELAY");
}

static void let_fall_due(void *arg)
{
	char *buf = malloc(much * JOB_BYTES);
	int fd = open_queue(O_RDWR | O_NONBLOCK);

	(void)arg;
	for (;;) {
		send_delayed(fd, buf, much, 100000000);
		usleep(300000);
		while (lease_records(fd, buf, much, 100000000) > 0)
			;
		usleep(300000);
		while (receive_records(fd, buf, much * JOB_BYTES) > 0)
			;
		atomic_fetch_add(rounds_done, 1);
	}
}

static void list_and_kick(void *arg)
{
	struct tqueue_listed *entries = calloc(much, sizeof(*entries));
	struct tqueue_list list = {
		.entries = (uintptr_t)entries, .count = much,
		.entry_bytes = sizeof(*entries), .states = TQUEUE_DELAYED,
	};
	struct tqueue_kick kick = {
		.id = TQUEUE_FOREVER, .states = TQUEUE_DELAYED,
	};
	char *buf = malloc(much * JOB_BYTES);
	int fd = open_queue(O_RDWR | O_NONBLOCK);

	(void)arg;
	for (;;) {
		send_delayed(fd, buf, much, 3600000000000);
		must(ioctl(fd, TQUEUE_LIST, &list) == (int)much, "LIST");
		must(ioctl(fd, TQUEUE_KICK, &kick) == (int)much, "KICK");
		while (receive_records(fd, buf, much * JOB_BYTES) > 0)
			;
		atomic_fetch_add(rounds_done, 1);
	}
}

/*
 * Holds whatever lock is held while the busy queue is looked at by name.  Like the
 * probes it runs as soon as it can: how long locks are held is measured, and not
 * whose turn it is to run.
 */
static void get_on(void *arg)
{
	struct sched_param first = { .sched_priority = 1 };

	(void)arg;
	must(!sched_setscheduler(0, SCHED_FIFO, &first), "sched_setscheduler");
	for (;;) {
		struct tqueue_info info = { .name = NAME };

		ioctl(control, TQUEUE_CTL_GET, &info);
		usleep(100);
	}
}

struct probe {
	const char *name;
	void (*call)(void);
	uint64_t longest;
};

static int probe_fd, sysfs_fd;

static void probe_write(void)
{
	if (write(probe_fd, "probe", 5) != 5 && errno != EAGAIN)
		die("write");
}

static void probe_info(void)
{
	struct tqueue_info info;

	must(!ioctl(probe_fd, TQUEUE_INFO, &info), "INFO");
}

/* Of another queue. */
static void probe_get(void)
{
	struct tqueue_info info = { .name = "tqueue" };

	must(!ioctl(control, TQUEUE_CTL_GET, &info), "GET");
}

static void probe_sysfs(void)
{
	char text[32];

	must(pread(sysfs_fd, text, sizeof(text), 0) > 0, "sysfs");
}

static void probe(const char *part, void (*offend)(void *arg), size_t size,
		  size_t parameter, int round)
{
	enum { OFTEN = 4 };
	struct probe probes[] = {
		{ "write", probe_write, 0 }, { "info", probe_info, 0 },
		{ "get", probe_get, 0 }, { "sysfs", probe_sysfs, 0 },
	};
	struct sched_param first = { .sched_priority = 1 }, usual = { 0 };
	size_t i, n = sizeof(probes) / sizeof(*probes);
	struct timespec pause = { .tv_nsec = 300000 };
	pid_t offender, getter;
	char name[32];

	much = parameter;
	rounds_done = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	make(size, TQUEUE_OVERFLOW_BLOCK);
	probe_fd = open_queue(O_RDWR | O_NONBLOCK);
	sysfs_fd = open("/sys/class/tqueue/" NAME "/messages", O_RDONLY | O_CLOEXEC);
	offender = in_child(offend, NULL);
	getter = in_child(get_on, NULL);
	must(!sched_setscheduler(0, SCHED_FIFO, &first), "sched_setscheduler");
	while (atomic_load(rounds_done) < OFTEN) {
		for (i = 0; i < n; i++) {
			uint64_t start, taken;

			/* Each begins somewhere else in what the offender does. */
			pause.tv_nsec = 100000 + (pause.tv_nsec + 77777) % 400000;
			nanosleep(&pause, NULL);
			start = __rdtsc();
			probes[i].call();
			taken = __rdtsc() - start;
			if (taken > probes[i].longest)
				probes[i].longest = taken;
		}
		must(!waitpid(offender, NULL, WNOHANG), "the offender ends");
	}
	must(!sched_setscheduler(0, SCHED_OTHER, &usual), "sched_setscheduler");
	end_child(offender);
	end_child(getter);
	close(sysfs_fd);
	close(probe_fd);
	munmap(rounds_done, 4096);
	end();
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s-%s", part, probes[i].name);
		print(name, parameter, round, probes[i].longest);
	}
}

static void beside_batches(const char *part, size_t parameter, int round)
{
	probe(part, move_batches, parameter * MIB, parameter, round);
}

static void beside_a_skip(const char *part, size_t parameter, int round)
{
	probe(part, skip_empties, 64 * MIB, parameter, round);
}

static void beside_closing(const char *part, size_t parameter, int round)
{
	probe(part, lease_and_close, 64 * MIB, parameter, round);
}

static void beside_leasing(const char *part, size_t parameter, int round)
{
	probe(part, lease_and_acknowledge, 64 * MIB, parameter, round);
}

static void beside_kicking(const char *part, size_t parameter, int round)
{
	probe(part, list_and_kick, 64 * MIB, parameter, round);
}

static void beside_falling_due(const char *part, size_t parameter, int round)
{
	probe(part, let_fall_due, 64 * MIB, parameter, round);
}

/* ---- what to measure ------------------------------------------------------------------------ */

static const struct part {
	const char *name;
	void (*measure)(const char *part, size_t parameter, int round);
	size_t parameter;
} parts[] = {
	{ "full", full, 64 },
	{ "full-batch", full_batch, 128 },
	{ "in-flight", in_flight, 10000 },
	{ "partial", partial, 100 },
	{ "share", share, 3 },
	{ "batch", beside_batches, 64 },
	{ "skip", beside_a_skip, 1000000 },
	{ "close", beside_closing, 10000 },
	{ "lease", beside_leasing, 10000 },
	{ "due", beside_falling_due, 10000 },
	{ "kick", beside_kicking, 10000 },
};

#define PARTS	(sizeof(parts) / sizeof(*parts))

static void show_usage(void)
{
	fputs("usage: beside [-p PART]... [-r ROUNDS]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct rlimit files = { 20000, 20000 };
	bool wanted[PARTS] = { false }, some = false;
	int rounds = 3, round, option;
	size_t i;

	while ((option = getopt(argc, argv, "p:r:")) != -1) {
		switch (option) {
		case 'p':
			for (i = 0; i < PARTS && strcmp(parts[i].name, optarg); i++)
				;
			if (i == PARTS)
				show_usage();
			wanted[i] = true;
			some = true;
			break;
		case 'r':
			rounds = atoi(optarg);
			break;
		default:
			show_usage();
		}
	}
	if (optind != argc || rounds < 1)
		show_usage();
	must(!setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	control = open("/dev/tqueue-control", O_RDWR | O_CLOEXEC);
	must(control >= 0, "/dev/tqueue-control");
	for (round = 0; round < rounds; round++)
		for (i = 0; i < PARTS; i++)
			if (wanted[i] || !some)
				parts[i].measure(parts[i].name, parts[i].parameter, round);
	return 0;
}
