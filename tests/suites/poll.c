// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll, select and epoll. POLLIN: a read of this file returns something. POLLOUT:
 * a message of max_message fits or, where others wait for room, this file has not
 * had its turn. Every arrival is an edge.
 */
#include "calls.h"

#include <sys/epoll.h>
#include <sys/select.h>

#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)
#define ALL	(IN | OUT | POLLPRI | POLLERR | POLLHUP | POLLRDHUP)

static void levels(void)
{
	int fd = t_open(O_RDWR), in = t_open(O_RDONLY), out = t_open(O_WRONLY);

	t_is(t_poll(fd, ALL), OUT);
	t_is(t_poll(in, ALL), 0);
	t_is(t_poll(out, ALL), OUT);
	t_send(fd, 1, 1);
	t_is(t_poll(fd, ALL), IN | OUT);
	t_is(t_poll(in, ALL), IN);
	t_is(t_poll(out, ALL), OUT);
	t_is(t_fill(TQ_SMALL_MAX, 0), 3);
	t_is(t_poll(fd, ALL), IN);
	t_is(t_poll(in, ALL), IN);
	t_is(t_poll(out, ALL), 0);
	t_is(t_drain(), 4);
	t_is(t_poll(fd, ALL), OUT);
	t_is(t_poll(in, ALL), 0);
	close(fd);
	close(in);
	close(out);
}

/* POLLOUT goes when the largest message no longer fits, and comes so back. */
static void writable_means_the_largest_fits(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t used = 0, sent = 0, got = 0;

	/* Three quarters used is the last point at which the largest fits. */
	while (used + 64 <= TQ_PAGE) {
		bool fits = used + TQ_PAGE / 4 <= TQ_PAGE;

		t_is(t_poll(fd, OUT), fits ? OUT : 0);
		t_send(fd, 24, sent++);
		used += 64;
	}
	while (used) {
		bool fits = used + TQ_PAGE / 4 <= TQ_PAGE;

		t_is(t_poll(fd, OUT), fits ? OUT : 0);
		t_receive(fd, 24, got++);
		used -= 64;
	}
	t_is(t_poll(fd, OUT), OUT);
	close(fd);
}

static void writable_follows_max_message(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t n = 0;

	/* max_message=8: there is room as long as 48 bytes are left. */
	while (t_poll(fd, OUT))
		t_send(fd, 1, n++);
	t_is(n, TQ_PAGE / 48);
	t_errno(write(fd, "x", 1), EAGAIN);
	t_is(t_drain(), n);
	close(fd);
}

static void not_writable_while_a_sender_waits(void)
{
	int fd = t_open(O_RDWR), quick = t_open(O_WRONLY | O_NONBLOCK), i;
	struct t_task sender;
	char buf[TQ_SMALL_MAX] = "";

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_is(t_poll(quick, OUT), 0);
	t_start_write(&sender, fd, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	t_is(t_poll(quick, OUT), OUT);
	t_send(quick, 1, 9);
	t_is(t_poll(quick, OUT), 0);
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_receive(fd, TQ_SMALL_MAX, 1);
	t_finish(&sender);
	t_is(t_poll(quick, OUT), 0);
	for (i = 2; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, 1, 9);
	t_is(t_poll(quick, OUT), OUT);
	t_is(read(fd, buf, sizeof(buf)), sizeof(buf));
	close(quick);
	close(fd);
}

static void poll_waits_for_a_message(void)
{
	int fd = t_open(O_RDWR), in = t_open(O_RDONLY), i;
	struct t_task poller;

	for (i = 0; i < 20; i++) {
		t_start_poll(&poller, in, IN);
		t_asleep(&poller, SYS_poll);
		t_send(fd, 1, 1);
		t_polled(&poller, IN);
		t_receive(fd, 1, 1);
	}
	close(fd);
	close(in);
}

static void poll_waits_for_room(void)
{
	int fd = t_open(O_RDWR), n, i;
	struct t_task poller = { .fd = t_open(O_WRONLY) };

	n = t_fill(24, 0);	/* 64 bytes each: a quarter makes room for the largest */
	t_is(n, TQ_PAGE / 64);
	t_start_poll(&poller, poller.fd, OUT);
	t_asleep(&poller, SYS_poll);
	for (i = 0; i < TQ_PAGE / 256 - 1; i++)
		t_receive(fd, 24, i);
	t_still_asleep(&poller, SYS_poll);
	t_receive(fd, 24, TQ_PAGE / 256 - 1);
	t_polled(&poller, OUT);
	t_is(t_drain(), TQ_PAGE / 64 - TQ_PAGE / 256);
	close(fd);
	close(poller.fd);
}

/* Room that a line of senders uses up is no room; what is left after it is. */
static void poll_waits_for_room_behind_a_line(void)
{
	int fd = t_open(O_RDWR);
	struct t_task poller = { .fd = t_open(O_WRONLY | O_NONBLOCK) };
	struct t_task sender;
	char buf[TQ_SMALL_MAX] = "";

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_start_write(&sender, fd, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	/* Its turn. */
	t_send(poller.fd, 1, 9);
	t_start_poll(&poller, poller.fd, OUT);
	t_asleep(&poller, SYS_poll);
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_receive(fd, TQ_SMALL_MAX, 1);
	t_finish(&sender);
	t_still_asleep(&poller, SYS_poll);
	t_receive(fd, TQ_SMALL_MAX, 2);
	t_polled(&poller, OUT);
	t_receive(fd, TQ_SMALL_MAX, 3);
	t_receive(fd, 1, 9);
	t_is(read(fd, buf, sizeof(buf)), sizeof(buf));
	close(fd);
	close(poller.fd);
}

/* So much room at once that the line is gone and there is more. */
static void poll_sees_the_line_gone(void)
{
	int fd = t_open(O_RDWR);
	struct t_task poller = { .fd = t_open(O_WRONLY | O_NONBLOCK) };
	char buf[TQ_SMALL_MAX] = "", records[3 * TQ_PAGE / 4];
	struct t_task sender;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_start_write(&sender, fd, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	/* Its turn. */
	t_send(poller.fd, 1, 9);
	t_start_poll(&poller, poller.fd, OUT);
	t_asleep(&poller, SYS_poll);
	t_is(t_receive_call(fd, records, sizeof(records), 0), 3);
	t_finish(&sender);
	t_polled(&poller, OUT);
	t_is(t_drain(), 3);
	close(fd);
	close(poller.fd);
}

static void poll_sees_a_returned_rest(void)
{
	int fd = t_open(O_RDWR), a = t_open(O_RDONLY);
	struct t_task poller;
	char byte;

	t_send(fd, 10, 1);
	t_is(read(a, &byte, 1), 1);
	t_is(t_poll(fd, IN), 0);
	t_start_poll(&poller, fd, IN);
	t_asleep(&poller, SYS_poll);
	close(a);
	t_polled(&poller, IN);
	t_receive_rest(fd, 9, 1, 1);
	close(fd);
}

static void select_works(void)
{
	int fd = t_open(O_RDWR);
	struct timeval none = { 0 };
	fd_set in, out, except;
	int i;

	for (i = 0; i < 2; i++) {
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_ZERO(&except);
		FD_SET(fd, &in);
		FD_SET(fd, &out);
		FD_SET(fd, &except);
		t_is(select(fd + 1, &in, &out, &except, &none), 1 + i);
		t_is(!!FD_ISSET(fd, &in), i);
		t_is(!!FD_ISSET(fd, &out), 1);
		t_is(!!FD_ISSET(fd, &except), 0);
		t_send(fd, 1, i);
	}
	t_is(t_drain(), 2);
	close(fd);
}

/* The events that are there now, or come within @ms. */
static uint32_t events_of(int epoll, int ms)
{
	struct epoll_event event = { 0 };

	return epoll_wait(epoll, &event, 1, ms) == 1 ? event.events : 0;
}

static int soon(void)
{
	return 5000 * t_slow();
}

static void epoll_level(void)
{
	int fd = t_open(O_RDWR), epoll = t_epoll(fd, EPOLLIN);
	int i;

	t_is(events_of(epoll, 0), 0);
	t_send(fd, 1, 1);
	t_send(fd, 1, 2);
	for (i = 0; i < 3; i++)
		t_is(events_of(epoll, 0), EPOLLIN);
	t_receive(fd, 1, 1);
	t_is(events_of(epoll, 0), EPOLLIN);
	t_receive(fd, 1, 2);
	t_is(events_of(epoll, 0), 0);
	close(epoll);
	close(fd);
}

/* Each arrival is an edge, also while older messages are still there. */
static void epoll_edge_per_arrival(void)
{
	int fd = t_open(O_RDWR), in = t_open(O_RDONLY);
	int epoll = t_epoll(in, EPOLLIN | EPOLLET), i;

	t_is(events_of(epoll, 0), 0);
	for (i = 0; i < 10; i++) {
		t_send(fd, 1, i);
		t_is(events_of(epoll, soon()), EPOLLIN);
		t_is(events_of(epoll, 0), 0);
	}
	t_receive(in, 1, 0);
	t_is(events_of(epoll, 0), 0);
	t_is(t_drain(), 9);
	t_send(fd, 1, 1);
	t_is(events_of(epoll, soon()), EPOLLIN);
	t_is(t_drain(), 1);
	close(epoll);
	close(fd);
	close(in);
}

/* An arrival from the line of senders, and a returned rest, are edges too. */
static void epoll_edge_of_other_arrivals(void)
{
	int fd = t_open(O_RDWR), in = t_open(O_RDONLY), a = t_open(O_RDONLY);
	int epoll;
	struct t_task sender;
	char buf[TQ_SMALL_MAX] = "";

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_start_write(&sender, fd, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	epoll = t_epoll(in, EPOLLIN | EPOLLET);
	t_is(events_of(epoll, 0), EPOLLIN);
	t_is(events_of(epoll, 0), 0);
	t_is(read(a, buf, 10), 10);
	t_finish(&sender);
	t_is(events_of(epoll, soon()), EPOLLIN);
	t_is(events_of(epoll, 0), 0);
	close(a);
	t_is(events_of(epoll, soon()), EPOLLIN);
	t_is(t_drain(), 5);
	close(epoll);
	close(fd);
	close(in);
}

static void epoll_edge_of_room(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK), out = t_open(O_WRONLY);
	int epoll = t_epoll(out, EPOLLOUT | EPOLLET), i, round;

	t_is(events_of(epoll, 0), EPOLLOUT);
	for (round = 0; round < 5; round++) {
		t_is(t_fill(24, 0), TQ_PAGE / 64);
		t_is(events_of(epoll, 0), 0);
		for (i = 0; i < TQ_PAGE / 256 - 1; i++)
			t_receive(fd, 24, i);
		t_is(events_of(epoll, 0), 0);
		t_receive(fd, 24, TQ_PAGE / 256 - 1);
		t_is(events_of(epoll, soon()), EPOLLOUT);
		t_is(events_of(epoll, 0), 0);
		t_is(t_drain(), TQ_PAGE / 64 - TQ_PAGE / 256);
		events_of(epoll, 0);
	}
	close(epoll);
	close(fd);
	close(out);
}

static void epoll_oneshot(void)
{
	int fd = t_open(O_RDWR), epoll = t_epoll(fd, EPOLLIN | EPOLLONESHOT);
	struct epoll_event again = { .events = EPOLLIN | EPOLLONESHOT };

	t_send(fd, 1, 1);
	t_is(events_of(epoll, 0), EPOLLIN);
	t_send(fd, 1, 2);
	t_is(events_of(epoll, 0), 0);
	t_is(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &again), 0);
	t_is(events_of(epoll, 0), EPOLLIN);
	t_is(t_drain(), 2);
	close(epoll);
	close(fd);
}

/* Several event loops that share the work: one message, not all of them. */
static void epoll_exclusive(void)
{
	enum { MANY = 8 };
	int fd = t_open(O_RDWR), in[MANY], i, awake, round;
	struct t_task loops[MANY] = { 0 };
	double end;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < MANY; i++) {
			in[i] = t_open(O_RDONLY);
			loops[i].fd = t_epoll(in[i], EPOLLIN | EPOLLEXCLUSIVE);
			t_start(&loops[i], t_run_epoll_wait);
			t_asleep(&loops[i], SYS_epoll_wait);
		}
		t_send(fd, 1, 1);
		end = t_now() + 10 * t_slow();
		do {
			for (awake = 0, i = 0; i < MANY; i++)
				awake += t_done(&loops[i]);
		} while (!awake && t_now() < end);
		t_sleep_ms(20);
		for (awake = 0, i = 0; i < MANY; i++)
			awake += t_done(&loops[i]);
		t_true(awake == 1, "one message wakes %d of %d event loops", awake,
		       MANY);
		/* The others are there for the next ones. */
		for (i = 1; i < MANY; i++) {
			t_send(fd, 1, 1 + i);
			t_sleep_ms(1);
		}
		for (i = 0; i < MANY; i++) {
			t_finish(&loops[i]);
			t_is(loops[i].result, 1);
			close(loops[i].fd);
			close(in[i]);
		}
		t_is(t_drain(), MANY);
	}
	close(fd);
}

/* An exclusive waiter for room must not swallow the wake-up for a message. */
static void epoll_exclusive_by_direction(void)
{
	int fd = t_open(O_RDWR), in = t_open(O_RDWR), out = t_open(O_RDWR);
	struct t_task writers = { 0 }, readers = { 0 };
	struct epoll_event event;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	writers.fd = t_epoll(out, EPOLLOUT | EPOLLEXCLUSIVE);
	t_start(&writers, t_run_epoll_wait);
	t_asleep(&writers, SYS_epoll_wait);
	readers.fd = t_epoll(in, EPOLLIN | EPOLLEXCLUSIVE);
	t_is(epoll_wait(readers.fd, &event, 1, 0), 1);
	/* Room: for the writer. Then the readers' loop sleeps until a message. */
	t_is(t_drain(), 4);
	t_finish(&writers);
	t_start(&readers, t_run_epoll_wait);
	t_asleep(&readers, SYS_epoll_wait);
	t_send(fd, 5, 1);
	t_finish(&readers);
	t_is(t_drain(), 1);
	close(writers.fd);
	close(readers.fd);
	close(in);
	close(out);
	close(fd);
}

/*
 * That a queue can be written to is no unit that one of them uses up: all who
 * wait for it learn of room, of the stop and of a policy that always has room.
 */
static void epoll_exclusive_for_room(void)
{
	enum { MANY = 3 };
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_OVERFLOW,
		.overflow = TQUEUE_OVERFLOW_DROP_OLDEST,
	};
	struct t_task loops[MANY];
	int fd = t_open(O_RDWR), out[MANY], i, how;

	for (how = 0; how < 3; how++) {
		t_is(t_fill(TQ_SMALL_MAX, 0), 4);
		for (i = 0; i < MANY; i++) {
			out[i] = t_open(O_WRONLY);
			loops[i] = (struct t_task){
				.fd = t_epoll(out[i], EPOLLOUT | EPOLLEXCLUSIVE),
			};
			t_start(&loops[i], t_run_epoll_wait);
			t_asleep(&loops[i], SYS_epoll_wait);
		}
		if (!how)
			t_is(t_drain(), 4);
		else if (how == 1)
			t_is(ioctl(fd, TQUEUE_STOP), 0);
		else
			t_is(ioctl(fd, TQUEUE_SET, &config), 0);
		for (i = 0; i < MANY; i++) {
			t_finish(&loops[i]);
			t_is(loops[i].result, 1);
			close(loops[i].fd);
			close(out[i]);
		}
		t_is(ioctl(fd, TQUEUE_START), 0);
		t_drain();
	}
	config.overflow = TQUEUE_OVERFLOW_BLOCK;
	t_is(ioctl(fd, TQUEUE_SET, &config), 0);
	close(fd);
}

/* Level, edge and plain pollers beside each other all learn of a message. */
static void all_kinds_at_once(void)
{
	int fd = t_open(O_RDWR), in = t_open(O_RDONLY), i;
	struct t_task tasks[4] = {
		{ .fd = t_epoll(in, EPOLLIN) },
		{ .fd = t_epoll(in, EPOLLIN | EPOLLET) },
		{ .fd = in, .events = IN },
		{ .fd = t_open(O_RDONLY), .events = IN },
	};

	for (i = 0; i < 4; i++) {
		t_start(&tasks[i], i < 2 ? t_run_epoll_wait : t_run_poll);
		t_asleep(&tasks[i], i < 2 ? SYS_epoll_wait : SYS_poll);
	}
	t_send(fd, 4, 1);
	for (i = 0; i < 4; i++) {
		t_finish(&tasks[i]);
		t_is(tasks[i].result, 1);
	}
	t_receive(in, 4, 1);
	close(in);
	close(fd);
}

struct passing {
	int out;
	unsigned int n;
};

static void run_sender(struct t_task *task)
{
	struct passing *passing = task->arg;
	unsigned int i;

	for (i = 0; i < passing->n; i++)
		t_is(write(passing->out, &i, sizeof(i)), sizeof(i));
}

/* No lost event: a nonblocking edge-triggered reader gets all of them. */
static void edge_triggered_transfer(void)
{
	struct passing passing = { .out = t_open(O_WRONLY), .n = 3000 };
	struct t_task sender = { .arg = &passing };
	int in = t_open(O_RDONLY | O_NONBLOCK);
	int epoll = t_epoll(in, EPOLLIN | EPOLLET);
	unsigned int got = 0, value;

	t_start(&sender, run_sender);
	while (got < passing.n) {
		t_true(events_of(epoll, soon()), "no event after %u of %u messages",
		       got, passing.n);
		for (;;) {
			ssize_t len = read(in, &value, sizeof(value));

			if (len < 0) {
				t_errno(len, EAGAIN);
				break;
			}
			t_is(len, sizeof(value));
			t_is(value, got);
			got++;
		}
	}
	t_finish(&sender);
	close(epoll);
	close(in);
	close(passing.out);
}

static void run_edge_sender(struct t_task *task)
{
	struct passing *passing = task->arg;
	int epoll = t_epoll(passing->out, EPOLLOUT | EPOLLET);
	unsigned int i = 0;

	while (i < passing->n) {
		t_true(events_of(epoll, soon()), "no room after %u of %u messages",
		       i, passing->n);
		for (; i < passing->n; i++) {
			ssize_t len = write(passing->out, &i, sizeof(i));

			if (len < 0) {
				t_errno(len, EAGAIN);
				break;
			}
		}
	}
	close(epoll);
}

/* The same for room. */
static void edge_triggered_sending(void)
{
	struct passing passing = {
		.out = t_open(O_WRONLY | O_NONBLOCK), .n = 3000,
	};
	struct t_task sender = { .arg = &passing };
	int in = t_open(O_RDONLY);
	unsigned int got, value;

	t_start(&sender, run_edge_sender);
	for (got = 0; got < passing.n; got++) {
		t_is(read(in, &value, sizeof(value)), sizeof(value));
		t_is(value, got);
	}
	t_finish(&sender);
	close(in);
	close(passing.out);
}

static const struct t_test tests[] = {
	TQ_TEST_WITH(levels, TQ_SMALL),
	TQ_TEST_WITH(writable_means_the_largest_fits, TQ_SMALL),
	TQ_TEST_WITH(writable_follows_max_message, "size_l=4096 max_message=8"),
	TQ_TEST_WITH(not_writable_while_a_sender_waits, TQ_SMALL),
	TQ_TEST_WITH(poll_waits_for_room, TQ_SMALL),
	TQ_TEST_WITH(poll_waits_for_room_behind_a_line, TQ_SMALL),
	TQ_TEST_WITH(poll_sees_the_line_gone, TQ_SMALL),
	TQ_TEST_WITH(epoll_edge_of_other_arrivals, TQ_SMALL),
	TQ_TEST_WITH(epoll_edge_of_room, TQ_SMALL),
	TQ_TEST_WITH(epoll_exclusive_by_direction, TQ_SMALL),
	TQ_TEST_WITH(epoll_exclusive_for_room, TQ_SMALL),
	TQ_TEST_WITH(edge_triggered_sending, TQ_SMALL),
	TQ_TEST(poll_waits_for_a_message),
	TQ_TEST(poll_sees_a_returned_rest),
	TQ_TEST(select_works),
	TQ_TEST(epoll_level),
	TQ_TEST(epoll_edge_per_arrival),
	TQ_TEST(epoll_oneshot),
	TQ_TEST(epoll_exclusive),
	TQ_TEST(all_kinds_at_once),
	TQ_TEST(edge_triggered_transfer),
};

int main(int argc, char **argv)
{
	return t_main("poll", tests, ARRAY_SIZE(tests), argc, argv);
}
