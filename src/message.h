/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Detached messages: messages in an allocation of their own, outside the ring.
 */
#ifndef TQ_MESSAGE_H
#define TQ_MESSAGE_H

#include <linux/compiler.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "ring.h"

/**
 * enum tq_message_state - who owns a detached message
 * @TQ_MESSAGE_UNSENT: its sender, which copies it or waits for room.  It has no
 *	id yet.
 * @TQ_MESSAGE_READY: the store of its queue, which delivers it in its turn
 * @TQ_MESSAGE_IN_FLIGHT: a call that copies it out, or an open file that has
 *	read a part of it.  It may come back, and so the store knows its id.
 */
enum tq_message_state {
	TQ_MESSAGE_UNSENT,
	TQ_MESSAGE_READY,
	TQ_MESSAGE_IN_FLIGHT,
};

/**
 * struct tq_message - a detached message
 * @ready: place in the order of delivery, while it is ready
 * @by_id: place in the order of ids, from its sending until it is settled
 * @next: in a list of messages that are to be freed
 * @refs: its owner, and those who peek at it
 * @state: who owns it.  Changes under rx.lock.
 * @begun: a part of it was read through the file that holds it now
 * @capacity: payload bytes that the allocation has room for
 * @offset: payload bytes that were read already
 * @record: the message, as it would stand in the ring
 */
struct tq_message {
	struct rb_node ready;
	struct rb_node by_id;
	struct tq_message *next;
	refcount_t refs;
	enum tq_message_state state;
	bool begun;
	size_t capacity;
	size_t offset;
	struct tqueue_record record;	/* the payload follows */
};

struct tq_message *tq_message_alloc(size_t length);
void tq_message_put(struct tq_message *message);
void tq_message_put_all(struct tq_message *list);

/* Give up a list of messages, which is usually empty: see tq_message_put(). */
static inline void tq_messages_put(struct tq_message *list)
{
	if (unlikely(list))
		tq_message_put_all(list);
}

/* What is left to read of a message. */
static inline size_t tq_message_left(const struct tq_message *message)
{
	return message->record.length - message->offset;
}

/* What a message counts for in the size of its queue. */
static inline unsigned long tq_message_bytes(const struct tq_message *message)
{
	return tq_record_bytes(message->record.length);
}

/**
 * struct tq_rank - a place in the order of delivery
 * @id: of the message
 * @priority: of the message
 */
struct tq_rank {
	u64 id;
	u8 priority;
};

static inline struct tq_rank tq_rank_of(const struct tqueue_record *record)
{
	return (struct tq_rank){
		.id = record->id,
		.priority = record->priority,
	};
}

/* Whether @record is delivered after @rank. */
static inline bool tq_record_follows(const struct tqueue_record *record,
				     const struct tq_rank *rank)
{
	if (record->priority != rank->priority)
		return record->priority < rank->priority;
	return record->id > rank->id;
}

/* Whether @a is delivered before @b: higher priority, then sent earlier. */
static inline bool tq_record_precedes(const struct tqueue_record *a,
				      const struct tqueue_record *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->id < b->id;
}

#endif /* TQ_MESSAGE_H */
