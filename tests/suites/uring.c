// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring: a request that has to wait waits in the background of nobody. It
 * neither blocks io_uring_enter() nor occupies a worker thread, and completes
 * when the message or the room is there. Raw system calls, no library.
 */
#include "common.h"

#include <dirent.h>
#include <linux/io_uring.h>

#define ENTRIES	128

struct ring {
	int fd;
	size_t queues_size, completions_size, entries_size;
	char *queues, *completions;
	struct io_uring_sqe *entries;
	struct io_uring_params params;
	unsigned int unsubmitted;
};

static void ring_open(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, ENTRIES, p);
	if (ring->fd < 0)
		tq_skip("io_uring_setup: %s", strerror(errno));
	ring->queues_size = p->sq_off.array + p->sq_entries * 4;
	ring->completions_size = p->cq_off.cqes +
				 p->cq_entries * sizeof(struct io_uring_cqe);
	ring->entries_size = p->sq_entries * sizeof(struct io_uring_sqe);
	ring->queues = mmap(NULL, ring->queues_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->completions = mmap(NULL, ring->completions_size,
				 PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
				 IORING_OFF_CQ_RING);
	ring->entries = mmap(NULL, ring->entries_size, PROT_READ | PROT_WRITE,
			     MAP_SHARED, ring->fd, IORING_OFF_SQES);
	tq_true(ring->queues != MAP_FAILED && ring->completions != MAP_FAILED &&
		ring->entries != MAP_FAILED, "mmap fails");
}

static struct io_uring_sqe *prepare(struct ring *ring, int op, int fd, void *buf,
				    size_t len, uint64_t name)
{
	_Atomic unsigned int *tail = (void *)(ring->queues + ring->params.sq_off.tail);
	unsigned int *array = (void *)(ring->queues + ring->params.sq_off.array);
	unsigned int at = *tail & (ring->params.sq_entries - 1);
	struct io_uring_sqe *entry = &ring->entries[at];

	memset(entry, 0, sizeof(*entry));
	entry->opcode = op;
	entry->fd = fd;
	entry->addr = (uintptr_t)buf;
	entry->len = len;
	entry->off = -1;
	entry->user_data = name;
	array[at] = at;
	atomic_store(tail, *tail + 1);
	ring->unsubmitted++;
	return entry;
}

/* Hands all to the kernel, which must not wait. */
static void submit(struct ring *ring)
{
	double began = tq_now();

	tq_is(syscall(SYS_io_uring_enter, ring->fd, ring->unsubmitted, 0, 0, NULL, 0),
	      ring->unsubmitted);
	ring->unsubmitted = 0;
	tq_true(tq_now() - began < 2 * tq_slow(), "io_uring_enter took %.1f s",
		tq_now() - began);
}

/* The next completion: its result, or INT_MIN if there is none (yet). */
static int completed(struct ring *ring, uint64_t *name, bool wait)
{
	_Atomic unsigned int *head =
		(void *)(ring->completions + ring->params.cq_off.head);
	_Atomic unsigned int *tail =
		(void *)(ring->completions + ring->params.cq_off.tail);
	struct io_uring_cqe *entries =
		(void *)(ring->completions + ring->params.cq_off.cqes);
	double end = tq_now() + 10 * tq_slow();
	struct io_uring_cqe *entry;
	int result;

	while (atomic_load(head) == atomic_load(tail)) {
		/* Lets work be done that is due in our context. */
		syscall(SYS_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_GETEVENTS,
			NULL, 0);
		if (atomic_load(head) != atomic_load(tail))
			break;
		if (!wait)
			return -1000000;
		tq_true(tq_now() < end, "a request does not complete");
		sched_yield();
	}
	entry = &entries[*head & (ring->params.cq_entries - 1)];
	result = entry->res;
	if (name)
		*name = entry->user_data;
	atomic_store(head, *head + 1);
	return result;
}

#define NOTHING_YET	(-1000000)

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

/* A mapping keeps the ring as well as the descriptor does. */
static void ring_end(struct ring *ring)
{
	munmap(ring->queues, ring->queues_size);
	munmap(ring->completions, ring->completions_size);
	munmap(ring->entries, ring->entries_size);
	close(ring->fd);
}

static void ring_close(struct ring *ring)
{
	tq_is(workers(), 0);
	ring_end(ring);
}

static void ready(void)
{
	int fd = tq_open(O_RDWR);
	struct ring ring;
	char in[64], from[40];
	int i;

	ring_open(&ring);
	tq_pattern(from, sizeof(from), 1, 0);
	for (i = 0; i < 20; i++) {
		prepare(&ring, IORING_OP_WRITE, fd, from, 40, 1);
		submit(&ring);
		tq_is(completed(&ring, NULL, true), 40);
		prepare(&ring, IORING_OP_READ, fd, in, 64, 2);
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
	struct ring ring;
	char in[64];

	ring_open(&ring);
	prepare(&ring, IORING_OP_READ, fd, in, 64, 1);
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
	struct ring ring;
	static char in[MANY][64];
	bool seen[MANY] = { false };
	uint64_t name;

	ring_open(&ring);
	for (i = 0; i < MANY; i++)
		prepare(&ring, IORING_OP_READ, fd, in[i], 64, i);
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
	struct ring ring;
	char from[100];

	ring_open(&ring);
	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	tq_pattern(from, sizeof(from), 4, 0);
	prepare(&ring, IORING_OP_WRITE, fd, from, 100, 1);
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
	struct ring ring;
	char buf[TQ_SMALL_MAX + 1] = "";

	ring_open(&ring);
	prepare(&ring, IORING_OP_READ, fd, buf, 64, 1)->rw_flags = RWF_NOWAIT;
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EAGAIN);
	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	prepare(&ring, IORING_OP_WRITE, fd, buf, 64, 1)->rw_flags = RWF_NOWAIT;
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EAGAIN);
	prepare(&ring, IORING_OP_WRITE, fd, buf, sizeof(buf), 1);
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
	struct ring ring;
	char in[64];

	ring_open(&ring);
	prepare(&ring, IORING_OP_READ, fd, in, 64, 1);
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
	struct ring ring;
	char in[100];

	ring_open(&ring);
	tq_send(fd, 100, 1);
	tq_send(fd, 7, 2);
	prepare(&ring, IORING_OP_READ, fd, in, 30, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), 30);
	prepare(&ring, IORING_OP_READ, fd, in + 30, 70, 1);
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
	struct ring ring;
	char from[100], in[100];
	struct iovec out[2] = { { from, 1 }, { from + 1, 99 } };
	struct iovec back[2] = { { in, 60 }, { in + 60, 40 } };

	ring_open(&ring);
	tq_pattern(from, 100, 3, 0);
	prepare(&ring, IORING_OP_WRITEV, fd, out, 2, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), 100);
	/* One that waits, with vectors. */
	prepare(&ring, IORING_OP_READV, fd, back, 2, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), 100);
	tq_is(tq_differs(in, 100, 3, 0), -1);
	memset(in, 0, sizeof(in));
	prepare(&ring, IORING_OP_READV, fd, back, 2, 1);
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
	struct ring ring;
	size_t len = 5 * tq_page();
	char *buf = aligned_alloc(tq_page(), len);
	struct iovec one = { buf, len };

	ring_open(&ring);
	tq_is(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &one,
		      1), 0);
	tq_pattern(buf, len, 5, 0);
	prepare(&ring, IORING_OP_WRITE_FIXED, fd, buf, len, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), len);
	memset(buf, 0, len);
	prepare(&ring, IORING_OP_READ_FIXED, fd, buf + 1, len - 1, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), len - 1);
	tq_is(tq_differs(buf + 1, len - 1, 5, 0), -1);
	tq_receive_rest(fd, 1, 5, len - 1);
	/* Waiting, too. */
	prepare(&ring, IORING_OP_READ_FIXED, fd, buf, len, 1);
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
	struct ring ring;

	ring_open(&ring);
	prepare(&ring, IORING_OP_WRITE, fd, (void *)16, 100, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EFAULT);
	tq_send(fd, 100, 1);
	prepare(&ring, IORING_OP_READ, fd, (void *)16, 100, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EFAULT);
	prepare(&ring, IORING_OP_READ, fd, tq_edge(99), 100, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, true), -EFAULT);
	tq_receive(fd, 100, 1);
	/* One that waited. */
	prepare(&ring, IORING_OP_READ, fd, (void *)16, 100, 1);
	submit(&ring);
	tq_is(completed(&ring, NULL, false), NOTHING_YET);
	tq_send(fd, 100, 2);
	tq_is(completed(&ring, NULL, true), -EFAULT);
	tq_receive(fd, 100, 2);
	tq_nothing();
	ring_end(&ring);
	close(fd);
}

static void cancelled(void)
{
	int fd = tq_open(O_RDWR), i;
	struct ring ring;
	uint64_t name;
	char in[64];

	ring_open(&ring);
	prepare(&ring, IORING_OP_READ, fd, in, 64, 77);
	submit(&ring);
	prepare(&ring, IORING_OP_ASYNC_CANCEL, -1, (void *)77, 0, 78)->off = 0;
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
	struct ring ring;
	char in[64];

	for (i = 0; i < 10; i++) {
		double end = tq_now() + 10 * tq_slow();

		fd = tq_open(O_RDWR);
		ring_open(&ring);
		prepare(&ring, IORING_OP_READ, fd, in, 64, 1);
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
	struct ring ring;

	ring_open(&ring);
	prepare(&ring, IORING_OP_POLL_ADD, fd, NULL, 0, 1)->poll32_events = POLLIN;
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
	struct ring ring;
	char from[20], in[64];
	uint64_t name;

	ring_open(&ring);
	tq_pattern(from, 20, 1, 0);
	prepare(&ring, IORING_OP_WRITE, fd, from, 20, 1)->flags = IOSQE_IO_LINK;
	prepare(&ring, IORING_OP_READ, fd, in, 64, 2);
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
	struct ring ring;
	uint64_t i, value;

	ring_open(&ring);
	tq_start(&sender, run_plain_sender);
	for (i = 0; i < 1000; i++) {
		prepare(&ring, IORING_OP_READ, fd, &value, sizeof(value), i);
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
