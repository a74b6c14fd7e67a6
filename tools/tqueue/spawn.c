// SPDX-License-Identifier: GPL-2.0-only
/*
 * The new process shares our memory until it executes the program, and we sleep until
 * then.  So no page table is copied, and the process can store why it failed.  Until
 * then it may make system calls only.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn.h"

#define STACK_SIZE	(64 * 1024)

/* What the new process gets, and the error that it stores. */
struct child {
	const struct spawn *spawn;
	pid_t parent;
	int executing;
	int error;
};

static struct {
	sigset_t mask;
	struct sigaction pipe, size;
	struct rlimit files;
} before;

void spawn_note_limits(void)
{
	sigprocmask(SIG_BLOCK, NULL, &before.mask);
	sigaction(SIGPIPE, NULL, &before.pipe);
	sigaction(SIGXFSZ, NULL, &before.size);
	getrlimit(RLIMIT_NOFILE, &before.files);
}

static int set_files(const struct spawn *spawn)
{
	if (dup2(spawn->in, STDIN_FILENO) < 0)
		return -1;
	if (spawn->out >= 0 && dup2(spawn->out, STDOUT_FILENO) < 0)
		return -1;
	if (spawn->err >= 0 && dup2(spawn->err, STDERR_FILENO) < 0)
		return -1;
	return spawn->keep >= 0 ? fcntl(spawn->keep, F_SETFD, 0) : 0;
}

static int run_child(void *argument)
{
	struct child *child = argument;
	const struct spawn *spawn = child->spawn;

	setpgid(0, 0);
	/* If we have ended before this call, the kernel will not send the signal. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != child->parent)
		_exit(127);
	if (!set_files(spawn)) {
		sigaction(SIGPIPE, &before.pipe, NULL);
		sigaction(SIGXFSZ, &before.size, NULL);
		sigprocmask(SIG_SETMASK, &before.mask, NULL);
		setrlimit(RLIMIT_NOFILE, &before.files);
		child->executing = 1;
		execve(spawn->path, spawn->argv, spawn->envp);
	}
	child->error = errno;
	_exit(127);
}

pid_t spawn(const struct spawn *spawn, int *pidfd, int *executing)
{
	static char stack[STACK_SIZE] __attribute__((aligned(64)));
	struct child child = { .spawn = spawn, .parent = getpid() };
	siginfo_t info;
	pid_t pid;

	pid = clone(run_child, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &child, pidfd);
	*executing = child.executing;
	if (pid < 0 || !child.error)
		return pid;
	waitid(P_PID, (id_t)pid, &info, WEXITED);
	close(*pidfd);
	errno = child.error;
	return -1;
}
