// SPDX-License-Identifier: GPL-2.0-only
/* "drop-oldest": the oldest message makes room, and the receivers are told. */
#include "overflow.h"

void counts_what_it_drops(void)
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
void the_gap_in_a_batch(void)
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
void gaps_add_up(void)
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
void plain_readers_notice_nothing(void)
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
void told_by_no_call_that_fails(void)
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
void what_comes_back_is_told_once(void)
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
void a_partial_behind_the_gap(void)
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
void dropped_before_anybody_received(void)
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
void gaps_around_a_rest(void)
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
void a_gap_while_a_receiver_stalls(void)
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
void as_many_as_need_be(void)
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
void failures_drop_nothing(void)
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

void memory_that_goes_drops_nothing(void)
{
	memory_that_goes(false);
	memory_that_goes(true);
}

/* What a batch could not send has cost nothing: as much as the records that went. */
void a_batch_that_ends_early(void)
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
void stalled_sender(void)
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
void batches(void)
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
void rests(void)
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
void a_sleeping_reader(void)
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
