// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at messages and leaving them there: in their order, as often as one
 * likes, and without anybody noticing.
 */
#include "calls.h"

#define NAME	"peek"

static void leaves_all(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY), i;
	struct tqueue_info before, after;
	char buf[1024];
	size_t at, n;

	t_is(t_send_call(fd, buf, t_put_many(buf, 30, 1, 5), 0), 5);
	before = t_info(fd);
	for (i = 0; i < 10; i++) {
		at = 0;
		t_is(t_peek_call(i % 2 ? fd : other, buf, sizeof(buf)), 5);
		for (n = 0; n < 5; n++) {
			t_is(t_at(buf, at)->attempts, 0);
			t_record_is(buf, &at, sizeof(buf), 30, 1 + n, 0);
		}
	}
	after = t_info(fd);
	t_is(memcmp(&before, &after, sizeof(before)), 0);
	t_is(t_fionread(fd), 30);
	t_receive(fd, 30, 1);
	t_received(fd, 4, 30, 2);
	close(other);
	t_end(fd);
}

/* As many as there is room for, as with receiving. */
static void short_buffers(void)
{
	int fd = t_open_small(NAME);
	char buf[1024];
	size_t room;

	t_is(t_send_call(fd, buf, t_put_many(buf, 30, 1, 5), 0), 5);
	for (room = 0; room < 6 * t_record(30); room += 4) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = room,
			.flags = TQUEUE_RECEIVE_PEEK,
		};
		long n = room / t_record(30);

		if (!n) {
			t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EMSGSIZE);
			t_is(receive.bytes, t_record(30));
			continue;
		}
		n = n < 5 ? n : 5;
		t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), n);
		t_is(receive.bytes, n * t_record(30));
		receive.bytes = room;
		receive.count = 2;
		t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), n < 2 ? n : 2);
	}
	t_received(fd, 5, 30, 1);
	t_end(fd);
}

/* Rests that came back stand where they were, among those in the ring. */
static void rests_among_others(void)
{
	int fd = t_open_small(NAME), files[3], i, round;
	uint64_t last = 0;
	char buf[1024];
	size_t at;

	t_is(t_send_call(fd, buf, t_put_many(buf, 40, 0, 5), 0), 5);
	for (i = 0; i < 3; i++) {
		files[i] = t_open_queue(NAME, O_RDONLY);
		t_is(read(files[i], buf, 8), 8);
	}
	close(files[2]);
	close(files[0]);
	/* 0 and 2 are back, 1 is in somebody's hands. */
	for (round = 0; round < 3; round++) {
		t_is(t_peek_call(fd, buf, sizeof(buf)), 4);
		t_is(t_at(buf, 0)->flags, TQUEUE_FLAG_PARTIAL);
		t_is(t_differs(t_at(buf, 0)->payload, 32, 0, 8), -1);
		at = t_record(32);
		t_is(t_at(buf, at)->flags, TQUEUE_FLAG_PARTIAL);
		t_is(t_differs(t_at(buf, at)->payload, 32, 2, 8), -1);
		at += t_record(32);
		t_record_is(buf, &at, sizeof(buf), 40, 3, 0);
		t_record_is(buf, &at, sizeof(buf), 40, 4, 0);
		/* With room for one, the first one. */
		t_is(t_peek_call(fd, buf, t_record(32)), 1);
		t_is(t_differs(t_at(buf, 0)->payload, 32, 0, 8), -1);
	}
	close(files[1]);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 5);
	for (at = 0, i = 0; i < 5; i++) {
		t_true(t_at(buf, at)->id > last, "they are not in order");
		last = t_at(buf, at)->id;
		at += t_record(t_at(buf, at)->length);
	}
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 5);
	t_end(fd);
}

static void run_peek(struct t_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_RECEIVE, task->arg);
	task->error = errno;
}

static void start_peek(struct t_batch *batch, int fd, void *buf, size_t room,
		       uint64_t deadline)
{
	batch->receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
		.flags = TQUEUE_RECEIVE_PEEK,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->receive;
	t_start(&batch->task, run_peek);
}

static void waits_for_the_first(void)
{
	int fd = t_open_small(NAME);
	struct t_batch peeker;
	char buf[256];

	start_peek(&peeker, fd, buf, sizeof(buf), TQUEUE_FOREVER);
	t_asleep(&peeker.task, SYS_ioctl);
	t_send(fd, 20, 1);
	t_result(&peeker.task, 1);
	t_received(fd, 1, 20, 1);
	start_peek(&peeker, fd, buf, sizeof(buf), t_deadline(0.05));
	t_fails(&peeker.task, ETIMEDOUT);
	t_end(fd);
}

/* Whoever only looks uses up nobody's wake-up. */
static void eats_no_wake_up(void)
{
	int fd = t_open_small(NAME), round, i;

	for (round = 0; round < 10; round++) {
		struct t_batch peekers[3];
		struct t_task reader;
		char buf[3][64], got[64];

		for (i = 0; i < 3; i++) {
			start_peek(&peekers[i], t_open_queue(NAME, O_RDONLY), buf[i],
				   64, TQUEUE_FOREVER);
			t_asleep(&peekers[i].task, SYS_ioctl);
		}
		t_start_read(&reader, fd, got, sizeof(got));
		t_asleep(&reader, SYS_read);
		t_send(fd, 20, 1);
		t_result(&reader, 20);
		/* Those who came too late look at the next. */
		t_send(fd, 20, 1);
		for (i = 0; i < 3; i++) {
			t_result(&peekers[i].task, 1);
			close(peekers[i].task.fd);
		}
		t_receive(fd, 20, 1);
	}
	t_end(fd);
}

/* A buffer that stalls: what it looks at others may take. */
static void stalled(void)
{
	int fd = t_open_small(NAME), i;
	struct t_batch peeker;
	struct t_stall stall;
	char buf[1024];
	size_t at = 0;

	t_stall_make(&stall, t_page());
	t_is(t_send_call(fd, buf, t_put_many(buf, 30, 1, 3), 0), 3);
	start_peek(&peeker, t_open_queue(NAME, O_RDONLY), stall.map, t_page(), 0);
	t_stall_wait(&stall);
	t_is(t_info(fd).in_flight, 0);
	t_received(fd, 3, 30, 1);
	for (i = 0; i < 20; i++) {
		t_is(t_send_call(fd, buf, t_put_many(buf, 30, 5, 2), 0), 2);
		t_received(fd, 2, 30, 5);
	}
	t_is(t_send_call(fd, buf, t_put_many(buf, 30, 7, 2), 0), 2);
	t_stall_release(&stall, NULL);
	t_finish(&peeker.task);
	/* What there is now, or what there was: but nothing in between. */
	t_true(peeker.task.result == 2 || peeker.task.result == 3 ||
	       peeker.task.result == 1, "peeking gives %zd (%s)",
		peeker.task.result, strerrorname_np(peeker.task.error));
	t_record_is(stall.map, &at, peeker.receive.bytes, 30,
		    t_differs(t_at(stall.map, 0)->payload, 30, 7, 0) < 0 ? 7 : 1,
		     0);
	t_received(fd, 2, 30, 7);
	close(peeker.task.fd);
	t_end(fd);
}

/* ---- in traffic ----------------------------------------------------------------- */

static atomic_int stop;

static void send_on(struct t_task *task)
{
	char buf[1024];

	while (!atomic_load(&stop)) {
		long n = t_send_call(task->fd, buf, t_put_many(buf, 30, 1, 5),
				      t_deadline(0.01));

		t_true(n > 0 || errno == ETIMEDOUT, "SEND fails with %s",
		       strerrorname_np(errno));
		atomic_fetch_add(&task->count, n > 0 ? n : 0);
	}
}

static void receive_on(struct t_task *task)
{
	unsigned int state = task->number;
	char buf[1024];

	while (!atomic_load(&stop)) {
		long n;

		state = state * 1664525 + 1013904223;
		if (state >> 31) {
			n = read(task->fd, buf, 30);
			n = n > 0 ? 1 : n;
		} else {
			n = t_receive_call(task->fd, buf, 200, t_deadline(0.01));
		}
		t_true(n > 0 || errno == ETIMEDOUT || errno == EAGAIN,
		       "receiving fails with %s", strerrorname_np(errno));
		atomic_fetch_add(&task->count, n > 0 ? n : 0);
	}
}

static void in_traffic(void)
{
	struct t_task sender = { .fd = t_open_small(NAME) };
	struct t_task receivers[2] = { { .number = 1 }, { .number = 2 } };
	int fd = t_open_queue(NAME, O_RDONLY), i;
	double end = t_now() + t_seconds(2);
	long peeks = 0, received = 0;
	uint64_t newest = 0;
	char buf[TQ_PAGE];

	t_start(&sender, send_on);
	for (i = 0; i < 2; i++) {
		receivers[i].fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
		t_start(&receivers[i], receive_on);
	}
	while (t_goes_on(end, peeks > 20)) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
			.flags = TQUEUE_RECEIVE_PEEK, .count = peeks % 7,
		};
		long n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		uint64_t last = 0;
		size_t at = 0;

		if (n < 0) {
			t_is(errno, EAGAIN);
			continue;
		}
		peeks++;
		/* The first is never one from before what was first then. */
		t_true(t_at(buf, 0)->id >= newest, "a message came back");
		newest = t_at(buf, 0)->id;
		while (n--) {
			t_true(t_at(buf, at)->id > last, "they are not in order");
			last = t_at(buf, at)->id;
			t_is(t_at(buf, at)->length, 30);
			at += t_record(30);
		}
		t_is(at, receive.bytes);
	}
	atomic_store(&stop, 1);
	t_finish(&sender);
	for (i = 0; i < 2; i++) {
		t_finish(&receivers[i]);
		received += atomic_load(&receivers[i].count);
		close(receivers[i].fd);
	}
	while (t_receive_call(fd, buf, t_record(30), 0) == 1)
		received++;
	t_is(received, atomic_load(&sender.count));
	t_true(peeks > 20, "only %ld peeks", peeks);
	close(sender.fd);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(leaves_all),
	TQ_TEST(short_buffers),
	TQ_TEST(rests_among_others),
	TQ_TEST(waits_for_the_first),
	TQ_TEST(eats_no_wake_up),
	TQ_TEST(stalled),
	TQ_TEST(in_traffic),
};

int main(int argc, char **argv)
{
	return t_main("peek", tests, ARRAY_SIZE(tests), argc, argv);
}
