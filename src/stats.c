// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be read about a queue: TQUEUE_INFO, its sysfs attributes, one value
 * a file, and the lines it adds to /proc/PID/fdinfo.
 *
 * Everything is read with both locks held, so that the numbers of one call
 * belong together.
 */
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "message.h"
#include "tqueue.h"

/**
 * tq_stats_info - what there is to know about a queue
 * @queue: the queue, which has a device
 * @info: what to fill
 *
 * Context: Process context, takes both locks.
 */
void tq_stats_info(struct tqueue *queue, struct tqueue_info *info)
{
	memset(info, 0, sizeof(*info));
	strscpy(info->name, dev_name(&queue->dev), sizeof(info->name));
	info->features = TQ_FEATURES;
	info->major = MAJOR(queue->dev.devt);
	info->minor = MINOR(queue->dev.devt);

	tq_lock_both(queue);
	info->size = queue->ring.size;
	info->max_message = queue->max_message;
	info->bytes = tq_queue_bytes(queue);
	info->messages = queue->last_id - queue->taken;
	info->received = queue->taken - queue->lost;
	info->dropped = queue->lost;
	info->last_id = queue->last_id;
	info->overflow = queue->overflow;
	info->end_of_file = queue->end_of_file;
	if (queue->closed)
		info->state |= TQUEUE_STATE_STOPPED;
	info->readers = queue->read_files;
	info->writers = queue->write_files;
	info->in_flight = queue->hands - queue->hands_done;
	tq_unlock_both(queue);
}

/* Shows a number of struct tqueue_info. */
#define TQ_SHOW_NUMBER(field)						\
static ssize_t field##_show(struct device *dev,				\
			    struct device_attribute *attr, char *buf)	\
{									\
	struct tqueue_info info;					\
									\
	tq_stats_info(tq_of_dev(dev), &info);				\
	return sysfs_emit(buf, "%llu\n", (u64)info.field);		\
}

TQ_SHOW_NUMBER(size)
static DEVICE_ATTR_RO(size);

TQ_SHOW_NUMBER(max_message)
static DEVICE_ATTR_RO(max_message);

TQ_SHOW_NUMBER(messages)
static DEVICE_ATTR_RO(messages);

TQ_SHOW_NUMBER(bytes)
static DEVICE_ATTR_RO(bytes);

TQ_SHOW_NUMBER(received)
static DEVICE_ATTR_RO(received);

TQ_SHOW_NUMBER(dropped)
static DEVICE_ATTR_RO(dropped);

TQ_SHOW_NUMBER(readers)
static DEVICE_ATTR_RO(readers);

TQ_SHOW_NUMBER(writers)
static DEVICE_ATTR_RO(writers);

TQ_SHOW_NUMBER(in_flight)
static DEVICE_ATTR_RO(in_flight);

static const char * const tq_overflows[] = {
	[TQUEUE_OVERFLOW_BLOCK]		= "block",
	[TQUEUE_OVERFLOW_REJECT]	= "reject",
	[TQUEUE_OVERFLOW_DROP_OLDEST]	= "drop-oldest",
};

static ssize_t overflow_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct tqueue *queue = tq_of_dev(dev);

	return sysfs_emit(buf, "%s\n",
			  tq_overflows[READ_ONCE(queue->overflow)]);
}
static DEVICE_ATTR_RO(overflow);

static const char * const tq_ends_of_file[] = {
	[TQUEUE_EOF_NEVER]		= "never",
	[TQUEUE_EOF_LAST_WRITER]	= "last-writer",
};

static ssize_t end_of_file_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct tqueue *queue = tq_of_dev(dev);

	return sysfs_emit(buf, "%s\n",
			  tq_ends_of_file[READ_ONCE(queue->end_of_file)]);
}
static DEVICE_ATTR_RO(end_of_file);

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  tq_closed(tq_of_dev(dev)) ? "stopped" : "started");
}
static DEVICE_ATTR_RO(state);

static struct attribute *tq_stats_attrs[] = {
	&dev_attr_size.attr,
	&dev_attr_max_message.attr,
	&dev_attr_overflow.attr,
	&dev_attr_end_of_file.attr,
	&dev_attr_state.attr,
	&dev_attr_messages.attr,
	&dev_attr_bytes.attr,
	&dev_attr_received.attr,
	&dev_attr_dropped.attr,
	&dev_attr_readers.attr,
	&dev_attr_writers.attr,
	&dev_attr_in_flight.attr,
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
 * Context: Process context, takes both locks.
 */
void tq_stats_fdinfo(struct seq_file *seq, struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	struct tqueue_info info;
	struct tq_message *rest;
	size_t left = 0;

	mutex_lock(&queue->receive_lock);
	rest = file->rest;
	if (rest && rest != TQ_REST_IN_HAND)
		left = tq_message_left(rest);
	mutex_unlock(&queue->receive_lock);

	tq_stats_info(queue, &info);
	seq_printf(seq, "queue:\t%s\n", info.name);
	seq_printf(seq, "messages:\t%llu\n", info.messages);
	seq_printf(seq, "bytes:\t%llu\n", info.bytes);
	seq_printf(seq, "partial:\t%zu\n", left);
}
