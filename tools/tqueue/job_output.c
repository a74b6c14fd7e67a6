// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "job_output.h"
#include "report.h"

/* A line that is longer than that is written in pieces. */
#define MAX_LINE	(1024 * 1024)

/* The most bytes of one read. */
#define PIECE		65536

/* The output of jobs that have ended, the oldest first. */
struct collected {
	struct collected *next;
	struct job_stream streams[2];
	char tag[96];
};

static struct {
	struct collected *first, **last;
	unsigned int count;
} waiting = { .last = &waiting.first };

static char piece[PIECE];

static void end_line(struct job_stream *stream)
{
	sink_write(stream->sink, stream->line.data, stream->line.length);
	stream->line.length = 0;
}

/* Writes the lines that are whole, and keeps the beginning of the next one. */
static void take_lines(struct job_stream *stream, const char *data, size_t length)
{
	const char *end;
	size_t part;

	while (length) {
		end = memchr(data, '\n', length);
		part = end ? (size_t)(end - data) + 1 : length;
		if (!stream->line.length && stream->tag)
			strbuf_add(&stream->line, stream->tag);
		strbuf_add_bytes(&stream->line, data, part);
		if (end || stream->line.length > MAX_LINE)
			end_line(stream);
		data += part;
		length -= part;
	}
}

/* Ends a stream.  A last line without a newline gets one. */
static void finish_stream(struct job_stream *stream)
{
	if (stream->line.length) {
		strbuf_add(&stream->line, "\n");
		end_line(stream);
	}
	free(stream->line.data);
	stream->line = (struct strbuf){ 0 };
	events_close(&stream->source);
}

static void on_output(struct event_source *source, uint32_t events)
{
	struct job_stream *stream = (struct job_stream *)((char *)source -
				    offsetof(struct job_stream, source));
	ssize_t length;

	(void)events;
	length = read(source->fd, piece, sizeof(piece));
	if (!length || (length < 0 && errno != EAGAIN && errno != EINTR)) {
		finish_stream(stream);
		return;
	}
	if (length > 0)
		take_lines(stream, piece, (size_t)length);
	if (stream->sink->gone) {
		/* The job gets SIGPIPE, as if it wrote to our output itself. */
		finish_stream(stream);
		return;
	}
	stream->paused = sink_is_full(stream->sink);
	if (!stream->paused)
		events_arm(source, EPOLLIN | EPOLLONESHOT);
}

void job_output_init(struct job_output *output, enum job_output_mode mode)
{
	int i;

	output->mode = mode;
	for (i = 0; i < 2; i++) {
		output->ends[i] = -1;
		output->streams[i].source.fd = -1;
		output->streams[i].source.ready = on_output;
		output->streams[i].sink = i ? &sink_stderr : &sink_stdout;
	}
}

/* Opens a file without a name for the output of a job. */
static int open_file(void)
{
	const char *directory = getenv("TMPDIR");
	int fd;

	fd = open(directory && *directory ? directory : "/tmp",
		  O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	return fd < 0 ? memfd_create("tqueue-output", MFD_CLOEXEC) : fd;
}

static int open_pipe(struct job_output *output, int i)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	output->streams[i].source.fd = fds[0];
	output->ends[i] = fds[1];
	return events_add(&output->streams[i].source, EPOLLIN | EPOLLONESHOT);
}

int job_output_open(struct job_output *output, const char *tag)
{
	int i, error;

	if (output->mode == JOB_OUTPUT_OURS)
		return 0;
	if (tag)
		snprintf(output->tag, sizeof(output->tag), "%s\t", tag);
	for (i = 0; i < 2; i++) {
		output->streams[i].tag = tag ? output->tag : NULL;
		output->streams[i].paused = 0;
		if (output->mode == JOB_OUTPUT_GROUP) {
			output->ends[i] = open_file();
			output->streams[i].source.fd = output->ends[i];
			error = output->ends[i] < 0 ? errno : 0;
		} else {
			error = open_pipe(output, i) ? errno : 0;
		}
		if (!error)
			continue;
		job_output_begin(output);
		for (i = 0; i < 2; i++)
			events_close(&output->streams[i].source);
		errno = error;
		return -1;
	}
	return 0;
}

void job_output_begin(struct job_output *output)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (output->mode == JOB_OUTPUT_LINES && output->ends[i] >= 0)
			close(output->ends[i]);
		output->ends[i] = -1;
	}
}

/*
 * Takes what is in the pipe now.  What a process that the job left behind writes later
 * is discarded.
 */
static void drain(struct job_stream *stream)
{
	int size = stream->source.fd < 0 ? 0 : fcntl(stream->source.fd, F_GETPIPE_SZ);
	ssize_t length;

	for (; size > 0; size -= (int)length) {
		length = read(stream->source.fd, piece, sizeof(piece));
		if (length <= 0)
			break;
		take_lines(stream, piece, (size_t)length);
	}
	finish_stream(stream);
}

/* Puts the output of a job that has ended into the list of those that wait. */
static void collect(struct job_output *output)
{
	struct collected *collected = xnonnull(calloc(1, sizeof(*collected)));
	int i;

	memcpy(collected->tag, output->tag, sizeof(collected->tag));
	for (i = 0; i < 2; i++) {
		collected->streams[i] = output->streams[i];
		if (output->streams[i].tag)
			collected->streams[i].tag = collected->tag;
		lseek(output->streams[i].source.fd, 0, SEEK_SET);
		output->streams[i].source.fd = -1;
	}
	*waiting.last = collected;
	waiting.last = &collected->next;
	waiting.count++;
}

void job_output_end(struct job_output *output)
{
	int i;

	if (output->mode == JOB_OUTPUT_OURS)
		return;
	job_output_begin(output);
	if (output->mode == JOB_OUTPUT_GROUP) {
		collect(output);
		job_output_print();
		return;
	}
	for (i = 0; i < 2; i++)
		drain(&output->streams[i]);
}

void job_output_resume(struct job_output *output)
{
	struct job_stream *stream;
	int i;

	for (i = 0; i < 2; i++) {
		stream = &output->streams[i];
		if (!stream->paused || sink_is_full(stream->sink))
			continue;
		stream->paused = 0;
		if (stream->source.fd >= 0)
			events_arm(&stream->source, EPOLLIN | EPOLLONESHOT);
	}
}

unsigned int job_output_waiting(void)
{
	return waiting.count;
}

/* Writes what a file has.  Returns whether that was all. */
static int print(struct job_stream *stream)
{
	ssize_t length;

	if (stream->source.fd < 0)
		return 1;
	while (!sink_is_full(stream->sink)) {
		length = read(stream->source.fd, piece, sizeof(piece));
		if (length <= 0) {
			finish_stream(stream);
			return 1;
		}
		take_lines(stream, piece, (size_t)length);
	}
	return 0;
}

void job_output_print(void)
{
	struct collected *first;

	while (waiting.first) {
		first = waiting.first;
		if (!print(&first->streams[0]) || !print(&first->streams[1]))
			break;
		waiting.first = first->next;
		if (!waiting.first)
			waiting.last = &waiting.first;
		waiting.count--;
		free(first);
	}
}
