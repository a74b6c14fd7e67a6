/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue, as the parts of the driver see it.
 *
 * Lock order, outermost first:
 *
 *	tq_control_lock		which queues there are, and their coming and
 *				going
 *	tqueue.tx.lock		senders: where the next record goes, and the
 *				senders that are blocked
 *	tqueue.rx.lock		receivers: the messages that are ready or in
 *				flight, and what open files hold
 *
 * Nobody sleeps, allocates or touches pageable user memory under the last two,
 * and nobody holds them for longer than one piece (TQ_PIECE) takes to copy; so
 * calls that may not wait simply take them.  The replacement of a ring is the
 * one exception: it copies what the ring holds.
 *
 * On the common path a call takes one of the two.  The sides meet in tx.pos and
 * rx.limit alone, each written by one side with release and read by the other
 * with acquire.  What both sides look at and neither changes as messages pass
 * (@ring, @policy) is written with both locks held and read with either.
 *
 * Files, each above those that it calls:
 *
 *	main.c			loading, unloading, parameters
 *	control.c		/dev/tqueue-control: queues by name
 *	device.c		the character device and its file operations
 *	requests.[ch]		the requests on an open queue
 *	splice.c		splice() out of a queue and into it
 *	ioctl.h			structures that grow
 *	proc.c			/proc/tqueue: a table of all queues
 *	sysfs.c			the attributes of a queue
 *	stats.c			what there is to know about a queue
 *	config.c		policies, and resizing
 *	queue.c			life: create, start, stop, remove, free
 *	file.c			open files: readers and writers come and go
 *	send_batch.c		TQUEUE_SEND
 *	send.[ch]		sending a message
 *	senders.[ch]		senders that wait for room, and their turns
 *	enqueue.[ch]		how a message gets into its queue
 *	receive_batch.[ch]	TQUEUE_RECEIVE
 *	receive_lease.c		leasing what it receives
 *	record.[ch]		messages as records, as their receiver sees them
 *	receive.[ch]		receiving: read(), and the slow loop of both
 *	settle.c		TQUEUE_SETTLE
 *	hold.c			leases in files of their own
 *	kick.c			TQUEUE_KICK
 *	listing.c		TQUEUE_LIST
 *	timer.[ch]		the thread that does what is due
 *	inflight.[ch]		messages being copied, or read in part
 *	lease.[ch]		leases, and who holds them
 *	states.[ch]		how messages go from one state to another
 *	due.[ch]		what is due when
 *	settled.[ch]		TQUEUE_WAIT
 *	drop.[ch]		room at the cost of the oldest messages
 *	notify.[ch]		wake-ups: collected under a lock, then delivered
 *	wait.[ch]		sleeping, and what sleepers and pollers look at
 *	space.h			how much a queue may hold
 *	store.[ch]		where the messages stand, and which is next
 *	unique.[ch]		unique keys
 *	message.[ch]		detached messages
 *	ring.[ch]		the memory of a ring
 *	clock.h			times
 *	user.h			the caller's memory
 *	counter.h		counts that are read without a lock
 *	trace.[ch]		the tracepoints
 *	compat.h		what differs between kernel versions
 */
#ifndef TQ_TQUEUE_H
#define TQ_TQUEUE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <linux/wait.h>

#include "counter.h"
#include "ring.h"
#include "store.h"

#define TQ_NAME "tqueue"

struct cred;
struct fasync_struct;

/**
 * struct tq_policy - what can be chosen for a queue
 * @max_message: the most payload bytes of a message
 * @direct_max: the most that may go through the ring: @max_message or a piece
 * @max_message_auto: @max_message is the most that the ring allows
 * @overflow: TQUEUE_OVERFLOW_*
 * @end_of_file: TQUEUE_EOF_*
 * @no_reader: TQUEUE_NO_READER_*
 * @shutdown_error: 0, or why nothing can be sent any more: -ESHUTDOWN (stopped)
 *	or -EIDRM (removed)
 * @owner: who may configure it
 * @ttl: how long a message is of use, nanoseconds; 0 for ever
 * @lease_limit: how long a lease lasts, nanoseconds; 0 for ever
 * @max_buried: bytes of buried messages; 0 for a quarter of the size
 * @on_expired: TQUEUE_EXPIRED_*
 * @max_attempts: deliveries of a message that may begin; 0 for any number
 * @on_exhausted: TQUEUE_EXHAUSTED_*
 * @max_leased: messages that may be leased; 0 for any number
 * @unique: TQUEUE_UNIQUE_*
 *
 * Written with both locks held, read with either or, each alone, with none.
 */
struct tq_policy {
	unsigned long max_message;
	unsigned long direct_max;
	bool max_message_auto;
	u32 overflow;
	u32 end_of_file;
	u32 no_reader;
	int shutdown_error;
	kuid_t owner;
	u64 ttl;
	u64 lease_limit;
	u64 max_buried;
	u32 on_expired;
	u32 max_attempts;
	u32 on_exhausted;
	u32 max_leased;
	u32 unique;
};

/* tq_tx.gate: why a send must look twice before it goes ahead. */
#define TQ_GATE_BLOCKED		0x1	/* others wait for room */
#define TQ_GATE_SHUTDOWN	0x2	/* the queue is stopped or removed */
#define TQ_GATE_NO_READER	0x4	/* the last reader left: EPIPE to some */

/**
 * struct tq_tx - the senders' side of a queue
 * @lock: guards all of it
 * @pos: where the next record goes.  Read without the lock.
 * @limit_cached: a value that rx.limit had: as far as @pos may grow without
 *	looking at the receivers' side
 * @gate: TQ_GATE_*
 * @empties: empty messages that were put into the ring.  Read without the lock.
 * @last_id: id of the message that was sent last.  Read without the lock.
 * @sent: messages that were sent.  Read without the lock.
 * @need: bytes that the first blocked sender needs, or 0 when none is blocked.
 *	Receivers read it without the lock.
 * @blocked: &struct tq_sender that wait for room, in the order in which they are
 *	admitted: by priority, then first come first
 * @tickets: the same in the order in which they came
 * @blocked_count: how many.  Read without the lock.
 * @ticket: of the sender that was blocked last; they are numbered as they come
 * @turns: &struct tq_file that have sent past blocked senders, by their tickets
 */
struct tq_tx {
	struct mutex lock;	/* guards all of it */
	unsigned long pos;
	unsigned long limit_cached;
	unsigned int gate;
	u32 empties;
	struct tq_counter last_id;
	struct tq_counter sent;
	unsigned long need;
	struct list_head blocked;
	struct list_head tickets;
	unsigned int blocked_count;
	unsigned long ticket;
	struct list_head turns;
};

/* tq_rx.attention: what a receive has to look at before it can be done. */
#define TQ_ATTENTION_ENDING	0x1	/* once nothing is left, that is the end */
#define TQ_ATTENTION_SETTLED	0x2	/* TQUEUE_WAIT sleeps */
#define TQ_ATTENTION_SIGIO	0x4	/* a file wants a signal when there is room */

/**
 * struct tq_pile - messages of one state
 * @count: how many.  Read without the lock.
 * @bytes: what they count for.  Read without the lock.
 */
struct tq_pile {
	unsigned int count;
	unsigned long bytes;
};

/**
 * struct tq_due - what is due when
 * @delays: delayed messages, by when they are due (CLOCK_BOOTTIME)
 * @limits: leased ones that have a limit, by that (CLOCK_MONOTONIC)
 * @ages: while there is a ttl, detached ones that are ready or delayed, by when
 *	they were sent
 * @boottime: fires when the first of @delays is due, or a message gets too old
 * @monotonic: fires when the first limit passes
 * @boottime_at: when that is, or S64_MAX
 * @monotonic_at: when that is, or S64_MAX
 * @work: what the thread then does
 * @arrival: on the queue's pollers, while no message is in the ring that could
 *	get too old: the next one has the thread look
 */
struct tq_due {
	struct rb_root_cached delays;
	struct rb_root_cached limits;
	struct rb_root_cached ages;
	struct hrtimer boottime;
	struct hrtimer monotonic;
	s64 boottime_at;
	s64 monotonic_at;
	struct kthread_work work;
	struct wait_queue_entry arrival;
};

/**
 * struct tq_rx - the receivers' side of a queue
 * @lock: guards all of it
 * @store: the messages
 * @limit: as far as tx.pos may grow: store.pos + ring.size, less what is ready
 *	outside the ring.  Read without the lock.  It falls when a message
 *	comes back, or goes past blocked senders: tx.pos may then be beyond it.
 * @attention: TQ_ATTENTION_*
 * @empties: empty messages that were taken out of the ring.  Read without the
 *	lock.
 * @paused: nothing is received.  Read without the lock.
 * @delivery: number of the last delivery that was leased
 * @gone: messages that were sent and are not ready.  Read without the lock.
 * @dropped: messages that were dropped.  Read without the lock.
 * @dropped_told: how many of them RECEIVE has told of
 * @flights_begun: how often a message went in flight, or was leased or delayed,
 *	from being ready or buried or unsent.  Read without the lock.
 * @flights_ended: how often one was settled or came back.  The same.
 * @leasing: messages in flight that are to be leased
 * @leased: messages that are leased
 * @delayed: messages that are delayed
 * @buried: messages that are buried
 * @ever_leased: deliveries that were leased.  Read without the lock.
 * @ever_acknowledged: deliveries that were acknowledged.  The same.
 * @ever_requeued: deliveries after which the message came back.  The same.
 * @ever_expired: messages that got too old.  The same.
 * @ever_buried: messages that were buried.  The same.
 * @due: what is due when
 * @unsettled_id: the lowest id of a message that is not settled, or U64_MAX;
 *	true while TQUEUE_WAIT sleeps.  Read without the lock.
 * @ended_id: the last message that had been sent when a reader was told of the
 *	end because the last writer had left
 */
struct tq_rx {
	struct mutex lock;	/* guards all of it */
	struct tq_store store;
	unsigned long limit;
	unsigned int attention;
	u32 empties;
	bool paused;
	u32 delivery;
	struct tq_counter gone;
	struct tq_counter dropped;
	u64 dropped_told;
	u32 flights_begun;
	u32 flights_ended;
	u32 leasing;
	struct tq_pile leased;
	struct tq_pile delayed;
	struct tq_pile buried;
	struct tq_counter ever_leased;
	struct tq_counter ever_acknowledged;
	struct tq_counter ever_requeued;
	struct tq_counter ever_expired;
	struct tq_counter ever_buried;
	struct tq_due due;
	struct tq_counter unsettled_id;
	u64 ended_id;
};

/**
 * struct tq_opens - the open files of a queue
 * @files: &struct tq_file
 * @count: how many
 * @readers: files that receive.  Read without the lock.
 * @readers_begun: how many ever began to.  Read without the lock.
 * @writers: files open for writing.  Read without the lock.
 * @writers_begun: how often it was opened for writing.  Read without the lock.
 * @pinned: no file is open, but messages are here, and hold the module
 *
 * Written with rx.lock held.
 */
struct tq_opens {
	struct list_head files;
	unsigned int count;
	unsigned int readers;
	unsigned long readers_begun;
	unsigned int writers;
	unsigned long writers_begun;
	bool pinned;
};

/**
 * struct tq_waiters - who is to be woken
 * @read_wait: calls that sleep until there is something to receive, each an
 *	exclusive waiter of its own, so that one message wakes one
 * @poll: pollers, whom the keys of wake-ups tell what for.  One for both
 *	directions, since io_uring takes no more than two from a file, and each
 *	file has one of its own.
 * @settled: TQUEUE_WAIT
 * @fasync_in: files open for reading that want a signal
 * @fasync_out: files open for writing that want a signal
 */
struct tq_waiters {
	wait_queue_head_t read_wait;
	wait_queue_head_t poll;
	wait_queue_head_t settled;
	struct fasync_struct *fasync_in;
	struct fasync_struct *fasync_out;
};

/**
 * struct tqueue - a queue
 * @dev: its device, which owns this structure: it is freed with the last
 *	reference to the device
 * @cdev: its character device
 * @by_name: place among all queues, under tq_control_lock
 * @uuid: of this queue alone
 * @uid: owner of its node when it appears
 * @gid: group of its node when it appears
 * @mode: of its node when it appears
 * @uncharged: bytes of @ring that do not count for what all rings may have
 * @ring: where messages stand in the order they were sent.  Both locks.
 * @policy: what was chosen for it.  Both locks.
 * @tx: the senders' side
 * @rx: the receivers' side
 * @opens: its open files
 * @waiters: who is to be woken
 */
struct tqueue {
	struct device dev;
	struct cdev cdev;
	struct rb_node by_name;
	uuid_t uuid;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	unsigned long uncharged;

	struct tq_ring ring ____cacheline_aligned_in_smp;
	struct tq_policy policy;

	struct tq_tx tx ____cacheline_aligned_in_smp;

	struct tq_rx rx ____cacheline_aligned_in_smp;
	struct tq_opens opens;

	struct tq_waiters waiters ____cacheline_aligned_in_smp;
};

/**
 * struct tq_holder - who holds leases: an open file of a queue, or of one lease
 * @leases: its &struct tq_message, in the order in which they were leased
 * @last: the last of them, or NULL
 * @over: whom to wake when one ends that others settled, or NULL
 *
 * Under rx.lock.
 */
struct tq_holder {
	struct hlist_head leases;
	struct hlist_node *last;
	struct wait_queue_head *over;
};

/**
 * struct tq_file - an open file on a queue
 * @queue: the queue, which the file's device reference keeps
 * @link: among the open files of the queue, under rx.lock
 * @partial: what is left of a message that was read in part through this file;
 *	%TQ_PARTIAL_IN_FLIGHT while a call copies from it.  Written under
 *	rx.lock, read without it.
 * @wait: pollers of this file, and reads that wait for @partial
 * @sleepers: reads that sleep until there is something to receive
 * @reader: it receives, and so counts as a reader.  Written under rx.lock, read
 *	without it.
 * @writers_begun: opens.writers_begun when it was opened, less one if it has
 *	seen a writer then: another number means that it has seen one
 * @readers_begun: the same of readers
 * @turn: among those that have sent past blocked senders, under tx.lock
 * @ticket: of the last sender that it went past, until that one is served; or
 *	0.  Written under tx.lock, read without it.
 * @holder: its leases
 * @spares: memory of small messages that it has settled, for the next ones that it
 *	leases, a list by @next, under rx.lock
 * @spare_count: how many
 * @listed_id: the last message that TQUEUE_LIST has passed in the ring, under
 *	rx.lock
 * @listed_pos: where it stood
 * @cred: who opened it; the file keeps them
 * @uid: effective user id of the opener, as the initial namespace sees it
 * @foreign: the opener lives in other namespaces, and does not see ids as they
 *	are
 * @pids: the opener lives in the initial process namespace
 * @mode: %FMODE_READ, %FMODE_WRITE, or neither
 */
struct tq_file {
	struct tqueue *queue;
	struct list_head link;
	struct tq_message *partial;
	wait_queue_head_t wait;
	atomic_t sleepers;
	bool reader;
	unsigned long writers_begun;
	unsigned long readers_begun;
	struct list_head turn;
	unsigned long ticket;
	struct tq_holder holder;
	struct tq_message *spares;
	unsigned int spare_count;
	u64 listed_id;
	unsigned long listed_pos;
	const struct cred *cred;
	u32 uid;
	bool foreign;
	bool pids;
	fmode_t mode;
};

#define TQ_PARTIAL_IN_FLIGHT ((struct tq_message *)ERR_PTR(-EBUSY))

/* The queue of a device, as constant as that. */
#define to_tqueue(device) container_of_const(device, struct tqueue, dev)

/* What @ns of the interface means: NULL for ever, or *@place. */
static inline ktime_t *tq_deadline(u64 ns, ktime_t *place)
{
	if (ns == TQUEUE_FOREVER)
		return NULL;
	*place = ns_to_ktime(min_t(u64, ns, KTIME_MAX));
	return place;
}

/* Why nothing can be sent, or 0. */
static inline int tq_shutdown_error(const struct tqueue *queue)
{
	return READ_ONCE(queue->policy.shutdown_error);
}

static inline bool tq_removed(const struct tqueue *queue)
{
	return tq_shutdown_error(queue) == -EIDRM;
}

/* Lock both sides of a queue. */
static inline void tq_lock_both(struct tqueue *queue)
{
	mutex_lock(&queue->tx.lock);
	mutex_lock(&queue->rx.lock);
}

static inline void tq_unlock_both(struct tqueue *queue)
{
	mutex_unlock(&queue->rx.lock);
	mutex_unlock(&queue->tx.lock);
}

static inline void tq_assert_both_held(struct tqueue *queue)
{
	lockdep_assert_held(&queue->tx.lock);
	lockdep_assert_held(&queue->rx.lock);
}

/* queue.c */
struct tqueue *tq_queue_create(const struct tqueue_config *config,
			       unsigned long uncharged);
void tq_queue_free(struct tqueue *queue);
int tq_start(struct tqueue *queue);
int tq_stop(struct tqueue *queue);
int tq_pause(struct tqueue *queue);
int tq_resume(struct tqueue *queue);
int tq_remove(struct tqueue *queue, bool force);

/* config.c */
int tq_config_check(const struct tqueue_config *config);
unsigned long tq_config_size(const struct tqueue_config *config);
int tq_config_apply(struct tqueue *queue, const struct tqueue_config *config,
		    unsigned long size);
int tq_config_set(struct tqueue *queue, const struct tqueue_config *config);
int tq_check_owner(kuid_t uid);
bool tq_may_configure(struct tqueue *queue);

/* send_batch.c */
int tq_send_batch(struct tq_file *file, struct tqueue_send *args, bool nowait);

/* receive_batch.c */
int tq_receive_batch(struct tq_file *file, struct tqueue_receive *args,
		     bool nowait);

/* settle.c */
int tq_settle(struct tq_file *file, const struct tqueue_settle *args);

/* hold.c */
int tq_hold(struct tq_file *file, u64 id, u32 delivery);

/* kick.c */
int tq_kick(struct tq_file *file, struct tqueue_kick *args);

/* listing.c */
int tq_list(struct tq_file *file, const struct tqueue_list *args);

/* control.c */
#define TQ_FEATURES	(TQUEUE_FEATURE_BATCH | TQUEUE_FEATURE_CONTROL | \
			 TQUEUE_FEATURE_WAIT | TQUEUE_FEATURE_NO_READER | \
			 TQUEUE_FEATURE_PRIORITY | TQUEUE_FEATURE_DELAY | \
			 TQUEUE_FEATURE_UNIQUE | TQUEUE_FEATURE_LEASE | \
			 TQUEUE_FEATURE_TTL | TQUEUE_FEATURE_LIST | \
			 TQUEUE_FEATURE_PAUSE)
int tq_control_init(void);
void tq_control_exit(void);
int tq_control_next(struct tqueue_info *info);
int tq_default_add(struct tqueue *queue);
void tq_default_del(struct tqueue *queue);

/* main.c: opens fail until loading can fail no more */
bool tq_may_open(void);
/* main.c: parameters that may change while the module is loaded */
extern unsigned int tq_max_queues;

/* device.c */
int tq_device_init(void);
void tq_device_exit(void);
int tq_device_add(struct tqueue *queue, const char *name, bool named);
void tq_device_del(struct tqueue *queue);

/* sysfs.c */
const struct attribute_group **tq_sysfs_groups_get(void);

/* stats.c */
void tq_stats_info(struct tqueue *queue, struct tqueue_info *info);

/* proc.c */
int tq_proc_init(void);
void tq_proc_exit(void);

#endif /* TQ_TQUEUE_H */
