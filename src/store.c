// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the messages of a queue are: see store.h.  tests/store runs this file
 * in user space against a simple model.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>

#include "store.h"
#include "unique.h"

/* Larger than any ring, even where pointers have 32 bits. */
static_assert(TQ_RECORD_VOID >= TQ_RING_SIZE_MAX);
static_assert(TQUEUE_LENGTH_MAX < TQ_RECORD_VOID);

static bool tq_ready_precedes(struct rb_node *a, const struct rb_node *b)
{
	return tq_record_precedes(&rb_entry(a, struct tq_message, ready)->record,
				  &rb_entry(b, struct tq_message, ready)->record);
}

static bool tq_id_precedes(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct tq_message, by_id)->record.id <
	       rb_entry(b, struct tq_message, by_id)->record.id;
}

static int tq_compare_id(const void *key, const struct rb_node *node)
{
	u64 id = *(const u64 *)key;
	u64 other = rb_entry(node, struct tq_message, by_id)->record.id;

	return id < other ? -1 : id > other;
}

/* Add a message to the index of ids.  Its id is usually the highest. */
static void tq_store_index(struct tq_store *store, struct tq_message *message)
{
	struct rb_node *last = store->by_id_last;
	struct rb_node **link;

	if (unlikely(last && message->record.id <
			     rb_entry(last, struct tq_message, by_id)->record.id)) {
		rb_add_cached(&message->by_id, &store->by_id, tq_id_precedes);
		return;
	}
	link = last ? &last->rb_right : &store->by_id.rb_root.rb_node;
	rb_link_node(&message->by_id, last, link);
	rb_insert_color_cached(&message->by_id, &store->by_id, !last);
	store->by_id_last = &message->by_id;
}

static void tq_store_unindex(struct tq_store *store, struct tq_message *message)
{
	struct rb_node *node = &message->by_id;

	if (store->by_id_last == node) {
		/* It is usually the only one. */
		if (rb_first_cached(&store->by_id) == node) {
			store->by_id = RB_ROOT_CACHED;
			store->by_id_last = NULL;
			return;
		}
		store->by_id_last = rb_prev(node);
	}
	rb_erase_cached(node, &store->by_id);
}

/**
 * tq_store_init - initialize an empty store
 * @store: the store
 * @ring: its memory, which may be replaced by another ring that keeps the
 *	positions
 * @tx_pos: where senders put the next record
 *
 * Context: Any; the store is not in use yet.
 */
void tq_store_init(struct tq_store *store, const struct tq_ring *ring,
		   const unsigned long *tx_pos)
{
	store->ring = ring;
	store->tx_pos = tx_pos;
	store->pos = *tx_pos;
	store->end = *tx_pos;
	store->void_bytes = 0;
	store->ready = RB_ROOT_CACHED;
	store->ready_count = 0;
	store->ready_filled = 0;
	store->by_id = RB_ROOT_CACHED;
	store->by_id_last = NULL;
	store->buried = RB_ROOT_CACHED;
	store->keys = RB_ROOT;
}

/**
 * tq_store_skip_voids - pass over voids
 * @store: the store
 * @pos: a position in the ring
 *
 * Context: rx.lock held.
 * Return: the position of the next message at or after @pos, or the end.
 */
unsigned long tq_store_skip_voids(const struct tq_store *store,
				  unsigned long pos)
{
	u32 length;

	while (pos != store->end) {
		length = READ_ONCE(tq_store_at(store, pos)->length);
		if (!(length & TQ_RECORD_VOID))
			break;
		pos += tq_record_bytes(length & ~TQ_RECORD_VOID);
	}
	return pos;
}

/* The first detached message that is delivered after @rank, or NULL. */
static struct tq_message *tq_store_after(const struct tq_store *store,
					 const struct tq_rank *rank)
{
	struct rb_node *node = store->ready.rb_root.rb_node;
	struct tq_message *message, *next = NULL;

	while (node) {
		message = rb_entry(node, struct tq_message, ready);
		if (tq_record_follows(&message->record, rank)) {
			next = message;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return next;
}

/**
 * tq_store_oldest_last - find the oldest detached message of the lowest
 * priority
 * @store: the store
 *
 * The messages in the ring have priority 0, the lowest.
 *
 * Context: rx.lock held.
 * Return: the message; NULL if no detached message that is ready has the lowest
 * priority of all ready messages.
 */
struct tq_message *tq_store_oldest_last(const struct tq_store *store)
{
	struct tq_rank rank = {};
	struct rb_node *node;

	if (!store->ready_count)
		return NULL;
	if (store->pos == store->end) {
		node = rb_last(&store->ready.rb_root);
		rank.priority = rb_entry(node, struct tq_message,
					 ready)->record.priority;
	}
	return tq_store_after(store, &rank);
}

/**
 * tq_store_oldest_sent - when the oldest ready message was sent
 * @store: the store
 *
 * Within a priority, messages are in the order in which they were sent.  So it
 * is enough to look at the first one of each priority.
 *
 * Context: rx.lock held.
 * Return: CLOCK_BOOTTIME in nanoseconds; S64_MAX if nothing is ready.
 */
s64 tq_store_oldest_sent(struct tq_store *store)
{
	struct tq_rank before = { .priority = TQUEUE_PRIORITY_MAX };
	const struct tq_message *message;
	s64 sent = S64_MAX;

	if (tq_store_ring_ready(store))
		sent = tq_store_at(store, store->pos)->sent_ns;
	while ((message = tq_store_after(store, &before))) {
		sent = min(sent, message->record.sent_ns);
		if (!message->record.priority)
			break;
		before.priority = message->record.priority - 1;
	}
	return sent;
}

/**
 * tq_store_resume - continue a walk after the lock was dropped
 * @store: the store
 * @cursor: where the walk stopped
 * @after: the last message that it passed
 *
 * The walk misses messages that were taken meanwhile.  It finds a message that
 * came back only if its place is after @after.
 *
 * Context: rx.lock held.
 */
void tq_store_resume(struct tq_store *store, struct tq_cursor *cursor,
		     const struct tq_rank *after)
{
	tq_store_refresh(store);
	if ((long)(store->pos - cursor->pos) > 0)
		cursor->pos = store->pos;
	else
		cursor->pos = tq_store_skip_voids(store, cursor->pos);

	cursor->detached = tq_store_after(store, after);
}

/**
 * tq_store_step - move the cursor past a message
 * @store: the store
 * @cursor: not at the end
 *
 * Context: rx.lock held.
 */
void tq_store_step(struct tq_store *store, struct tq_cursor *cursor)
{
	struct tq_message *message = tq_store_detached(store, cursor);
	struct rb_node *next;

	if (message) {
		next = rb_next(&message->ready);
		cursor->detached =
			next ? rb_entry(next, struct tq_message, ready) : NULL;
		return;
	}
	cursor->pos += tq_record_bytes(tq_store_length(store, cursor->pos));
	if (unlikely(store->void_bytes))
		cursor->pos = tq_store_skip_voids(store, cursor->pos);
}

/**
 * tq_store_pull - take a detached message out of the ready ones
 * @store: the store
 * @message: ready; afterwards in flight, and owned by the caller
 *
 * Context: rx.lock held.
 */
void tq_store_pull(struct tq_store *store, struct tq_message *message)
{
	rb_erase_cached(&message->ready, &store->ready);
	WRITE_ONCE(store->ready_count, store->ready_count - 1);
	if (tq_message_left(message))
		WRITE_ONCE(store->ready_filled, store->ready_filled - 1);
	message->state = TQ_MESSAGE_IN_FLIGHT;
}

/**
 * tq_store_take - take the message at the cursor out of the ready ones
 * @store: the store
 * @cursor: not at the end; not valid afterwards
 *
 * A record is gone afterwards, so the caller has copied it before.  In the
 * middle of the ring it leaves a void.  A detached message is in flight
 * afterwards, and owned by the caller.
 *
 * Context: rx.lock held.
 * Return: the room that this makes, in bytes.  A void gives up its room when
 * everything before it has left.
 */
unsigned long tq_store_take(struct tq_store *store,
			    const struct tq_cursor *cursor)
{
	struct tq_message *message = tq_store_detached(store, cursor);
	struct tqueue_record *record;
	unsigned long bytes;
	size_t length;

	if (message) {
		tq_store_pull(store, message);
		return tq_message_bytes(message);
	}
	length = tq_store_length(store, cursor->pos);
	bytes = tq_record_bytes(length);
	if (cursor->pos == store->pos)
		return tq_store_advance(store, bytes);
	record = tq_store_at(store, cursor->pos);
	WRITE_ONCE(record->length, length | TQ_RECORD_VOID);
	WRITE_ONCE(store->void_bytes, store->void_bytes + bytes);
	return 0;
}

/**
 * tq_store_put - make a detached message ready
 * @store: the store, which owns the message now
 * @message: unsent, with an id; or in flight: it goes back to its place
 *
 * Context: rx.lock held.
 */
void tq_store_put(struct tq_store *store, struct tq_message *message)
{
	if (message->state == TQ_MESSAGE_UNSENT)
		tq_store_index(store, message);
	message->state = TQ_MESSAGE_READY;
	rb_add_cached(&message->ready, &store->ready, tq_ready_precedes);
	if (tq_message_left(message))
		WRITE_ONCE(store->ready_filled, store->ready_filled + 1);
	WRITE_ONCE(store->ready_count, store->ready_count + 1);
}

/**
 * tq_store_bury - move a message in flight to the buried ones
 * @store: the store, which owns the message now
 * @message: in flight
 *
 * Context: rx.lock held.
 */
void tq_store_bury(struct tq_store *store, struct tq_message *message)
{
	tq_store_unindex(store, message);
	tq_key_release(store, message);
	message->state = TQ_MESSAGE_BURIED;
	rb_add_cached(&message->by_id, &store->buried, tq_id_precedes);
}

/**
 * tq_store_unbury - take a message out of the buried ones
 * @store: the store
 * @message: buried; afterwards in flight, and owned by the caller
 *
 * Context: rx.lock held.
 */
void tq_store_unbury(struct tq_store *store, struct tq_message *message)
{
	rb_erase_cached(&message->by_id, &store->buried);
	tq_store_track(store, message);
}

/**
 * tq_store_track - add a message in flight to the index of ids
 * @store: the store
 * @message: owned by the caller; in flight afterwards
 *
 * Context: rx.lock held.
 */
void tq_store_track(struct tq_store *store, struct tq_message *message)
{
	message->state = TQ_MESSAGE_IN_FLIGHT;
	tq_store_index(store, message);
}

/**
 * tq_store_settle - forget a message in flight that will not come back
 * @store: the store
 * @message: owned by the caller
 *
 * Context: rx.lock held.
 */
void tq_store_settle(struct tq_store *store, struct tq_message *message)
{
	tq_key_release(store, message);
	tq_store_unindex(store, message);
}

/**
 * tq_store_lowest_id - find the lowest id that is not settled
 * @store: the store
 *
 * Context: rx.lock held.
 * Return: the id, or U64_MAX if every message is settled.
 */
u64 tq_store_lowest_id(struct tq_store *store)
{
	struct rb_node *node = rb_first_cached(&store->by_id);
	u64 id = U64_MAX;

	if (tq_store_ring_ready(store))
		id = tq_store_at(store, store->pos)->id;
	if (node)
		id = min(id, rb_entry(node, struct tq_message, by_id)->record.id);
	return id;
}

/**
 * tq_store_by_id - find a detached message by its id
 * @store: the store
 * @id: the id
 *
 * Context: rx.lock held.
 * Return: the message, whatever its state, or NULL.
 */
struct tq_message *tq_store_by_id(struct tq_store *store, u64 id)
{
	struct rb_node *node = rb_find(&id, &store->by_id.rb_root,
				       tq_compare_id);

	if (!node)
		node = rb_find(&id, &store->buried.rb_root, tq_compare_id);
	return node ? rb_entry(node, struct tq_message, by_id) : NULL;
}

/**
 * tq_store_next - find the next message in the order of ids
 * @tree: &tq_store.by_id or &tq_store.buried
 * @id: an id
 *
 * Context: rx.lock held.
 * Return: the message with the lowest id above @id, or NULL.
 */
struct tq_message *tq_store_next(const struct rb_root_cached *tree, u64 id)
{
	struct rb_node *node = tree->rb_root.rb_node;
	struct tq_message *message, *next = NULL;

	while (node) {
		message = rb_entry(node, struct tq_message, by_id);
		if (message->record.id > id) {
			next = message;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return next;
}

/**
 * tq_store_find - find a message in the ring by its id
 * @store: the store
 * @id: the id
 * @pos: where to start: any position that has left the ring, or the result of a
 *	search for the same or a lower id.  Set to where the search stopped.
 * @most: the most records to pass
 *
 * Context: rx.lock held.
 * Return: 0, and @pos is the position of the message; -ENOENT, and @pos is that
 * of the next one; -EAGAIN after @most records.
 */
int tq_store_find(struct tq_store *store, u64 id, unsigned long *pos,
		  unsigned int most)
{
	const struct tqueue_record *record;

	tq_store_refresh(store);
	if ((long)(store->pos - *pos) > 0)
		*pos = store->pos;
	for (; most; most--) {
		*pos = tq_store_skip_voids(store, *pos);
		if (*pos == store->end)
			return -ENOENT;
		record = tq_store_at(store, *pos);
		if (record->id >= id)
			return record->id == id ? 0 : -ENOENT;
		*pos += tq_record_bytes(tq_store_length(store, *pos));
	}
	return -EAGAIN;
}

/**
 * tq_store_close - take all ready messages out of the store
 * @store: the store
 * @ready: filled with the detached messages, for tq_store_clear()
 *
 * Messages in flight stay in the index of ids.
 *
 * Context: rx.lock held, and no call sends.
 */
void tq_store_close(struct tq_store *store, struct rb_root_cached *ready)
{
	*ready = store->ready;
	store->ready = RB_ROOT_CACHED;
	WRITE_ONCE(store->ready_count, 0);
	WRITE_ONCE(store->ready_filled, 0);
	tq_store_refresh(store);
	WRITE_ONCE(store->void_bytes, 0);
	WRITE_ONCE(store->pos, store->end);
}

/**
 * tq_store_clear - settle messages that tq_store_close() has taken out
 * @store: the store
 * @ready: filled by tq_store_close()
 * @most: the most messages to settle
 *
 * Context: rx.lock held.
 * Return: a list of them by @next, for the caller to free; NULL if none is
 * left.
 */
struct tq_message *tq_store_clear(struct tq_store *store,
				  struct rb_root_cached *ready,
				  unsigned int most)
{
	struct tq_message *list = NULL, *message;
	struct rb_node *node;

	while (most-- && (node = rb_first_cached(ready))) {
		message = rb_entry(node, struct tq_message, ready);
		rb_erase_cached(node, ready);
		tq_store_settle(store, message);
		message->next = list;
		list = message;
	}
	return list;
}
