// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a full queue does to its senders, where that is chosen: "reject" refuses
 * at once, "drop-oldest" makes room at the cost of what is there, and tells the
 * receivers of records how many messages were dropped: each drop once.
 */
#include "calls.h"

#define NAME	"overflow"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of 4096 */

static int open_with(unsigned int overflow)
{
	t_create_with(NAME, TQ_PAGE, overflow, TQUEUE_EOF_NEVER);
	return t_open_queue(NAME, O_RDWR);
}

static int open_dropping(void)
{
	return open_with(TQUEUE_OVERFLOW_DROP_OLDEST);
}

static void set_overflow(unsigned int overflow)
{
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, overflow, 0), 0);
}

/* Receives one: its seed, what was dropped and not told, and whether it says so. */
static void received_at(int line, int fd, size_t len, uint64_t seed,
			uint64_t dropped, unsigned int flags)
{
	char buf[TQ_PAGE / 2];
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
		.flags = flags, .dropped = 12345,
	};
	size_t at = 0;
	int n = ioctl(fd, TQUEUE_RECEIVE, &receive);

	if (n != 1)
		t_fail_at(__FILE__, line, "RECEIVE gives %d (%s)", n,
			  n < 0 ? strerrorname_np(errno) : "");
	t_record_at(__FILE__, line, buf, &at, receive.bytes, len, seed,
		    dropped ? TQUEUE_FLAG_DROPPED : 0);
	if (receive.dropped != dropped)
		t_fail_at(__FILE__, line, "%llu were dropped, not %llu",
			  (unsigned long long)receive.dropped,
			   (unsigned long long)dropped);
}

#define received(fd, len, seed, dropped)	received_at(__LINE__, fd, len, seed, dropped, 0)
/* Who only looks is told of nothing. */
#define peeked(fd, len, seed)						\
	received_at(__LINE__, fd, len, seed, 0, TQUEUE_RECEIVE_PEEK)

/* ---- reject ------------------------------------------------------------------ */

/* Every way to send, to a file that may wait and to one that may not. */
static void all_are_refused(int fd, int error)
{
	char buf[TQ_PAGE];
	size_t end = t_put_many(buf, TQ_SMALL_MAX, 1, 3);
	struct iovec two[2] = { { buf, 1 }, { buf, 99 } };
	int ends[2];

	t_errno(write(fd, buf, 1), error);
	t_errno(write(fd, buf, TQ_SMALL_MAX), error);
	t_errno(writev(fd, two, 2), error);
	t_errno(pwritev2(fd, two, 2, -1, RWF_NOWAIT), error);
	t_errno(t_send_call(fd, buf, end, 0), error);
	t_errno(t_send_call(fd, buf, end, TQUEUE_FOREVER), error);
	t_errno(t_send_call(fd, buf, end, t_deadline(10)), error);
	t_errno(t_send_call(fd, buf, t_record(TQ_SMALL_MAX), TQUEUE_FOREVER), error);
	t_is(pipe(ends), 0);
	t_is(write(ends[1], buf, 10), 10);
	t_errno(splice(ends[0], NULL, fd, NULL, 10, 0), error);
	t_errno(splice(ends[0], NULL, fd, NULL, 10, SPLICE_F_NONBLOCK), error);
	close(ends[0]);
	close(ends[1]);
}

/*
 * Not EAGAIN, which says that waiting helps: a program of an event loop would poll
 * for ever, and a blocking one does not expect it.
 */
static void refuses_at_once(void)
{
	int fd = open_with(TQUEUE_OVERFLOW_REJECT);
	char *buf = malloc(2 * TQ_PAGE);
	size_t end;

	t_is(t_info(fd).overflow, TQUEUE_OVERFLOW_REJECT);
	end = t_put_many(buf, TQ_SMALL_MAX, 1, FULL);
	t_is(t_send_call(fd, buf, end, TQUEUE_FOREVER), FULL);
	all_are_refused(fd, ENOBUFS);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	all_are_refused(fd, ENOBUFS);
	t_is(fcntl(fd, F_SETFL, 0), 0);
	t_is(t_poll(fd, POLLIN | POLLOUT), POLLIN);
	t_received(fd, 2, TQ_SMALL_MAX, 1);
	t_is(t_poll(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	/* What there is room for goes. */
	end = t_put_many(buf, TQ_SMALL_MAX, 1, 3);
	t_is(t_send_call(fd, buf, end, TQUEUE_FOREVER), 2);
	t_received(fd, 2, TQ_SMALL_MAX, 3);
	t_received(fd, 2, TQ_SMALL_MAX, 1);
	t_is(t_info(fd).dropped, 0);
	/* A receiver waits as ever. */
	t_errno(t_receive_call(fd, buf, 100, t_deadline(0.01)), ETIMEDOUT);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	t_errno(read(fd, buf, 100), EAGAIN);
	free(buf);
	t_end(fd);
}

/* What is wrong with the message or with the queue comes first. */
static void refuses_for_other_reasons(void)
{
	int fd = open_with(TQUEUE_OVERFLOW_REJECT);
	char buf[TQ_PAGE];
	size_t end = t_put_many(buf, TQ_SMALL_MAX, 1, FULL - 1);

	t_is(t_send_call(fd, buf, end, 0), FULL - 1);
	t_is(t_send_call(fd, buf, t_record(TQ_SMALL_MAX), 0), 1);
	t_errno(write(fd, buf, TQ_SMALL_MAX + 1), EMSGSIZE);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	all_are_refused(fd, ESHUTDOWN);
	t_is(t_poll(fd, POLLOUT), POLLOUT);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_is(t_poll(fd, POLLOUT), 0);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	all_are_refused(fd, EIDRM);
	close(fd);
}

/* A file that may not wait at a queue that blocks, and one that may. */
static void blocks(void)
{
	int fd = open_with(TQUEUE_OVERFLOW_BLOCK);
	char buf[TQ_PAGE];
	size_t end = t_put_many(buf, TQ_SMALL_MAX, 1, 2);

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), FULL);
	t_errno(t_send_call(fd, buf, end, 0), EAGAIN);
	t_errno(t_send_call(fd, buf, end, t_deadline(0.01)), ETIMEDOUT);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	all_are_refused(fd, EAGAIN);
	t_received(fd, FULL, TQ_SMALL_MAX, 1);
	t_end(fd);
}

/* ---- drop-oldest --------------------------------------------------------------- */

static void counts_what_it_drops(void)
{
	int fd = open_dropping(), i;

	t_is(t_poll(fd, POLLOUT), POLLOUT);
	for (i = 0; i < FULL + 3; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_is(t_info(fd).messages, FULL);
	t_is(t_info(fd).dropped, 3);
	t_is(t_info(fd).received, 0);
	/* It always takes more. */
	t_is(t_poll(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	received(fd, TQ_SMALL_MAX, 3, 3);
	received(fd, TQ_SMALL_MAX, 4, 0);
	t_send(fd, TQ_SMALL_MAX, 7);
	t_send(fd, TQ_SMALL_MAX, 8);
	t_send(fd, TQ_SMALL_MAX, 9);
	received(fd, TQ_SMALL_MAX, 6, 1);
	received(fd, TQ_SMALL_MAX, 7, 0);
	received(fd, TQ_SMALL_MAX, 8, 0);
	received(fd, TQ_SMALL_MAX, 9, 0);
	t_is(t_info(fd).dropped, 4);
	t_is(t_info(fd).received, 6);
	t_end(fd);
}

/* The first record of a call says that something was dropped. */
static void the_gap_in_a_batch(void)
{
	struct tqueue_receive receive = { 0 };
	char buf[2 * TQ_PAGE];
	int fd = open_dropping(), i;
	size_t at = 0;

	for (i = 0; i < 2 * FULL; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	receive.records = (uintptr_t)buf;
	receive.bytes = sizeof(buf);
	t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), FULL);
	t_is(receive.dropped, FULL);
	for (i = 0; i < FULL; i++)
		t_record_is(buf, &at, receive.bytes, TQ_SMALL_MAX, FULL + i,
			    i ? 0 : TQUEUE_FLAG_DROPPED);
	t_end(fd);
}

/* What was dropped and not told adds up. */
static void gaps_add_up(void)
{
	int fd = open_dropping(), i;

	for (i = 0; i < 50; i++) {
		t_send(fd, TQ_SMALL_MAX, i);
		if (i >= FULL)
			peeked(fd, TQ_SMALL_MAX, i - FULL + 1);
	}
	received(fd, TQ_SMALL_MAX, 46, 46);
	received(fd, TQ_SMALL_MAX, 47, 0);
	received(fd, TQ_SMALL_MAX, 48, 0);
	received(fd, TQ_SMALL_MAX, 49, 0);
	t_is(t_info(fd).dropped, 46);
	t_end(fd);
}

/* Nobody is told of it but by RECEIVE, whoever took which message. */
static void plain_readers_notice_nothing(void)
{
	int fd = open_dropping(), other = t_open_queue(NAME, O_RDONLY), i;

	for (i = 0; i < FULL + 2; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_receive(fd, TQ_SMALL_MAX, 2);
	received(other, TQ_SMALL_MAX, 3, 2);
	received(fd, TQ_SMALL_MAX, 4, 0);
	received(other, TQ_SMALL_MAX, 5, 0);
	t_is(t_info(fd).dropped, 2);
	close(other);
	t_end(fd);
}

/* A call that fails is told of nothing: the next one is. */
static void told_by_no_call_that_fails(void)
{
	size_t page = t_page();
	int fd = open_dropping(), i;
	char *edge = t_edge(page), buf[TQ_PAGE / 2];
	struct tqueue_receive receive;

	for (i = 0; i < FULL + 3; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < 5; i++) {
		receive = (struct tqueue_receive){
			.records = (uintptr_t)buf, .bytes = 100, .dropped = 77,
		};
		t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EMSGSIZE);
		t_is(receive.dropped, 0);
		receive = (struct tqueue_receive){
			.records = (uintptr_t)edge + page - 8 * i, .bytes = TQ_PAGE,
			.dropped = 77,
		};
		t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EFAULT);
		t_is(receive.dropped, 0);
		receive = (struct tqueue_receive){
			.records = (uintptr_t)edge + page - 500 - 8 * i,
			.bytes = TQ_PAGE, .dropped = 77,
		};
		t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EFAULT);
		t_is(receive.dropped, 0);
		peeked(fd, TQ_SMALL_MAX, 3);
	}
	received(fd, TQ_SMALL_MAX, 3, 3);
	for (i = 4; i < FULL + 3; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	/* With nothing there, nobody is told either. */
	for (i = 0; i < FULL + 1; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	for (i = 1; i < FULL + 1; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .dropped = 77,
	};
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EAGAIN);
	t_is(receive.dropped, 0);
	t_send(fd, 10, 9);
	received(fd, 10, 9, 1);
	t_end(fd);
}

/*
 * A receiver has the message after the gap in flight, and cannot have it: it comes
 * back, and so does what was to be told. What is dropped meanwhile adds to it.
 */
static void what_comes_back_is_told_once(void)
{
	size_t page = t_page(), len = page / 8 - 12;
	char *zeros = aligned_alloc(page, 2 * page);
	int fd = open_dropping(), in, i, more;
	struct t_batch batch;
	struct t_stall stall;
	uint64_t dropped;

	memset(zeros, 0, 2 * page);
	for (more = 0; more < 3; more++) {
		in = t_open_queue(NAME, O_RDONLY);
		dropped = t_info(fd).dropped;
		for (i = 0; i < 10; i++)
			t_send(fd, len, i);
		t_is(t_info(fd).dropped - dropped, 3);
		t_stall_make(&stall, 2 * page);
		t_start_receive(&batch, in, stall.map + page - 8, t_record(len),
				TQUEUE_FOREVER);
		t_stall_by_turns(&stall, zeros);
		/* It has 3 now. Of 4 to 9 so many go. */
		for (i = 0; i < 2 * more; i++)
			t_send(fd, len, 10 + i);
		t_is(t_info(fd).in_flight, 1);
		t_stall_spoil(&stall);
		t_fails(&batch.task, EFAULT);
		t_is(batch.receive.dropped, 0);
		close(stall.uffd);
		munmap(stall.map, stall.len);
		dropped = t_info(fd).dropped - dropped;
		received(fd, len, 3, dropped);
		for (i = 4 + dropped - 3; i < 10 + 2 * more; i++)
			received(fd, len, i, 0);
		close(in);
	}
	free(zeros);
	t_end(fd);
}

/* A partial message that comes back is none that was dropped, and tells nothing. */
static void a_partial_behind_the_gap(void)
{
	int fd = open_dropping(), holder = t_open_queue(NAME, O_RDONLY), i;
	char buf[TQ_PAGE / 2];
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
	};

	for (i = 0; i < FULL + 2; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_is(read(holder, buf, 8), 8);
	t_send(fd, TQ_SMALL_MAX, FULL + 2);
	close(holder);
	t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 1);
	t_is(receive.dropped, 2);
	t_is(t_at(buf, 0)->flags, TQUEUE_FLAG_PARTIAL | TQUEUE_FLAG_DROPPED);
	for (i = 3; i < FULL + 3; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	t_is(t_info(fd).dropped, 2);
	t_end(fd);
}

/* Nobody has ever received when the first is dropped: then nothing but reads. */
static void dropped_before_anybody_received(void)
{
	char byte;
	int round;

	for (round = 0; round < 8; round++) {
		int fd = open_dropping(), i;

		fcntl(fd, F_SETFL, O_NONBLOCK);
		for (i = 0; i < FULL + round; i++)
			t_send(fd, TQ_SMALL_MAX, i);
		for (i = round; i < FULL + round; i++)
			t_receive(fd, TQ_SMALL_MAX, i);
		t_errno(read(fd, &byte, 1), EAGAIN);
		t_errno(read(fd, &byte, 1), EAGAIN);
		t_is(t_poll(fd, POLLIN), 0);
		t_is(t_info(fd).messages, 0);
		t_send(fd, 100, 99);
		t_receive(fd, 100, 99);
		t_errno(read(fd, &byte, 1), EAGAIN);
		t_end(fd);
	}
}

/* A partial message that came back is dropped in its turn, and counts as one. */
static void gaps_around_a_rest(void)
{
	int fd = open_dropping(), holder = t_open_queue(NAME, O_RDONLY), i;
	char part[8];

	for (i = 0; i < FULL; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_is(read(holder, part, sizeof(part)), sizeof(part));
	for (i = FULL; i < FULL + 2; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_is(t_info(fd).dropped, 1);
	close(holder);
	/* Needs the room of the rest and of one more. */
	t_send(fd, TQ_SMALL_MAX, FULL + 2);
	t_is(t_info(fd).dropped, 3);
	received(fd, TQ_SMALL_MAX, 3, 3);
	for (i = 4; i < FULL + 3; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	t_end(fd);
}

/*
 * A receiver stalls in the midst of a batch, and what it would have received
 * next is dropped. All of it is told, each time with a first record.
 */
static void a_gap_while_a_receiver_stalls(void)
{
	size_t page = t_page(), len = 500;
	int fd = open_dropping(), i;
	struct t_batch batch;
	struct t_stall stall;
	uint64_t dropped = 0;
	long received = 0;
	char *zeros = calloc(1, 2 * page), *buf;

	t_stall_make(&stall, 2 * page);
	t_stall_give(&stall, zeros, 0, page);
	buf = stall.map + page - 2 * t_record(len) - 8;
	for (i = 0; i < 7; i++)
		t_send(fd, len, i);
	t_start_receive(&batch, t_open_queue(NAME, O_RDONLY), buf,
			7 * t_record(len), TQUEUE_FOREVER);
	t_stall_wait(&stall);
	for (i = 7; i < 20; i++)
		t_send(fd, len, i);
	t_stall_release(&stall, NULL);
	t_finish(&batch.task);
	while (batch.task.result > 0) {
		size_t at = 0;

		for (i = 0; i < batch.task.result; i++) {
			t_is(!!(t_at(buf, at)->flags & TQUEUE_FLAG_DROPPED),
			     !i && batch.receive.dropped);
			at += t_record(len);
		}
		dropped += batch.receive.dropped;
		received += batch.task.result;
		batch.receive.bytes = 7 * t_record(len);
		batch.receive.deadline = 0;
		batch.task.result = ioctl(fd, TQUEUE_RECEIVE, &batch.receive);
	}
	t_is(dropped, t_info(fd).dropped);
	t_is(dropped + received, 20);
	close(batch.task.fd);
	free(zeros);
	t_end(fd);
}

/* Everything was dropped by one that needs all the room. */
static void as_many_as_need_be(void)
{
	enum { FIT = TQ_PAGE / 64 };	/* messages of 64 bytes */
	int fd = open_dropping(), i, n;
	size_t len;

	/* Small messages, then larger and larger ones. */
	for (len = 0; len < TQ_SMALL_MAX; len += 83) {
		uint64_t dropped = t_info(fd).dropped;

		for (i = 0; i < FIT; i++)
			t_send(fd, 24, i);
		t_is(t_info(fd).messages, FIT);
		t_is(t_info(fd).dropped, dropped);
		t_send(fd, 1 + len, 99);
		n = (t_record(1 + len) + 63) / 64;
		t_is(t_info(fd).dropped, dropped + n);
		t_is(t_info(fd).messages, FIT - n + 1);
		received(fd, 24, n, n);
		for (i = n + 1; i < FIT; i++)
			t_receive(fd, 24, i);
		received(fd, 1 + len, 99, 0);
	}
	t_end(fd);
}

/* A message that cannot be sent costs no other. */
static void failures_drop_nothing(void)
{
	size_t page = t_page(), there;
	int fd = open_dropping(), i;
	char *edge = t_edge(page), buf[TQ_PAGE / 2];
	struct iovec parts[2] = { { buf, 100 }, { edge + page, 100 } };

	for (i = 0; i < FULL; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_errno(write(fd, edge + page, 100), EFAULT);
	for (there = 0; there < 100; there++)
		t_errno(write(fd, edge + page - there, 100), EFAULT);
	t_errno(writev(fd, parts, 2), EFAULT);
	t_errno(write(fd, buf, TQ_SMALL_MAX + 1), EMSGSIZE);
	t_errno(write(fd, edge, 1 << 20), EMSGSIZE);
	t_errno(t_send_call(fd, edge + page, 100, 0), EFAULT);
	t_errno(t_send_call(fd, edge + page - 20, 100, 0), EFAULT);
	t_put(edge, page - t_record(100), 100, 1);
	t_errno(t_send_call(fd, edge + page - t_record(100) + 8, 1000, 0), EINVAL);
	t_put(buf, 0, 10, 1);
	t_at(buf, 0)->header_words = 4;
	t_errno(t_send_call(fd, buf, t_record(10), 0), EINVAL);
	t_put(buf, 0, TQ_SMALL_MAX + 1, 1);
	t_errno(t_send_call(fd, buf, t_record(TQ_SMALL_MAX + 1), 0), EMSGSIZE);
	t_is(t_info(fd).dropped, 0);
	t_received(fd, FULL, TQ_SMALL_MAX, 0);
	t_end(fd);
}

/*
 * Memory that is there when it is looked at, and gone when it is copied: then, too,
 * nothing was dropped for a message that cannot be had.
 */
static void memory_that_goes(bool batch)
{
	size_t page = t_page();
	char *from = aligned_alloc(page, 2 * page), *at;
	int fd = open_dropping(), i;
	struct t_stall stall;
	struct t_task writer, *task;
	struct t_batch sender;
	char buf[200];

	memset(from, 0, 2 * page);
	t_put(from, page - t_record(0), 100, 9);
	for (i = 0; i < FULL; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_stall_make(&stall, 2 * page);
	at = stall.map + page - t_record(0);
	if (batch)
		t_start_send(&sender, fd, at, t_record(100), TQUEUE_FOREVER);
	else
		t_start_write(&writer, fd, at, 100);
	task = batch ? &sender.task : &writer;
	t_stall_wait(&stall);
	t_stall_give(&stall, from, 0, page);
	t_stall_wait(&stall);
	t_is(madvise(stall.map, page, MADV_DONTNEED), 0);
	t_stall_give(&stall, from, page, page);
	/* Is the first wanted once more, or was it copied the first time? */
	while (!t_done(task) && !t_stall_hit(&stall, 1))
		;
	if (t_done(task)) {
		t_result(task, batch ? 1 : 100);
		t_stall_release(&stall, NULL);
		t_is(t_info(fd).dropped, 1);
		t_receive(fd, TQ_SMALL_MAX, 1);
		t_receive(fd, TQ_SMALL_MAX, 2);
		t_receive(fd, TQ_SMALL_MAX, 3);
		t_is(read(fd, buf, sizeof(buf)), 100);
	} else {
		t_is(t_info(fd).dropped, 0);
		t_stall_spoil(&stall);
		t_fails(task, EFAULT);
		close(stall.uffd);
		t_is(t_info(fd).dropped, 0);
		t_received(fd, FULL, TQ_SMALL_MAX, 0);
	}
	munmap(stall.map, stall.len);
	free(from);
	t_end(fd);
}

static void memory_that_goes_drops_nothing(void)
{
	memory_that_goes(false);
	memory_that_goes(true);
}

/* What a batch could not send has cost nothing: as much as the records that went. */
static void a_batch_that_ends_early(void)
{
	int fd = open_dropping(), i, good;
	size_t page = t_page(), end;
	char *edge = t_edge(2 * page);

	for (good = 0; good < 3; good++) {
		for (i = 0; i < FULL; i++)
			t_send(fd, TQ_SMALL_MAX, i);
		t_is(t_info(fd).dropped, good * (good - 1) / 2);
		/* The last lies half behind the edge. */
		end = 2 * page - good * t_record(TQ_SMALL_MAX) - 200;
		for (i = 0; i < good; i++)
			end = t_put(edge, end, TQ_SMALL_MAX, 50 + i);
		memset(edge + end, 0, 200);
		t_at(edge, end)->length = TQ_SMALL_MAX;
		t_at(edge, end)->header_words = TQUEUE_HEADER_WORDS;
		end = 2 * page - good * t_record(TQ_SMALL_MAX) - 200;
		if (good)
			t_is(t_send_call(fd, edge + end,
					 (good + 1) * t_record(TQ_SMALL_MAX), 0), good);
		else
			t_errno(t_send_call(fd, edge + end, t_record(TQ_SMALL_MAX), 0),
				EFAULT);
		t_is(t_info(fd).dropped, good * (good + 1) / 2);
		for (i = 0; i < FULL; i++)
			t_is(read(fd, edge, TQ_SMALL_MAX), TQ_SMALL_MAX);
	}
	t_end(fd);
}

/* A sender whose buffer stalls has cost nobody anything yet. */
static void stalled_sender(void)
{
	int fd = open_dropping(), i;
	char *from = aligned_alloc(t_page(), t_page());
	struct t_stall stall;
	struct t_task sender;

	for (i = 0; i < FULL; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_stall_make(&stall, t_page());
	t_start_write(&sender, t_open_queue(NAME, O_WRONLY), stall.map, 100);
	t_stall_wait(&stall);
	t_is(t_info(fd).dropped, 0);
	t_send(fd, TQ_SMALL_MAX, 4);
	t_is(t_info(fd).dropped, 1);
	t_pattern(from, t_page(), 9, 0);
	t_stall_release(&stall, from);
	t_result(&sender, 100);
	t_is(t_info(fd).dropped, 2);
	received(fd, TQ_SMALL_MAX, 2, 2);
	t_receive(fd, TQ_SMALL_MAX, 3);
	t_receive(fd, TQ_SMALL_MAX, 4);
	t_receive(fd, 100, 9);
	close(sender.fd);
	t_end(fd);
}

/* More than all there is room for: a batch may cost its own first. */
static void batches(void)
{
	char *buf = malloc(4 * TQ_PAGE);
	int fd = open_dropping();
	size_t end = t_put_many(buf, TQ_SMALL_MAX, 0, 10);
	uint64_t dropped;
	long n, rest;

	n = t_send_call(fd, buf, end, TQUEUE_FOREVER);
	t_true(n >= FULL && n <= 10, "SEND gives %ld", n);
	t_is(t_info(fd).dropped, n - FULL);
	t_is(t_info(fd).messages, FULL);
	/* Those after it cost those before. */
	dropped = t_info(fd).dropped;
	end = t_put_many(buf, TQ_SMALL_MAX, 20, 2);
	t_is(t_send_call(fd, buf, end, 0), 2);
	t_is(t_info(fd).dropped, dropped + 2);
	received(fd, TQ_SMALL_MAX, n - FULL + 2, dropped + 2);
	for (rest = n - FULL + 3; rest < n; rest++)
		received(fd, TQ_SMALL_MAX, rest, 0);
	received(fd, TQ_SMALL_MAX, 20, 0);
	received(fd, TQ_SMALL_MAX, 21, 0);
	free(buf);
	t_end(fd);
}

/* What a reader holds is its own; what came back is the oldest of all. */
static void rests(void)
{
	int fd = open_dropping(), holder = t_open_queue(NAME, O_RDONLY), i;
	char part[100], buf[TQ_PAGE / 2];
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
	};

	t_send(fd, TQ_SMALL_MAX, 0);
	t_is(read(holder, part, 100), 100);
	for (i = 1; i <= FULL; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_is(t_info(fd).dropped, 0);
	t_send(fd, TQ_SMALL_MAX, 5);
	t_is(t_info(fd).dropped, 1);
	t_receive_rest(holder, TQ_SMALL_MAX - 100, 0, 100);
	/* One comes back to a full queue: it goes first. */
	t_is(read(holder, part, 100), 100);
	t_send(fd, TQ_SMALL_MAX, 6);
	t_is(t_info(fd).messages, FULL);
	close(holder);
	t_is(t_info(fd).messages, FULL + 1);
	t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 1);
	t_true(t_at(buf, 0)->flags & TQUEUE_FLAG_PARTIAL, "flags %#x",
	       t_at(buf, 0)->flags);
	t_is(t_differs(t_at(buf, 0)->payload, TQ_SMALL_MAX - 100, 2, 100), -1);
	/* And once more, but now there is one to be dropped for it. */
	holder = t_open_queue(NAME, O_RDONLY);
	t_is(read(holder, part, 100), 100);
	t_send(fd, TQ_SMALL_MAX, 7);
	close(holder);
	t_send(fd, TQ_SMALL_MAX, 8);
	t_true(t_info(fd).bytes <= TQ_PAGE, "%llu bytes in a queue of 4096",
	       (unsigned long long)t_info(fd).bytes);
	t_is(t_info(fd).dropped, 3);
	t_is(t_info(fd).messages, FULL);
	for (i = 5; i <= 8; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_end(fd);
}

/* A reader that sleeps is served, whatever is dropped meanwhile. */
static void a_sleeping_reader(void)
{
	int fd = open_dropping();
	struct t_task reader;
	char buf[TQ_PAGE / 2];
	size_t end = t_put_many(buf, 24, 0, 30);
	long n;

	t_start_read(&reader, fd, buf + 1920, 100);
	t_asleep(&reader, SYS_read);
	n = t_send_call(fd, buf, end, 0);
	t_is(n, 30);
	t_result(&reader, 24);
	t_received(fd, 29, 24, 1);
	t_end(fd);
}

/* ---- a policy that changes ------------------------------------------------------- */

static void waiting_senders(unsigned int overflow)
{
	int fd = open_with(TQUEUE_OVERFLOW_BLOCK), i;
	struct t_batch batch;
	struct t_task sender;
	char buf[100], records[256];

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	t_pattern(buf, 100, 10, 0);
	t_start_write(&sender, fd, buf, 100);
	t_asleep(&sender, SYS_write);
	t_start_send(&batch, fd, records, t_put_many(records, 20, 11, 2),
		     TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	set_overflow(overflow);
	if (overflow == TQUEUE_OVERFLOW_REJECT) {
		t_fails(&sender, ENOBUFS);
		t_fails(&batch.task, ENOBUFS);
		t_received(fd, FULL, TQ_SMALL_MAX, 0);
		t_end(fd);
		return;
	}
	t_result(&sender, 100);
	t_finish(&batch.task);
	t_true(batch.task.result >= 1, "SEND gives %zd (%s)", batch.task.result,
	       strerrorname_np(batch.task.error));
	t_is(t_info(fd).dropped, 1);
	received(fd, TQ_SMALL_MAX, 1, 1);
	for (i = 2; i < FULL; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	received(fd, 100, 10, 0);
	t_received(fd, batch.task.result, 20, 11);
	t_end(fd);
}

static void to_reject(void)
{
	waiting_senders(TQUEUE_OVERFLOW_REJECT);
}

static void to_drop_oldest(void)
{
	waiting_senders(TQUEUE_OVERFLOW_DROP_OLDEST);
}

static void run_poll(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLOUT };

	task->result = poll(&one, 1, -1);
	task->error = one.revents;
}

/* Who polls for room is told that there always is some now. */
static void pollers(void)
{
	struct t_task poller = { .fd = open_with(TQUEUE_OVERFLOW_BLOCK) };

	t_is(t_fill_file(poller.fd, TQ_SMALL_MAX, 0), FULL);
	t_start(&poller, run_poll);
	t_asleep(&poller, SYS_poll);
	set_overflow(TQUEUE_OVERFLOW_DROP_OLDEST);
	t_result(&poller, 1);
	t_is(poller.error, POLLOUT);
	t_received(poller.fd, FULL, TQ_SMALL_MAX, 0);
	t_end(poller.fd);
}

static void back_to_block(void)
{
	int fd = open_dropping(), i;
	struct t_task sender;
	char buf[100] = "";

	for (i = 0; i < FULL + 1; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	set_overflow(TQUEUE_OVERFLOW_BLOCK);
	t_start_write(&sender, fd, buf, 100);
	t_asleep(&sender, SYS_write);
	t_is(t_info(fd).dropped, 1);
	received(fd, TQ_SMALL_MAX, 1, 1);
	t_result(&sender, 100);
	for (i = 2; i < FULL + 1; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	t_is(read(fd, buf, 100), 100);
	t_end(fd);
}

/* ---- in traffic --------------------------------------------------------------------- */

static atomic_int stop;

/* Messages of 16 bytes and more: who, which number, and then filling. */
static void send_on(struct t_task *task)
{
	unsigned int state = task->number;
	uint64_t buf[60] = { task->number };

	while (!atomic_load(&stop)) {
		state = state * 1664525 + 1013904223;
		buf[1] = atomic_load(&task->count);
		t_is(write(task->fd, buf, 16 + (state >> 24)), 16 + (state >> 24));
		atomic_fetch_add(&task->count, 1);
	}
}

/*
 * Between two messages from one sender lie at most as many numbers as were said
 * to be dropped; in all, what is missing is what was dropped.
 */
static void in_traffic(void)
{
	enum { SENDERS = 3 };
	struct t_task senders[SENDERS];
	double end = t_now() + t_seconds(3);
	uint64_t next[SENDERS] = { 0 }, missing = 0, dropped = 0, sent = 0, got = 0;
	int fd = open_dropping(), i;
	bool last = false;
	char buf[TQ_PAGE / 2];

	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct t_task){
			.number = i, .fd = t_open_queue(NAME, O_WRONLY),
		};
		t_start(&senders[i], send_on);
	}
	for (;;) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
		};
		uint64_t gap = 0;
		size_t at = 0;
		long n, j;

		if (!last && !t_goes_on(end, dropped)) {
			atomic_store(&stop, 1);
			for (i = 0; i < SENDERS; i++)
				t_finish(&senders[i]);
			last = true;
		}
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			t_is(errno, EAGAIN);
			if (last)
				break;
			continue;
		}
		for (j = 0; j < n; j++) {
			struct tqueue_record *record = t_at(buf, at);
			uint64_t head[2];

			memcpy(head, record->payload, sizeof(head));
			t_true(head[0] < SENDERS, "sender %llu",
			       (unsigned long long)head[0]);
			t_true(head[1] >= next[head[0]], "number %llu after %llu",
			       (unsigned long long)head[1],
				(unsigned long long)next[head[0]]);
			gap += head[1] - next[head[0]];
			next[head[0]] = head[1] + 1;
			/* Only where something was dropped is there a mark. */
			t_is(!!(record->flags & TQUEUE_FLAG_DROPPED),
			     !j && receive.dropped);
			at += t_record(record->length);
		}
		got += n;
		missing += gap;
		dropped += receive.dropped;
		if (!receive.dropped && !dropped)
			t_is(missing, 0);
		t_true(missing <= dropped, "%llu are missing, %llu were dropped",
		       (unsigned long long)missing, (unsigned long long)dropped);
		/* Falls behind, that something be dropped. */
		if (!last)
			usleep(got % 3 * 1000);
	}
	for (i = 0; i < SENDERS; i++) {
		sent += atomic_load(&senders[i].count);
		close(senders[i].fd);
	}
	t_is(t_info(fd).dropped, dropped);
	t_is(sent, got + dropped);
	fprintf(stderr, "# %llu sent, %llu dropped\n", (unsigned long long)sent,
		(unsigned long long)dropped);
	t_true(dropped, "nothing was ever dropped");
	t_end(fd);
}

/* ---- who receives what, at random -------------------------------------------------- */

enum { RECEIVERS = 4 };

struct tally {
	atomic_ulong told, received;
};

static struct tally tally;

/* Receives in ways that work and in ways that fail, and gives back what it began. */
static void receive_on(struct t_task *task)
{
	size_t page = t_page();
	char *edge = t_edge(page), part[4];
	unsigned int state = task->number;
	int fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);

	while (!atomic_load(&stop)) {
		struct tqueue_receive receive = { .count = state >> 20 & 7 };
		size_t at = 0;
		long n, i;

		state = state * 1664525 + 1013904223;
		switch (state >> 28) {
		case 0:		/* cannot be had, or not all of it */
			receive.records = (uintptr_t)edge + page - (state >> 16 & 0x3f8);
			break;
		case 1:		/* taken in part, and given back */
			if (read(fd, part, sizeof(part)) == sizeof(part)) {
				close(fd);
				fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
			}
			continue;
		case 2:
			receive.records = (uintptr_t)edge;
			receive.flags = TQUEUE_RECEIVE_PEEK;
			break;
		default:
			receive.records = (uintptr_t)edge;
			break;
		}
		receive.bytes = 2 * page;
		if (state >> 28 > 2)
			receive.bytes = page;
		receive.dropped = 99;
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			t_is(receive.dropped, 0);
			t_true(errno == EAGAIN || errno == EFAULT || errno == EMSGSIZE,
			       "RECEIVE fails with %s", strerrorname_np(errno));
			sched_yield();
			continue;
		}
		for (i = 0; i < n; i++) {
			struct tqueue_record *record =
				t_at((void *)(uintptr_t)receive.records, at);

			t_is(!!(record->flags & TQUEUE_FLAG_DROPPED),
			     !i && receive.dropped);
			at += t_record(record->length);
		}
		if (receive.flags & TQUEUE_RECEIVE_PEEK) {
			t_is(receive.dropped, 0);
			continue;
		}
		atomic_fetch_add(&tally.told, receive.dropped);
		atomic_fetch_add(&tally.received, n);
	}
	close(fd);
	t_edge_free(edge, page);
}

/*
 * Each message that was sent was received once or dropped once, and each drop was
 * told once, whoever received in whatever way.
 */
static void all_is_told(void)
{
	struct t_task senders[2], receivers[RECEIVERS];
	double end = t_now() + t_seconds(3);
	int fd = open_dropping(), i;
	uint64_t sent = 1;
	char buf[2 * TQ_PAGE];
	long n;

	for (i = 0; i < 2; i++) {
		senders[i] = (struct t_task){
			.number = i, .fd = t_open_queue(NAME, O_WRONLY),
		};
		t_start(&senders[i], send_on);
	}
	for (i = 0; i < RECEIVERS; i++) {
		receivers[i] = (struct t_task){ .number = 77 + i };
		t_start(&receivers[i], receive_on);
	}
	while (t_goes_on(end, t_info(fd).dropped > 100 &&
			 atomic_load(&tally.told)))
		t_sleep_ms(10);
	atomic_store(&stop, 1);
	for (i = 0; i < RECEIVERS; i++)
		t_finish(&receivers[i]);
	for (i = 0; i < 2; i++) {
		t_finish(&senders[i]);
		sent += atomic_load(&senders[i].count);
		close(senders[i].fd);
	}
	/* The last one brings what was not told yet. */
	t_send(fd, 100, 1);
	do {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
		};

		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n > 0) {
			tally.told += receive.dropped;
			tally.received += n;
		}
	} while (n > 0);
	t_is(tally.told, t_info(fd).dropped);
	t_is(tally.received, t_info(fd).received);
	t_is(tally.received + tally.told, sent);
	t_true(tally.told, "nothing was ever dropped");
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(refuses_at_once),
	TQ_TEST(refuses_for_other_reasons),
	TQ_TEST(blocks),
	TQ_TEST(counts_what_it_drops),
	TQ_TEST(the_gap_in_a_batch),
	TQ_TEST(gaps_add_up),
	TQ_TEST(plain_readers_notice_nothing),
	TQ_TEST(told_by_no_call_that_fails),
	TQ_TEST(what_comes_back_is_told_once),
	TQ_TEST(a_partial_behind_the_gap),
	TQ_TEST(dropped_before_anybody_received),
	TQ_TEST(gaps_around_a_rest),
	TQ_TEST(a_gap_while_a_receiver_stalls),
	TQ_TEST(as_many_as_need_be),
	TQ_TEST(failures_drop_nothing),
	TQ_TEST(memory_that_goes_drops_nothing),
	TQ_TEST(a_batch_that_ends_early),
	TQ_TEST(stalled_sender),
	TQ_TEST(batches),
	TQ_TEST(rests),
	TQ_TEST(a_sleeping_reader),
	TQ_TEST(to_reject),
	TQ_TEST(to_drop_oldest),
	TQ_TEST(pollers),
	TQ_TEST(back_to_block),
	TQ_TEST(in_traffic),
	TQ_TEST(all_is_told),
};

int main(int argc, char **argv)
{
	return t_main("overflow", tests, ARRAY_SIZE(tests), argc, argv);
}
