/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Detached messages: messages in an allocation of their own, outside the
 * ring.  Each has exactly one owner at a time:
 *
 *  - the call that made it or took it in hand, which alone may touch it, with
 *    no lock held;
 *  - the line of waiting senders (under send_lock);
 *  - an open file that has read a part of it (under receive_lock);
 *  - the index of its queue, in the order of delivery (under receive_lock).
 */
#ifndef TQ_MESSAGE_H
#define TQ_MESSAGE_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "ring.h"

/**
 * struct tq_message - a detached message
 * @node: place in the queue's index, while it is there
 * @in_hand: place among the queue's messages in hand, while it is there
 * @capacity: payload bytes that the allocation has room for
 * @offset: payload bytes that were read already
 * @begun: a part of it was read through the file that holds it now
 * @record: the message, as it stands in the ring
 */
struct tq_message {
	struct rb_node node;
	struct list_head in_hand;
	size_t capacity;
	size_t offset;
	bool begun;
	struct tqueue_record record;	/* the payload follows */
};

struct tq_message *tq_message_alloc(size_t length);
void tq_message_free(struct tq_message *message);
void tq_messages_free(struct rb_root *messages);

void tq_index_add(struct rb_root_cached *index, struct tq_message *message);

static inline struct tq_message *tq_message_of(struct rb_node *node)
{
	return rb_entry(node, struct tq_message, node);
}

/* What is left to read of a message. */
static inline size_t tq_message_left(const struct tq_message *message)
{
	return message->record.length - message->offset;
}

/* What a message counts for in its queue's size. */
static inline unsigned long tq_message_bytes(const struct tq_message *message)
{
	return tq_record_bytes(message->record.length);
}

/* The message that an index delivers first, or NULL. */
static inline struct tq_message *
tq_index_first(const struct rb_root_cached *index)
{
	struct rb_node *node = rb_first_cached(index);

	return node ? tq_message_of(node) : NULL;
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
