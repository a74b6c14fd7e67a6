// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unique keys: see unique.h.
 *
 * Keys are sorted by key and then by sender.  So one search can look for the
 * key of one user, or of any user.
 */
#include "unique.h"

static bool tq_key_precedes(const struct tq_key *a, const struct tq_key *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return a->uid < b->uid;
}

/**
 * tq_key_holder - find the message that has a key
 * @store: the store
 * @key: the key and its sender
 * @any_user: the key of another user counts, too
 *
 * Context: rx.lock held.
 * Return: the message, or NULL.
 */
struct tq_message *tq_key_holder(const struct tq_store *store,
				 const struct tq_key *key, bool any_user)
{
	struct rb_node *node = store->keys.rb_node;

	while (node) {
		struct tq_key *other = rb_entry(node, struct tq_key, node);

		if (other->key == key->key &&
		    (any_user || other->uid == key->uid))
			return other->message;
		node = tq_key_precedes(key, other) ? node->rb_left :
						     node->rb_right;
	}
	return NULL;
}

/**
 * tq_key_insert - take a key
 * @store: the store
 * @key: a key that is not taken
 *
 * Context: rx.lock held.
 */
void tq_key_insert(struct tq_store *store, struct tq_key *key)
{
	struct rb_node **link = &store->keys.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = tq_key_precedes(key, rb_entry(parent, struct tq_key,
						     node)) ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&key->node, parent, link);
	rb_insert_color(&key->node, &store->keys);
	key->taken = true;
}

/**
 * tq_key_erase - release a key
 * @store: the store
 * @key: taken or not
 *
 * Context: rx.lock held.
 */
void tq_key_erase(struct tq_store *store, struct tq_key *key)
{
	if (!key->taken)
		return;
	rb_erase(&key->node, &store->keys);
	key->taken = false;
}
