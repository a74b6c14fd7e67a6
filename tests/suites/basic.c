// SPDX-License-Identifier: GPL-2.0-only
/*
 * One write is one message, one read gives bytes of one message: what holds
 * when nothing is full, nothing waits and no buffer is bad.
 */
#include "common.h"

static void write_then_read(void)
{
	int fd = t_open(O_RDWR);

	t_send(fd, 5, 1);
	t_receive(fd, 5, 1);
	t_nothing();
	close(fd);
}

/* A large read takes one message, however many are there. */
static void messages_do_not_merge(void)
{
	int fd = t_open(O_RDWR);

	t_send(fd, 10, 1);
	t_send(fd, 1, 2);
	t_send(fd, TQ_PAGE, 3);
	t_receive(fd, 10, 1);
	t_receive(fd, 1, 2);
	t_receive(fd, TQ_PAGE, 3);
	t_nothing();
	close(fd);
}

static void order_of_sending(void)
{
	int out = t_open(O_WRONLY), in = t_open(O_RDONLY);
	uint64_t i;

	for (i = 0; i < 2000; i++)
		t_send(out, 1 + i * 7 % 300, i);
	for (i = 0; i < 2000; i++)
		t_receive(in, 1 + i * 7 % 300, i);
	t_nothing();
	close(out);
	close(in);
}

/* Two files, sending by turns: the order is that of the calls. */
static void order_across_files(void)
{
	int a = t_open(O_WRONLY), b = t_open(O_RDWR), in = t_open(O_RDONLY);
	uint64_t i;

	for (i = 0; i < 500; i++)
		t_send(i % 3 ? a : b, 24, i);
	for (i = 0; i < 500; i++)
		t_receive(i % 2 ? in : b, 24, i);
	t_nothing();
	close(a);
	close(b);
	close(in);
}

static void empty_write_sends_nothing(void)
{
	int fd = t_open(O_RDWR);
	struct iovec none[2] = { { "", 0 }, { "", 0 } };

	t_is(write(fd, "x", 0), 0);
	t_is(write(fd, NULL, 0), 0);
	t_is(writev(fd, none, 2), 0);
	t_is(writev(fd, none, 0), 0);
	t_is(t_value("messages"), 0);
	t_nothing();
	close(fd);
}

static void empty_read_takes_nothing(void)
{
	int fd = t_open(O_RDWR);
	struct iovec none[2] = { { NULL, 0 }, { NULL, 0 } };
	char byte;

	/* On an empty queue it does not even wait. */
	t_is(read(fd, &byte, 0), 0);
	t_is(readv(fd, none, 2), 0);
	t_send(fd, 3, 1);
	t_is(read(fd, &byte, 0), 0);
	t_is(read(fd, NULL, 0), 0);
	t_is(readv(fd, none, 2), 0);
	t_is(readv(fd, none, 0), 0);
	t_receive(fd, 3, 1);
	t_nothing();
	close(fd);
}

/* ... nor from a rest. */
static void empty_read_of_a_rest(void)
{
	int fd = t_open(O_RDWR);
	char byte;

	t_send(fd, 10, 1);
	t_is(read(fd, &byte, 1), 1);
	t_is(read(fd, &byte, 0), 0);
	t_receive_rest(fd, 9, 1, 1);
	t_nothing();
	close(fd);
}

static void gathered_write_is_one_message(void)
{
	int fd = t_open(O_RDWR);
	char buf[1000];
	struct iovec parts[6] = {
		{ buf, 1 }, { buf + 1, 0 }, { buf + 1, 499 },
		{ buf + 500, 7 }, { NULL, 0 }, { buf + 507, 493 },
	};

	t_pattern(buf, sizeof(buf), 9, 0);
	t_is(writev(fd, parts, 6), 1000);
	t_send(fd, 8, 10);
	t_receive(fd, 1000, 9);
	t_receive(fd, 8, 10);
	t_nothing();
	close(fd);
}

static void scattered_read(void)
{
	int fd = t_open(O_RDWR);
	char buf[1200];
	struct iovec parts[5] = {
		{ buf, 3 }, { buf + 3, 0 }, { buf + 3, 500 },
		{ buf + 503, 600 }, { buf + 1103, 97 },
	};
	size_t i;

	t_send(fd, 1000, 4);
	t_send(fd, 10, 5);
	memset(buf, 0x33, sizeof(buf));
	t_is(readv(fd, parts, 5), 1000);
	t_is(t_differs(buf, 1000, 4, 0), -1);
	for (i = 1000; i < sizeof(buf); i++)
		t_is(buf[i], 0x33);
	t_receive(fd, 10, 5);
	close(fd);
}

/* 1024 segments are what the kernel takes, and still one message. */
static void many_segments(void)
{
	int fd = t_open(O_RDWR);
	struct iovec parts[1024];
	char buf[3 * 1024], back[3 * 1024];
	int i;

	t_pattern(buf, sizeof(buf), 6, 0);
	for (i = 0; i < 1024; i++)
		parts[i] = (struct iovec){ buf + 3 * i, 3 };
	t_is(writev(fd, parts, 1024), sizeof(buf));
	for (i = 0; i < 1024; i++)
		parts[i].iov_base = back + 3 * i;
	t_is(readv(fd, parts, 1024), sizeof(back));
	t_is(memcmp(buf, back, sizeof(buf)), 0);
	t_nothing();
	close(fd);
}

/* The queue outlives every file on it. */
static void messages_outlive_their_sender(void)
{
	int fd = t_open(O_WRONLY);

	t_send(fd, 100, 1);
	t_send(fd, 70000, 2);
	close(fd);
	t_is(t_value("messages"), 2);
	fd = t_open(O_RDONLY);
	t_receive(fd, 100, 1);
	close(fd);
	fd = t_open(O_RDONLY);
	t_receive(fd, 70000, 2);
	close(fd);
}

static void send_and_exit(void *arg)
{
	(void)arg;
	t_send(t_open(O_WRONLY), 77, 3);
}

static void messages_outlive_their_process(void)
{
	int fd = t_open(O_RDONLY);

	t_reap(t_fork(send_and_exit, NULL));
	t_receive(fd, 77, 3);
	close(fd);
}

/* Neither side needs the other: no waiting, no EPIPE, no SIGPIPE. */
static void open_never_blocks(void)
{
	int in = t_open(O_RDONLY), out;

	close(in);
	out = t_open(O_WRONLY);
	t_send(out, 9, 1);
	close(out);
	in = t_open(O_RDONLY | O_NONBLOCK);
	t_receive(in, 9, 1);
	close(in);
}

static void directions(void)
{
	int in = t_open(O_RDONLY), out = t_open(O_WRONLY);
	char byte = 0;

	t_errno(write(in, &byte, 1), EBADF);
	t_send(out, 1, 1);
	t_errno(read(out, &byte, 1), EBADF);
	t_receive(in, 1, 1);
	t_nothing();
	close(in);
	close(out);
}

static void truncating_open_loses_nothing(void)
{
	int fd = t_open(O_RDWR), other;

	t_send(fd, 20, 1);
	other = t_open(O_WRONLY | O_TRUNC | O_APPEND);
	t_send(other, 20, 2);
	close(other);
	t_receive(fd, 20, 1);
	t_receive(fd, 20, 2);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(write_then_read),
	TQ_TEST(messages_do_not_merge),
	TQ_TEST(order_of_sending),
	TQ_TEST(order_across_files),
	TQ_TEST(empty_write_sends_nothing),
	TQ_TEST(empty_read_takes_nothing),
	TQ_TEST(empty_read_of_a_rest),
	TQ_TEST(gathered_write_is_one_message),
	TQ_TEST(scattered_read),
	TQ_TEST(many_segments),
	TQ_TEST(messages_outlive_their_sender),
	TQ_TEST(messages_outlive_their_process),
	TQ_TEST(open_never_blocks),
	TQ_TEST(directions),
	TQ_TEST(truncating_open_loses_nothing),
};

int main(int argc, char **argv)
{
	return t_main("basic", tests, ARRAY_SIZE(tests), argc, argv);
}
