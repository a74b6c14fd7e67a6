// SPDX-License-Identifier: GPL-2.0-only
/*
 * What leaves the queue is the message and nothing else: no byte after its end
 * is written, neither of the padding, of older messages nor of the kernel.
 */
#include "common.h"

#define GUARD	0xa5

/* Old messages all over the ring, of a byte that must never be seen again. */
static void soil(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK), i;
	char buf[TQ_SMALL_MAX];

	memset(buf, 0xee, sizeof(buf));
	for (i = 0; i < 9; i++) {
		t_is(write(fd, buf, sizeof(buf)), sizeof(buf));
		t_is(read(fd, buf, sizeof(buf)), sizeof(buf));
	}
	close(fd);
}

static void guarded(const unsigned char *buf, size_t from, size_t to)
{
	for (; from < to; from++)
		t_true(buf[from] == GUARD, "byte %zu is overwritten with %#x", from,
		       buf[from]);
}

static void whole_messages(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	unsigned char buf[512];
	size_t len;

	soil();
	for (len = 1; len <= 130; len++) {
		t_send(fd, len, len);
		memset(buf, GUARD, sizeof(buf));
		t_is(read(fd, buf + 64, 300), len);
		t_is(t_differs(buf + 64, len, len, 0), -1);
		guarded(buf, 0, 64);
		guarded(buf, 64 + len, sizeof(buf));
	}
	close(fd);
}

static void rests(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	unsigned char buf[512];
	size_t len, cut;

	soil();
	for (len = 2; len <= 40; len++) {
		for (cut = 1; cut < len; cut += 3) {
			t_send(fd, len, len);
			memset(buf, GUARD, sizeof(buf));
			t_is(read(fd, buf, cut), cut);
			guarded(buf, cut, sizeof(buf));
			t_is(read(fd, buf + cut, 300), len - cut);
			t_is(t_differs(buf, len, len, 0), -1);
			guarded(buf, len, sizeof(buf));
		}
	}
	close(fd);
}

/* By way of a detached message: the buffer was not there at first. */
static void slow_path(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t len, i;

	soil();
	for (len = 1; len <= 40; len++) {
		unsigned char *map = mmap(NULL, 2 * TQ_PAGE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		t_send(fd, len, len);
		/* Over a page boundary, both pages fresh. */
		t_is(read(fd, map + TQ_PAGE - len / 2, 2000), len);
		t_is(t_differs(map + TQ_PAGE - len / 2, len, len, 0), -1);
		for (i = TQ_PAGE - len / 2 + len; i < 2 * TQ_PAGE; i++)
			t_is(map[i], 0);
		munmap(map, 2 * TQ_PAGE);
	}
	close(fd);
}

static void vectors(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	unsigned char a[64], b[64], c[64];
	struct iovec parts[3] = { { a, 10 }, { b, 13 }, { c, 64 } };
	size_t len;

	soil();
	for (len = 1; len <= 40; len++) {
		size_t in_b = len > 10 ? len - 10 : 0;
		size_t in_c = len > 23 ? len - 23 : 0;

		memset(a, GUARD, sizeof(a));
		memset(b, GUARD, sizeof(b));
		memset(c, GUARD, sizeof(c));
		t_send(fd, len, len);
		t_is(readv(fd, parts, 3), len);
		guarded(a, len < 10 ? len : 10, sizeof(a));
		guarded(b, in_b < 13 ? in_b : 13, sizeof(b));
		guarded(c, in_c, sizeof(c));
	}
	close(fd);
}

/* Out of the line of waiting senders: moved in by the receiver. */
static void from_the_line(void)
{
	int fd = t_open(O_RDWR);
	unsigned char buf[512];
	char message[64];
	struct t_task sender;
	size_t len;
	int i;

	for (len = 1; len <= 17; len += 2) {
		soil();
		t_is(t_fill(TQ_SMALL_MAX, 0), 4);
		t_pattern(message, len, 50, 0);
		t_start_write(&sender, fd, message, len);
		t_asleep(&sender, SYS_write);
		for (i = 0; i < 4; i++)
			t_receive(fd, TQ_SMALL_MAX, i);
		t_finish(&sender);
		memset(buf, GUARD, sizeof(buf));
		t_is(read(fd, buf, sizeof(buf)), len);
		t_is(t_differs(buf, len, 50, 0), -1);
		guarded(buf, len, sizeof(buf));
	}
	close(fd);
}

/* A failed read may have written to the buffer, but only of this message. */
static void failed_reads(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	unsigned char *edge = (unsigned char *)t_edge(64);
	unsigned char message[100];
	size_t i;

	soil();
	t_pattern(message, sizeof(message), 3, 0);
	t_send(fd, sizeof(message), 3);
	memset(edge, GUARD, 64);
	t_errno(read(fd, edge, 100), EFAULT);
	for (i = 0; i < 64; i++)
		t_true(edge[i] == GUARD || edge[i] == message[i] || !edge[i],
		       "byte %zu is %#x", i, edge[i]);
	t_receive(fd, sizeof(message), 3);
	close(fd);
}

static void spliced(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK), ends[2];
	unsigned char buf[512];
	size_t len;

	soil();
	t_is(pipe(ends), 0);
	for (len = 1; len <= 40; len++) {
		t_send(fd, len, len);
		t_is(splice(fd, NULL, ends[1], NULL, 400, 0), len);
		memset(buf, GUARD, sizeof(buf));
		t_is(read(ends[0], buf, sizeof(buf)), len);
		t_is(t_differs(buf, len, len, 0), -1);
		guarded(buf, len, sizeof(buf));
	}
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST_WITH(whole_messages, TQ_SMALL),
	TQ_TEST_WITH(rests, TQ_SMALL),
	TQ_TEST_WITH(slow_path, TQ_SMALL),
	TQ_TEST_WITH(vectors, TQ_SMALL),
	TQ_TEST_WITH(from_the_line, TQ_SMALL),
	TQ_TEST_WITH(failed_reads, TQ_SMALL),
	TQ_TEST_WITH(spliced, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("padding", tests, ARRAY_SIZE(tests), argc, argv);
}
