// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring: a request that has to wait waits in the background of nobody. It
 * neither blocks io_uring_enter() nor occupies a worker thread, and completes
 * when the message or the room is there. Raw system calls, no library.
 */
#include "common.h"
#include "uring.h"

#include <dirent.h>

#define ENTRIES		128
#define NOTHING_YET	(-1000000)	/* no result of a request */

static void ring_open(struct uring *ring)
{
	if (!uring_open(ring, ENTRIES))
		t_skip("io_uring_setup: %s", strerror(errno));
}

/* Hands all to the kernel, which must not wait. */
static void submit(struct uring *ring)
{
	double began = t_now();
	int all = ring->unsubmitted;

	t_is(syscall(SYS_io_uring_enter, ring->fd, all, 0, 0, NULL, 0), all);
	ring->unsubmitted = 0;
	t_true(t_now() - began < 2 * t_slow(), "io_uring_enter took %.1f s",
	       t_now() - began);
}

/* The next completion: its result, or NOTHING_YET. */
static int completed(struct uring *ring, uint64_t *name, bool wait)
{
	double end = t_now() + 10 * t_slow();
	uint64_t unnamed;
	int result;

	for (;;) {
		uring_enter(ring, 0);
		if (uring_take(ring, name ?: &unnamed, &result))
			return result;
		if (!wait)
			return NOTHING_YET;
		t_true(t_now() < end, "a request does not complete");
		sched_yield();
	}
}

/* Threads that io_uring has made for requests that block. */
static int workers(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(tasks))) {
		char path[300], text[64] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text) - 1) > 0 &&
		    !strncmp(text, "iou-wrk", 7))
			n++;
		close(fd);
	}
	closedir(tasks);
	return n;
}

static void ring_close(struct uring *ring)
{
	t_is(workers(), 0);
	uring_close(ring);
}

static void ready(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;
	char in[64], from[40];
	int i;

	ring_open(&ring);
	t_pattern(from, sizeof(from), 1, 0);
	for (i = 0; i < 20; i++) {
		uring_put(&ring, IORING_OP_WRITE, fd, from, 40, 1);
		submit(&ring);
		t_is(completed(&ring, NULL, true), 40);
		uring_put(&ring, IORING_OP_READ, fd, in, 64, 2);
		submit(&ring);
		t_is(completed(&ring, NULL, true), 40);
		t_is(t_differs(in, 40, 1, 0), -1);
	}
	ring_close(&ring);
	t_nothing();
	close(fd);
}

static void read_waits(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;
	char in[64];

	ring_open(&ring);
	uring_put(&ring, IORING_OP_READ, fd, in, 64, 1);
	submit(&ring);
	t_sleep_ms(20);
	t_is(completed(&ring, NULL, false), NOTHING_YET);
	t_is(workers(), 0);
	t_send(fd, 40, 1);
	t_is(completed(&ring, NULL, true), 40);
	t_is(t_differs(in, 40, 1, 0), -1);
	t_nothing();
	ring_close(&ring);
	close(fd);
}

/* As many messages as requests: each request gets one, whole. */
static void many_reads_wait(void)
{
	enum { MANY = 64 };
	int fd = t_open(O_RDWR), i;
	struct uring ring;
	static char in[MANY][64];
	bool seen[MANY] = { false };
	uint64_t name;

	ring_open(&ring);
	for (i = 0; i < MANY; i++)
		uring_put(&ring, IORING_OP_READ, fd, in[i], 64, i);
	submit(&ring);
	t_is(completed(&ring, NULL, false), NOTHING_YET);
	for (i = 0; i < MANY; i++)
		t_send(fd, 64, i);
	for (i = 0; i < MANY; i++) {
		int j;

		t_is(completed(&ring, &name, true), 64);
		for (j = 0; j < MANY && t_differs(in[name], 64, j, 0) >= 0; j++)
			;
		t_true(j < MANY && !seen[j], "a message twice, or none");
		seen[j] = true;
	}
	t_nothing();
	/* Some kernels punt after a hundred futile wake-ups; 64 are fewer. */
	ring_close(&ring);
	close(fd);
}

static void write_waits(void)
{
	int fd = t_open(O_RDWR), i;
	struct uring ring;
	char from[100];

	ring_open(&ring);
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_pattern(from, sizeof(from), 4, 0);
	uring_put(&ring, IORING_OP_WRITE, fd, from, 100, 1);
	submit(&ring);
	t_sleep_ms(20);
	t_is(completed(&ring, NULL, false), NOTHING_YET);
	t_is(workers(), 0);
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_is(completed(&ring, NULL, true), 100);
	for (i = 1; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, 100, 4);
	t_nothing();
	ring_close(&ring);
	close(fd);
}

/* Asked not to wait, they do not. */
static void never_waits(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;
	char buf[TQ_SMALL_MAX + 1] = "";

	ring_open(&ring);
	uring_put(&ring, IORING_OP_READ, fd, buf, 64, 1)->rw_flags = RWF_NOWAIT;
	submit(&ring);
	t_is(completed(&ring, NULL, true), -EAGAIN);
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	uring_put(&ring, IORING_OP_WRITE, fd, buf, 64, 1)->rw_flags = RWF_NOWAIT;
	submit(&ring);
	t_is(completed(&ring, NULL, true), -EAGAIN);
	uring_put(&ring, IORING_OP_WRITE, fd, buf, sizeof(buf), 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), -EMSGSIZE);
	t_is(t_drain(), 4);
	t_nothing();
	ring_close(&ring);
	close(fd);
}

/*
 * O_NONBLOCK means little to io_uring: kernels let such a request wait in the
 * background like any other. What may not happen is that it blocks, or fails
 * otherwise, or loses the message.
 */
static void nonblocking_file(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK), result;
	struct uring ring;
	char in[64];

	ring_open(&ring);
	uring_put(&ring, IORING_OP_READ, fd, in, 64, 1);
	submit(&ring);
	t_sleep_ms(5);
	result = completed(&ring, NULL, false);
	t_true(result == -EAGAIN || result == NOTHING_YET, "it gives %d", result);
	t_is(workers(), 0);
	t_send(fd, 40, 1);
	if (result == NOTHING_YET) {
		t_is(completed(&ring, NULL, true), 40);
		t_is(t_differs(in, 40, 1, 0), -1);
	} else {
		t_receive(fd, 40, 1);
	}
	t_nothing();
	ring_close(&ring);
	close(fd);
}

/* Short reads: io_uring does not go back for the rest by itself. */
static void short_reads(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;
	char in[100];

	ring_open(&ring);
	t_send(fd, 100, 1);
	t_send(fd, 7, 2);
	uring_put(&ring, IORING_OP_READ, fd, in, 30, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), 30);
	uring_put(&ring, IORING_OP_READ, fd, in + 30, 70, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), 70);
	t_is(t_differs(in, 100, 1, 0), -1);
	t_receive(fd, 7, 2);
	t_nothing();
	ring_close(&ring);
	close(fd);
}

static void vectors(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;
	char from[100], in[100];
	struct iovec out[2] = { { from, 1 }, { from + 1, 99 } };
	struct iovec back[2] = { { in, 60 }, { in + 60, 40 } };

	ring_open(&ring);
	t_pattern(from, 100, 3, 0);
	uring_put(&ring, IORING_OP_WRITEV, fd, out, 2, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), 100);
	/* One that waits, with vectors. */
	uring_put(&ring, IORING_OP_READV, fd, back, 2, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), 100);
	t_is(t_differs(in, 100, 3, 0), -1);
	memset(in, 0, sizeof(in));
	uring_put(&ring, IORING_OP_READV, fd, back, 2, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, false), NOTHING_YET);
	t_send(fd, 100, 4);
	t_is(completed(&ring, NULL, true), 100);
	t_is(t_differs(in, 100, 4, 0), -1);
	t_nothing();
	ring_close(&ring);
	close(fd);
}

/* Buffers that were registered: the kernel knows their pages, not addresses. */
static void registered_buffers(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;
	size_t len = 5 * t_page();
	char *buf = aligned_alloc(t_page(), len);
	struct iovec one = { buf, len };

	ring_open(&ring);
	t_is(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &one,
		     1), 0);
	t_pattern(buf, len, 5, 0);
	uring_put(&ring, IORING_OP_WRITE_FIXED, fd, buf, len, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), len);
	memset(buf, 0, len);
	uring_put(&ring, IORING_OP_READ_FIXED, fd, buf + 1, len - 1, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), len - 1);
	t_is(t_differs(buf + 1, len - 1, 5, 0), -1);
	t_receive_rest(fd, 1, 5, len - 1);
	/* Waiting, too. */
	uring_put(&ring, IORING_OP_READ_FIXED, fd, buf, len, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, false), NOTHING_YET);
	t_send(fd, 10000, 6);
	t_is(completed(&ring, NULL, true), 10000);
	t_is(t_differs(buf, 10000, 6, 0), -1);
	t_nothing();
	ring_close(&ring);
	close(fd);
	free(buf);
}

static void bad_pointers(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;

	ring_open(&ring);
	uring_put(&ring, IORING_OP_WRITE, fd, (void *)16, 100, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), -EFAULT);
	t_send(fd, 100, 1);
	uring_put(&ring, IORING_OP_READ, fd, (void *)16, 100, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), -EFAULT);
	uring_put(&ring, IORING_OP_READ, fd, t_edge(99), 100, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, true), -EFAULT);
	t_receive(fd, 100, 1);
	/* One that waited. */
	uring_put(&ring, IORING_OP_READ, fd, (void *)16, 100, 1);
	submit(&ring);
	t_is(completed(&ring, NULL, false), NOTHING_YET);
	t_send(fd, 100, 2);
	t_is(completed(&ring, NULL, true), -EFAULT);
	t_receive(fd, 100, 2);
	t_nothing();
	uring_close(&ring);
	close(fd);
}

static void cancelled(void)
{
	int fd = t_open(O_RDWR), i;
	struct uring ring;
	uint64_t name;
	char in[64];

	ring_open(&ring);
	uring_put(&ring, IORING_OP_READ, fd, in, 64, 77);
	submit(&ring);
	uring_put(&ring, IORING_OP_ASYNC_CANCEL, -1, (void *)77, 0, 78)->off = 0;
	submit(&ring);
	for (i = 0; i < 2; i++) {
		int result = completed(&ring, &name, true);

		t_is(result, name == 77 ? -ECANCELED : 0);
	}
	t_send(fd, 10, 1);
	t_receive(fd, 10, 1);
	t_nothing();
	ring_close(&ring);
	close(fd);
}

/* The ring is closed under a waiting request: the message is for the next. */
static void abandoned(void)
{
	int fd, i;
	struct uring ring;
	char in[64];

	for (i = 0; i < 10; i++) {
		double end = t_now() + 10 * t_slow();

		fd = t_open(O_RDWR);
		ring_open(&ring);
		uring_put(&ring, IORING_OP_READ, fd, in, 64, 1);
		submit(&ring);
		close(fd);
		ring_close(&ring);
		/* The request ends a little later, and with it the open file. */
		while (t_references())
			t_true(t_now() < end, "the request does not end");
		fd = t_open(O_RDWR | O_NONBLOCK);
		t_send(fd, 10, 1);
		t_receive(fd, 10, 1);
		t_nothing();
		close(fd);
	}
}

static void polls(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;

	ring_open(&ring);
	uring_put(&ring, IORING_OP_POLL_ADD, fd, NULL, 0, 1)->poll_events = POLLIN;
	ring.entries[0].off = 0;
	submit(&ring);
	t_is(completed(&ring, NULL, false), NOTHING_YET);
	t_send(fd, 10, 1);
	t_is(completed(&ring, NULL, true), POLLIN);
	t_receive(fd, 10, 1);
	ring_close(&ring);
	close(fd);
}

/* A write and a read, linked: the read finds what the write has sent. */
static void linked(void)
{
	int fd = t_open(O_RDWR);
	struct uring ring;
	char from[20], in[64];
	uint64_t name;

	ring_open(&ring);
	t_pattern(from, 20, 1, 0);
	uring_put(&ring, IORING_OP_WRITE, fd, from, 20, 1)->flags = IOSQE_IO_LINK;
	uring_put(&ring, IORING_OP_READ, fd, in, 64, 2);
	submit(&ring);
	t_is(completed(&ring, &name, true), 20);
	t_is(name, 1);
	t_is(completed(&ring, &name, true), 20);
	t_is(t_differs(in, 20, 1, 0), -1);
	ring_close(&ring);
	close(fd);
}

/* Requests and plain calls beside each other: everything once, in order. */
static void run_plain_sender(struct t_task *task)
{
	uint64_t i;

	for (i = 0; i < 1000; i++)
		t_is(write(task->fd, &i, sizeof(i)), sizeof(i));
}

static void transfer(void)
{
	struct t_task sender = { .fd = t_open(O_WRONLY) };
	int fd = t_open(O_RDONLY);
	struct uring ring;
	uint64_t i, value;

	ring_open(&ring);
	t_start(&sender, run_plain_sender);
	for (i = 0; i < 1000; i++) {
		uring_put(&ring, IORING_OP_READ, fd, &value, sizeof(value), i);
		submit(&ring);
		t_is(completed(&ring, NULL, true), 8);
		t_is(value, i);
	}
	t_finish(&sender);
	t_nothing();
	ring_close(&ring);
	close(fd);
	close(sender.fd);
}

static const struct t_test tests[] = {
	TQ_TEST(ready),
	TQ_TEST(read_waits),
	TQ_TEST(many_reads_wait),
	TQ_TEST(nonblocking_file),
	TQ_TEST(short_reads),
	TQ_TEST(vectors),
	TQ_TEST(registered_buffers),
	TQ_TEST(bad_pointers),
	TQ_TEST(cancelled),
	TQ_TEST(abandoned),
	TQ_TEST(polls),
	TQ_TEST(linked),
	TQ_TEST_WITH(write_waits, TQ_SMALL),
	TQ_TEST_WITH(never_waits, TQ_SMALL),
	TQ_TEST_WITH(transfer, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("uring", tests, ARRAY_SIZE(tests), argc, argv);
}
