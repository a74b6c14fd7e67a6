// SPDX-License-Identifier: GPL-2.0-only
/* Those who sleep in a call are woken by the removal. */
#include "removal.h"

void sleeping_readers(void)
{
	struct t_task tasks[5];
	char buf[5][100];
	int i;

	t_create(NAME, TQ_PAGE);
	for (i = 0; i < 5; i++) {
		t_start_read(&tasks[i], t_open_queue(NAME, O_RDONLY + i % 2 * 2),
			     buf[i], 100);
		t_asleep(&tasks[i], SYS_read);
	}
	remove_it();
	for (i = 0; i < 5; i++)
		t_fails(&tasks[i], EIDRM);
}

void waiting_senders(void)
{
	struct t_task tasks[5];
	char buf[TQ_SMALL_MAX] = "";
	int i;

	t_create(NAME, TQ_PAGE);
	t_is(t_fill_file(t_open_queue(NAME, O_WRONLY), TQ_SMALL_MAX, 1), 4);
	for (i = 0; i < 5; i++) {
		t_start_write(&tasks[i], t_open_queue(NAME, O_WRONLY), buf,
			      i ? TQ_SMALL_MAX : 10);
		t_asleep(&tasks[i], SYS_write);
	}
	remove_it();
	for (i = 0; i < 5; i++)
		t_fails(&tasks[i], EIDRM);
}

void sleeping_receivers_of_batches(void)
{
	struct t_batch batches[3];
	char buf[3][500];
	int i;

	t_create(NAME, TQ_PAGE);
	for (i = 0; i < 3; i++) {
		t_start_receive(&batches[i], t_open_queue(NAME, O_RDONLY), buf[i],
				sizeof(buf[i]),
				 i ? TQUEUE_FOREVER : t_deadline(30));
		t_asleep(&batches[i].task, SYS_ioctl);
	}
	remove_it();
	for (i = 0; i < 3; i++)
		t_fails(&batches[i].task, EIDRM);
}

void waiting_senders_of_batches(void)
{
	struct t_batch batches[3];
	char buf[500];
	size_t bytes = t_put_many(buf, 50, 1, 3);
	int i;

	t_create(NAME, TQ_PAGE);
	t_is(t_fill_file(t_open_queue(NAME, O_WRONLY), TQ_SMALL_MAX, 1), 4);
	for (i = 0; i < 3; i++) {
		t_start_send(&batches[i], t_open_queue(NAME, O_WRONLY), buf, bytes,
			     i ? TQUEUE_FOREVER : t_deadline(30));
		t_asleep(&batches[i].task, SYS_ioctl);
	}
	remove_it();
	for (i = 0; i < 3; i++)
		t_fails(&batches[i].task, EIDRM);
}

void who_waits_until_all_is_done(void)
{
	struct t_batch batches[3];
	int i, fd;

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_send(fd, 100, 1);
	for (i = 0; i < 3; i++) {
		t_start_wait(&batches[i], t_open_queue(NAME, O_RDWR), TQUEUE_FOREVER,
			     i ? TQUEUE_FOREVER : t_deadline(30));
		t_asleep(&batches[i].task, SYS_ioctl);
	}
	remove_it();
	for (i = 0; i < 3; i++)
		t_fails(&batches[i].task, EIDRM);
}

void sleeping_pollers(void)
{
	/* Full and empty at once: nothing of what they ask for is there. */
	static const short events[] = { POLLIN, 0, POLLPRI, POLLIN | POLLPRI };
	struct t_task tasks[ARRAY_SIZE(events)];
	size_t i;

	t_create(NAME, TQ_PAGE);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		t_start_poll(&tasks[i], t_open_queue(NAME, O_RDWR), events[i]);
		t_asleep(&tasks[i], SYS_poll);
	}
	remove_it();
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		t_result(&tasks[i], 1);
		t_is(tasks[i].events & ENDED, ENDED);
	}
}

void pollers_for_room(void)
{
	struct t_task task;
	int fd;

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_WRONLY);
	t_fill_file(fd, TQ_SMALL_MAX, 1);
	t_start_poll(&task, fd, POLLOUT);
	t_asleep(&task, SYS_poll);
	remove_it();
	t_result(&task, 1);
	t_is(task.events & ENDED, ENDED);
}

void sleeping_epolls(void)
{
	static const unsigned int how[] = {
		EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT, 0, EPOLLET,
		EPOLLIN | EPOLLEXCLUSIVE, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET,
	};
	struct t_task tasks[ARRAY_SIZE(how)];
	size_t i;

	t_create(NAME, TQ_PAGE);
	for (i = 0; i < ARRAY_SIZE(how); i++) {
		t_start_epoll(&tasks[i], t_open_queue(NAME, O_RDWR), how[i]);
		t_asleep(&tasks[i], SYS_epoll_wait);
	}
	remove_it();
	for (i = 0; i < ARRAY_SIZE(how); i++) {
		t_result(&tasks[i], 1);
		t_is(tasks[i].events & (EPOLLERR | EPOLLHUP), EPOLLERR | EPOLLHUP);
	}
}

void sleeping_splices(void)
{
	struct t_task out, in;

	t_create(NAME, TQ_PAGE);
	t_start_splice(&out, t_open_queue(NAME, O_RDONLY));
	t_asleep(&out, SYS_splice);
	remove_it();
	t_fails(&out, EIDRM);
	t_create(NAME, TQ_PAGE);
	in.fd = t_open_queue(NAME, O_WRONLY);
	t_fill_file(in.fd, TQ_SMALL_MAX, 1);
	t_start_splice_in(&in, in.fd, 7);
	t_asleep(&in, SYS_splice);
	remove_it();
	t_fails(&in, EIDRM);
}

void pending_requests(void)
{
	char buf[4][100] = { "" };
	double end = t_now() + 10 * t_slow();
	struct io_uring_sqe *poll_for;
	struct uring ring;
	uint64_t name;
	int fd, i, result;

	if (!uring_open(&ring, 8))
		t_skip("io_uring_setup: %s", strerror(errno));
	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	uring_put(&ring, IORING_OP_READ, fd, buf[0], 100, 0);
	uring_put(&ring, IORING_OP_READ, fd, buf[1], 100, 1);
	poll_for = uring_put(&ring, IORING_OP_POLL_ADD, fd, NULL, 0, 2);
	poll_for->off = 0;
	poll_for->poll32_events = POLLIN;
	uring_enter(&ring, 0);
	t_sleep_ms(20);
	t_is(uring_take(&ring, &name, &result), false);
	remove_it();
	for (i = 0; i < 3; i++) {
		while (!uring_take(&ring, &name, &result)) {
			t_true(t_now() < end, "a request does not end");
			uring_enter(&ring, 0);
		}
		if (name == 2)
			t_is(result & ENDED, ENDED);
		else
			t_is(result, -EIDRM);
	}
	/* And one for room. */
	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_fill_file(fd, TQ_SMALL_MAX, 1);
	uring_put(&ring, IORING_OP_WRITE, fd, buf[0], 100, 3);
	uring_enter(&ring, 0);
	t_sleep_ms(20);
	t_is(uring_take(&ring, &name, &result), false);
	remove_it();
	while (!uring_take(&ring, &name, &result)) {
		t_true(t_now() < end, "a request does not end");
		uring_enter(&ring, 0);
	}
	t_is(result, -EIDRM);
	uring_close(&ring);
}

void owners_are_signalled(void)
{
	int fd;

	t_catch(SIGIO, SA_RESTART);
	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
	fcntl(fd, F_SETOWN, getpid());
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
	remove_it();
	t_wait_caught(1);
	close(fd);
}
