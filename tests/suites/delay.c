// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delays: a delayed message is there for nobody until its time has come, and then
 * it is in its own place at once. Delays go by CLOCK_BOOTTIME, which nobody can set.
 */
#include "calls.h"

#define NAME	"delay"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of a page */
#define NEVER	(100000 * T_SECOND)	/* longer than any test */

static char buf[64 * 1024] __attribute__((aligned(8)));

/* What becomes ready is received at the earliest @after seconds from @began on. */
static void not_before(double began, double after)
{
	double passed = t_boot_time() - began;

	t_true(passed >= after, "it comes %.3f ms too early", (after - passed) * 1000);
}

static void takes_within(int fd, size_t len, uint64_t seed)
{
	t_is(t_receive_call(fd, buf, t_record(len), t_deadline(10)), 1);
	t_is(t_at(buf, 0)->length, len);
	t_is(t_differs(t_at(buf, 0)->payload, len, seed, 0), -1);
}

/* ---- one message ------------------------------------------------------------------ */

static void not_there_until_due(void)
{
	int fd = t_open_small(NAME);
	double began = t_boot_time();
	uint64_t id = t_send_delayed(fd, 50, 1, 300 * T_MS);
	struct tqueue_info info = t_info(fd);

	t_counts(fd, 0, 0, 1, 0);
	t_is(info.bytes, t_record(50));
	t_is(info.delayed_bytes, t_record(50));
	t_is(info.last_id, id);
	t_is(info.sent, 1);
	t_empty(fd);
	t_is(t_poll(fd, POLLIN), 0);
	t_is(t_fionread(fd), 0);
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	t_no_lease(fd, EAGAIN);
	t_errno(t_wait_call(fd, id, 0), EAGAIN);
	t_send(fd, 10, 2);
	t_receive(fd, 10, 2);
	takes_within(fd, 50, 1);
	not_before(began, 0.3);
	t_is(t_wait_call(fd, id, 0), 0);
	t_end(fd);
}

static void those_who_sleep_are_woken(void)
{
	static struct t_task reader;
	static struct t_batch receiver;
	static char mine[2][256] __attribute__((aligned(8)));
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY);
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	double began = t_boot_time();

	t_start_read(&reader, fd, mine[0], 256);
	t_start_receive(&receiver, other, mine[1], t_record(20), TQUEUE_FOREVER);
	t_asleep(&reader, SYS_read);
	t_asleep(&receiver.task, SYS_ioctl);
	t_send_delayed(fd, 20, 1, 50 * T_MS);
	t_send_delayed(fd, 20, 1, 50 * T_MS);
	t_result(&reader, 20);
	t_result(&receiver.task, 1);
	not_before(began, 0.05);
	began = t_boot_time();
	t_send_delayed(fd, 20, 1, 50 * T_MS);
	t_is(poll(&wait, 1, 10000 * t_slow()), 1);
	not_before(began, 0.05);
	t_is(t_fionread(fd), 20);
	t_receive(fd, 20, 1);
	close(other);
	t_end(fd);
}

/* In order of due time, and then in its own place among those that are ready. */
static void order(void)
{
	static const unsigned int ms[] = { 240, 80, 160, 320 };
	static const unsigned int sorted[] = { 1, 2, 0, 3 };
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 4; i++)
		t_send_delayed(fd, 20, i, ms[i] * T_MS);
	t_counts(fd, 0, 0, 4, 0);
	for (i = 0; i < 4; i++)
		takes_within(fd, 20, sorted[i]);
	for (i = 0; i < 4; i++)
		t_send_delayed(fd, 20, i, (5 - i) * T_MS);
	t_send(fd, 20, 4);
	while (t_info(fd).delayed)
		usleep(500);
	for (i = 0; i < 5; i++)
		t_take(fd, 20, i);
	t_end(fd);
}

static void with_priorities(void)
{
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .flags = TQUEUE_SEND_DELAY,
		.delay = 5 * T_MS,
	};
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 6; i++) {
		send.bytes = t_put(buf, 0, 20, i);
		t_at(buf, 0)->priority = i % 3;
		t_is(ioctl(fd, TQUEUE_SEND, &send), 1);
	}
	while (t_info(fd).delayed)
		usleep(500);
	t_is(t_take(fd, 20, 2).priority, 2);
	t_is(t_take(fd, 20, 5).priority, 2);
	t_take(fd, 20, 1);
	t_take(fd, 20, 4);
	t_take(fd, 20, 0);
	t_take(fd, 20, 3);
	t_end(fd);
}

/*
 * None is a moment early, and one in 40 at least less than a millisecond late: the
 * others say how busy the machine is.
 */
static void precision(void)
{
	static double late[40];
	int fd = t_open_small(NAME), i, j;

	for (i = 0; i < (int)ARRAY_SIZE(late); i++) {
		uint64_t delay = T_MS / 2 + i * 100000 + i * 7;
		double began = t_boot_time(), after;

		t_send_delayed(fd, 8, i, delay);
		after = t_boot_time();
		takes_within(fd, 8, i);
		not_before(began, delay / 1e9);
		late[i] = t_boot_time() - after - delay / 1e9;
	}
	for (i = 1; i < (int)ARRAY_SIZE(late); i++)
		for (j = i; j && late[j] < late[j - 1]; j--) {
			double swap = late[j];

			late[j] = late[j - 1];
			late[j - 1] = swap;
		}
	fprintf(stderr, "# late by %.3f ms at least, %.3f for a quarter, %.3f for half\n",
		late[0] * 1e3, late[10] * 1e3, late[20] * 1e3);
	t_true(late[0] < 0.001 * t_slow(), "all are more than %.3f ms late",
	       late[0] * 1000);
	t_end(fd);
}

static void the_clock_is_set(void)
{
	struct timespec now;
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 2; i++) {
		double began = t_boot_time();

		t_send_delayed(fd, 20, 1, 200 * T_MS);
		t_send_delayed(fd, 20, 2, NEVER);
		t_is(clock_gettime(CLOCK_REALTIME, &now), 0);
		now.tv_sec += i ? -1000000 : 1000000;
		if (clock_settime(CLOCK_REALTIME, &now))
			t_skip("the clock cannot be set: %s", strerror(errno));
		t_empty(fd);
		takes_within(fd, 20, 1);
		not_before(began, 0.2);
		t_counts(fd, 0, 0, i + 1, 0);
	}
	t_is(t_info(fd).delayed, 2);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_DELAYED, NULL), 2);
	t_take(fd, 20, 2);
	t_take(fd, 20, 2);
	t_end(fd);
}

/* ---- the call ------------------------------------------------------------------------ */

static long send_with(int fd, size_t bytes, unsigned int flags, uint64_t delay)
{
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = bytes, .flags = flags,
		.delay = delay,
	};

	return ioctl(fd, TQUEUE_SEND, &send);
}

static void the_whole_batch(void)
{
	int fd = t_open_small(NAME), i;
	size_t end = t_put_many(buf, 20, 0, 10);

	t_is(send_with(fd, end, TQUEUE_SEND_DELAY, 100 * T_MS), 10);
	t_counts(fd, 0, 0, 10, 0);
	for (i = 0; i < 10; i++)
		takes_within(fd, 20, i);
	t_end(fd);
}

/* What a record says by itself counts more than what the call says. */
static void of_single_records(void)
{
	int fd = t_open_small(NAME);
	size_t end = t_put(buf, 0, 20, 1);

	end = t_put_extra(buf, end, 20, 2, TQUEUE_FLAG_DELAY, 0, T_SECOND);
	end = t_put_extra(buf, end, 20, 3, 0, 0, 0);
	end = t_put_extra(buf, end, 20, 4, TQUEUE_FLAG_DELAY, 0, 50 * T_MS);
	t_is(send_with(fd, end, 0, 0), 4);
	t_counts(fd, 2, 0, 2, 0);
	t_take(fd, 20, 1);
	t_take(fd, 20, 3);
	takes_within(fd, 20, 4);
	takes_within(fd, 20, 2);
	end = t_put(buf, 0, 20, 1);
	end = t_put_extra(buf, end, 20, 2, TQUEUE_FLAG_DELAY, 0, 0);
	end = t_put_extra(buf, end, 20, 3, 0, 0, 0);
	t_is(send_with(fd, end, TQUEUE_SEND_DELAY, 50 * T_MS), 3);
	/* Nothing of what it said comes out of the queue. */
	t_take(fd, 20, 2);
	takes_within(fd, 20, 1);
	takes_within(fd, 20, 3);
	t_end(fd);
}

static void wrong_arguments(void)
{
	int fd = t_open_small(NAME);
	size_t end = t_put(buf, 0, 20, 1);

	t_errno(send_with(fd, end, 0, 1), EINVAL);
	t_errno(send_with(fd, end, TQUEUE_SEND_DELAY, 1ULL << 63), EINVAL);
	t_errno(send_with(fd, end, TQUEUE_SEND_DELAY, TQUEUE_FOREVER), EINVAL);
	t_errno(send_with(fd, end, 8, 0), EINVAL);
	t_errno(send_with(fd, end, 0x80000000, 0), EINVAL);
	end = t_put_extra(buf, 0, 20, 1, 0, 0, 5);
	t_errno(send_with(fd, end, 0, 0), EINVAL);
	t_errno(send_with(fd, end, TQUEUE_SEND_DELAY, 5), EINVAL);
	end = t_put_extra(buf, 0, 20, 1, TQUEUE_FLAG_DELAY, 0, 1ULL << 63);
	t_errno(send_with(fd, end, 0, 0), EINVAL);
	end = t_put_extra(buf, 0, 20, 1, TQUEUE_FLAG_DELAY, 7, 1);
	t_errno(send_with(fd, end, 0, 0), EINVAL);
	/* Without room for what it says that it has. */
	end = t_put_extra(buf, 0, 0, 1, TQUEUE_FLAG_DELAY, 0, 1);
	t_errno(send_with(fd, end - 8, 0, 0), EINVAL);
	t_put(buf, 0, 20, 1);
	t_at(buf, 0)->flags = TQUEUE_FLAG_DELAY;
	t_errno(send_with(fd, t_record(20), 0, 0), EINVAL);
	t_at(buf, 0)->flags = 0;
	t_at(buf, 0)->header_words = 6;
	t_errno(send_with(fd, t_record(20), 0, 0), EINVAL);
	t_at(buf, 0)->header_words = 8;
	t_errno(send_with(fd, t_record(20), 0, 0), EINVAL);
	t_is(t_info(fd).sent, 0);
	t_end(fd);
}

/* A delay of nothing, and one so long that it cannot end. */
static void the_shortest_and_the_longest(void)
{
	int fd = t_open_small(NAME);
	size_t end = t_put(buf, 0, 20, 1);
	uint64_t id;

	t_is(send_with(fd, end, TQUEUE_SEND_DELAY, 0), 1);
	t_take(fd, 20, 1);
	t_put(buf, 0, 20, 2);
	t_is(send_with(fd, end, TQUEUE_SEND_DELAY, (1ULL << 63) - 1), 1);
	id = t_info(fd).last_id;
	t_sleep_ms(20);
	t_counts(fd, 0, 0, 1, 0);
	t_is(t_state(fd, id), TQUEUE_DELAYED);
	t_true(t_listed(fd, id).due_ns >= (1ULL << 63) - 1, "it is due at %llu",
	       (unsigned long long)t_listed(fd, id).due_ns);
	/* It does not keep others from being due. */
	t_send_delayed(fd, 20, 3, 10 * T_MS);
	takes_within(fd, 20, 3);
	t_is(t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* ---- room --------------------------------------------------------------------------- */

static void they_take_room(void)
{
	int fd = t_open_small(NAME), i;

	for (i = 0; i < FULL; i++)
		t_send_delayed(fd, TQ_SMALL_MAX, i, NEVER);
	t_is(t_info(fd).bytes, TQ_PAGE);
	t_is(t_info(fd).delayed_bytes, TQ_PAGE);
	t_errno(send_with(fd, t_put(buf, 0, 1, 1), 0, 0), EAGAIN);
	t_errno(send_with(fd, t_put(buf, 0, 1, 1), TQUEUE_SEND_DELAY, NEVER), EAGAIN);
	t_is(t_poll(fd, POLLIN | POLLOUT), 0);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), 0);
	t_send(fd, 10, 9);
	t_receive(fd, 10, 9);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, TQ_PAGE, 0), 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_DELAYED, NULL), FULL);
	for (i = 0; i < FULL; i++)
		t_take(fd, TQ_SMALL_MAX, i);
	t_end(fd);
}

/* drop-oldest never drops what is delayed. */
static void never_dropped(void)
{
	int fd, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < FULL - 1; i++)
		t_send_delayed(fd, TQ_SMALL_MAX, i, NEVER);
	t_send(fd, TQ_SMALL_MAX, 10);
	t_send(fd, TQ_SMALL_MAX, 11);
	t_is(t_info(fd).dropped, 1);
	t_receive(fd, TQ_SMALL_MAX, 11);
	t_send_delayed(fd, TQ_SMALL_MAX, 3, NEVER);
	/* Nothing is left to be dropped. */
	t_errno(t_send_call(fd, buf, t_put(buf, 0, 1, 1), TQUEUE_FOREVER), ENOBUFS);
	t_errno(write(fd, buf, 10), ENOBUFS);
	t_counts(fd, 0, 0, 4, 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_DELAYED, NULL), FULL);
	for (i = 0; i < FULL; i++)
		t_take(fd, TQ_SMALL_MAX, i);
	t_end(fd);
}

/* A delay counts from the call on, also while the sender waits for room. */
static void while_its_sender_waits(void)
{
	static struct t_batch batch;
	static char mine[TQ_PAGE] __attribute__((aligned(8)));
	int fd = t_open_small(NAME), i;

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	batch.send = (struct tqueue_send){ .flags = 0 };
	t_put_extra(mine, 0, TQ_SMALL_MAX, 9, TQUEUE_FLAG_DELAY, 0, 100 * T_MS);
	t_start_send(&batch, fd, mine, t_record(TQ_SMALL_MAX) + 16, TQUEUE_FOREVER);
	t_blocked(fd, 1);
	usleep(110000);
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_result(&batch.task, 1);
	t_becomes(fd, batch.send.last_id, TQUEUE_READY);
	t_true(t_boot_time() - t_listed(fd, batch.send.last_id).since_ns / 1e9 < 10,
	       "it got ready long ago");
	for (i = 1; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_take(fd, TQ_SMALL_MAX, 9);
	t_end(fd);
}

/* ---- the end ------------------------------------------------------------------------- */

/* A stopped queue is at its end only after what is delayed. */
static void end_of_file(void)
{
	static struct t_task reader;
	static char mine[64];
	int fd = t_open_small(NAME);
	double began = t_boot_time();

	t_send_delayed(fd, 20, 1, 200 * T_MS);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	t_is(t_poll(fd, POLLIN), 0);
	t_start_read(&reader, fd, mine, sizeof(mine));
	t_asleep(&reader, SYS_read);
	t_result(&reader, 20);
	not_before(began, 0.2);
	t_is(read(fd, mine, sizeof(mine)), 0);
	t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

static void the_last_writer_left(void)
{
	int fd, writer;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
	fd = t_open_queue(NAME, O_RDONLY);
	writer = t_open_queue(NAME, O_WRONLY);
	t_send_delayed(writer, 20, 1, 100 * T_MS);
	close(writer);
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	t_is(read(fd, buf, 100), 20);
	t_is(read(fd, buf, 100), 0);
	close(fd);
	t_remove(NAME);
}

static void waiting_for_one(void)
{
	static struct t_batch wait;
	int fd = t_open_small(NAME);
	uint64_t id = t_send_delayed(fd, 20, 1, 100 * T_MS);

	t_start_wait(&wait, fd, id, TQUEUE_FOREVER);
	t_asleep(&wait.task, SYS_ioctl);
	t_becomes(fd, id, TQUEUE_READY);
	t_still_asleep(&wait.task, SYS_ioctl);
	t_take(fd, 20, 1);
	t_result(&wait.task, 0);
	t_end(fd);
}

static void removed_with_them(void)
{
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 3; i++)
		t_send_delayed(fd, 20, i, i ? NEVER : 20 * T_MS);
	close(fd);
	t_errno(t_remove_call(NAME, 0), EBUSY);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	/* What was due once nobody is there any more. */
	t_sleep_ms(50);
}

/* One that is due while its queue is removed, again and again. */
static void removed_as_they_are_due(void)
{
	double end = t_now() + t_seconds(1);
	int runs = 0;

	do {
		int fd = t_open_small(NAME), i;

		for (i = 0; i < 10; i++)
			t_send_delayed(fd, 20, i, T_MS + i * 20000);
		if (runs % 2)
			usleep(runs % 1500);
		t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
		t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EIDRM);
		close(fd);
		runs++;
	} while (t_now() < end);
}

/* Thousands are due at the same moment: they come by ids, all of them. */
static void many_at_once(void)
{
	unsigned int sent = 0, i;
	int fd;

	t_create(NAME, 1 << 20);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < 20; i++) {
		size_t end = t_put_many(buf, 8, sent, 500);

		t_is(send_with(fd, end, TQUEUE_SEND_DELAY, 500 * T_MS), 500);
		sent += 500;
	}
	while (t_info(fd).delayed)
		usleep(1000);
	for (i = 0; i < sent; i++)
		t_take(fd, 8, i);
	t_end(fd);
}

/* Many messages of one queue and one of another are due: whether that comes before them all. */
static bool one_beside_many(void)
{
	enum { EACH = 1000 };
	/* A slow guest sends fewer, and not for longer. */
	const double slower = t_slow() > 1 ? t_slow() : 1;
	const unsigned int many = 50000 / slower;
	uint64_t due, now, id;
	int64_t ready, last;
	unsigned int i;
	int fd, other;

	t_create("delay-many", 1 << 23);
	other = t_open_queue("delay-many", O_RDWR);
	fd = t_open_small(NAME);
	due = t_boot_time() * 1e9 + 4 * T_SECOND * t_slow() / slower;
	for (i = 0; i < many; i += EACH) {
		now = t_boot_time() * 1e9;
		t_true(now < due, "they were not sent in time");
		t_is(send_with(other, t_put_many(buf, 8, i, EACH), TQUEUE_SEND_DELAY,
			       due - now), EACH);
	}
	now = t_boot_time() * 1e9;
	t_true(now < due, "they were not sent in time");
	id = t_send_delayed(fd, 20, 1, due + T_MS - now);
	while (t_info(fd).delayed || t_info(other).delayed)
		usleep(1000);
	ready = t_listed(fd, id).since_ns;
	last = t_listed(other, t_info(other).last_id).since_ns;
	fprintf(stderr, "# ready after %.3f s, the last of the others after %.3f s\n",
		(ready - (int64_t)due) / 1e9, (last - (int64_t)due) / 1e9);
	t_take(fd, 20, 1);
	t_end(fd);
	close(other);
	t_is(t_remove_call("delay-many", TQUEUE_REMOVE_FORCE), 0);
	return ready < last;
}

/*
 * What is due in one queue does not wait for all that is due in another. The times
 * are those of the last tick: a guest that misses ticks may see one time for all.
 */
static void many_in_another_queue(void)
{
	int tries = 5;

	while (!one_beside_many())
		t_true(--tries, "it waited for all others");
}

static const struct t_test tests[] = {
	TQ_TEST(not_there_until_due),
	TQ_TEST(those_who_sleep_are_woken),
	TQ_TEST(order),
	TQ_TEST(with_priorities),
	TQ_TEST(precision),
	TQ_TEST(the_clock_is_set),
	TQ_TEST(the_whole_batch),
	TQ_TEST(of_single_records),
	TQ_TEST(wrong_arguments),
	TQ_TEST(the_shortest_and_the_longest),
	TQ_TEST(they_take_room),
	TQ_TEST(never_dropped),
	TQ_TEST(while_its_sender_waits),
	TQ_TEST(end_of_file),
	TQ_TEST(the_last_writer_left),
	TQ_TEST(waiting_for_one),
	TQ_TEST(removed_with_them),
	TQ_TEST(removed_as_they_are_due),
	TQ_TEST(many_at_once),
	TQ_TEST(many_in_another_queue),
};

int main(int argc, char **argv)
{
	return t_main("delay", tests, ARRAY_SIZE(tests), argc, argv);
}
