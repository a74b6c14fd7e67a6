// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers for what becomes due: see due.h.
 *
 * Each queue has one timer for each of the two clocks, armed for the earliest
 * time that matters.  A timer is moved only to an earlier time and never
 * cancelled.  If it fires too early, it is armed again.  A timer that fires
 * wakes the module's thread, which sleeps while nothing is due.
 */
#include <linux/err.h>
#include <linux/poll.h>
#include <linux/wait.h>

#include "compat.h"
#include "due.h"
#include "store.h"

/* The thread, which serves all queues. */
static struct kthread_worker *tq_worker;

/**
 * tq_due_start - start the thread
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM; -EINTR.
 */
int tq_due_start(void)
{
	tq_worker = kthread_run_worker(0, TQ_NAME "-timer");
	return PTR_ERR_OR_ZERO(tq_worker);
}

/**
 * tq_due_stop - stop the thread
 *
 * Context: Process context, may sleep.  No queue is left.
 */
void tq_due_stop(void)
{
	kthread_destroy_worker(tq_worker);
}

/**
 * tq_due_look - make the thread look at a queue
 * @queue: the queue
 *
 * Context: Any.
 */
void tq_due_look(struct tqueue *queue)
{
	kthread_queue_work(tq_worker, &queue->rx.due.work);
}

static enum hrtimer_restart tq_boottime_fired(struct hrtimer *timer)
{
	tq_due_look(container_of(timer, struct tqueue, rx.due.boottime));
	return HRTIMER_NORESTART;
}

static enum hrtimer_restart tq_monotonic_fired(struct hrtimer *timer)
{
	tq_due_look(container_of(timer, struct tqueue, rx.due.monotonic));
	return HRTIMER_NORESTART;
}

/* A message arrives in a ring that had no message that could expire. */
static int tq_arrived(struct wait_queue_entry *wait, unsigned int mode,
		      int sync, void *key)
{
	if (key && !(key_to_poll(key) & EPOLLMSG))
		return 0;
	list_del_init(&wait->entry);
	tq_due_look(container_of(wait, struct tqueue, rx.due.arrival));
	return 0;
}

/**
 * tq_due_init - initialize the timers of a queue
 * @queue: the queue, which is not in use yet
 * @work: what the thread does for it
 *
 * Context: Any.
 */
void tq_due_init(struct tqueue *queue, kthread_work_func_t work)
{
	struct tq_due *due = &queue->rx.due;

	due->delays = RB_ROOT_CACHED;
	due->limits = RB_ROOT_CACHED;
	due->ages = RB_ROOT_CACHED;
	hrtimer_setup(&due->boottime, tq_boottime_fired, CLOCK_BOOTTIME,
		      HRTIMER_MODE_ABS);
	hrtimer_setup(&due->monotonic, tq_monotonic_fired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS);
	due->boottime_at = S64_MAX;
	due->monotonic_at = S64_MAX;
	kthread_init_work(&due->work, work);
	init_waitqueue_func_entry(&due->arrival, tq_arrived);
	INIT_LIST_HEAD(&due->arrival.entry);
}

/**
 * tq_due_destroy - stop the timers of a queue
 * @queue: the queue, which is not in use any more.  It is marked as removed, so
 *	no timer is armed again.
 *
 * Context: Process context, may sleep; no lock held.
 */
void tq_due_destroy(struct tqueue *queue)
{
	struct tq_due *due = &queue->rx.due;

	hrtimer_cancel(&due->boottime);
	hrtimer_cancel(&due->monotonic);
	kthread_cancel_work_sync(&due->work);
}

static void tq_arm_boottime(struct tq_due *due, s64 when)
{
	if (when >= due->boottime_at)
		return;
	due->boottime_at = when;
	hrtimer_start(&due->boottime, ns_to_ktime(when), HRTIMER_MODE_ABS);
}

static void tq_arm_monotonic(struct tq_due *due, s64 when)
{
	if (when >= due->monotonic_at)
		return;
	due->monotonic_at = when;
	hrtimer_start(&due->monotonic, ns_to_ktime(when), HRTIMER_MODE_ABS);
}

static bool tq_delay_precedes(struct rb_node *a, const struct rb_node *b)
{
	const struct tq_message *first = rb_entry(a, struct tq_message, ready);
	const struct tq_message *second = rb_entry(b, struct tq_message, ready);

	return first->when != second->when ?
	       first->when < second->when :
	       tq_record_precedes(&first->record, &second->record);
}

static bool tq_limit_precedes(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct tq_message, timed)->when <
	       rb_entry(b, struct tq_message, timed)->when;
}

static bool tq_older(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct tq_message, timed)->record.sent_ns <
	       rb_entry(b, struct tq_message, timed)->record.sent_ns;
}

/**
 * tq_due_add_delayed - add a message to the tree of delays
 * @queue: the queue
 * @message: the message, with its time in @when
 *
 * Context: Process context, rx.lock held.
 */
void tq_due_add_delayed(struct tqueue *queue, struct tq_message *message)
{
	struct tq_due *due = &queue->rx.due;

	lockdep_assert_held(&queue->rx.lock);

	rb_add_cached(&message->ready, &due->delays, tq_delay_precedes);
	tq_arm_boottime(due, message->when);
}

/**
 * tq_due_del_delayed - remove a message from the tree of delays
 * @queue: the queue
 * @message: the message
 *
 * Context: rx.lock held.
 */
void tq_due_del_delayed(struct tqueue *queue, struct tq_message *message)
{
	lockdep_assert_held(&queue->rx.lock);

	rb_erase_cached(&message->ready, &queue->rx.due.delays);
}

/**
 * tq_due_insert_limit - add a lease to the tree of limits
 * @queue: the queue
 * @message: the leased message, with the limit in @when
 *
 * Context: Process context, rx.lock held.
 */
void tq_due_insert_limit(struct tqueue *queue, struct tq_message *message)
{
	struct tq_due *due = &queue->rx.due;

	rb_add_cached(&message->timed, &due->limits, tq_limit_precedes);
	tq_arm_monotonic(due, message->when);
}

/**
 * tq_due_insert_age - add a message to the tree of ages
 * @queue: the queue
 * @message: the message, ready or delayed
 *
 * Context: Process context, rx.lock held.
 */
void tq_due_insert_age(struct tqueue *queue, struct tq_message *message)
{
	struct tq_due *due = &queue->rx.due;

	rb_add_cached(&message->timed, &due->ages, tq_older);
	tq_arm_boottime(due, tq_expiry(queue, message->record.sent_ns));
}

/**
 * tq_due_erase_timed - remove a message from the tree of limits or of ages
 * @queue: the queue
 * @message: the message, still in the state in which it was added
 *
 * Context: rx.lock held.
 */
void tq_due_erase_timed(struct tqueue *queue, struct tq_message *message)
{
	struct tq_due *due = &queue->rx.due;

	rb_erase_cached(&message->timed, message->state == TQ_MESSAGE_LEASED ?
					 &due->limits : &due->ages);
	RB_CLEAR_NODE(&message->timed);
}

/*
 * No timer is armed for the ring while it has no message that can expire.
 * Instead the next message that is sent wakes the thread.
 */
static void tq_await_arrival(struct tqueue *queue)
{
	struct tq_due *due = &queue->rx.due;
	struct wait_queue_head *head = &queue->waiters.poll;

	if (!list_empty_careful(&due->arrival.entry))
		return;
	add_wait_queue(head, &due->arrival);
	/* Register, then look: see wait.h. */
	smp_mb();
	if (tq_store_ring_ready(&queue->rx.store))
		tq_due_look(queue);
}

/**
 * tq_due_arm - arm the timers for what is due next
 * @queue: the queue.  Everything that was due has been done.
 *
 * Context: Process context, rx.lock held.
 */
void tq_due_arm(struct tqueue *queue)
{
	struct tq_store *store = &queue->rx.store;
	struct tq_due *due = &queue->rx.due;
	const struct tqueue_record *record;
	struct rb_node *node;

	lockdep_assert_held(&queue->rx.lock);

	due->boottime_at = S64_MAX;
	due->monotonic_at = S64_MAX;
	node = rb_first_cached(&due->delays);
	if (node)
		tq_arm_boottime(due, rb_entry(node, struct tq_message,
					      ready)->when);
	node = rb_first_cached(&due->limits);
	if (node)
		tq_arm_monotonic(due, rb_entry(node, struct tq_message,
					       timed)->when);
	if (!queue->policy.ttl)
		return;
	node = rb_first_cached(&due->ages);
	if (node) {
		record = &rb_entry(node, struct tq_message, timed)->record;
		tq_arm_boottime(due, tq_expiry(queue, record->sent_ns));
	}
	if (tq_store_ring_ready(store)) {
		record = tq_store_at(store, store->pos);
		tq_arm_boottime(due, tq_expiry(queue, record->sent_ns));
	} else {
		tq_await_arrival(queue);
	}
}
