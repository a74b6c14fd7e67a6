// SPDX-License-Identifier: GPL-2.0
/*
 * End-of-file when the last writer left, where the queue is made so: for files
 * that have seen a writer, when everything has been read, and until the next
 * writer comes.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"eof"

static void make(void)
{
	t_create_with(NAME, 4096, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
}

static int reader(void)
{
	return t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
}

static int writer(void)
{
	return t_open_queue(NAME, O_WRONLY | O_NONBLOCK);
}

static void finish(int fd)
{
	t_is(t_info(fd).bytes, 0);
	close(fd);
	t_remove(NAME);
}

static void at_the_end(int fd)
{
	char buf[64];

	t_is(read(fd, buf, sizeof(buf)), 0);
	t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 0);
	t_true(t_poll(fd, POLLIN) & POLLHUP, "no POLLHUP at the end");
}

static void not_at_the_end(int fd)
{
	char buf[64];

	t_errno(read(fd, buf, sizeof(buf)), EAGAIN);
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	t_is(t_poll(fd, POLLIN), 0);
}

static void when_the_last_writer_left(void)
{
	int in, fd, second;

	make();
	fd = reader();
	/* Nobody was there yet. */
	not_at_the_end(fd);
	in = writer();
	not_at_the_end(fd);
	second = writer();
	t_send(in, 10, 1);
	close(in);
	t_is(t_poll(fd, POLLIN), POLLIN);
	t_receive(fd, 10, 1);
	not_at_the_end(fd);
	t_send(second, 10, 2);
	close(second);
	t_is(t_poll(fd, POLLIN) & POLLIN, POLLIN);
	t_receive(fd, 10, 2);
	at_the_end(fd);
	at_the_end(fd);
	/* The next one begins anew. */
	in = writer();
	not_at_the_end(fd);
	t_send(in, 10, 3);
	t_received(fd, 1, 10, 3);
	not_at_the_end(fd);
	close(in);
	at_the_end(fd);
	finish(fd);
}

/* A file that was opened when all writers had left has seen none. */
static void only_who_has_seen_one(void)
{
	int in, first, second;

	make();
	first = reader();
	in = writer();
	t_send(in, 10, 1);
	close(in);
	second = reader();
	t_receive(second, 10, 1);
	not_at_the_end(second);
	at_the_end(first);
	in = writer();
	close(in);
	at_the_end(second);
	at_the_end(first);
	close(first);
	/* One that is open now counts as seen. */
	in = writer();
	first = reader();
	close(in);
	at_the_end(first);
	close(first);
	finish(second);
}

/* It is a writer itself. */
static void never_with_read_and_write(void)
{
	int fd, both, in;

	make();
	both = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	fd = reader();
	not_at_the_end(both);
	in = writer();
	close(in);
	not_at_the_end(both);
	not_at_the_end(fd);
	t_send(both, 10, 1);
	t_receive(fd, 10, 1);
	close(both);
	at_the_end(fd);
	finish(fd);
}

static void writing_without_a_reader(void)
{
	int in, fd;

	make();
	in = writer();
	t_send(in, 10, 1);
	close(in);
	in = writer();
	t_send(in, 10, 2);
	fd = reader();
	close(in);
	t_receive(fd, 10, 1);
	t_receive(fd, 10, 2);
	at_the_end(fd);
	finish(fd);
}

static void not_unless_it_is_asked_for(void)
{
	int in, fd;

	t_create(NAME, 4096);
	fd = reader();
	in = writer();
	t_send(in, 10, 1);
	close(in);
	t_receive(fd, 10, 1);
	not_at_the_end(fd);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_END_OF_FILE, 0,
			     TQUEUE_EOF_LAST_WRITER), 0);
	at_the_end(fd);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_END_OF_FILE, 0, TQUEUE_EOF_NEVER), 0);
	not_at_the_end(fd);
	finish(fd);
}

/* ---- who sleeps ---------------------------------------------------------------- */

static void run_poll(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = task->number };

	task->result = poll(&one, 1, -1);
	task->error = one.revents;
}

static void run_splice(struct t_task *task)
{
	int ends[2];

	t_is(pipe(ends), 0);
	task->result = splice(task->fd, NULL, ends[1], NULL, 4096, 0);
	task->error = errno;
}

static void run_epoll(struct t_task *task)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0);

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, task->fd, &event), 0);
	task->result = epoll_wait(epoll, &event, 1, -1);
	task->error = event.events;
	close(epoll);
}

static void sleepers(bool by_policy)
{
	struct t_task readers[3], poller = { .number = POLLIN }, splicer, epoller;
	struct t_batch batch;
	char buf[64];
	int in, i;

	if (by_policy)
		t_create(NAME, 4096);
	else
		make();
	in = writer();
	for (i = 0; i < 3; i++) {
		t_start_read(&readers[i], t_open_queue(NAME, O_RDONLY), buf, 10);
		t_asleep(&readers[i], SYS_read);
	}
	poller.fd = readers[0].fd;
	t_start(&poller, run_poll);
	t_asleep(&poller, SYS_poll);
	epoller.fd = readers[0].fd;
	t_start(&epoller, run_epoll);
	t_asleep(&epoller, SYS_epoll_wait);
	splicer.fd = readers[1].fd;
	t_start(&splicer, run_splice);
	t_asleep(&splicer, SYS_splice);
	t_start_receive(&batch, readers[2].fd, buf, sizeof(buf), TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	close(in);
	if (by_policy)
		t_is(t_policy_call(NAME, TQUEUE_CONFIG_END_OF_FILE, 0,
				     TQUEUE_EOF_LAST_WRITER), 0);
	for (i = 0; i < 3; i++)
		t_result(&readers[i], 0);
	t_result(&poller, 1);
	t_true(poller.error & POLLHUP, "poll finds %#x", poller.error);
	t_result(&epoller, 1);
	t_true(epoller.error & POLLHUP, "epoll finds %#x", epoller.error);
	t_result(&splicer, 0);
	t_result(&batch.task, 0);
	close(readers[0].fd);
	close(readers[1].fd);
	finish(readers[2].fd);
}

static void who_sleeps_is_woken(void)
{
	sleepers(false);
}

static void who_sleeps_is_woken_by_the_policy(void)
{
	sleepers(true);
}

static void hold_it_open(void *arg)
{
	writer();
	*(volatile int *)arg = 1;
	for (;;)
		pause();
}

static void a_writer_is_killed(void)
{
	int *opened = t_shared(sizeof(*opened)), i;
	struct t_task task;
	char buf[16];

	make();
	for (i = 0; i < 5; i++) {
		pid_t pid;

		*opened = 0;
		pid = t_fork(hold_it_open, opened);
		while (!*(volatile int *)opened)
			sched_yield();
		t_start_read(&task, t_open_queue(NAME, O_RDONLY), buf, sizeof(buf));
		t_asleep(&task, SYS_read);
		t_kill(pid);
		t_result(&task, 0);
		close(task.fd);
	}
	finish(reader());
}

/* A descriptor is not a file: only the last one closes it. */
static void duplicates(void)
{
	int fd, in, copy;

	make();
	fd = reader();
	in = writer();
	copy = dup(in);
	close(in);
	not_at_the_end(fd);
	t_send(copy, 10, 1);
	t_receive(fd, 10, 1);
	close(copy);
	at_the_end(fd);
	finish(fd);
}

/* ---- messages that may come back ------------------------------------------------- */

static void partials_in_flight(void)
{
	int in, fd, holder;
	struct t_task task;
	char part[10], buf[64];

	make();
	fd = t_open_queue(NAME, O_RDONLY);
	holder = reader();
	in = writer();
	t_send(in, 20, 1);
	t_is(read(holder, part, 10), 10);
	close(in);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	not_at_the_end(fd);
	fcntl(fd, F_SETFL, 0);
	t_start_read(&task, fd, buf, sizeof(buf));
	t_asleep(&task, SYS_read);
	close(holder);
	t_result(&task, 10);
	at_the_end(fd);
	in = writer();
	holder = reader();
	t_send(in, 20, 2);
	t_is(read(holder, part, 10), 10);
	close(in);
	t_start_read(&task, fd, buf, sizeof(buf));
	t_asleep(&task, SYS_read);
	t_receive_rest(holder, 10, 2, 10);
	t_result(&task, 0);
	at_the_end(holder);
	close(holder);
	finish(fd);
}

/* One of those who sleep gets what comes back, and for the other that is the end. */
static void one_takes_what_comes_back(void)
{
	struct t_batch first;
	struct t_task second;
	char part[10], buf[64], got[64];
	int in, holder;

	make();
	in = writer();
	holder = reader();
	first.task.fd = t_open_queue(NAME, O_RDONLY);
	second.fd = t_open_queue(NAME, O_RDONLY);
	t_send(in, 20, 1);
	t_is(read(holder, part, 10), 10);
	close(in);
	t_start_receive(&first, first.task.fd, buf, sizeof(buf), TQUEUE_FOREVER);
	t_asleep(&first.task, SYS_ioctl);
	t_start_read(&second, second.fd, got, sizeof(got));
	t_asleep(&second, SYS_read);
	close(holder);
	t_finish(&first.task);
	t_finish(&second);
	t_is(first.task.result, second.result ? 0 : 1);
	t_is(second.result, first.task.result ? 0 : 10);
	close(second.fd);
	at_the_end(first.task.fd);
	finish(first.task.fd);
}

/* While there is a writer, a message that is done is no end, and wakes nobody. */
static void nobody_is_woken_for_nothing(void)
{
	struct t_task sleeper;
	char buf[64];
	long before;
	int in, fd;

	make();
	in = writer();
	fd = reader();
	t_send(in, 20, 2);
	t_is(read(fd, buf, 10), 10);
	t_start_read(&sleeper, t_open_queue(NAME, O_RDONLY), buf, sizeof(buf));
	t_asleep(&sleeper, SYS_read);
	before = t_switches(sleeper.tid);
	t_receive_rest(fd, 10, 2, 10);
	t_still_asleep(&sleeper, SYS_read);
	t_is(t_switches(sleeper.tid), before);
	close(in);
	t_result(&sleeper, 0);
	close(sleeper.fd);
	finish(fd);
}

/* Who waits for nothing but the end learns of it from the last message, too. */
static void who_polls_for_the_end_alone(void)
{
	struct t_task poller = { .number = POLLRDHUP };
	int in, fd, i;

	make();
	for (i = 0; i < 2; i++) {
		in = writer();
		fd = reader();
		poller.fd = reader();
		t_send(in, 10, 1);
		t_send(in, 10, 2);
		close(in);
		t_start(&poller, run_poll);
		t_asleep(&poller, SYS_poll);
		t_receive(fd, 10, 1);
		t_still_asleep(&poller, SYS_poll);
		if (i)
			t_received(fd, 1, 10, 2);
		else
			t_receive(fd, 10, 2);
		t_result(&poller, 1);
		t_is(poller.error, POLLRDHUP | POLLHUP);
		close(poller.fd);
		close(fd);
	}
	finish(reader());
}

/* A sender that waits for room is a writer, though its file be closed. */
static void a_sender_in_line(void)
{
	struct t_task task;
	int fd, in, i;
	char buf[20];

	make();
	fd = reader();
	in = t_open_queue(NAME, O_WRONLY);
	t_is(t_fill_file(in, TQ_SMALL_MAX, 0), 4);
	t_pattern(buf, 20, 9, 0);
	t_start_write(&task, in, buf, 20);
	t_asleep(&task, SYS_write);
	close(in);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_result(&task, 20);
	t_receive(fd, 20, 9);
	at_the_end(fd);
	finish(fd);
}

/* ---- in traffic -------------------------------------------------------------------- */

enum { ROUNDS = 60, EACH = 30 };

static void write_and_leave(void *arg)
{
	unsigned int i;

	for (i = 0; i < EACH; i++) {
		int fd = t_open_queue(NAME, O_WRONLY);

		t_send(fd, 50, (uintptr_t)arg);
		if (i % 5)
			close(fd);
		/* The others are closed when it ends. */
	}
}

/* As with a pipe: all of it, and then the end; never the end too early. */
static void exactly_all_of_it(void)
{
	int round;

	t_create_with(NAME, 65536, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
	for (round = 0; round < ROUNDS; round++) {
		int fd = t_open_queue(NAME, O_RDONLY), hold, i, got = 0;
		char buf[1024];
		pid_t pids[3];

		hold = writer();
		for (i = 0; i < 3; i++)
			pids[i] = t_fork(write_and_leave, (void *)1);
		/* It is the last writer now and then. */
		if (round % 2)
			usleep(round * 100);
		for (i = 0; i < 3 && round % 2; i++)
			t_reap(pids[i]);
		close(hold);
		for (;;) {
			long n = round % 3 ? read(fd, buf, 64) :
				 t_receive_call(fd, buf, 1000, TQUEUE_FOREVER);

			t_true(n >= 0, "reading fails with %s",
				strerrorname_np(errno));
			if (n)
				got += round % 3 ? 1 : n;
			else if (round % 2 || got == 3 * EACH)
				break;
		}
		t_is(got, 3 * EACH);
		for (i = 0; i < 3 && round % 2 == 0; i++)
			t_reap(pids[i]);
		t_is(read(fd, buf, 64), 0);
		close(fd);
	}
	finish(reader());
}

struct opening {
	atomic_long round, opened, read, closed;	/* in this order */
	atomic_bool last;
};

static void reaches(atomic_long *counter, long round)
{
	while (atomic_load(counter) < round)
		sched_yield();
}

static void run_opener(struct t_task *task)
{
	struct opening *opening = task->arg;
	long i = 0;
	int fd;

	while (!atomic_load(&opening->last)) {
		reaches(&opening->round, ++i);
		fd = writer();
		atomic_store(&opening->opened, i);
		reaches(&opening->read, i);
		close(fd);
		atomic_store(&opening->closed, i);
	}
}

/* A writer that comes is no end, not even in the moment when it is half there. */
static void a_writer_on_its_way(void)
{
	struct opening opening = { 0 };
	struct t_task task = { .arg = &opening };
	double end = t_now() + t_seconds(1);
	char buf[64];
	long i;
	int fd;

	make();
	t_start(&task, run_opener);
	for (i = 1; !atomic_load(&opening.last); i++) {
		fd = reader();
		atomic_store(&opening.round, i);
		do {
			t_is(t_poll(fd, POLLIN), 0);
		} while (atomic_load(&opening.opened) < i);
		t_errno(read(fd, buf, sizeof(buf)), EAGAIN);
		atomic_store(&opening.last, t_now() >= end);
		atomic_store(&opening.read, i);
		reaches(&opening.closed, i);
		t_is(read(fd, buf, sizeof(buf)), 0);
		close(fd);
	}
	t_finish(&task);
	fprintf(stderr, "# %ld writers came\n", i);
	finish(reader());
}

static const struct t_test tests[] = {
	TQ_TEST(when_the_last_writer_left),
	TQ_TEST(only_who_has_seen_one),
	TQ_TEST(never_with_read_and_write),
	TQ_TEST(writing_without_a_reader),
	TQ_TEST(not_unless_it_is_asked_for),
	TQ_TEST(who_sleeps_is_woken),
	TQ_TEST(who_sleeps_is_woken_by_the_policy),
	TQ_TEST(a_writer_is_killed),
	TQ_TEST(duplicates),
	TQ_TEST(partials_in_flight),
	TQ_TEST(one_takes_what_comes_back),
	TQ_TEST(nobody_is_woken_for_nothing),
	TQ_TEST(who_polls_for_the_end_alone),
	TQ_TEST(a_sender_in_line),
	TQ_TEST(a_writer_on_its_way),
	TQ_TEST(exactly_all_of_it),
};

int main(int argc, char **argv)
{
	return t_main("end_of_file", tests, ARRAY_SIZE(tests), argc, argv);
}
