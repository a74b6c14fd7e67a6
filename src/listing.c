// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing messages: TQUEUE_LIST.
 *
 * Messages are in three places, each in the order of ids: the ring, the
 * detached messages that are not settled, and the buried ones.  A listing
 * merges the three, a piece at a time.  Between pieces it keeps only the last
 * id that it has passed, so the messages may move meanwhile.
 */
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "message.h"
#include "record.h"
#include "store.h"
#include "tqueue.h"
#include "unique.h"

/* The most entries that are filled while the lock is held once. */
#define TQ_LIST_PIECE	32

/**
 * struct tq_listing - a listing in progress
 * @file: the open file
 * @states: the states to list
 * @after: the last id that was passed
 * @pos: where to go on in the ring
 * @count: how many entries are filled
 * @entries: the entries
 */
struct tq_listing {
	struct tq_file *file;
	u32 states;
	u64 after;
	unsigned long pos;
	unsigned int count;
	struct tqueue_listed entries[TQ_LIST_PIECE];
};

static void tq_list_record(const struct tq_file *file,
			   const struct tqueue_record *record, size_t length,
			   struct tqueue_listed *entry)
{
	memset(entry, 0, sizeof(*entry));
	entry->id = record->id;
	entry->sent_ns = record->sent_ns;
	entry->since_ns = record->sent_ns;
	entry->length = length;
	entry->uid = record->uid;
	entry->pid = record->pid;
	entry->attempts = record->attempts;
	entry->flags = record->flags & TQUEUE_FLAG_PARTIAL;
	entry->priority = record->priority;
	entry->state = TQUEUE_READY;
	tq_sender_for(file, &entry->uid, &entry->pid);
}

static const u8 tq_listed_states[] = {
	[TQ_MESSAGE_READY]	= TQUEUE_READY,
	[TQ_MESSAGE_IN_FLIGHT]	= TQUEUE_IN_FLIGHT,
	[TQ_MESSAGE_LEASED]	= TQUEUE_LEASED,
	[TQ_MESSAGE_DELAYED]	= TQUEUE_DELAYED,
	[TQ_MESSAGE_BURIED]	= TQUEUE_BURIED,
};

static void tq_list_detached(const struct tq_file *file,
			     const struct tq_message *message,
			     struct tqueue_listed *entry)
{
	const struct tq_key *key = message->key;

	tq_list_record(file, &message->record, tq_message_left(message), entry);
	entry->state = tq_listed_states[message->state];
	entry->reason = message->reason;
	entry->code = message->code;
	if (message->since)
		entry->since_ns = message->since;
	if (key) {
		entry->key = key->key;
		entry->flags |= TQUEUE_FLAG_UNIQUE;
		if (key->unsettled)
			entry->flags |= TQUEUE_FLAG_UNSETTLED;
	}
	if (message->state == TQ_MESSAGE_DELAYED) {
		entry->due_ns = message->when;
	} else if (message->state == TQ_MESSAGE_LEASED) {
		entry->due_ns = message->when == S64_MAX ? TQUEUE_FOREVER :
							   message->when;
		entry->delivery = message->record.delivery;
		entry->holder = file->pids ? message->pid : 0;
		if (message->begun)
			entry->flags |= TQUEUE_LISTED_BEGUN;
	}
}

/* The next detached message, or NULL. */
static const struct tq_message *tq_list_next(struct tq_store *store, u64 after)
{
	struct tq_message *message = tq_store_next(&store->by_id, after);
	struct tq_message *buried = tq_store_next(&store->buried, after);

	if (!message ||
	    (buried && buried->record.id < message->record.id))
		return buried;
	return message;
}

/* Pass one message.  Returns false if there is none. */
static bool tq_list_one(struct tq_listing *listing, unsigned int *left)
{
	struct tq_file *file = listing->file;
	struct tq_store *store = &file->queue->rx.store;
	struct tqueue_listed *entry = &listing->entries[listing->count];
	const struct tqueue_record *record = NULL;
	const struct tq_message *message;
	int ret;

	/* Find the first record of the ring that was not passed. */
	ret = tq_store_find(store, listing->after + 1, &listing->pos, *left);
	if (ret == -EAGAIN) {
		*left = 0;
		return true;
	}
	if (listing->pos != store->end)
		record = tq_store_at(store, listing->pos);
	message = tq_list_next(store, listing->after);
	if (!message && !record)
		return false;
	if (record && (!message || record->id < message->record.id))
		tq_list_record(file, record,
			       tq_store_length(store, listing->pos), entry);
	else
		tq_list_detached(file, message, entry);
	listing->after = entry->id;
	listing->count += !!(entry->state & listing->states);
	--*left;
	return true;
}

/* Fill at most @most entries.  Returns whether there may be more messages. */
static bool tq_list_piece(struct tq_listing *listing, unsigned int most)
{
	struct tq_file *file = listing->file;
	unsigned int left = TQ_PIECE_RECORDS;
	bool more = true;

	listing->count = 0;
	while (more && left && listing->count < most)
		more = tq_list_one(listing, &left);
	file->listed_id = listing->after;
	file->listed_pos = listing->pos;
	return more;
}

/* Copy the entries to the caller, whose structure may have another size. */
static int tq_list_give(const struct tq_listing *listing,
			const struct tqueue_list *args, unsigned int done)
{
	u8 __user *to = u64_to_user_ptr(args->entries);
	size_t theirs = args->entry_bytes;
	size_t both = min(theirs, sizeof(struct tqueue_listed));
	unsigned int i;

	for (i = 0; i < listing->count; i++) {
		u8 __user *at = to + (done + i) * theirs;

		if (copy_to_user(at, &listing->entries[i], both) ||
		    clear_user(at + both, theirs - both))
			return -EFAULT;
	}
	return 0;
}

/**
 * tq_list - list messages
 * @file: an open file of the queue
 * @args: a copy of what user space gave, checked except for the buffer
 *
 * Context: Process context, may sleep, no lock held.
 * Return: the number of entries; 0 at the end; -EFAULT; -ENOMEM; -EIDRM; -EINTR
 * if the caller is being killed.
 */
int tq_list(struct tq_file *file, const struct tqueue_list *args)
{
	struct tqueue *queue = file->queue;
	struct tq_listing *listing;
	unsigned int most = min_t(u32, args->count, INT_MAX);
	unsigned int done = 0;
	bool more = true;
	int ret = 0;

	/* There is no higher id. */
	if (args->after == U64_MAX)
		return 0;
	listing = kmalloc(sizeof(*listing), GFP_KERNEL_ACCOUNT);
	if (!listing)
		return -ENOMEM;
	listing->file = file;
	listing->states = args->states ?: ~0U;
	listing->after = args->after;

	mutex_lock(&queue->rx.lock);
	/*
	 * If this call continues the previous one, start where that one
	 * stopped.
	 */
	listing->pos = file->listed_id == args->after && args->after ?
		       file->listed_pos : queue->rx.store.pos;
	mutex_unlock(&queue->rx.lock);
	while (more && done < most && !ret) {
		mutex_lock(&queue->rx.lock);
		if (queue->policy.shutdown_error == -EIDRM)
			ret = -EIDRM;
		else
			more = tq_list_piece(listing,
					     min_t(unsigned int, most - done,
						   TQ_LIST_PIECE));
		mutex_unlock(&queue->rx.lock);
		if (!ret)
			ret = tq_list_give(listing, args, done);
		if (!ret)
			done += listing->count;
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	kfree(listing);
	return ret ?: done;
}
