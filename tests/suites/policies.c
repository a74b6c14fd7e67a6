// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policies of the work queue: what they are in a new queue, what they may be, how
 * they are set (by SET, at creation, in sysfs), and that they can be changed in use.
 */
#include "calls.h"

#define NAME	"policies"
#define SYSFS	"/sys/class/tqueue/" NAME "/"

static char buf[4096] __attribute__((aligned(8)));

#define ALL	(TQUEUE_CONFIG_TTL | TQUEUE_CONFIG_ON_EXPIRED | \
		 TQUEUE_CONFIG_MAX_ATTEMPTS | TQUEUE_CONFIG_ON_EXHAUSTED | \
		 TQUEUE_CONFIG_LEASE_LIMIT | TQUEUE_CONFIG_MAX_LEASED | \
		 TQUEUE_CONFIG_MAX_BURIED | TQUEUE_CONFIG_UNIQUE)

static const struct tqueue_config others = {
	.fields = ALL, .ttl = 3600 * T_SECOND, .on_expired = TQUEUE_EXPIRED_BURY,
	.max_attempts = 65535, .on_exhausted = TQUEUE_EXHAUSTED_DROP,
	.lease_limit = (1ULL << 63) - 1, .max_leased = 0xffffffff, .max_buried = 1000,
	.unique = TQUEUE_UNIQUE_QUEUE,
};

static void is_as(const struct tqueue_config *config)
{
	struct tqueue_info info = t_get(NAME);

	t_is(info.ttl, config->ttl);
	t_is(info.on_expired, config->on_expired);
	t_is(info.max_attempts, config->max_attempts);
	t_is(info.on_exhausted, config->on_exhausted);
	t_is(info.lease_limit, config->lease_limit);
	t_is(info.max_leased, config->max_leased);
	t_is(info.max_buried, config->max_buried);
	t_is(info.unique, config->unique);
}

static const struct tqueue_config defaults = {
	.max_attempts = 16, .max_buried = TQ_PAGE / 4,
};

static void of_a_new_queue(void)
{
	int fd = t_open_small(NAME);

	is_as(&defaults);
	t_is(t_info(fd).reserved2, 0);
	t_end(fd);
}

static void given_when_it_is_made(void)
{
	struct tqueue_create create = t_creation(NAME);

	create.config = others;
	create.config.fields |= TQUEUE_CONFIG_SIZE;
	create.config.size = TQ_PAGE;
	t_is(t_create_call(&create), 0);
	is_as(&others);
	t_remove(NAME);
}

static void set_one_by_one(void)
{
	struct tqueue_config want = defaults, config = others;
	int fd = t_open_small(NAME), bit;

	for (bit = 6; bit < 14; bit++) {
		config.fields = 1ULL << bit;
		t_is(ioctl(fd, TQUEUE_SET, &config), 0);
		switch (config.fields) {
		case TQUEUE_CONFIG_TTL:
			want.ttl = config.ttl;
			break;
		case TQUEUE_CONFIG_ON_EXPIRED:
			want.on_expired = config.on_expired;
			break;
		case TQUEUE_CONFIG_MAX_ATTEMPTS:
			want.max_attempts = config.max_attempts;
			break;
		case TQUEUE_CONFIG_ON_EXHAUSTED:
			want.on_exhausted = config.on_exhausted;
			break;
		case TQUEUE_CONFIG_LEASE_LIMIT:
			want.lease_limit = config.lease_limit;
			break;
		case TQUEUE_CONFIG_MAX_LEASED:
			want.max_leased = config.max_leased;
			break;
		case TQUEUE_CONFIG_MAX_BURIED:
			want.max_buried = config.max_buried;
			break;
		case TQUEUE_CONFIG_UNIQUE:
			want.unique = config.unique;
		}
		is_as(&want);
	}
	is_as(&others);
	/* The others stay as they are when the size changes. */
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), 0);
	is_as(&others);
	t_end(fd);
}

static void refuses_at(int line, int fd, struct tqueue_config config)
{
	/* Beside others that are good: none of them is set. */
	config.fields |= TQUEUE_CONFIG_OVERFLOW;
	config.overflow = TQUEUE_OVERFLOW_REJECT;
	t_errno_at(__FILE__, line, "SET", ioctl(fd, TQUEUE_SET, &config), EINVAL);
	t_is_at(__FILE__, line, "overflow", t_info(fd).overflow, TQUEUE_OVERFLOW_BLOCK);
}

#define refuses(fd, FIELD, field, value)				\
	refuses_at(__LINE__, fd, (struct tqueue_config){		\
		.fields = TQUEUE_CONFIG_ ## FIELD, .field = (value) })

static void wrong_values(void)
{
	int fd = t_open_small(NAME), bit;

	refuses(fd, TTL, ttl, 1ULL << 63);
	refuses(fd, TTL, ttl, TQUEUE_FOREVER);
	refuses(fd, LEASE_LIMIT, lease_limit, 1ULL << 63);
	refuses(fd, LEASE_LIMIT, lease_limit, TQUEUE_FOREVER);
	refuses(fd, MAX_ATTEMPTS, max_attempts, 65536);
	refuses(fd, MAX_ATTEMPTS, max_attempts, 0xffffffff);
	refuses(fd, ON_EXPIRED, on_expired, 2);
	refuses(fd, ON_EXHAUSTED, on_exhausted, 2);
	refuses(fd, UNIQUE, unique, 2);
	refuses(fd, UNIQUE, unique, 0x80000000);
	for (bit = 14; bit < 64; bit++)
		refuses_at(__LINE__, fd, (struct tqueue_config){ .fields = 1ULL << bit });
	is_as(&defaults);
	t_end(fd);
}

static void features(void)
{
	int fd = t_open_small(NAME);
	uint64_t features;

	t_is(ioctl(t_control(), TQUEUE_CTL_FEATURES, &features), 0);
	t_is(features, 0x7ff);
	t_is(t_info(fd).features, 0x7ff);
	t_end(fd);
}

/* max_buried follows the size until it is given. */
static void max_buried_follows_the_size(void)
{
	int fd = t_open_small(NAME);

	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 8 * TQ_PAGE, 0), 0);
	t_is(t_info(fd).max_buried, 2 * TQ_PAGE);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, 100), 0);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	t_is(t_info(fd).max_buried, 100);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, 0), 0);
	t_is(t_info(fd).max_buried, TQ_PAGE);
	t_end(fd);
}

/* ---- sysfs -------------------------------------------------------------------------- */

static void shows_at(int line, const char *name, const char *want)
{
	char path[128], text[128] = "";
	int file;

	snprintf(path, sizeof(path), SYSFS "%s", name);
	file = open(path, O_RDONLY);
	if (file < 0 || read(file, text, sizeof(text) - 1) < 0)
		t_fail_at(__FILE__, line, "%s cannot be read: %s", path, strerror(errno));
	close(file);
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, want))
		t_fail_at(__FILE__, line, "%s says %s, not %s", name, text, want);
}

#define shows(name, want)	shows_at(__LINE__, name, want)

/* 0, or an errno. */
static int store(const char *name, const char *text)
{
	char path[128];
	int file, error = 0;

	snprintf(path, sizeof(path), SYSFS "%s", name);
	file = open(path, O_WRONLY);
	if (file < 0)
		return errno;
	if (write(file, text, strlen(text)) < 0)
		error = errno;
	close(file);
	return error;
}

static void sysfs_shows_them(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_config config = others;
	char text[32];

	shows("ttl", "0");
	shows("on_expired", "drop");
	shows("max_attempts", "16");
	shows("on_exhausted", "bury");
	shows("lease_limit", "0");
	shows("max_leased", "0");
	snprintf(text, sizeof(text), "%lu", (unsigned long)TQ_PAGE / 4);
	shows("max_buried", text);
	shows("unique", "user");
	shows("state", "started");
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	shows("state", "started paused");
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	shows("state", "stopped paused");
	t_is(ioctl(fd, TQUEUE_RESUME), 0);
	shows("state", "stopped");
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_is(ioctl(fd, TQUEUE_SET, &config), 0);
	shows("ttl", "3600000000000");
	shows("on_expired", "bury");
	shows("max_attempts", "65535");
	shows("on_exhausted", "drop");
	shows("lease_limit", "9223372036854775807");
	shows("max_leased", "4294967295");
	shows("max_buried", "1000");
	shows("unique", "queue");
	t_end(fd);
}

static void sysfs_counts(void)
{
	static const char * const counts[] = {
		"messages", "bytes", "leased", "delayed", "buried", "leased_bytes",
		"delayed_bytes", "buried_bytes", "ever_leased", "ever_acknowledged",
		"ever_requeued", "ever_expired", "ever_buried",
	};
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;
	char text[32];
	size_t n;

	for (n = 0; n < ARRAY_SIZE(counts); n++)
		shows(counts[n], "0");
	/* 1 ready, 1 leased, 2 delayed, 3 buried; leased twice more than that. */
	t_send_priority(fd, 8, 0, 63);
	record = t_lease(fd, 8, 0);
	t_is(t_settle(fd, &record, TQUEUE_ACKNOWLEDGE), 0);
	for (i = 0; i < 3; i++)
		t_is(t_settle_unleased(fd, t_send_id(fd, 8, i), TQUEUE_BURY), 0);
	for (i = 0; i < 2; i++)
		t_send_delayed(fd, 8, i, 1000 * T_SECOND);
	t_send(fd, 8, 1);
	record = t_lease(fd, 8, 1);
	t_is(t_settle(fd, &record, TQUEUE_REQUEUE), 0);
	t_lease(fd, 8, 1);
	t_send(fd, 8, 2);
	shows("messages", "1");
	shows("leased", "1");
	shows("delayed", "2");
	shows("buried", "3");
	snprintf(text, sizeof(text), "%zu", 7 * t_record(8));
	shows("bytes", text);
	snprintf(text, sizeof(text), "%zu", t_record(8));
	shows("leased_bytes", text);
	snprintf(text, sizeof(text), "%zu", 2 * t_record(8));
	shows("delayed_bytes", text);
	snprintf(text, sizeof(text), "%zu", 3 * t_record(8));
	shows("buried_bytes", text);
	shows("ever_leased", "3");
	shows("ever_acknowledged", "1");
	shows("ever_requeued", "1");
	shows("ever_buried", "3");
	shows("ever_expired", "0");
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	close(fd);
}

static void sysfs_sets_them(void)
{
	int fd = t_open_small(NAME);

	t_is(store("ttl", "3600000000000\n"), 0);
	t_is(store("on_expired", "bury\n"), 0);
	t_is(store("max_attempts", "65535"), 0);
	t_is(store("on_exhausted", "drop"), 0);
	t_is(store("lease_limit", "9223372036854775807"), 0);
	t_is(store("max_leased", "4294967295"), 0);
	t_is(store("max_buried", "1000"), 0);
	t_is(store("unique", "queue"), 0);
	is_as(&others);
	t_is(store("ttl", "0"), 0);
	t_is(store("on_expired", "drop"), 0);
	t_is(store("unique", "user\n"), 0);
	t_is(store("on_exhausted", "bury\n"), 0);
	t_is(t_info(fd).ttl, 0);
	t_is(t_info(fd).on_expired, TQUEUE_EXPIRED_DROP);
	t_is(t_info(fd).unique, TQUEUE_UNIQUE_USER);
	t_is(t_info(fd).on_exhausted, TQUEUE_EXHAUSTED_BURY);
	t_end(fd);
}

static void sysfs_refuses(void)
{
	static const struct { const char *name, *text; } wrong[] = {
		{ "ttl", "" }, { "ttl", "x" }, { "ttl", "-1" }, { "ttl", "1s" },
		{ "ttl", "9223372036854775808" }, { "ttl", "18446744073709551616" },
		{ "lease_limit", "9223372036854775808" }, { "max_attempts", "65536" },
		{ "max_attempts", "-1" }, { "max_leased", "4294967296" },
		{ "on_expired", "0" }, { "on_expired", "dro" }, { "on_expired", "drop x" },
		{ "on_exhausted", "keep" }, { "unique", "none" }, { "unique", "" },
		{ "max_buried", "many" },
	};
	int fd = t_open_small(NAME);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		int error = store(wrong[i].name, wrong[i].text);

		/* A write of nothing does nothing. */
		if (!*wrong[i].text)
			continue;
		t_true(error == EINVAL || error == ERANGE, "\"%s\" in %s gives %s",
		       wrong[i].text, wrong[i].name, strerror(error));
	}
	/* What counts cannot be written. */
	t_true(store("leased", "1"), "leased can be written");
	t_true(store("ever_leased", "0"), "ever_leased can be written");
	is_as(&defaults);
	t_end(fd);
}

static void as_somebody(void *arg)
{
	t_set_user(1234);
	(void)arg;
	t_is(store("ttl", "1"), EACCES);
	t_is(store("unique", "queue"), EACCES);
}

static void sysfs_of_others(void)
{
	int fd = t_open_small(NAME);

	t_reap(t_fork(as_somebody, NULL));
	is_as(&defaults);
	t_end(fd);
}

/* ---- in use -------------------------------------------------------------------------- */

/* A new limit of leases does not reach those that there are. */
static void limits_of_leases_that_there_are(void)
{
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	struct tqueue_settlement extend;

	t_send(fd, 20, 1);
	record = t_lease(fd, 20, 1);
	t_is(t_set_field(fd, LEASE_LIMIT, lease_limit, T_MS), 0);
	t_sleep_ms(20);
	t_is(t_state(fd, record.id), TQUEUE_LEASED);
	/* But the next extension. */
	extend = t_settlement(&record, TQUEUE_EXTEND);
	t_is(t_settle_one(fd, extend), 0);
	t_becomes(fd, record.id, TQUEUE_READY);
	t_take(fd, 20, 1);
	t_end(fd);
}

/* Below what is buried already: nothing goes, nothing more comes. */
static void max_buried_below_what_there_is(void)
{
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 4; i++)
		t_is(t_settle_unleased(fd, t_send_id(fd, 20, i), TQUEUE_BURY), 0);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, 1), 0);
	t_counts(fd, 0, 0, 0, 4);
	t_is(t_settle_unleased(fd, t_send_id(fd, 20, 4), TQUEUE_BURY),
	     TQUEUE_RESULT_PUT_OFF);
	t_counts(fd, 0, 0, 1, 4);
	t_is(t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED | TQUEUE_DELAYED, NULL), 5);
	for (i = 0; i < 5; i++)
		t_take(fd, 20, i);
	t_end(fd);
}

/* They are changed all the time while messages are leased and settled. */
static atomic_int enough;

static void change(struct t_task *task)
{
	unsigned int n;

	for (n = 0; !atomic_load(&enough); n++) {
		struct tqueue_config config = {
			.fields = ALL & ~(TQUEUE_CONFIG_MAX_LEASED | TQUEUE_CONFIG_UNIQUE),
			.ttl = n % 3 ? 0 : 1000 * T_SECOND, .on_expired = n % 2,
			.max_attempts = n % 5 ? n % 7 + 100 : 0,
			.lease_limit = n % 2 ? 0 : 1000 * T_SECOND,
			.max_buried = n % 4 * 100,
		};

		t_is(ioctl(task->fd, TQUEUE_SET, &config), 0);
	}
}

static void changed_in_use(void)
{
	static struct t_task task;
	double end = t_now() + t_seconds(1);
	int fd = t_open_small(NAME), i;
	struct tqueue_record record;

	task.fd = fd;
	t_start(&task, change);
	do {
		t_send(fd, 20, 1);
		for (i = 0; i < 5; i++) {
			record = t_lease(fd, 20, 1);
			t_is(t_requeue(fd, &record, 0, i ? TQUEUE_SETTLE_UNCOUNTED : 0), 0);
		}
		t_is(t_receive_call(fd, buf, sizeof(buf), 0), 1);
	} while (t_now() < end);
	atomic_store(&enough, 1);
	t_finish(&task);
	t_end(fd);
}

static void run_changing(struct t_task *task)
{
	unsigned int i;

	for (i = 0; !atomic_load(&task->count); i++)
		t_is(t_set_field(task->fd, LEASE_LIMIT, lease_limit, (1ULL << 32) - i % 2), 0);
}

/* A limit is one that was chosen, and no half of it another's, wherever a word has 32 bits. */
static void a_limit_while_it_changes(void)
{
	static struct t_task task;
	double end = t_now() + t_seconds(5);
	int fd = t_open_small(NAME);
	struct tqueue_record record;
	uint64_t before, due;

	t_is(t_set_field(fd, LEASE_LIMIT, lease_limit, 1ULL << 32), 0);
	t_send(fd, 20, 1);
	task.fd = fd;
	t_start(&task, run_changing);
	do {
		before = t_now() * 1e9;
		record = t_lease(fd, 20, 1);
		due = t_listed(fd, record.id).due_ns - before;
		t_true(due > (1ULL << 32) - 2000 && due < 2 * ((1ULL << 32) - 2),
		       "a lease lasts for %#llx ns", (unsigned long long)due);
		t_is(t_requeue(fd, &record, 0, TQUEUE_SETTLE_UNCOUNTED), 0);
	} while (t_now() < end);
	atomic_store(&task.count, 1);
	t_finish(&task);
	t_take(fd, 20, 1);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(of_a_new_queue),
	TQ_TEST(given_when_it_is_made),
	TQ_TEST(set_one_by_one),
	TQ_TEST(wrong_values),
	TQ_TEST(features),
	TQ_TEST(max_buried_follows_the_size),
	TQ_TEST(sysfs_shows_them),
	TQ_TEST(sysfs_counts),
	TQ_TEST(sysfs_sets_them),
	TQ_TEST(sysfs_refuses),
	TQ_TEST(sysfs_of_others),
	TQ_TEST(limits_of_leases_that_there_are),
	TQ_TEST(max_buried_below_what_there_is),
	TQ_TEST(changed_in_use),
	TQ_TEST(a_limit_while_it_changes),
};

int main(int argc, char **argv)
{
	return t_main("policies", tests, ARRAY_SIZE(tests), argc, argv);
}
