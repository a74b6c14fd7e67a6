// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "connection.h"
#include "credentials.h"
#include "diagnose.h"
#include "report.h"
#include "tls.h"

/* The usual size of a frame, in which most messages fit. */
#define FRAME_MAX	131072

void connection_init(struct connection *connection, const struct conf *conf, const char *what)
{
	memset(connection, 0, sizeof(*connection));
	connection->conf = conf;
	connection->what = what;
	guard_init(&connection->guard);
}

void connection_text(char *to, size_t room, amqp_bytes_t bytes)
{
	size_t length = bytes.len < room ? bytes.len : room - 1;
	size_t i;

	if (length)
		memcpy(to, bytes.bytes, length);
	to[length] = '\0';
	for (i = 0; i < length; i++)
		if ((unsigned char)to[i] < ' ' || to[i] == 127)
			to[i] = '?';
}

int connection_lose(struct connection *connection, enum lost lost, const char *format, ...)
{
	va_list arguments;

	/* Later errors are only consequences of the first one. */
	if (connection->lost != LOST_NOT)
		return -1;
	connection->lost = lost;
	va_start(arguments, format);
	vsnprintf(connection->wrong, sizeof(connection->wrong), format, arguments);
	va_end(arguments);
	return -1;
}

/* The broker has closed the channel, or the connection. */
static int take_close(struct connection *connection, enum lost lost, int code, amqp_bytes_t text)
{
	char words[512];

	if (connection->lost != LOST_NOT)
		return -1;
	connection_text(words, sizeof(words), text);
	connection->code = code;
	if (code == 403 && strstr(words, "ogin was refused"))
		lost = LOST_LOGIN;
	else if (code == 530 && strstr(words, "vhost"))
		lost = LOST_VHOST;
	connection->lost = lost;
	explain_close(connection, words);
	return -1;
}

static int take_method(struct connection *connection, const amqp_method_t *method)
{
	amqp_channel_close_t *channel;
	amqp_connection_close_t *all;
	amqp_connection_blocked_t *blocked;

	switch (method->id) {
	case AMQP_CHANNEL_CLOSE_METHOD:
		channel = method->decoded;
		return take_close(connection, LOST_CHANNEL, channel->reply_code,
				  channel->reply_text);
	case AMQP_CONNECTION_CLOSE_METHOD:
		all = method->decoded;
		return take_close(connection, LOST_CONNECTION, all->reply_code, all->reply_text);
	case AMQP_CONNECTION_BLOCKED_METHOD:
		blocked = method->decoded;
		connection->blocked = 1;
		connection_text(connection->reason, sizeof(connection->reason), blocked->reason);
		break;
	case AMQP_CONNECTION_UNBLOCKED_METHOD:
		connection->blocked = 0;
		break;
	}
	return 0;
}

int connection_status(struct connection *connection, int status)
{
	if (status == AMQP_STATUS_OK)
		return 0;
	if (status == AMQP_STATUS_HEARTBEAT_TIMEOUT)
		return connection_lose(connection, LOST_NETWORK,
				       "%s: the broker sent no heartbeat", connection->where);
	if (status == AMQP_STATUS_CONNECTION_CLOSED || status == AMQP_STATUS_SOCKET_CLOSED)
		return connection_lose(connection, LOST_NETWORK, "%s: the connection broke",
				       connection->where);
	return connection_lose(connection, LOST_NETWORK, "%s: %s", connection->where,
			       amqp_error_string2(status));
}

int connection_reply(struct connection *connection, amqp_rpc_reply_t reply)
{
	switch (reply.reply_type) {
	case AMQP_RESPONSE_NORMAL:
		return 0;
	case AMQP_RESPONSE_SERVER_EXCEPTION:
		if (take_method(connection, &reply.reply))
			return -1;
		return connection_lose(connection, LOST_NETWORK,
				       "%s: unexpected answer of the broker", connection->where);
	case AMQP_RESPONSE_LIBRARY_EXCEPTION:
		if (reply.library_error == AMQP_STATUS_TIMEOUT)
			return connection_lose(connection, LOST_NETWORK,
					       "%s: the broker does not answer",
					       connection->where);
		return connection_status(connection, reply.library_error);
	default:
		return connection_lose(connection, LOST_NETWORK, "%s: the connection broke",
				       connection->where);
	}
}

int connection_fd(const struct connection *connection)
{
	return amqp_get_sockfd(connection->state);
}

void connection_begin(struct connection *connection)
{
	guard_begin(&connection->guard);
}

void connection_look(struct connection *connection)
{
	/* The library has the same limit.  Give it time to report that itself. */
	guard_look(&connection->guard, connection->conf->broker.connect_limit + 5 * NS_PER_S);
}

void connection_end(struct connection *connection)
{
	if (guard_end(&connection->guard))
		connection_lose(connection, LOST_NETWORK, "%s: the broker reads no more data",
				connection->where);
}

int connection_has_more(const struct connection *connection)
{
	return amqp_frames_enqueued(connection->state) || amqp_data_in_buffer(connection->state);
}

int connection_frame(struct connection *connection, amqp_frame_t *frame, unsigned int ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	int status;

	if (connection->lost != LOST_NOT)
		return -1;
	connection_begin(connection);
	status = amqp_simple_wait_frame_noblock(connection->state, frame, &limit);
	connection_end(connection);
	if (status == AMQP_STATUS_TIMEOUT)
		return connection->lost != LOST_NOT ? -1 : 0;
	if (connection_status(connection, status))
		return -1;
	if (frame->frame_type == AMQP_FRAME_METHOD &&
	    take_method(connection, &frame->payload.method))
		return -1;
	return frame->channel == CHANNEL;
}

void connection_release(struct connection *connection)
{
	amqp_maybe_release_buffers(connection->state);
}

static struct timeval to_timeval(uint64_t ns)
{
	return (struct timeval){ .tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_usec = (suseconds_t)(ns % NS_PER_S / 1000) };
}

/* Logs in with the name of this connection, which the broker's tools show, and capabilities. */
static amqp_rpc_reply_t login(struct connection *connection, const struct credentials *credentials)
{
	const struct conf_broker *broker = &connection->conf->broker;
	char name[128];
	amqp_table_entry_t can[] = {
		{ amqp_cstring_bytes("connection.blocked"),
		  { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
		{ amqp_cstring_bytes("consumer_cancel_notify"),
		  { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
		{ amqp_cstring_bytes("publisher_confirms"),
		  { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
		{ amqp_cstring_bytes("basic.nack"),
		  { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
	};
	amqp_table_entry_t entries[] = {
		{ amqp_cstring_bytes("product"),
		  { .kind = AMQP_FIELD_KIND_UTF8,
		    .value.bytes = amqp_cstring_bytes("tqueue-bridge") } },
		{ amqp_cstring_bytes("connection_name"),
		  { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(name) } },
		{ amqp_cstring_bytes("capabilities"),
		  { .kind = AMQP_FIELD_KIND_TABLE, .value.table = { 4, can } } },
	};
	const amqp_table_t properties = { 3, entries };
	const char *user = *credentials->user ? credentials->user : connection->uri.user;
	/* The library takes whole seconds, at least two. */
	int heartbeat = (int)(broker->heartbeat / NS_PER_S);

	snprintf(name, sizeof(name), "tqueue-bridge %s, %s", connection->conf->name,
		 connection->what);
	entries[1].value.value.bytes = amqp_cstring_bytes(name);
	return amqp_login_with_properties(connection->state, connection->uri.vhost, 2, FRAME_MAX,
					  heartbeat, &properties, AMQP_SASL_METHOD_PLAIN,
					  *user ? user : "guest", credentials->password);
}

/* Notices a broker that has vanished, even while sent data is not acknowledged. */
static void set_user_timeout(struct connection *connection)
{
	unsigned int ms = (unsigned int)(connection->conf->broker.connect_limit / NS_PER_MS);

	setsockopt(connection_fd(connection), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

static void find_version(struct connection *connection)
{
	const amqp_table_t *table = amqp_get_server_properties(connection->state);
	unsigned int major = 0, minor = 0, patch = 0;
	char text[32];
	int i;

	for (i = 0; i < table->num_entries; i++) {
		if (table->entries[i].key.len != strlen("version") ||
		    memcmp(table->entries[i].key.bytes, "version", strlen("version")))
			continue;
		connection_text(text, sizeof(text), table->entries[i].value.value.bytes);
		if (sscanf(text, "%u.%u.%u", &major, &minor, &patch) < 2)
			major = 0;
	}
	connection->version = major * 10000 + minor * 100 + patch;
}

/* Logs in through the connected socket, and opens the channel. */
static int talk(struct connection *connection, struct credentials *credentials)
{
	amqp_rpc_reply_t reply;

	connection_begin(connection);
	reply = login(connection, credentials);
	connection_end(connection);
	if (connection_reply(connection, reply))
		return -1;
	find_version(connection);
	connection_begin(connection);
	amqp_channel_open(connection->state, CHANNEL);
	connection_end(connection);
	return connection_reply(connection, amqp_get_rpc_reply(connection->state));
}

static int open_socket(struct connection *connection)
{
	const struct uri *uri = &connection->uri;
	struct timeval limit = to_timeval(connection->conf->broker.connect_limit);
	amqp_socket_t *socket;
	int status;

	amqp_set_handshake_timeout(connection->state, &limit);
	amqp_set_rpc_timeout(connection->state, &limit);
	if (uri->tls)
		socket = tls_socket(connection->state, connection->conf, uri, connection->wrong,
				    sizeof(connection->wrong));
	else
		socket = amqp_tcp_socket_new(connection->state);
	if (!socket) {
		if (!*connection->wrong)
			return connection_lose(connection, LOST_NETWORK,
					       "out of memory");
		connection->lost = LOST_NETWORK;
		return -1;
	}
	status = amqp_socket_open_noblock(socket, uri->host, uri->port, &limit);
	if (status == AMQP_STATUS_OK) {
		guard_socket(&connection->guard, connection_fd(connection));
		return 0;
	}
	/* The errors of the library do not distinguish the causes. */
	if (diagnose(connection->conf, uri, connection->wrong, sizeof(connection->wrong))) {
		connection->lost = LOST_NETWORK;
		return -1;
	}
	return connection_status(connection, status);
}

int connection_open(struct connection *connection, const char *uri)
{
	struct credentials credentials;
	int result;

	connection->lost = LOST_NOT;
	connection->code = 0;
	connection->blocked = 0;
	connection->wrong[0] = '\0';
	/* The URI is valid: that was checked when the file was read. */
	uri_parse(&connection->uri, uri);
	snprintf(connection->where, sizeof(connection->where), "%s:%d", connection->uri.host,
		 connection->uri.port);
	if (credentials_load(&credentials, connection->conf, connection->wrong,
			     sizeof(connection->wrong))) {
		connection->lost = LOST_LOGIN;
		return -1;
	}
	connection->state = need_memory(amqp_new_connection());
	result = open_socket(connection);
	if (!result) {
		set_user_timeout(connection);
		result = talk(connection, &credentials);
	}
	explicit_bzero(&credentials, sizeof(credentials));
	if (result)
		connection_close(connection, 0);
	return result;
}

void connection_close(struct connection *connection, int politely)
{
	if (!connection->state)
		return;
	/* A broker that is blocked would not answer. */
	if (politely && connection->lost == LOST_NOT && !connection->blocked) {
		connection_begin(connection);
		amqp_connection_close(connection->state, AMQP_REPLY_SUCCESS);
		guard_end(&connection->guard);
	}
	guard_socket(&connection->guard, -1);
	amqp_destroy_connection(connection->state);
	connection->state = NULL;
}
