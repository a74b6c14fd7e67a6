/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way in: messages of the broker are sent to the queue.  They are acknowledged then,
 * or when they are settled.  What the queue cannot take stays at the broker.
 */
#ifndef IN_H
#define IN_H

#include <tqueue.h>

#include "arrivals.h"
#include "seen.h"
#include "worker.h"

/**
 * struct in - the way in
 * @worker: its thread and connection
 * @conf: its settings
 * @fd: the queue, open for writing
 * @look_fd: the queue, open for looking at its messages
 * @seen: message-ids that came lately
 * @arrivals: messages that are not acknowledged
 * @consuming: whether the broker sends messages
 * @pending: a message that the queue has no room for now, if @pending_tag is not 0
 * @pending_tag: the broker's number of that message
 * @full_since: since when there has been no room; 0: there is room
 * @resume_at: when consuming starts again
 * @resume_delay: the delay between two tries
 * @look_after: nanoseconds between two looks for settled messages, which cost a call each
 * @looked: when the last look was
 * @shown: when the line of status was last updated
 * @sent: how many messages were sent to the queue
 * @doubles: how many came again, and were not sent
 * @idle_since: since when no message has come
 * @looked_version: the release of the broker whose queue was found to be safe, or 0
 * @reported_full: the log says that there is no room
 * @reported_held: the log says that a message is too long
 */
struct in {
	struct worker *worker;
	const struct conf_in *conf;
	int fd;
	int look_fd;
	struct seen seen;
	struct arrivals arrivals;
	int consuming;
	amqp_message_t pending;
	uint64_t pending_tag;
	uint64_t full_since;
	uint64_t resume_at;
	uint64_t resume_delay;
	uint64_t look_after;
	uint64_t looked;
	uint64_t shown;
	uint64_t sent;
	uint64_t doubles;
	uint64_t idle_since;
	unsigned int looked_version;
	int reported_full;
	int reported_held;
};

/* The thread of this direction. */
enum ending in_run(struct worker *worker);

/* The result of sending a message to the queue.  STORE_LOST: errno says why. */
enum stored { STORE_DONE, STORE_FULL, STORE_LOST };

/*
 * Sends one message of the broker to the queue, unless it was sent before.  Adds it to
 * in->arrivals, except for STORE_FULL.
 */
enum stored store(struct in *in, uint64_t tag, const amqp_message_t *message);

/* Finds messages that were settled, so that they can be acknowledged to the broker. */
void store_look(struct in *in);

/*
 * Removes messages without a message-id from the queue, because they cannot be recognised
 * when the broker sends them again.
 */
void store_take_back(struct in *in);

/* What was lost.  NO_QUEUE: errno says why. */
enum { NO_CONNECTION = -1, NO_QUEUE = -2 };

/* Takes arrived messages while there is room.  Returns how many frames, or what was lost. */
int consume_take(struct in *in);

/*
 * Starts consuming.  Returns 0 or NO_CONNECTION.  The broker sends up to
 * in->conf->prefetch messages to each consumer, and does not count what an earlier
 * consumer has not acknowledged: that must be fewer messages.
 */
int consume_begin(struct in *in);

/* Stops consuming, and hands back what is not in the queue.  Returns 0 or NO_CONNECTION. */
int consume_end(struct in *in);

#endif /* IN_H */
