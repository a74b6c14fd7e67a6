/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's interface to its red-black trees, over a binary tree that is never
 * balanced: the order is the same, and random keys keep it flat enough.
 */
#ifndef STORE_RBTREE_H
#define STORE_RBTREE_H

#include <linux/compiler.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef int64_t s64;
typedef int32_t s32;

#define U64_MAX	UINT64_MAX
#define S64_MAX	INT64_MAX

struct rb_node {
	struct rb_node *parent, *rb_left, *rb_right;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
};

#define RB_ROOT_CACHED	((struct rb_root_cached){ { NULL } })
#define RB_ROOT	((struct rb_root){ NULL })
#define rb_entry(node, type, member)				\
	((type *)((char *)(node) - offsetof(type, member)))

static inline void RB_CLEAR_NODE(struct rb_node *node)
{
	node->parent = node;
}

static inline struct rb_node *rb_leftmost_of(struct rb_node *node)
{
	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

static inline struct rb_node *rb_first_cached(const struct rb_root_cached *root)
{
	return rb_leftmost_of(root->rb_root.rb_node);
}

static inline struct rb_node *rb_next(const struct rb_node *node)
{
	const struct rb_node *parent;

	if (node->rb_right)
		return rb_leftmost_of(node->rb_right);
	while ((parent = node->parent) && node == parent->rb_right)
		node = parent;
	return (struct rb_node *)parent;
}

static inline struct rb_node *
rb_add_cached(struct rb_node *node, struct rb_root_cached *tree,
	      bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &tree->rb_root.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->rb_left : &parent->rb_right;
	}
	*node = (struct rb_node){ .parent = parent };
	*link = node;
	return NULL;
}

static inline void rb_replace_child(struct rb_root_cached *tree, struct rb_node *old,
				    struct rb_node *new)
{
	if (!old->parent)
		tree->rb_root.rb_node = new;
	else if (old->parent->rb_left == old)
		old->parent->rb_left = new;
	else
		old->parent->rb_right = new;
	if (new)
		new->parent = old->parent;
}

static inline struct rb_node *rb_erase_cached(struct rb_node *node,
					      struct rb_root_cached *tree)
{
	struct rb_node *next;

	if (!node->rb_left || !node->rb_right) {
		rb_replace_child(tree, node,
				 node->rb_left ? node->rb_left : node->rb_right);
		return NULL;
	}
	next = rb_leftmost_of(node->rb_right);
	if (next != node->rb_right) {
		rb_replace_child(tree, next, next->rb_right);
		next->rb_right = node->rb_right;
		next->rb_right->parent = next;
	}
	rb_replace_child(tree, node, next);
	next->rb_left = node->rb_left;
	next->rb_left->parent = next;
	return NULL;
}

static inline struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->rb_right)
		node = node->rb_right;
	return node;
}

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	*node = (struct rb_node){ .parent = parent };
	*link = node;
}

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	(void)node;
	(void)root;
}

static inline void rb_insert_color_cached(struct rb_node *node, struct rb_root_cached *root,
					  bool leftmost)
{
	(void)node;
	(void)root;
	(void)leftmost;
}

static inline struct rb_node *rb_prev(const struct rb_node *node)
{
	const struct rb_node *parent;

	if (node->rb_left)
		return rb_last(&(struct rb_root){ node->rb_left });
	while ((parent = node->parent) && node == parent->rb_left)
		node = parent;
	return (struct rb_node *)parent;
}

/* The root is all that there is of either kind of tree. */
static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	rb_erase_cached(node, (struct rb_root_cached *)root);
}

static inline struct rb_node *
rb_find(const void *key, const struct rb_root *tree,
	int (*compare)(const void *key, const struct rb_node *))
{
	struct rb_node *node = tree->rb_node;

	while (node) {
		int c = compare(key, node);

		if (!c)
			return node;
		node = c < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

#endif
