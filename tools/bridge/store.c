// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "in.h"
#include "properties.h"
#include "report.h"

/* The shortest and the longest time between two looks for settled messages. */
#define LOOK_LEAST	(2 * NS_PER_MS)
#define LOOK_MOST	(200 * NS_PER_MS)

/* Whether a message is in the queue and not buried. */
static int is_open(const struct in *in, uint64_t id)
{
	struct tqueue_listed listed;
	int found = tqueue_list_messages(in->look_fd, &listed, sizeof(listed), 1, id - 1, 0);

	/* After an error, assume that it is: then it is not acknowledged. */
	if (found < 0)
		return 1;
	return found && listed.id == id && listed.state != TQUEUE_BURIED;
}

/* Notes a message that is in the queue, or was sent to it before. */
static enum stored is_stored(struct in *in, uint64_t tag, uint64_t id, int named)
{
	struct arrival *arrival = arrivals_add(&in->arrivals, tag);

	arrival->id = id;
	arrival->named = named;
	arrival->since = now_ns();
	arrival->stage = in->conf->ack == ACK_SETTLED && is_open(in, id) ? STAGE_QUEUED
									 : STAGE_DONE;
	return STORE_DONE;
}

static enum stored hold(struct in *in, uint64_t tag, size_t length)
{
	struct arrival *arrival = arrivals_add(&in->arrivals, tag);

	arrival->stage = STAGE_HELD;
	arrival->since = now_ns();
	arrival->named = 1;
	if (!in->reported_held)
		report(LOG_ERR,
		       "a message of %zu bytes is too long for the queue %s, and stays at the broker (\"tqueue set %s --max-message\" and \"--size\" allow more)",
		       length, in->conf->queue, in->conf->queue);
	in->reported_held = 1;
	return STORE_DONE;
}

enum stored store(struct in *in, uint64_t tag, const amqp_message_t *message)
{
	const amqp_basic_properties_t *properties = &message->properties;
	int named = in->seen.count && properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG &&
		    properties->message_id.len;
	struct tqueue_send_options options = TQUEUE_SEND_OPTIONS_INIT;
	unsigned char hash[SEEN_HASH];
	uint64_t id;

	options.priority = mapping_priority(properties);
	if (named) {
		seen_hash(hash, properties->message_id.bytes, properties->message_id.len);
		if (seen_find(&in->seen, hash, &id)) {
			in->doubles++;
			return is_stored(in, tag, id, 1);
		}
		/* If the bridge died just after sending it, the set does not have it: use a key. */
		memcpy(&options.key, hash, sizeof(options.key));
		options.flags = TQUEUE_SEND_UNIQUE | TQUEUE_SEND_UNSETTLED;
	}
	if (!tqueue_send_with(in->fd, message->body.bytes, message->body.len, &options, 0, &id)) {
		in->sent++;
	} else if (errno == EEXIST) {
		in->doubles++;
	} else if (errno == EMSGSIZE) {
		return hold(in, tag, message->body.len);
	} else {
		return errno == EAGAIN || errno == ENOBUFS || errno == ESHUTDOWN ? STORE_FULL
										 : STORE_LOST;
	}
	if (named)
		seen_add(&in->seen, hash, id);
	return is_stored(in, tag, id, named);
}

void store_look(struct in *in)
{
	uint64_t now = now_ns();
	uint32_t i, settled = 0;

	if (in->conf->ack != ACK_SETTLED || now - in->looked < in->look_after)
		return;
	for (i = 0; i < in->arrivals.count; i++) {
		struct arrival *arrival = &in->arrivals.all[i];

		if (arrival->stage != STAGE_QUEUED || is_open(in, arrival->id))
			continue;
		arrival->stage = STAGE_DONE;
		settled++;
	}
	in->looked = now;
	if (settled)
		in->look_after = LOOK_LEAST;
	else
		in->look_after = in->look_after < LOOK_MOST / 2 ? in->look_after * 2 : LOOK_MOST;
}

void store_take_back(struct in *in)
{
	int fd = -1;
	uint32_t i;

	for (i = 0; i < in->arrivals.count; i++) {
		struct arrival *arrival = &in->arrivals.all[i];
		struct tqueue_settlement settlement = {
			.id = arrival->id,
			.action = TQUEUE_ACKNOWLEDGE,
			.flags = TQUEUE_SETTLE_UNLEASED,
		};

		if (arrival->stage != STAGE_QUEUED || arrival->named)
			continue;
		if (fd < 0)
			fd = tqueue_open(in->conf->queue, O_RDONLY | O_NONBLOCK);
		/* If a worker has leased it, it will come twice. */
		if (fd < 0 || tqueue_settle(fd, &settlement, 1) != 1)
			report(LOG_WARNING,
			       "a message without a message-id is handed back while a worker has it: it will be worked on twice");
	}
	if (fd >= 0)
		close(fd);
}
