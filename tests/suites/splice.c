// SPDX-License-Identifier: GPL-2.0-only
/* The tests of this suite; see splice/splice.h. */
#include "splice/splice.h"

static const struct t_test tests[] = {
	TQ_TEST(in),
	TQ_TEST(in_gathers),
	TQ_TEST(in_a_part),
	TQ_TEST(in_nothing),
	TQ_TEST(in_waits_for_the_pipe),
	TQ_TEST(out),
	TQ_TEST(out_in_parts),
	TQ_TEST(out_larger_than_the_pipe),
	TQ_TEST(out_into_the_last_page),
	TQ_TEST(out_into_a_full_pipe),
	TQ_TEST(out_of_an_empty_queue),
	TQ_TEST(out_without_waiting),
	TQ_TEST(out_leaves_the_pipe_to_others),
	TQ_TEST(out_into_a_pipe_that_filled),
	TQ_TEST(out_into_a_pipe_without_readers),
	TQ_TEST(two_out_into_one_pipe),
	TQ_TEST(splicing_cats),
	TQ_TEST(out_interrupted),
	TQ_TEST(out_leaves_a_rest),
	TQ_TEST(offsets_are_refused),
	TQ_TEST(sendfile_in),
	TQ_TEST(sendfile_small),
	TQ_TEST(sendfile_out),
	TQ_TEST(gifts_are_copied),
	TQ_TEST(both_ways),
	TQ_TEST_WITH(in_is_cut_at_max_message, TQ_SMALL),
	TQ_TEST_WITH(in_when_full, TQ_SMALL),
	TQ_TEST_WITH(in_waits_for_room, TQ_SMALL),
	TQ_TEST_WITH(in_interrupted, TQ_SMALL),
	TQ_TEST_WITH(sendfile_when_full, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("splice", tests, ARRAY_SIZE(tests), argc, argv);
}
