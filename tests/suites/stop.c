// SPDX-License-Identifier: GPL-2.0
/*
 * Stopped queues: nothing is sent any more, those who wait for room fail at once
 * and have sent nothing, readers get what is there and then end-of-file; until
 * the queue is started again. And who may do that.
 */
#include "calls.h"

#include "uring.h"

#include <linux/capability.h>
#include <sys/epoll.h>

#define NAME	"stopped"

static void stop_it(void)
{
	tq_is(tq_select_call(TQUEUE_CTL_STOP, NAME), 0);
}

static void start_it(void)
{
	tq_is(tq_select_call(TQUEUE_CTL_START, NAME), 0);
}

/* At the end, in every way to ask. */
static void at_the_end(int fd)
{
	char buf[64];
	int ends[2];

	tq_is(read(fd, buf, sizeof(buf)), 0);
	tq_is(tq_receive_call(fd, buf, sizeof(buf), 0), 0);
	tq_is(tq_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	tq_is(tq_peek_call(fd, buf, sizeof(buf)), 0);
	tq_is(pipe(ends), 0);
	tq_is(splice(fd, NULL, ends[1], NULL, 10, 0), 0);
	close(ends[0]);
	close(ends[1]);
	tq_is(tq_fionread(fd), 0);
	/* Who can write as well is not hung up. */
	tq_is(tq_poll(fd, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
}

static void finish(int fd)
{
	tq_is(tq_info(fd).bytes, 0);
	close(fd);
	tq_remove(NAME);
}

static void refuses(void)
{
	int fd = tq_open_small(NAME), ends[2], i;
	char buf[256];
	size_t end = tq_put(buf, 0, 20, 1);

	tq_is(pipe(ends), 0);
	tq_is(write(ends[1], buf, 10), 10);
	tq_is(tq_info(fd).state, 0);
	for (i = 0; i < 2; i++) {
		if (i)
			tq_is(ioctl(fd, TQUEUE_STOP), 0);
		else
			stop_it();
		tq_is(tq_info(fd).state, TQUEUE_STATE_STOPPED);
		tq_errno(write(fd, buf, 10), ESHUTDOWN);
		tq_errno(tq_send_call(fd, buf, end, 0), ESHUTDOWN);
		tq_errno(tq_send_call(fd, buf, end, TQUEUE_FOREVER), ESHUTDOWN);
		tq_errno(splice(ends[0], NULL, fd, NULL, 10, 0), ESHUTDOWN);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		tq_errno(write(fd, buf, 10), ESHUTDOWN);
		tq_errno(tq_send_call(fd, buf, end, TQUEUE_FOREVER), ESHUTDOWN);
		fcntl(fd, F_SETFL, 0);
		at_the_end(fd);
		/* Again is no error. */
		stop_it();
		at_the_end(fd);
		if (i)
			start_it();
		else
			tq_is(ioctl(fd, TQUEUE_START), 0);
		tq_is(tq_info(fd).state, 0);
		start_it();
		tq_send(fd, 20, 1);
		tq_receive(fd, 20, 1);
		tq_errno(tq_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
		tq_is(tq_poll(fd, POLLIN | POLLOUT), POLLOUT);
	}
	finish(fd);
}

static void lets_readers_have_what_is_there(void)
{
	int fd = tq_open_small(NAME);
	char buf[256];

	tq_is(tq_send_call(fd, buf, tq_put_many(buf, 20, 1, 4), 0), 4);
	stop_it();
	tq_is(tq_poll(fd, POLLIN) & POLLIN, POLLIN);
	tq_receive(fd, 20, 1);
	tq_is(tq_peek_call(fd, buf, sizeof(buf)), 3);
	tq_received(fd, 2, 20, 2);
	tq_is(read(fd, buf, 5), 5);
	tq_is(tq_poll(fd, POLLIN) & POLLIN, POLLIN);
	tq_receive_rest(fd, 15, 4, 5);
	at_the_end(fd);
	finish(fd);
}

static void waiting_senders(void)
{
	int fd = tq_open_small(NAME), i;
	struct tq_task writers[3];
	struct tq_batch batches[2];
	char buf[256], large[TQ_SMALL_MAX] = "";
	size_t end = tq_put_many(buf, 20, 1, 3);

	tq_is(tq_fill_file(fd, TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < 3; i++) {
		tq_start_write(&writers[i], tq_open_queue(NAME, O_WRONLY), large,
			       i == 1 ? TQ_SMALL_MAX : 10);
		tq_asleep(&writers[i], SYS_write);
	}
	for (i = 0; i < 2; i++) {
		tq_start_send(&batches[i], fd, buf, end,
			      i ? TQUEUE_FOREVER : tq_deadline(30));
		tq_asleep(&batches[i].task, SYS_ioctl);
	}
	stop_it();
	for (i = 0; i < 3; i++) {
		tq_fails(&writers[i], ESHUTDOWN);
		close(writers[i].fd);
	}
	for (i = 0; i < 2; i++)
		tq_fails(&batches[i].task, ESHUTDOWN);
	tq_received(fd, 4, TQ_SMALL_MAX, 0);
	at_the_end(fd);
	start_it();
	tq_errno(tq_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	finish(fd);
}

static void run_poll(struct tq_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = task->number };

	task->result = poll(&one, 1, -1);
	task->error = one.revents;
}

static void run_splice(struct tq_task *task)
{
	int ends[2];

	tq_is(pipe(ends), 0);
	task->result = splice(task->fd, NULL, ends[1], NULL, 4096, 0);
	task->error = errno;
}

static void sleeping_readers(void)
{
	int fd = tq_open_small(NAME), i;
	struct tq_task readers[3], poller = { .number = POLLRDHUP }, splicer;
	struct tq_batch batch;
	char buf[64];

	for (i = 0; i < 3; i++) {
		tq_start_read(&readers[i], tq_open_queue(NAME, O_RDONLY), buf, 10);
		tq_asleep(&readers[i], SYS_read);
	}
	poller.fd = fd;
	tq_start(&poller, run_poll);
	tq_asleep(&poller, SYS_poll);
	splicer.fd = fd;
	tq_start(&splicer, run_splice);
	tq_asleep(&splicer, SYS_splice);
	tq_start_receive(&batch, fd, buf, sizeof(buf), TQUEUE_FOREVER);
	tq_asleep(&batch.task, SYS_ioctl);
	stop_it();
	for (i = 0; i < 3; i++) {
		tq_result(&readers[i], 0);
		close(readers[i].fd);
	}
	tq_result(&splicer, 0);
	tq_result(&batch.task, 0);
	tq_result(&poller, 1);
	tq_is(poller.error, POLLRDHUP);
	finish(fd);
}

/* Who only reads is. */
static void hung_up(void)
{
	int fd = tq_open_small(NAME), out = tq_open_queue(NAME, O_RDONLY), bytes;

	tq_send(fd, 10, 1);
	stop_it();
	tq_is(tq_poll(out, POLLIN | POLLRDHUP), POLLIN);
	tq_receive(out, 10, 1);
	tq_is(tq_poll(out, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP | POLLHUP);
	tq_is(ioctl(out, FIONREAD, &bytes), 0);
	start_it();
	tq_is(tq_poll(out, POLLIN | POLLRDHUP), 0);
	close(out);
	finish(fd);
}

static void epoll_by_edge(void)
{
	int fd = tq_open_small(NAME), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	tq_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	tq_send(fd, 10, 1);
	tq_is(epoll_wait(epoll, &event, 1, 1000 * tq_slow()), 1);
	stop_it();
	tq_is(epoll_wait(epoll, &event, 1, 1000 * tq_slow()), 1);
	tq_receive(fd, 10, 1);
	at_the_end(fd);
	close(epoll);
	finish(fd);
}

static void requests(void)
{
	int fd = tq_open_small(NAME), result;
	double end = tq_now() + 10 * tq_slow();
	struct uring ring;
	char buf[64];
	uint64_t name;

	if (!uring_open(&ring, 4)) {
		finish(fd);
		tq_skip("io_uring_setup: %s", strerror(errno));
	}
	uring_put(&ring, IORING_OP_READ, fd, buf, sizeof(buf), 1);
	uring_enter(&ring, 0);
	tq_sleep_ms(20);
	tq_is(uring_take(&ring, &name, &result), false);
	stop_it();
	while (!uring_take(&ring, &name, &result)) {
		tq_true(tq_now() < end, "a request does not end");
		uring_enter(&ring, 0);
	}
	tq_is(result, 0);
	uring_put(&ring, IORING_OP_WRITE, fd, buf, sizeof(buf), 1);
	uring_enter(&ring, 1);
	tq_is(uring_take(&ring, &name, &result), true);
	tq_is(result, -ESHUTDOWN);
	uring_close(&ring);
	finish(fd);
}

/* As long as somebody may give a message back, it is not the end. */
static void rests_in_hand(void)
{
	int fd = tq_open_small(NAME), holder = tq_open_queue(NAME, O_RDONLY);
	struct tq_task reader;
	struct tq_batch batch;
	char buf[256], part[10];

	tq_send(fd, 20, 1);
	tq_is(read(holder, part, 10), 10);
	stop_it();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	tq_errno(read(fd, part, 10), EAGAIN);
	tq_errno(tq_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	tq_is(tq_poll(fd, POLLIN | POLLRDHUP), 0);
	fcntl(fd, F_SETFL, 0);
	tq_start_read(&reader, fd, buf, sizeof(buf));
	tq_asleep(&reader, SYS_read);
	/* It comes back, also to a stopped queue. */
	close(holder);
	tq_result(&reader, 10);
	tq_is(tq_differs(buf, 10, 1, 10), -1);
	at_the_end(fd);
	/* And once more, but now it is read to its end. */
	start_it();
	holder = tq_open_queue(NAME, O_RDONLY);
	tq_send(fd, 20, 2);
	tq_is(read(holder, part, 10), 10);
	stop_it();
	tq_start_read(&reader, fd, buf, sizeof(buf));
	tq_asleep(&reader, SYS_read);
	tq_start_receive(&batch, tq_open_queue(NAME, O_RDONLY), buf, sizeof(buf),
			 TQUEUE_FOREVER);
	tq_asleep(&batch.task, SYS_ioctl);
	tq_receive_rest(holder, 10, 2, 10);
	tq_result(&reader, 0);
	tq_result(&batch.task, 0);
	close(batch.task.fd);
	close(holder);
	finish(fd);
}

/* Nor while a reader stalls that may fail and give it back. */
static void in_a_stalled_readers_hands(void)
{
	int fd = tq_open_small(NAME), holder = tq_open_queue(NAME, O_RDONLY);
	struct tq_task stalled, reader;
	struct tq_stall stall;
	char buf[64];

	tq_send(fd, 20, 1);
	tq_stall_make(&stall, tq_page());
	tq_start_read(&stalled, holder, stall.map, 100);
	tq_stall_wait(&stall);
	stop_it();
	tq_start_read(&reader, fd, buf, sizeof(buf));
	/* Either of them has it, and the other one the end. */
	tq_stall_release(&stall, NULL);
	tq_finish(&reader);
	tq_finish(&stalled);
	tq_true(reader.result >= 0 && stalled.result >= 0, "reads fail");
	tq_is(reader.result + stalled.result, 20);
	at_the_end(fd);
	close(holder);
	finish(fd);
}

/* What a message is lost for: nothing. */
static void stalled_sender(void)
{
	int fd = tq_open_small(NAME);
	struct tq_stall stall;
	struct tq_task sender;

	tq_stall_make(&stall, tq_page());
	tq_start_write(&sender, fd, stall.map, 100);
	tq_stall_wait(&stall);
	stop_it();
	at_the_end(fd);
	tq_stall_release(&stall, NULL);
	tq_fails(&sender, ESHUTDOWN);
	at_the_end(fd);
	finish(fd);
}

static void default_queue(void)
{
	int fd = tq_open(O_RDWR);

	tq_is(tq_select_call(TQUEUE_CTL_STOP, "tqueue"), 0);
	tq_errno(write(fd, "x", 1), ESHUTDOWN);
	tq_is(read(fd, &(char){ 0 }, 1), 0);
	tq_is(tq_select_call(TQUEUE_CTL_START, "tqueue"), 0);
	tq_send(fd, 10, 1);
	tq_receive(fd, 10, 1);
	close(fd);
}

static void can_be_removed(void)
{
	int fd = tq_open_small(NAME);

	tq_send(fd, 10, 1);
	stop_it();
	tq_errno(tq_remove_call(NAME, 0), EBUSY);
	tq_receive(fd, 10, 1);
	tq_is(tq_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	tq_errno(write(fd, "x", 1), EIDRM);
	tq_errno(read(fd, &(char){ 0 }, 1), EIDRM);
	tq_errno(ioctl(fd, TQUEUE_START), EIDRM);
	close(fd);
}

/* ---- who may ------------------------------------------------------------------ */

static void set_user(unsigned int uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		tq_fail("cannot become user %u", uid);
}

static const struct tqueue_config larger = {
	.fields = TQUEUE_CONFIG_SIZE, .size = 8192,
};

static void as_a_stranger(void *arg)
{
	int fd;

	(void)arg;
	set_user(4321);
	fd = tq_open_queue(NAME, O_RDWR);
	tq_send(fd, 10, 1);
	tq_receive(fd, 10, 1);
	tq_is(tq_info(fd).size, 4096);
	tq_errno(ioctl(fd, TQUEUE_STOP), EPERM);
	tq_errno(ioctl(fd, TQUEUE_START), EPERM);
	tq_errno(ioctl(fd, TQUEUE_SET, &larger), EPERM);
}

static void as_its_owner(void *arg)
{
	int fd;

	(void)arg;
	set_user(1234);
	fd = tq_open_queue(NAME, O_RDONLY);
	tq_is(ioctl(fd, TQUEUE_STOP), 0);
	tq_is(ioctl(fd, TQUEUE_START), 0);
	tq_is(ioctl(fd, TQUEUE_SET, &larger), 0);
	tq_is(tq_info(fd).size, 8192);
}

/* Root without the capability is a user as others are. */
static void as_powerless_root(void *arg)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int fd;

	(void)arg;
	tq_is(syscall(SYS_capget, &header, data), 0);
	data[CAP_SYS_ADMIN / 32].effective &= ~(1U << CAP_SYS_ADMIN % 32);
	tq_is(syscall(SYS_capset, &header, data), 0);
	fd = tq_open_queue(NAME, O_RDWR);
	tq_errno(ioctl(fd, TQUEUE_STOP), EPERM);
	tq_errno(ioctl(fd, TQUEUE_SET, &larger), EPERM);
	/* The control device is open for whoever it is open for. */
	tq_is(tq_select_call(TQUEUE_CTL_STOP, NAME), 0);
	tq_is(tq_select_call(TQUEUE_CTL_START, NAME), 0);
}

static void who_may(void)
{
	struct tqueue_create create = tq_creation(NAME);

	create.uid = 1234;
	create.mode = 0666;
	create.config.fields = TQUEUE_CONFIG_SIZE;
	create.config.size = 4096;
	tq_is(tq_create_call(&create), 0);
	tq_reap(tq_fork(as_a_stranger, NULL));
	tq_reap(tq_fork(as_powerless_root, NULL));
	tq_reap(tq_fork(as_its_owner, NULL));
	finish(tq_open_queue(NAME, O_RDWR));
}

/* ---- in traffic ---------------------------------------------------------------- */

static atomic_int stop;

static void send_on(struct tq_task *task)
{
	char buf[1024];

	while (!atomic_load(&stop)) {
		long n;

		if (task->number) {
			n = tq_send_call(task->fd, buf, tq_put_many(buf, 60, 1, 4),
					 TQUEUE_FOREVER);
		} else {
			tq_pattern(buf, 60, 1, 0);
			n = write(task->fd, buf, 60);
			n = n > 0 ? 1 : n;
		}
		if (n > 0) {
			atomic_fetch_add(&task->count, n);
			continue;
		}
		tq_is(errno, ESHUTDOWN);
		sched_yield();
	}
}

static void receive_on(struct tq_task *task)
{
	char buf[1024];

	while (!atomic_load(&stop)) {
		long n;

		if (task->number) {
			n = tq_receive_call(task->fd, buf, sizeof(buf),
					    TQUEUE_FOREVER);
		} else {
			n = read(task->fd, buf, 100);
			tq_true(n == 60 || !n, "read gives %ld", n);
			n = n > 0;
		}
		tq_true(n >= 0, "receiving fails with %s", strerrorname_np(errno));
		atomic_fetch_add(&task->count, n);
	}
}

/* Stopped and started all the time: what was sent comes, and nothing else. */
static void in_traffic(void)
{
	struct tq_task senders[3] = { 0 }, receivers[3] = { 0 };
	double end = tq_now() + tq_seconds(3);
	int fd = tq_open_small(NAME), i, rounds = 0;
	long sent = 0, received = 0;
	char buf[4096];

	for (i = 0; i < 3; i++) {
		senders[i].number = i % 2;
		receivers[i].number = i % 2;
		senders[i].fd = tq_open_queue(NAME, O_WRONLY);
		receivers[i].fd = tq_open_queue(NAME, O_RDONLY);
		tq_start(&senders[i], send_on);
		tq_start(&receivers[i], receive_on);
	}
	while (tq_goes_on(end, rounds > 10)) {
		usleep(1000 + rounds % 7 * 500);
		tq_is(ioctl(fd, TQUEUE_STOP), 0);
		usleep(rounds % 5 * 300);
		tq_is(ioctl(fd, TQUEUE_START), 0);
		rounds++;
	}
	atomic_store(&stop, 1);
	stop_it();
	for (i = 0; i < 3; i++) {
		tq_finish(&senders[i]);
		tq_finish(&receivers[i]);
		sent += atomic_load(&senders[i].count);
		received += atomic_load(&receivers[i].count);
		close(senders[i].fd);
		close(receivers[i].fd);
	}
	for (;;) {
		long n = tq_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER);

		tq_true(n >= 0, "RECEIVE fails with %s", strerrorname_np(errno));
		if (!n)
			break;
		received += n;
	}
	tq_is(received, sent);
	tq_true(rounds > 10, "only %d rounds", rounds);
	fprintf(stderr, "# %ld messages, stopped %d times\n", sent, rounds);
	finish(fd);
}

static void poll_for_the_end(struct tq_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLIN };

	task->result = poll(&one, 1, -1);
	task->number = one.revents;
}

static void goes_first(struct tq_task *task, int priority)
{
	struct sched_param param = { .sched_priority = priority };
	int error = pthread_setschedparam(task->thread, SCHED_FIFO, &param);

	if (error)
		tq_skip("no real-time priority: %s", strerror(error));
}

/*
 * A reader has a part of the last message in hand, so that its file cannot be
 * read; its memory goes, the message comes back, and another reader has it before
 * the file is free again.  Who polls that file learns of the end.
 */
static void end_of_a_file_that_was_held(void)
{
	size_t page = tq_page(), len = 3 * page;
	int fd, held, other;
	struct tq_task stalled, reader, poller = { 0 };
	char *buf = aligned_alloc(page, len);
	struct tq_stall stall;

	tq_create(NAME, 1 << 16);
	fd = tq_open_queue(NAME, O_WRONLY);
	held = tq_open_queue(NAME, O_RDONLY);
	other = tq_open_queue(NAME, O_RDONLY);
	tq_pin(0);
	tq_send(fd, len, 1);
	tq_stall_make(&stall, 2 * page);
	tq_start_read(&stalled, held, stall.map, 2 * page);
	tq_stall_by_turns(&stall, buf);
	tq_is(tq_info(fd).in_hand, 1);
	stop_it();
	tq_start_read(&reader, other, buf, len);
	tq_asleep(&reader, SYS_read);
	goes_first(&reader, 2);
	poller.fd = held;
	tq_start(&poller, poll_for_the_end);
	tq_asleep(&poller, SYS_poll);
	goes_first(&poller, 1);
	tq_stall_spoil(&stall);
	tq_fails(&stalled, EFAULT);
	tq_result(&reader, len);
	tq_result(&poller, 1);
	tq_is(poller.number, POLLIN | POLLHUP);
	tq_stall_release(&stall, NULL);
	free(buf);
	close(held);
	close(other);
	finish(fd);
}

static void poll_for_room(struct tq_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLOUT };

	while (!atomic_load(&stop)) {
		tq_is(poll(&one, 1, -1), 1);
		task->count++;
	}
}

/*
 * Who polls an empty queue for room waits neither while it is stopped nor while
 * it is started.  In between nobody would come and wake it.
 */
static void room_between_stop_and_start(void)
{
	double end = tq_now() + tq_seconds(1);
	int fd = tq_open_small(NAME), rounds;
	struct tq_task task = { .fd = fd };

	tq_start(&task, poll_for_room);
	for (rounds = 0; tq_goes_on(end, rounds > 100); rounds++) {
		double late = tq_now() + 5 * tq_slow();
		long before;

		tq_is(ioctl(fd, TQUEUE_STOP), 0);
		tq_is(ioctl(fd, TQUEUE_START), 0);
		before = atomic_load(&task.count);
		while (atomic_load(&task.count) < before + 2)
			tq_true(tq_now() < late, "it waits after %d rounds",
				rounds);
	}
	atomic_store(&stop, 1);
	tq_finish(&task);
	finish(fd);
}

static const struct tq_test tests[] = {
	TQ_TEST(refuses),
	TQ_TEST(lets_readers_have_what_is_there),
	TQ_TEST(waiting_senders),
	TQ_TEST(sleeping_readers),
	TQ_TEST(hung_up),
	TQ_TEST(epoll_by_edge),
	TQ_TEST(requests),
	TQ_TEST(rests_in_hand),
	TQ_TEST(in_a_stalled_readers_hands),
	TQ_TEST(stalled_sender),
	TQ_TEST(default_queue),
	TQ_TEST(can_be_removed),
	TQ_TEST(who_may),
	TQ_TEST(in_traffic),
	TQ_TEST(room_between_stop_and_start),
	TQ_TEST(end_of_a_file_that_was_held),
};

int main(int argc, char **argv)
{
	return tq_main("stop", tests, ARRAY_SIZE(tests), argc, argv);
}
