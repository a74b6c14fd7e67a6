// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be chosen for a queue (struct tqueue_config), and chosen anew while
 * messages flow.
 *
 * A new size means a new ring.  It is allocated with no lock held; then what
 * stands in the old one is copied to the same positions, with both locks held.
 */
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "tqueue.h"
#include "wake.h"

/* Of a queue whose creator did not choose: what cp writes at once fits. */
#define TQ_SIZE_DEFAULT	((unsigned long)SZ_2M)

#define TQ_CONFIG_FIELDS	(TQUEUE_CONFIG_SIZE |		\
				 TQUEUE_CONFIG_MAX_MESSAGE |	\
				 TQUEUE_CONFIG_OVERFLOW |	\
				 TQUEUE_CONFIG_END_OF_FILE)

/**
 * tq_config_check - whether a configuration makes sense by itself
 * @config: from user space, copied; may change no more
 *
 * Context: Any.
 * Return: 0 or -EINVAL.
 */
int tq_config_check(const struct tqueue_config *config)
{
	if (config->fields & ~TQ_CONFIG_FIELDS)
		return -EINVAL;
	if (config->fields & TQUEUE_CONFIG_SIZE &&
	    (!config->size || config->size > TQ_RING_SIZE_MAX))
		return -EINVAL;
	if (config->fields & TQUEUE_CONFIG_OVERFLOW &&
	    config->overflow > TQUEUE_OVERFLOW_DROP_OLDEST)
		return -EINVAL;
	if (config->fields & TQUEUE_CONFIG_END_OF_FILE &&
	    config->end_of_file > TQUEUE_EOF_LAST_WRITER)
		return -EINVAL;
	return 0;
}

/**
 * tq_config_size - the size of the ring that a configuration asks for
 * @config: found right by tq_config_check()
 *
 * Context: Any.
 * Return: bytes, a power of two of whole pages.
 */
unsigned long tq_config_size(const struct tqueue_config *config)
{
	if (!(config->fields & TQUEUE_CONFIG_SIZE))
		return TQ_SIZE_DEFAULT;
	return max(roundup_pow_of_two((unsigned long)config->size), PAGE_SIZE);
}

/**
 * tq_config_apply - give a queue a configuration, but for its size
 * @queue: the queue
 * @config: found right by tq_config_check()
 * @size: bytes of the ring that it has or is about to get
 *
 * Context: Both locks held.
 * Return: 0; -EINVAL when messages would not fit the ring, and nothing changed.
 */
int tq_config_apply(struct tqueue *queue, const struct tqueue_config *config,
		    unsigned long size)
{
	unsigned long most = tq_ring_length_max(size);
	unsigned long max_message = queue->max_message;
	bool follows = queue->max_follows;

	lockdep_assert_held(&queue->send_lock);
	lockdep_assert_held(&queue->receive_lock);

	if (config->fields & TQUEUE_CONFIG_MAX_MESSAGE) {
		if (config->max_message > most)
			return -EINVAL;
		max_message = config->max_message;
		follows = !max_message;
	}
	if (follows)
		max_message = most;
	if (max_message > most)
		return -EINVAL;

	WRITE_ONCE(queue->max_message, max_message);
	queue->max_follows = follows;
	if (config->fields & TQUEUE_CONFIG_OVERFLOW)
		WRITE_ONCE(queue->overflow, config->overflow);
	if (config->fields & TQUEUE_CONFIG_END_OF_FILE)
		WRITE_ONCE(queue->end_of_file, config->end_of_file);
	return 0;
}

/* Give the queue a ring that what it holds fits.  Both locks held. */
static void tq_swap_ring(struct tqueue *queue, struct tq_ring *ring)
{
	WRITE_ONCE(queue->limit,
		   queue->limit + ring->size - queue->ring.size);
	queue->limit_seen = queue->limit;
	tq_ring_replace(&queue->ring, ring, queue->head, queue->tail);
}

/*
 * With both locks held.  @ring is the new one if its size is not 0.  -EAGAIN: it
 * counts for too little now, and another one is needed.
 */
static int tq_config_change(struct tqueue *queue,
			    const struct tqueue_config *config,
			    struct tq_ring *ring)
{
	unsigned long size = ring->size ?: queue->ring.size;
	int ret;

	if (queue->closed == -EIDRM)
		return -EIDRM;
	if (ring->size &&
	    (tq_queue_bytes(queue) > size || !tq_line_fits(queue, size)))
		return -EBUSY;
	/* Another one has replaced the ring meanwhile. */
	if (ring->owed > queue->ring.charged)
		return -EAGAIN;
	ret = tq_config_apply(queue, config, size);
	if (ret)
		return ret;
	if (ring->size)
		tq_swap_ring(queue, ring);
	if (queue->overflow == TQUEUE_OVERFLOW_REJECT && !queue->closed)
		tq_line_fail(queue, -EAGAIN);
	return 0;
}

static unsigned long tq_ring_charged(struct tqueue *queue)
{
	unsigned long charged;

	mutex_lock(&queue->send_lock);
	charged = queue->ring.charged;
	mutex_unlock(&queue->send_lock);
	return charged;
}

/**
 * tq_config_set - change the configuration of a queue while it is in use
 * @queue: the queue
 * @config: what shall change, copied from user space
 *
 * Context: Process context, may sleep; takes both locks.
 * Return: 0; -EINVAL; -EBUSY when the queue holds more than the new size;
 * -ENOMEM, -ENOSPC, -EINTR from making the new ring; -EIDRM.  If it is not 0,
 * nothing changed.
 */
int tq_config_set(struct tqueue *queue, const struct tqueue_config *config)
{
	struct tq_ring ring = {};
	int ret;

	ret = tq_config_check(config);
	if (ret)
		return ret;
	do {
		if (config->fields & TQUEUE_CONFIG_SIZE) {
			ret = tq_ring_alloc(&ring, tq_config_size(config),
					    queue->free, tq_ring_charged(queue));
			if (ret)
				return ret;
		}
		tq_lock_both(queue);
		ret = tq_config_change(queue, config, &ring);
		tq_unlock_both(queue);
		/* The old one, or the new one if it was of no use. */
		tq_ring_free(&ring);
	} while (ret == -EAGAIN);
	if (ret)
		return ret;

	/* There may be room now, and room for more; or the end has come. */
	tq_move_up(queue);
	tq_wake_pollers_out(queue);
	tq_wake_all_in(queue);
	return 0;
}
