/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a job writes: it has our standard output and error, or it is read line by line,
 * or it is collected and written when the job has ended.
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
 * struct job_stream - one of the two
 * @source: where it is read from
 * @sink: where it goes
 * @tag: in front of each line, or NULL
 * @line: the beginning of a line, the tag included
 * @paused: it is not read, as the sink is full
 */
struct job_stream {
	struct event_source source;
	struct sink *sink;
	const char *tag;
	struct strbuf line;
	int paused;
};

/**
 * struct job_output - what one job writes
 * @mode: how it is dealt with
 * @streams: standard output, standard error
 * @ends: the files that the process gets, or -1
 * @tag: what is in front of each line
 */
struct job_output {
	enum job_output_mode mode;
	struct job_stream streams[2];
	int ends[2];
	char tag[96];
};

/* Before the first process. */
void job_output_init(struct job_output *output, enum job_output_mode mode);

/*
 * Makes the files for a process, whose lines begin with @tag unless that is NULL; 0,
 * or -1 and errno.
 */
int job_output_open(struct job_output *output, const char *tag);

/* The process has been started and has its files. */
void job_output_begin(struct job_output *output);

/* The process has ended, or was not started: what it wrote is written. */
void job_output_end(struct job_output *output);

/* The sinks take more: goes on reading. */
void job_output_resume(struct job_output *output);

/* Jobs that have ended and whose output waits to be written. */
unsigned int job_output_waiting(void);

/* Writes what of that the sinks take. */
void job_output_print(void);

#endif /* JOB_OUTPUT_H */
