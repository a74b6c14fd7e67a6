// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <tqueue.h>

#include "run_lease.h"
#include "units.h"

#define NS_A_SECOND	1000000000ULL

/* How much longer a lease lasts than --timeout and --kill-after together. */
#define LEASE_MARGIN	(10 * NS_A_SECOND)

/* The room for messages that is kept between leases. */
#define USUAL_SIZE	(64 * 1024)

/* The time limit of leases. */
static uint64_t lease_limit(const struct run_options *options)
{
	uint64_t most = TQUEUE_FOREVER - 1;

	/* 0 stands for the limit of the queue. */
	if (!options->timeout_given)
		return 0;
	if (options->timeout == UNITS_FOREVER || options->kill_after == UNITS_FOREVER ||
	    options->timeout > (most >> 2) || options->kill_after > (most >> 2))
		return TQUEUE_FOREVER;
	return options->timeout + options->kill_after + LEASE_MARGIN;
}

/* Makes room for a record of @size bytes.  Returns 0, or -1 and errno. */
static int make_room(struct run *run, size_t size)
{
	void *room;

	if (size < USUAL_SIZE)
		size = USUAL_SIZE;
	if (size == run->record_size)
		return 0;
	room = realloc(run->record, size);
	if (!room)
		return -1;
	run->record = room;
	run->record_size = size;
	return 0;
}

int run_lease(struct run *run, struct run_queue *queue)
{
	int result;

	for (;;) {
		result = tqueue_lease(queue->source.fd, run->record, run->record_size,
				      lease_limit(run->options), 0);
		if (result >= 0 || (errno != EMSGSIZE && errno != EINTR))
			return result;
		if (errno == EMSGSIZE &&
		    make_room(run, TQUEUE_RECORD_BYTES(run->record->length)))
			return -1;
	}
}

int run_lease_room(struct run *run)
{
	return run->record_size == USUAL_SIZE ? 0 : make_room(run, USUAL_SIZE);
}
