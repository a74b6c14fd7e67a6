/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Detached messages: messages in an allocation of their own, outside the ring.
 */
#ifndef TQ_MESSAGE_H
#define TQ_MESSAGE_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/string.h>
#include <linux/types.h>

#include "ring.h"

struct tq_holder;
struct tq_key;

/**
 * enum tq_message_state - where a detached message is
 * @TQ_MESSAGE_UNSENT: with its sender, which copies it or waits for room.  It has
 *	no id yet.
 * @TQ_MESSAGE_READY: in the store of its queue, which delivers it in its turn
 * @TQ_MESSAGE_IN_FLIGHT: with a call that copies it out or moves it, or with an
 *	open file that has read a part of it.  It may come back.
 * @TQ_MESSAGE_LEASED: with a holder, until it is settled
 * @TQ_MESSAGE_DELAYED: it becomes ready when it is due
 * @TQ_MESSAGE_BURIED: put aside: settled, but there
 */
enum tq_message_state {
	TQ_MESSAGE_UNSENT,
	TQ_MESSAGE_READY,
	TQ_MESSAGE_IN_FLIGHT,
	TQ_MESSAGE_LEASED,
	TQ_MESSAGE_DELAYED,
	TQ_MESSAGE_BURIED,
};

/**
 * struct tq_message - a detached message
 * @ready: place in the order of delivery, while it is ready; among those that are
 *	due, while it is delayed
 * @lease: among those of its holder, while it is leased
 * @by_id: place in the order of ids, from its sending until it is settled; among
 *	the buried ones, while it is buried
 * @timed: while it is ready or delayed in a queue with a ttl: place in the order
 *	of sending; while it is leased with a limit: place in that order.  Else
 *	empty.
 * @next: in a list of messages that are to be freed, or of spare memory
 * @holder: who has leased it
 * @refs: its owner, and those who peek at it
 * @state: enum tq_message_state.  Changes under rx.lock.
 * @begun: a part of it was read through the file that holds it now
 * @started: leased, and the delivery has begun: it counts as an attempt
 * @reason: TQUEUE_REASON_*: why it is where it is
 * @capacity: payload bytes that the allocation has room for
 * @offset: payload bytes that were read already
 * @code: of the worker that had it last
 * @pid: of the process that leased it, as the initial namespace sees it
 * @when: delayed: when it is due (CLOCK_BOOTTIME); leased: its limit
 *	(CLOCK_MONOTONIC), or S64_MAX
 * @since: since when it is in its state: CLOCK_BOOTTIME, coarse
 * @key: its unique key, or NULL
 * @record: the message, as it would stand in the ring
 */
struct tq_message {
	union {
		struct rb_node ready;
		struct hlist_node lease;
	};
	struct rb_node by_id;
	struct rb_node timed;
	union {
		struct tq_message *next;
		struct tq_holder *holder;
	};
	refcount_t refs;
	u8 state;
	bool begun;
	bool started;
	u8 reason;
	u32 capacity;
	u32 offset;
	s32 code;
	u32 pid;
	s64 when;
	s64 since;
	struct tq_key *key;
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

/* Begin with a message anew, of whose memory the caller is the only owner. */
static inline void tq_message_init(struct tq_message *message)
{
	refcount_set(&message->refs, 1);
	message->state = TQ_MESSAGE_UNSENT;
	message->begun = false;
	message->started = false;
	message->reason = TQUEUE_REASON_NONE;
	message->offset = 0;
	message->code = 0;
	message->pid = 0;
	message->when = 0;
	message->since = 0;
	message->key = NULL;
	RB_CLEAR_NODE(&message->timed);
}

/* Memory of a message that is not larger is kept for others: see lease.h. */
#define TQ_SPARE_BYTES	1024

/* What is left to read of a message. */
static inline size_t tq_message_left(const struct tq_message *message)
{
	return message->record.length - message->offset;
}

/* A copy of a record that stands in the ring, of which @length bytes were measured. */
static inline void tq_message_copy(struct tq_message *message,
				   const struct tqueue_record *record,
				   size_t length)
{
	message->record = *record;
	/* Not what it may say by now. */
	message->record.length = length;
	memcpy(message->record.payload, record->payload,
	       tq_record_bytes(length) - sizeof(*record));
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
