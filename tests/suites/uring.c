// SPDX-License-Identifier: GPL-2.0
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
		tq_skip("io_uring_setup: %s", strerror(errno));
}

/* Hands all to the kernel, which must not wait. */
static void submit(struct uring *ring)
{
	double began = tq_now();
	int all = ring->unsubmitted;

	tq_is(syscall(SYS_io_uring_enter, ring->fd, all, 0, 0, NULL, 0), all);
	ring->unsubmitted = 0;
	tq_true(tq_now() - began < 2 * tq_slow(), "io_uring_enter took %.1f s",
		tq_now() - began);
}

/* The next completion: its result, or NOTHING_YET. */
static int completed(struct uring *ring, uint64_t *name, bool wait)
{
	double end = tq_now() + 10 * tq_slow();
	uint64_t unnamed;
	int result;

	for (;;) {
		uring_enter(ring, 0);
		if (uring_take(ring, name ?: &unnamed, &result))
			return result;
		if (!wait)
			return NOTHING_YET;
		tq_true(tq_now() < end, "a request does not complete");
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
	tq_is(workers(), 0);
	uring_close(ring);
}

static void ready(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;
	char in[64], from[40];
	int i;

	ring_open(&ring);
	tq_pattern(from, sizeof(from), 1, 0);
	for (i = 0; i < 20; i++) {
		uring_put(&ring, IORING_OP_WRITE, fd, from, 40, 1);
		submit(&ring);
		tq_is(completed(&ring, NULL, true), 40);
		uring_put(&ring, IORING_OP_READ, fd, in, 64, 2);
		submit(&ring);
		tq_is(completed(&ring, NULL, true), 40);
		tq_is(tq_differs(in, 40, 1, 0), -1);
	}
	ring_close(&ring);
	tq_nothing();
	close(fd);
}

static void read_waits(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;
	char in[64];

	ring_open(&ring);
	uring_put(&ring, IORING_OP_READ, fd, in, 64, 1);
	submit(&ring);
	tq_sleep_ms(20);
	tq_is(completed(&ring, NULL, false), NOTHING_YET);
	tq_is(workers(), 0);
	tq_send(fd, 40, 1);
	tq_is(completed(&ring, NULL, true), 40);
	tq_is(tq_differs(in, 40, 1, 0), -1);
	tq_nothing();
	ring_close(&ring);
	close(fd);
}

/* As many messages as requests: each request gets one, whole. */
static void many_reads_wait(void)
{
	enum { MANY = 64 };
	int fd = tq_open(O_RDWR), i;
	struct uring ring;
	static char in[MANY][64];
	bool seen[MANY] = { false };
	uint64_t name;

	ring_open(&ring);
	for (i = 0; i < MANY; i++)
		uring_put(&ring, IORING_OP_READ, fd, in[i], 64, i);
	submit(&ring);
	tq_is(completed(&ring, NULL, false), NOTHING_YET);
	for (i = 0; i < MANY; i++)
		tq_send(fd, 64, i);
	for (i = 0; i < MANY; i++) {
		int j;

		tq_is(completed(&ring, &name, true), 64);
		for (j = 0; j < MANY && tq_differs(in[name], 64, j, 0) >= 0; j++)
			;
		tq_true(j < MANY && !seen[j], "a message twice, or none");
		seen[j] = true;
	}
	tq_nothing();
	/* Some kernels punt after a hundred futile wake-ups; 64 are fewer. */
	ring_close(&ring);
	close(fd);
}

static void write_waits(void)
{
	int fd = tq_open(O_RDWR), i;
	struct uring ring;
	char from[100];

	ring_open(&ring);
	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	tq_pattern(from, sizeof(from), 4, 0);
	uring_put(&ring, IORING_OP_WRITE, fd, from, 100, 1);
	submit(&ring);
	tq_sleep_ms(20);
	tq_is(completed(&ring, NULL, false), NOTHING_YET);
	tq_is(workers(), 0);
	tq_receive(fd, TQ_SMALL_MAX, 0);
	tq_is(completed(&ring, NULL, true), 100);
	for (i = 1; i < 4; i++)
		tq_receive(fd, TQ_SMALL_MAX, i);
	tq_receive(fd, 100, 4);
	tq_nothing();
	ring_close(&ring);
	close(fd);
}

/* Asked not to wait, they do not. */
static void never_waits(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;
	char buf[TQ_SMALL_MAX + 1] = "";

	ring_open(&ring);
	uring_put(&ring, IORING_OP_READ, fd, buf, 64, 1)->rw_flags = RWF_NOWAIT;
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EAGAIN);
	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	uring_put(&ring, IORING_OP_WRITE, fd, buf, 64, 1)->rw_flags = RWF_NOWAIT;
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EAGAIN);
	uring_put(&ring, IORING_OP_WRITE, fd, buf, sizeof(buf), 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EMSGSIZE);
	tq_is(tq_drain(), 4);
	tq_nothing();
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
	int fd = tq_open(O_RDWR | O_NONBLOCK), result;
	struct uring ring;
	char in[64];

	ring_open(&ring);
	uring_put(&ring, IORING_OP_READ, fd, in, 64, 1);
	submit(&ring);
	tq_sleep_ms(5);
	result = completed(&ring, NULL, false);
	tq_true(result == -EAGAIN || result == NOTHING_YET, "it gives %d", result);
	tq_is(workers(), 0);
	tq_send(fd, 40, 1);
	if (result == NOTHING_YET) {
		tq_is(completed(&ring, NULL, true), 40);
		tq_is(tq_differs(in, 40, 1, 0), -1);
	} else {
		tq_receive(fd, 40, 1);
	}
	tq_nothing();
	ring_close(&ring);
	close(fd);
}

/* Short reads: io_uring does not go back for the rest by itself. */
static void short_reads(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;
	char in[100];

	ring_open(&ring);
	tq_send(fd, 100, 1);
	tq_send(fd, 7, 2);
	uring_put(&ring, IORING_OP_READ, fd, in, 30, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), 30);
	uring_put(&ring, IORING_OP_READ, fd, in + 30, 70, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), 70);
	tq_is(tq_differs(in, 100, 1, 0), -1);
	tq_receive(fd, 7, 2);
	tq_nothing();
	ring_close(&ring);
	close(fd);
}

static void vectors(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;
	char from[100], in[100];
	struct iovec out[2] = { { from, 1 }, { from + 1, 99 } };
	struct iovec back[2] = { { in, 60 }, { in + 60, 40 } };

	ring_open(&ring);
	tq_pattern(from, 100, 3, 0);
	uring_put(&ring, IORING_OP_WRITEV, fd, out, 2, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), 100);
	/* One that waits, with vectors. */
	uring_put(&ring, IORING_OP_READV, fd, back, 2, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), 100);
	tq_is(tq_differs(in, 100, 3, 0), -1);
	memset(in, 0, sizeof(in));
	uring_put(&ring, IORING_OP_READV, fd, back, 2, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, false), NOTHING_YET);
	tq_send(fd, 100, 4);
	tq_is(completed(&ring, NULL, true), 100);
	tq_is(tq_differs(in, 100, 4, 0), -1);
	tq_nothing();
	ring_close(&ring);
	close(fd);
}

/* Buffers that were registered: the kernel knows their pages, not addresses. */
static void registered_buffers(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;
	size_t len = 5 * tq_page();
	char *buf = aligned_alloc(tq_page(), len);
	struct iovec one = { buf, len };

	ring_open(&ring);
	tq_is(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &one,
		      1), 0);
	tq_pattern(buf, len, 5, 0);
	uring_put(&ring, IORING_OP_WRITE_FIXED, fd, buf, len, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), len);
	memset(buf, 0, len);
	uring_put(&ring, IORING_OP_READ_FIXED, fd, buf + 1, len - 1, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), len - 1);
	tq_is(tq_differs(buf + 1, len - 1, 5, 0), -1);
	tq_receive_rest(fd, 1, 5, len - 1);
	/* Waiting, too. */
	uring_put(&ring, IORING_OP_READ_FIXED, fd, buf, len, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, false), NOTHING_YET);
	tq_send(fd, 10000, 6);
	tq_is(completed(&ring, NULL, true), 10000);
	tq_is(tq_differs(buf, 10000, 6, 0), -1);
	tq_nothing();
	ring_close(&ring);
	close(fd);
	free(buf);
}

static void bad_pointers(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;

	ring_open(&ring);
	uring_put(&ring, IORING_OP_WRITE, fd, (void *)16, 100, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EFAULT);
	tq_send(fd, 100, 1);
	uring_put(&ring, IORING_OP_READ, fd, (void *)16, 100, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EFAULT);
	uring_put(&ring, IORING_OP_READ, fd, tq_edge(99), 100, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EFAULT);
	tq_receive(fd, 100, 1);
	/* One that waited. */
	uring_put(&ring, IORING_OP_READ, fd, (void *)16, 100, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, false), NOTHING_YET);
	tq_send(fd, 100, 2);
	tq_is(completed(&ring, NULL, true), -EFAULT);
	tq_receive(fd, 100, 2);
	tq_nothing();
	uring_close(&ring);
	close(fd);
}

static void cancelled(void)
{
	int fd = tq_open(O_RDWR), i;
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

		tq_is(result, name == 77 ? -ECANCELED : 0);
	}
	tq_send(fd, 10, 1);
	tq_receive(fd, 10, 1);
	tq_nothing();
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
		double end = tq_now() + 10 * tq_slow();

		fd = tq_open(O_RDWR);
		ring_open(&ring);
		uring_put(&ring, IORING_OP_READ, fd, in, 64, 1);
		submit(&ring);
		close(fd);
		ring_close(&ring);
		/* The request ends a little later, and with it the open file. */
		while (tq_references())
			tq_true(tq_now() < end, "the request does not end");
		fd = tq_open(O_RDWR | O_NONBLOCK);
		tq_send(fd, 10, 1);
		tq_receive(fd, 10, 1);
		tq_nothing();
		close(fd);
	}
}

static void polls(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;

	ring_open(&ring);
	uring_put(&ring, IORING_OP_POLL_ADD, fd, NULL, 0, 1)->poll32_events = POLLIN;
	ring.entries[0].off = 0;
	submit(&ring);
	tq_is(completed(&ring, NULL, false), NOTHING_YET);
	tq_send(fd, 10, 1);
	tq_is(completed(&ring, NULL, true), POLLIN);
	tq_receive(fd, 10, 1);
	ring_close(&ring);
	close(fd);
}

/* A write and a read, linked: the read finds what the write has sent. */
static void linked(void)
{
	int fd = tq_open(O_RDWR);
	struct uring ring;
	char from[20], in[64];
	uint64_t name;

	ring_open(&ring);
	tq_pattern(from, 20, 1, 0);
	uring_put(&ring, IORING_OP_WRITE, fd, from, 20, 1)->flags = IOSQE_IO_LINK;
	uring_put(&ring, IORING_OP_READ, fd, in, 64, 2);
	submit(&ring);
	tq_is(completed(&ring, &name, true), 20);
	tq_is(name, 1);
	tq_is(completed(&ring, &name, true), 20);
	tq_is(tq_differs(in, 20, 1, 0), -1);
	ring_close(&ring);
	close(fd);
}

/* Requests and plain calls beside each other: everything once, in order. */
static void run_plain_sender(struct tq_task *task)
{
	uint64_t i;

	for (i = 0; i < 1000; i++)
		tq_is(write(task->fd, &i, sizeof(i)), sizeof(i));
}

static void transfer(void)
{
	struct tq_task sender = { .fd = tq_open(O_WRONLY) };
	int fd = tq_open(O_RDONLY);
	struct uring ring;
	uint64_t i, value;

	ring_open(&ring);
	tq_start(&sender, run_plain_sender);
	for (i = 0; i < 1000; i++) {
		uring_put(&ring, IORING_OP_READ, fd, &value, sizeof(value), i);
		submit(&ring);
		tq_is(completed(&ring, NULL, true), 8);
		tq_is(value, i);
	}
	tq_finish(&sender);
	tq_nothing();
	ring_close(&ring);
	close(fd);
	close(sender.fd);
}

static const struct tq_test tests[] = {
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
	return tq_main("uring", tests, ARRAY_SIZE(tests), argc, argv);
}
