// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages above a piece, which never stand in the ring: they arrive whole and in
 * their order among small ones, take as much of the queue as their bytes say, and
 * all that is promised of messages holds for them.
 */
#include "calls.h"

#define NAME	"pieces"
#define PIECE	(256UL << 10)
#define SIZE	(8UL << 20)

static char *buf, *got;

static int open_queue(unsigned int overflow)
{
	t_create_with(NAME, SIZE, overflow, TQUEUE_EOF_NEVER);
	buf = malloc(SIZE);
	got = malloc(SIZE);
	return t_open_queue(NAME, O_RDWR);
}

/* Around the piece, as a record and as a payload, and well above. */
static const size_t lengths[] = {
	PIECE - TQ_HEADER - 8, PIECE - TQ_HEADER, PIECE - TQ_HEADER + 1, PIECE - 1,
	PIECE, PIECE + 1, PIECE + TQ_HEADER, 2 * PIECE, 3 * PIECE + 12345,
	SIZE / 4 - TQ_HEADER,
};

static void put(int fd, size_t len, uint64_t seed, bool batch)
{
	if (!batch) {
		t_pattern(buf, len, seed, 0);
		t_is(write(fd, buf, len), len);
		return;
	}
	t_is(t_send_call(fd, buf, t_put(buf, 0, len, seed), 0), 1);
}

static void get(int fd, size_t len, uint64_t seed, bool batch)
{
	size_t at = 0;

	if (!batch) {
		t_is(read(fd, got, SIZE), len);
		t_is(t_differs(got, len, seed, 0), -1);
		return;
	}
	t_is(t_receive_call(fd, got, t_record(len), 0), 1);
	t_record_is(got, &at, t_record(len), len, seed, 0);
}

/* One at a time, by every way in and out. */
static void whole(void)
{
	int fd = open_queue(TQUEUE_OVERFLOW_BLOCK), how;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (how = 0; how < 4; how++) {
			put(fd, lengths[i], i, how & 1);
			t_is(t_info(fd).messages, 1);
			t_is(t_info(fd).bytes, t_record(lengths[i]));
			t_is(t_fionread(fd), lengths[i]);
			t_is(t_poll(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
			get(fd, lengths[i], i, how & 2);
			t_is(t_info(fd).bytes, 0);
		}
	}
	t_errno(write(fd, buf, SIZE / 4 - TQ_HEADER + 1), EMSGSIZE);
	t_end(fd);
}

/* Small, large, small: the ring and what stands beside it are one queue. */
static void in_order(void)
{
	int fd = open_queue(TQUEUE_OVERFLOW_BLOCK), round;
	size_t i, n, bytes;

	for (round = 0; round < 4; round++) {
		for (i = 0, bytes = 0, n = 0; i < ARRAY_SIZE(lengths) - 1; i++) {
			put(fd, 100 + i, n++, round & 1);
			put(fd, lengths[i], n++, round & 1);
			put(fd, 10, n++, !(round & 1));
			bytes += t_record(100 + i) + t_record(lengths[i]) + t_record(10);
			t_is(t_info(fd).bytes, bytes);
		}
		for (i = 0, n = 0; i < ARRAY_SIZE(lengths) - 1; i++) {
			get(fd, 100 + i, n++, round & 2);
			get(fd, lengths[i], n++, round & 2);
			get(fd, 10, n++, !(round & 2));
		}
		t_is(t_info(fd).bytes, 0);
	}
	t_end(fd);
}

/* All of them in one batch, and out in another. */
static void in_batches(void)
{
	int fd = open_queue(TQUEUE_OVERFLOW_BLOCK);
	size_t end = 0, at = 0, i, sent = 0;
	struct tqueue_send send;

	for (i = 0; i < 9; i++) {
		end = t_put(buf, end, 50, 2 * i);
		end = t_put(buf, end, lengths[i], 2 * i + 1);
	}
	send = (struct tqueue_send){ .records = (uintptr_t)buf, .bytes = end };
	t_is(ioctl(fd, TQUEUE_SEND, &send), 18);
	t_is(send.sent_bytes, end);
	t_is(t_peek_call(fd, got, SIZE), 18);
	memset(got, 0x5a, end);
	while (sent < 18) {
		long n = t_receive_call(fd, got + at, SIZE - at, 0);
		size_t from = at;

		t_true(n > 0, "RECEIVE gives %ld (%s)", n, strerrorname_np(errno));
		for (; n; n--, sent++)
			t_record_is(got, &from, end, sent & 1 ? lengths[sent / 2] : 50,
				    sent, 0);
		at = from;
	}
	t_is(at, end);
	t_end(fd);
}

/* Read in part, given back, read again. */
static void in_parts(void)
{
	int fd = open_queue(TQUEUE_OVERFLOW_BLOCK), holder;
	size_t len = 2 * PIECE + 77, at;

	put(fd, len, 1, false);
	put(fd, 10, 2, false);
	for (at = 0; at < len; at += 100000) {
		size_t want = len - at < 50000 ? len - at : 50000;

		holder = t_open_queue(NAME, O_RDONLY);
		t_is(read(holder, got, want), want);
		t_is(t_differs(got, want, 1, at), -1);
		if (at + want < len) {
			size_t more = len - at - want;

			more = more < 50000 ? more : 50000;
			t_is(read(holder, got, more), more);
			t_is(t_differs(got, more, 1, at + want), -1);
		}
		close(holder);
	}
	t_receive(fd, 10, 2);
	t_end(fd);
}

/* They count as what they are: so many fit, and not a byte more. */
static void as_many_as_fit(void)
{
	int fd = open_queue(TQUEUE_OVERFLOW_BLOCK), i, n = SIZE / (PIECE + 8 * TQ_HEADER);
	size_t len = PIECE + 7 * TQ_HEADER, left, last;
	struct t_task sender;
	char *own = malloc(len);

	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (i = 0; i < n; i++)
		put(fd, len, i, i & 1);
	t_errno(write(fd, buf, len), EAGAIN);
	left = SIZE - t_info(fd).bytes;
	t_is(left, SIZE - n * t_record(len));
	last = left - TQ_HEADER;
	t_errno(write(fd, buf, last + 1), EAGAIN);
	put(fd, last, n, false);
	t_is(t_info(fd).bytes, SIZE);
	t_errno(write(fd, buf, 1), EAGAIN);
	/* One that waits gets in when one is received. */
	t_pattern(own, len, n + 1, 0);
	t_start_write(&sender, t_open_queue(NAME, O_WRONLY), own, len);
	t_asleep(&sender, SYS_write);
	get(fd, len, 0, false);
	t_result(&sender, len);
	close(sender.fd);
	for (i = 1; i < n; i++)
		get(fd, len, i, i & 2);
	get(fd, last, n, false);
	get(fd, len, n + 1, true);
	t_end(fd);
}

/* One takes the place of thousands of small ones, more than go in one piece of work. */
static void takes_the_place_of_many(bool blocked)
{
	int fd = open_queue(blocked ? TQUEUE_OVERFLOW_BLOCK :
				      TQUEUE_OVERFLOW_DROP_OLDEST);
	size_t len = SIZE / 4 - TQ_HEADER, n = SIZE / t_record(1), dropped;
	struct t_task sender;

	t_is(t_send_call(fd, buf, t_put_many(buf, 1, 0, n), 0), n);
	t_pattern(buf, len, 7, 0);
	if (blocked) {
		t_start_write(&sender, t_open_queue(NAME, O_WRONLY), buf, len);
		t_asleep(&sender, SYS_write);
		t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
				   TQUEUE_OVERFLOW_DROP_OLDEST, 0), 0);
		t_result(&sender, len);
		close(sender.fd);
	} else {
		t_is(write(fd, buf, len), len);
	}
	dropped = (t_record(len) - SIZE % t_record(1) + t_record(1) - 1) / t_record(1);
	t_is(t_info(fd).dropped, dropped);
	for (n -= dropped; n;) {
		long some = t_receive_call(fd, got, n * t_record(1), 0);

		t_true(some > 0, "RECEIVE gives %ld (%s)", some,
		       strerrorname_np(errno));
		n -= some;
	}
	get(fd, len, 7, false);
	t_end(fd);
}

static void instead_of_many(void)
{
	takes_the_place_of_many(false);
}

static void blocked_instead_of_many(void)
{
	takes_the_place_of_many(true);
}

/* Reads pass over thousands of empty messages, in front and behind. */
static void among_empty_ones(void)
{
	int fd = open_queue(TQUEUE_OVERFLOW_BLOCK);
	size_t len = PIECE + 8;

	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	t_is(t_send_call(fd, buf, t_put_many(buf, 0, 0, 3000), 0), 3000);
	put(fd, len, 1, false);
	t_is(t_send_call(fd, buf, t_put_many(buf, 0, 0, 10), 0), 10);
	t_is(t_fionread(fd), len);
	t_is(t_info(fd).messages, 3011);
	get(fd, len, 1, false);
	t_is(t_info(fd).messages, 10);
	t_errno(read(fd, got, 1), EAGAIN);
	t_is(t_info(fd).messages, 0);
	t_end(fd);
}

/* They are dropped in their turn. */
static void dropped(void)
{
	int fd = open_queue(TQUEUE_OVERFLOW_DROP_OLDEST), i, n;
	size_t len = PIECE + 8;
	uint64_t dropped;

	for (i = 0; i < 200; i++) {
		put(fd, i % 3 ? len : 1000, i, i & 1);
		t_true(t_info(fd).bytes <= SIZE, "%llu bytes in a queue of %lu",
		       (unsigned long long)t_info(fd).bytes, SIZE);
	}
	dropped = t_info(fd).dropped;
	n = t_info(fd).messages;
	t_is(dropped + n, 200);
	for (i = 200 - n; i < 200; i++)
		t_receive(fd, i % 3 ? len : 1000, i);
	t_is(t_info(fd).messages, 0);
	t_end(fd);
}

/* A larger and a smaller queue, with what is in it. */
static void resized(void)
{
	int fd = open_queue(TQUEUE_OVERFLOW_BLOCK), i;

	for (i = 0; i < 6; i++)
		put(fd, i & 1 ? PIECE + 100 : 500, i, i & 2);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 2 * SIZE, 0), 0);
	put(fd, SIZE / 2 - TQ_HEADER, 6, false);
	get(fd, 500, 0, false);
	t_errno(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 1 << 20, 0), EBUSY);
	for (i = 1; i < 6; i++)
		get(fd, i & 1 ? PIECE + 100 : 500, i, i & 2);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, SIZE, 0), 0);
	get(fd, SIZE / 2 - TQ_HEADER, 6, false);
	t_end(fd);
}

/* ---- in traffic ----------------------------------------------------------------- */

static atomic_int stop;

struct head {
	uint32_t sender, number;
	uint64_t length;
};

static size_t length_of(uint32_t sender, uint32_t number)
{
	uint32_t dice = (sender + 1) * 2654435761U + number * 40503U;

	dice ^= dice >> 15;
	return dice % 8 ? sizeof(struct head) + dice % 2000 :
			  PIECE - 100 + dice % 300000;
}

static void run_sender(struct t_task *task)
{
	char *own = malloc(SIZE);
	uint32_t i;

	for (i = 0; !atomic_load(&stop); i++) {
		struct head head = { task->number, i, length_of(task->number, i) };

		t_pattern(own, head.length, (uint64_t)head.sender << 32 | i, 0);
		memcpy(own, &head, sizeof(head));
		t_is(write(task->fd, own, head.length), head.length);
		atomic_fetch_add(&task->count, 1);
	}
	free(own);
}

/* From several senders, through readers of several kinds: each whole, in order. */
static void in_traffic(void)
{
	enum { SENDERS = 3 };
	struct t_task senders[SENDERS];
	uint32_t next[SENDERS] = { 0 };
	double end = t_now() + t_seconds(3);
	int fd = open_queue(TQUEUE_OVERFLOW_BLOCK), i;
	bool last = false;
	long sent = 0, received = 0, large = 0;

	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct t_task){
			.number = i, .fd = t_open_queue(NAME, O_WRONLY),
		};
		t_start(&senders[i], run_sender);
	}
	for (;;) {
		struct head head;
		ssize_t len;
		char *at = got;

		if (!last && !t_goes_on(end, large > 20)) {
			atomic_store(&stop, 1);
			last = true;
		}
		if (last) {
			bool done = true;

			for (i = 0; i < SENDERS; i++)
				done = done && t_done(&senders[i]);
			t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
			len = read(fd, got, SIZE);
			if (len < 0) {
				t_is(errno, EAGAIN);
				if (done)
					break;
				sched_yield();
				continue;
			}
		} else if (received % 3 == 0) {
			len = read(fd, got, SIZE);
		} else {
			/* As a record, or a small part and then the rest. */
			if (received % 3 == 1) {
				struct tqueue_receive receive = {
					.records = (uintptr_t)got, .bytes = SIZE,
					.deadline = TQUEUE_FOREVER, .count = 1,
				};

				t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 1);
				len = t_at(got, 0)->length;
				at = (char *)t_at(got, 0)->payload;
			} else {
				len = read(fd, got, sizeof(head));
				memcpy(&head, got, sizeof(head));
				if (head.length > sizeof(head))
					len += read(fd, got + sizeof(head), SIZE / 2);
			}
		}
		memcpy(&head, at, sizeof(head));
		t_true(head.sender < SENDERS, "a message from %u", head.sender);
		t_is(head.number, next[head.sender]++);
		t_is(head.length, length_of(head.sender, head.number));
		t_is(len, head.length);
		t_is(t_differs(at + sizeof(head), len - sizeof(head),
			       (uint64_t)head.sender << 32 | head.number,
				sizeof(head)), -1);
		received++;
		large += head.length > PIECE;
	}
	for (i = 0; i < SENDERS; i++) {
		t_finish(&senders[i]);
		sent += senders[i].count;
		close(senders[i].fd);
	}
	t_is(received, sent);
	fprintf(stderr, "# %ld messages, %ld of them large\n", received, large);
	t_is(fcntl(fd, F_SETFL, 0), 0);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(whole),
	TQ_TEST(in_order),
	TQ_TEST(in_batches),
	TQ_TEST(in_parts),
	TQ_TEST(as_many_as_fit),
	TQ_TEST(dropped),
	TQ_TEST(instead_of_many),
	TQ_TEST(blocked_instead_of_many),
	TQ_TEST(among_empty_ones),
	TQ_TEST(resized),
	TQ_TEST(in_traffic),
};

int main(int argc, char **argv)
{
	return t_main("pieces", tests, ARRAY_SIZE(tests), argc, argv);
}
