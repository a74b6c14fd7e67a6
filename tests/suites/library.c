// SPDX-License-Identifier: GPL-2.0-only
/* libtqueue: each call, its errors, batches from buffers that lie. */
#include "common.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <tqueue.h>

#define CONTROL	"/dev/tqueue-control"

/* The example of libtqueue(3). */
int example_main(int argc, char **argv);

static int open_queue(const char *name, int flags)
{
	int fd = tqueue_open(name, flags);

	t_true(fd >= 0, "%s cannot be opened: %s", name,
	       tqueue_strerror(errno));
	return fd;
}

static int open_control(void)
{
	int fd = tqueue_control_open(O_RDWR);

	t_true(fd >= 0, "no control device: %s", tqueue_strerror(errno));
	return fd;
}

static void names(void)
{
	char longest[TQUEUE_NAME_MAX + 2], path[TQUEUE_PATH_MAX];

	t_is(tqueue_check_name("a"), 0);
	t_is(tqueue_check_name("Az09._-"), 0);
	t_is(tqueue_check_name("-"), 0);
	t_errno(tqueue_check_name(""), EINVAL);
	t_errno(tqueue_check_name(".a"), EINVAL);
	t_errno(tqueue_check_name("a/b"), EINVAL);
	t_errno(tqueue_check_name("a b"), EINVAL);
	t_errno(tqueue_check_name("\xc3\xa4"), EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[TQUEUE_NAME_MAX + 1] = '\0';
	t_errno(tqueue_check_name(longest), ENAMETOOLONG);
	t_errno(tqueue_path(longest, path, sizeof(path)), ENAMETOOLONG);
	longest[TQUEUE_NAME_MAX] = '\0';
	t_is(tqueue_check_name(longest), 0);
	t_is(tqueue_path(longest, path, sizeof(path)), 0);
	t_is(strlen(path), sizeof(path) - 1);

	t_is(tqueue_path("mail", path, sizeof(path)), 0);
	t_is(strcmp(path, "/dev/tq/mail"), 0);
	t_is(tqueue_path("tqueue", path, sizeof(path)), 0);
	t_is(strcmp(path, TQ_DEVICE), 0);
	t_is(tqueue_path("./x", path, sizeof(path)), 0);
	t_is(strcmp(path, "./x"), 0);
	t_errno(tqueue_path("mail", path, strlen("/dev/tq/mail")), ERANGE);
	t_errno(tqueue_path("..", path, sizeof(path)), EINVAL);
}

static void deadlines(void)
{
	uint64_t before = t_now() * 1e9, then = tqueue_deadline(1500);

	t_true(then > before + 1400000000 && then < before + 60000000000,
	       "1500 ms end at %llu, now is %llu", (unsigned long long)then,
		(unsigned long long)before);
	t_is(tqueue_deadline(0), 0);
	t_is(tqueue_deadline(-1), TQUEUE_FOREVER);
	t_is(tqueue_deadline(INT64_MIN), TQUEUE_FOREVER);
	t_is(tqueue_deadline(INT64_MAX), TQUEUE_FOREVER);
	t_true(tqueue_deadline(INT32_MAX) != TQUEUE_FOREVER,
	       "24 days are for ever");
}

/* What a batch is filled with comes out of it. */
static void filling(void)
{
	char *buffer = t_edge(TQ_PAGE - 3), text[64];
	const struct tqueue_record *record;
	struct tqueue_batch batch;
	size_t room, sent = 0, seen = 0;
	void *to;

	/* Not aligned, and what lies behind it faults. */
	tqueue_batch_init(&batch, buffer, TQ_PAGE - 3);
	t_is(tqueue_batch_bytes(&batch), 0);
	t_is(tqueue_batch_next(&batch, &record), 0);
	while (tqueue_batch_room(&batch, &room)) {
		size_t length = sent % 19;

		if (length > room)
			break;
		t_pattern(text, length, sent, 0);
		if (sent % 2) {
			t_is(tqueue_batch_add(&batch, text, length), 0);
		} else {
			to = tqueue_batch_room(&batch, &room);
			memcpy(to, text, length);
			t_is(tqueue_batch_commit(&batch, length), 0);
		}
		sent++;
	}
	t_true(sent > 70, "only %zu records fit", sent);
	t_errno(tqueue_batch_add(&batch, text, 64), ENOBUFS);
	t_errno(tqueue_batch_commit(&batch, TQUEUE_LENGTH_MAX + 1UL), EMSGSIZE);
	while (tqueue_batch_next(&batch, &record) == 1) {
		const unsigned char *payload = tqueue_payload(record);
		size_t i;

		t_is(record->length, seen % 19);
		t_is(t_differs(payload, record->length, seen, 0), -1);
		for (i = record->length; i % 8; i++)
			t_is(payload[i], 0);
		seen++;
	}
	t_is(seen, sent);
	t_is(tqueue_batch_bytes(&batch), 0);

	/* Nothing fits into nothing. */
	tqueue_batch_init(&batch, buffer, TQUEUE_RECORD_BYTES(0) - 1);
	t_true(!tqueue_batch_room(&batch, &room) && !room, "there is room");
	t_errno(tqueue_batch_add(&batch, "", 0), ENOBUFS);
	tqueue_batch_init(&batch, buffer, 2);
	t_errno(tqueue_batch_commit(&batch, 0), ENOBUFS);
	t_errno(tqueue_batch_load(&batch, buffer + 1, 8), EINVAL);
}

/* Walks a batch, and looks at every byte that it shows; how it ends. */
static int walk(struct tqueue_batch *batch, size_t *records)
{
	const unsigned char *end = batch->buffer + batch->end;
	const struct tqueue_record *record;
	volatile unsigned char sum = 0;
	int result;

	*records = 0;
	while ((result = tqueue_batch_next(batch, &record)) == 1) {
		const unsigned char *payload = tqueue_payload(record);
		size_t i;

		t_true((const unsigned char *)record >= batch->buffer &&
		       payload + record->length <= end, "it leaves the buffer");
		for (i = 0; i < record->length; i++)
			sum += payload[i];
		++*records;
		t_true(*records < 1000, "it goes on for ever");
	}
	if (result < 0)
		t_is(errno, EBADMSG);
	else
		t_is(tqueue_batch_bytes(batch), 0);
	return result;
}

/* No buffer makes the walk leave it, hang or invent records. */
static void hostile(void)
{
	enum { BYTES = 8 * 48 };
	unsigned char *buffer = (void *)t_edge(BYTES);
	uint64_t good[BYTES / 8];
	struct tqueue_record *first = (void *)buffer;
	struct tqueue_batch batch;
	unsigned int seed = 1, torn = 0;
	size_t records, bytes;
	int round, i;

	tqueue_batch_init(&batch, good, sizeof(good));
	for (i = 0; !tqueue_batch_add(&batch, "0123456789", i % 11); i++)
		;
	bytes = batch.end;
	memcpy(buffer, good, BYTES);
	t_is(tqueue_batch_load(&batch, buffer, bytes), 0);
	t_is(walk(&batch, &records), 0);
	t_is(records, i);

	/* Cut off anywhere. */
	for (i = 0; i < (int)bytes; i++) {
		memcpy(buffer + BYTES - bytes, good, bytes);
		memmove(buffer, buffer + BYTES - bytes, bytes);
		t_is(tqueue_batch_load(&batch, buffer, i), 0);
		if (walk(&batch, &records) < 0)
			torn++;
	}
	t_true(torn > bytes / 2, "only %u of %zu cuts are noticed", torn,
	       bytes);

	/* Each field as wrong as it can be. */
	for (i = 0; i < 256; i++) {
		memcpy(buffer, good, BYTES);
		first->header_words = i;
		t_is(tqueue_batch_load(&batch, buffer, bytes), 0);
		if (i < TQUEUE_HEADER_WORDS)
			t_is(walk(&batch, &records), -1);
		else
			walk(&batch, &records);
	}
	for (i = 0; i < 32; i++) {
		memcpy(buffer, good, BYTES);
		first->length = 0xffffffffU << i;
		t_is(tqueue_batch_load(&batch, buffer, bytes), 0);
		if (i < 31 && (0xffffffffU << i) > BYTES)
			t_is(walk(&batch, &records), -1);
		first->length = 1U << i;
		t_is(tqueue_batch_load(&batch, buffer, bytes), 0);
		walk(&batch, &records);
	}
	memcpy(buffer, good, BYTES);
	first->length = BYTES - TQ_HEADER;
	t_is(tqueue_batch_load(&batch, buffer, BYTES), 0);
	t_is(walk(&batch, &records), 0);
	t_is(records, 1);
	first->length++;
	t_is(tqueue_batch_load(&batch, buffer, BYTES), 0);
	t_is(walk(&batch, &records), -1);

	/* Anything at all. */
	for (round = 0; round < 20000; round++) {
		memcpy(buffer, good, BYTES);
		for (i = rand_r(&seed) % 8; i >= 0; i--)
			buffer[rand_r(&seed) % BYTES] = rand_r(&seed);
		t_is(tqueue_batch_load(&batch, buffer,
				       rand_r(&seed) % (BYTES + 1)), 0);
		walk(&batch, &records);
	}
}

/* What is no queue, or not there, is told apart. */
static void no_queue(void)
{
	struct tqueue_info info;
	int fd;

	t_errno(tqueue_open("no-such-queue", O_RDONLY), ENOENT);
	t_errno(tqueue_open("/dev/tq/no-such-queue", O_RDONLY), ENOENT);
	t_errno(tqueue_open("/tmp/no-such-file", O_RDONLY), ENOENT);
	t_errno(tqueue_open("", O_RDONLY), EINVAL);
	t_errno(tqueue_open("..", O_RDONLY), EINVAL);
	t_errno(tqueue_open("tqueue", O_RDWR | O_CREAT), EINVAL);
	t_errno(tqueue_open("/dev/null", O_RDWR), ENOTTY);
	t_errno(tqueue_open("/proc/self/maps", O_RDONLY), ENOTTY);
	t_errno(tqueue_control_open(O_RDONLY | O_TRUNC), EINVAL);
	t_errno(tqueue_get_by_name("no-such-queue", &info), ENOENT);
	t_errno(tqueue_get_by_name("../mem/null", &info), EINVAL);

	fd = open_queue("tqueue", O_RDWR | O_NONBLOCK);
	t_is(fcntl(fd, F_GETFD), FD_CLOEXEC);
	t_true(fcntl(fd, F_GETFL) & O_NONBLOCK, "it is not O_NONBLOCK");
	/* A call of the control device, on a queue. */
	t_errno(tqueue_control_start(fd, "tqueue"), ENOTTY);
	close(fd);
	fd = open_queue(TQ_DEVICE, O_RDONLY);
	t_errno(tqueue_send(fd, "x", 1, 0), EBADF);
	t_errno(tqueue_send(fd, "x", 1, TQUEUE_FOREVER), EBADF);
	close(fd);
	t_errno(tqueue_get(fd, &info), EBADF);
}

/* Without the driver, every call that looks for it says so. */
static void no_driver(void)
{
	struct tqueue_info info;
	char text[512];

	t_is(t_unload(), 0);
	t_errno(tqueue_open("tqueue", O_RDWR), TQUEUE_ENODRIVER);
	t_errno(tqueue_open("mail", O_RDWR), TQUEUE_ENODRIVER);
	t_errno(tqueue_open("/tmp/mail", O_RDWR), ENOENT);
	t_errno(tqueue_get_by_name("tqueue", &info), TQUEUE_ENODRIVER);
	t_true(!tqueue_list() && errno == TQUEUE_ENODRIVER,
	       "the list fails with %s", strerror(errno));
	tqueue_explain("mail", TQUEUE_ENODRIVER, text, sizeof(text));
	t_true(strstr(text, "modprobe tqueue"), "no cure in: %s", text);

	/* Where there is a modprobe, opening the node would load it. */
	if (access("/sbin/modprobe", X_OK)) {
		t_errno(tqueue_control_open(O_RDWR), TQUEUE_ENODRIVER);
		t_is(mknod(CONTROL, S_IFCHR | 0600, makedev(10, 243)), 0);
		t_errno(tqueue_control_open(O_RDWR), TQUEUE_ENODRIVER);
		unlink(CONTROL);
	}
	t_is(t_load(""), 0);
}

/* From now on the driver answers like one that has no ioctls. */
static void forget_ioctls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { ARRAY_SIZE(code), code };

	t_is(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	t_is(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

static void old_driver(void)
{
	struct tqueue_batch batch = { 0 };
	int fd = open_queue("tqueue", O_RDWR), ctl = open_control();
	uint64_t space[8], features;
	int null = open("/dev/null", O_RDWR);
	struct tqueue_info info;

	forget_ioctls();
	t_errno(tqueue_open("tqueue", O_RDWR), TQUEUE_EOLDDRIVER);
	t_errno(tqueue_get(fd, &info), TQUEUE_EOLDDRIVER);
	tqueue_batch_init(&batch, space, sizeof(space));
	t_errno(tqueue_receive_batch(fd, &batch, 0, 0), TQUEUE_EOLDDRIVER);
	t_errno(tqueue_control_features(ctl, &features), TQUEUE_EOLDDRIVER);
	t_errno(tqueue_control_features(fd, &features), ENOTTY);
	t_errno(tqueue_get(null, &info), ENOTTY);
	close(null);
	close(ctl);
	close(fd);
}

/* Sends and receives one message of that length, and peeks at it before. */
static void one(int fd, size_t length, uint64_t deadline)
{
	size_t bytes = TQUEUE_RECORD_BYTES(length);
	struct tqueue_record *record = malloc(bytes), *peeked = malloc(bytes);
	char *data = malloc(length + 1);

	t_pattern(data, length, length, 0);
	t_is(tqueue_send(fd, data, length, deadline), 0);
	t_is(tqueue_peek(fd, peeked, bytes, 0), 1);
	if (length) {
		t_errno(tqueue_receive(fd, record, bytes - 8, deadline),
			EMSGSIZE);
		t_true(record->length >= length && record->length < length + 8,
		       "%u are needed for %zu", record->length, length);
	}
	t_is(tqueue_receive(fd, record, bytes, deadline), 1);
	t_is(memcmp(record, peeked, bytes), 0);
	t_is(record->length, length);
	t_is(t_differs(tqueue_payload(record), length, length, 0), -1);
	t_is(record->pid, getpid());
	t_is(record->uid, geteuid());
	t_errno(tqueue_receive(fd, record, bytes, 0), EAGAIN);
	free(data);
	free(peeked);
	free(record);
}

static void one_message(void)
{
	int fd = open_queue("tqueue", O_RDWR);
	struct tqueue_record record;
	size_t most = t_max_message();

	one(fd, 0, 0);
	one(fd, 0, TQUEUE_FOREVER);
	one(fd, 1, 0);
	one(fd, 64, TQUEUE_FOREVER);
	one(fd, TQ_PAGE, tqueue_deadline(10000));
	one(fd, TQ_PAGE + 1, tqueue_deadline(10000));
	one(fd, TQ_PAGE + 1, 0);
	one(fd, most, 0);
	one(fd, most, TQUEUE_FOREVER);
	one(fd, most, tqueue_deadline(10000));
	t_errno(tqueue_send(fd, "", most + 1, 0), EMSGSIZE);
	t_errno(tqueue_send(fd, "", TQUEUE_LENGTH_MAX + 1UL, 0), EMSGSIZE);
	t_errno(tqueue_receive(fd, &record, sizeof(record) - 1, 0), EINVAL);
	t_errno(tqueue_receive(fd, &record, sizeof(record),
			       tqueue_deadline(20)), ETIMEDOUT);
	t_errno(tqueue_peek(fd, &record, sizeof(record), 1), ETIMEDOUT);
	close(fd);
}

/* A full queue: what may not wait, what waits too long, what gets in. */
static void fill_up(int fd)
{
	struct tqueue_info info;

	while (!tqueue_send(fd, "", 0, 0))
		;
	t_is(errno == EAGAIN || errno == ENOBUFS, 1);
	t_is(tqueue_get(fd, &info), 0);
	t_errno(tqueue_send(fd, "", 0, 0),
		info.overflow == TQUEUE_OVERFLOW_REJECT ? ENOBUFS : EAGAIN);
}

static void send_long(struct t_task *self)
{
	self->result = tqueue_send(self->fd, self->buf, self->len,
				   tqueue_deadline(30000));
	self->error = errno;
}

static void full_queue(void)
{
	static char data[TQ_SMALL_MAX];
	int fd = open_queue("tqueue", O_RDWR);
	struct t_task small = { .fd = fd, .buf = data, .len = 900 };
	struct tqueue_record *record = malloc(2 * TQ_PAGE);
	bool found = false;

	fill_up(fd);
	t_errno(tqueue_send(fd, data, 100, 0), EAGAIN);
	t_errno(tqueue_send(fd, data, 100, tqueue_deadline(20)), ETIMEDOUT);
	t_pattern(data, small.len, 7, 0);
	t_start(&small, send_long);
	t_asleep(&small, SYS_ioctl);
	while (tqueue_receive(fd, record, 2 * TQ_PAGE, 0) == 1)
		if (record->length == small.len)
			found = t_differs(tqueue_payload(record), small.len,
					  7, 0) < 0;
	t_finish(&small);
	t_is(small.result, 0);
	while (!found && tqueue_receive(fd, record, 2 * TQ_PAGE, 0) == 1)
		found = record->length == small.len;
	t_true(found, "what waited for room is not there");
	free(record);
	close(fd);
}

/* The same with a message too long for the stack. */
static void full_queue_long(void)
{
	static char data[10000];
	int fd = open_queue("tqueue", O_RDWR);
	struct t_task sender = { .fd = fd, .buf = data, .len = sizeof(data) };
	struct tqueue_record *record = malloc(4 * TQ_PAGE);
	int got = 0;

	while (!tqueue_send(fd, data, 8000, 0))
		;
	while (!tqueue_send(fd, "", 0, 0))
		;
	t_errno(tqueue_send(fd, data, sizeof(data), 0), EAGAIN);
	t_errno(tqueue_send(fd, data, sizeof(data), tqueue_deadline(20)),
		ETIMEDOUT);
	t_pattern(data, sizeof(data), 9, 0);
	t_start(&sender, send_long);
	t_asleep(&sender, SYS_ioctl);
	while (got != 1) {
		t_is(tqueue_receive(fd, record, 4 * TQ_PAGE, tqueue_deadline(30000)), 1);
		if (record->length != sizeof(data))
			continue;
		t_is(t_differs(tqueue_payload(record), sizeof(data), 9, 0), -1);
		got++;
	}
	t_finish(&sender);
	t_is(sender.result, 0);
	t_errno(tqueue_receive(fd, record, 4 * TQ_PAGE, 0), EAGAIN);
	free(record);
	close(fd);
}

/* More than fits goes in parts, in order, and the ids can be waited for. */
static void batches(void)
{
	uint64_t out[2 * TQ_PAGE / 8], in[128];
	struct tqueue_batch sent, got;
	const struct tqueue_record *record;
	int fd = open_queue("tqueue", O_RDWR);
	uint64_t last = 0;
	int count, i, next = 0, all = 0;

	tqueue_batch_init(&sent, out, sizeof(out));
	tqueue_batch_init(&got, in, sizeof(in));
	t_is(tqueue_send_batch(fd, &sent, TQUEUE_FOREVER), 0);
	while (!tqueue_batch_add(&sent, &all, sizeof(all)))
		all++;
	/* Two pages of records, one of queue. */
	count = tqueue_send_batch(fd, &sent, 0);
	t_true(count > 0 && count < all, "%d of %d are sent", count, all);
	t_errno(tqueue_send_batch(fd, &sent, 0), EAGAIN);
	t_errno(tqueue_send_batch(fd, &sent, tqueue_deadline(20)), ETIMEDOUT);
	t_errno(tqueue_wait(fd, sent.last_id, 0), EAGAIN);
	t_errno(tqueue_wait(fd, TQUEUE_FOREVER, tqueue_deadline(20)),
		ETIMEDOUT);
	t_is(tqueue_receive_batch(fd, &got, 1, 0), 1);
	while (next < all) {
		while (tqueue_batch_next(&got, &record) == 1) {
			memcpy(&i, tqueue_payload(record), sizeof(i));
			t_is(i, next++);
			t_true(record->id > last, "ids do not grow");
			last = record->id;
		}
		if (tqueue_batch_bytes(&sent))
			t_true(tqueue_send_batch(fd, &sent, 0) > 0,
			       "nothing is sent");
		if (next < all)
			t_true(tqueue_receive_batch(fd, &got, 0, 0) > 0,
			       "nothing is received: %s", strerror(errno));
	}
	t_is(sent.end, 0);
	t_is(last, sent.last_id);
	t_is(tqueue_wait(fd, sent.last_id, 0), 0);
	t_is(tqueue_wait(fd, TQUEUE_FOREVER, 0), 0);
	t_errno(tqueue_receive_batch(fd, &got, 0, 0), EAGAIN);
	t_is(tqueue_batch_bytes(&got), 0);

	/* Counted, peeked at, too large for the buffer. */
	for (i = 0; i < 5; i++)
		t_is(tqueue_batch_add(&sent, &i, i), 0);
	t_is(tqueue_send_batch(fd, &sent, 0), 5);
	t_is(tqueue_peek_batch(fd, &got, 3, 0), 3);
	t_is(tqueue_peek_batch(fd, &got, 0, 0), 5);
	t_is(tqueue_receive_batch(fd, &got, 2, 0), 2);
	t_is(tqueue_receive_batch(fd, &got, 0, TQUEUE_FOREVER), 3);
	t_is(tqueue_send(fd, out, 500, 0), 0);
	tqueue_batch_init(&got, in, 256);
	t_errno(tqueue_receive_batch(fd, &got, 0, 0), EMSGSIZE);
	t_is(got.needed, TQUEUE_RECORD_BYTES(500));
	tqueue_batch_init(&got, in, got.needed);
	t_is(tqueue_receive_batch(fd, &got, 0, 0), 1);
	close(fd);
}

/* Many threads on one descriptor: each message once. */
#define SENDERS	3
#define EACH	3000

static atomic_uchar seen[SENDERS][EACH];

static void send_many(struct t_task *self)
{
	struct tqueue_batch batch;
	uint64_t space[256];
	int message[2] = { self->number, 0 };

	tqueue_batch_init(&batch, space, sizeof(space));
	while (message[1] < EACH) {
		while (message[1] < EACH &&
		       !tqueue_batch_add(&batch, message, sizeof(message)))
			message[1]++;
		while (tqueue_batch_bytes(&batch))
			t_true(tqueue_send_batch(self->fd, &batch,
						 TQUEUE_FOREVER) > 0,
				"a sender gets %s", strerror(errno));
	}
}

static void receive_many(struct t_task *self)
{
	struct tqueue_batch batch;
	const struct tqueue_record *record;
	uint64_t space[200];
	int message[2], last[SENDERS], got, i;

	for (i = 0; i < SENDERS; i++)
		last[i] = -1;
	tqueue_batch_init(&batch, space, sizeof(space));
	while ((got = tqueue_receive_batch(self->fd, &batch, 0,
					   TQUEUE_FOREVER)) > 0) {
		while (tqueue_batch_next(&batch, &record) == 1) {
			t_is(record->length, sizeof(message));
			memcpy(message, tqueue_payload(record), sizeof(message));
			t_true(message[0] < SENDERS && message[1] < EACH,
			       "no such message: %d", message[1]);
			t_true(message[1] > last[message[0]], "out of order");
			last[message[0]] = message[1];
			t_is(atomic_fetch_add(&seen[message[0]][message[1]], 1), 0);
			self->count++;
		}
	}
	t_is(got, 0);
}

static void threads(void)
{
	struct t_task senders[SENDERS] = { 0 }, receivers[3] = { 0 };
	int fd = open_queue("tqueue", O_RDWR);
	long total = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i].fd = fd;
		t_start(&receivers[i], receive_many);
	}
	for (i = 0; i < SENDERS; i++) {
		senders[i].fd = fd;
		senders[i].number = i;
		t_start(&senders[i], send_many);
	}
	for (i = 0; i < SENDERS; i++)
		t_finish(&senders[i]);
	t_is(tqueue_wait(fd, TQUEUE_FOREVER, tqueue_deadline(30000)), 0);
	/* End-of-file ends the receivers. */
	t_is(tqueue_stop(fd), 0);
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		t_finish(&receivers[i]);
		total += receivers[i].count;
	}
	t_is(total, (long)SENDERS * EACH);
	t_is(tqueue_start(fd), 0);
	close(fd);
}

static void stop_and_start(void)
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

static void administration(void)
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
static void looking(void)
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
static void polling(void)
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

static void explanations(void)
{
	char whole[512], text[512];
	size_t size, length;
	int error;

	for (error = 1; error < 140; error++) {
		const char *said = tqueue_strerror(error);

		t_true(said && strlen(said) > 2, "%d means nothing", error);
		tqueue_explain("a-queue", error, text, sizeof(text));
		/* For a queue, these leave out what concerns messages and batches. */
		if (error == ENOENT || error == EEXIST || error == EBUSY ||
		    error == ENOBUFS)
			said = "";
		t_true(!strncmp(text, "a-queue: ", 9) && strstr(text, said),
		       "%d is explained as: %s", error, text);
		t_true(strlen(text) < sizeof(text) - 1, "cut off: %s", text);
	}
	t_true(strcmp(tqueue_strerror(12345), tqueue_strerror(EAGAIN)),
	       "everything means the same");

	tqueue_explain("mail", ESHUTDOWN, whole, sizeof(whole));
	t_true(strstr(whole, "tqueue start mail"), "no cure in: %s", whole);
	length = strlen(whole);
	for (size = 0; size <= length + 1; size++) {
		char *edge = t_edge(size);

		t_true(tqueue_explain("mail", ESHUTDOWN, edge, size) == edge,
		       "it returns another text");
		if (size) {
			t_is(strlen(edge), size - 1);
			t_is(strncmp(edge, whole, size - 1), 0);
		}
	}
	tqueue_explain("a b", EINVAL, text, sizeof(text));
	t_true(strstr(text, "letters"), "the name is not explained: %s", text);
	t_is(mknod("/tmp/a-node", S_IFREG | 0660, 0), 0);
	tqueue_explain("/tmp/a-node", EACCES, text, sizeof(text));
	t_true(!strstr(text, "adduser"), "everybody may be root: %s", text);
	t_is(chown("/tmp/a-node", 0, 65534), 0);
	tqueue_explain("/tmp/a-node", EACCES, text, sizeof(text));
	unlink("/tmp/a-node");
	t_true(strstr(text, "is for group nogroup (adduser USER nogroup"),
	       "access is not explained: %s", text);
	tqueue_explain(NULL, ENOENT, text, sizeof(text));
	t_true(strstr(text, "no such queue"), "no name: %s", text);
}

/* A name does not lead into something else, and it is said what that is. */
static void wrong_devices(void)
{
	static const char path[] = "/dev/tq/mail", control[] = CONTROL ".kept";
	int fd = tqueue_control_open(O_RDWR);
	struct tqueue_info info;
	char text[512];

	t_is(tqueue_control_create(fd, "mail", NULL, -1, -1, 0600), 0);
	t_is(tqueue_control_create(fd, "other", NULL, -1, -1, 0600), 0);
	t_is(unlink(path), 0);
	t_errno(tqueue_open("mail", O_RDWR), ENOENT);
	tqueue_explain("mail", ENOENT, text, sizeof(text));
	t_true(strstr(text, "missing (make it with \"tqueue apply mail\")"), "missing: %s", text);

	/* A FIFO without a reader would keep its opener waiting. */
	t_is(mkfifo(path, 0600), 0);
	t_errno(tqueue_open("mail", O_WRONLY), ENOTTY);
	t_errno(tqueue_open(path, O_WRONLY), ENOTTY);
	tqueue_explain("mail", ENOTTY, text, sizeof(text));
	t_true(strstr(text, "is another kind of file, not the device file"), "a FIFO: %s", text);
	t_is(unlink(path), 0);

	t_is(tqueue_get_by_name("other", &info), 0);
	t_is(mknod(path, S_IFCHR | 0600, makedev(info.major, info.minor)), 0);
	t_errno(tqueue_open("mail", O_RDWR), ENOTTY);
	tqueue_explain("mail", ENOTTY, text, sizeof(text));
	t_true(strstr(text, "\"tqueue apply mail\" moves it aside"), "another's: %s", text);
	t_is(unlink(path), 0);

	t_is(rename(CONTROL, control), 0);
	t_is(mknod(CONTROL, S_IFREG | 0600, 0), 0);
	t_errno(tqueue_control_open(O_RDWR), ENOTTY);
	t_is(rename(control, CONTROL), 0);
	t_is(tqueue_control_remove(fd, "mail", 0), 0);
	t_is(tqueue_control_remove(fd, "other", 0), 0);
	close(fd);

	tqueue_explain("mail", ENOBUFS, text, sizeof(text));
	t_true(strstr(text, "queue is full") && strstr(text, "tqueue recv mail"),
	       "full: %s", text);
}

static void run_example(void *arg)
{
	char *argv[3] = { "example", "tqueue", NULL };

	dup2(*(int *)arg, STDOUT_FILENO);
	exit(example_main(2, argv));
}

static void example(void)
{
	char text[256], wanted[256];
	int ends[2];
	ssize_t got;
	pid_t pid;

	t_is(pipe(ends), 0);
	pid = t_fork(run_example, &ends[1]);
	t_reap(pid);
	got = read(ends[0], text, sizeof(text) - 1);
	t_true(got > 0, "it prints nothing");
	text[got] = '\0';
	snprintf(wanted, sizeof(wanted), "%d: one\n%d: two\n%d: three\n", pid,
		 pid, pid);
	t_true(!strcmp(text, wanted), "it prints: %s", text);
}

static const struct t_test tests[] = {
	TQ_TEST(names),
	TQ_TEST(deadlines),
	TQ_TEST(filling),
	TQ_TEST(hostile),
	TQ_TEST(no_queue),
	{ .name = "no_driver", .run = no_driver, .reloads = true,
	  .logs = true },
	TQ_TEST(old_driver),
	TQ_TEST(one_message),
	TQ_TEST_WITH(full_queue, TQ_SMALL),
	TQ_TEST_WITH(full_queue_long, "size_l=65536"),
	TQ_TEST_WITH(batches, TQ_SMALL),
	TQ_TEST(threads),
	TQ_TEST(stop_and_start),
	TQ_TEST(administration),
	TQ_TEST(looking),
	TQ_TEST(polling),
	TQ_TEST(explanations),
	TQ_TEST(wrong_devices),
	TQ_TEST(example),
};

int main(int argc, char **argv)
{
	return t_main("library", tests, ARRAY_SIZE(tests), argc, argv);
}
