// SPDX-License-Identifier: GPL-2.0
/*
 * Lengths and places: every length that sits beside a limit of the record, the
 * page, the ring or the system call, and every place a record can have in the
 * ring.
 */
#include "common.h"

#include <limits.h>

static void every_short_length(void)
{
	int fd = tq_open(O_RDWR);
	size_t len;

	for (len = 1; len <= 300; len++) {
		tq_send(fd, len, len);
		tq_send(fd, 301 - len, 1000 + len);
		tq_receive(fd, len, len);
		tq_receive(fd, 301 - len, 1000 + len);
	}
	tq_nothing();
	close(fd);
}

static void lengths_around_pages(void)
{
	static const size_t about[] = {
		512, 1024, 2048, 4096, 8192, 12288, 16384, 32768, 65536, 131072,
		262144,
	};
	int fd = tq_open(O_RDWR);
	size_t i;
	int off;

	for (i = 0; i < ARRAY_SIZE(about); i++) {
		if (about[i] + 48 > tq_max_message())
			break;
		for (off = -48; off <= 48; off += about[i] > 8192 ? 8 : 1) {
			size_t len = about[i] + off;

			tq_send(fd, len, i * 100 + off);
			tq_receive(fd, len, i * 100 + off);
		}
	}
	tq_nothing();
	close(fd);
}

/* cat and cp write 256 KiB at once. */
static void what_cat_writes_fits(void)
{
	int fd = tq_open(O_RDWR);

	tq_true(tq_max_message() >= 262144, "max_message is only %zu",
		tq_max_message());
	tq_send(fd, 262144, 1);
	tq_receive(fd, 262144, 1);
	close(fd);
}

static void largest_message(void)
{
	int fd = tq_open(O_RDWR);
	size_t max = tq_max_message();
	char *buf = calloc(1, max + 1);
	struct iovec two[2] = { { buf, max }, { buf, 1 } };

	tq_is(max, tq_size() / 4 - TQ_HEADER);
	tq_errno(write(fd, buf, max + 1), EMSGSIZE);
	tq_errno(writev(fd, two, 2), EMSGSIZE);
	tq_nothing();
	tq_is(tq_value("bytes"), 0);
	tq_send(fd, max, 1);
	tq_receive(fd, max, 1);
	tq_nothing();
	close(fd);
}

static void largest_of_a_parameter(void)
{
	int fd = tq_open(O_RDWR);
	char buf[128] = "";

	tq_is(tq_max_message(), 100);
	tq_errno(write(fd, buf, 101), EMSGSIZE);
	tq_send(fd, 100, 1);
	tq_send(fd, 1, 2);
	tq_receive(fd, 100, 1);
	tq_receive(fd, 1, 2);
	close(fd);
}

/* Nothing is cut, nothing is sent, nothing is allocated for it. */
static void absurd_counts(void)
{
	static const size_t counts[] = {
		INT_MAX, UINT_MAX, (size_t)UINT_MAX + 1, SSIZE_MAX, SIZE_MAX,
		SIZE_MAX - 7, 1UL << 28, (1UL << 28) + 1, 1UL << 30, 1UL << 40,
		0x7ffff000, 0x7ffff001,
	};
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	static char small[64];	/* low: a large count stays inside user space */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		ssize_t sent = write(fd, small, counts[i]);

		tq_true(sent == -1 && (errno == EMSGSIZE || errno == EFAULT ||
				       errno == EINVAL),
			"write of %#zx bytes gives %zd, errno %d", counts[i], sent,
			errno);
	}
	tq_nothing();
	tq_is(tq_value("messages"), 0);
	/* A large count is no reason not to read a small message. */
	tq_send(fd, 10, 1);
	tq_is(read(fd, small, INT_MAX), 10);
	tq_is(tq_differs(small, 10, 1, 0), -1);
	close(fd);
}

/* Every record offset of the smallest ring, with records that then wrap. */
static void every_place_in_the_ring(void)
{
	static const size_t lengths[] = { 1, 8, 100, 500, TQ_SMALL_MAX };
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	size_t i, step;
	uint64_t seed = 1;

	tq_is(tq_size(), 4096);
	for (step = 0; step < 4096 / 8 + 5; step++) {
		for (i = 0; i < ARRAY_SIZE(lengths); i++)
			tq_send(fd, lengths[i], seed + i);
		for (i = 0; i < ARRAY_SIZE(lengths); i++)
			tq_receive(fd, lengths[i], seed + i);
		seed += ARRAY_SIZE(lengths);
		/* Moves the start of the next round by 8 bytes in all. */
		tq_send(fd, 4096 / 4 - 40 - 8, seed);
		tq_receive(fd, 4096 / 4 - 40 - 8, seed);
		seed++;
	}
	tq_nothing();
	close(fd);
}

/* The same with the ring full at every place. */
static void full_at_every_place(void)
{
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	size_t shift, i;
	char byte = 0;

	for (shift = 0; shift < 4096; shift += 48) {
		for (i = 0; i < 4; i++)
			tq_send(fd, TQ_SMALL_MAX, shift + i);
		tq_errno(write(fd, &byte, 1), EAGAIN);
		for (i = 0; i < 4; i++)
			tq_receive(fd, TQ_SMALL_MAX, shift + i);
		tq_send(fd, 8, shift);
		tq_receive(fd, 8, shift);
	}
	tq_nothing();
	close(fd);
}

static const struct tq_test tests[] = {
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
	return tq_main("boundaries", tests, ARRAY_SIZE(tests), argc, argv);
}
