// SPDX-License-Identifier: GPL-2.0
/*
 * Histograms: how long messages wait and leases last, counted once each, while they
 * are on; and the two tracepoints of the same.
 */
#include "calls.h"
#include "files.h"

#define NAME	"observed"
#define BUCKETS	64
#define TRACING	"/sys/kernel/tracing/"

static int put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int turn(const char *value)
{
	return put("/sys/class/tqueue/" NAME "/histograms", value);
}

static bool is_on(void)
{
	char text[8];

	t_is(t_read_file("/sys/class/tqueue/" NAME "/histograms", text, sizeof(text)), 2);
	t_is(text[1], '\n');
	return text[0] == '1';
}

static unsigned long long sum_of_times;

/* The counts of a histogram; how many there are. */
static int buckets(const char *name, unsigned long long counts[BUCKETS])
{
	char path[128], text[4096], *at = text, *end;
	int n;

	snprintf(path, sizeof(path), "/sys/class/tqueue/" NAME "/%s_histogram", name);
	t_true(t_read_file(path, text, sizeof(text)) > 0, "%s cannot be read", path);
	for (n = 0; n < BUCKETS; n++, at = end) {
		counts[n] = strtoull(at, &end, 10);
		if (end == at)
			break;
	}
	if (n) {
		sum_of_times = strtoull(at, &end, 10);
		t_true(end > at, "there is no sum");
		at = end;
	}
	t_is(strcmp(at, "\n"), 0);
	return n;
}

static unsigned long long total(const char *name)
{
	unsigned long long counts[BUCKETS], sum = 0;
	int i;

	t_is(buckets(name, counts), BUCKETS);
	for (i = 0; i < BUCKETS; i++)
		sum += counts[i];
	return sum;
}

/* What shall count as long: much longer than a call takes on this machine. */
static unsigned int long_ms(void)
{
	return t_slow() > 1 ? 300 * t_slow() : 300;
}

/* How many took so long, or at most half of it less. */
static unsigned long long long_ones(const char *name)
{
	unsigned long long counts[BUCKETS], sum = 0;
	int i;

	t_is(buckets(name, counts), BUCKETS);
	for (i = 0; i < BUCKETS; i++)
		if (1ULL << i > long_ms() * 1000000ULL)
			sum += counts[i];
	return sum;
}

static void off(void)
{
	unsigned long long counts[BUCKETS];
	char buf[16];
	int fd;

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(write(fd, "x", 1), 1);
	t_is(read(fd, buf, sizeof(buf)), 1);
	t_is(buckets("wait", counts), 0);
	t_is(buckets("lease", counts), 0);
	t_is(turn("x"), -EINVAL);
	t_is(is_on(), false);
	t_is(turn("1"), 0);
	t_is(turn("1"), 0);
	t_is(is_on(), true);
	t_is(total("wait"), 0);
	t_is(write(fd, "x", 1), 1);
	t_is(read(fd, buf, sizeof(buf)), 1);
	t_is(total("wait"), 1);
	/* Off and on again is anew. */
	t_is(turn("0"), 0);
	t_is(turn("0"), 0);
	t_is(buckets("wait", counts), 0);
	t_is(turn("1"), 0);
	t_is(total("wait"), 0);
	close(fd);
	/* A queue may be removed with them. */
	t_remove_all();
}

/* Each way to receive a message counts it once. */
static void waits(void)
{
	char buf[2048];
	int fd, reader;

	t_create(NAME, TQ_PAGE);
	t_is(turn("1"), 0);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(write(fd, "one", 3), 3);
	t_sleep(long_ms() / 1000.0);
	t_is(t_send_call(fd, buf, t_put_many(buf, 8, 1, 7), 0), 7);
	t_is(read(fd, buf, sizeof(buf)), 3);
	t_is(long_ones("wait"), 1);
	t_is(total("wait"), 1);
	t_true(sum_of_times >= (long_ms() - 10) * 1000000ULL, "%llu ns", sum_of_times);
	t_is(t_receive_call(fd, buf, 3 * t_record(8), 0), 3);
	t_is(total("wait"), 4);
	/* In part: once, when the first part is received. */
	reader = t_open_queue(NAME, O_RDONLY);
	t_is(read(reader, buf, 3), 3);
	t_is(total("wait"), 5);
	t_is(read(reader, buf, 5), 5);
	t_is(total("wait"), 5);
	close(reader);
	/* A look does not count, and a bad pointer receives nothing. */
	t_is(t_peek_call(fd, buf, sizeof(buf)), 3);
	t_is(total("wait"), 5);
	t_is(t_by_id_call(fd, 8, TQUEUE_RECEIVE_PEEK, buf, sizeof(buf)), 1);
	t_is(total("wait"), 5);
	/* By its id, out of the ring. */
	t_is(t_by_id_call(fd, 8, 0, buf, sizeof(buf)), 1);
	t_is(total("wait"), 6);
	t_errno(read(fd, NULL, 8), EFAULT);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 2);
	t_true(total("wait") >= 8 && total("wait") <= 9, "%llu", total("wait"));
	close(fd);
	t_remove_all();
}

static void leases(void)
{
	struct tqueue_settlement one = { .action = TQUEUE_REQUEUE };
	struct tqueue_settle settle = { .settlements = (uintptr_t)&one, .count = 1 };
	struct tqueue_record *record;
	char buf[2048];
	int fd;

	t_create(NAME, TQ_PAGE);
	t_is(turn("1"), 0);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(t_send_call(fd, buf, t_put_many(buf, 8, 1, 3), 0), 3);
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 3);
	t_is(total("wait"), 3);
	t_is(total("lease"), 0);
	t_sleep(long_ms() / 1000.0);
	record = (void *)buf;
	one.id = record->id;
	one.delivery = record->delivery;
	t_is(ioctl(fd, TQUEUE_SETTLE, &settle), 1);
	t_is(total("lease"), 1);
	t_is(long_ones("lease"), 1);
	/* It is ready anew from now on, and is detached. */
	t_is(t_lease_call(fd, buf, sizeof(buf), 0, 0), 1);
	t_is(total("wait"), 4);
	t_is(long_ones("wait"), 0);
	/* Those that are left come back with the file. */
	close(fd);
	t_is(total("lease"), 4);
	t_is(long_ones("lease"), 3);
	t_remove_all();
}

static void turn_as_nobody(void *arg)
{
	(void)arg;
	t_is(setgid(65534) || setuid(65534), 0);
	t_is(turn("1"), -EACCES);
}

static void for_its_owner_alone(void)
{
	t_create(NAME, TQ_PAGE);
	t_reap(t_fork(turn_as_nobody, NULL));
	t_remove_all();
}

static char text[1 << 16];

static void traced(void)
{
	size_t at = 0;
	ssize_t got;
	char buf[16];
	int fd, in;

	if (put(TRACING "events/tqueue/tqueue_waited/enable", "1") == -ENOENT)
		t_skip("this kernel has no tracing");
	t_create(NAME, TQ_PAGE);
	put(TRACING "trace", "");
	close(open(TRACING "trace", O_WRONLY | O_TRUNC));
	fd = t_open_queue(NAME, O_RDWR);
	t_is(write(fd, "x", 1), 1);
	t_is(read(fd, buf, sizeof(buf)), 1);
	t_is(put(TRACING "events/tqueue/tqueue_waited/enable", "0"), 0);
	in = open(TRACING "trace", O_RDONLY);
	while ((got = read(in, text + at, sizeof(text) - 1 - at)) > 0)
		at += got;
	close(in);
	text[at] = '\0';
	t_true(strstr(text, "tqueue_waited: queue=" NAME " id=1 ns="), "the trace is %s", text);
	close(fd);
	t_remove_all();
}

static atomic_int stop;

static void turn_on_and_off(struct t_task *task)
{
	while (!atomic_load(&stop)) {
		t_is(turn(atomic_load(&task->count) % 2 ? "0" : "1"), 0);
		atomic_fetch_add(&task->count, 1);
	}
}

/*
 * Messages go through meanwhile.  Each switch patches the kernel's code, unless
 * it is a sanitizer kernel, which has no static branches.  QEMU before 8.1 may
 * translate an instruction while another processor patches it, and then keeps
 * the old one: after some thousand switches a processor meets the same
 * breakpoint for ever ("Oops: int3" on later kernels).  So only sanitizer
 * kernels switch for long.
 */
static void turned_by_many(void)
{
	double end = t_now() + (t_slow() > 1 ? t_seconds(1) : 0);
	struct t_task tasks[2] = {};
	long rounds = 0;
	char buf[16];
	int fd;

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_start(&tasks[0], turn_on_and_off);
	t_start(&tasks[1], turn_on_and_off);
	while (t_goes_on(end, t_all_did(tasks, 2, 10) && rounds > 10)) {
		t_is(write(fd, "x", 1), 1);
		t_is(read(fd, buf, sizeof(buf)), 1);
		rounds++;
	}
	atomic_store(&stop, 1);
	t_finish(&tasks[0]);
	t_finish(&tasks[1]);
	t_true(rounds > 10, "only %ld messages", rounds);
	close(fd);
	t_remove_all();
}

static const struct t_test tests[] = {
	TQ_TEST(off),
	TQ_TEST(waits),
	TQ_TEST(leases),
	TQ_TEST(for_its_owner_alone),
	TQ_TEST(traced),
	TQ_TEST(turned_by_many),
};

int main(int argc, char **argv)
{
	return t_main("observe", tests, ARRAY_SIZE(tests), argc, argv);
}
