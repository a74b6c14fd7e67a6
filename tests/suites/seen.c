// SPDX-License-Identifier: GPL-2.0
/*
 * What is seen of a queue from outside: who sleeps, how old the oldest message is,
 * what the one may write for whom it was made, and what the world is told when it
 * comes and goes.
 */
#include "calls.h"
#include "files.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#define NAME	"seen"
#define OWNER	1234

static long long attribute(const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/class/tqueue/" NAME "/%s", name);
	t_true(t_read_file(path, text, sizeof(text)) > 1, "%s cannot be read", path);
	return atoll(text);
}

static void sleep_in_read(void *arg)
{
	char buf[10];

	t_is(read(*(int *)arg, buf, sizeof(buf)), 1);
}

static bool sleep_so_many(long long wanted)
{
	double end = t_now() + 10 * t_slow();

	while (attribute("sleeping_readers") != wanted && t_now() < end)
		t_sleep_ms(10);
	return attribute("sleeping_readers") == wanted;
}

static void sleeping_readers(void)
{
	pid_t pids[3];
	size_t i;
	int fd;

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(attribute("sleeping_readers"), 0);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = t_fork(sleep_in_read, &fd);
	t_true(sleep_so_many(3), "%lld sleep", attribute("sleeping_readers"));
	t_is(write(fd, "x", 1), 1);
	t_true(sleep_so_many(2), "%lld sleep", attribute("sleeping_readers"));
	/* One that is killed sleeps no more. */
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		kill(pids[i], SIGKILL);
	t_true(sleep_so_many(0), "%lld sleep", attribute("sleeping_readers"));
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		waitpid(pids[i], NULL, 0);
	close(fd);
	t_remove_all();
}

/* Between so many milliseconds and what a slow machine may add. */
static void is_old(double ms, const char *what)
{
	double seconds = attribute("oldest") / 1e9;

	t_true(seconds >= ms / 1000 - 0.02 && seconds < ms / 1000 + 2 * t_slow(),
	       "%s: the oldest is %f s old, not %f", what, seconds, ms / 1000);
}

static void send_with(int fd, unsigned int priority, unsigned long long delay)
{
	unsigned char buf[64];
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = t_put_many(buf, 8, 1, 1),
		.deadline = TQUEUE_FOREVER,
	};

	((struct tqueue_record *)buf)->priority = priority;
	if (delay) {
		send.flags = TQUEUE_SEND_DELAY;
		send.delay = delay;
	}
	t_is(ioctl(fd, TQUEUE_SEND, &send), 1);
}

static void oldest(void)
{
	char buf[16];
	int fd;

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(attribute("oldest"), 0);
	/* What is not ready does not count. */
	send_with(fd, 0, 3600000000000ULL);
	t_sleep_ms(200);
	t_is(attribute("oldest"), 0);
	/* The oldest, whatever its priority, in the ring or out of it. */
	send_with(fd, 5, 0);
	t_sleep_ms(300);
	is_old(300, "one with a priority");
	t_is(write(fd, "x", 1), 1);
	send_with(fd, 63, 0);
	is_old(300, "one that is second in the order");
	t_is(read(fd, buf, sizeof(buf)), 8);
	is_old(300, "one that is first now");
	t_sleep_ms(300);
	t_is(read(fd, buf, sizeof(buf)), 8);
	is_old(300, "one in the ring");
	send_with(fd, 1, 0);
	is_old(300, "one in the ring behind another");
	t_is(read(fd, buf, sizeof(buf)), 8);
	t_is(read(fd, buf, sizeof(buf)), 1);
	t_is(attribute("oldest"), 0);
	close(fd);
	t_remove_all();
}

static void ready_bytes(void)
{
	int fd;

	t_create(NAME, TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(write(fd, "x", 1), 1);
	send_with(fd, 0, 3600000000000ULL);
	t_is(attribute("ready_bytes"), t_record(1));
	t_is(attribute("delayed_bytes"), t_record(8));
	t_is(attribute("bytes"), t_record(1) + t_record(8));
	close(fd);
	t_remove_all();
}

static int put(const char *name, const char *value)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/class/tqueue/" NAME "/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static void write_as(void *arg)
{
	unsigned int uid = *(unsigned int *)arg;

	t_is(setresgid(uid, uid, uid) || setresuid(uid, uid, uid), 0);
	if (uid != OWNER) {
		t_is(put("max_attempts", "7"), -EACCES);
		return;
	}
	t_is(put("max_attempts", "7"), 0);
	t_is(put("overflow", "reject"), 0);
	t_is(put("ttl", "x"), -EINVAL);
	t_is(put("messages", "1"), -EACCES);
	t_is(attribute("max_attempts"), 7);
}

static void owner_writes(void)
{
	struct tqueue_create create = t_creation(NAME);
	unsigned int owner = OWNER, other = OWNER + 1;

	create.uid = OWNER;
	t_is(t_create_call(&create), 0);
	t_reap(t_fork(write_as, &other));
	t_reap(t_fork(write_as, &owner));
	t_remove_all();
}

/* The next uevent of the queue; false: none came. */
static bool next_event(int fd, char *text, size_t size)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	ssize_t got;

	while (poll(&poll_fd, 1, 10000 * t_slow()) == 1) {
		got = recv(fd, text, size - 1, 0);
		t_true(got > 0, "recv fails with %s", strerrorname_np(errno));
		text[got] = '\0';
		if (strstr(text, "/tqueue/" NAME))
			return true;
	}
	return false;
}

/* Whether one of its zero-ended lines is this. */
static bool has_line(const char *text, const char *line)
{
	for (; *text; text += strlen(text) + 1)
		if (!strcmp(text, line))
			return true;
	return false;
}

static void announced(void)
{
	static const char * const actions[] = { "ACTION=add", "ACTION=remove" };
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	char text[4097];
	size_t i;

	if (fd < 0)
		t_skip("this kernel has no uevents");
	t_is(bind(fd, (void *)&address, sizeof(address)), 0);
	t_create(NAME, TQ_PAGE);
	t_remove(NAME);
	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		memset(text, 0, sizeof(text));
		t_true(next_event(fd, text, sizeof(text)), "no uevent came");
		t_true(has_line(text, actions[i]), "the uevent has no %s", actions[i]);
		t_true(has_line(text, "SUBSYSTEM=tqueue"), "it is of another subsystem");
		t_true(has_line(text, "TQUEUE_NAME=" NAME), "it has no TQUEUE_NAME");
		t_true(has_line(text, "DEVNAME=tq/" NAME), "it has no DEVNAME");
	}
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(sleeping_readers),
	TQ_TEST(oldest),
	TQ_TEST(ready_bytes),
	TQ_TEST(owner_writes),
	TQ_TEST(announced),
};

int main(int argc, char **argv)
{
	return t_main("seen", tests, ARRAY_SIZE(tests), argc, argv);
}
