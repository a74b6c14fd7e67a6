// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping, and the conditions for waking up: see wait.h.
 *
 * End of file
 *
 * A reader gets the end of file if no more messages will come and none is left.
 * No more will come if the queue is stopped, or if all writers have left and
 * the policy says so.  None is left if none is ready, and none is in flight and
 * may come back.  Three events can bring the end of file, and each wakes all
 * readers: the queue is stopped, the last writer closes, or the last message is
 * settled.  That message may be received straight out of the queue
 * (TQ_ATTENTION_ENDING), or settled after it was in flight.
 */
#include <linux/compiler.h>
#include <linux/mutex.h>

#include "notify.h"
#include "space.h"
#include "tqueue.h"
#include "wait.h"

/* Whether a message that is not empty is ready. */
static bool tq_payload_ready(struct tqueue *queue)
{
	struct tq_rx *rx = &queue->rx;
	struct tq_store *store = &rx->store;
	bool ret;

	if (READ_ONCE(store->ready_filled))
		return true;
	if (tq_ring_empty(queue))
		return false;
	/*
	 * Empty messages are counted before they are published.  So if none is
	 * counted now, the message found by reading tx.pos is not empty.  A
	 * message published later has a sender that wakes the pollers.
	 */
	smp_rmb();
	if (!tq_empties(queue))
		return true;

	/* An empty message is a bare header.  All others are longer. */
	mutex_lock(&rx->lock);
	tq_store_refresh(store);
	ret = store->ready_filled ||
	      store->end - store->pos - store->void_bytes >
	      tq_empties(queue) * tq_record_bytes(0);
	mutex_unlock(&rx->lock);
	return ret;
}

/*
 * Whether no message is left: none is ready, and none is in flight and may come
 * back.  If @reads, empty messages do not count.
 */
static bool tq_nothing_left(struct tqueue *queue, bool reads)
{
	u32 ended = READ_ONCE(queue->rx.flights_ended);

	/*
	 * A message that goes in flight counts as begun before it stops being
	 * ready.  One that comes back is ready before it counts as ended:
	 *
	 *	begun++			load ended
	 *	smp_wmb()		smp_rmb()
	 *	take it			nothing is ready?
	 *	...			smp_rmb()
	 *	put it back		load begun
	 *	smp_wmb()
	 *	ended++
	 *
	 * If "ended", loaded before the look, equals "begun", loaded after it,
	 * nothing was in flight during the look.
	 */
	smp_rmb();
	if (reads ? tq_payload_ready(queue) : !tq_nothing_ready(queue))
		return false;
	/* See above. */
	smp_rmb();
	return READ_ONCE(queue->rx.flights_begun) == ended;
}

/**
 * tq_drained - whether no message is ready or may come back
 * @queue: the queue
 *
 * Context: Any.  Takes no lock.
 */
bool tq_drained(struct tqueue *queue)
{
	return tq_nothing_left(queue, false);
}

/**
 * tq_read_out - whether nothing is left to read and nothing may come back
 * @queue: the queue
 *
 * Like tq_drained(), except that empty messages do not count.
 *
 * Context: Process context, no lock held; may take rx.lock.
 */
bool tq_read_out(struct tqueue *queue)
{
	return tq_nothing_left(queue, true);
}

/* Whether the file has seen a writer, and the last writer has left. */
static bool tq_writers_left(const struct tq_file *file)
{
	const struct tqueue *queue = file->queue;

	if (READ_ONCE(queue->policy.end_of_file) != TQUEUE_EOF_LAST_WRITER)
		return false;
	if (READ_ONCE(queue->opens.writers_begun) == file->writers_begun &&
	    !file->saw_writer)
		return false;
	/*
	 * Pairs with tq_file_open(): the count includes the writer that came.
	 */
	smp_rmb();
	/* Acquire: see everything that the writers sent. */
	return !smp_load_acquire(&queue->opens.writers);
}

/**
 * tq_ended - whether readers of this file are at the end of file
 * @file: the open file, which has no partial message
 *
 * A queue that was removed counts, too.
 *
 * Context: Any.  Takes no lock.  Sleepers and pollers call it after they have
 * registered: later changes wake them.
 */
bool tq_ended(const struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	/* Acquire: see everything that was sent before. */
	int error = smp_load_acquire(&queue->policy.shutdown_error);

	if (error == -EIDRM)
		return true;
	return (error || tq_writers_left(file)) && tq_drained(queue);
}

/**
 * tq_receive_end - receive the end of file, if it has come
 * @file: the open file, through which nothing can be received now
 *
 * The end of file after the last writer ends a stream of messages.  A file that
 * is opened later waits for the next writer: see tq_file_open().
 *
 * Context: Process context, no lock held; may take rx.lock.
 * Return: whether it has come.
 */
bool tq_receive_end(struct tq_file *file)
{
	struct tqueue *queue = file->queue;
	u64 last_id = tq_counter_read(&queue->tx.last_id);

	/* The messages up to last_id, and no others, come before this end. */
	smp_rmb();
	if (!tq_ended(file))
		return false;
	if (!tq_shutdown_error(queue)) {
		mutex_lock(&queue->rx.lock);
		queue->rx.stream_end = max(queue->rx.stream_end, last_id);
		mutex_unlock(&queue->rx.lock);
	}
	return true;
}

/**
 * tq_readable - whether a read through this file returns at once
 * @file: the open file
 *
 * It returns bytes or the end of file.  If another call copies from the partial
 * message of the file, a read would wait for that call; the file counts as
 * readable all the same.
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
	if (!paused && tq_payload_ready(queue))
		return true;
	/*
	 * A read discards empty messages and finds the end after them.  If the
	 * queue is paused, it does not discard them.
	 */
	return (tq_shutdown_error(queue) || tq_writers_left(file)) &&
	       tq_nothing_left(queue, !paused);
}

/**
 * tq_writable - whether a non-blocking send through this file can succeed
 * @file: the open file
 *
 * While senders are blocked, a file may send one message past them: see
 * senders.c.  A file whose sends fail counts as writable, too.
 *
 * Context: Any.  Takes no lock.  Pollers call it after they have registered.
 */
bool tq_writable(struct tq_file *file)
{
	const struct tqueue *queue = file->queue;
	unsigned long pos, limit;

	/* Pairs with tq_start(): see that the stop left no sender blocked. */
	if (smp_load_acquire(&queue->policy.shutdown_error) ||
	    READ_ONCE(queue->policy.overflow) == TQUEUE_OVERFLOW_DROP_OLDEST ||
	    tq_no_reader(file))
		return true;
	/* Pairs with the release of tx.need: load tx.pos after it. */
	if (smp_load_acquire(&queue->tx.need))
		return !READ_ONCE(file->ticket);
	pos = READ_ONCE(queue->tx.pos);
	/*
	 * In this order, a "no" was true when rx.limit was read.  The receiver
	 * that raises rx.limit next sees this tx.pos or a later one, so it does
	 * not miss the edge.
	 */
	smp_mb();
	/* Acquire: do not count voids whose room is in rx.limit already. */
	limit = smp_load_acquire(&queue->rx.limit);
	limit += READ_ONCE(queue->rx.store.void_bytes);
	return tq_fits(limit, pos,
		       tq_record_bytes(READ_ONCE(queue->policy.max_message)));
}

/**
 * struct tq_reader - a call that sleeps until there is something to receive
 * @wait: its entry in the wait queue
 * @file: its open file, for wake-ups that are meant for that file alone
 */
struct tq_reader {
	struct wait_queue_entry wait;
	struct tq_file *file;
};

/**
 * tq_reader_woken - wake function of a reader
 * @wait: in a &struct tq_reader
 * @mode: as for any wake function
 * @sync: as for any wake function
 * @key: the file whose readers are woken, or NULL for any
 *
 * Context: Any, with the lock of the wait queue held.
 * Return: 0 for readers of other files, which then do not count as woken.
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
 * @deadline: when to stop waiting, CLOCK_MONOTONIC; NULL for never
 *
 * Context: Process context, no lock held.
 * Return: 0, and the caller looks again; -ETIMEDOUT; -ERESTARTSYS on a signal.
 * After an error the caller passes the wake-up on.
 */
int tq_wait_readable(struct tq_file *file, ktime_t *deadline)
{
	struct tqueue *queue = file->queue;
	struct wait_queue_head *head = &queue->waiters.read_wait;
	struct tq_reader reader = { .file = file };
	int ret;

	atomic_inc(&file->sleepers);
	atomic_inc(&queue->waiters.sleeping_readers);
	init_wait_entry(&reader.wait, 0);
	reader.wait.func = tq_reader_woken;
	ret = tq_sleep(prepare_to_wait_exclusive(head, &reader.wait,
						 TASK_INTERRUPTIBLE),
		       READ_ONCE(file->partial) || !tq_nothing_offered(queue) ||
		       tq_ended(file), deadline);
	finish_wait(head, &reader.wait);
	atomic_dec(&queue->waiters.sleeping_readers);
	atomic_dec(&file->sleepers);
	return ret;
}

/**
 * tq_wait_partial - sleep while another call copies from the partial message
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
