// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting: readers for a message, senders for room. Who waits for room is
 * served in the order of coming, and while anyone waits nobody overtakes.
 */
#include "common.h"

static void reader_waits_for_a_message(void)
{
	int fd = t_open(O_RDWR);
	struct t_task reader;
	char buf[64];

	t_start_read(&reader, fd, buf, sizeof(buf));
	t_still_asleep(&reader, SYS_read);
	t_send(fd, 10, 1);
	t_finish(&reader);
	t_is(reader.result, 10);
	t_is(t_differs(buf, 10, 1, 0), -1);
	close(fd);
}

/* Every reader that waits gets one message, whole. */
static void many_readers_wait(void)
{
	enum { MANY = 20 };
	int fd = t_open(O_RDWR), i, j;
	struct t_task readers[MANY];
	static char buf[MANY][128];
	bool seen[MANY] = { false };

	for (i = 0; i < MANY; i++) {
		t_start_read(&readers[i], t_open(O_RDONLY), buf[i], 128);
		t_asleep(&readers[i], SYS_read);
	}
	for (i = 0; i < MANY; i++)
		t_send(fd, 20 + i, i);
	for (i = 0; i < MANY; i++) {
		t_finish(&readers[i]);
		j = readers[i].result - 20;
		t_true(j >= 0 && j < MANY && !seen[j], "reader %d gets %zd bytes",
		       i, readers[i].result);
		seen[j] = true;
		t_is(t_differs(buf[i], 20 + j, j, 0), -1);
		close(readers[i].fd);
	}
	t_nothing();
	close(fd);
}

static void sender_waits_for_room(void)
{
	int fd = t_open(O_RDWR);
	struct t_task sender;
	char buf[TQ_SMALL_MAX];
	int i;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_pattern(buf, sizeof(buf), 4, 0);
	t_start_write(&sender, fd, buf, sizeof(buf));
	t_still_asleep(&sender, SYS_write);
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_finish(&sender);
	t_is(sender.result, TQ_SMALL_MAX);
	for (i = 1; i < 5; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_nothing();
	close(fd);
}

/* It wakes only when all of the message fits. */
static void sender_waits_for_enough_room(void)
{
	int fd = t_open(O_RDWR), n, i;
	struct t_task sender;
	char buf[TQ_SMALL_MAX];

	n = t_fill(88, 0);	/* 128 bytes each: exactly full */
	t_is(n, TQ_PAGE / 128);
	t_pattern(buf, sizeof(buf), 99, 0);
	t_start_write(&sender, fd, buf, sizeof(buf));	/* a quarter */
	t_asleep(&sender, SYS_write);
	for (i = 0; i < TQ_PAGE / 512 - 1; i++)
		t_receive(fd, 88, i);
	t_still_asleep(&sender, SYS_write);
	t_receive(fd, 88, i++);
	t_finish(&sender);
	t_is(sender.result, TQ_SMALL_MAX);
	for (; i < n; i++)
		t_receive(fd, 88, i);
	t_receive(fd, TQ_SMALL_MAX, 99);
	t_nothing();
	close(fd);
}

/* The line is first come, first served, whatever the sizes. */
static void line_of_senders(void)
{
	enum { MANY = 12 };
	static const size_t lengths[MANY] = {
		TQ_SMALL_MAX, 1, 500, TQ_SMALL_MAX, 8, 8, 900, 3,
		TQ_SMALL_MAX, 200, TQ_SMALL_MAX, 1,
	};
	int fd = t_open(O_RDWR), n, i;
	struct t_task senders[MANY];
	static char buf[MANY][TQ_SMALL_MAX];

	n = t_fill(TQ_SMALL_MAX, 0);
	for (i = 0; i < MANY; i++) {
		t_pattern(buf[i], lengths[i], 100 + i, 0);
		t_start_write(&senders[i], t_open(O_WRONLY), buf[i], lengths[i]);
		t_asleep(&senders[i], SYS_write);
	}
	for (i = 0; i < n; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < MANY; i++)
		t_receive(fd, lengths[i], 100 + i);
	for (i = 0; i < MANY; i++) {
		t_finish(&senders[i]);
		t_is(senders[i].result, lengths[i]);
		close(senders[i].fd);
	}
	t_nothing();
	close(fd);
}

/*
 * A small message that would fit does not pass the large one that waits, but for
 * one of a file that may not wait.
 */
static void nobody_overtakes(void)
{
	int fd = t_open(O_RDWR), quick = t_open(O_WRONLY | O_NONBLOCK), i;
	struct t_task large, small;
	char buf[TQ_SMALL_MAX], byte = 0;

	for (i = 0; i < 3; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_send(fd, 8, 3);	/* leaves 976 bytes, room for 936 */
	t_pattern(buf, sizeof(buf), 4, 0);
	t_start_write(&large, fd, buf, sizeof(buf));
	t_asleep(&large, SYS_write);
	t_is(write(quick, &byte, 1), 1);
	t_errno(write(quick, &byte, 1), EAGAIN);
	t_is(t_poll(quick, POLLOUT), 0);
	t_start_write(&small, fd, buf, 8);
	t_still_asleep(&small, SYS_write);
	t_still_asleep(&large, SYS_write);
	for (i = 0; i < 3; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, 8, 3);
	t_is(read(fd, &byte, 1), 1);
	t_receive(fd, TQ_SMALL_MAX, 4);
	t_receive(fd, 8, 4);
	t_finish(&large);
	t_finish(&small);
	t_is(large.result, TQ_SMALL_MAX);
	t_is(small.result, 8);
	/* The line is over. */
	t_is(write(quick, &byte, 1), 1);
	t_is(t_drain(), 1);
	close(fd);
	close(quick);
}

/* One receive that makes room for several lets all of them in. */
static void one_receive_lets_several_in(void)
{
	enum { MANY = 8 };
	int fd = t_open(O_RDWR), i;
	struct t_task senders[MANY];
	char buf[MANY][8];

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < MANY; i++) {
		t_pattern(buf[i], 8, 10 + i, 0);
		t_start_write(&senders[i], fd, buf[i], 8);
		t_asleep(&senders[i], SYS_write);
	}
	t_receive(fd, TQ_SMALL_MAX, 0);
	for (i = 0; i < MANY; i++)
		t_finish(&senders[i]);
	for (i = 1; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < MANY; i++)
		t_receive(fd, 8, 10 + i);
	t_nothing();
	close(fd);
}

/*
 * A sender that waits may do with its buffer what it likes after the call and
 * not before; what counts is what the buffer held at the call.
 */
static void message_is_that_of_the_call(void)
{
	int fd = t_open(O_RDWR), i;
	struct t_task sender;
	char buf[100];

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_pattern(buf, sizeof(buf), 7, 0);
	t_start_write(&sender, fd, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	memset(buf, 0, sizeof(buf));
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, sizeof(buf), 7);
	t_finish(&sender);
	close(fd);
}

/* Gathered and waiting: still one message. */
static void gathered_write_waits(void)
{
	int fd = t_open(O_RDWR), i;
	char buf[600];
	struct iovec parts[3] = { { buf, 1 }, { buf + 1, 400 }, { buf + 401, 199 } };
	struct t_task sender;

	t_pattern(buf, sizeof(buf), 8, 0);
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_start_writev(&sender, fd, parts, 3);
	t_asleep(&sender, SYS_writev);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_finish(&sender);
	t_is(sender.result, 600);
	t_receive(fd, 600, 8);
	t_nothing();
	close(fd);
}

/* EMSGSIZE does not wait for room. */
static void too_large_does_not_wait(void)
{
	int fd = t_open(O_WRONLY);
	char buf[TQ_SMALL_MAX + 1] = "";

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_errno(write(fd, buf, sizeof(buf)), EMSGSIZE);
	t_is(write(fd, buf, 0), 0);
	t_is(t_drain(), 4);
	close(fd);
}

/* A nonblocking reader takes the room-making role as well as any. */
static void short_read_makes_room(void)
{
	int in = t_open(O_RDONLY), fd = t_open(O_RDWR), i;
	struct t_task sender;
	char buf[TQ_SMALL_MAX], byte;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_pattern(buf, sizeof(buf), 4, 0);
	t_start_write(&sender, fd, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	t_is(read(in, &byte, 1), 1);
	t_finish(&sender);
	for (i = 1; i < 5; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	close(in);
	t_receive_rest(fd, TQ_SMALL_MAX - 1, 0, 1);
	t_nothing();
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(reader_waits_for_a_message),
	TQ_TEST(many_readers_wait),
	TQ_TEST_WITH(sender_waits_for_room, TQ_SMALL),
	TQ_TEST_WITH(sender_waits_for_enough_room, TQ_SMALL),
	TQ_TEST_WITH(line_of_senders, TQ_SMALL),
	TQ_TEST_WITH(nobody_overtakes, TQ_SMALL),
	TQ_TEST_WITH(one_receive_lets_several_in, TQ_SMALL),
	TQ_TEST_WITH(message_is_that_of_the_call, TQ_SMALL),
	TQ_TEST_WITH(gathered_write_waits, TQ_SMALL),
	TQ_TEST_WITH(too_large_does_not_wait, TQ_SMALL),
	TQ_TEST_WITH(short_read_makes_room, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("blocking", tests, ARRAY_SIZE(tests), argc, argv);
}
