/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether records, LIST, INFO, poll and WAIT say what queue_model.h does. */
#ifndef TQUEUE_TESTS_QUEUE_COMPARE_H
#define TQUEUE_TESTS_QUEUE_COMPARE_H

#include "queue_model.h"

static void check_record(const struct tqueue_record *record, const struct item *item)
{
	size_t left = item->len - item->offset;

	t_is(record->id, item->id);
	t_is(record->length, left);
	t_is(record->priority, item->priority);
	t_is(record->attempts, item->attempts);
	t_is(record->flags & ~TQUEUE_FLAG_DROPPED,
	     item->offset ? TQUEUE_FLAG_PARTIAL : 0);
	t_is(record->header_words, TQUEUE_HEADER_WORDS);
	t_is(t_differs(record->payload, left, item->seed, item->offset), -1);
}

static void compare_lists(int file)
{
	long got = t_list_call(files[file], entries, MOST, 0, 0);
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		const struct item *item = &items[i];
		const struct tqueue_listed *entry = &entries[n];
		unsigned int flags = 0;

		if (!item->state)
			continue;
		t_is(got > (long)n, true);
		t_is(entry->id, item->id);
		t_is(entry->state, item->state);
		t_is(entry->priority, item->priority);
		t_is(entry->attempts, item->attempts);
		t_is(entry->length, item->len - item->offset);
		t_is(entry->delivery,
		     item->state == TQUEUE_LEASED ? item->delivery : 0);
		if (!item->partial) {
			t_is(entry->reason, item->reason);
			t_is(entry->code, item->code);
		}
		if (item->unique)
			flags = TQUEUE_FLAG_UNIQUE |
				(item->unsettled ? TQUEUE_FLAG_UNSETTLED : 0);
		if (item->state == TQUEUE_LEASED && item->begun)
			flags |= TQUEUE_LISTED_BEGUN;
		if (item->state != TQUEUE_IN_FLIGHT)
			t_is(entry->flags & ~TQUEUE_FLAG_PARTIAL, flags);
		if (item->unique && item->state != TQUEUE_IN_FLIGHT)
			t_is(entry->key, item->key);
		n++;
	}
	t_is(got, n);
}

static void compare(int file)
{
	struct tqueue_info info = t_info(files[file]);
	const struct item *next = paused ? NULL : next_ready(NULL);
	short events = 0;

	t_is(info.messages, number_of(TQUEUE_READY));
	t_is(info.leased, number_of(TQUEUE_LEASED));
	t_is(info.delayed, number_of(TQUEUE_DELAYED));
	t_is(info.buried, number_of(TQUEUE_BURIED));
	t_is(info.in_flight, number_of(TQUEUE_IN_FLIGHT));
	t_is(info.leased_bytes, room_of(TQUEUE_LEASED));
	t_is(info.delayed_bytes, room_of(TQUEUE_DELAYED));
	t_is(info.buried_bytes, room_of(TQUEUE_BURIED));
	t_is(info.bytes, held_bytes());
	t_is(info.sent, count);
	t_is(info.received, received);
	t_is(info.dropped, dropped);
	t_is(info.ever_leased, ever_leased);
	t_is(info.ever_acknowledged, ever_acknowledged);
	t_is(info.ever_requeued, ever_requeued);
	t_is(info.ever_buried, ever_buried);
	t_is(info.ever_expired, ever_expired);
	t_is(info.state,
	     (stopped ? TQUEUE_STATE_STOPPED : 0) | (paused ? TQUEUE_STATE_PAUSED : 0));
	t_is(info.max_buried, max_buried);
	if (!partials[file]) {
		bool filled = false;

		if (next)
			events |= POLLMSG;
		for (; next; next = next_ready(next))
			filled |= next->len > next->offset;
		if (filled || is_over() || (stopped && events && is_over()))
			events |= POLLIN;
		/* Of a stopped one with nothing but empty messages a read gives 0. */
		if (!(stopped && events == POLLMSG))
			t_is(t_poll(files[file], POLLIN | POLLMSG), events);
	} else {
		t_is(t_poll(files[file], POLLIN | POLLMSG), POLLIN);
	}
	if (number_of(TQUEUE_READY) || number_of(TQUEUE_LEASED) ||
	    number_of(TQUEUE_DELAYED) || number_of(TQUEUE_IN_FLIGHT))
		t_errno(t_wait_call(files[file], TQUEUE_FOREVER, 0), EAGAIN);
	else
		t_is(t_wait_call(files[file], TQUEUE_FOREVER, 0), 0);
}

#endif
