// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sender that may not sleep gets its turns among those that wait for room: each
 * open file may put one message past them, and then none until all who waited at
 * that moment were admitted or left.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"turns"
#define LENGTH	(TQ_SMALL_MAX - 84)	/* four fill the queue */
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of 4096 */
#define SMALL	24	/* 64 bytes of the queue */

static char buf[2 * TQ_PAGE];

static int open_full(void)
{
	int fd = t_open_small(NAME);

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	return fd;
}

static int open_nonblocking(void)
{
	return t_open_queue(NAME, O_WRONLY | O_NONBLOCK);
}

/* A sender that waits, of a message of @len bytes with contents of its own. */
struct blocked {
	struct t_task task;
	char buf[TQ_SMALL_MAX];
};

static void block(struct blocked *blocked, size_t len, uint64_t seed)
{
	t_pattern(blocked->buf, len, seed, 0);
	t_start_write(&blocked->task, t_open_queue(NAME, O_WRONLY), blocked->buf, len);
	t_asleep(&blocked->task, SYS_write);
}

static void admitted(struct blocked *blocked, size_t len)
{
	t_result(&blocked->task, len);
	close(blocked->task.fd);
}

static void refused_at(int line, int fd)
{
	t_is_at(__FILE__, line, "POLLOUT", t_poll(fd, POLLOUT), 0);
	t_errno_at(__FILE__, line, "write", write(fd, buf, 1), EAGAIN);
	t_errno_at(__FILE__, line, "SEND",
		   t_send_call(fd, buf, t_put(buf, 0, 1, 0), 0), EAGAIN);
}

#define refused(fd)	refused_at(__LINE__, fd)

static void passes_at(int line, int fd, size_t len, uint64_t seed)
{
	t_is_at(__FILE__, line, "POLLOUT", t_poll(fd, POLLOUT), POLLOUT);
	t_pattern(buf, len, seed, 0);
	t_is_at(__FILE__, line, "write", write(fd, buf, len), len);
}

#define passes(fd, len, seed)	passes_at(__LINE__, fd, len, seed)

/* ---- the rule --------------------------------------------------------------- */

static void nobody_waits(void)
{
	int fd = open_full(), quick = open_nonblocking();

	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 0);
	passes(quick, TQ_SMALL_MAX, FULL);
	refused(quick);
	t_received(fd, FULL, TQ_SMALL_MAX, 1);
	close(quick);
	t_end(fd);
}

static void one_message_past_them(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	struct blocked large;
	struct tqueue_info info;

	refused(quick);
	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	refused(quick);
	info = t_info(fd);
	t_is(info.messages, FULL + 1);
	t_is(info.bytes, TQ_PAGE + t_record(SMALL));
	t_is(info.blocked_senders, 1);
	/* It has no more than its turn, though there is room enough for it. */
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_still_asleep(&large.task, SYS_write);
	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 1);
	admitted(&large, TQ_SMALL_MAX);
	/* Nobody waits: as long as it fits. */
	t_is(write(quick, buf, SMALL), SMALL);
	for (i = 2; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, SMALL, 60);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_is(read(fd, buf, sizeof(buf)), SMALL);
	close(quick);
	t_end(fd);
}

/* Those who came later need not be waited for; those who left need not, either. */
static void until_all_who_waited_are_gone(void)
{
	static struct blocked waiting[3], later;
	int fd = open_full(), quick = open_nonblocking(), i;

	t_unblockable();
	for (i = 0; i < 3; i++)
		block(&waiting[i], TQ_SMALL_MAX, 50 + i);
	passes(quick, SMALL, 60);
	block(&later, TQ_SMALL_MAX, 53);
	refused(quick);
	/* One place, and 64 bytes less: too few. */
	t_receive(fd, TQ_SMALL_MAX, 0);
	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 1);
	admitted(&waiting[0], TQ_SMALL_MAX);
	refused(quick);
	/* The second goes by a signal. */
	pthread_kill(waiting[1].task.thread, SIGUSR1);
	t_fails(&waiting[1].task, EINTR);
	close(waiting[1].task.fd);
	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 2);
	admitted(&waiting[2], TQ_SMALL_MAX);
	/* Its next turn: only the one that came later waits. */
	t_is(t_info(fd).blocked_senders, 1);
	passes(quick, SMALL, 61);
	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 3);
	t_receive(fd, SMALL, 60);
	admitted(&later, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_receive(fd, TQ_SMALL_MAX, 52);
	t_receive(fd, SMALL, 61);
	t_receive(fd, TQ_SMALL_MAX, 53);
	close(quick);
	t_end(fd);
}

/* Each open file has a turn of its own; descriptors of one file share theirs. */
static void each_file(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	int other = open_nonblocking(), copy = dup(quick);
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	refused(copy);
	passes(other, SMALL, 61);
	refused(other);
	refused(quick);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, SMALL, 60);
	t_receive(fd, SMALL, 61);
	t_receive(fd, TQ_SMALL_MAX, 50);
	close(copy);
	close(other);
	close(quick);
	t_end(fd);
}

static void run_send(struct t_task *task)
{
	task->result = write(task->fd, task->buf, task->len);
	task->error = errno;
}

/* Every call that may not sleep has it, and no call more than one message. */
static void all_calls(void)
{
	int fd = open_full(), file, how, i;
	struct iovec two[2] = { { buf, 4 }, { buf + 4, SMALL - 4 } };
	struct blocked large;
	int ends[2];

	block(&large, TQ_SMALL_MAX, 50);
	for (how = 0; how < 5; how++) {
		size_t end;

		file = t_open_queue(NAME, O_WRONLY | (how < 2 ? 0 : O_NONBLOCK));
		if (how) {
			t_pattern(buf, SMALL, 60 + how, 0);
			end = SMALL;
		} else {
			end = t_put_many(buf, SMALL, 60, 3);
		}
		switch (how) {
		case 0:		/* a batch that must not wait */
			t_is(t_send_call(file, buf, end, 0), 1);
			t_errno(t_send_call(file, buf, end, 0), EAGAIN);
			break;
		case 1:
			t_is(pwritev2(file, two, 2, -1, RWF_NOWAIT), SMALL);
			t_errno(pwritev2(file, two, 2, -1, RWF_NOWAIT), EAGAIN);
			break;
		case 2:
			t_is(writev(file, two, 2), SMALL);
			t_errno(writev(file, two, 2), EAGAIN);
			break;
		case 3:		/* whatever its deadline */
			end = t_put_many(buf, SMALL, 60 + how, 3);
			t_is(t_send_call(file, buf, end, TQUEUE_FOREVER), 1);
			t_errno(t_send_call(file, buf, end, TQUEUE_FOREVER), EAGAIN);
			break;
		default:
			t_is(pipe(ends), 0);
			t_is(write(ends[1], buf, SMALL), SMALL);
			t_is(splice(ends[0], NULL, file, NULL, SMALL, 0), SMALL);
			t_is(write(ends[1], buf, SMALL), SMALL);
			t_errno(splice(ends[0], NULL, file, NULL, SMALL, 0), EAGAIN);
			close(ends[0]);
			close(ends[1]);
			break;
		}
		close(file);
	}
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (how = 0; how < 5; how++)
		t_receive(fd, SMALL, 60 + how);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_end(fd);
}

/* One that may sleep waits its turn, and its file's turn is not used up by it. */
static void who_may_sleep_waits(void)
{
	int fd = open_full(), i;
	struct t_task second;
	struct blocked large;
	char small[SMALL];

	block(&large, TQ_SMALL_MAX, 50);
	t_pattern(small, SMALL, 51, 0);
	second = (struct t_task){
		.fd = t_open_queue(NAME, O_WRONLY), .buf = small, .len = SMALL,
	};
	t_start(&second, run_send);
	t_asleep(&second, SYS_write);
	t_is(t_info(fd).blocked_senders, 2);
	t_is(t_send_call(second.fd, buf, t_put(buf, 0, SMALL, 60), 0), 1);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	admitted(&large, TQ_SMALL_MAX);
	t_result(&second, SMALL);
	t_receive(fd, SMALL, 60);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_receive(fd, SMALL, 51);
	close(second.fd);
	t_end(fd);
}

/* What cannot be sent uses up no turn. */
static void failures_use_no_turn(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	char *edge = t_edge(t_page()) + t_page();
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	for (i = 0; i < 3; i++) {
		t_errno(write(quick, edge - i, SMALL), EFAULT);
		t_errno(write(quick, buf, TQ_SMALL_MAX + 1), EMSGSIZE);
		t_errno(t_send_call(quick, edge - 8 * i, 100, 0), EFAULT);
		memset(buf, 0, 100);
		t_errno(t_send_call(quick, buf, 100, 0), EINVAL);
		t_is(write(quick, buf, 0), 0);
	}
	passes(quick, SMALL, 60);
	refused(quick);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, SMALL, 60);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	close(quick);
	t_end(fd);
}

/* All of them together put as many bytes past as the queue has. */
static void no_more_than_its_size(void)
{
	enum { MANY = 12 };
	int fd = open_full(), quick[MANY], i, sent = 0;
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	for (i = 0; i < MANY; i++) {
		long got;

		quick[i] = open_nonblocking();
		t_pattern(buf, TQ_SMALL_MAX, 60 + sent, 0);
		got = write(quick[i], buf, TQ_SMALL_MAX);
		if (got < 0)
			t_errno(got, EAGAIN);
		else
			sent++;
		t_true(t_info(fd).bytes <= 2 * TQ_PAGE, "the queue holds %llu bytes",
		       (unsigned long long)t_info(fd).bytes);
	}
	t_is(sent, FULL);
	/* One that was refused has used up its turn as well. */
	refused(quick[MANY - 1]);
	/* What is received is room for one more. */
	t_receive(fd, TQ_SMALL_MAX, 0);
	refused(quick[MANY - 1]);
	for (i = 0; i < 2; i++) {
		close(quick[i]);
		quick[i] = open_nonblocking();
	}
	passes(quick[0], TQ_SMALL_MAX, 60 + sent);
	t_errno(write(quick[1], buf, 1), EAGAIN);
	for (i = 1; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < FULL + 1; i++)
		t_receive(fd, TQ_SMALL_MAX, 60 + i);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	for (i = 0; i < MANY; i++)
		close(quick[i]);
	t_end(fd);
}

/* ---- other ends of the wait -------------------------------------------------- */

static void the_queue_is_stopped(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_fails(&large.task, ESHUTDOWN);
	close(large.task.fd);
	t_is(t_poll(quick, POLLOUT), POLLOUT);
	t_errno(write(quick, buf, 1), ESHUTDOWN);
	t_is(ioctl(fd, TQUEUE_START), 0);
	/* Nobody waits, and it is full. */
	refused(quick);
	block(&large, TQ_SMALL_MAX, 51);
	passes(quick, SMALL, 61);
	refused(quick);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, SMALL, 60);
	t_receive(fd, SMALL, 61);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 51);
	close(quick);
	t_end(fd);
}

static void the_policy_changes(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
			   TQUEUE_OVERFLOW_REJECT, 0), 0);
	t_fails(&large.task, ENOBUFS);
	close(large.task.fd);
	t_errno(write(quick, buf, 1), ENOBUFS);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
			   TQUEUE_OVERFLOW_BLOCK, 0), 0);
	refused(quick);
	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 61);
	refused(quick);
	/* Larger: there is room for all. */
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	admitted(&large, TQ_SMALL_MAX);
	passes(quick, SMALL, 62);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, SMALL, 60);
	t_receive(fd, SMALL, 61);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_receive(fd, SMALL, 62);
	close(quick);
	t_end(fd);
}

static void to_drop_oldest(void)
{
	int fd = open_full(), quick = open_nonblocking();
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
			   TQUEUE_OVERFLOW_DROP_OLDEST, 0), 0);
	admitted(&large, TQ_SMALL_MAX);
	t_true(t_info(fd).bytes <= TQ_PAGE, "the queue holds %llu bytes",
	       (unsigned long long)t_info(fd).bytes);
	passes(quick, SMALL, 61);
	passes(quick, SMALL, 62);
	t_true(t_info(fd).bytes <= TQ_PAGE, "the queue holds %llu bytes",
	       (unsigned long long)t_info(fd).bytes);
	while (t_info(fd).messages)
		t_true(read(fd, buf, sizeof(buf)) > 0, "read fails");
	close(quick);
	t_end(fd);
}

/* Files that never come back for their next turn, and go at any time. */
static void files_that_go(void)
{
	enum { MANY = 9 };
	int fd = open_full(), quick[MANY], i;
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	for (i = 0; i < MANY; i++) {
		quick[i] = open_nonblocking();
		passes(quick[i], SMALL, 60 + i);
	}
	for (i = 0; i < MANY; i += 2)
		close(quick[i]);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < MANY; i++)
		t_receive(fd, SMALL, 60 + i);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	for (i = 1; i < MANY; i += 2) {
		passes(quick[i], SMALL, i);
		close(quick[i]);
		t_receive(fd, SMALL, i);
	}
	/* And with a queue that is removed meanwhile. */
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	block(&large, TQ_SMALL_MAX, 50);
	for (i = 0; i < MANY; i++) {
		quick[i] = open_nonblocking();
		passes(quick[i], SMALL, 60 + i);
	}
	close(quick[3]);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	t_fails(&large.task, EIDRM);
	close(large.task.fd);
	for (i = 0; i < MANY; i++) {
		if (i == 3)
			continue;
		t_errno(write(quick[i], buf, 1), EIDRM);
		close(quick[i]);
	}
	close(fd);
}

/* ---- edges -------------------------------------------------------------------- */

static int watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	return epoll;
}

static uint32_t events_of(int epoll, bool soon)
{
	struct epoll_event event = { 0 };

	return epoll_wait(epoll, &event, 1, soon ? 5000 * t_slow() : 0) == 1 ?
	       event.events : 0;
}

/* Both that it may send and that it may send again are edges. */
static void edges(void)
{
	int fd = open_full(), quick = open_nonblocking(), i, round;
	int level, edge;
	struct blocked large[2];

	edge = watch(quick, EPOLLOUT | EPOLLET);
	level = watch(quick, EPOLLOUT);
	t_is(events_of(edge, false), 0);
	t_is(events_of(level, false), 0);
	for (round = 0; round < 3; round++) {
		block(&large[0], TQ_SMALL_MAX, 50);
		t_is(events_of(edge, true), EPOLLOUT);
		t_is(events_of(edge, false), 0);
		t_is(events_of(level, false), EPOLLOUT);
		t_is(write(quick, buf, SMALL), SMALL);
		refused(quick);
		t_is(events_of(level, false), 0);
		/* It has come later, and is there when the first has gone. */
		block(&large[1], TQ_SMALL_MAX, 51);
		events_of(edge, false);
		t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
		t_is(events_of(edge, false), 0);
		t_is(events_of(level, false), 0);
		t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
		admitted(&large[0], TQ_SMALL_MAX);
		t_is(events_of(edge, true), EPOLLOUT);
		t_is(events_of(level, false), EPOLLOUT);
		t_is(t_info(fd).blocked_senders, 1);
		/* It does not use that turn. */
		for (i = 0; i < 3; i++)
			t_true(read(fd, buf, sizeof(buf)) > 0, "read fails");
		admitted(&large[1], TQ_SMALL_MAX);
		t_is(t_info(fd).messages, 2);
		t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), 2);
		events_of(edge, false);
		t_is(events_of(level, false), 0);
	}
	for (i = 0; i < FULL; i++)
		t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
	t_is(events_of(edge, true), EPOLLOUT);
	close(edge);
	close(level);
	close(quick);
	t_end(fd);
}

/* A stop and a start are edges, and a start is one for whom the stop refused. */
static void start_is_an_edge(void)
{
	int fd = open_full(), quick = open_nonblocking(), edge, i, how;

	edge = watch(quick, EPOLLOUT | EPOLLET);
	t_is(events_of(edge, false), 0);
	for (how = 0; how < 3; how++) {
		t_errno(write(quick, buf, 1), EAGAIN);
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		t_is(events_of(edge, true), EPOLLOUT);
		t_errno(write(quick, buf, 1), ESHUTDOWN);
		t_is(events_of(edge, false), 0);
		if (how == 0) {
			/* It fits when it is started. */
			for (i = 0; i < FULL; i++)
				t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
			events_of(edge, false);
			t_is(ioctl(fd, TQUEUE_START), 0);
			t_is(events_of(edge, true), EPOLLOUT);
			t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
		} else if (how == 1) {
			/* It does not fit then, but later. */
			t_is(ioctl(fd, TQUEUE_START), 0);
			events_of(edge, false);
			t_errno(write(quick, buf, 1), EAGAIN);
			t_receive(fd, TQ_SMALL_MAX, 0);
			t_is(events_of(edge, true), EPOLLOUT);
			t_is(t_fill_file(fd, TQ_SMALL_MAX, FULL), 1);
		} else {
			/* There was room all the time. */
			t_receive(fd, TQ_SMALL_MAX, 1);
			events_of(edge, false);
			t_errno(write(quick, buf, 1), ESHUTDOWN);
			t_is(ioctl(fd, TQUEUE_START), 0);
			t_is(events_of(edge, true), EPOLLOUT);
		}
	}
	for (i = 0; i < FULL - 1; i++)
		t_is(read(fd, buf, sizeof(buf)), TQ_SMALL_MAX);
	close(edge);
	close(quick);
	t_end(fd);
}

static atomic_int stop;

/* Sends until it is refused, for whatever reason, and then waits for an edge. */
static void run_edge_sender(struct t_task *task)
{
	int epoll = watch(task->fd, EPOLLOUT | EPOLLET);

	while (!atomic_load(&stop)) {
		while (write(task->fd, "message", 7) == 7)
			atomic_fetch_add(&task->count, 1);
		t_true(errno == EAGAIN || errno == ESHUTDOWN, "write fails with %s",
		       strerrorname_np(errno));
		events_of(epoll, true);
	}
	close(epoll);
}

/* Refused at the very moment of the start it is told as well. */
static void started_in_traffic(void)
{
	int fd = t_open_small(NAME), i;
	struct t_task sender = { .fd = open_nonblocking() };
	double end = t_now() + t_seconds(2);
	volatile int spin;

	t_start(&sender, run_edge_sender);
	for (i = 0; t_goes_on(end, i > 100); i++) {
		/* The events_of() of the sender would end by itself after that. */
		double late = t_now() + 3 * t_slow();
		long before;

		t_is(ioctl(fd, TQUEUE_STOP), 0);
		for (spin = 0; spin < i % 50 * 20; spin++)
			;
		while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
			;
		before = atomic_load(&sender.count);
		t_is(ioctl(fd, TQUEUE_START), 0);
		while (atomic_load(&sender.count) == before)
			t_true(t_now() < late, "the sender is not told of start %d", i);
	}
	atomic_store(&stop, 1);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_finish(&sender);
	while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
		;
	t_is(ioctl(fd, TQUEUE_START), 0);
	close(sender.fd);
	t_end(fd);
}

/* ---- shares -------------------------------------------------------------------- */

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
	int epoll = watch(task->fd, EPOLLOUT | EPOLLET);
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
	int window = 10 * (blocking + polling), total = 4 * window, i, j;
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

static void share_of_one(void)
{
	int way;

	for (way = 0; way < WAYS; way++) {
		shares(1, 1, way);
		shares(3, 1, way);
	}
}

static void shares_of_several(void)
{
	int way;

	for (way = 0; way < WAYS; way++) {
		shares(3, 3, way);
		shares(1, 4, way);
	}
}

/* A receiver that does not look whether all are there: still nobody starves. */
static void nobody_starves(void)
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

/* ---- all at once ---------------------------------------------------------------- */

enum { WAITS, POLLS, EDGES, COMES_AND_GOES, KINDS };

static void run_any(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLOUT };
	int epoll = task->number == EDGES ? watch(task->fd, EPOLLOUT | EPOLLET) : -1;
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
static void everybody_gets_on(void)
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

static const struct t_test tests[] = {
	TQ_TEST(nobody_waits),
	TQ_TEST(one_message_past_them),
	TQ_TEST(until_all_who_waited_are_gone),
	TQ_TEST(each_file),
	TQ_TEST(all_calls),
	TQ_TEST(who_may_sleep_waits),
	TQ_TEST(failures_use_no_turn),
	TQ_TEST(no_more_than_its_size),
	TQ_TEST(the_queue_is_stopped),
	TQ_TEST(the_policy_changes),
	TQ_TEST(to_drop_oldest),
	TQ_TEST(files_that_go),
	TQ_TEST(edges),
	TQ_TEST(start_is_an_edge),
	TQ_TEST(started_in_traffic),
	TQ_TEST(share_of_one),
	TQ_TEST(shares_of_several),
	TQ_TEST(nobody_starves),
	TQ_TEST(everybody_gets_on),
};

int main(int argc, char **argv)
{
	return t_main("turns", tests, ARRAY_SIZE(tests), argc, argv);
}
