/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A message in hand: taken out of its queue by a call that copies it out with
 * no lock held, and given back if it cannot be delivered whole.
 */
#ifndef TQ_HAND_H
#define TQ_HAND_H

#include "tqueue.h"

/**
 * struct tq_hand - a message being taken in hand
 * @message: the message, owned by the call
 * @spare: memory for a message out of the ring; freed at the end if not used
 * @wanted: payload bytes that @spare was found too small for
 * @from_queue: it came from the queue, not from the file's own rest
 * @holds: the file's place for a rest is held for it
 * @lost: messages that were dropped right before it
 * @debt: what others are owed: TQ_OWES_*
 */
struct tq_hand {
	struct tq_message *message;
	struct tq_message *spare;
	size_t wanted;
	bool from_queue;
	bool holds;
	u64 lost;
	unsigned int debt;
};

int tq_take_in_hand(struct tq_file *file, size_t count, size_t resident,
		    bool records, struct tq_hand *hand);
void tq_put_down(struct tq_file *file, struct tq_hand *hand, bool done);
void tq_return(struct tqueue *queue, struct tq_message *message);

#endif /* TQ_HAND_H */
