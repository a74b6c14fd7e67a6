// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading: parameters and what is refused, and that the module
 * goes exactly when no file is open and the queue is empty.
 */
#include "common.h"

static void text_of(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, len - 1);

	tq_true(got >= 0, "%s cannot be read: %s", path, strerror(errno));
	close(fd);
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static long parameter(const char *name)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/sys/module/tqueue/parameters/%s", name);
	text_of(path, text, sizeof(text));
	return atol(text);
}

static void unload(void)
{
	if (tq_module_loaded())
		tq_is(tq_unload(), 0);
}

static void sizes(void)
{
	static const struct {
		const char *params;
		long size, max;
	} good[] = {
		{ "", 2097152, 524288 - 40 },
		{ "size_l=1", 4096, 984 },
		{ "size_l=4096", 4096, 984 },
		{ "size_l=4097", 8192, 2008 },
		{ "size_l=5000", 8192, 2008 },
		{ "size_l=1000000", 1048576, 262144 - 40 },
		{ "size_l=4096 max_message=984", 4096, 984 },
		{ "size_l=4096 max_message=1", 4096, 1 },
		{ "size_l=5000 max_message=2008", 8192, 2008 },
		{ "max_message=0", 2097152, 524288 - 40 },
		{ "max_message=524248", 2097152, 524248 },
		{ "size_l=0x4000", 16384, 4056 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		int error, fd;

		unload();
		error = tq_load(good[i].params);
		tq_true(!error, "loading with \"%s\" fails: %s", good[i].params,
			strerror(error));
		tq_true((long)tq_size() == good[i].size, "\"%s\": size is %zu",
			good[i].params, tq_size());
		tq_true((long)tq_max_message() == good[i].max,
			"\"%s\": max_message is %zu", good[i].params,
			tq_max_message());
		tq_is(parameter("size_l"), good[i].size);
		tq_true(parameter("max_message") == good[i].max ||
			parameter("max_message") == 0, "parameter max_message");
		fd = tq_open(O_RDWR | O_NONBLOCK);
		tq_send(fd, good[i].max, 1);
		tq_receive(fd, good[i].max, 1);
		close(fd);
	}
}

/* Refused with EINVAL, nothing left, and one line that names the parameter. */
static void bad_values(void)
{
	static const struct {
		const char *params, *word;
	} bad[] = {
		{ "size_l=0", "size_l" },
		{ "size_l=1073741825", "size_l" },
		{ "size_l=18446744073709551615", "size_l" },
		{ "size_l=9223372036854775808", "size_l" },
		{ "size_l=4096 max_message=985", "max_message" },
		{ "max_message=524249", "max_message" },
		{ "max_message=18446744073709551615", "max_message" },
		{ "size_l=1073741824 max_message=268435417", "max_message" },
		{ "name=", "name" },
		{ "name=1234567890123456789012345678901234567890123456789012345678901234",
		  "name" },
		{ "name=a\tb", "name" },
		{ "name=\"a\nb\"", "name" },
		{ "name=a\x7f", "name" },
		{ "name=\xc3\xa9", "name" },
	};
	char line[1024];
	size_t i;

	unload();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int log = tq_log_open(), error = tq_load(bad[i].params), lines;

		if (i == 10 && !error) {
			/* The kernel's own parser ends a value at a blank. */
			unload();
			close(log);
			continue;
		}
		tq_true(error == EINVAL, "loading with \"%s\" gives %s",
			bad[i].params, strerror(error));
		tq_true(!tq_module_loaded(), "it is loaded all the same");
		tq_true(access(TQ_DEVICE, F_OK) && access("/sys/class/tqueue", F_OK),
			"\"%s\" leaves a node or a class", bad[i].params);
		lines = tq_log_lines(log, "tqueue: ", line, sizeof(line));
		tq_true(lines == 1, "\"%s\" writes %d lines into the log",
			bad[i].params, lines);
		tq_true(strstr(line, bad[i].word), "\"%s\" is answered by \"%s\"",
			bad[i].params, line);
		close(log);
	}
	/* None of it is in the way of a good one. */
	tq_is(tq_load(TQ_SMALL), 0);
}

/* What is no number at all is refused by the kernel itself. */
static void no_numbers(void)
{
	static const char * const bad[] = {
		"size_l=-1", "size_l=abc", "size_l=", "size_l=1k", "max_message=x",
		"size_l=18446744073709551616", "size_l",
	};
	size_t i;

	unload();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int error = tq_load(bad[i]);

		tq_true(error == EINVAL || error == ERANGE,
			"loading with \"%s\" gives %s", bad[i], strerror(error));
		tq_true(!tq_module_loaded(), "it is loaded all the same");
	}
}

static void names(void)
{
	static const char * const good[] = {
		"name=x",
		"name=123456789012345678901234567890123456789012345678901234567890123",
		"name=\"two words\"", "name=!~", "name=%s%n%p",
	};
	char line[1024], text[128], want[80];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		int log;

		unload();
		log = tq_log_open();
		tq_is(tq_load(good[i]), 0);
		/* The queue's name in the log, as it was given. */
		snprintf(want, sizeof(want), "%s", good[i] + 5);
		if (want[0] == '"') {
			memmove(want, want + 1, strlen(want));
			want[strlen(want) - 1] = '\0';
		}
		text_of("/sys/module/tqueue/parameters/name", text, sizeof(text));
		tq_is(strcmp(text, want), 0);
		tq_true(tq_log_lines(log, "tqueue: ", line, sizeof(line)) <= 1,
			"more than one line for loading");
		close(log);
	}
}

static void what_is_there(void)
{
	struct stat st;
	char text[64];

	unload();
	tq_true(access(TQ_DEVICE, F_OK), "there is a node without the module");
	tq_is(tq_load(""), 0);
	tq_is(stat(TQ_DEVICE, &st), 0);
	tq_is(S_ISCHR(st.st_mode), 1);
	tq_is(st.st_uid, 0);
	text_of("/sys/module/tqueue/version", text, sizeof(text));
	tq_true(strlen(text) > 2, "the version is \"%s\"", text);
	tq_is(stat("/sys/module/tqueue/parameters/size_l", &st), 0);
	tq_is(st.st_mode & 0777, 0444);
	tq_is(stat("/sys/module/tqueue/parameters/max_message", &st), 0);
	tq_is(st.st_mode & 0777, 0444);
	tq_is(tq_unload(), 0);
	tq_true(access(TQ_DEVICE, F_OK) && access("/sys/class/tqueue", F_OK) &&
		access("/sys/module/tqueue", F_OK), "something is left");
}

/* EWOULDBLOCK: what rmmod reports as "in use". */
static void busy(void)
{
	tq_is(tq_unload(), EWOULDBLOCK);
	tq_is(access(TQ_DEVICE, F_OK), 0);
}

static void open_file(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = tq_open(modes[i]), other;

		busy();
		other = dup(fd);
		close(fd);
		busy();
		close(other);
		tq_is(tq_unload(), 0);
		tq_is(tq_load(""), 0);
	}
}

static void queued_message(void)
{
	int fd = tq_open(O_RDWR);

	tq_send(fd, 10, 1);
	tq_send(fd, 10, 2);
	close(fd);
	busy();
	fd = tq_open(O_RDWR);
	tq_receive(fd, 10, 1);
	close(fd);
	busy();
	fd = tq_open(O_RDONLY);
	tq_receive(fd, 10, 2);
	busy();
	close(fd);
	tq_is(tq_unload(), 0);
	tq_is(tq_load(""), 0);
}

/* Opening and closing, filling and draining: the account of pins stays right. */
static void pins(void)
{
	int round, fd, other;

	for (round = 0; round < 20; round++) {
		fd = tq_open(O_RDWR);
		tq_send(fd, 10, round);
		close(fd);
		busy();
		fd = tq_open(O_RDONLY);
		other = tq_open(O_RDONLY);
		close(fd);
		busy();
		close(other);
		busy();
		fd = tq_open(O_RDWR);
		tq_receive(fd, 10, round);
		if (round % 3 == 0)
			tq_send(fd, 1, 1);
		close(fd);
		if (round % 3 == 0) {
			busy();
			tq_is(tq_drain(), 1);
		}
		tq_is(tq_references(), 0);
	}
	tq_is(tq_unload(), 0);
	tq_is(tq_load(""), 0);
}

static void returned_rest(void)
{
	int fd = tq_open(O_RDWR);
	char byte;

	tq_send(fd, 10, 1);
	tq_is(read(fd, &byte, 1), 1);
	/* The queue itself is empty now. */
	busy();
	close(fd);
	busy();
	tq_is(tq_drain(), 1);
	tq_is(tq_unload(), 0);
	tq_is(tq_load(""), 0);
}

static void sleep_in_read(void *arg)
{
	char byte;

	(void)arg;
	if (read(tq_open(O_RDONLY), &byte, 1) != 1)
		_exit(1);
}

static void sleeping_reader(void)
{
	pid_t child = tq_fork(sleep_in_read, NULL);

	tq_asleep_pid(child, SYS_read);
	busy();
	tq_kill(child);
	tq_is(tq_unload(), 0);
	tq_is(tq_load(""), 0);
}

static void waiting_sender(void)
{
	struct tq_task sender;
	char buf[TQ_SMALL_MAX] = "";

	unload();
	tq_is(tq_load(TQ_SMALL), 0);
	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	tq_start_write(&sender, tq_open(O_WRONLY), buf, sizeof(buf));
	tq_asleep(&sender, SYS_write);
	busy();
	tq_is(tq_drain(), 5);
	tq_finish(&sender);
	busy();
	close(sender.fd);
	tq_is(tq_unload(), 0);
}

/* Over and over: whatever is not given back adds up. */
static void many_times(void)
{
	char line[256];
	int i, log;

	unload();
	log = tq_log_open();
	for (i = 0; i < 20; i++) {
		int fd;

		tq_is(tq_load(i % 2 ? TQ_SMALL : "size_l=8388608"), 0);
		fd = tq_open(O_RDWR);
		tq_send(fd, 900, i);
		tq_receive(fd, 900, i);
		close(fd);
		tq_is(tq_unload(), 0);
	}
	tq_true(tq_log_lines(log, "leak", line, sizeof(line)) == 0, "%s", line);
	close(log);
}

static void run_opener(struct tq_task *task)
{
	while (!atomic_load((atomic_int *)task->arg)) {
		int fd = open(TQ_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		char buf[16];

		if (fd < 0) {
			tq_true(errno == ENOENT || errno == ENXIO || errno == ENODEV,
				"open fails with errno %d", errno);
			sched_yield();
			continue;
		}
		tq_is(write(fd, buf, 8), 8);
		tq_is(read(fd, buf, 16), 8);
		close(fd);
		task->count++;
	}
}

/* Unloading races with opening: one of them is refused, neither breaks. */
static void unloaded_while_opened(void)
{
	double end = tq_now() + tq_seconds(1);
	struct tq_task opener = { 0 };
	atomic_int stop = 0;
	int unloaded = 0, refused = 0;

	opener.arg = &stop;
	tq_start(&opener, run_opener);
	while (tq_goes_on(end, unloaded > 2 && opener.count > 2)) {
		int error = tq_unload();

		if (!error) {
			unloaded++;
			tq_is(tq_load(unloaded % 2 ? TQ_SMALL : ""), 0);
		} else {
			tq_is(error, EWOULDBLOCK);
			refused++;
		}
	}
	atomic_store(&stop, 1);
	tq_finish(&opener);
	tq_true(unloaded > 2 && opener.count > 2,
		"unloaded %d times, refused %d times, opened %ld times", unloaded,
		refused, (long)opener.count);
}

static long free_memory(void)
{
	char text[1024];
	const char *line;
	int fd = open("/proc/meminfo", O_RDONLY);

	tq_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0,
		"/proc/meminfo cannot be read");
	close(fd);
	line = strstr(text, "MemFree:");
	tq_true(line, "/proc/meminfo has no MemFree");
	return atol(line + 8) / 1024;
}

static void load_large(void *arg)
{
	(void)arg;
	tq_load("size_l=536870912 max_memory=1073741824");
}

/* Killed while it takes memory for a large ring: it stops, and gives it back. */
static void killed_while_loading(void)
{
	double end = tq_now() + 20 * tq_slow();
	long before;
	int status;
	pid_t child;

	unload();
	before = free_memory();
	if (before < 600)
		tq_skip("only %ld MiB of memory are free", before);
	child = tq_fork(load_large, NULL);
	while (before - free_memory() < 32) {
		tq_is(waitpid(child, &status, WNOHANG), 0);
		tq_true(tq_now() < end, "loading takes no memory");
	}
	kill(child, SIGKILL);
	tq_is(waitpid(child, &status, 0), child);
	tq_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		"it ended with status %#x", status);
	tq_true(!tq_module_loaded(), "the module is loaded");
	while (before - free_memory() > 24) {
		tq_true(tq_now() < end, "%ld MiB are not given back",
			before - free_memory());
		tq_sleep_ms(10);
	}
	tq_is(tq_load(""), 0);
}

static const struct tq_test tests[] = {
	TQ_TEST_RELOADING(sizes),
	TQ_TEST_RELOADING(bad_values),
	TQ_TEST_RELOADING(no_numbers),
	TQ_TEST_RELOADING(names),
	TQ_TEST_RELOADING(what_is_there),
	TQ_TEST_RELOADING(open_file),
	TQ_TEST_RELOADING(queued_message),
	TQ_TEST_RELOADING(pins),
	TQ_TEST_RELOADING(returned_rest),
	TQ_TEST_RELOADING(sleeping_reader),
	TQ_TEST_RELOADING(waiting_sender),
	TQ_TEST_RELOADING(many_times),
	TQ_TEST_RELOADING(unloaded_while_opened),
	TQ_TEST_RELOADING(killed_while_loading),
};

int main(int argc, char **argv)
{
	return tq_main("module", tests, ARRAY_SIZE(tests), argc, argv);
}
