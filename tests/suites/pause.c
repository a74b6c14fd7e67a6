// SPDX-License-Identifier: GPL-2.0-only
/*
 * PAUSE: senders go on, receivers find nothing and wait, settling and looking go on.
 * It is not the end of anything.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"pause"
#define OTHER	1234	/* another user */

static char buf[64 * 1024] __attribute__((aligned(8)));

static int open_paused(void)
{
	int fd = t_open_small(NAME);

	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	t_is(t_info(fd).state, TQUEUE_STATE_PAUSED);
	return fd;
}

static void resume(int fd)
{
	t_is(ioctl(fd, TQUEUE_RESUME), 0);
	t_is(t_info(fd).state, 0);
}

/* Nothing is received by any call. */
static void nothing_at(int line)
{
	int quick = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);

	t_errno_at(__FILE__, line, "read", read(quick, buf, 100), EAGAIN);
	t_errno_at(__FILE__, line, "RECEIVE", t_receive_call(quick, buf, sizeof(buf), 0),
		   EAGAIN);
	t_errno_at(__FILE__, line, "a lease",
		   t_lease_call(quick, buf, sizeof(buf), 0, 0), EAGAIN);
	t_is_at(__FILE__, line, "POLLIN", t_poll(quick, POLLIN | POLLMSG), 0);
	close(quick);
}

#define nothing()	nothing_at(__LINE__)

static void nothing_is_received(void)
{
	int fd = open_paused(), i;

	for (i = 0; i < 4; i++)
		t_send_priority(fd, 20, i, i);
	t_counts(fd, 4, 0, 0, 0);
	t_is(t_poll(fd, POLLIN | POLLOUT), POLLOUT);
	nothing();
	t_errno(t_receive_call(fd, buf, sizeof(buf), t_deadline(0.02)), ETIMEDOUT);
	/* Twice is once. */
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	resume(fd);
	t_is(ioctl(fd, TQUEUE_RESUME), 0);
	t_is(t_poll(fd, POLLIN), POLLIN);
	for (i = 3; i >= 0; i--)
		t_take(fd, 20, i);
	t_end(fd);
}

static void those_who_sleep_go_on_sleeping(void)
{
	static struct t_task reader;
	static struct t_batch receiver;
	static char mine[2][128] __attribute__((aligned(8)));
	int fd = t_open_small(NAME);

	t_start_read(&reader, fd, mine[0], 64);
	t_start_receive(&receiver, fd, mine[1], t_record(20), TQUEUE_FOREVER);
	t_asleep(&reader, SYS_read);
	t_asleep(&receiver.task, SYS_ioctl);
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	t_send(fd, 20, 1);
	t_send(fd, 20, 1);
	t_still_asleep(&reader, SYS_read);
	t_still_asleep(&receiver.task, SYS_ioctl);
	resume(fd);
	t_result(&reader, 20);
	t_result(&receiver.task, 1);
	t_end(fd);
}

/* As many as there are messages, and all who poll. */
static void resuming_wakes(void)
{
	enum { N = 5, READY = 3 };
	static struct t_task readers[N];
	static char mine[N][64];
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = open_paused(), epoll = epoll_create1(EPOLL_CLOEXEC), i, done = 0;

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	t_is(epoll_wait(epoll, &event, 1, 0), 0);
	for (i = 0; i < N; i++) {
		t_start_read(&readers[i], t_open_queue(NAME, O_RDONLY), mine[i], 64);
		t_asleep(&readers[i], SYS_read);
	}
	for (i = 0; i < READY; i++)
		t_send(fd, 20, 1);
	while (epoll_wait(epoll, &event, 1, 0))
		t_true(!(event.events & EPOLLIN), "it polls EPOLLIN while paused");
	resume(fd);
	while (done < READY) {
		usleep(500);
		for (i = done = 0; i < N; i++)
			done += t_done(&readers[i]);
	}
	t_sleep_ms(20);
	for (i = done = 0; i < N; i++)
		done += t_done(&readers[i]);
	t_is(done, READY);
	for (i = READY; i < N; i++)
		t_send(fd, 20, 1);
	for (i = 0; i < N; i++) {
		t_result(&readers[i], 20);
		close(readers[i].fd);
	}
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	t_send(fd, 20, 1);
	while (epoll_wait(epoll, &event, 1, 0))
		;
	resume(fd);
	t_is(epoll_wait(epoll, &event, 1, 10000 * t_slow()), 1);
	t_is(event.events, EPOLLIN);
	t_receive(fd, 20, 1);
	close(epoll);
	t_end(fd);
}

/* What was begun is read to its end, and comes back if it is not. */
static void partial_messages(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY);

	t_send(fd, 100, 1);
	t_send(fd, 100, 2);
	t_is(read(fd, buf, 40), 40);
	t_is(read(other, buf, 40), 40);
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	t_is(t_poll(fd, POLLIN), POLLIN);
	t_is(t_fionread(fd), 60);
	t_receive_rest(fd, 60, 1, 40);
	t_is(t_poll(fd, POLLIN), 0);
	close(other);
	t_counts(fd, 1, 0, 0, 0);
	nothing();
	resume(fd);
	t_receive_rest(fd, 60, 2, 40);
	t_end(fd);
}

static void settling_and_looking_go_on(void)
{
	struct tqueue_record records[3];
	struct tqueue_listed entries[8];
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), i;
	struct tqueue_receive receive;
	uint64_t ids[5];

	for (i = 0; i < 5; i++)
		ids[i] = t_send_id(fd, 20, i);
	for (i = 0; i < 3; i++)
		records[i] = t_lease(i == 2 ? other : fd, 20, i);
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	t_is(t_settle(fd, &records[0], TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_settle(fd, &records[1], TQUEUE_REQUEUE), 0);
	close(other);
	t_counts(fd, 4, 0, 0, 0);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 4);
	t_is(t_list_call(fd, entries, 8, 0, 0), 4);
	/* By id they can be worked on, and taken. */
	t_is(t_by_id_call(fd, ids[3], TQUEUE_RECEIVE_PEEK, buf, sizeof(buf)), 1);
	t_is(t_by_id_call(fd, ids[3], TQUEUE_RECEIVE_LEASE, buf, sizeof(buf)), 1);
	/* An ack with a receive is done, and nothing is received. */
	receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
		.flags = TQUEUE_RECEIVE_ACK | TQUEUE_RECEIVE_LEASE,
		.ack_id = ids[3], .ack_delivery = t_at(buf, 0)->delivery,
	};
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EAGAIN);
	t_is(receive.ack_result, 0);
	t_is(t_settle_unleased(fd, ids[4], TQUEUE_BURY), 0);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
	t_is(t_by_id_call(fd, ids[1], 0, buf, sizeof(buf)), 1);
	nothing();
	resume(fd);
	t_take(fd, 20, 2);
	t_take(fd, 20, 4);
	t_end(fd);
}

/* Delays and limits pass. */
static void time_goes_on(void)
{
	int fd = t_open_small(NAME);
	uint64_t delayed, leased;

	leased = t_send_id(fd, 20, 1);
	t_is(t_lease_call(fd, buf, sizeof(buf), 1, 20 * T_MS), 1);
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	delayed = t_send_delayed(fd, 20, 2, 20 * T_MS);
	t_becomes(fd, leased, TQUEUE_READY);
	t_becomes(fd, delayed, TQUEUE_READY);
	nothing();
	resume(fd);
	t_take(fd, 20, 1);
	t_take(fd, 20, 2);
	t_end(fd);
}

/* Senders wait for room as ever, and fill it as ever. */
static void a_full_queue(void)
{
	static struct t_task writer;
	static char mine[TQ_SMALL_MAX];
	int fd = open_paused(), i;

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), 4);
	t_pattern(mine, sizeof(mine), 4, 0);
	t_start_write(&writer, fd, mine, sizeof(mine));
	t_asleep(&writer, SYS_write);
	resume(fd);
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_result(&writer, TQ_SMALL_MAX);
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, TQUEUE_OVERFLOW_DROP_OLDEST, 0), 0);
	for (i = 5; i < 8; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	t_is(t_info(fd).dropped, 3);
	resume(fd);
	for (i = 4; i < 8; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_end(fd);
}

/* A stopped one ends though it is paused, but not with messages in it. */
static void the_end(void)
{
	int fd = t_open_small(NAME);

	t_send(fd, 20, 1);
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_is(t_info(fd).state, TQUEUE_STATE_PAUSED | TQUEUE_STATE_STOPPED);
	nothing();
	t_is(ioctl(fd, TQUEUE_RESUME), 0);
	t_is(t_info(fd).state, TQUEUE_STATE_STOPPED);
	t_receive(fd, 20, 1);
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	t_is(read(fd, buf, 100), 0);
	t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	t_is(t_poll(fd, POLLIN), POLLIN);
	t_is(ioctl(fd, TQUEUE_START), 0);
	/* Each is undone by its own call alone. */
	t_is(t_info(fd).state, TQUEUE_STATE_PAUSED);
	nothing();
	resume(fd);
	t_end(fd);
}

static void as_other(void *arg)
{
	int fd;

	t_set_user(OTHER);
	fd = t_open_queue(NAME, O_RDWR);
	if (arg) {
		t_is(ioctl(fd, TQUEUE_PAUSE), 0);
		t_is(ioctl(fd, TQUEUE_RESUME), 0);
	} else {
		t_errno(ioctl(fd, TQUEUE_PAUSE), EPERM);
		t_errno(ioctl(fd, TQUEUE_RESUME), EPERM);
	}
}

static void who_may(void)
{
	struct tqueue_create create = t_creation(NAME);
	int fd, i;

	create.mode = 0666;
	t_is(t_create_call(&create), 0);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < 2; i++) {
		if (i)
			t_is(t_set_field(fd, OWNER, uid, OTHER), 0);
		t_reap(t_fork(as_other, i ? &i : NULL));
	}
	t_end(fd);
}

static void by_name(void)
{
	int fd = t_open_small(NAME);

	t_send(fd, 20, 1);
	t_is(t_select_call(TQUEUE_CTL_PAUSE, NAME), 0);
	t_is(t_get(NAME).state, TQUEUE_STATE_PAUSED);
	nothing();
	t_is(t_select_call(TQUEUE_CTL_RESUME, NAME), 0);
	t_errno(t_select_call(TQUEUE_CTL_PAUSE, "none"), ENOENT);
	t_errno(t_select_call(TQUEUE_CTL_RESUME, "none"), ENOENT);
	t_receive(fd, 20, 1);
	t_end(fd);
}

/* Paused and resumed all the time while messages go through: none is lost, none sleeps. */
static void again_and_again(void)
{
	static struct t_task reader;
	static char mine[64];
	double end = t_now() + t_seconds(1);
	int fd = t_open_small(NAME), runs = 0;

	do {
		t_start_read(&reader, fd, mine, sizeof(mine));
		t_is(ioctl(fd, TQUEUE_PAUSE), 0);
		t_send(fd, 20, 1);
		if (runs % 2)
			sched_yield();
		t_is(ioctl(fd, TQUEUE_RESUME), 0);
		t_result(&reader, 20);
		runs++;
	} while (t_now() < end);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(nothing_is_received),
	TQ_TEST(those_who_sleep_go_on_sleeping),
	TQ_TEST(resuming_wakes),
	TQ_TEST(partial_messages),
	TQ_TEST(settling_and_looking_go_on),
	TQ_TEST(time_goes_on),
	TQ_TEST(a_full_queue),
	TQ_TEST(the_end),
	TQ_TEST(who_may),
	TQ_TEST(by_name),
	TQ_TEST(again_and_again),
};

int main(int argc, char **argv)
{
	return t_main("pause", tests, ARRAY_SIZE(tests), argc, argv);
}
