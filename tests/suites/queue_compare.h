/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether records, LIST, INFO, poll and WAIT say what queue_model.h does. */
#ifndef TQUEUE_TESTS_QUEUE_COMPARE_H
#define TQUEUE_TESTS_QUEUE_COMPARE_H

#include "queue_model.h"

static void check_record(const struct tqueue_record *record, const struct item *item)
{
	size_t left = item->len - item->offset;

	eq("id", record->id, item->id);
	eq("length", record->length, left);
	eq("priority", record->priority, item->priority);
	eq("attempts", record->attempts, item->attempts);
	eq("flags", record->flags & ~TQUEUE_FLAG_DROPPED,
	   item->offset ? TQUEUE_FLAG_PARTIAL : 0);
	eq("header_words", record->header_words, TQUEUE_HEADER_WORDS);
	eq("payload", t_differs(record->payload, left, item->seed, item->offset), -1);
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
		eq("there are more in the list", got > (long)n, true);
		eq("listed id", entry->id, item->id);
		eq("listed state", entry->state, item->state);
		eq("listed priority", entry->priority, item->priority);
		eq("listed attempts", entry->attempts, item->attempts);
		eq("listed length", entry->length, item->len - item->offset);
		eq("listed delivery", entry->delivery,
		   item->state == TQUEUE_LEASED ? item->delivery : 0);
		if (!item->partial) {
			eq("listed reason", entry->reason, item->reason);
			eq("listed code", entry->code, item->code);
		}
		if (item->unique)
			flags = TQUEUE_FLAG_UNIQUE |
				(item->unsettled ? TQUEUE_FLAG_UNSETTLED : 0);
		if (item->state == TQUEUE_LEASED && item->begun)
			flags |= TQUEUE_LISTED_BEGUN;
		if (item->state != TQUEUE_IN_FLIGHT)
			eq("listed flags", entry->flags & ~TQUEUE_FLAG_PARTIAL, flags);
		if (item->unique && item->state != TQUEUE_IN_FLIGHT)
			eq("listed key", entry->key, item->key);
		n++;
	}
	eq("messages in the list", got, n);
}

static void compare(int file)
{
	struct tqueue_info info = t_info(files[file]);
	const struct item *next = paused ? NULL : next_ready(NULL);
	short events = 0;

	eq("messages", info.messages, number_of(TQUEUE_READY));
	eq("leased", info.leased, number_of(TQUEUE_LEASED));
	eq("delayed", info.delayed, number_of(TQUEUE_DELAYED));
	eq("buried", info.buried, number_of(TQUEUE_BURIED));
	eq("in_flight", info.in_flight, number_of(TQUEUE_IN_FLIGHT));
	eq("leased_bytes", info.leased_bytes, room_of(TQUEUE_LEASED));
	eq("delayed_bytes", info.delayed_bytes, room_of(TQUEUE_DELAYED));
	eq("buried_bytes", info.buried_bytes, room_of(TQUEUE_BURIED));
	eq("bytes", info.bytes, held_bytes());
	eq("sent", info.sent, count);
	eq("received", info.received, received);
	eq("dropped", info.dropped, dropped);
	eq("ever_leased", info.ever_leased, ever_leased);
	eq("ever_acknowledged", info.ever_acknowledged, ever_acknowledged);
	eq("ever_requeued", info.ever_requeued, ever_requeued);
	eq("ever_buried", info.ever_buried, ever_buried);
	eq("ever_expired", info.ever_expired, ever_expired);
	eq("state", info.state, (stopped ? TQUEUE_STATE_STOPPED : 0) |
				(paused ? TQUEUE_STATE_PAUSED : 0));
	eq("max_buried", info.max_buried, max_buried);
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
			eq("poll", t_poll(files[file], POLLIN | POLLMSG), events);
	} else {
		eq("poll", t_poll(files[file], POLLIN | POLLMSG), POLLIN);
	}
	if (number_of(TQUEUE_READY) || number_of(TQUEUE_LEASED) ||
	    number_of(TQUEUE_DELAYED) || number_of(TQUEUE_IN_FLIGHT))
		fails(t_wait_call(files[file], TQUEUE_FOREVER, 0), EAGAIN);
	else
		eq("WAIT", t_wait_call(files[file], TQUEUE_FOREVER, 0), 0);
}

#endif
