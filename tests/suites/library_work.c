// SPDX-License-Identifier: GPL-2.0-only
/* libtqueue: priorities, delays, keys, leases and what becomes of them. */
#include "common.h"

#include <poll.h>
#include <tqueue.h>

#define SECOND	1000000000ULL

/* Room for one short message. */
struct slot {
	struct tqueue_record record;
	unsigned char payload[64];
};

/* The example of tqueue_lease(3). */
int worker_main(int argc, char **argv);

static int open_queue(int flags)
{
	int fd = tqueue_open("tqueue", flags);

	t_true(fd >= 0, "the queue cannot be opened: %s", tqueue_strerror(errno));
	return fd;
}

static int lease(int fd, struct slot *slot)
{
	return tqueue_lease(fd, &slot->record, sizeof(*slot), 0, 0);
}

static bool carries(const struct slot *slot, const char *text)
{
	return slot->record.length == strlen(text) &&
	       !memcmp(tqueue_payload(&slot->record), text, strlen(text));
}

/* What becomes of the messages of a queue that a test leaves behind. */
static void empty(int fd)
{
	struct tqueue_listed all[32];
	int count, i;

	while ((count = tqueue_list_messages(fd, all, sizeof(all[0]), 32, 0, 0)) > 0)
		for (i = 0; i < count; i++) {
			struct tqueue_settlement settlement = {
				.id = all[i].id,
				.action = TQUEUE_ACKNOWLEDGE,
				.flags = all[i].state == TQUEUE_LEASED ?
					 TQUEUE_SETTLE_FORCE : TQUEUE_SETTLE_UNLEASED,
			};

			t_is(tqueue_settle(fd, &settlement, 1), 1);
		}
	t_is(count, 0);
}

static void keys(void)
{
	/* As published for FNV-1a of 64 bits. */
	t_is(tqueue_key("", 0), 0xcbf29ce484222325);
	t_is(tqueue_key("a", 1), 0xaf63dc4c8601ec8c);
	t_is(tqueue_key("foobar", 6), 0x85944171f73967e8);
	t_true(tqueue_key("\0", 1) != tqueue_key("", 0), "a zero byte does not count");
}

/* What is wrong with options is told before anything is sent. */
static void wrong_options(void)
{
	struct {
		struct tqueue_send_options known;
		uint64_t later;
	} options = { .known = TQUEUE_SEND_OPTIONS_INIT };
	struct tqueue_send_options *known = &options.known;
	int fd = open_queue(O_RDWR);
	struct tqueue_batch batch;
	uint64_t space[32], id = 7;

	tqueue_batch_init(&batch, space, sizeof(space));
	known->priority = TQUEUE_PRIORITY_MAX + 1;
	t_errno(tqueue_send_with(fd, "x", 1, known, 0, &id), EINVAL);
	t_errno(tqueue_batch_add_with(&batch, "x", 1, known), EINVAL);
	known->priority = 0;
	known->delay = 1ULL << 63;
	t_errno(tqueue_send_with(fd, "x", 1, known, 0, &id), EINVAL);
	known->delay = 0;
	known->flags = 0x80;
	t_errno(tqueue_send_with(fd, "x", 1, known, 0, &id), EINVAL);
	known->flags = TQUEUE_SEND_UNSETTLED;
	t_errno(tqueue_send_with(fd, "x", 1, known, 0, &id), EINVAL);
	known->flags = 0;
	known->key = 5;
	t_errno(tqueue_send_with(fd, "x", 1, known, 0, &id), EINVAL);
	known->key = 0;
	known->size = 4;
	t_errno(tqueue_send_with(fd, "x", 1, known, 0, &id), EINVAL);
	/* A program that was compiled with a later header. */
	known->size = sizeof(options);
	options.later = 1;
	t_errno(tqueue_send_with(fd, "x", 1, known, 0, &id), E2BIG);
	t_errno(tqueue_batch_add_with(&batch, "x", 1, known), E2BIG);
	t_errno(tqueue_send_with(fd, "x", TQUEUE_LENGTH_MAX + 1UL, NULL, 0, &id), EMSGSIZE);
	t_is(id, 7);
	t_is(tqueue_batch_bytes(&batch), 0);
	t_nothing();
	options.later = 0;
	t_is(tqueue_batch_add_with(&batch, "x", 1, known), 0);
	/* And one that knew less: what stands behind its size is not looked at. */
	known->size = offsetof(struct tqueue_send_options, delay);
	known->delay = 1ULL << 63;
	t_is(tqueue_batch_add_with(&batch, "x", 1, known), 0);
	t_is(tqueue_batch_add_with(&batch, "x", 1, NULL), 0);
	t_is(tqueue_batch_bytes(&batch), 3 * TQUEUE_RECORD_BYTES(1));
	close(fd);
}

/* What a batch with options is filled with comes out of it. */
static void filling(void)
{
	struct tqueue_send_options options = TQUEUE_SEND_OPTIONS_INIT;
	const struct tqueue_record *record;
	const struct tqueue_record_extra *extra;
	struct tqueue_batch batch;
	char *edge = t_edge(3 * 64);

	tqueue_batch_init(&batch, edge, 3 * 64);
	options.priority = 5;
	t_is(tqueue_batch_add_with(&batch, "one", 3, &options), 0);
	options.delay = 17;
	t_is(tqueue_batch_add_with(&batch, "two", 3, &options), 0);
	options.delay = 0;
	options.flags = TQUEUE_SEND_UNIQUE | TQUEUE_SEND_UNSETTLED;
	options.key = 23;
	t_is(tqueue_batch_bytes(&batch), 48 + 64);
	t_errno(tqueue_batch_add_with(&batch, "123456789012345678901234567", 27, &options),
		ENOBUFS);
	t_is(tqueue_batch_add_with(&batch, "three", 5, &options), 0);

	t_is(tqueue_batch_next(&batch, &record), 1);
	t_is(record->header_words, TQUEUE_HEADER_WORDS);
	t_is(record->priority, 5);
	t_is(record->flags, 0);
	t_is(tqueue_batch_next(&batch, &record), 1);
	t_is(record->header_words, TQUEUE_HEADER_WORDS_EXTRA);
	t_is(record->priority, 5);
	t_is(record->flags, TQUEUE_FLAG_DELAY);
	extra = (const void *)record->payload;
	t_is(extra->delay, 17);
	t_is(extra->key, 0);
	t_is(memcmp(tqueue_payload(record), "two\0\0\0\0\0", 8), 0);
	t_is(tqueue_batch_next(&batch, &record), 1);
	t_is(record->flags, TQUEUE_FLAG_UNIQUE | TQUEUE_FLAG_UNSETTLED);
	extra = (const void *)record->payload;
	t_is(extra->delay, 0);
	t_is(extra->key, 23);
	t_is(memcmp(tqueue_payload(record), "three\0\0\0", 8), 0);
	t_is(tqueue_batch_next(&batch, &record), 0);
	t_edge_free(edge, 3 * 64);
}

static void priorities_and_delays(void)
{
	struct tqueue_send_options options = TQUEUE_SEND_OPTIONS_INIT;
	int fd = open_queue(O_RDWR);
	uint64_t space[64], id = 0;
	struct tqueue_batch batch;
	struct slot slot;
	static char data[20000];

	t_is(tqueue_send_with(fd, "usual", 5, NULL, 0, &id), 0);
	t_true(id, "no id");
	options.priority = 7;
	t_is(tqueue_send_with(fd, "urgent", 6, &options, TQUEUE_FOREVER, NULL), 0);
	options.delay = SECOND / 5;
	t_is(tqueue_send_with(fd, "late", 4, &options, 0, &id), 0);
	tqueue_batch_init(&batch, space, sizeof(space));
	options.delay = 0;
	options.priority = 9;
	t_is(tqueue_batch_add_with(&batch, "first", 5, &options), 0);
	t_is(tqueue_batch_add(&batch, "last", 4), 0);
	t_is(tqueue_send_batch(fd, &batch, 0), 2);

	t_is(tqueue_receive(fd, &slot.record, sizeof(slot), 0), 1);
	t_true(carries(&slot, "first") && slot.record.priority == 9, "not the first");
	t_is(tqueue_receive(fd, &slot.record, sizeof(slot), 0), 1);
	t_true(carries(&slot, "urgent"), "not the urgent one");
	t_is(tqueue_receive(fd, &slot.record, sizeof(slot), 0), 1);
	t_true(carries(&slot, "usual"), "not the usual one");
	t_is(tqueue_receive(fd, &slot.record, sizeof(slot), 0), 1);
	t_true(carries(&slot, "last"), "not the last one");
	t_errno(tqueue_receive(fd, &slot.record, sizeof(slot), 0), EAGAIN);
	t_is(tqueue_receive(fd, &slot.record, sizeof(slot), tqueue_deadline(20000)), 1);
	t_true(carries(&slot, "late") && slot.record.id == id, "not the late one");

	/* Too long for the stack. */
	options.priority = 1;
	t_is(tqueue_send_with(fd, data, sizeof(data), &options, 0, &id), 0);
	t_is(t_fionread(fd), sizeof(data));
	t_is(t_drain() > 0, 1);
	close(fd);
}

static void unique(void)
{
	struct tqueue_send_options options = {
		.size = sizeof(options),
		.flags = TQUEUE_SEND_UNIQUE,
		.key = tqueue_key("report", 6),
	};
	int fd = open_queue(O_RDWR);
	const struct tqueue_record *record;
	uint64_t space[64], first, other = 0;
	struct tqueue_batch batch;
	struct slot slot;

	t_is(tqueue_send_with(fd, "one", 3, &options, 0, &first), 0);
	t_errno(tqueue_send_with(fd, "two", 3, &options, TQUEUE_FOREVER, &other), EEXIST);
	t_is(other, first);

	/* In a batch it is stepped over. */
	tqueue_batch_init(&batch, space, sizeof(space));
	t_is(tqueue_batch_add(&batch, "before", 6), 0);
	t_is(tqueue_batch_add_with(&batch, "again", 5, &options), 0);
	t_is(tqueue_batch_add(&batch, "behind", 6), 0);
	t_is(tqueue_send_batch(fd, &batch, 0), 1);
	t_errno(tqueue_send_batch(fd, &batch, 0), EEXIST);
	t_is(batch.last_id, first);
	t_is(tqueue_batch_next(&batch, &record), 1);
	t_is(memcmp(tqueue_payload(record), "again", 5), 0);
	t_is(tqueue_send_batch(fd, &batch, 0), 1);

	/* A lease frees the key, unless the sender said otherwise. */
	t_is(lease(fd, &slot), 1);
	t_true(carries(&slot, "one"), "another message came first");
	options.flags |= TQUEUE_SEND_UNSETTLED;
	t_is(tqueue_send_with(fd, "three", 5, &options, 0, &other), 0);
	t_is(tqueue_acknowledge(fd, slot.record.id, slot.record.delivery), 0);
	t_is(tqueue_lease_id(fd, other, &slot.record, sizeof(slot), 0), 1);
	t_errno(tqueue_send_with(fd, "four", 4, &options, 0, &first), EEXIST);
	t_is(first, other);
	empty(fd);
	close(fd);
}

static void leases(void)
{
	int fd = open_queue(O_RDWR), other;
	struct slot slot, again;

	t_is(tqueue_send(fd, "job", 3, 0), 0);
	t_is(lease(fd, &slot), 1);
	t_true(slot.record.delivery, "no delivery");
	t_errno(lease(fd, &again), EAGAIN);

	/* Any file that may read settles it; one that only writes does not. */
	other = open_queue(O_WRONLY);
	t_errno(tqueue_acknowledge(other, slot.record.id, slot.record.delivery), EBADF);
	close(other);
	other = open_queue(O_RDONLY);
	t_errno(tqueue_acknowledge(other, slot.record.id, slot.record.delivery + 1), ESTALE);
	t_errno(tqueue_acknowledge(other, slot.record.id + 1, 1), ENOENT);
	t_errno(tqueue_lease_id(other, slot.record.id, &again.record, sizeof(again), 0), EBUSY);
	t_errno(tqueue_lease_id(other, slot.record.id + 1, &again.record, sizeof(again), 0),
		ENOENT);
	t_is(tqueue_requeue(other, slot.record.id, slot.record.delivery, 0, 0, 0),
	     TQUEUE_RESULT_DONE);
	close(other);
	t_errno(tqueue_requeue(fd, slot.record.id, slot.record.delivery, 0, 0, 0), ESTALE);

	/* It is back in its place; what comes back uncounted was no attempt. */
	t_is(lease(fd, &again), 1);
	t_is(again.record.id, slot.record.id);
	t_is(again.record.attempts, 1);
	t_is(tqueue_requeue(fd, again.record.id, again.record.delivery, 0, 0,
			    TQUEUE_SETTLE_UNCOUNTED), 0);
	t_is(lease(fd, &slot), 1);
	t_is(slot.record.attempts, 1);

	/* A limit, and no limit. */
	t_is(tqueue_extend(fd, slot.record.id, slot.record.delivery, SECOND / 10), 0);
	t_is(tqueue_lease(fd, &again.record, sizeof(again), TQUEUE_FOREVER,
			  tqueue_deadline(20000)), 1);
	t_is(again.record.attempts, 2);
	t_errno(tqueue_begin(fd, slot.record.id, slot.record.delivery), ESTALE);
	t_is(tqueue_begin(fd, again.record.id, again.record.delivery), 0);
	t_errno(tqueue_requeue(fd, again.record.id, again.record.delivery, 0, 0, 0x10000),
		EINVAL);
	t_is(tqueue_acknowledge(fd, again.record.id, again.record.delivery), 0);
	t_errno(tqueue_acknowledge(fd, again.record.id, again.record.delivery), ESTALE);

	/* Closing the file gives back what it has. */
	other = open_queue(O_RDWR);
	t_is(tqueue_send(other, "job", 3, 0), 0);
	t_is(lease(other, &slot), 1);
	close(other);
	t_is(lease(fd, &again), 1);
	t_is(again.record.id, slot.record.id);
	t_is(tqueue_acknowledge(fd, again.record.id, again.record.delivery), 0);
	t_nothing();
	close(fd);
}

static void hold(void)
{
	int fd = open_queue(O_RDWR), held;
	struct pollfd watched = { .events = POLLIN };
	struct slot slot;

	t_is(tqueue_send(fd, "job", 3, 0), 0);
	t_is(lease(fd, &slot), 1);
	held = tqueue_hold(fd, slot.record.id, slot.record.delivery);
	t_true(held >= 0, "no file: %s", strerror(errno));
	t_is(fcntl(held, F_GETFD), FD_CLOEXEC);
	watched.fd = held;
	t_is(poll(&watched, 1, 0), 0);
	close(fd);
	fd = open_queue(O_RDWR);
	t_errno(lease(fd, &slot), EAGAIN);
	t_is(tqueue_acknowledge(fd, slot.record.id, slot.record.delivery), 0);
	t_is(poll(&watched, 1, 20000), 1);
	t_true(watched.revents & POLLHUP, "polls %x", watched.revents);
	close(held);

	t_is(tqueue_send(fd, "job", 3, 0), 0);
	t_is(lease(fd, &slot), 1);
	held = tqueue_hold(fd, slot.record.id, slot.record.delivery);
	t_true(held >= 0, "no file: %s", strerror(errno));
	close(held);
	t_is(tqueue_lease(fd, &slot.record, sizeof(slot), 0, tqueue_deadline(20000)), 1);
	t_is(tqueue_acknowledge(fd, slot.record.id, slot.record.delivery), 0);
	close(fd);
}

static void next(void)
{
	int fd = open_queue(O_RDWR), result = -1;
	struct tqueue_info before, info;
	struct slot slot = { 0 };

	t_is(tqueue_get(fd, &before), 0);
	t_is(tqueue_send(fd, "one", 3, 0), 0);
	t_is(tqueue_send(fd, "two", 3, 0), 0);
	t_errno(tqueue_next(fd, &slot.record, sizeof(slot.record) - 1, 0, 0, &result), EINVAL);
	t_is(tqueue_next(fd, &slot.record, sizeof(slot), 0, 0, &result), 1);
	t_is(result, 0);
	t_true(carries(&slot, "one"), "not the first one");
	t_is(tqueue_next(fd, &slot.record, sizeof(slot), 0, 0, &result), 1);
	t_is(result, 0);
	t_true(carries(&slot, "two"), "not the second one");
	/* It is acknowledged though no other comes. */
	t_errno(tqueue_next(fd, &slot.record, sizeof(slot), 0, tqueue_deadline(20), &result),
		ETIMEDOUT);
	t_is(result, 0);
	t_is(slot.record.delivery, 0);
	t_is(tqueue_get(fd, &info), 0);
	t_is(info.leased, 0);
	t_is(info.ever_acknowledged - before.ever_acknowledged, 2);

	/* One that is over is told, and does not keep the next one away. */
	t_is(tqueue_send(fd, "one", 3, 0), 0);
	t_is(tqueue_send(fd, "two", 3, 0), 0);
	t_is(tqueue_next(fd, &slot.record, sizeof(slot), 0, 0, NULL), 1);
	t_is(tqueue_acknowledge(fd, slot.record.id, slot.record.delivery), 0);
	t_is(tqueue_next(fd, &slot.record, sizeof(slot), 0, 0, &result), 1);
	t_is(result, ESTALE);
	t_true(carries(&slot, "two"), "not the second one");
	t_is(tqueue_acknowledge(fd, slot.record.id, slot.record.delivery), 0);
	slot.record.delivery = 0;
	/* A longer one than there is room for. */
	t_is(tqueue_send(fd, slot.payload, 200, 0), 0);
	t_errno(tqueue_next(fd, &slot.record, sizeof(slot), 0, 0, &result), EMSGSIZE);
	t_true(slot.record.length >= 200, "%u are needed", slot.record.length);
	t_is(slot.record.delivery, 0);
	t_is(t_drain() > 0, 1);
	close(fd);
}

static void batches(void)
{
	int fd = open_queue(O_RDWR), i;
	struct tqueue_settlement settlements[3] = { 0 };
	const struct tqueue_record *record;
	static uint64_t space[4096];
	struct tqueue_info before, info;
	struct tqueue_batch batch;

	/* More than one call settles. */
	t_is(tqueue_get(fd, &before), 0);
	for (i = 0; i < 150; i++)
		t_is(tqueue_send(fd, "job", 3, 0), 0);
	tqueue_batch_init(&batch, space, sizeof(space));
	t_is(tqueue_lease_batch(fd, &batch, 0, TQUEUE_FOREVER, 0), 150);
	t_is(tqueue_batch_next(&batch, &record), 1);
	t_is(tqueue_acknowledge(fd, record->id, record->delivery), 0);
	t_is(tqueue_acknowledge_batch(fd, &batch), 149);
	t_is(tqueue_acknowledge_batch(fd, &batch), 0);
	t_is(tqueue_get(fd, &info), 0);
	t_is(info.leased, 0);
	t_is(info.received - before.received, 150);
	tqueue_batch_init(&batch, space, sizeof(space));
	t_is(tqueue_acknowledge_batch(fd, &batch), 0);

	/* Each settlement has a result of its own. */
	t_is(tqueue_send(fd, "one", 3, 0), 0);
	t_is(tqueue_send(fd, "two", 3, 0), 0);
	t_is(tqueue_lease_batch(fd, &batch, 2, 0, 0), 2);
	for (i = 0; tqueue_batch_next(&batch, &record) > 0; i++) {
		settlements[i].id = record->id;
		settlements[i].delivery = record->delivery;
		settlements[i].action = TQUEUE_ACKNOWLEDGE;
	}
	settlements[1].delivery++;
	settlements[2].id = settlements[1].id;
	settlements[2].delivery = settlements[1].delivery - 1;
	settlements[2].action = TQUEUE_BURY;
	settlements[2].code = -3;
	t_is(tqueue_settle(fd, settlements, 3), 2);
	t_is(settlements[0].result, 0);
	t_is(settlements[1].result, -ESTALE);
	t_is(settlements[2].result, 0);
	t_errno(tqueue_settle(fd, settlements, 0), EINVAL);
	empty(fd);
	close(fd);
}

/* What is there is listed in pages, and kicked. */
static void states(void)
{
	struct tqueue_send_options options = {
		.size = sizeof(options), .delay = 3600 * SECOND,
	};
	int fd = open_queue(O_RDWR), look, i;
	struct tqueue_listed page[3];
	uint64_t after = 0, seen = 0, delayed, buried;
	struct slot slot;
	uint32_t left = 7;

	for (i = 0; i < 7; i++)
		t_is(tqueue_send(fd, "ready", 5, 0), 0);
	t_is(tqueue_send_with(fd, "delayed", 7, &options, 0, &delayed), 0);
	t_is(lease(fd, &slot), 1);
	t_is(tqueue_bury(fd, slot.record.id, slot.record.delivery, 42, 0), 0);
	buried = slot.record.id;
	t_is(lease(fd, &slot), 1);

	look = open_queue(TQUEUE_O_LOOK);
	while ((i = tqueue_list_messages(look, page, sizeof(page[0]), 3, after, 0)) > 0) {
		after = page[i - 1].id;
		seen += i;
	}
	t_is(i, 0);
	t_is(seen, 8);
	t_is(tqueue_list_messages(look, page, sizeof(page[0]), 3, 0, TQUEUE_LEASED), 1);
	t_is(page[0].id, slot.record.id);
	t_is(page[0].delivery, slot.record.delivery);
	t_is(page[0].holder, getpid());
	t_true(page[0].flags & TQUEUE_LISTED_BEGUN, "it has not begun");
	t_is(tqueue_list_messages(look, page, sizeof(page[0]), 3, 0,
				  TQUEUE_BURIED | TQUEUE_DELAYED), 2);
	t_is(page[0].id, buried);
	t_is(page[0].code, 42);
	t_is(page[0].reason, TQUEUE_REASON_WORKER);
	t_is(page[1].id, delayed);
	t_is(page[1].state, TQUEUE_DELAYED);
	t_errno(tqueue_list_messages(look, page, sizeof(page[0]), 3, 0, 0x80), EINVAL);

	/* By id, whatever the state; looking takes nothing. */
	t_is(tqueue_peek_id(look, delayed, &slot.record, sizeof(slot)), 1);
	t_true(carries(&slot, "delayed"), "another message");
	t_errno(tqueue_receive_id(look, delayed, &slot.record, sizeof(slot)), EBADF);
	close(look);
	t_is(tqueue_receive_id(fd, delayed, &slot.record, sizeof(slot)), 1);
	t_errno(tqueue_receive_id(fd, delayed, &slot.record, sizeof(slot)), ENOENT);
	t_errno(tqueue_peek_id(fd, delayed, &slot.record, sizeof(slot)), ENOENT);

	t_is(tqueue_kick(fd, TQUEUE_FOREVER, 0, TQUEUE_DELAYED, &left), 0);
	t_is(tqueue_kick(fd, TQUEUE_FOREVER, 1, TQUEUE_BURIED, &left), 1);
	t_is(left, 0);
	t_errno(tqueue_kick(fd, TQUEUE_FOREVER, 0, TQUEUE_LEASED, NULL), EINVAL);
	t_is(lease(fd, &slot), 1);
	t_is(slot.record.id, buried);
	t_is(slot.record.attempts, 0);
	empty(fd);
	close(fd);
}

/* By id, and by force. */
static void unleased(void)
{
	struct tqueue_settlement settlement = {
		.action = TQUEUE_ACKNOWLEDGE, .flags = TQUEUE_SETTLE_UNLEASED,
	};
	int fd = open_queue(O_RDWR);
	struct slot slot;
	uint64_t id;

	t_is(tqueue_send_with(fd, "x", 1, NULL, 0, &id), 0);
	t_is(tqueue_bury(fd, id, 0, 0, TQUEUE_SETTLE_UNLEASED), 0);
	t_errno(lease(fd, &slot), EAGAIN);
	t_is(tqueue_requeue(fd, id, 0, 0, 0, TQUEUE_SETTLE_UNLEASED), 0);
	t_is(lease(fd, &slot), 1);
	t_errno(tqueue_bury(fd, id, 0, 0, TQUEUE_SETTLE_UNLEASED), EBUSY);
	t_is(tqueue_requeue(fd, id, 0, 0, 0, TQUEUE_SETTLE_FORCE), 0);
	t_errno(tqueue_acknowledge(fd, id, slot.record.delivery), ESTALE);
	settlement.id = id;
	t_is(tqueue_settle(fd, &settlement, 1), 1);
	t_errno(tqueue_bury(fd, id, 0, 0, TQUEUE_SETTLE_UNLEASED), ENOENT);
	t_nothing();
	close(fd);
}

static void pausing(void)
{
	int fd = open_queue(O_RDWR), control = tqueue_control_open(O_RDWR);
	struct tqueue_info info;
	struct slot slot;

	t_is(tqueue_pause(fd), 0);
	t_is(tqueue_send(fd, "x", 1, 0), 0);
	t_errno(lease(fd, &slot), EAGAIN);
	t_is(tqueue_peek(fd, &slot.record, sizeof(slot), 0), 1);
	t_is(tqueue_get_by_name("tqueue", &info), 0);
	t_is(info.state, TQUEUE_STATE_PAUSED);
	t_is(tqueue_stop(fd), 0);
	t_is(tqueue_get_by_name("tqueue", &info), 0);
	t_is(info.state, TQUEUE_STATE_PAUSED | TQUEUE_STATE_STOPPED);
	t_is(tqueue_start(fd), 0);
	t_is(tqueue_control_resume(control, "tqueue"), 0);
	t_is(tqueue_receive(fd, &slot.record, sizeof(slot), 0), 1);
	t_is(tqueue_control_pause(control, "tqueue"), 0);
	t_is(tqueue_get(fd, &info), 0);
	t_is(info.state, TQUEUE_STATE_PAUSED);
	t_is(tqueue_resume(fd), 0);
	t_errno(tqueue_control_pause(control, "no-such-queue"), ENOENT);
	close(control);
	close(fd);
}

/* Each policy is set, and told in both ways. */
static void policies(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_TTL | TQUEUE_CONFIG_ON_EXPIRED |
			  TQUEUE_CONFIG_MAX_ATTEMPTS | TQUEUE_CONFIG_ON_EXHAUSTED |
			  TQUEUE_CONFIG_LEASE_LIMIT | TQUEUE_CONFIG_MAX_LEASED |
			  TQUEUE_CONFIG_MAX_BURIED | TQUEUE_CONFIG_UNIQUE,
		.ttl = 100 * SECOND,
		.on_expired = TQUEUE_EXPIRED_BURY,
		.max_attempts = 3,
		.on_exhausted = TQUEUE_EXHAUSTED_DROP,
		.lease_limit = 50 * SECOND,
		.max_leased = 1,
		.max_buried = 5000,
		.unique = TQUEUE_UNIQUE_QUEUE,
	};
	int control = tqueue_control_open(O_RDWR), fd, i;
	struct tqueue_info info[2];
	struct slot slot;
	char text[512];

	t_is(tqueue_control_create(control, "work", &config, -1, -1, 0600), 0);
	fd = tqueue_open("work", O_RDWR);
	t_is(tqueue_get(fd, &info[0]), 0);
	t_is(tqueue_get_by_name("work", &info[1]), 0);
	for (i = 0; i < 2; i++) {
		t_is(info[i].ttl, config.ttl);
		t_is(info[i].on_expired, config.on_expired);
		t_is(info[i].max_attempts, config.max_attempts);
		t_is(info[i].on_exhausted, config.on_exhausted);
		t_is(info[i].lease_limit, config.lease_limit);
		t_is(info[i].max_leased, config.max_leased);
		t_is(info[i].max_buried, config.max_buried);
		t_is(info[i].unique, config.unique);
	}

	t_is(tqueue_send(fd, "one", 3, 0), 0);
	t_is(tqueue_send(fd, "two", 3, 0), 0);
	t_is(lease(fd, &slot), 1);
	t_errno(tqueue_lease(fd, &slot.record, sizeof(slot), 0, TQUEUE_FOREVER), ENOSPC);
	tqueue_explain("work", ENOSPC, text, sizeof(text));
	t_true(strstr(text, "--max-leased") && strstr(text, "all 1 leases"),
	       "limit: %s", text);
	config.fields = TQUEUE_CONFIG_MAX_LEASED | TQUEUE_CONFIG_MAX_ATTEMPTS;
	config.max_leased = 0;
	config.max_attempts = 1;
	t_is(tqueue_set(fd, &config), 0);
	/* After the last attempt it is dropped, as the queue is made. */
	t_is(tqueue_requeue(fd, slot.record.id, slot.record.delivery, 0, 0, 0),
	     TQUEUE_RESULT_DROPPED);
	t_is(tqueue_control_remove(control, "work", TQUEUE_REMOVE_FORCE), 0);
	close(fd);
	close(control);
}

static void explanations(void)
{
	static const struct {
		int error;
		const char *words;
	} errors[] = {
		{ EEXIST, "message 17 already has this key" },
		{ ENOENT, "no message 17 (\"tqueue jobs mail\"" },
		{ EBUSY, "message 17 is leased or being received" },
		{ ESTALE, "message 17: this delivery is over" },
		{ EPERM, "message 17: only the owner of the queue and root" },
		{ EINVAL, "message 17 cannot be settled like that" },
		{ EIDRM, "queue was removed" },
	};
	char text[512];
	size_t i, size;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		tqueue_explain_message("mail", 17, errors[i].error, text, sizeof(text));
		t_true(!strncmp(text, "mail: ", 6) && strstr(text, errors[i].words),
		       "%d: %s", errors[i].error, text);
		for (size = 0; size < 40; size++) {
			char *edge = t_edge(size);

			tqueue_explain_message("mail", 17, errors[i].error, edge, size);
			t_true(!size || strlen(edge) == size - 1, "not cut off");
			t_edge_free(edge, size);
		}
	}
	tqueue_explain_message(NULL, 17, ENOENT, text, sizeof(text));
	t_true(!strncmp(text, "no message 17", 13), "no name: %s", text);
}

static void run_worker(void *arg)
{
	char *argv[3] = { "worker", "tqueue", NULL };

	dup2(*(int *)arg, STDOUT_FILENO);
	exit(worker_main(2, argv));
}

/* The worker of the manual page does what it says. */
static void worker(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_MAX_ATTEMPTS, .max_attempts = 1,
	};
	static const char wanted[] = "attempt 1: one\nattempt 1:\040\nattempt 1: two\n";
	int fd = open_queue(O_RDWR), ends[2];
	struct tqueue_listed listed;
	char text[256];
	ssize_t got;

	t_is(tqueue_set(fd, &config), 0);
	t_is(tqueue_send(fd, "one", 3, 0), 0);
	t_is(tqueue_send(fd, "", 0, 0), 0);
	t_is(tqueue_send(fd, "two", 3, 0), 0);
	t_is(tqueue_stop(fd), 0);
	t_is(pipe(ends), 0);
	t_reap(t_fork(run_worker, &ends[1]));
	got = read(ends[0], text, sizeof(text) - 1);
	t_true(got > 0, "it prints nothing");
	text[got] = '\0';
	t_true(!strcmp(text, wanted), "it prints: %s", text);
	t_is(tqueue_list_messages(fd, &listed, sizeof(listed), 1, 0, 0), 1);
	t_is(listed.state, TQUEUE_BURIED);
	t_is(listed.reason, TQUEUE_REASON_ATTEMPTS);
	t_is(listed.code, 1);
	t_is(tqueue_start(fd), 0);
	config.max_attempts = 16;
	t_is(tqueue_set(fd, &config), 0);
	empty(fd);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(keys),
	TQ_TEST(wrong_options),
	TQ_TEST(filling),
	TQ_TEST(priorities_and_delays),
	TQ_TEST(unique),
	TQ_TEST(leases),
	TQ_TEST(hold),
	TQ_TEST(next),
	TQ_TEST(batches),
	TQ_TEST(states),
	TQ_TEST(unleased),
	TQ_TEST(pausing),
	TQ_TEST(policies),
	TQ_TEST(explanations),
	TQ_TEST(worker),
};

int main(int argc, char **argv)
{
	return t_main("library_work", tests, ARRAY_SIZE(tests), argc, argv);
}
