// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be read about a queue: TQUEUE_INFO, and its sysfs attributes, one
 * value a file.
 *
 * The numbers of TQUEUE_INFO belong together: they are read with both locks held.
 * A sysfs attribute takes no lock, so that those who may read it cannot hold up
 * the queue.  A difference of two counts that change meanwhile may then come out
 * below zero, and is shown as zero.
 */
#include <linux/cred.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "space.h"
#include "tqueue.h"

/* What there is to know about leases and the like.  Both locks held. */
static void tq_stats_leases(const struct tqueue *queue,
			    struct tqueue_info *info)
{
	const struct tq_policy *policy = &queue->policy;
	const struct tq_rx *rx = &queue->rx;

	info->ttl = policy->ttl;
	info->lease_limit = policy->lease_limit;
	info->max_buried = policy->max_buried ?: queue->ring.size / 4;
	info->leased = rx->leased.count;
	info->leased_bytes = rx->leased.bytes;
	info->delayed = rx->delayed.count;
	info->delayed_bytes = rx->delayed.bytes;
	info->buried = rx->buried.count;
	info->buried_bytes = rx->buried.bytes;
	info->ever_leased = tq_counter_get(&rx->ever_leased);
	info->ever_acknowledged = tq_counter_get(&rx->ever_acknowledged);
	info->ever_requeued = tq_counter_get(&rx->ever_requeued);
	info->ever_expired = tq_counter_get(&rx->ever_expired);
	info->ever_buried = tq_counter_get(&rx->ever_buried);
	info->on_expired = policy->on_expired;
	info->max_attempts = policy->max_attempts;
	info->on_exhausted = policy->on_exhausted;
	info->max_leased = policy->max_leased;
	info->unique = policy->unique;
}

/**
 * tq_stats_info - what there is to know about a queue
 * @queue: the queue, which has a device
 * @info: what to fill
 *
 * Context: Process context, takes both locks.
 */
void tq_stats_info(struct tqueue *queue, struct tqueue_info *info)
{
	const struct tq_policy *policy = &queue->policy;
	const struct tq_tx *tx = &queue->tx;
	const struct tq_rx *rx = &queue->rx;
	kuid_t owner;

	memset(info, 0, sizeof(*info));
	strscpy(info->name, dev_name(&queue->dev), sizeof(info->name));
	export_uuid(info->uuid, &queue->uuid);
	info->features = TQ_FEATURES;
	info->major = MAJOR(queue->dev.devt);
	info->minor = MINOR(queue->dev.devt);

	tq_lock_both(queue);
	info->size = queue->ring.size;
	info->max_message = policy->max_message;
	info->bytes = tq_queue_bytes(queue) - rx->store.void_bytes;
	info->last_id = tq_counter_get(&tx->last_id);
	info->sent = tq_counter_get(&tx->sent);
	info->dropped = tq_counter_get(&rx->dropped);
	info->in_flight = rx->flights_begun - rx->flights_ended -
			  rx->leased.count - rx->delayed.count;
	info->messages = info->sent - tq_counter_get(&rx->gone);
	info->received = tq_counter_get(&rx->gone) - info->dropped -
			 info->in_flight - rx->leased.count -
			 rx->delayed.count - rx->buried.count;
	info->overflow = policy->overflow;
	info->end_of_file = policy->end_of_file;
	info->no_reader = policy->no_reader;
	if (policy->shutdown_error)
		info->state |= TQUEUE_STATE_STOPPED;
	if (rx->paused)
		info->state |= TQUEUE_STATE_PAUSED;
	if (tx->blocked_count && !info->messages && rx->leased.count)
		info->state |= TQUEUE_STATE_HELD_UP;
	tq_stats_leases(queue, info);
	info->readers = queue->opens.readers;
	info->writers = queue->opens.writers;
	info->blocked_senders = tx->blocked_count;
	owner = policy->owner;
	tq_unlock_both(queue);
	info->uid = from_kuid_munged(current_user_ns(), owner);
}

static u64 tq_difference(u64 from, u64 less)
{
	return from > less ? from - less : 0;
}

/* Leased, delayed and in flight. */
static u64 tq_flights(const struct tqueue *queue)
{
	u32 ended = READ_ONCE(queue->rx.flights_ended);

	return max_t(s32, READ_ONCE(queue->rx.flights_begun) - ended, 0);
}

static u64 tq_in_flight(const struct tqueue *queue)
{
	u64 others = (u64)READ_ONCE(queue->rx.leased.count) +
		     READ_ONCE(queue->rx.delayed.count);

	return tq_difference(tq_flights(queue), others);
}

static u64 tq_received(const struct tqueue *queue)
{
	u64 gone = tq_counter_read(&queue->rx.gone);

	return tq_difference(gone, tq_counter_read(&queue->rx.dropped) +
				   READ_ONCE(queue->rx.buried.count) +
				   tq_flights(queue));
}

static u64 tq_messages(const struct tqueue *queue)
{
	u64 gone = tq_counter_read(&queue->rx.gone);

	return tq_difference(tq_counter_read(&queue->tx.sent), gone);
}

static u64 tq_bytes(const struct tqueue *queue)
{
	unsigned long from = READ_ONCE(queue->rx.limit) -
			     READ_ONCE(queue->ring.size);

	return max_t(long, READ_ONCE(queue->tx.pos) - from, 0);
}

/* Shows a number. */
#define TQ_SHOW_NUMBER(name, expression)				\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	const struct tqueue *queue = to_tqueue(dev);			\
									\
	return sysfs_emit(buf, "%llu\n", (u64)(expression));		\
}									\
static DEVICE_ATTR_RO(name)

TQ_SHOW_NUMBER(size, READ_ONCE(queue->ring.size));
TQ_SHOW_NUMBER(max_message, READ_ONCE(queue->policy.max_message));
TQ_SHOW_NUMBER(messages, tq_messages(queue));
TQ_SHOW_NUMBER(bytes, tq_bytes(queue));
TQ_SHOW_NUMBER(sent, tq_counter_read(&queue->tx.sent));
TQ_SHOW_NUMBER(received, tq_received(queue));
TQ_SHOW_NUMBER(dropped, tq_counter_read(&queue->rx.dropped));
TQ_SHOW_NUMBER(in_flight, tq_in_flight(queue));
TQ_SHOW_NUMBER(leased, READ_ONCE(queue->rx.leased.count));
TQ_SHOW_NUMBER(leased_bytes, READ_ONCE(queue->rx.leased.bytes));
TQ_SHOW_NUMBER(delayed, READ_ONCE(queue->rx.delayed.count));
TQ_SHOW_NUMBER(delayed_bytes, READ_ONCE(queue->rx.delayed.bytes));
TQ_SHOW_NUMBER(buried, READ_ONCE(queue->rx.buried.count));
TQ_SHOW_NUMBER(buried_bytes, READ_ONCE(queue->rx.buried.bytes));
TQ_SHOW_NUMBER(ever_leased, tq_counter_read(&queue->rx.ever_leased));
TQ_SHOW_NUMBER(ever_acknowledged,
	       tq_counter_read(&queue->rx.ever_acknowledged));
TQ_SHOW_NUMBER(ever_requeued, tq_counter_read(&queue->rx.ever_requeued));
TQ_SHOW_NUMBER(ever_expired, tq_counter_read(&queue->rx.ever_expired));
TQ_SHOW_NUMBER(ever_buried, tq_counter_read(&queue->rx.ever_buried));
TQ_SHOW_NUMBER(paused, READ_ONCE(queue->rx.paused));
TQ_SHOW_NUMBER(readers, READ_ONCE(queue->opens.readers));
TQ_SHOW_NUMBER(writers, READ_ONCE(queue->opens.writers));
TQ_SHOW_NUMBER(blocked_senders, READ_ONCE(queue->tx.blocked_count));

/* Shows a choice by its name. */
#define TQ_SHOW_CHOICE(name, choice)					\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	const struct tqueue *queue = to_tqueue(dev);			\
									\
	return sysfs_emit(buf, "%s\n", tq_##name##_names[READ_ONCE(choice)]); \
}									\
static DEVICE_ATTR_RO(name)

static const char * const tq_overflow_names[] = {
	[TQUEUE_OVERFLOW_BLOCK]		= "block",
	[TQUEUE_OVERFLOW_REJECT]	= "reject",
	[TQUEUE_OVERFLOW_DROP_OLDEST]	= "drop-oldest",
};

TQ_SHOW_CHOICE(overflow, queue->policy.overflow);

static const char * const tq_end_of_file_names[] = {
	[TQUEUE_EOF_NEVER]		= "never",
	[TQUEUE_EOF_LAST_WRITER]	= "last-writer",
};

TQ_SHOW_CHOICE(end_of_file, queue->policy.end_of_file);

static const char * const tq_no_reader_names[] = {
	[TQUEUE_NO_READER_KEEP]		= "keep",
	[TQUEUE_NO_READER_ERROR]	= "error",
};

TQ_SHOW_CHOICE(no_reader, queue->policy.no_reader);

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%s\n", tq_shutdown_error(to_tqueue(dev)) ?
				       "stopped" : "started");
}
static DEVICE_ATTR_RO(state);

static ssize_t uuid_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%pUb\n", &to_tqueue(dev)->uuid);
}
static DEVICE_ATTR_RO(uuid);

static ssize_t owner_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	kuid_t owner = READ_ONCE(to_tqueue(dev)->policy.owner);

	return sysfs_emit(buf, "%u\n",
			  from_kuid_munged(current_user_ns(), owner));
}
static DEVICE_ATTR_RO(owner);

static struct attribute *tq_stats_attrs[] = {
	&dev_attr_uuid.attr,
	&dev_attr_owner.attr,
	&dev_attr_size.attr,
	&dev_attr_max_message.attr,
	&dev_attr_overflow.attr,
	&dev_attr_end_of_file.attr,
	&dev_attr_no_reader.attr,
	&dev_attr_state.attr,
	&dev_attr_messages.attr,
	&dev_attr_bytes.attr,
	&dev_attr_sent.attr,
	&dev_attr_received.attr,
	&dev_attr_dropped.attr,
	&dev_attr_in_flight.attr,
	&dev_attr_leased.attr,
	&dev_attr_leased_bytes.attr,
	&dev_attr_delayed.attr,
	&dev_attr_delayed_bytes.attr,
	&dev_attr_buried.attr,
	&dev_attr_buried_bytes.attr,
	&dev_attr_ever_leased.attr,
	&dev_attr_ever_acknowledged.attr,
	&dev_attr_ever_requeued.attr,
	&dev_attr_ever_expired.attr,
	&dev_attr_ever_buried.attr,
	&dev_attr_paused.attr,
	&dev_attr_readers.attr,
	&dev_attr_writers.attr,
	&dev_attr_blocked_senders.attr,
	NULL
};
ATTRIBUTE_GROUPS(tq_stats);

/**
 * tq_stats_groups_get - the sysfs attributes of a queue's device
 *
 * Context: Any.
 * Return: what to put into &device.groups.
 */
const struct attribute_group **tq_stats_groups_get(void)
{
	return tq_stats_groups;
}
