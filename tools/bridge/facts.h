/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arguments of a queue at the broker.  AMQP has no request for them.  But when a
 * client declares an existing queue with other arguments, the broker names the first
 * difference.  So the queue is declared again and again, each time with the difference
 * corrected, until the broker agrees.
 */
#ifndef FACTS_H
#define FACTS_H

#include <stdint.h>

#include "connection.h"

/**
 * struct facts - the arguments of a queue
 * @known: whether the others are known; if not, @why says why
 * @quorum: a quorum queue
 * @stream: a stream
 * @durable: it outlives the broker
 * @has_limit: an x-delivery-limit was declared; that of a policy cannot be seen
 * @limit: that limit
 * @dead_letters: dropped messages go to another exchange
 * @drops: it has a maximum length, and drops messages beyond it
 * @ttl: the age at which messages are dropped, ms; 0: none
 * @max_priority: of a classic queue; 0: it has none
 * @why: why nothing is known
 */
struct facts {
	int known;
	int quorum;
	int stream;
	int durable;
	int has_limit;
	int64_t limit;
	int dead_letters;
	int drops;
	int64_t ttl;
	int max_priority;
	char why[1024];
};

/*
 * Finds the arguments of an existing queue, on separate connections.  Returns 0; or -1 if
 * there is no connection, and facts->why says why.
 */
int facts_learn(struct facts *facts, const struct conf *conf, const char *uri, const char *queue);

/* Whether a broker of @version loses messages of the queue that are handed back too often. */
int facts_lose_deliveries(const struct facts *facts, unsigned int version);

/* How to declare a queue of such a broker that loses no messages. */
const char *facts_cure(unsigned int version);

#endif /* FACTS_H */
