// SPDX-License-Identifier: GPL-2.0
/*
 * What a full queue does to its senders, where that is chosen: "reject" refuses
 * at once, "drop-oldest" makes room at the cost of what is there, and tells the
 * receivers how many messages were lost, and where.
 */
#include "calls.h"

#define NAME	"overflow"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of 4096 */

static int open_with(unsigned int overflow)
{
	tq_create_with(NAME, 4096, overflow, TQUEUE_EOF_NEVER);
	return tq_open_queue(NAME, O_RDWR);
}

static int open_dropping(void)
{
	return open_with(TQUEUE_OVERFLOW_DROP_OLDEST);
}

static void set_overflow(unsigned int overflow)
{
	tq_is(tq_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, overflow, 0), 0);
}

/* Receives one: its seed, what was lost before it, and whether it says so. */
static void received_at(int line, int fd, size_t len, uint64_t seed,
			uint64_t lost, unsigned int flags)
{
	char buf[2048];
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
		.flags = flags, .lost = 12345,
	};
	size_t at = 0;
	int n = ioctl(fd, TQUEUE_RECEIVE, &receive);

	if (n != 1)
		tq_fail_at(__FILE__, line, "RECEIVE gives %d (%s)", n,
			   n < 0 ? strerrorname_np(errno) : "");
	tq_record_at(__FILE__, line, buf, &at, receive.bytes, len, seed,
		     lost ? TQUEUE_FLAG_LOST : 0);
	if (receive.lost != lost)
		tq_fail_at(__FILE__, line, "%llu were lost, not %llu",
			   (unsigned long long)receive.lost,
			   (unsigned long long)lost);
}

#define received(fd, len, seed, lost)	received_at(__LINE__, fd, len, seed, lost, 0)
#define peeked(fd, len, seed, lost)					\
	received_at(__LINE__, fd, len, seed, lost, TQUEUE_RECEIVE_PEEK)

/* ---- reject ------------------------------------------------------------------ */

static void refuses_at_once(void)
{
	int fd = open_with(TQUEUE_OVERFLOW_REJECT), ends[2];
	char *buf = malloc(8192);
	size_t end;

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), FULL);
	tq_pattern(buf, TQ_SMALL_MAX, 9, 0);
	tq_errno(write(fd, buf, 1), EAGAIN);
	tq_errno(write(fd, buf, TQ_SMALL_MAX), EAGAIN);
	end = tq_put_many(buf, TQ_SMALL_MAX, 1, 3);
	tq_errno(tq_send_call(fd, buf, end, 0), EAGAIN);
	tq_errno(tq_send_call(fd, buf, end, TQUEUE_FOREVER), EAGAIN);
	tq_errno(tq_send_call(fd, buf, end, tq_deadline(10)), EAGAIN);
	tq_is(pipe(ends), 0);
	tq_is(write(ends[1], buf, 10), 10);
	tq_errno(splice(ends[0], NULL, fd, NULL, 10, 0), EAGAIN);
	tq_is(tq_poll(fd, POLLIN | POLLOUT), POLLIN);
	tq_received(fd, 2, TQ_SMALL_MAX, 1);
	tq_is(tq_poll(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	/* What there is room for goes. */
	tq_is(tq_send_call(fd, buf, end, TQUEUE_FOREVER), 2);
	tq_received(fd, 2, TQ_SMALL_MAX, 3);
	tq_received(fd, 2, TQ_SMALL_MAX, 1);
	tq_is(tq_info(fd).lost, 0);
	/* A receiver waits as ever. */
	tq_errno(tq_receive_call(fd, buf, 100, tq_deadline(0.01)), ETIMEDOUT);
	free(buf);
	tq_end(fd);
}

/* ---- drop-oldest --------------------------------------------------------------- */

static void counts_what_it_drops(void)
{
	int fd = open_dropping(), i;

	tq_is(tq_poll(fd, POLLOUT), POLLOUT);
	for (i = 0; i < FULL + 3; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	tq_is(tq_info(fd).messages, FULL);
	tq_is(tq_info(fd).lost, 3);
	tq_is(tq_info(fd).received, 0);
	/* It always takes more. */
	tq_is(tq_poll(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	received(fd, TQ_SMALL_MAX, 3, 3);
	received(fd, TQ_SMALL_MAX, 4, 0);
	tq_send(fd, TQ_SMALL_MAX, 7);
	tq_send(fd, TQ_SMALL_MAX, 8);
	tq_send(fd, TQ_SMALL_MAX, 9);
	received(fd, TQ_SMALL_MAX, 6, 1);
	received(fd, TQ_SMALL_MAX, 7, 0);
	received(fd, TQ_SMALL_MAX, 8, 0);
	received(fd, TQ_SMALL_MAX, 9, 0);
	tq_is(tq_info(fd).lost, 4);
	tq_is(tq_info(fd).received, 6);
	tq_end(fd);
}

/* Only the first of a batch can stand behind a gap. */
static void the_gap_in_a_batch(void)
{
	struct tqueue_receive receive = { 0 };
	char buf[8192];
	int fd = open_dropping(), i;
	size_t at = 0;

	for (i = 0; i < 2 * FULL; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	receive.records = (uintptr_t)buf;
	receive.bytes = sizeof(buf);
	tq_is(ioctl(fd, TQUEUE_RECEIVE, &receive), FULL);
	tq_is(receive.lost, FULL);
	for (i = 0; i < FULL; i++)
		tq_record_is(buf, &at, receive.bytes, TQ_SMALL_MAX, FULL + i,
			     i ? 0 : TQUEUE_FLAG_LOST);
	tq_end(fd);
}

/* A marked message dropped in its turn: what was lost adds up. */
static void gaps_add_up(void)
{
	int fd = open_dropping(), i;

	for (i = 0; i < 50; i++) {
		tq_send(fd, TQ_SMALL_MAX, i);
		if (i >= FULL)
			peeked(fd, TQ_SMALL_MAX, i - FULL + 1, i - FULL + 1);
	}
	received(fd, TQ_SMALL_MAX, 46, 46);
	received(fd, TQ_SMALL_MAX, 47, 0);
	received(fd, TQ_SMALL_MAX, 48, 0);
	received(fd, TQ_SMALL_MAX, 49, 0);
	tq_is(tq_info(fd).lost, 46);
	tq_end(fd);
}

/* A plain read takes the marked message, and so the mark. */
static void plain_readers_notice_nothing(void)
{
	int fd = open_dropping(), i;

	for (i = 0; i < FULL + 2; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	tq_receive(fd, TQ_SMALL_MAX, 2);
	received(fd, TQ_SMALL_MAX, 3, 0);
	received(fd, TQ_SMALL_MAX, 4, 0);
	received(fd, TQ_SMALL_MAX, 5, 0);
	tq_is(tq_info(fd).lost, 2);
	tq_end(fd);
}

/* Nobody has ever received when the first is dropped: then nothing but reads. */
static void dropped_before_anybody_received(void)
{
	char byte;
	int round;

	for (round = 0; round < 8; round++) {
		int fd = open_dropping(), i;

		fcntl(fd, F_SETFL, O_NONBLOCK);
		for (i = 0; i < FULL + round; i++)
			tq_send(fd, TQ_SMALL_MAX, i);
		for (i = round; i < FULL + round; i++)
			tq_receive(fd, TQ_SMALL_MAX, i);
		tq_errno(read(fd, &byte, 1), EAGAIN);
		tq_errno(read(fd, &byte, 1), EAGAIN);
		tq_is(tq_poll(fd, POLLIN), 0);
		tq_is(tq_info(fd).messages, 0);
		tq_send(fd, 100, 99);
		tq_receive(fd, 100, 99);
		tq_errno(read(fd, &byte, 1), EAGAIN);
		tq_end(fd);
	}
}

/*
 * A rest that came back stands before the gap. When it is dropped too, all that
 * is missing before the next message is one gap.
 */
static void gaps_around_a_rest(void)
{
	int fd = open_dropping(), holder = tq_open_queue(NAME, O_RDONLY), i;
	char part[8];

	for (i = 0; i < FULL; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	tq_is(read(holder, part, sizeof(part)), sizeof(part));
	for (i = FULL; i < FULL + 2; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	tq_is(tq_info(fd).lost, 1);
	close(holder);
	/* Needs the room of the rest and of one more. */
	tq_send(fd, TQ_SMALL_MAX, FULL + 2);
	tq_is(tq_info(fd).lost, 3);
	received(fd, TQ_SMALL_MAX, 3, 3);
	for (i = 4; i < FULL + 3; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	tq_end(fd);
}

/*
 * A receiver stalls in the midst of a batch, and what it would have received
 * next is dropped. What was lost is told, and only before a first record.
 */
static void a_gap_while_a_receiver_stalls(void)
{
	size_t page = tq_page(), len = 500;
	int fd = open_dropping(), i;
	struct tq_batch batch;
	struct tq_stall stall;
	uint64_t lost = 0;
	long received = 0;
	char *zeros = calloc(1, 2 * page), *buf;

	tq_stall_make(&stall, 2 * page);
	tq_stall_give(&stall, zeros, 0, page);
	buf = stall.map + page - 2 * tq_record(len) - 8;
	for (i = 0; i < 7; i++)
		tq_send(fd, len, i);
	tq_start_receive(&batch, tq_open_queue(NAME, O_RDONLY), buf,
			 7 * tq_record(len), TQUEUE_FOREVER);
	tq_stall_wait(&stall);
	for (i = 7; i < 20; i++)
		tq_send(fd, len, i);
	tq_stall_release(&stall, NULL);
	tq_finish(&batch.task);
	while (batch.task.result > 0) {
		size_t at = 0;

		for (i = 0; i < batch.task.result; i++) {
			if (tq_at(buf, at)->flags & TQUEUE_FLAG_LOST)
				tq_true(!i && batch.receive.lost,
					"record %d of %zd says that messages were lost",
					i, batch.task.result);
			at += tq_record(len);
		}
		lost += batch.receive.lost;
		received += batch.task.result;
		batch.receive.bytes = 7 * tq_record(len);
		batch.receive.deadline = 0;
		batch.task.result = ioctl(fd, TQUEUE_RECEIVE, &batch.receive);
	}
	tq_is(lost, tq_info(fd).lost);
	tq_is(lost + received, 20);
	close(batch.task.fd);
	free(zeros);
	tq_end(fd);
}

/* Everything was dropped by one that needs all the room. */
static void as_many_as_need_be(void)
{
	int fd = open_dropping(), i, n;
	size_t len;

	/* 64 messages of 64 bytes, then larger and larger ones. */
	for (len = 0; len < TQ_SMALL_MAX; len += 83) {
		uint64_t lost = tq_info(fd).lost;

		for (i = 0; i < 64; i++)
			tq_send(fd, 24, i);
		tq_is(tq_info(fd).messages, 64);
		tq_is(tq_info(fd).lost, lost);
		tq_send(fd, 1 + len, 99);
		n = (tq_record(1 + len) + 63) / 64;
		tq_is(tq_info(fd).lost, lost + n);
		tq_is(tq_info(fd).messages, 64 - n + 1);
		received(fd, 24, n, n);
		for (i = n + 1; i < 64; i++)
			tq_receive(fd, 24, i);
		received(fd, 1 + len, 99, 0);
	}
	tq_end(fd);
}

/* A message that cannot be sent costs no other. */
static void failures_drop_nothing(void)
{
	size_t page = tq_page(), there;
	int fd = open_dropping(), i;
	char *edge = tq_edge(page), buf[2048];
	struct iovec parts[2] = { { buf, 100 }, { edge + page, 100 } };

	for (i = 0; i < FULL; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	tq_errno(write(fd, edge + page, 100), EFAULT);
	for (there = 0; there < 100; there++)
		tq_errno(write(fd, edge + page - there, 100), EFAULT);
	tq_errno(writev(fd, parts, 2), EFAULT);
	tq_errno(write(fd, buf, TQ_SMALL_MAX + 1), EMSGSIZE);
	tq_errno(write(fd, buf, 1 << 20), EMSGSIZE);
	tq_errno(tq_send_call(fd, edge + page, 100, 0), EFAULT);
	tq_errno(tq_send_call(fd, edge + page - 20, 100, 0), EFAULT);
	tq_put(edge, page - tq_record(100), 100, 1);
	tq_errno(tq_send_call(fd, edge + page - tq_record(100) + 8, 1000, 0), EINVAL);
	tq_put(buf, 0, 10, 1);
	tq_at(buf, 0)->header_words = 4;
	tq_errno(tq_send_call(fd, buf, tq_record(10), 0), EINVAL);
	tq_put(buf, 0, TQ_SMALL_MAX + 1, 1);
	tq_errno(tq_send_call(fd, buf, tq_record(TQ_SMALL_MAX + 1), 0), EMSGSIZE);
	tq_is(tq_info(fd).lost, 0);
	tq_received(fd, FULL, TQ_SMALL_MAX, 0);
	tq_end(fd);
}

/* A sender whose buffer stalls has cost nobody anything yet. */
static void stalled_sender(void)
{
	int fd = open_dropping(), i;
	char *from = aligned_alloc(tq_page(), tq_page());
	struct tq_stall stall;
	struct tq_task sender;

	for (i = 0; i < FULL; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	tq_stall_make(&stall, tq_page());
	tq_start_write(&sender, tq_open_queue(NAME, O_WRONLY), stall.map, 100);
	tq_stall_wait(&stall);
	tq_is(tq_info(fd).lost, 0);
	tq_send(fd, TQ_SMALL_MAX, 4);
	tq_is(tq_info(fd).lost, 1);
	tq_pattern(from, tq_page(), 9, 0);
	tq_stall_release(&stall, from);
	tq_result(&sender, 100);
	tq_is(tq_info(fd).lost, 2);
	received(fd, TQ_SMALL_MAX, 2, 2);
	tq_receive(fd, TQ_SMALL_MAX, 3);
	tq_receive(fd, TQ_SMALL_MAX, 4);
	tq_receive(fd, 100, 9);
	close(sender.fd);
	tq_end(fd);
}

/* More than all there is room for: a batch may cost its own first. */
static void batches(void)
{
	char *buf = malloc(16384);
	int fd = open_dropping();
	size_t end = tq_put_many(buf, TQ_SMALL_MAX, 0, 10);
	uint64_t lost;
	long n, rest;

	n = tq_send_call(fd, buf, end, TQUEUE_FOREVER);
	tq_true(n >= FULL && n <= 10, "SEND gives %ld", n);
	tq_is(tq_info(fd).lost, n - FULL);
	tq_is(tq_info(fd).messages, FULL);
	/* Those after it cost those before. */
	lost = tq_info(fd).lost;
	end = tq_put_many(buf, TQ_SMALL_MAX, 20, 2);
	tq_is(tq_send_call(fd, buf, end, 0), 2);
	tq_is(tq_info(fd).lost, lost + 2);
	received(fd, TQ_SMALL_MAX, n - FULL + 2, lost + 2);
	for (rest = n - FULL + 3; rest < n; rest++)
		received(fd, TQ_SMALL_MAX, rest, 0);
	received(fd, TQ_SMALL_MAX, 20, 0);
	received(fd, TQ_SMALL_MAX, 21, 0);
	free(buf);
	tq_end(fd);
}

/* What a reader holds is its own; what came back is the oldest of all. */
static void rests(void)
{
	int fd = open_dropping(), holder = tq_open_queue(NAME, O_RDONLY), i;
	char part[100], buf[2048];
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
	};

	tq_send(fd, TQ_SMALL_MAX, 0);
	tq_is(read(holder, part, 100), 100);
	for (i = 1; i <= FULL; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	tq_is(tq_info(fd).lost, 0);
	tq_send(fd, TQ_SMALL_MAX, 5);
	tq_is(tq_info(fd).lost, 1);
	tq_receive_rest(holder, TQ_SMALL_MAX - 100, 0, 100);
	/* One comes back to a full queue: it goes first. */
	tq_is(read(holder, part, 100), 100);
	tq_send(fd, TQ_SMALL_MAX, 6);
	tq_is(tq_info(fd).messages, FULL);
	close(holder);
	tq_is(tq_info(fd).messages, FULL + 1);
	tq_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 1);
	tq_true(tq_at(buf, 0)->flags & TQUEUE_FLAG_PARTIAL, "flags %#x",
		tq_at(buf, 0)->flags);
	tq_is(tq_differs(tq_at(buf, 0)->payload, TQ_SMALL_MAX - 100, 2, 100), -1);
	/* And once more, but now there is one to be dropped for it. */
	holder = tq_open_queue(NAME, O_RDONLY);
	tq_is(read(holder, part, 100), 100);
	tq_send(fd, TQ_SMALL_MAX, 7);
	close(holder);
	tq_send(fd, TQ_SMALL_MAX, 8);
	tq_true(tq_info(fd).bytes <= 4096, "%llu bytes in a queue of 4096",
		(unsigned long long)tq_info(fd).bytes);
	tq_is(tq_info(fd).lost, 3);
	tq_is(tq_info(fd).messages, FULL);
	for (i = 5; i <= 8; i++)
		tq_receive(fd, TQ_SMALL_MAX, i);
	tq_end(fd);
}

/* A reader that sleeps is served, whatever is dropped meanwhile. */
static void a_sleeping_reader(void)
{
	int fd = open_dropping();
	struct tq_task reader;
	char buf[2048];
	size_t end = tq_put_many(buf, 24, 0, 30);
	long n;

	tq_start_read(&reader, fd, buf + 1920, 100);
	tq_asleep(&reader, SYS_read);
	n = tq_send_call(fd, buf, end, 0);
	tq_is(n, 30);
	tq_result(&reader, 24);
	tq_received(fd, 29, 24, 1);
	tq_end(fd);
}

/* ---- a policy that changes ------------------------------------------------------- */

static void waiting_senders(unsigned int overflow)
{
	int fd = open_with(TQUEUE_OVERFLOW_BLOCK), i;
	struct tq_batch batch;
	struct tq_task sender;
	char buf[100], records[256];

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	tq_pattern(buf, 100, 10, 0);
	tq_start_write(&sender, fd, buf, 100);
	tq_asleep(&sender, SYS_write);
	tq_start_send(&batch, fd, records, tq_put_many(records, 20, 11, 2),
		      TQUEUE_FOREVER);
	tq_asleep(&batch.task, SYS_ioctl);
	set_overflow(overflow);
	if (overflow == TQUEUE_OVERFLOW_REJECT) {
		tq_fails(&sender, EAGAIN);
		tq_fails(&batch.task, EAGAIN);
		tq_received(fd, FULL, TQ_SMALL_MAX, 0);
		tq_end(fd);
		return;
	}
	tq_result(&sender, 100);
	tq_finish(&batch.task);
	tq_true(batch.task.result >= 1, "SEND gives %zd (%s)", batch.task.result,
		strerrorname_np(batch.task.error));
	tq_is(tq_info(fd).lost, 1);
	received(fd, TQ_SMALL_MAX, 1, 1);
	for (i = 2; i < FULL; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	received(fd, 100, 10, 0);
	tq_received(fd, batch.task.result, 20, 11);
	tq_end(fd);
}

static void to_reject(void)
{
	waiting_senders(TQUEUE_OVERFLOW_REJECT);
}

static void to_drop_oldest(void)
{
	waiting_senders(TQUEUE_OVERFLOW_DROP_OLDEST);
}

static void run_poll(struct tq_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLOUT };

	task->result = poll(&one, 1, -1);
	task->error = one.revents;
}

/* Who polls for room is told that there always is some now. */
static void pollers(void)
{
	struct tq_task poller = { .fd = open_with(TQUEUE_OVERFLOW_BLOCK) };

	tq_is(tq_fill_file(poller.fd, TQ_SMALL_MAX, 0), FULL);
	tq_start(&poller, run_poll);
	tq_asleep(&poller, SYS_poll);
	set_overflow(TQUEUE_OVERFLOW_DROP_OLDEST);
	tq_result(&poller, 1);
	tq_is(poller.error, POLLOUT);
	tq_received(poller.fd, FULL, TQ_SMALL_MAX, 0);
	tq_end(poller.fd);
}

static void back_to_block(void)
{
	int fd = open_dropping(), i;
	struct tq_task sender;
	char buf[100] = "";

	for (i = 0; i < FULL + 1; i++)
		tq_send(fd, TQ_SMALL_MAX, i);
	set_overflow(TQUEUE_OVERFLOW_BLOCK);
	tq_start_write(&sender, fd, buf, 100);
	tq_asleep(&sender, SYS_write);
	tq_is(tq_info(fd).lost, 1);
	received(fd, TQ_SMALL_MAX, 1, 1);
	tq_result(&sender, 100);
	for (i = 2; i < FULL + 1; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	tq_is(read(fd, buf, 100), 100);
	tq_end(fd);
}

/* ---- in traffic --------------------------------------------------------------------- */

static atomic_int stop;

/* Messages of 16 bytes and more: who, which number, and then filling. */
static void send_on(struct tq_task *task)
{
	unsigned int state = task->number;
	uint64_t buf[60] = { task->number };

	while (!atomic_load(&stop)) {
		state = state * 1664525 + 1013904223;
		buf[1] = atomic_load(&task->count);
		tq_is(write(task->fd, buf, 16 + (state >> 24)), 16 + (state >> 24));
		atomic_fetch_add(&task->count, 1);
	}
}

/*
 * Between two messages from one sender lie at most as many numbers as were said
 * to be lost; in all, what is missing is what was lost.
 */
static void in_traffic(void)
{
	enum { SENDERS = 3 };
	struct tq_task senders[SENDERS];
	double end = tq_now() + tq_seconds(3);
	uint64_t next[SENDERS] = { 0 }, missing = 0, lost = 0, sent = 0, got = 0;
	int fd = open_dropping(), i;
	bool last = false;
	char buf[2048];

	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct tq_task){
			.number = i, .fd = tq_open_queue(NAME, O_WRONLY),
		};
		tq_start(&senders[i], send_on);
	}
	for (;;) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
		};
		uint64_t gap = 0;
		size_t at = 0;
		long n, j;

		if (!last && !tq_goes_on(end, lost)) {
			atomic_store(&stop, 1);
			for (i = 0; i < SENDERS; i++)
				tq_finish(&senders[i]);
			last = true;
		}
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			tq_is(errno, EAGAIN);
			if (last)
				break;
			continue;
		}
		for (j = 0; j < n; j++) {
			struct tqueue_record *record = tq_at(buf, at);
			uint64_t head[2];

			memcpy(head, record->payload, sizeof(head));
			tq_true(head[0] < SENDERS, "sender %llu",
				(unsigned long long)head[0]);
			tq_true(head[1] >= next[head[0]], "number %llu after %llu",
				(unsigned long long)head[1],
				(unsigned long long)next[head[0]]);
			gap += head[1] - next[head[0]];
			next[head[0]] = head[1] + 1;
			/* Only where something was lost is there a mark. */
			tq_is(!!(record->flags & TQUEUE_FLAG_LOST),
			      !j && receive.lost);
			at += tq_record(record->length);
		}
		got += n;
		missing += gap;
		lost += receive.lost;
		if (!receive.lost && !lost)
			tq_is(missing, 0);
		tq_true(missing <= lost, "%llu are missing, %llu were lost",
			(unsigned long long)missing, (unsigned long long)lost);
		/* Falls behind, that something be lost. */
		if (!last)
			usleep(got % 3 * 1000);
	}
	for (i = 0; i < SENDERS; i++) {
		sent += atomic_load(&senders[i].count);
		close(senders[i].fd);
	}
	tq_is(tq_info(fd).lost, lost);
	tq_is(sent, got + lost);
	fprintf(stderr, "# %llu sent, %llu lost\n", (unsigned long long)sent,
		(unsigned long long)lost);
	tq_true(lost, "nothing was ever lost");
	tq_end(fd);
}

static const struct tq_test tests[] = {
	TQ_TEST(refuses_at_once),
	TQ_TEST(counts_what_it_drops),
	TQ_TEST(the_gap_in_a_batch),
	TQ_TEST(gaps_add_up),
	TQ_TEST(plain_readers_notice_nothing),
	TQ_TEST(dropped_before_anybody_received),
	TQ_TEST(gaps_around_a_rest),
	TQ_TEST(a_gap_while_a_receiver_stalls),
	TQ_TEST(as_many_as_need_be),
	TQ_TEST(failures_drop_nothing),
	TQ_TEST(stalled_sender),
	TQ_TEST(batches),
	TQ_TEST(rests),
	TQ_TEST(a_sleeping_reader),
	TQ_TEST(to_reject),
	TQ_TEST(to_drop_oldest),
	TQ_TEST(pollers),
	TQ_TEST(back_to_block),
	TQ_TEST(in_traffic),
};

int main(int argc, char **argv)
{
	return tq_main("overflow", tests, ARRAY_SIZE(tests), argc, argv);
}
