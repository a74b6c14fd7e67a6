/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tqueue run: jobs are leased from queues, and a process works on each.
 *
 * run.c	the options
 * runner.c	the loop: leases, starts, waits, ends
 * run_lease.c	the next message
 * run_signals.c	signals that ask it to end or to report
 * job.c	one job, from its lease to the end of its process
 * job_command.c, job_output.c, spawn.c	the process of a job, and its output
 * outcome.c, verdict.c	what becomes of a job that has ended
 * run_log.c, run_status.c, service.c, sink.c	what is reported, and where to
 * self_send.c	jobs that wait for room in their own queue
 * run_dry.c	--dry-run
 *
 * There is one thread, and it sleeps in one place only.  There is no signal handler.
 * Each job has its lease in a file of its own (TQUEUE_HOLD), which its process inherits:
 * a job whose runner is killed keeps its lease until it ends.
 */
#ifndef RUN_H
#define RUN_H

#include <stdint.h>
#include <tqueue.h>

#include "events.h"
#include "progress.h"
#include "verdict.h"

struct job;

/**
 * struct run_options - the options
 * @queues: names, followed by a null pointer
 * @command: the command and its arguments, followed by a null pointer
 * @program: the path of the command
 * @replace: the text in the arguments that the payload replaces, or NULL
 * @jobs: the most jobs at a time
 * @all: end when nothing is ready
 * @count: end after this many jobs, or 0
 * @timeout: of a job; UNITS_FOREVER: none
 * @timeout_given: whether @timeout was given, even as infinity
 * @kill_after: from SIGTERM to SIGKILL
 * @drain_timeout: from the first signal until the jobs are stopped, or UNITS_FOREVER
 * @defer_delay: of jobs that their command defers
 * @retry_delay: after the first failure; it doubles with each attempt
 * @retry_delay_max: where it no longer doubles
 * @verdicts: what exit statuses mean
 * @stop_on_failure: pause after this many failures in a row; 0: never
 * @interval: least time from one start to the next, or 0
 * @tag: lines of output begin with the name of their job
 * @group: output is written when the job has ended
 * @no_inherit: processes do not get the files of their leases
 * @quiet: do not report what went well
 * @progress: whether to show a progress line
 */
struct run_options {
	char **queues;
	char **command;
	char *program;
	const char *replace;
	uint32_t jobs;
	int all;
	uint64_t count;
	uint64_t timeout;
	int timeout_given;
	uint64_t kill_after;
	uint64_t drain_timeout;
	uint64_t defer_delay;
	uint64_t retry_delay, retry_delay_max;
	struct verdicts verdicts;
	uint64_t stop_on_failure;
	uint64_t interval;
	int tag, group, no_inherit, quiet;
	enum progress_wish progress;
};

/**
 * struct run_queue - one of the queues
 * @name: its name
 * @source: the open file
 * @over: at end of file, or removed: nothing comes from it any more
 * @armed: events_wait() waits for it
 * @held_up: at how many checks in a row it was held up
 */
struct run_queue {
	const char *name;
	struct event_source source;
	int over;
	int armed;
	unsigned int held_up;
};

/**
 * struct run - the state of a run
 * @options: the options
 * @queues: the queues, of which there are @queue_count
 * @jobs: the slots, of which there are @options->jobs
 * @running: jobs that have a process
 * @started: jobs that were started since the beginning
 * @done: how many of them are done
 * @failed: failed attempts
 * @in_a_row: failed attempts since a job was done
 * @paused: nothing is leased because @in_a_row is too high
 * @draining: nothing is leased any more, for whatever reason
 * @dry: nothing was ready in any queue when they were last tried
 * @status: the exit status so far
 * @signal: the first signal that asked to end, or 0
 * @signals: how many signals asked to end
 * @hold_until: nothing is leased before that time because something is short
 * @held_for: the error that said so, or 0
 * @reported_for: the error that was last reported, at @reported_at
 * @next_start: nothing is leased before that time (@options->interval)
 * @drain_until: when the running jobs are stopped
 * @record: room for a message, of @record_size bytes
 */
struct run {
	const struct run_options *options;
	struct run_queue *queues;
	unsigned int queue_count;
	struct job *jobs;
	unsigned int running;
	uint64_t started, done, failed, in_a_row;
	int paused, draining, dry;
	int status;
	int signal, signals;
	uint64_t hold_until;
	int held_for, reported_for;
	uint64_t reported_at;
	uint64_t next_start;
	uint64_t drain_until;
	struct tqueue_record *record;
	size_t record_size;
};

/* Works on jobs until there is a reason to end.  Returns the exit status. */
int run_jobs(struct run *run);

/* Stops leasing.  @status becomes the exit status, unless it is 0. */
void run_drain(struct run *run, int status);

/* Gives up a queue: end of file, or an error, which is reported. */
void run_queue_over(struct run *run, struct run_queue *queue, int error);

/* Prints what would be run.  Returns the exit status. */
int run_dry(const struct run_options *options);

#endif /* RUN_H */
