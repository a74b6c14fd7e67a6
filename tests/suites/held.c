// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue that holds messages which are leased, delayed or buried: how it ends, is
 * waited for, fills up, is resized and removed; and what many leases cost the others.
 */
#include "calls.h"

#define NAME	"held"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of a page */
#define NEVER	(100000 * T_SECOND)	/* longer than any test */

static char buf[1 << 20] __attribute__((aligned(8)));

/* One message in each state: leased 1, delayed 2, buried 3; and none is ready. */
static struct tqueue_record one_of_each(int fd, uint64_t *delayed, uint64_t *buried)
{
	struct tqueue_record record, leased;

	t_send(fd, 20, 1);
	leased = t_lease(fd, 20, 1);
	*delayed = t_send_delayed(fd, 20, 2, NEVER);
	*buried = t_send_id(fd, 20, 3);
	record = t_lease(fd, 20, 3);
	t_is(t_settle(fd, &record, TQUEUE_BURY), 0);
	t_counts(fd, 0, 1, 1, 1);
	return leased;
}

static void nothing_yet_at(int line, int fd)
{
	t_errno_at(__FILE__, line, "RECEIVE", t_receive_call(fd, buf, sizeof(buf), 0),
		   EAGAIN);
	t_is_at(__FILE__, line, "POLLIN", t_poll(fd, POLLIN), 0);
}

#define nothing_yet(fd)	nothing_yet_at(__LINE__, fd)

static void ended_at(int line, int fd)
{
	t_is_at(__FILE__, line, "POLLIN", t_poll(fd, POLLIN), POLLIN);
	t_is_at(__FILE__, line, "RECEIVE",
		t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	t_is_at(__FILE__, line, "read", read(fd, buf, 100), 0);
}

#define ended(fd)	ended_at(__LINE__, fd)

static void remove_all_buried(int fd)
{
	struct tqueue_listed entries[16];
	long n = t_list_call(fd, entries, ARRAY_SIZE(entries), 0, TQUEUE_BURIED);

	while (n-- > 0)
		t_is(t_settle_unleased(fd, entries[n].id, TQUEUE_ACKNOWLEDGE), 0);
}

/* ---- the end ------------------------------------------------------------------------ */

static void end_of_a_stopped_queue(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record leased;
	uint64_t delayed, buried;

	leased = one_of_each(fd, &delayed, &buried);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	nothing_yet(fd);
	t_is(t_settle(fd, &leased, TQUEUE_ACKNOWLEDGE), 0);
	nothing_yet(fd);
	t_is(t_settle_unleased(fd, delayed, TQUEUE_ACKNOWLEDGE), 0);
	/* The buried one does not matter. */
	ended(fd);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
	t_receive(fd, 20, 3);
	ended(fd);
	t_is(ioctl(fd, TQUEUE_START), 0);
	nothing_yet(fd);
	t_end(fd);
}

/* A stopped queue refuses new ones, not those that come back. */
static void they_come_back_to_a_stopped_queue(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	struct tqueue_record record;

	t_send(fd, 20, 1);
	t_send(fd, 20, 2);
	t_send_delayed(fd, 20, 3, 20 * T_MS);
	record = t_lease(fd, 20, 1);
	t_lease(other, 20, 2);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_is(t_requeue(fd, &record, 20 * T_MS, 0), 0);
	close(other);
	while (t_info(fd).delayed)
		usleep(500);
	t_receive(fd, 20, 1);
	t_receive(fd, 20, 2);
	t_receive(fd, 20, 3);
	ended(fd);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

/* Who sleeps at the end of a stopped queue is woken as the last lease is settled. */
static void the_end_wakes_all(void)
{
	static const unsigned int actions[] = { TQUEUE_ACKNOWLEDGE, TQUEUE_BURY };
	static struct t_task readers[3];
	static char mine[64];
	int fd = t_open_small(NAME), i, j;

	for (i = 0; i < 2; i++) {
		struct tqueue_record record;

		t_send(fd, 20, 1);
		record = t_lease(fd, 20, 1);
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		for (j = 0; j < 3; j++) {
			t_start_read(&readers[j], fd, mine, sizeof(mine));
			t_asleep(&readers[j], SYS_read);
		}
		t_is(t_settle(fd, &record, actions[i]), 0);
		for (j = 0; j < 3; j++)
			t_result(&readers[j], 0);
		t_is(ioctl(fd, TQUEUE_START), 0);
	}
	remove_all_buried(fd);
	t_end(fd);
}

static void the_last_writer_left(void)
{
	struct tqueue_record record;
	int fd, writer, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
	fd = t_open_queue(NAME, O_RDONLY);
	for (i = 0; i < 2; i++) {
		writer = t_open_queue(NAME, O_WRONLY);
		t_send(writer, 20, 1);
		record = t_lease(fd, 20, 1);
		close(writer);
		nothing_yet(fd);
		t_is(t_settle(fd, &record, i ? TQUEUE_BURY : TQUEUE_ACKNOWLEDGE), 0);
		t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	}
	remove_all_buried(fd);
	close(fd);
	t_remove(NAME);
}

/*
 * Readers were told of the end, and then a buried message is made ready: who opens the
 * queue after that reads it, and comes to the end.
 */
static void ready_after_the_end(void)
{
	struct tqueue_record record;
	int fd, writer, late, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
	fd = t_open_queue(NAME, O_RDONLY);
	for (i = 0; i < 2; i++) {
		writer = t_open_queue(NAME, O_WRONLY);
		t_send(writer, 20, i);
		record = t_lease(fd, 20, i);
		t_is(t_settle(fd, &record, TQUEUE_BURY), 0);
		close(writer);
		t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
		late = t_open_queue(NAME, O_RDONLY);
		nothing_yet(late);
		close(late);
		if (i)
			t_is(t_settle_unleased(fd, record.id, TQUEUE_REQUEUE), 0);
		else
			t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
		late = t_open_queue(NAME, O_RDONLY);
		t_receive(late, 20, i);
		t_true(!t_receive_call(late, buf, sizeof(buf), 0),
		       "no end after a message that was made ready by %s",
		       i ? "its id" : "KICK");
		close(late);
	}
	close(fd);
	t_remove(NAME);
}

/* ---- WAIT -------------------------------------------------------------- */

static void waiting_by_state(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record leased;
	uint64_t delayed, buried;

	leased = one_of_each(fd, &delayed, &buried);
	t_errno(t_wait_call(fd, leased.id, 0), EAGAIN);
	t_errno(t_wait_call(fd, buried, 0), EAGAIN);
	t_is(t_settle(fd, &leased, TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_wait_call(fd, leased.id, 0), 0);
	t_errno(t_wait_call(fd, delayed, 0), EAGAIN);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, 0), EAGAIN);
	t_is(t_settle_unleased(fd, delayed, TQUEUE_ACKNOWLEDGE), 0);
	/* One that is buried is settled. */
	t_is(t_wait_call(fd, buried, 0), 0);
	t_is(t_wait_call(fd, TQUEUE_FOREVER, 0), 0);
	/* Until it is kicked. */
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, 0), EAGAIN);
	t_receive(fd, 20, 3);
	t_end(fd);
}

static void waiting_is_over(void)
{
	static const unsigned int actions[] = { TQUEUE_ACKNOWLEDGE, TQUEUE_BURY };
	static struct t_batch wait[2];
	int fd = t_open_small(NAME), i, j;

	for (i = 0; i < 2; i++) {
		struct tqueue_record first, second;

		t_send(fd, 20, 1);
		t_send(fd, 20, 2);
		first = t_lease(fd, 20, 1);
		second = t_lease(fd, 20, 2);
		for (j = 0; j < 2; j++) {
			t_start_wait(&wait[j], fd, j ? second.id : first.id,
				     TQUEUE_FOREVER);
			t_asleep(&wait[j].task, SYS_ioctl);
		}
		t_is(t_settle(fd, &second, actions[i]), 0);
		t_still_asleep(&wait[0].task, SYS_ioctl);
		t_still_asleep(&wait[1].task, SYS_ioctl);
		/* It comes back: nothing is over yet. */
		t_is(t_settle(fd, &first, TQUEUE_REQUEUE), 0);
		t_still_asleep(&wait[0].task, SYS_ioctl);
		first = t_lease(fd, 20, 1);
		t_is(t_settle(fd, &first, actions[i]), 0);
		t_result(&wait[0].task, 0);
		t_result(&wait[1].task, 0);
	}
	remove_all_buried(fd);
	t_end(fd);
}

/* ---- room -------------------------------------------------------------- */

/* A queue full of leased messages: the policy says what a sender finds. */
static int full_of_leases(unsigned int overflow, struct tqueue_record *records)
{
	int fd, i;

	t_create_with(NAME, TQ_PAGE, overflow, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < FULL; i++) {
		t_send(fd, TQ_SMALL_MAX, i);
		records[i] = t_lease(fd, TQ_SMALL_MAX, i);
	}
	t_counts(fd, 0, FULL, 0, 0);
	t_is(t_info(fd).bytes, TQ_PAGE);
	return fd;
}

static void acknowledge_all(int fd, struct tqueue_record *records, int from)
{
	for (; from < FULL; from++)
		t_is(t_settle(fd, &records[from], TQUEUE_ACKNOWLEDGE), 0);
}

static void full_and_blocking(void)
{
	struct tqueue_record records[FULL];
	int fd = full_of_leases(TQUEUE_OVERFLOW_BLOCK, records), other = t_open_queue(NAME, O_RDWR);
	static struct t_task writer;
	static char mine[TQ_SMALL_MAX];

	t_errno(t_send_call(fd, buf, t_put(buf, 0, 1, 9), 0), EAGAIN);
	t_is(t_poll(fd, POLLOUT), 0);
	t_pattern(mine, sizeof(mine), 9, 0);
	t_start_write(&writer, other, mine, sizeof(mine));
	t_asleep(&writer, SYS_write);
	t_is(t_info(fd).state, TQUEUE_STATE_HELD_UP);
	/* Coming back makes no room. */
	t_is(t_settle(fd, &records[1], TQUEUE_REQUEUE), 0);
	t_still_asleep(&writer, SYS_write);
	t_is(t_info(fd).state, 0);
	records[1] = t_lease(fd, TQ_SMALL_MAX, 1);
	t_is(t_settle(fd, &records[1], TQUEUE_ACKNOWLEDGE), 0);
	t_result(&writer, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 9);
	t_is(t_settle(fd, &records[0], TQUEUE_ACKNOWLEDGE), 0);
	acknowledge_all(fd, records, 2);
	close(other);
	t_end(fd);
}

static void full_and_rejecting(void)
{
	struct tqueue_record records[FULL];
	int fd = full_of_leases(TQUEUE_OVERFLOW_REJECT, records);

	t_errno(t_send_call(fd, buf, t_put(buf, 0, 1, 9), TQUEUE_FOREVER), ENOBUFS);
	t_errno(write(fd, buf, 1), ENOBUFS);
	t_is(t_settle(fd, &records[0], TQUEUE_ACKNOWLEDGE), 0);
	t_send(fd, TQ_SMALL_MAX, 9);
	t_receive(fd, TQ_SMALL_MAX, 9);
	acknowledge_all(fd, records, 1);
	t_end(fd);
}

/* There is nothing that could be dropped. */
static void full_and_dropping(void)
{
	struct tqueue_record records[FULL];
	int fd = full_of_leases(TQUEUE_OVERFLOW_DROP_OLDEST, records), i;
	int quick = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	uint64_t delayed;

	t_errno(t_send_call(fd, buf, t_put(buf, 0, 1, 9), TQUEUE_FOREVER), ENOBUFS);
	t_errno(write(fd, buf, 1), ENOBUFS);
	t_true(write(quick, buf, 1) == -1 && (errno == EAGAIN || errno == ENOBUFS),
	       "a non-blocking write gives %s", strerror(errno));
	t_is(t_info(fd).dropped, 0);
	/* A send that cannot be helped by it drops nothing. */
	t_is(t_settle(fd, &records[3], TQUEUE_ACKNOWLEDGE), 0);
	delayed = t_send_delayed(fd, 20, 5, NEVER);
	t_send(fd, 20, 8);
	t_errno(t_send_call(fd, buf, t_put(buf, 0, TQ_SMALL_MAX, 9), TQUEUE_FOREVER),
		ENOBUFS);
	t_errno(write(fd, buf, TQ_SMALL_MAX), ENOBUFS);
	t_is(t_info(fd).dropped, 0);
	t_receive(fd, 20, 8);
	t_is(t_settle_unleased(fd, delayed, TQUEUE_ACKNOWLEDGE), 0);
	/* What comes back can be. */
	t_send(fd, TQ_SMALL_MAX, 7);
	t_is(t_settle(fd, &records[0], TQUEUE_REQUEUE), 0);
	t_send(fd, TQ_SMALL_MAX, 9);
	t_is(t_info(fd).dropped, 1);
	t_is(t_settle(fd, &records[0], TQUEUE_ACKNOWLEDGE), -ESTALE);
	t_receive(fd, TQ_SMALL_MAX, 7);
	t_receive(fd, TQ_SMALL_MAX, 9);
	t_is(t_settle(fd, &records[1], TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_settle(fd, &records[2], TQUEUE_ACKNOWLEDGE), 0);
	/* The ring is as good as new. */
	for (i = 0; i < 3 * FULL; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	for (i = 2 * FULL; i < 3 * FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	close(quick);
	t_end(fd);
}

/*
 * A batch for which there is no room drops what its records would drop one by one: the
 * older of its own records, rather than a message of higher priority, or than failing.
 */
static void dropping_within_a_batch(void)
{
	struct tqueue_record records[FULL];
	int fd = full_of_leases(TQUEUE_OVERFLOW_DROP_OLDEST, records), i;
	size_t one = t_record(300), two = t_put_many(buf, 300, 10, 2);
	uint64_t filler;

	t_errno(t_send_call(fd, buf, two, TQUEUE_FOREVER), ENOBUFS);
	t_is(t_settle(fd, &records[0], TQUEUE_ACKNOWLEDGE), 0);
	/* There is room for one of the two. */
	filler = t_send_delayed(fd, TQ_SMALL_MAX - one, 5, NEVER);
	for (i = 0; i < 3; i++)
		t_is(t_send_call(fd, buf, two, TQUEUE_FOREVER), 2);
	t_is(t_info(fd).messages, 1);
	t_is(t_info(fd).dropped, 5);
	t_receive(fd, 300, 11);
	t_is(t_settle_unleased(fd, filler, TQUEUE_ACKNOWLEDGE), 0);

	filler = t_send_delayed(fd, TQ_SMALL_MAX - 2 * one, 5, NEVER);
	t_send_priority(fd, 300, 20, 1);
	t_is(t_send_call(fd, buf, two, TQUEUE_FOREVER), 2);
	t_is(t_info(fd).dropped, 6);
	t_receive(fd, 300, 20);
	t_receive(fd, 300, 11);
	t_is(t_settle_unleased(fd, filler, TQUEUE_ACKNOWLEDGE), 0);
	acknowledge_all(fd, records, 1);
	t_end(fd);
}

/* Buried ones go first, the oldest first; then those that are ready. */
static void dropping_buried_ones(void)
{
	uint64_t ids[FULL], delayed;
	int fd, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, TQ_PAGE), 0);
	for (i = 0; i < FULL; i++)
		ids[i] = i == 3 ? t_send_delayed(fd, TQ_SMALL_MAX, i, NEVER) :
			 t_send_id(fd, TQ_SMALL_MAX, i);
	delayed = ids[3];
	t_is(t_settle_unleased(fd, ids[2], TQUEUE_BURY), 0);
	t_is(t_settle_unleased(fd, ids[1], TQUEUE_BURY), 0);
	t_counts(fd, 1, 0, 1, 2);
	t_send(fd, TQ_SMALL_MAX, 10);
	t_counts(fd, 2, 0, 1, 1);
	t_is(t_state(fd, ids[1]), 0);
	t_send(fd, TQ_SMALL_MAX, 11);
	t_counts(fd, 3, 0, 1, 0);
	t_send(fd, TQ_SMALL_MAX, 12);
	t_counts(fd, 3, 0, 1, 0);
	t_is(t_info(fd).dropped, 3);
	for (i = 10; i < 13; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_is(t_settle_unleased(fd, delayed, TQUEUE_REQUEUE), 0);
	t_receive(fd, TQ_SMALL_MAX, 3);
	t_end(fd);
}

/* In the other queues poison never goes for others. */
static void buried_ones_keep_their_room(void)
{
	uint64_t ids[FULL];
	int fd = t_open_small(NAME), i;

	t_is(t_set_field(fd, MAX_BURIED, max_buried, TQ_PAGE), 0);
	for (i = 0; i < FULL; i++) {
		ids[i] = t_send_id(fd, TQ_SMALL_MAX, i);
		t_is(t_settle_unleased(fd, ids[i], TQUEUE_BURY), 0);
	}
	t_errno(t_send_call(fd, buf, t_put(buf, 0, 1, 9), 0), EAGAIN);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, TQUEUE_OVERFLOW_REJECT, 0), 0);
	t_errno(t_send_call(fd, buf, t_put(buf, 0, 1, 9), TQUEUE_FOREVER), ENOBUFS);
	t_is(t_settle_unleased(fd, ids[2], TQUEUE_ACKNOWLEDGE), 0);
	t_send(fd, TQ_SMALL_MAX, 9);
	t_receive(fd, TQ_SMALL_MAX, 9);
	remove_all_buried(fd);
	t_end(fd);
}

static void resized(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_record leased;
	uint64_t delayed, buried;

	leased = one_of_each(fd, &delayed, &buried);
	t_send(fd, 20, 4);
	for (i = 0; i < 2; i++) {
		t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, i ? TQ_PAGE : 4 * TQ_PAGE, 0),
		     0);
		t_counts(fd, 1, 1, 1, 1);
		t_is(t_info(fd).bytes, 4 * t_record(20));
	}
	t_is(t_settle(fd, &leased, TQUEUE_REQUEUE), 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED | TQUEUE_DELAYED, NULL), 2);
	for (i = 1; i < 5; i++)
		t_take(fd, 20, i);
	t_end(fd);
}

/* What is leased counts as held. */
static void too_much_is_held(void)
{
	int fd, i;

	t_create(NAME, 2 * TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < 5; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 5);
	t_errno(t_set_call(NAME, TQUEUE_CONFIG_SIZE, TQ_PAGE, 0), EBUSY);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, TQ_PAGE, 0), 0);
	t_errno(t_send_call(fd, buf + 8192, t_put(buf + 8192, 0, 1, 9), 0), EAGAIN);
	for (i = 1; i < 5; i++)
		t_is(t_settle(fd, t_at(buf, i * t_record(TQ_SMALL_MAX)),
			      TQUEUE_REQUEUE), 0);
	for (i = 1; i < 5; i++)
		t_take(fd, TQ_SMALL_MAX, i);
	t_end(fd);
}

static void max_leased(void)
{
	struct tqueue_record records[3];
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), i;

	t_is(t_set_field(fd, MAX_LEASED, max_leased, 3), 0);
	for (i = 0; i < 8; i++)
		t_send(fd, 20, i);
	/* As many as may be. */
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 3);
	for (i = 0; i < 3; i++)
		records[i] = *t_at(buf, i * t_record(20));
	t_no_lease(fd, ENOSPC);
	t_no_lease(other, ENOSPC);
	/* Also for calls that would wait. */
	{
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
			.deadline = TQUEUE_FOREVER, .flags = TQUEUE_RECEIVE_LEASE,
		};

		t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), ENOSPC);
	}
	/* Other ways to receive are not limited. */
	t_take(fd, 20, 3);
	t_is(t_settle(fd, &records[1], TQUEUE_REQUEUE), 0);
	records[1] = t_lease(other, 20, 1);
	t_no_lease(fd, ENOSPC);
	/* The combined call makes room for itself. */
	{
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
			.flags = TQUEUE_RECEIVE_LEASE | TQUEUE_RECEIVE_ACK,
			.ack_id = records[0].id, .ack_delivery = records[0].delivery,
		};

		t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 1);
		t_is(receive.ack_result, 0);
		records[0] = *t_at(buf, 0);
	}
	t_is(t_set_field(fd, MAX_LEASED, max_leased, 2), 0);
	t_no_lease(fd, ENOSPC);
	t_is(t_set_field(fd, MAX_LEASED, max_leased, 0), 0);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 3);
	close(other);
	close(fd);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 1; i < 8; i++)
		if (i != 3)
			t_take(fd, 20, i);
	t_end(fd);
}

/* ---- removal ----------------------------------------------------------- */

static void removed(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	struct tqueue_record leased;
	uint64_t delayed, buried;

	leased = one_of_each(fd, &delayed, &buried);
	t_errno(t_remove_call(NAME, 0), EBUSY);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	{
		struct tqueue_settlement settlement =
			t_settlement(&leased, TQUEUE_ACKNOWLEDGE);

		t_errno(t_settle_call(fd, &settlement, 1), EIDRM);
	}
	t_errno(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), EIDRM);
	close(other);
	close(fd);
}

static void not_removed_while_something_is_buried(void)
{
	int fd = t_open_small(NAME);
	uint64_t id = t_send_id(fd, 20, 1);

	t_is(t_settle_unleased(fd, id, TQUEUE_BURY), 0);
	close(fd);
	t_errno(t_remove_call(NAME, 0), EBUSY);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* ---- many -------------------------------------------------------------- */

/* The longest that a call on the queue took while others went on. */
struct watch {
	struct t_task task;
	atomic_int stop;
	double longest;
	unsigned long calls;
};

static void watch(struct t_task *task)
{
	struct watch *watch = task->arg;
	int fd = t_open_queue(NAME, O_RDWR);
	char mine[128] __attribute__((aligned(8)));

	while (!atomic_load(&watch->stop)) {
		size_t end = t_put(mine, 0, 1, 0);
		double began = t_now(), passed;

		/* Before all that come back. */
		t_at(mine, 0)->priority = TQUEUE_PRIORITY_MAX;
		t_is(t_send_call(fd, mine, end, 0), 1);
		t_is(t_receive_call(fd, mine, t_record(1), 0), 1);
		passed = t_now() - began;
		if (passed > watch->longest)
			watch->longest = passed;
		watch->calls++;
	}
	close(fd);
}

/*
 * 100 000 of them come back as one file is closed, and nobody waits long for it. Under
 * a sanitizer, which is not asked how long something takes, 20 000 will do.
 */
static void a_hundred_thousand_leases(void)
{
	enum { EACH = 5000 };
	const unsigned int count = t_slow() > 1 ? 20000 : 100000;
	static struct watch watching;
	double began, closed;
	unsigned int i, j;
	char text[512];
	int fd, other;

	t_create(NAME, 1 << 24);
	fd = t_open_queue(NAME, O_RDWR);
	other = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < count; i += EACH) {
		size_t end = 0;

		for (j = 0; j < EACH; j++)
			end = t_put(buf, end, 8, i + j);
		t_is(t_send_call(fd, buf, end, 0), EACH);
	}
	for (i = 0; i < count; i += EACH) {
		long got = 0, n;

		while (got < EACH) {
			n = t_lease_call(other, buf, sizeof(buf), EACH - got, 0);
			t_true(n > 0, "a lease gives %ld (%s)", n, strerror(errno));
			got += n;
		}
	}
	t_counts(fd, 0, count, 0, 0);
	/* Counting all of them would keep others waiting. */
	t_fdinfo(other, text, sizeof(text));
	t_true(strstr(text, "\nleases:\t1000+\n"), "fdinfo says %s", text);
	watching.task.arg = &watching;
	t_start(&watching.task, watch);
	while (!t_done(&watching.task) && t_info(fd).sent < count + 100)
		usleep(500);
	began = t_now();
	close(other);
	closed = t_now() - began;
	atomic_store(&watching.stop, 1);
	t_finish(&watching.task);
	fprintf(stderr, "# close() took %.1f ms; of %lu calls beside it the longest %.1f ms\n",
		closed * 1000, watching.calls, watching.longest * 1000);
	t_true(closed < 10 * t_slow(), "close() takes %.1f s", closed);
	/* On a busy machine; the bench counts the instructions of the longest one. */
	t_true(watching.longest < 5 * t_slow(), "another waits for %.3f s",
	       watching.longest);
	t_counts(fd, count, 0, 0, 0);
	for (i = 0; i < count; i++) {
		t_is(t_receive_call(fd, buf, t_record(8), 0), 1);
		t_is(t_at(buf, 0)->attempts, 0);
		t_is(t_differs(t_at(buf, 0)->payload, 8, i, 0), -1);
	}
	t_end(fd);
}

/* A queue with very many messages in all states is removed by force. */
static void many_are_thrown_away(void)
{
	enum { EACH = 4000 };
	unsigned int i;
	int fd;

	t_create(NAME, 1 << 22);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < 4; i++) {
		struct tqueue_send send = {
			.records = (uintptr_t)buf, .flags = i == 3 ? TQUEUE_SEND_DELAY : 0,
			.bytes = t_put_many(buf, 8, 0, EACH), .delay = i == 3 ? NEVER : 0,
		};

		t_is(ioctl(fd, TQUEUE_SEND, &send), EACH);
	}
	t_is(t_lease_call(fd, buf, sizeof(buf), EACH, 0), EACH);
	t_is(t_info(fd).leased, EACH);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	close(fd);
}

/* What is about to be leased, and is being copied out, counts among those that are. */
static void max_leased_while_one_is_copied(void)
{
	static char from[2 * TQ_PAGE];
	static struct t_batch batch;
	struct t_stall stall;
	int fd, i;

	t_create(NAME, 16 * TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_set_field(fd, MAX_LEASED, max_leased, 2), 0);
	t_send(fd, TQ_PAGE + 500, 0);
	for (i = 1; i < 5; i++)
		t_send(fd, 20, i);
	t_stall_make(&stall, 2 * TQ_PAGE);
	t_start_lease(&batch, fd, stall.map, 2 * TQ_PAGE, 1, 0);
	/* Its memory went away again: what is copied is in flight. */
	t_stall_by_turns(&stall, from);
	t_is(t_info(fd).in_flight, 1);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 1);
	t_no_lease(fd, ENOSPC);
	t_stall_release(&stall, from);
	t_result(&batch.task, 1);
	t_is(t_info(fd).leased, 2);
	t_no_lease(fd, ENOSPC);
	t_is(t_settle(fd, t_at(stall.map, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 1);
	t_no_lease(fd, ENOSPC);
	munmap(stall.map, stall.len);
	close(fd);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

static const struct t_test tests[] = {
	TQ_TEST(end_of_a_stopped_queue),
	TQ_TEST(they_come_back_to_a_stopped_queue),
	TQ_TEST(the_end_wakes_all),
	TQ_TEST(the_last_writer_left),
	TQ_TEST(ready_after_the_end),
	TQ_TEST(waiting_by_state),
	TQ_TEST(waiting_is_over),
	TQ_TEST(full_and_blocking),
	TQ_TEST(full_and_rejecting),
	TQ_TEST(full_and_dropping), TQ_TEST(dropping_within_a_batch),
	TQ_TEST(dropping_buried_ones),
	TQ_TEST(buried_ones_keep_their_room),
	TQ_TEST(resized),
	TQ_TEST(too_much_is_held),
	TQ_TEST(max_leased),
	TQ_TEST(max_leased_while_one_is_copied),
	TQ_TEST(removed),
	TQ_TEST(not_removed_while_something_is_buried),
	{ .name = "a_hundred_thousand_leases", .run = a_hundred_thousand_leases,
	  .seconds = 120 },
	TQ_TEST(many_are_thrown_away),
};

int main(int argc, char **argv)
{
	return t_main("held", tests, ARRAY_SIZE(tests), argc, argv);
}
