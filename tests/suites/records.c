// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records from user space: what is checked in each, that a sender can claim
 * nothing that is the driver's to say, and that nothing of the kernel's memory,
 * of another message or of the sender's padding comes out with them.
 */
#include "calls.h"
#include "calls32.h"

#define NAME	"records"

_Static_assert(sizeof(struct tqueue_record) == TQ_HEADER, "record");
_Static_assert(offsetof(struct tqueue_record, id) == 8, "id");
_Static_assert(offsetof(struct tqueue_record, sent_ns) == 16, "sent_ns");
_Static_assert(offsetof(struct tqueue_record, uid) == 24, "uid");
_Static_assert(offsetof(struct tqueue_record, pid) == 28, "pid");
_Static_assert(offsetof(struct tqueue_record, delivery) == 32, "delivery");
_Static_assert(offsetof(struct tqueue_record, attempts) == 36, "attempts");
_Static_assert(offsetof(struct tqueue_record, payload) == 40, "payload");

static const struct field {
	const char *name;
	size_t offset, size;
} fields[] = {
	{ "length", offsetof(struct tqueue_record, length), 4 },
	{ "header_words", offsetof(struct tqueue_record, header_words), 1 },
	{ "priority", offsetof(struct tqueue_record, priority), 1 },
	{ "flags", offsetof(struct tqueue_record, flags), 2 },
};

static void set_field(char *record, const struct field *field, uint64_t value)
{
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		value <<= 8 * (sizeof(value) - field->size);
	memcpy(record + field->offset, &value, field->size);
}

/* Makes one record of three wrong; the ones before it are sent. */
static void wrong(int fd, const char *name, uint64_t value, int error)
{
	const struct field *field = fields;
	char buf[3 * 64];
	int which;

	while (strcmp(field->name, name))
		field++;
	for (which = 0; which < 3; which++) {
		size_t end = t_put_many(buf, 20, 1, 3);
		long got;

		set_field(buf + which * t_record(20), field, value);
		got = t_send_call(fd, buf, end, 0);
		if (which ? got != which : got != -1 || errno != error)
			t_fail("%s %#llx in record %d gives %ld (%s), not %s", name,
			       (unsigned long long)value, which, got,
				got < 0 ? strerrorname_np(errno) : "",
				strerrorname_np(error));
		if (which)
			t_received(fd, which, 20, 1);
		t_empty(fd);
	}
}

static void wrong_headers(void)
{
	int fd = t_open_small(NAME), i;

	for (i = 0; i < 256; i++)
		if (i != TQUEUE_HEADER_WORDS && i != TQUEUE_HEADER_WORDS_EXTRA)
			wrong(fd, "header_words", i, EINVAL);
	for (i = TQUEUE_PRIORITY_MAX + 1; i < 256; i++)
		wrong(fd, "priority", i, EINVAL);
	/* Those which are the sender's need what follows a longer header. */
	for (i = 0; i < 16; i++)
		wrong(fd, "flags", 1 << i, EINVAL);
	wrong(fd, "length", 0x80000000 | 20, EMSGSIZE);
	wrong(fd, "length", 0x40000000 | 20, EMSGSIZE);
	wrong(fd, "length", 0xffffffff, EMSGSIZE);
	wrong(fd, "length", TQUEUE_LENGTH_MAX + 1, EMSGSIZE);
	t_end(fd);
}

static void too_long(void)
{
	int fd = t_open_small(NAME);
	char buf[TQ_PAGE];
	size_t end;

	end = t_put(buf, 0, TQ_SMALL_MAX + 1, 1);
	t_errno(t_send_call(fd, buf, end, 0), EMSGSIZE);
	t_errno(t_send_call(fd, buf, end, TQUEUE_FOREVER), EMSGSIZE);
	/* Also where there is no room, and it would have to wait. */
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	t_errno(t_send_call(fd, buf, end, TQUEUE_FOREVER), EMSGSIZE);
	t_received(fd, 4, TQ_SMALL_MAX, 1);
	end = t_put(buf, 0, 10, 1);
	end = t_put(buf, end, TQ_SMALL_MAX + 1, 2);
	end = t_put(buf, end, 10, 3);
	t_is(t_send_call(fd, buf, end, 0), 1);
	t_received(fd, 1, 10, 1);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, 9), 0);
	t_errno(t_send_call(fd, buf, end, 0), EMSGSIZE);
	t_end(fd);
}

/* Lengths that end just behind the buffer, or far behind it. */
static void longer_than_the_buffer(void)
{
	static const uint32_t lengths[] = {
		25, 32, 33, 100, TQ_SMALL_MAX, 0x00ffffff, TQUEUE_LENGTH_MAX,
	};
	int fd = t_open_small(NAME);
	char buf[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		size_t end = t_put_many(buf, 20, 1, 2);

		t_at(buf, t_record(20))->length = lengths[i];
		t_is(t_send_call(fd, buf, end, 0), 1);
		t_received(fd, 1, 20, 1);
		t_at(buf, 0)->length = lengths[i];
		t_true(t_send_call(fd, buf, t_record(20), 0) == -1 &&
		       (errno == EINVAL || errno == EMSGSIZE),
			"length %u: %s", lengths[i], strerrorname_np(errno));
	}
	t_end(fd);
}

static void send_refuses(int fd, struct tqueue_send send)
{
	char buf[256];

	send.records = (uintptr_t)buf;
	send.bytes = t_put(buf, 0, 20, 1);
	t_errno(ioctl(fd, TQUEUE_SEND, &send), EINVAL);
}

static void receive_refuses(int fd, struct tqueue_receive receive)
{
	char buf[256];

	receive.records = (uintptr_t)buf;
	receive.bytes = sizeof(buf);
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EINVAL);
}

static void unknown_flags(void)
{
	int fd = t_open_small(NAME), i;

	t_send(fd, 20, 1);
	for (i = 0; i < 32; i++) {
		struct tqueue_send send = { 0 };

		/* UNSETTLED is nothing by itself, nor is BY_ID without an id. */
		if (1U << i != TQUEUE_SEND_DELAY && 1U << i != TQUEUE_SEND_UNIQUE)
			send_refuses(fd, (struct tqueue_send){ .flags = 1U << i });
		if (1U << i > TQUEUE_RECEIVE_ACK)
			receive_refuses(fd, (struct tqueue_receive){
				.flags = 1U << i });
		send.reserved = 1U << i;
		send_refuses(fd, send);
	}
	t_received(fd, 1, 20, 1);
	t_end(fd);
}

static void false_claims(void)
{
	int fd = t_open_small(NAME);
	char buf[128], got[128];
	struct tqueue_record *record = t_at(buf, 0), *here = t_at(got, 0);
	size_t end = t_put(buf, 0, 20, 1), at = 0;

	record->id = 0x1234567812345678;
	record->sent_ns = 0x1234567812345678;
	record->uid = 4242;
	record->pid = 4242;
	record->delivery = 4242;
	record->attempts = 4242;
	record->reserved = 4242;
	t_send(fd, 1, 1);
	t_is(t_send_call(fd, buf, end, 0), 1);
	t_received(fd, 1, 1, 1);
	t_is(t_receive_call(fd, got, sizeof(got), 0), 1);
	t_is(here->uid, 0);
	t_is(here->pid, getpid());
	t_is(here->attempts, 0);
	t_true(here->id < 1000000, "the id is the sender's");
	t_true(here->sent_ns != record->sent_ns, "the time is the sender's");
	t_record_is(got, &at, sizeof(got), 20, 1, 0);
	t_end(fd);
}

static void padding_is_zeroed(void)
{
	int fd = t_open_small(NAME), round;
	size_t len, at, end;
	char buf[256], got[256];

	for (round = 0; round < 2; round++) {
		/* What stood in the ring before shows, too. */
		memset(buf, 0xff, TQ_SMALL_MAX < 200 ? TQ_SMALL_MAX : 200);
		while (write(fd, buf, 200) == 200 && t_info(fd).messages < 15)
			;
		while (t_info(fd).messages)
			t_is(read(fd, buf, 200), 200);
		for (len = 0; len < 40; len++) {
			memset(buf, 0xff, sizeof(buf));
			if (round) {
				t_pattern(buf, len, 9, 0);
				if (len)
					t_is(write(fd, buf, len), len);
				else
					continue;
			} else {
				end = t_put(buf, 0, len, 9);
				memset(buf + TQ_HEADER + len, 0xff,
				       end - TQ_HEADER - len);
				t_is(t_send_call(fd, buf, end, 0), 1);
			}
			memset(got, 0xee, sizeof(got));
			at = 0;
			t_is(t_receive_call(fd, got, sizeof(got), 0), 1);
			t_record_is(got, &at, sizeof(got), len, 9, 0);
			t_is(got[at], (char)0xee);
		}
	}
	t_end(fd);
}

/* The same for a sender that had to wait, and for a rest. */
static void padding_of_detached_messages(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	struct t_batch sender;
	char buf[256], got[256];
	size_t end, at = 0, i;

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	memset(buf, 0xff, sizeof(buf));
	end = t_put(buf, 0, 21, 9);
	memset(buf + TQ_HEADER + 21, 0xff, end - TQ_HEADER - 21);
	t_start_send(&sender, fd, buf, end, TQUEUE_FOREVER);
	t_asleep(&sender.task, SYS_ioctl);
	t_received(fd, 4, TQ_SMALL_MAX, 1);
	t_result(&sender.task, 1);
	t_is(t_receive_call(fd, got, sizeof(got), 0), 1);
	t_record_is(got, &at, sizeof(got), 21, 9, 0);
	t_send(fd, 100, 3);
	t_is(read(other, got, 13), 13);
	close(other);
	memset(got, 0xee, sizeof(got));
	t_is(t_receive_call(fd, got, sizeof(got), 0), 1);
	t_is(t_at(got, 0)->length, 87);
	for (i = 87; i < 88; i++)
		t_is(t_at(got, 0)->payload[i], 0);
	t_is(t_at(got, 0)->payload[88], 0xee);
	t_end(fd);
}

/* ---- a buffer that somebody else writes to ------------------------------------- */

static atomic_int stop;

/* Changes headers between good and bad ones while they are being sent. */
static void rewrite(struct t_task *task)
{
	unsigned int state = task->number + 1;

	while (!atomic_load(&stop)) {
		volatile struct tqueue_record *record;
		int i;

		for (i = 0; i < 20; i++) {
			state = state * 1664525 + 1013904223;
			record = (void *)((char *)task->buf +
					  (state >> 8) % 20 * t_record(64));
			switch (state >> 28) {
			case 0:
				record->length = state;
				break;
			case 1:
				record->length = 0x80000000 | 64;
				break;
			case 2:
				record->header_words = state >> 4;
				break;
			case 3:
				/* None that would keep it from coming. */
				record->flags = state >> 4 & ~7;
				break;
			case 4:
				record->length = TQUEUE_LENGTH_MAX;
				break;
			case 5:
				record->priority = (state >> 4) | 64;
				break;
			default:
				record->priority = 0;
				record->flags = 0;
				record->header_words = TQUEUE_HEADER_WORDS;
				record->length = (state >> 24 & 3) ?
						 64 : (state >> 8) % 1200;
				break;
			}
		}
	}
}

/* What comes out is well formed, whatever went in. */
static unsigned int walk(char *buf, size_t bytes, uint64_t *last)
{
	size_t at = 0, i;
	unsigned int n = 0;

	while (at < bytes) {
		struct tqueue_record *record = t_at(buf, at);

		t_true(bytes - at >= TQ_HEADER, "%zu bytes are left", bytes - at);
		t_true(record->length <= TQ_SMALL_MAX &&
		       t_record(record->length) <= bytes - at,
			"a record of %u bytes, %zu are left", record->length,
			bytes - at);
		t_true(record->header_words == TQUEUE_HEADER_WORDS &&
		       record->priority <= TQUEUE_PRIORITY_MAX &&
		       !record->flags && !record->reserved && !record->delivery &&
			!record->attempts,
			"a header is not what it must be");
		t_is(record->uid, 0);
		t_is(record->pid, getpid());
		if (!record->priority) {
			t_true(record->id > *last, "an id is not in order");
			*last = record->id;
		}
		for (i = record->length; i < t_record(record->length) - TQ_HEADER; i++)
			t_is(record->payload[i], 0);
		at += t_record(record->length);
		n++;
	}
	t_is(at, bytes);
	return n;
}

static void changed_while_it_is_sent(void)
{
	char *buf = t_shared(20 * t_record(64) + TQ_PAGE), got[TQ_PAGE];
	size_t end = t_put_many(buf, 64, 1, 20);
	struct t_task task = { .buf = buf };
	double until = t_now() + t_seconds(3);
	unsigned long sent = 0, received = 0, calls = 0;
	int fd = t_open_small(NAME);
	uint64_t last = 0;

	t_start(&task, rewrite);
	while (t_goes_on(until, sent > 100)) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)got, .bytes = sizeof(got),
		};
		struct tqueue_send send = {
			.records = (uintptr_t)buf, .bytes = end,
		};
		int n = ioctl(fd, TQUEUE_SEND, &send);

		calls++;
		if (n < 0)
			t_true(errno == EINVAL || errno == EMSGSIZE || errno == EAGAIN,
			       "SEND fails with %s", strerrorname_np(errno));
		else
			sent += n;
		if (calls % 3)
			continue;
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			t_is(errno, EAGAIN);
			continue;
		}
		t_is(walk(got, receive.bytes, &last), n);
		received += n;
	}
	atomic_store(&stop, 1);
	t_finish(&task);
	for (;;) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)got, .bytes = sizeof(got),
		};

		if (ioctl(fd, TQUEUE_RECEIVE, &receive) < 0)
			break;
		received += walk(got, receive.bytes, &last);
	}
	t_is(errno, EAGAIN);
	t_is(received, sent);
	t_true(sent > 100 && sent < calls * 20, "%lu sent in %lu calls", sent, calls);
	t_end(fd);
}

/* The same for a sender that waits for room while its buffer changes. */
static void changed_while_it_waits(void)
{
	char *buf = t_shared(TQ_PAGE), got[TQ_PAGE];
	int fd = t_open_small(NAME), round;
	struct t_batch sender;
	uint64_t last = 0;

	for (round = 0; round < 8; round++) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)got, .bytes = sizeof(got),
		};
		size_t end = t_put_many(buf, 64, 1, 3);
		int n;

		t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
		t_start_send(&sender, fd, buf, end, TQUEUE_FOREVER);
		t_asleep(&sender.task, SYS_ioctl);
		t_at(buf, 0)->length = round & 1 ? 0xffffffff : TQ_SMALL_MAX;
		t_at(buf, t_record(64))->length = round & 2 ? 0xffffffff : 3000;
		t_at(buf, t_record(64))->header_words = round & 4 ? 0 : 5;
		t_received(fd, 4, TQ_SMALL_MAX, 1);
		t_finish(&sender.task);
		if (sender.task.result < 0) {
			t_true(sender.task.error == EINVAL ||
			       sender.task.error == EMSGSIZE, "SEND fails with %s",
				strerrorname_np(sender.task.error));
			t_empty(fd);
			continue;
		}
		last = 0;
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		t_is(n, sender.task.result);
		t_is(walk(got, receive.bytes, &last), n);
	}
	t_end(fd);
}

/* ---- other namespaces -------------------------------------------------------------- */

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		t_skip("cannot write %s: %s", path, strerror(errno));
	close(fd);
}

static void receive_elsewhere(void *arg)
{
	char buf[1024];
	int fd;

	(void)arg;
	if (unshare(CLONE_NEWUSER))
		t_skip("no user namespaces: %s", strerror(errno));
	put_file("/proc/self/setgroups", "deny");
	put_file("/proc/self/uid_map", "1000 0 1");
	fd = t_open_queue(NAME, O_RDONLY);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 2);
	t_is(t_at(buf, 0)->uid, 1000);
	/* The user who opened the second is nobody here. */
	t_is(t_at(buf, t_record(10))->uid, 65534);
}

static void receive_in_a_container(void *arg)
{
	char buf[1024];
	int fd;

	(void)arg;
	t_is(getpid(), 1);
	fd = t_open_queue(NAME, O_RDONLY);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 2);
	t_is(t_at(buf, 0)->pid, 0);
	t_is(t_at(buf, t_record(10))->pid, 0);
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 2);
	t_is(t_at(buf, 0)->pid, 0);
	t_is(t_at(buf, 0)->uid, 0);
	t_is(t_at(buf, t_record(10))->pid, 0);
	t_is(t_at(buf, t_record(10))->uid, 1234);
}

/* Nor does what is cut off tell more. */
static void receive_a_part_in_a_container(void *arg)
{
	size_t there;
	int fd;

	(void)arg;
	fd = t_open_queue(NAME, O_RDONLY);
	for (there = 8; there < 2 * t_record(10) - 8; there += 8) {
		char *edge = t_edge(there);
		struct tqueue_receive receive = {
			.records = (uintptr_t)edge, .bytes = 2 * t_record(10),
			.flags = TQUEUE_RECEIVE_PEEK,
		};
		struct tqueue_record *record = t_at(edge, 0);
		uint32_t untouched;

		memset(&untouched, 0x5a, sizeof(untouched));
		ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (there >= 32)
			t_true(!record->pid || record->pid == untouched,
			       "of %zu bytes process %u is named", there,
				record->pid);
		record = t_at(edge, t_record(10));
		if (there >= t_record(10) + 32)
			t_true(!record->pid || record->pid == untouched,
			       "of %zu bytes process %u is named", there,
				record->pid);
		t_edge_free(edge, there);
	}
	t_received(fd, 1, 10, 1);
	t_received(fd, 1, 10, 2);
}

static void (*receiver_there)(void *arg);

static void enter_a_container(void *arg)
{
	pid_t child;
	int status;

	(void)arg;
	if (unshare(CLONE_NEWPID))
		t_skip("no pid namespaces: %s", strerror(errno));
	child = fork();
	if (!child) {
		receiver_there(NULL);
		_exit(0);
	}
	t_is(waitpid(child, &status, 0), child);
	t_is(status, 0);
}

static void send_as_another(void *arg)
{
	int fd;

	(void)arg;
	if (setresuid(1234, 1234, 1234))
		_exit(1);
	fd = t_open_queue(NAME, O_WRONLY);
	t_send(fd, 10, 2);
}

static void from_elsewhere(void (*receiver)(void *arg))
{
	struct tqueue_create create = t_creation(NAME);
	int fd;

	create.mode = 0666;
	t_is(t_create_call(&create), 0);
	fd = t_open_queue(NAME, O_RDWR);
	t_send(fd, 10, 1);
	t_reap(t_fork(send_as_another, NULL));
	t_reap(t_fork(receiver, NULL));
	t_end(fd);
}

static void in_a_user_namespace(void)
{
	from_elsewhere(receive_elsewhere);
}

static void in_a_pid_namespace(void)
{
	receiver_there = receive_in_a_container;
	from_elsewhere(enter_a_container);
}

static void a_part_in_a_pid_namespace(void)
{
	receiver_there = receive_a_part_in_a_container;
	from_elsewhere(enter_a_container);
}

/* A sender in a container is named as everybody else knows it. */
static void send_in_a_container(void *arg)
{
	pid_t child;
	int status;

	(void)arg;
	if (unshare(CLONE_NEWPID))
		t_skip("no pid namespaces: %s", strerror(errno));
	child = fork();
	if (!child) {
		t_send(t_open_queue(NAME, O_WRONLY), 10, 1);
		_exit(0);
	}
	t_is(waitpid(child, &status, 0), child);
	t_is(status, 0);
	t_send(t_open_queue(NAME, O_WRONLY), sizeof(child), child);
}

static void sent_from_a_pid_namespace(void)
{
	int fd = t_open_small(NAME);
	char buf[256];
	pid_t child;

	t_reap(t_fork(send_in_a_container, NULL));
	t_is(t_receive_call(fd, buf, sizeof(buf), 0), 2);
	child = t_at(buf, 0)->pid;
	t_true(child > 1, "the pid is %d", child);
	t_is(t_differs(t_at(buf, t_record(10))->payload, sizeof(child), child, 0),
	     -1);
	t_end(fd);
}

/* ---- 32-bit programs --------------------------------------------------- */

static void calls_of_32_bits(void)
{
	char *low = calls32_memory(4 * TQ_PAGE);
	struct tqueue_send *send = (void *)low;
	struct tqueue_receive *receive = (void *)(low + 256);
	struct tqueue_info *info = (void *)(low + 512);
	struct tqueue_create *create = (void *)(low + 1024);
	struct tqueue_select *select = (void *)(low + 1536);
	struct tqueue_wait *wait = (void *)(low + 2048);
	char *buf = low + TQ_PAGE, *got = low + 2 * TQ_PAGE;
	size_t at = 0, end, i;
	int fd = t_open_small(NAME);

	end = t_put_many(buf, 33, 1, 10);
	*send = (struct tqueue_send){ .records = (uintptr_t)buf, .bytes = end };
	t_is(call32(CALL32_IOCTL, fd, TQUEUE_SEND, (long)send), 10);
	t_is(send->sent_bytes, end);
	*receive = (struct tqueue_receive){
		.records = (uintptr_t)got, .bytes = TQ_PAGE,
		.flags = TQUEUE_RECEIVE_PEEK,
	};
	t_is(call32(CALL32_IOCTL, fd, TQUEUE_RECEIVE, (long)receive), 10);
	receive->flags = 0;
	receive->bytes = TQ_PAGE;
	t_is(call32(CALL32_IOCTL, fd, TQUEUE_RECEIVE, (long)receive), 10);
	t_is(receive->bytes, end);
	for (i = 0; i < 10; i++)
		t_record_is(got, &at, end, 33, 1 + i, 0);
	receive->bytes = TQ_PAGE;
	t_is(call32(CALL32_IOCTL, fd, TQUEUE_RECEIVE, (long)receive), -EAGAIN);
	send->records = 16;
	t_is(call32(CALL32_IOCTL, fd, TQUEUE_SEND, (long)send), -EFAULT);
	/* An address that no 32-bit program has. */
	send->records = (uintptr_t)buf | 1ULL << 40;
	t_is(call32(CALL32_IOCTL, fd, TQUEUE_SEND, (long)send), -EFAULT);
	t_is(call32(CALL32_IOCTL, fd, TQUEUE_INFO, (long)info), 0);
	t_is(strcmp(info->name, NAME), 0);
	t_is(info->received, 10);
	wait->id = TQUEUE_FOREVER;
	t_is(call32(CALL32_IOCTL, fd, TQUEUE_WAIT, (long)wait), 0);
	strcpy(create->name, "low");
	create->mode = 0600;
	t_is(call32(CALL32_IOCTL, t_control(), TQUEUE_CTL_CREATE, (long)create), 0);
	strcpy(select->name, "low");
	t_is(call32(CALL32_IOCTL, t_control(), TQUEUE_CTL_REMOVE, (long)select), 0);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(wrong_headers),
	TQ_TEST(too_long),
	TQ_TEST(longer_than_the_buffer),
	TQ_TEST(unknown_flags),
	TQ_TEST(false_claims),
	TQ_TEST(padding_is_zeroed),
	TQ_TEST(padding_of_detached_messages),
	TQ_TEST(changed_while_it_is_sent),
	TQ_TEST(changed_while_it_waits),
	TQ_TEST(in_a_user_namespace),
	TQ_TEST(in_a_pid_namespace),
	TQ_TEST(a_part_in_a_pid_namespace),
	TQ_TEST(sent_from_a_pid_namespace),
	TQ_TEST(calls_of_32_bits),
};

int main(int argc, char **argv)
{
	return t_main("records", tests, ARRAY_SIZE(tests), argc, argv);
}
