// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a queue is made so, sends of a file that has seen a reader fail with EPIPE
 * once the last reader has left, as on a pipe. What was sent stays.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"no_reader"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of 4096 */

static void make(unsigned int overflow)
{
	struct tqueue_create create = t_creation(NAME);

	create.config.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_OVERFLOW |
			       TQUEUE_CONFIG_NO_READER;
	create.config.size = TQ_PAGE;
	create.config.overflow = overflow;
	create.config.no_reader = TQUEUE_NO_READER_ERROR;
	t_is(t_create_call(&create), 0);
	t_is(t_get(NAME).no_reader, TQUEUE_NO_READER_ERROR);
}

static int set_call(unsigned int no_reader)
{
	struct tqueue_set set = { .config = {
		.fields = TQUEUE_CONFIG_NO_READER, .no_reader = no_reader,
	} };

	strcpy(set.name, NAME);
	return ioctl(t_control(), TQUEUE_CTL_SET, &set);
}

static int writer(void)
{
	return t_open_queue(NAME, O_WRONLY);
}

/* A file that is open for reading, and a reader. */
static int reader(void)
{
	int fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);

	t_poll(fd, POLLIN);
	return fd;
}

static void end(void)
{
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

/* Every way to send: which of them raise SIGPIPE, and which do not. */
static void all_fail_at(int line, int fd)
{
	char buf[256] = "";
	struct iovec two[2] = { { buf, 5 }, { buf + 5, 5 } };
	size_t bytes;
	int ends[2];

	t_catch(SIGPIPE, SA_RESTART);
	t_errno_at(__FILE__, line, "write", write(fd, buf, 10), EPIPE);
	t_is_at(__FILE__, line, "SIGPIPE of write", t_caught, 1);
	t_errno_at(__FILE__, line, "writev", writev(fd, two, 2), EPIPE);
	t_is_at(__FILE__, line, "SIGPIPE of writev", t_caught, 2);
	t_errno_at(__FILE__, line, "pwritev2", pwritev2(fd, two, 2, -1, RWF_NOWAIT),
		   EPIPE);
	t_is_at(__FILE__, line, "SIGPIPE of pwritev2", t_caught, 3);
	t_is(pipe(ends), 0);
	t_is(write(ends[1], buf, 10), 10);
	t_errno_at(__FILE__, line, "splice", splice(ends[0], NULL, fd, NULL, 10, 0),
		   EPIPE);
	t_is_at(__FILE__, line, "SIGPIPE of splice", t_caught, 4);
	close(ends[0]);
	close(ends[1]);
	bytes = t_put_many(buf, 10, 1, 3);
	t_errno_at(__FILE__, line, "SEND", t_send_call(fd, buf, bytes, 0), EPIPE);
	t_errno_at(__FILE__, line, "SEND",
		   t_send_call(fd, buf, bytes, TQUEUE_FOREVER), EPIPE);
	t_is_at(__FILE__, line, "SIGPIPE of SEND", t_caught, 4);
	/* Nothing is no message. */
	t_is_at(__FILE__, line, "write of nothing", write(fd, buf, 0), 0);
	t_is_at(__FILE__, line, "POLLERR", t_poll(fd, POLLOUT) & POLLERR, POLLERR);
}

#define all_fail(fd)	all_fail_at(__LINE__, fd)

/* ---- the policy -------------------------------------------------------------- */

static void chosen(void)
{
	struct tqueue_create create = t_creation(NAME);

	t_create(NAME, TQ_PAGE);
	t_is(t_get(NAME).no_reader, TQUEUE_NO_READER_KEEP);
	t_true(t_get(NAME).features & TQUEUE_FEATURE_NO_READER, "no such feature");
	t_errno(set_call(2), EINVAL);
	t_errno(set_call(~0U), EINVAL);
	t_is(t_get(NAME).no_reader, TQUEUE_NO_READER_KEEP);
	t_is(set_call(TQUEUE_NO_READER_ERROR), 0);
	t_is(t_get(NAME).no_reader, TQUEUE_NO_READER_ERROR);
	/* Another setting leaves it. */
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), 0);
	t_is(t_get(NAME).no_reader, TQUEUE_NO_READER_ERROR);
	t_is(set_call(TQUEUE_NO_READER_KEEP), 0);
	t_is(t_get(NAME).no_reader, TQUEUE_NO_READER_KEEP);
	t_remove(NAME);
	create.config.fields = TQUEUE_CONFIG_NO_READER;
	create.config.no_reader = 2;
	t_errno(t_create_call(&create), EINVAL);
}

/* Without it messages wait for whoever comes. */
static void kept(void)
{
	int out, in, i;

	t_create(NAME, TQ_PAGE);
	out = writer();
	in = reader();
	t_send(out, 10, 0);
	t_receive(in, 10, 0);
	close(in);
	for (i = 0; i < 5; i++)
		t_send(out, 10, i);
	t_is(t_poll(out, POLLOUT), POLLOUT);
	in = reader();
	for (i = 0; i < 5; i++)
		t_receive(in, 10, i);
	close(out);
	t_end(in);
}

/* ---- who has seen a reader ------------------------------------------------------ */

static void the_last_reader_left(void)
{
	int out, in, second;

	t_catch(SIGPIPE, SA_RESTART);
	make(TQUEUE_OVERFLOW_BLOCK);
	out = writer();
	in = reader();
	second = reader();
	t_send(out, 10, 1);
	close(in);
	t_send(out, 10, 2);
	t_is(t_poll(out, POLLOUT), POLLOUT);
	close(second);
	all_fail(out);
	t_is(fcntl(out, F_SETFL, O_NONBLOCK), 0);
	all_fail(out);
	/* What was sent before is there, and nothing else. */
	t_is(t_info(out).messages, 2);
	in = reader();
	t_is(t_poll(out, POLLOUT), POLLOUT);
	t_receive(in, 10, 1);
	t_receive(in, 10, 2);
	/* That one is a reader, too. */
	t_send(out, 10, 3);
	t_receive(in, 10, 3);
	close(in);
	all_fail(out);
	close(out);
	end();
}

/* Whichever of the two was opened first. */
static void a_writer_that_came_later(void)
{
	int out, in;

	t_catch(SIGPIPE, SA_RESTART);
	make(TQUEUE_OVERFLOW_BLOCK);
	in = reader();
	out = writer();
	t_send(out, 10, 1);
	close(in);
	all_fail(out);
	close(out);
	end();
}

/* One that has seen no reader sends on: its reader may yet come. */
static void has_seen_none(void)
{
	int first, late, in, i;
	struct t_task sender;
	char buf[TQ_SMALL_MAX] = "";

	t_catch(SIGPIPE, SA_RESTART);
	make(TQUEUE_OVERFLOW_BLOCK);
	first = writer();
	t_send(first, 10, 1);
	t_is(t_poll(first, POLLOUT | POLLERR), POLLOUT);
	/* Who looks, and who only could read, is none. */
	in = t_open_queue(NAME, O_RDONLY);
	t_is(t_peek_call(in, buf, sizeof(buf)), 1);
	close(in);
	close(t_open_queue(NAME, 3));
	t_send(first, 10, 2);
	in = reader();
	close(in);
	all_fail(first);
	/* One that came after that. */
	late = writer();
	t_send(late, 10, 3);
	t_is(t_poll(late, POLLOUT | POLLERR), POLLOUT);
	all_fail(first);
	/* It waits as long as it takes. */
	t_is(t_fill_file(late, TQ_SMALL_MAX, 4), 3);
	t_start_write(&sender, late, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	in = t_open_queue(NAME, O_RDONLY);
	for (i = 1; i < 4; i++)
		t_receive(in, 10, i);
	t_result(&sender, sizeof(buf));
	close(in);
	all_fail(late);
	t_is(t_caught, 4);
	close(late);
	close(first);
	end();
}

/* A file for both that reads is a reader, and so sends on by itself. */
static void a_reader_of_its_own(void)
{
	int fd, in;

	make(TQUEUE_OVERFLOW_BLOCK);
	fd = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	in = reader();
	t_send(fd, 10, 1);
	t_receive(fd, 10, 1);
	close(in);
	t_send(fd, 10, 2);
	t_receive(fd, 10, 2);
	t_end(fd);
}

/* ---- who waits ------------------------------------------------------------------- */

static void hold_it_open(void *arg)
{
	reader();
	*(volatile int *)arg = 1;
	for (;;)
		pause();
}

/* Senders that wait for room, and those that poll for it, learn of it at once. */
static void who_waits(bool killed)
{
	struct t_task sender, splicer, pollers[2];
	char buf[TQ_SMALL_MAX] = "", records[TQ_PAGE / 2];
	int *opened = t_shared(sizeof(*opened));
	int out, in = -1, i;
	struct t_batch batch;
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	pid_t pid = 0;

	t_catch(SIGPIPE, SA_RESTART);
	make(TQUEUE_OVERFLOW_BLOCK);
	out = writer();
	if (killed) {
		pid = t_fork(hold_it_open, opened);
		while (!*(volatile int *)opened)
			sched_yield();
	} else {
		in = reader();
	}
	t_is(t_fill_file(out, TQ_SMALL_MAX, 0), FULL);
	for (i = 0; i < 2; i++) {
		t_start_poll(&pollers[i], out, i ? 0 : POLLOUT);
		t_asleep(&pollers[i], SYS_poll);
	}
	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, out, &event), 0);
	t_is(epoll_wait(epoll, &event, 1, 0), 0);
	t_start_write(&sender, writer(), buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	t_start_send(&batch, writer(), records, t_put_many(records, 100, 1, 3),
		     TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	t_start_splice_in(&splicer, writer(), 100);
	t_asleep(&splicer, SYS_splice);
	if (killed)
		t_kill(pid);
	else
		close(in);
	t_fails(&sender, EPIPE);
	t_fails(&batch.task, EPIPE);
	t_fails(&splicer, EPIPE);
	/* Of write and splice. */
	t_is(t_caught, 2);
	t_finish(&pollers[1]);
	t_true(pollers[1].events & POLLERR, "poll finds %#x", pollers[1].events);
	t_finish(&pollers[0]);
	t_is(epoll_wait(epoll, &event, 1, 5000 * t_slow()), 1);
	t_true(t_poll(out, POLLOUT) & POLLERR, "no POLLERR");
	t_is(t_info(out).messages, FULL);
	t_is(t_info(out).blocked_senders, 0);
	close(sender.fd);
	close(batch.task.fd);
	close(splicer.fd);
	close(epoll);
	close(out);
	end();
}

static void when_it_closes(void)
{
	who_waits(false);
}

static void when_it_is_killed(void)
{
	who_waits(true);
}

/* Its unread part comes back first: it is there, though nobody is. */
static void with_a_partial_message(void)
{
	int out, in;
	char part[10];

	t_catch(SIGPIPE, SA_RESTART);
	make(TQUEUE_OVERFLOW_BLOCK);
	out = writer();
	in = reader();
	t_send(out, 30, 1);
	t_is(read(in, part, 10), 10);
	close(in);
	all_fail(out);
	in = reader();
	t_receive_rest(in, 20, 1, 10);
	close(out);
	t_end(in);
}

/* ---- with other policies ------------------------------------------------------------ */

static void drops_nothing(void)
{
	int out, in, i;

	t_catch(SIGPIPE, SA_RESTART);
	make(TQUEUE_OVERFLOW_DROP_OLDEST);
	out = writer();
	in = reader();
	for (i = 0; i < FULL + 1; i++)
		t_send(out, TQ_SMALL_MAX, i);
	t_is(t_info(out).dropped, 1);
	close(in);
	all_fail(out);
	t_is(t_info(out).dropped, 1);
	t_is(t_info(out).messages, FULL);
	close(out);
	end();
}

static void before_a_rejection(void)
{
	int out, in;
	char buf[TQ_SMALL_MAX] = "";
	size_t i;

	t_catch(SIGPIPE, SA_RESTART);
	make(TQUEUE_OVERFLOW_REJECT);
	out = writer();
	in = reader();
	for (i = 0; i < FULL; i++)
		t_send(out, TQ_SMALL_MAX, i);
	t_errno(write(out, buf, sizeof(buf)), ENOBUFS);
	t_is(t_caught, 0);
	close(in);
	all_fail(out);
	close(out);
	end();
}

static void set_while_in_use(void)
{
	int out, in;
	struct t_task sender;
	char buf[100] = "";

	t_catch(SIGPIPE, SA_RESTART);
	t_create(NAME, TQ_PAGE);
	out = writer();
	in = reader();
	t_is(t_fill_file(out, TQ_SMALL_MAX, 0), FULL);
	t_start_write(&sender, out, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	t_is(set_call(TQUEUE_NO_READER_ERROR), 0);
	t_still_asleep(&sender, SYS_write);
	close(in);
	t_fails(&sender, EPIPE);
	all_fail(out);
	t_is(set_call(TQUEUE_NO_READER_KEEP), 0);
	t_is(t_poll(out, POLLOUT | POLLERR), 0);
	in = t_open_queue(NAME, O_RDONLY);
	t_receive(in, TQ_SMALL_MAX, 0);
	close(in);
	t_send(out, 10, 1);
	close(out);
	end();
}

/* As a pipe: "yes | head" ends, and so does what reads to the end. */
static void run_endless(void *arg)
{
	int fd = writer();

	(void)arg;
	signal(SIGPIPE, SIG_DFL);
	for (;;)
		if (write(fd, "yes\n", 4) != 4)
			_exit(1);
}

static void like_a_pipe(void)
{
	struct tqueue_create create = t_creation(NAME);
	int fd, i, status;
	char buf[64];
	pid_t pid;

	create.config.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_END_OF_FILE |
			       TQUEUE_CONFIG_NO_READER;
	create.config.size = TQ_PAGE;
	create.config.end_of_file = TQUEUE_EOF_LAST_WRITER;
	create.config.no_reader = TQUEUE_NO_READER_ERROR;
	t_is(t_create_call(&create), 0);
	pid = t_fork(run_endless, NULL);
	fd = t_open_queue(NAME, O_RDONLY);
	for (i = 0; i < 100; i++)
		t_is(read(fd, buf, sizeof(buf)), 4);
	close(fd);
	t_is(waitpid(pid, &status, 0), pid);
	t_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE,
	       "it ends with status %#x", status);
	fd = t_open_queue(NAME, O_RDONLY);
	while ((i = read(fd, buf, sizeof(buf))) > 0)
		;
	t_is(i, 0);
	close(fd);
	t_remove(NAME);
}

static const struct t_test tests[] = {
	TQ_TEST(chosen),
	TQ_TEST(kept),
	TQ_TEST(the_last_reader_left),
	TQ_TEST(a_writer_that_came_later),
	TQ_TEST(has_seen_none),
	TQ_TEST(a_reader_of_its_own),
	TQ_TEST(when_it_closes),
	TQ_TEST(when_it_is_killed),
	TQ_TEST(with_a_partial_message),
	TQ_TEST(drops_nothing),
	TQ_TEST(before_a_rejection),
	TQ_TEST(set_while_in_use),
	TQ_TEST(like_a_pipe),
};

int main(int argc, char **argv)
{
	return t_main("no_reader", tests, ARRAY_SIZE(tests), argc, argv);
}
