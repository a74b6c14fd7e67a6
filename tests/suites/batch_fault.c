// SPDX-License-Identifier: GPL-2.0-only
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
	t_create(NAME, size);
	return t_open_queue(NAME, O_RDWR);
}

static void send_from_the_edge(void)
{
	char buf[1024];
	size_t whole = t_put_many(buf, LENGTH, 1, 4), there;
	int fd = open_queue(TQ_PAGE);

	for (there = 0; there < whole; there++) {
		char *edge = t_edge(there);
		struct tqueue_send send = {
			.records = (uintptr_t)edge, .bytes = whole,
		};
		/* The padding is nobody's concern. */
		size_t padding = t_record(LENGTH) - TQ_HEADER - LENGTH;
		long n = (there + padding) / t_record(LENGTH), got;

		memcpy(edge, buf, there);
		got = ioctl(fd, TQUEUE_SEND, &send);
		if (n ? got != n : got != -1 || errno != EFAULT)
			t_fail("%zu of %zu bytes: %ld (%s), not %ld", there, whole,
			       got, got < 0 ? strerrorname_np(errno) : "", n);
		if (n) {
			t_is(send.sent_bytes, n * t_record(LENGTH));
			t_received(fd, n, LENGTH, 1);
		}
		t_empty(fd);
		t_edge_free(edge, there);
	}
	t_end(fd);
}

/* Only whole records are received, and the others stay. */
static void receive_at_the_edge(void)
{
	char buf[1024];
	size_t whole = t_put_many(buf, LENGTH, 1, 4), there;
	int fd = open_queue(TQ_PAGE);

	for (there = 0; there < whole; there++) {
		char *edge = t_edge(there);
		struct tqueue_receive receive = {
			.records = (uintptr_t)edge, .bytes = whole,
		};
		size_t at = 0, i;
		long got;

		t_is(t_send_call(fd, buf, whole, 0), 4);
		got = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (got < 0) {
			t_is(errno, EFAULT);
			got = 0;
		} else {
			t_is(receive.bytes, got * t_record(LENGTH));
		}
		t_is(got, there / t_record(LENGTH));
		for (i = 0; i < (size_t)got; i++)
			t_record_is(edge, &at, there, LENGTH, 1 + i, 0);
		t_received(fd, 4 - got, LENGTH, 1 + got);
		t_empty(fd);
		t_edge_free(edge, there);
	}
	t_end(fd);
}

/*
 * Records of all lengths, empty ones too, into memory that is not resident yet:
 * as many as there is memory for.
 */
static void mixed_at_the_edge(void)
{
	static const size_t lengths[] = { 0, 5000, 0, 1, 3000, 0 };
	char buf[4 * TQ_PAGE];
	size_t whole = 0, there, i;
	int fd = open_queue(16 * TQ_PAGE);

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		whole = t_put(buf, whole, lengths[i], 1 + i);
	for (there = 0; there <= whole; there += there % TQ_PAGE < 200 ? 1 : 97) {
		size_t page = t_page(), end = 0, at = 0;
		char *edge = t_edge(there);
		struct tqueue_receive receive = {
			.records = (uintptr_t)edge, .bytes = sizeof(buf),
		};
		long n = 0, got;

		while (n < (long)ARRAY_SIZE(lengths) &&
		       end + t_record(lengths[n]) <= there)
			end += t_record(lengths[n++]);
		t_is(t_send_call(fd, buf, whole, 0), ARRAY_SIZE(lengths));
		madvise(edge + there - (there + page - 1) / page * page,
			(there + page - 1) / page * page, MADV_DONTNEED);
		got = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n ? got != n : got != -1 || errno != EFAULT)
			t_fail("%zu of %zu bytes: %ld (%s), not %ld", there, whole,
			       got, got < 0 ? strerrorname_np(errno) : "", n);
		for (i = 0; i < (size_t)n; i++)
			t_record_is(edge, &at, end, lengths[i], 1 + i, 0);
		for (; i < ARRAY_SIZE(lengths); i++)
			t_received(fd, 1, lengths[i], 1 + i);
		t_edge_free(edge, there);
	}
	t_end(fd);
}

static void peek_at_the_edge(void)
{
	char buf[1024];
	size_t whole = t_put_many(buf, LENGTH, 1, 4), there;
	int fd = open_queue(TQ_PAGE);

	t_is(t_send_call(fd, buf, whole, 0), 4);
	for (there = 0; there < whole; there += 3) {
		char *edge = t_edge(there);
		struct tqueue_receive receive = {
			.records = (uintptr_t)edge, .bytes = whole,
			.flags = TQUEUE_RECEIVE_PEEK,
		};
		long got = ioctl(fd, TQUEUE_RECEIVE, &receive);

		if (got < 0)
			t_is(errno, EFAULT);
		t_is(got < 0 ? 0 : got, there / t_record(LENGTH));
		t_is(t_info(fd).messages, 4);
		t_edge_free(edge, there);
	}
	t_received(fd, 4, LENGTH, 1);
	t_end(fd);
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
		{ TQUEUE_RECEIVE, offsetof(struct tqueue_receive, dropped) },
		{ TQUEUE_INFO, sizeof(struct tqueue_info) },
		{ TQUEUE_WAIT, sizeof(struct tqueue_wait) },
		{ TQUEUE_SET, sizeof(struct tqueue_config) },
	};
	int fd = open_queue(TQ_PAGE);
	char buf[256];
	size_t i, there;

	t_send(fd, 20, 1);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		void *at = (void *)(uintptr_t)bad[i];

		t_errno(t_send_call(fd, at, 4000, 0), EFAULT);
		t_errno(t_send_call(fd, at, -8UL, 0), EFAULT);
		t_errno(t_receive_call(fd, at, 4000, 0), EFAULT);
		t_errno(t_receive_call(fd, at, -8UL, 0), EFAULT);
		t_errno(t_peek_call(fd, at, 4000), EFAULT);
	}
	/* Read-only memory. */
	t_errno(t_receive_call(fd, (void *)"a string of some length or other, "
				 "for there must be room", 64, 0), EFAULT);
	/* The structures themselves. */
	for (there = 0; there < sizeof(struct tqueue_info); there += 4) {
		char *edge = t_edge(there);

		memset(edge, 0, there);
		for (i = 0; i < ARRAY_SIZE(calls); i++)
			if (there < calls[i].size)
				t_errno(ioctl(fd, calls[i].request, edge), EFAULT);
		t_edge_free(edge, there);
	}
	t_is(t_send_call(fd, buf, t_put(buf, 0, 20, 2), 0), 1);
	t_received(fd, 2, 20, 1);
	t_end(fd);
}

/* A structure that can be read and not written: what is said is what was done. */
static void read_only_structures(void)
{
	char buf[256], *page = mmap(NULL, TQ_PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tqueue_send *send = (void *)page;
	struct tqueue_receive *receive = (void *)page;
	int fd = open_queue(TQ_PAGE);
	size_t at = 0;

	*send = (struct tqueue_send){
		.records = (uintptr_t)buf, .bytes = t_put(buf, 0, 20, 1),
	};
	t_is(mprotect(page, TQ_PAGE, PROT_READ), 0);
	if (ioctl(fd, TQUEUE_SEND, send) == 1) {
		t_received(fd, 1, 20, 1);
	} else {
		t_is(errno, EFAULT);
		t_empty(fd);
	}
	t_send(fd, 20, 1);
	t_is(mprotect(page, TQ_PAGE, PROT_READ | PROT_WRITE), 0);
	*receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
	};
	t_is(mprotect(page, TQ_PAGE, PROT_READ), 0);
	if (ioctl(fd, TQUEUE_RECEIVE, receive) == 1) {
		t_record_is(buf, &at, sizeof(buf), 20, 1, 0);
	} else {
		t_is(errno, EFAULT);
		t_received(fd, 1, 20, 1);
	}
	t_end(fd);
}

/* Pages that come and go are no error, and no reason to do less. */
static void not_resident(void)
{
	size_t len = 64 * t_page(), end, i;
	char *buf = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_queue(1 << 18), file = memfd_create("batch", 0);
	char *from = malloc(len);
	unsigned int n = 100;

	end = t_put_many(from, 1000, 1, n);
	t_is(write(file, from, end), end);
	for (i = 0; i < 5; i++) {
		char *map = mmap(NULL, end, PROT_READ, MAP_PRIVATE, file, 0);
		unsigned int got;
		size_t at = 0;

		t_true(map != MAP_FAILED, "mmap fails");
		t_is(t_send_call(fd, map, end, 0), n);
		munmap(map, end);
		t_is(madvise(buf, len, MADV_DONTNEED), 0);
		t_is(t_receive_call(fd, buf, len, 0), n);
		for (got = 0; got < n; got++)
			t_record_is(buf, &at, end, 1000, 1 + got, 0);
	}
	t_end(fd);
}

/* Unmapped and mapped again by another thread all the time. */
static atomic_int stop;

static void pull_the_rug(struct t_task *task)
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
	size_t page = t_page(), end;
	char *buf = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct t_task task = { .buf = buf + page, .len = page };
	double until = t_now() + t_seconds(2);
	unsigned long sent = 0, received = 0, faults = 0;
	int fd = open_queue(4 * TQ_PAGE);
	char from[2048];

	end = t_put_many(from, 100, 1, 10);
	t_start(&task, pull_the_rug);
	while (t_now() < until) {
		/* Some of the records lie where the rug is. */
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf + page - 500, .bytes = end,
		};
		long n;

		sent += t_send_call(fd, from, end, 0);
		while (sent > received) {
			receive.bytes = end;
			n = ioctl(fd, TQUEUE_RECEIVE, &receive);
			if (n < 0) {
				t_is(errno, EFAULT);
				faults++;
				continue;
			}
			t_is(receive.bytes, n * t_record(100));
			received += n;
		}
	}
	atomic_store(&stop, 1);
	t_finish(&task);
	t_is(t_info(fd).received, sent);
	fprintf(stderr, "# %lu received, %lu faults, %ld rugs\n", received, faults,
		atomic_load(&task.count));
	t_end(fd);
}

/* ---- buffers that stall --------------------------------------------------------- */

static void others_go_on(int n)
{
	int fd = t_open_queue(NAME, O_RDWR | O_NONBLOCK), i;
	char buf[1024];

	for (i = 0; i < n; i++) {
		t_send(fd, 100, 1);
		t_receive(fd, 100, 1);
		t_is(t_send_call(fd, buf, t_put_many(buf, 60, 1, 4), 0), 4);
		t_is(t_info(fd).messages, 4);
		t_received(fd, 4, 60, 1);
		t_is(t_poll(fd, POLLIN | POLLOUT), POLLOUT);
	}
	close(fd);
}

static void stalled_sender(void)
{
	size_t page = t_page(), len = page / 8 - 12;
	char *from = aligned_alloc(page, 2 * page);
	size_t end = t_put_many(from, len, 1, 10);
	struct t_stall stall;
	struct t_batch sender;
	int fd = open_queue(16 * TQ_PAGE), got, first;

	for (first = 0; first < 2; first++) {
		/* Nothing of it is there, or its first page. */
		t_stall_make(&stall, end);
		if (first)
			t_stall_give(&stall, from, 0, page);
		t_start_send(&sender, fd, stall.map, end, TQUEUE_FOREVER);
		t_stall_wait(&stall);
		if (first) {
			/* What was there may have been sent. */
			got = 0;
			t_sleep_ms(20);
			while (t_info(fd).messages) {
				t_received(fd, 1, len, 1 + got);
				got++;
			}
		} else {
			got = 0;
			others_go_on(20);
		}
		t_stall_release(&stall, from);
		t_finish(&sender.task);
		t_true(sender.task.result > 0 && sender.task.result <= 10,
		       "SEND gives %zd (%s)", sender.task.result,
			strerrorname_np(sender.task.error));
		t_is(sender.send.sent_bytes,
		     sender.task.result * t_record(len));
		if (sender.task.result > got)
			t_received(fd, sender.task.result - got, len, 1 + got);
		munmap(stall.map, stall.len);
	}
	free(from);
	t_end(fd);
}

static void stalled_receiver(void)
{
	size_t page = t_page();
	char *from = aligned_alloc(page, 2 * page);
	size_t end = t_put_many(from, 500, 1, 6), at = 0;
	int fd = open_queue(16 * TQ_PAGE), i, n, in_flight;
	struct t_batch receiver;
	struct t_stall stall;

	t_is(t_send_call(fd, from, end, 0), 6);
	t_stall_make(&stall, end);
	t_start_receive(&receiver, t_open_queue(NAME, O_RDONLY), stall.map, end,
			TQUEUE_FOREVER);
	t_stall_wait(&stall);
	/* Whatever it has in flight, others get all the rest, and at once. */
	in_flight = t_info(fd).in_flight;
	t_true(in_flight <= 1, "it holds %d messages", in_flight);
	n = 6 - in_flight;
	t_received(fd, n, 500, 1 + in_flight);
	others_go_on(20);
	t_true(!t_done(&receiver.task), "the stalled receiver is done");
	t_stall_release(&stall, NULL);
	if (!in_flight) {
		t_asleep(&receiver.task, SYS_ioctl);
		t_is(t_send_call(fd, from, t_record(500), 0), 1);
	}
	t_finish(&receiver.task);
	t_is(receiver.task.result, 1);
	t_record_is(stall.map, &at, end, 500, 1, 0);
	for (i = 0; i < 3; i++)
		others_go_on(1);
	close(receiver.task.fd);
	free(from);
	t_end(fd);
}

/*
 * A message that a receiver has in flight when its memory goes comes back, also if
 * there is nothing in it.  The memory goes while another part of it is awaited.
 */
static void message_in_flight_comes_back(void)
{
	static const size_t lengths[] = { 0, 1, 100 };
	size_t page = t_page(), i;
	char *buf = aligned_alloc(page, 2 * page);
	int fd = open_queue(16 * TQ_PAGE);

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct t_batch receiver;
		struct t_stall stall;

		/* The first is for us; it makes the receiver ask for two pages. */
		t_is(t_send_call(fd, buf, t_put(buf, 0, page + 904, 1), 0), 1);
		t_stall_make(&stall, 2 * page);
		t_start_receive(&receiver, fd, stall.map, 2 * page,
				TQUEUE_FOREVER);
		t_stall_wait(&stall);
		t_stall_give(&stall, buf, 0, page);
		t_stall_wait(&stall);
		t_received(fd, 1, page + 904, 1);
		t_is(t_send_call(fd, buf, t_put(buf, 0, lengths[i], 2), 0), 1);
		t_is(madvise(stall.map, page, MADV_DONTNEED), 0);
		t_stall_give(&stall, buf, page, page);
		t_stall_wait(&stall);
		t_is(t_info(fd).in_flight, 1);
		t_stall_spoil(&stall);
		t_fails(&receiver.task, EFAULT);
		t_received(fd, 1, lengths[i], 2);
		t_stall_release(&stall, NULL);
		munmap(stall.map, stall.len);
	}
	free(buf);
	t_end(fd);
}

/*
 * A receiver takes nothing in flight for which its memory was not there a moment
 * ago, as it would come back out of its turn if that is bad: here another, longer
 * message is first by the time the memory for one has come.
 */
static void longer_than_what_is_there(void)
{
	size_t page = t_page(), at;
	char *buf = aligned_alloc(page, 2 * page);
	int fd = open_queue(16 * TQ_PAGE), bad;
	struct t_batch receiver;
	struct t_stall stall;

	for (bad = 0; bad < 2; bad++) {
		t_is(t_send_call(fd, buf, t_put(buf, 0, 100, 1), 0), 1);
		t_stall_make(&stall, 2 * page);
		t_start_receive(&receiver, fd, stall.map, 2 * page,
				TQUEUE_FOREVER);
		t_stall_wait(&stall);
		t_is(t_send_call(fd, buf, t_put(buf, 0, page + 904, 2), 0), 1);
		t_received(fd, 1, 100, 1);
		t_stall_give(&stall, buf, 0, page);
		t_stall_wait(&stall);
		t_is(t_info(fd).in_flight, 0);
		if (bad) {
			t_stall_spoil(&stall);
			t_fails(&receiver.task, EFAULT);
			t_received(fd, 1, page + 904, 2);
		}
		t_stall_release(&stall, NULL);
		if (!bad) {
			t_result(&receiver.task, 1);
			at = 0;
			t_record_is(stall.map, &at, 2 * page, page + 904, 2, 0);
		}
		munmap(stall.map, stall.len);
	}
	free(buf);
	t_end(fd);
}

/* Killed where it stalls: what it had in flight comes back. */
static void stall_in_a_process(void *arg)
{
	struct t_stall stall;
	int fd = t_open_queue(NAME, O_RDWR);
	struct tqueue_receive receive = { .bytes = TQ_PAGE };
	struct tqueue_send send = { .bytes = 1000 };

	t_stall_make(&stall, TQ_PAGE);
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
	int fd = open_queue(TQ_PAGE), i;
	char buf[1024];

	for (i = 0; i < 10; i++) {
		size_t at = 0, end = t_put_many(buf, 100, 1, 3);
		pid_t pid;
		int n;

		t_is(t_send_call(fd, buf, end, 0), 3);
		pid = t_fork(stall_in_a_process, i % 2 ? "" : NULL);
		t_asleep_pid(pid, SYS_ioctl);
		t_kill(pid);
		receive.records = (uintptr_t)buf;
		receive.bytes = sizeof(buf);
		t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 3);
		for (n = 0; n < 3; n++)
			t_record_is(buf, &at, receive.bytes, 100, 1 + n, 0);
		t_empty(fd);
	}
	t_end(fd);
}

/* ---- how much of a buffer is touched -------------------------------------------- */

static void send_on(struct t_task *task)
{
	char buf[64] = "";

	while (!atomic_load(&stop))
		write(task->fd, buf, sizeof(buf));
}

static void receive_on(struct t_task *task)
{
	char buf[4096];

	while (!atomic_load(&stop))
		t_receive_call(task->fd, buf, sizeof(buf), 0);
}

static size_t resident(char *map, size_t len)
{
	size_t pages = len / t_page(), i, n = 0;
	unsigned char *there = malloc(pages);

	t_is(mincore(map, len, there), 0);
	for (i = 0; i < pages; i++)
		n += there[i] & 1;
	free(there);
	return n * t_page();
}

/*
 * However large a buffer is, and whatever comes and goes meanwhile, no more of it is
 * made resident than the ring can fill, or a piece.
 */
static void no_more_than_there_can_be(void)
{
	size_t len = 8UL << 20, most = 0;
	char *map = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	double end = t_now() + t_seconds(3);
	int fd = open_queue(4096), i;
	struct t_task tasks[4];
	char drain[4096];
	long calls = 0;

	t_true(map != MAP_FAILED, "mmap fails");
	t_is(madvise(map, len, MADV_NOHUGEPAGE) == 0 || errno == EINVAL, 1);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	atomic_store(&stop, 0);
	for (i = 0; i < 4; i++) {
		tasks[i] = (struct t_task){ .fd = fd };
		t_start(&tasks[i], i % 2 ? send_on : receive_on);
	}
	while (t_goes_on(end, calls > 1000)) {
		size_t touched;

		t_is(madvise(map, len, MADV_DONTNEED), 0);
		if (t_receive_call(fd, map, len, 0) < 0)
			t_is(errno, EAGAIN);
		touched = resident(map, len);
		if (touched > most)
			most = touched;
		calls++;
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 4; i++)
		t_finish(&tasks[i]);
	t_true(most <= (256UL << 10) + 2 * t_page(),
	       "a queue of 4096 bytes makes %zu bytes of a buffer resident", most);
	munmap(map, len);
	while (t_receive_call(fd, drain, sizeof(drain), 0) > 0)
		;
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(no_more_than_there_can_be),
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
	TQ_TEST(message_in_flight_comes_back),
	TQ_TEST(longer_than_what_is_there),
	TQ_TEST(killed_where_it_stalls),
};

int main(int argc, char **argv)
{
	return t_main("batch_fault", tests, ARRAY_SIZE(tests), argc, argv);
}
