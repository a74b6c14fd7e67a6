// SPDX-License-Identifier: GPL-2.0-only
/*
 * SETTLE: all actions with all that may be said of them, what is wrong with an entry
 * and with the call, and by whom.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"settle"
#define NEVER	(100000 * T_SECOND)	/* longer than any test */
#define OTHER	1234	/* another user */

static char buf[64 * 1024] __attribute__((aligned(8)));

static struct tqueue_settlement with(const struct tqueue_record *record,
				     unsigned int action, unsigned int flags)
{
	struct tqueue_settlement settlement = t_settlement(record, action);

	settlement.flags = flags;
	if (flags & (TQUEUE_SETTLE_UNLEASED | TQUEUE_SETTLE_FORCE))
		settlement.delivery = 0;
	return settlement;
}

static struct tqueue_settlement of_id(uint64_t id, unsigned int action, unsigned int flags)
{
	return (struct tqueue_settlement){
		.id = id, .action = action, .flags = flags,
	};
}

/* ---- requeue ----------------------------------------------------------- */

static void requeued_to_its_place(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;

	for (i = 0; i < 3; i++)
		t_send(fd, 20, i);
	record = t_lease(fd, 20, 0);
	t_send_priority(fd, 20, 3, 1);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	t_is(t_listed(fd, record.id).reason, TQUEUE_REASON_WORKER);
	t_take(fd, 20, 3);
	t_is(t_take(fd, 20, 0).attempts, 1);
	t_take(fd, 20, 1);
	t_take(fd, 20, 2);
	t_end(fd);
}

static void requeued_later(void)
{
	int fd = t_open_small(NAME);
	double began, passed;
	struct tqueue_record record;
	struct tqueue_listed entry;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	began = t_boot_time();
	t_is(t_requeue(fd, &record, 100 * T_MS, 0), 0);
	t_counts(fd, 0, 0, 1, 0);
	entry = t_listed(fd, record.id);
	t_is(entry.state, TQUEUE_DELAYED);
	t_is(entry.reason, TQUEUE_REASON_WORKER);
	t_true(entry.due_ns / 1e9 >= began + 0.1, "it is due %.3f s later",
	       entry.due_ns / 1e9 - began);
	t_is(t_receive_call(fd, buf, sizeof(buf), t_deadline(10)), 1);
	passed = t_boot_time() - began;
	t_true(passed >= 0.1, "it comes after %.3f s", passed);
	t_is(t_at(buf, 0)->attempts, 1);
	t_end(fd);
}

static void requeued_with_another_priority(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_settlement settlement;
	struct tqueue_record record;

	for (i = 0; i < 3; i++)
		t_send_priority(fd, 20, i, 5);
	record = t_lease(fd, 20, 0);
	settlement = with(&record, TQUEUE_REQUEUE, TQUEUE_SETTLE_PRIORITY);
	settlement.priority = 4;
	t_is(t_settle_one(fd, settlement), 0);
	record = t_lease(fd, 20, 1);
	settlement = with(&record, TQUEUE_REQUEUE, TQUEUE_SETTLE_PRIORITY);
	settlement.priority = 63;
	t_is(t_settle_one(fd, settlement), 0);
	t_is(t_take(fd, 20, 1).priority, 63);
	t_is(t_take(fd, 20, 2).priority, 5);
	record = t_lease(fd, 20, 0);
	t_is(record.priority, 4);
	/* The usual one, which can be asked for, too. */
	settlement = with(&record, TQUEUE_REQUEUE, TQUEUE_SETTLE_PRIORITY);
	t_is(t_settle_one(fd, settlement), 0);
	t_is(t_take(fd, 20, 0).priority, 0);
	t_end(fd);
}

static void requeued_uncounted(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;

	t_is(t_set_field(fd, MAX_ATTEMPTS, max_attempts, 3), 0);
	t_send(fd, 20, 1);
	for (i = 0; i < 10; i++) {
		record = t_lease(fd, 20, 1);
		t_is(record.attempts, 0);
		t_is(t_requeue(fd, &record, 0, TQUEUE_SETTLE_UNCOUNTED), 0);
	}
	for (i = 0; i < 2; i++) {
		record = t_lease(fd, 20, 1);
		t_is(record.attempts, i);
		t_is(t_requeue(fd, &record, T_MS, 0), 0);
		t_becomes(fd, record.id, TQUEUE_READY);
		record = t_lease(fd, 20, 1);
		t_is(t_requeue(fd, &record, T_MS, TQUEUE_SETTLE_UNCOUNTED), 0);
		t_becomes(fd, record.id, TQUEUE_READY);
	}
	record = t_lease(fd, 20, 1);
	t_is(t_requeue(fd, &record, 0, 0), TQUEUE_RESULT_BURIED);
	t_is(t_settle_unleased(fd, record.id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* The worker says that it was tried, whether that had begun or not. */
static void requeued_before_it_has_begun(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record first, second;

	t_send(fd, 20, 0);
	t_send(fd, 20, 1);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 2);
	first = *t_at(buf, 0);
	second = *t_at(buf, t_record(20));
	t_is(t_settle(fd, &first, TQUEUE_REQUEUE), 0);
	t_is(t_requeue(fd, &second, 0, TQUEUE_SETTLE_UNCOUNTED), 0);
	t_is(t_take(fd, 20, 0).attempts, 1);
	t_is(t_take(fd, 20, 1).attempts, 0);
	t_end(fd);
}

/* ---- result codes ------------------------------------------------------ */

static void codes(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_settlement settlement;
	struct tqueue_record record;
	uint64_t id = t_send_id(fd, 20, 1);

	t_is(t_listed(fd, id).code, 0);
	record = t_lease(fd, 20, 1);
	settlement = with(&record, TQUEUE_REQUEUE, 0);
	settlement.code = -7;
	t_is(t_settle_one(fd, settlement), 0);
	t_is(t_listed(fd, id).code, -7);
	record = t_lease(fd, 20, 1);
	t_is(t_listed(fd, id).code, -7);
	settlement = with(&record, TQUEUE_BURY, 0);
	settlement.code = 0x7fffffff;
	t_is(t_settle_one(fd, settlement), 0);
	t_is(t_listed(fd, id).code, 0x7fffffff);
	t_is(t_listed(fd, id).reason, TQUEUE_REASON_WORKER);
	t_is(t_kick_call(fd, id, 0, TQUEUE_BURIED, NULL), 1);
	record = t_lease(fd, 20, 1);
	/* Others have none. */
	settlement = with(&record, TQUEUE_ACKNOWLEDGE, 0);
	settlement.code = 1;
	t_is(t_settle_one(fd, settlement), -EINVAL);
	settlement.action = TQUEUE_BEGIN;
	t_is(t_settle_one(fd, settlement), -EINVAL);
	settlement.action = TQUEUE_EXTEND;
	t_is(t_settle_one(fd, settlement), -EINVAL);
	settlement.action = TQUEUE_HOLD;
	t_is(t_settle_one(fd, settlement), -EINVAL);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* ---- what is wrong ----------------------------------------------------- */

/* All combinations of actions and flags: each that is none is refused, and changes nothing. */
static bool has_a_meaning(unsigned int action, unsigned int flags)
{
	if (action < TQUEUE_ACKNOWLEDGE || action > TQUEUE_HOLD || flags > 15)
		return false;
	if (flags & TQUEUE_SETTLE_PRIORITY &&
	    action != TQUEUE_REQUEUE && action != TQUEUE_BURY)
		return false;
	if (flags & TQUEUE_SETTLE_UNCOUNTED && action != TQUEUE_REQUEUE)
		return false;
	if (flags & TQUEUE_SETTLE_FORCE && action > TQUEUE_EXTEND)
		return false;
	if (flags & TQUEUE_SETTLE_UNLEASED &&
	    (action > TQUEUE_BURY || flags & (TQUEUE_SETTLE_FORCE | TQUEUE_SETTLE_UNCOUNTED)))
		return false;
	return true;
}

static void wrong_flags(void)
{
	static const unsigned int more[] = { 0, 16, 0x100, 0x8000 };
	int fd = t_open_small(NAME);
	unsigned int action, flags;
	struct tqueue_record record;
	size_t i;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	for (action = 0; action < 256; action++)
		for (flags = 0; flags < 16; flags++)
			for (i = 0; i < ARRAY_SIZE(more); i++) {
				int result;

				if (has_a_meaning(action, flags | more[i]))
					continue;
				result = t_settle_one(fd, with(&record, action,
							       flags | more[i]));
				if (result != -EINVAL)
					t_fail("action %u with flags %#x gives %d",
					       action, flags | more[i], result);
			}
	t_counts(fd, 0, 1, 0, 0);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

static void refused_at(int line, int fd, struct tqueue_settlement settlement)
{
	t_is_at(__FILE__, line, "the result", t_settle_one(fd, settlement), -EINVAL);
}

#define refused(fd, ...)	refused_at(__LINE__, fd, (struct tqueue_settlement){ \
					.id = record.id, __VA_ARGS__ })

static void wrong_fields(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	uint32_t number;
	int i;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	number = record.delivery;
	/* A time where none has a meaning, and one that is too long. */
	refused(fd, .delivery = number, .action = TQUEUE_ACKNOWLEDGE, .time = 1);
	refused(fd, .delivery = number, .action = TQUEUE_BURY, .time = 1);
	refused(fd, .delivery = number, .action = TQUEUE_BEGIN, .time = 1);
	refused(fd, .delivery = number, .action = TQUEUE_HOLD, .time = 1);
	refused(fd, .delivery = number, .action = TQUEUE_REQUEUE, .time = 1ULL << 63);
	refused(fd, .delivery = number, .action = TQUEUE_REQUEUE, .time = TQUEUE_FOREVER);
	refused(fd, .delivery = number, .action = TQUEUE_EXTEND, .time = 1ULL << 63);
	refused(fd, .delivery = number, .action = TQUEUE_EXTEND, .time = TQUEUE_FOREVER - 1);
	/* A priority that is none, and one that is not announced. */
	for (i = TQUEUE_PRIORITY_MAX + 1; i < 256; i++)
		refused(fd, .delivery = number, .action = TQUEUE_REQUEUE, .priority = i,
			.flags = TQUEUE_SETTLE_PRIORITY);
	for (i = TQUEUE_ACKNOWLEDGE; i <= TQUEUE_HOLD; i++)
		refused(fd, .delivery = number, .action = i, .priority = 1);
	/* A delivery where there is none. */
	refused(fd, .delivery = number, .action = TQUEUE_ACKNOWLEDGE,
		.flags = TQUEUE_SETTLE_UNLEASED);
	refused(fd, .delivery = number, .action = TQUEUE_ACKNOWLEDGE,
		.flags = TQUEUE_SETTLE_FORCE);
	t_counts(fd, 0, 1, 0, 0);
	t_is(t_listed(fd, record.id).delivery, number);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* The one that is wrong has its own result; those before and behind it are settled. */
static void each_for_itself(void)
{
	enum { N = 8 };
	struct tqueue_settlement all[N];
	int fd = t_open_small(NAME), i;
	static const int results[N] = {
		0, -EINVAL, -ESTALE, 0, -ENOENT, -ENOENT, -ESTALE, 0,
	};

	for (i = 0; i < 3; i++)
		t_send(fd, 20, i);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 3);
	all[0] = t_settlement(t_at(buf, 0), TQUEUE_ACKNOWLEDGE);
	all[1] = t_settlement(t_at(buf, t_record(20)), 99);
	all[2] = t_settlement(t_at(buf, t_record(20)), TQUEUE_ACKNOWLEDGE);
	all[2].delivery += 1000;
	all[3] = t_settlement(t_at(buf, t_record(20)), TQUEUE_REQUEUE);
	all[4] = of_id(0, TQUEUE_ACKNOWLEDGE, 0);
	all[4].delivery = 1;
	all[5] = of_id(t_info(fd).last_id + 1, TQUEUE_ACKNOWLEDGE, 0);
	all[5].delivery = 1;
	/* Twice in one call. */
	all[6] = all[0];
	all[7] = t_settlement(t_at(buf, 2 * t_record(20)), TQUEUE_BURY);
	t_is(t_settle_call(fd, all, N), 3);
	for (i = 0; i < N; i++)
		t_is(all[i].result, results[i]);
	t_counts(fd, 1, 0, 0, 1);
	t_take(fd, 20, 1);
	t_is(t_settle_unleased(fd, all[7].id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

static void wrong_calls(void)
{
	struct tqueue_settlement settlement = { .id = 1, .delivery = 1, .action = 1 };
	struct tqueue_settle settle = { .settlements = (uintptr_t)&settlement };
	int fd = t_open_small(NAME), writer = t_open_queue(NAME, O_WRONLY), looker;

	t_errno(ioctl(fd, TQUEUE_SETTLE, &settle), EINVAL);
	settle.count = 1;
	settle.flags = 1;
	t_errno(ioctl(fd, TQUEUE_SETTLE, &settle), EINVAL);
	settle.flags = 0x80000000;
	t_errno(ioctl(fd, TQUEUE_SETTLE, &settle), EINVAL);
	settle.flags = 0;
	t_errno(ioctl(writer, TQUEUE_SETTLE, &settle), EBADF);
	looker = t_open_queue(NAME, 3);
	t_errno(ioctl(looker, TQUEUE_SETTLE, &settle), EBADF);
	t_errno(ioctl(fd, TQUEUE_SETTLE, NULL), EFAULT);
	settle.settlements = 8;
	t_errno(ioctl(fd, TQUEUE_SETTLE, &settle), EFAULT);
	settle.settlements = ~7ULL;
	t_errno(ioctl(fd, TQUEUE_SETTLE, &settle), EFAULT);
	settle.settlements = (uintptr_t)&settlement;
	/* Nothing there, and nothing wrong with the call. */
	t_is(ioctl(fd, TQUEUE_SETTLE, &settle), 0);
	t_true(settlement.result < 0, "the result is %d", settlement.result);
	close(looker);
	close(writer);
	t_end(fd);
}

/* An array that ends too soon: what is there is settled, and none is settled unseen. */
static void half_an_array(void)
{
	struct tqueue_settlement *edge = (void *)t_edge(2 * sizeof(*edge)), *fixed;
	int fd = t_open_small(NAME), i;
	size_t bytes = t_record(20);
	long got;

	for (i = 0; i < 3; i++)
		t_send(fd, 20, i);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 3);
	for (i = 0; i < 2; i++)
		edge[i] = t_settlement(t_at(buf, i * bytes), TQUEUE_ACKNOWLEDGE);
	got = t_settle_call(fd, edge, 3);
	if (got < 0) {
		/* All or nothing of it. */
		t_errno(got, EFAULT);
		t_counts(fd, 0, 3, 0, 0);
	} else {
		t_is(got, 2);
		t_is(edge[0].result, 0);
		t_is(edge[1].result, 0);
		t_counts(fd, 0, 1, 0, 0);
	}
	/* It can be read, but the result cannot be written. */
	fixed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*fixed = t_settlement(t_at(buf, 2 * bytes), TQUEUE_REQUEUE);
	t_is(mprotect(fixed, 4096, PROT_READ), 0);
	t_errno(t_settle_call(fd, fixed, 1), EFAULT);
	close(fd);
	fd = t_open_queue(NAME, O_RDWR);
	while (t_info(fd).messages)
		t_is(t_receive_call(fd, buf, bytes, 0), 1);
	t_end(fd);
}

/* ---- by id ------------------------------------------------------------- */

static void unleased(void)
{
	int fd = t_open_small(NAME), i;
	uint64_t ids[6], delayed;
	struct tqueue_settlement settlement;

	for (i = 0; i < 6; i++)
		ids[i] = t_send_id(fd, 20, i);
	/* Out of the middle of the ring. */
	t_is(t_settle_unleased(fd, ids[2], TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_settle_unleased(fd, ids[2], TQUEUE_ACKNOWLEDGE), -ENOENT);
	t_is(t_settle_unleased(fd, ids[3], TQUEUE_BURY), 0);
	t_is(t_listed(fd, ids[3]).reason, TQUEUE_REASON_FORCED);
	t_is(t_settle_unleased(fd, ids[3], TQUEUE_BURY), 0);
	settlement = of_id(ids[4], TQUEUE_REQUEUE, TQUEUE_SETTLE_UNLEASED);
	settlement.time = NEVER;
	t_is(t_settle_one(fd, settlement), 0);
	t_counts(fd, 3, 0, 1, 1);
	t_is(t_info(fd).received, 1);
	/* Buried, it can be delayed, and the other way round. */
	settlement.id = ids[3];
	t_is(t_settle_one(fd, settlement), 0);
	t_counts(fd, 3, 0, 2, 0);
	t_is(t_settle_unleased(fd, ids[4], TQUEUE_BURY), 0);
	t_counts(fd, 3, 0, 1, 1);
	/* With another priority, at once. */
	settlement = of_id(ids[5], TQUEUE_REQUEUE,
			   TQUEUE_SETTLE_UNLEASED | TQUEUE_SETTLE_PRIORITY);
	settlement.priority = 9;
	t_is(t_settle_one(fd, settlement), 0);
	t_is(t_take(fd, 20, 5).priority, 9);
	t_is(t_settle_unleased(fd, ids[3], TQUEUE_REQUEUE), 0);
	t_is(t_settle_unleased(fd, ids[4], TQUEUE_REQUEUE), 0);
	t_take(fd, 20, 0);
	t_take(fd, 20, 1);
	t_take(fd, 20, 3);
	t_take(fd, 20, 4);
	delayed = t_send_delayed(fd, 20, 9, NEVER);
	t_is(t_settle_unleased(fd, delayed, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* Empty messages are no reason to read, before or after; what is beside them is. */
static void unleased_and_empty(void)
{
	enum { N = 4 };
	int fd = t_open_small(NAME), i;
	uint64_t ids[N];

	t_send(fd, 20, 0);
	for (i = 0; i < N; i++)
		ids[i] = t_send_id(fd, 0, 1 + i);
	for (i = 0; i < N; i++)
		t_is(t_settle_unleased(fd, ids[i], TQUEUE_BURY), 0);
	t_is(t_poll(fd, POLLIN | POLLMSG), POLLIN | POLLMSG);
	t_receive(fd, 20, 0);
	t_is(t_poll(fd, POLLIN | POLLMSG), 0);
	for (i = 0; i < N; i++)
		t_is(t_settle_unleased(fd, ids[i], TQUEUE_REQUEUE), 0);
	t_is(t_poll(fd, POLLIN | POLLMSG), POLLMSG);
	t_send(fd, 20, 1 + N);
	t_is(t_poll(fd, POLLIN | POLLMSG), POLLIN | POLLMSG);
	for (i = 0; i < N; i++)
		t_take(fd, 0, 1 + i);
	t_receive(fd, 20, 1 + N);
	t_end(fd);
}

static void unleased_but_it_is(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY), i;
	struct tqueue_record record;
	uint64_t id;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	for (i = TQUEUE_ACKNOWLEDGE; i <= TQUEUE_BURY; i++) {
		t_is(t_settle_unleased(fd, record.id, i), -EBUSY);
		t_is(t_settle_unleased(fd, record.id + 1000, i), -ENOENT);
		t_is(t_settle_unleased(fd, 0, i), -ENOENT);
	}
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	for (i = TQUEUE_ACKNOWLEDGE; i <= TQUEUE_BURY; i++)
		t_is(t_settle_unleased(fd, record.id, i), -ENOENT);
	/* Read in part. */
	id = t_send_id(fd, 20, 2);
	t_is(read(other, buf, 5), 5);
	for (i = TQUEUE_ACKNOWLEDGE; i <= TQUEUE_BURY; i++)
		t_is(t_settle_unleased(fd, id, i), -EBUSY);
	close(other);
	t_receive_rest(fd, 15, 2, 5);
	t_end(fd);
}

/* ---- by force ---------------------------------------------------------- */

static void by_force(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), i;
	struct tqueue_record record;

	for (i = 0; i < 3; i++)
		t_send(fd, 20, i);
	record = t_lease(other, 20, 0);
	t_is(t_settle_one(fd, with(&record, TQUEUE_REQUEUE, TQUEUE_SETTLE_FORCE)), 0);
	t_is(t_listed(fd, record.id).reason, TQUEUE_REASON_FORCED);
	t_is(t_settle(other, &record, TQUEUE_ACKNOWLEDGE), -ESTALE);
	/* It is not leased, or not there. */
	t_is(t_settle_one(fd, with(&record, TQUEUE_REQUEUE, TQUEUE_SETTLE_FORCE)), -ENOENT);
	t_is(t_settle_one(fd, of_id(0, TQUEUE_REQUEUE, TQUEUE_SETTLE_FORCE)), -ENOENT);
	record = t_lease(other, 20, 0);
	t_is(t_settle_one(fd, with(&record, TQUEUE_BURY, TQUEUE_SETTLE_FORCE)), 0);
	t_is(t_settle(other, &record, TQUEUE_ACKNOWLEDGE), -ESTALE);
	t_is(t_settle_unleased(fd, record.id, TQUEUE_ACKNOWLEDGE), 0);
	record = t_lease(other, 20, 1);
	t_is(t_settle_one(fd, with(&record, TQUEUE_ACKNOWLEDGE, TQUEUE_SETTLE_FORCE)), 0);
	t_is(t_settle(other, &record, TQUEUE_ACKNOWLEDGE), -ESTALE);
	t_take(fd, 20, 2);
	close(other);
	t_end(fd);
}

static void others_may_not_force(void *arg)
{
	struct tqueue_record *record = arg;
	struct tqueue_settlement settlement;
	int fd, i;

	t_set_user(OTHER);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = TQUEUE_ACKNOWLEDGE; i <= TQUEUE_EXTEND; i++)
		t_is(t_settle_one(fd, with(record, i, TQUEUE_SETTLE_FORCE)), -EPERM);
	/* With the number of the delivery they may. */
	t_is(t_settle(fd, record, TQUEUE_BEGIN), 0);
	settlement = with(record, TQUEUE_ACKNOWLEDGE, 0);
	t_is(t_settle_one(fd, settlement), 0);
}

static void its_owner_may_force(void *arg)
{
	int fd;

	t_set_user(OTHER);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_settle_one(fd, with(arg, TQUEUE_ACKNOWLEDGE, TQUEUE_SETTLE_FORCE)), 0);
}

static void by_force_of_another_user(void)
{
	struct tqueue_create create = t_creation(NAME);
	struct tqueue_record record;
	int fd;

	create.mode = 0666;
	t_is(t_create_call(&create), 0);
	fd = t_open_queue(NAME, O_RDWR);
	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	t_reap(t_fork(others_may_not_force, &record));
	t_counts(fd, 0, 0, 0, 0);
	t_is(t_set_field(fd, OWNER, uid, OTHER), 0);
	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	t_reap(t_fork(its_owner_may_force, &record));
	t_counts(fd, 0, 0, 0, 0);
	t_end(fd);
}

/* ---- many -------------------------------------------------------------- */

static void many_at_once(void)
{
	enum { N = 3000 };
	struct tqueue_settlement *all = calloc(N, sizeof(*all));
	char *records = malloc(N * t_record(8));
	int fd, i, pass;

	t_create(NAME, 1 << 20);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_send_call(fd, records, t_put_many(records, 8, 0, N), 0), N);
	for (pass = 0; pass < 2; pass++) {
		t_is(t_lease_call(fd, records, N * t_record(8), 0, 0), N);
		for (i = 0; i < N; i++)
			all[i] = t_settlement(t_at(records, (size_t)i * t_record(8)),
					      pass ? TQUEUE_ACKNOWLEDGE : TQUEUE_REQUEUE);
		t_is(t_settle_call(fd, all, N), N);
		t_counts(fd, pass ? 0 : N, 0, 0, 0);
	}
	t_is(t_settle_call(fd, all, N), 0);
	for (i = 0; i < N; i++)
		t_is(all[i].result, -ESTALE);
	t_end(fd);
}

/* One after the other of those that stand in the ring. */
static void run_unleased(struct t_task *task)
{
	struct tqueue_settlement settlement;
	struct tqueue_settle settle = {
		.settlements = (uintptr_t)&settlement, .count = 1,
	};
	uint64_t id = 1;

	do {
		settlement = of_id(id++, TQUEUE_REQUEUE, TQUEUE_SETTLE_UNLEASED);
		atomic_fetch_add(&task->count, 1);
	} while (ioctl(task->fd, TQUEUE_SETTLE, &settle) >= 0);
	task->error = errno;
}

/*
 * What has been taken away with its queue is settled no more.  It is taken out of the ring
 * first, and then others have to be woken, which takes its time.
 */
static void unleased_while_the_queue_is_removed(void)
{
	enum { SIZE = 1 << 16, N = SIZE / 4 * 3 / 48, POLLERS = 300 };
	static int polls[POLLERS];
	struct epoll_event event = { .events = EPOLLOUT };
	double end = t_now() + t_seconds(2);
	int runs = 0, fd, i;

	for (i = 0; i < POLLERS; i++)
		polls[i] = epoll_create1(EPOLL_CLOEXEC);
	do {
		struct t_task task = { .number = 0 };

		t_create(NAME, SIZE);
		fd = t_open_queue(NAME, O_RDWR);
		task.fd = fd;
		/* There is room for exactly the longest message. */
		t_is(t_send_call(fd, buf, t_put_many(buf, 8, 0, N), 0), N);
		for (i = 0; i < POLLERS; i++)
			t_is(epoll_ctl(polls[i], EPOLL_CTL_ADD, fd, &event), 0);
		t_start(&task, run_unleased);
		while (atomic_load(&task.count) < 1 + runs % 20)
			sched_yield();
		t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
		t_finish(&task);
		t_is(task.error, EIDRM);
		close(fd);
		runs++;
	} while (t_goes_on(end, runs > 20));
	fprintf(stderr, "# %d times\n", runs);
	for (i = 0; i < POLLERS; i++)
		close(polls[i]);
}

static const struct t_test tests[] = {
	TQ_TEST(requeued_to_its_place),
	TQ_TEST(requeued_later),
	TQ_TEST(requeued_with_another_priority),
	TQ_TEST(requeued_uncounted),
	TQ_TEST(requeued_before_it_has_begun),
	TQ_TEST(codes),
	TQ_TEST(wrong_flags),
	TQ_TEST(wrong_fields),
	TQ_TEST(each_for_itself),
	TQ_TEST(wrong_calls),
	TQ_TEST(half_an_array),
	TQ_TEST(unleased),
	TQ_TEST(unleased_and_empty),
	TQ_TEST(unleased_but_it_is),
	TQ_TEST(by_force),
	TQ_TEST(by_force_of_another_user),
	TQ_TEST(many_at_once),
	TQ_TEST(unleased_while_the_queue_is_removed),
};

int main(int argc, char **argv)
{
	return t_main("settle", tests, ARRAY_SIZE(tests), argc, argv);
}
