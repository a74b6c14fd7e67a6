// SPDX-License-Identifier: GPL-2.0-only
/* Queues made, changed, looked at, polled. */
#include "library.h"

void stop_and_start(void)
{
	int fd = open_queue("tqueue", O_RDWR);
	struct tqueue_record *record = malloc(TQUEUE_RECORD_BYTES(8));
	struct tqueue_info info;

	t_is(tqueue_send(fd, "left", 4, 0), 0);
	t_is(tqueue_stop(fd), 0);
	t_is(tqueue_stop(fd), 0);
	t_is(tqueue_get(fd, &info), 0);
	t_is(info.state, TQUEUE_STATE_STOPPED);
	t_is(tqueue_get_by_name("tqueue", &info), 0);
	t_is(info.state, TQUEUE_STATE_STOPPED);
	t_errno(tqueue_send(fd, "x", 1, 0), ESHUTDOWN);
	t_errno(tqueue_send(fd, "x", 1, TQUEUE_FOREVER), ESHUTDOWN);
	t_is(tqueue_receive(fd, record, TQUEUE_RECORD_BYTES(8), 0), 1);
	t_is(tqueue_receive(fd, record, TQUEUE_RECORD_BYTES(8),
			    TQUEUE_FOREVER), 0);
	t_is(tqueue_start(fd), 0);
	t_errno(tqueue_receive(fd, record, TQUEUE_RECORD_BYTES(8), 0), EAGAIN);
	free(record);
	close(fd);
}

/* Both ways of asking agree. */
static void agree(const char *name, int fd, int ctl)
{
	struct tqueue_info open, sysfs, by_control;
	struct stat st;

	t_is(tqueue_get(fd, &open), 0);
	t_is(tqueue_get_by_name(name, &sysfs), 0);
	t_is(tqueue_control_get(ctl, name, &by_control), 0);
	t_is(memcmp(&open, &by_control, sizeof(open)), 0);
	t_is(strcmp(open.name, name), 0);
	t_is(fstat(fd, &st), 0);
	t_is(open.major, major(st.st_rdev));
	t_is(open.minor, minor(st.st_rdev));
	open.features = 0;
	open.last_id = 0;
	t_is(sysfs.size, open.size);
	t_is(sysfs.max_message, open.max_message);
	t_is(sysfs.bytes, open.bytes);
	t_is(sysfs.messages, open.messages);
	t_is(sysfs.received, open.received);
	t_is(sysfs.dropped, open.dropped);
	t_is(sysfs.overflow, open.overflow);
	t_is(sysfs.end_of_file, open.end_of_file);
	t_is(sysfs.state, open.state);
	t_is(sysfs.readers, open.readers);
	t_is(sysfs.writers, open.writers);
	t_is(memcmp(&open, &sysfs, sizeof(open)), 0);
}

void administration(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_OVERFLOW,
		.size = 4 * TQ_PAGE,
		.overflow = TQUEUE_OVERFLOW_DROP_OLDEST,
	};
	struct tqueue_info info = { 0 };
	int ctl = open_control(), fd, i, named = 0;
	char **list, text[8] = "";
	struct tqueue_record *record = malloc(TQ_PAGE);
	struct stat st;
	uint64_t features;

	t_is(tqueue_control_features(ctl, &features), 0);
	t_true(features & TQUEUE_FEATURE_CONTROL, "no named queues");
	t_is(tqueue_control_create(ctl, "lib.b", &config, 1, 2, 0640), 0);
	t_is(tqueue_control_create(ctl, "lib.a", NULL, -1, -1, 0600), 0);
	t_errno(tqueue_control_create(ctl, "lib.a", NULL, -1, -1, 0600), EEXIST);
	t_errno(tqueue_control_create(ctl, "lib/a", NULL, -1, -1, 0600), EINVAL);
	t_is(stat("/dev/tq/lib.b", &st), 0);
	t_is(st.st_uid, 1);
	t_is(st.st_gid, 2);
	t_is(st.st_mode, S_IFCHR | 0640);
	t_is(stat("/dev/tq/lib.a", &st), 0);
	t_is(st.st_uid, geteuid());

	list = tqueue_list();
	t_true(list, "no list: %s", tqueue_strerror(errno));
	for (i = 0; list[i]; i++) {
		t_true(!i || strcmp(list[i - 1], list[i]) < 0, "not sorted");
		t_is(tqueue_control_next(ctl, &info), 1);
		t_is(strcmp(info.name, list[i]), 0);
		named += !strncmp(list[i], "lib.", 4);
	}
	t_is(tqueue_control_next(ctl, &info), 0);
	t_is(named, 2);
	free(list);

	fd = open_queue("lib.b", O_RDWR);
	agree("lib.b", fd, ctl);
	t_is(tqueue_get(fd, &info), 0);
	t_is(info.size, 4 * TQ_PAGE);
	t_is(info.overflow, TQUEUE_OVERFLOW_DROP_OLDEST);
	for (i = 0; i < TQ_PAGE / 4; i++) {
		snprintf(text, sizeof(text), "%d", i);
		t_is(tqueue_send(fd, text, sizeof(text), 0), 0);
	}
	agree("lib.b", fd, ctl);
	t_is(tqueue_receive(fd, record, TQ_PAGE, 0), 1);
	t_true(record->flags & TQUEUE_FLAG_DROPPED, "nothing is marked as lost");
	t_is(tqueue_get(fd, &info), 0);
	t_is(atoi(tqueue_payload(record)), info.dropped);
	config.fields = TQUEUE_CONFIG_OVERFLOW | TQUEUE_CONFIG_END_OF_FILE;
	config.overflow = TQUEUE_OVERFLOW_REJECT;
	config.end_of_file = TQUEUE_EOF_LAST_WRITER;
	t_is(tqueue_set(fd, &config), 0);
	t_is(tqueue_control_stop(ctl, "lib.b"), 0);
	agree("lib.b", fd, ctl);
	t_is(tqueue_control_start(ctl, "lib.b"), 0);
	fill_up(fd);
	t_errno(tqueue_send(fd, text, 1, TQUEUE_FOREVER), ENOBUFS);
	config.fields = TQUEUE_CONFIG_SIZE;
	config.size = 8 * TQ_PAGE;
	t_is(tqueue_control_set(ctl, "lib.b", &config), 0);
	t_is(tqueue_get(fd, &info), 0);
	t_is(info.size, 8 * TQ_PAGE);

	t_errno(tqueue_control_remove(ctl, "lib.b", 0), EBUSY);
	t_is(tqueue_control_remove(ctl, "lib.b", TQUEUE_REMOVE_FORCE), 0);
	t_errno(tqueue_send(fd, "x", 1, TQUEUE_FOREVER), EIDRM);
	t_errno(tqueue_receive(fd, record, TQ_PAGE, TQUEUE_FOREVER), EIDRM);
	t_errno(tqueue_control_get(ctl, "lib.b", &info), ENOENT);
	t_errno(tqueue_get_by_name("lib.b", &info), ENOENT);
	t_is(tqueue_control_remove(ctl, "lib.a", 0), 0);
	t_errno(tqueue_control_remove(ctl, "lib.a", 0), ENOENT);
	close(fd);
	close(ctl);
	free(record);
}

/*
 * Who looks is neither a reader nor a writer: it ends nothing for readers, and
 * breaks nothing for writers.
 */
void looking(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_END_OF_FILE | TQUEUE_CONFIG_NO_READER,
		.end_of_file = TQUEUE_EOF_LAST_WRITER,
		.no_reader = TQUEUE_NO_READER_ERROR,
	};
	struct tqueue_record record[2];
	struct tqueue_info info;
	int ctl = open_control(), look, in, out;

	t_is(tqueue_control_create(ctl, "looked-at", &config, -1, -1, 0600), 0);
	in = open_queue("looked-at", O_RDONLY);
	t_errno(tqueue_receive(in, record, sizeof(record), 0), EAGAIN);
	look = open_queue("looked-at", TQUEUE_O_LOOK);
	t_errno(tqueue_send(look, "x", 1, 0), EBADF);
	t_errno(tqueue_receive(look, record, sizeof(record), 0), EBADF);
	t_errno(tqueue_peek(look, record, sizeof(record), tqueue_deadline(20)), ETIMEDOUT);
	t_is(tqueue_get(look, &info), 0);
	t_is(info.readers, 1);
	t_is(info.writers, 0);
	close(look);
	/* No writer left. */
	t_errno(tqueue_receive(in, record, sizeof(record), 0), EAGAIN);
	close(in);

	look = open_queue("looked-at", TQUEUE_O_LOOK | O_NONBLOCK);
	out = open_queue("looked-at", O_WRONLY);
	t_is(tqueue_send(out, "x", 1, 0), 0);
	t_is(tqueue_peek(look, record, sizeof(record), 0), 1);
	t_is(record->length, 1);
	t_errno(tqueue_wait(look, record->id, TQUEUE_FOREVER), EAGAIN);
	config.fields = TQUEUE_CONFIG_OVERFLOW;
	t_is(tqueue_set(look, &config), 0);
	t_is(tqueue_stop(look), 0);
	t_is(tqueue_start(look), 0);
	t_is(tqueue_get(look, &info), 0);
	t_is(info.messages, 1);
	t_is(info.readers, 0);
	t_is(info.writers, 1);
	close(look);
	/* No reader left. */
	t_is(tqueue_send(out, "x", 1, 0), 0);

	/* The last ones that do count. */
	in = open_queue("looked-at", O_RDONLY);
	t_is(tqueue_peek(in, record, sizeof(record), 0), 1);
	t_errno(tqueue_peek(out, record, sizeof(record), 0), EBADF);
	close(in);
	t_is(tqueue_send(out, "x", 1, 0), 0);
	in = open_queue("looked-at", O_RDONLY);
	t_is(tqueue_receive(in, record, sizeof(record), 0), 1);
	close(in);
	t_errno(tqueue_send(out, "x", 1, 0), EPIPE);
	close(out);
	t_is(tqueue_control_remove(ctl, "looked-at", TQUEUE_REMOVE_FORCE), 0);
	close(ctl);
}

/* A descriptor in a poll loop. */
void polling(void)
{
	int fd = open_queue("tqueue", O_RDWR);
	struct pollfd watched = { .fd = fd, .events = POLLIN };
	struct tqueue_record record[2];

	t_is(poll(&watched, 1, 0), 0);
	t_is(tqueue_send(fd, "x", 1, 0), 0);
	t_is(poll(&watched, 1, 0), 1);
	t_is(watched.revents, POLLIN);
	t_is(tqueue_receive(fd, record, 48, 0), 1);
	/* An empty message is none to those who read. */
	t_is(tqueue_send(fd, "", 0, 0), 0);
	t_is(poll(&watched, 1, 0), 0);
	watched.events = POLLMSG;
	t_is(poll(&watched, 1, 0), 1);
	t_is(watched.revents, POLLMSG);
	t_is(tqueue_receive(fd, record, 40, 0), 1);
	t_is(poll(&watched, 1, 0), 0);
	close(fd);
}
