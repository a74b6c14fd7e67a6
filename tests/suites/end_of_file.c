// SPDX-License-Identifier: GPL-2.0-only
/*
 * End-of-file when the last writer left, where the queue is made so: for files
 * that have seen a writer or what one left, when everything has been read, and
 * until the next writer comes.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"eof"

static void make(void)
{
	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
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

/*
 * A file that was opened when all writers had left has seen them as well, if what
 * they sent last was told of by no end yet: it, too, gets that and then the end.
 */
static void late_openers(void)
{
	int in, first, late, later;

	make();
	first = reader();
	in = writer();
	t_send(in, 10, 1);
	close(in);
	late = reader();
	later = reader();
	t_receive(late, 10, 1);
	at_the_end(late);
	/* Once it is told, all who have come by then are told, in any order. */
	at_the_end(later);
	at_the_end(first);
	close(late);
	/* Who comes after that waits for the next writer. */
	late = reader();
	not_at_the_end(late);
	at_the_end(later);
	at_the_end(first);
	in = writer();
	not_at_the_end(first);
	close(in);
	at_the_end(late);
	at_the_end(first);
	close(late);
	close(later);
	/* One that is open now counts as seen. */
	in = writer();
	later = reader();
	close(in);
	at_the_end(later);
	close(later);
	finish(first);
}

/* A writer that sends nothing leaves no end behind for who comes later. */
static void a_writer_that_sends_nothing(void)
{
	int fd;

	make();
	close(writer());
	fd = reader();
	not_at_the_end(fd);
	close(fd);
	fd = writer();
	t_send(fd, 10, 1);
	close(fd);
	fd = reader();
	t_receive(fd, 10, 1);
	at_the_end(fd);
	close(fd);
	close(writer());
	fd = reader();
	not_at_the_end(fd);
	finish(fd);
}

/* Somebody took all of it and went away without finding the end. */
static void taken_by_somebody_else(void)
{
	int in, fd;

	make();
	in = writer();
	t_send(in, 10, 1);
	close(in);
	fd = reader();
	t_receive(fd, 10, 1);
	close(fd);
	fd = reader();
	at_the_end(fd);
	close(fd);
	fd = reader();
	not_at_the_end(fd);
	finish(fd);
}

/* Polling finds the end as often as one likes, and tells nobody that it is over. */
static void polls_do_not_tell_it(void)
{
	int in, first, late, i;

	make();
	first = reader();
	in = writer();
	t_send(in, 10, 1);
	close(in);
	t_receive(first, 10, 1);
	for (i = 0; i < 3; i++) {
		t_true(t_poll(first, POLLIN) & POLLHUP, "no POLLHUP at the end");
		late = reader();
		t_true(t_poll(late, POLLIN) & POLLHUP, "no POLLHUP for file %d", i);
		close(late);
	}
	late = reader();
	at_the_end(late);
	close(late);
	late = reader();
	not_at_the_end(late);
	close(late);
	at_the_end(first);
	finish(first);
}

static void run_writer(void *arg)
{
	int fd = t_open_queue(NAME, O_WRONLY), i, n = (long)arg;

	for (i = 0; i < n; i++)
		t_send(fd, 10, i);
}

/* echo x > queue; cat queue: each time anew, by every way to receive. */
static void one_after_the_other(void)
{
	int round, i, n, fd, splicing[2];
	char buf[256];

	make();
	t_is(pipe(splicing), 0);
	for (round = 0; round < 40; round++) {
		n = 1 + round % 5;
		t_reap(t_fork(run_writer, (void *)(long)n));
		fd = t_open_queue(NAME, O_RDONLY);
		for (i = 0; i < n; i++)
			t_receive(fd, 10, i);
		switch (round % 4) {
		case 0:
			t_is(read(fd, buf, sizeof(buf)), 0);
			break;
		case 1:
			t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
			break;
		case 2:
			t_is(splice(fd, NULL, splicing[1], NULL, 100, 0), 0);
			break;
		default:
			t_true(t_poll(fd, POLLIN) & POLLHUP, "no POLLHUP");
			t_is(read(fd, buf, sizeof(buf)), 0);
			break;
		}
		t_is(read(fd, buf, sizeof(buf)), 0);
		close(fd);
	}
	finish(reader());
}

static void run_reader(struct t_task *task)
{
	char buf[256];
	ssize_t got;

	while ((got = read(task->fd, buf, sizeof(buf))) > 0)
		atomic_fetch_add(&task->count, 1);
	task->result = got;
	task->error = errno;
}

/* Several that were started late share what there is, and all come to the end. */
static void several_late_openers(void)
{
	enum { MANY = 5, MESSAGES = 30 };
	struct t_task readers[MANY];
	int round, i, fd;
	long count;

	make();
	for (round = 0; round < 10; round++) {
		fd = writer();
		for (i = 0; i < MESSAGES; i++)
			t_send(fd, 10, i);
		close(fd);
		for (i = 0; i < MANY; i++)
			readers[i] = (struct t_task){
				.fd = t_open_queue(NAME, O_RDONLY),
			};
		for (i = 0; i < MANY; i++)
			t_start(&readers[i], run_reader);
		for (count = 0, i = 0; i < MANY; i++) {
			t_result(&readers[i], 0);
			count += readers[i].count;
			close(readers[i].fd);
		}
		t_is(count, MESSAGES);
	}
	finish(reader());
}

/* Stopped is another end: whoever comes, and as often as it comes. */
static void a_stop_is_told_to_all(void)
{
	int fd, in, i;
	char buf[64];

	make();
	in = writer();
	t_send(in, 10, 1);
	t_is(ioctl(in, TQUEUE_STOP), 0);
	close(in);
	fd = reader();
	t_receive(fd, 10, 1);
	for (i = 0; i < 3; i++) {
		t_is(read(fd, buf, sizeof(buf)), 0);
		close(fd);
		fd = reader();
	}
	t_is(ioctl(fd, TQUEUE_START), 0);
	finish(fd);
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

	t_create(NAME, TQ_PAGE);
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
	task->result = splice(task->fd, NULL, ends[1], NULL, TQ_PAGE, 0);
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
		t_create(NAME, TQ_PAGE);
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

	t_create_with(NAME, 16 * TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
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
	TQ_TEST(late_openers),
	TQ_TEST(a_writer_that_sends_nothing),
	TQ_TEST(taken_by_somebody_else),
	TQ_TEST(polls_do_not_tell_it),
	TQ_TEST(one_after_the_other),
	TQ_TEST(several_late_openers),
	TQ_TEST(a_stop_is_told_to_all),
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
