/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads and processes of a test, most of which are expected to sleep in a call. */
#ifndef TQUEUE_TESTS_TASKS_H
#define TQUEUE_TESTS_TASKS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct t_task {
	pthread_t thread;
	void (*run)(struct t_task *self);
	int fd;
	void *buf;
	size_t len;
	void *arg;
	long number;
	unsigned int events;	/* to poll for; afterwards: that are there */
	atomic_int tid;
	atomic_int done;
	atomic_long count;
	ssize_t result;
	int error;
};

/* ---- threads ----------------------------------------------------------- */

void t_start(struct t_task *task, void (*run)(struct t_task *self));
void t_start_read(struct t_task *task, int fd, void *buf, size_t len);
void t_start_write(struct t_task *task, int fd, const void *buf, size_t len);
void t_start_writev(struct t_task *task, int fd, const struct iovec *parts, int n);
/* Out of the queue into a new pipe; and @len bytes out of one. */
void t_start_splice(struct t_task *task, int fd);
void t_start_splice_in(struct t_task *task, int fd, size_t len);
void t_run_poll(struct t_task *task);
void t_run_epoll(struct t_task *task);	/* with a new epoll instance */
void t_run_epoll_wait(struct t_task *task);	/* fd is an epoll instance */
/* Sleeps until one of these events is there. */
void t_start_poll(struct t_task *task, int fd, unsigned int events);
void t_start_epoll(struct t_task *task, int fd, unsigned int events);
void t_asleep(struct t_task *task, long call);
void t_still_asleep(struct t_task *task, long call);
bool t_done(struct t_task *task);
bool t_all_did(struct t_task *tasks, size_t n, long count);
void t_finish_at(const char *file, int line, struct t_task *task);
#define t_finish(task)	t_finish_at(__FILE__, __LINE__, task)
void t_result_at(const char *file, int line, struct t_task *task,
		 ssize_t want, int error);
/* The task ends with this result, or with -1 and this errno. */
#define t_result(task, want)	t_result_at(__FILE__, __LINE__, task, want, 0)
#define t_fails(task, error)	t_result_at(__FILE__, __LINE__, task, -1, error)
void t_polled_at(const char *file, int line, struct t_task *task,
		 unsigned int events);
/* The task that polls ends, for these events. */
#define t_polled(task, events)	t_polled_at(__FILE__, __LINE__, task, events)

/* ---- signals ----------------------------------------------------------- */

extern atomic_int t_caught;	/* signals since t_catch() */
void t_catch(int number, int flags);	/* a handler that counts, and these SA_ flags */
void t_wait_caught(int n);
void t_unblockable(void);	/* SIGUSR1 interrupts, does nothing else */

/* ---- processes ----------------------------------------------------------- */

pid_t t_fork(void (*run)(void *arg), void *arg);
void t_reap_at(const char *file, int line, pid_t pid);
#define t_reap(pid)	t_reap_at(__FILE__, __LINE__, pid)
void t_kill(pid_t pid);
void t_asleep_pid(pid_t tid, long call);
bool t_is_asleep(pid_t tid, long call);
long t_switches(pid_t tid);	/* voluntary context switches */
bool t_ends_within(pid_t pid, double seconds, int *status);
void t_show_tasks(pid_t group);	/* where they all are, on stderr */
void t_pin(int cpu);
void t_set_user(unsigned int uid);

#endif
