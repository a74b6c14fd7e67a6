/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages in flight: taken out of their queue by a call that copies them out
 * with no lock held, or kept by an open file that has read a part of them.
 */
#ifndef TQ_INFLIGHT_H
#define TQ_INFLIGHT_H

#include "notify.h"
#include "receive.h"
#include "tqueue.h"

/**
 * enum tq_outcome - what becomes of a message in flight
 * @TQ_DELIVERED: it was received whole
 * @TQ_BEGUN: it was read in part: the rest stays with the open file
 * @TQ_NOT_DELIVERED: none of it was received: it goes back to its place
 *
 * A message that is leased, and received whole, is leased from then on.
 */
enum tq_outcome {
	TQ_DELIVERED,
	TQ_BEGUN,
	TQ_NOT_DELIVERED,
};

/**
 * struct tq_flight - a message in flight with a call
 * @message: the message, owned by the call; if it is only peeked at, a reference
 * @head: its header
 * @payload: what is left of its payload
 * @left: bytes of that
 * @spare: memory for a message out of the ring; freed at the end if not used
 * @from_queue: it came from the queue, not from the file
 * @holds: the file's place for a partial message is held for it
 * @keeps_room: it counts in the size of the queue all the time
 * @state: what it was in, if it was detached
 * @when: what its tq_message.when was
 * @delivery: number of the delivery, if it is leased
 * @dropped: messages of whose drop it is to tell
 */
struct tq_flight {
	struct tq_message *message;
	struct tqueue_record head;
	const void *payload;
	size_t left;
	struct tq_message *spare;
	bool from_queue;
	bool holds;
	bool keeps_room;
	enum tq_message_state state;
	s64 when;
	u32 delivery;
	u64 dropped;
};

int tq_flight_begin(struct tq_receiver *receiver, struct tq_flight *flight);
void tq_flight_end(struct tq_receiver *receiver, struct tq_flight *flight,
		   enum tq_outcome outcome);
void tq_requeue(struct tqueue *queue, struct tq_message *message);

#endif /* TQ_INFLIGHT_H */
