// SPDX-License-Identifier: GPL-2.0-only
/* The tests of this suite; see control/control.h. */
#include "control/control.h"

static const struct t_test tests[] = {
	TQ_TEST(makes_a_queue),
	TQ_TEST(describes_itself),
	TQ_TEST(counts_what_is_in_flight),
	TQ_TEST(default_queue),
	TQ_TEST(defaults),
	TQ_TEST(rounds_sizes_up),
	TQ_TEST(two_queues_are_two),
	TQ_TEST(what_it_can_do),
	TQ_TEST(good_names),
	TQ_TEST(bad_names),
	TQ_TEST(too_long_a_name),
	TQ_TEST(taken_names),
	TQ_TEST(unknown_names),
	TQ_TEST(refused_creations),
	TQ_TEST(refused_max_message),
	TQ_TEST(refused_selections),
	TQ_TEST(refused_settings),
	TQ_TEST(bad_pointers),
	TQ_TEST(unknown_calls),
	TQ_TEST(look_but_not_touch),
	TQ_TEST(access_is_as_asked),
	TQ_TEST(never_wider),
	TQ_TEST(in_order_of_names),
	TQ_TEST(while_others_come_and_go),
	TQ_TEST(only_when_unused),
	TQ_TEST(with_force),
	TQ_TEST(gives_memory_back),
	TQ_TEST(numbers_are_not_used_again_at_once),
	TQ_TEST(one_name_for_many),
	{ .name = "holds_the_module", .run = holds_the_module, .reloads = true,
	  .logs = true },
	{ .name = "holds_the_module_when_removed",
	  .run = holds_the_module_when_removed, .reloads = true, .logs = true },
	TQ_TEST_WITH(too_many_queues, "max_queues=5"),
	TQ_TEST_WITH(too_much_memory, "size_l=4096 max_memory=262144"),
	TQ_TEST_WITH(smaller_at_the_ceiling, "size_l=4096 max_memory=65536"),
	TQ_TEST_WITH(memory_of_removed_queues, "size_l=4096 max_memory=262144"),
	TQ_TEST_WITH(memory_of_the_default_queue,
		     "size_l=8192 max_memory=65536"),
	TQ_TEST_WITH(memory_of_a_queue_in_dispute,
		     "size_l=4096 max_memory=163840"),
};

int main(int argc, char **argv)
{
	return t_main("control", tests, ARRAY_SIZE(tests), argc, argv);
}
