// SPDX-License-Identifier: GPL-2.0-only
/*
 * splice and sendfile. Into the queue: one call makes one message, of at most
 * max_message bytes, out of what the pipe holds. Out of it: like read, cut to
 * what the pipe has room for, and the rest follows with the next call. One that
 * waits for a message does not hold up others that use the pipe.
 */
#include "calls.h"

#include <sys/sendfile.h>

struct pipe {
	int in, out;
};

static struct pipe make_pipe(int size)
{
	int ends[2];

	t_is(pipe2(ends, O_CLOEXEC), 0);
	if (size)
		t_true(fcntl(ends[1], F_SETPIPE_SZ, size) >= size, "F_SETPIPE_SZ");
	return (struct pipe){ .in = ends[1], .out = ends[0] };
}

static void close_pipe(struct pipe pipe)
{
	close(pipe.in);
	close(pipe.out);
}

static int in_pipe(struct pipe pipe)
{
	int bytes = -1;

	t_is(ioctl(pipe.out, FIONREAD, &bytes), 0);
	return bytes;
}

static void put(struct pipe pipe, size_t len, uint64_t seed, size_t offset)
{
	char *buf = malloc(len);

	t_pattern(buf, len, seed, offset);
	t_is(write(pipe.in, buf, len), len);
	free(buf);
}

static void get(struct pipe pipe, size_t len, uint64_t seed, size_t offset)
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

static int file_of(size_t len, uint64_t seed)
{
	int file = syscall(SYS_memfd_create, "file", 0);
	char *buf = malloc(len);

	t_pattern(buf, len, seed, 0);
	t_is(write(file, buf, len), len);
	t_is(lseek(file, 0, SEEK_SET), 0);
	free(buf);
	return file;
}

static void in(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	put(pipe, 500, 1, 0);
	t_is(splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, 0), 500);
	put(pipe, 3, 2, 0);
	t_is(splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, SPLICE_F_MOVE), 3);
	t_is(in_pipe(pipe), 0);
	t_receive(fd, 500, 1);
	t_receive(fd, 3, 2);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* Several buffers of the pipe go into one message. */
static void in_gathers(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR), i;

	for (i = 0; i < 10; i++)
		put(pipe, 5000, 1, i * 5000);
	t_is(splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, 0), 50000);
	t_receive(fd, 50000, 1);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* No more than was asked for; the pipe keeps what was not. */
static void in_a_part(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	put(pipe, 10000, 1, 0);
	t_is(splice(pipe.out, NULL, fd, NULL, 6000, 0), 6000);
	t_is(in_pipe(pipe), 4000);
	t_is(splice(pipe.out, NULL, fd, NULL, 1, 0), 1);
	t_is(splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, 0), 3999);
	t_receive(fd, 6000, 1);
	t_receive_rest(fd, 1, 1, 6000);
	t_receive_rest(fd, 3999, 1, 6001);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

static void in_is_cut_at_max_message(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);
	size_t at = 0;

	put(pipe, 3000, 1, 0);
	while (at < 3000) {
		ssize_t sent = splice(pipe.out, NULL, fd, NULL, 16 * TQ_PAGE, 0);

		t_true(sent > 0 && sent <= (ssize_t)TQ_SMALL_MAX,
		       "splice makes a message of %zd bytes, errno %d", sent, errno);
		t_receive_rest(fd, sent, 1, at);
		at += sent;
		t_is(in_pipe(pipe), 3000 - at);
	}
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

static void in_nothing(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	t_is(splice(pipe.out, NULL, fd, NULL, 0, 0), 0);
	close(pipe.in);
	/* An empty pipe without a writer: its end, and no message. */
	t_is(splice(pipe.out, NULL, fd, NULL, 100, 0), 0);
	t_nothing();
	close(pipe.out);
	close(fd);
}

static void in_when_full(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR), quick = t_open(O_WRONLY | O_NONBLOCK), i;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	put(pipe, 300, 4, 0);
	t_errno(splice(pipe.out, NULL, quick, NULL, 300, 0), EAGAIN);
	t_is(in_pipe(pipe), 300);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_nothing();
	t_is(splice(pipe.out, NULL, quick, NULL, 300, 0), 300);
	t_receive(fd, 300, 4);
	close_pipe(pipe);
	close(fd);
	close(quick);
}

static void run_splice(struct t_task *task)
{
	struct pipe *pipe = task->arg;

	if (task->number)
		task->result = splice(pipe->out, NULL, task->fd, NULL, task->len, 0);
	else
		task->result = splice(task->fd, NULL, pipe->in, NULL, task->len, 0);
	task->error = errno;
}

static void in_waits_for_room(void)
{
	struct pipe pipe = make_pipe(0);
	struct t_task sender = {
		.fd = t_open(O_WRONLY), .arg = &pipe, .number = 1, .len = 300,
	};
	int fd = t_open(O_RDWR), i;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	put(pipe, 300, 4, 0);
	t_start(&sender, run_splice);
	t_asleep(&sender, SYS_splice);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_finish(&sender);
	t_is(sender.result, 300);
	t_receive(fd, 300, 4);
	t_nothing();
	t_is(in_pipe(pipe), 0);
	close_pipe(pipe);
	close(sender.fd);
	close(fd);
}

/* Interrupted: nothing sent, and the pipe has it all. */
static void in_interrupted(void)
{
	struct pipe pipe = make_pipe(0);
	struct t_task sender = {
		.fd = t_open(O_WRONLY), .arg = &pipe, .number = 1, .len = 300,
	};

	t_unblockable();
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	put(pipe, 300, 4, 0);
	t_start(&sender, run_splice);
	t_asleep(&sender, SYS_splice);
	pthread_kill(sender.thread, SIGUSR1);
	t_finish(&sender);
	t_is(sender.result, -1);
	t_is(sender.error, EINTR);
	t_is(t_drain(), 4);
	t_nothing();
	t_is(in_pipe(pipe), 300);
	get(pipe, 300, 4, 0);
	close_pipe(pipe);
	close(sender.fd);
}

static void out(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	t_send(fd, 500, 1);
	t_send(fd, 5, 2);
	/* One message, however much was asked for. */
	t_is(splice(fd, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0), 500);
	t_is(in_pipe(pipe), 500);
	t_is(splice(fd, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0), 5);
	get(pipe, 500, 1, 0);
	get(pipe, 5, 2, 0);
	t_is(in_pipe(pipe), 0);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

static void out_in_parts(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);

	t_send(fd, 10000, 1);
	t_send(fd, 5, 2);
	t_is(splice(fd, NULL, pipe.in, NULL, 1, 0), 1);
	t_is(t_fionread(fd), 9999);
	t_is(splice(fd, NULL, pipe.in, NULL, 6000, 0), 6000);
	t_is(splice(fd, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0), 3999);
	get(pipe, 10000, 1, 0);
	t_receive(fd, 5, 2);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* More than the pipe takes: what it takes, then the rest, and no byte lost. */
static void out_larger_than_the_pipe(void)
{
	struct pipe pipe = make_pipe(TQ_PAGE);
	int fd = t_open(O_RDWR);
	size_t at = 0, calls = 0;

	t_send(fd, 100000, 1);
	t_send(fd, 10, 2);
	while (at < 100000) {
		ssize_t got = splice(fd, NULL, pipe.in, NULL, 1 << 20, 0);

		t_true(got > 0 && at + got <= 100000, "splice gives %zd, errno %d",
		       got, errno);
		t_is(in_pipe(pipe), got);
		get(pipe, got, 1, at);
		at += got;
		t_true(++calls < 1000, "it never ends");
	}
	t_receive(fd, 10, 2);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* A pipe that is nearly full already. */
static void out_into_the_last_page(void)
{
	enum { LENGTH = 5 * TQ_PAGE - 480 };
	struct pipe pipe = make_pipe(16 * TQ_PAGE);
	int fd = t_open(O_RDWR);
	ssize_t got;

	put(pipe, 15 * TQ_PAGE, 9, 0);
	t_send(fd, LENGTH, 1);
	got = splice(fd, NULL, pipe.in, NULL, 16 * TQ_PAGE, 0);
	t_true(got > 0 && got <= TQ_PAGE, "splice gives %zd, errno %d", got, errno);
	t_is(t_fionread(fd), LENGTH - got);
	get(pipe, 15 * TQ_PAGE, 9, 0);
	get(pipe, got, 1, 0);
	t_receive_rest(fd, LENGTH - got, 1, got);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

static void out_into_a_full_pipe(void)
{
	struct pipe pipe = make_pipe(TQ_PAGE);
	int fd = t_open(O_RDWR);

	put(pipe, TQ_PAGE, 9, 0);
	t_send(fd, 100, 1);
	t_errno(splice(fd, NULL, pipe.in, NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	t_is(t_fionread(fd), 100);
	t_receive(fd, 100, 1);
	close_pipe(pipe);
	close(fd);
}

static void out_of_an_empty_queue(void)
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
static void out_without_waiting(void)
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
static void in_waits_for_the_pipe(void)
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
static void out_leaves_the_pipe_to_others(void)
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
static void out_into_a_pipe_that_filled(void)
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
static void out_into_a_pipe_without_readers(void)
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
static void two_out_into_one_pipe(void)
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
static void splicing_cats(void)
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

static void out_interrupted(void)
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

/* A rest left by splice goes back on close as any rest. */
static void out_leaves_a_rest(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY);

	t_send(fd, 10000, 1);
	t_is(splice(fd, NULL, pipe.in, NULL, 4000, 0), 4000);
	close(fd);
	t_receive_rest(other, 6000, 1, 4000);
	t_nothing();
	close_pipe(pipe);
	close(other);
}

static void offsets_are_refused(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);
	loff_t at = 0;

	put(pipe, 10, 1, 0);
	t_send(fd, 10, 2);
	t_errno(splice(pipe.out, NULL, fd, &at, 10, 0), EINVAL);
	t_errno(splice(fd, &at, pipe.in, NULL, 10, 0), EINVAL);
	t_receive(fd, 10, 2);
	t_nothing();
	close_pipe(pipe);
	close(fd);
}

/* The messages put together are the file; each is at most max_message. */
static void sendfile_in(void)
{
	int fd = t_open(O_RDWR), file = file_of(300000, 1);
	size_t max = t_max_message(), at = 0, sent = 0, messages = 0;
	char *buf = malloc(300000);

	while (sent < 300000) {
		ssize_t n = sendfile(fd, file, NULL, 300000 - sent);

		t_true(n > 0, "sendfile gives %zd, errno %d", n, errno);
		sent += n;
	}
	t_is(sent, 300000);
	while (at < 300000) {
		ssize_t got = read(fd, buf, 300000);

		t_true(got > 0 && got <= (ssize_t)max, "a message of %zd bytes", got);
		t_is(t_differs(buf, got, 1, at), -1);
		at += got;
		messages++;
	}
	t_is(at, 300000);
	t_true(messages <= 20, "%zu messages", messages);
	t_nothing();
	free(buf);
	close(file);
	close(fd);
}

/* A small file is one message. */
static void sendfile_small(void)
{
	int fd = t_open(O_RDWR), file = file_of(700, 1);

	t_is(sendfile(fd, file, NULL, 16 * TQ_PAGE), 700);
	t_receive(fd, 700, 1);
	t_nothing();
	close(file);
	close(fd);
}

/* Into a full queue, nonblocking: not a byte of the file is lost. */
static void sendfile_when_full(void)
{
	enum { LENGTH = 5 * TQ_PAGE - 480 };
	int fd = t_open(O_RDWR), quick = t_open(O_WRONLY | O_NONBLOCK);
	int file = file_of(LENGTH, 1);
	size_t at = 0, sent = 0, stalls = 0;
	char buf[2000];

	for (;;) {
		ssize_t n = sendfile(quick, file, NULL, LENGTH);

		t_true(n >= 0 || errno == EAGAIN, "errno %d", errno);
		if (!n)
			break;
		if (n > 0) {
			sent += n;
			continue;
		}
		stalls++;
		n = read(fd, buf, sizeof(buf));
		t_true(n > 0, "full and empty");
		t_is(t_differs(buf, n, 1, at), -1);
		at += n;
	}
	t_is(sent, LENGTH);
	while (at < LENGTH) {
		ssize_t n = read(fd, buf, sizeof(buf));

		t_is(t_differs(buf, n, 1, at), -1);
		at += n;
	}
	t_true(stalls, "the queue never was full");
	t_nothing();
	close(file);
	close(quick);
	close(fd);
}

static void sendfile_out(void)
{
	int fd = t_open(O_RDWR), file = file_of(10, 1);

	t_send(fd, 10, 2);
	t_errno(sendfile(file, fd, NULL, 10), EINVAL);
	t_receive(fd, 10, 2);
	close(file);
	close(fd);
}

/* The pages of a spliced message are copied: the pipe's own do not matter. */
static void gifts_are_copied(void)
{
	struct pipe pipe = make_pipe(0);
	int fd = t_open(O_RDWR);
	char *page = aligned_alloc(TQ_PAGE, TQ_PAGE);
	struct iovec one = { page, TQ_PAGE };

	t_pattern(page, TQ_PAGE, 1, 0);
	t_is(vmsplice(pipe.in, &one, 1, 0), TQ_PAGE);
	t_is(splice(pipe.out, NULL, fd, NULL, TQ_PAGE, 0), TQ_PAGE);
	memset(page, 0, TQ_PAGE);
	t_receive(fd, TQ_PAGE, 1);
	close_pipe(pipe);
	close(fd);
}

/* Queue to pipe to queue, at once with plain senders and readers. */
static void run_feeder(struct t_task *task)
{
	struct pipe *pipe = task->arg;
	uint64_t i;

	for (i = 1; i <= 300; i++) {
		ssize_t sent;

		t_is(write(pipe->in, &i, sizeof(i)), sizeof(i));
		sent = splice(pipe->out, NULL, task->fd, NULL, sizeof(i), 0);
		t_is(sent, sizeof(i));
	}
}

static void both_ways(void)
{
	struct pipe a = make_pipe(0), b = make_pipe(0);
	struct t_task feeder = { .fd = t_open(O_WRONLY), .arg = &a };
	int in = t_open(O_RDONLY);
	uint64_t i, value;

	t_start(&feeder, run_feeder);
	for (i = 1; i <= 300; i++) {
		t_is(splice(in, NULL, b.in, NULL, TQ_PAGE, 0), 8);
		t_is(read(b.out, &value, sizeof(value)), 8);
		t_is(value, i);
	}
	t_finish(&feeder);
	t_nothing();
	close_pipe(a);
	close_pipe(b);
	close(feeder.fd);
	close(in);
}

static const struct t_test tests[] = {
	TQ_TEST(in),
	TQ_TEST(in_gathers),
	TQ_TEST(in_a_part),
	TQ_TEST(in_nothing),
	TQ_TEST(in_waits_for_the_pipe),
	TQ_TEST(out),
	TQ_TEST(out_in_parts),
	TQ_TEST(out_larger_than_the_pipe),
	TQ_TEST(out_into_the_last_page),
	TQ_TEST(out_into_a_full_pipe),
	TQ_TEST(out_of_an_empty_queue),
	TQ_TEST(out_without_waiting),
	TQ_TEST(out_leaves_the_pipe_to_others),
	TQ_TEST(out_into_a_pipe_that_filled),
	TQ_TEST(out_into_a_pipe_without_readers),
	TQ_TEST(two_out_into_one_pipe),
	TQ_TEST(splicing_cats),
	TQ_TEST(out_interrupted),
	TQ_TEST(out_leaves_a_rest),
	TQ_TEST(offsets_are_refused),
	TQ_TEST(sendfile_in),
	TQ_TEST(sendfile_small),
	TQ_TEST(sendfile_out),
	TQ_TEST(gifts_are_copied),
	TQ_TEST(both_ways),
	TQ_TEST_WITH(in_is_cut_at_max_message, TQ_SMALL),
	TQ_TEST_WITH(in_when_full, TQ_SMALL),
	TQ_TEST_WITH(in_waits_for_room, TQ_SMALL),
	TQ_TEST_WITH(in_interrupted, TQ_SMALL),
	TQ_TEST_WITH(sendfile_when_full, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("splice", tests, ARRAY_SIZE(tests), argc, argv);
}
