// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints: what happens to a queue stands in the trace, in its order. */
#include "calls.h"

#define TRACING	"/sys/kernel/tracing/"
#define NAME	"traced"

static char text[1 << 16];

static void put(const char *file, const char *what)
{
	int fd = open(file, O_WRONLY | O_TRUNC);

	if (fd < 0 && errno == ENOENT)
		t_skip("this kernel has no %s", file);
	t_true(fd >= 0, "open(%s) fails with %s", file, strerrorname_np(errno));
	t_is(write(fd, what, strlen(what)), strlen(what));
	close(fd);
}

static void begin(void)
{
	put(TRACING "events/tqueue/enable", "1");
	put(TRACING "trace", "");
}

static void end(void)
{
	size_t at = 0;
	ssize_t got;
	int fd;

	put(TRACING "events/tqueue/enable", "0");
	fd = open(TRACING "trace", O_RDONLY);
	while ((got = read(fd, text + at, sizeof(text) - 1 - at)) > 0)
		at += got;
	t_is(got, 0);
	close(fd);
	text[at] = '\0';
}

/* The next event of the queue is this one; moves *at behind it. */
static void event(char **at, const char *want)
{
	char *line, *stop;

	for (line = *at; line; line = stop ? stop + 1 : NULL) {
		stop = strchr(line, '\n');
		if (stop)
			*stop = '\0';
		/* How long it took is looked at elsewhere. */
		if (*line != '#' && strstr(line, "queue=" NAME) &&
		    !strstr(line, " tqueue_waited: ") && !strstr(line, " tqueue_held: "))
			break;
	}
	t_true(line, "the trace ends before %s", want);
	t_true(strstr(line, want), "%s, not %s", line, want);
	*at = stop ? stop + 1 : NULL;
}

static void in_order(void)
{
	char buf[1024], *at = text;
	int fd, other;

	begin();
	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(write(fd, "one", 3), 3);
	t_is(t_send_call(fd, buf, t_put_many(buf, 8, 1, 3), 0), 3);
	t_is(read(fd, buf, 10), 3);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 3);
	t_is(write(fd, "five5", 5), 5);
	other = t_open_queue(NAME, O_RDONLY);
	t_is(read(other, buf, 1), 1);
	close(other);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	close(fd);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	end();

	event(&at, "tqueue_create: queue=" NAME " messages=0");
	event(&at, "tqueue_send: queue=" NAME " id=1 count=1");
	event(&at, "tqueue_send: queue=" NAME " id=4 count=3");
	event(&at, "tqueue_receive: queue=" NAME " count=1 bytes=48");
	event(&at, "tqueue_receive: queue=" NAME " count=3 bytes=144");
	event(&at, "tqueue_send: queue=" NAME " id=5 count=1");
	event(&at, "tqueue_receive: queue=" NAME " count=1 bytes=48");
	event(&at, "tqueue_requeue: queue=" NAME " id=5");
	event(&at, "tqueue_stop: queue=" NAME " messages=1");
	event(&at, "tqueue_start: queue=" NAME " messages=1");
	event(&at, "tqueue_remove: queue=" NAME " messages=1");
}

static void what_is_dropped(void)
{
	char buf[TQ_SMALL_MAX] = "", *at = text;
	int fd, i;

	begin();
	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	for (i = 0; i < 5; i++)
		t_is(write(fd, buf, sizeof(buf)), sizeof(buf));
	end();
	event(&at, "tqueue_create: queue=" NAME);
	for (i = 1; i < 5; i++) {
		snprintf(buf, sizeof(buf), "tqueue_send: queue=" NAME " id=%d count=1", i);
		event(&at, buf);
	}
	event(&at, "tqueue_drop: queue=" NAME " id=1");
	event(&at, "tqueue_send: queue=" NAME " id=5 count=1");
	close(fd);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

static void send_one(void *arg)
{
	char buf[TQ_SMALL_MAX] = "";

	t_is(write(*(int *)arg, buf, sizeof(buf)), sizeof(buf));
}

/* What waits: a message that is delayed, and a sender that finds no room. */
static void what_waits(void)
{
	char buf[TQ_SMALL_MAX] = "", want[80], *at = text;
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .flags = TQUEUE_SEND_DELAY, .delay = 200000000,
	};
	int fd, filler, i, full;
	pid_t pid;

	begin();
	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	send.bytes = t_put_many(buf, 8, 1, 1);
	t_is(ioctl(fd, TQUEUE_SEND, &send), 1);
	t_is(read(fd, buf, 8), 8);
	memset(buf, 0, sizeof(buf));
	filler = t_open_queue(NAME, O_WRONLY | O_NONBLOCK);
	for (full = 0; write(filler, buf, sizeof(buf)) > 0; full++)
		;
	pid = t_fork(send_one, &fd);
	for (i = 0; i < 1000 && !t_get(NAME).blocked_senders; i++)
		t_sleep_ms(10);
	t_is(read(fd, buf, sizeof(buf)), sizeof(buf));
	t_reap(pid);
	end();

	event(&at, "tqueue_create: queue=" NAME);
	event(&at, "tqueue_send: queue=" NAME " id=1 count=1");
	event(&at, "tqueue_delay: queue=" NAME " id=1");
	event(&at, "tqueue_requeue: queue=" NAME " id=1");
	event(&at, "tqueue_receive: queue=" NAME " count=1");
	for (i = 0; i < full; i++)
		event(&at, "tqueue_send: queue=" NAME);
	snprintf(want, sizeof(want), "tqueue_block: queue=" NAME " messages=%d", full);
	event(&at, want);
	event(&at, "tqueue_receive: queue=" NAME " count=1");
	event(&at, "tqueue_send: queue=" NAME);
	close(filler);
	close(fd);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

static void unloaded_while_traced(void)
{
	begin();
	t_send(t_open(O_RDWR), 10, 1);
	t_receive(t_open(O_RDWR), 10, 1);
	closefrom(3);
	t_is(t_unload(), 0);
	t_is(t_load(""), 0);
	begin();
	t_create(NAME, TQ_PAGE);
	end();
	t_true(strstr(text, "tqueue_create: queue=" NAME), "nothing was traced");
	t_remove(NAME);
}

static const struct t_test tests[] = {
	TQ_TEST(in_order),
	TQ_TEST(what_is_dropped),
	TQ_TEST(what_waits),
	TQ_TEST_RELOADING(unloaded_while_traced),
};

int main(int argc, char **argv)
{
	return t_main("trace", tests, ARRAY_SIZE(tests), argc, argv);
}
