// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases: a leased message stays with its open file until it is settled, its limit
 * passes or the last copy of the file is gone, and then it is back in its place. Never
 * have two it at a time.
 */
#include "calls.h"

#include <sys/socket.h>

#define NAME	"lease"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of a page */

static char buf[256 * 1024] __attribute__((aligned(8)));

/* ---- what it is -------------------------------------------------------- */

static void one(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	struct tqueue_record record, again;
	struct tqueue_info info;
	uint64_t id = t_send_id(fd, 20, 1);

	record = t_lease(fd, 20, 1);
	t_is(record.id, id);
	t_is(record.attempts, 0);
	t_is(record.flags, 0);
	t_is(record.pid, getpid());
	/* It is there for nobody, but takes its room. */
	t_empty(fd);
	t_empty(other);
	t_no_lease(fd, EAGAIN);
	t_no_lease(other, EAGAIN);
	t_is(t_poll(other, POLLIN), 0);
	t_is(t_fionread(fd), 0);
	t_counts(fd, 0, 1, 0, 0);
	info = t_info(fd);
	t_is(info.bytes, t_record(20));
	t_is(info.leased_bytes, t_record(20));
	t_is(info.received, 0);
	t_is(info.ever_leased, 1);
	t_errno(t_wait_call(fd, id, 0), EAGAIN);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	t_counts(fd, 1, 0, 0, 0);
	t_is(t_info(fd).ever_requeued, 1);
	again = t_lease(other, 20, 1);
	t_is(again.id, id);
	t_is(again.attempts, 1);
	t_true(again.delivery != record.delivery, "both deliveries are number %u",
	       again.delivery);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), -ESTALE);
	t_counts(fd, 0, 1, 0, 0);
	t_is(t_settle(other, &again, TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_settle(other, &again, TQUEUE_ACKNOWLEDGE), -ESTALE);
	t_is(t_wait_call(fd, id, 0), 0);
	info = t_info(fd);
	t_is(info.received, 1);
	t_is(info.ever_leased, 2);
	t_is(info.ever_acknowledged, 1);
	t_is(info.ever_requeued, 1);
	close(other);
	t_end(fd);
}

static void many_a_call(void)
{
	struct tqueue_settlement settlements[50];
	struct tqueue_record *record;
	int fd = t_open_small(NAME), i;
	size_t at = 0;

	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	t_is(t_send_call(fd, buf, t_put_many(buf, 20, 0, 50), 0), 50);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 50);
	for (i = 0; i < 50; i++, at += t_record(20)) {
		record = t_at(buf, at);
		t_is(t_differs(record->payload, 20, i, 0), -1);
		t_true(record->delivery, "record %d has no delivery", i);
		settlements[i] = t_settlement(record, TQUEUE_ACKNOWLEDGE);
	}
	t_counts(fd, 0, 50, 0, 0);
	t_is(t_settle_call(fd, settlements, 50), 50);
	for (i = 0; i < 50; i++)
		t_is(settlements[i].result, 0);
	t_counts(fd, 0, 0, 0, 0);
	t_is(t_info(fd).received, 50);
	t_end(fd);
}

static void read_and_write_beside_it(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;

	t_send(fd, 20, 1);
	t_send(fd, 30, 2);
	record = t_lease(fd, 20, 1);
	t_is(t_fionread(fd), 30);
	t_receive(fd, 30, 2);
	t_send(fd, 30, 3);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	t_is(t_fionread(fd), 20);
	t_receive(fd, 20, 1);
	t_receive(fd, 30, 3);
	t_end(fd);
}

/* What was read in part, leased: what is left of it, and so it comes back. */
static void what_was_read_in_part(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	struct tqueue_record record;

	t_send(fd, 100, 1);
	t_is(read(other, buf, 40), 40);
	t_no_lease(other, EBUSY);
	close(other);
	t_is(t_lease_call(fd, buf, sizeof(buf), 1, 0), 1);
	record = *t_at(buf, 0);
	t_is(record.length, 60);
	t_is(record.flags, TQUEUE_FLAG_PARTIAL);
	t_is(record.attempts, 0);
	t_is(t_differs(t_at(buf, 0)->payload, 60, 1, 40), -1);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	t_receive_rest(fd, 60, 1, 40);
	t_end(fd);
}

/* ---- the file is closed ------------------------------------------------ */

static void close_gives_all_back(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), i;

	t_send_many(fd, 30, 0);
	for (i = 0; i < 20; i++)
		t_lease(other, 20, i);
	t_counts(fd, 10, 20, 0, 0);
	close(other);
	t_counts(fd, 30, 0, 0, 0);
	t_is(t_info(fd).ever_requeued, 20);
	for (i = 0; i < 30; i++)
		t_is(t_take(fd, 20, i).attempts, i < 20);
	t_end(fd);
}

static void lease_and_wait(void *arg)
{
	atomic_int *leased = arg;
	int fd = t_open_queue(NAME, O_RDWR);

	t_lease(fd, 20, 0);
	t_lease(fd, 20, 1);
	atomic_store(leased, 1);
	pause();
}

static void killed(void)
{
	static struct t_task reader;
	static char mine[64];
	atomic_int *leased = t_shared(4096);
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 5; i++) {
		pid_t pid;

		t_send_many(fd, 2, 0);
		atomic_store(leased, 0);
		pid = t_fork(lease_and_wait, leased);
		while (!atomic_load(leased))
			usleep(500);
		t_counts(fd, 0, 2, 0, 0);
		/* One who waits gets it. */
		t_start_read(&reader, fd, mine, sizeof(mine));
		t_asleep(&reader, SYS_read);
		t_kill(pid);
		t_result(&reader, 20);
		t_is(t_differs(mine, 20, 0, 0), -1);
		t_receive(fd, 20, 1);
	}
	t_end(fd);
}

/* n come back: as many who sleep are woken. */
static void as_many_as_come_back_are_woken(void)
{
	enum { N = 10 };
	static struct t_batch batch[N];
	static char mine[N][128] __attribute__((aligned(8)));
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), i;

	t_send_many(fd, N, 0);
	t_is(t_lease_call(other, buf, sizeof(buf), 0, 0), N);
	for (i = 0; i < N; i++) {
		t_start_lease(&batch[i], fd, mine[i], 128, 1, TQUEUE_FOREVER);
		t_asleep(&batch[i].task, SYS_ioctl);
	}
	close(other);
	for (i = 0; i < N; i++)
		t_result(&batch[i].task, 1);
	t_counts(fd, 0, N, 0, 0);
	for (i = 0; i < N; i++)
		t_is(t_settle(fd, t_at(mine[i], 0), TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* A child has a copy: only when both are gone it is over. */
static void the_last_copy_counts(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), copy, go[2];
	struct tqueue_record record;
	pid_t pid;
	char c;

	t_send(fd, 20, 1);
	t_lease(other, 20, 1);
	copy = dup(other);
	close(other);
	t_counts(fd, 0, 1, 0, 0);
	t_is(pipe(go), 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1) < 0);
	}
	close(copy);
	usleep(20000);
	t_counts(fd, 0, 1, 0, 0);
	close(go[1]);
	t_is(waitpid(pid, NULL, 0), pid);
	t_counts(fd, 1, 0, 0, 0);
	record = t_take(fd, 20, 1);
	t_is(record.attempts, 1);
	close(go[0]);
	t_end(fd);
}

/* A child may settle what its parent has leased, and the other way round. */
static void settled_by_a_child(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	pid_t pid;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	pid = fork();
	if (!pid)
		_exit(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE) != 0);
	t_reap(pid);
	t_counts(fd, 0, 0, 0, 0);
	t_end(fd);
}

static void execute(void *arg)
{
	int *go = arg, mine = t_open_queue(NAME, O_RDWR);

	t_lease(mine, 20, 1);
	t_is(dup2(go[0], 0), 0);
	close(go[1]);
	execl("/bin/sh", "sh", "-c", "read nothing; exit 0", NULL);
	_exit(127);
}

/* Files that are closed as another program begins. */
static void executing(void)
{
	int fd = t_open_small(NAME), go[2];
	uint64_t id = t_send_id(fd, 20, 1);
	pid_t pid;

	t_is(pipe(go), 0);
	pid = t_fork(execute, go);
	while (!t_listed(fd, id).reason)
		usleep(500);
	t_is(t_listed(fd, id).reason, TQUEUE_REASON_CLOSED);
	t_is(waitpid(pid, NULL, WNOHANG), 0);
	close(go[0]);
	close(go[1]);
	t_reap(pid);
	t_is(t_take(fd, 20, 1).attempts, 1);
	t_end(fd);
}

/* The file is under way in a socket that nobody reads: it is not closed until that is. */
static void in_a_socket(void)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), pair[2];

	t_is(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	t_send(fd, 20, 1);
	t_lease(other, 20, 1);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &other, sizeof(int));
	t_is(sendmsg(pair[0], &message, 0), 1);
	close(other);
	usleep(10000);
	t_counts(fd, 0, 1, 0, 0);
	close(pair[0]);
	usleep(10000);
	t_counts(fd, 0, 1, 0, 0);
	close(pair[1]);
	while (t_info(fd).leased)
		usleep(500);
	t_is(t_take(fd, 20, 1).attempts, 1);
	t_end(fd);
}

/*
 * A file keeps the memory of what it has settled for what it leases next. A copy that
 * fails in between must not give away what is kept: two messages would share it.
 */
static void memory_that_is_kept(void)
{
	struct tqueue_record records[10];
	int fd = t_open_small(NAME), round, i;
	char *nowhere = t_edge(TQ_PAGE) + TQ_PAGE;

	for (round = 0; round < 20; round++) {
		t_send_many(fd, 5, 0);
		for (i = 0; i < 5; i++)
			records[i] = t_lease(fd, 20, i);
		for (i = 0; i < 5; i++)
			t_is(t_settle(fd, &records[i], TQUEUE_ACKNOWLEDGE), 0);
		t_send_many(fd, 5, 10);
		t_errno(t_lease_call(fd, nowhere, TQ_PAGE, 1, 0), EFAULT);
		t_errno(t_lease_call(fd, nowhere, TQ_PAGE, 0, 0), EFAULT);
		/* These have memory of their own. */
		for (i = 0; i < 5; i++)
			t_send_priority(fd, 20, 20 + i, 5);
		for (i = 0; i < 10; i++)
			records[i] = t_lease(fd, 20, i < 5 ? 20 + i : 5 + i);
		for (i = 0; i < 10; i++)
			t_is(t_settle(fd, &records[i], TQUEUE_REQUEUE), 0);
		for (i = 0; i < 10; i++)
			t_take(fd, 20, i < 5 ? 20 + i : 5 + i);
	}
	t_end(fd);
}

/* ---- attempts ---------------------------------------------------------- */

/* Of several that one call leases none has begun. */
static void only_what_has_begun_counts(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), i;
	struct tqueue_record records[3];
	size_t bytes = t_record(20);

	t_send_many(fd, 3, 0);
	t_is(t_lease_call(other, buf, sizeof(buf), 0, 0), 3);
	for (i = 0; i < 3; i++) {
		records[i] = *t_at(buf, i * bytes);
		t_is(t_listed(fd, records[i].id).flags & TQUEUE_LISTED_BEGUN, 0);
	}
	t_is(t_settle(other, &records[1], TQUEUE_BEGIN), 0);
	t_is(t_settle(other, &records[1], TQUEUE_BEGIN), 0);
	t_is(t_settle(other, &records[2], TQUEUE_EXTEND), 0);
	t_is(t_listed(fd, records[1].id).flags, TQUEUE_LISTED_BEGUN);
	t_is(t_listed(fd, records[2].id).flags, TQUEUE_LISTED_BEGUN);
	close(other);
	t_is(t_take(fd, 20, 0).attempts, 0);
	t_is(t_take(fd, 20, 1).attempts, 1);
	t_is(t_take(fd, 20, 2).attempts, 1);
	t_end(fd);
}

/* A call that asks for many and gets one: it has begun all the same. */
static void one_of_many(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);

	t_send_many(fd, 1, 0);
	t_is(t_lease_call(other, buf, sizeof(buf), 0, 0), 1);
	t_is(t_listed(fd, t_at(buf, 0)->id).flags, TQUEUE_LISTED_BEGUN);
	close(other);
	t_is(t_take(fd, 20, 0).attempts, 1);
	t_end(fd);
}

static void attempts_add_up(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;

	t_is(t_set_field(fd, MAX_ATTEMPTS, max_attempts, 0), 0);
	t_send(fd, 20, 1);
	for (i = 0; i < 100; i++) {
		record = t_lease(fd, 20, 1);
		t_is(record.attempts, i);
		t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	}
	/* Peeking, and what is taken at once, are none. */
	t_is(t_peek_call(fd, buf, sizeof(buf)), 1);
	t_is(t_at(buf, 0)->attempts, 100);
	t_is(t_at(buf, 0)->delivery, 0);
	t_is(t_take(fd, 20, 1).attempts, 100);
	t_end(fd);
}

/* ---- time limits ------------------------------------------------------- */

static void the_limit(void)
{
	int fd = t_open_small(NAME);
	double began = t_now(), passed;
	struct tqueue_record record;

	t_send(fd, 20, 1);
	t_is(t_lease_call(fd, buf, sizeof(buf), 1, 100 * T_MS), 1);
	record = *t_at(buf, 0);
	t_is(t_receive_call(fd, buf, sizeof(buf), t_deadline(10)), 1);
	passed = t_now() - began;
	t_true(passed >= 0.1, "it comes back after %.3f s", passed);
	t_is(t_at(buf, 0)->attempts, 1);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), -ESTALE);
	t_end(fd);
}

static void the_limit_of_the_queue(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	struct tqueue_listed entry;

	t_is(t_set_field(fd, LEASE_LIMIT, lease_limit, 50 * T_MS), 0);
	t_is(t_info(fd).lease_limit, 50 * T_MS);
	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	t_becomes(fd, record.id, TQUEUE_READY);
	t_is(t_listed(fd, record.id).reason, TQUEUE_REASON_LIMIT);
	/* None at all; one that is longer. */
	t_is(t_lease_call(fd, buf, sizeof(buf), 1, TQUEUE_FOREVER), 1);
	entry = t_listed(fd, record.id);
	t_is(entry.due_ns, TQUEUE_FOREVER);
	t_is(entry.holder, getpid());
	t_is(entry.delivery, t_at(buf, 0)->delivery);
	t_sleep_ms(80);
	t_is(t_state(fd, record.id), TQUEUE_LEASED);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_REQUEUE), 0);
	t_is(t_set_field(fd, LEASE_LIMIT, lease_limit, 0), 0);
	record = t_lease(fd, 20, 1);
	t_sleep_ms(80);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

static void many_limits(void)
{
	enum { N = 40 };
	int fd = t_open_small(NAME), i;
	double began = t_now();
	/* Longer than it takes to lease them all. */
	uint64_t limit = T_SECOND * t_slow();

	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	t_send_many(fd, N, 0);
	for (i = 0; i < N; i++)
		t_is(t_lease_call(fd, buf, sizeof(buf), 1,
				  limit + (1 + i % 7) * 10 * T_MS), 1);
	while (t_info(fd).leased) {
		t_true(t_now() < began + 10 * t_slow(), "%llu leases do not end",
		       (unsigned long long)t_info(fd).leased);
		usleep(1000);
	}
	for (i = 0; i < N; i++)
		t_is(t_take(fd, 20, i).attempts, 1);
	t_end(fd);
}

static void the_limit_is_extended(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_settlement extend;

	t_send(fd, 20, 1);
	t_is(t_lease_call(fd, buf, sizeof(buf), 1, T_SECOND * t_slow()), 1);
	extend = t_settlement(t_at(buf, 0), TQUEUE_EXTEND);
	/* For longer than the first limit. */
	for (i = 0; i < 3; i++) {
		t_sleep_ms(400);
		extend.time = T_SECOND * t_slow();
		t_is(t_settle_one(fd, extend), 0);
	}
	/* And it can be made shorter. */
	extend.time = T_MS;
	t_is(t_settle_one(fd, extend), 0);
	t_becomes(fd, extend.id, TQUEUE_READY);
	t_is(t_settle_one(fd, extend), -ESTALE);
	t_take(fd, 20, 1);
	t_end(fd);
}

/* A worker is late by a hair, again and again: it is settled, or comes back, never both. */
static void settled_as_the_limit_passes(void)
{
	double end = t_now() + t_seconds(2);
	unsigned int well = 0, late = 0, i = 0;
	int fd = t_open_small(NAME), result;
	uint64_t limit;

	do {
		t_send(fd, 20, 1);
		limit = T_MS + i++ % 50 * 4000;
		t_is(t_lease_call(fd, buf, sizeof(buf), 1, limit), 1);
		usleep(900);
		result = t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE);
		if (!result) {
			well++;
			t_empty(fd);
		} else {
			t_is(result, -ESTALE);
			t_take(fd, 20, 1);
			late++;
		}
		t_counts(fd, 0, 0, 0, 0);
	} while (t_goes_on(end, i > 20));
	fprintf(stderr, "# %u in time, %u too late\n", well, late);
	t_end(fd);
}

/*
 * What a file keeps of messages that it has settled is memory for its next leases, also
 * after one of them could not be copied.
 */
static void kept_memory_after_bad_memory(void)
{
	struct tqueue_receive receive = { .flags = TQUEUE_RECEIVE_LEASE, .count = 1 };
	char *edge = t_edge(8);
	int fd = t_open_small(NAME), run, i;

	receive.records = (uintptr_t)edge;
	receive.bytes = t_record(20);
	for (run = 0; run < 3; run++) {
		for (i = 0; i < 10; i++)
			t_send(fd, 20, i);
		t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 10);
		for (i = 0; i < 10; i++)
			t_is(t_settle(fd, t_at(buf, i * t_record(20)), TQUEUE_ACKNOWLEDGE), 0);
		t_send(fd, 20, 50);
		t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EFAULT);
		/* These need memory of their own, and must not share it with leases. */
		for (i = 0; i < 10; i++)
			t_send_priority(fd, 20, 20 + i, 1);
		for (i = 0; i < 10; i++)
			t_send(fd, 20, i);
		t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 21);
		for (i = 0; i < 21; i++) {
			struct tqueue_record *record = t_at(buf, i * t_record(20));
			int seed = i < 10 ? 20 + i : i == 10 ? 50 : i - 11;

			t_is(t_differs(record->payload, 20, seed, 0), -1);
			t_is(t_settle(fd, record, TQUEUE_ACKNOWLEDGE), 0);
		}
		t_counts(fd, 0, 0, 0, 0);
	}
	t_edge_free(edge, 8);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(one),
	TQ_TEST(many_a_call),
	TQ_TEST(read_and_write_beside_it),
	TQ_TEST(what_was_read_in_part),
	TQ_TEST(close_gives_all_back),
	TQ_TEST(killed),
	TQ_TEST(as_many_as_come_back_are_woken),
	TQ_TEST(the_last_copy_counts),
	TQ_TEST(settled_by_a_child),
	TQ_TEST(executing),
	TQ_TEST(in_a_socket),
	TQ_TEST(memory_that_is_kept),
	TQ_TEST(only_what_has_begun_counts),
	TQ_TEST(one_of_many),
	TQ_TEST(attempts_add_up),
	TQ_TEST(the_limit),
	TQ_TEST(the_limit_of_the_queue),
	TQ_TEST(many_limits),
	TQ_TEST(the_limit_is_extended),
	TQ_TEST(settled_as_the_limit_passes),
	TQ_TEST(kept_memory_after_bad_memory),
};

int main(int argc, char **argv)
{
	return t_main("lease", tests, ARRAY_SIZE(tests), argc, argv);
}
