// SPDX-License-Identifier: GPL-2.0-only
/* Shares of the queue, and everybody at once. */
#include "turns.h"

enum { BY_POLL, BY_EDGE, BY_SEND, WAYS };

#define MOST	8

/* The first byte says who it is from. */
static void run_blocking(struct t_task *task)
{
	char message[LENGTH] = { task->number };

	while (!atomic_load(&stop))
		if (write(task->fd, message, sizeof(message)) < 0)
			t_true(errno == ESHUTDOWN, "write fails with %s",
			       strerrorname_np(errno));
}

static void run_polling(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLOUT };
	int epoll = t_epoll(task->fd, EPOLLOUT | EPOLLET);
	char message[LENGTH] = { task->number };
	char records[3 * TQ_PAGE / 4];
	struct epoll_event event;
	size_t bytes = 0;
	int i;

	for (i = 0; i < 3; i++) {
		bytes = t_put(records, bytes, sizeof(message), 0);
		memcpy(t_at(records, bytes - t_record(sizeof(message)))->payload,
		       message, sizeof(message));
	}
	while (!atomic_load(&stop)) {
		if (task->len == BY_EDGE)
			epoll_wait(epoll, &event, 1, -1);
		else
			poll(&one, 1, -1);
		do {
			long sent = task->len == BY_SEND ?
				    t_send_call(task->fd, records, bytes, 0) :
				    write(task->fd, message, sizeof(message));

			if (sent < 0)
				break;
		} while (!atomic_load(&stop));
		t_true(errno == EAGAIN || errno == ESHUTDOWN, "sending fails with %s",
		       strerrorname_np(errno));
	}
	close(epoll);
}

/* Until all wait for room, in whatever way. */
static void all_asleep(struct t_task *tasks, int blocking, int polling, int way)
{
	double end = t_now() + 10 * t_slow();
	int i;

	for (i = 0; i < blocking + polling; i++) {
		long call = i < blocking ? SYS_write :
			    way == BY_EDGE ? SYS_epoll_wait : SYS_poll;

		while (!t_is_asleep(tasks[i].tid, call)) {
			t_true(t_now() < end, "sender %d of %d + %d does not go to sleep",
			       i, blocking, polling);
			sched_yield();
		}
	}
}

static void shares(int blocking, int polling, int way)
{
	/* Each message takes a look at all senders, so a slow kernel gets fewer. */
	int window = 10 * (blocking + polling), i, j;
	int total = (t_slow() > 1 ? 2 : 4) * window;
	unsigned char from[4 * 10 * MOST];
	struct t_task tasks[MOST];
	int fd = t_open_small(NAME);

	atomic_store(&stop, 0);
	for (i = 0; i < blocking + polling; i++) {
		tasks[i] = (struct t_task){
			.number = i, .len = way,
			.fd = t_open_queue(NAME, O_WRONLY |
					    (i < blocking ? 0 : O_NONBLOCK)),
		};
		t_start(&tasks[i], i < blocking ? run_blocking : run_polling);
	}
	all_asleep(tasks, blocking, polling, way);
	/* The first turn. */
	for (i = 0; i < 8 + blocking + polling; i++) {
		t_is(read(fd, buf, sizeof(buf)), LENGTH);
		all_asleep(tasks, blocking, polling, way);
	}
	for (i = 0; i < total; i++) {
		t_is(read(fd, buf, sizeof(buf)), LENGTH);
		from[i] = buf[0];
		all_asleep(tasks, blocking, polling, way);
	}
	for (i = 0; i + window <= total; i++) {
		int counts[MOST] = { 0 };

		for (j = i; j < i + window; j++)
			counts[from[j]]++;
		for (j = 0; j < blocking + polling; j++)
			t_true(counts[j] >= 4,
			       "of %d messages %d are from a sender that %s, beside %d and %d",
				window, counts[j], j < blocking ? "waits" : "polls",
				blocking, polling);
	}
	atomic_store(&stop, 1);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	for (i = 0; i < blocking + polling; i++) {
		t_finish(&tasks[i]);
		close(tasks[i].fd);
	}
	while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
		;
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

void share_of_one(void)
{
	int way;

	for (way = 0; way < WAYS; way++) {
		shares(1, 1, way);
		shares(3, 1, way);
	}
}

void shares_of_several(void)
{
	int way;

	for (way = 0; way < WAYS; way++) {
		shares(3, 3, way);
		shares(1, 4, way);
	}
}

/* A receiver that does not look whether all are there: still nobody starves. */
void nobody_starves(void)
{
	enum { BLOCKING = 3, TOTAL = 400 };
	struct t_task tasks[BLOCKING + 1];
	int fd = t_open_small(NAME), way, i, n;

	for (way = 0; way < WAYS; way++) {
		int counts[BLOCKING + 1] = { 0 };

		atomic_store(&stop, 0);
		for (i = 0; i <= BLOCKING; i++) {
			tasks[i] = (struct t_task){
				.number = i, .len = way,
				.fd = t_open_queue(NAME, O_WRONLY |
						    (i < BLOCKING ? 0 : O_NONBLOCK)),
			};
			t_start(&tasks[i], i < BLOCKING ? run_blocking : run_polling);
		}
		for (n = 0; n < TOTAL; n++) {
			usleep(200);
			t_is(read(fd, buf, sizeof(buf)), LENGTH);
			counts[(int)buf[0]]++;
		}
		/* A quarter of what is promised where all are there in time. */
		for (i = 0; i <= BLOCKING; i++)
			t_true(counts[i] >= TOTAL / 10 / (BLOCKING + 1),
			       "%d of %d messages are from a sender that %s", counts[i],
				TOTAL, i < BLOCKING ? "waits" : "polls");
		atomic_store(&stop, 1);
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		for (i = 0; i <= BLOCKING; i++) {
			t_finish(&tasks[i]);
			close(tasks[i].fd);
		}
		while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
			;
		t_is(ioctl(fd, TQUEUE_START), 0);
	}
	t_end(fd);
}

enum { WAITS, POLLS, EDGES, COMES_AND_GOES, KINDS };

static void run_any(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLOUT };
	int epoll = task->number == EDGES ? t_epoll(task->fd, EPOLLOUT | EPOLLET) : -1;
	char message[700] = "";
	unsigned int dice = task->len;

	while (!atomic_load(&stop)) {
		ssize_t sent, len;

		dice = dice * 1664525 + 1013904223;
		len = 1 + (dice >> 16) % sizeof(message);
		sent = write(task->fd, message, len);
		if (sent == len) {
			atomic_fetch_add(&task->count, 1);
			if (task->number == COMES_AND_GOES) {
				close(task->fd);
				task->fd = open_nonblocking();
			}
			continue;
		}
		t_true(sent == -1 && (errno == EAGAIN || errno == EINTR),
		       "write gives %zd (%s)", sent, strerrorname_np(errno));
		if (task->number == POLLS)
			poll(&one, 1, -1);
		else if (task->number == EDGES)
			events_of(epoll, true);
		else if (task->number == COMES_AND_GOES)
			sched_yield();
	}
	if (epoll >= 0)
		close(epoll);
}

/*
 * Senders of all kinds, those that wait under a hail of signals, and a receiver that
 * takes a little at a time: everybody gets on all the time.
 */
void everybody_gets_on(void)
{
	enum { EACH = 2 };
	struct t_task tasks[KINDS * EACH];
	long before[KINDS * EACH] = { 0 };
	double end = t_now() + t_seconds(4), since[KINDS * EACH];
	int fd = t_open_small(NAME), i, n = KINDS * EACH;
	unsigned int rounds = 0;

	t_unblockable();
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	atomic_store(&stop, 0);
	for (i = 0; i < n; i++) {
		tasks[i] = (struct t_task){
			.number = i % KINDS, .len = i,
			.fd = i % KINDS == WAITS ? t_open_queue(NAME, O_WRONLY) :
						   open_nonblocking(),
		};
		since[i] = t_now();
		t_start(&tasks[i], run_any);
	}
	while (t_goes_on(end, rounds > 1000)) {
		rounds++;
		if (rounds % 3 == 0)
			usleep(100);
		if (rounds % 8 == 0)
			pthread_kill(tasks[rounds / 8 % 2 * KINDS].thread, SIGUSR1);
		if (rounds % 5)
			read(fd, buf, sizeof(buf));
		else
			t_receive_call(fd, buf, rounds % 2 ? 800 : sizeof(buf), 0);
		t_true(t_info(fd).bytes <= 2 * 4096, "the queue holds %llu bytes",
		       (unsigned long long)t_info(fd).bytes);
		for (i = 0; i < n; i++) {
			long count = atomic_load(&tasks[i].count);

			if (count != before[i]) {
				before[i] = count;
				since[i] = t_now();
			}
			/* Less than the sender would look again by itself. */
			t_true(t_now() < since[i] + 4 * t_slow(),
			       "a sender of kind %ld does not get on, after %ld messages",
			       tasks[i].number, count);
		}
	}
	atomic_store(&stop, 1);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
			   TQUEUE_OVERFLOW_DROP_OLDEST, 0), 0);
	for (i = 0; i < n; i++) {
		t_finish(&tasks[i]);
		close(tasks[i].fd);
	}
	while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
		;
	t_end(fd);
}
