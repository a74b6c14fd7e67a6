// SPDX-License-Identifier: GPL-2.0-only
/*
 * amqp: asks the broker on this machine, or sends to it and takes from it, for the
 * tests of tqueue-bridge.
 *
 *	amqp declare QUEUE [NAME=VALUE...]	make a durable queue; numbers are numbers
 *	amqp exchange NAME			make a durable fanout exchange
 *	amqp delete QUEUE
 *	amqp count QUEUE			how many messages are ready
 *	amqp fill QUEUE COUNT [FROM [LENGTH]]	publish the numbers from FROM (1) on, with
 *						message-ids m-FROM...; LENGTH: with blanks
 *	amqp put QUEUE BODY [ID [PRIORITY]]	publish one
 *	amqp big QUEUE LENGTH			publish one of so many bytes
 *	amqp drain QUEUE			take all there is, a line each: message-id,
 *						priority, expiration, tq-uid, tq-attempts,
 *						length, the first bytes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/bridge/rabbit.h"

static amqp_connection_state_t connection;

static void stop(const char *what)
{
	fprintf(stderr, "amqp: %s failed\n", what);
	exit(1);
}

static void good(amqp_rpc_reply_t reply, const char *what)
{
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return;
	if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
	    reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
		const amqp_channel_close_t *closed = reply.reply.decoded;

		fprintf(stderr, "amqp: %s: %d %.*s\n", what, closed->reply_code,
			(int)closed->reply_text.len, (char *)closed->reply_text.bytes);
		exit(1);
	}
	stop(what);
}

static void open_broker(void)
{
	const char *host = getenv("AMQP_HOST"), *port = getenv("AMQP_PORT");
	amqp_socket_t *socket;

	connection = amqp_new_connection();
	socket = amqp_tcp_socket_new(connection);
	if (amqp_socket_open(socket, host ? host : "127.0.0.1", port ? atoi(port) : 5672))
		stop("connect");
	good(amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"),
	     "login");
	amqp_channel_open(connection, 1);
	good(amqp_get_rpc_reply(connection), "channel");
}

static void declare(const char *queue, int count, char **pairs)
{
	amqp_table_entry_t entries[16];
	const amqp_table_t table = { count, entries };
	char *equals;
	int i;

	for (i = 0; i < count && i < 16; i++) {
		equals = strchr(pairs[i], '=');
		if (!equals)
			stop(pairs[i]);
		*equals = '\0';
		entries[i].key = amqp_cstring_bytes(pairs[i]);
		if (strspn(equals + 1, "-0123456789") == strlen(equals + 1)) {
			entries[i].value.kind = AMQP_FIELD_KIND_I32;
			entries[i].value.value.i32 = atoi(equals + 1);
		} else {
			entries[i].value.kind = AMQP_FIELD_KIND_UTF8;
			entries[i].value.value.bytes = amqp_cstring_bytes(equals + 1);
		}
	}
	amqp_queue_declare(connection, 1, amqp_cstring_bytes(queue), 0, 1, 0, 0, table);
	good(amqp_get_rpc_reply(connection), "declare");
}

/* Takes confirms until none is awaited, or at most so many are. */
static void confirm(unsigned long published, unsigned long *confirmed, unsigned long window)
{
	amqp_frame_t frame;

	while (published - *confirmed > window) {
		if (amqp_simple_wait_frame(connection, &frame) ||
		    frame.frame_type != AMQP_FRAME_METHOD)
			stop("confirm");
		if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
			const amqp_basic_ack_t *ack = frame.payload.method.decoded;

			*confirmed = ack->multiple || ack->delivery_tag > *confirmed
					     ? ack->delivery_tag
					     : *confirmed;
		} else {
			stop("publish");
		}
		amqp_maybe_release_buffers(connection);
	}
}

static void publish(const char *queue, const char *body, size_t length, const char *id,
		    int priority)
{
	amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
		.delivery_mode = 2,
	};
	const amqp_bytes_t bytes = { length, (void *)body };

	if (*id) {
		properties._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
		properties.message_id = amqp_cstring_bytes(id);
	}
	if (priority >= 0) {
		properties._flags |= AMQP_BASIC_PRIORITY_FLAG;
		properties.priority = (unsigned char)priority;
	}
	if (amqp_basic_publish(connection, 1, amqp_empty_bytes, amqp_cstring_bytes(queue), 0, 0,
			       &properties, bytes))
		stop("publish");
}

static void fill(const char *queue, unsigned long count, unsigned long from, size_t length)
{
	unsigned long published, confirmed = 0;
	char *body = malloc(length + 32);
	char id[32];

	for (published = 1; published <= count; published++) {
		snprintf(id, sizeof(id), "m-%lu", from);
		memset(body, ' ', length + 32);
		body[snprintf(body, 32, "%lu", from)] = ' ';
		publish(queue, body, length ? length : strlen(id) - 2, id, -1);
		confirm(published, &confirmed, 1000);
		from++;
	}
	confirm(published - 1, &confirmed, 0);
	free(body);
}

static const amqp_field_value_t *header(const amqp_basic_properties_t *properties, const char *name)
{
	int i;

	if (!(properties->_flags & AMQP_BASIC_HEADERS_FLAG))
		return NULL;
	for (i = 0; i < properties->headers.num_entries; i++)
		if (properties->headers.entries[i].key.len == strlen(name) &&
		    !memcmp(properties->headers.entries[i].key.bytes, name, strlen(name)))
			return &properties->headers.entries[i].value;
	return NULL;
}

static void print_bytes(int there, amqp_bytes_t bytes, size_t most)
{
	size_t i, length = bytes.len < most ? bytes.len : most;

	if (!there || !length) {
		fputs("-", stdout);
		return;
	}
	for (i = 0; i < length; i++) {
		char c = ((char *)bytes.bytes)[i];

		putchar(c > ' ' && c < 127 ? c : '_');
	}
}

static void print_header(const amqp_basic_properties_t *properties, const char *name)
{
	const amqp_field_value_t *value = header(properties, name);

	if (value && value->kind == AMQP_FIELD_KIND_I64)
		printf(" %lld", (long long)value->value.i64);
	else
		fputs(" -", stdout);
}

static void drain(const char *queue)
{
	const amqp_basic_properties_t *properties;
	amqp_message_t message;
	amqp_rpc_reply_t reply;
	amqp_basic_get_ok_t *got;
	uint64_t tag;

	for (;;) {
		reply = amqp_basic_get(connection, 1, amqp_cstring_bytes(queue), 0);
		good(reply, "get");
		if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD)
			break;
		got = reply.reply.decoded;
		tag = got->delivery_tag;
		good(amqp_read_message(connection, 1, &message, 0), "read");
		properties = &message.properties;
		print_bytes(properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG,
			    properties->message_id, 64);
		printf(" %d ",
		       properties->_flags & AMQP_BASIC_PRIORITY_FLAG ? properties->priority : 0);
		print_bytes(properties->_flags & AMQP_BASIC_EXPIRATION_FLAG,
			    properties->expiration, 20);
		print_header(properties, "tq-uid");
		print_header(properties, "tq-attempts");
		printf(" %zu ", message.body.len);
		print_bytes(1, message.body, 40);
		putchar('\n');
		amqp_destroy_message(&message);
		if (amqp_basic_ack(connection, 1, tag, 0))
			stop("ack");
		amqp_maybe_release_buffers(connection);
	}
}

static int is(char **argv, int argc, const char *name, int least)
{
	return !strcmp(argv[1], name) && argc >= least;
}

int main(int argc, char **argv)
{
	unsigned long confirmed = 0;

	if (argc < 3)
		return 2;
	open_broker();
	if (is(argv, argc, "fill", 4) || is(argv, argc, "put", 4) || is(argv, argc, "big", 4)) {
		amqp_confirm_select(connection, 1);
		good(amqp_get_rpc_reply(connection), "confirm");
	}
	if (is(argv, argc, "declare", 3)) {
		declare(argv[2], argc - 3, argv + 3);
	} else if (is(argv, argc, "exchange", 3)) {
		amqp_exchange_declare(connection, 1, amqp_cstring_bytes(argv[2]),
				      amqp_cstring_bytes("fanout"), 0, 1, 0, 0, amqp_empty_table);
		good(amqp_get_rpc_reply(connection), "exchange");
	} else if (is(argv, argc, "delete", 3)) {
		amqp_queue_delete(connection, 1, amqp_cstring_bytes(argv[2]), 0, 0);
		good(amqp_get_rpc_reply(connection), "delete");
	} else if (is(argv, argc, "count", 3)) {
		amqp_queue_declare_ok_t *queue;

		queue = amqp_queue_declare(connection, 1, amqp_cstring_bytes(argv[2]), 1, 0, 0, 0,
					   amqp_empty_table);
		good(amqp_get_rpc_reply(connection), "count");
		printf("%u\n", queue->message_count);
	} else if (is(argv, argc, "fill", 4)) {
		fill(argv[2], strtoul(argv[3], NULL, 10), argc > 4 ? strtoul(argv[4], NULL, 10) : 1,
		     argc > 5 ? strtoul(argv[5], NULL, 10) : 0);
	} else if (is(argv, argc, "put", 4)) {
		publish(argv[2], argv[3], strlen(argv[3]), argc > 4 ? argv[4] : "",
			argc > 5 ? atoi(argv[5]) : -1);
		confirm(1, &confirmed, 0);
	} else if (is(argv, argc, "big", 4)) {
		size_t length = strtoul(argv[3], NULL, 10);
		char *body = calloc(1, length + 1);

		publish(argv[2], body, length, "big", -1);
		confirm(1, &confirmed, 0);
		free(body);
	} else if (is(argv, argc, "drain", 3)) {
		drain(argv[2]);
	} else {
		return 2;
	}
	amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
	return 0;
}
