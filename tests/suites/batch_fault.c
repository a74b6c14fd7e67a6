// SPDX-License-Identifier: GPL-2.0
/*
 * Batches whose buffers are not all there: at every byte, nothing is lost,
 * nothing comes twice, and what was there of a buffer is used. A buffer that
 * stalls holds up its owner alone.
 */
#include "calls.h"

#define NAME	"fault"
#define LENGTH	50

static int open_queue(size_t size)
{
	tq_create(NAME, size);
	return tq_open_queue(NAME, O_RDWR);
}

static void send_from_the_edge(void)
{
	char buf[1024];
	size_t whole = tq_put_many(buf, LENGTH, 1, 4), there;
	int fd = open_queue(4096);

	for (there = 0; there < whole; there++) {
		char *edge = tq_edge(there);
		struct tqueue_send send = {
			.records = (uintptr_t)edge, .bytes = whole,
		};
		/* The padding is nobody's concern. */
		size_t padding = tq_record(LENGTH) - TQ_HEADER - LENGTH;
		long n = (there + padding) / tq_record(LENGTH), got;

		memcpy(edge, buf, there);
		got = ioctl(fd, TQUEUE_SEND, &send);
		if (n ? got != n : got != -1 || errno != EFAULT)
			tq_fail("%zu of %zu bytes: %ld (%s), not %ld", there, whole,
				got, got < 0 ? strerrorname_np(errno) : "", n);
		if (n) {
			tq_is(send.sent_bytes, n * tq_record(LENGTH));
			tq_received(fd, n, LENGTH, 1);
		}
		tq_empty(fd);
		tq_edge_free(edge, there);
	}
	tq_end(fd);
}

/* Only whole records are received, and the others stay. */
static void receive_at_the_edge(void)
{
	char buf[1024];
	size_t whole = tq_put_many(buf, LENGTH, 1, 4), there;
	int fd = open_queue(4096);

	for (there = 0; there < whole; there++) {
		char *edge = tq_edge(there);
		struct tqueue_receive receive = {
			.records = (uintptr_t)edge, .bytes = whole,
		};
		size_t at = 0, i;
		long got;

		tq_is(tq_send_call(fd, buf, whole, 0), 4);
		got = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (got < 0) {
			tq_is(errno, EFAULT);
			got = 0;
		} else {
			tq_is(receive.bytes, got * tq_record(LENGTH));
		}
		tq_is(got, there / tq_record(LENGTH));
		for (i = 0; i < (size_t)got; i++)
			tq_record_is(edge, &at, there, LENGTH, 1 + i, 0);
		tq_received(fd, 4 - got, LENGTH, 1 + got);
		tq_empty(fd);
		tq_edge_free(edge, there);
	}
	tq_end(fd);
}

/*
 * Records of all lengths, empty ones too, into memory that is not resident yet:
 * as many as there is memory for.
 */
static void mixed_at_the_edge(void)
{
	static const size_t lengths[] = { 0, 5000, 0, 1, 3000, 0 };
	char buf[16384];
	size_t whole = 0, there, i;
	int fd = open_queue(65536);

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		whole = tq_put(buf, whole, lengths[i], 1 + i);
	for (there = 0; there <= whole; there += there % 4096 < 200 ? 1 : 97) {
		size_t page = tq_page(), end = 0, at = 0;
		char *edge = tq_edge(there);
		struct tqueue_receive receive = {
			.records = (uintptr_t)edge, .bytes = sizeof(buf),
		};
		long n = 0, got;

		while (n < (long)ARRAY_SIZE(lengths) &&
		       end + tq_record(lengths[n]) <= there)
			end += tq_record(lengths[n++]);
		tq_is(tq_send_call(fd, buf, whole, 0), ARRAY_SIZE(lengths));
		madvise(edge + there - (there + page - 1) / page * page,
			(there + page - 1) / page * page, MADV_DONTNEED);
		got = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n ? got != n : got != -1 || errno != EFAULT)
			tq_fail("%zu of %zu bytes: %ld (%s), not %ld", there, whole,
				got, got < 0 ? strerrorname_np(errno) : "", n);
		for (i = 0; i < (size_t)n; i++)
			tq_record_is(edge, &at, end, lengths[i], 1 + i, 0);
		for (; i < ARRAY_SIZE(lengths); i++)
			tq_received(fd, 1, lengths[i], 1 + i);
		tq_edge_free(edge, there);
	}
	tq_end(fd);
}

static void peek_at_the_edge(void)
{
	char buf[1024];
	size_t whole = tq_put_many(buf, LENGTH, 1, 4), there;
	int fd = open_queue(4096);

	tq_is(tq_send_call(fd, buf, whole, 0), 4);
	for (there = 0; there < whole; there += 3) {
		char *edge = tq_edge(there);
		struct tqueue_receive receive = {
			.records = (uintptr_t)edge, .bytes = whole,
			.flags = TQUEUE_RECEIVE_PEEK,
		};
		long got = ioctl(fd, TQUEUE_RECEIVE, &receive);

		if (got < 0)
			tq_is(errno, EFAULT);
		tq_is(got < 0 ? 0 : got, there / tq_record(LENGTH));
		tq_is(tq_info(fd).messages, 4);
		tq_edge_free(edge, there);
	}
	tq_received(fd, 4, LENGTH, 1);
	tq_end(fd);
}

/* A buffer that is not there at all, and one that is the kernel's. */
static void bad_pointers(void)
{
	static const uint64_t bad[] = {
		0, 16, 0x7ffffffff000, 0x8000000000000000, 0xffff888000000000,
		0xffffffff81000000, 0xfffffffffffff000, 0xffffffffffffffff,
	};
	static const struct { unsigned long request; size_t size; } calls[] = {
		/* The results of what was not moved need no place. */
		{ TQUEUE_SEND, offsetof(struct tqueue_send, last_id) },
		{ TQUEUE_RECEIVE, offsetof(struct tqueue_receive, lost) },
		{ TQUEUE_INFO, sizeof(struct tqueue_info) },
		{ TQUEUE_WAIT, sizeof(struct tqueue_wait) },
		{ TQUEUE_SET, sizeof(struct tqueue_config) },
	};
	int fd = open_queue(4096);
	char buf[256];
	size_t i, there;

	tq_send(fd, 20, 1);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		void *at = (void *)bad[i];

		tq_errno(tq_send_call(fd, at, 4000, 0), EFAULT);
		tq_errno(tq_send_call(fd, at, -8UL, 0), EFAULT);
		tq_errno(tq_receive_call(fd, at, 4000, 0), EFAULT);
		tq_errno(tq_receive_call(fd, at, -8UL, 0), EFAULT);
		tq_errno(tq_peek_call(fd, at, 4000), EFAULT);
	}
	/* Read-only memory. */
	tq_errno(tq_receive_call(fd, (void *)"a string of some length or other, "
				 "for there must be room", 64, 0), EFAULT);
	/* The structures themselves. */
	for (there = 0; there < sizeof(struct tqueue_info); there += 4) {
		char *edge = tq_edge(there);

		memset(edge, 0, there);
		for (i = 0; i < ARRAY_SIZE(calls); i++)
			if (there < calls[i].size)
				tq_errno(ioctl(fd, calls[i].request, edge), EFAULT);
		tq_edge_free(edge, there);
	}
	tq_is(tq_send_call(fd, buf, tq_put(buf, 0, 20, 2), 0), 1);
	tq_received(fd, 2, 20, 1);
	tq_end(fd);
}

/* A structure that can be read and not written: what is said is what was done. */
static void read_only_structures(void)
{
	char buf[256], *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tqueue_send *send = (void *)page;
	struct tqueue_receive *receive = (void *)page;
	int fd = open_queue(4096);
	size_t at = 0;

	*send = (struct tqueue_send){
		.records = (uintptr_t)buf, .bytes = tq_put(buf, 0, 20, 1),
	};
	tq_is(mprotect(page, 4096, PROT_READ), 0);
	if (ioctl(fd, TQUEUE_SEND, send) == 1) {
		tq_received(fd, 1, 20, 1);
	} else {
		tq_is(errno, EFAULT);
		tq_empty(fd);
	}
	tq_send(fd, 20, 1);
	tq_is(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
	*receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
	};
	tq_is(mprotect(page, 4096, PROT_READ), 0);
	if (ioctl(fd, TQUEUE_RECEIVE, receive) == 1) {
		tq_record_is(buf, &at, sizeof(buf), 20, 1, 0);
	} else {
		tq_is(errno, EFAULT);
		tq_received(fd, 1, 20, 1);
	}
	tq_end(fd);
}

/* Pages that come and go are no error, and no reason to do less. */
static void not_resident(void)
{
	size_t len = 64 * tq_page(), end, i;
	char *buf = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_queue(1 << 18), file = memfd_create("batch", 0);
	char *from = malloc(len);
	unsigned int n = 100;

	end = tq_put_many(from, 1000, 1, n);
	tq_is(write(file, from, end), end);
	for (i = 0; i < 5; i++) {
		char *map = mmap(NULL, end, PROT_READ, MAP_PRIVATE, file, 0);
		unsigned int got;
		size_t at = 0;

		tq_true(map != MAP_FAILED, "mmap fails");
		tq_is(tq_send_call(fd, map, end, 0), n);
		munmap(map, end);
		tq_is(madvise(buf, len, MADV_DONTNEED), 0);
		tq_is(tq_receive_call(fd, buf, len, 0), n);
		for (got = 0; got < n; got++)
			tq_record_is(buf, &at, end, 1000, 1 + got, 0);
	}
	tq_end(fd);
}

/* Unmapped and mapped again by another thread all the time. */
static atomic_int stop;

static void pull_the_rug(struct tq_task *task)
{
	while (!atomic_load(&stop)) {
		madvise(task->buf, task->len, MADV_DONTNEED);
		mprotect(task->buf, task->len, PROT_NONE);
		mprotect(task->buf, task->len, PROT_READ | PROT_WRITE);
		atomic_fetch_add(&task->count, 1);
	}
}

static void receiver_without_a_floor(void)
{
	size_t page = tq_page(), end;
	char *buf = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tq_task task = { .buf = buf + page, .len = page };
	double until = tq_now() + tq_seconds(2);
	unsigned long sent = 0, received = 0, faults = 0;
	int fd = open_queue(16384);
	char from[2048];

	end = tq_put_many(from, 100, 1, 10);
	tq_start(&task, pull_the_rug);
	while (tq_now() < until) {
		/* Some of the records lie where the rug is. */
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf + page - 500, .bytes = end,
		};
		long n;

		sent += tq_send_call(fd, from, end, 0);
		while (sent > received) {
			receive.bytes = end;
			n = ioctl(fd, TQUEUE_RECEIVE, &receive);
			if (n < 0) {
				tq_is(errno, EFAULT);
				faults++;
				continue;
			}
			tq_is(receive.bytes, n * tq_record(100));
			received += n;
		}
	}
	atomic_store(&stop, 1);
	tq_finish(&task);
	tq_is(tq_info(fd).received, sent);
	fprintf(stderr, "# %lu received, %lu faults, %ld rugs\n", received, faults,
		atomic_load(&task.count));
	tq_end(fd);
}

/* ---- buffers that stall --------------------------------------------------------- */

static void others_go_on(int n)
{
	int fd = tq_open_queue(NAME, O_RDWR | O_NONBLOCK), i;
	char buf[1024];

	for (i = 0; i < n; i++) {
		tq_send(fd, 100, 1);
		tq_receive(fd, 100, 1);
		tq_is(tq_send_call(fd, buf, tq_put_many(buf, 60, 1, 4), 0), 4);
		tq_is(tq_info(fd).messages, 4);
		tq_received(fd, 4, 60, 1);
		tq_is(tq_poll(fd, POLLIN | POLLOUT), POLLOUT);
	}
	close(fd);
}

static void stalled_sender(void)
{
	size_t page = tq_page();
	char *from = aligned_alloc(page, 2 * page);
	size_t end = tq_put_many(from, 500, 1, 10);
	struct tq_stall stall;
	struct tq_batch sender;
	int fd = open_queue(65536), got, first;

	for (first = 0; first < 2; first++) {
		/* Nothing of it is there, or its first page. */
		tq_stall_make(&stall, end);
		if (first)
			tq_stall_give(&stall, from, 0, page);
		tq_start_send(&sender, fd, stall.map, end, TQUEUE_FOREVER);
		tq_stall_wait(&stall);
		if (first) {
			/* What was there may have been sent. */
			got = 0;
			tq_sleep_ms(20);
			while (tq_info(fd).messages) {
				tq_received(fd, 1, 500, 1 + got);
				got++;
			}
		} else {
			got = 0;
			others_go_on(20);
		}
		tq_stall_release(&stall, from);
		tq_finish(&sender.task);
		tq_true(sender.task.result > 0 && sender.task.result <= 10,
			"SEND gives %zd (%s)", sender.task.result,
			strerrorname_np(sender.task.error));
		tq_is(sender.send.sent_bytes,
		      sender.task.result * tq_record(500));
		if (sender.task.result > got)
			tq_received(fd, sender.task.result - got, 500, 1 + got);
		munmap(stall.map, stall.len);
	}
	free(from);
	tq_end(fd);
}

static void stalled_receiver(void)
{
	size_t page = tq_page();
	char *from = aligned_alloc(page, 2 * page);
	size_t end = tq_put_many(from, 500, 1, 6), at = 0;
	int fd = open_queue(65536), i, n, in_hand;
	struct tq_batch receiver;
	struct tq_stall stall;

	tq_is(tq_send_call(fd, from, end, 0), 6);
	tq_stall_make(&stall, end);
	tq_start_receive(&receiver, tq_open_queue(NAME, O_RDONLY), stall.map, end,
			 TQUEUE_FOREVER);
	tq_stall_wait(&stall);
	/* Whatever it has in hand, others get all the rest, and at once. */
	in_hand = tq_info(fd).in_hand;
	tq_true(in_hand <= 1, "it holds %d messages", in_hand);
	n = 6 - in_hand;
	tq_received(fd, n, 500, 1 + in_hand);
	others_go_on(20);
	tq_true(!tq_done(&receiver.task), "the stalled receiver is done");
	tq_stall_release(&stall, NULL);
	if (!in_hand) {
		tq_asleep(&receiver.task, SYS_ioctl);
		tq_is(tq_send_call(fd, from, tq_record(500), 0), 1);
	}
	tq_finish(&receiver.task);
	tq_is(receiver.task.result, 1);
	tq_record_is(stall.map, &at, end, 500, 1, 0);
	for (i = 0; i < 3; i++)
		others_go_on(1);
	close(receiver.task.fd);
	free(from);
	tq_end(fd);
}

/*
 * A message that a receiver has in hand when its memory goes comes back, also if
 * there is nothing in it.  The memory goes while another part of it is awaited.
 */
static void message_in_hand_comes_back(void)
{
	static const size_t lengths[] = { 0, 1, 100 };
	size_t page = tq_page(), i;
	char *buf = aligned_alloc(page, 2 * page);
	int fd = open_queue(65536);

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct tq_batch receiver;
		struct tq_stall stall;

		/* The first is for us; it makes the receiver ask for two pages. */
		tq_is(tq_send_call(fd, buf, tq_put(buf, 0, 5000, 1), 0), 1);
		tq_stall_make(&stall, 2 * page);
		tq_start_receive(&receiver, fd, stall.map, 2 * page,
				 TQUEUE_FOREVER);
		tq_stall_wait(&stall);
		tq_stall_give(&stall, buf, 0, page);
		tq_stall_wait(&stall);
		tq_received(fd, 1, 5000, 1);
		tq_is(tq_send_call(fd, buf, tq_put(buf, 0, lengths[i], 2), 0), 1);
		tq_is(madvise(stall.map, page, MADV_DONTNEED), 0);
		tq_stall_give(&stall, buf, page, page);
		tq_stall_wait(&stall);
		tq_is(tq_info(fd).in_hand, 1);
		tq_stall_spoil(&stall);
		tq_fails(&receiver.task, EFAULT);
		tq_received(fd, 1, lengths[i], 2);
		tq_stall_release(&stall, NULL);
		munmap(stall.map, stall.len);
	}
	free(buf);
	tq_end(fd);
}

/*
 * A receiver takes nothing in hand for which its memory was not there a moment
 * ago, as it would come back out of its turn if that is bad: here another, longer
 * message is first by the time the memory for one has come.
 */
static void longer_than_what_is_there(void)
{
	size_t page = tq_page(), at;
	char *buf = aligned_alloc(page, 2 * page);
	int fd = open_queue(65536), bad;
	struct tq_batch receiver;
	struct tq_stall stall;

	for (bad = 0; bad < 2; bad++) {
		tq_is(tq_send_call(fd, buf, tq_put(buf, 0, 100, 1), 0), 1);
		tq_stall_make(&stall, 2 * page);
		tq_start_receive(&receiver, fd, stall.map, 2 * page,
				 TQUEUE_FOREVER);
		tq_stall_wait(&stall);
		tq_is(tq_send_call(fd, buf, tq_put(buf, 0, 5000, 2), 0), 1);
		tq_received(fd, 1, 100, 1);
		tq_stall_give(&stall, buf, 0, page);
		tq_stall_wait(&stall);
		tq_is(tq_info(fd).in_hand, 0);
		if (bad) {
			tq_stall_spoil(&stall);
			tq_fails(&receiver.task, EFAULT);
			tq_received(fd, 1, 5000, 2);
		}
		tq_stall_release(&stall, NULL);
		if (!bad) {
			tq_result(&receiver.task, 1);
			at = 0;
			tq_record_is(stall.map, &at, 2 * page, 5000, 2, 0);
		}
		munmap(stall.map, stall.len);
	}
	free(buf);
	tq_end(fd);
}

/* Killed where it stalls: what it had in hand comes back. */
static void stall_in_a_process(void *arg)
{
	struct tq_stall stall;
	int fd = tq_open_queue(NAME, O_RDWR);
	struct tqueue_receive receive = { .bytes = 4096 };
	struct tqueue_send send = { .bytes = 1000 };

	tq_stall_make(&stall, 4096);
	if (arg) {
		send.records = (uintptr_t)stall.map;
		ioctl(fd, TQUEUE_SEND, &send);
	} else {
		receive.records = (uintptr_t)stall.map;
		ioctl(fd, TQUEUE_RECEIVE, &receive);
	}
	_exit(2);
}

static void killed_where_it_stalls(void)
{
	struct tqueue_receive receive = { 0 };
	int fd = open_queue(4096), i;
	char buf[1024];

	for (i = 0; i < 10; i++) {
		size_t at = 0, end = tq_put_many(buf, 100, 1, 3);
		pid_t pid;
		int n;

		tq_is(tq_send_call(fd, buf, end, 0), 3);
		pid = tq_fork(stall_in_a_process, i % 2 ? "" : NULL);
		tq_asleep_pid(pid, SYS_ioctl);
		tq_kill(pid);
		receive.records = (uintptr_t)buf;
		receive.bytes = sizeof(buf);
		tq_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 3);
		for (n = 0; n < 3; n++)
			tq_record_is(buf, &at, receive.bytes, 100, 1 + n, 0);
		tq_empty(fd);
	}
	tq_end(fd);
}

static const struct tq_test tests[] = {
	TQ_TEST(send_from_the_edge),
	TQ_TEST(receive_at_the_edge),
	TQ_TEST(mixed_at_the_edge),
	TQ_TEST(peek_at_the_edge),
	TQ_TEST(bad_pointers),
	TQ_TEST(read_only_structures),
	TQ_TEST(not_resident),
	TQ_TEST(receiver_without_a_floor),
	TQ_TEST(stalled_sender),
	TQ_TEST(stalled_receiver),
	TQ_TEST(message_in_hand_comes_back),
	TQ_TEST(longer_than_what_is_there),
	TQ_TEST(killed_where_it_stalls),
};

int main(int argc, char **argv)
{
	return tq_main("batch_fault", tests, ARRAY_SIZE(tests), argc, argv);
}
