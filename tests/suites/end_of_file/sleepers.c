// SPDX-License-Identifier: GPL-2.0-only
/* Those who sleep until the end, and messages that may come back. */
#include "end_of_file.h"

static void sleepers(bool by_policy)
{
	struct t_task readers[3], poller, splicer, epoller;
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
	t_start_poll(&poller, readers[0].fd, POLLIN);
	t_asleep(&poller, SYS_poll);
	t_start_epoll(&epoller, readers[0].fd, EPOLLIN | EPOLLET);
	t_asleep(&epoller, SYS_epoll_wait);
	t_start_splice(&splicer, readers[1].fd);
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
	t_true(poller.events & POLLHUP, "poll finds %#x", poller.events);
	t_result(&epoller, 1);
	t_true(epoller.events & POLLHUP, "epoll finds %#x", epoller.events);
	t_result(&splicer, 0);
	t_result(&batch.task, 0);
	close(readers[0].fd);
	close(readers[1].fd);
	finish(readers[2].fd);
}

void who_sleeps_is_woken(void)
{
	sleepers(false);
}

void who_sleeps_is_woken_by_the_policy(void)
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

void a_writer_is_killed(void)
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
void duplicates(void)
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

void partials_in_flight(void)
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
void one_takes_what_comes_back(void)
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
void nobody_is_woken_for_nothing(void)
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
void who_polls_for_the_end_alone(void)
{
	struct t_task poller;
	int in, fd, i;

	make();
	for (i = 0; i < 2; i++) {
		in = writer();
		fd = reader();
		poller.fd = reader();
		t_send(in, 10, 1);
		t_send(in, 10, 2);
		close(in);
		t_start_poll(&poller, poller.fd, POLLRDHUP);
		t_asleep(&poller, SYS_poll);
		t_receive(fd, 10, 1);
		t_still_asleep(&poller, SYS_poll);
		if (i)
			t_received(fd, 1, 10, 2);
		else
			t_receive(fd, 10, 2);
		t_polled(&poller, POLLRDHUP | POLLHUP);
		close(poller.fd);
		close(fd);
	}
	finish(reader());
}

/* A sender that waits for room is a writer, though its file be closed. */
void a_sender_in_line(void)
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
