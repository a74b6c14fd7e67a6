/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leases: messages that a holder keeps until they are settled.
 *
 * The number of a delivery is the right to settle it, through any file of the
 * queue.  When the delivery is over, the number is no longer valid.
 */
#ifndef TQ_LEASE_H
#define TQ_LEASE_H

#include "notify.h"
#include "receive.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"

/* The most spares that a file keeps for its next leases. */
#define TQ_SPARES_MOST	128

void tq_holder_init(struct tq_holder *holder, struct wait_queue_head *over);
void tq_holder_release(struct tqueue *queue, struct tq_holder *holder);
void tq_lease_not_alone(const struct tq_receiver *receiver);
struct tq_message *tq_lease_find(struct tqueue *queue, u64 id, u32 delivery);
int tq_lease_missing(struct tqueue *queue, u64 id);
void tq_lease_move(struct tq_message *message, struct tq_holder *holder);
void tq_spares_free(struct tq_file *file);

struct tq_message *tq_spare_search(struct tq_file *file, size_t length);

/* How many messages are leased or about to be.  With rx.lock held. */
static inline u32 tq_leases(const struct tqueue *queue)
{
	return queue->rx.leased.count + queue->rx.leasing;
}

/* Whether no more messages may be leased.  With rx.lock held. */
static inline bool tq_leases_full(const struct tqueue *queue)
{
	return unlikely(queue->policy.max_leased) &&
	       tq_leases(queue) >= queue->policy.max_leased;
}

/*
 * Keep the memory of a message as a spare.  Returns false if the caller must
 * free it.  With rx.lock held.
 */
static inline bool tq_spare_put(struct tq_file *file,
				struct tq_message *message)
{
	if (message->capacity > TQ_SPARE_BYTES -
				offsetof(struct tq_message, record.payload) ||
	    message->key ||
	    file->spare_count >= TQ_SPARES_MOST ||
	    refcount_read(&message->refs) != 1)
		return false;
	message->next = file->spares;
	file->spares = message;
	file->spare_count++;
	return true;
}

/* Take a spare for a message of @length.  With rx.lock held. */
static inline struct tq_message *tq_spare_get(struct tq_file *file,
					      size_t length)
{
	struct tq_message *message = file->spares;

	if (unlikely(!message))
		return NULL;
	if (unlikely(message->capacity < length))
		return tq_spare_search(file, length);
	file->spares = message->next;
	file->spare_count--;
	return message;
}

/*
 * Note the first message that a receive leases.  Its delivery has begun, unless
 * the receive leases another one.
 */
static inline void tq_lease_first(struct tq_receiver *receiver,
				  struct tq_message *message)
{
	message->begun = true;
	receiver->first_id = message->record.id;
	receiver->first_delivery = message->record.delivery;
}

static inline struct tq_message *tq_first_lease(const struct tq_holder *holder)
{
	return hlist_entry_safe(holder->leases.first, struct tq_message, lease);
}

/*
 * Find a delivery that is not over: usually the first lease of the file.
 * Returns its message, or NULL.  With rx.lock held.
 */
static inline struct tq_message *
tq_lease_of(const struct tq_file *file, u64 id, u32 delivery)
{
	struct tq_message *message = tq_first_lease(&file->holder);

	if (likely(message && message->record.id == id &&
		   message->record.delivery == delivery))
		return message;
	return tq_lease_find(file->queue, id, delivery);
}

/*
 * Acknowledge a leased message.  Its memory becomes a spare of @file or is
 * added to @garbage, a list by @next.  Returns the room that this makes, which
 * the caller releases.  With rx.lock held.
 */
static inline unsigned long tq_acknowledge(struct tq_file *file,
					   struct tq_message *message,
					   struct tq_message **garbage)
{
	unsigned long bytes = tq_message_bytes(message);
	struct tqueue *queue = file->queue;
	struct tq_rx *rx = &queue->rx;

	trace_tqueue_settle(queue, message->record.id, message->record.delivery,
			    TQUEUE_ACKNOWLEDGE, TQUEUE_RESULT_DONE);
	tq_lease_end(queue, message);
	tq_store_settle(&rx->store, message);
	tq_flights_end(rx);
	tq_counter_add(&rx->ever_acknowledged, 1);
	if (unlikely(!tq_spare_put(file, message))) {
		message->next = *garbage;
		*garbage = message;
	}
	return bytes;
}

#endif /* TQ_LEASE_H */
