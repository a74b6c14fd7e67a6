// SPDX-License-Identifier: GPL-2.0-only
/*
 * ttl: how long a message is of use. It ends those that are ready or delayed, and
 * those that are leased when they come back; they are dropped or buried.
 */
#include "calls.h"

#define NAME	"ttl"
#define NEVER	(100000 * T_SECOND)	/* longer than any test */

static char buf[64 * 1024] __attribute__((aligned(8)));

static int open_with(uint64_t ttl, unsigned int on_expired)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_TTL | TQUEUE_CONFIG_ON_EXPIRED,
		.ttl = ttl, .on_expired = on_expired,
	};
	int fd = t_open_small(NAME);

	t_is(ioctl(fd, TQUEUE_SET, &config), 0);
	t_is(t_info(fd).ttl, ttl);
	t_is(t_info(fd).on_expired, on_expired);
	return fd;
}

static void gone_at(int line, int fd, unsigned int dropped, unsigned int buried)
{
	double end = t_now() + 10 * t_slow();
	struct tqueue_info info;

	do {
		info = t_info(fd);
		if (info.dropped == dropped && info.buried == buried &&
		    info.ever_expired == dropped + buried)
			return;
		usleep(500);
	} while (t_now() < end);
	t_fail_at(__FILE__, line, "%llu were dropped, %llu buried, %llu expired, not %u, %u",
		  (unsigned long long)info.dropped, (unsigned long long)info.buried,
		   (unsigned long long)info.ever_expired, dropped, buried);
}

#define gone(fd, dropped, buried)	gone_at(__LINE__, fd, dropped, buried)

static void ready_ones_are_dropped(void)
{
	int fd = open_with(100 * T_MS, TQUEUE_EXPIRED_DROP), i;
	double began = t_boot_time(), passed;
	uint64_t id = 0;

	for (i = 0; i < 5; i++)
		id = i % 2 ? t_send_priority(fd, 20, i, i) : t_send_id(fd, 20, i);
	gone(fd, 5, 0);
	passed = t_boot_time() - began;
	/* The clock that says when it was sent is coarse. */
	t_true(passed > 0.085, "they are gone after %.3f s", passed);
	t_counts(fd, 0, 0, 0, 0);
	t_is(t_info(fd).bytes, 0);
	t_is(t_wait_call(fd, id, 0), 0);
	/* The next receive is told. */
	t_is(t_set_field(fd, TTL, ttl, NEVER), 0);
	t_send(fd, 20, 9);
	{
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
		};

		t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 1);
		t_is(receive.dropped, 5);
		t_is(t_at(buf, 0)->flags, TQUEUE_FLAG_DROPPED);
	}
	t_end(fd);
}

/* Those without bytes are counted apart, for plain readers; the count stays right. */
static void empty_ones(void)
{
	int fd = open_with(50 * T_MS, TQUEUE_EXPIRED_DROP), i;

	for (i = 0; i < 3; i++)
		t_send_id(fd, 0, i);
	gone(fd, 3, 0);
	t_is(t_set_field(fd, TTL, ttl, NEVER), 0);
	t_is(t_poll(fd, POLLIN), 0);
	t_is(t_send_id(fd, 20, 9), 4);
	t_is(t_poll(fd, POLLIN), POLLIN);
	t_is(read(fd, buf, sizeof(buf)), 20);
	t_is(t_poll(fd, POLLIN), 0);
	t_counts(fd, 0, 0, 0, 0);
	t_end(fd);
}

static void in_time_they_are_received(void)
{
	int fd = open_with(60 * T_SECOND, TQUEUE_EXPIRED_DROP), i;

	for (i = 0; i < 5; i++)
		t_send(fd, 20, i);
	for (i = 0; i < 5; i++)
		t_receive(fd, 20, i);
	t_is(t_info(fd).ever_expired, 0);
	t_end(fd);
}

static void ready_ones_are_buried(void)
{
	int fd = open_with(50 * T_MS, TQUEUE_EXPIRED_BURY);
	uint64_t id = t_send_id(fd, 20, 1);

	gone(fd, 0, 1);
	t_is(t_listed(fd, id).state, TQUEUE_BURIED);
	t_is(t_listed(fd, id).reason, TQUEUE_REASON_EXPIRED);
	t_is(t_info(fd).ever_buried, 1);
	t_is(t_wait_call(fd, id, 0), 0);
	t_is(t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* What is delayed for longer than it is of use never comes. */
static void delayed_ones(void)
{
	int fd = open_with(NEVER, TQUEUE_EXPIRED_DROP);

	t_send_delayed(fd, 20, 1, 2 * NEVER);
	t_send_delayed(fd, 20, 2, 5 * T_MS);
	t_is(t_receive_call(fd, buf, sizeof(buf), t_deadline(10)), 1);
	t_is(t_differs(t_at(buf, 0)->payload, 20, 2, 0), -1);
	t_is(t_set_field(fd, TTL, ttl, 50 * T_MS), 0);
	gone(fd, 1, 0);
	t_end(fd);
}

/* A leased one is safe until it comes back, by whatever. */
static void leased_ones(void)
{
	int fd = open_with(NEVER, TQUEUE_EXPIRED_DROP), other, i;
	struct tqueue_record records[5];

	for (i = 0; i < 5; i++)
		t_send(fd, 20, i);
	other = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < 5; i++)
		records[i] = t_lease(i == 2 ? other : fd, 20, i);
	t_is(t_set_field(fd, TTL, ttl, 50 * T_MS), 0);
	t_sleep_ms(100);
	t_counts(fd, 0, 5, 0, 0);
	t_is(t_settle(fd, &records[0], TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_settle(fd, &records[1], TQUEUE_REQUEUE), TQUEUE_RESULT_DROPPED);
	t_is(t_requeue(fd, &records[3], T_SECOND, 0), TQUEUE_RESULT_DROPPED);
	close(other);
	t_is(t_info(fd).dropped, 3);
	t_is(t_set_field(fd, ON_EXPIRED, on_expired, TQUEUE_EXPIRED_BURY), 0);
	t_is(t_settle(fd, &records[4], TQUEUE_REQUEUE), TQUEUE_RESULT_BURIED);
	t_is(t_listed(fd, records[4].id).reason, TQUEUE_REASON_EXPIRED);
	t_counts(fd, 0, 0, 0, 1);
	t_is(t_settle_unleased(fd, records[4].id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

static void the_limit_of_one_that_is_too_old(void)
{
	int fd = open_with(NEVER, TQUEUE_EXPIRED_DROP);
	uint64_t id = t_send_id(fd, 20, 1);

	t_is(t_lease_call(fd, buf, sizeof(buf), 1, 60 * T_MS), 1);
	t_is(t_set_field(fd, TTL, ttl, 30 * T_MS), 0);
	t_becomes(fd, id, 0);
	gone(fd, 1, 0);
	t_end(fd);
}

/* What is buried stays: it does not get older by that. */
static void buried_ones_stay(void)
{
	int fd = open_with(NEVER, TQUEUE_EXPIRED_DROP);
	uint64_t id = t_send_id(fd, 20, 1);
	int state;

	t_is(t_settle_unleased(fd, id, TQUEUE_BURY), 0);
	t_is(t_set_field(fd, TTL, ttl, 20 * T_MS), 0);
	t_sleep_ms(60);
	t_is(t_state(fd, id), TQUEUE_BURIED);
	t_is(t_info(fd).ever_expired, 0);
	t_is(t_set_field(fd, TTL, ttl, 0), 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
	state = t_state(fd, id);
	t_is(state, TQUEUE_READY);
	t_take(fd, 20, 1);
	t_end(fd);
}

/* It holds for those that are there already, and no more when it is taken back. */
static void changed_while_they_wait(void)
{
	int fd = open_with(0, TQUEUE_EXPIRED_DROP), i;

	for (i = 0; i < 3; i++)
		t_send(fd, 20, i);
	t_send_delayed(fd, 20, 3, NEVER);
	t_sleep_ms(30);
	t_counts(fd, 3, 0, 1, 0);
	t_is(t_set_field(fd, TTL, ttl, 20 * T_MS), 0);
	gone(fd, 4, 0);
	t_is(t_set_field(fd, TTL, ttl, 60 * T_SECOND), 0);
	t_send(fd, 20, 5);
	t_is(t_set_field(fd, TTL, ttl, 0), 0);
	t_sleep_ms(20);
	t_receive(fd, 20, 5);
	t_end(fd);
}

/* Those too old make room. */
static void they_make_room(void)
{
	static struct t_task writer;
	static char mine[TQ_SMALL_MAX];
	int fd = open_with(100 * T_MS, TQUEUE_EXPIRED_DROP);

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), 4);
	t_pattern(mine, sizeof(mine), 9, 0);
	t_start_write(&writer, fd, mine, sizeof(mine));
	t_result(&writer, TQ_SMALL_MAX);
	t_is(t_set_field(fd, TTL, ttl, 0), 0);
	t_true(t_info(fd).dropped > 0, "none was dropped");
	while (t_info(fd).messages)
		t_is(t_receive_call(fd, buf, t_record(TQ_SMALL_MAX), 0), 1);
	t_end(fd);
}

/* Who waits for the end is told when the last is too old. */
static void the_end(void)
{
	static struct t_task reader;
	static struct t_batch wait;
	static char mine[64];
	int fd = open_with(T_SECOND, TQUEUE_EXPIRED_DROP);

	t_send_delayed(fd, 20, 1, NEVER);
	t_start_wait(&wait, fd, TQUEUE_FOREVER, TQUEUE_FOREVER);
	t_asleep(&wait.task, SYS_ioctl);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_start_read(&reader, fd, mine, sizeof(mine));
	t_result(&reader, 0);
	t_result(&wait.task, 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

/* Read in part, it is read to its end; what comes back is too old. */
static void partial_messages(void)
{
	int fd = open_with(NEVER, TQUEUE_EXPIRED_DROP);
	int other = t_open_queue(NAME, O_RDONLY);

	t_send(fd, 100, 1);
	t_send(fd, 100, 2);
	t_is(read(fd, buf, 40), 40);
	t_is(read(other, buf, 40), 40);
	t_is(t_set_field(fd, TTL, ttl, 50 * T_MS), 0);
	t_sleep_ms(100);
	t_receive_rest(fd, 60, 1, 40);
	close(other);
	gone(fd, 1, 0);
	t_end(fd);
}

static void the_key_is_free(void)
{
	int fd = open_with(NEVER, TQUEUE_EXPIRED_DROP), i;

	for (i = 0; i < 2; i++) {
		t_is(t_set_field(fd, TTL, ttl, NEVER), 0);
		t_send_unique(fd, 20, i, 7);
		t_errno(t_send_unique_call(fd, 20, 5, 7, 0, NULL), EEXIST);
		t_is(t_set_field(fd, TTL, ttl, 50 * T_MS), 0);
		gone(fd, i + 1, 0);
	}
	t_end(fd);
}

/* At max_buried what is too old is put off, again and again, and others go on. */
static void no_room_to_bury(void)
{
	int fd = open_with(20 * T_MS, TQUEUE_EXPIRED_BURY), i;
	uint64_t ids[3];

	t_is(t_set_field(fd, MAX_BURIED, max_buried, t_record(20)), 0);
	for (i = 0; i < 3; i++)
		ids[i] = t_send_id(fd, 20, i);
	while (t_info(fd).messages)
		usleep(500);
	t_is(t_state(fd, ids[0]), TQUEUE_BURIED);
	t_is(t_info(fd).buried, 1);
	/* They do not keep the machine busy meanwhile. */
	t_sleep_ms(50);
	t_is(t_info(fd).delayed, 2);
	t_is(t_info(fd).buried, 1);
	for (i = 0; i < 3; i++)
		t_is(t_settle_unleased(fd, ids[i], TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* Nor does it count as too old once more when another ttl is chosen. */
static void put_off_and_another_ttl(void)
{
	int fd = open_with(20 * T_MS, TQUEUE_EXPIRED_BURY), i;
	struct tqueue_listed entry;
	uint64_t id;

	t_is(t_set_field(fd, MAX_BURIED, max_buried, t_record(20)), 0);
	t_send(fd, 20, 1);
	id = t_send_id(fd, 20, 2);
	t_becomes(fd, id, TQUEUE_DELAYED);
	entry = t_listed(fd, id);
	t_is(entry.reason, TQUEUE_REASON_PUT_OFF);
	for (i = 0; i < 3; i++) {
		t_is(t_set_field(fd, TTL, ttl, (10 + i) * T_MS), 0);
		t_sleep_ms(20);
		t_is(t_listed(fd, id).due_ns, entry.due_ns);
		t_is(t_info(fd).ever_expired, 2);
	}
	/* Where it need not be buried it goes, though it was delayed. */
	t_is(t_set_field(fd, ON_EXPIRED, on_expired, TQUEUE_EXPIRED_DROP), 0);
	t_becomes(fd, id, 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
	while (t_info(fd).messages)
		usleep(500);
	/* Nor does what a worker wants to be buried stay then for longer than it is of use. */
	t_is(t_set_field(fd, TTL, ttl, 200 * T_MS), 0);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, 1), 0);
	id = t_send_id(fd, 20, 3);
	t_is(t_settle_unleased(fd, id, TQUEUE_BURY), TQUEUE_RESULT_PUT_OFF);
	t_becomes(fd, id, 0);
	t_end(fd);
}

static void many_at_once(void)
{
	enum { N = 10000, EACH = 1000 };
	unsigned int i;
	int fd;

	t_create(NAME, 1 << 20);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_set_field(fd, TTL, ttl, 200 * T_MS), 0);
	for (i = 0; i < N; i += EACH)
		t_is(t_send_call(fd, buf, t_put_many(buf, 8, i, EACH), 0), EACH);
	gone(fd, N, 0);
	t_is(t_set_field(fd, TTL, ttl, 0), 0);
	t_send(fd, 8, 1);
	t_receive(fd, 8, 1);
	t_end(fd);
}

/* A queue can be made with it. */
static void given_when_it_is_made(void)
{
	struct tqueue_create create = t_creation(NAME);
	int fd, i;

	create.config.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_TTL;
	create.config.size = TQ_PAGE;
	create.config.ttl = 50 * T_MS;
	t_is(t_create_call(&create), 0);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < 3; i++) {
		t_send(fd, 20, i);
		gone(fd, i + 1, 0);
	}
	t_end(fd);
}

/* What is ready goes first when a queue is removed, and what is delayed stands among it by age. */
static void removed_with_them(void)
{
	int run, fd, i;

	for (run = 0; run < 3; run++) {
		t_create(NAME, 1 << 20);
		fd = t_open_queue(NAME, O_RDWR);
		t_is(t_set_field(fd, TTL, ttl, NEVER), 0);
		for (i = 0; i < 2000; i++) {
			t_send_priority(fd, 20, i, 1);
			if (i % 3 == 0)
				t_send_delayed(fd, 20, i, NEVER);
			if (i % 7 == 0)
				t_send(fd, 20, i);
		}
		if (run == 1)
			t_lease_call(fd, buf, sizeof(buf), 100, NEVER);
		close(fd);
		t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	}
}

static const struct t_test tests[] = {
	TQ_TEST(ready_ones_are_dropped),
	TQ_TEST(empty_ones),
	TQ_TEST(in_time_they_are_received),
	TQ_TEST(ready_ones_are_buried),
	TQ_TEST(delayed_ones),
	TQ_TEST(leased_ones),
	TQ_TEST(the_limit_of_one_that_is_too_old),
	TQ_TEST(buried_ones_stay),
	TQ_TEST(changed_while_they_wait),
	TQ_TEST(they_make_room),
	TQ_TEST(the_end),
	TQ_TEST(partial_messages),
	TQ_TEST(the_key_is_free),
	TQ_TEST(no_room_to_bury),
	TQ_TEST(put_off_and_another_ttl),
	TQ_TEST(many_at_once),
	TQ_TEST(given_when_it_is_made),
	TQ_TEST(removed_with_them),
};

int main(int argc, char **argv)
{
	return t_main("ttl", tests, ARRAY_SIZE(tests), argc, argv);
}
