// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "out.h"
#include "report.h"

/* The most settlements of one call. */
#define AT_ONCE	256

/* The delay of messages that have no route, or that the broker refuses. */
#define LEAST_DELAY	(NS_PER_S)
#define MOST_DELAY	(300 * NS_PER_S)
#define MOST_UNTAKEN	(3600 * NS_PER_S)

/* The code of AMQP for a message that came back. */
#define NO_ROUTE	312

/*
 * If the broker closes the channel for this many messages in a row, the fault is its own:
 * a broken broker must not make the bridge bury a whole queue.
 */
#define BURIED_IN_A_ROW	5

/* A message that is alone when the connection is lost this many times may be the cause. */
#define ALONE_TIMES	3

static uint64_t delay_of(uint16_t attempts)
{
	uint64_t delay = LEAST_DELAY;

	while (attempts-- && delay < MOST_DELAY)
		delay *= 2;
	return delay < MOST_DELAY ? delay : MOST_DELAY;
}

/*
 * The delay of messages that the broker refuses.  It doubles when they are refused again,
 * and not with each of many that are refused at the same time.
 */
static uint64_t refused_delay(struct out *out)
{
	if (out->worker->now < out->refused_until)
		return out->refused_delay;
	if (out->refused_until)
		out->refused_delay *= 2;
	if (out->refused_delay > MOST_DELAY)
		out->refused_delay = MOST_DELAY;
	out->refused_until = out->worker->now + out->refused_delay;
	return out->refused_delay;
}

/* Requeues a message as if it had not been delivered. */
static void uncount(struct tqueue_settlement *settlement, uint64_t delay)
{
	settlement->action = TQUEUE_REQUEUE;
	settlement->flags = TQUEUE_SETTLE_UNCOUNTED;
	settlement->time = delay;
}

static void fill(struct out *out, const struct slot *slot, struct tqueue_settlement *settlement)
{
	memset(settlement, 0, sizeof(*settlement));
	settlement->id = slot->id;
	settlement->delivery = slot->delivery;
	switch (slot->fate) {
	case FATE_CONFIRMED:
		settlement->action = TQUEUE_ACKNOWLEDGE;
		out->confirmed++;
		break;
	case FATE_RETURNED:
		settlement->action = TQUEUE_REQUEUE;
		settlement->time = delay_of(slot->attempts);
		settlement->code = NO_ROUTE;
		out->failed++;
		break;
	case FATE_REFUSED:
		uncount(settlement, refused_delay(out));
		out->failed++;
		break;
	default:
		uncount(settlement, 0);
		break;
	}
}

static void look_at_result(struct out *out, const struct slot *slot,
			   const struct tqueue_settlement *settlement)
{
	unsigned long long id = slot->id;

	if (settlement->result == TQUEUE_RESULT_BURIED && settlement->action == TQUEUE_REQUEUE)
		report(LOG_ERR,
		       "message %llu is buried after %u attempts (\"tqueue kick\" makes it ready again)",
		       id, slot->attempts + 1U);
	else if (settlement->result == TQUEUE_RESULT_DROPPED)
		report(LOG_ERR,
		       "message %llu was dropped: it was too old, or tried too often (\"tqueue set --on-expired\" and \"--on-exhausted\" make the queue bury such messages)",
		       id);
	else if (settlement->result < 0 && slot->fate == FATE_CONFIRMED)
		report(LOG_WARNING,
		       "message %llu was settled by another program while the broker had not confirmed it (%s): it may be handed over twice",
		       id, strerror(-settlement->result));
	if (slot->fate == FATE_REFUSED && !out->reported_refusal) {
		report(LOG_WARNING,
		       "the broker refuses messages (nack); they are tried again");
		out->reported_refusal = 1;
	}
}

/* Settles the messages whose fate is known, or all.  Returns 0, or -1 and errno. */
static int settle(struct out *out, int all)
{
	struct tqueue_settlement settlements[AT_ONCE];
	struct slot *slots[AT_ONCE];
	struct window *window = &out->window;
	uint64_t number = window->first;
	unsigned int count, i, confirmed = 0, refused = 0;

	do {
		for (count = 0; count < AT_ONCE && number < window->next; number++) {
			slots[count] = window_slot(window, number);
			if (slots[count]->fate == FATE_SETTLED ||
			    (slots[count]->fate == FATE_OPEN && !all))
				continue;
			fill(out, slots[count], &settlements[count]);
			confirmed += slots[count]->fate == FATE_CONFIRMED;
			refused += slots[count]->fate == FATE_REFUSED;
			count++;
		}
		if (count && tqueue_settle(out->fd, settlements, count) < 0)
			return -1;
		for (i = 0; i < count; i++) {
			look_at_result(out, slots[i], &settlements[i]);
			window_settle(window, slots[i]);
		}
	} while (count == AT_ONCE);
	window_advance(window);
	if (confirmed) {
		worker_is_well(out->worker);
		out->alone = 0;
		out->alone_times = 0;
		out->untaken = 0;
		out->refused_delay = LEAST_DELAY;
		out->refused_until = 0;
		if (!refused)
			out->reported_refusal = 0;
		/* The broker copes with a window of this size, so double it. */
		out->allowed = out->allowed < out->conf->window / 2 ? out->allowed * 2
								    : out->conf->window;
	}
	return 0;
}

int outcome_settle(struct out *out)
{
	return out->window.decided ? settle(out, 0) : 0;
}

/* Whether the broker closed the channel or the connection because of a message. */
static int is_about_a_message(const struct connection *connection)
{
	if (connection->lost == LOST_CHANNEL)
		return connection->code != 403 && connection->code != 404 &&
		       connection->code != 541;
	return connection->lost == LOST_CONNECTION && connection->code >= 500 &&
	       connection->code <= 505;
}

/* Lists the open messages that the broker has not returned. */
static uint32_t list_open(const struct out *out, uint64_t *ids, struct slot **last)
{
	uint64_t number;
	struct slot *slot;
	uint32_t count = 0;

	for (number = out->window.first; number < out->window.next; number++) {
		slot = window_slot(&out->window, number);
		if (slot->fate != FATE_OPEN || slot->returned)
			continue;
		ids[count++] = slot->id;
		*last = slot;
	}
	return count;
}

/* Decides messages that the broker returned but did not confirm before it was lost. */
static void decide_returned(struct window *window)
{
	uint64_t number;
	struct slot *slot;

	for (number = window->first; number < window->next; number++) {
		slot = window_slot(window, number);
		if (slot->fate == FATE_OPEN && slot->returned)
			window_decide(window, number, 0, FATE_RETURNED);
	}
}

/*
 * Puts a message off while the broker seems to take none.  Its delay grows with the number
 * of messages in a row, so that it outlasts the attempts for others: however many
 * messages the broker cannot take, those after them are tried as well.
 */
static int put_off(struct out *out, struct slot *slot)
{
	uint64_t pause = out->worker->delay > LEAST_DELAY ? out->worker->delay : LEAST_DELAY;
	uint64_t delay = 2 * pause * (out->untaken - BURIED_IN_A_ROW + 1);

	if (out->untaken == BURIED_IN_A_ROW + 1)
		report(LOG_ERR,
		       "the broker seems to take no message at all: none is buried any more until it takes one (\"tqueue kick %s --delayed\" has those that were put off tried at once)",
		       out->conf->queue);
	if (tqueue_requeue(out->fd, slot->id, slot->delivery,
			   delay < MOST_UNTAKEN ? delay : MOST_UNTAKEN,
			   out->worker->connection.code, TQUEUE_SETTLE_UNCOUNTED) < 0 &&
	    errno != ESTALE && errno != ENOENT)
		return -1;
	window_settle(&out->window, slot);
	out->failed++;
	return 0;
}

static int bury(struct out *out, struct slot *slot)
{
	const struct connection *connection = &out->worker->connection;
	int result;

	if (++out->untaken > BURIED_IN_A_ROW)
		return put_off(out, slot);
	/* The fault is in the message, so the next ones need not wait. */
	worker_is_well(out->worker);
	result = tqueue_bury(out->fd, slot->id, slot->delivery, connection->code, 0);
	if (result < 0 && errno != ESTALE && errno != ENOENT)
		return -1;
	window_settle(&out->window, slot);
	out->failed++;
	if (result == TQUEUE_RESULT_DONE)
		report(LOG_ERR,
		       "message %llu (%u bytes) is buried: the broker cannot take it: %s",
		       (unsigned long long)slot->id, slot->length, connection->wrong);
	else
		report(LOG_ERR,
		       "message %llu (%u bytes) is delayed, because no more can be buried: the broker cannot take it: %s",
		       (unsigned long long)slot->id, slot->length, connection->wrong);
	return 0;
}

/* Counts an attempt of the message, which may be the cause of the loss. */
static int blame(struct out *out, struct slot *slot)
{
	if (slot->id != out->alone)
		out->alone_times = 0;
	out->alone = slot->id;
	if (++out->alone_times < ALONE_TIMES)
		return 0;
	report(LOG_WARNING,
	       "the connection was lost %u times while message %llu alone was unconfirmed; that counts as an attempt",
	       out->alone_times, (unsigned long long)slot->id);
	if (tqueue_requeue(out->fd, slot->id, slot->delivery, delay_of(slot->attempts), 0, 0) < 0 &&
	    errno != ESTALE && errno != ENOENT)
		return -1;
	window_settle(&out->window, slot);
	return 0;
}

int outcome_give_back(struct out *out)
{
	const struct connection *connection = &out->worker->connection;
	uint64_t *ids = out->suspects;
	struct slot *slot = NULL;
	uint32_t count;
	int result = 0;

	decide_returned(&out->window);
	/* Suspects that were not tried yet stay suspects. */
	count = list_open(out, ids + out->suspected, &slot);
	if (is_about_a_message(connection) && count == 1) {
		result = bury(out, slot);
	} else if (is_about_a_message(connection)) {
		out->suspected += count;
		worker_is_well(out->worker);
	} else if (count == 1 && connection->lost == LOST_NETWORK) {
		result = blame(out, slot);
	}
	if (!result)
		result = settle(out, 1);
	window_restart(&out->window);
	out->allowed = 1;
	return result;
}
