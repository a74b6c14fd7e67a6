// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of detached messages.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "message.h"

/**
 * tq_message_alloc - allocate a detached message
 * @length: payload bytes
 *
 * The caller fills in the header and the payload.  The padding after a payload
 * of exactly @length bytes is zero.  The memory is charged to the caller's
 * cgroup.
 *
 * Context: Process context, may sleep, no lock held.
 * Return: the message, owned by the caller, or NULL.
 */
struct tq_message *tq_message_alloc(size_t length)
{
	unsigned long bytes = tq_record_bytes(length);
	size_t total = offsetof(struct tq_message, record) + bytes;
	struct tq_message *message;

	/*
	 * Round a small size up, so that the memory can be a spare for other
	 * messages.  Not with KASAN, which must see where this message ends.
	 */
	if (total <= TQ_SPARE_BYTES && !IS_ENABLED(CONFIG_KASAN))
		total = kmalloc_size_roundup(total);

	/* Rather fail than let the OOM killer make room. */
	message = kvmalloc(total,
			   GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL |
			   __GFP_NOWARN);
	if (!message)
		return NULL;
	tq_message_init(message);
	message->capacity = total - offsetof(struct tq_message, record.payload);
	tq_record_pad(&message->record, bytes);
	return message;
}

/**
 * tq_message_put - drop a reference to a message
 * @message: in no list and no tree if this is the last reference; or NULL
 *
 * Context: Process context, may sleep, no lock held.
 */
void tq_message_put(struct tq_message *message)
{
	if (!message || !refcount_dec_and_test(&message->refs))
		return;
	kfree(message->key);
	kvfree(message);
}

/**
 * tq_message_put_all - drop a reference to each message of a list
 * @list: the messages, by @next
 *
 * Context: Process context, may sleep, no lock held.
 */
void tq_message_put_all(struct tq_message *list)
{
	struct tq_message *message;

	while ((message = list)) {
		list = message->next;
		tq_message_put(message);
	}
}
