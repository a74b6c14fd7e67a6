/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages that are published and not settled, in the order in which they were
 * published.  The broker counts them in the same order.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdint.h>
#include <tqueue.h>

enum fate {
	FATE_OPEN, /* nothing is known yet */
	FATE_CONFIRMED,
	FATE_REFUSED,  /* a nack */
	FATE_RETURNED, /* it has no route */
	FATE_SETTLED,  /* settled; the slot is free when all before it are */
};

/**
 * struct slot - one message
 * @id: its id
 * @delivery: the number of its lease
 * @length: its bytes
 * @attempts: deliveries before this one
 * @returned: the broker has returned it, and will still confirm it
 * @fate: what became of it
 */
struct slot {
	uint64_t id;
	uint32_t delivery;
	uint32_t length;
	uint16_t attempts;
	uint8_t returned;
	uint8_t fate;
};

/**
 * struct window - the slots
 * @slots: a ring: the message with the broker's number n is at n % @size
 * @size: the number of slots
 * @first: number of the first message that is not settled
 * @next: number of the next message that is published; starts at 1 in each channel
 * @bytes: bytes of all that are not settled
 * @decided: how many wait to be settled
 */
struct window {
	struct slot *slots;
	uint32_t size;
	uint64_t first;
	uint64_t next;
	uint64_t bytes;
	uint32_t decided;
};

void window_init(struct window *window, uint32_t size);

/* Starts again with number 1, as the broker does.  All messages must be settled. */
void window_restart(struct window *window);

static inline uint32_t window_used(const struct window *window)
{
	return (uint32_t)(window->next - window->first);
}

static inline struct slot *window_slot(const struct window *window, uint64_t number)
{
	return &window->slots[number % window->size];
}

/* Adds a message that is being published. */
void window_add(struct window *window, const struct tqueue_record *record);

/*
 * Notes that the broker confirms or refuses a message, or all open ones up to it.  Returns
 * how many, or -1 if it was never published.
 */
int window_decide(struct window *window, uint64_t number, int multiple, enum fate fate);

/* Notes that the message with this id came back.  Returns NULL if there is none. */
struct slot *window_return(struct window *window, uint64_t id);

/* Marks a slot as settled. */
void window_settle(struct window *window, struct slot *slot);

/* Frees settled slots at the beginning. */
void window_advance(struct window *window);

#endif /* WINDOW_H */
