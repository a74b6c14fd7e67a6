/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The output of a job.  The job writes to our standard output and error itself, or its
 * output is passed on line by line, or written when the job has ended.
 */
#ifndef JOB_OUTPUT_H
#define JOB_OUTPUT_H

#include "events.h"
#include "strbuf.h"
#include "sink.h"

enum job_output_mode {
	JOB_OUTPUT_OURS,
	JOB_OUTPUT_LINES,
	JOB_OUTPUT_GROUP,
};

/**
 * struct job_stream - the standard output or the standard error of a job
 * @source: where it is read from
 * @sink: where it goes
 * @tag: a text before each line, or NULL
 * @line: the beginning of a line, with its tag
 * @paused: it is not read because the sink is full
 */
struct job_stream {
	struct event_source source;
	struct sink *sink;
	const char *tag;
	struct strbuf line;
	int paused;
};

/**
 * struct job_output - the output of one job
 * @mode: what is done with it
 * @streams: standard output, standard error
 * @ends: the files that the process gets, or -1
 * @tag: the text before each line
 */
struct job_output {
	enum job_output_mode mode;
	struct job_stream streams[2];
	int ends[2];
	char tag[96];
};

/* Prepares the output of a slot, before its first process. */
void job_output_init(struct job_output *output, enum job_output_mode mode);

/*
 * Makes the files for a process.  Its lines begin with @tag, unless that is NULL.
 * Returns 0, or -1 and errno.
 */
int job_output_open(struct job_output *output, const char *tag);

/* To be called when the process has been started and has its files. */
void job_output_begin(struct job_output *output);

/* Passes on the rest of the output, when the process has ended or was not started. */
void job_output_end(struct job_output *output);

/* Goes on reading if the sinks take more. */
void job_output_resume(struct job_output *output);

/* The number of jobs that have ended and whose output waits to be written. */
unsigned int job_output_waiting(void);

/* Writes as much of that output as the sinks take. */
void job_output_print(void);

#endif /* JOB_OUTPUT_H */
