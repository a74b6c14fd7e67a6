/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leases: messages that a holder keeps until they are settled.
 *
 * The number of the delivery is the ticket: whoever names it may settle the
 * delivery, and one that is over cannot be settled.
 */
#ifndef TQ_LEASE_H
#define TQ_LEASE_H

#include "notify.h"
#include "receive.h"
#include "states.h"
#include "tqueue.h"

/* Memory that a file keeps for its next leases: so much, of so short messages. */
#define TQ_SPARES_MOST	128
#define TQ_SPARE_LENGTH	512

void tq_holder_init(struct tq_holder *holder, struct wait_queue_head *over);
void tq_holder_release(struct tqueue *queue, struct tq_holder *holder);
void tq_lease_received(struct tq_receiver *receiver,
		       struct tq_message *message);
struct tq_message *tq_lease_find(struct tqueue *queue, u64 id, u32 delivery);
int tq_lease_missing(struct tqueue *queue, u64 id);
unsigned int tq_acknowledge(struct tq_file *file, struct tq_message *message,
			    struct tq_message **garbage);
void tq_lease_move(struct tq_message *message, struct tq_holder *holder);
struct tq_message *tq_spare_get(struct tq_file *file, size_t length);
void tq_spares_free(struct tq_file *file);

/* Whether no more may be leased.  With rx.lock held. */
static inline bool tq_leases_full(const struct tqueue *queue)
{
	return unlikely(queue->policy.max_leased) &&
	       queue->rx.leased.count >= queue->policy.max_leased;
}

/* Keep the memory of a message for another.  With rx.lock held; false: free it. */
static inline bool tq_spare_put(struct tq_file *file,
				struct tq_message *message)
{
	if (message->capacity > TQ_SPARE_LENGTH || message->key ||
	    file->spare_count >= TQ_SPARES_MOST ||
	    refcount_read(&message->refs) != 1)
		return false;
	message->next = file->spares;
	file->spares = message;
	file->spare_count++;
	return true;
}

#endif /* TQ_LEASE_H */
