// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <time.h>

#include "listed.h"
#include "units.h"

#define NS_A_SECOND	1000000000LL

/* The most entries of one call. */
#define PAGE	256

static const struct {
	unsigned int state;
	const char *word;
} states[] = {
	{ TQUEUE_READY, "ready" }, { TQUEUE_LEASED, "leased" },
	{ TQUEUE_DELAYED, "delayed" }, { TQUEUE_BURIED, "buried" },
	{ TQUEUE_IN_FLIGHT, "in-flight" }, { 0 }
};

static const char *const reasons[] = {
	[TQUEUE_REASON_NONE] = "sent",
	[TQUEUE_REASON_WORKER] = "worker",
	[TQUEUE_REASON_CLOSED] = "closed",
	[TQUEUE_REASON_LIMIT] = "limit",
	[TQUEUE_REASON_FORCED] = "forced",
	[TQUEUE_REASON_ATTEMPTS] = "attempts",
	[TQUEUE_REASON_EXPIRED] = "expired",
	[TQUEUE_REASON_KICKED] = "kicked",
	[TQUEUE_REASON_PUT_OFF] = "put-off",
	NULL
};

unsigned int state_of_word(const char *word)
{
	size_t i;

	for (i = 0; states[i].state && strcmp(states[i].word, word); i++)
		;
	return states[i].state;
}

const char *message_state_word(const struct tqueue_listed *message)
{
	size_t i;

	for (i = 0; states[i].state; i++)
		if (states[i].state == message->state)
			return states[i].word;
	return "unknown";
}

const char *message_reason_word(const struct tqueue_listed *message)
{
	unsigned int i;

	for (i = 0; reasons[i]; i++)
		if (i == message->reason)
			return reasons[i];
	return "unknown";
}

static int64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * NS_A_SECOND + time.tv_nsec;
}

struct clocks clocks_now(void)
{
	return (struct clocks){ now(CLOCK_BOOTTIME), now(CLOCK_MONOTONIC) };
}

uint64_t message_age(const struct tqueue_listed *message, const struct clocks *clocks)
{
	/* The driver's clock for messages is a coarse one, and may lag a little. */
	return clocks->boottime > message->since_ns ?
	       (uint64_t)(clocks->boottime - message->since_ns) : 0;
}

uint64_t message_left(const struct tqueue_listed *message, const struct clocks *clocks)
{
	int64_t clock = message->state == TQUEUE_LEASED ? clocks->monotonic : clocks->boottime;

	if (!message->due_ns || message->due_ns == TQUEUE_FOREVER)
		return UNITS_FOREVER;
	return message->due_ns > (uint64_t)clock ? message->due_ns - (uint64_t)clock : 0;
}

int messages_each(int fd, unsigned int states,
		  int (*visit)(const struct tqueue_listed *message, void *context),
		  void *context)
{
	struct tqueue_listed page[PAGE];
	uint64_t after = 0;
	int count, i, result;

	while ((count = tqueue_list_messages(fd, page, sizeof(page[0]), PAGE, after,
					     states)) > 0) {
		for (i = 0; i < count; i++) {
			result = visit(&page[i], context);
			if (result)
				return result;
		}
		after = page[count - 1].id;
	}
	return count;
}
