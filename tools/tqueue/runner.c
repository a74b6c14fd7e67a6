// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop of tqueue run.
 *
 * While a slot is free, the next message is leased without waiting.  Only when there is
 * none, the runner waits for its queues, once for all slots.  So a busy queue is never
 * polled, and one message wakes each runner once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "command.h"
#include "job.h"
#include "queue.h"
#include "report.h"
#include "run_lease.h"
#include "run_log.h"
#include "run_signals.h"
#include "run_status.h"
#include "sink.h"
#include "spawn.h"
#include "units.h"

#define NS_A_SECOND	1000000000ULL

/* The same shortage is reported once in this time. */
#define REPORTED_FOR	(60 * NS_A_SECOND)

/* The most jobs that are started before other events are handled. */
#define STARTS_AT_ONCE	16

static struct run *current;

static void on_queue(struct event_source *source, uint32_t events)
{
	struct run_queue *queue = (struct run_queue *)((char *)source -
				  offsetof(struct run_queue, source));

	/* EPOLLONESHOT has disarmed it. */
	queue->armed = 0;
	current->dry = 0;
	/* A paused worker leases nothing, so no lease would find out. */
	if (current->paused && events & EPOLLERR)
		run_queue_over(current, queue, EIDRM);
}

/* Called when the sinks take more. */
static void on_drained(void)
{
	uint32_t i;

	for (i = 0; i < current->options->jobs; i++)
		job_output_resume(&current->jobs[i].output);
	job_output_print();
}

void run_drain(struct run *run, int status)
{
	if (status)
		run->status = status;
	if (!run->draining)
		run_status_ending();
	run->draining = 1;
}

void run_queue_over(struct run *run, struct run_queue *queue, int error)
{
	queue->over = 1;
	if (error)
		run->status = run_log_error(queue->name, error);
}

/* Leases nothing for a while because something is short.  Returns whether to report it. */
static int hold(struct run *run, int error, uint64_t time)
{
	uint64_t now = clock_ns();

	run->hold_until = now + time;
	run->held_for = error;
	if (run->reported_for == error && now - run->reported_at < REPORTED_FOR)
		return 0;
	run->reported_for = error;
	run->reported_at = now;
	return 1;
}

/* The next message of a queue cannot be leased now. */
static void lease_later(struct run *run, const char *queue, int error)
{
	char text[512];

	/* No event reports that other workers have settled their messages. */
	if (hold(run, error, error == ENOSPC ? NS_A_SECOND / 4 : NS_A_SECOND))
		run_log(LOG_WARNING, NULL, "%s; this worker tries again",
			tqueue_explain(queue, error, text, sizeof(text)));
}

/* A message was leased: starts its job. */
static void start(struct run *run, struct run_queue *queue)
{
	const char *command = run->options->command[0];
	struct job *job = run->jobs;
	int error;

	while (job->pid)
		job++;
	switch (job_start(job, queue, run->record)) {
	case JOB_STARTED:
		run->held_for = 0;
		run->started++;
		break;
	case JOB_OVER:
		run->started++;
		break;
	case JOB_LATER:
		error = errno;
		if (hold(run, error, NS_A_SECOND))
			run_log(LOG_WARNING, queue->name, "job %llu cannot be started now: %s; it went back to its place, and is tried again",
				(unsigned long long)run->record->id, strerror(error));
		break;
	case JOB_NEVER:
		error = errno;
		run_log(LOG_ERR, NULL, "%s cannot be started: %s%s; the job went back to its place in the queue",
			command, strerror(error),
			error == ENOENT ? " (it, or the interpreter that it names)" : "");
		run_drain(run, error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_STARTED);
		break;
	}
	run_lease_room(run);
	if (run->options->interval) {
		uint64_t now = clock_ns();

		if (run->next_start < now)
			run->next_start = now;
		run->next_start += run->options->interval;
	}
}

/* Leases one message of the first queue that has one.  Returns whether there was one. */
static int lease_and_start(struct run *run)
{
	struct run_queue *queue;
	int result;

	for (queue = run->queues; queue < run->queues + run->queue_count; queue++) {
		if (queue->over)
			continue;
		result = run_lease(run, queue);
		if (result > 0) {
			start(run, queue);
			return 1;
		}
		if (!result) {
			run_queue_over(run, queue, 0);
		} else if (errno == ENOSPC || errno == ENOMEM) {
			lease_later(run, queue->name, errno);
			return 0;
		} else if (errno != EAGAIN) {
			run_queue_over(run, queue, errno);
		}
	}
	run->dry = 1;
	return 0;
}

/* May another job be started? */
static int may_start(const struct run *run, uint64_t now)
{
	const struct run_options *options = run->options;

	return run->running < options->jobs && !run->draining && !run->paused && !run->dry &&
	       now >= run->hold_until && now >= run->next_start &&
	       (!options->count || run->started < options->count) &&
	       job_output_waiting() <= options->jobs;
}

static int all_over(const struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->queue_count; i++)
		if (!run->queues[i].over)
			return 0;
	return 1;
}

/* Arms the queues.  Messages that have arrived meanwhile are reported at once. */
static void wait_for_queues(struct run *run, uint32_t events)
{
	struct run_queue *queue;

	for (queue = run->queues; queue < run->queues + run->queue_count; queue++) {
		if (!queue->over && !queue->armed)
			events_arm(&queue->source, events | EPOLLONESHOT);
		queue->armed = 1;
	}
}

static void start_jobs(struct run *run)
{
	unsigned int starts = 0;

	while (starts++ < STARTS_AT_ONCE && may_start(run, clock_ns()))
		lease_and_start(run);
	if (run->dry)
		wait_for_queues(run, EPOLLIN | EPOLLMSG);
	else if (run->paused)
		wait_for_queues(run, 0);
}

/* Is there nothing left to do? */
static int is_finished(const struct run *run)
{
	const struct run_options *options = run->options;

	if (run->running)
		return 0;
	/* After the second signal, do not wait for the reader of our output. */
	if (job_output_waiting() && run->signals < 2)
		return 0;
	return run->draining || all_over(run) || (options->all && run->dry) ||
	       (options->count && run->started >= options->count);
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

/* Does what is due, and returns when the next thing is. */
static uint64_t check_times(struct run *run)
{
	uint64_t now = clock_ns(), next;
	struct job *job;
	uint32_t i;

	run_signals_check(run, now);
	next = earlier(run_status_check(run, now), run->drain_until);
	for (i = 0; i < run->options->jobs; i++) {
		job = &run->jobs[i];
		if (!job->pid)
			continue;
		job_check_deadline(job, now);
		next = earlier(next, job->deadline);
	}
	if (run->draining || run->paused || run->running == run->options->jobs || run->dry)
		return next;
	if (run->options->count && run->started >= run->options->count)
		return next;
	if (job_output_waiting() > run->options->jobs)
		return next;
	if (now < run->hold_until)
		return earlier(next, run->hold_until);
	return earlier(next, run->next_start);
}

/* Starts no more jobs if their output cannot be written. */
static void check_output(struct run *run)
{
	int error = sink_stdout.gone;

	if (!error || run->draining)
		return;
	if (error == EPIPE)
		run_log(LOG_ERR, NULL, "nobody reads the standard output any more; no more jobs are started");
	else
		run_log(LOG_ERR, NULL, "cannot write to the standard output: %s; no more jobs are started",
			strerror(error));
	run_drain(run, EXIT_ERROR);
}

static void work(struct run *run)
{
	for (;;) {
		start_jobs(run);
		check_output(run);
		if (is_finished(run))
			break;
		events_wait(check_times(run));
	}
}

/* Opens the queues.  Returns 0, or an exit status after reporting the error. */
static int open_queues(struct run *run)
{
	const struct run_options *options = run->options;
	struct run_queue *queue;
	struct tqueue_info info;
	unsigned int i;

	while (options->queues[run->queue_count])
		run->queue_count++;
	run->queues = xnonnull(calloc(run->queue_count, sizeof(*run->queues)));
	for (i = 0; i < run->queue_count; i++) {
		queue = &run->queues[i];
		queue->name = options->queues[i];
		queue->source.ready = on_queue;
		queue->source.fd = tqueue_open(queue->name, O_RDONLY);
		if (queue->source.fd < 0)
			return report_error(queue->name, errno);
		if (tqueue_get(queue->source.fd, &info) ||
		    events_add(&queue->source, EPOLLONESHOT))
			return report_error(queue->name, errno);
		/* Messages use its name, even if it was given by its path. */
		queue->name = xnonnull(strdup(info.name));
	}
	return EXIT_OK;
}

/* Raises the limit of open files, because each job needs some. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Prepares the run.  Returns 0, or an exit status after reporting the error. */
static int open_run(struct run *run)
{
	int status;
	uint32_t i;

	current = run;
	spawn_note_limits();
	allow_files();
	run->drain_until = UNITS_FOREVER;
	run->jobs = xnonnull(calloc(run->options->jobs, sizeof(*run->jobs)));
	for (i = 0; i < run->options->jobs; i++)
		job_init(&run->jobs[i], run, i + 1);
	if (run_lease_room(run))
		xnonnull(NULL);
	if (events_open()) {
		report(NULL, "%s", strerror(errno));
		return EXIT_ERROR;
	}
	status = open_queues(run);
	if (!status && run_signals_open(run)) {
		report(NULL, "%s", strerror(errno));
		status = EXIT_ERROR;
	}
	return status;
}

int run_jobs(struct run *run)
{
	int status = open_run(run);

	if (status)
		return status;
	sinks_open(on_drained);
	run_log_open();
	run_status_open(run);
	work(run);
	run_status_close(run);
	sinks_flush(run->signals < 2);
	if (run->signal)
		run_signals_die(run->signal);
	if (run->status)
		return run->status;
	if (!run->draining && run->started < run->options->count)
		return EXIT_STOPPED;
	return run->failed ? EXIT_FAILED : EXIT_OK;
}
