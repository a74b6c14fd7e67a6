// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lengths and places: every length that sits beside a limit of the record, the
 * page, the ring or the system call, and every place a record can have in the
 * ring.
 */
#include "common.h"

#include <limits.h>

static void every_short_length(void)
{
	int fd = t_open(O_RDWR);
	size_t len;

	for (len = 1; len <= 300; len++) {
		t_send(fd, len, len);
		t_send(fd, 301 - len, 1000 + len);
		t_receive(fd, len, len);
		t_receive(fd, 301 - len, 1000 + len);
	}
	t_nothing();
	close(fd);
}

static void lengths_around_pages(void)
{
	static const size_t about[] = {
		512, 1024, 2048, 4096, 8192, 12288, 16384, 32768, 65536, 131072,
		262144,
	};
	int fd = t_open(O_RDWR);
	size_t i;
	int off;

	for (i = 0; i < ARRAY_SIZE(about); i++) {
		if (about[i] + 48 > t_max_message())
			break;
		for (off = -48; off <= 48; off += about[i] > 8192 ? 8 : 1) {
			size_t len = about[i] + off;

			t_send(fd, len, i * 100 + off);
			t_receive(fd, len, i * 100 + off);
		}
	}
	t_nothing();
	close(fd);
}

/* cat and cp write 256 KiB at once. */
static void what_cat_writes_fits(void)
{
	int fd = t_open(O_RDWR);

	t_true(t_max_message() >= 262144, "max_message is only %zu",
	       t_max_message());
	t_send(fd, 262144, 1);
	t_receive(fd, 262144, 1);
	close(fd);
}

static void largest_message(void)
{
	int fd = t_open(O_RDWR);
	size_t max = t_max_message();
	char *buf = calloc(1, max + 1);
	struct iovec two[2] = { { buf, max }, { buf, 1 } };

	t_is(max, t_size() / 4 - TQ_HEADER);
	t_errno(write(fd, buf, max + 1), EMSGSIZE);
	t_errno(writev(fd, two, 2), EMSGSIZE);
	t_nothing();
	t_is(t_value("bytes"), 0);
	t_send(fd, max, 1);
	t_receive(fd, max, 1);
	t_nothing();
	close(fd);
}

static void largest_of_a_parameter(void)
{
	int fd = t_open(O_RDWR);
	char buf[128] = "";

	t_is(t_max_message(), 100);
	t_errno(write(fd, buf, 101), EMSGSIZE);
	t_send(fd, 100, 1);
	t_send(fd, 1, 2);
	t_receive(fd, 100, 1);
	t_receive(fd, 1, 2);
	close(fd);
}

/* Nothing is cut, nothing is sent, nothing is allocated for it. */
static void absurd_counts(void)
{
	static const size_t counts[] = {
		INT_MAX, UINT_MAX, (size_t)UINT_MAX + 1, SSIZE_MAX, SIZE_MAX,
		SIZE_MAX - 7, 1UL << 28, (1UL << 28) + 1, 1UL << 30,
		(size_t)(1ULL << 40),
		0x7ffff000, 0x7ffff001,
	};
	int fd = t_open(O_RDWR | O_NONBLOCK);
	static char small[64];	/* low: a large count stays inside user space */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		ssize_t sent;

		if (!counts[i])	/* it takes more than 32 bits */
			continue;
		sent = write(fd, small, counts[i]);
		t_true(sent == -1 && (errno == EMSGSIZE || errno == EFAULT ||
				      errno == EINVAL),
			"write of %#zx bytes gives %zd, errno %d", counts[i], sent,
			errno);
	}
	t_nothing();
	t_is(t_value("messages"), 0);
	/* A large count is no reason not to read a small message. */
	t_send(fd, 10, 1);
	t_is(read(fd, small, INT_MAX), 10);
	t_is(t_differs(small, 10, 1, 0), -1);
	close(fd);
}

/* Every record offset of the smallest ring, with records that then wrap. */
static void every_place_in_the_ring(void)
{
	static const size_t lengths[] = { 1, 8, 100, 500, TQ_SMALL_MAX };
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t i, step;
	uint64_t seed = 1;

	t_is(t_size(), TQ_PAGE);
	for (step = 0; step < TQ_PAGE / 8 + 5; step++) {
		for (i = 0; i < ARRAY_SIZE(lengths); i++)
			t_send(fd, lengths[i], seed + i);
		for (i = 0; i < ARRAY_SIZE(lengths); i++)
			t_receive(fd, lengths[i], seed + i);
		seed += ARRAY_SIZE(lengths);
		/* Moves the start of the next round by 8 bytes in all. */
		t_send(fd, TQ_PAGE / 4 - 40 - 8, seed);
		t_receive(fd, TQ_PAGE / 4 - 40 - 8, seed);
		seed++;
	}
	t_nothing();
	close(fd);
}

/* The same with the ring full at every place. */
static void full_at_every_place(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t shift, i;
	char byte = 0;

	for (shift = 0; shift < TQ_PAGE; shift += 48) {
		for (i = 0; i < 4; i++)
			t_send(fd, TQ_SMALL_MAX, shift + i);
		t_errno(write(fd, &byte, 1), EAGAIN);
		for (i = 0; i < 4; i++)
			t_receive(fd, TQ_SMALL_MAX, shift + i);
		t_send(fd, 8, shift);
		t_receive(fd, 8, shift);
	}
	t_nothing();
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(every_short_length),
	TQ_TEST(lengths_around_pages),
	TQ_TEST(what_cat_writes_fits),
	TQ_TEST(largest_message),
	TQ_TEST_WITH(largest_of_a_parameter, "size_l=4096 max_message=100"),
	TQ_TEST(absurd_counts),
	TQ_TEST_WITH(every_place_in_the_ring, TQ_SMALL),
	TQ_TEST_WITH(full_at_every_place, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("boundaries", tests, ARRAY_SIZE(tests), argc, argv);
}
