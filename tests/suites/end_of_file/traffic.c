// SPDX-License-Identifier: GPL-2.0-only
/* In traffic: each reader gets exactly all of it. */
#include "end_of_file.h"

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
void exactly_all_of_it(void)
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
void a_writer_on_its_way(void)
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
