// SPDX-License-Identifier: GPL-2.0
/*
 * One write is one message, one read gives bytes of one message: what holds
 * when nothing is full, nothing waits and no buffer is bad.
 */
#include "common.h"

static void write_then_read(void)
{
	int fd = tq_open(O_RDWR);

	tq_send(fd, 5, 1);
	tq_receive(fd, 5, 1);
	tq_nothing();
	close(fd);
}

/* A large read takes one message, however many are there. */
static void messages_do_not_merge(void)
{
	int fd = tq_open(O_RDWR);

	tq_send(fd, 10, 1);
	tq_send(fd, 1, 2);
	tq_send(fd, 4096, 3);
	tq_receive(fd, 10, 1);
	tq_receive(fd, 1, 2);
	tq_receive(fd, 4096, 3);
	tq_nothing();
	close(fd);
}

static void order_of_sending(void)
{
	int out = tq_open(O_WRONLY), in = tq_open(O_RDONLY);
	uint64_t i;

	for (i = 0; i < 2000; i++)
		tq_send(out, 1 + i * 7 % 300, i);
	for (i = 0; i < 2000; i++)
		tq_receive(in, 1 + i * 7 % 300, i);
	tq_nothing();
	close(out);
	close(in);
}

/* Two files, sending by turns: the order is that of the calls. */
static void order_across_files(void)
{
	int a = tq_open(O_WRONLY), b = tq_open(O_RDWR), in = tq_open(O_RDONLY);
	uint64_t i;

	for (i = 0; i < 500; i++)
		tq_send(i % 3 ? a : b, 24, i);
	for (i = 0; i < 500; i++)
		tq_receive(i % 2 ? in : b, 24, i);
	tq_nothing();
	close(a);
	close(b);
	close(in);
}

static void empty_write_sends_nothing(void)
{
	int fd = tq_open(O_RDWR);
	struct iovec none[2] = { { "", 0 }, { "", 0 } };

	tq_is(write(fd, "x", 0), 0);
	tq_is(write(fd, NULL, 0), 0);
	tq_is(writev(fd, none, 2), 0);
	tq_is(writev(fd, none, 0), 0);
	tq_is(tq_value("messages"), 0);
	tq_nothing();
	close(fd);
}

static void empty_read_takes_nothing(void)
{
	int fd = tq_open(O_RDWR);
	struct iovec none[2] = { { NULL, 0 }, { NULL, 0 } };
	char byte;

	/* On an empty queue it does not even wait. */
	tq_is(read(fd, &byte, 0), 0);
	tq_is(readv(fd, none, 2), 0);
	tq_send(fd, 3, 1);
	tq_is(read(fd, &byte, 0), 0);
	tq_is(read(fd, NULL, 0), 0);
	tq_is(readv(fd, none, 2), 0);
	tq_is(readv(fd, none, 0), 0);
	tq_receive(fd, 3, 1);
	tq_nothing();
	close(fd);
}

/* ... nor from a rest. */
static void empty_read_of_a_rest(void)
{
	int fd = tq_open(O_RDWR);
	char byte;

	tq_send(fd, 10, 1);
	tq_is(read(fd, &byte, 1), 1);
	tq_is(read(fd, &byte, 0), 0);
	tq_receive_rest(fd, 9, 1, 1);
	tq_nothing();
	close(fd);
}

static void gathered_write_is_one_message(void)
{
	int fd = tq_open(O_RDWR);
	char buf[1000];
	struct iovec parts[6] = {
		{ buf, 1 }, { buf + 1, 0 }, { buf + 1, 499 },
		{ buf + 500, 7 }, { NULL, 0 }, { buf + 507, 493 },
	};

	tq_pattern(buf, sizeof(buf), 9, 0);
	tq_is(writev(fd, parts, 6), 1000);
	tq_send(fd, 8, 10);
	tq_receive(fd, 1000, 9);
	tq_receive(fd, 8, 10);
	tq_nothing();
	close(fd);
}

static void scattered_read(void)
{
	int fd = tq_open(O_RDWR);
	char buf[1200];
	struct iovec parts[5] = {
		{ buf, 3 }, { buf + 3, 0 }, { buf + 3, 500 },
		{ buf + 503, 600 }, { buf + 1103, 97 },
	};
	size_t i;

	tq_send(fd, 1000, 4);
	tq_send(fd, 10, 5);
	memset(buf, 0x33, sizeof(buf));
	tq_is(readv(fd, parts, 5), 1000);
	tq_is(tq_differs(buf, 1000, 4, 0), -1);
	for (i = 1000; i < sizeof(buf); i++)
		tq_is(buf[i], 0x33);
	tq_receive(fd, 10, 5);
	close(fd);
}

/* 1024 segments are what the kernel takes, and still one message. */
static void many_segments(void)
{
	int fd = tq_open(O_RDWR);
	struct iovec parts[1024];
	char buf[3 * 1024], back[3 * 1024];
	int i;

	tq_pattern(buf, sizeof(buf), 6, 0);
	for (i = 0; i < 1024; i++)
		parts[i] = (struct iovec){ buf + 3 * i, 3 };
	tq_is(writev(fd, parts, 1024), sizeof(buf));
	for (i = 0; i < 1024; i++)
		parts[i].iov_base = back + 3 * i;
	tq_is(readv(fd, parts, 1024), sizeof(back));
	tq_is(memcmp(buf, back, sizeof(buf)), 0);
	tq_nothing();
	close(fd);
}

/* The queue outlives every file on it. */
static void messages_outlive_their_sender(void)
{
	int fd = tq_open(O_WRONLY);

	tq_send(fd, 100, 1);
	tq_send(fd, 70000, 2);
	close(fd);
	tq_is(tq_value("messages"), 2);
	fd = tq_open(O_RDONLY);
	tq_receive(fd, 100, 1);
	close(fd);
	fd = tq_open(O_RDONLY);
	tq_receive(fd, 70000, 2);
	close(fd);
}

static void send_and_exit(void *arg)
{
	(void)arg;
	tq_send(tq_open(O_WRONLY), 77, 3);
}

static void messages_outlive_their_process(void)
{
	int fd = tq_open(O_RDONLY);

	tq_reap(tq_fork(send_and_exit, NULL));
	tq_receive(fd, 77, 3);
	close(fd);
}

/* Neither side needs the other: no waiting, no EPIPE, no SIGPIPE. */
static void open_never_blocks(void)
{
	int in = tq_open(O_RDONLY), out;

	close(in);
	out = tq_open(O_WRONLY);
	tq_send(out, 9, 1);
	close(out);
	in = tq_open(O_RDONLY | O_NONBLOCK);
	tq_receive(in, 9, 1);
	close(in);
}

static void directions(void)
{
	int in = tq_open(O_RDONLY), out = tq_open(O_WRONLY);
	char byte = 0;

	tq_errno(write(in, &byte, 1), EBADF);
	tq_send(out, 1, 1);
	tq_errno(read(out, &byte, 1), EBADF);
	tq_receive(in, 1, 1);
	tq_nothing();
	close(in);
	close(out);
}

static void truncating_open_loses_nothing(void)
{
	int fd = tq_open(O_RDWR), other;

	tq_send(fd, 20, 1);
	other = tq_open(O_WRONLY | O_TRUNC | O_APPEND);
	tq_send(other, 20, 2);
	close(other);
	tq_receive(fd, 20, 1);
	tq_receive(fd, 20, 2);
	close(fd);
}

static const struct tq_test tests[] = {
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
	return tq_main("basic", tests, ARRAY_SIZE(tests), argc, argv);
}
