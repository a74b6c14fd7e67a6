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
	tq_create_with(NAME, 4096, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
}

static int reader(void)
{
	return tq_open_queue(NAME, O_RDONLY | O_NONBLOCK);
}

static int writer(void)
{
	return tq_open_queue(NAME, O_WRONLY | O_NONBLOCK);
}

static void finish(int fd)
{
	tq_is(tq_info(fd).bytes, 0);
	close(fd);
	tq_remove(NAME);
}

static void at_the_end(int fd)
{
	char buf[64];

	tq_is(read(fd, buf, sizeof(buf)), 0);
	tq_is(tq_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	tq_is(tq_peek_call(fd, buf, sizeof(buf)), 0);
	tq_true(tq_poll(fd, POLLIN) & POLLHUP, "no POLLHUP at the end");
}

static void not_at_the_end(int fd)
{
	char buf[64];

	tq_errno(read(fd, buf, sizeof(buf)), EAGAIN);
	tq_errno(tq_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	tq_is(tq_poll(fd, POLLIN), 0);
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
	tq_send(in, 10, 1);
	close(in);
	tq_is(tq_poll(fd, POLLIN), POLLIN);
	tq_receive(fd, 10, 1);
	not_at_the_end(fd);
	tq_send(second, 10, 2);
	close(second);
	tq_is(tq_poll(fd, POLLIN) & POLLIN, POLLIN);
	tq_receive(fd, 10, 2);
	at_the_end(fd);
	at_the_end(fd);
	/* The next one begins anew. */
	in = writer();
	not_at_the_end(fd);
	tq_send(in, 10, 3);
	tq_received(fd, 1, 10, 3);
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
	tq_send(in, 10, 1);
	close(in);
	second = reader();
	tq_receive(second, 10, 1);
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
	both = tq_open_queue(NAME, O_RDWR | O_NONBLOCK);
	fd = reader();
	not_at_the_end(both);
	in = writer();
	close(in);
	not_at_the_end(both);
	not_at_the_end(fd);
	tq_send(both, 10, 1);
	tq_receive(fd, 10, 1);
	close(both);
	at_the_end(fd);
	finish(fd);
}

static void writing_without_a_reader(void)
{
	int in, fd;

	make();
	in = writer();
	tq_send(in, 10, 1);
	close(in);
	in = writer();
	tq_send(in, 10, 2);
	fd = reader();
	close(in);
	tq_receive(fd, 10, 1);
	tq_receive(fd, 10, 2);
	at_the_end(fd);
	finish(fd);
}

static void not_unless_it_is_asked_for(void)
{
	int in, fd;

	tq_create(NAME, 4096);
	fd = reader();
	in = writer();
	tq_send(in, 10, 1);
	close(in);
	tq_receive(fd, 10, 1);
	not_at_the_end(fd);
	tq_is(tq_policy_call(NAME, TQUEUE_CONFIG_END_OF_FILE, 0,
			     TQUEUE_EOF_LAST_WRITER), 0);
	at_the_end(fd);
	tq_is(tq_policy_call(NAME, TQUEUE_CONFIG_END_OF_FILE, 0, TQUEUE_EOF_NEVER), 0);
	not_at_the_end(fd);
	finish(fd);
}

/* ---- who sleeps ---------------------------------------------------------------- */

static void run_poll(struct tq_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = task->number };

	task->result = poll(&one, 1, -1);
	task->error = one.revents;
}

static void run_splice(struct tq_task *task)
{
	int ends[2];

	tq_is(pipe(ends), 0);
	task->result = splice(task->fd, NULL, ends[1], NULL, 4096, 0);
	task->error = errno;
}

static void run_epoll(struct tq_task *task)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0);

	tq_is(epoll_ctl(epoll, EPOLL_CTL_ADD, task->fd, &event), 0);
	task->result = epoll_wait(epoll, &event, 1, -1);
	task->error = event.events;
	close(epoll);
}

static void sleepers(bool by_policy)
{
	struct tq_task readers[3], poller = { .number = POLLIN }, splicer, epoller;
	struct tq_batch batch;
	char buf[64];
	int in, i;

	if (by_policy)
		tq_create(NAME, 4096);
	else
		make();
	in = writer();
	for (i = 0; i < 3; i++) {
		tq_start_read(&readers[i], tq_open_queue(NAME, O_RDONLY), buf, 10);
		tq_asleep(&readers[i], SYS_read);
	}
	poller.fd = readers[0].fd;
	tq_start(&poller, run_poll);
	tq_asleep(&poller, SYS_poll);
	epoller.fd = readers[0].fd;
	tq_start(&epoller, run_epoll);
	tq_asleep(&epoller, SYS_epoll_wait);
	splicer.fd = readers[1].fd;
	tq_start(&splicer, run_splice);
	tq_asleep(&splicer, SYS_splice);
	tq_start_receive(&batch, readers[2].fd, buf, sizeof(buf), TQUEUE_FOREVER);
	tq_asleep(&batch.task, SYS_ioctl);
	close(in);
	if (by_policy)
		tq_is(tq_policy_call(NAME, TQUEUE_CONFIG_END_OF_FILE, 0,
				     TQUEUE_EOF_LAST_WRITER), 0);
	for (i = 0; i < 3; i++)
		tq_result(&readers[i], 0);
	tq_result(&poller, 1);
	tq_true(poller.error & POLLHUP, "poll finds %#x", poller.error);
	tq_result(&epoller, 1);
	tq_true(epoller.error & POLLHUP, "epoll finds %#x", epoller.error);
	tq_result(&splicer, 0);
	tq_result(&batch.task, 0);
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
	int *opened = tq_shared(sizeof(*opened)), i;
	struct tq_task task;
	char buf[16];

	make();
	for (i = 0; i < 5; i++) {
		pid_t pid;

		*opened = 0;
		pid = tq_fork(hold_it_open, opened);
		while (!*(volatile int *)opened)
			sched_yield();
		tq_start_read(&task, tq_open_queue(NAME, O_RDONLY), buf, sizeof(buf));
		tq_asleep(&task, SYS_read);
		tq_kill(pid);
		tq_result(&task, 0);
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
	tq_send(copy, 10, 1);
	tq_receive(fd, 10, 1);
	close(copy);
	at_the_end(fd);
	finish(fd);
}

/* ---- messages that may come back ------------------------------------------------- */

static void rests_in_hand(void)
{
	int in, fd, holder;
	struct tq_task task;
	char part[10], buf[64];

	make();
	fd = tq_open_queue(NAME, O_RDONLY);
	holder = reader();
	in = writer();
	tq_send(in, 20, 1);
	tq_is(read(holder, part, 10), 10);
	close(in);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	not_at_the_end(fd);
	fcntl(fd, F_SETFL, 0);
	tq_start_read(&task, fd, buf, sizeof(buf));
	tq_asleep(&task, SYS_read);
	close(holder);
	tq_result(&task, 10);
	at_the_end(fd);
	in = writer();
	holder = reader();
	tq_send(in, 20, 2);
	tq_is(read(holder, part, 10), 10);
	close(in);
	tq_start_read(&task, fd, buf, sizeof(buf));
	tq_asleep(&task, SYS_read);
	tq_receive_rest(holder, 10, 2, 10);
	tq_result(&task, 0);
	at_the_end(holder);
	close(holder);
	finish(fd);
}

/* One of those who sleep gets what comes back, and for the other that is the end. */
static void one_takes_what_comes_back(void)
{
	struct tq_batch first;
	struct tq_task second;
	char part[10], buf[64], got[64];
	int in, holder;

	make();
	in = writer();
	holder = reader();
	first.task.fd = tq_open_queue(NAME, O_RDONLY);
	second.fd = tq_open_queue(NAME, O_RDONLY);
	tq_send(in, 20, 1);
	tq_is(read(holder, part, 10), 10);
	close(in);
	tq_start_receive(&first, first.task.fd, buf, sizeof(buf), TQUEUE_FOREVER);
	tq_asleep(&first.task, SYS_ioctl);
	tq_start_read(&second, second.fd, got, sizeof(got));
	tq_asleep(&second, SYS_read);
	close(holder);
	tq_finish(&first.task);
	tq_finish(&second);
	tq_is(first.task.result, second.result ? 0 : 1);
	tq_is(second.result, first.task.result ? 0 : 10);
	close(second.fd);
	at_the_end(first.task.fd);
	finish(first.task.fd);
}

/* While there is a writer, a message that is done is no end, and wakes nobody. */
static void nobody_is_woken_for_nothing(void)
{
	struct tq_task sleeper;
	char buf[64];
	long before;
	int in, fd;

	make();
	in = writer();
	fd = reader();
	tq_send(in, 20, 2);
	tq_is(read(fd, buf, 10), 10);
	tq_start_read(&sleeper, tq_open_queue(NAME, O_RDONLY), buf, sizeof(buf));
	tq_asleep(&sleeper, SYS_read);
	before = tq_switches(sleeper.tid);
	tq_receive_rest(fd, 10, 2, 10);
	tq_still_asleep(&sleeper, SYS_read);
	tq_is(tq_switches(sleeper.tid), before);
	close(in);
	tq_result(&sleeper, 0);
	close(sleeper.fd);
	finish(fd);
}

/* Who waits for nothing but the end learns of it from the last message, too. */
static void who_polls_for_the_end_alone(void)
{
	struct tq_task poller = { .number = POLLRDHUP };
	int in, fd, i;

	make();
	for (i = 0; i < 2; i++) {
		in = writer();
		fd = reader();
		poller.fd = reader();
		tq_send(in, 10, 1);
		tq_send(in, 10, 2);
		close(in);
		tq_start(&poller, run_poll);
		tq_asleep(&poller, SYS_poll);
		tq_receive(fd, 10, 1);
		tq_still_asleep(&poller, SYS_poll);
		if (i)
			tq_received(fd, 1, 10, 2);
		else
			tq_receive(fd, 10, 2);
		tq_result(&poller, 1);
		tq_is(poller.error, POLLRDHUP | POLLHUP);
		close(poller.fd);
		close(fd);
	}
	finish(reader());
}

/* A sender that waits for room is a writer, though its file be closed. */
static void a_sender_in_line(void)
{
	struct tq_task task;
	int fd, in, i;
	char buf[20];

	make();
	fd = reader();
	in = tq_open_queue(NAME, O_WRONLY);
	tq_is(tq_fill_file(in, TQ_SMALL_MAX, 0), 4);
	tq_pattern(buf, 20, 9, 0);
	tq_start_write(&task, in, buf, 20);
	tq_asleep(&task, SYS_write);
	close(in);
	for (i = 0; i < 4; i++)
		tq_receive(fd, TQ_SMALL_MAX, i);
	tq_result(&task, 20);
	tq_receive(fd, 20, 9);
	at_the_end(fd);
	finish(fd);
}

/* ---- in traffic -------------------------------------------------------------------- */

enum { ROUNDS = 60, EACH = 30 };

static void write_and_leave(void *arg)
{
	unsigned int i;

	for (i = 0; i < EACH; i++) {
		int fd = tq_open_queue(NAME, O_WRONLY);

		tq_send(fd, 50, (uintptr_t)arg);
		if (i % 5)
			close(fd);
		/* The others are closed when it ends. */
	}
}

/* As with a pipe: all of it, and then the end; never the end too early. */
static void exactly_all_of_it(void)
{
	int round;

	tq_create_with(NAME, 65536, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
	for (round = 0; round < ROUNDS; round++) {
		int fd = tq_open_queue(NAME, O_RDONLY), hold, i, got = 0;
		char buf[1024];
		pid_t pids[3];

		hold = writer();
		for (i = 0; i < 3; i++)
			pids[i] = tq_fork(write_and_leave, (void *)1);
		/* It is the last writer now and then. */
		if (round % 2)
			usleep(round * 100);
		for (i = 0; i < 3 && round % 2; i++)
			tq_reap(pids[i]);
		close(hold);
		for (;;) {
			long n = round % 3 ? read(fd, buf, 64) :
				 tq_receive_call(fd, buf, 1000, TQUEUE_FOREVER);

			tq_true(n >= 0, "reading fails with %s",
				strerrorname_np(errno));
			if (n)
				got += round % 3 ? 1 : n;
			else if (round % 2 || got == 3 * EACH)
				break;
		}
		tq_is(got, 3 * EACH);
		for (i = 0; i < 3 && round % 2 == 0; i++)
			tq_reap(pids[i]);
		tq_is(read(fd, buf, 64), 0);
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

static void run_opener(struct tq_task *task)
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
	struct tq_task task = { .arg = &opening };
	double end = tq_now() + tq_seconds(1);
	char buf[64];
	long i;
	int fd;

	make();
	tq_start(&task, run_opener);
	for (i = 1; !atomic_load(&opening.last); i++) {
		fd = reader();
		atomic_store(&opening.round, i);
		do {
			tq_is(tq_poll(fd, POLLIN), 0);
		} while (atomic_load(&opening.opened) < i);
		tq_errno(read(fd, buf, sizeof(buf)), EAGAIN);
		atomic_store(&opening.last, tq_now() >= end);
		atomic_store(&opening.read, i);
		reaches(&opening.closed, i);
		tq_is(read(fd, buf, sizeof(buf)), 0);
		close(fd);
	}
	tq_finish(&task);
	fprintf(stderr, "# %ld writers came\n", i);
	finish(reader());
}

static const struct tq_test tests[] = {
	TQ_TEST(when_the_last_writer_left),
	TQ_TEST(only_who_has_seen_one),
	TQ_TEST(never_with_read_and_write),
	TQ_TEST(writing_without_a_reader),
	TQ_TEST(not_unless_it_is_asked_for),
	TQ_TEST(who_sleeps_is_woken),
	TQ_TEST(who_sleeps_is_woken_by_the_policy),
	TQ_TEST(a_writer_is_killed),
	TQ_TEST(duplicates),
	TQ_TEST(rests_in_hand),
	TQ_TEST(one_takes_what_comes_back),
	TQ_TEST(nobody_is_woken_for_nothing),
	TQ_TEST(who_polls_for_the_end_alone),
	TQ_TEST(a_sender_in_line),
	TQ_TEST(a_writer_on_its_way),
	TQ_TEST(exactly_all_of_it),
};

int main(int argc, char **argv)
{
	return tq_main("end_of_file", tests, ARRAY_SIZE(tests), argc, argv);
}
