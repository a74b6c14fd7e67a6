// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue removed by force while others are in the middle of using it: whoever
 * sleeps is woken with EIDRM, whoever polls finds POLLERR | POLLHUP, nobody
 * hangs, and the name can be used again at once. Without force a queue in use
 * stays, and nobody notices that it was tried.
 */
#include "calls.h"

#include "uring.h"

#include <sys/epoll.h>

#define NAME	"gone"
#define ENDED	(POLLERR | POLLHUP)

static void remove_it(void)
{
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

/* ---- who sleeps ----------------------------------------------------------- */

static void sleeping_readers(void)
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

static void waiting_senders(void)
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

static void sleeping_receivers_of_batches(void)
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

static void waiting_senders_of_batches(void)
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

static void who_waits_until_all_is_done(void)
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

static void run_poll(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = task->number };

	task->result = poll(&one, 1, -1);
	task->error = one.revents;
}

static void sleeping_pollers(void)
{
	/* Full and empty at once: nothing of what they ask for is there. */
	static const short events[] = { POLLIN, 0, POLLPRI, POLLIN | POLLPRI };
	struct t_task tasks[ARRAY_SIZE(events)];
	size_t i;

	t_create(NAME, TQ_PAGE);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		tasks[i].fd = t_open_queue(NAME, O_RDWR);
		tasks[i].number = events[i];
		t_start(&tasks[i], run_poll);
		t_asleep(&tasks[i], SYS_poll);
	}
	remove_it();
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		t_finish(&tasks[i]);
		t_is(tasks[i].result, 1);
		t_is(tasks[i].error & ENDED, ENDED);
	}
}

static void pollers_for_room(void)
{
	struct t_task task = { .number = POLLOUT };

	t_create(NAME, TQ_PAGE);
	task.fd = t_open_queue(NAME, O_WRONLY);
	t_fill_file(task.fd, TQ_SMALL_MAX, 1);
	t_start(&task, run_poll);
	t_asleep(&task, SYS_poll);
	remove_it();
	t_finish(&task);
	t_is(task.result, 1);
	t_is(task.error & ENDED, ENDED);
}

static void run_epoll(struct t_task *task)
{
	struct epoll_event event = { 0 };

	task->result = epoll_wait(task->fd, &event, 1, -1);
	task->error = event.events;
}

static void sleeping_epolls(void)
{
	static const unsigned int how[] = {
		EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT, 0, EPOLLET,
		EPOLLIN | EPOLLEXCLUSIVE, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET,
	};
	struct t_task tasks[ARRAY_SIZE(how)];
	size_t i;

	t_create(NAME, TQ_PAGE);
	for (i = 0; i < ARRAY_SIZE(how); i++) {
		struct epoll_event event = { .events = how[i] };

		tasks[i].fd = epoll_create1(0);
		t_is(epoll_ctl(tasks[i].fd, EPOLL_CTL_ADD,
			       t_open_queue(NAME, O_RDWR), &event), 0);
		t_start(&tasks[i], run_epoll);
		t_asleep(&tasks[i], SYS_epoll_wait);
	}
	remove_it();
	for (i = 0; i < ARRAY_SIZE(how); i++) {
		t_finish(&tasks[i]);
		t_is(tasks[i].result, 1);
		t_is(tasks[i].error & (EPOLLERR | EPOLLHUP), EPOLLERR | EPOLLHUP);
	}
}

static void run_splice(struct t_task *task)
{
	int ends[2];

	t_is(pipe(ends), 0);
	task->result = splice(task->fd, NULL, ends[1], NULL, TQ_PAGE, 0);
	task->error = errno;
}

static void run_splice_in(struct t_task *task)
{
	int ends[2];

	t_is(pipe(ends), 0);
	t_is(write(ends[1], "message", 7), 7);
	task->result = splice(ends[0], NULL, task->fd, NULL, 7, 0);
	task->error = errno;
}

static void sleeping_splices(void)
{
	struct t_task out, in;

	t_create(NAME, TQ_PAGE);
	out.fd = t_open_queue(NAME, O_RDONLY);
	t_start(&out, run_splice);
	t_asleep(&out, SYS_splice);
	remove_it();
	t_fails(&out, EIDRM);
	t_create(NAME, TQ_PAGE);
	in.fd = t_open_queue(NAME, O_WRONLY);
	t_fill_file(in.fd, TQ_SMALL_MAX, 1);
	t_start(&in, run_splice_in);
	t_asleep(&in, SYS_splice);
	remove_it();
	t_fails(&in, EIDRM);
}

static void pending_requests(void)
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

static atomic_int signals;

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals, 1);
}

static void owners_are_signalled(void)
{
	double end = t_now() + 10 * t_slow();
	int fd;

	signal(SIGIO, count_signal);
	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
	fcntl(fd, F_SETOWN, getpid());
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
	remove_it();
	while (!atomic_load(&signals)) {
		t_true(t_now() < end, "no SIGIO");
		sched_yield();
	}
	close(fd);
}

/* ---- who comes later ------------------------------------------------------- */

static void every_call_afterwards(void)
{
	struct tqueue_config config = { .fields = TQUEUE_CONFIG_SIZE, .size = 2 * TQ_PAGE };
	char buf[TQ_PAGE] = "", path[64];
	struct iovec one = { buf, 10 };
	int ends[2], fd, bytes, info, i;
	struct stat st;

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_send(fd, 100, 1);
	remove_it();
	t_is(pipe(ends), 0);
	t_is(write(ends[1], buf, 10), 10);
	for (i = 0; i < 2; i++) {
		size_t bytes_of_one = t_put(buf, 0, 10, 1);

		t_errno(read(fd, buf, 100), EIDRM);
		t_errno(write(fd, buf, 100), EIDRM);
		t_errno(write(fd, buf, sizeof(buf)), EIDRM);
		t_errno(readv(fd, &one, 1), EIDRM);
		t_errno(writev(fd, &one, 1), EIDRM);
		t_errno(splice(fd, NULL, ends[1], NULL, 10, 0), EIDRM);
		t_errno(splice(ends[0], NULL, fd, NULL, 10, 0), EIDRM);
		t_errno(t_send_call(fd, buf, bytes_of_one, 0), EIDRM);
		t_errno(t_send_call(fd, buf, bytes_of_one, TQUEUE_FOREVER), EIDRM);
		t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EIDRM);
		t_errno(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), EIDRM);
		t_errno(t_peek_call(fd, buf, sizeof(buf)), EIDRM);
		t_errno(t_wait_call(fd, TQUEUE_FOREVER, 0), EIDRM);
		t_errno(t_wait_call(fd, 1, TQUEUE_FOREVER), EIDRM);
		t_errno(ioctl(fd, TQUEUE_STOP), EIDRM);
		t_errno(ioctl(fd, TQUEUE_START), EIDRM);
		t_errno(ioctl(fd, TQUEUE_SET, &config), EIDRM);
		t_errno(ioctl(fd, TQUEUE_INFO, buf), EIDRM);
		t_errno(ioctl(fd, FIONREAD, &bytes), EIDRM);
		t_is(t_poll(fd, POLLIN | POLLOUT) & ENDED, ENDED);
		t_is(t_poll(fd, 0), ENDED);
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	t_is(fstat(fd, &st), 0);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	memset(buf, 0, sizeof(buf));
	t_true(read(info, buf, sizeof(buf) - 1) > 0, "fdinfo cannot be read");
	t_true(strstr(buf, "messages:\t0\n") && strstr(buf, "bytes:\t0\n"),
	       "fdinfo says that it holds something: %s", buf);
	close(info);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	t_true(open(path, O_RDWR) < 0, "it can be opened again");
	t_is(close(fd), 0);
}

/* A node that somebody keeps leads nowhere. */
static void nodes_left_behind(void)
{
	struct stat st;
	int fd;

	t_create(NAME, TQ_PAGE);
	t_is(stat(t_queue_path(NAME), &st), 0);
	unlink("/dev/tqueue-left");
	t_is(mknod("/dev/tqueue-left", S_IFCHR | 0600, st.st_rdev), 0);
	fd = open("/dev/tqueue-left", O_RDWR);
	t_true(fd >= 0, "it cannot be opened: %s", strerrorname_np(errno));
	remove_it();
	t_errno(write(fd, "x", 1), EIDRM);
	t_true(open("/dev/tqueue-left", O_RDWR) == -1 &&
	       (errno == ENXIO || errno == ENODEV), "open gives %s",
		strerrorname_np(errno));
	close(fd);
	t_true(open("/dev/tqueue-left", O_RDWR) == -1 &&
	       (errno == ENXIO || errno == ENODEV), "open gives %s",
		strerrorname_np(errno));
	unlink("/dev/tqueue-left");
}

static void partials_in_flight(void)
{
	char part[10];
	int fds[3], i;

	t_create(NAME, TQ_PAGE);
	for (i = 0; i < 3; i++) {
		fds[i] = t_open_queue(NAME, O_RDWR);
		t_send(fds[i], 100, i);
		t_is(read(fds[i], part, 10), 10);
	}
	/* One came back before, one is still held, one is read on. */
	close(fds[0]);
	remove_it();
	t_errno(t_receive_call(fds[2], part, sizeof(part), 0), EIDRM);
	t_errno(t_peek_call(fds[2], part, sizeof(part)), EIDRM);
	t_errno(read(fds[2], part, 10), EIDRM);
	close(fds[1]);
	close(fds[2]);
}

static void stalled_user(bool writes)
{
	int fd, other, i;
	struct t_stall stall;
	struct t_task task;
	char *from = aligned_alloc(t_page(), t_page());

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	other = t_open_queue(NAME, O_RDWR);
	t_stall_make(&stall, t_page());
	if (writes) {
		t_start_write(&task, fd, stall.map, 100);
	} else {
		t_send(other, 100, 1);
		t_start_read(&task, fd, stall.map, 100);
	}
	t_stall_wait(&stall);
	remove_it();
	t_errno(read(other, &(char){ 0 }, 1), EIDRM);
	for (i = 0; i < 3; i++) {
		t_create(NAME, TQ_PAGE);
		t_remove(NAME);
	}
	t_true(!t_done(&task), "the stalled call is done");
	t_pattern(from, t_page(), 1, 0);
	t_stall_release(&stall, from);
	t_finish(&task);
	/* It had its message, or comes too late. */
	if (writes || task.result != 100) {
		t_is(task.result, -1);
		t_is(task.error, EIDRM);
	}
	close(fd);
	close(other);
}

static void stalled_reader(void)
{
	stalled_user(false);
}

static void stalled_sender(void)
{
	stalled_user(true);
}

/* ---- without force ---------------------------------------------------------- */

static atomic_int stop;

static void send_and_close(struct t_task *task)
{
	while (!atomic_load(&stop)) {
		int fd = t_open_queue_call(NAME, O_WRONLY);
		char buf[16];

		if (fd < 0) {
			t_true(errno == ENOENT || errno == ENXIO || errno == ENODEV,
			       "open fails with %s", strerrorname_np(errno));
			continue;
		}
		t_pattern(buf, sizeof(buf), 7, 0);
		/* It was opened, so it was in use. */
		t_is(write(fd, buf, sizeof(buf)), sizeof(buf));
		atomic_fetch_add(&task->count, 1);
		close(fd);
	}
}

static void never_under_a_user(void)
{
	struct t_task tasks[2] = { 0 };
	double end = t_now() + t_seconds(2);
	long removed = 0, refused = 0, received = 0;
	char buf[32];
	int i;

	t_control();
	t_create(NAME, 16 * TQ_PAGE);
	for (i = 0; i < 2; i++)
		t_start(&tasks[i], send_and_close);
	while (t_goes_on(end, removed)) {
		int fd;

		if (!t_remove_call(NAME, 0)) {
			removed++;
			t_create(NAME, 16 * TQ_PAGE);
			continue;
		}
		t_is(errno, EBUSY);
		refused++;
		fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
		while (read(fd, buf, sizeof(buf)) > 0)
			received++;
		t_is(errno, EAGAIN);
		close(fd);
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 2; i++) {
		t_finish(&tasks[i]);
		received -= atomic_load(&tasks[i].count);
	}
	i = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
	while (read(i, buf, sizeof(buf)) > 0)
		received++;
	close(i);
	t_is(received, 0);
	t_true(removed, "it is never removed");
	fprintf(stderr, "# removed %ld times, refused %ld times\n", removed, refused);
	t_remove(NAME);
}

/* ---- everything, in a loop ----------------------------------------------------- */

static bool is_gone(int error)
{
	return error == ENOENT || error == ENXIO || error == ENODEV ||
	       error == EIDRM;
}

/* Opens the queue, whichever it is now; -1 when it is time to end. */
static int open_again(int flags)
{
	while (!atomic_load(&stop)) {
		int fd = t_open_queue_call(NAME, flags);

		if (fd >= 0)
			return fd;
		t_true(is_gone(errno), "open fails with %s", strerrorname_np(errno));
	}
	return -1;
}

static void until_gone(struct t_task *task, int flags,
		       long (*call)(struct t_task *task))
{
	int fd;

	while ((fd = open_again(flags)) >= 0) {
		task->fd = fd;
		while (call(task) >= 0)
			;
		if (errno != EIDRM)
			t_fail("a call fails with %s", strerrorname_np(errno));
		close(fd);
		atomic_fetch_add(&task->count, 1);
	}
}

static long again(long result)
{
	return result < 0 && errno == EAGAIN ? 0 : result;
}

static long once_read(struct t_task *task)
{
	char buf[300];

	return read(task->fd, buf, sizeof(buf));
}

static void reads(struct t_task *task)
{
	until_gone(task, O_RDONLY, once_read);
}

static long once_read_a_part(struct t_task *task)
{
	return read(task->fd, &(char){ 0 }, 1);
}

static void reads_parts(struct t_task *task)
{
	until_gone(task, O_RDWR, once_read_a_part);
}

static long once_write(struct t_task *task)
{
	static char buf[200];

	return write(task->fd, buf, sizeof(buf));
}

static void writes(struct t_task *task)
{
	until_gone(task, O_WRONLY, once_write);
}

static long once_send(struct t_task *task)
{
	char buf[1000];

	return t_send_call(task->fd, buf, t_put_many(buf, 60, 1, 5),
			    TQUEUE_FOREVER);
}

static void sends(struct t_task *task)
{
	until_gone(task, O_WRONLY, once_send);
}

static long once_receive(struct t_task *task)
{
	char buf[1000];

	return t_receive_call(task->fd, buf, sizeof(buf), TQUEUE_FOREVER);
}

static void receives(struct t_task *task)
{
	until_gone(task, O_RDONLY, once_receive);
}

static long once_wait(struct t_task *task)
{
	return t_wait_call(task->fd, TQUEUE_FOREVER, TQUEUE_FOREVER);
}

static void waits(struct t_task *task)
{
	until_gone(task, O_RDWR, once_wait);
}

static long once_polled(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLIN };
	char buf[300];

	t_is(poll(&one, 1, -1), 1);
	return again(read(task->fd, buf, sizeof(buf)));
}

static void polls(struct t_task *task)
{
	until_gone(task, O_RDONLY | O_NONBLOCK, once_polled);
}

static void epolls(struct t_task *task)
{
	char buf[300];
	int fd;

	while ((fd = open_again(O_RDWR | O_NONBLOCK)) >= 0) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET };
		int epoll = epoll_create1(0);

		t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
		do {
			t_is(epoll_wait(epoll, &event, 1, -1), 1);
			while (read(fd, buf, sizeof(buf)) > 0)
				;
		} while (errno == EAGAIN);
		t_is(errno, EIDRM);
		close(task->number ? fd : epoll);
		close(task->number ? epoll : fd);
		atomic_fetch_add(&task->count, 1);
	}
}

static long once_spliced(struct t_task *task)
{
	int *ends = task->arg;
	char buf[300];
	long n = splice(task->fd, NULL, ends[1], NULL, 300, 0);

	return n <= 0 ? n : read(ends[0], buf, sizeof(buf));
}

static void splices(struct t_task *task)
{
	int ends[2];

	t_is(pipe(ends), 0);
	task->arg = ends;
	until_gone(task, O_RDONLY, once_spliced);
}

static void asks_io_uring(struct t_task *task)
{
	char buf[4][300];
	struct uring ring;
	int fd, i;

	if (!uring_open(&ring, 4))
		return;
	while ((fd = open_again(O_RDONLY)) >= 0) {
		int flying = 4;

		for (i = 0; i < 4; i++)
			uring_put(&ring, IORING_OP_READ, fd, buf[i], 300, i);
		/* Each is asked again until all have failed. */
		while (flying) {
			uint64_t name;
			int result;

			uring_enter(&ring, 1);
			while (uring_take(&ring, &name, &result)) {
				if (result > 0) {
					uring_put(&ring, IORING_OP_READ, fd,
						  buf[name], 300, name);
					continue;
				}
				t_is(result, -EIDRM);
				flying--;
			}
		}
		close(fd);
		atomic_fetch_add(&task->count, 1);
	}
	uring_close(&ring);
}

static void looks(struct t_task *task)
{
	static const char * const files[] = {
		"size", "max_message", "messages", "bytes", "dev", "uevent",
	};

	while (!atomic_load(&stop)) {
		char path[128], text[256];
		int fd;

		snprintf(path, sizeof(path), "/sys/class/tqueue/" NAME "/%s",
			 files[task->number++ % ARRAY_SIZE(files)]);
		fd = open(path, O_RDONLY);
		if (fd < 0) {
			t_true(is_gone(errno), "%s: %s", path, strerrorname_np(errno));
			continue;
		}
		if (read(fd, text, sizeof(text)) < 0)
			t_true(is_gone(errno), "%s: %s", path, strerrorname_np(errno));
		close(fd);
		atomic_fetch_add(&task->count, 1);
	}
}

static void opens(struct t_task *task)
{
	int fd;

	while ((fd = open_again(O_RDWR | O_NONBLOCK)) >= 0) {
		struct tqueue_info info;

		if (ioctl(fd, TQUEUE_INFO, &info))
			t_is(errno, EIDRM);
		else
			t_is(strcmp(info.name, NAME), 0);
		close(fd);
		atomic_fetch_add(&task->count, 1);
	}
}

static void everybody_at_once(void)
{
	static void (*const runs[])(struct t_task *task) = {
		reads, reads_parts, writes, writes, sends, receives, waits, polls,
		epolls, epolls, splices, looks, opens, asks_io_uring,
	};
	static struct t_task tasks[ARRAY_SIZE(runs)];
	/* The last has nothing to do where there is no io_uring. */
	const size_t counted = ARRAY_SIZE(runs) - 1;
	double end = t_now() + t_seconds(4);
	int removed = 0;
	size_t i;

	t_create(NAME, TQ_PAGE);
	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		tasks[i].number = i % 2;
		t_start(&tasks[i], runs[i]);
	}
	while (t_goes_on(end, t_all_did(tasks, counted, 1))) {
		/* Some are removed in full use, some just when they are found. */
		usleep(removed % 3 * 3000);
		remove_it();
		t_create(NAME, removed % 2 ? TQ_PAGE : 4 * TQ_PAGE);
		removed++;
	}
	remove_it();
	atomic_store(&stop, 1);
	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		t_finish(&tasks[i]);
		t_true(i >= counted || atomic_load(&tasks[i].count),
		       "number %zu never noticed anything", i);
	}
	fprintf(stderr, "# removed %d times\n", removed);
}

static void poll_and_close(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd };

	task->result = poll(&one, 1, -1);
	close(task->fd);
}

/* Whoever closes it last: what a removed queue has still to free keeps nothing. */
static void closed_while_it_is_cleared(void)
{
	double end = t_now() + t_seconds(2);
	int before, i;
	long rounds;

	t_control();
	before = t_references();
	for (rounds = 0; t_goes_on(end, rounds); rounds++) {
		struct t_task task = { 0 };

		t_create(NAME, 64 * TQ_PAGE);
		task.fd = t_open_queue(NAME, O_RDWR);
		for (i = 0; i < 300; i++)
			t_send_delayed(task.fd, 10, i, 1000 * T_SECOND);
		t_start(&task, poll_and_close);
		t_asleep(&task, SYS_poll);
		remove_it();
		t_finish(&task);
		t_is(task.result, 1);
		t_is(t_references(), before);
	}
	fprintf(stderr, "# %ld rounds\n", rounds);
}

static const struct t_test tests[] = {
	TQ_TEST(sleeping_readers),
	TQ_TEST(waiting_senders),
	TQ_TEST(sleeping_receivers_of_batches),
	TQ_TEST(waiting_senders_of_batches),
	TQ_TEST(who_waits_until_all_is_done),
	TQ_TEST(sleeping_pollers),
	TQ_TEST(pollers_for_room),
	TQ_TEST(sleeping_epolls),
	TQ_TEST(sleeping_splices),
	TQ_TEST(pending_requests),
	TQ_TEST(owners_are_signalled),
	TQ_TEST(every_call_afterwards),
	TQ_TEST(nodes_left_behind),
	TQ_TEST(partials_in_flight),
	TQ_TEST(stalled_reader),
	TQ_TEST(stalled_sender),
	TQ_TEST(never_under_a_user),
	TQ_TEST(closed_while_it_is_cleared),
	{ .name = "everybody_at_once", .run = everybody_at_once, .seconds = 90 },
};

int main(int argc, char **argv)
{
	return t_main("removal", tests, ARRAY_SIZE(tests), argc, argv);
}
