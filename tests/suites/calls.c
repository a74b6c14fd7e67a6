// SPDX-License-Identifier: GPL-2.0
/* See calls.h. */
#include "calls.h"

/* ---- named queues ------------------------------------------------------ */

int tq_control(void)
{
	static int control = -1;

	if (control < 0) {
		control = open(TQ_CONTROL, O_RDWR | O_CLOEXEC);
		tq_true(control >= 0, "open(%s) fails with %s", TQ_CONTROL,
			strerrorname_np(errno));
	}
	return control;
}

struct tqueue_create tq_creation(const char *name)
{
	struct tqueue_create create = { .mode = 0600 };

	tq_true(strlen(name) <= TQUEUE_NAME_MAX, "the name %s is too long", name);
	strcpy(create.name, name);
	return create;
}

int tq_create_call(const struct tqueue_create *create)
{
	return ioctl(tq_control(), TQUEUE_CTL_CREATE, create);
}

void tq_create_with(const char *name, size_t size, unsigned int overflow,
		    unsigned int end_of_file)
{
	struct tqueue_create create = tq_creation(name);

	create.config.size = size;
	create.config.overflow = overflow;
	create.config.end_of_file = end_of_file;
	create.config.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_OVERFLOW |
			       TQUEUE_CONFIG_END_OF_FILE;
	tq_is(tq_create_call(&create), 0);
}

void tq_create(const char *name, size_t size)
{
	tq_create_with(name, size, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_NEVER);
}

static struct tqueue_select selection(const char *name)
{
	struct tqueue_select select = { 0 };

	tq_true(strlen(name) <= TQUEUE_NAME_MAX, "the name %s is too long", name);
	strcpy(select.name, name);
	return select;
}

int tq_select_call(unsigned long request, const char *name)
{
	struct tqueue_select select = selection(name);

	return ioctl(tq_control(), request, &select);
}

int tq_remove_call(const char *name, unsigned int flags)
{
	struct tqueue_select select = selection(name);

	select.flags = flags;
	return ioctl(tq_control(), TQUEUE_CTL_REMOVE, &select);
}

void tq_remove(const char *name)
{
	tq_is(tq_remove_call(name, 0), 0);
}

void tq_remove_all(void)
{
	struct tqueue_info info = { 0 };

	while (!ioctl(tq_control(), TQUEUE_CTL_NEXT, &info))
		if (strcmp(info.name, "tqueue"))
			tq_remove_call(info.name, TQUEUE_REMOVE_FORCE);
}

char *tq_queue_path(const char *name)
{
	static __thread char path[sizeof(TQ_DIRECTORY) + TQUEUE_NAME_MAX + 2];

	snprintf(path, sizeof(path), TQ_DIRECTORY "/%s", name);
	return path;
}

int tq_open_queue_call(const char *name, int flags)
{
	return open(tq_queue_path(name), flags | O_CLOEXEC);
}

int tq_open_queue(const char *name, int flags)
{
	int fd = tq_open_queue_call(name, flags);

	tq_true(fd >= 0, "open(%s, %#x) fails with %s", tq_queue_path(name), flags,
		strerrorname_np(errno));
	return fd;
}

int tq_open_small(const char *name)
{
	tq_create(name, 4096);
	return tq_open_queue(name, O_RDWR);
}

struct tqueue_info tq_get(const char *name)
{
	struct tqueue_info info = { 0 };

	strcpy(info.name, name);
	tq_is(ioctl(tq_control(), TQUEUE_CTL_GET, &info), 0);
	return info;
}

struct tqueue_info tq_info(int fd)
{
	struct tqueue_info info;

	memset(&info, 0xa5, sizeof(info));
	tq_is(ioctl(fd, TQUEUE_INFO, &info), 0);
	return info;
}

static int set_call(const char *name, const struct tqueue_config *config)
{
	struct tqueue_set set = { .config = *config };

	strcpy(set.name, name);
	return ioctl(tq_control(), TQUEUE_CTL_SET, &set);
}

int tq_set_call(const char *name, unsigned int fields, uint64_t size,
		uint64_t max_message)
{
	struct tqueue_config config = {
		.fields = fields, .size = size, .max_message = max_message,
	};

	return set_call(name, &config);
}

int tq_policy_call(const char *name, unsigned int fields, unsigned int overflow,
		   unsigned int end_of_file)
{
	struct tqueue_config config = {
		.fields = fields, .overflow = overflow,
		.end_of_file = end_of_file,
	};

	return set_call(name, &config);
}

/* ---- records ------------------------------------------------------------ */

uint64_t tq_deadline(double seconds)
{
	return (tq_now() + seconds * tq_slow()) * 1e9;
}

struct tqueue_record *tq_at(void *buf, size_t at)
{
	return (struct tqueue_record *)((char *)buf + at);
}

size_t tq_put(void *buf, size_t at, size_t len, uint64_t seed)
{
	struct tqueue_record *record = tq_at(buf, at);

	memset(record, 0, tq_record(len));
	record->length = len;
	record->header_words = TQUEUE_HEADER_WORDS;
	tq_pattern(record->payload, len, seed, 0);
	return at + tq_record(len);
}

size_t tq_put_many(void *buf, size_t len, uint64_t seed, unsigned int n)
{
	size_t end = 0;

	while (n--)
		end = tq_put(buf, end, len, seed++);
	return end;
}

long tq_send_call(int fd, void *buf, size_t bytes, uint64_t deadline)
{
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = bytes, .deadline = deadline,
	};

	return ioctl(fd, TQUEUE_SEND, &send);
}

long tq_receive_call(int fd, void *buf, size_t room, uint64_t deadline)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

long tq_peek_call(int fd, void *buf, size_t room)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room,
		.flags = TQUEUE_RECEIVE_PEEK,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

long tq_wait_call(int fd, uint64_t id, uint64_t deadline)
{
	struct tqueue_wait wait = { .id = id, .deadline = deadline };

	return ioctl(fd, TQUEUE_WAIT, &wait);
}

void tq_record_at(const char *file, int line, void *buf, size_t *at, size_t end,
		  size_t len, uint64_t seed, unsigned int flags)
{
	struct tqueue_record *record = tq_at(buf, *at);
	size_t i;

	tq_here(file, line);
	if (end - *at < TQ_HEADER || record->length > end - *at - TQ_HEADER)
		tq_fail_at(file, line, "no whole record at byte %zu of %zu", *at, end);
	if (record->length != len)
		tq_fail_at(file, line, "a record of %u bytes, not of the %zu of message %llu",
			   record->length, len, (unsigned long long)seed);
	if (record->header_words != TQUEUE_HEADER_WORDS || record->priority ||
	    record->reserved || record->delivery)
		tq_fail_at(file, line, "header_words %u, priority %u, reserved %u, delivery %u",
			   record->header_words, record->priority,
			   record->reserved, record->delivery);
	if (record->flags != flags)
		tq_fail_at(file, line, "flags %#x, not %#x", record->flags, flags);
	if (tq_differs(record->payload, len, seed, 0) >= 0)
		tq_fail_at(file, line, "byte %zd is not that of message %llu",
			   tq_differs(record->payload, len, seed, 0),
			   (unsigned long long)seed);
	for (i = len; i < tq_record(len) - TQ_HEADER; i++)
		if (record->payload[i])
			tq_fail_at(file, line, "byte %zu of the padding is %#x", i - len,
				   record->payload[i]);
	*at += tq_record(len);
}

void tq_received_at(const char *file, int line, int fd, unsigned int n,
		    size_t len, uint64_t seed)
{
	size_t room = n * tq_record(len), at = 0;
	struct tqueue_receive receive = { .bytes = room, .count = n };
	unsigned char *buf = malloc(room + 64);
	uint64_t last = 0;
	long got;
	size_t i;

	memset(buf, 0xa5, room + 64);
	receive.records = (uintptr_t)buf;
	got = ioctl(fd, TQUEUE_RECEIVE, &receive);
	if (got != (long)n)
		tq_fail_at(file, line, "RECEIVE gives %ld (%s), not %u", got,
			   got < 0 ? strerrorname_np(errno) : "", n);
	if (receive.bytes != room)
		tq_fail_at(file, line, "%llu bytes, not %zu",
			   (unsigned long long)receive.bytes, room);
	for (i = 0; i < n; i++) {
		uint64_t id = tq_at(buf, at)->id;

		if (id <= last)
			tq_fail_at(file, line, "id %llu after %llu",
				   (unsigned long long)id, (unsigned long long)last);
		last = id;
		tq_record_at(file, line, buf, &at, room, len, seed + i, 0);
	}
	for (i = room; i < room + 64; i++)
		if (buf[i] != 0xa5)
			tq_fail_at(file, line, "RECEIVE writes beyond its room");
	free(buf);
}

void tq_empty_at(const char *file, int line, int fd)
{
	uint64_t buf[512];
	long got = tq_peek_call(fd, buf, sizeof(buf));

	tq_here(file, line);
	if (got != -1 || errno != EAGAIN)
		tq_fail_at(file, line, "the queue is not empty: %ld (%s)", got,
			   got < 0 ? strerrorname_np(errno) : "");
}

void tq_end_at(const char *file, int line, int fd)
{
	struct tqueue_info info;

	tq_empty_at(file, line, fd);
	info = tq_info(fd);
	if (info.messages || info.bytes || info.in_hand)
		tq_fail_at(file, line,
			   "%llu messages, %llu bytes and %u in hand are left",
			   (unsigned long long)info.messages,
			   (unsigned long long)info.bytes,
			   info.in_hand);
	close(fd);
	tq_remove(info.name);
}

/* ---- calls that are expected to sleep ------------------------------------- */

static void run_send(struct tq_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_SEND, task->arg);
	task->error = errno;
}

static void run_receive(struct tq_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_RECEIVE, task->arg);
	task->error = errno;
}

static void run_wait(struct tq_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_WAIT, task->arg);
	task->error = errno;
}

void tq_start_send(struct tq_batch *batch, int fd, void *buf, size_t bytes,
		   uint64_t deadline)
{
	batch->send = (struct tqueue_send){
		.records = (uintptr_t)buf, .bytes = bytes, .deadline = deadline,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->send;
	tq_start(&batch->task, run_send);
}

void tq_start_receive(struct tq_batch *batch, int fd, void *buf, size_t room,
		      uint64_t deadline)
{
	batch->receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->receive;
	tq_start(&batch->task, run_receive);
}

void tq_start_wait(struct tq_batch *batch, int fd, uint64_t id,
		   uint64_t deadline)
{
	batch->wait = (struct tqueue_wait){ .id = id, .deadline = deadline };
	batch->task.fd = fd;
	batch->task.arg = &batch->wait;
	tq_start(&batch->task, run_wait);
}

void tq_result_at(const char *file, int line, struct tq_task *task,
		  ssize_t want, int error)
{
	tq_finish_at(file, line, task);
	if (task->result == want && (want >= 0 || task->error == error))
		return;
	tq_fail_at(file, line, "the call gives %zd (%s), not %zd (%s)",
		   task->result,
		   task->result < 0 ? strerrorname_np(task->error) : "", want,
		   want < 0 ? strerrorname_np(error) : "");
}
