// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers that sleep until there is something to lease: what wakes them, and that one
 * who is killed or stopped in its sleep takes nothing with it.
 */
#include "calls.h"

#define NAME	"asleep"

static char buf[64 * 1024] __attribute__((aligned(8)));

/* One who sleeps in a lease of its own file. */
struct worker {
	struct t_batch batch;
	char buf[512] __attribute__((aligned(8)));
};

static void sleep_on(struct worker *worker, int fd)
{
	t_start_lease(&worker->batch, fd, worker->buf, sizeof(worker->buf), 1,
		      TQUEUE_FOREVER);
	t_asleep(&worker->batch.task, SYS_ioctl);
}

static void has(int fd, struct worker *worker, uint64_t seed)
{
	struct tqueue_record *record = t_at(worker->buf, 0);

	t_result(&worker->batch.task, 1);
	t_is(record->length, 20);
	t_is(t_differs(record->payload, 20, seed, 0), -1);
	t_is(t_settle(fd, record, TQUEUE_ACKNOWLEDGE), 0);
}

/* Each thing that makes a message ready wakes one of them. */
static void what_wakes(void)
{
	static struct worker worker;
	int fd = t_open_small(NAME), other, i;
	struct tqueue_settlement extend;
	struct tqueue_record record;
	uint64_t id;

	for (i = 0; i < 9; i++) {
		other = t_open_queue(NAME, O_RDWR);
		id = t_send_id(fd, 20, i);
		record = t_lease(other, 20, i);
		if (i == 2 || i == 3)
			t_is(t_settle(fd, &record, TQUEUE_BURY), 0);
		sleep_on(&worker, fd);
		switch (i) {
		case 0:
			t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
			break;
		case 1:
			close(other);
			other = -1;
			break;
		case 2:
			t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL), 1);
			break;
		case 3:
			t_is(t_settle_unleased(fd, id, TQUEUE_REQUEUE), 0);
			break;
		case 4:
			t_is(t_requeue(fd, &record, 20 * T_MS, 0), 0);
			break;
		case 5:
			extend = t_settlement(&record, TQUEUE_EXTEND);
			extend.time = 20 * T_MS;
			t_is(t_settle_one(fd, extend), 0);
			break;
		case 6:
			close(t_settle(fd, &record, TQUEUE_HOLD));
			break;
		case 7:
			extend = t_settlement(&record, TQUEUE_REQUEUE);
			extend.flags = TQUEUE_SETTLE_FORCE;
			extend.delivery = 0;
			t_is(t_settle_one(fd, extend), 0);
			break;
		case 8:
			t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
			t_send_priority(fd, 20, i, 9);
		}
		has(fd, &worker, i);
		if (other >= 0)
			close(other);
	}
	t_end(fd);
}

/* n of them, and fewer messages: as many are woken, and the others sleep on. */
static void as_many_as_there_are(void)
{
	enum { N = 8, READY = 5 };
	static struct worker workers[N];
	int fd = t_open_small(NAME), i, done = 0;

	for (i = 0; i < N; i++)
		sleep_on(&workers[i], fd);
	t_is(t_send_call(fd, buf, t_put_many(buf, 20, 0, READY), 0), READY);
	while (done < READY) {
		usleep(500);
		for (i = done = 0; i < N; i++)
			done += t_done(&workers[i].batch.task);
	}
	t_sleep_ms(20);
	t_counts(fd, 0, READY, 0, 0);
	for (i = 0; i < N - READY; i++)
		t_send(fd, 20, 1);
	for (i = 0; i < N; i++) {
		t_result(&workers[i].batch.task, 1);
		t_is(t_settle(fd, t_at(workers[i].buf, 0), TQUEUE_ACKNOWLEDGE), 0);
	}
	t_end(fd);
}

static void sleep_in_a_lease(void *arg)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
		.deadline = TQUEUE_FOREVER, .flags = TQUEUE_RECEIVE_LEASE, .count = 1,
	};
	int fd = t_open_queue(NAME, O_RDWR);

	(void)arg;
	ioctl(fd, TQUEUE_RECEIVE, &receive);
	pause();
}

/* Killed or stopped before the message comes: it is not even tried. */
static void killed_asleep(void)
{
	static const int signals[] = { SIGKILL, SIGSTOP };
	int fd = t_open_small(NAME), i;
	pid_t pid;

	for (i = 0; i < 10; i++) {
		pid = t_fork(sleep_in_a_lease, NULL);
		t_asleep_pid(pid, SYS_ioctl);
		t_is(kill(pid, signals[i % 2]), 0);
		t_send(fd, 20, i);
		/* Whether it runs before or after that. */
		t_is(t_take(fd, 20, i).attempts, 0);
		t_kill(pid);
		t_counts(fd, 0, 0, 0, 0);
	}
	t_is(t_info(fd).ever_leased, 0);
	t_end(fd);
}

/* Of two the first is killed as it is woken: the other gets the message. */
static void killed_as_it_is_woken(void)
{
	static struct worker worker;
	double end = t_now() + t_seconds(1);
	int fd = t_open_small(NAME), runs = 0;
	pid_t pid;

	do {
		pid = t_fork(sleep_in_a_lease, NULL);
		t_asleep_pid(pid, SYS_ioctl);
		sleep_on(&worker, fd);
		t_send(fd, 20, 1);
		if (runs % 2)
			usleep(runs % 300);
		t_kill(pid);
		has(fd, &worker, 1);
		t_counts(fd, 0, 0, 0, 0);
		runs++;
	} while (t_goes_on(end, runs > 5));
	t_end(fd);
}

static void deadlines(void)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf),
		.flags = TQUEUE_RECEIVE_LEASE,
	};
	int fd = t_open_small(NAME), quick = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	double began = t_now();

	receive.deadline = t_deadline(0.05);
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), ETIMEDOUT);
	t_true(t_now() - began >= 0.05 * t_slow(), "it waits for %.3f s only",
	       t_now() - began);
	receive.deadline = 1;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), ETIMEDOUT);
	receive.deadline = 0;
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EAGAIN);
	receive.deadline = TQUEUE_FOREVER;
	t_errno(ioctl(quick, TQUEUE_RECEIVE, &receive), EAGAIN);
	close(quick);
	t_end(fd);
}

/* The queue goes, ends, or may lease no more while they sleep. */
static void the_queue_changes(void)
{
	static struct worker worker;
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	struct tqueue_record record;

	sleep_on(&worker, other);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_result(&worker.batch.task, 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	/* It is woken for a message that it may not have, and somebody else may. */
	t_is(t_set_field(fd, MAX_LEASED, max_leased, 1), 0);
	sleep_on(&worker, other);
	t_send(fd, 20, 0);
	t_result(&worker.batch.task, 1);
	record = *t_at(worker.buf, 0);
	t_send(fd, 20, 1);
	t_no_lease(fd, ENOSPC);
	t_receive(fd, 20, 1);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	sleep_on(&worker, other);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	t_fails(&worker.batch.task, EIDRM);
	close(other);
	close(fd);
}

/* A worker that sleeps where a lease is too many does not take a reader's wake-up with it. */
static void a_reader_beside_it(void)
{
	static struct worker workers[2];
	static struct t_task reader;
	static char mine[64];
	int fd = t_open_small(NAME);

	t_is(t_set_field(fd, MAX_LEASED, max_leased, 1), 0);
	sleep_on(&workers[0], fd);
	sleep_on(&workers[1], fd);
	t_start_read(&reader, fd, mine, sizeof(mine));
	t_asleep(&reader, SYS_read);
	/* One leases, and the other may not, if it is woken: the reader has its message. */
	t_is(t_send_call(fd, buf, t_put_many(buf, 20, 0, 2), 0), 2);
	t_result(&reader, 20);
	while (!t_info(fd).leased)
		usleep(500);
	t_counts(fd, 0, 1, 0, 0);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	t_finish(&workers[0].batch.task);
	t_finish(&workers[1].batch.task);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(what_wakes),
	TQ_TEST(as_many_as_there_are),
	TQ_TEST(killed_asleep),
	TQ_TEST(killed_as_it_is_woken),
	TQ_TEST(deadlines),
	TQ_TEST(the_queue_changes),
	TQ_TEST(a_reader_beside_it),
};

int main(int argc, char **argv)
{
	return t_main("workers_asleep", tests, ARRAY_SIZE(tests), argc, argv);
}
