// SPDX-License-Identifier: GPL-2.0-only
/* Those who come later, and removals without force. */
#include "removal.h"

void every_call_afterwards(void)
{
	struct tqueue_config config = { .fields = TQUEUE_CONFIG_SIZE, .size = 2 * TQ_PAGE };
	char buf[TQ_PAGE] = "", path[64];
	struct iovec one = { buf, 10 };
	int ends[2], fd, bytes, i;
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
	t_fdinfo(fd, buf, sizeof(buf));
	t_true(strstr(buf, "messages:\t0\n") && strstr(buf, "bytes:\t0\n"),
	       "fdinfo says that it holds something: %s", buf);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	t_true(open(path, O_RDWR) < 0, "it can be opened again");
	t_is(close(fd), 0);
}

/* A node that somebody keeps leads nowhere. */
void nodes_left_behind(void)
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

void partials_in_flight(void)
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

void stalled_reader(void)
{
	stalled_user(false);
}

void stalled_sender(void)
{
	stalled_user(true);
}

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

void never_under_a_user(void)
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
