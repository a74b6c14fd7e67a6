// SPDX-License-Identifier: GPL-2.0-only
/* See tasks.h. */
#include "tasks.h"

#include "check.h"
#include "clock.h"
#include "files.h"
#include "queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where everything of a hung test is: the first thing one wants to know. */
void t_show_tasks(pid_t group)
{
	struct dirent *entry, *task;
	char path[320], text[4096];
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);
		DIR *tasks;

		if (pid <= 0 || getpgid(pid) != group)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task", pid);
		tasks = opendir(path);
		while (tasks && (task = readdir(tasks))) {
			static const char * const what[] = { "wchan", "syscall" };
			size_t i;

			if (task->d_name[0] == '.')
				continue;
			fprintf(stderr, "# %d/%s:", pid, task->d_name);
			for (i = 0; i < ARRAY_SIZE(what); i++) {
				snprintf(path, sizeof(path), "/proc/%d/task/%s/%s",
					 pid, task->d_name, what[i]);
				if (t_slurp(path, text, sizeof(text)) > 0)
					fprintf(stderr, " %s %s", what[i], text);
			}
			fputc('\n', stderr);
			snprintf(path, sizeof(path), "/proc/%d/task/%s/stack", pid,
				 task->d_name);
			if (t_read_file(path, text, sizeof(text)) > 0)
				fputs(text, stderr);
		}
		if (tasks)
			closedir(tasks);
	}
	if (proc)
		closedir(proc);
}

bool t_ends_within(pid_t pid, double seconds, int *status)
{
	double end = t_now() + seconds;
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };
	pid_t got;

	do {
		if (pidfd >= 0)
			poll(&wait, 1, 100);
		else
			t_sleep(0.002);
		got = waitpid(pid, status, WNOHANG);
	} while (!got && t_now() < end);
	if (pidfd >= 0)
		close(pidfd);
	return got == pid;
}

static void *start_task(void *arg)
{
	struct t_task *task = arg;

	atomic_store(&task->tid, gettid());
	task->run(task);
	atomic_store(&task->done, 1);
	return NULL;
}

void t_start(struct t_task *task, void (*run)(struct t_task *self))
{
	pthread_attr_t attr;

	task->run = run;
	atomic_store(&task->done, 0);
	atomic_store(&task->tid, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	t_is(pthread_create(&task->thread, &attr, start_task, task), 0);
	pthread_attr_destroy(&attr);
}

static void run_read(struct t_task *task)
{
	task->result = read(task->fd, task->buf, task->len);
	task->error = errno;
}

static void run_write(struct t_task *task)
{
	task->result = write(task->fd, task->buf, task->len);
	task->error = errno;
}

void t_start_read(struct t_task *task, int fd, void *buf, size_t len)
{
	task->fd = fd;
	task->buf = buf;
	task->len = len;
	t_start(task, run_read);
}

void t_start_write(struct t_task *task, int fd, const void *buf, size_t len)
{
	task->fd = fd;
	task->buf = (void *)buf;
	task->len = len;
	t_start(task, run_write);
}

static void run_writev(struct t_task *task)
{
	task->result = writev(task->fd, task->arg, task->number);
	task->error = errno;
}

void t_start_writev(struct t_task *task, int fd, const struct iovec *parts, int n)
{
	task->fd = fd;
	task->arg = (void *)parts;
	task->number = n;
	t_start(task, run_writev);
}

static void run_splice(struct t_task *task)
{
	int ends[2];

	t_is(pipe(ends), 0);
	task->result = splice(task->fd, NULL, ends[1], NULL, TQ_PAGE, 0);
	task->error = errno;
	close(ends[0]);
	close(ends[1]);
}

void t_start_splice(struct t_task *task, int fd)
{
	task->fd = fd;
	t_start(task, run_splice);
}

static void run_splice_in(struct t_task *task)
{
	static const char bytes[TQ_PAGE];
	int ends[2];

	t_is(pipe(ends), 0);
	t_is(write(ends[1], bytes, task->len), task->len);
	task->result = splice(ends[0], NULL, task->fd, NULL, task->len, 0);
	task->error = errno;
	close(ends[0]);
	close(ends[1]);
}

void t_start_splice_in(struct t_task *task, int fd, size_t len)
{
	task->fd = fd;
	task->len = len;
	t_start(task, run_splice_in);
}

/* ---- sleeping for events ------------------------------------------------- */

void t_run_poll(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = task->events };

	task->result = poll(&one, 1, -1);
	task->error = errno;
	task->events = one.revents;
}

static void wait_in_epoll(struct t_task *task, int epoll)
{
	struct epoll_event event = { 0 };

	task->result = epoll_wait(epoll, &event, 1, -1);
	task->error = errno;
	task->events = event.events;
}

void t_run_epoll_wait(struct t_task *task)
{
	wait_in_epoll(task, task->fd);
}

void t_run_epoll(struct t_task *task)
{
	int epoll = t_epoll(task->fd, task->events);

	wait_in_epoll(task, epoll);
	close(epoll);
}

void t_start_poll(struct t_task *task, int fd, unsigned int events)
{
	task->fd = fd;
	task->events = events;
	t_start(task, t_run_poll);
}

void t_start_epoll(struct t_task *task, int fd, unsigned int events)
{
	task->fd = fd;
	task->events = events;
	t_start(task, t_run_epoll);
}

void t_polled_at(const char *file, int line, struct t_task *task,
		 unsigned int events)
{
	t_result_at(file, line, task, 1, 0);
	if (task->events != events)
		t_fail_at(file, line, "polling finds events %#x, not %#x", task->events,
			  events);
}

/* ---- who sleeps --------------------------------------------------------- */

/* The state of a task, and how often it has gone to sleep. False if it is gone. */
static bool look_at(pid_t tid, char *state, long *switches)
{
	char path[64], text[8192];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (t_read_file(path, text, sizeof(text)) <= 0)
		return false;
	line = strstr(text, "\nState:\t");
	t_true(line, "%s has no state", path);
	*state = line[8];
	line = strstr(text, "\nvoluntary_ctxt_switches:");
	t_true(line, "%s does not count context switches", path);
	*switches = atol(strchr(line, ':') + 1);
	return true;
}

long t_switches(pid_t tid)
{
	long switches;
	char state;

	t_true(look_at(tid, &state, &switches), "no task %d", tid);
	return switches;
}

/*
 * 'S' or 'D' if it sleeps in the system call of that number, else 0. The state
 * is looked at too: one that was woken a moment ago still counts as being in
 * the call. And what was seen must be of one sleep: the call may have begun
 * since the state was looked at. *@switches is how often it has gone to sleep,
 * which differs from one sleep to the next.
 */
static char how_asleep(pid_t tid, long call, long *switches)
{
	char path[64], text[512], state, now;
	long after;

	if (!look_at(tid, &state, switches) || (state != 'S' && state != 'D'))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	if (t_slurp(path, text, sizeof(text)) <= 0 || text[0] < '0' ||
	    text[0] > '9' || atol(text) != call)
		return 0;
	if (!look_at(tid, &now, &after) || now != state || after != *switches)
		return 0;
	return state;
}

/*
 * True if it sleeps where a signal wakes it, as the driver's waiters do. A sleep
 * that no signal ends is one for a lock or for memory: the call goes on after it.
 */
bool t_is_asleep(pid_t tid, long call)
{
	long switches;

	return how_asleep(tid, call, &switches) == 'S';
}

/*
 * Waits until it sleeps, and for good: a sleep that a signal ends is not one
 * for a lock; of others (page faults) it must last a little.
 */
void t_asleep_pid(pid_t tid, long call)
{
	double end = t_now() + t_patience();
	long before = -1, now;
	int times = 0;

	while (times < 3) {
		if (t_now() > end)
			t_fail("task %d does not go to sleep in system call %ld", tid,
			       call);
		switch (how_asleep(tid, call, &now)) {
		case 'S':
			return;
		case 'D':
			times = now == before ? times + 1 : 0;
			before = now;
			break;
		default:
			times = 0;
			before = -1;
		}
		t_sleep(times ? 0.001 : 0.0002);
	}
}

void t_asleep(struct t_task *task, long call)
{
	while (!atomic_load(&task->tid))
		t_sleep(0.0001);
	if (!atomic_load(&task->done)) {
		double end = t_now() + t_patience();

		while (!t_is_asleep(task->tid, call) && t_now() < end &&
		       !atomic_load(&task->done))
			t_sleep(0.0002);
	}
	if (atomic_load(&task->done))
		t_fail("system call %ld does not block: it gives %zd (%s)", call,
		       task->result, task->result < 0 ? t_error_name(task->error) : "");
	t_asleep_pid(task->tid, call);
}

void t_still_asleep(struct t_task *task, long call)
{
	t_sleep_ms(20);
	t_asleep(task, call);
}

bool t_done(struct t_task *task)
{
	return atomic_load(&task->done);
}

/* Has each of n tasks counted that far? */
bool t_all_did(struct t_task *tasks, size_t n, long count)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (atomic_load(&tasks[i].count) < count)
			return false;
	return true;
}

void t_finish_at(const char *file, int line, struct t_task *task)
{
	double end = t_now() + t_patience();

	while (!atomic_load(&task->done)) {
		if (t_now() > end) {
			t_show_tasks(getpgid(0));
			t_fail_at(file, line, "a thread does not come back");
		}
		t_sleep(0.0002);
	}
	pthread_join(task->thread, NULL);
}

void t_result_at(const char *file, int line, struct t_task *task,
		 ssize_t want, int error)
{
	t_finish_at(file, line, task);
	if (task->result == want && (want >= 0 || task->error == error))
		return;
	t_fail_at(file, line, "the call gives %zd (%s), not %zd (%s)",
		  task->result,
		   task->result < 0 ? t_error_name(task->error) : "", want,
		   want < 0 ? t_error_name(error) : "");
}

/* ---- signals and processes ---------------------------------------------- */

atomic_int t_caught;

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&t_caught, 1);
}

void t_catch(int number, int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

	atomic_store(&t_caught, 0);
	t_is(sigaction(number, &action, NULL), 0);
}

void t_wait_caught(int n)
{
	double end = t_now() + t_patience();

	while (atomic_load(&t_caught) < n) {
		t_true(t_now() < end, "the signal is not handled");
		sched_yield();
	}
}

void t_unblockable(void)
{
	t_catch(SIGUSR1, 0);
}

pid_t t_fork(void (*run)(void *arg), void *arg)
{
	pid_t pid = fork();

	t_true(pid >= 0, "fork fails with %s", t_error_name(errno));
	if (pid)
		return pid;
	run(arg);
	_exit(0);
}

void t_reap_at(const char *file, int line, pid_t pid)
{
	int status;

	if (!t_ends_within(pid, t_patience(), &status)) {
		t_show_tasks(getpgid(0));
		t_fail_at(file, line, "process %d does not end", pid);
	}
	if (status)
		t_fail_at(file, line, "process %d ends with status %#x", pid, status);
}

void t_kill(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (!t_ends_within(pid, t_patience(), &status)) {
		t_show_tasks(getpgid(0));
		t_fail("process %d does not die of SIGKILL", pid);
	}
}

void t_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

void t_set_user(unsigned int uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		t_fail("cannot become user %u", uid);
}
