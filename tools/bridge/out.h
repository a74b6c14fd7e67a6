/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out: messages are leased, published, and acknowledged once the broker has
 * confirmed them.  All other messages go back to the queue.
 */
#ifndef OUT_H
#define OUT_H

#include <tqueue.h>

#include "properties.h"
#include "window.h"
#include "worker.h"

/**
 * struct out - the way out
 * @worker: its thread and connection
 * @conf: its settings
 * @fd: the queue, open for reading
 * @mapping: how its messages become messages of AMQP
 * @batch: leased messages, while they are published
 * @room: the buffer of @batch
 * @window: messages that are published and not settled
 * @allowed: how many these may be now.  Few after a connection was lost, so that a
 *	message that causes this is soon alone
 * @progressed: when the broker last confirmed a message, or the first one was published
 * @refused_delay: the delay of messages that the broker refuses
 * @refused_until: when these are tried again; 0: the broker has confirmed some since
 * @suspects: ids of messages that were open when the broker closed the channel; they
 *	are published one by one
 * @suspected: how many
 * @alone: the message that was alone in the window when the last connection was lost
 * @alone_times: how often in a row
 * @untaken: for how many messages in a row the broker closed the channel
 * @looked: when @mapping was made
 * @shown: when the line of status was last updated
 * @confirmed: how many messages the broker has confirmed
 * @failed: how many it refused or returned, or were buried
 * @reported_return: the log says that the broker returns messages
 * @reported_refusal: the log says that the broker refuses messages
 * @reported_blocked: the log says that the broker is blocked
 * @noted: the log says what the broker does not keep
 */
struct out {
	struct worker *worker;
	const struct conf_out *conf;
	int fd;
	struct mapping mapping;
	struct tqueue_batch batch;
	void *room;
	struct window window;
	uint32_t allowed;
	uint64_t progressed;
	uint64_t refused_delay;
	uint64_t refused_until;
	uint64_t *suspects;
	uint32_t suspected;
	uint64_t alone;
	uint32_t alone_times;
	uint32_t untaken;
	uint64_t looked;
	uint64_t shown;
	uint64_t confirmed;
	uint64_t failed;
	int reported_return;
	int reported_refusal;
	int reported_blocked;
	int noted;
};

/* The thread of this direction. */
enum ending out_run(struct worker *worker);

/*
 * Leases and publishes what the window has room for.  Returns how many messages, 0 if
 * there is no room, or -1.  Then either the connection is lost, or errno says what is
 * wrong with the queue.
 */
int publish_some(struct out *out);

/* Makes the buffer @size bytes large, or a little larger. */
void publish_room(struct out *out, size_t size);

/* Reads the answers of the broker.  Returns how many, or -1 if the connection is lost. */
int answers_take(struct out *out);

/*
 * Settles all messages whose fate is known.  Those that are not confirmed go back.
 * Returns 0, or -1 and errno if the queue cannot be used any more.
 */
int outcome_settle(struct out *out);

/*
 * Settles all other messages, too, after the connection was lost.  If the broker closed
 * the channel because of a message, they become suspects; a single one is buried.
 */
int outcome_give_back(struct out *out);

#endif /* OUT_H */
