// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "properties.h"

/* Written to the disk, so that it outlives the broker. */
#define PERSISTENT	2

void mapping_set(struct mapping *mapping, const struct tqueue_info *info)
{
	const unsigned char *u = info->uuid;

	snprintf(mapping->queue, sizeof(mapping->queue), "%s", info->name);
	snprintf(mapping->uuid, sizeof(mapping->uuid),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x/", u[0],
		 u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		 u[13], u[14], u[15]);
	mapping->ttl = info->ttl;
	mapping_look_at_clocks(mapping);
}

void mapping_look_at_clocks(struct mapping *mapping)
{
	mapping->boot_ns = (int64_t)clock_ns(CLOCK_BOOTTIME);
	mapping->epoch_ns = (int64_t)clock_ns(CLOCK_REALTIME) - mapping->boot_ns;
}

static void add_header(struct published *published, const char *name, int64_t value)
{
	amqp_table_t *headers = &published->properties.headers;
	amqp_table_entry_t *entry = &published->headers[headers->num_entries++];

	entry->key = amqp_cstring_bytes(name);
	entry->value.kind = AMQP_FIELD_KIND_I64;
	entry->value.value.i64 = value;
}

/* Adds the time that the message has left, so that the broker keeps to it. */
static void add_expiration(const struct mapping *mapping, struct published *published,
			   int64_t sent_ns)
{
	int64_t left = (int64_t)mapping->ttl - (mapping->boot_ns - sent_ns);

	/* A message that has just expired gets the shortest time. */
	if (left < (int64_t)NS_PER_MS)
		left = (int64_t)NS_PER_MS;
	snprintf(published->expiration, sizeof(published->expiration), "%lld",
		 (long long)(left / (int64_t)NS_PER_MS));
	published->properties.expiration = amqp_cstring_bytes(published->expiration);
	published->properties._flags |= AMQP_BASIC_EXPIRATION_FLAG;
}

/* Writes "%s%llu" by hand, because snprintf(3) is too slow for each message. */
static void set_message_id(const struct mapping *mapping, struct published *published, uint64_t id)
{
	const size_t length = sizeof(mapping->uuid) - 1;
	char *end = published->message_id + sizeof(published->message_id);
	char *digit = end;

	do {
		*--digit = (char)('0' + id % 10);
		id /= 10;
	} while (id);
	digit -= length;
	memcpy(digit, mapping->uuid, length);
	published->properties.message_id = (amqp_bytes_t){ (size_t)(end - digit), digit };
}

void mapping_publish(const struct mapping *mapping, struct published *published,
		     const struct tqueue_record *record)
{
	amqp_basic_properties_t *properties = &published->properties;
	int64_t sent_ns = record->sent_ns + mapping->epoch_ns;

	memset(properties, 0, sizeof(*properties));
	properties->_flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
			     AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_HEADERS_FLAG;
	properties->delivery_mode = PERSISTENT;
	set_message_id(mapping, published, record->id);
	properties->timestamp = sent_ns > 0 ? (uint64_t)sent_ns / NS_PER_S : 0;
	if (record->priority) {
		properties->priority = record->priority;
		properties->_flags |= AMQP_BASIC_PRIORITY_FLAG;
	}
	if (mapping->ttl)
		add_expiration(mapping, published, record->sent_ns);
	properties->headers.entries = published->headers;
	add_header(published, "tq-uid", record->uid);
	add_header(published, "tq-pid", record->pid);
	add_header(published, "tq-sent", sent_ns);
	add_header(published, "tq-attempts", record->attempts);
}

uint64_t mapping_id(const struct mapping *mapping, amqp_bytes_t message_id)
{
	const size_t length = sizeof(mapping->uuid) - 1;
	char digits[MESSAGE_ID_MAX];

	if (message_id.len <= length || message_id.len - length >= sizeof(digits) ||
	    memcmp(message_id.bytes, mapping->uuid, length))
		return 0;
	memcpy(digits, (char *)message_id.bytes + length, message_id.len - length);
	digits[message_id.len - length] = '\0';
	return strtoull(digits, NULL, 10);
}

uint32_t mapping_priority(const amqp_basic_properties_t *properties)
{
	if (!(properties->_flags & AMQP_BASIC_PRIORITY_FLAG))
		return 0;
	return properties->priority < TQUEUE_PRIORITY_MAX ? properties->priority
							  : TQUEUE_PRIORITY_MAX;
}
