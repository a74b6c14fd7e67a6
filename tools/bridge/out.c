// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "facts.h"
#include "notes.h"
#include "out.h"
#include "report.h"

/* The line of status is updated no more often than this. */
#define SHOW_AGAIN	(NS_PER_S / 4)

/* How long the end waits for the broker to confirm messages. */
#define END_LIMIT	(10 * NS_PER_S)

/* After this time without a confirmation, the line of status says so. */
#define QUIET	(5 * NS_PER_S)

static int open_queue(struct out *out)
{
	struct tqueue_info info;
	char text[512];

	out->fd = tqueue_open(out->conf->queue, O_RDONLY | O_NONBLOCK);
	if (out->fd >= 0 && !tqueue_get(out->fd, &info)) {
		mapping_set(&out->mapping, &info);
		return 0;
	}
	report(LOG_ERR, "%s", tqueue_explain(out->conf->queue, errno, text, sizeof(text)));
	return -1;
}

/* Makes the broker confirm messages.  Returns 0, or -1 if the connection is lost. */
static int begin_to_publish(struct out *out)
{
	struct connection *connection = &out->worker->connection;

	connection_begin(connection);
	amqp_confirm_select(connection->state, CHANNEL);
	connection_end(connection);
	if (connection_reply(connection, amqp_get_rpc_reply(connection->state)))
		return -1;
	out->reported_blocked = 0;
	worker_turn(out->worker);
	out->progressed = out->worker->now;
	return 0;
}

/* Reports once what the broker does not keep of a message. */
static void note(struct out *out)
{
	struct worker *worker = out->worker;
	const char *uri = worker->conf->broker.uri[worker->at_uri];
	struct facts facts;

	/* The queues of an exchange are not known. */
	if (out->noted || *out->conf->exchange)
		return;
	if (facts_learn(&facts, worker->conf, uri, out->conf->routing_key))
		return;
	out->noted = 1;
	notes_out(out->conf, &facts, worker->connection.version, report_notice);
}

static void show(struct out *out)
{
	const struct connection *connection = &out->worker->connection;
	uint64_t now = out->worker->now, quiet = now - out->progressed;
	unsigned long long confirmed = out->confirmed;
	uint32_t used = window_used(&out->window);

	if (now - out->shown < SHOW_AGAIN)
		return;
	out->shown = now;
	if (connection->blocked)
		worker_status(out->worker, "blocked: the broker says: %s; %llu handed over",
			      connection->reason, confirmed);
	else if (used && quiet > QUIET)
		worker_status(out->worker, "nothing confirmed for %llu s; %llu handed over",
			      (unsigned long long)(quiet / NS_PER_S), confirmed);
	else
		worker_status(out->worker, "%llu handed over to %s, %u unconfirmed", confirmed,
			      connection->where, used);
}

/* Gives up a broker that has confirmed nothing for too long. */
static int check_silence(struct out *out)
{
	struct connection *connection = &out->worker->connection;

	if (connection->blocked || !window_used(&out->window) ||
	    out->worker->now - out->progressed < out->conf->confirm_limit)
		return 0;
	return connection_lose(connection, LOST_NETWORK, "%s: nothing was confirmed for %llu s",
			       connection->where,
			       (unsigned long long)(out->conf->confirm_limit / NS_PER_S));
}

/* Waits for the broker and, unless the window is @full, for messages. */
static void wait_for_more(struct out *out, int full)
{
	struct connection *connection = &out->worker->connection;
	struct pollfd files[2] = {
		{ .fd = connection_fd(connection), .events = POLLIN },
		{ .fd = full ? -1 : out->fd, .events = POLLIN },
	};

	worker_wait(out->worker, files, 2, 500);
}

/* Handles an error of the queue.  Returns 0, or -1 if the queue cannot be used any more. */
static int look_at_queue(struct out *out, int error)
{
	char text[512];

	switch (error) {
	case EAGAIN:
	case ENODATA:
	case EINTR:
	case 0:
		return 0;
	case ENOSPC:
		/* Other workers hold all leases that the queue allows. */
		worker_status(out->worker, "%s",
			      tqueue_explain(out->conf->queue, error, text, sizeof(text)));
		worker_sleep(out->worker, NS_PER_S / 10);
		return 0;
	default:
		report(LOG_ERR, "%s", tqueue_explain(out->conf->queue, error, text, sizeof(text)));
		return -1;
	}
}

/* Whether there is nothing left to do. */
static int is_over(struct out *out, int published, uint64_t end_by)
{
	if (end_by && (out->worker->connection.blocked || out->worker->now > end_by))
		return 1;
	return !window_used(&out->window) && !out->suspected &&
	       (end_by || (out->worker->once && published < 0));
}

/* Hands messages over while the connection lasts. */
static enum over work(struct out *out)
{
	struct connection *connection = &out->worker->connection;
	uint64_t end_by = 0;
	int published, answered, error;

	for (;;) {
		worker_turn(out->worker);
		if (!end_by && worker_stopping(out->worker))
			end_by = out->worker->now + END_LIMIT;
		published = 0;
		error = 0;
		if (!end_by && !connection->blocked) {
			published = publish_some(out);
			error = published < 0 ? errno : 0;
			if (connection->lost != LOST_NOT)
				return OVER_CONNECTION;
			if (look_at_queue(out, error))
				return OVER_QUEUE;
		}
		if (is_over(out, published, end_by))
			return OVER_DONE;
		show(out);
		/* Publish as much as possible before answers are read: many at a time cost less. */
		if (published > 0)
			continue;
		/* At end of file (ENODATA) poll(2) would report the queue all the time. */
		if (!connection_has_more(connection))
			wait_for_more(out, published == 0 || end_by || error == ENODATA);
		answered = answers_take(out);
		/* Even if the connection is lost, confirmed messages are acknowledged. */
		if (outcome_settle(out)) {
			look_at_queue(out, errno);
			return OVER_QUEUE;
		}
		if (answered < 0 || check_silence(out))
			return OVER_CONNECTION;
	}
}

static enum ending run(struct out *out)
{
	struct worker *worker = out->worker;
	enum over over;

	for (;;) {
		if (worker_connect(worker))
			return worker_stopping(worker) && !worker->once ? ENDED_WELL : ENDED_BADLY;
		note(out);
		over = begin_to_publish(out) ? OVER_CONNECTION : work(out);
		if (over == OVER_CONNECTION)
			worker_lost(worker);
		if (outcome_give_back(out) || over == OVER_QUEUE)
			return ENDED_BADLY;
		if (over == OVER_DONE) {
			connection_close(&worker->connection, 1);
			return worker->once && out->failed ? ENDED_BADLY : ENDED_WELL;
		}
	}
}

enum ending out_run(struct worker *worker)
{
	struct out out = { .worker = worker,
			   .conf = &worker->conf->out,
			   .allowed = 1,
			   .refused_delay = NS_PER_S };
	enum ending ending = ENDED_BADLY;

	window_init(&out.window, out.conf->window);
	/* Room for a whole window and the suspects from before. */
	out.suspects = need_memory(calloc(2 * (size_t)out.conf->window, sizeof(*out.suspects)));
	if (!open_queue(&out)) {
		worker_is_ready(worker);
		ending = run(&out);
		report(LOG_INFO, "%llu messages were handed over",
		       (unsigned long long)out.confirmed);
		close(out.fd);
	}
	free(out.suspects);
	free(out.window.slots);
	free(out.room);
	return ending;
}
