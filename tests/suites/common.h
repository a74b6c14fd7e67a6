/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all suites share: running a test in a process of its own with a time
 * limit, saying what went wrong, threads that are expected to sleep, buffers
 * that fault, messages that can be told apart, and the module itself.
 *
 * A suite is a table of struct tq_test and a main() that calls tq_main(). Each
 * test runs in a child process, the leader of its own process group: a failed
 * check ends the whole group from whatever thread or process it happens in, so
 * nothing of a failed or hung test is left to disturb the next one. Afterwards
 * the parent checks that the test left the queue empty, the module unused and
 * the kernel log as they were.
 *
 * Environment:
 *   TQUEUE_KO      module file, for tests that want other parameters
 *   TQUEUE_SLOW    factor on all time limits (1: a Debian kernel, emulated)
 *   TQUEUE_SECONDS how long each timed test runs, where it has a choice
 */
#ifndef TQUEUE_TESTS_COMMON_H
#define TQUEUE_TESTS_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TQ_DEVICE	"/dev/tqueue"
#define TQ_HEADER	40UL	/* bytes of a record before its payload */
#define TQ_SMALL	"size_l=4096"	/* parameters of the smallest queue */
#define TQ_SMALL_MAX	984UL	/* its max_message: 4096 / 4 - 40 */

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Bytes of the ring that a message of @len bytes uses. */
static inline size_t tq_record(size_t len)
{
	return TQ_HEADER + ((len + 7) & ~(size_t)7);
}

/* ---- running -------------------------------------------------------- */

struct tq_test {
	const char *name;
	void (*run)(void);
	const char *params;	/* of the module; NULL: as it was found */
	unsigned int seconds;	/* time limit, 0: 45 */
	bool logs;		/* may write to the kernel log */
	bool reloads;		/* loads and unloads the module by itself */
};

#define TQ_TEST(fn)		{ .name = #fn, .run = fn }
#define TQ_TEST_WITH(fn, with)	{ .name = #fn, .run = fn, .params = with }
/* Loads and unloads the module by itself, of which the kernel log tells. */
#define TQ_TEST_RELOADING(fn)	{ .name = #fn, .run = fn, .params = "", \
				  .logs = true, .reloads = true }

int tq_main(const char *suite, const struct tq_test *tests, size_t count,
	    int argc, char **argv);

/* ---- saying what went wrong (from any thread or process of the test) - */

__attribute__((noreturn, format(printf, 3, 4)))
void tq_fail_at(const char *file, int line, const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2)))
void tq_skip(const char *format, ...);
void tq_is_at(const char *file, int line, const char *what, long long got,
	      long long want);
void tq_errno_at(const char *file, int line, const char *what, long long got,
		 int want);
void tq_here(const char *file, int line);

#define tq_fail(...)	tq_fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* tq_true(condition, format, ...): fails unless the condition holds. */
#define tq_true(condition, ...)						\
	do {								\
		tq_here(__FILE__, __LINE__);				\
		if (!(condition))					\
			tq_fail_at(__FILE__, __LINE__, __VA_ARGS__);	\
	} while (0)

/* tq_is(call, value): fails unless the call returns the value. */
#define tq_is(call, want)						\
	do {								\
		tq_here(__FILE__, __LINE__);				\
		tq_is_at(__FILE__, __LINE__, #call, (long long)(call),	\
			 (long long)(want));				\
	} while (0)

/* tq_errno(call, error): fails unless the call returns -1 with that errno. */
#define tq_errno(call, want)						\
	do {								\
		tq_here(__FILE__, __LINE__);				\
		tq_errno_at(__FILE__, __LINE__, #call,			\
			    (long long)(call), want);			\
	} while (0)

/* ---- time ------------------------------------------------------------ */

double tq_slow(void);
double tq_now(void);			/* seconds, CLOCK_MONOTONIC */
void tq_sleep_ms(unsigned int ms);	/* scaled by TQUEUE_SLOW */
double tq_seconds(double otherwise);	/* length of a timed test, unscaled */
bool tq_goes_on(double end, bool enough);	/* is a timed test to go on? */

/* ---- the queue ------------------------------------------------------- */

int tq_open(int flags);
size_t tq_size(void);
size_t tq_max_message(void);
long tq_value(const char *attribute);	/* /sys/class/tqueue/tqueue/... */
long tq_drain(void);			/* how many reads it took */
size_t tq_fill(size_t len, uint64_t seed);	/* seed, seed + 1, ... */
size_t tq_fill_file(int fd, size_t len, uint64_t seed);
int tq_fionread(int fd);
short tq_poll(int fd, short events);	/* what is there now */

/* ---- messages that can be told apart ---------------------------------- */

void tq_pattern(void *buf, size_t len, uint64_t seed, size_t offset);
ssize_t tq_differs(const void *buf, size_t len, uint64_t seed, size_t offset);
void tq_send(int fd, size_t len, uint64_t seed);
void tq_receive_at(const char *file, int line, int fd, size_t len,
		   uint64_t seed, size_t offset);
#define tq_receive(fd, len, seed)					\
	tq_receive_at(__FILE__, __LINE__, fd, len, seed, 0)
#define tq_receive_rest(fd, len, seed, offset)				\
	tq_receive_at(__FILE__, __LINE__, fd, len, seed, offset)
void tq_nothing_at(const char *file, int line);
#define tq_nothing()	tq_nothing_at(__FILE__, __LINE__)

/* ---- threads and processes -------------------------------------------- */

struct tq_task {
	pthread_t thread;
	void (*run)(struct tq_task *self);
	int fd;
	void *buf;
	size_t len;
	void *arg;
	long number;
	atomic_int tid;
	atomic_int done;
	atomic_long count;
	ssize_t result;
	int error;
};

void tq_start(struct tq_task *task, void (*run)(struct tq_task *self));
void tq_start_read(struct tq_task *task, int fd, void *buf, size_t len);
void tq_start_write(struct tq_task *task, int fd, const void *buf, size_t len);
void tq_asleep(struct tq_task *task, long call);
void tq_still_asleep(struct tq_task *task, long call);
bool tq_done(struct tq_task *task);
bool tq_all_did(struct tq_task *tasks, size_t n, long count);
void tq_finish_at(const char *file, int line, struct tq_task *task);
#define tq_finish(task)	tq_finish_at(__FILE__, __LINE__, task)
void tq_unblockable(void);	/* SIGUSR1 interrupts, does nothing else */

pid_t tq_fork(void (*run)(void *arg), void *arg);
void tq_reap_at(const char *file, int line, pid_t pid);
#define tq_reap(pid)	tq_reap_at(__FILE__, __LINE__, pid)
void tq_kill(pid_t pid);
void tq_asleep_pid(pid_t tid, long call);
bool tq_is_asleep(pid_t tid, long call);
long tq_switches(pid_t tid);	/* voluntary context switches */
void tq_pin(int cpu);

/* ---- memory ------------------------------------------------------------ */

void *tq_shared(size_t len);		/* seen by children too */
char *tq_edge(size_t len);		/* len bytes, then memory that faults */
void tq_edge_free(char *edge, size_t len);
size_t tq_page(void);

struct tq_stall {
	int uffd;
	char *map;
	size_t len;
};

void tq_stall_make(struct tq_stall *stall, size_t len);
void tq_stall_wait(struct tq_stall *stall);
bool tq_stall_hit(struct tq_stall *stall, int timeout_ms);
void tq_stall_give(struct tq_stall *stall, const void *from, size_t at,
		   size_t len);
void tq_stall_spoil(struct tq_stall *stall);
void tq_stall_by_turns(struct tq_stall *stall, const void *from);
void tq_stall_release(struct tq_stall *stall, const void *from);

/* ---- the module --------------------------------------------------------- */

const char *tq_module_file(void);	/* NULL: there is none */
bool tq_module_loaded(void);
int tq_load(const char *params);	/* 0 or an errno */
int tq_unload(void);			/* 0 or an errno */
int tq_references(void);
int tq_log_open(void);			/* reads what is logged from now on */
int tq_log_lines(int log, const char *needle, char *last, size_t len);

#endif
