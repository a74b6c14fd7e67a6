// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "run_log.h"
#include "run_status.h"
#include "self_send.h"
#include "service.h"
#include "sink.h"
#include "units.h"

#define NS_A_SECOND	1000000000ULL

/* A queue counts as held up if it is so at this many checks in a row. */
#define HELD_UP_LOOKS	3

static struct {
	int service, terminal, lines;
	uint64_t watchdog, next_watchdog;
	uint64_t next_look;
	int settled;	/* no job has run since the last check */
	uint64_t waiting;
	int held_up;
	char shown[256];
} status;

/*
 * Finds a job that waits for room in its own queue while no slot is free to make room.
 * Returns NULL if there is none, or none that can be seen.
 */
static const struct job *find_sender(const struct run *run, const struct run_queue *queue,
				     const struct tqueue_info *info)
{
	const struct job *job = run->jobs;

	if (run->running < run->options->jobs)
		return NULL;
	for (; job < run->jobs + run->options->jobs; job++)
		if (job->queue == queue && self_send_find(job->pid, info))
			return job;
	return NULL;
}

static void report_held_up(const struct run_queue *queue, const struct tqueue_info *info,
			   const struct job *job)
{
	if (job)
		run_log(LOG_WARNING, queue->name, "held up: job %llu waits for room in this queue, which is full; this worker cannot make any (\"tqueue set %s --size\" makes room)",
			(unsigned long long)job->id, queue->name);
	else
		run_log(LOG_WARNING, queue->name, "held up: the queue is full, and %u sender%s for room that only running jobs can make; if a job itself sends to this queue, it waits for ever (\"tqueue set %s --size\" makes room)",
			info->blocked_senders, info->blocked_senders == 1 ? " waits" : "s wait",
			queue->name);
}

/* Reports a queue that is held up for some time, and the end of that. */
static void check_held_up(const struct run *run, struct run_queue *queue,
			  const struct tqueue_info *info)
{
	int reported = queue->held_up >= HELD_UP_LOOKS, held_up;
	const struct job *job = NULL;

	held_up = run->running && info->blocked_senders;
	/* After the report, it stays held up as long as senders wait. */
	if (held_up && !reported) {
		job = find_sender(run, queue, info);
		held_up = job || info->state & TQUEUE_STATE_HELD_UP;
	}
	if (!held_up) {
		if (reported)
			run_log(LOG_NOTICE, queue->name, "no longer held up");
		queue->held_up = 0;
	} else if (!reported && ++queue->held_up == HELD_UP_LOOKS) {
		report_held_up(queue, info, job);
	}
}

static void look_at_queues(struct run *run)
{
	struct run_queue *queue;
	struct tqueue_info info;
	unsigned int i;

	status.waiting = 0;
	status.held_up = 0;
	for (i = 0; i < run->queue_count; i++) {
		queue = &run->queues[i];
		if (queue->source.fd < 0 || tqueue_get(queue->source.fd, &info))
			continue;
		status.waiting += info.messages + info.delayed;
		check_held_up(run, queue, &info);
		status.held_up |= queue->held_up >= HELD_UP_LOOKS;
	}
}

static void describe(const struct run *run, char *text, size_t size)
{
	const char *state = "";

	if (run->draining)
		state = "; ending";
	else if (run->paused)
		state = "; paused, too many jobs failed";
	else if (status.held_up)
		state = "; held up, the queue is full";
	else if (run->held_for == ENOSPC)
		state = "; no more leases allowed (--max-leased)";
	else if (run->held_for)
		state = "; short of memory, processes or files";
	snprintf(text, size, "%u running, %llu done, %llu failed, %llu waiting%s", run->running,
		 (unsigned long long)run->done, (unsigned long long)run->failed,
		 (unsigned long long)status.waiting, state);
}

static void show(const struct run *run)
{
	char text[256], line[320];

	describe(run, text, sizeof(text));
	if (status.terminal)
		sink_show_line(text);
	if (!strcmp(text, status.shown))
		return;
	strcpy(status.shown, text);
	if (status.lines) {
		snprintf(line, sizeof(line), "%s\n", text);
		sink_write(&sink_stderr, line, strlen(line));
	}
	snprintf(line, sizeof(line), "STATUS=%s", text);
	service_notify(line);
}

void run_status_open(struct run *run)
{
	const struct run_options *options = run->options;
	/* Jobs that write to the terminal themselves would mix with the line. */
	int ours = options->jobs > 1 || options->tag || options->group;

	if (options->progress == PROGRESS_YES || (options->progress == PROGRESS_AUTO &&
						  ours && !options->quiet)) {
		status.terminal = sink_stderr.terminal;
		status.lines = !status.terminal && options->progress == PROGRESS_YES;
	}
	status.service = service_open();
	status.watchdog = service_watchdog() / 2;
	status.next_watchdog = status.watchdog ? clock_ns() : UNITS_FOREVER;
	service_notify("READY=1");
}

uint64_t run_status_check(struct run *run, uint64_t now)
{
	if (now >= status.next_watchdog) {
		service_notify("WATCHDOG=1");
		status.next_watchdog = now + status.watchdog;
	}
	/* Every second while jobs run, and once after the last one. */
	if (now >= status.next_look && (run->running || !status.settled)) {
		status.settled = !run->running;
		status.next_look = now + NS_A_SECOND;
		look_at_queues(run);
		show(run);
	} else if (run->running) {
		status.settled = 0;
	}
	if (run->running || !status.settled)
		return status.next_look < status.next_watchdog ? status.next_look :
								 status.next_watchdog;
	return status.next_watchdog;
}

void run_status_ending(void)
{
	service_notify("STOPPING=1");
	status.settled = 0;
}

void run_status_report(struct run *run)
{
	char text[256], time[32];
	uint64_t now = clock_ns();
	const struct job *job;
	uint32_t i;

	for (i = 0; i < run->options->jobs; i++) {
		job = &run->jobs[i];
		if (!job->pid)
			continue;
		format_duration_short(now - job->began, time, sizeof(time));
		run_log(LOG_INFO, job->queue->name, "job %llu has run for %s: attempt %u, process %d, slot %u%s",
			(unsigned long long)job->id, time, job->attempt, (int)job->pid,
			job->slot, job->fate == JOB_RUNS ? "" : "; it is being stopped");
	}
	look_at_queues(run);
	describe(run, text, sizeof(text));
	run_log(LOG_INFO, NULL, "%s", text);
}

void run_status_close(struct run *run)
{
	sink_clear_line();
	if (run->options->progress == PROGRESS_YES || status.terminal) {
		status.terminal = 0;
		status.lines = run->started != 0;
		status.shown[0] = '\0';
		look_at_queues(run);
		show(run);
	}
}
