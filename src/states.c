// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving messages from one state to another: see states.h.
 *
 * Everything here runs with rx.lock held.  Nothing here needs room, because a
 * message counts in the size of its queue until it is gone.
 */
#include <linux/slab.h>

#include "due.h"
#include "message.h"
#include "notify.h"
#include "settled.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "trace.h"
#include "unique.h"

/**
 * tq_key_taken - find another message with the key of this one
 * @queue: the queue
 * @message: not in the queue, or buried, or leased
 *
 * Context: rx.lock held.
 * Return: the other message, or NULL.
 */
struct tq_message *tq_key_taken(struct tqueue *queue,
				const struct tq_message *message)
{
	const struct tq_key *key = message->key;

	if (likely(!key) || key->taken)
		return NULL;
	return tq_key_holder(&queue->rx.store, key,
			     queue->policy.unique == TQUEUE_UNIQUE_QUEUE);
}

/*
 * Take the key of a message that waits again.  If another message has the key
 * by now, this one goes without.
 */
static void tq_take_key(struct tqueue *queue, struct tq_message *message)
{
	struct tq_key *key = message->key;

	if (likely(!key) || key->taken)
		return;
	if (!tq_key_taken(queue, message)) {
		tq_key_insert(&queue->rx.store, key);
		return;
	}
	message->key = NULL;
	kfree(key);
}

/**
 * tq_seize - take a message out of its state
 * @queue: the queue
 * @message: ready, delayed, leased or buried; in flight afterwards
 *
 * Context: Process context, rx.lock held.
 */
void tq_seize(struct tqueue *queue, struct tq_message *message)
{
	unsigned long bytes = tq_message_bytes(message);
	struct tq_rx *rx = &queue->rx;

	lockdep_assert_held(&rx->lock);

	tq_due_del_timed(queue, message);
	switch (message->state) {
	case TQ_MESSAGE_READY:
		tq_flights_begin(rx);
		tq_store_pull(&rx->store, message);
		tq_counter_add(&rx->gone, 1);
		return;
	case TQ_MESSAGE_DELAYED:
		tq_due_del_delayed(queue, message);
		tq_pile_del(&rx->delayed, bytes);
		break;
	case TQ_MESSAGE_LEASED:
		tq_lease_end(queue, message);
		break;
	case TQ_MESSAGE_BURIED:
		tq_flights_begin(rx);
		tq_store_unbury(&rx->store, message);
		tq_pile_del(&rx->buried, bytes);
		break;
	}
	message->state = TQ_MESSAGE_IN_FLIGHT;
}

/**
 * tq_finish - end a message in flight
 * @queue: the queue
 * @message: seized; freed when @notify is delivered
 * @notify: collects the wake-ups
 *
 * Context: rx.lock held.
 */
void tq_finish(struct tqueue *queue, struct tq_message *message,
	       struct tq_notify *notify)
{
	tq_store_settle(&queue->rx.store, message);
	tq_flights_end(&queue->rx);
	notify->events |= tq_release_room(queue, tq_message_bytes(message));
	tq_notify_free(notify, message);
}

/**
 * tq_place_ready - make a message in flight ready, at its place
 * @queue: the queue
 * @message: seized; the store owns it now
 * @notify: collects the wake-ups
 *
 * Context: Process context, rx.lock held.
 */
void tq_place_ready(struct tqueue *queue, struct tq_message *message,
		    struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;

	lockdep_assert_held(&rx->lock);

	message->record.delivery = 0;
	message->when = 0;
	message->since = tq_stamp_time();
	tq_notify_add(notify, message);
	tq_take_key(queue, message);
	tq_store_put(&rx->store, message);
	tq_due_add_age(queue, message);
	tq_counter_add(&rx->gone, -1);
	trace_tqueue_requeue(queue, message->record.id);
	tq_flights_end(rx);
	notify->events |= tq_settled_changed(queue) | TQ_NOTIFY_ENDED;
}

/**
 * tq_place_delayed - delay a message in flight
 * @queue: the queue
 * @message: seized; or unsent, and already in the store's index
 * @when: when it becomes ready: CLOCK_BOOTTIME
 *
 * Context: Process context, rx.lock held.
 */
void tq_place_delayed(struct tqueue *queue, struct tq_message *message,
		      s64 when)
{
	struct tq_rx *rx = &queue->rx;

	lockdep_assert_held(&rx->lock);

	message->when = when;
	message->record.delivery = 0;
	message->since = tq_stamp_time();
	message->state = TQ_MESSAGE_DELAYED;
	tq_take_key(queue, message);
	tq_pile_add(&rx->delayed, tq_message_bytes(message));
	tq_due_add_delayed(queue, message);
	if (tq_can_age(queue, message))
		tq_due_add_age(queue, message);
	trace_tqueue_delay(queue, message->record.id);
}

/**
 * tq_place_leased - lease a message in flight
 * @queue: the queue
 * @message: seized; or taken out of the ring with its room kept
 * @holder: the holder of the lease
 * @delivery: from tq_next_delivery()
 * @limit: when the lease ends: CLOCK_MONOTONIC, or S64_MAX
 *
 * Context: Process context, rx.lock held.
 */
void tq_place_leased(struct tqueue *queue, struct tq_message *message,
		     struct tq_holder *holder, u32 delivery, s64 limit)
{
	struct tq_rx *rx = &queue->rx;

	lockdep_assert_held(&rx->lock);

	message->record.delivery = delivery;
	message->begun = false;
	tq_lease_begin(queue, message, holder, limit, tq_stamp_time(),
		       task_tgid_nr(current));
	if (unlikely(message->key) && !message->key->unsettled)
		tq_key_release(&rx->store, message);
	tq_pile_add(&rx->leased, tq_message_bytes(message));
	tq_counter_add(&rx->ever_leased, 1);
}

/* Bury a message in flight. */
static void tq_place_buried(struct tqueue *queue, struct tq_message *message,
			    struct tq_notify *notify)
{
	struct tq_rx *rx = &queue->rx;

	message->record.delivery = 0;
	message->when = 0;
	message->since = tq_stamp_time();
	tq_store_bury(&rx->store, message);
	tq_pile_add(&rx->buried, tq_message_bytes(message));
	trace_tqueue_bury(queue, message->record.id);
	tq_flights_end(rx);
	notify->events |= tq_settled_changed(queue) | TQ_NOTIFY_ENDED;
}

/**
 * tq_place_back - return a message in flight to its former state
 * @queue: the queue
 * @message: seized; the store owns it now
 * @state: ready, delayed or buried
 * @when: its former tq_message.when
 * @notify: collects the wake-ups
 *
 * Context: Process context, rx.lock held.
 */
void tq_place_back(struct tqueue *queue, struct tq_message *message,
		   enum tq_message_state state, s64 when,
		   struct tq_notify *notify)
{
	lockdep_assert_held(&queue->rx.lock);

	switch (state) {
	case TQ_MESSAGE_DELAYED:
		tq_place_delayed(queue, message, when);
		break;
	case TQ_MESSAGE_BURIED:
		tq_place_buried(queue, message, notify);
		break;
	default:
		tq_place_ready(queue, message, notify);
	}
}

/**
 * tq_bury - bury a message, or delay it if max_buried is reached
 * @queue: the queue
 * @message: seized
 * @reason: TQUEUE_REASON_*
 * @notify: collects the wake-ups
 *
 * Context: Process context, rx.lock held.
 * Return: %TQUEUE_RESULT_DONE; %TQUEUE_RESULT_PUT_OFF if it was delayed.
 */
int tq_bury(struct tqueue *queue, struct tq_message *message, u8 reason,
	    struct tq_notify *notify)
{
	unsigned long bytes = tq_message_bytes(message);
	struct tq_rx *rx = &queue->rx;

	lockdep_assert_held(&rx->lock);

	message->reason = reason;
	if (rx->buried.bytes + bytes > tq_max_buried(queue)) {
		message->reason = TQUEUE_REASON_PUT_OFF;
		tq_place_delayed(queue, message,
				 tq_delay_until(TQUEUE_PUT_OFF_DELAY));
		return TQUEUE_RESULT_PUT_OFF;
	}
	tq_counter_add(&rx->ever_buried, 1);
	tq_place_buried(queue, message, notify);
	return TQUEUE_RESULT_DONE;
}

/**
 * tq_drop - drop a message
 * @queue: the queue
 * @message: seized; freed when @notify is delivered
 * @notify: collects the wake-ups
 *
 * Context: rx.lock held.
 */
void tq_drop(struct tqueue *queue, struct tq_message *message,
	     struct tq_notify *notify)
{
	trace_tqueue_drop(queue, message->record.id);
	tq_counter_add(&queue->rx.dropped, 1);
	tq_finish(queue, message, notify);
}

/* Bury or drop a message.  Returns TQUEUE_RESULT_*. */
static int tq_give_up(struct tqueue *queue, struct tq_message *message,
		      bool bury, u8 reason, struct tq_notify *notify)
{
	int ret;

	if (bury) {
		ret = tq_bury(queue, message, reason, notify);
		return ret ?: TQUEUE_RESULT_BURIED;
	}
	tq_drop(queue, message, notify);
	return TQUEUE_RESULT_DROPPED;
}

/**
 * tq_expire - bury or drop a message that is older than the queue's ttl
 * @queue: the queue
 * @message: seized
 * @notify: collects the wake-ups
 *
 * Context: Process context, rx.lock held.
 * Return: %TQUEUE_RESULT_BURIED, _DROPPED or _PUT_OFF.
 */
int tq_expire(struct tqueue *queue, struct tq_message *message,
	      struct tq_notify *notify)
{
	tq_counter_add(&queue->rx.ever_expired, 1);
	trace_tqueue_expire(queue, message->record.id);
	return tq_give_up(queue, message,
			  queue->policy.on_expired == TQUEUE_EXPIRED_BURY,
			  TQUEUE_REASON_EXPIRED, notify);
}

/**
 * tq_come_back - decide what becomes of a message after a delivery
 * @queue: the queue
 * @message: leased; or ready, delayed or buried, if it was named by its id
 * @how: how the delivery ended
 * @notify: collects the wake-ups
 *
 * Context: Process context, rx.lock held.
 * Return: TQUEUE_RESULT_*.
 */
int tq_come_back(struct tqueue *queue, struct tq_message *message,
		 const struct tq_return *how, struct tq_notify *notify)
{
	const struct tq_policy *policy = &queue->policy;
	struct tqueue_record *record = &message->record;

	lockdep_assert_held(&queue->rx.lock);

	if (message->state == TQ_MESSAGE_LEASED)
		tq_counter_add(&queue->rx.ever_requeued, 1);
	tq_seize(queue, message);
	if (policy->shutdown_error == -EIDRM) {
		tq_finish(queue, message, notify);
		return TQUEUE_RESULT_DROPPED;
	}
	message->reason = how->reason;
	message->code = how->code;
	if (how->reprioritize)
		record->priority = how->priority;
	if (how->counted && record->attempts < U16_MAX)
		record->attempts++;
	if (how->buried)
		return tq_bury(queue, message, how->reason, notify);
	if (unlikely(tq_expiry(queue, record->sent_ns) <= tq_now_boottime()))
		return tq_expire(queue, message, notify);
	if (how->counted && policy->max_attempts &&
	    record->attempts >= policy->max_attempts)
		return tq_give_up(queue, message, policy->on_exhausted ==
						  TQUEUE_EXHAUSTED_BURY,
				  TQUEUE_REASON_ATTEMPTS, notify);
	if (how->delay)
		tq_place_delayed(queue, message, tq_delay_until(how->delay));
	else
		tq_place_ready(queue, message, notify);
	return TQUEUE_RESULT_DONE;
}
