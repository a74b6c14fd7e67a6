// SPDX-License-Identifier: GPL-2.0-only
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
	t_is(t_select_call(TQUEUE_CTL_STOP, NAME), 0);
}

static void start_it(void)
{
	t_is(t_select_call(TQUEUE_CTL_START, NAME), 0);
}

/* At the end, in every way to ask. */
static void at_the_end(int fd)
{
	char buf[64];
	int ends[2];

	t_is(read(fd, buf, sizeof(buf)), 0);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 0);
	t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 0);
	t_is(pipe(ends), 0);
	t_is(splice(fd, NULL, ends[1], NULL, 10, 0), 0);
	close(ends[0]);
	close(ends[1]);
	t_is(t_fionread(fd), 0);
	/* Who can write as well is not hung up. */
	t_is(t_poll(fd, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
}

static void finish(int fd)
{
	t_is(t_info(fd).bytes, 0);
	close(fd);
	t_remove(NAME);
}

static void refuses(void)
{
	int fd = t_open_small(NAME), ends[2], i;
	char buf[256];
	size_t end = t_put(buf, 0, 20, 1);

	t_is(pipe(ends), 0);
	t_is(write(ends[1], buf, 10), 10);
	t_is(t_info(fd).state, 0);
	for (i = 0; i < 2; i++) {
		if (i)
			t_is(ioctl(fd, TQUEUE_STOP), 0);
		else
			stop_it();
		t_is(t_info(fd).state, TQUEUE_STATE_STOPPED);
		t_errno(write(fd, buf, 10), ESHUTDOWN);
		t_errno(t_send_call(fd, buf, end, 0), ESHUTDOWN);
		t_errno(t_send_call(fd, buf, end, TQUEUE_FOREVER), ESHUTDOWN);
		t_errno(splice(ends[0], NULL, fd, NULL, 10, 0), ESHUTDOWN);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		t_errno(write(fd, buf, 10), ESHUTDOWN);
		t_errno(t_send_call(fd, buf, end, TQUEUE_FOREVER), ESHUTDOWN);
		fcntl(fd, F_SETFL, 0);
		at_the_end(fd);
		/* Again is no error. */
		stop_it();
		at_the_end(fd);
		if (i)
			start_it();
		else
			t_is(ioctl(fd, TQUEUE_START), 0);
		t_is(t_info(fd).state, 0);
		start_it();
		t_send(fd, 20, 1);
		t_receive(fd, 20, 1);
		t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
		t_is(t_poll(fd, POLLIN | POLLOUT), POLLOUT);
	}
	finish(fd);
}

static void lets_readers_have_what_is_there(void)
{
	int fd = t_open_small(NAME);
	char buf[256];

	t_is(t_send_call(fd, buf, t_put_many(buf, 20, 1, 4), 0), 4);
	stop_it();
	t_is(t_poll(fd, POLLIN) & POLLIN, POLLIN);
	t_receive(fd, 20, 1);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 3);
	t_received(fd, 2, 20, 2);
	t_is(read(fd, buf, 5), 5);
	t_is(t_poll(fd, POLLIN) & POLLIN, POLLIN);
	t_receive_rest(fd, 15, 4, 5);
	at_the_end(fd);
	finish(fd);
}

static void waiting_senders(void)
{
	int fd = t_open_small(NAME), i;
	struct t_task writers[3];
	struct t_batch batches[2];
	char buf[256], large[TQ_SMALL_MAX] = "";
	size_t end = t_put_many(buf, 20, 1, 3);

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < 3; i++) {
		t_start_write(&writers[i], t_open_queue(NAME, O_WRONLY), large,
			      i == 1 ? TQ_SMALL_MAX : 10);
		t_asleep(&writers[i], SYS_write);
	}
	for (i = 0; i < 2; i++) {
		t_start_send(&batches[i], fd, buf, end,
			     i ? TQUEUE_FOREVER : t_deadline(30));
		t_asleep(&batches[i].task, SYS_ioctl);
	}
	stop_it();
	for (i = 0; i < 3; i++) {
		t_fails(&writers[i], ESHUTDOWN);
		close(writers[i].fd);
	}
	for (i = 0; i < 2; i++)
		t_fails(&batches[i].task, ESHUTDOWN);
	t_received(fd, 4, TQ_SMALL_MAX, 0);
	at_the_end(fd);
	start_it();
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	finish(fd);
}

static void sleeping_readers(void)
{
	int fd = t_open_small(NAME), i;
	struct t_task readers[3], poller, splicer;
	struct t_batch batch;
	char buf[64];

	for (i = 0; i < 3; i++) {
		t_start_read(&readers[i], t_open_queue(NAME, O_RDONLY), buf, 10);
		t_asleep(&readers[i], SYS_read);
	}
	t_start_poll(&poller, fd, POLLRDHUP);
	t_asleep(&poller, SYS_poll);
	t_start_splice(&splicer, fd);
	t_asleep(&splicer, SYS_splice);
	t_start_receive(&batch, fd, buf, sizeof(buf), TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	stop_it();
	for (i = 0; i < 3; i++) {
		t_result(&readers[i], 0);
		close(readers[i].fd);
	}
	t_result(&splicer, 0);
	t_result(&batch.task, 0);
	t_polled(&poller, POLLRDHUP);
	finish(fd);
}

/* Who only reads is. */
static void hung_up(void)
{
	int fd = t_open_small(NAME), out = t_open_queue(NAME, O_RDONLY), bytes;

	t_send(fd, 10, 1);
	stop_it();
	t_is(t_poll(out, POLLIN | POLLRDHUP), POLLIN);
	t_receive(out, 10, 1);
	t_is(t_poll(out, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP | POLLHUP);
	t_is(ioctl(out, FIONREAD, &bytes), 0);
	start_it();
	t_is(t_poll(out, POLLIN | POLLRDHUP), 0);
	close(out);
	finish(fd);
}

static void epoll_by_edge(void)
{
	int fd = t_open_small(NAME), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	t_send(fd, 10, 1);
	t_is(epoll_wait(epoll, &event, 1, 1000 * t_slow()), 1);
	stop_it();
	t_is(epoll_wait(epoll, &event, 1, 1000 * t_slow()), 1);
	t_receive(fd, 10, 1);
	at_the_end(fd);
	close(epoll);
	finish(fd);
}

static void requests(void)
{
	int fd = t_open_small(NAME), result;
	double end = t_now() + 10 * t_slow();
	struct uring ring;
	char buf[64];
	uint64_t name;

	if (!uring_open(&ring, 4)) {
		finish(fd);
		t_skip("io_uring_setup: %s", strerror(errno));
	}
	uring_put(&ring, IORING_OP_READ, fd, buf, sizeof(buf), 1);
	uring_enter(&ring, 0);
	t_sleep_ms(20);
	t_is(uring_take(&ring, &name, &result), false);
	stop_it();
	while (!uring_take(&ring, &name, &result)) {
		t_true(t_now() < end, "a request does not end");
		uring_enter(&ring, 0);
	}
	t_is(result, 0);
	uring_put(&ring, IORING_OP_WRITE, fd, buf, sizeof(buf), 1);
	uring_enter(&ring, 1);
	t_is(uring_take(&ring, &name, &result), true);
	t_is(result, -ESHUTDOWN);
	uring_close(&ring);
	finish(fd);
}

/* As long as somebody may give a message back, it is not the end. */
static void partials_in_flight(void)
{
	int fd = t_open_small(NAME), holder = t_open_queue(NAME, O_RDONLY);
	struct t_task reader;
	struct t_batch batch;
	char buf[256], part[10];

	t_send(fd, 20, 1);
	t_is(read(holder, part, 10), 10);
	stop_it();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	t_errno(read(fd, part, 10), EAGAIN);
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	t_is(t_poll(fd, POLLIN | POLLRDHUP), 0);
	fcntl(fd, F_SETFL, 0);
	t_start_read(&reader, fd, buf, sizeof(buf));
	t_asleep(&reader, SYS_read);
	/* It comes back, also to a stopped queue. */
	close(holder);
	t_result(&reader, 10);
	t_is(t_differs(buf, 10, 1, 10), -1);
	at_the_end(fd);
	/* And once more, but now it is read to its end. */
	start_it();
	holder = t_open_queue(NAME, O_RDONLY);
	t_send(fd, 20, 2);
	t_is(read(holder, part, 10), 10);
	stop_it();
	t_start_read(&reader, fd, buf, sizeof(buf));
	t_asleep(&reader, SYS_read);
	t_start_receive(&batch, t_open_queue(NAME, O_RDONLY), buf, sizeof(buf),
			TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	t_receive_rest(holder, 10, 2, 10);
	t_result(&reader, 0);
	t_result(&batch.task, 0);
	close(batch.task.fd);
	close(holder);
	finish(fd);
}

/* Nor while a reader stalls that may fail and give it back. */
static void in_a_stalled_readers_hands(void)
{
	int fd = t_open_small(NAME), holder = t_open_queue(NAME, O_RDONLY);
	struct t_task stalled, reader;
	struct t_stall stall;
	char buf[64];

	t_send(fd, 20, 1);
	t_stall_make(&stall, t_page());
	t_start_read(&stalled, holder, stall.map, 100);
	t_stall_wait(&stall);
	stop_it();
	t_start_read(&reader, fd, buf, sizeof(buf));
	/* Either of them has it, and the other one the end. */
	t_stall_release(&stall, NULL);
	t_finish(&reader);
	t_finish(&stalled);
	t_true(reader.result >= 0 && stalled.result >= 0, "reads fail");
	t_is(reader.result + stalled.result, 20);
	at_the_end(fd);
	close(holder);
	finish(fd);
}

/* What a message is lost for: nothing. */
static void stalled_sender(void)
{
	int fd = t_open_small(NAME);
	struct t_stall stall;
	struct t_task sender;

	t_stall_make(&stall, t_page());
	t_start_write(&sender, fd, stall.map, 100);
	t_stall_wait(&stall);
	stop_it();
	at_the_end(fd);
	t_stall_release(&stall, NULL);
	t_fails(&sender, ESHUTDOWN);
	at_the_end(fd);
	finish(fd);
}

static void default_queue(void)
{
	int fd = t_open(O_RDWR);

	t_is(t_select_call(TQUEUE_CTL_STOP, "tqueue"), 0);
	t_errno(write(fd, "x", 1), ESHUTDOWN);
	t_is(read(fd, &(char){ 0 }, 1), 0);
	t_is(t_select_call(TQUEUE_CTL_START, "tqueue"), 0);
	t_send(fd, 10, 1);
	t_receive(fd, 10, 1);
	close(fd);
}

static void can_be_removed(void)
{
	int fd = t_open_small(NAME);

	t_send(fd, 10, 1);
	stop_it();
	t_errno(t_remove_call(NAME, 0), EBUSY);
	t_receive(fd, 10, 1);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	t_errno(write(fd, "x", 1), EIDRM);
	t_errno(read(fd, &(char){ 0 }, 1), EIDRM);
	t_errno(ioctl(fd, TQUEUE_START), EIDRM);
	close(fd);
}

/* ---- who may ------------------------------------------------------------------ */

static const struct tqueue_config larger = {
	.fields = TQUEUE_CONFIG_SIZE, .size = 2 * TQ_PAGE,
};

static void as_a_stranger(void *arg)
{
	int fd;

	(void)arg;
	t_set_user(4321);
	fd = t_open_queue(NAME, O_RDWR);
	t_send(fd, 10, 1);
	t_receive(fd, 10, 1);
	t_is(t_info(fd).size, TQ_PAGE);
	t_errno(ioctl(fd, TQUEUE_STOP), EPERM);
	t_errno(ioctl(fd, TQUEUE_START), EPERM);
	t_errno(ioctl(fd, TQUEUE_SET, &larger), EPERM);
}

static void as_its_owner(void *arg)
{
	int fd;

	(void)arg;
	t_set_user(1234);
	fd = t_open_queue(NAME, O_RDONLY);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_is(ioctl(fd, TQUEUE_SET, &larger), 0);
	t_is(t_info(fd).size, 2 * TQ_PAGE);
}

/* Root without the capability is a user as others are. */
static void as_powerless_root(void *arg)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int fd;

	(void)arg;
	t_is(syscall(SYS_capget, &header, data), 0);
	data[CAP_SYS_ADMIN / 32].effective &= ~(1U << CAP_SYS_ADMIN % 32);
	t_is(syscall(SYS_capset, &header, data), 0);
	fd = t_open_queue(NAME, O_RDWR);
	t_errno(ioctl(fd, TQUEUE_STOP), EPERM);
	t_errno(ioctl(fd, TQUEUE_SET, &larger), EPERM);
	/* The control device is open for whoever it is open for. */
	t_is(t_select_call(TQUEUE_CTL_STOP, NAME), 0);
	t_is(t_select_call(TQUEUE_CTL_START, NAME), 0);
}

static void who_may(void)
{
	struct tqueue_create create = t_creation(NAME);

	create.uid = 1234;
	create.mode = 0666;
	create.config.fields = TQUEUE_CONFIG_SIZE;
	create.config.size = TQ_PAGE;
	t_is(t_create_call(&create), 0);
	t_reap(t_fork(as_a_stranger, NULL));
	t_reap(t_fork(as_powerless_root, NULL));
	t_reap(t_fork(as_its_owner, NULL));
	finish(t_open_queue(NAME, O_RDWR));
}

/* ---- in traffic ---------------------------------------------------------------- */

static atomic_int stop;

static void send_on(struct t_task *task)
{
	char buf[1024];

	while (!atomic_load(&stop)) {
		long n;

		if (task->number) {
			n = t_send_call(task->fd, buf, t_put_many(buf, 60, 1, 4),
					TQUEUE_FOREVER);
		} else {
			t_pattern(buf, 60, 1, 0);
			n = write(task->fd, buf, 60);
			n = n > 0 ? 1 : n;
		}
		if (n > 0) {
			atomic_fetch_add(&task->count, n);
			continue;
		}
		t_is(errno, ESHUTDOWN);
		sched_yield();
	}
}

static void receive_on(struct t_task *task)
{
	char buf[1024];

	while (!atomic_load(&stop)) {
		long n;

		if (task->number) {
			n = t_receive_call(task->fd, buf, sizeof(buf),
					   TQUEUE_FOREVER);
		} else {
			n = read(task->fd, buf, 100);
			t_true(n == 60 || !n, "read gives %ld", n);
			n = n > 0;
		}
		t_true(n >= 0, "receiving fails with %s", strerrorname_np(errno));
		atomic_fetch_add(&task->count, n);
	}
}

/* Stopped and started all the time: what was sent comes, and nothing else. */
static void in_traffic(void)
{
	struct t_task senders[3] = { 0 }, receivers[3] = { 0 };
	double end = t_now() + t_seconds(3);
	int fd = t_open_small(NAME), i, rounds = 0;
	long sent = 0, received = 0;
	char buf[TQ_PAGE];

	for (i = 0; i < 3; i++) {
		senders[i].number = i % 2;
		receivers[i].number = i % 2;
		senders[i].fd = t_open_queue(NAME, O_WRONLY);
		receivers[i].fd = t_open_queue(NAME, O_RDONLY);
		t_start(&senders[i], send_on);
		t_start(&receivers[i], receive_on);
	}
	while (t_goes_on(end, rounds > 10)) {
		usleep(1000 + rounds % 7 * 500);
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		usleep(rounds % 5 * 300);
		t_is(ioctl(fd, TQUEUE_START), 0);
		rounds++;
	}
	atomic_store(&stop, 1);
	stop_it();
	for (i = 0; i < 3; i++) {
		t_finish(&senders[i]);
		t_finish(&receivers[i]);
		sent += atomic_load(&senders[i].count);
		received += atomic_load(&receivers[i].count);
		close(senders[i].fd);
		close(receivers[i].fd);
	}
	for (;;) {
		long n = t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER);

		t_true(n >= 0, "RECEIVE fails with %s", strerrorname_np(errno));
		if (!n)
			break;
		received += n;
	}
	t_is(received, sent);
	t_true(rounds > 10, "only %d rounds", rounds);
	fprintf(stderr, "# %ld messages, stopped %d times\n", sent, rounds);
	finish(fd);
}

static void poll_for_the_end(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLRDHUP };

	task->result = poll(&one, 1, -1);
	task->number = one.revents;
}

static void goes_first(struct t_task *task, int priority)
{
	struct sched_param param = { .sched_priority = priority };
	int error = pthread_setschedparam(task->thread, SCHED_FIFO, &param);

	if (error)
		t_skip("no real-time priority: %s", strerror(error));
}

/*
 * A reader has a part of the last message in flight, so that its file cannot be
 * read; its memory goes, the message comes back, and another reader has it before
 * the file is free again.  Who polls that file learns of the end.
 */
static void end_of_a_file_that_was_held(void)
{
	size_t page = t_page(), len = 3 * page;
	int fd, held, other;
	struct t_task stalled, reader, poller = { 0 };
	char *buf = aligned_alloc(page, len);
	struct t_stall stall;

	t_create(NAME, 16 * page);
	fd = t_open_queue(NAME, O_WRONLY);
	held = t_open_queue(NAME, O_RDONLY);
	other = t_open_queue(NAME, O_RDONLY);
	t_pin(0);
	t_send(fd, len, 1);
	t_stall_make(&stall, 2 * page);
	t_start_read(&stalled, held, stall.map, 2 * page);
	t_stall_by_turns(&stall, buf);
	t_is(t_info(fd).in_flight, 1);
	stop_it();
	t_start_read(&reader, other, buf, len);
	t_asleep(&reader, SYS_read);
	goes_first(&reader, 2);
	poller.fd = held;
	t_start(&poller, poll_for_the_end);
	t_asleep(&poller, SYS_poll);
	goes_first(&poller, 1);
	t_stall_spoil(&stall);
	t_fails(&stalled, EFAULT);
	t_result(&reader, len);
	t_result(&poller, 1);
	t_is(poller.number, POLLRDHUP | POLLHUP);
	t_stall_release(&stall, NULL);
	free(buf);
	close(held);
	close(other);
	finish(fd);
}

static void poll_for_room(struct t_task *task)
{
	struct pollfd one = { .fd = task->fd, .events = POLLOUT };

	while (!atomic_load(&stop)) {
		t_is(poll(&one, 1, -1), 1);
		task->count++;
	}
}

/*
 * Who polls an empty queue for room waits neither while it is stopped nor while
 * it is started.  In between nobody would come and wake it.
 */
static void room_between_stop_and_start(void)
{
	double end = t_now() + t_seconds(1);
	int fd = t_open_small(NAME), rounds;
	struct t_task task = { .fd = fd };

	t_start(&task, poll_for_room);
	for (rounds = 0; t_goes_on(end, rounds > 100); rounds++) {
		double late = t_now() + 5 * t_slow();
		long before;

		t_is(ioctl(fd, TQUEUE_STOP), 0);
		t_is(ioctl(fd, TQUEUE_START), 0);
		before = atomic_load(&task.count);
		while (atomic_load(&task.count) < before + 2)
			t_true(t_now() < late, "it waits after %d rounds",
			       rounds);
	}
	atomic_store(&stop, 1);
	t_finish(&task);
	finish(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(refuses),
	TQ_TEST(lets_readers_have_what_is_there),
	TQ_TEST(waiting_senders),
	TQ_TEST(sleeping_readers),
	TQ_TEST(hung_up),
	TQ_TEST(epoll_by_edge),
	TQ_TEST(requests),
	TQ_TEST(partials_in_flight),
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
	return t_main("stop", tests, ARRAY_SIZE(tests), argc, argv);
}
