// SPDX-License-Identifier: GPL-2.0
/*
 * Queues whose size and longest message change while they are in use: nothing is
 * lost, nothing changes its place, and whoever waited for room gets it.
 */
#include "calls.h"

#define NAME	"resized"

static int resize(uint64_t size)
{
	return tq_set_call(NAME, TQUEUE_CONFIG_SIZE, size, 0);
}

static void up_and_down(void)
{
	int fd = tq_open_small(NAME);
	size_t size;

	for (size = 8192; size <= 1 << 20; size *= 2) {
		tq_is(resize(size), 0);
		tq_is(tq_info(fd).size, size);
		tq_is(tq_info(fd).max_message, size / 4 - TQ_HEADER);
		tq_send(fd, size / 4 - TQ_HEADER, size);
		tq_receive(fd, size / 4 - TQ_HEADER, size);
	}
	for (size = 1 << 20; size >= 4096; size /= 2) {
		tq_is(resize(size - 100), 0);
		tq_is(tq_info(fd).size, size);
		tq_is(tq_info(fd).max_message, size / 4 - TQ_HEADER);
		tq_is(tq_fill_file(fd, size / 4 - TQ_HEADER, 1), 4);
		tq_received(fd, 4, size / 4 - TQ_HEADER, 1);
	}
	tq_end(fd);
}

/* From every position in the ring. */
static void keeps_what_is_there(void)
{
	int fd = tq_open_small(NAME), i;
	uint64_t seed = 0;
	struct tqueue_info info;

	for (i = 0; i < 150; i++) {
		uint64_t first = seed;
		int n;

		for (n = 0; n < 8; n++)
			tq_send(fd, 100 + i, seed++);
		info = tq_info(fd);
		tq_is(resize(i % 3 ? 16384 : 8192), 0);
		tq_is(tq_info(fd).bytes, info.bytes);
		tq_is(tq_info(fd).messages, info.messages);
		tq_is(tq_info(fd).last_id, info.last_id);
		tq_received(fd, 3, 100 + i, first);
		tq_send(fd, 100 + i, seed++);
		tq_is(resize(4096), 0);
		tq_received(fd, 6, 100 + i, first + 3);
	}
	tq_end(fd);
}

static void not_below_what_it_holds(void)
{
	char record[TQ_HEADER], large[TQ_SMALL_MAX + 1] = "";
	int fd = tq_open_small(NAME), i;

	tq_is(resize(16384), 0);
	for (i = 0; i < 5; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	tq_errno(resize(4096), EBUSY);
	tq_is(tq_info(fd).size, 16384);
	tq_is(tq_info(fd).max_message, 4056);
	tq_received(fd, 1, TQ_SMALL_MAX, 0);
	/* Exactly what it holds is enough. */
	tq_is(resize(4096), 0);
	tq_put(record, 0, 0, 0);
	tq_errno(tq_send_call(fd, record, sizeof(record), 0), EAGAIN);
	tq_received(fd, 4, TQ_SMALL_MAX, 1);
	/* A message longer than what may be sent afterwards is still received. */
	tq_is(resize(16384), 0);
	tq_send(fd, 4000, 1);
	tq_is(resize(4096), 0);
	tq_errno(write(fd, large, sizeof(large)), EMSGSIZE);
	tq_receive(fd, 4000, 1);
	tq_end(fd);
}

/* What came back counts too, and fits again afterwards. */
static void rests(void)
{
	int fd = tq_open_small(NAME), holders[2], i;
	char part[8], buf[8192];
	uint64_t last = 0;
	size_t at = 0;

	tq_is(resize(16384), 0);
	for (i = 0; i < 5; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < 2; i++) {
		holders[i] = tq_open_queue(NAME, O_RDONLY);
		tq_is(read(holders[i], part, 8), 8);
	}
	close(holders[0]);
	/* One is back, one is in somebody's hands: four of five are here. */
	tq_is(resize(4096), 0);
	tq_is(tq_info(fd).bytes, 4096);
	/* Now it holds more than it can, and takes nothing until that is gone. */
	close(holders[1]);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	tq_errno(write(fd, part, 1), EAGAIN);
	tq_is(tq_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, TQUEUE_OVERFLOW_BLOCK, 0),
	      0);
	tq_is(tq_receive_call(fd, buf, sizeof(buf), 0), 5);
	for (i = 0; i < 5; i++) {
		struct tqueue_record *record = tq_at(buf, at);

		tq_true(record->id > last, "they are not in order");
		last = record->id;
		tq_is(record->length, i < 2 ? TQ_SMALL_MAX - 8 : TQ_SMALL_MAX);
		tq_is(tq_differs(record->payload, record->length, i, i < 2 ? 8 : 0),
		      -1);
		at += tq_record(record->length);
	}
	tq_send(fd, 10, 1);
	tq_receive(fd, 10, 1);
	tq_end(fd);
}

static void through_the_queue_itself(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE |
			  TQUEUE_CONFIG_OVERFLOW,
		.size = 65536, .max_message = 500,
		.overflow = TQUEUE_OVERFLOW_REJECT,
	};
	int fd = tq_open_small(NAME);
	char large[501] = "";
	struct tqueue_info info;

	tq_is(ioctl(fd, TQUEUE_SET, &config), 0);
	info = tq_info(fd);
	tq_is(info.size, 65536);
	tq_is(info.max_message, 500);
	tq_is(info.overflow, TQUEUE_OVERFLOW_REJECT);
	tq_errno(write(fd, large, sizeof(large)), EMSGSIZE);
	/* What was chosen stays, and what is not given too. */
	tq_is(resize(131072), 0);
	info = tq_info(fd);
	tq_is(info.size, 131072);
	tq_is(info.max_message, 500);
	tq_is(info.overflow, TQUEUE_OVERFLOW_REJECT);
	/* Until it is to follow the size again. */
	tq_is(tq_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 0), 0);
	tq_is(tq_info(fd).max_message, 131072 / 4 - TQ_HEADER);
	tq_is(resize(4096), 0);
	tq_is(tq_info(fd).max_message, TQ_SMALL_MAX);
	tq_end(fd);
}

/* A longest message that was chosen and fits no more. */
static void too_small_for_the_longest_message(void)
{
	int fd = tq_open_small(NAME);

	tq_is(resize(65536), 0);
	tq_is(tq_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 10000), 0);
	tq_errno(resize(4096), EINVAL);
	tq_is(tq_info(fd).size, 65536);
	tq_is(tq_info(fd).max_message, 10000);
	tq_is(tq_set_call(NAME, TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE, 4096,
			  100), 0);
	tq_is(tq_info(fd).max_message, 100);
	tq_end(fd);
}

/* ---- who waits ------------------------------------------------------------------ */

static void waiting_senders_get_room(void)
{
	int fd = tq_open_small(NAME), i;
	struct tq_task tasks[3];
	struct tq_batch batch;
	char buf[3][TQ_SMALL_MAX], records[256];

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < 3; i++) {
		tq_pattern(buf[i], TQ_SMALL_MAX, 4 + i, 0);
		tq_start_write(&tasks[i], tq_open_queue(NAME, O_WRONLY), buf[i],
			       TQ_SMALL_MAX);
		tq_asleep(&tasks[i], SYS_write);
	}
	tq_start_send(&batch, fd, records, tq_put_many(records, 20, 1, 2),
		      TQUEUE_FOREVER);
	tq_asleep(&batch.task, SYS_ioctl);
	tq_is(resize(8192), 0);
	for (i = 0; i < 3; i++) {
		tq_result(&tasks[i], TQ_SMALL_MAX);
		close(tasks[i].fd);
	}
	tq_result(&batch.task, 2);
	tq_received(fd, 7, TQ_SMALL_MAX, 0);
	tq_received(fd, 2, 20, 1);
	tq_end(fd);
}

static void run_poll(struct tq_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLOUT };

	task->result = poll(&one, 1, -1);
	task->error = one.revents;
}

static void pollers_for_room(void)
{
	struct tq_task task = { .fd = tq_open_small(NAME) };

	tq_is(tq_fill_file(task.fd, TQ_SMALL_MAX, 0), 4);
	tq_start(&task, run_poll);
	tq_asleep(&task, SYS_poll);
	tq_is(resize(65536), 0);
	tq_result(&task, 1);
	tq_is(task.error, POLLOUT);
	tq_received(task.fd, 4, TQ_SMALL_MAX, 0);
	tq_end(task.fd);
}

/* A smaller longest message may be what there is room for. */
static void pollers_for_room_for_less(void)
{
	struct tq_task task = { .fd = tq_open_small(NAME) };
	int i;

	for (i = 0; i < 4; i++)
		tq_send(task.fd, 900, i);
	tq_start(&task, run_poll);
	tq_asleep(&task, SYS_poll);
	tq_is(tq_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 100), 0);
	tq_result(&task, 1);
	tq_is(task.error, POLLOUT);
	tq_received(task.fd, 4, 900, 0);
	tq_end(task.fd);
}

/* A message that would never fit: no sender is left to wait for that. */
static void a_sender_too_large(void)
{
	int fd = tq_open_small(NAME), i;
	struct tq_task task;
	char *buf = malloc(16000);

	tq_is(resize(65536), 0);
	tq_is(tq_fill_file(fd, 984, 0), 64);
	tq_pattern(buf, 16000, 999, 0);
	tq_start_write(&task, fd, buf, 16000);
	tq_asleep(&task, SYS_write);
	/* It goes in by itself as soon as it can. */
	for (i = 0; !tq_done(&task); i++) {
		tq_true(i < 64, "the sender waits for ever");
		tq_received(fd, 1, 984, i);
		tq_errno(resize(4096), EBUSY);
		tq_sleep_ms(1);
	}
	tq_result(&task, 16000);
	for (; i < 64; i++)
		tq_received(fd, 1, 984, i);
	tq_errno(resize(4096), EBUSY);
	tq_receive(fd, 16000, 999);
	tq_is(resize(4096), 0);
	free(buf);
	tq_end(fd);
}

/* Smaller than what the first in line brings. */
static void longest_message_below_what_waits(void)
{
	int fd = tq_open_small(NAME);
	struct tq_task task;
	char buf[TQ_SMALL_MAX];

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 0), 4);
	tq_pattern(buf, sizeof(buf), 9, 0);
	tq_start_write(&task, fd, buf, sizeof(buf));
	tq_asleep(&task, SYS_write);
	tq_is(tq_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 10), 0);
	tq_received(fd, 4, TQ_SMALL_MAX, 0);
	tq_finish(&task);
	/* It was right when it was called; or it is told. */
	if (task.result >= 0) {
		tq_is(task.result, sizeof(buf));
		tq_receive(fd, sizeof(buf), 9);
	} else {
		tq_is(task.error, EMSGSIZE);
	}
	tq_end(fd);
}

/* Buffers that stall hold nobody up. */
static void stalled_users(void)
{
	int fd = tq_open_small(NAME), i;
	struct tq_stall stalls[2];
	struct tq_task reader, sender;
	char *from = aligned_alloc(tq_page(), tq_page());

	tq_send(fd, 100, 1);
	for (i = 0; i < 2; i++)
		tq_stall_make(&stalls[i], tq_page());
	tq_start_read(&reader, tq_open_queue(NAME, O_RDONLY), stalls[0].map, 200);
	tq_stall_wait(&stalls[0]);
	tq_start_write(&sender, tq_open_queue(NAME, O_WRONLY), stalls[1].map, 300);
	tq_stall_wait(&stalls[1]);
	for (i = 0; i < 10; i++) {
		tq_is(resize(i % 2 ? 4096 : 16384), 0);
		if (tq_info(fd).in_hand) {
			tq_send(fd, 50, 7);
			tq_receive(fd, 50, 7);
		}
	}
	tq_pattern(from, tq_page(), 2, 0);
	tq_stall_release(&stalls[0], NULL);
	tq_result(&reader, 100);
	tq_stall_release(&stalls[1], from);
	tq_result(&sender, 300);
	tq_receive(fd, 300, 2);
	close(reader.fd);
	close(sender.fd);
	tq_end(fd);
}

/* ---- in traffic ----------------------------------------------------------------- */

static atomic_int stop;

static void send_on(struct tq_task *task)
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
			tq_is(n, 16 + (state >> 22 & 255));
			atomic_fetch_add(&task->count, 1);
			continue;
		}
		for (i = 0; i < 5; i++) {
			size_t at = end;

			end = tq_put(records, end, 16 + (state >> 8 & 127), 0);
			head[1] = number + i;
			memcpy(tq_at(records, at)->payload, head, 16);
		}
		n = tq_send_call(task->fd, records, end, TQUEUE_FOREVER);
		tq_true(n > 0, "SEND fails with %s", strerrorname_np(errno));
		atomic_fetch_add(&task->count, n);
	}
}

static void in_traffic(void)
{
	enum { SENDERS = 3 };
	static const uint64_t sizes[] = {
		8192, 4096, 65536, 16384, 4096, 131072, 32768,
	};
	struct tq_task senders[SENDERS] = { 0 };
	double end = tq_now() + tq_seconds(3);
	uint64_t next[SENDERS] = { 0 };
	int fd = tq_open_small(NAME), i, changes = 0, refused = 0;
	bool last = false;
	char buf[4096];

	for (i = 0; i < SENDERS; i++) {
		senders[i].number = i;
		senders[i].fd = tq_open_queue(NAME, O_WRONLY);
		tq_start(&senders[i], send_on);
	}
	for (;;) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
			.count = changes % 9 * 5,
		};
		size_t at = 0;
		long n;

		if (!last && !tq_goes_on(end, changes > refused)) {
			atomic_store(&stop, 1);
			/* The senders may need room to end. */
			tq_is(resize(1 << 20), 0);
			for (i = 0; i < SENDERS; i++)
				tq_finish(&senders[i]);
			last = true;
		} else if (!last) {
			if (resize(sizes[changes++ % ARRAY_SIZE(sizes)])) {
				tq_is(errno, EBUSY);
				refused++;
			}
			usleep(changes % 5 * 200);
		}
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			tq_is(errno, EAGAIN);
			if (last)
				break;
			continue;
		}
		while (n--) {
			uint64_t head[2];

			memcpy(head, tq_at(buf, at)->payload, sizeof(head));
			tq_true(head[0] < SENDERS, "sender %llu",
				(unsigned long long)head[0]);
			tq_is(head[1], next[head[0]]);
			next[head[0]]++;
			at += tq_record(tq_at(buf, at)->length);
		}
		tq_is(at, receive.bytes);
	}
	for (i = 0; i < SENDERS; i++) {
		tq_is(next[i], atomic_load(&senders[i].count));
		close(senders[i].fd);
	}
	fprintf(stderr, "# %d changes, %d of them refused; %llu messages\n", changes,
		refused, (unsigned long long)(next[0] + next[1] + next[2]));
	tq_true(changes > refused, "never resized");
	tq_end(fd);
}

static const struct tq_test tests[] = {
	TQ_TEST(up_and_down),
	TQ_TEST(keeps_what_is_there),
	TQ_TEST(not_below_what_it_holds),
	TQ_TEST(rests),
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
	return tq_main("resize", tests, ARRAY_SIZE(tests), argc, argv);
}
