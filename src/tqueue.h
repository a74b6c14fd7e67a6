/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue, as the parts of the driver see it.
 *
 * Lock order, outermost first:
 *
 *	tq_control_lock		which queues there are, and their ways to come
 *				and go
 *	tqueue.send_lock	senders: the ring's tail and the line of those
 *				that wait for room
 *	tqueue.receive_lock	receivers: the ring's head, the index of detached
 *				messages, and what open files hold
 *
 * Nobody sleeps, allocates or touches pageable user memory under the last two,
 * so calls that may not wait simply take them.  On the common path a call takes
 * one of the two; the sides meet in @tail and @limit alone, each written by
 * one side with release and read by the other with acquire.  What both sides
 * look at and neither changes as messages pass (the ring, the policies,
 * @closed) is written with both locks held and read with either.
 *
 * Files, each above those that it calls:
 *
 *	main.c		loading, unloading, parameters
 *	control.c	/dev/tqueue-control: queues by name
 *	device.c	the character device and its file operations
 *	table.c		/proc/tqueue: a table of all queues
 *	stats.c		what can be read about a queue: INFO, sysfs, fdinfo
 *	queue.c		the queue as an object: made and freed
 *	config.c	what can be chosen for a queue, and chosen anew
 *	file.c		open files: what becomes of what they hold
 *	end.c		stopped and removed queues, the last writer
 *	outbox.c	sending many records in one call
 *	inbox.c		receiving many records in one call
 *	receive.c	receiving
 *	hand.[ch]	messages in hand, and what stays with an open file
 *	room.[ch]	the room that receivers make, and who is told
 *	send.c		sending, and the line of senders that wait for room
 *	head.h		what stands at a queue's head
 *	tail.h		the room at its tail
 *	done.c		waiting until messages are done
 *	wake.[ch]	who is woken, and how no wake-up is lost
 *	state.c		what can be said of a queue without a lock
 *	message.[ch]	detached messages
 *	ring.[ch]	the memory of a ring
 *	user.h		the caller's memory
 *	trace.[ch]	the tracepoints
 *	compat.h	what differs between kernel versions
 */
#ifndef TQ_TQUEUE_H
#define TQ_TQUEUE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "ring.h"
#include "user.h"

#define TQ_NAME "tqueue"

struct cred;
struct fasync_struct;
struct file;
struct seq_file;
struct tq_message;

/**
 * struct tqueue - a queue
 * @dev: its device, which owns this structure: it is freed with the last
 *	reference to the device
 * @cdev: its character device
 * @ring: where ready messages stand in the order they were sent.  Both locks.
 * @free: bytes of @ring that do not count for what all rings may have
 * @max_message: the most payload bytes of a message.  Both locks; read without.
 * @max_follows: @max_message is the most that the ring allows.  Both locks.
 * @overflow: TQUEUE_OVERFLOW_*.  Both locks.
 * @end_of_file: TQUEUE_EOF_*.  Both locks; read without.
 * @closed: 0, or why nothing can be sent any more: -ESHUTDOWN (stopped) or
 *	-EIDRM (removed).  Both locks; read without.
 *
 * @node: place among the queues by name, under tq_control_lock
 * @uid: owner of its node when it appears
 * @gid: group of its node when it appears
 * @mode: of its node when it appears
 *
 * @send_lock: guards this and the next four fields
 * @tail: where the next record goes.  Read without the lock.
 * @limit_seen: a value that @limit had: as far as @tail may grow without
 *	looking at the receivers' side
 * @last_id: id of the message sent last.  Read without the lock.
 * @senders: the line of &struct tq_sender that wait for room, first come first
 * @need: bytes of the first in that line, or 0 when nobody waits: what
 *	receivers look at, without the lock.  %TQ_NEED_CLOSED while @closed.
 *
 * @receive_lock: guards this and the next fields, up to @readers
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
 * @in_hand: messages that left and may come back: those that calls copy out,
 *	and the rests of open files
 * @hands: how many messages ever went there.  Read without the lock.
 * @hands_done: how many of them were done with.  Read without the lock.
 * @undone_id: the lowest id of a message that is here or in hand, or U64_MAX;
 *	true while somebody waits on @done.  Read without the lock.
 * @lost: messages that were dropped
 * @gap: how many were dropped right before the message of @gap_id
 * @gap_id: the message that follows the gap, here or yet to be sent
 * @files: open files
 * @read_files: files open for reading
 * @write_files: files open for writing.  Read without the lock.
 * @write_opens: how often it was opened for writing.  Read without the lock.
 * @pinned: no file is open, but messages are here, and hold the module
 *
 * @readers: calls that sleep until there is something to receive, each an
 *	exclusive waiter of its own, so that one message wakes one
 * @poll_in: pollers, for %EPOLLIN
 * @poll_out: pollers, for %EPOLLOUT
 * @done: calls that wait until messages are done
 * @fasync_in: files open for reading that want a signal
 * @fasync_out: files open for writing that want a signal
 */
struct tqueue {
	struct device dev;
	struct cdev cdev;
	struct tq_ring ring;
	unsigned long free;
	unsigned long max_message;
	bool max_follows;
	u32 overflow;
	u32 end_of_file;
	int closed;

	struct rb_node node;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;

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
	struct list_head in_hand;
	u32 hands;
	u32 hands_done;
	u64 undone_id;
	u64 lost;
	u64 gap;
	u64 gap_id;
	unsigned int files;
	unsigned int read_files;
	unsigned int write_files;
	u64 write_opens;
	bool pinned;

	wait_queue_head_t readers ____cacheline_aligned_in_smp;
	wait_queue_head_t poll_in;
	wait_queue_head_t poll_out;
	wait_queue_head_t done;
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
 * @write_opens: @queue->write_opens when it was opened, less one if there was
 *	a writer then: another number means that it has seen a writer
 * @cred: who opened it; the file keeps them
 * @uid: effective user id of the opener, as the initial namespace sees it
 * @foreign: the opener lives in other namespaces, and does not see ids as they
 *	are
 * @pids: the opener lives in the initial process namespace
 * @mode: %FMODE_READ, %FMODE_WRITE
 */
struct tq_file {
	struct tqueue *queue;
	struct tq_message *rest;
	atomic_t sleepers;
	u64 write_opens;
	const struct cred *cred;
	u32 uid;
	bool foreign;
	bool pids;
	fmode_t mode;
};

#define TQ_REST_IN_HAND ((struct tq_message *)ERR_PTR(-EBUSY))

/* tqueue.need of a queue that is closed: more than ever fits. */
#define TQ_NEED_CLOSED ((unsigned long)LONG_MAX)

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

/* The queue of a device, as constant as that. */
#define tq_of_dev(device) container_of_const(device, struct tqueue, dev)

/* What @ns of the interface means: NULL for ever, or *@place. */
static inline ktime_t *tq_deadline(u64 ns, ktime_t *place)
{
	if (ns == TQUEUE_FOREVER)
		return NULL;
	*place = ns_to_ktime(min_t(u64, ns, KTIME_MAX));
	return place;
}

/* Why nothing can be sent, or 0. */
static inline int tq_closed(struct tqueue *queue)
{
	return READ_ONCE(queue->closed);
}

static inline bool tq_removed(struct tqueue *queue)
{
	return tq_closed(queue) == -EIDRM;
}

/* Whether readers may be at their end once nothing is left. */
static inline bool tq_ending(struct tqueue *queue)
{
	return tq_closed(queue) ||
	       (READ_ONCE(queue->end_of_file) == TQUEUE_EOF_LAST_WRITER &&
		!READ_ONCE(queue->write_files));
}

/* Lock both sides of a queue. */
static inline void tq_lock_both(struct tqueue *queue)
{
	mutex_lock(&queue->send_lock);
	mutex_lock(&queue->receive_lock);
}

static inline void tq_unlock_both(struct tqueue *queue)
{
	mutex_unlock(&queue->receive_lock);
	mutex_unlock(&queue->send_lock);
}

/* What the queue holds, in the ring and out of it.  Both locks held. */
static inline unsigned long tq_queue_bytes(const struct tqueue *queue)
{
	return queue->tail - (queue->limit - queue->ring.size);
}

/* Whether @bytes more fit in front of @limit; a message may have come back. */
static inline bool tq_fits(unsigned long limit, unsigned long tail,
			   unsigned long bytes)
{
	return (long)(limit - tail) >= (long)bytes;
}

/* queue.c */
struct tqueue *tq_queue_create(const struct tqueue_config *config,
			       unsigned long free);
void tq_queue_free(struct tqueue *queue);

/* state.c */
bool tq_drained(struct tqueue *queue);
bool tq_ended(struct tq_file *file);
bool tq_readable(struct tq_file *file);
bool tq_writable(struct tqueue *queue);

/* end.c */
void tq_writers_left(struct tqueue *queue);
int tq_start(struct tqueue *queue);
int tq_stop(struct tqueue *queue);
int tq_remove(struct tqueue *queue, bool force);

/* done.c */
void tq_wake_done(struct tqueue *queue);
int tq_wait_done(struct tq_file *file, u64 id, bool nowait, ktime_t *deadline);

/* send.c */
ssize_t tq_send(struct tq_file *file, struct tq_user *user, size_t length,
		bool nowait);
int tq_send_message(struct tqueue *queue, struct tq_message **message,
		    bool nowait, ktime_t *deadline, u64 *id);
int tq_no_room(struct tqueue *queue, bool nowait);
void tq_line_fail(struct tqueue *queue, int error);
bool tq_line_fits(struct tqueue *queue, unsigned long size);
void tq_move_up(struct tqueue *queue);

/* receive.c */
ssize_t tq_receive(struct tq_file *file, struct tq_user *user, size_t count,
		   bool nowait);
size_t tq_next_length(struct tq_file *file);

/* outbox.c */
int tq_batch_send(struct tq_file *file, struct tqueue_send *args, bool nowait);

/* inbox.c */
int tq_batch_receive(struct tq_file *file, struct tqueue_receive *args,
		     bool nowait);

/* config.c */
int tq_config_check(const struct tqueue_config *config);
unsigned long tq_config_size(const struct tqueue_config *config);
int tq_config_apply(struct tqueue *queue, const struct tqueue_config *config,
		    unsigned long size);
int tq_config_set(struct tqueue *queue, const struct tqueue_config *config);

/* file.c */
struct tq_file *tq_file_open(struct tqueue *queue, struct file *filp);
void tq_file_close(struct tq_file *file);

/* control.c */
#define TQ_FEATURES	(TQUEUE_FEATURE_BATCH | TQUEUE_FEATURE_CONTROL | \
			 TQUEUE_FEATURE_WAIT)
int tq_control_init(void);
void tq_control_exit(void);
int tq_control_next(struct tqueue_info *info);
int tq_default_add(struct tqueue *queue);
void tq_default_del(struct tqueue *queue);

/* device.c */
int tq_device_init(void);
void tq_device_exit(void);
int tq_device_add(struct tqueue *queue, const char *name, bool named);
void tq_device_del(struct tqueue *queue);

/* stats.c */
const struct attribute_group **tq_stats_groups_get(void);
void tq_stats_info(struct tqueue *queue, struct tqueue_info *info);
void tq_stats_fdinfo(struct seq_file *seq, struct tq_file *file);

/* table.c */
int tq_table_init(void);
void tq_table_exit(void);

/* main.c: parameters that may change while the module is loaded */
extern unsigned int tq_max_queues;

#endif /* TQ_TQUEUE_H */
