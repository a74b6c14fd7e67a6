// SPDX-License-Identifier: GPL-2.0-only
/* Queues removed, with force and without. */
#include "control.h"

void only_when_unused(void)
{
	char byte;
	int fd;

	t_create("used", TQ_PAGE);
	fd = t_open_queue("used", O_RDWR);
	t_errno(t_remove_call("used", 0), EBUSY);
	t_send(fd, 10, 1);
	t_errno(t_remove_call("used", 0), EBUSY);
	close(fd);
	t_errno(t_remove_call("used", 0), EBUSY);
	fd = t_open_queue("used", O_RDWR);
	t_is(read(fd, &byte, 1), 1);
	t_errno(t_remove_call("used", 0), EBUSY);
	close(fd);
	/* The rest came back. */
	t_errno(t_remove_call("used", 0), EBUSY);
	fd = t_open_queue("used", O_RDONLY);
	t_receive_rest(fd, 9, 1, 1);
	close(fd);
	t_remove("used");
	no_trace("used");
}

void with_force(void)
{
	int fd;

	t_create("forced", TQ_PAGE);
	fd = t_open_queue("forced", O_RDWR);
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	t_is(t_remove_call("forced", TQUEUE_REMOVE_FORCE), 0);
	no_trace("forced");
	/* The name is free at once, and is another queue. */
	t_create("forced", TQ_PAGE);
	works("forced");
	t_errno(read(fd, &(char){ 0 }, 1), EIDRM);
	close(fd);
	works("forced");
	t_remove("forced");
	t_create("forced", TQ_PAGE);
	fd = t_open_queue("forced", O_WRONLY);
	t_send(fd, 10, 1);
	close(fd);
	t_is(t_remove_call("forced", TQUEUE_REMOVE_FORCE), 0);
	no_trace("forced");
}

void holds_the_module(void)
{
	int control = t_control();

	t_create("holds", TQ_PAGE);
	close(control);
	t_is(t_unload(), EAGAIN);
	control = open(TQ_CONTROL, O_RDWR | O_CLOEXEC);
	t_is(ioctl(control, TQUEUE_CTL_REMOVE, &(struct tqueue_select){
		.name = "holds" }), 0);
	/* The control device itself holds it while it is open. */
	t_is(t_unload(), EAGAIN);
	close(control);
	t_is(t_unload(), 0);
	/* Of a node that is there without the driver, udev is the owner. */
	t_errno(access("/sys/class/misc/tqueue-control", F_OK), ENOENT);
}

/* Removed but open: the code is still needed. */
void holds_the_module_when_removed(void)
{
	int control = t_control(), fd;

	t_create("holds", TQ_PAGE);
	fd = t_open_queue("holds", O_RDWR);
	t_send(fd, 100, 1);
	t_is(t_remove_call("holds", TQUEUE_REMOVE_FORCE), 0);
	close(control);
	t_is(t_unload(), EAGAIN);
	close(fd);
	t_is(t_unload(), 0);
}

static long available(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

/* 400 MB in all: more than there is, were it not given back. */
void gives_memory_back(void)
{
	long before, after;
	int i, fd;

	t_create("big", 1 << 21);
	t_remove("big");
	before = available();
	for (i = 0; i < 200; i++) {
		t_create("big", 1 << 21);
		if (i % 10 == 0) {
			fd = t_open_queue("big", O_RDWR);
			t_fill_file(fd, 100000, 1);
			t_is(read(fd, &(char){ 0 }, 1), 1);
			t_is(t_remove_call("big", TQUEUE_REMOVE_FORCE), 0);
			close(fd);
		} else {
			t_remove("big");
		}
	}
	after = available();
	t_true(before - after < 16 * TQ_PAGE, "%ld KiB are gone", before - after);
}

/* A minor that was just given up may still be in somebody's hands. */
void numbers_are_not_used_again_at_once(void)
{
	struct tqueue_info first, second;

	t_create("number", TQ_PAGE);
	first = t_get("number");
	t_remove("number");
	t_create("number", TQ_PAGE);
	second = t_get("number");
	t_is(first.major, second.major);
	t_true(first.minor != second.minor, "minor %u is used again", first.minor);
	t_remove("number");
}
