/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tqueue run: jobs are leased from queues, and a process works on each.
 *
 * run.c	the options
 * runner.c	the loop: leases, starts, waits, ends
 * run_lease.c	the next message
 * run_signals.c	what asks it to end, and for a report
 * job.c	one job, from its lease to the end of its process
 * job_command.c, job_output.c, spawn.c	what a process is given
 * outcome.c, verdict.c	what becomes of a job then
 * run_log.c, run_status.c, service.c, sink.c	what is told, and where to
 * self_send.c	jobs that wait for room in their own queue
 * run_dry.c	what would be run
 *
 * There is one thread and one wait, for everything: no signal handler, no call that
 * sleeps elsewhere.  Each job has its lease in a file of its own (TQUEUE_HOLD), which
 * its process inherits: a job whose runner is killed keeps its lease until it ends.
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
 * struct run_options - what was asked for
 * @queues: names, a null pointer behind the last
 * @command: the command and its arguments, a null pointer behind the last
 * @program: where the command is
 * @replace: what stands for the payload in the arguments, or NULL
 * @jobs: so many at a time
 * @all: end when nothing is ready
 * @count: end after so many jobs; 0: no such bound
 * @timeout: of a job; UNITS_FOREVER: none
 * @timeout_given: also if it is none
 * @kill_after: from SIGTERM to SIGKILL
 * @drain_timeout: from the first signal to what the second does, or UNITS_FOREVER
 * @defer_delay: of jobs that their command defers
 * @retry_delay: of jobs that failed once; it doubles with each attempt
 * @retry_delay_max: but not above this
 * @verdicts: what exit statuses mean
 * @stop_on_failure: pause after so many failures in a row; 0: never
 * @interval: least time from one start to the next, or 0
 * @tag: lines of output begin with the name of their job
 * @group: output is written when the job ends
 * @no_inherit: processes do not get the files of their leases
 * @quiet: what went well is not told
 * @progress: whether there is to be a progress line
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
 * @over: it is at its end, or removed: nothing comes from it any more
 * @armed: it is waited for
 * @held_up: how often in a row it was seen to be held up
 */
struct run_queue {
	const char *name;
	struct event_source source;
	int over;
	int armed;
	unsigned int held_up;
};

/**
 * struct run - all there is to know of a run
 * @options: what was asked for
 * @queues: the queues, of which there are @queue_count
 * @jobs: the slots, of which there are @options->jobs
 * @running: jobs that have a process
 * @started: jobs that were started since the beginning
 * @done: of them, those that are done
 * @failed: failed attempts
 * @in_a_row: the last ones of them, with nothing done in between
 * @paused: too many of these: nothing is leased
 * @draining: nothing is leased any more, for whatever reason
 * @dry: nothing was ready in any queue at the last look
 * @status: the exit status, unless it becomes another one
 * @signal: the first signal that asked to end, or 0
 * @signals: how many did
 * @hold_until: nothing is leased before that, for want of something
 * @held_for: the error for which that is so, or 0
 * @told_for: the error for which that was told last, at @told_at
 * @next_start: nothing is leased before that (@options->interval)
 * @drain_until: the running jobs are stopped then
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
	int held_for, told_for;
	uint64_t told_at;
	uint64_t next_start;
	uint64_t drain_until;
	struct tqueue_record *record;
	size_t record_size;
};

/* Works on jobs until there is a reason to end; the exit status. */
int run_jobs(struct run *run);

/* Leases nothing any more; the exit status becomes this one unless it is 0. */
void run_drain(struct run *run, int status);

/* Nothing more comes from a queue: its end, or an error, which is told. */
void run_queue_over(struct run *run, struct run_queue *queue, int error);

/* Prints what would be run; the exit status. */
int run_dry(const struct run_options *options);

#endif /* RUN_H */
