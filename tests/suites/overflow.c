// SPDX-License-Identifier: GPL-2.0-only
/* The tests of this suite; see overflow/overflow.h. */
#include "overflow/overflow.h"

static const struct t_test tests[] = {
	TQ_TEST(refuses_at_once),
	TQ_TEST(refuses_for_other_reasons),
	TQ_TEST(blocks),
	TQ_TEST(counts_what_it_drops),
	TQ_TEST(the_gap_in_a_batch),
	TQ_TEST(gaps_add_up),
	TQ_TEST(plain_readers_notice_nothing),
	TQ_TEST(told_by_no_call_that_fails),
	TQ_TEST(what_comes_back_is_told_once),
	TQ_TEST(a_partial_behind_the_gap),
	TQ_TEST(dropped_before_anybody_received),
	TQ_TEST(gaps_around_a_rest),
	TQ_TEST(a_gap_while_a_receiver_stalls),
	TQ_TEST(as_many_as_need_be),
	TQ_TEST(failures_drop_nothing),
	TQ_TEST(memory_that_goes_drops_nothing),
	TQ_TEST(a_batch_that_ends_early),
	TQ_TEST(stalled_sender),
	TQ_TEST(batches),
	TQ_TEST(rests),
	TQ_TEST(a_sleeping_reader),
	TQ_TEST(to_reject),
	TQ_TEST(to_drop_oldest),
	TQ_TEST(pollers),
	TQ_TEST(back_to_block),
	TQ_TEST(in_traffic),
	TQ_TEST(all_is_told),
};

int main(int argc, char **argv)
{
	return t_main("overflow", tests, ARRAY_SIZE(tests), argc, argv);
}
