/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue, and what the parts of the driver share.  docs/design.md describes
 * how they work together, and defines the words that the comments use.
 *
 * Lock order, outermost first:
 *
 *	tq_control_lock		which queues exist
 *	tqueue.resizing		replacing the ring
 *	tqueue.tx.lock		senders: the end of the ring, blocked senders
 *	tqueue.rx.lock		receivers: the messages, and what open files hold
 *
 * No call sleeps, allocates or touches pageable user memory under the last two,
 * and no call holds them for more than one piece of work (TQ_PIECE).  So
 * non-blocking calls can take them.  Replacing a ring is the one exception: it
 * copies what the ring holds.
 *
 * On the common path a call takes one of the two.  The sides meet only in
 * tx.pos and rx.limit, each written by one side with release and read by the
 * other with acquire.  Both sides read ring and policy, which do not change as
 * messages pass: they are written with both locks held and read with either.
 *
 * The files, each above those that it calls:
 *
 *	build.c			includes all others: one compilation unit
 *	main.c			loading, unloading, parameters
 *	control.c		/dev/tqueue-control: named queues
 *	device.c		the character device and its file operations
 *	requests.[ch]		the ioctls of an open queue
 *	splice.[ch]		splice() out of a queue and into it
 *	ioctl.h			structures that grow
 *	proc.c			/proc/tqueue: a table of all queues
 *	sysfs.c			the attributes of a queue
 *	stats.c			the state of a queue in numbers
 *	config.c		settings, and resizing
 *	queue.c			the life of a queue, from creation to removal
 *	file.[ch]		open files: counting readers and writers
 *	send_batch.c		TQUEUE_SEND
 *	send.[ch]		sending a message
 *	senders.[ch]		blocked senders, and turns
 *	enqueue.[ch]		putting a message into its queue
 *	receive_batch.[ch]	TQUEUE_RECEIVE
 *	receive_lease.c		TQUEUE_RECEIVE with leases
 *	record.[ch]		messages as records, as their receiver sees them
 *	receive.[ch]		read(), and the loop of all receives
 *	settle.c		TQUEUE_SETTLE
 *	hold.c			leases in files of their own
 *	kick.c			TQUEUE_KICK
 *	listing.c		TQUEUE_LIST
 *	timer.[ch]		the work of the module's thread
 *	inflight.[ch]		messages that are being copied, or read in part
 *	lease.[ch]		leases and their holders
 *	states.[ch]		moving messages from one state to another
 *	due.[ch]		what becomes due, and when
 *	observe.[ch]		histograms, guarded by a static branch
 *	settled.[ch]		TQUEUE_WAIT
 *	drop.[ch]		making room by dropping the oldest messages
 *	notify.[ch]		wake-ups: collected under a lock, then delivered
 *	wait.[ch]		sleeping, and the conditions for waking up
 *	space.[ch]		how much a queue may hold
 *	store.[ch]		where messages are, and which one is next
 *	unique.[ch]		unique keys
 *	message.[ch]		detached messages
 *	ring.[ch]		the memory of a ring
 *	charge.[ch]		the limit of the memory of all rings
 *	clock.h			times
 *	user.h			the caller's memory
 *	counter.h		counters that are read without a lock
 *	trace.[ch]		the tracepoints
 *	compat.h		differences between kernel versions
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
struct tq_histograms;

/**
 * struct tq_policy - the settings of a queue
 * @max_message: the most payload bytes of a message
 * @direct_max: the most payload bytes of a message that goes through the ring:
 *	@max_message or a piece
 * @max_message_auto: @max_message follows the size of the ring
 * @overflow: TQUEUE_OVERFLOW_*
 * @end_of_file: TQUEUE_EOF_*
 * @no_reader: TQUEUE_NO_READER_*
 * @shutdown_error: 0, or why nothing can be sent: -ESHUTDOWN (stopped) or
 *	-EIDRM (removed)
 * @owner: the user who may configure the queue
 * @ttl: nanoseconds until a message expires; 0 for never
 * @lease_limit: nanoseconds until a lease ends; 0 for never
 * @max_buried: the most bytes of buried messages; 0 for a quarter of the size
 * @on_expired: TQUEUE_EXPIRED_*
 * @max_attempts: the most deliveries that may begin for a message; 0 for any
 *	number
 * @on_exhausted: TQUEUE_EXHAUSTED_*
 * @max_leased: the most messages that may be leased; 0 for any number
 * @unique: TQUEUE_UNIQUE_*
 *
 * Written with both locks held and read with either.  A single field may be
 * read with none.
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

/* tq_tx.gate: why a send may not take the fast path. */
#define TQ_GATE_BLOCKED		0x1	/* senders are blocked */
#define TQ_GATE_SHUTDOWN	0x2	/* the queue is stopped or removed */
#define TQ_GATE_NO_READER	0x4	/* no reader is left: EPIPE */

/**
 * struct tq_tx - the senders' side of a queue
 * @lock: guards all of it
 * @pos: where the next record goes.  Read without the lock.
 * @limit_cached: a value that rx.limit had.  @pos may grow up to it without a
 *	look at the receivers' side.
 * @gate: TQ_GATE_*
 * @empties_entered: how many empty messages ever entered the ring.  Read without
 *	the lock.
 * @last_id: the id of the message that was sent last.  Read without the lock.
 * @sent: how many messages were sent.  Read without the lock.
 * @need: bytes that the first blocked sender needs, or 0 if none is blocked.
 *	Receivers read it without the lock.
 * @blocked: blocked &struct tq_sender, in the order in which they are admitted:
 *	by priority, then in the order in which they came
 * @tickets: the same in the order in which they came
 * @blocked_count: how many senders are blocked.  Read without the lock.
 * @ticket: the ticket of the sender that came last
 * @turns: &struct tq_file that have overtaken blocked senders, by their tickets
 */
struct tq_tx {
	struct mutex lock;	/* guards all of it */
	unsigned long pos;
	unsigned long limit_cached;
	unsigned int gate;
	u32 empties_entered;
	struct tq_counter last_id;
	struct tq_counter sent;
	unsigned long need;
	struct list_head blocked;
	struct list_head tickets;
	unsigned int blocked_count;
	unsigned long ticket;
	struct list_head turns;
};

/* tq_rx.attention: what a receive must check before it is done. */
#define TQ_ATTENTION_ENDING	0x1	/* nothing left means end of file */
#define TQ_ATTENTION_SETTLED	0x2	/* a TQUEUE_WAIT sleeps */
#define TQ_ATTENTION_SIGIO	0x4	/* a file wants SIGIO when there is room */

/**
 * struct tq_pile - how many messages are in one state
 * @count: their number.  Read without the lock.
 * @bytes: what they count for in the size.  Read without the lock.
 */
struct tq_pile {
	unsigned int count;
	unsigned long bytes;
};

/**
 * struct tq_due - what becomes due, and when
 * @delays: delayed messages, by when they are due (CLOCK_BOOTTIME)
 * @limits: leased messages with a limit, by the limit (CLOCK_MONOTONIC)
 * @ages: if there is a ttl, detached messages that are ready or delayed, by
 *	when they were sent
 * @boottime: fires when the first of @delays is due or a message expires
 * @monotonic: fires when the first limit passes
 * @boottime_at: when @boottime fires, or S64_MAX
 * @monotonic_at: when @monotonic fires, or S64_MAX
 * @work: the work of the thread
 * @arrival: entry among the queue's pollers while the ring has no message that
 *	can expire.  The next message makes the thread look.
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
 * @limit: tx.pos may grow up to here: see space.h.  Read without the lock.  It
 *	falls when a message comes back or overtakes blocked senders; tx.pos may
 *	then be beyond it.
 * @attention: TQ_ATTENTION_*
 * @empties_left: how many empty messages ever left the ring.  Read without the
 *	lock.
 * @paused: nothing can be received.  Read without the lock.
 * @delivery: the number of the last delivery
 * @gone: how many messages were sent and are not ready.  Read without the lock.
 * @dropped: how many messages were dropped.  Read without the lock.
 * @dropped_reported: how many of them a RECEIVE has reported
 * @flights_begun: how often a message stopped being ready, buried or unsent,
 *	but might come back.  Read without the lock.
 * @flights_ended: how often such a message came back or was settled.  Read
 *	without the lock.
 * @leasing: messages in flight that will be leased
 * @leased: messages that are leased
 * @delayed: messages that are delayed
 * @buried: messages that are buried
 * @ever_leased: how many deliveries were leased.  Read without the lock.
 * @ever_acknowledged: how many of them were acknowledged.  Read without the
 *	lock.
 * @ever_requeued: how many of them ended with the return of the message.  Read
 *	without the lock.
 * @ever_expired: how many messages expired.  Read without the lock.
 * @ever_buried: how often a message was buried.  Read without the lock.
 * @due: what becomes due, and when
 * @unsettled_id: the lowest id that is not settled, or U64_MAX.  Kept up to
 *	date while a TQUEUE_WAIT sleeps.  Read without the lock.
 * @stream_end: the id of the last message that had been sent when a reader got
 *	the end of file because the last writer had left.  Later messages belong
 *	to the next stream.
 * @histograms: see observe.h; NULL while they are off
 */
struct tq_rx {
	struct mutex lock;	/* guards all of it */
	struct tq_store store;
	unsigned long limit;
	unsigned int attention;
	u32 empties_left;
	bool paused;
	u32 delivery;
	struct tq_counter gone;
	struct tq_counter dropped;
	u64 dropped_reported;
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
	u64 stream_end;
	struct tq_histograms *histograms;
};

/**
 * struct tq_opens - the open files of a queue
 * @files: &struct tq_file
 * @count: how many
 * @readers: how many files receive.  Read without the lock.
 * @readers_begun: how many files ever began to receive.  Read without the lock.
 * @writers: how many files are open for writing.  Read without the lock.
 * @writers_begun: how many files were ever opened for writing.  Read without
 *	the lock.
 * @pinned: no file is open, but the queue holds messages, so it keeps the
 *	module loaded
 *
 * Written with both locks held; @pinned with rx.lock held.
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
 * struct tq_waiters - sleeping calls and pollers
 * @read_wait: calls that sleep until there is something to receive.  Each is an
 *	exclusive waiter, so that one message wakes one of them.
 * @poll: pollers.  The key of a wake-up says what it is for.  One wait queue
 *	serves both directions: io_uring takes at most two from a file, and the
 *	other one is tq_file.wait.
 * @settled: calls of TQUEUE_WAIT
 * @fasync_in: files open for reading that want SIGIO
 * @fasync_out: files open for writing that want SIGIO
 * @sleeping_readers: how many calls sleep in @read_wait
 */
struct tq_waiters {
	wait_queue_head_t read_wait;
	wait_queue_head_t poll;
	wait_queue_head_t settled;
	struct fasync_struct *fasync_in;
	struct fasync_struct *fasync_out;
	atomic_t sleeping_readers;
};

/**
 * struct tqueue - a queue
 * @dev: its device, which owns this structure: the last reference to the device
 *	frees it
 * @cdev: its character device
 * @by_name: node among all queues, under tq_control_lock
 * @uuid: identifies this queue, and no later one of the same name
 * @uid: the owner of its node when the node appears
 * @gid: the group of its node when the node appears
 * @mode: the mode of its node when the node appears
 * @resizing: one call at a time replaces @ring
 * @uncharged: bytes of @ring that do not count towards max_memory
 * @charged: bytes of @ring that count towards max_memory.  Under @resizing.
 * @ring: messages in the order in which they were sent.  Both locks.
 * @policy: its settings.  Both locks.
 * @tx: the senders' side
 * @rx: the receivers' side
 * @opens: its open files
 * @waiters: its sleeping calls and pollers
 */
struct tqueue {
	struct device dev;
	struct cdev cdev;
	struct rb_node by_name;
	uuid_t uuid;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	struct mutex resizing;	/* one resize at a time */
	unsigned long uncharged;
	unsigned long charged;

	struct tq_ring ring ____cacheline_aligned_in_smp;
	struct tq_policy policy;

	struct tq_tx tx ____cacheline_aligned_in_smp;

	struct tq_rx rx ____cacheline_aligned_in_smp;
	struct tq_opens opens;

	struct tq_waiters waiters ____cacheline_aligned_in_smp;
};

/**
 * struct tq_holder - the leases of an open file
 * @leases: its &struct tq_message, in the order in which they were leased
 * @last: the last of them, or NULL
 * @over: the wait queue to wake when one of them ends, or NULL
 *
 * Under rx.lock.
 */
struct tq_holder {
	struct hlist_head leases;
	struct hlist_node *last;
	struct wait_queue_head *over;
};

/**
 * struct tq_file - an open file of a queue
 * @queue: the queue.  The file's reference to the device keeps it.
 * @link: node among the open files of the queue, under rx.lock
 * @partial: what is left of a message that was read in part through this file;
 *	%TQ_PARTIAL_IN_FLIGHT while a call copies from it.  Written under
 *	rx.lock, read without it.
 * @wait: pollers of this file, and reads that wait for @partial
 * @sleepers: how many reads sleep until there is something to receive
 * @reader: it receives, and so counts as a reader.  Written under rx.lock, read
 *	without it.
 * @saw_writer: when the file was opened, a stream had begun and not ended
 * @saw_reader: when the file was opened, there was a reader
 * @writers_begun: opens.writers_begun when the file was opened
 * @readers_begun: opens.readers_begun when the file was opened
 * @turn: node among the files that have overtaken blocked senders, under
 *	tx.lock
 * @ticket: the ticket of the last sender that it overtook, until that sender is
 *	served; or 0.  Written under tx.lock, read without it.
 * @holder: its leases
 * @spares: memory of small messages that it has settled, for its next leases; a
 *	list by @next, under rx.lock
 * @spare_count: how many @spares
 * @listed_id: the last id that TQUEUE_LIST has passed, under rx.lock
 * @listed_pos: where TQUEUE_LIST goes on in the ring
 * @cred: the credentials of the opener, which the file keeps
 * @uid: the effective user id of the opener, as the initial namespace sees it
 * @foreign: the opener is in other namespaces, so ids must be translated
 * @pids: the opener is in the initial process namespace
 * @mode: %FMODE_READ, %FMODE_WRITE, or neither
 */
struct tq_file {
	struct tqueue *queue;
	struct list_head link;
	struct tq_message *partial;
	wait_queue_head_t wait;
	atomic_t sleepers;
	bool reader;
	bool saw_writer;
	bool saw_reader;
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

/* The queue of a device; const if the device is. */
#define to_tqueue(device) container_of_const(device, struct tqueue, dev)

/* Translate a deadline of the interface.  Returns @place, or NULL for never. */
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

/*
 * How many empty messages are in the ring.  A plain read() does not return
 * them, so they do not make a queue readable.  A sender counts them before it
 * publishes them, a receiver before it releases their room.
 */
static inline u32 tq_empties(const struct tqueue *queue)
{
	return READ_ONCE(queue->tx.empties_entered) -
	       READ_ONCE(queue->rx.empties_left);
}

static inline void tq_empties_enter(struct tqueue *queue, u32 count)
{
	WRITE_ONCE(queue->tx.empties_entered,
		   queue->tx.empties_entered + count);
}

static inline void tq_empties_leave(struct tqueue *queue, u32 count)
{
	WRITE_ONCE(queue->rx.empties_left, queue->rx.empties_left + count);
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
unsigned long tq_config_charge(const struct tqueue *queue, unsigned long size);
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

/* main.c: false until loading has succeeded */
bool tq_may_open(void);
/* main.c: parameters that can change while the module is loaded */
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
