/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unique keys: no two messages that are ready or delayed have the same key.  A
 * leased message keeps its key if its sender asked for that.
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
 * @node: node among the keys that are taken, by key and sender
 * @message: the message, which owns this structure
 * @key: the key
 * @uid: the sender
 * @unsettled: the key stays taken while the message is leased
 * @taken: the key is taken
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

/* Release the key of a message.  With rx.lock held. */
static inline void tq_key_release(struct tq_store *store,
				  struct tq_message *message)
{
	if (unlikely(message->key))
		tq_key_erase(store, message->key);
}

#endif /* TQ_UNIQUE_H */
