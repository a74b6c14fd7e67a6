// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be read about a queue: its sysfs attributes, one value a file, and
 * the lines it adds to /proc/PID/fdinfo.
 *
 * Everything is read without a lock.  A number may be a moment older than its
 * neighbour, and each is one that was true.
 */
#include <linux/seq_file.h>
#include <linux/sysfs.h>

#include "message.h"
#include "tqueue.h"

static u64 tq_stats_messages(const struct tqueue *queue)
{
	/* In this order a message may be missed, but never counted below 0. */
	u64 taken = READ_ONCE(queue->taken);

	return READ_ONCE(queue->last_id) - taken;
}

static unsigned long tq_stats_bytes(const struct tqueue *queue)
{
	unsigned long limit = READ_ONCE(queue->limit);

	return READ_ONCE(queue->tail) - (limit - queue->ring.size);
}

static struct tqueue *tq_of_dev(struct device *dev)
{
	return container_of(dev, struct tqueue, dev);
}

static ssize_t size_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%lu\n", tq_of_dev(dev)->ring.size);
}
static DEVICE_ATTR_RO(size);

static ssize_t max_message_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", tq_of_dev(dev)->max_message);
}
static DEVICE_ATTR_RO(max_message);

static ssize_t messages_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%llu\n", tq_stats_messages(tq_of_dev(dev)));
}
static DEVICE_ATTR_RO(messages);

static ssize_t bytes_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%lu\n", tq_stats_bytes(tq_of_dev(dev)));
}
static DEVICE_ATTR_RO(bytes);

static struct attribute *tq_stats_attrs[] = {
	&dev_attr_size.attr,
	&dev_attr_max_message.attr,
	&dev_attr_messages.attr,
	&dev_attr_bytes.attr,
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

/**
 * tq_stats_fdinfo - what /proc/PID/fdinfo says of an open file
 * @seq: where to print
 * @file: the open file
 *
 * Context: Process context, takes receive_lock.
 */
void tq_stats_fdinfo(struct seq_file *seq, struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	struct tq_message *rest;
	size_t left = 0;

	mutex_lock(&queue->receive_lock);
	rest = file->rest;
	if (rest && rest != TQ_REST_IN_HAND)
		left = tq_message_left(rest);
	mutex_unlock(&queue->receive_lock);

	seq_printf(seq, "queue:\t%s\n", dev_name(&queue->dev));
	seq_printf(seq, "messages:\t%llu\n", tq_stats_messages(queue));
	seq_printf(seq, "bytes:\t%lu\n", tq_stats_bytes(queue));
	seq_printf(seq, "rest:\t%zu\n", left);
}
