// SPDX-License-Identifier: GPL-2.0
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
	size_t bytes = sends ? tq_put(buf, 0, 20, 1) : sizeof(buf);
	double began = tq_now(), took;
	uint64_t deadline = tq_deadline(seconds);

	if (sends)
		tq_errno(tq_send_call(fd, buf, bytes, deadline), ETIMEDOUT);
	else
		tq_errno(tq_receive_call(fd, buf, bytes, deadline), ETIMEDOUT);
	took = tq_now() - began;
	tq_true(took > seconds * tq_slow() - 0.001, "it ends after %.3f s, not %.3f",
		took, seconds * tq_slow());
	tq_true(took < (seconds + 3) * tq_slow(), "it ends after %.3f s", took);
}

static void deadlines(bool sends)
{
	static const uint64_t past[] = { 1, 2, 1000000000 };
	int fd = tq_open_small(NAME);
	char buf[256];
	size_t bytes = sends ? tq_put(buf, 0, 20, 1) : sizeof(buf), i;

	if (sends)
		tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	for (i = 0; i < ARRAY_SIZE(past); i++) {
		if (sends)
			tq_errno(tq_send_call(fd, buf, bytes, past[i]), ETIMEDOUT);
		else
			tq_errno(tq_receive_call(fd, buf, bytes, past[i]), ETIMEDOUT);
	}
	times_out(fd, sends, 0.01);
	times_out(fd, sends, 0.2);
	times_out(fd, sends, 0.05);
	/* A file that may not wait does not, whatever the deadline says. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < 4; i++) {
		uint64_t deadline = i == 0 ? TQUEUE_FOREVER : i == 1 ? 0 :
				    i == 2 ? tq_deadline(30) : 1;

		if (sends)
			tq_errno(tq_send_call(fd, buf, bytes, deadline), EAGAIN);
		else
			tq_errno(tq_receive_call(fd, buf, bytes, deadline), EAGAIN);
	}
	fcntl(fd, F_SETFL, 0);
	if (sends)
		tq_received(fd, 4, TQ_SMALL_MAX, 1);
	tq_end(fd);
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
	int fd = tq_open_small(NAME);
	char buf[256];

	tq_is(tq_send_call(fd, buf, tq_put(buf, 0, 20, 1), 1), 1);
	tq_is(tq_receive_call(fd, buf, sizeof(buf), 1), 1);
	tq_end(fd);
}

/* Deadlines that lie beyond all counting are no deadlines that are over. */
static void far_future(void)
{
	static const uint64_t far[] = {
		-2ULL, 1ULL << 63, (1ULL << 63) - 1, (1ULL << 63) + 1, 1ULL << 62,
		-1000000000ULL,
	};
	int fd = tq_open_small(NAME);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		struct tq_batch batch;
		char buf[256];

		tq_start_receive(&batch, fd, buf, sizeof(buf), far[i]);
		tq_asleep(&batch.task, SYS_ioctl);
		tq_still_asleep(&batch.task, SYS_ioctl);
		tq_send(fd, 20, 1);
		tq_result(&batch.task, 1);
	}
	tq_end(fd);
}

/* ---- signals ------------------------------------------------------------------ */

static atomic_int caught;

static void catch_signal(int number)
{
	(void)number;
	atomic_fetch_add(&caught, 1);
}

static void catch_with(int flags)
{
	struct sigaction action = { .sa_handler = catch_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
	atomic_store(&caught, 0);
}

static void interrupt(struct tq_task *task)
{
	double end = tq_now() + 10 * tq_slow();

	pthread_kill(task->thread, SIGUSR1);
	while (!atomic_load(&caught)) {
		tq_true(tq_now() < end, "the signal is not delivered");
		sched_yield();
	}
}

static void interrupted(void)
{
	int fd = tq_open_small(NAME), i;
	struct tq_batch batch;
	char buf[256];
	size_t end;

	for (i = 0; i < 2; i++) {
		catch_with(0);
		tq_start_receive(&batch, fd, buf, sizeof(buf),
				 i ? tq_deadline(30) : TQUEUE_FOREVER);
		tq_asleep(&batch.task, SYS_ioctl);
		interrupt(&batch.task);
		tq_fails(&batch.task, EINTR);
	}
	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	end = tq_put(buf, 0, 20, 1);
	for (i = 0; i < 2; i++) {
		catch_with(0);
		tq_start_send(&batch, fd, buf, end,
			      i ? tq_deadline(30) : TQUEUE_FOREVER);
		tq_asleep(&batch.task, SYS_ioctl);
		interrupt(&batch.task);
		tq_fails(&batch.task, EINTR);
	}
	tq_received(fd, 4, TQ_SMALL_MAX, 1);
	tq_end(fd);
}

static void restarted(void)
{
	int fd = tq_open_small(NAME), i;
	struct tq_batch batch;
	char buf[256], got[256];
	size_t end = tq_put(buf, 0, 20, 1);

	for (i = 0; i < 3; i++) {
		catch_with(SA_RESTART);
		tq_start_receive(&batch, fd, got, sizeof(got),
				 i ? tq_deadline(30) : TQUEUE_FOREVER);
		tq_asleep(&batch.task, SYS_ioctl);
		interrupt(&batch.task);
		tq_still_asleep(&batch.task, SYS_ioctl);
		tq_send(fd, 20, 1);
		tq_result(&batch.task, 1);
		tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), 4);
		catch_with(SA_RESTART);
		tq_start_send(&batch, fd, buf, end,
			      i ? tq_deadline(30) : TQUEUE_FOREVER);
		tq_asleep(&batch.task, SYS_ioctl);
		interrupt(&batch.task);
		tq_still_asleep(&batch.task, SYS_ioctl);
		tq_received(fd, 4, TQ_SMALL_MAX, 1);
		tq_result(&batch.task, 1);
		tq_received(fd, 1, 20, 1);
	}
	tq_end(fd);
}

/* Signals do not move the deadline. */
static void a_deadline_among_signals(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch batch;
	double began = tq_now();
	char buf[256];

	catch_with(SA_RESTART);
	tq_start_receive(&batch, fd, buf, sizeof(buf), tq_deadline(0.5));
	while (!tq_done(&batch.task)) {
		pthread_kill(batch.task.thread, SIGUSR1);
		tq_sleep_ms(10);
		tq_true(tq_now() - began < 10 * tq_slow(), "it never ends");
	}
	tq_fails(&batch.task, ETIMEDOUT);
	tq_true(tq_now() - began > 0.499 * tq_slow(), "it ends too early");
	tq_end(fd);
}

static void wait_in_a_process(void *arg)
{
	char buf[256];
	int fd = tq_open_queue(NAME, O_RDWR);

	if (arg)
		tq_send_call(fd, buf, tq_put_many(buf, 20, 7, 2), TQUEUE_FOREVER);
	else
		tq_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER);
	_exit(2);
}

static void killed(void)
{
	int fd = tq_open_small(NAME);
	pid_t pid;

	pid = tq_fork(wait_in_a_process, NULL);
	tq_asleep_pid(pid, SYS_ioctl);
	tq_kill(pid);
	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	pid = tq_fork(wait_in_a_process, "");
	tq_asleep_pid(pid, SYS_ioctl);
	tq_kill(pid);
	tq_received(fd, 4, TQ_SMALL_MAX, 1);
	tq_end(fd);
}

/* ---- who is woken ---------------------------------------------------------------- */

static void many_messages_wake_many(void)
{
	enum { MANY = 6 };
	struct tq_task tasks[MANY];
	char buf[1024], got[MANY][64];
	int fd = tq_open_small(NAME), i, round;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < MANY; i++) {
			tq_start_read(&tasks[i], tq_open_queue(NAME, O_RDONLY), got[i],
				      64);
			tq_asleep(&tasks[i], SYS_read);
		}
		tq_is(tq_send_call(fd, buf, tq_put_many(buf, 20, 1, MANY), 0), MANY);
		for (i = 0; i < MANY; i++) {
			tq_result(&tasks[i], 20);
			close(tasks[i].fd);
		}
	}
	tq_end(fd);
}

/* Fewer than there are sleepers: the others sleep on. */
static void few_messages_wake_few(void)
{
	enum { MANY = 6 };
	struct tq_batch batches[MANY];
	int fd = tq_open_small(NAME), i, ended = 0;
	double end = tq_now() + 10 * tq_slow();
	char buf[1024], got[MANY][64];

	for (i = 0; i < MANY; i++) {
		tq_start_receive(&batches[i], tq_open_queue(NAME, O_RDONLY), got[i],
				 64, TQUEUE_FOREVER);
		tq_asleep(&batches[i].task, SYS_ioctl);
	}
	tq_is(tq_send_call(fd, buf, tq_put_many(buf, 20, 1, 3), 0), 3);
	while (ended < 3) {
		tq_true(tq_now() < end, "only %d are woken", ended);
		for (ended = 0, i = 0; i < MANY; i++)
			ended += tq_done(&batches[i].task);
	}
	tq_sleep_ms(30);
	for (ended = 0, i = 0; i < MANY; i++)
		ended += tq_done(&batches[i].task);
	tq_is(ended, 3);
	tq_is(tq_send_call(fd, buf, tq_put_many(buf, 20, 1, 3), 0), 3);
	for (i = 0; i < MANY; i++) {
		tq_result(&batches[i].task, 1);
		close(batches[i].task.fd);
	}
	tq_end(fd);
}

/* One receiver takes all: whoever else was woken goes back to sleep. */
static void taken_by_one(void)
{
	struct tq_batch batches[3];
	int fd = tq_open_small(NAME), i, round;
	char buf[1024], got[3][1024];

	for (round = 0; round < 10; round++) {
		for (i = 0; i < 3; i++) {
			tq_start_receive(&batches[i], tq_open_queue(NAME, O_RDONLY),
					 got[i], sizeof(got[i]), TQUEUE_FOREVER);
			tq_asleep(&batches[i].task, SYS_ioctl);
		}
		tq_is(tq_send_call(fd, buf, tq_put_many(buf, 20, 1, 9), 0), 9);
		/* Those that got none need one each. */
		for (i = 0; i < 3; i++) {
			double end = tq_now() + 10 * tq_slow();

			while (!tq_done(&batches[i].task)) {
				tq_true(tq_now() < end, "a receiver sleeps on");
				if (!tq_info(fd).messages)
					tq_is(tq_send_call(fd, buf,
							   tq_put(buf, 0, 20, 1),
							   0), 1);
				sched_yield();
			}
			tq_finish(&batches[i].task);
			tq_true(batches[i].task.result > 0, "RECEIVE gives %zd",
				batches[i].task.result);
			close(batches[i].task.fd);
		}
		while (tq_receive_call(fd, buf, sizeof(buf), 0) > 0)
			;
	}
	tq_end(fd);
}

static void much_room_wakes_many(void)
{
	enum { MANY = 6 };
	struct tq_task tasks[MANY];
	char buf[MANY][64];
	int fd = tq_open_small(NAME), i;

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	for (i = 0; i < MANY; i++) {
		tq_pattern(buf[i], 64, 10 + i, 0);
		tq_start_write(&tasks[i], tq_open_queue(NAME, O_WRONLY), buf[i], 64);
		tq_asleep(&tasks[i], SYS_write);
	}
	tq_received(fd, 4, TQ_SMALL_MAX, 1);
	for (i = 0; i < MANY; i++) {
		tq_result(&tasks[i], 64);
		close(tasks[i].fd);
	}
	tq_received(fd, MANY, 64, 10);
	tq_end(fd);
}

/* In the order in which they came, batches and writes alike. */
static void in_line(void)
{
	struct tq_batch first, third;
	struct tq_task second;
	char a[256], b[64], c[256];
	int place[5] = { 0 }, at, n, i;
	int fd = tq_open_small(NAME), other = tq_open_queue(NAME, O_WRONLY | O_NONBLOCK);

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	tq_start_send(&first, fd, a, tq_put_many(a, 64, 10, 2), TQUEUE_FOREVER);
	tq_asleep(&first.task, SYS_ioctl);
	tq_pattern(b, 64, 12, 0);
	tq_start_write(&second, fd, b, 64);
	tq_asleep(&second, SYS_write);
	tq_start_send(&third, fd, c, tq_put_many(c, 64, 13, 2), TQUEUE_FOREVER);
	tq_asleep(&third.task, SYS_ioctl);
	/* Nobody goes before them. */
	tq_errno(write(other, b, 1), EAGAIN);
	tq_errno(tq_send_call(other, a, tq_record(64), 0), EAGAIN);
	tq_is(tq_poll(other, POLLOUT), 0);
	tq_received(fd, 4, TQ_SMALL_MAX, 1);
	tq_finish(&first.task);
	tq_finish(&third.task);
	tq_result(&second, 64);
	/*
	 * Each sent its first in its turn; what else a batch sends may come after
	 * those who stood behind it, but not out of its own order.
	 */
	tq_true(first.task.result >= 1 && third.task.result >= 1, "%zd and %zd sent",
		first.task.result, third.task.result);
	for (at = 0, n = 0; n < first.task.result + third.task.result + 1; n++) {
		tq_is(read(fd, b, sizeof(b)), sizeof(b));
		for (i = 0; i < 5 && tq_differs(b, sizeof(b), 10 + i, 0) >= 0; i++)
			;
		tq_true(i < 5, "a message is not what was sent");
		place[i] = ++at;
	}
	tq_true(place[0] == 1 && place[2] && place[2] < place[3], "they come in order %d %d %d %d %d",
		place[0], place[1], place[2], place[3], place[4]);
	tq_true((first.task.result == 1 || place[0] < place[1]) &&
		(third.task.result == 1 || place[3] < place[4]),
		"they come in order %d %d %d %d %d",
		place[0], place[1], place[2], place[3], place[4]);
	close(other);
	tq_end(fd);
}

/* Room for the first record of a batch is enough to wake it. */
static void room_for_a_part(void)
{
	int fd = tq_open_small(NAME);
	struct tq_batch sender;
	char *buf = malloc(8192);
	size_t end;

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	end = tq_put_many(buf, TQ_SMALL_MAX, 5, 3);
	tq_start_send(&sender, fd, buf, end, TQUEUE_FOREVER);
	tq_asleep(&sender.task, SYS_ioctl);
	tq_received(fd, 1, TQ_SMALL_MAX, 1);
	tq_result(&sender.task, 1);
	tq_is(sender.send.sent_bytes, tq_record(TQ_SMALL_MAX));
	tq_received(fd, 4, TQ_SMALL_MAX, 2);
	free(buf);
	tq_end(fd);
}

/* A receiver whose room is too small must not sleep on a message, nor eat it. */
static void too_small_a_buffer_wakes_the_next(void)
{
	int fd = tq_open_small(NAME), round;

	for (round = 0; round < 10; round++) {
		struct tq_batch small;
		struct tq_task reader;
		char buf[64], got[256];

		tq_start_receive(&small, tq_open_queue(NAME, O_RDONLY), buf, 41,
				 TQUEUE_FOREVER);
		tq_asleep(&small.task, SYS_ioctl);
		tq_start_read(&reader, fd, got, sizeof(got));
		tq_asleep(&reader, SYS_read);
		tq_send(fd, 100, 1);
		tq_result(&reader, 100);
		/* It was woken first, or sleeps still. */
		if (!tq_done(&small.task)) {
			tq_sleep_ms(10);
			if (!tq_done(&small.task)) {
				tq_send(fd, 100, 1);
				tq_fails(&small.task, EMSGSIZE);
				tq_receive(fd, 100, 1);
				close(small.task.fd);
				continue;
			}
		}
		tq_fails(&small.task, EMSGSIZE);
		tq_is(small.receive.bytes, tq_record(100));
		close(small.task.fd);
	}
	tq_end(fd);
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

static void run_hasty(struct tq_task *task)
{
	struct moment *moment = task->arg;
	char buf[64];
	long i;

	for (i = 1; next_round(moment, &moment->round, i); i++) {
		uint64_t deadline = tq_now() * 1e9 + 1000000;

		atomic_store(&moment->deadline, deadline);
		atomic_store(&moment->begun, i);
		if (tq_receive_call(moment->fd, buf, sizeof(buf), deadline) == 1)
			task->count++;
		atomic_store(&moment->ended, i);
	}
}

static void run_patient(struct tq_task *task)
{
	struct moment *moment = task->arg;
	char buf[64];
	long i;

	for (i = 1; next_round(moment, &moment->begun, i); i++) {
		/* The other one shall stand before it. */
		usleep(300);
		if (tq_receive_call(moment->fd, buf, sizeof(buf),
				    TQUEUE_FOREVER) == 1)
			task->count++;
	}
}

static void send_to_one(struct tq_task tasks[2], int fd)
{
	double end = tq_now() + 5 * tq_slow();
	long before = tasks[0].count + tasks[1].count;

	tq_send(fd, 8, 1);
	while (tasks[0].count + tasks[1].count == before)
		tq_true(tq_now() < end, "a message is there, and nobody was woken");
}

/*
 * One message, and two that wait. Whoever gives up in the moment in which it is
 * woken leaves the message to the other.
 */
static void gives_up_as_it_is_woken(void)
{
	struct moment moment = { .fd = tq_open_small(NAME) };
	struct tq_task tasks[2] = { { .arg = &moment }, { .arg = &moment } };
	double end = tq_now() + tq_seconds(3);
	long i, late = 0;	/* nanoseconds */

	tq_start(&tasks[0], run_hasty);
	tq_start(&tasks[1], run_patient);
	for (i = 1; tq_goes_on(end, tq_all_did(tasks, 2, 1)); i++) {
		long hasty = tasks[0].count;

		atomic_store(&moment.round, i);
		next_round(&moment, &moment.begun, i);
		while (tq_now() * 1e9 < atomic_load(&moment.deadline) + late)
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
	tq_is(tq_select_call(TQUEUE_CTL_STOP, NAME), 0);
	tq_finish(&tasks[0]);
	tq_finish(&tasks[1]);
	close(moment.fd);
	tq_remove(NAME);
}

/* Pollers hear of batches as of writes. */
static void pollers(void)
{
	int fd = tq_open_small(NAME), out = tq_open_queue(NAME, O_RDWR);
	char *buf = malloc(8192);

	tq_is(tq_poll(out, POLLIN | POLLOUT), POLLOUT);
	tq_is(tq_send_call(fd, buf, tq_put_many(buf, TQ_SMALL_MAX, 1, 4), 0), 4);
	tq_is(tq_poll(out, POLLIN | POLLOUT), POLLIN);
	tq_received(fd, 2, TQ_SMALL_MAX, 1);
	tq_is(tq_poll(out, POLLIN | POLLOUT), POLLIN | POLLOUT);
	tq_received(fd, 2, TQ_SMALL_MAX, 3);
	tq_is(tq_poll(out, POLLIN | POLLOUT), POLLOUT);
	free(buf);
	close(out);
	tq_end(fd);
}

static const struct tq_test tests[] = {
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
	return tq_main("batch_wait", tests, ARRAY_SIZE(tests), argc, argv);
}
