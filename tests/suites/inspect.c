// SPDX-License-Identifier: GPL-2.0
/* What a person sees: FIONREAD, /proc/PID/fdinfo and sysfs tell the truth. */
#include "common.h"

#include <sys/sysmacros.h>

static long field(int fd, const char *name)
{
	char path[64], text[1024], key[32];
	const char *at;
	ssize_t got;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	got = read(info, text, sizeof(text) - 1);
	close(info);
	tq_true(got > 0, "%s cannot be read", path);
	text[got] = '\0';
	snprintf(key, sizeof(key), "\n%s:\t", name);
	at = strstr(text, key);
	tq_true(at, "fdinfo has no line %s", name);
	at += strlen(key);
	if (!strcmp(name, "queue")) {
		tq_true(*at > ' ', "fdinfo names no queue");
		return 0;
	}
	tq_true(*at >= '0' && *at <= '9', "%s is no number", name);
	return atol(at);
}

static void all_agree(int fd, long messages, long bytes, long rest, int next)
{
	tq_is(tq_value("messages"), messages);
	tq_is(tq_value("bytes"), bytes);
	tq_is(field(fd, "messages"), messages);
	tq_is(field(fd, "bytes"), bytes);
	tq_is(field(fd, "rest"), rest);
	field(fd, "queue");
	tq_is(tq_fionread(fd), next);
}

static void numbers(void)
{
	int fd = tq_open(O_RDWR), other = tq_open(O_RDONLY);
	char buf[64];

	all_agree(fd, 0, 0, 0, 0);
	tq_send(fd, 100, 1);
	all_agree(fd, 1, tq_record(100), 0, 100);
	tq_send(fd, 1, 2);
	tq_send(fd, 8, 3);
	all_agree(fd, 3, tq_record(100) + 2 * tq_record(8), 0, 100);
	tq_receive(other, 100, 1);
	all_agree(fd, 2, 2 * tq_record(8), 0, 1);
	tq_receive(other, 1, 2);
	tq_is(read(fd, buf, 3), 3);
	tq_is(field(fd, "rest"), 5);
	tq_is(tq_fionread(fd), 5);
	tq_is(field(other, "rest"), 0);
	tq_is(tq_fionread(other), 0);
	tq_is(read(fd, buf, 64), 5);
	all_agree(fd, 0, 0, 0, 0);
	close(fd);
	close(other);
}

/* A returned rest is a message of the queue again. */
static void returned_rest(void)
{
	int fd = tq_open(O_RDWR), other = tq_open(O_RDONLY);
	char byte;

	tq_send(fd, 100, 1);
	tq_is(read(other, &byte, 1), 1);
	close(other);
	tq_is(tq_value("messages"), 1);
	tq_true(tq_value("bytes") > 0, "it takes no room");
	tq_is(field(fd, "rest"), 0);
	tq_is(tq_fionread(fd), 99);
	tq_receive_rest(fd, 99, 1, 1);
	all_agree(fd, 0, 0, 0, 0);
	close(fd);
}

static void read_only_fd_too(void)
{
	int in = tq_open(O_RDONLY), out = tq_open(O_WRONLY);

	tq_send(out, 10, 1);
	tq_is(field(in, "messages"), 1);
	tq_is(field(out, "messages"), 1);
	tq_is(tq_fionread(in), 10);
	tq_receive(in, 10, 1);
	close(in);
	close(out);
}

/* One value a file, readable by all, written by nobody. */
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
		tq_is(stat(path, &st), 0);
		tq_is(st.st_mode & 07777, 0444);
		file = open(path, O_RDONLY);
		got = read(file, text, sizeof(text) - 1);
		tq_true(got > 1 && text[got - 1] == '\n', "%s has no line", path);
		text[got - 1] = '\0';
		tq_is(strspn(text, "0123456789"), got - 1);
		close(file);
	}
	tq_is(tq_max_message(), tq_size() / 4 - TQ_HEADER);
}

/* The node and the class agree about the device number. */
static void device_number(void)
{
	unsigned int major, minor;
	struct stat st;
	FILE *file = fopen("/sys/class/tqueue/tqueue/dev", "r");

	tq_true(file, "no dev attribute");
	tq_is(fscanf(file, "%u:%u", &major, &minor), 2);
	fclose(file);
	tq_is(stat(TQ_DEVICE, &st), 0);
	tq_is(S_ISCHR(st.st_mode), 1);
	tq_is(major(st.st_rdev), major);
	tq_is(minor(st.st_rdev), minor);
}

/* Not for everybody: 0600 by itself, 0660 with the udev rule. */
static void permissions(void)
{
	struct stat st;

	tq_is(stat(TQ_DEVICE, &st), 0);
	tq_is(st.st_mode & 0007, 0);
	tq_is(st.st_uid, 0);
}

static void run_traffic(struct tq_task *task)
{
	char buf[TQ_SMALL_MAX] = "";

	while (!atomic_load((atomic_int *)task->arg))
		if (task->number)
			tq_true(write(task->fd, buf, sizeof(buf)) > 0 ||
				errno == EAGAIN, "write fails");
		else
			tq_true(read(task->fd, buf, sizeof(buf)) > 0 ||
				errno == EAGAIN, "read fails");
}

/* Looked at in the midst of traffic: never more than there can be. */
static void numbers_in_traffic(void)
{
	double end = tq_now() + tq_seconds(0.5);
	atomic_int stop = 0;
	struct tq_task tasks[2];
	int fd = tq_open(O_RDWR), i;

	for (i = 0; i < 2; i++) {
		tasks[i] = (struct tq_task){
			.fd = tq_open(O_RDWR | O_NONBLOCK), .arg = &stop, .number = i,
		};
		tq_start(&tasks[i], run_traffic);
	}
	while (tq_now() < end) {
		long bytes = tq_value("bytes"), messages = tq_value("messages");
		long rest = field(fd, "bytes"), next = tq_fionread(fd);

		tq_true(bytes >= 0 && bytes <= 4096, "bytes is %ld", bytes);
		tq_true(rest >= 0 && rest <= 4096, "bytes is %ld in fdinfo", rest);
		tq_true(messages >= 0 && messages <= 4096 / 48, "messages is %ld",
			messages);
		tq_true(!next || next == (long)TQ_SMALL_MAX, "FIONREAD gives %ld",
			next);
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 2; i++) {
		tq_finish(&tasks[i]);
		close(tasks[i].fd);
	}
	tq_drain();
	close(fd);
}

static const struct tq_test tests[] = {
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
	return tq_main("inspect", tests, ARRAY_SIZE(tests), argc, argv);
}
