// SPDX-License-Identifier: GPL-2.0-only
/* Out of an empty queue, and of one that others use meanwhile. */
#include "splice.h"

void out_of_an_empty_queue(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR), quick = t_open(O_RDONLY | O_NONBLOCK);
	struct t_task reader = { .fd = fd, .arg = &pipe, .len = 100 };

	t_errno(splice(quick, NULL, pipe.in, NULL, 100, 0), EAGAIN);
	t_start(&reader, run_splice);
	t_asleep(&reader, SYS_splice);
	t_send(fd, 60, 1);
	t_finish(&reader);
	t_is(reader.result, 60);
	get(pipe, 60, 1, 0);
	t_nothing();
	close_pipe(pipe);
	close(fd);
	close(quick);
}

/* Asked not to wait by the file or by the call. */
void out_without_waiting(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR), quick = t_open(O_RDONLY | O_NONBLOCK), i;

	for (i = 0; i < 3; i++) {
		t_errno(splice(quick, NULL, pipe.in, NULL, 100, 0), EAGAIN);
		t_errno(splice(fd, NULL, pipe.in, NULL, 100, SPLICE_F_NONBLOCK),
			EAGAIN);
		t_errno(splice(quick, NULL, pipe.in, NULL, 100, SPLICE_F_NONBLOCK),
			EAGAIN);
		t_send(fd, 60, i);
		t_is(splice(i ? fd : quick, NULL, pipe.in, NULL, 100,
			    i ? SPLICE_F_NONBLOCK : 0), 60);
		get(pipe, 60, i, 0);
	}
	close_pipe(pipe);
	close(quick);
	close(fd);
}

/* The pipe is empty, and its writer comes later, or not at all. */
void in_waits_for_the_pipe(void)
{
	struct pipe pipe = make_pipe(0);
	struct t_task sender = {
		.fd = t_open(O_WRONLY), .arg = &pipe, .number = 1, .len = 300,
	};
	int fd = t_open(O_RDWR);

	t_start(&sender, run_splice);
	t_asleep(&sender, SYS_splice);
	put(pipe, 40, 1, 0);
	t_finish(&sender);
	t_is(sender.result, 40);
	t_receive(fd, 40, 1);
	t_start(&sender, run_splice);
	t_asleep(&sender, SYS_splice);
	close(pipe.in);
	t_finish(&sender);
	t_is(sender.result, 0);
	t_nothing();
	close(pipe.out);
	close(sender.fd);
	close(fd);
}

static void start_waiting(struct t_task *reader, struct pipe *pipe)
{
	*reader = (struct t_task){
		.fd = t_open(O_RDONLY), .arg = pipe, .len = 1000,
	};
	t_start(reader, run_splice);
	t_asleep(reader, SYS_splice);
}

static void read_a_byte(void *arg)
{
	char byte;

	t_is(read(((struct pipe *)arg)->out, &byte, 1), 1);
}

/* While one waits for a message, others write to its pipe, read from it and die. */
void out_leaves_the_pipe_to_others(void)
{
	struct pipe pipe = make_pipe(0);
	struct t_task reader, writer, second;
	int fd = t_open(O_WRONLY), i;
	char buf[100], bytes[100];
	pid_t child;

	start_waiting(&reader, &pipe);
	for (i = 0; i < 3; i++) {
		t_pattern(bytes, sizeof(bytes), 7, 0);
		t_start_write(&writer, pipe.in, bytes, sizeof(bytes));
		t_result(&writer, sizeof(bytes));
		t_is(in_pipe(pipe), 100);
		t_is(t_poll(pipe.out, POLLIN), POLLIN);
		t_start_read(&second, pipe.out, buf, sizeof(buf));
		t_result(&second, 100);
		t_is(t_differs(buf, 100, 7, 0), -1);
		/* One that waits for the pipe can be killed. */
		child = t_fork(read_a_byte, &pipe);
		t_asleep_pid(child, SYS_read);
		t_kill(child);
		t_asleep(&reader, SYS_splice);
	}
	/* Behind what others have put there. */
	put(pipe, 50, 8, 0);
	t_send(fd, 60, 1);
	t_result(&reader, 60);
	get(pipe, 50, 8, 0);
	get(pipe, 60, 1, 0);
	close(reader.fd);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* Others have filled the pipe meanwhile: the message waits for room there. */
void out_into_a_pipe_that_filled(void)
{
	struct pipe pipe = make_pipe(TQ_PAGE);
	struct t_task reader;
	int fd = t_open(O_WRONLY);

	start_waiting(&reader, &pipe);
	put(pipe, TQ_PAGE, 7, 0);
	t_send(fd, 60, 1);
	t_still_asleep(&reader, SYS_splice);
	get(pipe, TQ_PAGE, 7, 0);
	t_result(&reader, 60);
	get(pipe, 60, 1, 0);
	t_nothing();
	/* And one that dies of it takes no message. */
	close(reader.fd);
	t_unblockable();
	start_waiting(&reader, &pipe);
	put(pipe, TQ_PAGE, 7, 0);
	t_send(fd, 60, 2);
	t_still_asleep(&reader, SYS_splice);
	pthread_kill(reader.thread, SIGUSR1);
	t_fails(&reader, EINTR);
	close(reader.fd);
	get(pipe, TQ_PAGE, 7, 0);
	reader.fd = t_open(O_RDONLY);
	t_receive(reader.fd, 60, 2);
	close(reader.fd);
	close_pipe(pipe);
	close(fd);
}

/* The pipe's readers have left meanwhile: EPIPE, and the message stays. */
void out_into_a_pipe_without_readers(void)
{
	struct pipe pipe = make_pipe(0);
	struct t_task reader;
	int fd = t_open(O_RDWR);

	signal(SIGPIPE, SIG_IGN);
	start_waiting(&reader, &pipe);
	close(pipe.out);
	t_send(fd, 60, 1);
	t_fails(&reader, EPIPE);
	close(reader.fd);
	t_receive(fd, 60, 1);
	t_nothing();
	close(pipe.in);
	close(fd);
}

static void run_two(struct t_task *task)
{
	struct pipe *pipe = task->arg;

	task->result = splice(task->fd, NULL, pipe->in, NULL, 1000, 0);
	task->error = errno;
}

/* Two wait with one pipe: a message each. */
void two_out_into_one_pipe(void)
{
	struct pipe pipe = make_pipe(0);
	struct t_task readers[2];
	int fd = t_open(O_WRONLY), i;
	char buf[120];

	for (i = 0; i < 2; i++) {
		readers[i] = (struct t_task){ .fd = t_open(O_RDONLY), .arg = &pipe };
		t_start(&readers[i], run_two);
		t_asleep(&readers[i], SYS_splice);
	}
	t_send(fd, 60, 1);
	t_send(fd, 60, 2);
	for (i = 0; i < 2; i++) {
		t_result(&readers[i], 60);
		close(readers[i].fd);
	}
	t_is(read(pipe.out, buf, sizeof(buf)), 120);
	i = t_differs(buf, 60, 1, 0) < 0 ? 1 : 2;
	t_is(t_differs(buf, 60, i, 0), -1);
	t_is(t_differs(buf + 60, 60, 3 - i, 0), -1);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* What a cat that splices does: from one file to another by way of a pipe. */
struct cat {
	int from, to;
	struct t_task task;
};

static void run_cat(struct t_task *task)
{
	struct cat *cat = task->arg;
	struct pipe pipe = make_pipe(0);

	for (;;) {
		ssize_t got = splice(cat->from, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0);

		t_true(got >= 0, "splice fails with %s", strerrorname_np(errno));
		if (!got)
			break;
		task->number += got;
		while (got > 0) {
			ssize_t put = splice(pipe.out, NULL, cat->to, NULL, got, 0);

			t_true(put > 0, "splice gives %zd (%s)", put,
			       strerrorname_np(errno));
			got -= put;
		}
	}
	close_pipe(pipe);
}

/* Into the queue from a file, and out of it into another: all of it, to the end. */
void splicing_cats(void)
{
	size_t len = 3000000;
	int from = file_of(len, 1), to = syscall(SYS_memfd_create, "to", 0);
	struct cat in = { .from = from, .to = t_open(O_WRONLY) };
	struct cat out = { .from = t_open(O_RDONLY), .to = to };
	char *buf = malloc(len + 1);

	out.task.arg = &out;
	t_start(&out.task, run_cat);
	in.task.arg = &in;
	t_start(&in.task, run_cat);
	t_finish(&in.task);
	t_is(in.task.number, len);
	t_is(ioctl(in.to, TQUEUE_STOP), 0);
	t_finish(&out.task);
	t_is(out.task.number, len);
	t_is(ioctl(in.to, TQUEUE_START), 0);
	t_is(pread(to, buf, len + 1, 0), len);
	t_is(t_differs(buf, len, 1, 0), -1);
	t_nothing();
	free(buf);
	close(in.to);
	close(out.from);
	close(from);
	close(to);
}

void out_interrupted(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);
	struct t_task reader = { .fd = fd, .arg = &pipe, .len = 100 };

	t_unblockable();
	t_start(&reader, run_splice);
	t_asleep(&reader, SYS_splice);
	pthread_kill(reader.thread, SIGUSR1);
	t_finish(&reader);
	t_is(reader.result, -1);
	t_is(reader.error, EINTR);
	t_send(fd, 60, 1);
	t_receive(fd, 60, 1);
	close_pipe(pipe);
	close(fd);
}
