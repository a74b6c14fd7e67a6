// SPDX-License-Identifier: GPL-2.0-only
/* /proc/tqueue: each queue once, with its numbers, and how long ago it was read. */
#include "calls.h"

#include <time.h>

#define TABLE	"/proc/tqueue"

static char text[1 << 17];

/* Reads the whole table, in pieces of that size. */
static void read_in(int fd, size_t piece)
{
	size_t at = 0;
	ssize_t got;

	while ((got = read(fd, text + at, piece)) > 0) {
		at += got;
		t_true(at + piece < sizeof(text), "the table does not end");
	}
	t_is(got, 0);
	text[at] = '\0';
}

static void read_table(size_t piece)
{
	int fd = open(TABLE, O_RDONLY | O_CLOEXEC);

	t_true(fd >= 0, "open(%s) fails with %s", TABLE, strerrorname_np(errno));
	read_in(fd, piece);
	close(fd);
}

/* The line that follows, or NULL. */
static char *line_after(char *line)
{
	char *end = strchr(line, '\n');

	t_true(end, "the last line is cut");
	return end[1] ? end + 1 : NULL;
}

/* Behind the times and the names of the columns. */
static char *first_queue(void)
{
	char *line = line_after(text);

	if (!strncmp(line, "elapsed time: ", 14))
		line = line_after(line);
	t_is(strncmp(line, "NAME ", 5), 0);
	return line_after(line);
}

/* A line of the table, as TQUEUE_INFO would have it. */
static struct tqueue_info parse(const char *line)
{
	unsigned long long messages, bytes, size, leased, delayed, buried;
	unsigned long long received, dropped, sent, acknowledged, requeued, expired;
	struct tqueue_info info = { 0 };
	char state[16];
	int n;

	n = sscanf(line, "%63s %15s %llu %llu %llu %u %llu %llu %llu %llu %llu %u %u %llu %llu %llu %llu\n",
		   info.name, state, &messages, &bytes, &size, &info.in_flight,
		   &leased, &delayed, &buried, &received, &dropped,
		   &info.readers, &info.writers, &sent, &acknowledged, &requeued, &expired);
	t_true(n == 17, "%d fields in %s", n, line);
	info.messages = messages;
	info.bytes = bytes;
	info.size = size;
	info.leased = leased;
	info.delayed = delayed;
	info.buried = buried;
	info.received = received;
	info.dropped = dropped;
	info.sent = sent;
	info.ever_acknowledged = acknowledged;
	info.ever_requeued = requeued;
	info.ever_expired = expired;
	if (!strcmp(state, "stopped"))
		info.state = TQUEUE_STATE_STOPPED;
	else if (!strcmp(state, "paused"))
		info.state = TQUEUE_STATE_PAUSED;
	else
		t_is(strcmp(state, "started"), 0);
	return info;
}

static void same(struct tqueue_info shown)
{
	struct tqueue_info info = t_get(shown.name);

	t_is(shown.messages, info.messages);
	t_is(shown.bytes, info.bytes);
	t_is(shown.size, info.size);
	t_is(shown.in_flight, info.in_flight);
	t_is(shown.leased, info.leased);
	t_is(shown.delayed, info.delayed);
	t_is(shown.buried, info.buried);
	t_is(shown.received, info.received);
	t_is(shown.dropped, info.dropped);
	t_is(shown.sent, info.sent);
	t_is(shown.ever_acknowledged, info.ever_acknowledged);
	t_is(shown.ever_requeued, info.ever_requeued);
	t_is(shown.ever_expired, info.ever_expired);
	t_is(shown.readers, info.readers);
	t_is(shown.writers, info.writers);
	t_is(shown.state, info.state);
}

static void numbers(void)
{
	static const char * const names[] = { "a.first", "full", "half-read", "tqueue" };
	char buf[100], *line;
	int full, half;
	size_t i;

	t_create("half-read", TQ_PAGE);
	t_create_with("full", 2 * TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	t_create("a.first", 16 * TQ_PAGE);
	full = t_open_queue("full", O_WRONLY);
	for (i = 0; i < TQ_PAGE / 20; i++)
		t_is(write(full, buf, 100), 100);
	half = t_open_queue("half-read", O_RDWR);
	t_is(write(half, buf, 100), 100);
	t_is(write(half, buf, 100), 100);
	t_is(read(half, buf, 30), 30);
	t_is(ioctl(half, TQUEUE_STOP), 0);

	read_table(sizeof(text) / 2);
	line = first_queue();
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct tqueue_info info = parse(line);

		t_is(strcmp(info.name, names[i]), 0);
		same(info);
		line = line_after(line);
	}
	t_true(!line, "there is more: %s", line);
	t_is(parse(strstr(text, "\nhalf-read") + 1).in_flight, 1);
	t_is(parse(strstr(text, "\nhalf-read") + 1).state, TQUEUE_STATE_STOPPED);
	t_true(parse(strstr(text, "\nfull") + 1).dropped > 0, "nothing was lost");
	close(full);
	close(half);
	t_remove_all();
}

/* "WHAT: SECONDS.NANOSECONDS" in a line; moves *line behind it. */
static double time_in(const char *what, char **line)
{
	size_t length = strlen(what);
	long long seconds, ns;
	int n, digits = 0;

	t_true(!strncmp(*line, what, length), "no '%s' in %s", what, *line);
	n = sscanf(*line + length, "%lld.%n%9lld", &seconds, &digits, &ns);
	t_is(n, 2);
	/* Nine digits, and the end of the line. */
	t_is(strspn(*line + length + digits, "0123456789"), 9);
	t_is((*line)[length + digits + 9], '\n');
	*line = line_after(*line);
	return seconds + ns / 1e9;
}

/* What the table says that it was read ago; -1: nothing. */
static double elapsed_in_text(void)
{
	struct timespec now;
	char *line = text;
	double then = time_in("current time: ", &line);

	clock_gettime(CLOCK_REALTIME, &now);
	t_true(now.tv_sec - then < 5 * t_slow() && then - now.tv_sec < 2,
	       "%f is not the time", then);
	return strncmp(line, "elapsed", 7) ? -1 : time_in("elapsed time: ", &line);
}

static double elapsed(void)
{
	read_table(TQ_PAGE);
	return elapsed_in_text();
}

static void time_since_the_last_reading(void)
{
	double began, first, second;

	t_is(t_unload(), 0);
	t_is(t_load(""), 0);
	t_true(elapsed() < 0, "it has been read before");
	began = t_now();
	first = elapsed();
	t_sleep_ms(300);
	second = elapsed();
	t_true(first >= 0 && first + second <= t_now() - began + 2 * t_slow(),
	       "%f and %f seconds in %f", first, second, t_now() - began);
	t_true(second >= 0.299 * t_slow(), "%f seconds", second);
}

/* A reading begins at offset 0; what is read on, or from elsewhere, is none. */
static void from_the_start_alone(void)
{
	double began, first;
	char head[32];
	int fd;

	t_is(t_unload(), 0);
	t_is(t_load(""), 0);
	fd = open(TABLE, O_RDONLY);
	t_is(pread(fd, head, 10, 5), 10);
	t_is(lseek(fd, 0, SEEK_SET), 0);
	read_in(fd, 7);
	t_true(elapsed_in_text() < 0, "a read from offset 5 counted");
	began = t_now();
	t_sleep_ms(300);
	t_is(pread(fd, head, 10, 50), 10);
	t_is(lseek(fd, 0, SEEK_SET), 0);
	/* However small the pieces, the two lines belong to one reading. */
	read_in(fd, 1);
	first = elapsed_in_text();
	t_true(first >= 0.299 * t_slow() && first <= t_now() - began + 2 * t_slow(),
	       "%f seconds", first);
	close(fd);
}

static void write_as_nobody(void *arg)
{
	(void)arg;
	t_is(setgid(65534) || setuid(65534), 0);
	t_errno(open(TABLE, O_WRONLY), EACCES);
}

static void begun_anew(void)
{
	static const char * const wrong[] = {
		"", "x", "rese", "resets", "reset\n\n", "RESET", " reset"
	};
	int fd = open(TABLE, O_WRONLY);
	double seconds;
	size_t i;

	read_table(TQ_PAGE);
	t_sleep_ms(500);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		t_errno(write(fd, wrong[i], strlen(wrong[i])), EINVAL);
	t_errno(write(fd, NULL, 5), EFAULT);
	seconds = elapsed();
	t_true(seconds >= 0.499 * t_slow(), "a wrong word reset it: %f seconds", seconds);
	t_sleep_ms(500);
	t_is(write(fd, "reset", 5), 5);
	seconds = elapsed();
	t_true(seconds >= 0 && seconds < 0.4 * t_slow(), "%f seconds after a reset", seconds);
	t_sleep_ms(500);
	t_is(write(fd, "reset\n", 6), 6);
	seconds = elapsed();
	t_true(seconds >= 0 && seconds < 0.4 * t_slow(), "%f seconds after a reset", seconds);
	close(fd);
	t_reap(t_fork(write_as_nobody, NULL));
}

/* However small the pieces, each line comes once, and again after a seek. */
static void in_pieces(void)
{
	static const size_t pieces[] = { 1, 7, 100, TQ_PAGE, sizeof(text) / 2 };
	char name[TQUEUE_NAME_MAX + 1], *line;
	size_t i;
	int fd, n;

	for (n = 0; n < 100; n++) {
		snprintf(name, sizeof(name), "%03d-%0*d", n, n % 55 + 1, 0);
		t_create(name, TQ_PAGE);
	}
	fd = open(TABLE, O_RDONLY);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		t_is(lseek(fd, 0, SEEK_SET), 0);
		read_in(fd, pieces[i]);
		line = first_queue();
		for (n = 0; n < 100; n++) {
			t_is(atoi(line), n);
			parse(line);
			line = line_after(line);
		}
		t_is(strncmp(line, "tqueue ", 7), 0);
		t_true(!line_after(line), "there is more");
	}
	/* From the middle of it on. */
	t_is(pread(fd, name, 20, 10000), 20);
	t_is(memcmp(name, text + 10000, 20), 0);
	t_is(pread(fd, name, 20, sizeof(text)), 0);
	close(fd);
	t_remove_all();
}

static atomic_int stop;

static void come_and_go(struct t_task *task)
{
	while (!atomic_load(&stop)) {
		char name[8];

		snprintf(name, sizeof(name), "n%02ld-", atomic_load(&task->count) % 16);
		t_create(name, TQ_PAGE);
		t_remove(name);
		atomic_fetch_add(&task->count, 1);
	}
}

static void while_others_come_and_go(void)
{
	double end = t_now() + t_seconds(1);
	struct t_task task = { 0 };
	int rounds = 0, i;
	char name[8];

	for (i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		t_create(name, TQ_PAGE);
	}
	t_start(&task, come_and_go);
	while (t_goes_on(end, rounds > 3 && t_all_did(&task, 1, 4))) {
		char last[TQUEUE_NAME_MAX + 1] = "", *line;
		int stay = 0;

		read_table(rounds % 2 ? 64 : TQ_PAGE);
		for (line = first_queue(); line; line = line_after(line)) {
			struct tqueue_info info = parse(line);

			t_true(strcmp(last, info.name) < 0, "%s after %s",
			       info.name, last);
			strcpy(last, info.name);
			stay += strlen(info.name) == 3;
		}
		t_is(stay, 16);
		rounds++;
	}
	atomic_store(&stop, 1);
	t_finish(&task);
	t_true(t_all_did(&task, 1, 4), "hardly anything was made");
	t_true(rounds > 3, "only %d rounds", rounds);
	t_remove_all();
}

static void look_as_nobody(void *arg)
{
	(void)arg;
	t_is(setgid(65534) || setuid(65534), 0);
	read_table(TQ_PAGE);
	t_true(first_queue(), "no queue is shown");
	t_errno(open(TABLE, O_WRONLY), EACCES);
}

static void for_all_to_see(void)
{
	t_reap(t_fork(look_as_nobody, NULL));
}

/* Whoever looks does not keep the module, and loses it without harm. */
static void goes_with_the_module(void)
{
	int fd = open(TABLE, O_RDONLY);
	char buf[10];

	t_is(read(fd, buf, 10), 10);
	t_is(t_unload(), 0);
	t_errno(open(TABLE, O_RDONLY), ENOENT);
	t_is(read(fd, buf, 10) < 1, 1);
	close(fd);
	t_is(t_load(""), 0);
	read_table(TQ_PAGE);
}

static void look_on(struct t_task *task)
{
	while (!atomic_load(&stop)) {
		int fd = open(TABLE, O_RDONLY);
		char buf[100];

		if (fd < 0) {
			t_is(errno, ENOENT);
			continue;
		}
		while (read(fd, buf, sizeof(buf)) > 0)
			atomic_fetch_add(&task->count, 1);
		close(fd);
	}
}

static void unloaded_while_read(void)
{
	double end = t_now() + t_seconds(1);
	struct t_task task = { 0 };
	int rounds = 0;

	t_start(&task, look_on);
	while (t_goes_on(end, rounds > 3 && t_all_did(&task, 1, 10))) {
		t_is(t_unload(), 0);
		t_is(t_load(""), 0);
		rounds++;
	}
	atomic_store(&stop, 1);
	t_finish(&task);
	t_true(rounds > 3 && t_all_did(&task, 1, 10), "%d rounds, %ld lines",
	       rounds, atomic_load(&task.count));
}

static const struct t_test tests[] = {
	TQ_TEST(numbers),
	TQ_TEST_RELOADING(time_since_the_last_reading),
	TQ_TEST_RELOADING(from_the_start_alone),
	TQ_TEST(begun_anew),
	TQ_TEST(in_pieces),
	TQ_TEST(while_others_come_and_go),
	TQ_TEST(for_all_to_see),
	TQ_TEST_RELOADING(goes_with_the_module),
	TQ_TEST_RELOADING(unloaded_while_read),
};

int main(int argc, char **argv)
{
	return t_main("table", tests, ARRAY_SIZE(tests), argc, argv);
}
