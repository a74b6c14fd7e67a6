/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting a process for a job. */
#ifndef SPAWN_H
#define SPAWN_H

#include <sys/types.h>

/**
 * struct spawn - what a process gets
 * @path: the program
 * @argv: its arguments, followed by a null pointer
 * @envp: its environment
 * @in: its standard input
 * @out: its standard output, or -1 for ours
 * @err: its standard error, or -1 for ours
 * @keep: one more file that it gets, with the same number, or -1
 */
struct spawn {
	const char *path;
	char **argv;
	char **envp;
	int in, out, err, keep;
};

/*
 * Notes the present signal dispositions and the limit of open files, with which
 * processes will start.  To be called before any of these is changed.
 */
void spawn_note_limits(void);

/*
 * Starts a process in a process group of its own.  It gets SIGTERM when we end.  Returns
 * its id, and in *@pidfd its pidfd; or -1 and errno.  Then *@executing says that the
 * process was made, and execve(2) failed.
 */
pid_t spawn(const struct spawn *spawn, int *pidfd, int *executing);

#endif /* SPAWN_H */
