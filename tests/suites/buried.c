// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buried messages: put aside by their workers, or after the last of the attempts that
 * they may have, until they are kicked or removed. Poison must not push out the rest.
 */
#include "calls.h"

#define NAME	"buried"

static char buf[64 * 1024] __attribute__((aligned(8)));

static void set_max_attempts(int fd, unsigned int most)
{
	t_is(t_set_field(fd, MAX_ATTEMPTS, max_attempts, most), 0);
}

static void bury(int fd, uint64_t id)
{
	t_is(t_settle_unleased(fd, id, TQUEUE_BURY), 0);
}

/* ---- attempts ---------------------------------------------------------- */

static void after_the_last_attempt(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;
	struct tqueue_listed entry;
	uint64_t id;

	t_is(t_info(fd).max_attempts, 16);
	set_max_attempts(fd, 3);
	id = t_send_id(fd, 20, 1);
	for (i = 0; i < 3; i++) {
		record = t_lease(fd, 20, 1);
		t_is(record.attempts, i);
		t_is(t_settle(fd, &record, TQUEUE_REQUEUE),
		     i < 2 ? TQUEUE_RESULT_DONE : TQUEUE_RESULT_BURIED);
	}
	t_empty(fd);
	t_counts(fd, 0, 0, 0, 1);
	t_is(t_info(fd).buried_bytes, t_record(20));
	t_is(t_info(fd).bytes, t_record(20));
	t_is(t_info(fd).ever_buried, 1);
	entry = t_listed(fd, id);
	t_is(entry.state, TQUEUE_BURIED);
	t_is(entry.reason, TQUEUE_REASON_ATTEMPTS);
	t_is(entry.attempts, 3);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
	entry = t_listed(fd, id);
	t_is(entry.reason, TQUEUE_REASON_KICKED);
	t_is(entry.attempts, 0);
	t_is(t_take(fd, 20, 1).attempts, 0);
	t_end(fd);
}

/* A requeue with a delay is none any more, either. */
static void after_the_last_attempt_with_a_delay(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;

	set_max_attempts(fd, 1);
	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	t_is(t_requeue(fd, &record, T_SECOND, 0), TQUEUE_RESULT_BURIED);
	t_counts(fd, 0, 0, 0, 1);
	bury(fd, record.id);
	t_is(t_settle_unleased(fd, record.id, TQUEUE_REQUEUE), 0);
	t_take(fd, 20, 1);
	t_end(fd);
}

static void by_files_that_are_closed(void)
{
	int fd = t_open_small(NAME), i;
	uint64_t id = t_send_id(fd, 20, 1);

	set_max_attempts(fd, 3);
	for (i = 0; i < 3; i++) {
		int other = t_open_queue(NAME, O_RDWR);

		t_lease(other, 20, 1);
		close(other);
	}
	t_counts(fd, 0, 0, 0, 1);
	t_is(t_listed(fd, id).reason, TQUEUE_REASON_ATTEMPTS);
	t_is(t_by_id_call(fd, id, 0, buf, sizeof(buf)), 1);
	t_is(t_at(buf, 0)->attempts, 3);
	t_end(fd);
}

static void by_limits_that_pass(void)
{
	int fd = t_open_small(NAME), i;
	uint64_t id = t_send_id(fd, 20, 1);

	set_max_attempts(fd, 2);
	for (i = 0; i < 2; i++) {
		t_is(t_lease_call(fd, buf, sizeof(buf), 1, 5 * T_MS), 1);
		t_becomes(fd, id, i ? TQUEUE_BURIED : TQUEUE_READY);
	}
	t_is(t_listed(fd, id).reason, TQUEUE_REASON_ATTEMPTS);
	t_is(t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* They are dropped instead, where the queue says so. */
static void or_dropped(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	struct tqueue_record record;
	uint64_t id;

	set_max_attempts(fd, 1);
	t_is(t_set_field(fd, ON_EXHAUSTED, on_exhausted, TQUEUE_EXHAUSTED_DROP), 0);
	id = t_send_id(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), TQUEUE_RESULT_DROPPED);
	t_is(t_state(fd, id), 0);
	t_is(t_info(fd).dropped, 1);
	t_send(fd, 20, 2);
	t_lease(other, 20, 2);
	close(other);
	t_is(t_info(fd).dropped, 2);
	t_counts(fd, 0, 0, 0, 0);
	/* Whoever waits for it is told. */
	t_is(t_wait_call(fd, TQUEUE_FOREVER, 0), 0);
	/* What a worker buries is buried all the same. */
	t_send(fd, 20, 3);
	record = t_lease(fd, 20, 3);
	t_is(t_settle(fd, &record, TQUEUE_BURY), 0);
	t_counts(fd, 0, 0, 0, 1);
	t_is(t_settle_unleased(fd, record.id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* Fewer than it has already: it is buried when it comes back, not before. */
static void the_limit_becomes_smaller(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;

	t_send(fd, 20, 1);
	for (i = 0; i < 5; i++) {
		record = t_lease(fd, 20, 1);
		t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	}
	set_max_attempts(fd, 2);
	record = t_lease(fd, 20, 1);
	t_is(record.attempts, 5);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), TQUEUE_RESULT_BURIED);
	set_max_attempts(fd, 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
	t_take(fd, 20, 1);
	t_end(fd);
}

/* One of a batch kills its worker again and again: the others are not buried with it. */
static void poison_in_a_batch(void)
{
	enum { N = 32, POISON = 13 };
	int fd = t_open_small(NAME), i, round;
	struct tqueue_listed entries[N];

	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), 0);
	set_max_attempts(fd, 3);
	t_is(t_send_call(fd, buf, t_put_many(buf, 20, 0, N), 0), N);
	for (round = 0; round < 3; round++) {
		int other = t_open_queue(NAME, O_RDWR);

		t_is(t_lease_call(other, buf, sizeof(buf), N, 0), N);
		/* The worker begins with the poison, and dies. */
		t_is(t_settle(other, t_at(buf, POISON * t_record(20)), TQUEUE_BEGIN), 0);
		close(other);
	}
	t_counts(fd, N - 1, 0, 0, 1);
	t_is(t_list_call(fd, entries, N, 0, TQUEUE_BURIED), 1);
	t_is(entries[0].id, t_at(buf, POISON * t_record(20))->id);
	t_is(entries[0].attempts, 3);
	for (i = 0; i < N; i++)
		if (i != POISON)
			t_is(t_take(fd, 20, i).attempts, 0);
	t_is(t_settle_unleased(fd, entries[0].id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* ---- room -------------------------------------------------------------- */

static void max_buried(void)
{
	enum { EACH = 104 };	/* bytes of a message of 64 */
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;
	struct tqueue_listed entry;
	double now;

	/* Unless it says otherwise a quarter of the size. */
	t_is(t_info(fd).max_buried, TQ_PAGE / 4);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	t_is(t_info(fd).max_buried, TQ_PAGE);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, 2 * EACH), 0);
	t_is(t_info(fd).max_buried, 2 * EACH);
	for (i = 0; i < 4; i++)
		t_send(fd, 64, i);
	for (i = 0; i < 2; i++) {
		record = t_lease(fd, 64, i);
		t_is(t_settle(fd, &record, TQUEUE_BURY), 0);
	}
	/* There is no room for another one: it is put off. */
	record = t_lease(fd, 64, 2);
	t_is(t_settle(fd, &record, TQUEUE_BURY), TQUEUE_RESULT_PUT_OFF);
	t_counts(fd, 1, 0, 1, 2);
	entry = t_listed(fd, record.id);
	now = t_boot_time();
	t_is(entry.state, TQUEUE_DELAYED);
	t_is(entry.reason, TQUEUE_REASON_PUT_OFF);
	t_true(entry.due_ns / 1e9 > now + 3500 && entry.due_ns / 1e9 < now + 3601,
	       "it is due in %.0f s", entry.due_ns / 1e9 - now);
	/* The same for its last attempt, and by its id. */
	set_max_attempts(fd, 1);
	record = t_lease(fd, 64, 3);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), TQUEUE_RESULT_PUT_OFF);
	t_counts(fd, 0, 0, 2, 2);
	t_is(t_settle_unleased(fd, record.id, TQUEUE_BURY), TQUEUE_RESULT_PUT_OFF);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 2);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_DELAYED, NULL), 2);
	for (i = 0; i < 4; i++)
		t_take(fd, 64, i);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, 0), 0);
	t_is(t_info(fd).max_buried, TQ_PAGE);
	t_end(fd);
}

/* Whatever the overflow policy. */
static void max_buried_of_a_dropping_queue(void)
{
	struct tqueue_record record;
	int fd, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, t_record(64)), 0);
	for (i = 0; i < 2; i++) {
		t_send(fd, 64, i);
		record = t_lease(fd, 64, i);
		t_is(t_settle(fd, &record, TQUEUE_BURY), i ? TQUEUE_RESULT_PUT_OFF : 0);
	}
	t_counts(fd, 0, 0, 1, 1);
	t_is(t_info(fd).dropped, 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED | TQUEUE_DELAYED, NULL), 2);
	t_take(fd, 64, 0);
	t_take(fd, 64, 1);
	t_end(fd);
}

/* Many files with many leases are closed, and all would have to be buried. */
static void a_flood_of_poison(void)
{
	enum { N = 60 };
	int fd = t_open_small(NAME), i;
	struct tqueue_info info;

	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, 10 * t_record(20)), 0);
	set_max_attempts(fd, 1);
	for (i = 0; i < N; i++)
		t_send(fd, 20, i);
	for (i = 0; i < N; i++) {
		int other = t_open_queue(NAME, O_RDWR);

		t_lease(other, 20, i);
		close(other);
	}
	info = t_info(fd);
	t_is(info.buried, 10);
	t_is(info.delayed, N - 10);
	/* Good ones go through. */
	t_send(fd, 20, 100);
	t_take(fd, 20, 100);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	close(fd);
}

/* ---- KICK -------------------------------------------------------------- */

static void kicking_some(void)
{
	int fd = t_open_small(NAME), i;
	unsigned int left;
	uint64_t ids[6];

	for (i = 0; i < 6; i++)
		ids[i] = t_send_id(fd, 20, i);
	/* In whatever order they were buried: lowest ids first. */
	for (i = 5; i >= 0; i--)
		bury(fd, ids[i]);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 2, TQUEUE_BURIED, &left), 2);
	t_is(left, 0);
	t_counts(fd, 2, 0, 0, 4);
	t_take(fd, 20, 0);
	t_take(fd, 20, 1);
	/* Up to an id, that included. */
	t_is(t_kick_call(fd, ids[3], 0, TQUEUE_BURIED, NULL), 2);
	t_take(fd, 20, 2);
	t_take(fd, 20, 3);
	t_is(t_kick_call(fd, ids[3], 0, TQUEUE_BURIED, NULL), 0);
	t_is(t_kick_call(fd, 0, 0, TQUEUE_BURIED, NULL), 0);
	t_is(t_kick_call(fd, ids[5], 100, TQUEUE_BURIED, NULL), 2);
	t_take(fd, 20, 4);
	t_take(fd, 20, 5);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED | TQUEUE_DELAYED, NULL), 0);
	t_end(fd);
}

static void kicking_by_state(void)
{
	int fd = t_open_small(NAME);
	uint64_t id;

	t_send_delayed(fd, 20, 1, 1000 * T_SECOND);
	id = t_send_id(fd, 20, 2);
	bury(fd, id);
	t_send_delayed(fd, 20, 3, 1000 * T_SECOND);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 1, TQUEUE_DELAYED, NULL), 1);
	t_take(fd, 20, 1);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 1, TQUEUE_DELAYED | TQUEUE_BURIED, NULL), 1);
	t_take(fd, 20, 2);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_DELAYED, NULL), 1);
	t_take(fd, 20, 3);
	t_end(fd);
}

/* As many who sleep are woken as are kicked. */
static void kicking_wakes(void)
{
	enum { N = 4 };
	static struct t_batch batch[N];
	static char mine[N][128] __attribute__((aligned(8)));
	int fd = t_open_small(NAME), i;

	for (i = 0; i < N; i++)
		bury(fd, t_send_id(fd, 20, i));
	for (i = 0; i < N; i++) {
		t_start_receive(&batch[i], fd, mine[i], t_record(20), TQUEUE_FOREVER);
		t_asleep(&batch[i].task, SYS_ioctl);
	}
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), N);
	for (i = 0; i < N; i++)
		t_result(&batch[i].task, 1);
	t_end(fd);
}

static void wrong_kicks(void)
{
	struct tqueue_kick kick = { .id = TQUEUE_FOREVER, .states = TQUEUE_BURIED };
	int fd = t_open_small(NAME), writer = t_open_queue(NAME, O_WRONLY), i;
	static const unsigned int wrong[] = {
		0, TQUEUE_READY, TQUEUE_LEASED, TQUEUE_IN_FLIGHT, 0x20, 0x80000000,
		TQUEUE_BURIED | TQUEUE_READY,
	};

	bury(fd, t_send_id(fd, 20, 1));
	for (i = 0; i < (int)ARRAY_SIZE(wrong); i++)
		t_errno(t_kick_call(fd, TQUEUE_FOREVER, 0, wrong[i], NULL), EINVAL);
	kick.reserved = 1;
	t_errno(ioctl(fd, TQUEUE_KICK, &kick), EINVAL);
	kick.reserved = 0;
	t_errno(ioctl(writer, TQUEUE_KICK, &kick), EBADF);
	t_errno(ioctl(fd, TQUEUE_KICK, NULL), EFAULT);
	t_counts(fd, 0, 0, 0, 1);
	t_is(ioctl(fd, TQUEUE_KICK, &kick), 1);
	t_take(fd, 20, 1);
	close(writer);
	t_end(fd);
}

/* With another priority it is buried, and so it comes back. */
static void buried_with_a_priority(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_settlement settlement;
	struct tqueue_record record;

	for (i = 0; i < 2; i++)
		t_send_priority(fd, 20, i, 5);
	record = t_lease(fd, 20, 0);
	settlement = t_settlement(&record, TQUEUE_BURY);
	settlement.flags = TQUEUE_SETTLE_PRIORITY;
	settlement.priority = 2;
	t_is(t_settle_one(fd, settlement), 0);
	t_is(t_listed(fd, record.id).priority, 2);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
	t_take(fd, 20, 1);
	t_is(t_take(fd, 20, 0).priority, 2);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(after_the_last_attempt),
	TQ_TEST(after_the_last_attempt_with_a_delay),
	TQ_TEST(by_files_that_are_closed),
	TQ_TEST(by_limits_that_pass),
	TQ_TEST(or_dropped),
	TQ_TEST(the_limit_becomes_smaller),
	TQ_TEST(poison_in_a_batch),
	TQ_TEST(max_buried),
	TQ_TEST(max_buried_of_a_dropping_queue),
	TQ_TEST(a_flood_of_poison),
	TQ_TEST(kicking_some),
	TQ_TEST(kicking_by_state),
	TQ_TEST(kicking_wakes),
	TQ_TEST(wrong_kicks),
	TQ_TEST(buried_with_a_priority),
};

int main(int argc, char **argv)
{
	return t_main("buried", tests, ARRAY_SIZE(tests), argc, argv);
}
