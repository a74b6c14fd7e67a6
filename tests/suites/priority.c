// SPDX-License-Identifier: GPL-2.0-only
/*
 * Priorities: what has a higher one comes first, what has the same comes in the
 * order in which it was sent, whichever call sent it and whichever receives it.
 */
#include "calls.h"

#define NAME	"priority"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of a page */
#define HALF	(TQ_PAGE / 8 - TQ_HEADER)	/* of which there are twice as many */

static char buf[64 * 1024] __attribute__((aligned(8)));

/* Ends at @bytes; one record of each priority given. */
static size_t put_priorities(const unsigned char *priorities, unsigned int n,
			     size_t len, uint64_t seed)
{
	size_t end = 0, at;
	unsigned int i;

	for (i = 0; i < n; i++) {
		at = end;
		end = t_put(buf, end, len, seed + i);
		t_at(buf, at)->priority = priorities[i];
	}
	return end;
}

static void takes(int fd, size_t len, uint64_t seed, unsigned int priority)
{
	t_is(t_take(fd, len, seed).priority, priority);
}

/* ---- order -------------------------------------------------------------------- */

static void the_highest_first(void)
{
	int fd = t_open_small(NAME), i;

	for (i = 0; i <= TQUEUE_PRIORITY_MAX; i++)
		t_send_priority(fd, 10, i, i);
	for (i = TQUEUE_PRIORITY_MAX; i >= 0; i--)
		takes(fd, 10, i, i);
	t_end(fd);
}

static void in_turn_within_one(void)
{
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 20; i++)
		t_send_priority(fd, 10 + i, i, 7);
	for (i = 0; i < 20; i++)
		takes(fd, 10 + i, i, 7);
	t_end(fd);
}

/* Sends and receives at random, against a table. */
static void random_order(void)
{
	static unsigned char priority[3000];	/* of each that was sent */
	static bool gone[ARRAY_SIZE(priority)];
	unsigned int sent = 0, received = 0, i;
	uint64_t dice = 42;
	int fd;

	t_create(NAME, 1 << 18);
	fd = t_open_queue(NAME, O_RDWR);
	while (received < ARRAY_SIZE(priority)) {
		int best = -1;

		dice = dice * 6364136223846793005 + 1442695040888963407;
		if (sent < ARRAY_SIZE(priority) && (dice >> 40) % 5 < 3) {
			/* Half of them of the usual priority, by the ring. */
			priority[sent] = dice >> 63 ? (dice >> 50) % 64 : 0;
			t_send_priority(fd, sent % 50, sent, priority[sent]);
			sent++;
			continue;
		}
		for (i = 0; i < sent; i++)
			if (!gone[i] && (best < 0 || priority[i] > priority[best]))
				best = i;
		if (best < 0)
			continue;
		takes(fd, best % 50, best, priority[best]);
		gone[best] = true;
		received++;
	}
	t_end(fd);
}

static void batches(void)
{
	static const unsigned char priorities[] = { 0, 9, 0, 63, 9, 1, 0, 63 };
	static const unsigned char order[] = { 3, 7, 1, 4, 5, 0, 2, 6 };
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
	};
	size_t end = put_priorities(priorities, 8, 20, 1), at = 0;
	struct tqueue_send send = { .records = (uintptr_t)buf, .bytes = end };
	int fd = t_open_small(NAME), i;
	uint64_t ids[8];

	t_is(ioctl(fd, TQUEUE_SEND, &send), 8);
	t_is(send.sent_bytes, end);
	t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 8);
	t_is(receive.bytes, end);
	for (i = 0; i < 8; i++, at += t_record(20)) {
		struct tqueue_record *record = t_at(buf, at);

		t_is(record->length, 20);
		t_is(record->priority, priorities[order[i]]);
		t_is(t_differs(record->payload, 20, 1 + order[i], 0), -1);
		ids[order[i]] = record->id;
	}
	/* The ids are in the order in which they were sent. */
	for (i = 1; i < 8; i++)
		t_true(ids[i] > ids[i - 1], "id %d is not above that before it", i);
	t_is(send.last_id, ids[7]);
	t_end(fd);
}

/* A batch that is received bit by bit, with more sent in between. */
static void batches_with_others_between(void)
{
	static const unsigned char priorities[] = { 2, 4, 2, 4, 0 };
	int fd = t_open_small(NAME);

	t_is(t_send_call(fd, buf, put_priorities(priorities, 5, 8, 0), 0), 5);
	takes(fd, 8, 1, 4);
	t_send_priority(fd, 8, 10, 5);
	t_send_priority(fd, 8, 11, 4);
	takes(fd, 8, 10, 5);
	takes(fd, 8, 3, 4);
	takes(fd, 8, 11, 4);
	takes(fd, 8, 0, 2);
	t_send(fd, 8, 12);
	takes(fd, 8, 2, 2);
	takes(fd, 8, 4, 0);
	takes(fd, 8, 12, 0);
	t_end(fd);
}

static void above_the_highest(void)
{
	int fd = t_open_small(NAME), i;

	for (i = TQUEUE_PRIORITY_MAX + 1; i < 256; i++) {
		size_t end = t_put(buf, 0, 10, 1);

		t_at(buf, 0)->priority = i;
		t_errno(t_send_call(fd, buf, end, 0), EINVAL);
		/* As the second it ends the call. */
		t_put(buf, end, 10, 2);
		t_at(buf, 0)->priority = 1;
		t_at(buf, end)->priority = i;
		t_is(t_send_call(fd, buf, 2 * end, 0), 1);
		takes(fd, 10, 1, 1);
	}
	t_end(fd);
}

/* ---- beside plain files --------------------------------------------------------- */

static void plain_files(void)
{
	int fd = t_open_small(NAME);

	t_send(fd, 30, 1);
	t_send_priority(fd, 40, 2, 1);
	t_send(fd, 30, 3);
	t_send_priority(fd, 0, 4, 63);
	t_send_priority(fd, 30, 5, 0);
	/* What comes next, but for empty ones. */
	t_is(t_fionread(fd), 40);
	/* A plain read passes over the empty one. */
	t_receive(fd, 40, 2);
	t_receive(fd, 30, 1);
	t_send_priority(fd, 20, 6, 2);
	t_is(t_fionread(fd), 20);
	t_receive(fd, 20, 6);
	t_receive(fd, 30, 3);
	t_receive(fd, 30, 5);
	t_end(fd);
}

/* What is left of one that was read in part goes back to its own place. */
static void partial(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY);
	struct tqueue_record *record = t_at(buf, 0);

	t_send(fd, 30, 1);
	t_send_priority(fd, 100, 2, 3);
	t_send_priority(fd, 30, 3, 3);
	t_is(read(other, buf, 60), 60);
	t_is(t_differs(buf, 60, 2, 0), -1);
	t_send_priority(fd, 30, 4, 4);
	close(other);
	takes(fd, 30, 4, 4);
	t_is(t_receive_call(fd, buf, t_record(40), 0), 1);
	t_is(record->length, 40);
	t_is(record->priority, 3);
	t_is(record->flags, TQUEUE_FLAG_PARTIAL);
	t_is(t_differs(record->payload, 40, 2, 60), -1);
	takes(fd, 30, 3, 3);
	takes(fd, 30, 1, 0);
	t_end(fd);
}

static void peeking(void)
{
	static const unsigned char priorities[] = { 0, 5, 0, 6 };
	static const unsigned char order[] = { 3, 1, 0, 2 };
	int fd = t_open_small(NAME), i, j;

	t_is(t_send_call(fd, buf, put_priorities(priorities, 4, 16, 0), 0), 4);
	for (i = 0; i < 2; i++) {
		t_is(t_peek_call(fd, buf, sizeof(buf)), 4);
		for (j = 0; j < 4; j++) {
			struct tqueue_record *record = t_at(buf, j * t_record(16));

			t_is(record->priority, priorities[order[j]]);
			t_is(t_differs(record->payload, 16, order[j], 0), -1);
		}
	}
	for (j = 0; j < 4; j++)
		takes(fd, 16, order[j], priorities[order[j]]);
	t_end(fd);
}

static void a_sleeping_reader_is_woken(void)
{
	static struct t_task reader;
	static char mine[64];
	int fd = t_open_small(NAME);

	t_start_read(&reader, fd, mine, sizeof(mine));
	t_asleep(&reader, SYS_read);
	t_is(t_poll(fd, POLLIN), 0);
	t_send_priority(fd, 33, 1, 20);
	t_result(&reader, 33);
	t_is(t_differs(mine, 33, 1, 0), -1);
	t_send_priority(fd, 33, 2, 20);
	t_is(t_poll(fd, POLLIN), POLLIN);
	t_receive(fd, 33, 2);
	t_is(t_poll(fd, POLLIN), 0);
	t_end(fd);
}

/* ---- room -------------------------------------------------------------------------- */

static void they_take_room(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_info info;

	for (i = 0; i < FULL; i++)
		t_send_priority(fd, TQ_SMALL_MAX, i, i);
	info = t_info(fd);
	t_is(info.messages, FULL);
	t_is(info.bytes, TQ_PAGE);
	t_put(buf, 0, 1, 9);
	t_at(buf, 0)->priority = 63;
	t_errno(t_send_call(fd, buf, t_record(1), 0), EAGAIN);
	t_is(t_poll(fd, POLLOUT), 0);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), 0);
	t_is(t_send_call(fd, buf, t_record(1), 0), 1);
	t_errno(t_set_call(NAME, TQUEUE_CONFIG_SIZE, TQ_PAGE, 0), EBUSY);
	takes(fd, 1, 9, 63);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, TQ_PAGE, 0), 0);
	for (i = FULL - 1; i >= 0; i--)
		takes(fd, TQ_SMALL_MAX, i, i);
	t_is(t_poll(fd, POLLOUT), POLLOUT);
	t_end(fd);
}

/* The lowest priority goes first, of that the oldest. */
static void the_lowest_is_dropped(void)
{
	int fd, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	t_send_priority(fd, TQ_SMALL_MAX, 1, 9);
	t_send(fd, TQ_SMALL_MAX, 2);
	t_send_priority(fd, TQ_SMALL_MAX, 3, 1);
	t_send(fd, TQ_SMALL_MAX, 4);
	for (i = 5; i < 8; i++)
		t_send_priority(fd, TQ_SMALL_MAX, i, i);
	t_is(t_info(fd).dropped, 3);
	takes(fd, TQ_SMALL_MAX, 1, 9);
	for (i = 7; i > 4; i--)
		takes(fd, TQ_SMALL_MAX, i, i);
	t_end(fd);
}

/* One of the usual priority comes to a queue full of others: these are dropped, too. */
static void a_low_one_drops_high_ones(void)
{
	int fd, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < FULL; i++)
		t_send_priority(fd, TQ_SMALL_MAX, i, 10 + i);
	t_send(fd, TQ_SMALL_MAX, 20);
	t_is(t_info(fd).dropped, 1);
	for (i = FULL - 1; i > 0; i--)
		takes(fd, TQ_SMALL_MAX, i, 10 + i);
	takes(fd, TQ_SMALL_MAX, 20, 0);
	t_end(fd);
}

/* ---- blocked senders --------------------------------------------------- */

struct blocked {
	struct t_batch batch;
	char buf[TQ_PAGE] __attribute__((aligned(8)));
};

static void block(struct blocked *blocked, int fd, uint64_t seed, unsigned int priority)
{
	size_t end = t_put(blocked->buf, 0, TQ_SMALL_MAX, seed);

	t_at(blocked->buf, 0)->priority = priority;
	t_start_send(&blocked->batch, fd, blocked->buf, end, TQUEUE_FOREVER);
	t_asleep(&blocked->batch.task, SYS_ioctl);
}

/* They are admitted by their priority, and within one in turn. */
static void blocked_senders(void)
{
	static const unsigned char priorities[] = { 0, 5, 63, 5, 0 };
	static const unsigned char order[] = { 2, 1, 3, 0, 4 };
	static struct blocked waiting[5];
	int fd = t_open_small(NAME), i, j;

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 100), FULL);
	for (i = 0; i < 5; i++)
		block(&waiting[i], fd, i, priorities[i]);
	t_blocked(fd, 5);
	/* Each message received makes room for one more. */
	t_receive(fd, TQ_SMALL_MAX, 100);
	for (i = 0; i < 5; i++) {
		t_result(&waiting[order[i]].batch.task, 1);
		for (j = i + 1; j < 5; j++)
			t_true(!t_done(&waiting[order[j]].batch.task),
			       "sender %d is admitted before its turn", order[j]);
		t_blocked(fd, 4 - i);
		if (priorities[order[i]])
			takes(fd, TQ_SMALL_MAX, order[i], priorities[order[i]]);
		else
			takes(fd, TQ_SMALL_MAX, 101 + i - 3, 0);
	}
	takes(fd, TQ_SMALL_MAX, 103, 0);
	takes(fd, TQ_SMALL_MAX, 0, 0);
	takes(fd, TQ_SMALL_MAX, 4, 0);
	t_end(fd);
}

/* Room is kept for the highest, and no one else slips into it. */
static void a_large_one_of_high_priority(void)
{
	static struct blocked high, low;
	int fd = t_open_small(NAME), i;

	t_is(t_fill_file(fd, HALF, 0), 8);
	/* The low one would fit sooner, were it alone. */
	t_start_send(&low.batch, fd, low.buf, t_put(low.buf, 0, 100, 50),
		     TQUEUE_FOREVER);
	t_asleep(&low.batch.task, SYS_ioctl);
	block(&high, fd, 60, 9);
	t_receive(fd, HALF, 0);
	t_still_asleep(&low.batch.task, SYS_ioctl);
	t_still_asleep(&high.batch.task, SYS_ioctl);
	t_receive(fd, HALF, 1);
	t_result(&high.batch.task, 1);
	takes(fd, TQ_SMALL_MAX, 60, 9);
	t_result(&low.batch.task, 1);
	for (i = 2; i < 8; i++)
		t_receive(fd, HALF, i);
	takes(fd, 100, 50, 0);
	t_end(fd);
}

/* One that is first and leaves lets the others in. */
static void the_first_gives_up(void)
{
	static struct blocked low;
	static struct t_batch batch;
	static char mine[TQ_PAGE] __attribute__((aligned(8)));
	int fd = t_open_small(NAME), i;

	t_is(t_fill_file(fd, HALF, 0), 8);
	t_start_send(&low.batch, fd, low.buf,
		     t_put(low.buf, 0, HALF, 50), TQUEUE_FOREVER);
	t_asleep(&low.batch.task, SYS_ioctl);
	t_put(mine, 0, TQ_SMALL_MAX, 60);
	t_at(mine, 0)->priority = 9;
	t_start_send(&batch, fd, mine, t_record(TQ_SMALL_MAX), t_deadline(0.5));
	t_blocked(fd, 2);
	t_receive(fd, HALF, 0);
	t_fails(&batch.task, ETIMEDOUT);
	t_result(&low.batch.task, 1);
	for (i = 1; i < 8; i++)
		t_receive(fd, HALF, i);
	takes(fd, HALF, 50, 0);
	t_end(fd);
}

/* ---- the end ------------------------------------------------------------------------- */

/* What was sent first may be received last. */
static void waiting_for_an_id(void)
{
	int fd = t_open_small(NAME);
	uint64_t low = t_send_id(fd, 10, 1), high = t_send_priority(fd, 10, 2, 5);

	takes(fd, 10, 2, 5);
	t_errno(t_wait_call(fd, low, 0), EAGAIN);
	t_errno(t_wait_call(fd, high, 0), EAGAIN);
	takes(fd, 10, 1, 0);
	t_is(t_wait_call(fd, low, 0), 0);
	t_is(t_wait_call(fd, high, 0), 0);
	high = t_send_priority(fd, 10, 3, 5);
	low = t_send_id(fd, 10, 4);
	t_errno(t_wait_call(fd, high, 0), EAGAIN);
	takes(fd, 10, 3, 5);
	t_is(t_wait_call(fd, high, 0), 0);
	t_errno(t_wait_call(fd, low, 0), EAGAIN);
	t_receive(fd, 10, 4);
	t_end(fd);
}

static void a_stopped_queue(void)
{
	int fd = t_open_small(NAME);

	t_send(fd, 10, 1);
	t_send_priority(fd, 10, 2, 5);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_put(buf, 0, 10, 3);
	t_at(buf, 0)->priority = 63;
	t_errno(t_send_call(fd, buf, t_record(10), 0), ESHUTDOWN);
	t_receive(fd, 10, 2);
	t_receive(fd, 10, 1);
	t_is(read(fd, buf, 10), 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

static void removed_with_them(void)
{
	int fd = t_open_small(NAME);

	t_send_priority(fd, 100, 1, 3);
	close(fd);
	t_errno(t_remove_call(NAME, 0), EBUSY);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

/* A batch whose second payload cannot be read: the first is sent, and no more. */
static void bad_pointers(void)
{
	size_t bytes = t_record(100), all = 2 * bytes;
	char *edge = t_edge(all - 80);
	int fd = t_open_small(NAME);

	t_put(buf, 0, 100, 1);
	t_put(buf, bytes, 100, 2);
	t_at(buf, 0)->priority = 9;
	t_at(buf, bytes)->priority = 9;
	memcpy(edge, buf, all - 80);
	t_errno(t_send_call(fd, edge + bytes, bytes, 0), EFAULT);
	t_empty(fd);
	t_is(t_send_call(fd, edge, all, 0), 1);
	/* A buffer that ends too soon takes nothing. */
	t_errno(t_receive_call(fd, edge + all - 80 - 24, bytes, 0), EFAULT);
	takes(fd, 100, 1, 9);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(the_highest_first),
	TQ_TEST(in_turn_within_one),
	TQ_TEST(random_order),
	TQ_TEST(batches),
	TQ_TEST(batches_with_others_between),
	TQ_TEST(above_the_highest),
	TQ_TEST(plain_files),
	TQ_TEST(partial),
	TQ_TEST(peeking),
	TQ_TEST(a_sleeping_reader_is_woken),
	TQ_TEST(they_take_room),
	TQ_TEST(the_lowest_is_dropped),
	TQ_TEST(a_low_one_drops_high_ones),
	TQ_TEST(blocked_senders),
	TQ_TEST(a_large_one_of_high_priority),
	TQ_TEST(the_first_gives_up),
	TQ_TEST(waiting_for_an_id),
	TQ_TEST(a_stopped_queue),
	TQ_TEST(removed_with_them),
	TQ_TEST(bad_pointers),
};

int main(int argc, char **argv)
{
	return t_main("priority", tests, ARRAY_SIZE(tests), argc, argv);
}
