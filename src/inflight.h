/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages in flight.  A call has taken such a message out of the queue and
 * copies it with no lock held; or an open file has read a part of it.
 */
#ifndef TQ_INFLIGHT_H
#define TQ_INFLIGHT_H

#include "notify.h"
#include "receive.h"
#include "tqueue.h"

/**
 * enum tq_outcome - how the copy of a message in flight ended
 * @TQ_DELIVERED: the whole message was received
 * @TQ_PART_READ: a part was received; the rest stays with the open file
 * @TQ_NOT_DELIVERED: nothing was received; the message goes back to its place
 *
 * If the receive leases, a message that was received whole becomes leased.
 */
enum tq_outcome {
	TQ_DELIVERED,
	TQ_PART_READ,
	TQ_NOT_DELIVERED,
};

/**
 * struct tq_flight - a message in flight with a call
 * @message: the message, owned by the call; for a peek, a reference to it
 * @head: its header
 * @payload: the payload that is left
 * @left: bytes of @payload
 * @spare: memory for a message out of the ring; freed at the end if unused
 * @from_queue: the message came from the queue, not from the file
 * @holds: the file's place for a partial message is reserved for it
 * @keeps_room: the message counts in the size of the queue all the time
 * @state: its former state, if it was taken by its id
 * @when: its former tq_message.when
 * @delivery: the number of the delivery, if it will be leased
 * @dropped: the number of dropped messages to report with it
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
