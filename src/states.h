/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moving messages from one state to another.
 *
 * A detached message is first seized, and is then in flight.  The caller gives
 * the message its next state before it unlocks rx.lock, or keeps it in flight
 * to copy it out.  The message counts in the size of its queue all the time:
 *
 *	        ready  delayed  leased  buried
 *	            \     |       |     /
 *	             tq_seize(): in flight
 *	            /     |       |     \        \
 *	     tq_place_   tq_     tq_   tq_place_  tq_finish()
 *	     ready()   delayed() lease  buried()  received, acknowledged, dropped
 *
 * After a message stops being ready or buried, it may come back until it is
 * ready, buried or gone.  That time counts as a flight: see tq_nothing_left().
 */
#ifndef TQ_STATES_H
#define TQ_STATES_H

#include <linux/list.h>
#include <linux/poll.h>

#include "clock.h"
#include "due.h"
#include "notify.h"
#include "observe.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"

/* How many messages may change state while the lock is held once. */
#define TQ_STATES_PIECE	64

/**
 * struct tq_return - how a message returns from a delivery
 * @counted: the delivery counts as an attempt
 * @buried: bury the message
 * @reprioritize: give it the priority @priority
 * @priority: the new priority
 * @reason: TQUEUE_REASON_*
 * @code: given by the worker
 * @delay: nanoseconds until it becomes ready
 */
struct tq_return {
	bool counted;
	bool buried;
	bool reprioritize;
	u8 priority;
	u8 reason;
	s32 code;
	u64 delay;
};

void tq_seize(struct tqueue *queue, struct tq_message *message);
void tq_finish(struct tqueue *queue, struct tq_message *message,
	       struct tq_notify *notify);
void tq_drop(struct tqueue *queue, struct tq_message *message,
	     struct tq_notify *notify);
void tq_place_ready(struct tqueue *queue, struct tq_message *message,
		    struct tq_notify *notify);
void tq_place_delayed(struct tqueue *queue, struct tq_message *message,
		      s64 when);
void tq_place_leased(struct tqueue *queue, struct tq_message *message,
		     struct tq_holder *holder, u32 delivery, s64 limit);
void tq_place_back(struct tqueue *queue, struct tq_message *message,
		   enum tq_message_state state, s64 when,
		   struct tq_notify *notify);
int tq_bury(struct tqueue *queue, struct tq_message *message, u8 reason,
	    struct tq_notify *notify);
int tq_expire(struct tqueue *queue, struct tq_message *message,
	      struct tq_notify *notify);
int tq_come_back(struct tqueue *queue, struct tq_message *message,
		 const struct tq_return *how, struct tq_notify *notify);
struct tq_message *tq_key_taken(struct tqueue *queue,
				const struct tq_message *message);

/* Count a message that stops being ready or buried, but may come back. */
static inline void tq_flights_begin(struct tq_rx *rx)
{
	WRITE_ONCE(rx->flights_begun, rx->flights_begun + 1);
	/* In flight first, and then not ready: see tq_nothing_left(). */
	smp_wmb();
}

/*
 * Put the copy of a record in flight.  The record is about to leave the ring.
 */
static inline void tq_flights_begin_copy(struct tqueue *queue,
					 struct tq_message *copy)
{
	tq_flights_begin(&queue->rx);
	tq_store_track(&queue->rx.store, copy);
	if (!copy->record.length)
		tq_empties_leave(queue, 1);
}

/* Count a message that is gone, or is ready or buried again. */
static inline void tq_flights_end(struct tq_rx *rx)
{
	/* Ready first, and then not in flight: see tq_nothing_left(). */
	smp_wmb();
	WRITE_ONCE(rx->flights_ended, rx->flights_ended + 1);
}

static inline void tq_pile_add(struct tq_pile *pile, unsigned long bytes)
{
	WRITE_ONCE(pile->count, pile->count + 1);
	WRITE_ONCE(pile->bytes, pile->bytes + bytes);
}

static inline void tq_pile_del(struct tq_pile *pile, unsigned long bytes)
{
	WRITE_ONCE(pile->count, pile->count - 1);
	WRITE_ONCE(pile->bytes, pile->bytes - bytes);
}

/* Add a lease to those of its holder.  With rx.lock held. */
static inline void tq_lease_link(struct tq_message *message,
				 struct tq_holder *holder)
{
	message->holder = holder;
	if (holder->last)
		hlist_add_behind(&message->lease, holder->last);
	else
		hlist_add_head(&message->lease, &holder->leases);
	holder->last = &message->lease;
}

/* Remove a lease from those of its holder.  With rx.lock held. */
static inline void tq_lease_unlink(struct tq_message *message)
{
	struct tq_holder *holder = message->holder;
	struct hlist_node **before = message->lease.pprev;

	if (holder->last == &message->lease)
		holder->last = before == &holder->leases.first ? NULL :
			       container_of(before, struct hlist_node, next);
	__hlist_del(&message->lease);
	if (unlikely(holder->over))
		wake_up_poll(holder->over, EPOLLHUP);
}

/*
 * Lease a message in flight to @holder and the process @pid, from @since until
 * @limit (S64_MAX: no limit).  Its record has the number of the delivery.  With
 * rx.lock held.
 */
static inline void tq_lease_begin(struct tqueue *queue,
				  struct tq_message *message,
				  struct tq_holder *holder, s64 limit,
				  s64 since, u32 pid)
{
	message->state = TQ_MESSAGE_LEASED;
	message->pid = pid;
	message->when = limit;
	message->since = since;
	tq_lease_link(message, holder);
	tq_due_add_limit(queue, message);
	trace_tqueue_lease(queue, message->record.id, message->record.delivery);
}

/* End the lease of a message.  With rx.lock held. */
static inline void tq_lease_end(struct tqueue *queue,
				struct tq_message *message)
{
	tq_lease_lasted(queue, message);
	tq_due_del_timed(queue, message);
	tq_lease_unlink(message);
	tq_pile_del(&queue->rx.leased, tq_message_bytes(message));
}

/*
 * Continue the stream of a message that becomes ready.  A reader may already
 * have got the end of file after it.
 */
static inline void tq_reopen_stream(struct tq_rx *rx,
				    const struct tq_message *message)
{
	rx->stream_end = min(rx->stream_end, message->record.id - 1);
}

/* The number of the next delivery, never 0.  With rx.lock held. */
static inline u32 tq_next_delivery(struct tq_rx *rx)
{
	if (unlikely(!++rx->delivery))
		rx->delivery = 1;
	return rx->delivery;
}

/* The time @delay nanoseconds from now: CLOCK_BOOTTIME. */
static inline s64 tq_delay_until(u64 delay)
{
	return tq_time_after(tq_now_boottime(), delay);
}

/*
 * The end of a lease of @limit nanoseconds that begins now, or S64_MAX.  0
 * stands for the limit of the queue.  With rx.lock held.
 */
static inline s64 tq_limit_at(const struct tqueue *queue, u64 limit)
{
	if (!limit)
		limit = queue->policy.lease_limit;
	if (!limit || limit == TQUEUE_FOREVER)
		return S64_MAX;
	return tq_time_after(ktime_get_ns(), limit);
}

/* The most bytes of buried messages that a queue may have. */
static inline u64 tq_max_buried(const struct tqueue *queue)
{
	return READ_ONCE(queue->policy.max_buried) ?:
	       READ_ONCE(queue->ring.size) / 4;
}

/*
 * Whether only the holders of leases can make progress possible:
 * %TQUEUE_STATE_HELD_UP.
 */
static inline bool tq_held_up(const struct tqueue *queue, u64 ready)
{
	return READ_ONCE(queue->tx.blocked_count) && !ready &&
	       READ_ONCE(queue->rx.leased.count);
}

/* Whether the queue holds nothing at all.  With rx.lock held. */
static inline bool tq_vacant(struct tqueue *queue)
{
	struct tq_rx *rx = &queue->rx;

	return !tq_store_ring_ready(&rx->store) && !rx->store.ready_count &&
	       !rx->leased.count && !rx->delayed.count && !rx->buried.count;
}

#endif /* TQ_STATES_H */
