// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"

#define ARGUMENTS	16

/*
 * From this release on, quorum queues have a limit of deliveries by default, and a
 * declared limit of -1 is no limit.  In earlier releases, -1 is a limit that every
 * message exceeds.
 */
#define WITH_LIMIT	40000

/* One argument of a queue, as the broker reports it. */
struct argument {
	char name[64];
	char value[256];
	int is_number;
};

/**
 * struct belief - how the queue is declared next
 * @durable: it outlives the broker
 * @auto_delete: it ends with its last consumer
 * @count: the number of arguments
 * @arguments: the arguments
 */
struct belief {
	int durable;
	int auto_delete;
	int count;
	struct argument arguments[ARGUMENTS];
};

static const char *value_of(const struct belief *belief, const char *name)
{
	int i;

	for (i = 0; i < belief->count; i++)
		if (!strcmp(belief->arguments[i].name, name))
			return belief->arguments[i].value;
	return NULL;
}

static int64_t number_of(const struct belief *belief, const char *name, int64_t otherwise)
{
	const char *value = value_of(belief, name);

	return value ? strtoll(value, NULL, 10) : otherwise;
}

/* Copies the text between two quotes.  Returns its end, or NULL if there is none. */
static const char *quoted(const char *text, char *to, size_t room)
{
	const char *begin = strchr(text, '\''), *end;

	end = begin ? strchr(begin + 1, '\'') : NULL;
	if (!end || (size_t)(end - begin) > room)
		return NULL;
	memcpy(to, begin + 1, (size_t)(end - begin - 1));
	to[end - begin - 1] = '\0';
	return end + 1;
}

/*
 * Parses a complaint of the broker such as "inequivalent arg 'x-max-length' for queue 'q'
 * in vhost '/': received none but current is the value '5' of type 'signedint'".  Returns
 * 0, or -1 if it is another complaint, or one that was taken into account already.
 */
static int believe(struct belief *belief, const char *words)
{
	struct argument *argument = &belief->arguments[belief->count];
	const char *at = strstr(words, "inequivalent arg "), *current;
	char type[32] = "";

	if (!at || belief->count == ARGUMENTS)
		return -1;
	at = quoted(at, argument->name, sizeof(argument->name));
	/* The name of the queue may contain these words, so use the last ones. */
	current = words;
	while (at && (at = strstr(at, "but current is "))) {
		current = at;
		at++;
	}
	if (current == words ||
	    !strncmp(current, "but current is none", strlen("but current is none")))
		return -1;
	at = quoted(current, argument->value, sizeof(argument->value));
	if (!at)
		return -1;
	quoted(at, type, sizeof(type));
	argument->is_number = !strcmp(type, "signedint") || !strcmp(type, "long") ||
			      !strcmp(type, "short") || !strcmp(type, "byte") ||
			      !strncmp(type, "unsigned", 8);
	if (!strcmp(argument->name, "durable")) {
		if (belief->durable == !strcmp(argument->value, "true"))
			return -1;
		belief->durable = !belief->durable;
	} else if (!strcmp(argument->name, "auto_delete")) {
		if (belief->auto_delete == !strcmp(argument->value, "true"))
			return -1;
		belief->auto_delete = !belief->auto_delete;
	} else {
		if (value_of(belief, argument->name))
			return -1;
		belief->count++;
	}
	return 0;
}

static void declare(struct connection *connection, const char *queue, const struct belief *belief)
{
	amqp_table_entry_t entries[ARGUMENTS];
	const amqp_table_t table = { belief->count, entries };
	int i;

	memset(entries, 0, sizeof(entries));
	for (i = 0; i < belief->count; i++) {
		entries[i].key = amqp_cstring_bytes(belief->arguments[i].name);
		if (belief->arguments[i].is_number) {
			entries[i].value.kind = AMQP_FIELD_KIND_I64;
			entries[i].value.value.i64 = strtoll(belief->arguments[i].value, NULL, 10);
		} else {
			entries[i].value.kind = AMQP_FIELD_KIND_UTF8;
			entries[i].value.value.bytes =
				amqp_cstring_bytes(belief->arguments[i].value);
		}
	}
	connection_begin(connection);
	amqp_queue_declare(connection->state, CHANNEL, amqp_cstring_bytes(queue), 0,
			   (amqp_boolean_t)belief->durable, 0,
			   (amqp_boolean_t)belief->auto_delete, table);
	connection_end(connection);
}

/* Whether the queue exists.  A declaration of a missing queue would create it. */
static int is_there(struct connection *connection, const char *queue)
{
	connection_begin(connection);
	amqp_queue_declare(connection->state, CHANNEL, amqp_cstring_bytes(queue), 1, 0, 0, 0,
			   amqp_empty_table);
	connection_end(connection);
	return !connection_reply(connection, amqp_get_rpc_reply(connection->state));
}

static void conclude(struct facts *facts, const struct belief *belief)
{
	const char *type = value_of(belief, "x-queue-type"),
		   *overflow = value_of(belief, "x-overflow");
	int limited = value_of(belief, "x-max-length") || value_of(belief, "x-max-length-bytes");

	facts->known = 1;
	facts->quorum = type && !strcmp(type, "quorum");
	facts->stream = type && !strcmp(type, "stream");
	facts->durable = belief->durable;
	facts->has_limit = !!value_of(belief, "x-delivery-limit");
	facts->limit = number_of(belief, "x-delivery-limit", -1);
	facts->dead_letters = !!value_of(belief, "x-dead-letter-exchange");
	facts->drops = limited && !(overflow && !strncmp(overflow, "reject-publish",
							 strlen("reject-publish")));
	facts->ttl = number_of(belief, "x-message-ttl", 0);
	facts->max_priority = (int)number_of(belief, "x-max-priority", 0);
}

int facts_learn(struct facts *facts, const struct conf *conf, const char *uri, const char *queue)
{
	struct belief belief = { .durable = 1 };
	struct connection connection;
	int tries, agreed = 0, more = 1;

	memset(facts, 0, sizeof(*facts));
	for (tries = 0; more && !agreed && tries < ARGUMENTS + 3; tries++) {
		connection_init(&connection, conf, "looks at a queue");
		if (connection_open(&connection, uri)) {
			memcpy(facts->why, connection.wrong, sizeof(facts->why));
			return -1;
		}
		more = is_there(&connection, queue);
		if (more) {
			declare(&connection, queue, &belief);
			agreed = !connection_reply(&connection,
						   amqp_get_rpc_reply(connection.state));
		}
		if (agreed)
			conclude(facts, &belief);
		else if (more)
			more = !believe(&belief, connection.wrong);
		memcpy(facts->why, connection.wrong, sizeof(facts->why));
		connection_close(&connection, agreed);
	}
	return 0;
}

const char *facts_cure(unsigned int version)
{
	return version < WITH_LIMIT ? "without x-delivery-limit" : "with x-delivery-limit=-1";
}

int facts_lose_deliveries(const struct facts *facts, unsigned int version)
{
	if (!facts->known)
		return version >= WITH_LIMIT;
	if (!facts->quorum || facts->dead_letters)
		return 0;
	if (version < WITH_LIMIT)
		return facts->has_limit;
	return !facts->has_limit || facts->limit >= 0;
}
