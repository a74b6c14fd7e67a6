// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "job.h"
#include "outcome.h"
#include "run_log.h"
#include "units.h"

#define NS_A_SECOND	1000000000ULL

/* The status of a command that could not be started, as in shells. */
#define STATUS_NOT_STARTED	126

/* Settles.  Returns TQUEUE_RESULT_*, or an error below 0. */
static int settle(struct job *job, struct tqueue_settlement settlement)
{
	settlement.id = job->id;
	settlement.delivery = job->delivery;
	if (tqueue_settle(job->queue->source.fd, &settlement, 1) < 0)
		return -errno;
	return settlement.result;
}

/*
 * The delay doubles with each attempt.  It is random, so that jobs that failed together
 * do not come back together.
 */
static uint64_t retry_delay(const struct job *job)
{
	const struct run_options *options = job->run->options;
	uint64_t delay = options->retry_delay;
	unsigned int i;

	for (i = 1; i < job->attempt && delay < options->retry_delay_max; i++)
		delay *= 2;
	if (delay > options->retry_delay_max)
		delay = options->retry_delay_max;
	return (uint64_t)((double)delay * (0.75 + 0.5 * arc4random() / UINT32_MAX));
}

/* "in attempt 2 of 16" */
static void describe_attempt(const struct job *job, char *text, size_t size)
{
	if (job->max_attempts)
		snprintf(text, size, "attempt %u of %u", job->attempt, job->max_attempts);
	else
		snprintf(text, size, "attempt %u", job->attempt);
}

/* How its process ended: "failed with status 3". */
static void describe_end(const struct job *job, const siginfo_t *info, char *text, size_t size)
{
	const char *name;
	char time[32];

	if (job->fate == JOB_TIMED_OUT) {
		format_duration(job->run->options->timeout, time, sizeof(time));
		snprintf(text, size, "took longer than %s", time);
	} else if (info->si_code == CLD_EXITED) {
		snprintf(text, size, "failed with status %d", info->si_status);
	} else {
		name = sigabbrev_np(info->si_status);
		if (name)
			snprintf(text, size, "was ended by SIG%s", name);
		else
			snprintf(text, size, "was ended by signal %d", info->si_status);
	}
}

/* Counts a failed attempt, and pauses after too many in a row. */
static void count_failure(struct run *run)
{
	const struct run_options *options = run->options;

	run->failed++;
	run->in_a_row++;
	if (!options->stop_on_failure || run->in_a_row != options->stop_on_failure || run->draining)
		return;
	if (options->all || options->count) {
		run_log(LOG_ERR, NULL, "%llu jobs in a row failed: no more are started (--stop-on-failure)",
			(unsigned long long)run->in_a_row);
		run_drain(run, 0);
		return;
	}
	run->paused = 1;
	run_log(LOG_ERR, NULL, "%llu jobs in a row failed: this worker pauses, and leases no more until it is restarted (--stop-on-failure); the jobs are safe in the queue",
		(unsigned long long)run->in_a_row);
}

static void count_done(struct run *run)
{
	run->done++;
	run->in_a_row = 0;
	if (run->paused)
		run_log(LOG_NOTICE, NULL, "a job is done: this worker goes on");
	run->paused = 0;
}

/* Reports a job that could not be settled. */
static void report_unsettled(const struct job *job, int error)
{
	unsigned long long id = job->id;

	if (error == ESTALE || error == ENOENT)
		run_log(LOG_WARNING, job->queue->name,
			"job %llu has ended, but its lease was over before that: nothing was settled, and the job may run again",
			id);
	else if (error == EIDRM)
		run_log(LOG_WARNING, job->queue->name, "job %llu has ended, but the queue was removed",
			id);
	else
		run_log(LOG_ERR, job->queue->name, "job %llu has ended, but could not be settled: %s",
			id, tqueue_strerror(error));
}

static void settle_done(struct job *job)
{
	int result = settle(job, (struct tqueue_settlement){ .action = TQUEUE_ACKNOWLEDGE });
	char time[32];

	if (result < 0) {
		report_unsettled(job, -result);
		return;
	}
	count_done(job->run);
	if (job->run->options->quiet)
		return;
	format_duration_short(clock_ns() - job->began, time, sizeof(time));
	run_log(LOG_INFO, job->queue->name, "job %llu is done, after %s",
		(unsigned long long)job->id, time);
}

/* Reports a failed attempt, and what becomes of the job. */
static void report_failure(const struct job *job, const char *end, int result, uint64_t delay)
{
	unsigned long long id = job->id;
	char attempt[48], time[32];

	describe_attempt(job, attempt, sizeof(attempt));
	switch (result) {
	case TQUEUE_RESULT_BURIED:
		run_log(LOG_ERR, job->queue->name, "job %llu %s (%s) and was buried (kick it with \"tqueue kick %s\")",
			id, end, attempt, job->queue->name);
		break;
	case TQUEUE_RESULT_DROPPED:
		run_log(LOG_ERR, job->queue->name, "job %llu %s (%s) and was dropped", id, end,
			attempt);
		break;
	case TQUEUE_RESULT_PUT_OFF:
		run_log(LOG_ERR, job->queue->name, "job %llu %s (%s) and is tried again in an hour, because no more can be buried (allow more with \"tqueue set %s --max-buried\")",
			id, end, attempt, job->queue->name);
		break;
	default:
		format_duration_short(delay, time, sizeof(time));
		run_log(LOG_WARNING, job->queue->name, "job %llu %s (%s); it is tried again in %s",
			id, end, attempt, time);
	}
}

static void settle_failed(struct job *job, const siginfo_t *info, enum verdict verdict,
			  int status)
{
	struct tqueue_settlement settlement = { .action = TQUEUE_BURY, .code = status };
	char end[96];
	int result;

	if (verdict == VERDICT_RETRY) {
		settlement.action = TQUEUE_REQUEUE;
		settlement.time = retry_delay(job);
	}
	result = settle(job, settlement);
	if (result < 0) {
		report_unsettled(job, -result);
		return;
	}
	if (verdict == VERDICT_BURY && !result)
		result = TQUEUE_RESULT_BURIED;
	describe_end(job, info, end, sizeof(end));
	report_failure(job, end, result, settlement.time);
	count_failure(job->run);
}

static void settle_deferred(struct job *job, int status)
{
	uint64_t delay = job->run->options->defer_delay;
	int result = settle(job, (struct tqueue_settlement){
		.action = TQUEUE_REQUEUE, .flags = TQUEUE_SETTLE_UNCOUNTED, .time = delay,
		.code = status });
	char time[32];

	if (result < 0) {
		report_unsettled(job, -result);
		return;
	}
	format_duration(delay, time, sizeof(time));
	if (!job->run->options->quiet)
		run_log(LOG_INFO, job->queue->name, "job %llu was deferred by its command (status %d); it is tried again in %s",
			(unsigned long long)job->id, status, time);
}

void outcome_give_back(struct job *job)
{
	settle(job, (struct tqueue_settlement){
		.action = TQUEUE_REQUEUE, .flags = TQUEUE_SETTLE_UNCOUNTED });
}

static void settle_stopped(struct job *job)
{
	outcome_give_back(job);
	run_log(LOG_NOTICE, job->queue->name, "job %llu was stopped, and went back to its place",
		(unsigned long long)job->id);
}

static void settle_lost(struct job *job)
{
	run_log(LOG_WARNING, job->queue->name,
		"job %llu was killed: its lease was over (by its limit, or by force); nothing was settled",
		(unsigned long long)job->id);
	count_failure(job->run);
}

void outcome_settle(struct job *job, const siginfo_t *info)
{
	const struct verdicts *verdicts = &job->run->options->verdicts;
	enum verdict verdict;
	int status;

	switch (job->fate) {
	case JOB_STOPPED:
		settle_stopped(job);
		return;
	case JOB_LOST:
		settle_lost(job);
		return;
	case JOB_TIMED_OUT:
		status = STATUS_TIMED_OUT;
		verdict = verdicts->of_exit[status];
		break;
	default:
		verdict = verdict_of(verdicts, info, &status);
	}
	if (verdict == VERDICT_DONE)
		settle_done(job);
	else if (verdict == VERDICT_DEFER)
		settle_deferred(job, status);
	else
		settle_failed(job, info, verdict, status);
}

void outcome_bury(struct job *job, const char *why)
{
	int result = settle(job, (struct tqueue_settlement){
		.action = TQUEUE_BURY, .code = STATUS_NOT_STARTED });

	if (result < 0) {
		report_unsettled(job, -result);
		return;
	}
	run_log(LOG_ERR, job->queue->name, "job %llu cannot be started: %s; it was %s",
		(unsigned long long)job->id, why,
		result == TQUEUE_RESULT_PUT_OFF ?
			"delayed by an hour, because no more can be buried" : "buried");
	count_failure(job->run);
}
