// SPDX-License-Identifier: GPL-2.0-only
/*
 * SEND and RECEIVE: many messages in one call. The longest prefix that fits goes,
 * the count is returned, and batches, reads and writes see one and the same
 * queue.
 */
#include "calls.h"

#define NAME	"batch"

static void there_and_back(void)
{
	static const size_t lengths[] = { 1, 8, 0, 7, TQ_SMALL_MAX, 9, 63, 64, 65, 0, 500 };
	struct tqueue_send send = { 0 };
	struct tqueue_receive receive = { 0 };
	char buf[TQ_PAGE], got[TQ_PAGE];
	int fd = t_open_small(NAME);
	size_t end = 0, at = 0, i;
	uint64_t last = 0;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		end = t_put(buf, end, lengths[i], i);
	send.records = (uintptr_t)buf;
	send.bytes = end;
	t_is(ioctl(fd, TQUEUE_SEND, &send), ARRAY_SIZE(lengths));
	t_is(send.sent_bytes, end);
	t_is(t_info(fd).messages, ARRAY_SIZE(lengths));
	t_is(t_info(fd).bytes, end);
	t_is(t_info(fd).last_id, send.last_id);
	memset(got, 0xa5, sizeof(got));
	receive.records = (uintptr_t)got;
	receive.bytes = sizeof(got);
	receive.dropped = 77;
	t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), ARRAY_SIZE(lengths));
	t_is(receive.bytes, end);
	t_is(receive.dropped, 0);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct tqueue_record *record = t_at(got, at);

		t_true(record->id > last, "id %llu after %llu",
		       (unsigned long long)record->id, (unsigned long long)last);
		last = record->id;
		t_is(record->attempts, 0);
		t_record_is(got, &at, end, lengths[i], i, 0);
	}
	t_is(at, end);
	t_is(last, send.last_id);
	for (i = end; i < sizeof(got); i++)
		t_is(got[i], (char)0xa5);
	t_is(t_info(fd).received, ARRAY_SIZE(lengths));
	t_end(fd);
}

static void says_who_and_when(void)
{
	struct timespec before, after;
	struct tqueue_record *record;
	int fd = t_open_small(NAME), i;
	uint64_t from, to;
	char buf[256];

	clock_gettime(CLOCK_BOOTTIME, &before);
	for (i = 0; i < 2; i++) {
		if (i)
			t_send(fd, 10, 1);
		else
			t_is(t_send_call(fd, buf, t_put(buf, 0, 10, 1), 0), 1);
		t_is(t_receive_call(fd, buf, sizeof(buf), 0), 1);
		clock_gettime(CLOCK_BOOTTIME, &after);
		record = t_at(buf, 0);
		/* A coarse clock is behind by a tick at most. */
		from = before.tv_sec * 1000000000ULL + before.tv_nsec - 20000000;
		to = after.tv_sec * 1000000000ULL + after.tv_nsec;
		t_true((uint64_t)record->sent_ns >= from && (uint64_t)record->sent_ns <= to,
		       "sent at %llu, and not between %llu and %llu",
			(unsigned long long)record->sent_ns,
			(unsigned long long)from, (unsigned long long)to);
		t_is(record->uid, 0);
		t_is(record->pid, getpid());
	}
	t_end(fd);
}

static void send_as_another(void *arg)
{
	char buf[64];
	int fd;

	if (setresuid(1234, 1234, 1234))
		_exit(1);
	fd = t_open_queue(NAME, O_WRONLY);
	t_is(t_send_call(fd, buf, t_put(buf, 0, 10, 1), 0), 1);
	/* What counts is who opened the file. */
	t_is(t_send_call(*(int *)arg, buf, t_put(buf, 0, 10, 2), 0), 1);
}

static void says_who_opened(void)
{
	struct tqueue_create create = t_creation(NAME);
	char buf[256];
	pid_t child;
	int fd;

	create.mode = 0666;
	t_is(t_create_call(&create), 0);
	fd = t_open_queue(NAME, O_RDWR);
	child = t_fork(send_as_another, &fd);
	t_reap(child);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 2);
	t_is(t_at(buf, 0)->uid, 1234);
	t_is(t_at(buf, 0)->pid, child);
	t_is(t_at(buf, t_record(10))->uid, 0);
	t_is(t_at(buf, t_record(10))->pid, child);
	t_end(fd);
}

/* The process, and not the thread, sends. */
static void send_from_a_thread(struct t_task *task)
{
	char buf[64];

	t_is(t_send_call(task->fd, buf, t_put(buf, 0, 10, 1), 0), 1);
}

static void says_which_process(void)
{
	struct t_task task = { .fd = t_open_small(NAME) };
	char buf[64];

	t_start(&task, send_from_a_thread);
	t_finish(&task);
	t_is(t_receive_call(task.fd, buf, sizeof(buf), 0), 1);
	t_is(t_at(buf, 0)->pid, getpid());
	t_end(task.fd);
}

/* ---- prefixes ------------------------------------------------------------- */

static void as_many_as_there_is_room_for(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_send send = { 0 };
	char *buf = malloc(2 * TQ_PAGE);

	send.records = (uintptr_t)buf;
	send.bytes = t_put_many(buf, TQ_SMALL_MAX, 1, 7);
	send.deadline = TQUEUE_FOREVER;
	t_is(ioctl(fd, TQUEUE_SEND, &send), 4);
	t_is(send.sent_bytes, TQ_PAGE);
	t_is(send.last_id, t_info(fd).last_id);
	t_errno(t_send_call(fd, buf, send.bytes, 0), EAGAIN);
	t_received(fd, 1, TQ_SMALL_MAX, 1);
	t_is(t_send_call(fd, buf, send.bytes, 0), 1);
	t_received(fd, 3, TQ_SMALL_MAX, 2);
	t_received(fd, 1, TQ_SMALL_MAX, 1);
	free(buf);
	t_end(fd);
}

/* The whole ring, with the smallest messages, wherever it begins. */
static void many_small_ones(void)
{
	enum { MOST = TQ_PAGE / 40 };
	char buf[2 * TQ_PAGE];
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 30; i++) {
		size_t end = t_put_many(buf, 0, 0, MOST + 5);

		t_is(t_send_call(fd, buf, end, 0), MOST);
		t_is(t_info(fd).messages, MOST);
		t_received(fd, MOST, 0, 0);
		t_send(fd, i, i);
		if (i)
			t_receive(fd, i, i);
	}
	t_end(fd);
}

static void a_large_batch(void)
{
	enum { MANY = 20000 };
	char *buf = malloc(MANY * t_record(20));
	size_t end = t_put_many(buf, 20, 0, MANY), sent_bytes = 0;
	unsigned int received = 0;
	int fd;

	t_create(NAME, 1 << 18);
	fd = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	while (received < MANY) {
		struct tqueue_send send = {
			.records = (uintptr_t)buf + sent_bytes,
			.bytes = end - sent_bytes,
		};
		int n = send.bytes ? ioctl(fd, TQUEUE_SEND, &send) : 0;

		if (n < 0)
			t_is(errno, EAGAIN);
		else
			t_is(n * t_record(20), send.sent_bytes);
		sent_bytes += send.sent_bytes;
		n = received + 777 > MANY ? MANY - received : 777;
		if (sent_bytes / t_record(20) - received < (unsigned int)n)
			n = sent_bytes / t_record(20) - received;
		t_received(fd, n, 20, received);
		received += n;
	}
	free(buf);
	t_end(fd);
}

/* A last record that is not whole is not sent, wherever it ends. */
static void a_part_of_a_record(void)
{
	char buf[1024];
	size_t whole, cut;
	int fd = t_open_small(NAME);

	for (cut = 1; cut < t_record(100); cut++) {
		struct tqueue_send send = { .records = (uintptr_t)buf };

		whole = t_put_many(buf, 100, 1, 3);
		send.bytes = whole - cut;
		t_is(ioctl(fd, TQUEUE_SEND, &send), 2);
		t_is(send.sent_bytes, 2 * t_record(100));
		t_received(fd, 2, 100, 1);
		t_errno(t_send_call(fd, buf, t_record(100) - cut, 0), EINVAL);
	}
	t_end(fd);
}

static void nothing_to_send(void)
{
	struct tqueue_send send = { .records = 16, .last_id = 5, .sent_bytes = 5 };
	int fd = t_open_small(NAME);

	t_is(ioctl(fd, TQUEUE_SEND, &send), 0);
	t_is(send.sent_bytes, 0);
	t_end(fd);
}

static void as_many_as_fit(void)
{
	char buf[TQ_PAGE];
	int fd = t_open_small(NAME);
	size_t room, at;

	for (room = 0; room < 3 * t_record(100); room += 8) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = room,
		};
		long n = room / t_record(100);

		t_is(t_send_call(fd, buf, t_put_many(buf, 100, 1, 3), 0), 3);
		if (!n) {
			t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EMSGSIZE);
			t_is(receive.bytes, t_record(100));
			t_received(fd, 3, 100, 1);
			continue;
		}
		at = 0;
		t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), n);
		t_is(receive.bytes, n * t_record(100));
		t_record_is(buf, &at, sizeof(buf), 100, 1, 0);
		t_received(fd, 3 - n, 100, 1 + n);
	}
	t_end(fd);
}

static void at_most_a_count(void)
{
	char buf[TQ_PAGE];
	int fd = t_open_small(NAME);
	unsigned int n;

	for (n = 0; n <= 8; n++) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = n,
		};
		unsigned int want = n && n < 6 ? n : 6;

		t_is(t_send_call(fd, buf, t_put_many(buf, 50, 1, 6), 0), 6);
		t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), want);
		t_is(receive.bytes, want * t_record(50));
		if (want < 6)
			t_received(fd, 6 - want, 50, 1 + want);
	}
	t_end(fd);
}

/* ---- batches beside reads and writes ------------------------------------------ */

static void with_reads_and_writes(void)
{
	char buf[1024];
	int fd = t_open_small(NAME);

	t_send(fd, 30, 1);
	t_is(t_send_call(fd, buf, t_put_many(buf, 30, 2, 2), 0), 2);
	t_send(fd, 30, 4);
	t_receive(fd, 30, 1);
	t_received(fd, 2, 30, 2);
	t_receive(fd, 30, 4);
	t_send(fd, 31, 1);
	t_send(fd, 31, 2);
	t_received(fd, 2, 31, 1);
	t_is(t_send_call(fd, buf, t_put_many(buf, 32, 1, 3), 0), 3);
	t_is(read(fd, buf, 10), 10);
	t_receive_rest(fd, 22, 1, 10);
	t_is(t_fionread(fd), 32);
	t_receive(fd, 32, 2);
	t_receive(fd, 32, 3);
	t_end(fd);
}

static void empty_messages(void)
{
	char buf[1024];
	int fd = t_open_small(NAME), ends[2];
	size_t end;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	end = t_put(buf, 0, 0, 0);
	end = t_put(buf, end, 0, 0);
	end = t_put(buf, end, 20, 1);
	end = t_put(buf, end, 0, 0);
	end = t_put(buf, end, 30, 2);
	end = t_put(buf, end, 0, 0);
	/* To batches they are messages like others. */
	t_is(t_send_call(fd, buf, end, 0), 6);
	t_is(t_info(fd).messages, 6);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 6);
	/* Reads pass over them, and end-of-file is none of them. */
	end = t_put(buf, 0, 0, 0);
	end = t_put(buf, end, 20, 1);
	end = t_put(buf, end, 0, 0);
	end = t_put(buf, end, 0, 0);
	end = t_put(buf, end, 30, 2);
	end = t_put(buf, end, 0, 0);
	t_is(t_send_call(fd, buf, end, 0), 6);
	t_is(t_fionread(fd), 20);
	t_receive(fd, 20, 1);
	t_receive(fd, 30, 2);
	t_errno(read(fd, buf, 100), EAGAIN);
	t_is(t_info(fd).messages, 0);
	/* Nothing but empty ones: nothing to read. */
	end = t_put_many(buf, 0, 0, 3);
	t_is(t_send_call(fd, buf, end, 0), 3);
	t_errno(read(fd, buf, 100), EAGAIN);
	t_empty(fd);
	end = t_put_many(buf, 0, 0, 3);
	t_is(t_send_call(fd, buf, end, 0), 3);
	t_is(pipe2(ends, O_NONBLOCK), 0);
	t_errno(splice(fd, NULL, ends[1], NULL, 100, 0), EAGAIN);
	t_end(fd);
}

/* A reader that sleeps goes on sleeping. */
static void an_empty_message_for_a_reader(void)
{
	int fd = t_open_small(NAME);
	struct t_task reader;
	char buf[64], got[64];

	t_start_read(&reader, fd, got, sizeof(got));
	t_asleep(&reader, SYS_read);
	t_is(t_send_call(fd, buf, t_put(buf, 0, 0, 0), 0), 1);
	t_still_asleep(&reader, SYS_read);
	t_send(fd, 5, 1);
	t_result(&reader, 5);
	t_end(fd);
}

static void busy_with_a_rest(void)
{
	struct tqueue_receive receive = { 0 };
	char buf[512];
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	size_t at = 0;

	t_send(fd, 100, 1);
	t_send(fd, 50, 2);
	t_is(read(fd, buf, 30), 30);
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EBUSY);
	t_errno(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), EBUSY);
	t_errno(t_peek_call(fd, buf, sizeof(buf)), EBUSY);
	t_received(other, 1, 50, 2);
	t_errno(t_receive_call(other, buf, sizeof(buf), 0), EAGAIN);
	t_receive_rest(fd, 70, 1, 30);
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	/* One that came back is marked. */
	t_send(fd, 100, 3);
	t_send(fd, 50, 4);
	t_is(read(other, buf, 30), 30);
	close(other);
	receive.records = (uintptr_t)buf;
	receive.bytes = sizeof(buf);
	t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 2);
	t_is(t_at(buf, 0)->length, 70);
	t_is(t_at(buf, 0)->flags, TQUEUE_FLAG_PARTIAL);
	t_is(t_at(buf, 0)->reserved, 0);
	t_is(t_differs(t_at(buf, 0)->payload, 70, 3, 30), -1);
	t_is(t_at(buf, 0)->payload[70], 0);
	t_is(t_at(buf, 0)->payload[71], 0);
	at = t_record(70);
	t_true(t_at(buf, 0)->id < t_at(buf, at)->id, "the rest has a later id");
	t_record_is(buf, &at, receive.bytes, 50, 4, 0);
	t_end(fd);
}

/* Rests come back between others, and each to its own place. */
static void rests_in_their_places(void)
{
	int fd = t_open_small(NAME), files[3], i;
	size_t at = 0, end;
	char buf[1024];
	uint64_t last = 0;

	t_is(t_send_call(fd, buf, t_put_many(buf, 40, 0, 6), 0), 6);
	for (i = 0; i < 3; i++) {
		files[i] = t_open_queue(NAME, O_RDONLY);
		t_is(read(files[i], buf, 8), 8);
	}
	close(files[1]);
	close(files[2]);
	t_is(t_send_call(fd, buf, t_put_many(buf, 40, 6, 1), 0), 1);
	close(files[0]);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 7);
	end = 3 * t_record(32) + 4 * t_record(40);
	for (i = 0; i < 7; i++) {
		struct tqueue_record *record = t_at(buf, at);

		t_true(record->id > last, "id %llu after %llu",
		       (unsigned long long)record->id, (unsigned long long)last);
		last = record->id;
		if (i >= 3) {
			t_record_is(buf, &at, end, 40, i, 0);
			continue;
		}
		t_is(record->flags, TQUEUE_FLAG_PARTIAL);
		t_is(record->length, 32);
		t_is(t_differs(record->payload, 32, i, 8), -1);
		at += t_record(32);
	}
	t_is(at, end);
	t_end(fd);
}

static void wrong_way_round(void)
{
	char buf[256];
	int in, out;

	t_create(NAME, TQ_PAGE);
	in = t_open_queue(NAME, O_WRONLY);
	out = t_open_queue(NAME, O_RDONLY);
	t_is(t_send_call(in, buf, t_put(buf, 0, 10, 1), 0), 1);
	t_errno(t_send_call(out, buf, t_put(buf, 0, 10, 1), 0), EBADF);
	t_errno(t_receive_call(in, buf, sizeof(buf), 0), EBADF);
	t_errno(t_peek_call(in, buf, sizeof(buf)), EBADF);
	t_received(out, 1, 10, 1);
	close(in);
	t_end(out);
}

/* The largest message, alone and with others. */
static void largest_messages(void)
{
	char *buf = malloc(1 << 20);
	size_t most = (1 << 18) - TQ_HEADER, end;
	int fd;

	t_create(NAME, 1 << 20);
	fd = t_open_queue(NAME, O_RDWR);
	end = t_put(buf, 0, most, 1);
	end = t_put(buf, end, 1, 2);
	end = t_put(buf, end, most, 3);
	t_is(t_send_call(fd, buf, end, 0), 3);
	t_received(fd, 1, most, 1);
	t_received(fd, 1, 1, 2);
	t_received(fd, 1, most, 3);
	t_errno(t_send_call(fd, buf, t_put(buf, 0, most + 1, 1), 0), EMSGSIZE);
	free(buf);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(there_and_back),
	TQ_TEST(says_who_and_when),
	TQ_TEST(says_who_opened),
	TQ_TEST(says_which_process),
	TQ_TEST(as_many_as_there_is_room_for),
	TQ_TEST(many_small_ones),
	TQ_TEST(a_large_batch),
	TQ_TEST(a_part_of_a_record),
	TQ_TEST(nothing_to_send),
	TQ_TEST(as_many_as_fit),
	TQ_TEST(at_most_a_count),
	TQ_TEST(with_reads_and_writes),
	TQ_TEST(empty_messages),
	TQ_TEST(an_empty_message_for_a_reader),
	TQ_TEST(busy_with_a_rest),
	TQ_TEST(rests_in_their_places),
	TQ_TEST(wrong_way_round),
	TQ_TEST(largest_messages),
};

int main(int argc, char **argv)
{
	return t_main("batch", tests, ARRAY_SIZE(tests), argc, argv);
}
