// SPDX-License-Identifier: GPL-2.0-only
/*
 * The settings of a queue (struct tqueue_config), and changing them while the
 * queue is in use.
 *
 * A new size needs a new ring.  The ring is allocated with no lock held.  Then
 * the records are copied to the same positions in it, with both locks held.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "charge.h"
#include "due.h"
#include "file.h"
#include "notify.h"
#include "senders.h"
#include "space.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"

/* The default size of a queue.  What cp writes at once fits as one message. */
#define TQ_SIZE_DEFAULT	((unsigned long)SZ_2M)

#define TQ_CONFIG_FIELDS	(TQUEUE_CONFIG_SIZE |		\
				 TQUEUE_CONFIG_MAX_MESSAGE |	\
				 TQUEUE_CONFIG_OVERFLOW |	\
				 TQUEUE_CONFIG_END_OF_FILE |	\
				 TQUEUE_CONFIG_NO_READER |	\
				 TQUEUE_CONFIG_OWNER |		\
				 TQUEUE_CONFIG_TTL |		\
				 TQUEUE_CONFIG_ON_EXPIRED |	\
				 TQUEUE_CONFIG_MAX_ATTEMPTS |	\
				 TQUEUE_CONFIG_ON_EXHAUSTED |	\
				 TQUEUE_CONFIG_LEASE_LIMIT |	\
				 TQUEUE_CONFIG_MAX_LEASED |	\
				 TQUEUE_CONFIG_MAX_BURIED |	\
				 TQUEUE_CONFIG_UNIQUE)

/* Whether the value of a field is at most @most, or the field is not set. */
#define tq_field_valid(config, field, value, most)			\
	(!((config)->fields & TQUEUE_CONFIG_##field) || (value) <= (most))

/**
 * tq_config_check - check a configuration on its own
 * @config: a copy of what user space gave
 *
 * Context: Any.
 * Return: 0 or -EINVAL.
 */
int tq_config_check(const struct tqueue_config *config)
{
	if (config->fields & ~TQ_CONFIG_FIELDS ||
	    (config->fields & TQUEUE_CONFIG_SIZE && !config->size) ||
	    config->reserved)
		return -EINVAL;
	if (tq_field_valid(config, SIZE, config->size, TQ_RING_SIZE_MAX) &&
	    tq_field_valid(config, OVERFLOW, config->overflow,
			   TQUEUE_OVERFLOW_DROP_OLDEST) &&
	    tq_field_valid(config, END_OF_FILE, config->end_of_file,
			   TQUEUE_EOF_LAST_WRITER) &&
	    tq_field_valid(config, NO_READER, config->no_reader,
			   TQUEUE_NO_READER_ERROR) &&
	    tq_field_valid(config, TTL, config->ttl, S64_MAX) &&
	    tq_field_valid(config, ON_EXPIRED, config->on_expired,
			   TQUEUE_EXPIRED_BURY) &&
	    tq_field_valid(config, MAX_ATTEMPTS, config->max_attempts,
			   U16_MAX) &&
	    tq_field_valid(config, ON_EXHAUSTED, config->on_exhausted,
			   TQUEUE_EXHAUSTED_DROP) &&
	    tq_field_valid(config, LEASE_LIMIT, config->lease_limit,
			   S64_MAX) &&
	    tq_field_valid(config, UNIQUE, config->unique,
			   TQUEUE_UNIQUE_QUEUE))
		return 0;
	return -EINVAL;
}

/**
 * tq_config_size - the size of the ring that a configuration asks for
 * @config: checked by tq_config_check()
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
 * tq_config_charge - how many bytes of a ring count towards max_memory
 * @queue: its queue
 * @size: its size
 *
 * Context: Any.
 * Return: bytes.
 */
unsigned long tq_config_charge(const struct tqueue *queue, unsigned long size)
{
	return size > queue->uncharged ? size - queue->uncharged : 0;
}

/**
 * tq_check_owner - whether the caller may give a queue to a user
 * @uid: the user
 *
 * The rules are those of chown(): the right to make a queue is not the right to
 * give it away.
 *
 * Context: Process context.
 * Return: 0; -EINVAL if the caller's namespace has no such user; -EPERM.
 */
int tq_check_owner(kuid_t uid)
{
	if (!uid_valid(uid))
		return -EINVAL;
	return uid_eq(uid, current_fsuid()) || capable(CAP_CHOWN) ? 0 : -EPERM;
}

/**
 * tq_may_configure - whether the caller may configure a queue
 * @queue: the queue
 *
 * The owner may, and the administrator.
 *
 * Context: Process context, takes rx.lock.
 */
bool tq_may_configure(struct tqueue *queue)
{
	bool owns;

	mutex_lock(&queue->rx.lock);
	owns = uid_eq(current_fsuid(), queue->policy.owner);
	mutex_unlock(&queue->rx.lock);
	return owns || capable(CAP_SYS_ADMIN);
}

/**
 * tq_config_apply - apply a configuration, except for its size
 * @queue: the queue
 * @config: checked by tq_config_check()
 * @size: bytes of the ring that the queue has or is about to get
 *
 * Context: Both locks held.
 * Return: 0; -EINVAL, with nothing changed, if the ring is too small for
 * max_message.
 */
int tq_config_apply(struct tqueue *queue, const struct tqueue_config *config,
		    unsigned long size)
{
	struct tq_policy *policy = &queue->policy;
	unsigned long most = tq_length_max(size);
	unsigned long max_message = policy->max_message;
	bool automatic = policy->max_message_auto;

	tq_assert_both_held(queue);

	if (config->fields & TQUEUE_CONFIG_MAX_MESSAGE) {
		if (config->max_message > most)
			return -EINVAL;
		max_message = config->max_message;
		automatic = !max_message;
	}
	if (automatic)
		max_message = most;
	if (max_message > most)
		return -EINVAL;

	WRITE_ONCE(policy->max_message, max_message);
	WRITE_ONCE(policy->direct_max, min(max_message, TQ_PIECE));
	policy->max_message_auto = automatic;
	if (config->fields & TQUEUE_CONFIG_OVERFLOW)
		WRITE_ONCE(policy->overflow, config->overflow);
	if (config->fields & TQUEUE_CONFIG_END_OF_FILE)
		WRITE_ONCE(policy->end_of_file, config->end_of_file);
	if (config->fields & TQUEUE_CONFIG_NO_READER)
		WRITE_ONCE(policy->no_reader, config->no_reader);
	if (config->fields & TQUEUE_CONFIG_TTL)
		WRITE_ONCE(policy->ttl, config->ttl);
	if (config->fields & TQUEUE_CONFIG_ON_EXPIRED)
		WRITE_ONCE(policy->on_expired, config->on_expired);
	if (config->fields & TQUEUE_CONFIG_MAX_ATTEMPTS)
		WRITE_ONCE(policy->max_attempts, config->max_attempts);
	if (config->fields & TQUEUE_CONFIG_ON_EXHAUSTED)
		WRITE_ONCE(policy->on_exhausted, config->on_exhausted);
	if (config->fields & TQUEUE_CONFIG_LEASE_LIMIT)
		WRITE_ONCE(policy->lease_limit, config->lease_limit);
	if (config->fields & TQUEUE_CONFIG_MAX_LEASED)
		WRITE_ONCE(policy->max_leased, config->max_leased);
	if (config->fields & TQUEUE_CONFIG_MAX_BURIED)
		WRITE_ONCE(policy->max_buried, config->max_buried);
	if (config->fields & TQUEUE_CONFIG_UNIQUE)
		WRITE_ONCE(policy->unique, config->unique);
	tq_opens_changed(queue);
	return 0;
}

/* Replace the ring with one that is large enough.  Both locks held. */
static void tq_swap_ring(struct tqueue *queue, struct tq_ring *ring)
{
	struct tq_rx *rx = &queue->rx;

	WRITE_ONCE(rx->limit, rx->limit + ring->size - queue->ring.size);
	queue->tx.limit_cached = rx->limit;
	tq_ring_replace(&queue->ring, ring, rx->store.pos, queue->tx.pos);
}

/*
 * Change the configuration.  @ring is the new ring, or its size is 0.  Both
 * locks held.
 */
static int tq_config_change(struct tqueue *queue,
			    const struct tqueue_config *config, kuid_t owner,
			    struct tq_ring *ring, struct tq_notify *notify)
{
	struct tq_policy *policy = &queue->policy;
	unsigned long size = ring->size ?: queue->ring.size;
	int ret;

	if (policy->shutdown_error == -EIDRM)
		return -EIDRM;
	/*
	 * A queue that holds more than its size may still grow.
	 *
	 * The messages of blocked senders need no check.  A sender is blocked
	 * only while more than three quarters of the ring are used.
	 */
	if (size < queue->ring.size &&
	    (tq_queue_bytes(queue) > size ||
	     queue->tx.pos - queue->rx.store.pos > size))
		return -EBUSY;
	ret = tq_config_apply(queue, config, size);
	if (ret)
		return ret;
	if (config->fields & TQUEUE_CONFIG_OWNER)
		WRITE_ONCE(policy->owner, owner);
	if (ring->size)
		tq_swap_ring(queue, ring);
	if (policy->overflow == TQUEUE_OVERFLOW_REJECT)
		tq_senders_fail(queue, -ENOBUFS, notify);
	if (queue->tx.gate & TQ_GATE_NO_READER)
		tq_senders_fail(queue, -EPIPE, notify);
	/* There may be room now, or an end of file. */
	notify->events |= TQ_NOTIFY_ADMIT | TQ_NOTIFY_WRITABLE |
			  TQ_NOTIFY_ENDED;
	return 0;
}

/*
 * Change the configuration and, if it has a size, replace the ring.  Collects
 * wake-ups in @notify.
 */
static int tq_config_replace(struct tqueue *queue,
			     const struct tqueue_config *config, kuid_t owner,
			     struct tq_notify *notify)
{
	unsigned long old = queue->charged;
	unsigned long new = old;
	struct tq_ring ring = {};
	unsigned long most;
	int ret = 0;

	lockdep_assert_held(&queue->resizing);

	if (config->fields & TQUEUE_CONFIG_SIZE)
		new = tq_config_charge(queue, tq_config_size(config));
	/* While there are two rings, the larger one counts. */
	most = max(old, new);
	ret = tq_charge(old, most);
	if (ret)
		return ret;
	if (config->fields & TQUEUE_CONFIG_SIZE)
		ret = tq_ring_alloc(&ring, tq_config_size(config));
	if (!ret) {
		tq_lock_both(queue);
		ret = tq_config_change(queue, config, owner, &ring, notify);
		tq_unlock_both(queue);
		/* The old ring, or the new one if it was not used. */
		tq_ring_free(&ring);
	}
	queue->charged = ret ? old : new;
	tq_charge(most, queue->charged);
	return ret;
}

/* A ttl was set: the messages that are already here can expire, too. */
static void tq_config_ages(struct tqueue *queue)
{
	struct tq_message *message;
	u64 after = 0;
	int n;

	do {
		mutex_lock(&queue->rx.lock);
		for (n = 0; n < TQ_STATES_PIECE; n++) {
			message = tq_store_next(&queue->rx.store.by_id, after);
			if (!message)
				break;
			after = message->record.id;
			if (tq_can_age(queue, message) &&
			    RB_EMPTY_NODE(&message->timed))
				tq_due_add_age(queue, message);
		}
		mutex_unlock(&queue->rx.lock);
		cond_resched();
	} while (message);
	/* The thread arms the timers. */
	tq_due_look(queue);
}

/**
 * tq_config_set - change the configuration of a queue that is in use
 * @queue: the queue
 * @config: what to change, a copy of what user space gave
 *
 * Context: Process context, may sleep; takes both locks.
 * Return: 0; -EINVAL; -EPERM; -EBUSY if the new size is smaller and the queue
 * holds more; -EIDRM; -ENOMEM, -ENOSPC or -EINTR if no new ring could be made.
 * After an error nothing has changed.
 */
int tq_config_set(struct tqueue *queue, const struct tqueue_config *config)
{
	kuid_t owner = make_kuid(current_user_ns(), config->uid);
	struct tq_notify notify = {};
	int ret;

	ret = tq_config_check(config);
	if (!ret && config->fields & TQUEUE_CONFIG_OWNER)
		ret = tq_check_owner(owner);
	if (ret)
		return ret;
	ret = mutex_lock_killable(&queue->resizing);
	if (ret)
		return ret;
	ret = tq_config_replace(queue, config, owner, &notify);
	mutex_unlock(&queue->resizing);
	tq_notify_deliver(queue, &notify);
	if (!ret && config->fields & (TQUEUE_CONFIG_TTL |
				      TQUEUE_CONFIG_ON_EXPIRED))
		tq_config_ages(queue);
	return ret;
}
