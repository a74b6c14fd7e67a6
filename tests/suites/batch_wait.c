// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches that wait: deadlines, signals, places in the line, and who is woken by
 * many messages, or by much room, at once.
 */
#include "calls.h"

#define NAME	"waits"

/* A call that must fail, with ETIMEDOUT, when it is time and not before. */
static void times_out(int fd, bool sends, double seconds)
{
	char buf[256];
	size_t bytes = sends ? t_put(buf, 0, 20, 1) : sizeof(buf);
	double began = t_now(), took;
	uint64_t deadline = t_deadline(seconds);

	if (sends)
		t_errno(t_send_call(fd, buf, bytes, deadline), ETIMEDOUT);
	else
		t_errno(t_receive_call(fd, buf, bytes, deadline), ETIMEDOUT);
	took = t_now() - began;
	t_true(took > seconds * t_slow() - 0.001, "it ends after %.3f s, not %.3f",
	       took, seconds * t_slow());
	t_true(took < (seconds + 3) * t_slow(), "it ends after %.3f s", took);
}

static void deadlines(bool sends)
{
	static const uint64_t past[] = { 1, 2, 1000000000 };
	int fd = t_open_small(NAME);
	char buf[256];
	size_t bytes = sends ? t_put(buf, 0, 20, 1) : sizeof(buf), i;

	if (sends)
		t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	for (i = 0; i < ARRAY_SIZE(past); i++) {
		if (sends)
			t_errno(t_send_call(fd, buf, bytes, past[i]), ETIMEDOUT);
		else
			t_errno(t_receive_call(fd, buf, bytes, past[i]), ETIMEDOUT);
	}
	times_out(fd, sends, 0.01);
	times_out(fd, sends, 0.2);
	times_out(fd, sends, 0.05);
	/* A file that may not wait does not, whatever the deadline says. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < 4; i++) {
		uint64_t deadline = i == 0 ? TQUEUE_FOREVER : i == 1 ? 0 :
				    i == 2 ? t_deadline(30) : 1;

		if (sends)
			t_errno(t_send_call(fd, buf, bytes, deadline), EAGAIN);
		else
			t_errno(t_receive_call(fd, buf, bytes, deadline), EAGAIN);
	}
	fcntl(fd, F_SETFL, 0);
	if (sends)
		t_received(fd, 4, TQ_SMALL_MAX, 1);
	t_end(fd);
}

static void deadlines_of_receivers(void)
{
	deadlines(false);
}

static void deadlines_of_senders(void)
{
	deadlines(true);
}

/* What can go goes, also when the deadline is long over. */
static void no_need_to_wait(void)
{
	int fd = t_open_small(NAME);
	char buf[256];

	t_is(t_send_call(fd, buf, t_put(buf, 0, 20, 1), 1), 1);
	t_is(t_receive_call(fd, buf, sizeof(buf), 1), 1);
	t_end(fd);
}

/* Deadlines that lie beyond all counting are no deadlines that are over. */
static void far_future(void)
{
	static const uint64_t far[] = {
		-2ULL, 1ULL << 63, (1ULL << 63) - 1, (1ULL << 63) + 1, 1ULL << 62,
		-1000000000ULL,
	};
	int fd = t_open_small(NAME);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		struct t_batch batch;
		char buf[256];

		t_start_receive(&batch, fd, buf, sizeof(buf), far[i]);
		t_asleep(&batch.task, SYS_ioctl);
		t_still_asleep(&batch.task, SYS_ioctl);
		t_send(fd, 20, 1);
		t_result(&batch.task, 1);
	}
	t_end(fd);
}

/* ---- signals ------------------------------------------------------------------ */

static void interrupt(struct t_task *task)
{
	pthread_kill(task->thread, SIGUSR1);
	t_wait_caught(1);
}

static void interrupted(void)
{
	int fd = t_open_small(NAME), i;
	struct t_batch batch;
	char buf[256];
	size_t end;

	for (i = 0; i < 2; i++) {
		t_catch(SIGUSR1, 0);
		t_start_receive(&batch, fd, buf, sizeof(buf),
				i ? t_deadline(30) : TQUEUE_FOREVER);
		t_asleep(&batch.task, SYS_ioctl);
		interrupt(&batch.task);
		t_fails(&batch.task, EINTR);
	}
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	end = t_put(buf, 0, 20, 1);
	for (i = 0; i < 2; i++) {
		t_catch(SIGUSR1, 0);
		t_start_send(&batch, fd, buf, end,
			     i ? t_deadline(30) : TQUEUE_FOREVER);
		t_asleep(&batch.task, SYS_ioctl);
		interrupt(&batch.task);
		t_fails(&batch.task, EINTR);
	}
	t_received(fd, 4, TQ_SMALL_MAX, 1);
	t_end(fd);
}

static void restarted(void)
{
	int fd = t_open_small(NAME), i;
	struct t_batch batch;
	char buf[256], got[256];
	size_t end = t_put(buf, 0, 20, 1);

	for (i = 0; i < 3; i++) {
		t_catch(SIGUSR1, SA_RESTART);
		t_start_receive(&batch, fd, got, sizeof(got),
				i ? t_deadline(30) : TQUEUE_FOREVER);
		t_asleep(&batch.task, SYS_ioctl);
		interrupt(&batch.task);
		t_still_asleep(&batch.task, SYS_ioctl);
		t_send(fd, 20, 1);
		t_result(&batch.task, 1);
		t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
		t_catch(SIGUSR1, SA_RESTART);
		t_start_send(&batch, fd, buf, end,
			     i ? t_deadline(30) : TQUEUE_FOREVER);
		t_asleep(&batch.task, SYS_ioctl);
		interrupt(&batch.task);
		t_still_asleep(&batch.task, SYS_ioctl);
		t_received(fd, 4, TQ_SMALL_MAX, 1);
		t_result(&batch.task, 1);
		t_received(fd, 1, 20, 1);
	}
	t_end(fd);
}

/* Signals do not move the deadline. */
static void a_deadline_among_signals(void)
{
	int fd = t_open_small(NAME);
	struct t_batch batch;
	double began = t_now();
	char buf[256];

	t_catch(SIGUSR1, SA_RESTART);
	t_start_receive(&batch, fd, buf, sizeof(buf), t_deadline(0.5));
	while (!t_done(&batch.task)) {
		pthread_kill(batch.task.thread, SIGUSR1);
		t_sleep_ms(10);
		t_true(t_now() - began < 10 * t_slow(), "it never ends");
	}
	t_fails(&batch.task, ETIMEDOUT);
	t_true(t_now() - began > 0.499 * t_slow(), "it ends too early");
	t_end(fd);
}

static void wait_in_a_process(void *arg)
{
	char buf[256];
	int fd = t_open_queue(NAME, O_RDWR);

	if (arg)
		t_send_call(fd, buf, t_put_many(buf, 20, 7, 2), TQUEUE_FOREVER);
	else
		t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER);
	_exit(2);
}

static void killed(void)
{
	int fd = t_open_small(NAME);
	pid_t pid;

	pid = t_fork(wait_in_a_process, NULL);
	t_asleep_pid(pid, SYS_ioctl);
	t_kill(pid);
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	pid = t_fork(wait_in_a_process, "");
	t_asleep_pid(pid, SYS_ioctl);
	t_kill(pid);
	t_received(fd, 4, TQ_SMALL_MAX, 1);
	t_end(fd);
}

/* ---- who is woken ---------------------------------------------------------------- */

static void many_messages_wake_many(void)
{
	enum { MANY = 6 };
	struct t_task tasks[MANY];
	char buf[1024], got[MANY][64];
	int fd = t_open_small(NAME), i, round;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < MANY; i++) {
			t_start_read(&tasks[i], t_open_queue(NAME, O_RDONLY), got[i],
				     64);
			t_asleep(&tasks[i], SYS_read);
		}
		t_is(t_send_call(fd, buf, t_put_many(buf, 20, 1, MANY), 0), MANY);
		for (i = 0; i < MANY; i++) {
			t_result(&tasks[i], 20);
			close(tasks[i].fd);
		}
	}
	t_end(fd);
}

/* Fewer than there are sleepers: the others sleep on. */
static void few_messages_wake_few(void)
{
	enum { MANY = 6 };
	struct t_batch batches[MANY];
	int fd = t_open_small(NAME), i, ended = 0;
	double end = t_now() + 10 * t_slow();
	char buf[1024], got[MANY][64];

	for (i = 0; i < MANY; i++) {
		t_start_receive(&batches[i], t_open_queue(NAME, O_RDONLY), got[i],
				64, TQUEUE_FOREVER);
		t_asleep(&batches[i].task, SYS_ioctl);
	}
	t_is(t_send_call(fd, buf, t_put_many(buf, 20, 1, 3), 0), 3);
	while (ended < 3) {
		t_true(t_now() < end, "only %d are woken", ended);
		for (ended = 0, i = 0; i < MANY; i++)
			ended += t_done(&batches[i].task);
	}
	t_sleep_ms(30);
	for (ended = 0, i = 0; i < MANY; i++)
		ended += t_done(&batches[i].task);
	t_is(ended, 3);
	t_is(t_send_call(fd, buf, t_put_many(buf, 20, 1, 3), 0), 3);
	for (i = 0; i < MANY; i++) {
		t_result(&batches[i].task, 1);
		close(batches[i].task.fd);
	}
	t_end(fd);
}

/* One receiver takes all: whoever else was woken goes back to sleep. */
static void taken_by_one(void)
{
	struct t_batch batches[3];
	int fd = t_open_small(NAME), i, round;
	char buf[1024], got[3][1024];

	for (round = 0; round < 10; round++) {
		for (i = 0; i < 3; i++) {
			t_start_receive(&batches[i], t_open_queue(NAME, O_RDONLY),
					got[i], sizeof(got[i]), TQUEUE_FOREVER);
			t_asleep(&batches[i].task, SYS_ioctl);
		}
		t_is(t_send_call(fd, buf, t_put_many(buf, 20, 1, 9), 0), 9);
		/* Those that got none need one each. */
		for (i = 0; i < 3; i++) {
			double end = t_now() + 10 * t_slow();

			while (!t_done(&batches[i].task)) {
				t_true(t_now() < end, "a receiver sleeps on");
				if (!t_info(fd).messages)
					t_is(t_send_call(fd, buf,
							 t_put(buf, 0, 20, 1),
							   0), 1);
				sched_yield();
			}
			t_finish(&batches[i].task);
			t_true(batches[i].task.result > 0, "RECEIVE gives %zd",
			       batches[i].task.result);
			close(batches[i].task.fd);
		}
		while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
			;
	}
	t_end(fd);
}

static void much_room_wakes_many(void)
{
	enum { MANY = 6 };
	struct t_task tasks[MANY];
	char buf[MANY][64];
	int fd = t_open_small(NAME), i;

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	for (i = 0; i < MANY; i++) {
		t_pattern(buf[i], 64, 10 + i, 0);
		t_start_write(&tasks[i], t_open_queue(NAME, O_WRONLY), buf[i], 64);
		t_asleep(&tasks[i], SYS_write);
	}
	t_received(fd, 4, TQ_SMALL_MAX, 1);
	for (i = 0; i < MANY; i++) {
		t_result(&tasks[i], 64);
		close(tasks[i].fd);
	}
	t_received(fd, MANY, 64, 10);
	t_end(fd);
}

/* In the order in which they came, batches and writes alike. */
static void in_line(void)
{
	struct t_batch first, third;
	struct t_task second;
	char a[256], b[64], c[256], byte = 0;
	int place[5] = { 0 }, at, n, i;
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_WRONLY | O_NONBLOCK);

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	t_start_send(&first, fd, a, t_put_many(a, 64, 10, 2), TQUEUE_FOREVER);
	t_asleep(&first.task, SYS_ioctl);
	t_pattern(b, 64, 12, 0);
	t_start_write(&second, fd, b, 64);
	t_asleep(&second, SYS_write);
	t_start_send(&third, fd, c, t_put_many(c, 64, 13, 2), TQUEUE_FOREVER);
	t_asleep(&third.task, SYS_ioctl);
	/* Nobody goes before them, but one that may not wait, and that once. */
	t_is(write(other, &byte, 1), 1);
	t_errno(write(other, &byte, 1), EAGAIN);
	t_errno(t_send_call(other, a, t_record(64), 0), EAGAIN);
	t_is(t_poll(other, POLLOUT), 0);
	t_received(fd, 4, TQ_SMALL_MAX, 1);
	t_is(read(fd, &byte, 1), 1);
	t_finish(&first.task);
	t_finish(&third.task);
	t_result(&second, 64);
	/*
	 * Each sent its first in its turn; what else a batch sends may come after
	 * those who stood behind it, but not out of its own order.
	 */
	t_true(first.task.result >= 1 && third.task.result >= 1, "%zd and %zd sent",
	       first.task.result, third.task.result);
	for (at = 0, n = 0; n < first.task.result + third.task.result + 1; n++) {
		t_is(read(fd, b, sizeof(b)), sizeof(b));
		for (i = 0; i < 5 && t_differs(b, sizeof(b), 10 + i, 0) >= 0; i++)
			;
		t_true(i < 5, "a message is not what was sent");
		place[i] = ++at;
	}
	t_true(place[0] == 1 && place[2] && place[2] < place[3], "they come in order %d %d %d %d %d",
	       place[0], place[1], place[2], place[3], place[4]);
	t_true((first.task.result == 1 || place[0] < place[1]) &&
	       (third.task.result == 1 || place[3] < place[4]),
		"they come in order %d %d %d %d %d",
		place[0], place[1], place[2], place[3], place[4]);
	close(other);
	t_end(fd);
}

/* Room for the first record of a batch is enough to wake it. */
static void room_for_a_part(void)
{
	int fd = t_open_small(NAME);
	struct t_batch sender;
	char *buf = malloc(2 * TQ_PAGE);
	size_t end;

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	end = t_put_many(buf, TQ_SMALL_MAX, 5, 3);
	t_start_send(&sender, fd, buf, end, TQUEUE_FOREVER);
	t_asleep(&sender.task, SYS_ioctl);
	t_received(fd, 1, TQ_SMALL_MAX, 1);
	t_result(&sender.task, 1);
	t_is(sender.send.sent_bytes, t_record(TQ_SMALL_MAX));
	t_received(fd, 4, TQ_SMALL_MAX, 2);
	free(buf);
	t_end(fd);
}

/* A receiver whose room is too small must not sleep on a message, nor eat it. */
static void too_small_a_buffer_wakes_the_next(void)
{
	int fd = t_open_small(NAME), round;

	for (round = 0; round < 10; round++) {
		struct t_batch small;
		struct t_task reader;
		char buf[64], got[256];

		t_start_receive(&small, t_open_queue(NAME, O_RDONLY), buf, 41,
				TQUEUE_FOREVER);
		t_asleep(&small.task, SYS_ioctl);
		t_start_read(&reader, fd, got, sizeof(got));
		t_asleep(&reader, SYS_read);
		t_send(fd, 100, 1);
		t_result(&reader, 100);
		/* It was woken first, or sleeps still. */
		if (!t_done(&small.task)) {
			t_sleep_ms(10);
			if (!t_done(&small.task)) {
				t_send(fd, 100, 1);
				t_fails(&small.task, EMSGSIZE);
				t_receive(fd, 100, 1);
				close(small.task.fd);
				continue;
			}
		}
		t_fails(&small.task, EMSGSIZE);
		t_is(small.receive.bytes, t_record(100));
		close(small.task.fd);
	}
	t_end(fd);
}

/* ---- a deadline that passes when a message comes ---------------------------------- */

struct moment {
	int fd;
	atomic_long round, begun, ended;
	atomic_ulong deadline;
	atomic_bool last;
};

static bool next_round(struct moment *moment, atomic_long *counter, long round)
{
	while (atomic_load(counter) < round && !atomic_load(&moment->last))
		sched_yield();
	return !atomic_load(&moment->last);
}

static void run_hasty(struct t_task *task)
{
	struct moment *moment = task->arg;
	char buf[64];
	long i;

	for (i = 1; next_round(moment, &moment->round, i); i++) {
		uint64_t deadline = t_now() * 1e9 + 1000000;

		atomic_store(&moment->deadline, deadline);
		atomic_store(&moment->begun, i);
		if (t_receive_call(moment->fd, buf, sizeof(buf), deadline) == 1)
			task->count++;
		atomic_store(&moment->ended, i);
	}
}

static void run_patient(struct t_task *task)
{
	struct moment *moment = task->arg;
	char buf[64];
	long i;

	for (i = 1; next_round(moment, &moment->begun, i); i++) {
		/* The other one shall stand before it. */
		usleep(300);
		if (t_receive_call(moment->fd, buf, sizeof(buf),
				   TQUEUE_FOREVER) == 1)
			task->count++;
	}
}

static void send_to_one(struct t_task tasks[2], int fd)
{
	double end = t_now() + 5 * t_slow();
	long before = tasks[0].count + tasks[1].count;

	t_send(fd, 8, 1);
	while (tasks[0].count + tasks[1].count == before)
		t_true(t_now() < end, "a message is there, and nobody was woken");
}

/*
 * One message, and two that wait. Whoever gives up in the moment in which it is
 * woken leaves the message to the other.
 */
static void gives_up_as_it_is_woken(void)
{
	struct moment moment = { .fd = t_open_small(NAME) };
	struct t_task tasks[2] = { { .arg = &moment }, { .arg = &moment } };
	double end = t_now() + t_seconds(3);
	long i, late = 0;	/* nanoseconds */

	t_start(&tasks[0], run_hasty);
	t_start(&tasks[1], run_patient);
	for (i = 1; t_goes_on(end, t_all_did(tasks, 2, 1)); i++) {
		long hasty = tasks[0].count;

		atomic_store(&moment.round, i);
		next_round(&moment, &moment.begun, i);
		while (t_now() * 1e9 < atomic_load(&moment.deadline) + late)
			;
		send_to_one(tasks, moment.fd);
		/* To where it may be the one or the other. */
		late += tasks[0].count > hasty ? 5000 : -5000;
		if (tasks[0].count > hasty)
			send_to_one(tasks, moment.fd);
		next_round(&moment, &moment.ended, i);
	}
	fprintf(stderr, "# %ld rounds, the hasty one got %ld, %ld ns late\n", i,
		(long)tasks[0].count, late);
	atomic_store(&moment.last, true);
	t_is(t_select_call(TQUEUE_CTL_STOP, NAME), 0);
	t_finish(&tasks[0]);
	t_finish(&tasks[1]);
	close(moment.fd);
	t_remove(NAME);
}

/* Pollers hear of batches as of writes. */
static void pollers(void)
{
	int fd = t_open_small(NAME), out = t_open_queue(NAME, O_RDWR);
	char *buf = malloc(2 * TQ_PAGE);

	t_is(t_poll(out, POLLIN | POLLOUT), POLLOUT);
	t_is(t_send_call(fd, buf, t_put_many(buf, TQ_SMALL_MAX, 1, 4), 0), 4);
	t_is(t_poll(out, POLLIN | POLLOUT), POLLIN);
	t_received(fd, 2, TQ_SMALL_MAX, 1);
	t_is(t_poll(out, POLLIN | POLLOUT), POLLIN | POLLOUT);
	t_received(fd, 2, TQ_SMALL_MAX, 3);
	t_is(t_poll(out, POLLIN | POLLOUT), POLLOUT);
	free(buf);
	close(out);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(deadlines_of_receivers),
	TQ_TEST(deadlines_of_senders),
	TQ_TEST(no_need_to_wait),
	TQ_TEST(far_future),
	TQ_TEST(interrupted),
	TQ_TEST(restarted),
	TQ_TEST(a_deadline_among_signals),
	TQ_TEST(killed),
	TQ_TEST(many_messages_wake_many),
	TQ_TEST(few_messages_wake_few),
	TQ_TEST(taken_by_one),
	TQ_TEST(much_room_wakes_many),
	TQ_TEST(in_line),
	TQ_TEST(room_for_a_part),
	TQ_TEST(too_small_a_buffer_wakes_the_next),
	TQ_TEST(gives_up_as_it_is_woken),
	TQ_TEST(pollers),
};

int main(int argc, char **argv)
{
	return t_main("batch_wait", tests, ARRAY_SIZE(tests), argc, argv);
}
