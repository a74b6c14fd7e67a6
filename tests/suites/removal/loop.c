// SPDX-License-Identifier: GPL-2.0-only
/* Everything, in a loop. */
#include "removal.h"

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

void everybody_at_once(void)
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
void closed_while_it_is_cleared(void)
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
