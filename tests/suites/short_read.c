// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads smaller than the message: the rest stays with that open file, and goes
 * back to the message's place when the file is closed. No byte is lost, none is
 * seen twice, none of another message gets between.
 */
#include "common.h"

/* dd bs=1 */
static void byte_by_byte(void)
{
	int fd = t_open(O_RDWR);
	size_t i;

	t_send(fd, 100, 1);
	t_send(fd, 50, 2);
	for (i = 0; i < 100; i++)
		t_read_part(fd, 1, 1, i);
	for (i = 0; i < 50; i++)
		t_read_part(fd, 1, 2, i);
	t_nothing();
	close(fd);
}

/* A read that would take more than the rest gets the rest alone. */
static void rest_and_next_do_not_mix(void)
{
	int fd = t_open(O_RDWR);

	t_send(fd, 100, 1);
	t_send(fd, 100, 2);
	t_read_part(fd, 99, 1, 0);
	t_receive_rest(fd, 1, 1, 99);
	t_read_part(fd, 1, 2, 0);
	t_receive_rest(fd, 99, 2, 1);
	t_nothing();
	close(fd);
}

static void every_cut(void)
{
	int fd = t_open(O_RDWR);
	size_t cut;

	for (cut = 1; cut < 70; cut++) {
		t_send(fd, 70, cut);
		t_send(fd, 3, 1000 + cut);
		t_read_part(fd, cut, cut, 0);
		t_receive_rest(fd, 70 - cut, cut, cut);
		t_receive(fd, 3, 1000 + cut);
	}
	t_nothing();
	close(fd);
}

static void large_message_in_pieces(void)
{
	int fd = t_open(O_RDWR);
	size_t max = t_max_message(), at;

	t_send(fd, max, 1);
	t_send(fd, 1, 2);
	for (at = 0; at + 3001 <= max; at += 3001)
		t_read_part(fd, 3001, 1, at);
	if (at < max)
		t_receive_rest(fd, max - at, 1, at);
	t_receive(fd, 1, 2);
	t_nothing();
	close(fd);
}

static void scattered(void)
{
	int fd = t_open(O_RDWR);
	char buf[30];
	struct iovec parts[3] = { { buf, 10 }, { buf + 10, 0 }, { buf + 10, 20 } };

	t_send(fd, 100, 1);
	t_is(readv(fd, parts, 3), 30);
	t_is(t_differs(buf, 30, 1, 0), -1);
	t_is(readv(fd, parts, 3), 30);
	t_is(t_differs(buf, 30, 1, 30), -1);
	t_receive_rest(fd, 40, 1, 60);
	close(fd);
}

/* Others see the next message, not the rest. */
static void rest_belongs_to_its_file(void)
{
	int a = t_open(O_RDWR), b = t_open(O_RDONLY | O_NONBLOCK);
	char byte;

	t_send(a, 10, 1);
	t_read_part(a, 4, 1, 0);
	t_errno(read(b, &byte, 1), EAGAIN);
	t_is(t_poll(a, POLLIN), POLLIN);
	t_is(t_poll(b, POLLIN), 0);
	t_send(a, 20, 2);
	t_receive(b, 20, 2);
	t_receive_rest(a, 6, 1, 4);
	t_is(t_poll(a, POLLIN), 0);
	t_nothing();
	close(a);
	close(b);
}

static void size_of_the_rest(void)
{
	int a = t_open(O_RDWR), b = t_open(O_RDONLY);

	t_is(t_fionread(a), 0);
	t_send(a, 10, 1);
	t_send(a, 33, 2);
	t_is(t_fionread(a), 10);
	t_is(t_fionread(b), 10);
	t_read_part(a, 4, 1, 0);
	t_is(t_fionread(a), 6);
	t_is(t_fionread(b), 33);
	t_read_part(a, 5, 1, 4);
	t_is(t_fionread(a), 1);
	t_read_part(a, 1, 1, 9);
	t_is(t_fionread(a), 33);
	t_receive(b, 33, 2);
	t_is(t_fionread(a), 0);
	t_is(t_fionread(b), 0);
	close(a);
	close(b);
}

static void close_returns_the_rest(void)
{
	int a = t_open(O_RDWR), b = t_open(O_RDONLY);

	t_send(a, 10, 1);
	t_send(a, 10, 2);
	t_read_part(a, 4, 1, 0);
	close(a);
	t_is(t_fionread(b), 6);
	t_is(t_poll(b, POLLIN), POLLIN);
	/* The oldest: before what was sent after it. */
	t_receive_rest(b, 6, 1, 4);
	t_receive(b, 10, 2);
	t_nothing();
	close(b);
}

static void close_returns_the_only_message(void)
{
	int a = t_open(O_RDWR), b;

	t_send(a, 3000, 1);
	t_read_part(a, 2999, 1, 0);
	close(a);
	t_is(t_value("messages"), 1);
	b = t_open(O_RDONLY | O_NONBLOCK);
	t_receive_rest(b, 1, 1, 2999);
	t_nothing();
	close(b);
	t_is(t_value("messages"), 0);
	t_is(t_value("bytes"), 0);
}

/* A rest can be cut and returned again and again. */
static void returned_many_times(void)
{
	int out = t_open(O_WRONLY), fd;
	size_t at;

	t_send(out, 40, 1);
	t_send(out, 5, 2);
	for (at = 0; at < 39; at++) {
		fd = t_open(O_RDONLY | O_NONBLOCK);
		t_read_part(fd, 1, 1, at);
		close(fd);
	}
	fd = t_open(O_RDONLY);
	t_receive_rest(fd, 1, 1, 39);
	t_receive(fd, 5, 2);
	t_nothing();
	close(fd);
	close(out);
}

/* In whatever order they come back, they stand in the order of sending. */
static void rests_return_to_their_places(void)
{
	static const int orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	int fd = t_open(O_RDWR), in[3];
	size_t order;
	int i;

	for (order = 0; order < 6; order++) {
		for (i = 0; i < 4; i++)
			t_send(fd, 16, i);
		for (i = 0; i < 3; i++) {
			in[i] = t_open(O_RDONLY);
			t_read_part(in[i], i + 1, i, 0);
		}
		for (i = 0; i < 3; i++)
			close(in[orders[order][i]]);
		for (i = 0; i < 3; i++)
			t_receive_rest(fd, 15 - i, i, i + 1);
		t_receive(fd, 16, 3);
		t_nothing();
	}
	close(fd);
}

/* Many at once, returned in a stirred order. */
static void many_rests(void)
{
	enum { MANY = 101 };
	int fd = t_open(O_RDWR), in[MANY], i;

	for (i = 0; i < MANY + 10; i++)
		t_send(fd, 64, i);
	for (i = 0; i < MANY; i++) {
		in[i] = t_open(O_RDONLY);
		t_read_part(in[i], 1 + i % 60, i, 0);
	}
	for (i = 0; i < MANY; i++)
		close(in[i * 37 % MANY]);
	for (i = 0; i < MANY; i++)
		t_receive_rest(fd, 64 - 1 - i % 60, i, 1 + i % 60);
	for (; i < MANY + 10; i++)
		t_receive(fd, 64, i);
	t_nothing();
	close(fd);
}

/* A returned rest that stands before and one that stands among newer ones. */
static void partly_overtaken(void)
{
	int fd = t_open(O_RDWR), a = t_open(O_RDONLY), b = t_open(O_RDONLY);

	t_send(fd, 16, 1);
	t_send(fd, 16, 2);
	t_send(fd, 16, 3);
	t_read_part(a, 1, 1, 0);
	t_receive(fd, 16, 2);
	t_read_part(b, 2, 3, 0);
	t_send(fd, 16, 4);
	close(b);
	t_receive_rest(fd, 14, 3, 2);
	t_send(fd, 16, 5);
	close(a);
	t_receive_rest(fd, 15, 1, 1);
	t_receive(fd, 16, 4);
	t_receive(fd, 16, 5);
	t_nothing();
	close(fd);
}

/* A rest that finds the queue full again: nothing is lost, nothing squeezed in. */
static void returned_to_a_full_queue(void)
{
	int a = t_open(O_RDONLY), fd = t_open(O_RDWR | O_NONBLOCK);
	char byte = 0;
	size_t n, i;

	n = t_fill(TQ_SMALL_MAX, 0);
	t_is(n, 4);
	t_read_part(a, 1, 0, 0);
	t_is(t_fill(TQ_SMALL_MAX, n), 1);
	close(a);
	t_is(t_poll(fd, POLLOUT), 0);
	t_errno(write(fd, &byte, 1), EAGAIN);
	t_receive_rest(fd, TQ_SMALL_MAX - 1, 0, 1);
	for (i = 1; i < n + 1; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_nothing();
	t_is(t_value("bytes"), 0);
	close(fd);
}

/* What came back counts against size, and who sends next is told so. */
static void a_returned_rest_uses_room(void)
{
	int a = t_open(O_RDONLY), fd = t_open(O_RDWR | O_NONBLOCK);
	char buf[TQ_SMALL_MAX] = "";
	long bytes;
	int n = 0;

	t_send(fd, TQ_SMALL_MAX, 0);
	t_read_part(a, 1, 0, 0);
	/* Once round, so that nothing of the room is news to the senders. */
	t_is(t_fill(TQ_SMALL_MAX, 1), 4);
	t_is(t_drain(), 4);
	t_send(fd, TQ_SMALL_MAX, 1);
	close(a);
	bytes = t_value("bytes");
	t_true(bytes > TQ_PAGE / 4 && bytes <= TQ_PAGE / 2, "%ld bytes in the queue", bytes);
	while (write(fd, buf, sizeof(buf)) > 0) {
		n++;
		bytes = t_value("bytes");
		t_true(bytes <= TQ_PAGE, "%ld bytes in a queue of 4096", bytes);
	}
	t_errno(-1, EAGAIN);
	t_is(n, 2);
	t_receive_rest(fd, TQ_SMALL_MAX - 1, 0, 1);
	t_receive(fd, TQ_SMALL_MAX, 1);
	t_is(t_drain(), 2);
	close(fd);
}

/* Many rests returned to a full queue: still none is lost, and it drains. */
static void many_returned_to_a_full_queue(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK), in[8], i;
	char byte = 0;

	for (i = 0; i < 8; i++) {
		t_send(fd, 900, i);
		in[i] = t_open(O_RDONLY);
		t_read_part(in[i], 10, i, 0);
	}
	t_is(t_fill(TQ_SMALL_MAX, 100), 4);
	for (i = 7; i >= 0; i--)
		close(in[i]);
	t_errno(write(fd, &byte, 1), EAGAIN);
	for (i = 0; i < 8; i++)
		t_receive_rest(fd, 890, i, 10);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, 100 + i);
	t_nothing();
	t_is(t_fill(TQ_SMALL_MAX, 200), 4);
	t_is(t_drain(), 4);
	close(fd);
}

static void part_and_exit(void *arg)
{
	int fd = t_open(O_RDONLY);

	(void)arg;
	t_read_part(fd, 7, 1, 0);
}

static void exit_returns_the_rest(void)
{
	int fd = t_open(O_RDWR);

	t_send(fd, 20, 1);
	t_send(fd, 20, 2);
	t_reap(t_fork(part_and_exit, NULL));
	t_receive_rest(fd, 13, 1, 7);
	t_receive(fd, 20, 2);
	t_nothing();
	close(fd);
}

static void returned_rest_wakes_a_reader(void)
{
	int a = t_open(O_RDWR), b = t_open(O_RDONLY);
	struct t_task reader;
	char buf[64];

	t_send(a, 20, 1);
	t_read_part(a, 5, 1, 0);
	t_start_read(&reader, b, buf, sizeof(buf));
	t_still_asleep(&reader, SYS_read);
	close(a);
	t_finish(&reader);
	t_is(reader.result, 15);
	t_is(t_differs(buf, 15, 1, 5), -1);
	t_nothing();
	close(b);
}

/* Only the last close of the open file counts. */
static void duplicates_share_the_rest(void)
{
	int a = t_open(O_RDWR), b = dup(a);
	int c = t_open(O_RDONLY | O_NONBLOCK);
	char byte;

	t_send(a, 20, 1);
	t_read_part(a, 5, 1, 0);
	t_read_part(b, 5, 1, 5);
	close(a);
	t_errno(read(c, &byte, 1), EAGAIN);
	t_read_part(b, 5, 1, 10);
	close(b);
	t_receive_rest(c, 5, 1, 15);
	t_nothing();
	close(c);
}

/* Room that a rest has left is room. */
static void a_held_rest_leaves_room(void)
{
	int a = t_open(O_RDONLY), fd = t_open(O_RDWR | O_NONBLOCK);
	int i;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_read_part(a, 1, 0, 0);
	t_send(fd, TQ_SMALL_MAX, 4);
	for (i = 1; i < 5; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive_rest(a, TQ_SMALL_MAX - 1, 0, 1);
	t_nothing();
	close(a);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(byte_by_byte),
	TQ_TEST(rest_and_next_do_not_mix),
	TQ_TEST(every_cut),
	TQ_TEST(large_message_in_pieces),
	TQ_TEST(scattered),
	TQ_TEST(rest_belongs_to_its_file),
	TQ_TEST(size_of_the_rest),
	TQ_TEST(close_returns_the_rest),
	TQ_TEST(close_returns_the_only_message),
	TQ_TEST(returned_many_times),
	TQ_TEST(rests_return_to_their_places),
	TQ_TEST(many_rests),
	TQ_TEST(partly_overtaken),
	TQ_TEST_WITH(returned_to_a_full_queue, TQ_SMALL),
	TQ_TEST_WITH(a_returned_rest_uses_room, TQ_SMALL),
	TQ_TEST_WITH(many_returned_to_a_full_queue, TQ_SMALL),
	TQ_TEST(exit_returns_the_rest),
	TQ_TEST(returned_rest_wakes_a_reader),
	TQ_TEST(duplicates_share_the_rest),
	TQ_TEST_WITH(a_held_rest_leaves_room, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("short_read", tests, ARRAY_SIZE(tests), argc, argv);
}
