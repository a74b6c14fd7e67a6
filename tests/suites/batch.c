// SPDX-License-Identifier: GPL-2.0
/*
 * SEND and RECEIVE: many messages in one call. The longest prefix that fits goes,
 * the count is returned, and batches, reads and writes see one and the same
 * queue.
 */
#include "calls.h"

#define NAME	"batch"

static void there_and_back(void)
{
	static const size_t lengths[] = { 1, 8, 0, 7, 984, 9, 63, 64, 65, 0, 500 };
	struct tqueue_send send = { 0 };
	struct tqueue_receive receive = { 0 };
	char buf[4096], got[4096];
	int fd = tq_open_small(NAME);
	size_t end = 0, at = 0, i;
	uint64_t last = 0;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		end = tq_put(buf, end, lengths[i], i);
	send.records = (uintptr_t)buf;
	send.bytes = end;
	tq_is(ioctl(fd, TQUEUE_SEND, &send), ARRAY_SIZE(lengths));
	tq_is(send.sent_bytes, end);
	tq_is(tq_info(fd).messages, ARRAY_SIZE(lengths));
	tq_is(tq_info(fd).bytes, end);
	tq_is(tq_info(fd).last_id, send.last_id);
	memset(got, 0xa5, sizeof(got));
	receive.records = (uintptr_t)got;
	receive.bytes = sizeof(got);
	receive.lost = 77;
	tq_is(ioctl(fd, TQUEUE_RECEIVE, &receive), ARRAY_SIZE(lengths));
	tq_is(receive.bytes, end);
	tq_is(receive.lost, 0);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct tqueue_record *record = tq_at(got, at);

		tq_true(record->id > last, "id %llu after %llu",
			(unsigned long long)record->id, (unsigned long long)last);
		last = record->id;
		tq_is(record->attempts, 0);
		tq_record_is(got, &at, end, lengths[i], i, 0);
	}
	tq_is(at, end);
	tq_is(last, send.last_id);
	for (i = end; i < sizeof(got); i++)
		tq_is(got[i], (char)0xa5);
	tq_is(tq_info(fd).received, ARRAY_SIZE(lengths));
	tq_end(fd);
}

static void says_who_and_when(void)
{
	struct timespec before, after;
	struct tqueue_record *record;
	int fd = tq_open_small(NAME), i;
	uint64_t from, to;
	char buf[256];

	clock_gettime(CLOCK_BOOTTIME, &before);
	for (i = 0; i < 2; i++) {
		if (i)
			tq_send(fd, 10, 1);
		else
			tq_is(tq_send_call(fd, buf, tq_put(buf, 0, 10, 1), 0), 1);
		tq_is(tq_receive_call(fd, buf, sizeof(buf), 0), 1);
		clock_gettime(CLOCK_BOOTTIME, &after);
		record = tq_at(buf, 0);
		/* A coarse clock is behind by a tick at most. */
		from = before.tv_sec * 1000000000ULL + before.tv_nsec - 20000000;
		to = after.tv_sec * 1000000000ULL + after.tv_nsec;
		tq_true(record->sent_ns >= from && record->sent_ns <= to,
			"sent at %llu, and not between %llu and %llu",
			(unsigned long long)record->sent_ns,
			(unsigned long long)from, (unsigned long long)to);
		tq_is(record->uid, 0);
		tq_is(record->pid, getpid());
	}
	tq_end(fd);
}

static void send_as_another(void *arg)
{
	char buf[64];
	int fd;

	if (setresuid(1234, 1234, 1234))
		_exit(1);
	fd = tq_open_queue(NAME, O_WRONLY);
	tq_is(tq_send_call(fd, buf, tq_put(buf, 0, 10, 1), 0), 1);
	/* What counts is who opened the file. */
	tq_is(tq_send_call(*(int *)arg, buf, tq_put(buf, 0, 10, 2), 0), 1);
}

static void says_who_opened(void)
{
	struct tqueue_create create = tq_creation(NAME);
	char buf[256];
	pid_t child;
	int fd;

	create.mode = 0666;
	tq_is(tq_create_call(&create), 0);
	fd = tq_open_queue(NAME, O_RDWR);
	child = tq_fork(send_as_another, &fd);
	tq_reap(child);
	tq_is(tq_receive_call(fd, buf, sizeof(buf), 0), 2);
	tq_is(tq_at(buf, 0)->uid, 1234);
	tq_is(tq_at(buf, 0)->pid, child);
	tq_is(tq_at(buf, tq_record(10))->uid, 0);
	tq_is(tq_at(buf, tq_record(10))->pid, child);
	tq_end(fd);
}

/* The process, and not the thread, sends. */
static void send_from_a_thread(struct tq_task *task)
{
	char buf[64];

	tq_is(tq_send_call(task->fd, buf, tq_put(buf, 0, 10, 1), 0), 1);
}

static void says_which_process(void)
{
	struct tq_task task = { .fd = tq_open_small(NAME) };
	char buf[64];

	tq_start(&task, send_from_a_thread);
	tq_finish(&task);
	tq_is(tq_receive_call(task.fd, buf, sizeof(buf), 0), 1);
	tq_is(tq_at(buf, 0)->pid, getpid());
	tq_end(task.fd);
}

/* ---- prefixes ------------------------------------------------------------- */

static void as_many_as_there_is_room_for(void)
{
	int fd = tq_open_small(NAME);
	struct tqueue_send send = { 0 };
	char *buf = malloc(8 * 1024);

	send.records = (uintptr_t)buf;
	send.bytes = tq_put_many(buf, TQ_SMALL_MAX, 1, 7);
	send.deadline = TQUEUE_FOREVER;
	tq_is(ioctl(fd, TQUEUE_SEND, &send), 4);
	tq_is(send.sent_bytes, 4096);
	tq_is(send.last_id, tq_info(fd).last_id);
	tq_errno(tq_send_call(fd, buf, send.bytes, 0), EAGAIN);
	tq_received(fd, 1, TQ_SMALL_MAX, 1);
	tq_is(tq_send_call(fd, buf, send.bytes, 0), 1);
	tq_received(fd, 3, TQ_SMALL_MAX, 2);
	tq_received(fd, 1, TQ_SMALL_MAX, 1);
	free(buf);
	tq_end(fd);
}

/* The whole ring, with the smallest messages, wherever it begins. */
static void many_small_ones(void)
{
	enum { MOST = 4096 / 40 };
	char buf[8192];
	int fd = tq_open_small(NAME), i;

	for (i = 0; i < 30; i++) {
		size_t end = tq_put_many(buf, 0, 0, MOST + 5);

		tq_is(tq_send_call(fd, buf, end, 0), MOST);
		tq_is(tq_info(fd).messages, MOST);
		tq_received(fd, MOST, 0, 0);
		tq_send(fd, i, i);
		if (i)
			tq_receive(fd, i, i);
	}
	tq_end(fd);
}

static void a_large_batch(void)
{
	enum { MANY = 20000 };
	char *buf = malloc(MANY * tq_record(20));
	size_t end = tq_put_many(buf, 20, 0, MANY), sent_bytes = 0;
	unsigned int received = 0;
	int fd;

	tq_create(NAME, 1 << 18);
	fd = tq_open_queue(NAME, O_RDWR | O_NONBLOCK);
	while (received < MANY) {
		struct tqueue_send send = {
			.records = (uintptr_t)buf + sent_bytes,
			.bytes = end - sent_bytes,
		};
		int n = send.bytes ? ioctl(fd, TQUEUE_SEND, &send) : 0;

		if (n < 0)
			tq_is(errno, EAGAIN);
		else
			tq_is(n * tq_record(20), send.sent_bytes);
		sent_bytes += send.sent_bytes;
		n = received + 777 > MANY ? MANY - received : 777;
		if (sent_bytes / tq_record(20) - received < (unsigned int)n)
			n = sent_bytes / tq_record(20) - received;
		tq_received(fd, n, 20, received);
		received += n;
	}
	free(buf);
	tq_end(fd);
}

/* A last record that is not whole is not sent, wherever it ends. */
static void a_part_of_a_record(void)
{
	char buf[1024];
	size_t whole, cut;
	int fd = tq_open_small(NAME);

	for (cut = 1; cut < tq_record(100); cut++) {
		struct tqueue_send send = { .records = (uintptr_t)buf };

		whole = tq_put_many(buf, 100, 1, 3);
		send.bytes = whole - cut;
		tq_is(ioctl(fd, TQUEUE_SEND, &send), 2);
		tq_is(send.sent_bytes, 2 * tq_record(100));
		tq_received(fd, 2, 100, 1);
		tq_errno(tq_send_call(fd, buf, tq_record(100) - cut, 0), EINVAL);
	}
	tq_end(fd);
}

static void nothing_to_send(void)
{
	struct tqueue_send send = { .records = 16, .last_id = 5, .sent_bytes = 5 };
	int fd = tq_open_small(NAME);

	tq_is(ioctl(fd, TQUEUE_SEND, &send), 0);
	tq_is(send.sent_bytes, 0);
	tq_end(fd);
}

static void as_many_as_fit(void)
{
	char buf[4096];
	int fd = tq_open_small(NAME);
	size_t room, at;

	for (room = 0; room < 3 * tq_record(100); room += 8) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = room,
		};
		long n = room / tq_record(100);

		tq_is(tq_send_call(fd, buf, tq_put_many(buf, 100, 1, 3), 0), 3);
		if (!n) {
			tq_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EMSGSIZE);
			tq_is(receive.bytes, tq_record(100));
			tq_received(fd, 3, 100, 1);
			continue;
		}
		at = 0;
		tq_is(ioctl(fd, TQUEUE_RECEIVE, &receive), n);
		tq_is(receive.bytes, n * tq_record(100));
		tq_record_is(buf, &at, sizeof(buf), 100, 1, 0);
		tq_received(fd, 3 - n, 100, 1 + n);
	}
	tq_end(fd);
}

static void at_most_a_count(void)
{
	char buf[4096];
	int fd = tq_open_small(NAME);
	unsigned int n;

	for (n = 0; n <= 8; n++) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = n,
		};
		unsigned int want = n && n < 6 ? n : 6;

		tq_is(tq_send_call(fd, buf, tq_put_many(buf, 50, 1, 6), 0), 6);
		tq_is(ioctl(fd, TQUEUE_RECEIVE, &receive), want);
		tq_is(receive.bytes, want * tq_record(50));
		if (want < 6)
			tq_received(fd, 6 - want, 50, 1 + want);
	}
	tq_end(fd);
}

/* ---- batches beside reads and writes ------------------------------------------ */

static void with_reads_and_writes(void)
{
	char buf[1024];
	int fd = tq_open_small(NAME);

	tq_send(fd, 30, 1);
	tq_is(tq_send_call(fd, buf, tq_put_many(buf, 30, 2, 2), 0), 2);
	tq_send(fd, 30, 4);
	tq_receive(fd, 30, 1);
	tq_received(fd, 2, 30, 2);
	tq_receive(fd, 30, 4);
	tq_send(fd, 31, 1);
	tq_send(fd, 31, 2);
	tq_received(fd, 2, 31, 1);
	tq_is(tq_send_call(fd, buf, tq_put_many(buf, 32, 1, 3), 0), 3);
	tq_is(read(fd, buf, 10), 10);
	tq_receive_rest(fd, 22, 1, 10);
	tq_is(tq_fionread(fd), 32);
	tq_receive(fd, 32, 2);
	tq_receive(fd, 32, 3);
	tq_end(fd);
}

static void empty_messages(void)
{
	char buf[1024];
	int fd = tq_open_small(NAME), ends[2];
	size_t end;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	end = tq_put(buf, 0, 0, 0);
	end = tq_put(buf, end, 0, 0);
	end = tq_put(buf, end, 20, 1);
	end = tq_put(buf, end, 0, 0);
	end = tq_put(buf, end, 30, 2);
	end = tq_put(buf, end, 0, 0);
	/* To batches they are messages like others. */
	tq_is(tq_send_call(fd, buf, end, 0), 6);
	tq_is(tq_info(fd).messages, 6);
	tq_is(tq_receive_call(fd, buf, sizeof(buf), 0), 6);
	/* Reads pass over them, and end-of-file is none of them. */
	end = tq_put(buf, 0, 0, 0);
	end = tq_put(buf, end, 20, 1);
	end = tq_put(buf, end, 0, 0);
	end = tq_put(buf, end, 0, 0);
	end = tq_put(buf, end, 30, 2);
	end = tq_put(buf, end, 0, 0);
	tq_is(tq_send_call(fd, buf, end, 0), 6);
	tq_is(tq_fionread(fd), 20);
	tq_receive(fd, 20, 1);
	tq_receive(fd, 30, 2);
	tq_errno(read(fd, buf, 100), EAGAIN);
	tq_is(tq_info(fd).messages, 0);
	/* Nothing but empty ones: nothing to read. */
	end = tq_put_many(buf, 0, 0, 3);
	tq_is(tq_send_call(fd, buf, end, 0), 3);
	tq_errno(read(fd, buf, 100), EAGAIN);
	tq_empty(fd);
	end = tq_put_many(buf, 0, 0, 3);
	tq_is(tq_send_call(fd, buf, end, 0), 3);
	tq_is(pipe2(ends, O_NONBLOCK), 0);
	tq_errno(splice(fd, NULL, ends[1], NULL, 100, 0), EAGAIN);
	tq_end(fd);
}

/* A reader that sleeps goes on sleeping. */
static void an_empty_message_for_a_reader(void)
{
	int fd = tq_open_small(NAME);
	struct tq_task reader;
	char buf[64], got[64];

	tq_start_read(&reader, fd, got, sizeof(got));
	tq_asleep(&reader, SYS_read);
	tq_is(tq_send_call(fd, buf, tq_put(buf, 0, 0, 0), 0), 1);
	tq_still_asleep(&reader, SYS_read);
	tq_send(fd, 5, 1);
	tq_result(&reader, 5);
	tq_end(fd);
}

static void busy_with_a_rest(void)
{
	struct tqueue_receive receive = { 0 };
	char buf[512];
	int fd = tq_open_small(NAME), other = tq_open_queue(NAME, O_RDWR);
	size_t at = 0;

	tq_send(fd, 100, 1);
	tq_send(fd, 50, 2);
	tq_is(read(fd, buf, 30), 30);
	tq_errno(tq_receive_call(fd, buf, sizeof(buf), 0), EBUSY);
	tq_errno(tq_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), EBUSY);
	tq_errno(tq_peek_call(fd, buf, sizeof(buf)), EBUSY);
	tq_received(other, 1, 50, 2);
	tq_errno(tq_receive_call(other, buf, sizeof(buf), 0), EAGAIN);
	tq_receive_rest(fd, 70, 1, 30);
	tq_errno(tq_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	/* One that came back is marked. */
	tq_send(fd, 100, 3);
	tq_send(fd, 50, 4);
	tq_is(read(other, buf, 30), 30);
	close(other);
	receive.records = (uintptr_t)buf;
	receive.bytes = sizeof(buf);
	tq_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 2);
	tq_is(tq_at(buf, 0)->length, 70);
	tq_is(tq_at(buf, 0)->flags, TQUEUE_FLAG_PARTIAL);
	tq_is(tq_at(buf, 0)->reserved, 0);
	tq_is(tq_differs(tq_at(buf, 0)->payload, 70, 3, 30), -1);
	tq_is(tq_at(buf, 0)->payload[70], 0);
	tq_is(tq_at(buf, 0)->payload[71], 0);
	at = tq_record(70);
	tq_true(tq_at(buf, 0)->id < tq_at(buf, at)->id, "the rest has a later id");
	tq_record_is(buf, &at, receive.bytes, 50, 4, 0);
	tq_end(fd);
}

/* Rests come back between others, and each to its own place. */
static void rests_in_their_places(void)
{
	int fd = tq_open_small(NAME), files[3], i;
	size_t at = 0, end;
	char buf[1024];
	uint64_t last = 0;

	tq_is(tq_send_call(fd, buf, tq_put_many(buf, 40, 0, 6), 0), 6);
	for (i = 0; i < 3; i++) {
		files[i] = tq_open_queue(NAME, O_RDONLY);
		tq_is(read(files[i], buf, 8), 8);
	}
	close(files[1]);
	close(files[2]);
	tq_is(tq_send_call(fd, buf, tq_put_many(buf, 40, 6, 1), 0), 1);
	close(files[0]);
	tq_is(tq_receive_call(fd, buf, sizeof(buf), 0), 7);
	end = 3 * tq_record(32) + 4 * tq_record(40);
	for (i = 0; i < 7; i++) {
		struct tqueue_record *record = tq_at(buf, at);

		tq_true(record->id > last, "id %llu after %llu",
			(unsigned long long)record->id, (unsigned long long)last);
		last = record->id;
		if (i >= 3) {
			tq_record_is(buf, &at, end, 40, i, 0);
			continue;
		}
		tq_is(record->flags, TQUEUE_FLAG_PARTIAL);
		tq_is(record->length, 32);
		tq_is(tq_differs(record->payload, 32, i, 8), -1);
		at += tq_record(32);
	}
	tq_is(at, end);
	tq_end(fd);
}

static void wrong_way_round(void)
{
	char buf[256];
	int in, out;

	tq_create(NAME, 4096);
	in = tq_open_queue(NAME, O_WRONLY);
	out = tq_open_queue(NAME, O_RDONLY);
	tq_is(tq_send_call(in, buf, tq_put(buf, 0, 10, 1), 0), 1);
	tq_errno(tq_send_call(out, buf, tq_put(buf, 0, 10, 1), 0), EBADF);
	tq_errno(tq_receive_call(in, buf, sizeof(buf), 0), EBADF);
	tq_errno(tq_peek_call(in, buf, sizeof(buf)), EBADF);
	tq_received(out, 1, 10, 1);
	close(in);
	tq_end(out);
}

/* The largest message, alone and with others. */
static void largest_messages(void)
{
	char *buf = malloc(1 << 20);
	size_t most = (1 << 18) - TQ_HEADER, end;
	int fd;

	tq_create(NAME, 1 << 20);
	fd = tq_open_queue(NAME, O_RDWR);
	end = tq_put(buf, 0, most, 1);
	end = tq_put(buf, end, 1, 2);
	end = tq_put(buf, end, most, 3);
	tq_is(tq_send_call(fd, buf, end, 0), 3);
	tq_received(fd, 1, most, 1);
	tq_received(fd, 1, 1, 2);
	tq_received(fd, 1, most, 3);
	tq_errno(tq_send_call(fd, buf, tq_put(buf, 0, most + 1, 1), 0), EMSGSIZE);
	free(buf);
	tq_end(fd);
}

static const struct tq_test tests[] = {
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
	return tq_main("batch", tests, ARRAY_SIZE(tests), argc, argv);
}
