/* SPDX-License-Identifier: GPL-2.0-only */
/* The file of a bridge: /etc/tqueue/bridges.d/NAME.conf, tqueue-bridge(8). */
#ifndef CONF_H
#define CONF_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <tqueue.h>

#define CONF_DIRECTORY	"/etc/tqueue/bridges.d"

#define CONF_URIS	16
/* The longest name of AMQP: a "short string". */
#define CONF_NAME_MAX	255

enum conf_ack { ACK_QUEUED, ACK_SETTLED };

/**
 * struct conf_broker - the section [Broker]
 * @uri: the URIs, as written in the file
 * @uris: how many
 * @user: the user who logs in; if empty, that of the URI
 * @password_file: the file of the password; if empty, NAME.password beside this file
 * @ca_file: the certificates of the trusted authorities
 * @certificate_file: our certificate, if the broker wants one; or empty
 * @key_file: its key; or empty
 * @heartbeat: the time between two heartbeats, nanoseconds
 * @connect_limit: the limit for connecting, for handshakes and for each answer
 */
struct conf_broker {
	char uri[CONF_URIS][512];
	unsigned int uris;
	char user[CONF_NAME_MAX + 1];
	char password_file[PATH_MAX];
	char ca_file[PATH_MAX];
	char certificate_file[PATH_MAX];
	char key_file[PATH_MAX];
	uint64_t heartbeat;
	uint64_t connect_limit;
};

/**
 * struct conf_out - the section [Out]
 * @used: whether the section is there
 * @queue: the queue that is leased from
 * @exchange: empty for the default exchange, which has a route to each queue
 * @routing_key: of all messages
 * @window: the most messages that are published and not confirmed
 * @window_bytes: their most bytes; a single message may be longer
 * @confirm_limit: how long the broker may confirm nothing
 */
struct conf_out {
	int used;
	char queue[TQUEUE_NAME_MAX + 1];
	char exchange[CONF_NAME_MAX + 1];
	char routing_key[CONF_NAME_MAX + 1];
	uint32_t window;
	uint64_t window_bytes;
	uint64_t confirm_limit;
};

/**
 * struct conf_in - the section [In]
 * @used: whether the section is there
 * @queue: the queue that is sent to
 * @broker_queue: the queue that is consumed
 * @ack: when the broker's message is acknowledged
 * @prefetch: the most messages that are not acknowledged
 * @remember: how many message-ids are remembered; 0: none
 * @remember_for: for how long, nanoseconds
 * @hand_back: after how long an unacknowledged message is handed back
 * @allow_broker_limit: accept a queue that drops messages after some deliveries
 */
struct conf_in {
	int used;
	char queue[TQUEUE_NAME_MAX + 1];
	char broker_queue[CONF_NAME_MAX + 1];
	enum conf_ack ack;
	uint32_t prefetch;
	uint32_t remember;
	uint64_t remember_for;
	uint64_t hand_back;
	int allow_broker_limit;
};

struct conf {
	char name[TQUEUE_NAME_MAX + 1];
	char path[PATH_MAX];
	struct conf_broker broker;
	struct conf_out out;
	struct conf_in in;
};

/*
 * Reads the file of the bridge @name, or @path if that is not NULL.  Returns 0, or -1
 * after reporting its errors.
 */
int conf_load(struct conf *conf, const char *name, const char *path);

#endif /* CONF_H */
