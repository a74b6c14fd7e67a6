// SPDX-License-Identifier: GPL-2.0-only
/*
 * As faultn.c, for the calls of the work queue: whatever fails in them, each message
 * is in the state that the call says, and none is lost.
 */
#include "faultn.h"

#define FIVE	BATCH

static char *records;		/* what was leased before */
static struct tqueue_settlement *settlements;
static uint64_t ids[FIVE];

static void set_attempts(unsigned int most)
{
	t_is(t_set_field(fd, MAX_ATTEMPTS, max_attempts, most), 0);
}

/* The messages 1 to 5 in that place: in the ring, or beside it. */
static void send_five_with(unsigned int priority)
{
	int i;

	if (!records) {
		records = t_shared(1 << 16);
		settlements = t_shared(4096);
		set_attempts(0);
	}
	for (i = 0; i < FIVE; i++)
		ids[i] = t_send_priority(fd, BATCH_LENGTH, i + 1, priority);
	memset(buf, 0, 1 << 15);
}

static void five_in_the_ring(void)
{
	send_five_with(0);
}

static void five_beside_the_ring(void)
{
	send_five_with(1);
}

static void remember_five(void)
{
	size_t bytes = t_record(BATCH_LENGTH);
	int i;

	for (i = 0; i < FIVE; i++)
		settlements[i] = t_settlement(t_at(records, i * bytes),
					      TQUEUE_ACKNOWLEDGE);
}

static void lease_five(void)
{
	five_in_the_ring();
	t_is(t_lease_call(fd, records, 1 << 15, 0, 0), FIVE);
	remember_five();
}

/* Whatever state they are in: those from @first on are there, and no others. */
static void take_all_from(int first)
{
	int i;

	t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED | TQUEUE_DELAYED, NULL);
	for (i = first; i < FIVE; i++)
		t_is(t_by_id_call(fd, ids[i], 0, records, 1 << 15), 1);
	t_nothing();
	t_is(t_value("bytes"), 0);
	t_counts(fd, 0, 0, 0, 0);
}

/* ---- sending ------------------------------------------------------------------------ */

static void sent_with_priorities(ssize_t result)
{
	struct tqueue_listed entries[8];
	ssize_t i;

	t_is(t_list_call(fd, entries, 8, 0, 0), result > 0 ? result : 0);
	for (i = 0; i < result; i++) {
		t_is(t_by_id_call(fd, entries[i].id, 0, buf, 8192), 1);
		t_is(t_differs(t_at(buf, 0)->payload, BATCH_LENGTH, i + 1, 0), -1);
	}
	t_nothing();
	t_is(t_value("bytes"), 0);
}

static void make_priorities(void)
{
	int i;

	make_batch();
	for (i = 0; i < FIVE; i++)
		t_at(buf, i * t_record(BATCH_LENGTH))->priority = i % 2 * 5;
}

static ssize_t call_send(void)
{
	return t_send_call(fd, buf, BATCH_BYTES, 0);
}

static void send_priorities(void)
{
	try_all(make_priorities, call_send, sent_with_priorities, FIVE, 0, MEMORY | COPY);
}

/* With a key for each, of its own. */
static void make_keys(void)
{
	size_t end = 0;
	int i;

	for (i = 0; i < FIVE; i++)
		end = t_put_extra(buf, end, BATCH_LENGTH, i + 1, TQUEUE_FLAG_UNIQUE, i, 0);
}

static ssize_t call_send_keys(void)
{
	return t_send_call(fd, buf, FIVE * (t_record(BATCH_LENGTH) + 16), 0);
}

static void send_keys(void)
{
	try_all(make_keys, call_send_keys, sent_with_priorities, FIVE, 0, MEMORY | COPY);
}

static struct tqueue_send send_args;

static ssize_t call_send_delayed(void)
{
	send_args = (struct tqueue_send){
		.records = (uintptr_t)buf, .bytes = BATCH_BYTES,
		.flags = TQUEUE_SEND_DELAY, .delay = 1000 * T_SECOND,
	};
	return ioctl(fd, TQUEUE_SEND, &send_args);
}

static void send_delayed(void)
{
	try_all(make_batch, call_send_delayed, sent_with_priorities, FIVE, 0, MEMORY | COPY);
}

static ssize_t call_send_unique(void)
{
	return t_send_unique_call(fd, 10, 1, 7, TQUEUE_SEND_UNSETTLED, NULL);
}

/* Its key is taken if it was sent, and else it is free. */
static void unique_or_not(ssize_t result)
{
	uint64_t id;

	if (result > 0)
		t_errno(t_send_unique_call(fd, 10, 1, 7, 0, &id), EEXIST);
	else
		id = t_send_unique(fd, 10, 1, 7);
	t_is(t_by_id_call(fd, id, 0, buf, 8192), 1);
	id = t_send_unique(fd, 10, 1, 7);
	t_is(t_settle_unleased(fd, id, TQUEUE_ACKNOWLEDGE), 0);
	t_nothing();
}

static void send_unique(void)
{
	try_all(NULL, call_send_unique, unique_or_not, 1, 0, MEMORY | COPY);
}

/* ---- leasing ------------------------------------------------------------------------- */

static ssize_t call_lease(void)
{
	return t_lease_call(fd, buf, 1 << 14, 0, 0);
}

/* So many as the call said are leased, and the others are there as if nothing had been. */
static void leased_or_not(ssize_t result)
{
	unsigned int leased = result > 0 ? result : 0;
	size_t bytes = t_record(BATCH_LENGTH);
	int i;

	t_counts(fd, FIVE - leased, leased, 0, 0);
	for (i = 0; i < FIVE; i++)
		t_is(t_listed(fd, ids[i]).attempts, 0);
	for (i = 0; i < (int)leased; i++) {
		t_is(t_at(buf, i * bytes)->id, ids[i]);
		t_is(t_settle(fd, t_at(buf, i * bytes), TQUEUE_ACKNOWLEDGE), 0);
	}
	take_all_from(leased);
}

static void lease_from_the_ring(void)
{
	try_all(five_in_the_ring, call_lease, leased_or_not, FIVE, 0, COPY);
}

static void lease_beside_the_ring(void)
{
	try_all(five_beside_the_ring, call_lease, leased_or_not, FIVE, 0, COPY);
}

static void unmap_five(void)
{
	five_in_the_ring();
	t_is(madvise(fresh, 1 << 16, MADV_DONTNEED), 0);
}

static ssize_t call_lease_fresh(void)
{
	ssize_t got = t_lease_call(fd, fresh, 1 << 15, 0, 0);

	if (got > 0) {
		int error = errno;

		memcpy(buf, fresh, got * t_record(BATCH_LENGTH));
		errno = error;
	}
	return got;
}

static void lease_not_resident(void)
{
	try_all(unmap_five, call_lease_fresh, leased_or_not, FIVE, 0, COPY);
}

static struct tqueue_receive *turn;

static void ready_for_a_turn(void)
{
	struct tqueue_record record;

	if (!turn)
		turn = t_shared(4096);
	t_send(fd, 10, 1);
	t_send(fd, 10, 2);
	record = t_lease(fd, 10, 1);
	*turn = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = 1000, .count = 1,
		.flags = TQUEUE_RECEIVE_LEASE | TQUEUE_RECEIVE_ACK,
		.ack_id = record.id, .ack_delivery = record.delivery, .ack_result = 77,
	};
}

static ssize_t call_turn(void)
{
	return ioctl(fd, TQUEUE_RECEIVE, turn);
}

static void after_a_turn(ssize_t result)
{
	struct tqueue_settlement first = {
		.id = turn->ack_id, .delivery = turn->ack_delivery,
		.action = TQUEUE_ACKNOWLEDGE,
	};
	struct tqueue_record record;
	int settled = t_settle_one(fd, first);

	/* What was told was done; what was not told may be either. */
	if (result > 0 && turn->ack_result != 77)
		t_is(settled, -ESTALE);
	t_true(settled == 0 || settled == -ESTALE, "the first gives %d", settled);
	if (result > 0)
		t_is(t_settle(fd, t_at(buf, 0), TQUEUE_REQUEUE), 0);
	record = t_lease(fd, 10, 2);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_counts(fd, 0, 0, 0, 0);
}

/* The memory of the one is that of the next. */
static void acknowledge_and_lease(void)
{
	try_all(ready_for_a_turn, call_turn, after_a_turn, 1, 0, COPY | LEAN);
}

/* ---- settling ------------------------------------------------------------------------ */

static ssize_t call_settle(void)
{
	return t_settle_call(fd, settlements, FIVE);
}

/* Each is done or not, and that is what its result says, if it was told. */
static void settled_or_not(ssize_t result)
{
	unsigned int done = 0, i;

	for (i = 0; i < FIVE; i++) {
		bool left = t_state(fd, ids[i]) == TQUEUE_LEASED;

		done += !left;
		if (left)
			t_is(t_settle_one(fd, (struct tqueue_settlement){
				.id = ids[i], .delivery = settlements[i].delivery,
				.action = TQUEUE_ACKNOWLEDGE }), 0);
	}
	if (result >= 0)
		t_is(done, result);
	for (i = 0; i < FIVE; i++)
		t_settle_unleased(fd, ids[i], TQUEUE_ACKNOWLEDGE);
	t_counts(fd, 0, 0, 0, 0);
	t_nothing();
}

static void settle_all(void)
{
	try_all(lease_five, call_settle, settled_or_not, FIVE, 0, LEAN);
}

static void lease_five_to_requeue(void)
{
	int i;

	lease_five();
	for (i = 0; i < FIVE; i++) {
		settlements[i].action = i < 3 ? TQUEUE_REQUEUE : TQUEUE_BURY;
		settlements[i].time = i == 1 ? 1000 * T_SECOND : 0;
	}
}

static void requeue_and_bury(void)
{
	try_all(lease_five_to_requeue, call_settle, settled_or_not, FIVE, 0, LEAN);
}

static void five_to_remove(void)
{
	int i;

	five_in_the_ring();
	for (i = 0; i < FIVE; i++)
		settlements[i] = (struct tqueue_settlement){
			.id = ids[i], .action = TQUEUE_BURY,
			.flags = TQUEUE_SETTLE_UNLEASED, .result = 77,
		};
}

/* Out of the ring, for which they need memory. */
static void buried_or_not(ssize_t result)
{
	unsigned int buried = t_info(fd).buried;

	if (result >= 0)
		t_is(buried, result);
	t_is(t_info(fd).messages, FIVE - buried);
	take_all_from(0);
}

static void bury_by_id(void)
{
	try_all(five_to_remove, call_settle, buried_or_not, FIVE, 0, MEMORY);
}

static int descriptors_before;

static int next_descriptor(void)
{
	int next = dup(fd);

	close(next);
	return next;
}

static void lease_one_to_hold(void)
{
	struct tqueue_record record;

	if (!settlements)
		settlements = t_shared(4096);
	t_send(fd, 10, 1);
	record = t_lease(fd, 10, 1);
	settlements[0] = t_settlement(&record, TQUEUE_HOLD);
	descriptors_before = next_descriptor();
}

static ssize_t call_hold(void)
{
	return t_settle_call(fd, settlements, 1);
}

static void held_or_not(ssize_t result)
{
	int held = settlements[0].result;

	t_counts(fd, 0, 1, 0, 0);
	if (result == 1) {
		t_is(held, descriptors_before);
		close(held);
		t_counts(fd, 1, 0, 0, 0);
		t_receive(fd, 10, 1);
	} else {
		settlements[0].action = TQUEUE_ACKNOWLEDGE;
		t_is(t_settle_call(fd, settlements, 1), 1);
	}
	/* No file is left that nobody knows of. */
	t_is(next_descriptor(), descriptors_before);
	t_counts(fd, 0, 0, 0, 0);
}

static void hold_it(void)
{
	try_all(lease_one_to_hold, call_hold, held_or_not, 1, 0, MEMORY);
}

/* ---- looking, kicking, by id ------------------------------------------------------------ */

static void bury_five(void)
{
	int i;

	five_in_the_ring();
	for (i = 0; i < FIVE; i++)
		t_is(t_settle_unleased(fd, ids[i], TQUEUE_BURY), 0);
}

static ssize_t call_kick(void)
{
	return t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL);
}

static void kicked_or_not(ssize_t result)
{
	unsigned int buried = t_info(fd).buried;

	t_is(buried, result > 0 ? FIVE - result : FIVE);
	take_all_from(0);
}

static void kick_them(void)
{
	try_all(bury_five, call_kick, kicked_or_not, FIVE, 0, COPY | LEAN);
}

static ssize_t call_list(void)
{
	return t_list_call(fd, (struct tqueue_listed *)buf, 20, 0, 0);
}

static void listed(ssize_t result)
{
	(void)result;
	t_is(t_info(fd).messages, FIVE);
	take_all_from(0);
}

static void list_them(void)
{
	try_all(five_in_the_ring, call_list, listed, FIVE, 0, COPY);
}

static ssize_t call_peek_by_id(void)
{
	return t_by_id_call(fd, ids[2], TQUEUE_RECEIVE_PEEK, buf, 8192);
}

static void peek_by_id(void)
{
	try_all(five_in_the_ring, call_peek_by_id, listed, 1, 0, COPY);
}

static ssize_t call_take_by_id(void)
{
	return t_by_id_call(fd, ids[2], 0, buf, 8192);
}

static void taken_or_not(ssize_t result)
{
	t_is(t_state(fd, ids[2]), result > 0 ? 0 : TQUEUE_READY);
	t_is(t_info(fd).messages, result > 0 ? FIVE - 1 : FIVE);
	if (result <= 0)
		t_is(call_take_by_id(), 1);
	t_is(t_differs(t_at(buf, 0)->payload, BATCH_LENGTH, 3, 0), -1);
	/* Of those that are left, the first stands in its place. */
	ids[2] = ids[0];
	take_all_from(1);
}

static void take_by_id(void)
{
	try_all(five_in_the_ring, call_take_by_id, taken_or_not, 1, 0, COPY);
}

static ssize_t call_lease_by_id(void)
{
	return t_by_id_call(fd, ids[2], TQUEUE_RECEIVE_LEASE, buf, 8192);
}

static void leased_by_id_or_not(ssize_t result)
{
	t_is(t_state(fd, ids[2]), result > 0 ? TQUEUE_LEASED : TQUEUE_READY);
	t_is(t_listed(fd, ids[2]).attempts, 0);
	if (result > 0)
		t_is(t_settle(fd, t_at(buf, 0), TQUEUE_REQUEUE), 0);
	take_all_from(0);
}

static void lease_by_id(void)
{
	try_all(five_in_the_ring, call_lease_by_id, leased_by_id_or_not, 1, 0, COPY);
}

static unsigned int third_state;

static void third_delayed(void)
{
	five_in_the_ring();
	t_is(t_settle_one(fd, (struct tqueue_settlement){
		.id = ids[2], .action = TQUEUE_REQUEUE, .time = 1000 * T_SECOND,
		.flags = TQUEUE_SETTLE_UNLEASED }), 0);
	third_state = TQUEUE_DELAYED;
}

static void third_buried(void)
{
	five_in_the_ring();
	t_is(t_settle_unleased(fd, ids[2], TQUEUE_BURY), 0);
	third_state = TQUEUE_BURIED;
}

/* What could not be copied is in its former state again. */
static void leased_or_as_before(ssize_t result)
{
	t_is(t_state(fd, ids[2]), result > 0 ? TQUEUE_LEASED : third_state);
	if (result > 0)
		t_is(t_settle(fd, t_at(buf, 0), TQUEUE_REQUEUE), 0);
	take_all_from(0);
}

static void lease_delayed_by_id(void)
{
	try_all(third_delayed, call_lease_by_id, leased_or_as_before, 1, 0, COPY);
}

static void lease_buried_by_id(void)
{
	try_all(third_buried, call_lease_by_id, leased_or_as_before, 1, 0, COPY);
}

/* ---- the file ------------------------------------------------------------------------------- */

static void lease_through_another(void)
{
	five_in_the_ring();
	other = t_open(O_RDWR | O_NONBLOCK);
	t_is(t_lease_call(other, records, 1 << 15, 0, 0), FIVE);
}

static void all_came_back(ssize_t result)
{
	(void)result;
	t_counts(fd, FIVE, 0, 0, 0);
	take_all_from(0);
}

/* Nothing that fails keeps them. */
static void close_with_leases(void)
{
	try_all(lease_through_another, call_close, all_came_back, 0, 0, 0);
}

static ssize_t call_set(void)
{
	return t_set_field(fd, LEASE_LIMIT, lease_limit, 1000 * T_SECOND);
}

static void set_or_not(ssize_t result)
{
	t_is(t_info(fd).lease_limit, result ? 0 : 1000 * T_SECOND);
	t_is(t_set_field(fd, LEASE_LIMIT, lease_limit, 0), 0);
}

static void set_a_policy(void)
{
	try_all(NULL, call_set, set_or_not, 0, 0, COPY | LEAN);
}

int main(int argc, char **argv)
{
	static const struct t_test tests[] = {
		KIND(send_priorities), KIND(send_delayed), KIND(send_unique),
		KIND(send_keys),
		KIND(lease_from_the_ring), KIND(lease_beside_the_ring),
		KIND(lease_not_resident), KIND(acknowledge_and_lease),
		KIND(settle_all), KIND(requeue_and_bury), KIND(bury_by_id),
		KIND(hold_it), KIND(kick_them), KIND(list_them), KIND(peek_by_id),
		KIND(take_by_id), KIND(lease_by_id), KIND(lease_delayed_by_id),
		KIND(lease_buried_by_id), KIND(close_with_leases), KIND(set_a_policy),
	};

	argc = options(argc, argv, 20);
	return t_main("lease_faults", tests, ARRAY_SIZE(tests), argc, argv);
}
