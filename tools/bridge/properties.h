/* SPDX-License-Identifier: GPL-2.0-only */
/* The properties of messages: from a queue to AMQP, and from AMQP to a queue. */
#ifndef PROPERTIES_H
#define PROPERTIES_H

#include <stdint.h>
#include <tqueue.h>

#include "rabbit.h"

/* "UUID/ID": 36 characters, and at most 20 digits. */
#define MESSAGE_ID_MAX	64

/**
 * struct mapping - what all messages of a queue have in common
 * @queue: its name
 * @uuid: its uuid as text, followed by a slash
 * @ttl: of its messages, nanoseconds; or 0
 * @epoch_ns: CLOCK_REALTIME minus CLOCK_BOOTTIME
 * @boot_ns: CLOCK_BOOTTIME now
 */
struct mapping {
	char queue[TQUEUE_NAME_MAX + 1];
	char uuid[38];
	uint64_t ttl;
	int64_t epoch_ns;
	int64_t boot_ns;
};

/**
 * struct published - the properties of one message, and what they point to
 * @properties: for librabbitmq
 * @message_id: "UUID/ID"
 * @expiration: milliseconds
 * @headers: tq-*
 */
struct published {
	amqp_basic_properties_t properties;
	char message_id[MESSAGE_ID_MAX];
	char expiration[24];
	amqp_table_entry_t headers[5];
};

void mapping_set(struct mapping *mapping, const struct tqueue_info *info);

/* Reads the clocks, for all messages until the next call. */
void mapping_look_at_clocks(struct mapping *mapping);

void mapping_publish(const struct mapping *mapping, struct published *published,
		     const struct tqueue_record *record);

/* The id in a message-id of this queue, or 0 if it is of another one. */
uint64_t mapping_id(const struct mapping *mapping, amqp_bytes_t message_id);

/* The priority in the queue for a message of the broker. */
uint32_t mapping_priority(const amqp_basic_properties_t *properties);

#endif /* PROPERTIES_H */
