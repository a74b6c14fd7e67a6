// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/store.c in user space, against a model of it that is too simple to be wrong:
 * an array of messages, which is searched for all that is asked.
 *
 * usage: store [SEED [STEPS]]
 *
 * Random messages are sent into the ring and beside it, looked at, taken from the
 * front and out of the middle, put back, read in part, buried and dug out, settled and
 * thrown away; some have unique keys. Ids
 * grow by random steps, and positions pass the end of the range of a long. After each
 * step all that can be asked of the store is asked. A difference ends the program,
 * and says the seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../harness/check.h"

#include "store.h"
#include "unique.h"

#define SIZE	8192UL
#define MOST	4000	/* messages of one run */

enum place { GONE, IN_RING, READY, IN_FLIGHT, BURIED };

/* What the model knows of a message. */
struct known {
	enum place place;
	u64 id;
	u8 priority;
	size_t length, left;
	struct tq_message *message;
	struct tq_key *key;
};

static struct known known[MOST];
static unsigned int count;
static u64 last_id;
static unsigned long tx_pos, seed, step;
static struct tq_ring ring = { .size = SIZE };
static struct tq_store store;

void t_fail_at(const char *file, int line, const char *format, ...)
{
	va_list args;

	printf("FAIL store: %s:%d: seed %lu, step %lu: ", file, line, seed, step);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

void t_here(const char *file, int line)
{
	(void)file;
	(void)line;
}

static unsigned long below(unsigned long n)
{
	return (unsigned long)random() % n;
}

/* ---- the model ---------------------------------------------------------------- */

static bool precedes(const struct known *a, const struct known *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->id < b->id;
}

/* The first of those that are ready and come after @after, or NULL. */
static struct known *first_after(const struct known *after)
{
	struct known *first = NULL, *k;

	for (k = known; k < known + count; k++)
		if ((k->place == IN_RING || k->place == READY) &&
		    (!after || precedes(after, k)) && (!first || precedes(k, first)))
			first = k;
	return first;
}

static u64 lowest_id(void)
{
	struct known *k;
	u64 id = U64_MAX;

	for (k = known; k < known + count; k++)
		if (k->place != GONE && k->place != BURIED && k->id < id)
			id = k->id;
	return id;
}

static struct known *any(enum place place)
{
	unsigned int i, n = 0, chosen;

	for (i = 0; i < count; i++)
		n += known[i].place == place;
	if (!n)
		return NULL;
	chosen = below(n);
	for (i = 0; i < count; i++)
		if (known[i].place == place && !chosen--)
			break;
	return &known[i];
}

/* ---- the store ------------------------------------------------------------------ */

static unsigned long used(void)
{
	return tx_pos - store.pos;
}

static size_t random_length(void)
{
	return below(3) ? below(40) : below(4) ? 0 : below(SIZE / 4 - 40);
}

static void fill_header(struct tqueue_record *record, const struct known *k)
{
	memset(record, 0, sizeof(*record));
	record->length = k->length;
	record->header_words = TQUEUE_HEADER_WORDS;
	record->priority = k->priority;
	record->id = k->id;
	record->sent_ns = 7 * k->id;
}

static struct known *new_message(enum place place, u8 priority)
{
	struct known *k = &known[count++];

	last_id += 1 + (below(4) ? 0 : below(1000));
	*k = (struct known){
		.place = place, .id = last_id, .priority = priority,
		.length = random_length(),
	};
	k->left = k->length;
	return k;
}

static struct tq_message *allocate(const struct known *k)
{
	struct tq_message *message = calloc(1, sizeof(*message));

	message->state = TQ_MESSAGE_UNSENT;
	fill_header(&message->record, k);
	return message;
}

static void send_into_ring(void)
{
	struct known *k = new_message(IN_RING, 0);
	unsigned long bytes = tq_record_bytes(k->length);

	if (used() + bytes > SIZE) {
		count--;
		return;
	}
	fill_header(tq_ring_at(&ring, tx_pos), k);
	tx_pos += bytes;
}

/* Who has that key by the model. */
static struct known *with_key(const struct tq_key *key, bool any_user)
{
	struct known *k;

	for (k = known; k < known + count; k++)
		if (k->key && k->key != key && k->key->taken && k->key->key == key->key &&
		    (any_user || k->key->uid == key->uid))
			return k;
	return NULL;
}

/* Ask for the key, and take it if it is free. */
static void take_key(struct known *k)
{
	struct tq_message *holder;
	struct known *other;

	if (!k->key || k->key->taken)
		return;
	holder = tq_key_holder(&store, k->key, true);
	t_true(!holder == !with_key(k->key, true), "somebody has key %" PRIu64 ", or not",
	       (uint64_t)k->key->key);
	holder = tq_key_holder(&store, k->key, false);
	other = with_key(k->key, false);
	t_true(holder == (other ? other->message : NULL), "the wrong one has key %" PRIu64,
	       (uint64_t)k->key->key);
	if (!other)
		tq_key_insert(&store, k->key);
}

static void send_detached(void)
{
	struct known *k = new_message(READY, below(3) ? 0 : below(4));

	k->message = allocate(k);
	if (!below(3)) {
		k->key = calloc(1, sizeof(*k->key));
		k->key->message = k->message;
		k->key->key = below(5);
		k->key->uid = below(2);
		k->message->key = k->key;
		take_key(k);
	}
	tq_store_put(&store, k->message);
}

static void forget(struct known *k)
{
	free(k->key);
	free(k->message);
	k->key = NULL;
	k->message = NULL;
	k->place = GONE;
}

/* Where the cursor is, by what it says. */
static u64 id_at(const struct tq_cursor *cursor)
{
	struct tq_message *message = tq_store_detached(&store, cursor);

	return message ? message->record.id : tq_store_at(&store, cursor->pos)->id;
}

/* Take the message that so many others come before. */
static void take(unsigned int before)
{
	struct known *k = first_after(NULL);
	struct tq_cursor cursor;
	unsigned long room, expected, pos;
	struct tq_message *message;

	tq_store_begin(&store, &cursor);
	for (; k && before; before--) {
		tq_store_step(&store, &cursor);
		k = first_after(k);
	}
	if (!k)
		return;
	t_true(id_at(&cursor) == k->id, "the cursor is at %" PRIu64 ", not %" PRIu64,
	       (uint64_t)id_at(&cursor), (uint64_t)k->id);
	message = tq_store_detached(&store, &cursor);
	t_true(!message == (k->place == IN_RING), "%" PRIu64 " is in the wrong place",
	       (uint64_t)k->id);
	pos = store.pos;
	room = tq_store_take(&store, &cursor);
	if (message) {
		expected = tq_record_bytes(k->length);
		t_true(message == k->message, "another message was taken");
		t_true(message->state == TQ_MESSAGE_IN_FLIGHT, "it is not in flight");
	} else {
		expected = store.pos - pos;
		k->message = allocate(k);
		tq_store_track(&store, k->message);
	}
	t_true(room == expected, "%lu bytes of room, not %lu", room, expected);
	k->place = IN_FLIGHT;
}

static void settle(void)
{
	struct known *k = any(IN_FLIGHT);

	if (!k)
		return;
	tq_store_settle(&store, k->message);
	t_true(!k->key || !k->key->taken, "it is settled and has its key");
	forget(k);
}

/* One that is ready beside the ring, wherever in the order it is. */
static void pull(void)
{
	struct known *k = any(READY);

	if (!k)
		return;
	tq_store_pull(&store, k->message);
	t_true(k->message->state == TQ_MESSAGE_IN_FLIGHT, "it is not in flight");
	k->place = IN_FLIGHT;
}

static void bury(void)
{
	struct known *k = any(IN_FLIGHT);

	if (!k)
		return;
	tq_store_bury(&store, k->message);
	t_true(!k->key || !k->key->taken, "it is buried and has its key");
	k->place = BURIED;
}

static void dig_out(void)
{
	struct known *k = any(BURIED);

	if (!k)
		return;
	tq_store_unbury(&store, k->message);
	take_key(k);
	k->place = IN_FLIGHT;
}

static void put_back(void)
{
	struct known *k = any(IN_FLIGHT);
	size_t part;

	if (!k)
		return;
	part = k->left > 1 && below(2) ? below(k->left) : 0;
	k->message->offset += part;
	k->left -= part;
	take_key(k);
	tq_store_put(&store, k->message);
	k->place = READY;
}

/* Receive a run of records out of the ring at once. */
static void take_run(void)
{
	struct known *k = first_after(NULL);
	struct tq_cursor cursor;
	size_t room = below(SIZE), bytes;
	int most = 1 + below(20), n, i;
	unsigned long pos = store.pos;

	tq_store_begin(&store, &cursor);
	if (!k || k->place != IN_RING || tq_store_detached(&store, &cursor))
		return;
	bytes = tq_store_run(&store, &cursor, room, room, most, &n);
	t_true(bytes <= room && n <= most, "%d records of %zu bytes", n, bytes);
	if (!n) {
		t_true(tq_record_bytes(k->length) > room, "the first fits into %zu", room);
		return;
	}
	for (i = 0; i < n; i++) {
		t_true(k && k->place == IN_RING, "record %d is no message of the ring", i);
		t_true(tq_store_at(&store, pos)->id == k->id, "record %d is wrong", i);
		pos += tq_record_bytes(k->length);
		k->place = GONE;
		k = first_after(NULL);
	}
	t_true(pos == store.pos + bytes, "they have %zu bytes", bytes);
	tq_store_advance(&store, bytes);
}

/* A walk for which the lock is let go now and then. */
static void walk_on(void)
{
	struct known *k = first_after(NULL);
	struct tq_cursor cursor;
	struct tq_rank rank;

	for (tq_store_begin(&store, &cursor); k; k = first_after(k)) {
		t_true(!tq_store_at_end(&store, &cursor), "it ends before %" PRIu64,
		       (uint64_t)k->id);
		t_true(id_at(&cursor) == k->id, "it is at %" PRIu64 ", not %" PRIu64,
		       (uint64_t)id_at(&cursor), (uint64_t)k->id);
		rank = (struct tq_rank){ .id = k->id, .priority = k->priority };
		tq_store_step(&store, &cursor);
		if (!below(3)) {
			switch (below(3)) {
			case 0:
				take(below(3));
				break;
			case 1:
				put_back();
				break;
			case 2:
				if (count < MOST - 1)
					send_into_ring();
			}
			tq_store_resume(&store, &cursor, &rank);
			/* What came back in front of it is not seen. */
		}
	}
	t_true(tq_store_at_end(&store, &cursor), "it goes on");
}

static void throw_away(void)
{
	struct rb_root_cached ready;
	struct tq_message *list;
	struct known *k;

	tq_store_close(&store, &ready);
	while ((list = tq_store_clear(&store, &ready, 1 + below(5))))
		while (list) {
			struct tq_message *message = list;

			list = list->next;
			for (k = known; k->message != message; k++)
				;
			t_true(k->place == READY, "%" PRIu64 " is cleared", (uint64_t)k->id);
			forget(k);
		}
	for (k = known; k < known + count; k++) {
		t_true(k->place != READY, "%" PRIu64 " is left", (uint64_t)k->id);
		if (k->place == IN_RING)
			k->place = GONE;
	}
}

/* The lowest id above @id of those in one of two places. */
static struct known *next_in(u64 id, enum place one, enum place other)
{
	struct known *next = NULL, *k;

	for (k = known; k < known + count; k++)
		if ((k->place == one || k->place == other) && k->id > id &&
		    (!next || k->id < next->id))
			next = k;
	return next;
}

static struct tq_message *message_of(const struct known *k)
{
	return k ? k->message : NULL;
}

/* Of those beside the ring with the lowest priority of all: the oldest. */
static struct known *oldest_last(void)
{
	struct known *found = NULL, *k;
	unsigned int lowest = 255;

	for (k = known; k < known + count; k++)
		if ((k->place == READY || k->place == IN_RING) && k->priority < lowest)
			lowest = k->priority;
	for (k = known; k < known + count; k++)
		if (k->place == READY && k->priority == lowest && (!found || k->id < found->id))
			found = k;
	return found;
}

/* When the oldest of those that are ready was sent. */
static s64 oldest_sent(void)
{
	s64 sent = S64_MAX;
	struct known *k;

	for (k = known; k < known + count; k++)
		if (k->place == READY || k->place == IN_RING)
			sent = min(sent, (s64)(7 * k->id));
	return sent;
}

/* A search in the ring that is let go now and then. */
static void look_for(u64 id)
{
	unsigned long pos = below(2) ? store.pos : store.pos - 8 * below(100);
	struct known *next = next_in(id - 1, IN_RING, IN_RING);
	int ret;

	do {
		ret = tq_store_find(&store, id, &pos, 1 + below(10));
	} while (ret == -EAGAIN);
	if (next && next->id == id)
		t_true(!ret, "%" PRIu64 " is not found", (uint64_t)id);
	else
		t_true(ret == -ENOENT, "%" PRIu64 " is found", (uint64_t)id);
	t_true(next ? tq_store_at(&store, pos)->id == next->id : pos == store.end,
	       "the search for %" PRIu64 " ends elsewhere", (uint64_t)id);
}

static void ask_for_ids(void)
{
	u64 id = count && below(2) ? known[below(count)].id : below(last_id + 2);

	t_true(tq_store_next(&store.by_id, id) ==
	       message_of(next_in(id, READY, IN_FLIGHT)), "another follows %" PRIu64,
	       (uint64_t)id);
	t_true(tq_store_next(&store.buried, id) == message_of(next_in(id, BURIED, BURIED)),
	       "another buried one follows %" PRIu64, (uint64_t)id);
	t_true(tq_store_first_buried(&store) == message_of(next_in(0, BURIED, BURIED)),
	       "another buried one is first");
	t_true(tq_store_oldest_last(&store) == message_of(oldest_last()),
	       "another one is the oldest of those that come last");
	if (id)
		look_for(id);
}

static void ask(void)
{
	unsigned int ready = 0, filled = 0;
	unsigned long voids = store.end - store.pos;
	struct known *k, *first = first_after(NULL);
	struct tq_cursor cursor;

	t_true(tq_store_lowest_id(&store) == lowest_id(), "the lowest id is %" PRIu64,
	       (uint64_t)tq_store_lowest_id(&store));
	t_true(tq_store_oldest_sent(&store) == oldest_sent(),
	       "the oldest was sent at %" PRId64, (int64_t)tq_store_oldest_sent(&store));
	tq_store_begin(&store, &cursor);
	t_true(tq_store_at_end(&store, &cursor) == !first, "it is empty, or not");
	voids = store.end - store.pos;
	for (k = known; k < known + count; k++) {
		struct tq_message *message = tq_store_by_id(&store, k->id);

		t_true(message == (k->place == GONE || k->place == IN_RING ?
				   NULL : k->message), "%" PRIu64 " is found, or not",
		       (uint64_t)k->id);
		ready += k->place == READY;
		filled += k->place == READY && k->left;
		if (k->place == IN_RING)
			voids -= tq_record_bytes(k->length);
	}
	t_true(store.ready_count == ready, "%u are ready", store.ready_count);
	t_true(store.ready_filled == filled, "%u are filled", store.ready_filled);
	t_true(store.void_bytes == voids, "%lu bytes of voids, not %lu", store.void_bytes, voids);
	t_true(store.pos == store.end ||
	       !(tq_store_at(&store, store.pos)->length & TQ_RECORD_VOID),
	       "it begins with a void");
	ask_for_ids();
}

static void run(unsigned long steps)
{
	void *base = ring.base;

	memset(base, 0xa5, SIZE);
	count = 0;
	last_id = below(1000);
	/* Positions pass the end of their range in some of the runs. */
	tx_pos = below(2) ? 0 : -(below(100) * SIZE);
	tq_store_init(&store, &ring, &tx_pos);
	for (step = 0; step < steps && count < MOST - 2; step++) {
		switch (below(15)) {
		case 12:
			pull();
			break;
		case 13:
			bury();
			break;
		case 14:
			dig_out();
			break;
		case 0 ... 2:
			send_into_ring();
			break;
		case 3:
			send_detached();
			break;
		case 4:
			take(0);
			break;
		case 5:
			take(below(10));
			break;
		case 6:
			take_run();
			break;
		case 7:
			put_back();
			break;
		case 8:
		case 9:
			settle();
			break;
		case 10:
			walk_on();
			break;
		case 11:
			if (!below(50))
				throw_away();
		}
		ask();
	}
	throw_away();
	while (any(BURIED))
		dig_out();
	while (any(IN_FLIGHT))
		settle();
	ask();
}

/* As the driver has it: the ring is mapped twice in a row. */
static void *map_twice(void)
{
	int fd = memfd_create("ring", 0);
	char *base;

	if (fd < 0 || ftruncate(fd, SIZE))
		return MAP_FAILED;
	base = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED ||
	    mmap(base, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != base ||
	    mmap(base + SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
	    base + SIZE)
		return MAP_FAILED;
	close(fd);
	return base;
}

int main(int argc, char **argv)
{
	unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 0) : (unsigned long)time(NULL);
	unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000;
	unsigned int runs = argc > 1 ? 1 : 60, i;

	ring.base = map_twice();
	if (ring.base == MAP_FAILED) {
		printf("FAIL store: no memory that is mapped twice: %s\n", strerror(errno));
		return 1;
	}
	for (i = 0; i < runs; i++) {
		seed = first + i;
		srandom(seed);
		run(steps);
	}
	printf("PASS store: %u runs of %lu steps from seed %lu agree with the model\n", runs,
	       steps, first);
	return 0;
}
