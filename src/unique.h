/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unique keys: of all messages that are ready or delayed, and of those leased ones
 * whose sender says so, no two have the same key.
 */
#ifndef TQ_UNIQUE_H
#define TQ_UNIQUE_H

#include <linux/compiler.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "message.h"
#include "store.h"

/**
 * struct tq_key - the unique key of a message
 * @node: place among those that are taken, by key and sender
 * @message: the message, which owns this
 * @key: the key
 * @uid: the sender
 * @unsettled: it stays taken while the message is leased
 * @taken: it is among those that are taken
 */
struct tq_key {
	struct rb_node node;
	struct tq_message *message;
	u64 key;
	u32 uid;
	bool unsettled;
	bool taken;
};

struct tq_message *tq_key_holder(const struct tq_store *store,
				 const struct tq_key *key, bool any_user);
void tq_key_insert(struct tq_store *store, struct tq_key *key);
void tq_key_erase(struct tq_store *store, struct tq_key *key);

/* The key of a message is free for others.  With rx.lock held. */
static inline void tq_key_release(struct tq_store *store,
				  struct tq_message *message)
{
	if (unlikely(message->key))
		tq_key_erase(store, message->key);
}

#endif /* TQ_UNIQUE_H */
