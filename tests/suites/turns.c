// SPDX-License-Identifier: GPL-2.0-only
/* The tests of this suite; see turns/turns.h. */
#include "turns/turns.h"

static const struct t_test tests[] = {
	TQ_TEST(nobody_waits),
	TQ_TEST(one_message_past_them),
	TQ_TEST(until_all_who_waited_are_gone),
	TQ_TEST(each_file),
	TQ_TEST(all_calls),
	TQ_TEST(who_may_sleep_waits),
	TQ_TEST(failures_use_no_turn),
	TQ_TEST(no_more_than_its_size),
	TQ_TEST(the_queue_is_stopped),
	TQ_TEST(the_policy_changes),
	TQ_TEST(to_drop_oldest),
	TQ_TEST(files_that_go),
	TQ_TEST(edges),
	TQ_TEST(start_is_an_edge),
	TQ_TEST(started_in_traffic),
	TQ_TEST(share_of_one),
	TQ_TEST(shares_of_several),
	TQ_TEST(nobody_starves),
	TQ_TEST(everybody_gets_on),
};

int main(int argc, char **argv)
{
	return t_main("turns", tests, ARRAY_SIZE(tests), argc, argv);
}
