// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a queue in numbers: TQUEUE_INFO.
 *
 * The numbers are consistent: they are read with both locks held.
 */
#include <linux/cred.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "space.h"
#include "states.h"
#include "tqueue.h"

/* Fill in the numbers of leases, delays and burials.  Both locks held. */
static void tq_stats_leases(const struct tqueue *queue,
			    struct tqueue_info *info)
{
	const struct tq_policy *policy = &queue->policy;
	const struct tq_rx *rx = &queue->rx;

	info->ttl = policy->ttl;
	info->lease_limit = policy->lease_limit;
	info->max_buried = tq_max_buried(queue);
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
 * tq_stats_info - fill in what TQUEUE_INFO returns
 * @queue: the queue, which has a device
 * @info: filled
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
	info->bytes = tq_queue_bytes(queue);
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
	if (tq_held_up(queue, info->messages))
		info->state |= TQUEUE_STATE_HELD_UP;
	tq_stats_leases(queue, info);
	info->readers = queue->opens.readers;
	info->writers = queue->opens.writers;
	info->blocked_senders = tx->blocked_count;
	owner = policy->owner;
	tq_unlock_both(queue);
	info->uid = from_kuid_munged(current_user_ns(), owner);
}
