/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments and the environment of a job's process. */
#ifndef JOB_COMMAND_H
#define JOB_COMMAND_H

#include <tqueue.h>

struct job;
struct run_options;

/**
 * struct job_command - the parameters of execve(2)
 * @argv: arguments
 * @envp: environment
 */
struct job_command {
	char **argv;
	char **envp;
};

/*
 * Makes them for a job with that message.  Returns 0, or -1 if the payload has a zero
 * byte and cannot be an argument.
 */
int job_command_make(struct job_command *command, const struct run_options *options,
		     const struct job *job, const struct tqueue_record *record);

void job_command_free(struct job_command *command, const struct run_options *options);

#endif /* JOB_COMMAND_H */
