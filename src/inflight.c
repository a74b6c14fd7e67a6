// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages in flight: see inflight.h.
 *
 * rx.lock guards which messages are in flight, and which of them an open file
 * keeps.  The message itself belongs to the call alone.
 */
#include <linux/minmax.h>
#include <linux/sched.h>

#include "due.h"
#include "inflight.h"
#include "lease.h"
#include "message.h"
#include "notify.h"
#include "observe.h"
#include "settled.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"
#include "wait.h"

/* Internal results of one try. */
#define TQ_NEED_SPARE	(-ENOSR)	/* a spare of @needed bytes is needed */
#define TQ_LOOK_AGAIN	(-ESTALE)	/* unlock and try again */

/* Settle a message in flight that gave up its room. */
static void tq_flight_settle(struct tqueue *queue, struct tq_message *message,
			     struct tq_notify *notify)
{
	tq_store_settle(&queue->rx.store, message);
	tq_flights_end(&queue->rx);
	notify->events |= tq_settled_changed(queue) | TQ_NOTIFY_ENDED;
	tq_notify_free(notify, message);
}

/* Return a message in flight to its place.  Both locks held. */
static void tq_flight_requeue(struct tqueue *queue, struct tq_message *message,
			      struct tq_notify *notify)
{
	tq_assert_both_held(queue);

	if (queue->policy.shutdown_error == -EIDRM) {
		tq_flight_settle(queue, message, notify);
		return;
	}
	if (message->part_read)
		message->record.flags |= TQUEUE_FLAG_PARTIAL;
	message->part_read = false;
	tq_claim_space(queue, tq_message_bytes(message));
	tq_place_ready(queue, message, notify);
}

/**
 * tq_requeue - return a message in flight to its place in the queue
 * @queue: the queue
 * @message: owned by the caller.  Now the store owns it, or it is freed if the
 *	queue was removed.
 *
 * Context: Process context, no lock held; takes both.
 */
void tq_requeue(struct tqueue *queue, struct tq_message *message)
{
	struct tq_notify notify = {};

	tq_lock_both(queue);
	tq_flight_requeue(queue, message, &notify);
	tq_unlock_both(queue);
	tq_notify_deliver(queue, &notify);
}

/* Discard at most @most empty records at the head of the ring. */
static int tq_skip_run(struct tqueue *queue, const struct tq_message *until,
		       int most, struct tq_notify *notify)
{
	struct tq_store *store = &queue->rx.store;
	unsigned long pos = store->pos;
	unsigned long freed;
	int n;

	for (n = 0; n < most && pos != store->end; n++) {
		if (tq_store_length(store, pos) ||
		    (until && !tq_record_precedes(tq_store_at(store, pos),
						  &until->record)))
			break;
		pos += tq_record_bytes(0);
		/* A void may follow. */
		if (unlikely(store->void_bytes))
			most = 0;
	}
	if (!n)
		return 0;
	tq_empties_leave(queue, n);
	freed = tq_store_advance(store, pos - store->pos);
	notify->events |= tq_release_space(queue, freed, n);
	return n;
}

/*
 * Discard empty messages, which plain reads do not return.  There is nothing to
 * copy, so they do not go in flight.  Returns false if there may be more after
 * one piece of work.
 */
static bool tq_skip_empties(struct tqueue *queue, struct tq_notify *notify)
{
	struct tq_store *store = &queue->rx.store;
	int left = TQ_PIECE_RECORDS;
	struct tq_message *message;
	struct tq_cursor cursor;
	unsigned long bytes;
	int n;

	while (left > 0) {
		tq_store_begin(store, &cursor);
		if (tq_store_at_end(store, &cursor))
			return true;
		message = tq_store_detached(store, &cursor);
		if (!message) {
			n = tq_skip_run(queue, cursor.detached, left, notify);
			if (!n)
				return true;
			left -= n;
			continue;
		}
		if (tq_message_left(message))
			return true;
		tq_due_del_timed(queue, message);
		bytes = tq_store_take(store, &cursor);
		tq_store_settle(store, message);
		tq_notify_free(notify, message);
		notify->events |= tq_release_space(queue, bytes, 1);
		left -= TQ_DETACHED_RECORDS;
	}
	return false;
}

/*
 * Note what to copy out of a message.  While this call only peeks at it,
 * another call may read a part of it.
 */
static void tq_flight_take(struct tq_flight *flight, struct tq_message *message)
{
	flight->message = message;
	flight->head = message->record;
	flight->payload = message->record.payload + message->offset;
	flight->left = tq_message_left(message);
}

/* Copy a record out of the ring into the spare of a flight. */
static int tq_copy_record(struct tq_store *store, unsigned long pos,
			  size_t length, struct tq_flight *flight)
{
	struct tq_message *message = flight->spare;
	struct tqueue_record *record = tq_store_at(store, pos);

	/*
	 * The message may stay for a long time, so its memory must not be much
	 * too large.
	 */
	if (!message || message->capacity < length ||
	    message->capacity > 2 * length + 256)
		return TQ_NEED_SPARE;
	flight->spare = NULL;
	tq_message_copy(message, record, length);
	tq_flight_take(flight, message);
	return 0;
}

/* Give a number to the delivery of a message in flight that will be leased. */
static void tq_flight_leases(struct tq_rx *rx, struct tq_flight *flight)
{
	flight->delivery = tq_next_delivery(rx);
	rx->leasing++;
}

/* Take the message at the cursor.  A peek takes a reference to it or a copy. */
static int tq_take_next(struct tq_receiver *receiver, struct tq_flight *flight,
			struct tq_notify *notify)
{
	struct tqueue *queue = receiver->file->queue;
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	struct tq_cursor *cursor = &receiver->cursor;
	struct tq_message *message;
	unsigned long bytes;
	size_t length;
	int ret;

	if (tq_store_at_end(store, cursor))
		return -EAGAIN;
	message = tq_store_detached(store, cursor);
	length = message ? tq_message_left(message) :
			   tq_store_length(store, cursor->pos);
	/*
	 * Check now.  If the copy faulted later, the message would go back, and
	 * later messages could overtake it meanwhile.
	 */
	receiver->needed = receiver->header + min(length, receiver->wanted);
	if (receiver->needed > receiver->resident)
		return -EFAULT;

	if (receiver->lease && tq_leases_full(queue))
		return -ENOSPC;

	if (message) {
		tq_flight_take(flight, message);
	} else {
		ret = tq_copy_record(store, cursor->pos, length, flight);
		if (ret) {
			receiver->needed = length;
			return ret;
		}
	}
	if (receiver->peek) {
		receiver->last = tq_rank_of(&flight->head);
		if (message)
			refcount_inc(&message->refs);
		tq_store_step(store, cursor);
		return 0;
	}
	if (message)
		tq_received_message(queue, message);
	else
		tq_received_record(queue, &flight->message->record);
	flight->keeps_room = receiver->lease;
	if (receiver->lease)
		tq_flight_leases(rx, flight);
	if (message && receiver->lease) {
		tq_seize(queue, message);
	} else {
		if (message) {
			tq_flights_begin(rx);
			tq_due_del_timed(queue, message);
		} else {
			tq_flights_begin_copy(queue, flight->message);
		}
		bytes = tq_store_take(store, cursor);
		if (receiver->lease)
			notify->events |= tq_keep_space(queue, bytes,
							flight->message);
		else
			notify->events |= tq_release_space(queue, bytes, 1);
	}
	if (receiver->records) {
		flight->dropped = tq_counter_get(&rx->dropped) -
				  rx->dropped_reported;
		rx->dropped_reported += flight->dropped;
	}
	return 0;
}

/* Whether the call can receive the message it asked for: 0 or an error. */
static int tq_check_by_id(struct tq_receiver *receiver, size_t length)
{
	receiver->needed = tq_record_bytes(length);
	if (receiver->needed > receiver->room)
		return -EMSGSIZE;
	if (receiver->needed > receiver->resident)
		return -EFAULT;
	if (receiver->lease && tq_leases_full(receiver->file->queue))
		return -ENOSPC;
	return 0;
}

/* Take a message by its id out of the ring. */
static int tq_take_from_ring(struct tq_receiver *receiver,
			     struct tq_flight *flight,
			     struct tq_notify *notify)
{
	struct tqueue *queue = receiver->file->queue;
	struct tq_cursor *cursor = &receiver->cursor;
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	size_t length;
	int ret;

	ret = tq_store_find(store, receiver->id, &cursor->pos,
			    TQ_PIECE_RECORDS);
	if (ret)
		return ret == -EAGAIN ? TQ_LOOK_AGAIN : ret;
	length = tq_store_length(store, cursor->pos);
	ret = tq_check_by_id(receiver, length);
	if (ret)
		return ret;
	ret = tq_copy_record(store, cursor->pos, length, flight);
	if (ret) {
		receiver->needed = length;
		return ret;
	}
	if (receiver->peek)
		return 0;
	tq_received_record(queue, &flight->message->record);
	tq_flights_begin_copy(queue, flight->message);
	tq_counter_add(&rx->gone, 1);
	tq_detach_space(queue, cursor, notify);
	flight->state = TQ_MESSAGE_READY;
	return 0;
}

/* Take a message by its id.  Both locks held. */
static int tq_take_by_id(struct tq_receiver *receiver, struct tq_flight *flight,
			 struct tq_notify *notify)
{
	struct tqueue *queue = receiver->file->queue;
	struct tq_message *message;
	int ret;

	tq_assert_both_held(queue);

	message = tq_store_by_id(&queue->rx.store, receiver->id);
	if (!message) {
		ret = tq_take_from_ring(receiver, flight, notify);
		if (ret)
			return ret;
	} else {
		if (message->state == TQ_MESSAGE_LEASED ||
		    message->state == TQ_MESSAGE_IN_FLIGHT)
			return -EBUSY;
		ret = tq_check_by_id(receiver, tq_message_left(message));
		if (ret)
			return ret;
		tq_flight_take(flight, message);
		flight->state = message->state;
		flight->when = message->when;
		if (receiver->peek)
			refcount_inc(&message->refs);
		else
			tq_seize(queue, message);
	}
	flight->keeps_room = true;
	if (receiver->lease)
		tq_flight_leases(&queue->rx, flight);
	return 0;
}

/* One attempt to take a message.  With rx.lock held. */
static int tq_flight_try(struct tq_receiver *receiver, struct tq_flight *flight,
			 struct tq_notify *notify)
{
	struct tq_file *file = receiver->file;
	struct tqueue *queue = file->queue;
	struct tq_store *store = &queue->rx.store;

	lockdep_assert_held(&queue->rx.lock);

	if (queue->policy.shutdown_error == -EIDRM)
		return -EIDRM;
	if (tq_must_leave(receiver->slept))
		return -ERESTARTSYS;
	if (file->partial == TQ_PARTIAL_IN_FLIGHT)
		return -EBUSY;
	flight->from_queue = !file->partial;
	if (file->partial) {
		if (receiver->records)
			return -EBUSY;
		tq_flight_take(flight, file->partial);
		return 0;
	}
	if (receiver->id)
		return tq_take_by_id(receiver, flight, notify);
	if (queue->rx.paused && !receiver->peek)
		return -EAGAIN;
	if (!receiver->records && !tq_skip_empties(queue, notify))
		return TQ_LOOK_AGAIN;
	tq_receive_begin(receiver, store);
	return tq_take_next(receiver, flight, notify);
}

/**
 * tq_flight_begin - put the next message in flight
 * @receiver: the receive.  The message stays where it is if the receive wants
 *	more of it than @receiver->resident bytes.  If the receive wants only a
 *	part of it, the file's place for a partial message is reserved until
 *	tq_flight_end().
 * @flight: filled
 *
 * Context: Process context, may sleep, no lock held; takes both.
 * Return: 0; -EAGAIN; -EBUSY (another call has the file's partial message in
 * flight; or the receive wants records, and the file has a partial message);
 * -EFAULT (@receiver->needed bytes must be resident); -EIDRM; -ENOMEM;
 * -ERESTARTSYS.
 */
int tq_flight_begin(struct tq_receiver *receiver, struct tq_flight *flight)
{
	struct tq_file *file = receiver->file;
	struct tqueue *queue = file->queue;
	int ret;

	memset(flight, 0, sizeof(*flight));
	do {
		struct tq_notify notify = {};

		/*
		 * The copy of a record in the middle of the ring claims room of
		 * its own: see tq_detach_space().
		 */
		if (receiver->id)
			mutex_lock(&queue->tx.lock);
		mutex_lock(&queue->rx.lock);
		ret = tq_flight_try(receiver, flight, &notify);
		if (!ret && !receiver->peek) {
			flight->holds = !flight->from_queue ||
					flight->left > receiver->wanted;
			if (flight->holds)
				WRITE_ONCE(file->partial, TQ_PARTIAL_IN_FLIGHT);
		}
		mutex_unlock(&queue->rx.lock);
		if (receiver->id)
			mutex_unlock(&queue->tx.lock);
		tq_notify_deliver(queue, &notify);
		if (ret == TQ_NEED_SPARE) {
			tq_message_put(flight->spare);
			flight->spare = tq_message_alloc(receiver->needed);
			if (!flight->spare)
				ret = -ENOMEM;
		} else if (ret == TQ_LOOK_AGAIN) {
			cond_resched();
		}
	} while (ret == TQ_NEED_SPARE || ret == TQ_LOOK_AGAIN);
	tq_message_put(flight->spare);
	flight->spare = NULL;
	return ret;
}

/* A message in flight was received whole. */
static void tq_flight_delivered(struct tq_receiver *receiver,
				struct tq_flight *flight,
				struct tq_notify *notify)
{
	struct tq_message *message = flight->message;
	struct tqueue *queue = receiver->file->queue;

	if (!flight->keeps_room) {
		tq_flight_settle(queue, message, notify);
	} else if (receiver->lease &&
		   queue->policy.shutdown_error != -EIDRM) {
		tq_place_leased(queue, message, &receiver->file->holder,
				flight->delivery,
				tq_limit_at(queue, receiver->limit));
		if (!receiver->got)
			tq_lease_first(receiver, message);
		else if (receiver->got == 1)
			tq_lease_not_alone(receiver);
	} else {
		trace_tqueue_receive(queue, 1, tq_message_bytes(message));
		tq_finish(queue, message, notify);
	}
}

/* Return a message in flight that kept its room to its former state. */
static void tq_flight_back(struct tqueue *queue, struct tq_flight *flight,
			   struct tq_notify *notify)
{
	struct tq_message *message = flight->message;

	if (queue->policy.shutdown_error == -EIDRM) {
		tq_finish(queue, message, notify);
		return;
	}
	tq_place_back(queue, message, flight->state, flight->when, notify);
}

/**
 * tq_flight_end - decide what becomes of a message in flight
 * @receiver: the receive
 * @flight: begun by tq_flight_begin()
 * @outcome: how the copy ended
 *
 * Context: Process context, no lock held; takes both.
 */
void tq_flight_end(struct tq_receiver *receiver, struct tq_flight *flight,
		   enum tq_outcome outcome)
{
	struct tq_message *message = flight->message;
	struct tq_file *file = receiver->file;
	struct tqueue *queue = file->queue;
	struct tq_notify notify = {};
	bool claims;

	if (receiver->peek) {
		tq_message_put(message);
		return;
	}
	/* A message that gave up its room needs it again when it goes back. */
	claims = outcome == TQ_NOT_DELIVERED && !flight->keeps_room;
	if (claims)
		mutex_lock(&queue->tx.lock);
	mutex_lock(&queue->rx.lock);
	if (flight->delivery)
		queue->rx.leasing--;
	switch (outcome) {
	case TQ_DELIVERED:
		tq_flight_delivered(receiver, flight, &notify);
		break;
	case TQ_PART_READ:
		break;
	case TQ_NOT_DELIVERED:
		queue->rx.dropped_reported -= flight->dropped;
		if (claims)
			tq_flight_requeue(queue, message, &notify);
		else
			tq_flight_back(queue, flight, &notify);
		break;
	}
	if (flight->holds) {
		WRITE_ONCE(file->partial,
			   outcome == TQ_PART_READ ? message : NULL);
		notify.file = file;
	}
	mutex_unlock(&queue->rx.lock);
	if (claims)
		mutex_unlock(&queue->tx.lock);
	tq_notify_deliver(queue, &notify);
}
