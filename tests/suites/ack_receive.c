// SPDX-License-Identifier: GPL-2.0-only
/*
 * One call that acknowledges a delivery and receives the next message: whatever becomes
 * of the second, the first is done, and that is told.
 */
#include "calls.h"

#define NAME	"ack_receive"

static char buf[64 * 1024] __attribute__((aligned(8)));

static long ack_and_lease(int fd, struct tqueue_receive *receive,
			  const struct tqueue_record *record)
{
	*receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
		.flags = TQUEUE_RECEIVE_ACK | TQUEUE_RECEIVE_LEASE,
		.ack_id = record->id, .ack_delivery = record->delivery,
		.ack_result = 0x5a5a5a5a,
	};
	return ioctl(fd, TQUEUE_RECEIVE, receive);
}

static void acknowledge_and_lease(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_receive receive;
	struct tqueue_record record;

	t_send_many(fd, 20, 0);
	record = t_lease(fd, 20, 0);
	for (i = 1; i < 20; i++) {
		t_is(ack_and_lease(fd, &receive, &record), 1);
		t_is(receive.ack_result, 0);
		t_is(t_differs(t_at(buf, 0)->payload, 20, i, 0), -1);
		record = *t_at(buf, 0);
		t_counts(fd, 19 - i, 1, 0, 0);
	}
	/* Nothing is left to lease: it is acknowledged all the same. */
	t_errno(ack_and_lease(fd, &receive, &record), EAGAIN);
	t_is(receive.ack_result, 0);
	t_counts(fd, 0, 0, 0, 0);
	/* A second time, with and without something to lease. */
	t_errno(ack_and_lease(fd, &receive, &record), EAGAIN);
	t_is(receive.ack_result, -ESTALE);
	t_send(fd, 20, 50);
	t_is(ack_and_lease(fd, &receive, &record), 1);
	t_is(receive.ack_result, -ESTALE);
	record.id += 1000000;
	t_errno(ack_and_lease(fd, &receive, &record), EAGAIN);
	t_is(receive.ack_result, -ENOENT);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* Acknowledged, and the next received for good. */
static void acknowledge_and_receive(void)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
		.flags = TQUEUE_RECEIVE_ACK,
	};
	int fd = t_open_small(NAME);
	struct tqueue_record record;

	t_send_many(fd, 3, 0);
	record = t_lease(fd, 20, 0);
	receive.ack_id = record.id;
	receive.ack_delivery = record.delivery;
	t_is(ioctl(fd, TQUEUE_RECEIVE, &receive), 2);
	t_is(receive.ack_result, 0);
	t_is(t_info(fd).received, 3);
	t_end(fd);
}

/* What is too large for the buffer, or the buffer that is not there: it is told. */
static void acknowledged_and_failed(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_receive receive;
	struct tqueue_record record;

	t_send_many(fd, 3, 0);
	record = t_lease(fd, 20, 0);
	receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = 30,
		.flags = TQUEUE_RECEIVE_ACK | TQUEUE_RECEIVE_LEASE,
		.ack_id = record.id, .ack_delivery = record.delivery,
	};
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EMSGSIZE);
	t_is(receive.ack_result, 0);
	t_is(receive.bytes, t_record(20));
	record = t_lease(fd, 20, 1);
	receive.records = 8;
	receive.bytes = 4096;
	receive.ack_id = record.id;
	receive.ack_delivery = record.delivery;
	receive.ack_result = 77;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EFAULT);
	t_is(receive.ack_result, 0);
	t_counts(fd, 1, 0, 0, 0);
	t_is(t_take(fd, 20, 2).attempts, 0);
	/* One that no process has: it is told all the same what was done. */
	t_send(fd, 20, 3);
	record = t_lease(fd, 20, 3);
	receive.records = 0xffff888000000000;
	receive.ack_id = record.id;
	receive.ack_delivery = record.delivery;
	receive.ack_result = 77;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EFAULT);
	t_true(receive.ack_result <= 0 && receive.ack_result > -4096,
	       "ack_result is %d", receive.ack_result);
	t_is(t_info(fd).leased, receive.ack_result ? 1 : 0);
	if (receive.ack_result)
		t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

/* ---- whatever the call returns ----------------------------------------- */

/* Fails so, and the delivery is acknowledged all the same. */
static void fails_and_is_done(int fd, struct tqueue_receive *receive,
			      const struct tqueue_record *record, int error)
{
	unsigned int leased = t_info(fd).leased;

	receive->flags |= TQUEUE_RECEIVE_ACK;
	receive->ack_id = record->id;
	receive->ack_delivery = record->delivery;
	receive->ack_result = 77;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, receive), error);
	t_is(receive->ack_result, 0);
	t_is(t_info(fd).leased, leased - 1);
	t_is(t_settle(fd, record, TQUEUE_ACKNOWLEDGE), -ESTALE);
}

static void every_error(void)
{
	struct tqueue_receive lease = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
		.flags = TQUEUE_RECEIVE_LEASE,
	}, receive;
	int fd = t_open_small(NAME);
	struct tqueue_record record;

	t_send_many(fd, 1, 0);
	record = t_lease(fd, 20, 0);
	receive = lease;
	fails_and_is_done(fd, &receive, &record, EAGAIN);
	t_send_many(fd, 1, 0);
	record = t_lease(fd, 20, 0);
	receive = lease;
	receive.deadline = t_deadline(0.02);
	fails_and_is_done(fd, &receive, &record, ETIMEDOUT);
	/* By an id that is none. */
	t_send_many(fd, 1, 0);
	record = t_lease(fd, 20, 0);
	receive = lease;
	receive.flags |= TQUEUE_RECEIVE_BY_ID;
	receive.id = record.id + 1;
	fails_and_is_done(fd, &receive, &record, ENOENT);
	/* While it is paused. */
	t_send_many(fd, 2, 0);
	record = t_lease(fd, 20, 0);
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	receive = lease;
	fails_and_is_done(fd, &receive, &record, EAGAIN);
	t_is(ioctl(fd, TQUEUE_RESUME), 0);
	/* With too many leases even without the one that goes. */
	t_send_many(fd, 2, 2);
	record = t_lease(fd, 20, 1);
	t_lease(fd, 20, 2);
	t_is(t_set_field(fd, MAX_LEASED, max_leased, 1), 0);
	receive = lease;
	fails_and_is_done(fd, &receive, &record, ENOSPC);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	close(fd);
}

/* A file that has read a part of a message receives no other. */
static void with_a_partial_message(void)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
		.flags = TQUEUE_RECEIVE_LEASE,
	};
	int fd = t_open_small(NAME);
	struct tqueue_record record;

	t_send_many(fd, 2, 0);
	record = t_lease(fd, 20, 0);
	t_is(read(fd, buf, 5), 5);
	fails_and_is_done(fd, &receive, &record, EBUSY);
	t_receive_rest(fd, 15, 1, 5);
	t_end(fd);
}

/* At the end of a stopped queue: the last ack is what ends it. */
static void the_end(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_receive receive;
	struct tqueue_record record;

	t_send_many(fd, 1, 0);
	record = t_lease(fd, 20, 0);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_is(ack_and_lease(fd, &receive, &record), 0);
	t_is(receive.ack_result, 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

/* ---- signals ----------------------------------------------------------- */

/* A signal while it sleeps: it is not begun again, as it would acknowledge twice. */
static void interrupted(void)
{
	static struct t_batch batch;
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;

	for (i = 0; i < 2; i++) {
		t_catch(SIGUSR1, i ? 0 : SA_RESTART);
		t_send_many(fd, 1, 0);
		record = t_lease(fd, 20, 0);
		t_start_lease(&batch, fd, buf, sizeof(buf), 1, TQUEUE_FOREVER);
		t_asleep(&batch.task, SYS_ioctl);
		t_is(pthread_kill(batch.task.thread, SIGUSR1), 0);
		if (i) {
			t_fails(&batch.task, EINTR);
		} else {
			/* Without an ack it goes on. */
			t_still_asleep(&batch.task, SYS_ioctl);
			t_send_many(fd, 1, 5);
			t_result(&batch.task, 1);
			t_is(t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE), 0);
		}
		t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	}
	t_catch(SIGUSR1, SA_RESTART);
	t_send_many(fd, 1, 0);
	record = t_lease(fd, 20, 0);
	batch.task.fd = fd;
	t_start_turn(&batch, fd, buf, sizeof(buf), &record, TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	t_is(pthread_kill(batch.task.thread, SIGUSR1), 0);
	t_fails(&batch.task, EINTR);
	t_is(batch.receive.ack_result, 0);
	t_is(t_info(fd).leased, 0);
	t_end(fd);
}

/* Who waits for it is told before the next message comes. */
static void it_is_done_at_once(void)
{
	static struct t_batch batch, wait;
	int fd = t_open_small(NAME);
	struct tqueue_record record;

	t_send_many(fd, 1, 0);
	record = t_lease(fd, 20, 0);
	t_start_wait(&wait, fd, record.id, TQUEUE_FOREVER);
	t_asleep(&wait.task, SYS_ioctl);
	t_start_turn(&batch, fd, buf, sizeof(buf), &record, TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	t_result(&wait.task, 0);
	t_counts(fd, 0, 0, 0, 0);
	t_send_many(fd, 1, 7);
	t_result(&batch.task, 1);
	t_is(batch.receive.ack_result, 0);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(acknowledge_and_lease),
	TQ_TEST(acknowledge_and_receive),
	TQ_TEST(acknowledged_and_failed),
	TQ_TEST(every_error),
	TQ_TEST(with_a_partial_message),
	TQ_TEST(the_end),
	TQ_TEST(interrupted),
	TQ_TEST(it_is_done_at_once),
};

int main(int argc, char **argv)
{
	return t_main("ack_receive", tests, ARRAY_SIZE(tests), argc, argv);
}
