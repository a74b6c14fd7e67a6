// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "facts.h"
#include "in.h"
#include "notes.h"
#include "report.h"

/* How long a message waits for room before it and all after it are handed back. */
#define FULL_LIMIT	(5 * NS_PER_S)

/* The delay before the broker's queue is consumed again. */
#define LEAST_DELAY	(NS_PER_S)
#define MOST_DELAY	(60 * NS_PER_S)

/* With --once: the bridge ends when no message has come for this long. */
#define IDLE_LIMIT	(NS_PER_S)

#define SHOW_AGAIN	(NS_PER_S / 4)

static const char state_directory[] = "/var/lib/tqueue-bridge";

/*
 * Makes the state directory for a bridge that is not started by systemd, as
 * StateDirectory= does for the service.
 */
static void make_directory(const char *name, char *path, size_t room)
{
	mkdir(state_directory, 0755);
	snprintf(path, room, "%s/%s", state_directory, name);
	mkdir(path, 0700);
	snprintf(path, room, "%s/%s/seen", state_directory, name);
}

static int open_queue(struct in *in)
{
	const char *directory = getenv("STATE_DIRECTORY");
	struct tqueue_info info;
	char path[PATH_MAX + 64], text[1024];

	in->fd = tqueue_open(in->conf->queue, O_WRONLY | O_NONBLOCK);
	in->look_fd = in->fd < 0 ? -1 : tqueue_open(in->conf->queue, TQUEUE_O_LOOK);
	if (in->look_fd < 0 || tqueue_get(in->look_fd, &info)) {
		report(LOG_ERR, "%s", tqueue_explain(in->conf->queue, errno, text, sizeof(text)));
		return -1;
	}
	if (directory)
		snprintf(path, sizeof(path), "%s/seen", directory);
	else
		make_directory(in->worker->conf->name, path, sizeof(path));
	if (seen_open(&in->seen, path, in->conf->remember, in->conf->remember_for, info.uuid,
		      text, sizeof(text))) {
		report(LOG_ERR, "%s", text);
		return -1;
	}
	return 0;
}

/* Why the bridge must not take messages from the broker's queue, or NULL. */
static const char *broker_objection(const struct in *in, const struct facts *facts)
{
	if (facts->stream)
		return "is a stream, which keeps acknowledged messages";
	if (in->conf->allow_broker_limit ||
	    !facts_lose_deliveries(facts, in->worker->connection.version))
		return NULL;
	if (facts->known)
		return "loses messages that are handed back too often";
	return "may lose messages that are handed back too often: its arguments cannot be seen";
}

/*
 * Finds out about the broker's queue, unless that was done for this release of the broker:
 * another release may treat the same queue differently.  Returns 0, or -1 if no message
 * must be taken from it now.
 */
static int look_at_broker(struct in *in)
{
	struct worker *worker = in->worker;
	struct connection *connection = &worker->connection;
	struct facts facts;
	const char *objection;

	if (in->looked_version == connection->version)
		return 0;
	if (facts_learn(&facts, worker->conf, worker->conf->broker.uri[worker->at_uri],
			in->conf->broker_queue))
		return connection_lose(connection, LOST_NETWORK, "%s", facts.why);
	objection = broker_objection(in, &facts);
	if (objection)
		return connection_lose(connection, LOST_CHANNEL,
				       "%s: the queue '%s' %s ('tqueue-bridge --check %s' shows the cure)",
				       connection->where, in->conf->broker_queue, objection,
				       worker->conf->name);
	notes_in(in->conf, &facts, report_notice);
	in->looked_version = connection->version;
	return 0;
}

/*
 * Why the bridge must not send to the queue, or NULL.  The settings of the queue may
 * change at any time.
 */
static const char *queue_objection(struct in *in)
{
	struct tqueue_info info;

	if (tqueue_get(in->look_fd, &info))
		return NULL;
	if (info.overflow == TQUEUE_OVERFLOW_DROP_OLDEST)
		return "the queue drops its oldest messages when it is full";
	if (info.state & TQUEUE_STATE_STOPPED)
		return "the queue is stopped";
	return NULL;
}

static int has_room(const struct in *in)
{
	struct pollfd room = { .fd = in->fd, .events = POLLOUT };

	return poll(&room, 1, 0) > 0 && room.revents & POLLOUT;
}

/* Delays consuming, because the broker counts how often a message is handed back. */
static void put_off(struct in *in)
{
	in->resume_delay = in->resume_delay ? in->resume_delay * 2 : LEAST_DELAY;
	if (in->resume_delay > MOST_DELAY)
		in->resume_delay = MOST_DELAY;
	in->resume_at = now_ns() + in->resume_delay;
}

static void report_full(struct in *in, const char *why)
{
	worker_status(in->worker, "waiting: %s", why);
	if (!in->reported_full)
		report(LOG_WARNING, "%s: %s; the other messages stay at the broker",
		       in->conf->queue, why);
	in->reported_full = 1;
}

/* Tries to send the message for which there was no room. */
static int try_pending(struct in *in)
{
	enum stored stored;

	if (!in->pending_tag)
		return 0;
	stored = store(in, in->pending_tag, &in->pending);
	if (stored == STORE_LOST)
		return NO_QUEUE;
	if (stored == STORE_FULL) {
		if (!in->full_since)
			in->full_since = now_ns();
		return 0;
	}
	amqp_destroy_message(&in->pending);
	in->pending_tag = 0;
	in->full_since = 0;
	return 1;
}

/* While a message waits for room, no heartbeat is read: the limit is half their period. */
static uint64_t full_limit(const struct in *in)
{
	uint64_t limit = in->worker->conf->broker.heartbeat / 2;

	return limit < FULL_LIMIT ? limit : FULL_LIMIT;
}

/*
 * Starts or stops consuming, depending on the state of the queue.  Returns 0, or -1 if the
 * connection is lost.
 */
static int steer(struct in *in)
{
	uint64_t now = now_ns();
	const char *why = queue_objection(in);

	if (in->consuming) {
		if (!why && in->full_since && now - in->full_since > full_limit(in))
			why = "it is full";
		if (!why)
			return 0;
		report_full(in, why);
		in->full_since = 0;
		put_off(in);
		return consume_end(in);
	}
	if (now < in->resume_at)
		return 0;
	if (why || !has_room(in)) {
		report_full(in, why ? why : "it is full");
		return 0;
	}
	if (in->arrivals.count >= in->conf->prefetch) {
		worker_status(in->worker,
			      "waiting: %u messages are not acknowledged, which is the limit (Prefetch=)",
			      in->arrivals.count);
		return 0;
	}
	if (in->reported_full)
		report(LOG_INFO, "%s takes messages again", in->conf->queue);
	in->reported_full = 0;
	return consume_begin(in);
}

/*
 * The broker ends a consumer that does not acknowledge a message for too long.  So the
 * bridge hands all messages back before that, by ending the connection.  They come again,
 * and the bridge recognises those that are in the queue.
 */
static int is_too_old(const struct in *in)
{
	uint64_t now = now_ns();
	uint32_t i;

	for (i = 0; i < in->arrivals.count; i++)
		if (now - in->arrivals.all[i].since > in->conf->hand_back)
			return 1;
	return 0;
}

static void show(struct in *in)
{
	uint32_t held = arrivals_in(&in->arrivals, STAGE_HELD);
	unsigned long long sent = in->sent, doubles = in->doubles;

	if (!in->consuming || now_ns() - in->shown < SHOW_AGAIN)
		return;
	in->shown = now_ns();
	if (held)
		worker_status(in->worker,
			      "%llu taken from %s; %u are too long for the queue and wait at the broker",
			      sent, in->worker->connection.where, held);
	else
		worker_status(in->worker, "%llu taken from %s, %llu came twice, %u to be settled",
			      sent, in->worker->connection.where, doubles,
			      arrivals_in(&in->arrivals, STAGE_QUEUED));
}

static void wait_for_more(struct in *in)
{
	struct pollfd files[2] = {
		{ .fd = in->pending_tag ? -1 : connection_fd(&in->worker->connection),
		  .events = POLLIN },
		{ .fd = in->pending_tag ? in->fd : -1, .events = POLLOUT },
	};
	uint64_t ms = 500;

	if (arrivals_in(&in->arrivals, STAGE_QUEUED))
		ms = in->look_after / NS_PER_MS + 1;
	/* poll(2) sees room, but other senders are served first: it would return at once. */
	if (in->pending_tag && has_room(in))
		ms = 10, files[1].fd = -1;
	worker_wait(in->worker, files, 2, (unsigned int)ms);
}

static int is_over(const struct in *in)
{
	if (in->worker->once && in->reported_full && !in->consuming)
		return 1;
	return in->worker->once && in->consuming && !in->pending_tag &&
	       now_ns() - in->idle_since > IDLE_LIMIT &&
	       in->arrivals.count == arrivals_in(&in->arrivals, STAGE_HELD);
}

/* Takes messages while the connection lasts. */
static enum over work(struct in *in)
{
	int tried, taken;

	for (;;) {
		worker_turn(in->worker);
		if (worker_stopping(in->worker) || is_over(in))
			return OVER_DONE;
		if (steer(in))
			return OVER_CONNECTION;
		tried = try_pending(in);
		/* A pending message must delay later messages only, not heartbeats. */
		taken = tried < 0 ? tried : consume_take(in);
		if (taken == NO_QUEUE)
			return OVER_QUEUE;
		if (taken > 0 || tried > 0) {
			in->idle_since = now_ns();
			in->resume_delay = 0;
			worker_is_well(in->worker);
		}
		store_look(in);
		if (taken == NO_CONNECTION ||
		    arrivals_answer(&in->arrivals, &in->worker->connection))
			return OVER_CONNECTION;
		show(in);
		if (is_too_old(in))
			return OVER_HAND_BACK;
		if (taken <= 0 && tried <= 0)
			wait_for_more(in);
	}
}

/*
 * Ends the connection.  The broker sends all messages again that were not acknowledged
 * on it.
 */
static void end_connection(struct in *in, enum over over)
{
	struct worker *worker = in->worker;
	char text[512];

	switch (over) {
	case OVER_CONNECTION:
		/* If the queue was deleted, the next one of that name may have other arguments. */
		if (worker->connection.lost == LOST_CHANNEL)
			in->looked_version = 0;
		worker_lost(worker);
		break;
	case OVER_QUEUE:
		report(LOG_ERR, "%s", tqueue_explain(in->conf->queue, errno, text, sizeof(text)));
		connection_close(&worker->connection, 0);
		break;
	case OVER_HAND_BACK:
		report(LOG_INFO,
		       "some messages are handed back to the broker for a moment, because they cannot be acknowledged yet");
		store_take_back(in);
		connection_close(&worker->connection, 1);
		break;
	case OVER_DONE:
		connection_close(&worker->connection, 1);
		break;
	}
	if (in->pending_tag)
		amqp_destroy_message(&in->pending);
	in->pending_tag = 0;
	in->full_since = 0;
	in->arrivals.count = 0;
	in->consuming = 0;
}

static enum ending run(struct in *in)
{
	struct worker *worker = in->worker;
	int refused, left;
	enum over over;

	for (;;) {
		if (worker_connect(worker))
			return worker_stopping(worker) && !worker->once ? ENDED_WELL : ENDED_BADLY;
		refused = look_at_broker(in);
		over = refused ? OVER_CONNECTION : work(in);
		/* Whether messages stay at the broker because the queue could not take them. */
		left = in->arrivals.count || in->reported_full;
		end_connection(in, over);
		if (over == OVER_DONE)
			return worker->once && left ? ENDED_BADLY : ENDED_WELL;
		if (over == OVER_QUEUE || (refused && worker->once))
			return ENDED_BADLY;
	}
}

enum ending in_run(struct worker *worker)
{
	struct in in = { .worker = worker, .conf = &worker->conf->in };
	enum ending ending = ENDED_BADLY;

	/* Room for the messages of two consumers: see consume_begin(). */
	arrivals_init(&in.arrivals, 2 * in.conf->prefetch);
	if (!open_queue(&in)) {
		worker_is_ready(worker);
		ending = run(&in);
		report(LOG_INFO, "%llu messages were taken, %llu came twice",
		       (unsigned long long)in.sent, (unsigned long long)in.doubles);
		seen_close(&in.seen);
	}
	free(in.arrivals.all);
	return ending;
}
