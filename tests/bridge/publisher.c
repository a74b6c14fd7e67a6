// SPDX-License-Identifier: GPL-2.0-only
/*
 * publisher HOST QUEUE COUNT LENGTH WINDOW: the least that a program does that publishes
 * persistent messages with confirms, against which tqueue-bridge is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/bridge/rabbit.h"

static void stop(const char *what)
{
	fprintf(stderr, "publisher: %s failed\n", what);
	exit(1);
}

static unsigned long confirm(amqp_connection_state_t connection)
{
	const amqp_basic_ack_t *ack;
	amqp_frame_t frame;

	if (amqp_simple_wait_frame(connection, &frame) || frame.frame_type != AMQP_FRAME_METHOD ||
	    frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
		stop("confirm");
	ack = frame.payload.method.decoded;
	amqp_maybe_release_buffers(connection);
	return ack->delivery_tag;
}

int main(int argc, char **argv)
{
	amqp_connection_state_t connection = amqp_new_connection();
	amqp_socket_t *socket = amqp_tcp_socket_new(connection);
	amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG,
		.delivery_mode = 2,
	};
	unsigned long count, window, published, confirmed = 0;
	amqp_rpc_reply_t reply;
	char id[32], *body;
	size_t length;

	if (argc != 6)
		return 2;
	count = strtoul(argv[3], NULL, 10);
	length = strtoul(argv[4], NULL, 10);
	window = strtoul(argv[5], NULL, 10);
	body = calloc(1, length + 1);
	if (amqp_socket_open(socket, argv[1], 5672))
		stop("connect");
	reply = amqp_login(connection, "/", 0, 131072, 10, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		stop("login");
	amqp_channel_open(connection, 1);
	amqp_confirm_select(connection, 1);
	if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL)
		stop("confirm.select");
	for (published = 1; published <= count; published++) {
		snprintf(id, sizeof(id), "%lu", published);
		properties.message_id = amqp_cstring_bytes(id);
		if (amqp_basic_publish(connection, 1, amqp_empty_bytes, amqp_cstring_bytes(argv[2]),
				       1, 0, &properties, (amqp_bytes_t){ length, body }))
			stop("publish");
		while (published - confirmed >= window)
			confirmed = confirm(connection);
	}
	while (confirmed < count)
		confirmed = confirm(connection);
	amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
	free(body);
	return 0;
}
