// SPDX-License-Identifier: GPL-2.0-only
/*
 * POLLIN means that a read returns something: a byte, or the end. Empty messages,
 * over which reads pass, are told to users of RECEIVE by POLLMSG.
 */
#include "calls.h"

#include <sys/epoll.h>
#include <sys/select.h>

#define NAME	"readable"
#define IN	(POLLIN | POLLRDNORM)
#define ANY	(IN | POLLMSG)

static int open_queue(unsigned int end_of_file)
{
	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, end_of_file);
	return t_open_queue(NAME, O_RDWR | O_NONBLOCK);
}

/* Sends records of these lengths in one batch; a negative one ends them. */
static void send_lengths(int fd, const int *lengths)
{
	char buf[TQ_PAGE];
	size_t end = 0;
	int n;

	for (n = 0; lengths[n] >= 0; n++)
		end = t_put(buf, end, lengths[n], n);
	t_is(t_send_call(fd, buf, end, 0), n);
}

static void send_empty(int fd, int n)
{
	char buf[TQ_PAGE];

	t_is(t_send_call(fd, buf, t_put_many(buf, 0, 0, n), 0), n);
}

static bool selects(int fd)
{
	struct timeval none = { 0 };
	fd_set in;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	return select(fd + 1, &in, NULL, NULL, &none) == 1;
}

static uint32_t epolls(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDNORM | EPOLLMSG };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	event.events = 0;
	epoll_wait(epoll, &event, 1, 0);
	close(epoll);
	return event.events;
}

/* Readable: whether a read returns something; ready: whether there is a record. */
static void is_at(int line, int fd, bool readable, bool ready)
{
	short events = (readable ? IN : 0) | (ready ? POLLMSG : 0);

	t_is_at(__FILE__, line, "poll", t_poll(fd, ANY), events);
	t_is_at(__FILE__, line, "epoll", epolls(fd) & ANY, events);
	t_is_at(__FILE__, line, "select", selects(fd), readable);
	t_is_at(__FILE__, line, "POLLIN alone", t_poll(fd, POLLIN),
		readable ? POLLIN : 0);
	t_is_at(__FILE__, line, "POLLMSG alone", t_poll(fd, POLLMSG),
		ready ? POLLMSG : 0);
}

#define is(fd, readable, ready)	is_at(__LINE__, fd, readable, ready)

static void passes_over(int fd, int messages)
{
	char buf[64];

	t_is(t_info(fd).messages, messages);
	t_errno(read(fd, buf, sizeof(buf)), EAGAIN);
	t_is(t_info(fd).messages, 0);
	is(fd, false, false);
}

/* ---- levels ----------------------------------------------------------------- */

static void only_empty_ones(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), n;

	is(fd, false, false);
	for (n = 1; n < 60; n += 7) {
		send_empty(fd, n);
		t_is(t_fionread(fd), 0);
		is(fd, false, true);
		passes_over(fd, n);
		send_empty(fd, n);
		is(fd, false, true);
		t_received(fd, n, 0, 0);
		is(fd, false, false);
	}
	/* One after the other, and taken one by one. */
	for (n = 0; n < 20; n++) {
		send_empty(fd, 1);
		is(fd, false, true);
	}
	for (n = 0; n < 20; n++) {
		is(fd, false, true);
		t_received(fd, 1, 0, 0);
	}
	is(fd, false, false);
	t_end(fd);
}

/* At whatever place the other one stands, and of the shortest length, too. */
static void one_among_empty_ones(void)
{
	static const int lengths[] = { 1, 7, 8, 9, 100 };
	int fd = open_queue(TQUEUE_EOF_NEVER), many = 9, at, n;
	char buf[TQ_PAGE], small[128];
	size_t i, end;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (at = 0; at < many; at++) {
			for (n = 0, end = 0; n < many; n++)
				end = t_put(buf, end, n == at ? lengths[i] : 0, 5);
			t_is(t_send_call(fd, buf, end, 0), many);
			is(fd, true, true);
			t_is(t_fionread(fd), lengths[i]);
			/* Empty ones taken before it make no difference... */
			for (n = 0; n < at; n++) {
				t_received(fd, 1, 0, 0);
				is(fd, true, true);
			}
			/* ... and those behind it are none to read. */
			t_received(fd, 1, lengths[i], 5);
			is(fd, false, at < many - 1);
			if (at < many - 1)
				t_received(fd, many - 1 - at, 0, 0);
			is(fd, false, false);
			/* A read takes what it passes over as well. */
			t_is(t_send_call(fd, buf, end, 0), many);
			t_is(read(fd, small, sizeof(small)), lengths[i]);
			is(fd, false, at < many - 1);
			if (at < many - 1)
				passes_over(fd, many - 1 - at);
		}
	}
	t_end(fd);
}

/* One that had to wait for room is empty all the same. */
static void one_that_was_blocked(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER);
	struct t_batch sender;
	char buf[100];
	size_t n, i;

	n = t_fill_file(fd, TQ_SMALL_MAX, 1);
	t_start_send(&sender, t_open_queue(NAME, O_WRONLY), buf, t_put(buf, 0, 0, 0),
		     TQUEUE_FOREVER);
	t_asleep(&sender.task, SYS_ioctl);
	for (i = 0; i < n; i++)
		t_receive(fd, TQ_SMALL_MAX, 1 + i);
	t_result(&sender.task, 1);
	is(fd, false, true);
	passes_over(fd, 1);
	is(fd, false, false);
	close(sender.task.fd);
	t_end(fd);
}

/* All that is counted moves with the messages when the ring is made anew. */
static void after_a_resize(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), i;

	for (i = 0; i < 4; i++) {
		send_empty(fd, 5);
		t_received(fd, 2, 0, 0);
		t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, i % 2 ? TQ_PAGE : 16 * TQ_PAGE, 0), 0);
		is(fd, false, true);
		send_lengths(fd, (int []){ 0, 3, 0, -1 });
		is(fd, true, true);
		t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, i % 2 ? 4 * TQ_PAGE : 2 * TQ_PAGE, 0), 0);
		is(fd, true, true);
		t_received(fd, 4, 0, 0);
		is(fd, true, true);
		t_received(fd, 1, 3, 1);
		is(fd, false, true);
		passes_over(fd, 1);
	}
	t_end(fd);
}

/* Dropping takes empty ones and others in their turn. */
static void dropped(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER);
	char buf[2 * TQ_PAGE];
	int left;

	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
			   TQUEUE_OVERFLOW_DROP_OLDEST, 0), 0);
	send_lengths(fd, (int []){ 0, 0, 10, 0, 0, 10, 0, -1 });
	do {
		send_empty(fd, 1);
		left = t_info(fd).dropped < 6;
		is(fd, left, true);
	} while (left);
	left = t_info(fd).messages;
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), left);
	is(fd, false, false);
	t_end(fd);
}

/* ---- messages that came back --------------------------------------------------- */

/*
 * Begins to receive the first message in a way that holds it, and lets it fail: it
 * comes back, detached.
 */
static void receive_in_vain(size_t len)
{
	size_t page = t_page();
	int fd = t_open_queue(NAME, O_RDONLY);
	char *zeros = aligned_alloc(page, 2 * page);
	struct t_batch batch;
	struct t_stall stall;

	memset(zeros, 0, 2 * page);
	t_stall_make(&stall, 2 * page);
	t_start_receive(&batch, fd, stall.map + page - 8, t_record(len),
			TQUEUE_FOREVER);
	t_stall_by_turns(&stall, zeros);
	t_stall_spoil(&stall);
	t_fails(&batch.task, EFAULT);
	close(stall.uffd);
	munmap(stall.map, stall.len);
	free(zeros);
	close(fd);
}

static void empty_ones_that_came_back(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), holder, i;
	char part[8];

	/* Detached and empty, alone and before empty ones in the ring. */
	for (i = 1; i < 4; i++) {
		send_empty(fd, i);
		receive_in_vain(0);
		is(fd, false, true);
		t_received(fd, i, 0, 0);
		is(fd, false, false);
		send_empty(fd, i);
		receive_in_vain(0);
		passes_over(fd, i);
	}
	/* Detached and empty before one that is not, in the ring. */
	send_lengths(fd, (int []){ 0, 5, -1 });
	receive_in_vain(0);
	is(fd, true, true);
	t_received(fd, 1, 0, 0);
	is(fd, true, true);
	t_received(fd, 1, 5, 1);
	is(fd, false, false);
	/* Not empty and detached, before empty ones in the ring. */
	send_lengths(fd, (int []){ 5, 0, 0, -1 });
	receive_in_vain(5);
	is(fd, true, true);
	t_is(t_fionread(fd), 5);
	t_receive(fd, 5, 0);
	is(fd, false, true);
	passes_over(fd, 2);
	/* A partial one that comes back before empty ones. */
	send_lengths(fd, (int []){ 0, 20, 0, 0, -1 });
	holder = t_open_queue(NAME, O_RDONLY);
	t_is(read(holder, part, sizeof(part)), sizeof(part));
	is(fd, false, true);
	t_is(t_poll(holder, POLLIN), POLLIN);
	close(holder);
	is(fd, true, true);
	t_receive_rest(fd, 12, 1, 8);
	is(fd, false, true);
	passes_over(fd, 2);
	t_end(fd);
}

/* What one file has read a part of is no message for the others. */
static void a_partial_beside_empty_ones(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), other;
	char part[8];

	other = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
	send_lengths(fd, (int []){ 20, 0, -1 });
	t_is(read(other, part, 8), 8);
	is(fd, false, true);
	t_is(t_poll(other, IN), IN);
	t_receive_rest(other, 12, 0, 8);
	is(other, false, true);
	passes_over(other, 1);
	close(other);
	t_end(fd);
}

/* ---- the end -------------------------------------------------------------------- */

/* A read skips them and finds the end: that is something. */
static void a_stopped_queue(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), i;
	char buf[64];

	for (i = 0; i < 2; i++) {
		send_empty(fd, 3);
		is(fd, false, true);
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		is(fd, true, true);
		if (i) {
			t_received(fd, 3, 0, 0);
			is(fd, true, false);
			t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
		}
		t_is(fcntl(fd, F_SETFL, 0), 0);
		t_is(read(fd, buf, sizeof(buf)), 0);
		t_is(t_info(fd).messages, 0);
		t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
		t_true(t_poll(fd, IN | POLLRDHUP) == (IN | POLLRDHUP), "not at its end");
		t_is(ioctl(fd, TQUEUE_START), 0);
		is(fd, false, false);
	}
	t_end(fd);
}

/* While one may still come back it is not the end, and a read would wait. */
/* Those who wait for it are told: by the stop, and when the last lease is over. */
static void pollers_of_a_stopped_queue(void)
{
	char buf[TQ_PAGE];
	int fd = open_queue(TQUEUE_EOF_NEVER), i;

	for (i = 0; i < 2; i++) {
		struct t_task poller;
		struct tqueue_record record;

		if (i) {
			t_send(fd, 20, 1);
			record = t_lease(fd, 20, 1);
			t_is(ioctl(fd, TQUEUE_START), 0);
		}
		send_empty(fd, 3);
		if (i)
			t_is(ioctl(fd, TQUEUE_STOP), 0);
		t_start_poll(&poller, fd, POLLIN);
		t_asleep(&poller, SYS_poll);
		if (i)
			t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
		else
			t_is(ioctl(fd, TQUEUE_STOP), 0);
		t_polled(&poller, POLLIN);
		t_is(read(fd, buf, sizeof(buf)), 0);
		t_is(ioctl(fd, TQUEUE_START), 0);
	}
	t_end(fd);
}

static void a_stopped_queue_with_one_in_flight(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), holder;
	char buf[64];

	holder = t_open_queue(NAME, O_RDONLY);
	send_lengths(fd, (int []){ 20, 0, -1 });
	t_is(read(holder, buf, 8), 8);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	is(fd, false, true);
	passes_over(fd, 1);
	close(holder);
	is(fd, true, true);
	t_receive_rest(fd, 12, 0, 8);
	t_is(read(fd, buf, sizeof(buf)), 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

static void the_last_writer_left(void)
{
	int fd = open_queue(TQUEUE_EOF_LAST_WRITER), in;
	char buf[64];

	in = t_open_queue(NAME, O_RDONLY);
	send_empty(fd, 3);
	is(in, false, true);
	close(fd);
	is(in, true, true);
	t_is(read(in, buf, sizeof(buf)), 0);
	t_is(t_info(in).messages, 0);
	close(in);
	t_remove(NAME);
}

/* ---- who sleeps ------------------------------------------------------------------ */

/* Who polls for bytes sleeps on, who polls for records is woken. */
static void pollers(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), how, i;
	static const int lengths[] = { 0, 0, -1 };
	struct t_task tasks[4];

	for (how = 0; how < 2; how++) {
		for (i = 0; i < 4; i++) {
			int other = t_open_queue(NAME, O_RDONLY);
			unsigned int events = i < 2 ? POLLIN : POLLMSG;

			if (i % 2)
				t_start_epoll(&tasks[i], other, events | EPOLLET);
			else
				t_start_poll(&tasks[i], other, events);
			t_asleep(&tasks[i], i % 2 ? SYS_epoll_wait : SYS_poll);
		}
		send_lengths(fd, lengths);
		for (i = 2; i < 4; i++)
			t_polled(&tasks[i], POLLMSG);
		t_still_asleep(&tasks[0], SYS_poll);
		t_still_asleep(&tasks[1], SYS_epoll_wait);
		if (how)
			t_is(ioctl(fd, TQUEUE_STOP), 0);
		else
			send_lengths(fd, (int []){ 4, -1 });
		for (i = 0; i < 2; i++) {
			t_result(&tasks[i], 1);
			t_true(tasks[i].events & POLLIN, "poll finds %#x",
			       tasks[i].events);
		}
		for (i = 0; i < 4; i++)
			close(tasks[i].fd);
		t_received(fd, 2, 0, 0);
		if (!how)
			t_received(fd, 1, 4, 0);
	}
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

/* Each arrival of a record is an edge for POLLMSG, whatever is there already. */
static void edges_of_records(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), i;
	struct epoll_event event = { .events = EPOLLMSG | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	char buf[TQ_PAGE];

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	t_is(epoll_wait(epoll, &event, 1, 0), 0);
	for (i = 0; i < 10; i++) {
		send_lengths(fd, (int []){ i % 3 ? 0 : 5, -1 });
		t_is(epoll_wait(epoll, &event, 1, 5000 * t_slow()), 1);
		t_is(event.events, EPOLLMSG);
		t_is(epoll_wait(epoll, &event, 1, 0), 0);
	}
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 10);
	t_is(epoll_wait(epoll, &event, 1, 0), 0);
	close(epoll);
	t_end(fd);
}

/* ---- a loop of poll and blocking reads ----------------------------------------------- */

#define ROUNDS	400

static void run_loop(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLIN };
	fd_set in;
	char buf[64];
	ssize_t got;

	do {
		if (task->number) {
			FD_ZERO(&in);
			FD_SET(task->fd, &in);
			t_is(select(task->fd + 1, &in, NULL, NULL, NULL), 1);
		} else {
			t_is(poll(&one, 1, -1), 1);
		}
		/* Alone with its queue: this must not wait. */
		atomic_store(&task->count, 1);
		got = read(task->fd, buf, sizeof(buf));
		atomic_store(&task->count, 0);
		t_true(got >= 0, "read fails with %s", strerrorname_np(errno));
		task->len += got;
	} while (got);
}

/* The C library has its choice of calls. */
static bool polls_again(pid_t tid)
{
	static const long calls[] = {
		SYS_ppoll, SYS_pselect6,
#ifdef SYS_poll
		SYS_poll,
#endif
#ifdef SYS_select
		SYS_select,
#endif
#ifdef SYS__newselect
		SYS__newselect,
#endif
#ifdef SYS_ppoll_time64
		SYS_ppoll_time64, SYS_pselect6_time64,
#endif
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (t_is_asleep(tid, calls[i]))
			return true;
	return false;
}

/*
 * The only reader of a queue polls and then reads: it hangs in no read, gets every
 * byte, and comes to the end.
 */
static void loops(void)
{
	int fd = open_queue(TQUEUE_EOF_NEVER), how, i, j;
	unsigned int dice = 3;
	char buf[512];

	for (how = 0; how < 2; how++) {
		struct t_task loop = {
			.fd = t_open_queue(NAME, O_RDONLY), .number = how,
		};
		size_t bytes = 0;
		double end;

		t_start(&loop, run_loop);
		for (i = 0; i < ROUNDS; i++) {
			size_t at = 0;
			int n, len;

			dice = dice * 1103515245 + 12345;
			n = 1 + (dice >> 16) % 5;
			for (j = 0; j < n; j++) {
				len = dice >> (17 + j) & 1 ? 0 : 1 + j;
				bytes += len;
				at = t_put(buf, at, len, 0);
			}
			t_is(t_send_call(fd, buf, at, 0), n);
			if (i % 4)
				continue;
			/* Whatever was sent, it polls again when it has read that. */
			end = t_now() + 10 * t_slow();
			while (!polls_again(loop.tid)) {
				t_true(t_now() < end, "it sleeps in %s",
				       loop.count ? "read" : "nothing");
				usleep(50);
			}
		}
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		t_finish(&loop);
		t_is(loop.len, bytes);
		close(loop.fd);
		t_is(ioctl(fd, TQUEUE_START), 0);
	}
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(only_empty_ones),
	TQ_TEST(one_among_empty_ones),
	TQ_TEST(one_that_was_blocked),
	TQ_TEST(after_a_resize),
	TQ_TEST(dropped),
	TQ_TEST(empty_ones_that_came_back),
	TQ_TEST(a_partial_beside_empty_ones),
	TQ_TEST(a_stopped_queue),
	TQ_TEST(pollers_of_a_stopped_queue),
	TQ_TEST(a_stopped_queue_with_one_in_flight),
	TQ_TEST(the_last_writer_left),
	TQ_TEST(pollers),
	TQ_TEST(edges_of_records),
	TQ_TEST(loops),
};

int main(int argc, char **argv)
{
	return t_main("readable", tests, ARRAY_SIZE(tests), argc, argv);
}
