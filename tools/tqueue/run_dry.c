// SPDX-License-Identifier: GPL-2.0-only
/* tqueue run --dry-run: prints commands instead of running them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tqueue.h>
#include <unistd.h>

#include "job.h"
#include "job_command.h"
#include "queue.h"
#include "report.h"
#include "run.h"

/* Prints an argument quoted for the shell. */
static void print_quoted(const char *argument)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";

	if (*argument && !argument[strspn(argument, plain)]) {
		fputs(argument, stdout);
		return;
	}
	putchar('\'');
	for (; *argument; argument++)
		if (*argument == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*argument);
	putchar('\'');
}

static void print_job(const struct run_options *options, struct job *job,
		      const struct tqueue_record *record)
{
	struct job_command command;
	char **argument;

	job->id = record->id;
	job->attempt = record->attempts + 1U;
	printf("%s:%llu\t", job->queue->name, (unsigned long long)job->id);
	if (job_command_make(&command, options, job, record)) {
		puts("(not started: its payload has a zero byte)");
		return;
	}
	for (argument = command.argv; *argument; argument++) {
		if (argument > command.argv)
			putchar(' ');
		print_quoted(*argument);
	}
	putchar('\n');
	job_command_free(&command, options);
}

/*
 * Prints the commands for what is ready in a queue.  Returns 0, or an exit status after
 * reporting the error.
 */
static int print_queue(const struct run_options *options, const char *name)
{
	struct run_queue queue = { .name = name };
	struct job job = { .queue = &queue, .slot = 1, .lease.fd = -1 };
	const struct tqueue_record *record;
	struct tqueue_batch batch;
	struct tqueue_info info;
	int fd, count, status = 0;
	void *room;

	fd = open_to_look(name);
	if (fd < 0 || tqueue_get(fd, &info))
		return report_error(name, errno);
	/* Everything that a queue holds fits into as many bytes as it has. */
	room = xnonnull(calloc(1, info.size));
	tqueue_batch_init(&batch, room, info.size);
	count = tqueue_peek_batch(fd, &batch, 0, 0);
	if (count < 0 && errno != EAGAIN)
		status = report_error(name, errno);
	while (count > 0 && tqueue_batch_next(&batch, &record) > 0)
		print_job(options, &job, record);
	free(room);
	close(fd);
	return status;
}

int run_dry(const struct run_options *options)
{
	int status = 0, one;
	char **name;

	for (name = options->queues; *name; name++) {
		one = print_queue(options, *name);
		if (one)
			status = one;
	}
	return status;
}
