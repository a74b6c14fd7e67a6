// SPDX-License-Identifier: GPL-2.0-only
/*
 * Detached messages: their memory, and the index in which those of a queue
 * stand in the order of delivery.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "message.h"

/**
 * tq_message_alloc - memory for a detached message
 * @length: payload bytes
 *
 * Header and payload are left for the caller to fill; the padding behind a
 * payload of exactly @length bytes is zero.  Charged to the caller's memory
 * cgroup.
 *
 * Context: Process context, may sleep.
 * Return: the message, owned by the caller, or NULL.
 */
struct tq_message *tq_message_alloc(size_t length)
{
	unsigned long bytes = tq_record_bytes(length);
	struct tq_message *message;

	/*
	 * A message that finds no memory fails its own call; it is no reason
	 * to kill somebody.
	 */
	message = kvmalloc(offsetof(struct tq_message, record) + bytes,
			   GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL |
			   __GFP_NOWARN);
	if (!message)
		return NULL;
	message->capacity = length;
	message->offset = 0;
	message->begun = false;
	tq_record_pad(&message->record, bytes);
	return message;
}

/**
 * tq_message_free - free a detached message
 * @message: owned by the caller, or NULL
 *
 * Context: Process context, may sleep.
 */
void tq_message_free(struct tq_message *message)
{
	kvfree(message);
}

/**
 * tq_messages_free - free all messages of what was an index
 * @messages: owned by the caller
 *
 * Context: Process context, may sleep.
 */
void tq_messages_free(struct rb_root *messages)
{
	struct tq_message *message, *next;

	rbtree_postorder_for_each_entry_safe(message, next, messages, node)
		tq_message_free(message);
}

static bool tq_node_precedes(struct rb_node *a, const struct rb_node *b)
{
	return tq_record_precedes(&rb_entry(a, struct tq_message, node)->record,
				  &rb_entry(b, struct tq_message, node)->record);
}

/**
 * tq_index_add - put a message into an index, at its place in the order
 * @index: the index, guarded by its queue's receive_lock
 * @message: owned by the caller, from now on by the index
 *
 * Context: Any that may hold the lock which guards @index.
 */
void tq_index_add(struct rb_root_cached *index, struct tq_message *message)
{
	rb_add_cached(&message->node, index, tq_node_precedes);
}
