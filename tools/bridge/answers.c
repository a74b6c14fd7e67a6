// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "out.h"
#include "report.h"

/* The most frames that are read before other work goes on. */
#define AT_ONCE	1000

static int decide(struct out *out, uint64_t number, int multiple, enum fate fate)
{
	int count = window_decide(&out->window, number, multiple, fate);

	if (count < 0) {
		report(LOG_WARNING,
		       "the broker confirmed or refused a message that was never published");
		return 0;
	}
	if (count)
		out->progressed = out->worker->now;
	return 0;
}

/*
 * The broker returns a message without a route, and then confirms it all the same.  The
 * return, which comes first, is what counts.
 */
static int take_return(struct out *out, const amqp_basic_return_t *returned)
{
	struct connection *connection = &out->worker->connection;
	amqp_message_t message;
	char words[256];
	struct slot *slot;
	uint64_t id;

	connection_text(words, sizeof(words), returned->reply_text);
	connection_begin(connection);
	if (connection_reply(connection,
			     amqp_read_message(connection->state, CHANNEL, &message, 0))) {
		guard_end(&connection->guard);
		return -1;
	}
	connection_end(connection);
	id = mapping_id(&out->mapping, message.properties.message_id);
	slot = id ? window_return(&out->window, id) : NULL;
	amqp_destroy_message(&message);
	if (!slot)
		report(LOG_WARNING, "the broker returned a message that was not published");
	else if (!out->reported_return)
		report(LOG_WARNING,
		       "message %llu came back from the broker: %s: exchange '%s' has no queue for the routing key '%s'; it is tried again, and buried after the queue's attempts",
		       (unsigned long long)id, words, out->conf->exchange, out->conf->routing_key);
	out->reported_return = 1;
	return 0;
}

static int take_frame(struct out *out, const amqp_frame_t *frame)
{
	const amqp_basic_ack_t *ack;
	const amqp_basic_nack_t *nack;

	if (frame->frame_type != AMQP_FRAME_METHOD)
		return 0;
	switch (frame->payload.method.id) {
	case AMQP_BASIC_ACK_METHOD:
		ack = frame->payload.method.decoded;
		return decide(out, ack->delivery_tag, ack->multiple, FATE_CONFIRMED);
	case AMQP_BASIC_NACK_METHOD:
		nack = frame->payload.method.decoded;
		return decide(out, nack->delivery_tag, nack->multiple, FATE_REFUSED);
	case AMQP_BASIC_RETURN_METHOD:
		return take_return(out, frame->payload.method.decoded);
	default:
		return 0;
	}
}

static void report_blocked(struct out *out)
{
	const struct connection *connection = &out->worker->connection;

	if (connection->blocked == out->reported_blocked)
		return;
	out->reported_blocked = connection->blocked;
	if (connection->blocked) {
		report(LOG_WARNING, "%s takes no messages: %s; they wait in the queue",
		       connection->where, connection->reason);
	} else {
		report(LOG_INFO, "%s takes messages again", connection->where);
		out->progressed = out->worker->now;
	}
}

int answers_take(struct out *out)
{
	struct connection *connection = &out->worker->connection;
	amqp_frame_t frame;
	int taken, count = 0;

	while (count < AT_ONCE) {
		taken = connection_frame(connection, &frame, 0);
		if (taken > 0)
			taken = take_frame(out, &frame) ? -1 : 1;
		if (taken < 0)
			return -1;
		count += taken;
		connection_release(connection);
		if (!connection_has_more(connection) && !(taken && connection->uri.tls))
			break;
	}
	report_blocked(out);
	return count;
}
