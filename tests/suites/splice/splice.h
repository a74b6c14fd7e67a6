/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * splice and sendfile. Into the queue: one call makes one message, of at most
 * max_message bytes, out of what the pipe holds. Out of it: like read, cut to
 * what the pipe has room for, and the rest follows with the next call. One that
 * waits for a message does not hold up others that use the pipe.
 */
#ifndef TQUEUE_SUITE_SPLICE_H
#define TQUEUE_SUITE_SPLICE_H

#include "calls.h"

#include <sys/sendfile.h>

struct pipe {
	int in, out;
};

static inline struct pipe make_pipe(int size)
{
	int ends[2];

	t_is(pipe2(ends, O_CLOEXEC), 0);
	if (size)
		t_true(fcntl(ends[1], F_SETPIPE_SZ, size) >= size, "F_SETPIPE_SZ");
	return (struct pipe){ .in = ends[1], .out = ends[0] };
}

static inline void close_pipe(struct pipe pipe)
{
	close(pipe.in);
	close(pipe.out);
}

static inline int in_pipe(struct pipe pipe)
{
	int bytes = -1;

	t_is(ioctl(pipe.out, FIONREAD, &bytes), 0);
	return bytes;
}

static inline void put(struct pipe pipe, size_t len, uint64_t seed, size_t offset)
{
	char *buf = malloc(len);

	t_pattern(buf, len, seed, offset);
	t_is(write(pipe.in, buf, len), len);
	free(buf);
}

static inline void get(struct pipe pipe, size_t len, uint64_t seed, size_t offset)
{
	char *buf = malloc(len);
	size_t had = 0;

	while (had < len) {
		ssize_t got = read(pipe.out, buf + had, len - had);

		t_true(got > 0, "the pipe gives %zd", got);
		had += got;
	}
	t_is(t_differs(buf, len, seed, offset), -1);
	free(buf);
}

static inline int file_of(size_t len, uint64_t seed)
{
	int file = syscall(SYS_memfd_create, "file", 0);
	char *buf = malloc(len);

	t_pattern(buf, len, seed, 0);
	t_is(write(file, buf, len), len);
	t_is(lseek(file, 0, SEEK_SET), 0);
	free(buf);
	return file;
}

static inline void run_splice(struct t_task *task)
{
	struct pipe *pipe = task->arg;

	if (task->number)
		task->result = splice(pipe->out, NULL, task->fd, NULL, task->len, 0);
	else
		task->result = splice(task->fd, NULL, pipe->in, NULL, task->len, 0);
	task->error = errno;
}

/* into.c */
void in(void);
void in_gathers(void);
void in_a_part(void);
void in_is_cut_at_max_message(void);
void in_nothing(void);
void in_when_full(void);
void in_waits_for_room(void);
void in_interrupted(void);

/* out.c */
void out(void);
void out_in_parts(void);
void out_larger_than_the_pipe(void);
void out_into_the_last_page(void);
void out_into_a_full_pipe(void);
void out_leaves_a_rest(void);
void offsets_are_refused(void);

/* empty.c */
void out_of_an_empty_queue(void);
void out_without_waiting(void);
void in_waits_for_the_pipe(void);
void out_leaves_the_pipe_to_others(void);
void out_into_a_pipe_that_filled(void);
void out_into_a_pipe_without_readers(void);
void two_out_into_one_pipe(void);
void splicing_cats(void);
void out_interrupted(void);

/* sendfile.c */
void sendfile_in(void);
void sendfile_small(void);
void sendfile_when_full(void);
void sendfile_out(void);
void gifts_are_copied(void);
void both_ways(void);

#endif
