// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues whose size and longest message change while they are in use: nothing is
 * lost, nothing changes its place, and whoever waited for room gets it.
 */
#include "calls.h"

#define NAME	"resized"

static int resize(uint64_t size)
{
	return t_set_call(NAME, TQUEUE_CONFIG_SIZE, size, 0);
}

static void up_and_down(void)
{
	int fd = t_open_small(NAME);
	size_t size;

	for (size = 2 * TQ_PAGE; size <= 1 << 20; size *= 2) {
		t_is(resize(size), 0);
		t_is(t_info(fd).size, size);
		t_is(t_info(fd).max_message, size / 4 - TQ_HEADER);
		t_send(fd, size / 4 - TQ_HEADER, size);
		t_receive(fd, size / 4 - TQ_HEADER, size);
	}
	for (size = 1 << 20; size >= TQ_PAGE; size /= 2) {
		t_is(resize(size - 100), 0);
		t_is(t_info(fd).size, size);
		t_is(t_info(fd).max_message, size / 4 - TQ_HEADER);
		t_is(t_fill_file(fd, size / 4 - TQ_HEADER, 1), 4);
		t_received(fd, 4, size / 4 - TQ_HEADER, 1);
	}
	t_end(fd);
}

/* From every position in the ring. */
static void keeps_what_is_there(void)
{
	int fd = t_open_small(NAME), i;
	uint64_t seed = 0;
	struct tqueue_info info;

	for (i = 0; i < 150; i++) {
		uint64_t first = seed;
		int n;

		for (n = 0; n < 8; n++)
			t_send(fd, 100 + i, seed++);
		info = t_info(fd);
		t_is(resize(i % 3 ? 4 * TQ_PAGE : 2 * TQ_PAGE), 0);
		t_is(t_info(fd).bytes, info.bytes);
		t_is(t_info(fd).messages, info.messages);
		t_is(t_info(fd).last_id, info.last_id);
		t_received(fd, 3, 100 + i, first);
		t_send(fd, 100 + i, seed++);
		t_is(resize(TQ_PAGE), 0);
		t_received(fd, 6, 100 + i, first + 3);
	}
	t_end(fd);
}

static void not_below_what_it_holds(void)
{
	char record[TQ_HEADER], large[TQ_SMALL_MAX + 1] = "";
	int fd = t_open_small(NAME), i;

	t_is(resize(4 * TQ_PAGE), 0);
	for (i = 0; i < 5; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_errno(resize(TQ_PAGE), EBUSY);
	t_is(t_info(fd).size, 4 * TQ_PAGE);
	t_is(t_info(fd).max_message, TQ_PAGE - 40);
	t_received(fd, 1, TQ_SMALL_MAX, 0);
	/* Exactly what it holds is enough. */
	t_is(resize(TQ_PAGE), 0);
	t_put(record, 0, 0, 0);
	t_errno(t_send_call(fd, record, sizeof(record), 0), EAGAIN);
	t_received(fd, 4, TQ_SMALL_MAX, 1);
	/* A message longer than what may be sent afterwards is still received. */
	t_is(resize(4 * TQ_PAGE), 0);
	t_send(fd, TQ_PAGE - 96, 1);
	t_is(resize(TQ_PAGE), 0);
	t_errno(write(fd, large, sizeof(large)), EMSGSIZE);
	t_receive(fd, TQ_PAGE - 96, 1);
	t_end(fd);
}

/* What came back counts too, and fits again afterwards. */
static void rests(void)
{
	int fd = t_open_small(NAME), holders[2], i;
	char part[8], buf[2 * TQ_PAGE];
	uint64_t last = 0;
	size_t at = 0;

	t_is(resize(4 * TQ_PAGE), 0);
	for (i = 0; i < 5; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < 2; i++) {
		holders[i] = t_open_queue(NAME, O_RDONLY);
		t_is(read(holders[i], part, 8), 8);
	}
	close(holders[0]);
	/* One is back, one is in somebody's hands: four of five are here. */
	t_is(resize(TQ_PAGE), 0);
	t_is(t_info(fd).bytes, TQ_PAGE);
	/* Now it holds more than it can, and takes nothing until that is gone. */
	close(holders[1]);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	t_errno(write(fd, part, 1), EAGAIN);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, TQUEUE_OVERFLOW_BLOCK, 0),
	     0);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 5);
	for (i = 0; i < 5; i++) {
		struct tqueue_record *record = t_at(buf, at);

		t_true(record->id > last, "they are not in order");
		last = record->id;
		t_is(record->length, i < 2 ? TQ_SMALL_MAX - 8 : TQ_SMALL_MAX);
		t_is(t_differs(record->payload, record->length, i, i < 2 ? 8 : 0),
		     -1);
		at += t_record(record->length);
	}
	t_send(fd, 10, 1);
	t_receive(fd, 10, 1);
	t_end(fd);
}

/* Messages that came back are more than fits: the queue may grow in steps. */
static void grows_while_it_holds_too_much(void)
{
	enum { COUNT = 12 };
	int fd = t_open_small(NAME), holders[COUNT], i;
	char part[8];

	t_is(resize(4 * TQ_PAGE), 0);
	for (i = 0; i < COUNT; i++) {
		t_send(fd, TQ_SMALL_MAX, i);
		holders[i] = t_open_queue(NAME, O_RDONLY);
		t_is(read(holders[i], part, 8), 8);
	}
	t_is(resize(TQ_PAGE), 0);
	for (i = 0; i < COUNT; i++)
		close(holders[i]);
	t_true(t_info(fd).bytes > 2 * TQ_PAGE, "it holds only %llu bytes",
	       (unsigned long long)t_info(fd).bytes);
	fcntl(fd, F_SETFL, O_NONBLOCK);

	t_is(resize(TQ_PAGE), 0);
	t_is(resize(2 * TQ_PAGE), 0);
	t_is(t_info(fd).size, 2 * TQ_PAGE);
	t_errno(write(fd, part, 1), EAGAIN);
	t_errno(resize(TQ_PAGE), EBUSY);
	t_is(resize(4 * TQ_PAGE), 0);
	t_send(fd, TQ_SMALL_MAX, COUNT);
	for (i = 0; i < COUNT; i++) {
		char rest[TQ_SMALL_MAX];

		t_is(read(fd, rest, sizeof(rest)), TQ_SMALL_MAX - 8);
		t_is(t_differs(rest, TQ_SMALL_MAX - 8, i, 8), -1);
	}
	t_receive(fd, TQ_SMALL_MAX, COUNT);
	t_is(resize(TQ_PAGE), 0);
	t_end(fd);
}

static void through_the_queue_itself(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE |
			  TQUEUE_CONFIG_OVERFLOW,
		.size = 16 * TQ_PAGE, .max_message = 500,
		.overflow = TQUEUE_OVERFLOW_REJECT,
	};
	int fd = t_open_small(NAME);
	char large[501] = "";
	struct tqueue_info info;

	t_is(ioctl(fd, TQUEUE_SET, &config), 0);
	info = t_info(fd);
	t_is(info.size, 16 * TQ_PAGE);
	t_is(info.max_message, 500);
	t_is(info.overflow, TQUEUE_OVERFLOW_REJECT);
	t_errno(write(fd, large, sizeof(large)), EMSGSIZE);
	/* What was chosen stays, and what is not given too. */
	t_is(resize(32 * TQ_PAGE), 0);
	info = t_info(fd);
	t_is(info.size, 32 * TQ_PAGE);
	t_is(info.max_message, 500);
	t_is(info.overflow, TQUEUE_OVERFLOW_REJECT);
	/* Until it is to follow the size again. */
	t_is(t_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 0), 0);
	t_is(t_info(fd).max_message, 32 * TQ_PAGE / 4 - TQ_HEADER);
	t_is(resize(TQ_PAGE), 0);
	t_is(t_info(fd).max_message, TQ_SMALL_MAX);
	t_end(fd);
}

/* A longest message that was chosen and fits no more. */
static void too_small_for_the_longest_message(void)
{
	int fd = t_open_small(NAME);

	t_is(resize(16 * TQ_PAGE), 0);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 2 * TQ_PAGE), 0);
	t_errno(resize(TQ_PAGE), EINVAL);
	t_is(t_info(fd).size, 16 * TQ_PAGE);
	t_is(t_info(fd).max_message, 2 * TQ_PAGE);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE, TQ_PAGE,
			100), 0);
	t_is(t_info(fd).max_message, 100);
	t_end(fd);
}

/* ---- who waits ------------------------------------------------------------------ */

static void waiting_senders_get_room(void)
{
	int fd = t_open_small(NAME), i;
	struct t_task tasks[3];
	struct t_batch batch;
	char buf[3][TQ_SMALL_MAX], records[256];

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < 3; i++) {
		t_pattern(buf[i], TQ_SMALL_MAX, 4 + i, 0);
		t_start_write(&tasks[i], t_open_queue(NAME, O_WRONLY), buf[i],
			      TQ_SMALL_MAX);
		t_asleep(&tasks[i], SYS_write);
	}
	t_start_send(&batch, fd, records, t_put_many(records, 20, 1, 2),
		     TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	t_is(resize(2 * TQ_PAGE), 0);
	for (i = 0; i < 3; i++) {
		t_result(&tasks[i], TQ_SMALL_MAX);
		close(tasks[i].fd);
	}
	t_result(&batch.task, 2);
	t_received(fd, 7, TQ_SMALL_MAX, 0);
	t_received(fd, 2, 20, 1);
	t_end(fd);
}

static void pollers_for_room(void)
{
	struct t_task task = { .fd = t_open_small(NAME) };

	t_is(t_fill_file(task.fd, TQ_SMALL_MAX, 0), 4);
	t_start_poll(&task, task.fd, POLLOUT);
	t_asleep(&task, SYS_poll);
	t_is(resize(16 * TQ_PAGE), 0);
	t_polled(&task, POLLOUT);
	t_received(task.fd, 4, TQ_SMALL_MAX, 0);
	t_end(task.fd);
}

/* A smaller longest message may be what there is room for. */
static void pollers_for_room_for_less(void)
{
	struct t_task task = { .fd = t_open_small(NAME) };
	int i;

	for (i = 0; i < 4; i++)
		t_send(task.fd, TQ_SMALL_MAX - 84, i);
	t_start_poll(&task, task.fd, POLLOUT);
	t_asleep(&task, SYS_poll);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 100), 0);
	t_polled(&task, POLLOUT);
	t_received(task.fd, 4, TQ_SMALL_MAX - 84, 0);
	t_end(task.fd);
}

/* A message that would never fit: no sender is left to wait for that. */
static void a_sender_too_large(void)
{
	enum { LARGE = 4 * TQ_PAGE - 384 };
	int fd = t_open_small(NAME), i;
	struct t_task task;
	char *buf = malloc(LARGE);

	t_is(resize(16 * TQ_PAGE), 0);
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), 64);
	t_pattern(buf, LARGE, 999, 0);
	t_start_write(&task, fd, buf, LARGE);
	t_asleep(&task, SYS_write);
	/* It goes in by itself as soon as it can. */
	for (i = 0; !t_done(&task); i++) {
		t_true(i < 64, "the sender waits for ever");
		t_received(fd, 1, TQ_SMALL_MAX, i);
		t_errno(resize(TQ_PAGE), EBUSY);
		t_sleep_ms(1);
	}
	t_result(&task, LARGE);
	for (; i < 64; i++)
		t_received(fd, 1, TQ_SMALL_MAX, i);
	t_errno(resize(TQ_PAGE), EBUSY);
	t_receive(fd, LARGE, 999);
	t_is(resize(TQ_PAGE), 0);
	free(buf);
	t_end(fd);
}

/* Smaller than what the first in line brings. */
static void longest_message_below_what_waits(void)
{
	int fd = t_open_small(NAME);
	struct t_task task;
	char buf[TQ_SMALL_MAX];

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), 4);
	t_pattern(buf, sizeof(buf), 9, 0);
	t_start_write(&task, fd, buf, sizeof(buf));
	t_asleep(&task, SYS_write);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 10), 0);
	t_received(fd, 4, TQ_SMALL_MAX, 0);
	t_finish(&task);
	/* It was right when it was called; or it is told. */
	if (task.result >= 0) {
		t_is(task.result, sizeof(buf));
		t_receive(fd, sizeof(buf), 9);
	} else {
		t_is(task.error, EMSGSIZE);
	}
	t_end(fd);
}

/* Buffers that stall hold nobody up. */
static void stalled_users(void)
{
	int fd = t_open_small(NAME), i;
	struct t_stall stalls[2];
	struct t_task reader, sender;
	char *from = aligned_alloc(t_page(), t_page());

	t_send(fd, 100, 1);
	for (i = 0; i < 2; i++)
		t_stall_make(&stalls[i], t_page());
	t_start_read(&reader, t_open_queue(NAME, O_RDONLY), stalls[0].map, 200);
	t_stall_wait(&stalls[0]);
	t_start_write(&sender, t_open_queue(NAME, O_WRONLY), stalls[1].map, 300);
	t_stall_wait(&stalls[1]);
	for (i = 0; i < 10; i++) {
		t_is(resize(i % 2 ? TQ_PAGE : 4 * TQ_PAGE), 0);
		if (t_info(fd).in_flight) {
			t_send(fd, 50, 7);
			t_receive(fd, 50, 7);
		}
	}
	t_pattern(from, t_page(), 2, 0);
	t_stall_release(&stalls[0], NULL);
	t_result(&reader, 100);
	t_stall_release(&stalls[1], from);
	t_result(&sender, 300);
	t_receive(fd, 300, 2);
	close(reader.fd);
	close(sender.fd);
	t_end(fd);
}

/* ---- in traffic ----------------------------------------------------------------- */

static atomic_int stop;

static void send_on(struct t_task *task)
{
	uint64_t head[40] = { task->number };
	unsigned int state = task->number + 7;
	char records[2048];

	while (!atomic_load(&stop)) {
		uint64_t number = atomic_load(&task->count);
		size_t end = 0;
		long n;
		int i;

		state = state * 1664525 + 1013904223;
		if (state >> 31) {
			head[1] = number;
			n = write(task->fd, head, 16 + (state >> 22 & 255));
			t_is(n, 16 + (state >> 22 & 255));
			atomic_fetch_add(&task->count, 1);
			continue;
		}
		for (i = 0; i < 5; i++) {
			size_t at = end;

			end = t_put(records, end, 16 + (state >> 8 & 127), 0);
			head[1] = number + i;
			memcpy(t_at(records, at)->payload, head, 16);
		}
		n = t_send_call(task->fd, records, end, TQUEUE_FOREVER);
		t_true(n > 0, "SEND fails with %s", strerrorname_np(errno));
		atomic_fetch_add(&task->count, n);
	}
}

static void in_traffic(void)
{
	enum { SENDERS = 3 };
	static const uint64_t sizes[] = {
		2 * TQ_PAGE, TQ_PAGE, 16 * TQ_PAGE, 4 * TQ_PAGE, TQ_PAGE, 32 * TQ_PAGE, 8 * TQ_PAGE,
	};
	struct t_task senders[SENDERS] = { 0 };
	double end = t_now() + t_seconds(3);
	uint64_t next[SENDERS] = { 0 };
	int fd = t_open_small(NAME), i, changes = 0, refused = 0;
	bool last = false;
	char buf[TQ_PAGE];

	for (i = 0; i < SENDERS; i++) {
		senders[i].number = i;
		senders[i].fd = t_open_queue(NAME, O_WRONLY);
		t_start(&senders[i], send_on);
	}
	for (;;) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
			.count = changes % 9 * 5,
		};
		size_t at = 0;
		long n;

		if (!last && !t_goes_on(end, changes > refused)) {
			atomic_store(&stop, 1);
			/* The senders may need room to end. */
			t_is(resize(256 * TQ_PAGE), 0);
			for (i = 0; i < SENDERS; i++)
				t_finish(&senders[i]);
			last = true;
		} else if (!last) {
			if (resize(sizes[changes++ % ARRAY_SIZE(sizes)])) {
				t_is(errno, EBUSY);
				refused++;
			}
			usleep(changes % 5 * 200);
		}
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			t_is(errno, EAGAIN);
			if (last)
				break;
			continue;
		}
		while (n--) {
			uint64_t head[2];

			memcpy(head, t_at(buf, at)->payload, sizeof(head));
			t_true(head[0] < SENDERS, "sender %llu",
			       (unsigned long long)head[0]);
			t_is(head[1], next[head[0]]);
			next[head[0]]++;
			at += t_record(t_at(buf, at)->length);
		}
		t_is(at, receive.bytes);
	}
	for (i = 0; i < SENDERS; i++) {
		t_is(next[i], atomic_load(&senders[i].count));
		close(senders[i].fd);
	}
	fprintf(stderr, "# %d changes, %d of them refused; %llu messages\n", changes,
		refused, (unsigned long long)(next[0] + next[1] + next[2]));
	t_true(changes > refused, "never resized");
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(up_and_down),
	TQ_TEST(keeps_what_is_there),
	TQ_TEST(not_below_what_it_holds),
	TQ_TEST(rests),
	TQ_TEST(grows_while_it_holds_too_much),
	TQ_TEST(through_the_queue_itself),
	TQ_TEST(too_small_for_the_longest_message),
	TQ_TEST(waiting_senders_get_room),
	TQ_TEST(pollers_for_room),
	TQ_TEST(pollers_for_room_for_less),
	TQ_TEST(a_sender_too_large),
	TQ_TEST(longest_message_below_what_waits),
	TQ_TEST(stalled_users),
	TQ_TEST(in_traffic),
};

int main(int argc, char **argv)
{
	return t_main("resize", tests, ARRAY_SIZE(tests), argc, argv);
}
