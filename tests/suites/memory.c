// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is charged to the control group of whoever caused it, and where that
 * group has no more, the call fails with ENOMEM: nothing is lost, nobody is
 * killed.
 */
#include "calls.h"
#include "files.h"

#include <sys/mount.h>
#include <sys/vfs.h>

#ifndef CGROUP2_SUPER_MAGIC
/* The longest message that goes through the ring. */
#define PIECE		(256UL << 10)
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

#define MIB	1048576L

/* Each processor keeps a stock of 64 pages, charged before or after they are used. */
#define ROUGHLY		(MIB / 2)

static char root[64] = "/sys/fs/cgroup";
static char group[128];

static bool put(const char *path, const char *name, const char *text)
{
	char full[256];
	int fd;
	bool good;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

static long get(const char *name)
{
	char full[256], text[64];

	snprintf(full, sizeof(full), "%s/%s", group, name);
	t_true(t_read_file(full, text, sizeof(text)) > 0, "no %s", full);
	return atol(text);
}

/* Makes a group; tests enter it with what they want charged to it. */
static void make_group(const char *max)
{
	struct statfs fs;

	if (statfs(root, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC) {
		strcpy(root, "/tmp/tqueue-cgroup");
		mkdir(root, 0700);
		if (mount("none", root, "cgroup2", 0, NULL) && errno != EBUSY)
			t_skip("no cgroup2: %s", strerror(errno));
	}
	put(root, "cgroup.subtree_control", "+memory");
	snprintf(group, sizeof(group), "%s/tqueue-test", root);
	rmdir(group);
	t_true(!mkdir(group, 0700), "mkdir(%s): %s", group, strerror(errno));
	if (!put(group, "memory.max", max)) {
		rmdir(group);
		t_skip("no memory controller");
	}
	put(group, "memory.swap.max", "0");
}

/*
 * What the test itself needs is there before, as far as that is possible: without
 * memory for a page of its own it would be killed.
 */
static void enter(void)
{
	t_is(mlockall(MCL_CURRENT), 0);
	t_true(put(group, "cgroup.procs", "0"), "cannot enter the group");
}

static void leave(void)
{
	t_true(put(root, "cgroup.procs", "0"), "cannot leave the group");
}

/* What is charged there may take a moment to go. */
static void remove_group(void)
{
	double end = t_now() + 5 * t_slow();

	while (rmdir(group) && errno == EBUSY && t_now() < end)
		t_sleep_ms(1);
	if (!strcmp(root, "/tmp/tqueue-cgroup"))
		umount2(root, MNT_DETACH);
}

/* The ring belongs to whoever loads the module. */
static void ring_is_charged(void)
{
	long before, after;

	make_group("max");
	t_is(t_unload(), 0);
	enter();
	before = get("memory.current");
	t_is(t_load("size_l=8388608"), 0);
	after = get("memory.current");
	leave();
	t_true(after - before >= 8 * MIB - ROUGHLY, "8 MiB of ring are charged with %ld bytes",
	       after - before);
	t_is(t_unload(), 0);
	t_true(get("memory.current") < before + MIB, "%ld bytes stay charged",
	       get("memory.current") - before);
	remove_group();
}

/* No memory for the ring: ENOMEM, one line, nothing left. */
static void ring_that_does_not_fit(void)
{
	char line[512] = "";
	int log;

	make_group("12582912");
	t_is(t_unload(), 0);
	log = t_log_open();
	enter();
	t_is(t_load("size_l=67108864"), ENOMEM);
	leave();
	t_true(!t_module_loaded() && access(TQ_DEVICE, F_OK), "it is there");
	t_is(t_log_lines(log, "tqueue: ", line, sizeof(line)), 1);
	t_true(strstr(line, "memory"), "it says \"%s\"", line);
	close(log);
	t_is(t_load(TQ_SMALL), 0);
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_is(t_drain(), 4);
	remove_group();
}

static int create_of(const char *name, size_t size)
{
	struct tqueue_create create = t_creation(name);

	create.config.fields = TQUEUE_CONFIG_SIZE;
	create.config.size = size;
	return t_create_call(&create);
}

/* That of a queue made by name belongs to who made it, or made it larger. */
static void named_queues_are_charged(void)
{
	long before;

	make_group("12582912");
	t_control();
	enter();
	before = get("memory.current");
	t_is(create_of("charged", 8 * MIB), 0);
	t_true(get("memory.current") - before >= 8 * MIB - ROUGHLY,
	       "8 MiB of ring are charged with %ld bytes",
		get("memory.current") - before);
	t_errno(create_of("more", 8 * MIB), ENOMEM);
	t_errno(access(t_queue_path("more"), F_OK), ENOENT);
	t_errno(t_set_call("charged", TQUEUE_CONFIG_SIZE, 16 * MIB, 0), ENOMEM);
	t_is(t_get("charged").size, 8 * MIB);
	t_is(t_set_call("charged", TQUEUE_CONFIG_SIZE, 2 * MIB, 0), 0);
	t_is(create_of("more", 8 * MIB), 0);
	t_remove("more");
	leave();
	t_remove("charged");
	t_true(get("memory.current") < before + MIB, "%ld bytes stay charged",
	       get("memory.current") - before);
	remove_group();
}

/* All that the group may use from now on. */
static void limit_to(long bytes)
{
	char max[32];

	snprintf(max, sizeof(max), "%ld", bytes);
	t_true(put(group, "memory.max", max), "cannot set memory.max");
}

/* Senders in a process of their own, which does nothing else in its group. */
struct late {
	atomic_int tid, go, done;
	ssize_t result;
	int error;
};

struct sending {
	struct late late[24];
	atomic_int entered;
	size_t len;
	char *buf;
};

static void run_late_sender(struct t_task *task)
{
	struct sending *sending = task->arg;
	struct late *late = &sending->late[task->number];

	late->tid = gettid();
	while (!atomic_load(&late->go))
		usleep(500);
	late->result = write(task->fd, sending->buf, sending->len);
	late->error = errno;
	atomic_store(&late->done, 1);
}

static void late_senders(void *arg)
{
	struct sending *sending = arg;
	struct t_task tasks[ARRAY_SIZE(sending->late)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tasks); i++) {
		tasks[i] = (struct t_task){
			.fd = t_open(O_WRONLY), .arg = sending, .number = i,
		};
		t_start(&tasks[i], run_late_sender);
		while (!atomic_load(&sending->late[i].tid))
			usleep(500);
	}
	usleep(20000);
	enter();
	atomic_store(&sending->entered, 1);
	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		pthread_join(tasks[i].thread, NULL);
}

/* What waits in the line is its senders', up to their group's limit. */
static void waiting_messages_are_charged(void)
{
	struct sending *sending = t_shared(sizeof(*sending));
	const int many = ARRAY_SIZE(sending->late);
	double end = t_now() + 10 * t_slow();
	int i, n, refused = 0, in = t_open(O_RDONLY);
	size_t len = t_max_message();
	long before, charged;
	pid_t child;

	sending->len = len;
	sending->buf = t_shared(len);
	memset(sending->buf, 1, len);
	n = t_fill(len, 0);
	make_group("max");
	child = t_fork(late_senders, sending);
	while (!atomic_load(&sending->entered))
		t_true(t_now() < end, "the child does not get ready");
	before = get("memory.current");
	limit_to(before + 8 * MIB + MIB / 4);
	for (i = 0; i < many; i++) {
		struct late *late = &sending->late[i];

		atomic_store(&late->go, 1);
		while (!atomic_load(&late->done) &&
		       !t_is_asleep(late->tid, SYS_write))
			t_true(t_now() < end, "a sender does not get on");
		if (atomic_load(&late->done)) {
			t_is(late->result, -1);
			t_is(late->error, ENOMEM);
			refused++;
		}
	}
	charged = get("memory.current") - before;
	t_true(refused > 0 && refused < many, "%d of %d senders find no memory",
	       refused, many);
	t_true(charged >= (many - refused) * (long)len - ROUGHLY,
	       "%d waiting messages of %zu bytes are charged with %ld bytes",
		many - refused, len, charged);
	for (i = 0; i < n + many - refused; i++)
		t_is(read(in, sending->buf, len), len);
	t_nothing();
	t_reap(child);
	close(in);
	remove_group();
}

/* So is a rest; without memory for one the message stays where it was. */
static void rests_are_charged(void)
{
	enum { MANY = 24 };
	size_t len = PIECE;
	int fds[MANY], fd = t_open(O_RDWR), i, held = 0;
	char byte, *buf = malloc(len);
	long before;

	t_needs_small_pages();
	t_pattern(buf, len, 1, 0);
	for (i = 0; i < MANY; i++)
		fds[i] = t_open(O_RDONLY);
	make_group("max");
	enter();
	before = get("memory.current");
	limit_to(before + 8 * MIB + MIB / 4);
	for (i = 0; i < MANY; i++) {
		t_is(write(fd, buf, len), len);
		if (read(fds[i], &byte, 1) == 1) {
			held++;
			continue;
		}
		t_errno(-1, ENOMEM);
		t_is(t_fionread(fd), len);
		/* Received whole it needs no memory. */
		t_is(read(fd, buf, len), len);
	}
	leave();
	t_true(held > 0 && held < MANY, "%d of %d rests", held, MANY);
	for (i = 0; i < MANY; i++)
		close(fds[i]);
	for (i = 0; i < held; i++)
		t_receive_rest(fd, len - 1, 1, 1);
	t_nothing();
	close(fd);
	remove_group();
}

struct reading {
	atomic_int tid;
	ssize_t result;
	int error;
};

static void reader_in_the_group(void *arg)
{
	struct reading *reading = arg;
	int fd = t_open(O_RDONLY);
	char byte;

	enter();
	atomic_store(&reading->tid, gettid());
	reading->result = read(fd, &byte, 1);
	reading->error = errno;
	close(fd);
}

/* One that is woken for a message, and has no memory to take it, wakes the next. */
static void woken_without_memory(void)
{
	struct reading *reading = t_shared(sizeof(*reading));
	double end = t_now() + 10 * t_slow();
	size_t len = PIECE;
	int in = t_open(O_RDONLY), out = t_open(O_WRONLY);
	char *buf = malloc(len);
	struct t_task next;
	pid_t child;

	make_group("max");
	child = t_fork(reader_in_the_group, reading);
	while (!atomic_load(&reading->tid) ||
	       !t_is_asleep(reading->tid, SYS_read))
		t_true(t_now() < end, "the first reader does not get ready");
	/* Charges come in batches: less than a message may be left of the last one. */
	limit_to(get("memory.current"));
	t_start_read(&next, in, buf, len);
	t_asleep(&next, SYS_read);
	t_send(out, len, 1);
	t_reap(child);
	t_is(reading->result, -1);
	t_is(reading->error, ENOMEM);
	t_result(&next, len);
	t_nothing();
	free(buf);
	close(in);
	close(out);
	remove_group();
}

static const struct t_test tests[] = {
	{ .name = "ring_is_charged", .run = ring_is_charged, .params = "",
	  .logs = true, .reloads = true },
	{ .name = "ring_that_does_not_fit", .run = ring_that_does_not_fit,
	  .params = "", .logs = true, .reloads = true },
	TQ_TEST(named_queues_are_charged),
	TQ_TEST(waiting_messages_are_charged),
	TQ_TEST(rests_are_charged),
	TQ_TEST(woken_without_memory),
};

int main(int argc, char **argv)
{
	return t_main("memory", tests, ARRAY_SIZE(tests), argc, argv);
}
