/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting a process for a job. */
#ifndef SPAWN_H
#define SPAWN_H

#include <sys/types.h>

/**
 * struct spawn - what a process is made of
 * @path: the program
 * @argv: its arguments, a null pointer behind the last
 * @envp: its environment
 * @in: its standard input
 * @out: its standard output, or -1: ours
 * @err: its standard error, or -1: ours
 * @keep: one more file that it gets, under the same number, or -1
 */
struct spawn {
	const char *path;
	char **argv;
	char **envp;
	int in, out, err, keep;
};

/*
 * Notes how signals are dealt with now, and how many files may be open: processes
 * begin with that.  Before anything of it is changed.
 */
void spawn_note_limits(void);

/*
 * Starts it, the leader of a process group of its own, which gets SIGTERM when we are
 * gone.  Its id, and in *@pidfd a file that tells its end; or -1 and errno.  With
 * *@executing it is the program that could not be started, not the process.
 */
pid_t spawn(const struct spawn *spawn, int *pidfd, int *executing);

#endif /* SPAWN_H */
