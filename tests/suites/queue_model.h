/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What queue_model.c knows of the work queue: its messages, and by which rules they
 * go from one state to another.
 */
#ifndef TQUEUE_TESTS_QUEUE_MODEL_H
#define TQUEUE_TESTS_QUEUE_MODEL_H

#include "calls.h"

#define NAME	"queue_model"
#define FILES	3
#define HELD	4	/* files of leases */
#define HOLDERS	(FILES + HELD)
#define STEPS	400
#define MOST	(STEPS * 4)
#define KEYS	6
#define NEVER	(100000 * T_SECOND)

struct item {
	uint64_t id, seed, key;
	size_t len, offset;
	unsigned int priority, state, attempts, delivery, reason;
	int code, holder;
	bool begun, unique, unsettled, takes;	/* the key */
	bool partial;
};

/* What a message comes back with. */
struct back {
	bool counted, bury;
	uint64_t delay;
	unsigned int reason;
	int code;
};

static struct item items[MOST], *partials[FILES];
static size_t count;
static int files[FILES], helds[HELD];
static struct item *held_items[HELD];
static uint32_t held_deliveries[HELD];
static size_t size, max_buried;
static uint64_t dropped, received, last_id, told;
static uint64_t ever_leased, ever_acknowledged, ever_requeued, ever_buried, ever_expired;
static unsigned int max_attempts, max_leased, on_exhausted, overflow;
static bool stopped, paused, follows;
static char buf[1 << 16] __attribute__((aligned(8)));
static struct tqueue_listed entries[MOST];
static unsigned long seed, steps;
/* ---- the model --------------------------------------------------------- */

static size_t bytes_of(const struct item *item)
{
	return t_record(item->len);
}

static bool precedes(const struct item *a, const struct item *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->id < b->id;
}

static struct item *next_ready(const struct item *after)
{
	struct item *first = NULL, *i;

	for (i = items; i < items + count; i++)
		if (i->state == TQUEUE_READY && (!after || precedes(after, i)) &&
		    (!first || precedes(i, first)))
			first = i;
	return first;
}

static unsigned int number_of(unsigned int state)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < count; i++)
		n += items[i].state == state;
	return n;
}

/* TQUEUE_IN_FLIGHT is not among them: that room is free. */
static size_t room_of(unsigned int states)
{
	size_t bytes = 0, i;

	for (i = 0; i < count; i++)
		if (items[i].state & states)
			bytes += bytes_of(&items[i]);
	return bytes;
}

static size_t held_bytes(void)
{
	return room_of(TQUEUE_READY | TQUEUE_LEASED | TQUEUE_DELAYED | TQUEUE_BURIED);
}

static struct item *any_in(unsigned int states)
{
	unsigned int n = 0, chosen;
	size_t i;

	for (i = 0; i < count; i++)
		n += !!(items[i].state & states);
	if (!n)
		return NULL;
	chosen = t_below(n);
	for (i = 0; i < count; i++)
		if (items[i].state & states && !chosen--)
			break;
	return &items[i];
}

static struct item *with_key(uint64_t key, const struct item *but)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (items[i].takes && items[i].key == key && &items[i] != but)
			return &items[i];
	return NULL;
}

/* It waits: it has its key, unless another has it by now. */
static void take_key(struct item *item)
{
	if (!item->unique || item->takes)
		return;
	if (with_key(item->key, item))
		item->unique = false;
	else
		item->takes = true;
}

static void gone(struct item *item)
{
	item->state = 0;
	item->takes = false;
}

/* Who is dropped next: buried ones, the oldest first; then the oldest of the lowest. */
static struct item *next_dropped(void)
{
	struct item *found = NULL, *i;

	for (i = items; i < items + count; i++)
		if (i->state == TQUEUE_BURIED && (!found || i->id < found->id))
			found = i;
	if (found)
		return found;
	for (i = items; i < items + count; i++)
		if (i->state == TQUEUE_READY &&
		    (!found || i->priority < found->priority ||
		     (i->priority == found->priority && i->id < found->id)))
			found = i;
	return found;
}

/* Room for one that is sent: 0, or why there is none. */
static int make_room(size_t bytes)
{
	struct item *victim;

	if (held_bytes() + bytes <= size)
		return 0;
	if (overflow != TQUEUE_OVERFLOW_DROP_OLDEST)
		return overflow == TQUEUE_OVERFLOW_REJECT ? ENOBUFS : EAGAIN;
	/* Nothing is dropped for one that cannot be sent. */
	if (room_of(TQUEUE_LEASED | TQUEUE_DELAYED) + bytes > size)
		return ENOBUFS;
	while (held_bytes() + bytes > size) {
		victim = next_dropped();
		t_true(victim, "nothing is left to drop");
		gone(victim);
		dropped++;
	}
	return 0;
}

static void make_ready(struct item *item)
{
	take_key(item);
	item->state = TQUEUE_READY;
}

static void make_delayed(struct item *item)
{
	take_key(item);
	item->state = TQUEUE_DELAYED;
}

static int make_buried(struct item *item)
{
	item->state = 0;
	if (room_of(TQUEUE_BURIED) + bytes_of(item) > max_buried) {
		item->reason = TQUEUE_REASON_PUT_OFF;
		make_delayed(item);
		return TQUEUE_RESULT_PUT_OFF;
	}
	ever_buried++;
	item->takes = false;
	item->state = TQUEUE_BURIED;
	return 0;
}

static int come_back(struct item *item, struct back back)
{
	item->state = 0;
	item->reason = back.reason;
	item->code = back.code;
	item->attempts += back.counted;
	if (back.bury)
		return make_buried(item);
	if (back.counted && max_attempts && item->attempts >= max_attempts) {
		item->reason = TQUEUE_REASON_ATTEMPTS;
		if (on_exhausted == TQUEUE_EXHAUSTED_BURY)
			return make_buried(item) ?: TQUEUE_RESULT_BURIED;
		dropped++;
		gone(item);
		return TQUEUE_RESULT_DROPPED;
	}
	if (back.delay)
		make_delayed(item);
	else
		make_ready(item);
	return 0;
}

static bool is_over(void)
{
	return stopped && !number_of(TQUEUE_READY) && !number_of(TQUEUE_LEASED) &&
	       !number_of(TQUEUE_DELAYED) && !number_of(TQUEUE_IN_FLIGHT);
}

/* What finds nothing gives 0 at the end, or EAGAIN. */
static void nothing(long got)
{
	if (is_over())
		t_is(got, 0);
	else
		t_errno(got, EAGAIN);
}

static void release(int holder)
{
	struct back back = { .reason = TQUEUE_REASON_CLOSED };
	uint32_t delivery = 0;
	struct item *next;
	size_t i;

	/* In the order of their deliveries. */
	for (;;) {
		next = NULL;
		for (i = 0; i < count; i++)
			if (items[i].state == TQUEUE_LEASED && items[i].holder == holder &&
			    items[i].delivery > delivery &&
			    (!next || items[i].delivery < next->delivery))
				next = &items[i];
		if (!next)
			return;
		delivery = next->delivery;
		ever_requeued++;
		back.counted = next->begun;
		come_back(next, back);
	}
}

static void acknowledged(struct item *item)
{
	gone(item);
	received++;
	ever_acknowledged++;
}

static int settle_leased(struct item *item, const struct tqueue_settlement *s)
{
	struct back back = {
		.counted = !(s->flags & TQUEUE_SETTLE_UNCOUNTED), .delay = s->time,
		.bury = s->action == TQUEUE_BURY, .code = s->code,
		.reason = s->flags & TQUEUE_SETTLE_FORCE ? TQUEUE_REASON_FORCED :
							   TQUEUE_REASON_WORKER,
	};

	switch (s->action) {
	case TQUEUE_ACKNOWLEDGE:
		acknowledged(item);
		return 0;
	case TQUEUE_BEGIN:
	case TQUEUE_EXTEND:
		item->begun = true;
		return 0;
	default:
		ever_requeued++;
		if (s->flags & TQUEUE_SETTLE_PRIORITY)
			item->priority = s->priority;
		return come_back(item, back);
	}
}

static int settle_unleased(struct item *item, const struct tqueue_settlement *s)
{
	struct back back = {
		.delay = s->time, .bury = s->action == TQUEUE_BURY, .code = s->code,
		.reason = TQUEUE_REASON_FORCED,
	};

	if (!item->state)
		return -ENOENT;
	if (item->state & (TQUEUE_LEASED | TQUEUE_IN_FLIGHT))
		return -EBUSY;
	if (s->action == TQUEUE_ACKNOWLEDGE) {
		gone(item);
		received++;
		return 0;
	}
	if (item->state == TQUEUE_BURIED && !back.bury) {
		if (item->unique && with_key(item->key, item))
			return -EEXIST;
		item->attempts = 0;
	}
	if (s->flags & TQUEUE_SETTLE_PRIORITY)
		item->priority = s->priority;
	return come_back(item, back);
}

#endif
