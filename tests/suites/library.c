// SPDX-License-Identifier: GPL-2.0-only
/* The tests of this suite; see library/library.h. */
#include "library/library.h"

static const struct t_test tests[] = {
	TQ_TEST(names),
	TQ_TEST(deadlines),
	TQ_TEST(filling),
	TQ_TEST(hostile),
	TQ_TEST(no_queue),
	{ .name = "no_driver", .run = no_driver, .reloads = true,
	  .logs = true },
	TQ_TEST(old_driver),
	TQ_TEST(one_message),
	TQ_TEST_WITH(full_queue, TQ_SMALL),
	TQ_TEST_WITH(full_queue_long, "size_l=65536"),
	TQ_TEST_WITH(batches, TQ_SMALL),
	TQ_TEST(threads),
	TQ_TEST(stop_and_start),
	TQ_TEST(administration),
	TQ_TEST(looking),
	TQ_TEST(polling),
	TQ_TEST(explanations),
	TQ_TEST(wrong_devices),
	TQ_TEST(example),
};

int main(int argc, char **argv)
{
	return t_main("library", tests, ARRAY_SIZE(tests), argc, argv);
}
