// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unique keys: while a message with a key waits, no other of that key is sent, and
 * its sender is told which one it was.
 */
#include "calls.h"

#define NAME	"unique"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of a page */
#define NEVER	(100000 * T_SECOND)	/* longer than any test */
#define OTHER	1234	/* another user */

static char buf[64 * 1024] __attribute__((aligned(8)));

static void exists_at(int line, int fd, uint64_t key, unsigned int flags, uint64_t id)
{
	uint64_t sent = t_info(fd).sent, found = 0;

	t_errno_at(__FILE__, line, "SEND",
		   t_send_unique_call(fd, 10, 99, key, flags, &found), EEXIST);
	t_is_at(__FILE__, line, "last_id", found, id);
	t_is_at(__FILE__, line, "sent", t_info(fd).sent, sent);
}

/* A message with that key is not sent, as this one has it. */
#define exists(fd, key, id)	exists_at(__LINE__, fd, key, 0, id)

/* The key is free: shown by a message that has it for a moment. */
static void is_free_at(int line, int fd, uint64_t key)
{
	uint64_t id = 0;

	t_is_at(__FILE__, line, "SEND", t_send_unique_call(fd, 10, 98, key, 0, &id), 1);
	t_is_at(__FILE__, line, "removing it",
		t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
}

#define is_free(fd, key)	is_free_at(__LINE__, fd, key)

static long send_with(int fd, size_t bytes, unsigned int flags, uint64_t key, uint64_t *id)
{
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = bytes, .flags = flags, .key = key,
	};
	long got = ioctl(fd, TQUEUE_SEND, &send);

	if (id)
		*id = send.last_id;
	return got;
}

/* ---- states -------------------------------------------------------------------------- */

static void while_it_is_ready(void)
{
	int fd = t_open_small(NAME);
	uint64_t id = t_send_unique(fd, 10, 1, 7), other;
	struct tqueue_listed entry = t_listed(fd, id);

	t_is(entry.key, 7);
	t_is(entry.flags, TQUEUE_FLAG_UNIQUE);
	exists(fd, 7, id);
	exists(fd, 7, id);
	other = t_send_unique(fd, 10, 2, 8);
	exists(fd, 8, other);
	exists(fd, 7, id);
	/* Whether it says so or not, it comes without. */
	t_take(fd, 10, 1);
	id = t_send_unique(fd, 10, 3, 7);
	exists(fd, 7, id);
	t_receive(fd, 10, 2);
	t_receive(fd, 10, 3);
	is_free(fd, 8);
	is_free(fd, 7);
	t_end(fd);
}

static void keys_of_all_kinds(void)
{
	static const uint64_t keys[] = {
		0, 1, 1ULL << 32, 1ULL << 63, ~0ULL, ~0ULL - 1, 0xffffffff,
	};
	int fd = t_open_small(NAME);
	uint64_t ids[ARRAY_SIZE(keys)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		ids[i] = t_send_unique(fd, 10, i, keys[i]);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		exists(fd, keys[i], ids[i]);
	/* Those without a key have none, not 0. */
	t_send(fd, 10, 20);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		t_take(fd, 10, i);
	t_is(t_settle_unleased(fd, t_send_unique(fd, 10, 21, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_receive(fd, 10, 20);
	t_end(fd);
}

static void while_it_is_delayed(void)
{
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = t_put(buf, 0, 10, 1), .key = 7,
		.flags = TQUEUE_SEND_DELAY | TQUEUE_SEND_UNIQUE, .delay = 50 * T_MS,
	};
	int fd = t_open_small(NAME);

	t_is(ioctl(fd, TQUEUE_SEND, &send), 1);
	exists(fd, 7, send.last_id);
	t_becomes(fd, send.last_id, TQUEUE_READY);
	exists(fd, 7, send.last_id);
	t_take(fd, 10, 1);
	is_free(fd, 7);
	t_end(fd);
}

static void while_it_is_leased(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	uint64_t id = t_send_unique(fd, 10, 1, 7);

	record = t_lease(fd, 10, 1);
	is_free(fd, 7);
	/* It comes back and has its key again. */
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	exists(fd, 7, id);
	record = t_lease(fd, 10, 1);
	t_is(t_requeue(fd, &record, NEVER, 0), 0);
	exists(fd, 7, id);
	t_is(t_settle_unleased(fd, id, TQUEUE_REQUEUE), 0);
	record = t_lease(fd, 10, 1);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	is_free(fd, 7);
	t_end(fd);
}

static void until_it_is_settled(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	uint64_t id;

	t_is(t_send_unique_call(fd, 10, 1, 7, TQUEUE_SEND_UNSETTLED, &id), 1);
	t_is(t_listed(fd, id).flags, TQUEUE_FLAG_UNIQUE | TQUEUE_FLAG_UNSETTLED);
	exists(fd, 7, id);
	record = t_lease(fd, 10, 1);
	exists(fd, 7, id);
	exists_at(__LINE__, fd, 7, TQUEUE_SEND_UNSETTLED, id);
	t_is(t_requeue(fd, &record, NEVER, 0), 0);
	exists(fd, 7, id);
	t_is(t_settle_unleased(fd, id, TQUEUE_REQUEUE), 0);
	record = t_lease(fd, 10, 1);
	exists(fd, 7, id);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	is_free(fd, 7);
	t_end(fd);
}

/* Another got the key in the meantime: the one that comes back goes on without. */
static void it_comes_back_too_late(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	uint64_t first = t_send_unique(fd, 10, 1, 7), second;

	record = t_lease(fd, 10, 1);
	second = t_send_unique(fd, 10, 2, 7);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	exists(fd, 7, second);
	t_is(t_listed(fd, first).flags & TQUEUE_FLAG_UNIQUE, 0);
	t_is(t_listed(fd, second).flags, TQUEUE_FLAG_UNIQUE);
	t_take(fd, 10, 1);
	exists(fd, 7, second);
	t_take(fd, 10, 2);
	is_free(fd, 7);
	t_end(fd);
}

/* The same by a file that is closed, and by a limit that passes. */
static void it_comes_back_by_itself(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	uint64_t id = t_send_unique(fd, 10, 1, 7);

	t_lease(other, 10, 1);
	is_free(fd, 7);
	close(other);
	exists(fd, 7, id);
	t_is(t_lease_call(fd, buf, sizeof(buf), 1, 20 * T_MS), 1);
	t_becomes(fd, id, TQUEUE_READY);
	exists(fd, 7, id);
	t_take(fd, 10, 1);
	is_free(fd, 7);
	t_end(fd);
}

static void buried_ones_have_none(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	uint64_t first = t_send_unique(fd, 10, 1, 7), second;
	unsigned int left;

	record = t_lease(fd, 10, 1);
	t_is(t_settle(fd, &record, TQUEUE_BURY), 0);
	is_free(fd, 7);
	/* Kicked, it has it again. */
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, &left), 1);
	t_is(left, 0);
	exists(fd, 7, first);
	/* Buried by its id. */
	t_is(t_settle_unleased(fd, first, TQUEUE_BURY), 0);
	second = t_send_unique(fd, 10, 2, 7);
	exists(fd, 7, second);
	/* What collides is left, and others are not. */
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, &left), 0);
	t_is(left, 1);
	t_is(t_settle_unleased(fd, first, TQUEUE_REQUEUE), -EEXIST);
	t_is(t_state(fd, first), TQUEUE_BURIED);
	t_take(fd, 10, 2);
	t_is(t_settle_unleased(fd, first, TQUEUE_REQUEUE), 0);
	exists(fd, 7, first);
	t_take(fd, 10, 1);
	t_end(fd);
}

static void kick_leaves_what_collides(void)
{
	int fd = t_open_small(NAME), i;
	unsigned int left;
	uint64_t ids[6];

	/* Two of each of three keys are buried. */
	for (i = 0; i < 6; i++) {
		ids[i] = t_send_unique(fd, 10, i, i / 2);
		t_is(t_settle_unleased(fd, ids[i], TQUEUE_BURY), 0);
	}
	t_send_unique(fd, 10, 20, 1);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, &left), 2);
	t_is(left, 4);
	exists(fd, 0, ids[0]);
	exists(fd, 2, ids[4]);
	t_take(fd, 10, 0);
	t_take(fd, 10, 4);
	t_take(fd, 10, 20);
	/* Those it may kick are not hidden behind those it may not. */
	t_send_unique(fd, 10, 21, 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 1, TQUEUE_BURIED, &left), 1);
	t_is(t_state(fd, ids[2]), TQUEUE_READY);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, &left), 1);
	t_is(left, 2);
	t_take(fd, 10, 2);
	t_take(fd, 10, 5);
	t_take(fd, 10, 21);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, &left), 2);
	t_is(left, 0);
	t_take(fd, 10, 1);
	t_take(fd, 10, 3);
	t_end(fd);
}

/* Read in part and given back, removed by id, dropped: each frees it, or not. */
static void other_ways_out(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY);
	uint64_t id = t_send_unique(fd, 100, 1, 7);

	t_is(read(other, buf, 30), 30);
	close(other);
	exists(fd, 7, id);
	t_is(t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
	is_free(fd, 7);
	id = t_send_unique(fd, 100, 1, 7);
	t_is(t_by_id_call(fd, id, 0, buf, sizeof(buf)), 1);
	is_free(fd, 7);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, TQUEUE_OVERFLOW_DROP_OLDEST, 0), 0);
	t_send_unique(fd, TQ_SMALL_MAX, 1, 7);
	for (id = 2; id < 6; id++)
		t_send(fd, TQ_SMALL_MAX, id);
	t_is(t_info(fd).dropped, 1);
	t_is(t_send_unique_call(fd, 10, 6, 7, 0, NULL), 1);
	t_is(t_info(fd).dropped, 2);
	for (id = 3; id < 6; id++)
		t_take(fd, TQ_SMALL_MAX, id);
	t_take(fd, 10, 6);
	is_free(fd, 7);
	t_end(fd);
}

/* ---- batches ------------------------------------------------------------------------- */

static void batches(void)
{
	int fd = t_open_small(NAME);
	size_t end = t_put_extra(buf, 0, 10, 0, TQUEUE_FLAG_UNIQUE, 3, 0), two, all;
	uint64_t id, last;

	/* With another beside it that has no key. */
	two = t_put(buf, end, 10, 1);
	all = t_put_extra(buf, two, 10, 2, TQUEUE_FLAG_UNIQUE, 4, 0);
	t_is(send_with(fd, all, 0, 0, &last), 3);
	exists(fd, 4, last);
	t_take(fd, 10, 0);
	t_take(fd, 10, 1);
	/* The third has a key that is taken: two are sent, and it is told then. */
	t_is(send_with(fd, all, 0, 0, &id), 2);
	t_is(t_info(fd).last_id, id);
	memmove(buf, buf + two, all - two);
	t_errno(send_with(fd, all - two, 0, 0, &id), EEXIST);
	t_is(id, last);
	t_take(fd, 10, 2);
	t_take(fd, 10, 0);
	t_take(fd, 10, 1);
	/* The key of the call is that of each record: the second has it taken already. */
	end = t_put_many(buf, 10, 0, 3);
	t_is(send_with(fd, end, TQUEUE_SEND_UNIQUE, 9, &id), 1);
	exists(fd, 9, id);
	t_take(fd, 10, 0);
	/* A record's own key counts more. */
	end = t_put(buf, 0, 10, 0);
	end = t_put_extra(buf, end, 10, 1, TQUEUE_FLAG_UNIQUE, 10, 0);
	t_is(send_with(fd, end, TQUEUE_SEND_UNIQUE, 9, NULL), 2);
	t_errno(t_send_unique_call(fd, 10, 2, 9, 0, NULL), EEXIST);
	t_errno(t_send_unique_call(fd, 10, 2, 10, 0, NULL), EEXIST);
	t_take(fd, 10, 0);
	t_take(fd, 10, 1);
	t_end(fd);
}

static void wrong_arguments(void)
{
	int fd = t_open_small(NAME);
	size_t end = t_put(buf, 0, 20, 1);

	t_errno(send_with(fd, end, 0, 7, NULL), EINVAL);
	t_errno(send_with(fd, end, TQUEUE_SEND_UNSETTLED, 0, NULL), EINVAL);
	t_errno(send_with(fd, end, TQUEUE_SEND_UNSETTLED, 7, NULL), EINVAL);
	t_at(buf, 0)->flags = TQUEUE_FLAG_UNIQUE;
	t_errno(send_with(fd, end, 0, 0, NULL), EINVAL);
	t_at(buf, 0)->flags = TQUEUE_FLAG_DROPPED;
	t_errno(send_with(fd, end, 0, 0, NULL), EINVAL);
	end = t_put_extra(buf, 0, 20, 1, 0, 7, 0);
	t_errno(send_with(fd, end, 0, 0, NULL), EINVAL);
	end = t_put_extra(buf, 0, 20, 1, TQUEUE_FLAG_UNSETTLED, 0, 0);
	t_errno(send_with(fd, end, 0, 0, NULL), EINVAL);
	end = t_put_extra(buf, 0, 20, 1, TQUEUE_FLAG_UNIQUE, 7, 7);
	t_errno(send_with(fd, end, 0, 0, NULL), EINVAL);
	t_is(t_info(fd).sent, 0);
	t_end(fd);
}

/* ---- users ------------------------------------------------------------- */

static void make_for_all(void)
{
	struct tqueue_create create = t_creation(NAME);

	create.mode = 0666;
	t_is(t_create_call(&create), 0);
}

static void other_sends(void *arg)
{
	uint64_t *id = arg;
	int fd;

	t_set_user(OTHER);
	fd = t_open_queue(NAME, O_RDWR);
	*id = t_send_unique(fd, 10, 2, 7);
	exists(fd, 7, *id);
}

static void of_each_user(void)
{
	uint64_t first, *second = t_shared(4096);
	int fd;

	make_for_all();
	fd = t_open_queue(NAME, O_RDWR);
	first = t_send_unique(fd, 10, 1, 7);
	t_reap(t_fork(other_sends, second));
	exists(fd, 7, first);
	t_is(t_listed(fd, *second).uid, OTHER);
	t_take(fd, 10, 1);
	first = t_send_unique(fd, 10, 3, 7);
	t_take(fd, 10, 2);
	exists(fd, 7, first);
	t_take(fd, 10, 3);
	t_end(fd);
}

static void other_finds(void *arg)
{
	int fd;

	t_set_user(OTHER);
	fd = t_open_queue(NAME, O_RDWR);
	exists(fd, 7, *(uint64_t *)arg);
}

static void of_the_whole_queue(void)
{
	uint64_t id;
	int fd;

	make_for_all();
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_set_field(fd, UNIQUE, unique, TQUEUE_UNIQUE_QUEUE), 0);
	t_is(t_info(fd).unique, TQUEUE_UNIQUE_QUEUE);
	id = t_send_unique(fd, 10, 1, 7);
	t_reap(t_fork(other_finds, &id));
	t_take(fd, 10, 1);
	is_free(fd, 7);
	t_end(fd);
}

/* ---- room -------------------------------------------------------------- */

/* Two wait for room with the same key: only one of them may send. */
static void while_they_wait_for_room(void)
{
	static struct t_batch batch[2];
	static char mine[2][TQ_PAGE] __attribute__((aligned(8)));
	int fd = t_open_small(NAME), i, well = 0, exist = 0;
	uint64_t id = 0;

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	for (i = 0; i < 2; i++) {
		t_put_extra(mine[i], 0, 10, 50, TQUEUE_FLAG_UNIQUE, 7, 0);
		t_start_send(&batch[i], fd, mine[i], t_record(10) + 16, TQUEUE_FOREVER);
		t_asleep(&batch[i].task, SYS_ioctl);
	}
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < 2; i++) {
		t_finish(&batch[i].task);
		if (batch[i].task.result == 1)
			well++;
		else if (batch[i].task.error == EEXIST)
			exist++;
		if (batch[i].task.result == 1)
			id = batch[i].send.last_id;
	}
	t_is(well, 1);
	t_is(exist, 1);
	for (i = 0; i < 2; i++)
		t_is(batch[i].send.last_id, id);
	exists(fd, 7, id);
	t_take(fd, 10, 50);
	is_free(fd, 7);
	t_end(fd);
}

/* One with a key that is taken drops nothing. */
static void nothing_is_dropped_for_it(void)
{
	uint64_t id;
	int fd, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < FULL - 1; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	id = t_send_unique(fd, TQ_SMALL_MAX, FULL - 1, 7);
	exists(fd, 7, id);
	t_is(t_info(fd).dropped, 0);
	for (i = 0; i < FULL; i++)
		t_take(fd, TQ_SMALL_MAX, i);
	t_end(fd);
}

/* Keys outlast a change of the size. */
static void resized(void)
{
	int fd = t_open_small(NAME), i;
	uint64_t ids[20];

	for (i = 0; i < 20; i++)
		ids[i] = t_send_unique(fd, 10, i, i);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	for (i = 0; i < 20; i++)
		exists(fd, i, ids[i]);
	for (i = 0; i < 20; i++)
		t_take(fd, 10, i);
	for (i = 0; i < 20; i++)
		is_free(fd, i);
	t_end(fd);
}

/* Many keys, sent and received at random, against a table. */
static void many(void)
{
	enum { KEYS = 1000 };
	static uint64_t holder[KEYS];	/* id, or 0 */
	uint64_t dice = 7, id;
	unsigned int i, key, held = 0;
	int fd;

	t_create(NAME, 1 << 17);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < 8000; i++) {
		dice = dice * 6364136223846793005 + 1442695040888963407;
		key = (dice >> 33) % KEYS;
		if (dice >> 62) {
			long got = t_send_unique_call(fd, 8, key, key * 0x100000001ULL,
						      0, &id);

			if (holder[key])
				t_errno(got, EEXIST);
			else
				t_is(got, 1);
			t_true(!holder[key] || holder[key] == id,
			       "%llu has the key, not %llu",
			       (unsigned long long)id,
				(unsigned long long)holder[key]);
			held += !holder[key];
			holder[key] = id;
		} else if (holder[key]) {
			t_is(t_settle_unleased(fd, holder[key], TQUEUE_ACKNOWLEDGE), 0);
			holder[key] = 0;
			held--;
		}
	}
	t_is(t_info(fd).messages, held);
	while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
		;
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(while_it_is_ready),
	TQ_TEST(keys_of_all_kinds),
	TQ_TEST(while_it_is_delayed),
	TQ_TEST(while_it_is_leased),
	TQ_TEST(until_it_is_settled),
	TQ_TEST(it_comes_back_too_late),
	TQ_TEST(it_comes_back_by_itself),
	TQ_TEST(buried_ones_have_none),
	TQ_TEST(kick_leaves_what_collides),
	TQ_TEST(other_ways_out),
	TQ_TEST(batches),
	TQ_TEST(wrong_arguments),
	TQ_TEST(of_each_user),
	TQ_TEST(of_the_whole_queue),
	TQ_TEST(while_they_wait_for_room),
	TQ_TEST(nothing_is_dropped_for_it),
	TQ_TEST(resized),
	TQ_TEST(many),
};

int main(int argc, char **argv)
{
	return t_main("unique", tests, ARRAY_SIZE(tests), argc, argv);
}
