// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "report.h"
#include "worker.h"

/* The delay between two attempts to connect. */
#define LEAST_DELAY	(NS_PER_S)
#define MOST_DELAY	(30 * NS_PER_S)

static void *begin(void *data)
{
	struct worker *worker = data;

	report_direction(worker->connection.what);
	worker->ending = worker->run(worker);
	connection_close(&worker->connection, 0);
	atomic_store(&worker->ended, 1);
	return NULL;
}

void worker_start(struct worker *worker, const struct conf *conf, const char *what, int once,
		  int stop, enum ending (*run)(struct worker *worker))
{
	int error;

	memset(worker, 0, sizeof(*worker));
	worker->conf = conf;
	worker->once = once;
	worker->run = run;
	worker->stop = stop;
	connection_init(&worker->connection, conf, what);
	pthread_mutex_init(&worker->lock, NULL);
	worker_turn(worker);
	error = pthread_create(&worker->thread, NULL, begin, worker);
	if (error) {
		report(LOG_ERR, "cannot start a thread: %s", strerror(error));
		exit(EXIT_FAILURE);
	}
}

void worker_status(struct worker *worker, const char *format, ...)
{
	va_list arguments;

	pthread_mutex_lock(&worker->lock);
	va_start(arguments, format);
	vsnprintf(worker->status, sizeof(worker->status), format, arguments);
	va_end(arguments);
	pthread_mutex_unlock(&worker->lock);
}

void worker_turn(struct worker *worker)
{
	worker->now = now_ns();
	atomic_store(&worker->turned, worker->now);
}

void worker_wait(struct worker *worker, struct pollfd *files, unsigned int count, unsigned int ms)
{
	struct pollfd all[4];

	if (count)
		memcpy(all, files, count * sizeof(*files));
	all[count] = (struct pollfd){ .fd = worker->stop, .events = POLLIN };
	poll(all, count + 1, ms < 1000 ? (int)ms : 1000);
	if (count)
		memcpy(files, all, count * sizeof(*files));
	worker_turn(worker);
}

int worker_sleep(struct worker *worker, uint64_t ns)
{
	uint64_t until = now_ns() + ns, now;

	while ((now = now_ns()) < until) {
		if (worker_stopping(worker))
			return -1;
		worker_wait(worker, NULL, 0, (unsigned int)((until - now) / NS_PER_MS + 1));
	}
	return worker_stopping(worker) ? -1 : 0;
}

static void report_loss(struct worker *worker)
{
	const struct connection *connection = &worker->connection;

	worker_status(worker, "not connected: %s", connection->wrong);
	if (!strcmp(worker->reported, connection->wrong))
		return;
	strcpy(worker->reported, connection->wrong);
	report(LOG_WARNING, "%s", connection->wrong);
}

/* Waits after all brokers have failed, not after each: the next one may work. */
static int put_off(struct worker *worker)
{
	if (worker_sleep(worker, worker->delay))
		return -1;
	worker->delay = worker->delay < MOST_DELAY / 2 ? worker->delay * 2 : MOST_DELAY;
	if (worker->delay < LEAST_DELAY)
		worker->delay = LEAST_DELAY;
	return 0;
}

int worker_connect(struct worker *worker)
{
	struct connection *connection = &worker->connection;
	unsigned int failed = 0;

	for (;;) {
		if (!failed && put_off(worker))
			return -1;
		worker_turn(worker);
		if (worker_stopping(worker))
			return -1;
		if (!connection_open(connection, worker->conf->broker.uri[worker->at_uri]))
			break;
		report_loss(worker);
		worker->at_uri = (worker->at_uri + 1) % worker->conf->broker.uris;
		if (++failed < worker->conf->broker.uris)
			continue;
		failed = 0;
		if (worker->once)
			return -1;
	}
	/* The next loss is reported again, even if its cause is the same. */
	worker->reported[0] = '\0';
	worker->connected = now_ns();
	report(LOG_INFO, "connected to %s (RabbitMQ %u.%u.%u)", connection->where,
	       connection->version / 10000, connection->version / 100 % 100,
	       connection->version % 100);
	worker_status(worker, "connected to %s", connection->where);
	return 0;
}

void worker_is_well(struct worker *worker)
{
	worker->delay = 0;
}

void worker_lost(struct worker *worker)
{
	report_loss(worker);
	if (now_ns() - worker->connected > MOST_DELAY)
		worker_is_well(worker);
	connection_close(&worker->connection, 0);
	worker->at_uri = (worker->at_uri + 1) % worker->conf->broker.uris;
}
