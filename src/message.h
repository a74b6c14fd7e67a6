/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Detached messages: messages in allocations of their own, outside the ring.
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
 * enum tq_message_state - the state of a detached message
 * @TQ_MESSAGE_UNSENT: its sender copies it or waits for room.  It has no id
 *	yet.
 * @TQ_MESSAGE_READY: in the store of its queue; it can be received
 * @TQ_MESSAGE_IN_FLIGHT: a call copies or moves it, or an open file has read a
 *	part of it.  It may come back.
 * @TQ_MESSAGE_LEASED: a holder has it until it is settled
 * @TQ_MESSAGE_DELAYED: it becomes ready when it is due
 * @TQ_MESSAGE_BURIED: set aside: settled, but still in the queue
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
 * @ready: node in the order of delivery while it is ready; node in the order of
 *	due times while it is delayed
 * @lease: node in the list of its holder while it is leased
 * @by_id: node in the order of ids, from when it is sent until it is settled;
 *	while it is buried, node among the buried ones
 * @timed: node in the tree of ages, while it is ready or delayed in a queue
 *	with a ttl; node in the tree of limits, while it is leased with a limit;
 *	otherwise empty
 * @next: next in a list of garbage or of spares
 * @holder: the holder of its lease
 * @refs: its owner's reference, and those of calls that peek at it
 * @state: enum tq_message_state, changes under rx.lock
 * @part_read: a part of it was read through the file that has it now
 * @begun: leased, and the delivery has begun: it counts as an attempt
 * @reason: TQUEUE_REASON_*: why it is in its state
 * @capacity: payload bytes that the allocation has room for
 * @offset: payload bytes that have been read
 * @code: the code that its last worker gave
 * @pid: the process that leased it, as the initial namespace sees it
 * @when: delayed: when it is due (CLOCK_BOOTTIME).  Leased: its limit
 *	(CLOCK_MONOTONIC), or S64_MAX.
 * @since: when it entered its state (CLOCK_BOOTTIME, coarse)
 * @key: its unique key, or NULL
 * @record: the message as a record
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
	bool part_read;
	bool begun;
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

/* Free a list of messages, which is usually empty. */
static inline void tq_messages_put(struct tq_message *list)
{
	if (unlikely(list))
		tq_message_put_all(list);
}

/* Initialize a message that only the caller owns. */
static inline void tq_message_init(struct tq_message *message)
{
	refcount_set(&message->refs, 1);
	message->state = TQ_MESSAGE_UNSENT;
	message->part_read = false;
	message->begun = false;
	message->reason = TQUEUE_REASON_NONE;
	message->offset = 0;
	message->code = 0;
	message->pid = 0;
	message->when = 0;
	message->since = 0;
	message->key = NULL;
	RB_CLEAR_NODE(&message->timed);
}

/* Messages of at most this size become spares: see lease.h. */
#define TQ_SPARE_BYTES	1024

/* Bytes of a message that have not been read. */
static inline size_t tq_message_left(const struct tq_message *message)
{
	return message->record.length - message->offset;
}

/* Copy a record out of the ring.  @length is its measured length. */
static inline void tq_message_copy(struct tq_message *message,
				   const struct tqueue_record *record,
				   size_t length)
{
	message->record = *record;
	/* The length in the ring may have changed since it was measured. */
	message->record.length = length;
	memcpy(message->record.payload, record->payload,
	       tq_record_bytes(length) - sizeof(*record));
}

/* The bytes that a message counts for in the size of its queue. */
static inline unsigned long tq_message_bytes(const struct tq_message *message)
{
	return tq_record_bytes(message->record.length);
}

/**
 * struct tq_rank - a place in the order of delivery
 * @id: the id of the message there
 * @priority: the priority of the message there
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

/* Whether @a is delivered before @b: higher priority first, then lower id. */
static inline bool tq_record_precedes(const struct tqueue_record *a,
				      const struct tqueue_record *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->id < b->id;
}

#endif /* TQ_MESSAGE_H */
