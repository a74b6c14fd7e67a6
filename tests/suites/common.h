/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all suites share: running a test in a process of its own with a time
 * limit, saying what went wrong, threads that are expected to sleep, buffers
 * that fault, messages that can be told apart, and the module itself.
 *
 * A suite is a table of struct t_test and a main() that calls t_main(). Each
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

/* What the C library calls where the kernel has no call of the older name. */
#ifndef SYS_poll
#define SYS_poll	SYS_ppoll
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait	SYS_epoll_pwait
#endif
#ifdef SYS_pselect6_time64
#undef SYS_select
#define SYS_select	SYS_pselect6_time64
#elif !defined(SYS_select)
#define SYS_select	SYS_pselect6
#endif

#define TQ_DEVICE	"/dev/tqueue"
#define TQ_HEADER	40UL	/* bytes of a record before its payload */
#define TQ_SMALL	"size_l=4096"	/* parameters of the smallest queue, of a page */
#define TQ_SMALL_MAX	(TQ_PAGE / 4UL - TQ_HEADER)	/* its max_message */

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Bytes of the ring that a message of @len bytes uses. */
static inline size_t t_record(size_t len)
{
	return TQ_HEADER + ((len + 7) & ~(size_t)7);
}

/* ---- running -------------------------------------------------------- */

struct t_test {
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

int t_main(const char *suite, const struct t_test *tests, size_t count,
	   int argc, char **argv);

/* ---- saying what went wrong (from any thread or process of the test) - */

__attribute__((noreturn, format(printf, 3, 4)))
void t_fail_at(const char *file, int line, const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2)))
void t_skip(const char *format, ...);
void t_is_at(const char *file, int line, const char *what, long long got,
	     long long want);
void t_errno_at(const char *file, int line, const char *what, long long got,
		int want);
void t_here(const char *file, int line);

#define t_fail(...)	t_fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* t_true(condition, format, ...): fails unless the condition holds. */
#define t_true(condition, ...)						\
	do {								\
		t_here(__FILE__, __LINE__);				\
		if (!(condition))					\
			t_fail_at(__FILE__, __LINE__, __VA_ARGS__);	\
	} while (0)

/* t_is(call, value): fails unless the call returns the value. */
#define t_is(call, want)						\
	do {								\
		t_here(__FILE__, __LINE__);				\
		t_is_at(__FILE__, __LINE__, #call, (long long)(call),	\
			 (long long)(want));				\
	} while (0)

/* t_errno(call, error): fails unless the call returns -1 with that errno. */
#define t_errno(call, want)						\
	do {								\
		t_here(__FILE__, __LINE__);				\
		t_errno_at(__FILE__, __LINE__, #call,			\
			    (long long)(call), want);			\
	} while (0)

/* ---- time ------------------------------------------------------------ */

double t_slow(void);
double t_now(void);			/* seconds, CLOCK_MONOTONIC */
void t_sleep_ms(unsigned int ms);	/* scaled by TQUEUE_SLOW */
double t_seconds(double otherwise);	/* length of a timed test, unscaled */
bool t_goes_on(double end, bool enough);	/* is a timed test to go on? */
/* Runs of a random test for its time, each with the next seed; TQUEUE_SEED begins. */
void t_runs(unsigned long *seed, void (*one_run)(void));

/* ---- the queue ------------------------------------------------------- */

int t_open(int flags);
size_t t_size(void);
size_t t_max_message(void);
long t_value(const char *attribute);	/* /sys/class/tqueue/tqueue/... */
long t_drain(void);			/* how many reads it took */
size_t t_fill(size_t len, uint64_t seed);	/* seed, seed + 1, ... */
size_t t_fill_file(int fd, size_t len, uint64_t seed);
int t_fionread(int fd);
short t_poll(int fd, short events);	/* what is there now */

/* ---- messages that can be told apart ---------------------------------- */

void t_pattern(void *buf, size_t len, uint64_t seed, size_t offset);
ssize_t t_differs(const void *buf, size_t len, uint64_t seed, size_t offset);
void t_send(int fd, size_t len, uint64_t seed);
void t_receive_at(const char *file, int line, int fd, size_t len,
		  uint64_t seed, size_t offset);
#define t_receive(fd, len, seed)					\
	t_receive_at(__FILE__, __LINE__, fd, len, seed, 0)
#define t_receive_rest(fd, len, seed, offset)				\
	t_receive_at(__FILE__, __LINE__, fd, len, seed, offset)
void t_nothing_at(const char *file, int line);
#define t_nothing()	t_nothing_at(__FILE__, __LINE__)

/* ---- threads and processes -------------------------------------------- */

struct t_task {
	pthread_t thread;
	void (*run)(struct t_task *self);
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

void t_start(struct t_task *task, void (*run)(struct t_task *self));
void t_start_read(struct t_task *task, int fd, void *buf, size_t len);
void t_start_write(struct t_task *task, int fd, const void *buf, size_t len);
void t_asleep(struct t_task *task, long call);
void t_still_asleep(struct t_task *task, long call);
bool t_done(struct t_task *task);
bool t_all_did(struct t_task *tasks, size_t n, long count);
void t_finish_at(const char *file, int line, struct t_task *task);
#define t_finish(task)	t_finish_at(__FILE__, __LINE__, task)
void t_unblockable(void);	/* SIGUSR1 interrupts, does nothing else */

pid_t t_fork(void (*run)(void *arg), void *arg);
void t_reap_at(const char *file, int line, pid_t pid);
#define t_reap(pid)	t_reap_at(__FILE__, __LINE__, pid)
void t_kill(pid_t pid);
void t_asleep_pid(pid_t tid, long call);
bool t_is_asleep(pid_t tid, long call);
long t_switches(pid_t tid);	/* voluntary context switches */
void t_pin(int cpu);

/* ---- memory ------------------------------------------------------------ */

void *t_shared(size_t len);		/* seen by children too */
char *t_edge(size_t len);		/* len bytes, then memory that faults */
void t_edge_free(char *edge, size_t len);
size_t t_page(void);
void t_needs_small_pages(void);		/* or it is skipped */

struct t_stall {
	int uffd;
	char *map;
	size_t len;
};

void t_stall_make(struct t_stall *stall, size_t len);
void t_stall_wait(struct t_stall *stall);
bool t_stall_hit(struct t_stall *stall, int timeout_ms);
void t_stall_give(struct t_stall *stall, const void *from, size_t at,
		  size_t len);
void t_stall_spoil(struct t_stall *stall);
void t_stall_by_turns(struct t_stall *stall, const void *from);
void t_stall_release(struct t_stall *stall, const void *from);

/* ---- the module --------------------------------------------------------- */

const char *t_module_file(void);	/* NULL: there is none */
bool t_module_loaded(void);
int t_load(const char *params);	/* 0 or an errno */
int t_unload(void);			/* 0 or an errno */
int t_references(void);
int t_log_open(void);			/* reads what is logged from now on */
int t_log_lines(int log, const char *needle, char *last, size_t len);

#endif
