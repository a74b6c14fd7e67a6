// SPDX-License-Identifier: GPL-2.0-only
/* Ceilings: how many queues, and how much memory for all. */
#include "control.h"

static int create_numbered(int i, uint64_t size)
{
	struct tqueue_create create;
	char name[16];

	snprintf(name, sizeof(name), "q%d", i);
	create = t_creation(name);
	create.config.fields = TQUEUE_CONFIG_SIZE;
	create.config.size = size;
	return t_create_call(&create);
}

static void remove_numbered(int i)
{
	char name[16];

	snprintf(name, sizeof(name), "q%d", i);
	t_remove(name);
}

void too_many_queues(void)
{
	int i, n, round;

	for (n = 0; !create_numbered(n, TQ_PAGE); n++)
		t_true(n < 10, "more than max_queues are made");
	t_is(errno, ENOSPC);
	no_trace("q5");
	/* Whether the default one counts is not said. */
	t_true(n == 4 || n == 5, "%d queues are made where max_queues is 5", n);
	for (round = 0; round < 20; round++) {
		t_errno(create_numbered(n, TQ_PAGE), ENOSPC);
		remove_numbered(round % n);
		t_is(create_numbered(round % n, TQ_PAGE), 0);
	}
	for (i = 0; i < n; i++)
		remove_numbered(i);
}

void too_much_memory(void)
{
	int i, n, round;

	t_needs_small_pages();
	/* 256 KiB for all but the default one, 16 KiB each. */
	for (n = 0; !create_numbered(n, 16384); n++)
		t_true(n < 17, "more than max_memory is used");
	t_is(errno, ENOSPC);
	t_true(n >= 14, "only %d queues of 16 KiB fit into 256 KiB", n);
	for (round = 0; round < 20; round++) {
		t_errno(create_numbered(n, 16384), ENOSPC);
		remove_numbered(round % n);
		t_is(create_numbered(round % n, 16384), 0);
	}
	t_errno(t_set_call("q0", TQUEUE_CONFIG_SIZE, 1 << 17, 0), ENOSPC);
	t_is(t_get("q0").size, 16384);
	works("q0");
	/* What a smaller one gives up another can have. */
	for (i = 1; i <= 8; i++) {
		char name[16];

		snprintf(name, sizeof(name), "q%d", i);
		t_is(t_set_call(name, TQUEUE_CONFIG_SIZE, 4096, 0), 0);
	}
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 65536, 0), 0);
	t_errno(t_set_call("q0", TQUEUE_CONFIG_SIZE, 1 << 17, 0), ENOSPC);
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 16384, 0), 0);
	for (i = 0; i < n; i++)
		remove_numbered(i);
	for (i = 0; i < n; i++)
		t_is(create_numbered(i, 16384), 0);
	for (i = 0; i < n; i++)
		remove_numbered(i);
}

/* A removed queue that is still open still has its memory: it counts. */
void memory_of_removed_queues(void)
{
	int fds[20], i, n;

	t_needs_small_pages();
	for (n = 0; n < 20; n++) {
		if (create_numbered(0, 16384))
			break;
		fds[n] = t_open_queue("q0", O_RDWR);
		t_is(t_remove_call("q0", TQUEUE_REMOVE_FORCE), 0);
	}
	for (i = 0; i < n; i++)
		close(fds[i]);
	t_is(create_numbered(0, 131072), 0);
	remove_numbered(0);
	t_true(n < 20, "memory that removed queues still have is not counted");
}

static void set_max_memory(const char *bytes)
{
	int fd = open("/sys/module/tqueue/parameters/max_memory", O_WRONLY);

	t_is(write(fd, bytes, strlen(bytes)), strlen(bytes));
	close(fd);
}

/* All memory is taken: a queue can still give some of its own back. */
void smaller_at_the_ceiling(void)
{
	t_needs_small_pages();
	t_is(create_numbered(0, 65536), 0);
	t_errno(create_numbered(1, 4096), ENOSPC);
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 32768, 0), 0);
	works("q0");
	t_is(create_numbered(1, 32768), 0);
	t_errno(create_numbered(2, 4096), ENOSPC);
	/* Also if the administrator has lowered it meanwhile. */
	set_max_memory("4096");
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 16384, 0), 0);
	t_is(t_set_call("q1", TQUEUE_CONFIG_SIZE, 32768, 0), 0);
	t_errno(t_set_call("q0", TQUEUE_CONFIG_SIZE, 32768, 0), ENOSPC);
	set_max_memory("65536");
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 32768, 0), 0);
	remove_numbered(0);
	remove_numbered(1);
}

/* The default queue does not count, but for what was added to its first size. */
void memory_of_the_default_queue(void)
{
	int round;

	t_needs_small_pages();
	for (round = 0; round < 3; round++) {
		t_is(create_numbered(0, 65536), 0);
		t_errno(create_numbered(1, 4096), ENOSPC);
		t_errno(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 16384, 0), ENOSPC);
		remove_numbered(0);
		t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 32768, 0), 0);
		t_is(create_numbered(0, 32768), 0);
		t_errno(create_numbered(1, 16384), ENOSPC);
		t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 16384, 0), 0);
		t_is(create_numbered(1, 16384), 0);
		t_errno(create_numbered(2, 16384), ENOSPC);
		t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 4096, 0), 0);
		t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 8192, 0), 0);
		remove_numbered(0);
		remove_numbered(1);
	}
}

static atomic_long rounds, rounds_done;

static void run_smaller(struct t_task *task)
{
	long round, i;

	for (round = 1; round <= task->number; round++) {
		while (atomic_load(&rounds) < round)
			sched_yield();
		for (i = 0; i < round % 16; i++)
			sched_yield();
		t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 4096, 0), 0);
		atomic_store(&rounds_done, round);
	}
}

/* Two who change one queue's size at once cannot make it count for less. */
void memory_of_a_queue_in_dispute(void)
{
	struct t_task task = { .number = 150 };
	long round, large = 0;

	t_needs_small_pages();
	t_control();
	t_is(create_numbered(0, 4096), 0);
	t_start(&task, run_smaller);
	for (round = 1; round <= task.number; round++) {
		t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 65536, 0), 0);
		atomic_store(&rounds, round);
		/* What the other one gives up may not have gone yet. */
		if (t_set_call("q0", TQUEUE_CONFIG_SIZE, 131072, 0))
			t_is(errno, ENOSPC);
		while (atomic_load(&rounds_done) < round)
			sched_yield();
		if (t_get("q0").size != 131072)
			continue;
		large++;
		t_errno(create_numbered(1, 65536), ENOSPC);
	}
	t_finish(&task);
	fprintf(stderr, "# %ld times it became larger in the end\n", large);
	remove_numbered(0);
}

static void one_of_many(struct t_task *task)
{
	int round;

	for (round = 0; round < 30; round++) {
		if (!create_numbered(round, TQ_PAGE))
			atomic_fetch_add(&task->count, 1);
		else
			t_is(errno, EEXIST);
	}
}

void one_name_for_many(void)
{
	struct t_task tasks[4] = { 0 };
	long made = 0;
	int i;

	t_control();
	for (i = 0; i < 4; i++)
		t_start(&tasks[i], one_of_many);
	for (i = 0; i < 4; i++) {
		t_finish(&tasks[i]);
		made += atomic_load(&tasks[i].count);
	}
	t_is(made, 30);
	for (i = 0; i < 30; i++)
		remove_numbered(i);
}
