// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "report.h"
#include "window.h"

void window_init(struct window *window, uint32_t size)
{
	window->slots = need_memory(calloc(size, sizeof(*window->slots)));
	window->size = size;
	window->bytes = 0;
	window->decided = 0;
	window_restart(window);
}

void window_restart(struct window *window)
{
	window->first = 1;
	window->next = 1;
}

void window_add(struct window *window, const struct tqueue_record *record)
{
	struct slot *slot = window_slot(window, window->next++);

	*slot = (struct slot){
		.id = record->id,
		.delivery = record->delivery,
		.length = record->length,
		.attempts = record->attempts,
		.fate = FATE_OPEN,
	};
	window->bytes += record->length;
}

int window_decide(struct window *window, uint64_t number, int multiple, enum fate fate)
{
	uint64_t from = multiple ? window->first : number;
	struct slot *slot;
	int count = 0;

	/* Number 0 with "multiple" stands for all open messages. */
	if (!number && multiple)
		number = window->next - 1;
	if (number >= window->next || (!multiple && number < window->first))
		return -1;
	for (; from <= number; from++) {
		slot = window_slot(window, from);
		if (slot->fate != FATE_OPEN)
			continue;
		slot->fate = slot->returned ? FATE_RETURNED : fate;
		window->decided++;
		count++;
	}
	return count;
}

struct slot *window_return(struct window *window, uint64_t id)
{
	uint64_t number;
	struct slot *slot;

	for (number = window->first; number < window->next; number++) {
		slot = window_slot(window, number);
		if (slot->id == id && slot->fate == FATE_OPEN) {
			slot->returned = 1;
			return slot;
		}
	}
	return NULL;
}

void window_settle(struct window *window, struct slot *slot)
{
	if (slot->fate != FATE_OPEN)
		window->decided--;
	slot->fate = FATE_SETTLED;
	window->bytes -= slot->length;
}

void window_advance(struct window *window)
{
	while (window->first < window->next &&
	       window_slot(window, window->first)->fate == FATE_SETTLED)
		window->first++;
}
