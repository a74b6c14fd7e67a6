// SPDX-License-Identifier: GPL-2.0-only
/* See work.h. */
#include "work.h"

#include "check.h"
#include "clock.h"
#include "messages.h"
#include "named.h"
#include "queue.h"
#include "records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static uint64_t send_one(int fd, void *buf, size_t bytes, struct tqueue_send send)
{
	send.records = (uintptr_t)buf;
	send.bytes = bytes;
	send.deadline = TQUEUE_FOREVER;
	t_is(ioctl(fd, TQUEUE_SEND, &send), 1);
	free(buf);
	return send.last_id;
}

uint64_t t_send_priority(int fd, size_t len, uint64_t seed, unsigned int priority)
{
	char *buf = malloc(t_record(len));
	size_t bytes = t_put(buf, 0, len, seed);

	t_at(buf, 0)->priority = priority;
	return send_one(fd, buf, bytes, (struct tqueue_send){ 0 });
}

uint64_t t_send_id(int fd, size_t len, uint64_t seed)
{
	return t_send_priority(fd, len, seed, 0);
}

uint64_t t_send_many(int fd, unsigned int n, uint64_t seed)
{
	uint64_t id = 0;

	while (n--)
		id = t_send_id(fd, 20, seed++);
	return id;
}

uint64_t t_send_delayed(int fd, size_t len, uint64_t seed, uint64_t delay)
{
	char *buf = malloc(t_record(len));
	size_t bytes = t_put(buf, 0, len, seed);

	return send_one(fd, buf, bytes, (struct tqueue_send){
		.flags = TQUEUE_SEND_DELAY, .delay = delay });
}

long t_send_unique_call(int fd, size_t len, uint64_t seed, uint64_t key,
			unsigned int flags, uint64_t *id)
{
	char *buf = malloc(t_record(len));
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = t_put(buf, 0, len, seed),
		.flags = TQUEUE_SEND_UNIQUE | flags, .key = key,
	};
	long got = ioctl(fd, TQUEUE_SEND, &send);

	free(buf);
	if (id)
		*id = send.last_id;
	return got;
}

uint64_t t_send_unique(int fd, size_t len, uint64_t seed, uint64_t key)
{
	uint64_t id;

	t_is(t_send_unique_call(fd, len, seed, key, 0, &id), 1);
	return id;
}

long t_lease_call(int fd, void *buf, size_t room, unsigned int count,
		  uint64_t limit)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room,
		.flags = TQUEUE_RECEIVE_LEASE, .count = count, .limit = limit,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

static struct tqueue_record receive_one(const char *file, int line, int fd, size_t len,
					uint64_t seed, unsigned int flags)
{
	char *buf = malloc(t_record(len) + 64);
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = t_record(len) + 64,
		.flags = flags, .count = 1,
	};
	struct tqueue_record *record = t_at(buf, 0);
	struct tqueue_record header;
	long got = ioctl(fd, TQUEUE_RECEIVE, &receive);

	t_here(file, line);
	if (got != 1)
		t_fail_at(file, line, "RECEIVE gives %ld (%s), not message %llu", got,
			  got < 0 ? strerrorname_np(errno) : "",
			   (unsigned long long)seed);
	if (record->length != len || t_differs(record->payload, len, seed, 0) >= 0)
		t_fail_at(file, line, "not message %llu comes, but one of %u bytes with id %llu and priority %u",
			  (unsigned long long)seed, record->length,
			   (unsigned long long)record->id, record->priority);
	if (!record->delivery == !!(flags & TQUEUE_RECEIVE_LEASE) || !record->id ||
	    record->reserved || record->header_words != TQUEUE_HEADER_WORDS ||
	    record->flags & 0xff)
		t_fail_at(file, line, "delivery %u, id %llu, header_words %u, reserved %u, flags %#x",
			  record->delivery, (unsigned long long)record->id,
			   record->header_words, record->reserved, record->flags);
	header = *record;
	free(buf);
	return header;
}

struct tqueue_record t_lease_at(const char *file, int line, int fd, size_t len,
				uint64_t seed)
{
	return receive_one(file, line, fd, len, seed, TQUEUE_RECEIVE_LEASE);
}

struct tqueue_record t_take_at(const char *file, int line, int fd, size_t len,
			       uint64_t seed)
{
	return receive_one(file, line, fd, len, seed, 0);
}

void t_no_lease_at(const char *file, int line, int fd, int error)
{
	uint64_t buf[TQ_PAGE / 8];

	t_errno_at(file, line, "a lease", t_lease_call(fd, buf, sizeof(buf), 1, 0),
		   error);
}

long t_by_id_call(int fd, uint64_t id, unsigned int flags, void *buf, size_t room)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room,
		.flags = TQUEUE_RECEIVE_BY_ID | flags, .id = id,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

struct tqueue_settlement t_settlement(const struct tqueue_record *record,
				      unsigned int action)
{
	return (struct tqueue_settlement){
		.id = record->id, .delivery = record->delivery, .action = action,
		.result = 0x5a5a5a5a,
	};
}

long t_settle_call(int fd, struct tqueue_settlement *settlements,
		   unsigned int count)
{
	struct tqueue_settle settle = {
		.settlements = (uintptr_t)settlements, .count = count,
	};

	return ioctl(fd, TQUEUE_SETTLE, &settle);
}

int t_settle_one(int fd, struct tqueue_settlement settlement)
{
	struct tqueue_settlement before = settlement;
	long got;

	settlement.result = 0x5a5a5a5a;
	got = t_settle_call(fd, &settlement, 1);
	t_is(got, settlement.result >= 0);
	before.result = settlement.result;
	t_true(!memcmp(&before, &settlement, sizeof(before)),
	       "SETTLE changes more than the result");
	return settlement.result;
}

int t_settle(int fd, const struct tqueue_record *record, unsigned int action)
{
	return t_settle_one(fd, t_settlement(record, action));
}

int t_settle_unleased(int fd, uint64_t id, unsigned int action)
{
	return t_settle_one(fd, (struct tqueue_settlement){
		.id = id, .action = action, .flags = TQUEUE_SETTLE_UNLEASED });
}

int t_requeue(int fd, const struct tqueue_record *record, uint64_t delay,
	      unsigned int flags)
{
	struct tqueue_settlement settlement = t_settlement(record, TQUEUE_REQUEUE);

	settlement.time = delay;
	settlement.flags = flags;
	return t_settle_one(fd, settlement);
}

long t_kick_call(int fd, uint64_t id, unsigned int count, unsigned int states,
		 unsigned int *left)
{
	struct tqueue_kick kick = { .id = id, .count = count, .states = states,
				    .left = 0x5a5a5a5a };
	long got;

	/* What is an output alone may be anything before. */
	got = ioctl(fd, TQUEUE_KICK, &kick);
	if (left)
		*left = kick.left;
	return got;
}

long t_list_call(int fd, struct tqueue_listed *entries, unsigned int count,
		 uint64_t after, unsigned int states)
{
	struct tqueue_list list = {
		.entries = (uintptr_t)entries, .count = count, .after = after,
		.entry_bytes = sizeof(*entries), .states = states,
	};

	return ioctl(fd, TQUEUE_LIST, &list);
}

struct tqueue_listed t_listed(int fd, uint64_t id)
{
	struct tqueue_listed entry = { 0 };
	long got = t_list_call(fd, &entry, 1, id - 1, 0);

	t_true(got >= 0, "LIST fails with %s", strerrorname_np(errno));
	if (!got || entry.id != id)
		memset(&entry, 0, sizeof(entry));
	return entry;
}

unsigned int t_state(int fd, uint64_t id)
{
	return t_listed(fd, id).state;
}

void t_becomes_at(const char *file, int line, int fd, uint64_t id,
		  unsigned int state)
{
	double end = t_now() + 10 * t_slow();
	unsigned int found;

	while ((found = t_state(fd, id)) != state) {
		if (t_now() > end)
			t_fail_at(file, line, "message %llu stays in state %#x, not %#x",
				  (unsigned long long)id, found, state);
		usleep(500);
	}
}

void t_counts_at(const char *file, int line, int fd, unsigned int ready,
		 unsigned int leased, unsigned int delayed, unsigned int buried)
{
	struct tqueue_info info = t_info(fd);

	if (info.messages != ready || info.leased != leased ||
	    info.delayed != delayed || info.buried != buried)
		t_fail_at(file, line,
			  "%llu ready, %llu leased, %llu delayed, %llu buried; not %u, %u, %u, %u",
			   (unsigned long long)info.messages,
			   (unsigned long long)info.leased,
			   (unsigned long long)info.delayed,
			   (unsigned long long)info.buried, ready, leased, delayed,
			   buried);
	t_adds_up_at(file, line, &info);
}
