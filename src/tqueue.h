/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue, as the parts of the driver see it.
 *
 * Lock order, outermost first:
 *
 *	tqueue.send_lock	senders: the ring's tail and the line of those
 *				that wait for room
 *	tqueue.receive_lock	receivers: the ring's head, the index of detached
 *				messages, and what open files hold
 *
 * Nobody sleeps, allocates or touches pageable user memory under either, so
 * calls that may not wait simply take them.  On the common path a call takes
 * one of the two; the sides meet in @tail and @limit alone, each written by
 * one side with release and read by the other with acquire.
 *
 * Files, each above those that it calls:
 *
 *	main.c		loading, unloading, parameters
 *	device.c	the character device and its file operations
 *	stats.c		what can be read about a queue: sysfs, fdinfo
 *	file.c		open files: what becomes of what they hold
 *	receive.c	receiving, and what stays with an open file
 *	send.c		sending, and the line of senders that wait for room
 *	queue.c		the queue as an object, and its state
 *	wake.c		who is woken, and how no wake-up is lost
 *	message.c	detached messages
 *	ring.c		the memory of a ring
 *	user.h		the caller's memory
 */
#ifndef TQ_TQUEUE_H
#define TQ_TQUEUE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "ring.h"
#include "user.h"

#define TQ_NAME "tqueue"

struct fasync_struct;
struct file;
struct seq_file;
struct tq_message;

/**
 * struct tqueue - a queue
 * @dev: its device, which owns this structure: it is freed with the last
 *	reference to the device
 * @cdev: its character device
 * @ring: where ready messages stand in the order they were sent
 * @max_message: the most payload bytes of a message
 *
 * @send_lock: guards this and the next four fields
 * @tail: where the next record goes.  Read without the lock.
 * @limit_seen: a value that @limit had: as far as @tail may grow without
 *	looking at the receivers' side
 * @last_id: id of the message sent last.  Read without the lock.
 * @senders: the line of &struct tq_sender that wait for room, first come first
 * @need: bytes of the first in that line, or 0 when nobody waits: what
 *	receivers look at, without the lock
 *
 * @receive_lock: guards this and the next nine fields
 * @head: where the next record to receive stands.  Read without the lock.
 * @tail_seen: a value that @tail had: as far as @head may grow without looking
 *	at the senders' side
 * @limit: @head + @ring.size less what @index holds: as far as @tail may
 *	grow.  Read without the lock.  Falls when a message comes back; then
 *	@tail may stand beyond it, and senders wait until it has caught up.
 * @index: ready messages outside the ring
 * @indexed: how many.  Read without the lock.
 * @taken: messages that left, so that @last_id - @taken are here.  Read
 *	without the lock.
 * @rests_in_hand: open files whose rest is %TQ_REST_IN_HAND.  Read without the
 *	lock.
 * @files: open files
 * @pinned: no file is open, but messages are here, and hold the module
 *
 * @readers: calls that sleep until there is something to receive, each an
 *	exclusive waiter of its own, so that one message wakes one
 * @poll_in: pollers, for %EPOLLIN
 * @poll_out: pollers, for %EPOLLOUT
 * @fasync_in: files open for reading that want a signal
 * @fasync_out: files open for writing that want a signal
 */
struct tqueue {
	struct device dev;
	struct cdev cdev;
	struct tq_ring ring;
	unsigned long max_message;

	struct mutex send_lock ____cacheline_aligned_in_smp;
	unsigned long tail;
	unsigned long limit_seen;
	u64 last_id;
	struct list_head senders;
	unsigned long need;

	struct mutex receive_lock ____cacheline_aligned_in_smp;
	unsigned long head;
	unsigned long tail_seen;
	unsigned long limit;
	struct rb_root_cached index;
	unsigned int indexed;
	u64 taken;
	unsigned int rests_in_hand;
	unsigned int files;
	bool pinned;

	wait_queue_head_t readers ____cacheline_aligned_in_smp;
	wait_queue_head_t poll_in;
	wait_queue_head_t poll_out;
	struct fasync_struct *fasync_in;
	struct fasync_struct *fasync_out;
};

/**
 * struct tq_file - an open file on a queue
 * @queue: the queue, which the file's device reference keeps
 * @rest: what is left of a message that was read in part through this file;
 *	%TQ_REST_IN_HAND while a call copies from it.  Guarded by receive_lock,
 *	tested without it.
 * @sleepers: calls that sleep until this file has something to receive
 * @uid: effective user id of the opener, as the initial namespace sees it
 */
struct tq_file {
	struct tqueue *queue;
	struct tq_message *rest;
	atomic_t sleepers;
	u32 uid;
};

#define TQ_REST_IN_HAND ((struct tq_message *)ERR_PTR(-EBUSY))

static inline bool tq_ring_empty(struct tqueue *queue)
{
	/* Pairs with the release of @tail in tq_publish(). */
	return READ_ONCE(queue->head) == smp_load_acquire(&queue->tail);
}

static inline bool tq_index_empty(struct tqueue *queue)
{
	return !READ_ONCE(queue->indexed);
}

static inline bool tq_queue_empty(struct tqueue *queue)
{
	return tq_ring_empty(queue) && tq_index_empty(queue);
}

/* Whether @bytes more fit in front of @limit; a message may have come back. */
static inline bool tq_fits(unsigned long limit, unsigned long tail,
			   unsigned long bytes)
{
	return (long)(limit - tail) >= (long)bytes;
}

/* queue.c */
void tq_index_put(struct tqueue *queue, struct tq_message *message);
struct tqueue *tq_queue_create(unsigned long size, unsigned long max_message);
void tq_queue_free(struct tqueue *queue);
bool tq_readable(struct tq_file *file);
bool tq_writable(struct tqueue *queue);

/* send.c */
ssize_t tq_send(struct tq_file *file, struct tq_user *user, size_t length,
		bool nowait);
void tq_move_up(struct tqueue *queue);

/* receive.c */
ssize_t tq_receive(struct tq_file *file, struct tq_user *user, size_t count,
		   bool nowait);
size_t tq_next_length(struct tq_file *file);
void tq_return(struct tqueue *queue, struct tq_message *message);

/* file.c */
struct tq_file *tq_file_open(struct tqueue *queue, u32 uid);
void tq_file_close(struct tq_file *file);

/* device.c */
int tq_device_init(void);
void tq_device_exit(void);
int tq_device_add(struct tqueue *queue, const char *name);
void tq_device_del(struct tqueue *queue);

/* stats.c */
const struct attribute_group **tq_stats_groups_get(void);
void tq_stats_fdinfo(struct seq_file *seq, struct tq_file *file);

#endif /* TQ_TQUEUE_H */
