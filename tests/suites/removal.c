// SPDX-License-Identifier: GPL-2.0-only
/* The tests of this suite; see removal/removal.h. */
#include "removal/removal.h"

static const struct t_test tests[] = {
	TQ_TEST(sleeping_readers),
	TQ_TEST(waiting_senders),
	TQ_TEST(sleeping_receivers_of_batches),
	TQ_TEST(waiting_senders_of_batches),
	TQ_TEST(who_waits_until_all_is_done),
	TQ_TEST(sleeping_pollers),
	TQ_TEST(pollers_for_room),
	TQ_TEST(sleeping_epolls),
	TQ_TEST(sleeping_splices),
	TQ_TEST(pending_requests),
	TQ_TEST(owners_are_signalled),
	TQ_TEST(every_call_afterwards),
	TQ_TEST(nodes_left_behind),
	TQ_TEST(partials_in_flight),
	TQ_TEST(stalled_reader),
	TQ_TEST(stalled_sender),
	TQ_TEST(never_under_a_user),
	TQ_TEST(closed_while_it_is_cleared),
	{ .name = "everybody_at_once", .run = everybody_at_once, .seconds = 90 },
};

int main(int argc, char **argv)
{
	return t_main("removal", tests, ARRAY_SIZE(tests), argc, argv);
}
