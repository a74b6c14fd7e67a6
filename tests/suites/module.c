// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading: parameters and what is refused, and that the module
 * goes exactly when no file is open and the queue is empty.
 */
#include <limits.h>

#include "common.h"

static void text_of(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, len - 1);

	t_true(got >= 0, "%s cannot be read: %s", path, strerror(errno));
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
	if (t_module_loaded())
		t_is(t_unload(), 0);
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

	t_needs_small_pages();
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		int error, fd;

		unload();
		error = t_load(good[i].params);
		t_true(!error, "loading with \"%s\" fails: %s", good[i].params,
		       strerror(error));
		t_true((long)t_size() == good[i].size, "\"%s\": size is %zu",
		       good[i].params, t_size());
		t_true((long)t_max_message() == good[i].max,
		       "\"%s\": max_message is %zu", good[i].params,
			t_max_message());
		t_is(parameter("size_l"), good[i].size);
		t_true(parameter("max_message") == good[i].max ||
		       parameter("max_message") == 0, "parameter max_message");
		fd = t_open(O_RDWR | O_NONBLOCK);
		t_send(fd, good[i].max, 1);
		t_receive(fd, good[i].max, 1);
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
		{ "size_l=65536 max_message=16345", "max_message" },
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
		int log = t_log_open(), error = t_load(bad[i].params), lines;
		/* What no long can hold is refused by the kernel's own parser. */
		const char *value = strchr(bad[i].params, '=') + 1;
		bool wide = strcmp(bad[i].word, "name") && strtoull(value, NULL, 10) > ULONG_MAX;

		if (i == 10 && !error) {
			/* The kernel's own parser ends a value at a blank. */
			unload();
			close(log);
			continue;
		}
		t_true(error == (wide ? ERANGE : EINVAL), "loading with \"%s\" gives %s",
		       bad[i].params, strerror(error));
		t_true(!t_module_loaded(), "it is loaded all the same");
		t_true(access(TQ_DEVICE, F_OK) && access("/sys/class/tqueue", F_OK),
		       "\"%s\" leaves a node or a class", bad[i].params);
		lines = t_log_lines(log, "tqueue: ", line, sizeof(line));
		t_true(lines == 1, "\"%s\" writes %d lines into the log",
		       bad[i].params, lines);
		t_true(strstr(line, bad[i].word), "\"%s\" is answered by \"%s\"",
		       bad[i].params, line);
		close(log);
	}
	/* None of it is in the way of a good one. */
	t_is(t_load(TQ_SMALL), 0);
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
		int error = t_load(bad[i]);

		t_true(error == EINVAL || error == ERANGE,
		       "loading with \"%s\" gives %s", bad[i], strerror(error));
		t_true(!t_module_loaded(), "it is loaded all the same");
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
		log = t_log_open();
		t_is(t_load(good[i]), 0);
		/* The queue's name in the log, as it was given. */
		snprintf(want, sizeof(want), "%s", good[i] + 5);
		if (want[0] == '"') {
			memmove(want, want + 1, strlen(want));
			want[strlen(want) - 1] = '\0';
		}
		text_of("/sys/module/tqueue/parameters/name", text, sizeof(text));
		t_is(strcmp(text, want), 0);
		t_true(t_log_lines(log, "tqueue: ", line, sizeof(line)) <= 1,
		       "more than one line for loading");
		close(log);
	}
}

static void what_is_there(void)
{
	struct stat st;
	char text[64];

	unload();
	t_true(access(TQ_DEVICE, F_OK), "there is a node without the module");
	t_is(t_load(""), 0);
	t_is(stat(TQ_DEVICE, &st), 0);
	t_is(S_ISCHR(st.st_mode), 1);
	t_is(st.st_uid, 0);
	text_of("/sys/module/tqueue/version", text, sizeof(text));
	t_true(strlen(text) > 2, "the version is \"%s\"", text);
	t_is(stat("/sys/module/tqueue/parameters/size_l", &st), 0);
	t_is(st.st_mode & 0777, 0444);
	t_is(stat("/sys/module/tqueue/parameters/max_message", &st), 0);
	t_is(st.st_mode & 0777, 0444);
	t_is(t_unload(), 0);
	t_true(access(TQ_DEVICE, F_OK) && access("/sys/class/tqueue", F_OK) &&
	       access("/sys/module/tqueue", F_OK), "something is left");
}

/* EWOULDBLOCK: what rmmod reports as "in use". */
static void busy(void)
{
	t_is(t_unload(), EWOULDBLOCK);
	t_is(access(TQ_DEVICE, F_OK), 0);
}

static void open_file(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = t_open(modes[i]), other;

		busy();
		other = dup(fd);
		close(fd);
		busy();
		close(other);
		t_is(t_unload(), 0);
		t_is(t_load(""), 0);
	}
}

static void queued_message(void)
{
	int fd = t_open(O_RDWR);

	t_send(fd, 10, 1);
	t_send(fd, 10, 2);
	close(fd);
	busy();
	fd = t_open(O_RDWR);
	t_receive(fd, 10, 1);
	close(fd);
	busy();
	fd = t_open(O_RDONLY);
	t_receive(fd, 10, 2);
	busy();
	close(fd);
	t_is(t_unload(), 0);
	t_is(t_load(""), 0);
}

/* Opening and closing, filling and draining: the account of pins stays right. */
static void pins(void)
{
	int round, fd, other;

	for (round = 0; round < 20; round++) {
		fd = t_open(O_RDWR);
		t_send(fd, 10, round);
		close(fd);
		busy();
		fd = t_open(O_RDONLY);
		other = t_open(O_RDONLY);
		close(fd);
		busy();
		close(other);
		busy();
		fd = t_open(O_RDWR);
		t_receive(fd, 10, round);
		if (round % 3 == 0)
			t_send(fd, 1, 1);
		close(fd);
		if (round % 3 == 0) {
			busy();
			t_is(t_drain(), 1);
		}
		t_is(t_references(), 0);
	}
	t_is(t_unload(), 0);
	t_is(t_load(""), 0);
}

static void returned_rest(void)
{
	int fd = t_open(O_RDWR);
	char byte;

	t_send(fd, 10, 1);
	t_is(read(fd, &byte, 1), 1);
	/* The queue itself is empty now. */
	busy();
	close(fd);
	busy();
	t_is(t_drain(), 1);
	t_is(t_unload(), 0);
	t_is(t_load(""), 0);
}

static void sleep_in_read(void *arg)
{
	char byte;

	(void)arg;
	if (read(t_open(O_RDONLY), &byte, 1) != 1)
		_exit(1);
}

static void sleeping_reader(void)
{
	pid_t child = t_fork(sleep_in_read, NULL);

	t_asleep_pid(child, SYS_read);
	busy();
	t_kill(child);
	t_is(t_unload(), 0);
	t_is(t_load(""), 0);
}

static void waiting_sender(void)
{
	struct t_task sender;
	char buf[TQ_SMALL_MAX] = "";

	unload();
	t_is(t_load(TQ_SMALL), 0);
	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_start_write(&sender, t_open(O_WRONLY), buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	busy();
	t_is(t_drain(), 5);
	t_finish(&sender);
	busy();
	close(sender.fd);
	t_is(t_unload(), 0);
}

/* Over and over: whatever is not given back adds up. */
static void many_times(void)
{
	char line[256];
	int i, log;

	unload();
	log = t_log_open();
	for (i = 0; i < 20; i++) {
		int fd;

		t_is(t_load(i % 2 ? TQ_SMALL : "size_l=8388608"), 0);
		fd = t_open(O_RDWR);
		t_send(fd, 900, i);
		t_receive(fd, 900, i);
		close(fd);
		t_is(t_unload(), 0);
	}
	t_true(t_log_lines(log, "leak", line, sizeof(line)) == 0, "%s", line);
	close(log);
}

static void run_opener(struct t_task *task)
{
	while (!atomic_load((atomic_int *)task->arg)) {
		int fd = open(TQ_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		char buf[16];

		if (fd < 0) {
			t_true(errno == ENOENT || errno == ENXIO || errno == ENODEV,
			       "open fails with errno %d", errno);
			sched_yield();
			continue;
		}
		t_is(write(fd, buf, 8), 8);
		t_is(read(fd, buf, 16), 8);
		close(fd);
		task->count++;
	}
}

/* Unloading races with opening: one of them is refused, neither breaks. */
static void unloaded_while_opened(void)
{
	double end = t_now() + t_seconds(1);
	struct t_task opener = { 0 };
	atomic_int stop = 0;
	int unloaded = 0, refused = 0;

	opener.arg = &stop;
	t_start(&opener, run_opener);
	while (t_goes_on(end, unloaded > 2 && opener.count > 2)) {
		int error = t_unload();

		if (!error) {
			unloaded++;
			t_is(t_load(unloaded % 2 ? TQ_SMALL : ""), 0);
		} else {
			t_is(error, EWOULDBLOCK);
			refused++;
		}
	}
	atomic_store(&stop, 1);
	t_finish(&opener);
	t_true(unloaded > 2 && opener.count > 2,
	       "unloaded %d times, refused %d times, opened %ld times", unloaded,
		refused, (long)opener.count);
}

static long free_memory(void)
{
	char text[1024];
	const char *line;
	int fd = open("/proc/meminfo", O_RDONLY);

	t_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0,
	       "/proc/meminfo cannot be read");
	close(fd);
	line = strstr(text, "MemFree:");
	t_true(line, "/proc/meminfo has no MemFree");
	return atol(line + 8) / 1024;
}

static void load_large(void *arg)
{
	(void)arg;
	t_load("size_l=536870912 max_memory=1073741824");
}

/* Killed while it takes memory for a large ring: it stops, and gives it back. */
static void killed_while_loading(void)
{
	double end = t_now() + 20 * t_slow();
	long before;
	int status;
	pid_t child;

	unload();
	before = free_memory();
	if (before < 600)
		t_skip("only %ld MiB of memory are free", before);
	child = t_fork(load_large, NULL);
	while (before - free_memory() < 32) {
		t_is(waitpid(child, &status, WNOHANG), 0);
		t_true(t_now() < end, "loading takes no memory");
	}
	kill(child, SIGKILL);
	t_is(waitpid(child, &status, 0), child);
	t_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	       "it ended with status %#x", status);
	t_true(!t_module_loaded(), "the module is loaded");
	while (before - free_memory() > 24) {
		t_true(t_now() < end, "%ld MiB are not given back",
		       before - free_memory());
		t_sleep_ms(10);
	}
	t_is(t_load(""), 0);
}

static const struct t_test tests[] = {
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
	return t_main("module", tests, ARRAY_SIZE(tests), argc, argv);
}
