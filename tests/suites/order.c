// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exactly once and in order, with many producers and many consumers at the same
 * time: threads and processes, all sizes, vectors, blocking and not.
 */
#include "common.h"

#define PRODUCERS	4
#define CONSUMERS	4

/* What every message of these tests begins with. */
struct head {
	uint32_t producer;
	uint32_t sequence;
	uint32_t length;
	uint32_t last;		/* tells a consumer to stop */
};

struct plan {
	unsigned int each;	/* messages of a producer */
	size_t largest;
	bool vectors;
	bool nonblocking;
	bool short_reads;	/* consumers read the head first, then the rest */
	atomic_uchar *seen;	/* [producer * each + sequence] */
};

static size_t length_of(const struct plan *plan, unsigned int producer,
			unsigned int sequence)
{
	unsigned int hash = (producer * 7919 + sequence) * 2654435761u;
	size_t spread = plan->largest - sizeof(struct head);

	/* Mostly small ones, now and then one as large as can be. */
	hash >>= 8;
	if (hash % 13 == 0)
		return sizeof(struct head) + spread;
	return sizeof(struct head) + hash % (hash % 3 ? 100 : spread + 1) % (spread + 1);
}

static void wait_for(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };

	t_is(poll(&one, 1, 20000 * t_slow()), 1);
}

static void send_message(const struct plan *plan, int fd, char *buf, size_t len)
{
	for (;;) {
		ssize_t sent;

		if (plan->vectors) {
			size_t cut = len / 3;
			struct iovec parts[3] = {
				{ buf, cut }, { buf + cut, 1 },
				{ buf + cut + 1, len - cut - 1 },
			};

			sent = writev(fd, parts, 3);
		} else {
			sent = write(fd, buf, len);
		}
		if (sent == (ssize_t)len)
			return;
		if (!plan->nonblocking)
			t_is(sent, len);
		t_errno(sent, EAGAIN);
		/* It may be that this one would fit, and the largest not. */
		struct pollfd one = { .fd = fd, .events = POLLOUT };

		poll(&one, 1, 2);
	}
}

static void produce(const struct plan *plan, unsigned int producer)
{
	int fd = t_open(O_WRONLY | (plan->nonblocking ? O_NONBLOCK : 0));
	char *buf = malloc(plan->largest);
	unsigned int i;

	for (i = 0; i < plan->each; i++) {
		struct head head = { producer, i, length_of(plan, producer, i), 0 };

		memcpy(buf, &head, sizeof(head));
		t_pattern(buf + sizeof(head), head.length - sizeof(head),
			  (uint64_t)producer << 32 | i, 0);
		send_message(plan, fd, buf, head.length);
	}
	free(buf);
	close(fd);
}

static ssize_t receive(const struct plan *plan, int fd, char *buf, size_t space)
{
	size_t had = 0;
	ssize_t got;

	for (;;) {
		if (plan->short_reads && had < sizeof(struct head)) {
			got = read(fd, buf, sizeof(struct head));
			if (got == sizeof(struct head)) {
				had = got;
				if (((struct head *)buf)->length == had)
					return had;
				continue;
			}
		} else if (plan->vectors) {
			struct iovec parts[2] = {
				{ buf + had, 5 }, { buf + had + 5, space - had - 5 },
			};

			got = readv(fd, parts, 2);
		} else {
			got = read(fd, buf + had, space - had);
		}
		if (got > 0)
			return had + got;
		t_true(plan->nonblocking, "read gives %zd, errno %d", got, errno);
		t_errno(got, EAGAIN);
		wait_for(fd, POLLIN);
	}
}

static void consume(const struct plan *plan)
{
	int fd = t_open(O_RDONLY | (plan->nonblocking ? O_NONBLOCK : 0));
	size_t space = plan->largest + 64;
	long last[PRODUCERS];
	char *buf = malloc(space);
	int i;

	for (i = 0; i < PRODUCERS; i++)
		last[i] = -1;
	for (;;) {
		ssize_t got = receive(plan, fd, buf, space);
		struct head head;

		t_true(got >= (ssize_t)sizeof(head), "a message of %zd bytes", got);
		memcpy(&head, buf, sizeof(head));
		if (head.last)
			break;
		t_true(head.producer < PRODUCERS && head.sequence < plan->each,
		       "this was never sent");
		t_is(got, head.length);
		t_is(head.length, length_of(plan, head.producer, head.sequence));
		t_is(t_differs(buf + sizeof(head), got - sizeof(head),
			       (uint64_t)head.producer << 32 | head.sequence, 0),
		      -1);
		t_true((long)head.sequence > last[head.producer],
		       "%u of producer %u comes after %ld", head.sequence,
			head.producer, last[head.producer]);
		last[head.producer] = head.sequence;
		t_is(atomic_fetch_add(&plan->seen[head.producer * plan->each +
						   head.sequence], 1), 0);
	}
	free(buf);
	close(fd);
}

static void run_producer(struct t_task *task)
{
	produce(task->arg, task->number);
}

static void run_consumer(struct t_task *task)
{
	consume(task->arg);
}

static void stop_consumers(int n)
{
	struct head end = { .length = sizeof(end), .last = 1 };
	int fd = t_open(O_WRONLY);

	while (n--)
		t_is(write(fd, &end, sizeof(end)), sizeof(end));
	close(fd);
}

static void account(const struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < PRODUCERS * plan->each; i++)
		t_true(plan->seen[i] == 1, "message %u of producer %u came %d times",
		       i % plan->each, i / plan->each, plan->seen[i]);
	t_nothing();
	t_is(t_value("messages"), 0);
	t_is(t_value("bytes"), 0);
}

/* A task that works as long as it moves: no limit but the test's own. */
static void join(struct t_task *task)
{
	pthread_join(task->thread, NULL);
}

static void with_threads(struct plan plan)
{
	struct t_task producers[PRODUCERS], consumers[CONSUMERS];
	int i;

	plan.seen = calloc(PRODUCERS, plan.each);
	for (i = 0; i < CONSUMERS; i++) {
		consumers[i] = (struct t_task){ .arg = &plan };
		t_start(&consumers[i], run_consumer);
	}
	for (i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct t_task){ .arg = &plan, .number = i };
		t_start(&producers[i], run_producer);
	}
	for (i = 0; i < PRODUCERS; i++)
		join(&producers[i]);
	stop_consumers(CONSUMERS);
	for (i = 0; i < CONSUMERS; i++)
		join(&consumers[i]);
	account(&plan);
	free(plan.seen);
}

static void threads(void)
{
	with_threads((struct plan){ .each = 1500, .largest = 2000 });
}

static void threads_on_a_small_queue(void)
{
	with_threads((struct plan){ .each = 800, .largest = TQ_SMALL_MAX });
}

static void large_messages(void)
{
	with_threads((struct plan){ .each = 60, .largest = t_max_message() });
}

static void vectors(void)
{
	struct plan plan = {
		.each = 600, .largest = TQ_SMALL_MAX, .vectors = true,
	};

	with_threads(plan);
}

static void nonblocking(void)
{
	struct plan plan = {
		.each = 600, .largest = TQ_SMALL_MAX, .nonblocking = true,
	};

	with_threads(plan);
}

static void short_reads(void)
{
	struct plan plan = {
		.each = 600, .largest = TQ_SMALL_MAX, .short_reads = true,
	};

	with_threads(plan);
}

struct part {
	struct plan *plan;
	unsigned int producer;
};

static void producer_process(void *arg)
{
	struct part *part = arg;

	produce(part->plan, part->producer);
}

static void consumer_process(void *arg)
{
	consume(arg);
}

static void processes(void)
{
	struct plan plan = {
		.each = 600, .largest = TQ_SMALL_MAX,
		.seen = t_shared(PRODUCERS * 600),
	};
	struct part parts[PRODUCERS];
	pid_t producers[PRODUCERS], consumers[CONSUMERS];
	int i;

	for (i = 0; i < CONSUMERS; i++)
		consumers[i] = t_fork(consumer_process, &plan);
	for (i = 0; i < PRODUCERS; i++) {
		parts[i] = (struct part){ &plan, i };
		producers[i] = t_fork(producer_process, &parts[i]);
	}
	for (i = 0; i < PRODUCERS; i++)
		t_reap(producers[i]);
	stop_consumers(CONSUMERS);
	for (i = 0; i < CONSUMERS; i++)
		t_reap(consumers[i]);
	account(&plan);
}

static void run_counter(struct t_task *task)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static unsigned int next;
	int i;

	for (i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		t_is(write(task->fd, &next, sizeof(next)), sizeof(next));
		next++;
		pthread_mutex_unlock(&mutex);
	}
}

/* Sends that follow each other, by whomever: the order is that of the calls. */
static void one_order_for_all(void)
{
	struct t_task senders[3];
	int in = t_open(O_RDONLY), i;
	unsigned int value, n;

	for (i = 0; i < 3; i++) {
		senders[i] = (struct t_task){ .fd = t_open(O_WRONLY) };
		t_start(&senders[i], run_counter);
	}
	for (n = 0; n < 3000; n++) {
		t_is(read(in, &value, sizeof(value)), sizeof(value));
		t_is(value, n);
	}
	for (i = 0; i < 3; i++) {
		t_finish(&senders[i]);
		close(senders[i].fd);
	}
	t_nothing();
	close(in);
}

struct turns {
	pthread_mutex_t mutex;
	unsigned int next;
};

static void run_taker(struct t_task *task)
{
	struct turns *turns = task->arg;
	unsigned int value;

	for (;;) {
		pthread_mutex_lock(&turns->mutex);
		t_is(read(task->fd, &value, sizeof(value)), sizeof(value));
		if (value == ~0U) {
			pthread_mutex_unlock(&turns->mutex);
			return;
		}
		t_is(value, turns->next);
		turns->next++;
		pthread_mutex_unlock(&turns->mutex);
	}
}

/* Receives that follow each other, from several files. */
static void one_order_for_all_receivers(void)
{
	struct turns turns = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct t_task takers[3];
	int out = t_open(O_WRONLY), i;
	unsigned int n, end = ~0U;

	for (i = 0; i < 3; i++) {
		takers[i] = (struct t_task){ .fd = t_open(O_RDONLY), .arg = &turns };
		t_start(&takers[i], run_taker);
	}
	for (n = 0; n < 3000; n++)
		t_is(write(out, &n, sizeof(n)), sizeof(n));
	for (i = 0; i < 3; i++)
		t_is(write(out, &end, sizeof(end)), sizeof(end));
	for (i = 0; i < 3; i++) {
		t_finish(&takers[i]);
		close(takers[i].fd);
	}
	t_is(turns.next, 3000);
	t_nothing();
	close(out);
}

static const struct t_test tests[] = {
	TQ_TEST(threads),
	TQ_TEST(large_messages),
	TQ_TEST_WITH(threads_on_a_small_queue, TQ_SMALL),
	TQ_TEST_WITH(vectors, TQ_SMALL),
	TQ_TEST_WITH(nonblocking, TQ_SMALL),
	TQ_TEST_WITH(short_reads, TQ_SMALL),
	TQ_TEST_WITH(processes, TQ_SMALL),
	TQ_TEST_WITH(one_order_for_all, TQ_SMALL),
	TQ_TEST_WITH(one_order_for_all_receivers, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("order", tests, ARRAY_SIZE(tests), argc, argv);
}
