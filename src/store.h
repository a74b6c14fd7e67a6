/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the messages of a queue stand, and which is next.
 *
 * Most messages stand in the ring, in the order of their ids and all of the
 * usual priority.  Detached ones that are ready stand in a tree beside it, in
 * the order of delivery.  A receiver takes the earlier one of the two.  A second
 * tree has every detached message that was sent and is not settled, by its id; a
 * third one those that are buried, by theirs.
 *
 * Everything here needs rx.lock, but for what is said to be read without it.  The
 * store knows nothing of how much a queue may hold, nor whom to wake.
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
 * @ring: its memory
 * @tx_pos: where senders put the next record: the ring has records up to there
 * @pos: of the first record in the ring, which is no void.  Read without the
 *	lock.
 * @end: a value that *@tx_pos had: as far as records are known to be complete
 * @void_bytes: of all voids between @pos and @end
 * @ready: detached messages that are ready, in the order of delivery
 * @ready_count: how many.  Read without the lock.
 * @ready_filled: how many of them have bytes to read.  Read without the lock.
 * @by_id: detached messages that were sent and are not settled
 * @by_id_last: the last one of these, or NULL
 * @buried: those that are buried, by their ids
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
 * @pos: of the next record in the ring
 * @detached: the next detached message, or NULL
 *
 * What is next is the earlier one of the two.  A cursor stays good while rx.lock
 * is held; tq_store_resume() makes it good again.
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

/* Learn of what was sent meanwhile. */
static inline void tq_store_refresh(struct tq_store *store)
{
	/* Pairs with tq_publish(): the records are complete. */
	store->end = smp_load_acquire(store->tx_pos);
}

/* Whether the ring has a message. */
static inline bool tq_store_ring_ready(struct tq_store *store)
{
	if (likely(store->pos != store->end))
		return true;
	tq_store_refresh(store);
	return store->pos != store->end;
}

/* The length of @record at @pos: loaded once, and within what is there. */
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

/* Point at the first message. */
static inline void tq_store_begin(struct tq_store *store,
				  struct tq_cursor *cursor)
{
	tq_store_refresh(store);
	cursor->pos = store->pos;
	cursor->detached = tq_store_first_detached(store);
}

/* Whether nothing is left. */
static inline bool tq_store_at_end(const struct tq_store *store,
				   const struct tq_cursor *cursor)
{
	return cursor->pos == store->end && !cursor->detached;
}

/*
 * The message at the cursor if it is detached, or NULL if it stands in the ring.
 * There is one.
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
 * The first records of the ring, of @bytes, were taken.  Returns the room that
 * this makes, in bytes: theirs, and that of voids which follow them.
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
 * tq_store_run - how many records can be copied out of the ring at once
 * @store: the store
 * @cursor: where it begins: at a record in the ring
 * @need: bytes after which it need not go on
 * @room: bytes that they may take up
 * @most: how many there may be
 * @count: set to how many there are.  No detached message and no void comes
 *	before the last of them.
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
		/* That of a void lies far beyond the end. */
		next = (void *)record +
		       tq_record_bytes(READ_ONCE(record->length));
		if ((void *)next > end)
			break;
		if (unlikely(until) &&
		    !tq_record_precedes(record, &until->record))
			break;
	}
	*count = n;
	return (void *)record - (void *)first;
}

#endif /* TQ_STORE_H */
