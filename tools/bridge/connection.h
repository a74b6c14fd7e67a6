/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection to a broker, with one channel, for one thread.  Any error ends it, because
 * librabbitmq is not reliable after a channel was closed.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "conf.h"
#include "guard.h"
#include "rabbit.h"
#include "uri.h"

#define CHANNEL	1

/* How a connection was lost, or why connecting failed. */
enum lost {
	LOST_NOT,
	LOST_NETWORK, /* refused, unreachable, broken, silent, TLS */
	LOST_LOGIN,   /* user or password */
	LOST_VHOST,
	LOST_CHANNEL,	 /* the broker closed the channel, and said why */
	LOST_CONNECTION, /* the broker closed the connection, and said why */
};

/**
 * struct connection - the present or the last connection
 * @conf: the settings
 * @what: "out" or "in", as the broker's tools show it
 * @guard: guards its calls
 * @state: the state of librabbitmq, or NULL if there is no connection
 * @uri: the address of the broker
 * @where: host and port, for messages
 * @version: the release of the broker: 40005 for 4.0.5
 * @blocked: whether the broker takes no messages
 * @reason: why, for example "low on disk"
 * @lost: how the connection was lost
 * @code: the broker's code, with LOST_CHANNEL and LOST_CONNECTION
 * @wrong: what is wrong, with the cure if one is known
 */
struct connection {
	const struct conf *conf;
	const char *what;
	struct guard guard;
	amqp_connection_state_t state;
	struct uri uri;
	char where[300];
	unsigned int version;
	int blocked;
	char reason[128];
	enum lost lost;
	int code;
	char wrong[1024];
};

void connection_init(struct connection *connection, const struct conf *conf, const char *what);

/* Connects to the broker, and opens the channel.  Returns 0, or -1: see @lost. */
int connection_open(struct connection *connection, const char *uri);

/* Closes it.  With @politely, the broker is asked to close it first, if it can answer. */
void connection_close(struct connection *connection, int politely);

/* Its socket, for poll(2). */
int connection_fd(const struct connection *connection);

/* These two surround each call of librabbitmq. */
void connection_begin(struct connection *connection);
void connection_end(struct connection *connection);

/* Ends a call that takes too long.  Another thread calls this several times a second. */
void connection_look(struct connection *connection);

/*
 * Whether data was read already and not handled.  TLS may hold more, which neither this
 * nor poll(2) reports.
 */
int connection_has_more(const struct connection *connection);

/*
 * Waits up to @ms for the next frame of the channel.  Returns 1, 0 if there is none, or
 * -1 if the connection is lost.  The pointers in a frame are valid until
 * connection_release().
 */
int connection_frame(struct connection *connection, amqp_frame_t *frame, unsigned int ms);
void connection_release(struct connection *connection);

/*
 * Checks the result of a call of librabbitmq: a status, or the reply to a request.
 * Returns 0, or -1 if the connection is lost.
 */
int connection_status(struct connection *connection, int status);
int connection_reply(struct connection *connection, amqp_rpc_reply_t reply);

/*
 * Marks the connection as lost, with the cause in a text.  An earlier cause stays.
 * Returns -1.
 */
__attribute__((format(printf, 3, 4))) int connection_lose(struct connection *connection,
							  enum lost lost, const char *format,
							  ...);

/* Makes a printable text of bytes that the broker sent. */
void connection_text(char *to, size_t room, amqp_bytes_t bytes);

#endif /* CONNECTION_H */
