// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "arrivals.h"
#include "report.h"

void arrivals_init(struct arrivals *arrivals, uint32_t size)
{
	arrivals->all = need_memory(calloc(size, sizeof(*arrivals->all)));
	arrivals->size = size;
	arrivals->count = 0;
}

struct arrival *arrivals_add(struct arrivals *arrivals, uint64_t tag)
{
	struct arrival *arrival = &arrivals->all[arrivals->count++];

	memset(arrival, 0, sizeof(*arrival));
	arrival->tag = tag;
	return arrival;
}

uint32_t arrivals_in(const struct arrivals *arrivals, enum stage stage)
{
	uint32_t i, count = 0;

	for (i = 0; i < arrivals->count; i++)
		count += arrivals->all[i].stage == stage;
	return count;
}

static int answer(struct connection *connection, uint64_t tag, int multiple, enum stage stage)
{
	int status;

	connection_begin(connection);
	if (stage == STAGE_DONE)
		status = amqp_basic_ack(connection->state, CHANNEL, tag, (amqp_boolean_t)multiple);
	else
		status = amqp_basic_nack(connection->state, CHANNEL, tag,
					 (amqp_boolean_t)multiple, 1);
	connection_end(connection);
	return connection_status(connection, status);
}

int arrivals_answer(struct arrivals *arrivals, struct connection *connection)
{
	uint32_t i, first = 0, left = 0;
	struct arrival *all = arrivals->all;

	/* One answer acknowledges all messages at the beginning that are done. */
	while (first < arrivals->count && all[first].stage == STAGE_DONE)
		first++;
	if (first && answer(connection, all[first - 1].tag, first > 1, STAGE_DONE))
		return -1;
	for (i = first; i < arrivals->count; i++) {
		if (all[i].stage != STAGE_DONE && all[i].stage != STAGE_BACK)
			all[left++] = all[i];
		else if (answer(connection, all[i].tag, 0, all[i].stage))
			return -1;
	}
	arrivals->count = left;
	return 0;
}
