// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settling deliveries: TQUEUE_SETTLE.
 *
 * Settlements are fetched and checked in groups with no lock held, carried out
 * with rx.lock held, and their results written back with no lock held.
 */
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "due.h"
#include "lease.h"
#include "message.h"
#include "notify.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"

/* How many settlements are carried out while the lock is held once. */
#define TQ_SETTLE_PIECE	16

/*
 * Internal result: rx.lock is not enough.  The action is HOLD, or no detached
 * message has the id.
 */
#define TQ_SETTLE_LATER (-ERANGE)

/**
 * struct tq_settler - a TQUEUE_SETTLE in progress
 * @file: the open file
 * @freed: the room that the settlements make
 * @notify: the wake-ups
 */
struct tq_settler {
	struct tq_file *file;
	unsigned long freed;
	struct tq_notify notify;
};

/* The flags that each action may have. */
static const u16 tq_settle_flags[] = {
	[TQUEUE_ACKNOWLEDGE]	= TQUEUE_SETTLE_UNLEASED | TQUEUE_SETTLE_FORCE,
	[TQUEUE_REQUEUE]	= TQUEUE_SETTLE_PRIORITY |
				  TQUEUE_SETTLE_UNCOUNTED |
				  TQUEUE_SETTLE_UNLEASED | TQUEUE_SETTLE_FORCE,
	[TQUEUE_BURY]		= TQUEUE_SETTLE_PRIORITY |
				  TQUEUE_SETTLE_UNLEASED | TQUEUE_SETTLE_FORCE,
	[TQUEUE_EXTEND]		= TQUEUE_SETTLE_FORCE,
	[TQUEUE_BEGIN]		= 0,
	[TQUEUE_HOLD]		= 0,
};

#define TQ_SETTLE_BY_ID	(TQUEUE_SETTLE_UNLEASED | TQUEUE_SETTLE_FORCE)

/* Check a settlement on its own: 0, -EINVAL or -EPERM. */
static int tq_settlement_check(const struct tq_settler *settler,
			       const struct tqueue_settlement *entry)
{
	bool timed = entry->action == TQUEUE_REQUEUE ||
		     entry->action == TQUEUE_EXTEND;
	bool coded = entry->action == TQUEUE_REQUEUE ||
		     entry->action == TQUEUE_BURY;

	if (!entry->action || entry->action >= ARRAY_SIZE(tq_settle_flags) ||
	    entry->flags & ~tq_settle_flags[entry->action])
		return -EINVAL;
	if (entry->time && !timed)
		return -EINVAL;
	if (entry->time > S64_MAX && (entry->action != TQUEUE_EXTEND ||
				      entry->time != TQUEUE_FOREVER))
		return -EINVAL;
	if (entry->code && !coded)
		return -EINVAL;
	if (entry->flags & TQUEUE_SETTLE_PRIORITY ?
	    entry->priority > TQUEUE_PRIORITY_MAX : entry->priority)
		return -EINVAL;
	/* Neither an unleased nor a forced settlement names a delivery. */
	if ((entry->flags & TQ_SETTLE_BY_ID) == TQ_SETTLE_BY_ID ||
	    (entry->flags & TQ_SETTLE_BY_ID && entry->delivery) ||
	    (entry->flags & TQUEUE_SETTLE_UNLEASED &&
	     entry->flags & TQUEUE_SETTLE_UNCOUNTED))
		return -EINVAL;
	if (entry->flags & TQUEUE_SETTLE_FORCE &&
	    !tq_may_configure(settler->file->queue))
		return -EPERM;
	return 0;
}

/* Find the leased message that a settlement names, or an ERR_PTR. */
static struct tq_message *tq_settle_leased(struct tqueue *queue,
					   const struct tqueue_settlement *entry)
{
	bool force = entry->flags & TQUEUE_SETTLE_FORCE;
	struct tq_message *message = NULL;

	if (force || entry->delivery)
		message = tq_lease_find(queue, entry->id, entry->delivery);
	if (message)
		return message;
	return ERR_PTR(force ? -ENOENT : tq_lease_missing(queue, entry->id));
}

/* Find the unleased message that a settlement names, or an ERR_PTR. */
static struct tq_message *
tq_settle_unleased(struct tqueue *queue, const struct tqueue_settlement *entry)
{
	struct tq_message *message = tq_store_by_id(&queue->rx.store,
						    entry->id);

	if (!message)
		return ERR_PTR(TQ_SETTLE_LATER);
	if (message->state == TQ_MESSAGE_LEASED ||
	    message->state == TQ_MESSAGE_IN_FLIGHT)
		return ERR_PTR(-EBUSY);
	/*
	 * A buried message gave up its key.  It cannot be ready while another
	 * message has it.
	 */
	if (entry->action == TQUEUE_REQUEUE &&
	    message->state == TQ_MESSAGE_BURIED && tq_key_taken(queue, message))
		return ERR_PTR(-EEXIST);
	return message;
}

static void tq_extend(struct tqueue *queue, struct tq_message *message,
		      u64 time)
{
	tq_due_del_timed(queue, message);
	message->when = tq_limit_at(queue, time);
	tq_due_add_limit(queue, message);
	message->begun = true;
}

/* Remove an unleased message. */
static void tq_settle_remove(struct tq_settler *settler,
			     struct tq_message *message)
{
	struct tqueue *queue = settler->file->queue;

	tq_seize(queue, message);
	tq_finish(queue, message, &settler->notify);
}

/* Requeue or bury a message.  Returns TQUEUE_RESULT_*. */
static int tq_settle_return(struct tq_settler *settler,
			    struct tq_message *message,
			    const struct tqueue_settlement *entry)
{
	struct tqueue *queue = settler->file->queue;
	struct tq_return how = {
		.counted = message->state == TQ_MESSAGE_LEASED &&
			   !(entry->flags & TQUEUE_SETTLE_UNCOUNTED),
		.buried = entry->action == TQUEUE_BURY,
		.reprioritize = entry->flags & TQUEUE_SETTLE_PRIORITY,
		.priority = entry->priority,
		.reason = entry->flags & TQ_SETTLE_BY_ID ?
			  TQUEUE_REASON_FORCED : TQUEUE_REASON_WORKER,
		.code = entry->code,
		.delay = entry->time,
	};

	if (message->state == TQ_MESSAGE_BURIED && !how.buried) {
		message->record.attempts = 0;
		tq_reopen_stream(&queue->rx, message);
	}
	return tq_come_back(queue, message, &how, &settler->notify);
}

/* Carry out one settlement.  With rx.lock held. */
static int tq_settle_locked(struct tq_settler *settler,
			    const struct tqueue_settlement *entry)
{
	struct tqueue *queue = settler->file->queue;
	bool unleased = entry->flags & TQUEUE_SETTLE_UNLEASED;
	struct tq_message *message;
	int ret = TQUEUE_RESULT_DONE;
	u32 delivery;

	message = unleased ? tq_settle_unleased(queue, entry) :
			     tq_settle_leased(queue, entry);
	if (IS_ERR(message))
		return PTR_ERR(message);
	if (entry->action == TQUEUE_ACKNOWLEDGE && !unleased) {
		settler->freed += tq_acknowledge(settler->file, message,
						 &settler->notify.garbage);
		return TQUEUE_RESULT_DONE;
	}
	delivery = message->record.delivery;
	switch (entry->action) {
	case TQUEUE_ACKNOWLEDGE:
		tq_settle_remove(settler, message);
		break;
	case TQUEUE_REQUEUE:
	case TQUEUE_BURY:
		ret = tq_settle_return(settler, message, entry);
		break;
	case TQUEUE_EXTEND:
		tq_extend(queue, message, entry->time);
		break;
	case TQUEUE_BEGIN:
		message->begun = true;
		break;
	}
	trace_tqueue_settle(queue, entry->id, delivery, entry->action, ret);
	return ret;
}

/* Replace the record at the cursor with a detached copy.  Both locks held. */
static void tq_detach_record(struct tqueue *queue, struct tq_cursor *cursor,
			     struct tq_message *message, size_t length,
			     struct tq_notify *notify)
{
	struct tq_store *store = &queue->rx.store;

	tq_message_copy(message, tq_store_at(store, cursor->pos), length);
	if (!length)
		tq_empties_leave(queue, 1);
	tq_store_put(store, message);
	tq_due_add_age(queue, message);
	tq_detach_space(queue, cursor, notify);
}

/*
 * Detach a message that is in the ring.  It keeps its place in the order of
 * delivery.  Returns 0; -ENOENT; -ENOMEM; -EINTR; -EIDRM.
 */
static int tq_detach(struct tqueue *queue, u64 id)
{
	struct tq_store *store = &queue->rx.store;
	struct tq_message *message = NULL;
	struct tq_cursor cursor = {};
	size_t length = 0;
	int ret;

	cursor.pos = READ_ONCE(store->pos);
	do {
		struct tq_notify notify = {};

		tq_lock_both(queue);
		ret = tq_store_find(store, id, &cursor.pos, TQ_PIECE_RECORDS);
		if (!ret) {
			length = tq_store_length(store, cursor.pos);
			if (message && message->capacity >= length)
				tq_detach_record(queue, &cursor, message,
						 length, &notify);
			else
				ret = -ENOSR;
		}
		if (queue->policy.shutdown_error == -EIDRM)
			ret = ret ? -EIDRM : 0;
		tq_unlock_both(queue);
		tq_notify_deliver(queue, &notify);
		if (!ret)
			return 0;
		if (ret == -ENOSR) {
			tq_message_put(message);
			message = tq_message_alloc(length);
			if (!message)
				return -ENOMEM;
		} else if (ret == -EAGAIN) {
			cond_resched();
		}
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
	} while (ret == -EAGAIN || ret == -ENOSR);
	tq_message_put(message);
	return ret;
}

/* Settle a message that was not found among the detached ones. */
static int tq_settle_in_ring(struct tq_settler *settler,
			     const struct tqueue_settlement *entry)
{
	struct tqueue *queue = settler->file->queue;
	int ret;

	ret = tq_detach(queue, entry->id);
	/* Another call may have detached it meanwhile. */
	if (ret && ret != -ENOENT)
		return ret;
	mutex_lock(&queue->rx.lock);
	if (queue->policy.shutdown_error == -EIDRM)
		ret = -EIDRM;
	else
		ret = tq_settle_locked(settler, entry);
	mutex_unlock(&queue->rx.lock);
	/* It is not in the ring any more, or never was. */
	return ret == TQ_SETTLE_LATER ? -ENOENT : ret;
}

/* Whether a settlement is a plain acknowledgment. */
static inline bool tq_just_acknowledges(const struct tqueue_settlement *entry)
{
	return entry->action == TQUEUE_ACKNOWLEDGE && entry->delivery &&
	       !(entry->time | (u32)entry->code | entry->priority |
		 entry->flags);
}

/* Acknowledge a delivery, with rx.lock held.  Returns the result. */
static inline int tq_settle_acknowledge(struct tq_settler *settler,
					const struct tqueue_settlement *entry)
{
	struct tq_file *file = settler->file;
	struct tq_message *message = tq_lease_of(file, entry->id,
						 entry->delivery);

	if (unlikely(!message))
		return tq_lease_missing(file->queue, entry->id);
	settler->freed += tq_acknowledge(file, message,
					 &settler->notify.garbage);
	return TQUEUE_RESULT_DONE;
}

/* Carry out the settlements for which rx.lock is not enough. */
static noinline void tq_settle_later(struct tq_settler *settler,
				     struct tqueue_settlement *entries,
				     unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (entries[i].result != TQ_SETTLE_LATER)
			continue;
		if (entries[i].action == TQUEUE_HOLD)
			entries[i].result = tq_hold(settler->file,
						    entries[i].id,
						    entries[i].delivery);
		else
			entries[i].result = tq_settle_in_ring(settler,
							      &entries[i]);
	}
}

/* Carry out a settlement that is not a plain acknowledgment. */
static noinline int tq_settle_other(struct tq_settler *settler,
				    const struct tqueue_settlement *entry)
{
	/* The check before the lock was taken failed. */
	if (entry->result)
		return entry->result;
	if (entry->action == TQUEUE_HOLD)
		return TQ_SETTLE_LATER;
	return tq_settle_locked(settler, entry);
}

/* Carry out some settlements: 0 or -EIDRM. */
static int tq_settle_some(struct tq_settler *settler,
			  struct tqueue_settlement *entries, unsigned int count)
{
	struct tqueue *queue = settler->file->queue;
	struct tqueue_settlement *entry, *end = entries + count;
	bool later = false;
	int ret = 0;

	settler->freed = 0;
	settler->notify.events = 0;
	settler->notify.ready = 0;
	settler->notify.filled = false;
	settler->notify.file = NULL;
	settler->notify.garbage = NULL;
	for (entry = entries; entry < end; entry++)
		if (unlikely(!tq_just_acknowledges(entry)))
			entry->result = tq_settlement_check(settler, entry);

	mutex_lock(&queue->rx.lock);
	if (queue->policy.shutdown_error == -EIDRM) {
		mutex_unlock(&queue->rx.lock);
		return -EIDRM;
	}
	for (entry = entries; entry < end; entry++) {
		if (likely(tq_just_acknowledges(entry)))
			ret = tq_settle_acknowledge(settler, entry);
		else
			ret = tq_settle_other(settler, entry);
		entry->result = ret;
		later |= ret == TQ_SETTLE_LATER;
	}
	if (likely(settler->freed))
		settler->notify.events |= tq_release_room(queue,
							  settler->freed);
	mutex_unlock(&queue->rx.lock);
	if (unlikely(later))
		tq_settle_later(settler, entries, count);
	if (unlikely(settler->notify.events || settler->notify.ready ||
		     settler->notify.garbage))
		tq_notify_deliver(queue, &settler->notify);
	return 0;
}

/*
 * Fetch settlements word by word, as TQUEUE_SEND does.  Their results are
 * cleared at the same time, so that an entry that cannot be written is found
 * before anything is done.
 */
static __always_inline int
tq_fetch_settlements(struct tqueue_settlement *entry,
		     struct tqueue_settlement __user *user, unsigned int count)
{
	if (!user_access_begin(user, count * sizeof(*user)))
		return -EFAULT;
	for (; count; count--, entry++, user++) {
		unsafe_get_user(entry->id, &user->id, failed);
		unsafe_get_user(entry->time, &user->time, failed);
		unsafe_get_user(entry->delivery, &user->delivery, failed);
		unsafe_get_user(entry->code, &user->code, failed);
		unsafe_get_user(entry->action, &user->action, failed);
		unsafe_get_user(entry->priority, &user->priority, failed);
		unsafe_get_user(entry->flags, &user->flags, failed);
		unsafe_put_user(0, &user->result, failed);
	}
	user_access_end();
	return 0;

failed:
	user_access_end();
	return -EFAULT;
}

/*
 * Write the results.  The settlements are done even if one cannot be written.
 */
static int tq_put_results(const struct tqueue_settlement *entries,
			  struct tqueue_settlement __user *user,
			  unsigned int count)
{
	unsigned int i;
	int done = 0;

	for (i = 0; i < count; i++) {
		done += entries[i].result >= 0;
		if (unlikely(entries[i].result) &&
		    put_user(entries[i].result, &user[i].result))
			continue;
	}
	return done;
}

/* Settle one message, as most calls do.  This needs little stack. */
static noinline int tq_settle_one(struct tq_settler *settler,
				  struct tqueue_settlement __user *user)
{
	struct tqueue_settlement entry __uninitialized;

	return tq_fetch_settlements(&entry, user, 1) ?:
	       tq_settle_some(settler, &entry, 1) ?:
	       tq_put_results(&entry, user, 1);
}

static noinline int tq_settle_piece(struct tq_settler *settler,
				    struct tqueue_settlement __user *user,
				    unsigned int count)
{
	struct tqueue_settlement entries[TQ_SETTLE_PIECE] __uninitialized;

	return tq_fetch_settlements(entries, user, count) ?:
	       tq_settle_some(settler, entries, count) ?:
	       tq_put_results(entries, user, count);
}

/**
 * tq_settle - settle deliveries
 * @file: an open file of the queue
 * @args: a copy of what user space gave, checked except for the settlements
 *
 * Context: Process context, may sleep, no lock held.
 * Return: how many settlements succeeded; if none was carried out, -EFAULT or
 * -EIDRM.
 */
int tq_settle(struct tq_file *file, const struct tqueue_settle *args)
{
	struct tqueue_settlement __user *user =
		u64_to_user_ptr(args->settlements);
	struct tq_settler settler __uninitialized;
	unsigned int left = args->count, some;
	int done = 0, ret;

	settler.file = file;
	if (left == 1)
		return tq_settle_one(&settler, user);
	while (left) {
		some = min_t(unsigned int, left, TQ_SETTLE_PIECE);
		ret = tq_settle_piece(&settler, user, some);
		if (ret < 0)
			return left == args->count ? ret : done;
		done += ret;
		user += some;
		left -= some;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}
