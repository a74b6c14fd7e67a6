// SPDX-License-Identifier: GPL-2.0-only
/*
 * HOLD: a lease moves to a file of its own, which a job can inherit without the queue.
 * The lease ends with the last copy of that file; that it is over can be polled for.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"hold"
#define NEVER	(100000 * T_SECOND)	/* longer than any test */

static char buf[64 * 1024] __attribute__((aligned(8)));

/* Moves the lease to a file of its own. */
static int hold(int fd, const struct tqueue_record *record)
{
	int held = t_settle(fd, record, TQUEUE_HOLD);

	t_true(held >= 0, "HOLD gives %d", held);
	return held;
}

static bool is_over(int held)
{
	short events = t_poll(held, POLLIN | POLLOUT);

	t_true(!(events & ~POLLHUP), "it polls %#x", events);
	return events & POLLHUP;
}

static void a_file_of_its_own(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), held;
	struct tqueue_record record;

	t_send(fd, 20, 1);
	record = t_lease(other, 20, 1);
	held = hold(other, &record);
	t_is(fcntl(held, F_GETFD), FD_CLOEXEC);
	t_is(is_over(held), false);
	t_counts(fd, 0, 1, 0, 0);
	/* It is the lease's file that counts now. */
	close(other);
	t_counts(fd, 0, 1, 0, 0);
	t_is(t_state(fd, record.id), TQUEUE_LEASED);
	t_is(t_listed(fd, record.id).delivery, record.delivery);
	close(held);
	t_counts(fd, 1, 0, 0, 0);
	t_is(t_listed(fd, record.id).reason, TQUEUE_REASON_CLOSED);
	t_is(t_take(fd, 20, 1).attempts, 1);
	t_end(fd);
}

/* It has begun by that. */
static void of_a_batch(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR), held;

	t_send(fd, 20, 1);
	t_send(fd, 20, 2);
	t_is(t_lease_call(other, buf, sizeof(buf), 0, 0), 2);
	held = hold(other, t_at(buf, 0));
	close(other);
	t_counts(fd, 1, 1, 0, 0);
	t_is(t_take(fd, 20, 2).attempts, 0);
	t_is(t_settle(fd, t_at(buf, 0), TQUEUE_ACKNOWLEDGE), 0);
	t_is(is_over(held), true);
	close(held);
	t_end(fd);
}

/* By whatever it is over, the file says so. */
static void it_says_when_it_is_over(void)
{
	int fd = t_open_small(NAME), held, i;
	struct tqueue_settlement settlement;
	struct tqueue_record record;

	for (i = 0; i < 6; i++) {
		t_send(fd, 20, 1);
		record = t_lease(fd, 20, 1);
		held = hold(fd, &record);
		t_is(is_over(held), false);
		/* Actions 1 to 3 are those that end a delivery. */
		settlement = t_settlement(&record, i < 4 ? i : TQUEUE_EXTEND);
		switch (i) {
		case 0:
			settlement.action = TQUEUE_ACKNOWLEDGE;
			settlement.flags = TQUEUE_SETTLE_FORCE;
			settlement.delivery = 0;
			break;
		case 4:
			settlement.time = 10 * T_MS;
			break;
		case 5:
			settlement.action = TQUEUE_REQUEUE;
			settlement.time = NEVER;
		}
		t_is(t_settle_one(fd, settlement), 0);
		if (i == 4)
			t_becomes(fd, record.id, TQUEUE_READY);
		t_is(is_over(held), true);
		/* A new delivery is none of its business. */
		if (t_state(fd, record.id) & (TQUEUE_DELAYED | TQUEUE_BURIED))
			t_is(t_settle_unleased(fd, record.id, TQUEUE_REQUEUE), 0);
		if (t_state(fd, record.id)) {
			record = t_lease(fd, 20, 1);
			t_is(is_over(held), true);
			close(held);
			t_counts(fd, 0, 1, 0, 0);
			t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
		} else {
			close(held);
		}
		t_counts(fd, 0, 0, 0, 0);
	}
	t_end(fd);
}

static void polling_for_the_end(void)
{
	int fd = t_open_small(NAME), held, epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = 0 };
	struct tqueue_settlement extend;
	struct tqueue_record record;
	struct pollfd wait;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	held = hold(fd, &record);
	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, held, &event), 0);
	t_is(epoll_wait(epoll, &event, 1, 0), 0);
	extend = t_settlement(&record, TQUEUE_EXTEND);
	extend.time = 50 * T_MS;
	t_is(t_settle_one(fd, extend), 0);
	wait = (struct pollfd){ .fd = held };
	t_is(poll(&wait, 1, 10000 * t_slow()), 1);
	t_is(wait.revents, POLLHUP);
	t_is(epoll_wait(epoll, &event, 1, 10000 * t_slow()), 1);
	t_is(event.events, EPOLLHUP);
	close(held);
	close(epoll);
	t_take(fd, 20, 1);
	t_end(fd);
}

/* Nothing else can be done with it. */
static void it_can_do_nothing_else(void)
{
	struct tqueue_settlement settlement;
	struct tqueue_record record;
	struct tqueue_info info;
	int fd = t_open_small(NAME), held, i;

	t_send(fd, 20, 1);
	t_send(fd, 20, 2);
	record = t_lease(fd, 20, 1);
	held = hold(fd, &record);
	t_true(read(held, buf, 100) < 0, "it can be read from");
	t_true(write(held, buf, 100) < 0, "it can be written to");
	settlement = t_settlement(&record, TQUEUE_ACKNOWLEDGE);
	t_errno(t_settle_call(held, &settlement, 1), ENOTTY);
	t_errno(ioctl(held, TQUEUE_INFO, &info), ENOTTY);
	t_errno(t_send_call(held, buf, t_put(buf, 0, 1, 1), 0), ENOTTY);
	t_errno(t_receive_call(held, buf, sizeof(buf), 0), ENOTTY);
	for (i = 0; i < 16; i++)
		t_errno(ioctl(held, _IO(TQUEUE_IOC_MAGIC, i), 0), ENOTTY);
	t_true(mmap(NULL, 4096, PROT_READ, MAP_SHARED, held, 0) == MAP_FAILED,
	       "it can be mapped");
	t_counts(fd, 1, 1, 0, 0);
	close(held);
	t_take(fd, 20, 1);
	t_take(fd, 20, 2);
	t_end(fd);
}

/* A job that lives on while its worker dies: it is never in two hands. */
static void inherited(void)
{
	int *shared = t_shared(4096), fd = t_open_small(NAME), go[2];
	struct tqueue_record record;
	pid_t worker, job = 0;
	char c;

	t_send(fd, 20, 1);
	t_is(pipe(go), 0);
	worker = fork();
	if (!worker) {
		int mine = t_open_queue(NAME, O_RDWR), held;

		record = t_lease(mine, 20, 1);
		held = hold(mine, &record);
		shared[1] = fork();
		if (!shared[1]) {
			/* What it has is the lease alone. */
			close(mine);
			close(go[1]);
			_exit(read(go[0], &c, 1) < 0);
		}
		close(held);
		shared[0] = 1;
		pause();
	}
	while (!*(volatile int *)shared)
		usleep(500);
	job = shared[1];
	t_kill(worker);
	t_sleep_ms(20);
	t_counts(fd, 0, 1, 0, 0);
	close(go[1]);
	while (t_info(fd).leased)
		usleep(500);
	t_is(t_take(fd, 20, 1).attempts, 1);
	while (waitpid(job, NULL, 0) > 0)
		;
	close(go[0]);
	t_end(fd);
}

/* The limit goes on as it was. */
static void with_a_limit(void)
{
	int fd = t_open_small(NAME), held;
	uint64_t id = t_send_id(fd, 20, 1);

	t_is(t_lease_call(fd, buf, sizeof(buf), 1, 50 * T_MS), 1);
	held = hold(fd, t_at(buf, 0));
	t_becomes(fd, id, TQUEUE_READY);
	t_is(is_over(held), true);
	close(held);
	t_is(t_take(fd, 20, 1).attempts, 1);
	t_end(fd);
}

/* Held again: it moves on, and the first file has nothing any more. */
static void held_twice(void)
{
	int fd = t_open_small(NAME), first, second;
	struct tqueue_record record;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	first = hold(fd, &record);
	second = hold(fd, &record);
	t_is(is_over(second), false);
	close(first);
	t_counts(fd, 0, 1, 0, 0);
	t_is(is_over(second), false);
	close(second);
	t_counts(fd, 1, 0, 0, 0);
	t_take(fd, 20, 1);
	t_end(fd);
}

static void the_queue_is_removed(void)
{
	int fd = t_open_small(NAME), held;
	struct tqueue_record record;
	struct pollfd wait;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	held = hold(fd, &record);
	close(fd);
	t_errno(t_remove_call(NAME, 0), EBUSY);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	wait = (struct pollfd){ .fd = held };
	t_is(poll(&wait, 1, 10000 * t_slow()), 1);
	t_true(wait.revents & POLLHUP, "it polls %#x", wait.revents);
	close(held);
}

/* What leased is told to nobody else: the file of a lease that is over, or of another. */
static void wrong_ones(void)
{
	int fd = t_open_small(NAME), before, after;
	struct tqueue_record record;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	before = open("/dev/null", O_RDONLY);
	close(before);
	t_is(t_settle(fd, &record, TQUEUE_HOLD), -ESTALE);
	record.id = 0;
	t_is(t_settle(fd, &record, TQUEUE_HOLD), -ENOENT);
	/* No descriptor is used up by that. */
	after = open("/dev/null", O_RDONLY);
	t_is(after, before);
	close(after);
	t_take(fd, 20, 1);
	t_end(fd);
}

/* Without a descriptor left the lease stays where it is. */
static void no_descriptor(void)
{
	int fd = t_open_small(NAME), last;
	struct tqueue_record record;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	do {
		last = open("/dev/null", O_RDONLY);
	} while (last >= 0);
	t_is(errno, EMFILE);
	t_is(t_settle(fd, &record, TQUEUE_HOLD), -EMFILE);
	t_counts(fd, 0, 1, 0, 0);
	close_range(fd + 1, ~0U, 0);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	close(fd);
	t_remove(NAME);
}

/* The result cannot be written: nothing is open that nobody knows of. */
static void a_result_that_is_lost(void)
{
	struct tqueue_settlement *fixed;
	int fd = t_open_small(NAME), before, after;
	struct tqueue_record record;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	fixed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*fixed = t_settlement(&record, TQUEUE_HOLD);
	t_is(mprotect(fixed, 4096, PROT_READ), 0);
	before = dup(0);
	close(before);
	t_errno(t_settle_call(fd, fixed, 1), EFAULT);
	after = dup(0);
	t_is(after, before);
	close(after);
	t_counts(fd, 0, 1, 0, 0);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	t_end(fd);
}

static void what_fdinfo_says(void)
{
	int fd = t_open_small(NAME), held;
	struct tqueue_record record;
	char text[1024], number[32];

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	held = hold(fd, &record);
	t_fdinfo(held, text, sizeof(text));
	t_true(strstr(text, NAME), "it does not name the queue: %s", text);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)record.id);
	t_true(strstr(text, number), "it does not say id %s: %s", number, text);
	snprintf(number, sizeof(number), "%u", record.delivery);
	t_true(strstr(text, number), "it does not say delivery %s: %s", number, text);
	close(held);
	t_take(fd, 20, 1);
	t_end(fd);
}

/*
 * A queue that nobody has open holds the module as long as something is in it, and no
 * longer: what is leased may be dropped when the last file of its lease is closed.
 */
static void dropped_with_its_last_file(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_MAX_ATTEMPTS | TQUEUE_CONFIG_ON_EXHAUSTED,
		.max_attempts = 1, .on_exhausted = TQUEUE_EXHAUSTED_DROP,
	};
	int before = t_references(), fd = t_open(O_RDWR), held;
	struct tqueue_record record;

	t_is(ioctl(fd, TQUEUE_SET, &config), 0);
	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	held = hold(fd, &record);
	close(fd);
	/* The file of the lease, and the queue. */
	t_is(t_references(), before + 2);
	close(held);
	t_is(t_references(), before);
	fd = t_open(O_RDWR);
	t_is(t_info(fd).dropped, 1);
	config.max_attempts = 16;
	config.on_exhausted = TQUEUE_EXHAUSTED_BURY;
	t_is(ioctl(fd, TQUEUE_SET, &config), 0);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(a_file_of_its_own),
	TQ_TEST(of_a_batch),
	TQ_TEST(it_says_when_it_is_over),
	TQ_TEST(polling_for_the_end),
	TQ_TEST(it_can_do_nothing_else),
	TQ_TEST(inherited),
	TQ_TEST(with_a_limit),
	TQ_TEST(held_twice),
	TQ_TEST(the_queue_is_removed),
	TQ_TEST(wrong_ones),
	TQ_TEST(no_descriptor),
	TQ_TEST(a_result_that_is_lost),
	TQ_TEST(what_fdinfo_says),
	TQ_TEST_WITH(dropped_with_its_last_file, ""),
};

int main(int argc, char **argv)
{
	return t_main("hold", tests, ARRAY_SIZE(tests), argc, argv);
}
