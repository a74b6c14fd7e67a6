// SPDX-License-Identifier: GPL-2.0-only
/* When the end is there: after the last writer, and for whom. */
#include "end_of_file.h"

void when_the_last_writer_left(void)
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
void late_openers(void)
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
void a_writer_that_sends_nothing(void)
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
void taken_by_somebody_else(void)
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
void polls_do_not_tell_it(void)
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
void one_after_the_other(void)
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
void several_late_openers(void)
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
void a_stop_is_told_to_all(void)
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
void never_with_read_and_write(void)
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

void writing_without_a_reader(void)
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

void not_unless_it_is_asked_for(void)
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
