/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the messages of a queue are, and which one is next.
 *
 * Most messages are in the ring, in the order of their ids; they all have
 * priority 0.  Detached messages that are ready are in a tree, in the order of
 * delivery.  A receiver takes the earlier of the first record and the first
 * detached message.  A second tree has every detached message that was sent and
 * is not settled, by its id.  A third tree has the buried messages, by their
 * ids.
 *
 * Everything here needs rx.lock, except what is marked as read without it.  The
 * store does not know how much a queue may hold, or which calls wait.
 */
#ifndef TQ_STORE_H
#define TQ_STORE_H

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include <asm/barrier.h>

#include "message.h"
#include "ring.h"

/**
 * struct tq_store - the messages of a queue
 * @ring: the memory of the ring
 * @tx_pos: where senders put the next record: the end of the ring's records
 * @pos: the position of the first record, which is no void.  Read without the
 *	lock.
 * @end: a value that *@tx_pos had: records before it are complete
 * @void_bytes: the bytes of all voids between @pos and @end
 * @ready: detached messages that are ready, in the order of delivery
 * @ready_count: how many.  Read without the lock.
 * @ready_filled: how many of them have bytes to read.  Read without the lock.
 * @by_id: detached messages that were sent and are not settled, by id
 * @by_id_last: the last of these, or NULL
 * @buried: buried messages, by id
 * @keys: unique keys that are taken: see unique.c
 */
struct tq_store {
	const struct tq_ring *ring;
	const unsigned long *tx_pos;
	unsigned long pos;
	unsigned long end;
	unsigned long void_bytes;
	struct rb_root_cached ready;
	unsigned int ready_count;
	unsigned int ready_filled;
	struct rb_root_cached by_id;
	struct rb_node *by_id_last;
	struct rb_root_cached buried;
	struct rb_root keys;
};

/**
 * struct tq_cursor - a place in the order of delivery
 * @pos: the position of the next record in the ring
 * @detached: the next detached message, or NULL
 *
 * The next message is the earlier of the two.  A cursor is valid while rx.lock
 * is held.  tq_store_resume() makes it valid again.
 */
struct tq_cursor {
	unsigned long pos;
	struct tq_message *detached;
};

void tq_store_init(struct tq_store *store, const struct tq_ring *ring,
		   const unsigned long *tx_pos);
void tq_store_resume(struct tq_store *store, struct tq_cursor *cursor,
		     const struct tq_rank *after);
void tq_store_step(struct tq_store *store, struct tq_cursor *cursor);
unsigned long tq_store_skip_voids(const struct tq_store *store,
				  unsigned long pos);
unsigned long tq_store_take(struct tq_store *store,
			    const struct tq_cursor *cursor);
void tq_store_pull(struct tq_store *store, struct tq_message *message);
void tq_store_put(struct tq_store *store, struct tq_message *message);
void tq_store_bury(struct tq_store *store, struct tq_message *message);
void tq_store_unbury(struct tq_store *store, struct tq_message *message);
void tq_store_track(struct tq_store *store, struct tq_message *message);
void tq_store_settle(struct tq_store *store, struct tq_message *message);
u64 tq_store_lowest_id(struct tq_store *store);
struct tq_message *tq_store_by_id(struct tq_store *store, u64 id);
struct tq_message *tq_store_next(const struct rb_root_cached *tree, u64 id);
struct tq_message *tq_store_oldest_last(const struct tq_store *store);
s64 tq_store_oldest_sent(struct tq_store *store);
int tq_store_find(struct tq_store *store, u64 id, unsigned long *pos,
		  unsigned int most);
void tq_store_close(struct tq_store *store, struct rb_root_cached *ready);
struct tq_message *tq_store_clear(struct tq_store *store,
				  struct rb_root_cached *ready,
				  unsigned int most);

static inline struct tq_message *tq_store_first_buried(struct tq_store *store)
{
	struct rb_node *node = rb_first_cached(&store->buried);

	return node ? rb_entry(node, struct tq_message, by_id) : NULL;
}

static inline struct tqueue_record *tq_store_at(const struct tq_store *store,
						unsigned long pos)
{
	return tq_ring_at(store->ring, pos);
}

/* Take note of records that were sent meanwhile. */
static inline void tq_store_refresh(struct tq_store *store)
{
	/* Pairs with tq_publish(): the records are complete. */
	store->end = smp_load_acquire(store->tx_pos);
}

/* Whether there is a message in the ring. */
static inline bool tq_store_ring_ready(struct tq_store *store)
{
	if (likely(store->pos != store->end))
		return true;
	tq_store_refresh(store);
	return store->pos != store->end;
}

/* The length of @record at @pos, loaded once and limited by the end. */
static inline size_t tq_store_bound(const struct tq_store *store,
				    unsigned long pos,
				    const struct tqueue_record *record)
{
	return min_t(size_t, READ_ONCE(record->length),
		     store->end - pos - sizeof(*record));
}

/* The length of the record at @pos. */
static inline size_t tq_store_length(const struct tq_store *store,
				     unsigned long pos)
{
	return tq_store_bound(store, pos, tq_store_at(store, pos));
}

/* The first detached message that is ready, or NULL. */
static inline struct tq_message *
tq_store_first_detached(const struct tq_store *store)
{
	struct rb_node *node = rb_first_cached(&store->ready);

	return node ? rb_entry(node, struct tq_message, ready) : NULL;
}

/* Set a cursor to the first message. */
static inline void tq_store_begin(struct tq_store *store,
				  struct tq_cursor *cursor)
{
	tq_store_refresh(store);
	cursor->pos = store->pos;
	cursor->detached = tq_store_first_detached(store);
}

/* Whether the cursor is at the end. */
static inline bool tq_store_at_end(const struct tq_store *store,
				   const struct tq_cursor *cursor)
{
	return cursor->pos == store->end && !cursor->detached;
}

/*
 * The message at the cursor if it is detached, or NULL if it is in the ring.
 * The cursor is not at the end.
 */
static inline struct tq_message *
tq_store_detached(const struct tq_store *store, const struct tq_cursor *cursor)
{
	struct tq_message *message = cursor->detached;

	if (likely(!message))
		return NULL;
	if (cursor->pos != store->end &&
	    tq_record_precedes(tq_store_at(store, cursor->pos),
			       &message->record))
		return NULL;
	return message;
}

/*
 * Remove records of @bytes from the head of the ring.  Returns the room that
 * this makes: their bytes, and those of voids that follow them.
 */
static inline unsigned long tq_store_advance(struct tq_store *store,
					     unsigned long bytes)
{
	unsigned long pos = store->pos + bytes;

	if (unlikely(store->void_bytes)) {
		bytes = tq_store_skip_voids(store, pos) - pos;
		WRITE_ONCE(store->void_bytes, store->void_bytes - bytes);
		pos += bytes;
		bytes = pos - store->pos;
	}
	WRITE_ONCE(store->pos, pos);
	return bytes;
}

/**
 * tq_store_run - measure consecutive records that can be copied at once
 * @store: the store
 * @cursor: at a record in the ring
 * @need: stop after this many bytes
 * @room: the most bytes that the records may have
 * @most: the most records
 * @count: filled with the number of records.  No detached message and no void
 *	comes before the last of them.
 *
 * Context: rx.lock held.
 * Return: their bytes.
 */
static inline size_t tq_store_run(const struct tq_store *store,
				  const struct tq_cursor *cursor, size_t need,
				  size_t room, int most, int *count)
{
	const struct tqueue_record *first = tq_store_at(store, cursor->pos);
	const void *end = (void *)first + min(store->end - cursor->pos, room);
	const void *enough = (void *)first + min(store->end - cursor->pos, need);
	const struct tq_message *until = cursor->detached;
	const struct tqueue_record *record = first, *next;
	int n;

	for (n = 0; (void *)record < enough && n < most; n++, record = next) {
		next = (void *)record +
		       tq_record_bytes(READ_ONCE(record->length));
		/* The end of a void is beyond any ring, or wraps in 32 bits. */
		if ((void *)next > end || (sizeof(next) == 4 && next < record))
			break;
		if (unlikely(until) &&
		    !tq_record_precedes(record, &until->record))
			break;
	}
	*count = n;
	return (void *)record - (void *)first;
}

#endif /* TQ_STORE_H */
