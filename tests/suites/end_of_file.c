// SPDX-License-Identifier: GPL-2.0-only
/* The tests of this suite; see end_of_file/end_of_file.h. */
#include "end_of_file/end_of_file.h"

static const struct t_test tests[] = {
	TQ_TEST(when_the_last_writer_left),
	TQ_TEST(late_openers),
	TQ_TEST(a_writer_that_sends_nothing),
	TQ_TEST(taken_by_somebody_else),
	TQ_TEST(polls_do_not_tell_it),
	TQ_TEST(one_after_the_other),
	TQ_TEST(several_late_openers),
	TQ_TEST(a_stop_is_told_to_all),
	TQ_TEST(never_with_read_and_write),
	TQ_TEST(writing_without_a_reader),
	TQ_TEST(not_unless_it_is_asked_for),
	TQ_TEST(who_sleeps_is_woken),
	TQ_TEST(who_sleeps_is_woken_by_the_policy),
	TQ_TEST(a_writer_is_killed),
	TQ_TEST(duplicates),
	TQ_TEST(partials_in_flight),
	TQ_TEST(one_takes_what_comes_back),
	TQ_TEST(nobody_is_woken_for_nothing),
	TQ_TEST(who_polls_for_the_end_alone),
	TQ_TEST(a_sender_in_line),
	TQ_TEST(a_writer_on_its_way),
	TQ_TEST(exactly_all_of_it),
};

int main(int argc, char **argv)
{
	return t_main("end_of_file", tests, ARRAY_SIZE(tests), argc, argv);
}
