// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages larger than one piece of what is copied under a lock, in the work queue:
 * they never stand in the ring, and are in flight while they are copied.
 */
#include "calls.h"

#define NAME	"large"
#define LARGE	300000	/* more than a piece of 256 KiB */
#define SIZE	0x200000
#define NEVER	(100000 * T_SECOND)	/* longer than any test */

static char *buf;	/* room for two of them */

static int make(void)
{
	buf = malloc(2 * t_record(LARGE));
	t_create(NAME, SIZE);
	return t_open_queue(NAME, O_RDWR);
}

static void leased_and_settled(void)
{
	static const unsigned int actions[] = {
		TQUEUE_ACKNOWLEDGE, TQUEUE_REQUEUE, TQUEUE_BURY,
	};
	int fd = make(), i;

	for (i = 0; i < 3; i++) {
		struct tqueue_record record;

		t_send_priority(fd, LARGE + i, i, i);
		record = t_lease(fd, LARGE + i, i);
		t_counts(fd, 0, 1, 0, 0);
		t_is(t_info(fd).bytes, t_record(LARGE + i));
		t_is(t_info(fd).leased_bytes, t_record(LARGE + i));
		t_is(t_listed(fd, record.id).length, LARGE + i);
		t_is(t_settle(fd, &record, actions[i]), 0);
		if (i == 2)
			t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
		if (i)
			t_is(t_take(fd, LARGE + i, i).attempts, i == 1);
	}
	t_end(fd);
}

static void among_small_ones(void)
{
	int fd = make();
	struct tqueue_record *record = t_at(buf, 0);

	t_send(fd, 20, 1);
	t_send(fd, LARGE, 2);
	t_send(fd, 20, 3);
	t_is(t_lease_call(fd, buf, 2 * t_record(LARGE), 0, 0), 3);
	t_is(record->length, 20);
	t_is(t_at(buf, t_record(20))->length, LARGE);
	t_is(t_differs(t_at(buf, t_record(20))->payload, LARGE, 2, 0), -1);
	/* Of several none has begun. */
	t_is(t_listed(fd, record->id).flags, 0);
	t_is(t_listed(fd, t_at(buf, t_record(20))->id).flags, 0);
	close(fd);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_take(fd, 20, 1).attempts, 0);
	t_is(t_take(fd, LARGE, 2).attempts, 0);
	t_is(t_take(fd, 20, 3).attempts, 0);
	t_end(fd);
}

/* A copy that fails at its end: it is where it was, and was not tried. */
static void a_copy_that_fails(void)
{
	int fd = make(), i;
	char *edge = t_edge(LARGE);
	uint64_t id;

	for (i = 0; i < 3; i++) {
		id = t_send_id(fd, LARGE, i);
		if (i == 1)
			t_is(t_settle_unleased(fd, id, TQUEUE_BURY), 0);
		/* The record has 40 bytes more. */
		if (!i)
			t_errno(t_lease_call(fd, edge, t_record(LARGE), 1, 0), EFAULT);
		t_errno(t_by_id_call(fd, id, TQUEUE_RECEIVE_LEASE, edge, t_record(LARGE)),
			EFAULT);
		t_errno(t_by_id_call(fd, id, 0, edge, t_record(LARGE)), EFAULT);
		t_errno(t_by_id_call(fd, id, TQUEUE_RECEIVE_PEEK, edge, t_record(LARGE)),
			EFAULT);
		t_is(t_state(fd, id), i == 1 ? TQUEUE_BURIED : TQUEUE_READY);
		t_is(t_listed(fd, id).attempts, 0);
		t_is(t_by_id_call(fd, id, 0, buf, t_record(LARGE)), 1);
		t_is(t_differs(t_at(buf, 0)->payload, LARGE, i, 0), -1);
	}
	t_counts(fd, 0, 0, 0, 0);
	t_end(fd);
}

static void by_id(void)
{
	int fd = make();
	uint64_t id = t_send_delayed(fd, LARGE, 1, NEVER);

	t_is(t_by_id_call(fd, id, TQUEUE_RECEIVE_PEEK, buf, t_record(LARGE)), 1);
	t_is(t_state(fd, id), TQUEUE_DELAYED);
	t_is(t_by_id_call(fd, id, TQUEUE_RECEIVE_LEASE, buf, t_record(LARGE)), 1);
	t_is(t_listed(fd, id).flags, TQUEUE_LISTED_BEGUN);
	t_is(t_differs(t_at(buf, 0)->payload, LARGE, 1, 0), -1);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_REQUEUE), 0);
	t_is(t_take(fd, LARGE, 1).attempts, 1);
	t_end(fd);
}

/* Only so many may be leased. */
static void too_many_leases(void)
{
	int fd = make();
	struct tqueue_record record;

	t_is(t_set_field(fd, MAX_LEASED, max_leased, 1), 0);
	t_send(fd, LARGE, 1);
	t_send(fd, LARGE, 2);
	t_is(t_lease_call(fd, buf, 2 * t_record(LARGE), 0, 0), 1);
	record = *t_at(buf, 0);
	t_errno(t_lease_call(fd, buf, 2 * t_record(LARGE), 0, 0), ENOSPC);
	t_counts(fd, 1, 1, 0, 0);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	record = t_lease(fd, LARGE, 2);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* While it is copied to memory that does not come, others go on, and it is in flight. */
static void copied_for_long(void)
{
	static struct t_batch batch;
	struct t_stall stall;
	int fd = make();
	uint64_t id = t_send_id(fd, LARGE, 1);

	t_stall_make(&stall, t_record(LARGE));
	t_start_lease(&batch, fd, stall.map, t_record(LARGE), 1, TQUEUE_FOREVER);
	t_stall_wait(&stall);
	t_send(fd, 20, 2);
	t_is(t_listed(fd, id).length, LARGE);
	t_true(t_state(fd, id) == TQUEUE_IN_FLIGHT || t_state(fd, id) == TQUEUE_READY,
	       "its state is %#x", t_state(fd, id));
	t_adds_up(fd);
	t_stall_release(&stall, NULL);
	t_result(&batch.task, 1);
	t_is(t_state(fd, id), TQUEUE_LEASED);
	t_is(t_differs(t_at(stall.map, 0)->payload, LARGE, 1, 0), -1);
	t_is(t_settle(fd, t_at(stall.map, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_take(fd, 20, 2);
	t_end(fd);
}

static void with_keys(void)
{
	int fd = make();
	uint64_t id = t_send_unique(fd, LARGE, 1, 7), other;
	struct tqueue_record record;

	t_errno(t_send_unique_call(fd, LARGE, 1, 7, 0, &other), EEXIST);
	t_is(other, id);
	record = t_lease(fd, LARGE, 1);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_settle_unleased(fd, t_send_unique(fd, LARGE, 1, 7), TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(leased_and_settled),
	TQ_TEST(among_small_ones),
	TQ_TEST(a_copy_that_fails),
	TQ_TEST(by_id),
	TQ_TEST(too_many_leases),
	TQ_TEST(copied_for_long),
	TQ_TEST(with_keys),
};

int main(int argc, char **argv)
{
	return t_main("large", tests, ARRAY_SIZE(tests), argc, argv);
}
