// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "connection.h"
#include "facts.h"
#include "notes.h"

static int wrongs;

static void write_line(const char *kind, const char *format, va_list arguments)
{
	printf("%-7s", kind);
	vprintf(format, arguments);
	putchar('\n');
}

__attribute__((format(printf, 1, 2)))
static void good(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line("ok", format, arguments);
	va_end(arguments);
}

__attribute__((format(printf, 1, 2)))
static void wrong(const char *format, ...)
{
	va_list arguments;

	wrongs++;
	va_start(arguments, format);
	write_line("WRONG", format, arguments);
	va_end(arguments);
}

__attribute__((format(printf, 1, 2)))
static void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line("note", format, arguments);
	va_end(arguments);
}

static void check_queue(const char *name, int flags)
{
	int fd = tqueue_open(name, flags | O_NONBLOCK);
	struct tqueue_info info;
	char text[512];

	if (fd < 0 || tqueue_get(fd, &info)) {
		wrong("%s", tqueue_explain(name, errno, text, sizeof(text)));
		if (fd >= 0)
			close(fd);
		return;
	}
	close(fd);
	if (flags == O_WRONLY && info.overflow == TQUEUE_OVERFLOW_DROP_OLDEST)
		wrong("%s: the queue drops its oldest messages when it is full, so the bridge takes no messages for it (change it with \"tqueue set %s --overflow=block\")",
		      name, name);
	else
		good("%s: the queue is there, and can be used", name);
	if (info.ttl && info.on_expired == TQUEUE_EXPIRED_DROP)
		note("%s: the queue drops messages that are older than its ttl", name);
	if (flags == O_RDONLY && info.max_attempts && info.on_exhausted == TQUEUE_EXHAUSTED_DROP)
		note("%s: the queue drops messages after %u attempts, even if they only have no route at the broker (\"tqueue set %s --on-exhausted=bury\" keeps them)",
		     name, info.max_attempts, name);
}

/* Connects for one question: the broker closes the channel if the answer is no. */
static int ask(struct connection *connection, const struct conf *conf, const char *uri)
{
	connection_init(connection, conf, "check");
	return connection_open(connection, uri);
}

/* Checks that a queue or an exchange exists.  Returns 0, or -1 after reporting that. */
static int check_name(const struct conf *conf, const char *uri, int exchange, const char *name)
{
	struct connection connection;
	int result;

	if (ask(&connection, conf, uri)) {
		wrong("%s", connection.wrong);
		return -1;
	}
	connection_begin(&connection);
	if (exchange)
		amqp_exchange_declare(connection.state, CHANNEL, amqp_cstring_bytes(name),
				      amqp_cstring_bytes("direct"), 1, 0, 0, 0, amqp_empty_table);
	else
		amqp_queue_declare(connection.state, CHANNEL, amqp_cstring_bytes(name), 1, 0, 0,
				   0, amqp_empty_table);
	connection_end(&connection);
	result = connection_reply(&connection, amqp_get_rpc_reply(connection.state));
	if (result)
		wrong("%s", connection.wrong);
	else
		good("%s: the %s '%s' is there", connection.where,
		     exchange ? "exchange" : "queue", name);
	connection_close(&connection, 1);
	return result;
}

/* Checks the right to publish: publishes in a transaction, and rolls it back. */
static void check_publish(const struct conf *conf, const char *uri)
{
	struct connection connection;
	const amqp_bytes_t nothing = { 0, NULL };
	int result = -1;

	if (ask(&connection, conf, uri)) {
		wrong("%s", connection.wrong);
		return;
	}
	connection_begin(&connection);
	amqp_tx_select(connection.state, CHANNEL);
	connection_end(&connection);
	if (!connection_reply(&connection, amqp_get_rpc_reply(connection.state))) {
		connection_begin(&connection);
		amqp_basic_publish(connection.state, CHANNEL,
				   amqp_cstring_bytes(conf->out.exchange),
				   amqp_cstring_bytes(conf->out.routing_key), 0, 0, NULL, nothing);
		amqp_tx_rollback(connection.state, CHANNEL);
		connection_end(&connection);
		result = connection_reply(&connection, amqp_get_rpc_reply(connection.state));
	}
	if (result)
		wrong("%s", connection.wrong);
	else
		good("%s: it may publish to the exchange '%s'", connection.where,
		     conf->out.exchange);
	connection_close(&connection, 1);
}

/*
 * Checks the right to consume.  The broker checks the rights, then refuses an invalid
 * argument, so it delivers nothing.
 */
static void check_consume(const struct conf *conf, const char *uri)
{
	amqp_table_entry_t priority = {
		amqp_cstring_bytes("x-priority"),
		{ .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("none") },
	};
	const amqp_table_t arguments = { 1, &priority };
	struct connection connection;

	if (ask(&connection, conf, uri)) {
		wrong("%s", connection.wrong);
		return;
	}
	connection_begin(&connection);
	amqp_basic_consume(connection.state, CHANNEL, amqp_cstring_bytes(conf->in.broker_queue),
			   amqp_empty_bytes, 0, 0, 0, arguments);
	connection_end(&connection);
	if (connection_reply(&connection, amqp_get_rpc_reply(connection.state)) &&
	    !(connection.code == 406 && strstr(connection.wrong, "x-priority")))
		wrong("%s", connection.wrong);
	else
		good("%s: it may consume from the queue '%s'", connection.where,
		     conf->in.broker_queue);
	connection_close(&connection, 1);
}

static void check_out(const struct conf *conf, const char *uri, unsigned int version)
{
	struct facts facts;

	if (*conf->out.exchange) {
		if (check_name(conf, uri, 1, conf->out.exchange))
			return;
		note("whether exchange '%s' has a queue for the routing key '%s' is not known before a message is published: without a queue the broker returns it, and it is tried again",
		     conf->out.exchange, conf->out.routing_key);
	} else {
		if (check_name(conf, uri, 0, conf->out.routing_key))
			return;
		if (!facts_learn(&facts, conf, uri, conf->out.routing_key))
			notes_out(&conf->out, &facts, version, note);
	}
	check_publish(conf, uri);
}

/* Checks that the broker's queue keeps messages however often they are handed back. */
static void check_limit(const struct conf *conf, const struct facts *facts, unsigned int version)
{
	const char *queue = conf->in.broker_queue;
	const char *limit = "20 times, unless x-delivery-limit says otherwise";

	if (!facts_lose_deliveries(facts, version)) {
		good("the queue '%s' keeps messages however often they are handed back", queue);
		return;
	}
	if (!facts->known)
		note("the arguments of the queue '%s' cannot be seen: %s", queue, facts->why);
	if (conf->in.allow_broker_limit) {
		note("the queue '%s' may drop messages that are handed back too often, which AllowBrokerLimit=yes accepts",
		     queue);
		return;
	}
	if (!facts->known)
		limit = "as far as can be seen";
	else if (facts->has_limit)
		limit = "it has an x-delivery-limit";
	wrong("the queue '%s' drops messages that are handed back too often, %s, and has no x-dead-letter-exchange: bridges that die lose them (declare it %s or with an x-dead-letter-exchange, or set AllowBrokerLimit=yes if a policy gives it one of them)",
	      queue, limit, facts_cure(version));
}

static void check_in(const struct conf *conf, const char *uri, unsigned int version)
{
	const char *queue = conf->in.broker_queue;
	struct facts facts;

	if (check_name(conf, uri, 0, queue))
		return;
	if (facts_learn(&facts, conf, uri, queue)) {
		wrong("%s", facts.why);
		return;
	}
	if (facts.stream)
		wrong("'%s' is a stream, which keeps acknowledged messages: a bridge cannot take from it",
		      queue);
	else
		check_limit(conf, &facts, version);
	notes_in(&conf->in, &facts, note);
	check_consume(conf, uri);
}

static void check_uri(const struct conf *conf, const char *uri)
{
	struct connection connection;
	unsigned int version;

	if (ask(&connection, conf, uri)) {
		wrong("%s", connection.wrong);
		return;
	}
	version = connection.version;
	good("%s: connected%s, RabbitMQ %u.%u.%u", connection.where,
	     connection.uri.tls ? " with TLS" : "", version / 10000, version / 100 % 100,
	     version % 100);
	if (!connection.uri.tls && strcmp(connection.uri.host, "localhost") &&
	    strncmp(connection.uri.host, "127.", 4))
		note("%s: without TLS (amqps) others may read the messages and the password on the network",
		     connection.where);
	connection_close(&connection, 1);
	if (conf->out.used)
		check_out(conf, uri, version);
	if (conf->in.used)
		check_in(conf, uri, version);
}

int check(const struct conf *conf)
{
	unsigned int i;

	wrongs = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (conf->out.used)
		check_queue(conf->out.queue, O_RDONLY);
	if (conf->in.used)
		check_queue(conf->in.queue, O_WRONLY);
	for (i = 0; i < conf->broker.uris; i++)
		check_uri(conf, conf->broker.uri[i]);
	return wrongs || fflush(stdout) || ferror(stdout) ? 1 : 0;
}
