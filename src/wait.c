// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping, and what sleepers and pollers look at: see wait.h.
 *
 * The end
 *
 * Readers are at the end when the queue is stopped, or all writers have left
 * where its policy says so, and no message is left: none that is ready, and none
 * in flight, since such a one may come back.  These events bring the end about,
 * and each wakes all readers: the stop, the last writer's close, and the
 * settlement of the last message, be it received straight out of the queue
 * (TQ_ATTENTION_ENDING) or from in flight.
 */
#include <linux/compiler.h>
#include <linux/mutex.h>

#include "notify.h"
#include "space.h"
#include "tqueue.h"
#include "wait.h"

/* Whether a message with bytes to read is ready. */
static bool tq_filled_ready(struct tqueue *queue)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	unsigned long empties;
	bool ret;

	if (READ_ONCE(store->ready_filled))
		return true;
	if (tq_ring_empty(queue))
		return false;
	/*
	 * Empty messages are counted before they are published.  So where the
	 * counts are equal, none is in the ring, or it was published after the
	 * look at tx.pos; whoever did that wakes the pollers.
	 */
	smp_rmb();
	if (READ_ONCE(queue->tx.empties) == READ_ONCE(rx->empties))
		return true;

	/* An empty message is a header alone, and all others are longer. */
	mutex_lock(&rx->lock);
	tq_store_refresh(store);
	empties = READ_ONCE(queue->tx.empties) - rx->empties;
	ret = store->ready_filled ||
	      store->end - store->pos - store->void_bytes >
	      empties * tq_record_bytes(0);
	mutex_unlock(&rx->lock);
	return ret;
}

/*
 * Whether no message is left: none that is ready, and none in flight that may
 * come back.  To @reads, empty messages are none.
 */
static bool tq_nothing_left(struct tqueue *queue, bool reads)
{
	u32 ended = READ_ONCE(queue->rx.flights_ended);

	/*
	 * A message that goes in flight counts as begun before it is no longer
	 * ready, and one that comes back is ready before it counts as ended:
	 *
	 *	begun++			load ended
	 *	smp_wmb()		smp_rmb()
	 *	take it			nothing is ready?
	 *	...			smp_rmb()
	 *	put it back		load begun
	 *	smp_wmb()
	 *	ended++
	 *
	 * If as many had ended before the look as have begun after it, then
	 * none was in flight during the look.
	 */
	smp_rmb();
	if (reads ? tq_filled_ready(queue) : !tq_nothing_ready(queue))
		return false;
	/* As above. */
	smp_rmb();
	return READ_ONCE(queue->rx.flights_begun) == ended;
}

/**
 * tq_drained - whether no message is ready, and none in flight may come back
 * @queue: the queue
 *
 * Context: Any.  Takes no lock.
 */
bool tq_drained(struct tqueue *queue)
{
	return tq_nothing_left(queue, false);
}

/* Whether the last writer has left, of those that this file has seen. */
static bool tq_writers_left(const struct tq_file *file)
{
	const struct tqueue *queue = file->queue;

	if (READ_ONCE(queue->policy.end_of_file) != TQUEUE_EOF_LAST_WRITER ||
	    READ_ONCE(queue->opens.writers_begun) == file->writers_begun)
		return false;
	/* Pairs with tq_file_open(): a writer came, and then it left. */
	smp_rmb();
	/* Acquire: what the writers sent is seen. */
	return !smp_load_acquire(&queue->opens.writers);
}

/**
 * tq_ended - whether readers of this file are at the end
 * @file: the open file, which has no partial message
 *
 * The removal of the queue is an end, too.
 *
 * Context: Any.  Takes no lock.  Sleepers and pollers call it after they have
 * registered: what comes later wakes them.
 */
bool tq_ended(const struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	/* Acquire: what was sent before is seen. */
	int error = smp_load_acquire(&queue->policy.shutdown_error);

	if (error == -EIDRM)
		return true;
	return (error || tq_writers_left(file)) && tq_drained(queue);
}

/**
 * tq_told_end - whether a receive through this file returns end-of-file
 * @file: the open file, through which nothing can be received now
 *
 * A file that is opened after a reader was told of the end waits for the next
 * writer: see tq_file_open().
 *
 * Context: Process context, no lock held; may take rx.lock.
 */
bool tq_told_end(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	u64 last_id = tq_counter_read(&queue->tx.last_id);

	/* What was sent before the end is behind it, and nothing else is. */
	smp_rmb();
	if (!tq_ended(file))
		return false;
	if (!tq_shutdown_error(queue)) {
		mutex_lock(&queue->rx.lock);
		queue->rx.ended_id = max(queue->rx.ended_id, last_id);
		mutex_unlock(&queue->rx.lock);
	}
	return true;
}

/**
 * tq_readable - whether a read through this file returns something at once
 * @file: the open file
 *
 * That is a byte, or the end.  While another call copies from the file's partial
 * message, a read waits for that one; it counts as readable.
 *
 * Context: Process context, no lock held; may take rx.lock.  Pollers call it
 * after they have registered.
 */
bool tq_readable(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	bool paused;

	if (READ_ONCE(file->partial) || tq_removed(queue))
		return true;
	paused = READ_ONCE(queue->rx.paused);
	if (!paused && tq_filled_ready(queue))
		return true;
	/*
	 * A read passes over empty messages, and then is at the end; but while
	 * the queue is paused it passes over nothing.
	 */
	return (tq_shutdown_error(queue) || tq_writers_left(file)) &&
	       tq_nothing_left(queue, !paused);
}

/**
 * tq_writable - whether a send through this file that may not wait would succeed
 * @file: the open file
 *
 * While others wait for room, each file may send one message past them: see
 * senders.c.  An error is no reason to wait, either.
 *
 * Context: Any.  Takes no lock.  Pollers call it after they have registered.
 */
bool tq_writable(struct tq_file *file)
{
	const struct tqueue *queue = file->queue;
	unsigned long pos, limit;

	/* Acquire: what tq_start() did to the gate is seen. */
	if (smp_load_acquire(&queue->policy.shutdown_error) ||
	    READ_ONCE(queue->policy.overflow) == TQUEUE_OVERFLOW_DROP_OLDEST ||
	    tq_no_reader(file))
		return true;
	/* Pairs with the release of tx.need: then load tx.pos. */
	if (smp_load_acquire(&queue->tx.need))
		return !READ_ONCE(file->ticket);
	pos = READ_ONCE(queue->tx.pos);
	/*
	 * In this order a "no" was true at the moment when rx.limit was read,
	 * and the receiver that raises it next sees this tx.pos or a later one:
	 * it cannot miss the edge.
	 */
	smp_mb();
	/* Acquire: voids that were passed are not added to what they gave. */
	limit = smp_load_acquire(&queue->rx.limit);
	limit += READ_ONCE(queue->rx.store.void_bytes);
	return tq_fits(limit, pos,
		       tq_record_bytes(READ_ONCE(queue->policy.max_message)));
}

/**
 * struct tq_reader - a call that sleeps until there is something to receive
 * @wait: its place among the readers of the queue
 * @file: its open file, for wake-ups that concern that file alone
 */
struct tq_reader {
	struct wait_queue_entry wait;
	struct tq_file *file;
};

/**
 * tq_reader_woken - wake a reader
 * @wait: of a &struct tq_reader
 * @mode: as everywhere
 * @sync: as everywhere
 * @key: the file whose readers are to be woken, or NULL
 *
 * Context: Any, with the lock of the wait queue held.
 * Return: 0 for readers of other files, which then count as not woken.
 */
int tq_reader_woken(struct wait_queue_entry *wait, unsigned int mode, int sync,
		    void *key)
{
	struct tq_reader *reader = container_of(wait, struct tq_reader, wait);

	if (key && key != reader->file)
		return 0;
	return autoremove_wake_function(wait, mode, sync, NULL);
}

/**
 * tq_wait_readable - sleep until a file may have something to receive
 * @file: the open file
 * @deadline: until when, CLOCK_MONOTONIC; NULL for ever
 *
 * Context: Process context, no lock held.
 * Return: 0, and the caller looks again; -ETIMEDOUT; -ERESTARTSYS on a signal.
 * After an error the caller passes on what it may have been woken for.
 */
int tq_wait_readable(struct tq_file *file, ktime_t *deadline)
{
	struct tqueue *queue = file->queue;
	struct wait_queue_head *head = &queue->waiters.read_wait;
	struct tq_reader reader = { .file = file };
	int ret;

	atomic_inc(&file->sleepers);
	init_wait_entry(&reader.wait, 0);
	reader.wait.func = tq_reader_woken;
	ret = tq_sleep(prepare_to_wait_exclusive(head, &reader.wait,
						 TASK_INTERRUPTIBLE),
		       READ_ONCE(file->partial) || !tq_nothing_offered(queue) ||
		       tq_ended(file), deadline);
	finish_wait(head, &reader.wait);
	atomic_dec(&file->sleepers);
	return ret;
}

/**
 * tq_wait_partial - sleep while another call copies from a file's partial message
 * @file: the open file
 *
 * Context: Process context, no lock held.
 * Return: 0, and the caller looks again; -ERESTARTSYS on a signal.
 */
int tq_wait_partial(struct tq_file *file)
{
	return wait_event_interruptible(file->wait,
			READ_ONCE(file->partial) != TQ_PARTIAL_IN_FLIGHT ||
			tq_removed(file->queue));
}
