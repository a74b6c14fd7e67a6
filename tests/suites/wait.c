// SPDX-License-Identifier: GPL-2.0
/*
 * WAIT: it sleeps until everything up to a message has been received whole or
 * was dropped, and no longer.
 */
#include "calls.h"

#define NAME	"done"

static void done(int fd)
{
	tq_empty(fd);
	tq_is(tq_wait_call(fd, TQUEUE_FOREVER, 0), 0);
	close(fd);
	tq_remove(NAME);
}

/* Sends one message and gives its id. */
static uint64_t send_one(int fd, size_t len, uint64_t seed)
{
	char buf[2048];
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = tq_put(buf, 0, len, seed),
		.deadline = TQUEUE_FOREVER,
	};

	tq_is(ioctl(fd, TQUEUE_SEND, &send), 1);
	return send.last_id;
}

static void start(struct tq_batch *waiter, int fd, uint64_t id)
{
	tq_start_wait(waiter, fd, id, TQUEUE_FOREVER);
	tq_asleep(&waiter->task, SYS_ioctl);
}

static void nothing_to_wait_for(void)
{
	int fd = tq_open_small(NAME);
	uint64_t id;

	tq_is(tq_wait_call(fd, TQUEUE_FOREVER, 0), 0);
	tq_is(tq_wait_call(fd, 0, 0), 0);
	tq_is(tq_wait_call(fd, TQUEUE_FOREVER, TQUEUE_FOREVER), 0);
	id = send_one(fd, 10, 1);
	tq_receive(fd, 10, 1);
	tq_is(tq_wait_call(fd, id, 0), 0);
	tq_is(tq_wait_call(fd, id, 1), 0);
	tq_is(tq_wait_call(fd, id, TQUEUE_FOREVER), 0);
	done(fd);
}

static void until_it_is_received(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;
	uint64_t id;

	send_one(fd, 10, 1);
	id = send_one(fd, 10, 2);
	send_one(fd, 10, 3);
	start(&waiter, fd, id);
	tq_receive(fd, 10, 1);
	tq_still_asleep(&waiter.task, SYS_ioctl);
	tq_receive(fd, 10, 2);
	tq_result(&waiter.task, 0);
	tq_receive(fd, 10, 3);
	done(fd);
}

/* What is sent later is of no concern. */
static void all_that_was_sent_before(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;

	tq_send(fd, 10, 1);
	tq_send(fd, 10, 2);
	start(&waiter, fd, TQUEUE_FOREVER);
	tq_send(fd, 10, 3);
	tq_received(fd, 1, 10, 1);
	tq_still_asleep(&waiter.task, SYS_ioctl);
	tq_received(fd, 1, 10, 2);
	tq_result(&waiter.task, 0);
	tq_received(fd, 1, 10, 3);
	done(fd);
}

/* However they are received. */
static void all_ways_to_receive(void)
{
	int fd = tq_open_small(NAME), ends[2], i;
	struct tq_batch waiter;
	char buf[256];
	struct iovec parts[2] = { { buf, 5 }, { buf + 5, 100 } };

	tq_is(pipe(ends), 0);
	for (i = 0; i < 6; i++) {
		tq_send(fd, 20, 1);
		start(&waiter, fd, TQUEUE_FOREVER);
		switch (i) {
		case 0:
			tq_is(read(fd, buf, 100), 20);
			break;
		case 1:
			tq_is(readv(fd, parts, 2), 20);
			break;
		case 2:
			tq_is(splice(fd, NULL, ends[1], NULL, 100, 0), 20);
			tq_is(read(ends[0], buf, 100), 20);
			break;
		case 3:
			tq_is(tq_receive_call(fd, buf, 100, 0), 1);
			break;
		case 4:
			tq_is(read(fd, buf, 1), 1);
			tq_still_asleep(&waiter.task, SYS_ioctl);
			tq_is(read(fd, buf, 18), 18);
			tq_still_asleep(&waiter.task, SYS_ioctl);
			tq_is(read(fd, buf, 18), 1);
			break;
		default:
			tq_is(splice(fd, NULL, ends[1], NULL, 7, 0), 7);
			tq_still_asleep(&waiter.task, SYS_ioctl);
			tq_is(splice(fd, NULL, ends[1], NULL, 100, 0), 13);
			tq_is(read(ends[0], buf, 100), 20);
			break;
		}
		tq_result(&waiter.task, 0);
	}
	done(fd);
}

/* Looking is not receiving. */
static void peeking_is_not_enough(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;
	char buf[64];

	tq_send(fd, 10, 1);
	start(&waiter, fd, TQUEUE_FOREVER);
	tq_is(tq_peek_call(fd, buf, sizeof(buf)), 1);
	tq_still_asleep(&waiter.task, SYS_ioctl);
	tq_receive(fd, 10, 1);
	tq_result(&waiter.task, 0);
	done(fd);
}

/* A message read in part is not done, whatever came after it. */
static void rests_in_hand(void)
{
	int fd = tq_open_small(NAME), holder = tq_open_queue(NAME, O_RDONLY);
	struct tq_batch first, second;
	uint64_t one, two;
	char part[8];

	one = send_one(fd, 20, 1);
	two = send_one(fd, 20, 2);
	tq_is(read(holder, part, 8), 8);
	tq_receive(fd, 20, 2);
	tq_errno(tq_wait_call(fd, one, 0), EAGAIN);
	tq_errno(tq_wait_call(fd, two, 0), EAGAIN);
	start(&first, fd, one);
	start(&second, fd, two);
	/* It comes back: still not done. */
	close(holder);
	tq_still_asleep(&first.task, SYS_ioctl);
	tq_still_asleep(&second.task, SYS_ioctl);
	holder = tq_open_queue(NAME, O_RDONLY);
	tq_is(read(holder, part, 8), 8);
	tq_still_asleep(&first.task, SYS_ioctl);
	tq_receive_rest(holder, 4, 1, 16);
	tq_result(&first.task, 0);
	tq_result(&second.task, 0);
	close(holder);
	done(fd);
}

/* The rest is in the waiter's own file: another thread may read it. */
static void own_rest_in_hand(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;
	char part[8];

	tq_send(fd, 20, 1);
	tq_is(read(fd, part, 8), 8);
	tq_errno(tq_wait_call(fd, TQUEUE_FOREVER, 0), EAGAIN);
	start(&waiter, fd, TQUEUE_FOREVER);
	tq_receive_rest(fd, 12, 1, 8);
	tq_result(&waiter.task, 0);
	done(fd);
}

/* Being copied to a reader who stalls is not done either. */
static void in_a_stalled_readers_hands(void)
{
	int fd = tq_open_small(NAME);
	struct tq_stall stall;
	struct tq_task reader;
	struct tq_batch waiter;

	tq_send(fd, 20, 1);
	tq_stall_make(&stall, tq_page());
	tq_start_read(&reader, tq_open_queue(NAME, O_RDONLY), stall.map, 100);
	tq_stall_wait(&stall);
	tq_errno(tq_wait_call(fd, TQUEUE_FOREVER, 0), EAGAIN);
	start(&waiter, fd, TQUEUE_FOREVER);
	tq_still_asleep(&waiter.task, SYS_ioctl);
	tq_stall_release(&stall, NULL);
	tq_result(&reader, 20);
	tq_result(&waiter.task, 0);
	close(reader.fd);
	done(fd);
}

/* A sender that waits has sent nothing yet. */
static void senders_in_line(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;
	struct tq_task sender;
	char buf[20];

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	tq_pattern(buf, 20, 9, 0);
	tq_start_write(&sender, fd, buf, 20);
	tq_asleep(&sender, SYS_write);
	start(&waiter, fd, TQUEUE_FOREVER);
	tq_received(fd, 4, TQ_SMALL_MAX, 1);
	tq_result(&waiter.task, 0);
	tq_result(&sender, 20);
	tq_receive(fd, 20, 9);
	done(fd);
}

static void dropped_messages(void)
{
	struct tq_batch waiter;
	uint64_t id;
	int fd, i;

	tq_create_with(NAME, 4096, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = tq_open_queue(NAME, O_RDWR);
	id = send_one(fd, TQ_SMALL_MAX, 1);
	start(&waiter, fd, id);
	for (i = 0; i < 3; i++)
		tq_send(fd, TQ_SMALL_MAX, 2 + i);
	tq_still_asleep(&waiter.task, SYS_ioctl);
	tq_send(fd, TQ_SMALL_MAX, 5);
	tq_result(&waiter.task, 0);
	for (i = 0; i < 4; i++)
		tq_receive(fd, TQ_SMALL_MAX, 2 + i);
	done(fd);
}

/* Read over: nobody will ever receive them. */
static void empty_messages(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;
	char buf[256];

	tq_is(tq_send_call(fd, buf, tq_put_many(buf, 0, 0, 3), 0), 3);
	start(&waiter, fd, TQUEUE_FOREVER);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	tq_errno(read(fd, buf, 10), EAGAIN);
	tq_result(&waiter.task, 0);
	done(fd);
}

static void one_after_the_other(void)
{
	enum { MANY = 8 };
	struct tq_batch waiters[MANY];
	int fd = tq_open_small(NAME), i, j;

	for (i = 0; i < MANY; i++) {
		uint64_t id = send_one(fd, 10, i);

		start(&waiters[MANY - 1 - i], fd, id);
	}
	for (i = 0; i < MANY; i++) {
		tq_receive(fd, 10, i);
		tq_result(&waiters[MANY - 1 - i].task, 0);
		for (j = i + 1; j < MANY; j++)
			tq_true(!tq_done(&waiters[MANY - 1 - j].task),
				"waiter %d is woken with %d", j, i);
	}
	done(fd);
}

static void many_for_the_same(void)
{
	enum { MANY = 8 };
	struct tq_batch waiters[MANY];
	int fd = tq_open_small(NAME), i;

	tq_send(fd, 10, 1);
	for (i = 0; i < MANY; i++)
		start(&waiters[i], tq_open_queue(NAME, i % 2 ? O_RDONLY : O_WRONLY),
		      TQUEUE_FOREVER);
	tq_receive(fd, 10, 1);
	for (i = 0; i < MANY; i++) {
		tq_result(&waiters[i].task, 0);
		close(waiters[i].task.fd);
	}
	done(fd);
}

static void deadlines(void)
{
	int fd = tq_open_small(NAME);
	double began = tq_now();

	tq_send(fd, 10, 1);
	tq_errno(tq_wait_call(fd, TQUEUE_FOREVER, 0), EAGAIN);
	tq_errno(tq_wait_call(fd, TQUEUE_FOREVER, 1), ETIMEDOUT);
	tq_errno(tq_wait_call(fd, TQUEUE_FOREVER, tq_deadline(0.1)), ETIMEDOUT);
	tq_true(tq_now() - began > 0.099 * tq_slow(), "it ends too early");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	tq_errno(tq_wait_call(fd, TQUEUE_FOREVER, TQUEUE_FOREVER), EAGAIN);
	tq_errno(tq_wait_call(fd, TQUEUE_FOREVER, tq_deadline(10)), EAGAIN);
	tq_receive(fd, 10, 1);
	done(fd);
}

static void interrupted(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;

	tq_unblockable();
	tq_send(fd, 10, 1);
	start(&waiter, fd, TQUEUE_FOREVER);
	pthread_kill(waiter.task.thread, SIGUSR1);
	tq_fails(&waiter.task, EINTR);
	signal(SIGUSR1, SIG_DFL);
	tq_receive(fd, 10, 1);
	done(fd);
}

static void restarted(void)
{
	struct sigaction action;
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;

	/* A handler that does nothing, but restarts. */
	tq_unblockable();
	sigaction(SIGUSR1, NULL, &action);
	action.sa_flags |= SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	tq_send(fd, 10, 1);
	start(&waiter, fd, TQUEUE_FOREVER);
	pthread_kill(waiter.task.thread, SIGUSR1);
	tq_still_asleep(&waiter.task, SYS_ioctl);
	tq_receive(fd, 10, 1);
	tq_result(&waiter.task, 0);
	done(fd);
}

/* A stopped queue is one that is being emptied. */
static void of_a_stopped_queue(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch waiter;

	tq_send(fd, 10, 1);
	tq_is(ioctl(fd, TQUEUE_STOP), 0);
	start(&waiter, fd, TQUEUE_FOREVER);
	tq_receive(fd, 10, 1);
	tq_result(&waiter.task, 0);
	close(fd);
	tq_remove(NAME);
}

/* ---- in traffic --------------------------------------------------------------------- */

static atomic_int stop;

static void receive_on(struct tq_task *task)
{
	while (!atomic_load(&stop)) {
		char buf[64];

		tq_receive_call(task->fd, buf, sizeof(buf), tq_deadline(0.01));
	}
}

static void in_traffic(void)
{
	struct tq_task receiver = { .fd = tq_open_small(NAME) };
	double end = tq_now() + tq_seconds(2);
	long rounds = 0;
	char buf[64];

	tq_start(&receiver, receive_on);
	while (tq_goes_on(end, rounds > 20)) {
		uint64_t id = send_one(receiver.fd, 20, 1);

		if (rounds % 3)
			send_one(receiver.fd, 20, 2);
		tq_is(tq_wait_call(receiver.fd, id, TQUEUE_FOREVER), 0);
		tq_true(tq_peek_call(receiver.fd, buf, sizeof(buf)) < 1 ||
			tq_at(buf, 0)->id > id, "it is still in the queue");
		if (rounds % 5 == 0)
			tq_is(tq_wait_call(receiver.fd, TQUEUE_FOREVER,
					   TQUEUE_FOREVER), 0);
		rounds++;
	}
	atomic_store(&stop, 1);
	tq_finish(&receiver);
	tq_true(rounds > 20, "only %ld rounds", rounds);
	while (tq_receive_call(receiver.fd, buf, sizeof(buf), 0) == 1)
		;
	done(receiver.fd);
}

static const struct tq_test tests[] = {
	TQ_TEST(nothing_to_wait_for),
	TQ_TEST(until_it_is_received),
	TQ_TEST(all_that_was_sent_before),
	TQ_TEST(all_ways_to_receive),
	TQ_TEST(peeking_is_not_enough),
	TQ_TEST(rests_in_hand),
	TQ_TEST(own_rest_in_hand),
	TQ_TEST(in_a_stalled_readers_hands),
	TQ_TEST(senders_in_line),
	TQ_TEST(dropped_messages),
	TQ_TEST(empty_messages),
	TQ_TEST(one_after_the_other),
	TQ_TEST(many_for_the_same),
	TQ_TEST(deadlines),
	TQ_TEST(interrupted),
	TQ_TEST(restarted),
	TQ_TEST(of_a_stopped_queue),
	TQ_TEST(in_traffic),
};

int main(int argc, char **argv)
{
	return tq_main("wait", tests, ARRAY_SIZE(tests), argc, argv);
}
