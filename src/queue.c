// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a queue: creating, starting, stopping, pausing, removing,
 * freeing.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "charge.h"
#include "compat.h"
#include "due.h"
#include "file.h"
#include "message.h"
#include "notify.h"
#include "observe.h"
#include "senders.h"
#include "states.h"
#include "store.h"
#include "timer.h"
#include "tqueue.h"
#include "trace.h"
#include "wait.h"

/* The default of max_attempts. */
#define TQ_MAX_ATTEMPTS_DEFAULT	16

/**
 * tq_queue_create - make a queue
 * @config: its settings; a field that is not set gets its default
 * @uncharged: bytes of its ring that do not count towards max_memory
 *
 * Context: Process context, may sleep.
 * Return: the queue, which cannot be opened yet; ERR_PTR of -EINVAL, -ENOMEM,
 * -ENOSPC (beyond max_memory) or -EINTR.
 */
struct tqueue *tq_queue_create(const struct tqueue_config *config,
			       unsigned long uncharged)
{
	struct tqueue *queue;
	unsigned long size;
	int ret;

	ret = tq_config_check(config);
	if (ret)
		return ERR_PTR(ret);
	size = tq_config_size(config);

	queue = kzalloc_obj(*queue, GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->uncharged = uncharged;
	queue->charged = tq_config_charge(queue, size);
	ret = tq_charge(0, queue->charged);
	if (ret)
		goto free;
	ret = tq_ring_alloc(&queue->ring, size);
	if (ret)
		goto uncharge;
	uuid_gen(&queue->uuid);
	mutex_init(&queue->resizing);

	mutex_init(&queue->tx.lock);
	queue->tx.limit_cached = size;
	INIT_LIST_HEAD(&queue->tx.blocked);
	INIT_LIST_HEAD(&queue->tx.tickets);
	INIT_LIST_HEAD(&queue->tx.turns);

	mutex_init(&queue->rx.lock);
	queue->rx.limit = size;
	tq_store_init(&queue->rx.store, &queue->ring, &queue->tx.pos);
	tq_due_init(queue, tq_timer_work);
	INIT_LIST_HEAD(&queue->opens.files);

	init_waitqueue_head(&queue->waiters.read_wait);
	init_waitqueue_head(&queue->waiters.poll);
	init_waitqueue_head(&queue->waiters.settled);

	queue->policy.max_message_auto = true;
	queue->policy.max_attempts = TQ_MAX_ATTEMPTS_DEFAULT;
	tq_lock_both(queue);
	ret = tq_config_apply(queue, config, size);
	tq_unlock_both(queue);
	if (ret) {
		tq_queue_free(queue);
		return ERR_PTR(ret);
	}
	/* The thread waits for the first message that can expire. */
	if (queue->policy.ttl)
		tq_due_look(queue);
	return queue;

uncharge:
	tq_charge(queue->charged, 0);
free:
	kfree(queue);
	return ERR_PTR(ret);
}

/* Remove some messages that were ready: a list of them by @next. */
static struct tq_message *tq_queue_take_ready(struct tqueue *queue,
					      struct rb_root_cached *ready)
{
	struct tq_message *list = tq_store_clear(&queue->rx.store, ready,
						 TQ_STATES_PIECE);
	struct tq_message *message;

	/* They are still in the order of ages. */
	for (message = list; message; message = message->next)
		tq_due_del_timed(queue, message);
	return list;
}

/* The next message that is buried, delayed or leased, or NULL. */
static struct tq_message *tq_next_kept(struct tqueue *queue, u64 *after)
{
	struct tq_store *store = &queue->rx.store;
	struct tq_message *message = tq_store_first_buried(store);

	while (!message) {
		message = tq_store_next(&store->by_id, *after);
		if (!message)
			return NULL;
		*after = message->record.id;
		/* A call or an open file has it, and will settle it. */
		if (message->state == TQ_MESSAGE_IN_FLIGHT)
			message = NULL;
	}
	return message;
}

/* Remove some of these messages: a list of them by @next. */
static struct tq_message *tq_queue_take(struct tqueue *queue, u64 *after)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_message *list = NULL, *message;
	int n;

	for (n = 0; n < TQ_STATES_PIECE; n++) {
		message = tq_next_kept(queue, after);
		if (!message)
			break;
		tq_seize(queue, message);
		tq_store_settle(&rx->store, message);
		tq_flights_end(rx);
		message->next = list;
		list = message;
	}
	return list;
}

/*
 * Free what a removed queue holds, a piece at a time: the messages in @ready,
 * and those that are delayed, buried or leased.
 */
static void tq_queue_clear(struct tqueue *queue, struct rb_root_cached *ready)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_message *list;
	u64 after = 0;

	do {
		mutex_lock(&rx->lock);
		list = tq_queue_take_ready(queue, ready);
		if (!list)
			list = tq_queue_take(queue, &after);
		mutex_unlock(&rx->lock);
		tq_messages_put(list);
		cond_resched();
	} while (list);
}

/**
 * tq_queue_free - free a queue and its messages
 * @queue: made by tq_queue_create(); no file is open on it, and none can be
 *
 * Context: Process context, may sleep.
 */
void tq_queue_free(struct tqueue *queue)
{
	struct rb_root_cached ready;

	mutex_lock(&queue->rx.lock);
	WRITE_ONCE(queue->policy.shutdown_error, -EIDRM);
	tq_store_close(&queue->rx.store, &ready);
	mutex_unlock(&queue->rx.lock);
	tq_due_destroy(queue);
	tq_queue_clear(queue, &ready);
	tq_observe(queue, false);
	tq_ring_free(&queue->ring);
	tq_charge(queue->charged, 0);
	mutex_destroy(&queue->resizing);
	mutex_destroy(&queue->rx.lock);
	mutex_destroy(&queue->tx.lock);
	kfree(queue);
}

/*
 * Refuse messages from now on, those of blocked senders too.  Both locks held.
 */
static void tq_shut_down(struct tqueue *queue, int error,
			 struct tq_notify *notify)
{
	/* Release: a reader that sees the error sees all messages. */
	smp_store_release(&queue->policy.shutdown_error, error);
	tq_opens_changed(queue);
	tq_senders_fail(queue, error, notify);
}

/**
 * tq_start - let a stopped queue take messages again
 * @queue: the queue
 *
 * Context: Process context, takes both locks.
 * Return: 0, even if it was not stopped; -EIDRM.
 */
int tq_start(struct tqueue *queue)
{
	struct tq_notify notify = {};
	int ret = 0;

	tq_lock_both(queue);
	if (queue->policy.shutdown_error == -EIDRM) {
		ret = -EIDRM;
	} else if (queue->policy.shutdown_error) {
		/*
		 * Release: a poller that sees the start also sees that no
		 * sender is blocked.
		 */
		smp_store_release(&queue->policy.shutdown_error, 0);
		tq_opens_changed(queue);
		trace_tqueue_start(queue);
		/* A send may have been refused room just before. */
		notify.events = TQ_NOTIFY_WRITABLE;
	}
	tq_unlock_both(queue);
	tq_notify_deliver(queue, &notify);
	return ret;
}

/**
 * tq_stop - refuse new messages; readers get what is left, then end of file
 * @queue: the queue
 *
 * Context: Process context, takes both locks.
 * Return: 0, even if it was stopped already; -EIDRM.
 */
int tq_stop(struct tqueue *queue)
{
	struct tq_notify notify = {};
	int ret = 0;

	tq_lock_both(queue);
	if (queue->policy.shutdown_error == -EIDRM) {
		ret = -EIDRM;
	} else if (!queue->policy.shutdown_error) {
		tq_shut_down(queue, -ESHUTDOWN, &notify);
		trace_tqueue_stop(queue);
		notify.events |= TQ_NOTIFY_ENDED | TQ_NOTIFY_WRITABLE;
	}
	tq_unlock_both(queue);
	tq_notify_deliver(queue, &notify);
	return ret;
}

/**
 * tq_remove - remove a queue while files may be open on it
 * @queue: the queue, which cannot be opened any more unless this fails
 * @force: remove it even if files are open or messages are left, which are
 *	dropped
 *
 * Calls in progress and all later calls fail with -EIDRM.
 *
 * Context: Process context, takes both locks.
 * Return: 0; -EBUSY.
 */
int tq_remove(struct tqueue *queue, bool force)
{
	struct rb_root_cached ready;
	struct tq_notify notify = {};

	tq_lock_both(queue);
	if (!force && (queue->opens.count || !tq_vacant(queue))) {
		tq_unlock_both(queue);
		return -EBUSY;
	}
	tq_shut_down(queue, -EIDRM, &notify);
	trace_tqueue_remove(queue);
	if (queue->opens.pinned)
		module_put(THIS_MODULE);
	queue->opens.pinned = false;
	/*
	 * The queue holds nothing from now on.  The memory is freed in pieces.
	 */
	tq_store_close(&queue->rx.store, &ready);
	tq_counter_set(&queue->rx.gone, tq_counter_get(&queue->tx.sent));
	WRITE_ONCE(queue->rx.limit, queue->tx.pos + queue->ring.size);
	tq_unlock_both(queue);

	tq_notify_deliver(queue, &notify);
	tq_notify_removed(queue);
	tq_queue_clear(queue, &ready);
	return 0;
}

/**
 * tq_pause - let no messages be received
 * @queue: the queue
 *
 * Context: Process context, takes rx.lock.
 * Return: 0, even if it was paused already; -EIDRM.
 */
int tq_pause(struct tqueue *queue)
{
	int ret = 0;

	mutex_lock(&queue->rx.lock);
	if (queue->policy.shutdown_error == -EIDRM) {
		ret = -EIDRM;
	} else if (!queue->rx.paused) {
		WRITE_ONCE(queue->rx.paused, true);
		trace_tqueue_pause(queue);
	}
	mutex_unlock(&queue->rx.lock);
	return ret;
}

/**
 * tq_resume - let messages be received again
 * @queue: the queue
 *
 * Context: Process context, takes rx.lock.
 * Return: 0, even if it was not paused; -EIDRM.
 */
int tq_resume(struct tqueue *queue)
{
	struct tq_notify notify = {};
	struct tq_rx *rx = &queue->rx;
	int ret = 0;

	mutex_lock(&rx->lock);
	if (queue->policy.shutdown_error == -EIDRM) {
		ret = -EIDRM;
	} else if (rx->paused) {
		WRITE_ONCE(rx->paused, false);
		trace_tqueue_resume(queue);
		/*
		 * Wake as many readers as if all ready messages had just
		 * arrived.
		 */
		notify.ready = min_t(u64, tq_counter_read(&queue->tx.sent) -
					  tq_counter_get(&rx->gone), INT_MAX);
		notify.filled = true;
	}
	mutex_unlock(&rx->lock);
	tq_notify_deliver(queue, &notify);
	return ret;
}
