// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sysfs attributes of a queue, one value in each file.
 *
 * Reading an attribute takes no lock, so readers cannot hold up the queue.  The
 * age of the oldest message and the histograms are exceptions: they take
 * rx.lock for a moment.  A number that is computed from several is read until
 * two results agree; see tq_look().  Writing an attribute needs the right to
 * configure the queue.
 */
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "clock.h"
#include "observe.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"

#define TQ_LOOKS	8	/* how often tq_look() reads before it gives up */

static u64 tq_difference(u64 from, u64 less)
{
	return from > less ? from - less : 0;
}

/* How many messages are leased, delayed or in flight. */
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

	return max_t(long, READ_ONCE(queue->tx.pos) - from -
			   READ_ONCE(queue->rx.store.void_bytes), 0);
}

static u64 tq_ready_bytes(const struct tqueue *queue)
{
	u64 others = (u64)READ_ONCE(queue->rx.leased.bytes) +
		     READ_ONCE(queue->rx.delayed.bytes) +
		     READ_ONCE(queue->rx.buried.bytes);

	return tq_difference(tq_bytes(queue), others);
}

/*
 * Compute a number from several until two results in a row are equal.  The
 * numbers change meanwhile, and a reader that is delayed between two of them
 * may compute more messages than the queue can hold.  The next result shows
 * that.
 */
static u64 tq_look(const struct tqueue *queue,
		   u64 (*compute)(const struct tqueue *queue))
{
	u64 number = compute(queue), before;
	int looks = 1;

	do {
		before = number;
		number = compute(queue);
	} while (number != before && ++looks < TQ_LOOKS);
	return number;
}

/* An attribute that shows a number. */
#define TQ_SHOW_NUMBER(name, expression)				\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	const struct tqueue *queue = to_tqueue(dev);			\
									\
	return sysfs_emit(buf, "%llu\n", (u64)(expression));		\
}									\
static DEVICE_ATTR_RO(name)

TQ_SHOW_NUMBER(messages, tq_look(queue, tq_messages));
TQ_SHOW_NUMBER(ready_bytes, tq_look(queue, tq_ready_bytes));
TQ_SHOW_NUMBER(bytes, tq_look(queue, tq_bytes));
TQ_SHOW_NUMBER(received, tq_look(queue, tq_received));
TQ_SHOW_NUMBER(in_flight, tq_look(queue, tq_in_flight));
TQ_SHOW_NUMBER(sent, tq_counter_read(&queue->tx.sent));
TQ_SHOW_NUMBER(dropped, tq_counter_read(&queue->rx.dropped));
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
TQ_SHOW_NUMBER(readers, READ_ONCE(queue->opens.readers));
TQ_SHOW_NUMBER(writers, READ_ONCE(queue->opens.writers));
TQ_SHOW_NUMBER(blocked_senders, READ_ONCE(queue->tx.blocked_count));
TQ_SHOW_NUMBER(sleeping_readers,
	       atomic_read(&queue->waiters.sleeping_readers));

/* The age of the oldest ready message in nanoseconds; 0 if there is none. */
static ssize_t oldest_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct tqueue *queue = to_tqueue(dev);
	s64 now, sent = S64_MAX;

	mutex_lock(&queue->rx.lock);
	if (!tq_removed(queue))
		sent = tq_store_oldest_sent(&queue->rx.store);
	now = tq_coarse_boottime();
	mutex_unlock(&queue->rx.lock);
	return sysfs_emit(buf, "%lld\n", max(now - min(sent, now), 0LL));
}
static DEVICE_ATTR_RO(oldest);

/* Write an attribute: configures the queue as TQUEUE_SET does. */
static ssize_t tq_configure(struct device *dev, struct tqueue_config *config,
			    u64 field, size_t count)
{
	struct tqueue *queue = to_tqueue(dev);
	int ret;

	if (!tq_may_configure(queue))
		return -EPERM;
	config->fields = field;
	ret = tq_config_set(queue, config);
	return ret ?: count;
}

/*
 * An attribute that is a number of at most @most and can be set.  @target is
 * its field in the configuration.
 */
#define TQ_POLICY_NUMBER(name, target, most, field, expression)		\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	const struct tqueue *queue = to_tqueue(dev);			\
									\
	return sysfs_emit(buf, "%llu\n", (u64)(expression));		\
}									\
									\
static ssize_t name##_store(struct device *dev,				\
			    struct device_attribute *attr,		\
			    const char *buf, size_t count)		\
{									\
	struct tqueue_config config = {};				\
	u64 value;							\
	int ret = kstrtou64(buf, 0, &value);				\
									\
	if (ret)							\
		return ret;						\
	if (value > (most))						\
		return -EINVAL;						\
	config.target = value;						\
	return tq_configure(dev, &config, field, count);		\
}									\
static DEVICE_ATTR_RW(name)

TQ_POLICY_NUMBER(size, size, U64_MAX, TQUEUE_CONFIG_SIZE,
		 READ_ONCE(queue->ring.size));
TQ_POLICY_NUMBER(max_message, max_message, U64_MAX, TQUEUE_CONFIG_MAX_MESSAGE,
		 READ_ONCE(queue->policy.max_message));
TQ_POLICY_NUMBER(ttl, ttl, U64_MAX, TQUEUE_CONFIG_TTL,
		 READ_ONCE(queue->policy.ttl));
TQ_POLICY_NUMBER(max_attempts, max_attempts, U32_MAX, TQUEUE_CONFIG_MAX_ATTEMPTS,
		 READ_ONCE(queue->policy.max_attempts));
TQ_POLICY_NUMBER(lease_limit, lease_limit, U64_MAX, TQUEUE_CONFIG_LEASE_LIMIT,
		 READ_ONCE(queue->policy.lease_limit));
TQ_POLICY_NUMBER(max_leased, max_leased, U32_MAX, TQUEUE_CONFIG_MAX_LEASED,
		 READ_ONCE(queue->policy.max_leased));
TQ_POLICY_NUMBER(max_buried, max_buried, U64_MAX, TQUEUE_CONFIG_MAX_BURIED,
		 tq_max_buried(queue));

/*
 * An attribute that is one of several names.  @target is its field in the
 * configuration, and @now its value.
 */
#define TQ_POLICY_CHOICE(name, target, field, now)			\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	const struct tqueue *queue = to_tqueue(dev);			\
									\
	return sysfs_emit(buf, "%s\n", tq_##name##_names[READ_ONCE(now)]); \
}									\
									\
static ssize_t name##_store(struct device *dev,				\
			    struct device_attribute *attr,		\
			    const char *buf, size_t count)		\
{									\
	struct tqueue_config config = {};				\
	int choice = sysfs_match_string(tq_##name##_names, buf);	\
									\
	if (choice < 0)							\
		return choice;						\
	config.target = choice;						\
	return tq_configure(dev, &config, field, count);		\
}									\
static DEVICE_ATTR_RW(name)

static const char * const tq_overflow_names[] = {
	[TQUEUE_OVERFLOW_BLOCK]		= "block",
	[TQUEUE_OVERFLOW_REJECT]	= "reject",
	[TQUEUE_OVERFLOW_DROP_OLDEST]	= "drop-oldest",
};

TQ_POLICY_CHOICE(overflow, overflow, TQUEUE_CONFIG_OVERFLOW,
		 queue->policy.overflow);

static const char * const tq_end_of_file_names[] = {
	[TQUEUE_EOF_NEVER]		= "never",
	[TQUEUE_EOF_LAST_WRITER]	= "last-writer",
};

TQ_POLICY_CHOICE(end_of_file, end_of_file, TQUEUE_CONFIG_END_OF_FILE,
		 queue->policy.end_of_file);

static const char * const tq_no_reader_names[] = {
	[TQUEUE_NO_READER_KEEP]		= "keep",
	[TQUEUE_NO_READER_ERROR]	= "error",
};

TQ_POLICY_CHOICE(no_reader, no_reader, TQUEUE_CONFIG_NO_READER,
		 queue->policy.no_reader);

static const char * const tq_on_expired_names[] = {
	[TQUEUE_EXPIRED_DROP]		= "drop",
	[TQUEUE_EXPIRED_BURY]		= "bury",
};

TQ_POLICY_CHOICE(on_expired, on_expired, TQUEUE_CONFIG_ON_EXPIRED,
		 queue->policy.on_expired);

static const char * const tq_on_exhausted_names[] = {
	[TQUEUE_EXHAUSTED_BURY]		= "bury",
	[TQUEUE_EXHAUSTED_DROP]		= "drop",
};

TQ_POLICY_CHOICE(on_exhausted, on_exhausted, TQUEUE_CONFIG_ON_EXHAUSTED,
		 queue->policy.on_exhausted);

static const char * const tq_unique_names[] = {
	[TQUEUE_UNIQUE_USER]		= "user",
	[TQUEUE_UNIQUE_QUEUE]		= "queue",
};

TQ_POLICY_CHOICE(unique, unique, TQUEUE_CONFIG_UNIQUE,
		 queue->policy.unique);

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	const struct tqueue *queue = to_tqueue(dev);
	u64 messages = tq_look(queue, tq_messages);

	return sysfs_emit(buf, "%s%s%s\n",
			  tq_shutdown_error(queue) ? "stopped" : "started",
			  READ_ONCE(queue->rx.paused) ? " paused" : "",
			  tq_held_up(queue, messages) ? " held-up" : "");
}
static DEVICE_ATTR_RO(state);

/* Histograms are on or off. */
static ssize_t histograms_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	const struct tqueue *queue = to_tqueue(dev);

	return sysfs_emit(buf, "%d\n", !!READ_ONCE(queue->rx.histograms));
}

static ssize_t histograms_store(struct device *dev,
				struct device_attribute *attr, const char *buf,
				size_t count)
{
	struct tqueue *queue = to_tqueue(dev);
	bool on;
	int ret;

	if (!tq_may_configure(queue))
		return -EPERM;
	ret = kstrtobool(buf, &on);
	if (!ret)
		ret = tq_observe(queue, on);
	return ret ?: count;
}
static DEVICE_ATTR_RW(histograms);

/* A histogram in one line: its counts, the shortest times first, and the sum. */
static ssize_t tq_show_histogram(struct tqueue *queue, size_t offset, char *buf)
{
	const struct tq_histograms *histograms;
	const struct tq_histogram *histogram;
	ssize_t length = 0;
	int i;

	/* The lock keeps the histograms, and their counts consistent. */
	mutex_lock(&queue->rx.lock);
	histograms = queue->rx.histograms;
	if (histograms) {
		histogram = (const void *)histograms + offset;
		for (i = 0; i < TQ_HISTOGRAM_BUCKETS; i++)
			length += sysfs_emit_at(buf, length, "%llu ",
						histogram->buckets[i]);
		length += sysfs_emit_at(buf, length, "%llu", histogram->sum);
	}
	mutex_unlock(&queue->rx.lock);
	return length + sysfs_emit_at(buf, length, "\n");
}

static ssize_t wait_histogram_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	return tq_show_histogram(to_tqueue(dev),
				 offsetof(struct tq_histograms, wait), buf);
}
static DEVICE_ATTR_RO(wait_histogram);

static ssize_t lease_histogram_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return tq_show_histogram(to_tqueue(dev),
				 offsetof(struct tq_histograms, held), buf);
}
static DEVICE_ATTR_RO(lease_histogram);

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

static struct attribute *tq_sysfs_attrs[] = {
	&dev_attr_uuid.attr,
	&dev_attr_owner.attr,
	&dev_attr_size.attr,
	&dev_attr_max_message.attr,
	&dev_attr_overflow.attr,
	&dev_attr_end_of_file.attr,
	&dev_attr_no_reader.attr,
	&dev_attr_ttl.attr,
	&dev_attr_on_expired.attr,
	&dev_attr_max_attempts.attr,
	&dev_attr_on_exhausted.attr,
	&dev_attr_lease_limit.attr,
	&dev_attr_max_leased.attr,
	&dev_attr_max_buried.attr,
	&dev_attr_unique.attr,
	&dev_attr_state.attr,
	&dev_attr_messages.attr,
	&dev_attr_bytes.attr,
	&dev_attr_ready_bytes.attr,
	&dev_attr_oldest.attr,
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
	&dev_attr_readers.attr,
	&dev_attr_writers.attr,
	&dev_attr_blocked_senders.attr,
	&dev_attr_sleeping_readers.attr,
	&dev_attr_histograms.attr,
	&dev_attr_wait_histogram.attr,
	&dev_attr_lease_histogram.attr,
	NULL
};
ATTRIBUTE_GROUPS(tq_sysfs);

/**
 * tq_sysfs_groups_get - the sysfs attributes of a queue's device
 *
 * Context: Any.
 * Return: what to put into &device.groups.
 */
const struct attribute_group **tq_sysfs_groups_get(void)
{
	return tq_sysfs_groups;
}
