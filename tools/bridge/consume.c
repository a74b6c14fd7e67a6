// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "in.h"
#include "report.h"

/* The most frames that are read before other work goes on. */
#define AT_ONCE	500

static const char tag_of_consumer[] = "tqueue-bridge";

int consume_begin(struct in *in)
{
	struct connection *connection = &in->worker->connection;

	connection_begin(connection);
	amqp_basic_qos(connection->state, CHANNEL, 0, (uint16_t)in->conf->prefetch, 0);
	connection_end(connection);
	if (connection_reply(connection, amqp_get_rpc_reply(connection->state)))
		return NO_CONNECTION;
	connection_begin(connection);
	amqp_basic_consume(connection->state, CHANNEL, amqp_cstring_bytes(in->conf->broker_queue),
			   amqp_cstring_bytes(tag_of_consumer), 0, 0, 0, amqp_empty_table);
	connection_end(connection);
	if (connection_reply(connection, amqp_get_rpc_reply(connection->state)))
		return NO_CONNECTION;
	in->consuming = 1;
	in->idle_since = now_ns();
	return 0;
}

static int read_message(struct in *in, amqp_message_t *message)
{
	struct connection *connection = &in->worker->connection;
	amqp_rpc_reply_t reply;

	connection_begin(connection);
	reply = amqp_read_message(connection->state, CHANNEL, message, 0);
	connection_end(connection);
	return connection_reply(connection, reply);
}

static int take_delivery(struct in *in, uint64_t tag)
{
	amqp_message_t message;
	enum stored stored;

	if (arrivals_are_full(&in->arrivals))
		return connection_lose(&in->worker->connection, LOST_NETWORK,
				       "%s: the broker sends more messages than it was asked for",
				       in->worker->connection.where);
	if (read_message(in, &message))
		return NO_CONNECTION;
	/* Messages that arrive while the consumer is being cancelled go back. */
	if (!in->consuming) {
		arrivals_add(&in->arrivals, tag)->stage = STAGE_BACK;
		amqp_destroy_message(&message);
		return 1;
	}
	stored = store(in, tag, &message);
	if (stored == STORE_FULL) {
		in->pending = message;
		in->pending_tag = tag;
		return 0;
	}
	amqp_destroy_message(&message);
	return stored == STORE_DONE ? 1 : NO_QUEUE;
}

/* The broker has ended the consumer, because its queue was deleted or moved. */
static int take_cancel(struct in *in)
{
	struct connection *connection = &in->worker->connection;

	return connection_lose(connection, LOST_CHANNEL,
			       "%s: the broker delivers no more from the queue '%s': it was deleted or moved",
			       connection->where, in->conf->broker_queue);
}

static int take_frame(struct in *in, const amqp_frame_t *frame)
{
	const amqp_basic_deliver_t *deliver;

	if (frame->frame_type != AMQP_FRAME_METHOD)
		return 1;
	switch (frame->payload.method.id) {
	case AMQP_BASIC_DELIVER_METHOD:
		deliver = frame->payload.method.decoded;
		return take_delivery(in, deliver->delivery_tag);
	case AMQP_BASIC_CANCEL_METHOD:
		return take_cancel(in);
	default:
		return 1;
	}
}

int consume_take(struct in *in)
{
	struct connection *connection = &in->worker->connection;
	int taken, count = 0;
	amqp_frame_t frame;

	while (count < AT_ONCE && !(in->consuming && in->pending_tag)) {
		taken = connection_frame(connection, &frame, 0);
		if (taken > 0)
			taken = take_frame(in, &frame);
		else if (!taken && connection_has_more(connection))
			taken = 1;
		if (taken <= 0)
			return taken < 0 ? taken : count;
		connection_release(connection);
		count++;
	}
	return count;
}

int consume_end(struct in *in)
{
	struct connection *connection = &in->worker->connection;
	int taken;

	connection_begin(connection);
	amqp_basic_cancel(connection->state, CHANNEL, amqp_cstring_bytes(tag_of_consumer));
	connection_end(connection);
	if (connection_reply(connection, amqp_get_rpc_reply(connection->state)))
		return NO_CONNECTION;
	if (in->pending_tag) {
		arrivals_add(&in->arrivals, in->pending_tag)->stage = STAGE_BACK;
		amqp_destroy_message(&in->pending);
		in->pending_tag = 0;
	}
	in->consuming = 0;
	do
		taken = consume_take(in);
	while (taken > 0);
	return taken < 0 ? NO_CONNECTION : arrivals_answer(&in->arrivals, connection);
}
