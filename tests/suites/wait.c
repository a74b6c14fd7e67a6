// SPDX-License-Identifier: GPL-2.0-only
/*
 * WAIT: it sleeps until everything up to a message has been received whole or
 * was dropped, and no longer.
 */
#include "calls.h"

#define NAME	"done"

static void done(int fd)
{
	t_empty(fd);
	t_is(t_wait_call(fd, TQUEUE_FOREVER, 0), 0);
	close(fd);
	t_remove(NAME);
}

static void start(struct t_batch *waiter, int fd, uint64_t id)
{
	t_start_wait(waiter, fd, id, TQUEUE_FOREVER);
	t_asleep(&waiter->task, SYS_ioctl);
}

static void nothing_to_wait_for(void)
{
	int fd = t_open_small(NAME);
	uint64_t id;

	t_is(t_wait_call(fd, TQUEUE_FOREVER, 0), 0);
	t_is(t_wait_call(fd, 0, 0), 0);
	t_is(t_wait_call(fd, TQUEUE_FOREVER, TQUEUE_FOREVER), 0);
	id = t_send_id(fd, 10, 1);
	t_receive(fd, 10, 1);
	t_is(t_wait_call(fd, id, 0), 0);
	t_is(t_wait_call(fd, id, 1), 0);
	t_is(t_wait_call(fd, id, TQUEUE_FOREVER), 0);
	done(fd);
}

static void until_it_is_received(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;
	uint64_t id;

	t_send_id(fd, 10, 1);
	id = t_send_id(fd, 10, 2);
	t_send_id(fd, 10, 3);
	start(&waiter, fd, id);
	t_receive(fd, 10, 1);
	t_still_asleep(&waiter.task, SYS_ioctl);
	t_receive(fd, 10, 2);
	t_result(&waiter.task, 0);
	t_receive(fd, 10, 3);
	done(fd);
}

/* What is sent later is of no concern. */
static void all_that_was_sent_before(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;

	t_send(fd, 10, 1);
	t_send(fd, 10, 2);
	start(&waiter, fd, TQUEUE_FOREVER);
	t_send(fd, 10, 3);
	t_received(fd, 1, 10, 1);
	t_still_asleep(&waiter.task, SYS_ioctl);
	t_received(fd, 1, 10, 2);
	t_result(&waiter.task, 0);
	t_received(fd, 1, 10, 3);
	done(fd);
}

/* However they are received. */
static void all_ways_to_receive(void)
{
	int fd = t_open_small(NAME), ends[2], i;
	struct t_batch waiter;
	char buf[256];
	struct iovec parts[2] = { { buf, 5 }, { buf + 5, 100 } };

	t_is(pipe(ends), 0);
	for (i = 0; i < 6; i++) {
		t_send(fd, 20, 1);
		start(&waiter, fd, TQUEUE_FOREVER);
		switch (i) {
		case 0:
			t_is(read(fd, buf, 100), 20);
			break;
		case 1:
			t_is(readv(fd, parts, 2), 20);
			break;
		case 2:
			t_is(splice(fd, NULL, ends[1], NULL, 100, 0), 20);
			t_is(read(ends[0], buf, 100), 20);
			break;
		case 3:
			t_is(t_receive_call(fd, buf, 100, 0), 1);
			break;
		case 4:
			t_is(read(fd, buf, 1), 1);
			t_still_asleep(&waiter.task, SYS_ioctl);
			t_is(read(fd, buf, 18), 18);
			t_still_asleep(&waiter.task, SYS_ioctl);
			t_is(read(fd, buf, 18), 1);
			break;
		default:
			t_is(splice(fd, NULL, ends[1], NULL, 7, 0), 7);
			t_still_asleep(&waiter.task, SYS_ioctl);
			t_is(splice(fd, NULL, ends[1], NULL, 100, 0), 13);
			t_is(read(ends[0], buf, 100), 20);
			break;
		}
		t_result(&waiter.task, 0);
	}
	done(fd);
}

/* Looking is not receiving. */
static void peeking_is_not_enough(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;
	char buf[64];

	t_send(fd, 10, 1);
	start(&waiter, fd, TQUEUE_FOREVER);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 1);
	t_still_asleep(&waiter.task, SYS_ioctl);
	t_receive(fd, 10, 1);
	t_result(&waiter.task, 0);
	done(fd);
}

/* A message read in part is not done, whatever came after it. */
static void partials_in_flight(void)
{
	int fd = t_open_small(NAME), holder = t_open_queue(NAME, O_RDONLY);
	struct t_batch first, second;
	uint64_t one, two;
	char part[8];

	one = t_send_id(fd, 20, 1);
	two = t_send_id(fd, 20, 2);
	t_is(read(holder, part, 8), 8);
	t_receive(fd, 20, 2);
	t_errno(t_wait_call(fd, one, 0), EAGAIN);
	t_errno(t_wait_call(fd, two, 0), EAGAIN);
	start(&first, fd, one);
	start(&second, fd, two);
	/* It comes back: still not done. */
	close(holder);
	t_still_asleep(&first.task, SYS_ioctl);
	t_still_asleep(&second.task, SYS_ioctl);
	holder = t_open_queue(NAME, O_RDONLY);
	t_is(read(holder, part, 8), 8);
	t_still_asleep(&first.task, SYS_ioctl);
	t_receive_rest(holder, 4, 1, 16);
	t_result(&first.task, 0);
	t_result(&second.task, 0);
	close(holder);
	done(fd);
}

/* The rest is in the waiter's own file: another thread may read it. */
static void own_partial_in_flight(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;
	char part[8];

	t_send(fd, 20, 1);
	t_is(read(fd, part, 8), 8);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, 0), EAGAIN);
	start(&waiter, fd, TQUEUE_FOREVER);
	t_receive_rest(fd, 12, 1, 8);
	t_result(&waiter.task, 0);
	done(fd);
}

/* Being copied to a reader who stalls is not done either. */
static void in_a_stalled_readers_hands(void)
{
	int fd = t_open_small(NAME);
	struct t_stall stall;
	struct t_task reader;
	struct t_batch waiter;

	t_send(fd, 20, 1);
	t_stall_make(&stall, t_page());
	t_start_read(&reader, t_open_queue(NAME, O_RDONLY), stall.map, 100);
	t_stall_wait(&stall);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, 0), EAGAIN);
	start(&waiter, fd, TQUEUE_FOREVER);
	t_still_asleep(&waiter.task, SYS_ioctl);
	t_stall_release(&stall, NULL);
	t_result(&reader, 20);
	t_result(&waiter.task, 0);
	close(reader.fd);
	done(fd);
}

/* A sender that waits has sent nothing yet. */
static void senders_in_line(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;
	struct t_task sender;
	char buf[20];

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	t_pattern(buf, 20, 9, 0);
	t_start_write(&sender, fd, buf, 20);
	t_asleep(&sender, SYS_write);
	start(&waiter, fd, TQUEUE_FOREVER);
	t_received(fd, 4, TQ_SMALL_MAX, 1);
	t_result(&waiter.task, 0);
	t_result(&sender, 20);
	t_receive(fd, 20, 9);
	done(fd);
}

static void dropped_messages(void)
{
	struct t_batch waiter;
	uint64_t id;
	int fd, i;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	id = t_send_id(fd, TQ_SMALL_MAX, 1);
	start(&waiter, fd, id);
	for (i = 0; i < 3; i++)
		t_send(fd, TQ_SMALL_MAX, 2 + i);
	t_still_asleep(&waiter.task, SYS_ioctl);
	t_send(fd, TQ_SMALL_MAX, 5);
	t_result(&waiter.task, 0);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, 2 + i);
	done(fd);
}

/* Read over: nobody will ever receive them. */
static void empty_messages(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;
	char buf[256];

	t_is(t_send_call(fd, buf, t_put_many(buf, 0, 0, 3), 0), 3);
	start(&waiter, fd, TQUEUE_FOREVER);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	t_errno(read(fd, buf, 10), EAGAIN);
	t_result(&waiter.task, 0);
	done(fd);
}

static void one_after_the_other(void)
{
	enum { MANY = 8 };
	struct t_batch waiters[MANY];
	int fd = t_open_small(NAME), i, j;

	for (i = 0; i < MANY; i++) {
		uint64_t id = t_send_id(fd, 10, i);

		start(&waiters[MANY - 1 - i], fd, id);
	}
	for (i = 0; i < MANY; i++) {
		t_receive(fd, 10, i);
		t_result(&waiters[MANY - 1 - i].task, 0);
		for (j = i + 1; j < MANY; j++)
			t_true(!t_done(&waiters[MANY - 1 - j].task),
			       "waiter %d is woken with %d", j, i);
	}
	done(fd);
}

static void many_for_the_same(void)
{
	enum { MANY = 8 };
	struct t_batch waiters[MANY];
	int fd = t_open_small(NAME), i;

	t_send(fd, 10, 1);
	for (i = 0; i < MANY; i++)
		start(&waiters[i], t_open_queue(NAME, i % 2 ? O_RDONLY : O_WRONLY),
		      TQUEUE_FOREVER);
	t_receive(fd, 10, 1);
	for (i = 0; i < MANY; i++) {
		t_result(&waiters[i].task, 0);
		close(waiters[i].task.fd);
	}
	done(fd);
}

static void deadlines(void)
{
	int fd = t_open_small(NAME);
	double began = t_now();

	t_send(fd, 10, 1);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, 0), EAGAIN);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, 1), ETIMEDOUT);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, t_deadline(0.1)), ETIMEDOUT);
	t_true(t_now() - began > 0.099 * t_slow(), "it ends too early");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, TQUEUE_FOREVER), EAGAIN);
	t_errno(t_wait_call(fd, TQUEUE_FOREVER, t_deadline(10)), EAGAIN);
	t_receive(fd, 10, 1);
	done(fd);
}

static void interrupted(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;

	t_unblockable();
	t_send(fd, 10, 1);
	start(&waiter, fd, TQUEUE_FOREVER);
	pthread_kill(waiter.task.thread, SIGUSR1);
	t_fails(&waiter.task, EINTR);
	signal(SIGUSR1, SIG_DFL);
	t_receive(fd, 10, 1);
	done(fd);
}

static void restarted(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;

	t_catch(SIGUSR1, SA_RESTART);
	t_send(fd, 10, 1);
	start(&waiter, fd, TQUEUE_FOREVER);
	pthread_kill(waiter.task.thread, SIGUSR1);
	t_still_asleep(&waiter.task, SYS_ioctl);
	t_receive(fd, 10, 1);
	t_result(&waiter.task, 0);
	done(fd);
}

/* A stopped queue is one that is being emptied. */
static void of_a_stopped_queue(void)
{
	int fd = t_open_small(NAME);
	struct t_batch waiter;

	t_send(fd, 10, 1);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	start(&waiter, fd, TQUEUE_FOREVER);
	t_receive(fd, 10, 1);
	t_result(&waiter.task, 0);
	close(fd);
	t_remove(NAME);
}

/* ---- in traffic --------------------------------------------------------------------- */

static atomic_int stop;

static void receive_on(struct t_task *task)
{
	while (!atomic_load(&stop)) {
		char buf[64];

		t_receive_call(task->fd, buf, sizeof(buf), t_deadline(0.01));
	}
}

static void in_traffic(void)
{
	struct t_task receiver = { .fd = t_open_small(NAME) };
	double end = t_now() + t_seconds(2);
	long rounds = 0;
	char buf[64];

	t_start(&receiver, receive_on);
	while (t_goes_on(end, rounds > 20)) {
		uint64_t id = t_send_id(receiver.fd, 20, 1);

		if (rounds % 3)
			t_send_id(receiver.fd, 20, 2);
		t_is(t_wait_call(receiver.fd, id, TQUEUE_FOREVER), 0);
		t_true(t_peek_call(receiver.fd, buf, sizeof(buf)) < 1 ||
		       t_at(buf, 0)->id > id, "it is still in the queue");
		if (rounds % 5 == 0)
			t_is(t_wait_call(receiver.fd, TQUEUE_FOREVER,
					 TQUEUE_FOREVER), 0);
		rounds++;
	}
	atomic_store(&stop, 1);
	t_finish(&receiver);
	t_true(rounds > 20, "only %ld rounds", rounds);
	while (t_receive_call(receiver.fd, buf, sizeof(buf), 0) == 1)
		;
	done(receiver.fd);
}

static const struct t_test tests[] = {
	TQ_TEST(nothing_to_wait_for),
	TQ_TEST(until_it_is_received),
	TQ_TEST(all_that_was_sent_before),
	TQ_TEST(all_ways_to_receive),
	TQ_TEST(peeking_is_not_enough),
	TQ_TEST(partials_in_flight),
	TQ_TEST(own_partial_in_flight),
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
	return t_main("wait", tests, ARRAY_SIZE(tests), argc, argv);
}
