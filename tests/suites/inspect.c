// SPDX-License-Identifier: GPL-2.0-only
/* What a person sees: FIONREAD, /proc/PID/fdinfo and sysfs tell the truth. */
#include "common.h"

#include <sys/sysmacros.h>

static long field(int fd, const char *name)
{
	char text[1024], key[32];
	const char *at;

	t_fdinfo(fd, text, sizeof(text));
	snprintf(key, sizeof(key), "\n%s:\t", name);
	at = strstr(text, key);
	t_true(at, "fdinfo has no line %s", name);
	at += strlen(key);
	if (!strcmp(name, "queue")) {
		t_true(*at > ' ', "fdinfo names no queue");
		return 0;
	}
	t_true(*at >= '0' && *at <= '9', "%s is no number", name);
	return atol(at);
}

static void all_agree(int fd, long messages, long bytes, long rest, int next)
{
	t_is(t_value("messages"), messages);
	t_is(t_value("bytes"), bytes);
	t_is(field(fd, "messages"), messages);
	t_is(field(fd, "bytes"), bytes);
	t_is(field(fd, "partial"), rest);
	field(fd, "queue");
	t_is(t_fionread(fd), next);
}

static void numbers(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY);
	char buf[64];

	all_agree(fd, 0, 0, 0, 0);
	t_send(fd, 100, 1);
	all_agree(fd, 1, t_record(100), 0, 100);
	t_send(fd, 1, 2);
	t_send(fd, 8, 3);
	all_agree(fd, 3, t_record(100) + 2 * t_record(8), 0, 100);
	t_receive(other, 100, 1);
	all_agree(fd, 2, 2 * t_record(8), 0, 1);
	t_receive(other, 1, 2);
	t_is(read(fd, buf, 3), 3);
	t_is(field(fd, "partial"), 5);
	t_is(t_fionread(fd), 5);
	t_is(field(other, "partial"), 0);
	t_is(t_fionread(other), 0);
	t_is(read(fd, buf, 64), 5);
	all_agree(fd, 0, 0, 0, 0);
	close(fd);
	close(other);
}

/* A returned rest is a message of the queue again. */
static void returned_rest(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY);
	char byte;

	t_send(fd, 100, 1);
	t_is(read(other, &byte, 1), 1);
	close(other);
	t_is(t_value("messages"), 1);
	t_true(t_value("bytes") > 0, "it takes no room");
	t_is(field(fd, "partial"), 0);
	t_is(t_fionread(fd), 99);
	t_receive_rest(fd, 99, 1, 1);
	all_agree(fd, 0, 0, 0, 0);
	close(fd);
}

static void read_only_fd_too(void)
{
	int in = t_open(O_RDONLY), out = t_open(O_WRONLY);

	t_send(out, 10, 1);
	t_is(field(in, "messages"), 1);
	t_is(field(out, "messages"), 1);
	t_is(t_fionread(in), 10);
	t_receive(in, 10, 1);
	close(in);
	close(out);
}

/* One value a file, readable by all; what can be chosen, written by root. */
static void sysfs_files(void)
{
	static const char * const names[] = {
		"size", "max_message", "messages", "bytes",
	};
	struct stat st;
	char path[128], text[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		int file;
		ssize_t got;

		snprintf(path, sizeof(path), "/sys/class/tqueue/tqueue/%s", names[i]);
		t_is(stat(path, &st), 0);
		t_is(st.st_mode & 07777, i < 2 ? 0644 : 0444);
		file = open(path, O_RDONLY);
		got = read(file, text, sizeof(text) - 1);
		t_true(got > 1 && text[got - 1] == '\n', "%s has no line", path);
		text[got - 1] = '\0';
		t_is(strspn(text, "0123456789"), got - 1);
		close(file);
	}
	t_is(t_max_message(), t_size() / 4 - TQ_HEADER);
}

/* The node and the class agree about the device number. */
static void device_number(void)
{
	unsigned int major, minor;
	struct stat st;
	FILE *file = fopen("/sys/class/tqueue/tqueue/dev", "r");

	t_true(file, "no dev attribute");
	t_is(fscanf(file, "%u:%u", &major, &minor), 2);
	fclose(file);
	t_is(stat(TQ_DEVICE, &st), 0);
	t_is(S_ISCHR(st.st_mode), 1);
	t_is(major(st.st_rdev), major);
	t_is(minor(st.st_rdev), minor);
}

/* Not for everybody: 0600 by itself, 0660 with the udev rule. */
static void permissions(void)
{
	struct stat st;

	t_is(stat(TQ_DEVICE, &st), 0);
	t_is(st.st_mode & 0007, 0);
	t_is(st.st_uid, 0);
}

static void run_traffic(struct t_task *task)
{
	char buf[TQ_SMALL_MAX] = "";

	while (!atomic_load((atomic_int *)task->arg))
		if (task->number)
			t_true(write(task->fd, buf, sizeof(buf)) > 0 ||
			       errno == EAGAIN, "write fails");
		else
			t_true(read(task->fd, buf, sizeof(buf)) > 0 ||
			       errno == EAGAIN, "read fails");
}

/* Looked at in the midst of traffic: never more than there can be. */
static void numbers_in_traffic(void)
{
	double end = t_now() + t_seconds(0.5);
	atomic_int stop = 0;
	struct t_task tasks[2];
	int fd = t_open(O_RDWR), i;

	for (i = 0; i < 2; i++) {
		tasks[i] = (struct t_task){
			.fd = t_open(O_RDWR | O_NONBLOCK), .arg = &stop, .number = i,
		};
		t_start(&tasks[i], run_traffic);
	}
	while (t_now() < end) {
		long bytes = t_value("bytes"), messages = t_value("messages");
		long rest = field(fd, "bytes"), next = t_fionread(fd);

		t_true(bytes >= 0 && bytes <= TQ_PAGE, "bytes is %ld", bytes);
		t_true(rest >= 0 && rest <= TQ_PAGE, "bytes is %ld in fdinfo", rest);
		t_true(messages >= 0 && messages <= TQ_PAGE / 48, "messages is %ld",
		       messages);
		t_true(!next || next == (long)TQ_SMALL_MAX, "FIONREAD gives %ld",
		       next);
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 2; i++) {
		t_finish(&tasks[i]);
		close(tasks[i].fd);
	}
	t_drain();
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(numbers),
	TQ_TEST(returned_rest),
	TQ_TEST(read_only_fd_too),
	TQ_TEST_WITH(numbers_in_traffic, TQ_SMALL),
	TQ_TEST(sysfs_files),
	TQ_TEST(device_number),
	TQ_TEST(permissions),
};

int main(int argc, char **argv)
{
	return t_main("inspect", tests, ARRAY_SIZE(tests), argc, argv);
}
