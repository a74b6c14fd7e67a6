/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages of the broker that are not acknowledged yet, in the order in which it
 * delivered them on this channel.
 */
#ifndef ARRIVALS_H
#define ARRIVALS_H

#include <stdint.h>

#include "connection.h"

enum stage {
	STAGE_QUEUED, /* in the queue, and not settled there yet */
	STAGE_HELD,   /* too long for the queue: the broker keeps it */
	STAGE_DONE,   /* to be acknowledged */
	STAGE_BACK,   /* to be handed back */
};

/**
 * struct arrival - one message
 * @tag: the broker's number of its delivery
 * @id: its id in the queue
 * @since: when it came
 * @stage: what is to be done with it
 * @named: whether it has a message-id
 */
struct arrival {
	uint64_t tag;
	uint64_t id;
	uint64_t since;
	enum stage stage;
	int named;
};

/**
 * struct arrivals - all these messages
 * @all: sorted by @tag
 * @count: how many
 * @size: the most that fit
 */
struct arrivals {
	struct arrival *all;
	uint32_t count;
	uint32_t size;
};

void arrivals_init(struct arrivals *arrivals, uint32_t size);

/* Whether the broker has sent as many as it may. */
static inline int arrivals_are_full(const struct arrivals *arrivals)
{
	return arrivals->count == arrivals->size;
}

/* Adds one, for which there must be room. */
struct arrival *arrivals_add(struct arrivals *arrivals, uint64_t tag);

/* The number of messages in a stage. */
uint32_t arrivals_in(const struct arrivals *arrivals, enum stage stage);

/*
 * Acknowledges STAGE_DONE, and hands back STAGE_BACK.  Returns 0, or -1 if the
 * connection is lost.
 */
int arrivals_answer(struct arrivals *arrivals, struct connection *connection);

#endif /* ARRIVALS_H */
