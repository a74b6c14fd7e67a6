/* SPDX-License-Identifier: GPL-2.0-only */
/* A job: a message that is leased, and a process that works on it. */
#ifndef JOB_H
#define JOB_H

#include <stdint.h>
#include <sys/types.h>
#include <tqueue.h>

#include "events.h"
#include "job_output.h"
#include "run.h"

/* Why the process of a job is made to end. */
enum job_fate {
	JOB_RUNS,
	JOB_TIMED_OUT,
	JOB_STOPPED,	/* the worker is to end */
	JOB_LOST,	/* its lease is over */
};

/**
 * struct job - a slot, and the job in it
 * @run: what it belongs to
 * @queue: where the message is from
 * @slot: its number, from 1 on
 * @id: of the message
 * @delivery: number of the delivery
 * @attempt: which one this is, from 1 on
 * @max_attempts: how many there may be, or 0
 * @pid: the process, and its group; 0: there is none
 * @process: its pidfd, which becomes readable when it ends
 * @lease: the file of the lease
 * @output: what it writes
 * @began: when it was started
 * @deadline: when the next signal is due, or UNITS_FOREVER
 * @fate: why it gets signals
 */
struct job {
	struct run *run;
	struct run_queue *queue;
	unsigned int slot;
	uint64_t id;
	uint32_t delivery;
	unsigned int attempt, max_attempts;
	pid_t pid;
	struct event_source process, lease;
	struct job_output output;
	uint64_t began, deadline;
	enum job_fate fate;
};

/* How an attempt to start a job ended. */
enum job_start {
	JOB_STARTED,
	JOB_OVER,	/* not started, and settled */
	JOB_LATER,	/* errno: something is short now; the message went back */
	JOB_NEVER,	/* errno: the command cannot be started; the message went back */
};

void job_init(struct job *job, struct run *run, unsigned int slot);

/* Starts a process for a message that is leased. */
enum job_start job_start(struct job *job, struct run_queue *queue,
			 const struct tqueue_record *record);

/* Sends the signal that is due. */
void job_check_deadline(struct job *job, uint64_t now);

/* Sends SIGTERM to its group, and SIGKILL after @kill_after (or UNITS_FOREVER). */
void job_stop(struct job *job, uint64_t kill_after);

/* Sends SIGKILL to its group. */
void job_kill(struct job *job, enum job_fate fate);

#endif /* JOB_H */
