// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"
#include "out.h"
#include "report.h"

/* The most bytes that one call leases, unless a message is larger. */
#define BATCH_BYTES	1048576
#define LEAST_BYTES	4096

/* How often the settings of the queue are read again: they may change at any time. */
#define LOOK_AGAIN	(2 * NS_PER_S)

void publish_room(struct out *out, size_t size)
{
	if (size < LEAST_BYTES)
		size = LEAST_BYTES;
	if (out->room && out->batch.size >= size && out->batch.size / 2 <= size)
		return;
	free(out->room);
	out->room = need_memory(malloc(size));
	tqueue_batch_init(&out->batch, out->room, size);
}

static void look(struct out *out)
{
	struct tqueue_info info;
	uint64_t now = out->worker->now;

	if (out->looked && now - out->looked < LOOK_AGAIN)
		return;
	out->looked = now;
	if (!tqueue_get(out->fd, &info))
		mapping_set(&out->mapping, &info);
}

static int publish_one(struct out *out, const struct tqueue_record *record)
{
	struct connection *connection = &out->worker->connection;
	const amqp_bytes_t body = { record->length, (void *)tqueue_payload(record) };
	struct published published;
	int status;

	mapping_publish(&out->mapping, &published, record);
	connection_begin(connection);
	status = amqp_basic_publish(connection->state, CHANNEL,
				    amqp_cstring_bytes(out->conf->exchange),
				    amqp_cstring_bytes(out->conf->routing_key), 1, 0,
				    &published.properties, body);
	connection_end(connection);
	return connection_status(connection, status);
}

/* Collects small messages in full packets during a batch, and sends the rest after it. */
static void set_cork(struct out *out, int cork)
{
	setsockopt(connection_fd(&out->worker->connection), IPPROTO_TCP, TCP_CORK, &cork,
		   sizeof(cork));
}

/* Publishes a batch.  All its messages get into the window, even after an error. */
static int publish_batch(struct out *out, int leased)
{
	const struct tqueue_record *record;
	int result = 0, count = 0;

	if (leased > 1)
		set_cork(out, 1);
	mapping_look_at_clocks(&out->mapping);
	if (!window_used(&out->window))
		out->progressed = out->worker->now;
	while (tqueue_batch_next(&out->batch, &record) > 0) {
		window_add(&out->window, record);
		count++;
		if (!result)
			result = publish_one(out, record);
	}
	if (leased > 1)
		set_cork(out, 0);
	return result ? result : count;
}

/* Leases the next suspect, which is published alone.  Returns 0 if there is none left. */
static int lease_suspect(struct out *out)
{
	struct tqueue_record *record = (struct tqueue_record *)out->batch.buffer;
	int leased;

	while (out->suspected) {
		leased = tqueue_lease_id(out->fd, out->suspects[0], record, out->batch.size,
					 TQUEUE_FOREVER);
		if (leased < 0 && errno == EMSGSIZE) {
			publish_room(out, TQUEUE_RECORD_BYTES(record->length) + 8);
			record = (struct tqueue_record *)out->batch.buffer;
			continue;
		}
		/* If it cannot be leased, another worker has it: it is no suspect any more. */
		out->suspected--;
		for (uint32_t i = 0; i < out->suspected; i++)
			out->suspects[i] = out->suspects[i + 1];
		if (leased > 0) {
			out->batch.start = 0;
			out->batch.end = record->header_words * 8 + ((record->length + 7) & ~7U);
			return 1;
		}
		if (errno != ENOENT && errno != EBUSY)
			return -1;
	}
	return 0;
}

static int lease_some(struct out *out, uint32_t count)
{
	int leased;

	for (;;) {
		leased = tqueue_lease_batch(out->fd, &out->batch, count, TQUEUE_FOREVER, 0);
		if (leased >= 0 || errno != EMSGSIZE)
			return leased;
		publish_room(out, out->batch.needed + 8);
	}
}

int publish_some(struct out *out)
{
	uint32_t used = window_used(&out->window);
	int leased;

	errno = 0;
	look(out);
	if (out->suspected) {
		if (used)
			return 0;
		leased = lease_suspect(out);
		if (leased)
			return leased < 0 ? -1 : publish_batch(out, 1);
	}
	/* Wait until there is room for more than a few: many at a time cost less. */
	if (used > out->allowed - out->allowed / 4 || used == out->allowed ||
	    out->window.bytes >= out->conf->window_bytes)
		return 0;
	publish_room(out, out->conf->window_bytes < BATCH_BYTES ? out->conf->window_bytes
								: BATCH_BYTES);
	leased = lease_some(out, out->allowed - used);
	if (leased > 0)
		return publish_batch(out, leased);
	if (!leased)
		errno = ENODATA;
	return -1;
}
