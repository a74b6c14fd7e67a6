// SPDX-License-Identifier: GPL-2.0-only
/*
 * One message by its id, whatever its state: to look at, to work on, to take. Nothing
 * else moves, and nobody waits.
 */
#include "calls.h"

#define NAME	"by_id"
#define NEVER	(100000 * T_SECOND)	/* longer than any test */

static char buf[64 * 1024] __attribute__((aligned(8)));

static void is_at(int line, size_t len, uint64_t seed, uint64_t id)
{
	struct tqueue_record *record = t_at(buf, 0);

	t_is_at(__FILE__, line, "id", record->id, id);
	t_is_at(__FILE__, line, "length", record->length, len);
	t_is_at(__FILE__, line, "payload", t_differs(record->payload, len, seed, 0), -1);
}

static void gives_at(int line, int fd, uint64_t id, unsigned int flags, size_t len,
		     uint64_t seed)
{
	memset(buf, 0xa5, 4096);
	t_is_at(__FILE__, line, "RECEIVE", t_by_id_call(fd, id, flags, buf, sizeof(buf)), 1);
	is_at(line, len, seed, id);
	t_is_at(__FILE__, line, "delivery", !t_at(buf, 0)->delivery,
		!(flags & TQUEUE_RECEIVE_LEASE));
}

#define gives(fd, id, flags, len, seed)	gives_at(__LINE__, fd, id, flags, len, seed)

/* The three ways with one that is in that state; it is put there by @put. */
static void all_ways(int fd, void (*put)(int fd, uint64_t id))
{
	struct tqueue_record record;
	uint64_t before, id, behind;
	int i;

	for (i = 0; i < 3; i++) {
		before = t_send_id(fd, 20, 1);
		id = t_send_id(fd, 33, 2);
		behind = t_send_id(fd, 20, 3);
		put(fd, id);
		gives(fd, id, TQUEUE_RECEIVE_PEEK, 33, 2);
		gives(fd, id, TQUEUE_RECEIVE_PEEK, 33, 2);
		t_is(t_info(fd).ever_leased, i == 2 ? 2 : 0);
		switch (i) {
		case 0:
			gives(fd, id, 0, 33, 2);
			break;
		case 1:
			gives(fd, id, TQUEUE_RECEIVE_LEASE, 33, 2);
			record = *t_at(buf, 0);
			t_is(t_listed(fd, id).flags, TQUEUE_LISTED_BEGUN);
			t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
			gives(fd, id, TQUEUE_RECEIVE_LEASE, 33, 2);
			record = *t_at(buf, 0);
			t_is(record.attempts, 1);
			t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
			break;
		case 2:
			t_is(t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
		}
		t_errno(t_by_id_call(fd, id, TQUEUE_RECEIVE_PEEK, buf, sizeof(buf)), ENOENT);
		t_errno(t_by_id_call(fd, id, TQUEUE_RECEIVE_LEASE, buf, sizeof(buf)), ENOENT);
		t_errno(t_by_id_call(fd, id, 0, buf, sizeof(buf)), ENOENT);
		t_counts(fd, 2, 0, 0, 0);
		t_is(t_info(fd).bytes, 2 * t_record(20));
		t_is(t_take(fd, 20, 1).id, before);
		t_is(t_take(fd, 20, 3).id, behind);
		t_is(t_wait_call(fd, TQUEUE_FOREVER, 0), 0);
	}
}

static void put_ring(int fd, uint64_t id)
{
	t_is(t_state(fd, id), TQUEUE_READY);
}

static void put_tree(int fd, uint64_t id)
{
	struct tqueue_settlement settlement = {
		.id = id, .action = TQUEUE_REQUEUE, .priority = 9,
		.flags = TQUEUE_SETTLE_UNLEASED | TQUEUE_SETTLE_PRIORITY,
	};

	t_is(t_settle_one(fd, settlement), 0);
	t_is(t_listed(fd, id).priority, 9);
}

static void put_delayed(int fd, uint64_t id)
{
	struct tqueue_settlement settlement = {
		.id = id, .action = TQUEUE_REQUEUE, .time = NEVER,
		.flags = TQUEUE_SETTLE_UNLEASED,
	};

	t_is(t_settle_one(fd, settlement), 0);
	t_is(t_state(fd, id), TQUEUE_DELAYED);
}

static void put_buried(int fd, uint64_t id)
{
	t_is(t_settle_unleased(fd, id, TQUEUE_BURY), 0);
	t_is(t_state(fd, id), TQUEUE_BURIED);
}

static void in_the_ring(void)
{
	int fd = t_open_small(NAME);

	all_ways(fd, put_ring);
	t_end(fd);
}

static void beside_the_ring(void)
{
	int fd = t_open_small(NAME);

	all_ways(fd, put_tree);
	t_end(fd);
}

static void delayed(void)
{
	int fd = t_open_small(NAME);

	all_ways(fd, put_delayed);
	t_end(fd);
}

static void buried(void)
{
	int fd = t_open_small(NAME);

	all_ways(fd, put_buried);
	t_end(fd);
}

/* Plain readers pass messages without bytes, and a gap that follows these. */
static void empty_ones_before_a_gap(void)
{
	int fd = t_open_small(NAME), i;
	uint64_t id;

	for (i = 0; i < 2; i++)
		t_send_id(fd, 0, 1);
	id = t_send_id(fd, 20, 2);
	t_send(fd, 33, 3);
	t_is(t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_fionread(fd), 33);
	t_is(read(fd, buf, sizeof(buf)), 33);
	t_is(t_differs(buf, 33, 3, 0), -1);
	t_counts(fd, 0, 0, 0, 0);
	t_end(fd);
}

/* Every one out of the ring, from whichever end, and round its end again and again. */
static void out_of_the_middle(void)
{
	enum { N = 12 };
	int fd = t_open_small(NAME), round, i, left;
	uint64_t ids[N], dice = 3;

	for (round = 0; round < 100; round++) {
		bool gone[N] = { false };

		for (i = 0; i < N; i++)
			ids[i] = t_send_id(fd, 150 + i, i);
		for (left = N; left > round % 4; left--) {
			do {
				dice = dice * 6364136223846793005 + 1442695040888963407;
				i = (dice >> 40) % N;
			} while (gone[i]);
			gone[i] = true;
			gives(fd, ids[i], 0, 150 + i, i);
			/* Room is made of those in front alone; the count is exact. */
			t_is(t_info(fd).messages, left - 1);
		}
		for (i = 0; i < N; i++)
			if (!gone[i])
				t_take(fd, 150 + i, i);
	}
	t_end(fd);
}

/* Who waits for room gets that of one taken out of the middle, too. */
static void a_sender_waits(void)
{
	static struct t_task writer;
	static char mine[TQ_SMALL_MAX];
	int fd = t_open_small(NAME), i;
	uint64_t ids[4];

	for (i = 0; i < 4; i++)
		ids[i] = t_send_id(fd, TQ_SMALL_MAX, i);
	t_pattern(mine, sizeof(mine), 9, 0);
	t_start_write(&writer, fd, mine, sizeof(mine));
	t_asleep(&writer, SYS_write);
	gives(fd, ids[0], 0, TQ_SMALL_MAX, 0);
	t_result(&writer, TQ_SMALL_MAX);
	gives(fd, ids[2], TQUEUE_RECEIVE_LEASE, TQ_SMALL_MAX, 2);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_take(fd, TQ_SMALL_MAX, 1);
	t_take(fd, TQ_SMALL_MAX, 3);
	t_take(fd, TQ_SMALL_MAX, 9);
	t_end(fd);
}

/* Nor need one wait that may not, for the room of what was taken out of the middle. */
static void a_sender_that_may_not_wait(void)
{
	static struct t_task poller;
	static char mine[TQ_SMALL_MAX];
	int fd = t_open_small(NAME), i;
	uint64_t ids[4];

	for (i = 0; i < 4; i++)
		ids[i] = t_send_id(fd, TQ_SMALL_MAX, i);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	t_pattern(mine, sizeof(mine), 9, 0);
	t_errno(write(fd, mine, sizeof(mine)), EAGAIN);
	t_start_poll(&poller, fd, POLLOUT);
	t_asleep(&poller, SYS_poll);
	gives(fd, ids[1], 0, TQ_SMALL_MAX, 1);
	t_result(&poller, 1);
	t_is(write(fd, mine, sizeof(mine)), TQ_SMALL_MAX);
	t_is(t_poll(fd, POLLOUT), 0);
	t_errno(write(fd, mine, sizeof(mine)), EAGAIN);
	gives(fd, ids[2], TQUEUE_RECEIVE_LEASE, TQ_SMALL_MAX, 2);
	t_errno(write(fd, mine, sizeof(mine)), EAGAIN);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_poll(fd, POLLOUT), POLLOUT);
	t_is(t_send_call(fd, buf, t_put(buf, 0, TQ_SMALL_MAX, 8), 0), 1);
	t_is(t_info(fd).bytes, TQ_PAGE);
	t_is(t_poll(fd, POLLOUT), 0);
	t_take(fd, TQ_SMALL_MAX, 0);
	t_is(t_poll(fd, POLLOUT), POLLOUT);
	t_take(fd, TQ_SMALL_MAX, 3);
	t_take(fd, TQ_SMALL_MAX, 9);
	t_take(fd, TQ_SMALL_MAX, 8);
	t_end(fd);
}

static void busy(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY);
	static const unsigned int flags[] = { TQUEUE_RECEIVE_PEEK, TQUEUE_RECEIVE_LEASE, 0 };
	struct tqueue_record record;
	uint64_t partial;
	int i;

	partial = t_send_id(fd, 20, 1);
	t_send(fd, 20, 2);
	t_is(read(other, buf, 5), 5);
	record = t_lease(fd, 20, 2);
	for (i = 0; i < 3; i++) {
		t_errno(t_by_id_call(fd, record.id, flags[i], buf, sizeof(buf)), EBUSY);
		t_errno(t_by_id_call(fd, partial, flags[i], buf, sizeof(buf)), EBUSY);
	}
	close(other);
	t_is(t_by_id_call(fd, partial, 0, buf, sizeof(buf)), 1);
	t_is(t_at(buf, 0)->length, 15);
	t_is(t_at(buf, 0)->flags, TQUEUE_FLAG_PARTIAL);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	gives(fd, record.id, 0, 20, 2);
	t_end(fd);
}

/* At max_leased it can be looked at and taken, but not leased. */
static void too_many_leases(void)
{
	int fd = t_open_small(NAME), i;
	void (*const puts[])(int fd, uint64_t id) = {
		put_ring, put_tree, put_delayed, put_buried,
	};
	struct tqueue_record record;
	uint64_t id;

	t_is(t_set_field(fd, MAX_LEASED, max_leased, 1), 0);
	t_send(fd, 20, 9);
	record = t_lease(fd, 20, 9);
	for (i = 0; i < (int)ARRAY_SIZE(puts); i++) {
		id = t_send_id(fd, 20, i);
		puts[i](fd, id);
		t_errno(t_by_id_call(fd, id, TQUEUE_RECEIVE_LEASE, buf, sizeof(buf)), ENOSPC);
		gives(fd, id, TQUEUE_RECEIVE_PEEK, 20, i);
		gives(fd, id, 0, 20, i);
	}
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

static void wrong_arguments(void)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
		.flags = TQUEUE_RECEIVE_BY_ID,
	}, wrong;
	int fd = t_open_small(NAME), looker = t_open_queue(NAME, 3);
	uint64_t id = t_send_id(fd, 20, 1);

	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EINVAL);
	receive.id = id;
	wrong = receive;
	wrong.flags = 0;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EINVAL);
	wrong = receive;
	wrong.count = 2;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EINVAL);
	wrong = receive;
	wrong.flags |= TQUEUE_RECEIVE_PEEK | TQUEUE_RECEIVE_LEASE;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EINVAL);
	wrong.flags = TQUEUE_RECEIVE_BY_ID | 0x10;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EINVAL);
	wrong = receive;
	wrong.limit = 1;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EINVAL);
	/* Without the flags that these belong to. */
	wrong = receive;
	wrong.ack_id = id;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EINVAL);
	wrong = receive;
	wrong.ack_delivery = 1;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EINVAL);
	wrong = receive;
	wrong.flags = TQUEUE_RECEIVE_PEEK | TQUEUE_RECEIVE_ACK;
	wrong.id = 0;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EINVAL);
	t_errno(t_by_id_call(fd, id + 1, 0, buf, sizeof(buf)), ENOENT);
	t_errno(t_by_id_call(fd, TQUEUE_FOREVER, 0, buf, sizeof(buf)), ENOENT);
	/* Too small, and not there: it stays. */
	wrong = receive;
	wrong.bytes = t_record(20) - 8;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EMSGSIZE);
	t_is(wrong.bytes, t_record(20));
	wrong = receive;
	wrong.records = 8;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EFAULT);
	wrong.flags |= TQUEUE_RECEIVE_LEASE;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), EFAULT);
	t_counts(fd, 1, 0, 0, 0);
	/* Who may only look may look. */
	t_is(t_by_id_call(looker, id, TQUEUE_RECEIVE_PEEK, buf, sizeof(buf)), 1);
	t_errno(t_by_id_call(looker, id, 0, buf, sizeof(buf)), EBADF);
	t_errno(t_by_id_call(looker, id, TQUEUE_RECEIVE_LEASE, buf, sizeof(buf)), EBADF);
	close(looker);
	/* It does not wait, whatever the deadline. */
	wrong = receive;
	wrong.id = id + 1;
	wrong.deadline = TQUEUE_FOREVER;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &wrong), ENOENT);
	t_is(t_take(fd, 20, 1).attempts, 0);
	t_end(fd);
}

/* The copy of it fails half way: it is where it was, in whatever state. */
static void a_copy_that_fails(void)
{
	void (*const puts[])(int fd, uint64_t id) = {
		put_ring, put_tree, put_delayed, put_buried,
	};
	char *edge = t_edge(4096);
	int fd = t_open_small(NAME), i, j;
	uint64_t id;

	for (i = 0; i < (int)ARRAY_SIZE(puts); i++) {
		unsigned int state;

		id = t_send_id(fd, 200, i);
		puts[i](fd, id);
		state = t_state(fd, id);
		for (j = 8; j < 240; j += 8) {
			t_errno(t_by_id_call(fd, id, j % 16 ? 0 : TQUEUE_RECEIVE_LEASE,
					     edge + 4096 - j, 240), EFAULT);
			t_is(t_state(fd, id), state);
			t_is(t_listed(fd, id).attempts, 0);
		}
		gives(fd, id, 0, 200, i);
	}
	t_end(fd);
}

/* With the ack of another. */
static void with_an_ack(void)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
		.flags = TQUEUE_RECEIVE_BY_ID | TQUEUE_RECEIVE_ACK | TQUEUE_RECEIVE_LEASE,
	};
	int fd = t_open_small(NAME);
	struct tqueue_record record;

	t_send(fd, 20, 1);
	t_send(fd, 20, 2);
	receive.id = t_send_id(fd, 20, 3);
	record = t_lease(fd, 20, 1);
	receive.ack_id = record.id;
	receive.ack_delivery = record.delivery;
	t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 1);
	t_is(receive.ack_result, 0);
	is_at(__LINE__, 20, 3, receive.id);
	t_counts(fd, 1, 1, 0, 0);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_take(fd, 20, 2);
	t_end(fd);
}

/* What was taken out of the middle makes room for all alike, also for who cannot wait. */
static void room_in_the_middle(void)
{
	int fd = t_open_small(NAME), quick = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	char buf[TQ_PAGE];
	uint64_t ids[4], sum;
	int i;

	for (i = 0; i < 4; i++)
		ids[i] = t_send_id(fd, TQ_SMALL_MAX, i);
	t_is(t_poll(quick, POLLOUT), 0);
	t_errno(write(quick, buf, 1), EAGAIN);
	sum = t_info(fd).bytes;
	t_is(t_by_id_call(fd, ids[2], 0, buf, sizeof(buf)), 1);
	t_is(t_poll(quick, POLLOUT), POLLOUT);
	t_is(t_info(fd).bytes, sum - t_record(TQ_SMALL_MAX));
	t_send(quick, TQ_SMALL_MAX, 4);
	t_is(t_info(fd).bytes, sum);
	t_is(t_poll(quick, POLLOUT), 0);
	t_errno(write(quick, buf, 1), EAGAIN);
	for (i = 0; i < 5; i++)
		if (i != 2)
			t_receive(fd, TQ_SMALL_MAX, i);
	close(quick);
	t_end(fd);
}

/* A queue that has let more in for it is no larger than it may be. */
static void resized_with_room_in_the_middle(void)
{
	int fd = t_open_small(NAME), i;
	uint64_t ids[4];

	for (i = 0; i < 4; i++)
		ids[i] = t_send_id(fd, TQ_SMALL_MAX, i);
	for (i = 1; i < 3; i++)
		gives(fd, ids[i], 0, TQ_SMALL_MAX, i);
	for (i = 4; i < 6; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_is(t_info(fd).bytes, TQ_PAGE);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, TQ_PAGE, 0), 0);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), 0);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, TQ_PAGE, 0), 0);
	t_is(t_poll(fd, POLLOUT), 0);
	t_take(fd, TQ_SMALL_MAX, 0);
	t_is(t_poll(fd, POLLOUT), POLLOUT);
	for (i = 3; i < 6; i++)
		t_take(fd, TQ_SMALL_MAX, i);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(room_in_the_middle),
	TQ_TEST(resized_with_room_in_the_middle),
	TQ_TEST(in_the_ring),
	TQ_TEST(beside_the_ring),
	TQ_TEST(delayed),
	TQ_TEST(buried),
	TQ_TEST(empty_ones_before_a_gap),
	TQ_TEST(out_of_the_middle),
	TQ_TEST(a_sender_waits),
	TQ_TEST(a_sender_that_may_not_wait),
	TQ_TEST(busy),
	TQ_TEST(too_many_leases),
	TQ_TEST(wrong_arguments),
	TQ_TEST(a_copy_that_fails),
	TQ_TEST(with_an_ack),
};

int main(int argc, char **argv)
{
	return t_main("by_id", tests, ARRAY_SIZE(tests), argc, argv);
}
