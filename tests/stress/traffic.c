// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once on a small ring, for a set time, and then an exact account
 * of every message.
 *
 * Which workers there are (traffic/workers.h), each a process, is what the tests
 * differ in. The first process disturbs them (traffic/chaos.h); what they send
 * (traffic/codec.h) is written into an account (traffic/account.h).
 */
#include "options.h"
#include "traffic/chaos.h"

#define SENDER(fn, n)	{ .run = fn, .name = #fn, .number = n }
#define RECEIVER(fn, n)	{ .run = fn, .name = #fn, .slots = n }
#define BYSTANDER(fn)	{ .run = fn, .name = #fn, .bystander = true }

static void everything_at_once(void)
{
	struct worker workers[] = {
		SENDER(send_write, 0), SENDER(send_vector, 1),
		SENDER(send_poll, 2), SENDER(send_splice, 3),
		SENDER(send_uring, 4), SENDER(send_file, 5),
		RECEIVER(receive_whole, 1), RECEIVER(receive_vector, 1),
		RECEIVER(receive_short, 1), RECEIVER(receive_bytes, 1),
		RECEIVER(receive_poll, 1), RECEIVER(receive_epoll_level, 1),
		RECEIVER(receive_epoll_edge, 1),
		RECEIVER(receive_epoll_exclusive, 1),
		RECEIVER(receive_epoll_exclusive, 1),
		RECEIVER(receive_splice, 1), RECEIVER(receive_uring, FLIGHT),
		RECEIVER(receive_threads, 3),
		BYSTANDER(open_and_close), BYSTANDER(look),
		BYSTANDER(pass_bad_pointers),
	};

	chaos(workers, ARRAY_SIZE(workers), option_seconds);
}

/* Batches among single messages, and all of them killed at times. */
static void batches(void)
{
	struct worker workers[] = {
		SENDER(send_batch, 0), SENDER(send_batch, 1), SENDER(send_batch, 2),
		SENDER(send_write, 3), SENDER(send_poll, 4),
		RECEIVER(receive_batch, 1), RECEIVER(receive_batch, 1),
		RECEIVER(receive_batch, 1), RECEIVER(receive_whole, 1),
		RECEIVER(receive_short, 1), RECEIVER(receive_epoll_edge, 1),
		BYSTANDER(pass_bad_pointers), BYSTANDER(open_and_close),
	};

	chaos(workers, ARRAY_SIZE(workers), option_seconds);
}

/* Many senders, few slow receivers: the ring is full nearly all the time. */
static void mostly_full(void)
{
	struct worker workers[] = {
		SENDER(send_write, 0), SENDER(send_epoll_edge, 1),
		SENDER(send_epoll_edge, 2), SENDER(send_poll, 3),
		SENDER(send_uring, 4), SENDER(send_vector, 5),
		RECEIVER(receive_short, 1), RECEIVER(receive_bytes, 1),
		BYSTANDER(pass_bad_pointers),
	};

	chaos(workers, ARRAY_SIZE(workers), option_seconds);
}

/* Few senders, many receivers: the ring is empty nearly all the time. */
static void mostly_empty(void)
{
	struct worker workers[] = {
		SENDER(send_write, 0), SENDER(send_poll, 1),
		RECEIVER(receive_whole, 1), RECEIVER(receive_vector, 1),
		RECEIVER(receive_epoll_exclusive, 1),
		RECEIVER(receive_epoll_exclusive, 1),
		RECEIVER(receive_threads, 3), RECEIVER(receive_short, 1),
		RECEIVER(receive_splice, 1), RECEIVER(receive_uring, FLIGHT),
	};

	chaos(workers, ARRAY_SIZE(workers), option_seconds);
}

/* Who is woken often has no use for it: then the next one must be. */
static void woken_in_vain(void)
{
	struct worker workers[] = {
		SENDER(send_slowly, 0), SENDER(send_slowly, 1),
		RECEIVER(receive_whole, 1), RECEIVER(receive_short, 1),
		BYSTANDER(wait_badly), BYSTANDER(wait_badly),
	};

	chaos(workers, ARRAY_SIZE(workers), option_seconds);
}

/* Nobody is killed and nothing comes back: each receiver sees each sender's order. */
static void order(void)
{
	struct worker workers[] = {
		SENDER(send_write, 0), SENDER(send_vector, 1),
		SENDER(send_poll, 2), SENDER(send_splice, 3),
		SENDER(send_batch, 4), SENDER(send_file, 5),
		RECEIVER(receive_whole, 1), RECEIVER(receive_vector, 1),
		RECEIVER(receive_batch, 1), RECEIVER(receive_batch, 1),
		RECEIVER(receive_short, 1), RECEIVER(receive_poll, 1),
		RECEIVER(receive_epoll_edge, 1), RECEIVER(receive_splice, 1),
		BYSTANDER(open_and_close),
	};

	in_order = true;
	chaos(workers, ARRAY_SIZE(workers), option_seconds);
}

int main(int argc, char **argv)
{
	struct t_test tests[] = {
		TQ_TEST_WITH(everything_at_once, "size_l=16384"),
		TQ_TEST_WITH(batches, "size_l=16384"),
		TQ_TEST_WITH(mostly_full, "size_l=4096"),
		TQ_TEST_WITH(mostly_empty, "size_l=65536"),
		TQ_TEST_WITH(woken_in_vain, "size_l=65536"),
		TQ_TEST_WITH(order, "size_l=16384"),
	};
	size_t i;

	argc = options(argc, argv, 3);
	message_seed = option_seed;
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i].seconds = 60 + option_seconds / t_slow();
	return t_main("traffic", tests, ARRAY_SIZE(tests), argc, argv);
}
