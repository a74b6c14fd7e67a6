// SPDX-License-Identifier: GPL-2.0-only
/*
 * O_NONBLOCK and RWF_NOWAIT: EAGAIN wherever the call would have to sleep, and
 * nothing left behind by it. That no io_uring request blocks is in uring.c.
 */
#include "common.h"

static ssize_t read_nowait(int fd, void *buf, size_t len)
{
	struct iovec one = { buf, len };

	return preadv2(fd, &one, 1, -1, RWF_NOWAIT);
}

static ssize_t write_nowait(int fd, const void *buf, size_t len)
{
	struct iovec one = { (void *)buf, len };

	return pwritev2(fd, &one, 1, -1, RWF_NOWAIT);
}

static void empty(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK), plain = t_open(O_RDWR);
	char byte;

	t_errno(read(fd, &byte, 1), EAGAIN);
	t_errno(read_nowait(fd, &byte, 1), EAGAIN);
	t_errno(read_nowait(plain, &byte, 1), EAGAIN);
	/* Asked for nothing: nothing to wait for. */
	t_is(read(fd, &byte, 0), 0);
	close(fd);
	close(plain);
}

static void full(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK), plain = t_open(O_RDWR);
	char buf[TQ_SMALL_MAX + 1] = "";
	int i;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < 50; i++) {
		t_errno(write(fd, buf, 1 + i), EAGAIN);
		t_errno(write_nowait(plain, buf, 1 + i), EAGAIN);
	}
	/* Waiting would not help this one. */
	t_errno(write(fd, buf, sizeof(buf)), EMSGSIZE);
	t_errno(write_nowait(plain, buf, sizeof(buf)), EMSGSIZE);
	t_is(write(fd, buf, 0), 0);
	/* Nothing of the refused ones is in the queue, now or later. */
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_nothing();
	t_sleep_ms(5);
	t_nothing();
	close(fd);
	close(plain);
}

/* Where they need not wait they work like any other call. */
static void nowait_works(void)
{
	int fd = t_open(O_RDWR);
	char out[100], in[200];
	struct iovec parts[2] = { { in, 30 }, { in + 30, 170 } };
	size_t i;

	for (i = 0; i < 50; i++) {
		t_pattern(out, sizeof(out), i, 0);
		t_is(write_nowait(fd, out, 50 + i), 50 + i);
	}
	for (i = 0; i < 50; i++) {
		if (i % 2)
			t_is(read_nowait(fd, in, sizeof(in)), 50 + i);
		else
			t_is(preadv2(fd, parts, 2, -1, RWF_NOWAIT), 50 + i);
		t_is(t_differs(in, 50 + i, i, 0), -1);
	}
	t_errno(read_nowait(fd, in, sizeof(in)), EAGAIN);
	close(fd);
}

static void rest_without_waiting(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	char buf[64];

	t_send(fd, 30, 1);
	t_is(read_nowait(fd, buf, 10), 10);
	t_is(read(fd, buf + 10, 10), 10);
	t_is(read_nowait(fd, buf + 20, 40), 10);
	t_is(t_differs(buf, 30, 1, 0), -1);
	t_errno(read(fd, buf, 1), EAGAIN);
	close(fd);
}

/* The flag is looked at by each call. */
static void flag_of_the_moment(void)
{
	int fd = t_open(O_RDWR);
	struct t_task reader;
	char byte, buf[16];

	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	t_errno(read(fd, &byte, 1), EAGAIN);
	t_is(fcntl(fd, F_SETFL, 0), 0);
	t_start_read(&reader, fd, buf, sizeof(buf));
	t_asleep(&reader, SYS_read);
	t_send(fd, 3, 1);
	t_finish(&reader);
	t_is(reader.result, 3);
	close(fd);
}

/* A large resident or fresh buffer is no reason for EAGAIN with O_NONBLOCK. */
static void fresh_buffers(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t len = t_max_message();
	char *from, *to;

	from = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	to = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		  -1, 0);
	/* Never touched: reads as zeroes. */
	t_is(write(fd, from, len), len);
	memset(from, 0, len);
	t_is(read(fd, to, len), len);
	t_is(memcmp(from, to, len), 0);
	munmap(from, len);
	munmap(to, len);
	close(fd);
}

/* Never sleeps: neither the empty nor the full queue costs a context switch. */
static void never_sleeps(void)
{
	int in = t_open(O_RDONLY), out = t_open(O_WRONLY);
	char byte = 0, buf[TQ_SMALL_MAX] = "";
	long before, after;
	int i;

	before = t_switches(gettid());
	for (i = 0; i < 300; i++)
		t_errno(read_nowait(in, &byte, 1), EAGAIN);
	for (i = 0; i < 4; i++)
		t_is(write_nowait(out, buf, sizeof(buf)), sizeof(buf));
	for (i = 0; i < 300; i++)
		t_errno(write_nowait(out, &byte, 1), EAGAIN);
	after = t_switches(gettid());
	t_true(after - before <= 2, "%ld context switches", after - before);
	t_is(t_drain(), 4);
	close(in);
	close(out);
}

static const struct t_test tests[] = {
	TQ_TEST(empty),
	TQ_TEST_WITH(full, TQ_SMALL),
	TQ_TEST(nowait_works),
	TQ_TEST(rest_without_waiting),
	TQ_TEST(flag_of_the_moment),
	TQ_TEST(fresh_buffers),
	TQ_TEST_WITH(never_sleeps, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("nonblock", tests, ARRAY_SIZE(tests), argc, argv);
}
