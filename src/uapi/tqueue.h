/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The interface between the tqueue driver and user space.
 *
 * Installed as <linux/tqueue.h>.  Every field has a fixed width, and the layout
 * is the same for 32-bit and 64-bit programs.
 */
#ifndef _UAPI_LINUX_TQUEUE_H
#define _UAPI_LINUX_TQUEUE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The longest name.  A name has letters, digits and ._- and no leading dot. */
#define TQUEUE_NAME_MAX		63

/* The most bytes that a message can carry, whatever the size of its queue. */
#define TQUEUE_LENGTH_MAX	0x10000000

/* tqueue_record.header_words: the size of the header in units of 8 bytes. */
#define TQUEUE_HEADER_WORDS	5

/* The same with a &struct tqueue_record_extra, in a record to be sent. */
#define TQUEUE_HEADER_WORDS_EXTRA	7

/* The highest tqueue_record.priority. */
#define TQUEUE_PRIORITY_MAX	63

/*
 * tqueue_record.flags: the low byte belongs to the sender, the high byte to the
 * driver.  The sender's flags say what &struct tqueue_record_extra holds.  They
 * are never set in a record that is received.
 *
 * %TQUEUE_FLAG_UNIQUE: a unique key, see %TQUEUE_SEND_UNIQUE.
 *
 * %TQUEUE_FLAG_UNSETTLED: the key stays taken while the message is leased, too.
 *
 * %TQUEUE_FLAG_DELAY: a delay, see %TQUEUE_SEND_DELAY.
 *
 * %TQUEUE_FLAG_PARTIAL: this is the rest of a message.  A reader took the first
 * part and closed its file before it took the rest.
 *
 * %TQUEUE_FLAG_DROPPED: messages were dropped since the previous RECEIVE.  Set
 * in the first record; tqueue_receive.dropped counts them.
 */
#define TQUEUE_FLAG_UNIQUE	0x0001
#define TQUEUE_FLAG_UNSETTLED	0x0002
#define TQUEUE_FLAG_DELAY	0x0004
#define TQUEUE_FLAG_PARTIAL	0x0100
#define TQUEUE_FLAG_DROPPED	0x0200

/**
 * struct tqueue_record - a message as it is in the ring and in batches
 * @length: payload bytes, at most %TQUEUE_LENGTH_MAX; the driver uses the two
 *	highest bits
 * @header_words: the size of this header in units of 8 bytes.  The payload
 *	begins there: a later driver may put more words before it.
 * @priority: 0 (usual) to 63 (first)
 * @flags: TQUEUE_FLAG_*
 * @id: the place of the message in the order of sending.  Ids grow, but not
 *	always by one.
 * @sent_ns: when it was sent: CLOCK_BOOTTIME, nanoseconds, coarse.  Negative if
 *	it was sent before the machine was booted.
 * @uid: the effective user id of the open file through which it was sent
 * @pid: the process id of the sender
 * @delivery: if it is leased: the number of this delivery, never 0
 * @attempts: how many deliveries had begun before this one, saturating
 * @reserved: zero
 * @payload: @length bytes, then zeros up to a multiple of 8
 */
struct tqueue_record {
	__u32 length;
	__u8  header_words;
	__u8  priority;
	__u16 flags;
	__aligned_u64 id;
	__s64 sent_ns;
	__u32 uid;
	__u32 pid;
	__u32 delivery;
	__u16 attempts;
	__u16 reserved;
	__u8  payload[];
};

/**
 * struct tqueue_record_extra - may follow the header of a record to be sent
 * @key: with %TQUEUE_FLAG_UNIQUE, else 0
 * @delay: with %TQUEUE_FLAG_DELAY, else 0
 */
struct tqueue_record_extra {
	__aligned_u64 key;
	__aligned_u64 delay;
};

/*
 * Deadlines are CLOCK_MONOTONIC nanoseconds.  With 0, or on an O_NONBLOCK file,
 * a call never sleeps (EAGAIN).  With %TQUEUE_FOREVER it sleeps without a
 * limit.  With any other deadline it fails with ETIMEDOUT when the deadline
 * passes.
 */
#define TQUEUE_FOREVER		(~0ULL)

/*
 * How structures grow
 *
 * The size in the number of a request is the caller's size of the structure.
 * The driver extends a shorter structure with zeros.  It takes a longer one
 * only if the part that it does not know is zero (%E2BIG).  It cuts results to
 * the caller's size.  So fields can be added at the end, and old and new
 * programs and drivers work together.
 */

/*
 * tqueue_send.flags: options for the records of the call that do not set them
 * themselves.
 *
 * %TQUEUE_SEND_DELAY: the records become ready after @delay.
 *
 * %TQUEUE_SEND_UNIQUE: the records have the unique key @key.  While a message
 * with that key is ready or delayed, no other can be sent: the call fails with
 * %EEXIST, and @last_id is the id of the message that has the key.  A buried
 * message has no key.  Each user has keys of its own, unless the queue's
 * tqueue_config.unique says otherwise.
 *
 * %TQUEUE_SEND_UNSETTLED: with %TQUEUE_SEND_UNIQUE: the key stays taken while
 * the message is leased, too.
 */
#define TQUEUE_SEND_DELAY	0x1
#define TQUEUE_SEND_UNIQUE	0x2
#define TQUEUE_SEND_UNSETTLED	0x4

/**
 * struct tqueue_send - TQUEUE_SEND: send the records of a buffer
 * @records: address of the buffer.  In each record the caller fills in @length,
 *	@header_words, @priority and the low byte of @flags, which are checked.
 *	The driver fills in the rest of the header.
 * @bytes: bytes of the buffer, which holds whole records
 * @deadline: when to stop waiting for room for the first record
 * @flags: TQUEUE_SEND_*
 * @reserved: 0
 * @last_id: out: the id of the last record that was sent; with %EEXIST, of the
 *	message that has the key
 * @sent_bytes: out: bytes of the records that were sent
 * @delay: with %TQUEUE_SEND_DELAY: nanoseconds of CLOCK_BOOTTIME from this call
 *	on, below 2^63; else 0
 * @key: with %TQUEUE_SEND_UNIQUE; else 0
 *
 * Sends records from the first one on, as many as there is room for.  Waits for
 * room for the first one only.  Returns the number of records sent.  An invalid
 * record ends the call.  It is an error (%EINVAL, %EMSGSIZE, %EFAULT) if it is
 * the first one.
 */
struct tqueue_send {
	__aligned_u64 records;
	__aligned_u64 bytes;
	__aligned_u64 deadline;
	__u32 flags;
	__u32 reserved;
	__aligned_u64 last_id;
	__aligned_u64 sent_bytes;
	__aligned_u64 delay;
	__aligned_u64 key;
};

/*
 * tqueue_receive.flags
 *
 * %TQUEUE_RECEIVE_PEEK: copy the messages and leave them in the queue.
 *
 * %TQUEUE_RECEIVE_LEASE: lease the messages.  A leased message belongs to the
 * open file until it is settled (TQUEUE_SETTLE), its time limit passes, or the
 * last copy of the file is closed.  After the limit or the close it goes back
 * to its place.
 *
 * %TQUEUE_RECEIVE_ACK: first acknowledge the delivery (@ack_id, @ack_delivery).
 * @ack_result says whether that was done, whatever the call returns.
 *
 * %TQUEUE_RECEIVE_BY_ID: receive the message @id alone.  Fails with %ENOENT if
 * there is none, and with %EBUSY while it is leased or in flight.  Never waits.
 */
#define TQUEUE_RECEIVE_PEEK	0x1
#define TQUEUE_RECEIVE_LEASE	0x2
#define TQUEUE_RECEIVE_ACK	0x4
#define TQUEUE_RECEIVE_BY_ID	0x8

/**
 * struct tqueue_receive - TQUEUE_RECEIVE: receive messages as records
 * @records: address of the buffer for the records
 * @bytes: in: bytes of the buffer; out: bytes of the records received, or with
 *	%EMSGSIZE the room that the first record needs
 * @deadline: when to stop waiting for the first record
 * @flags: TQUEUE_RECEIVE_*
 * @count: the most records to receive; 0 for as many as fit
 * @dropped: out: how many messages were dropped since this was last reported.
 *	Each drop is reported once, to a RECEIVE that does not peek.
 * @limit: with %TQUEUE_RECEIVE_LEASE: how long the leases last, in nanoseconds
 *	of CLOCK_MONOTONIC; 0 for the queue's lease_limit, %TQUEUE_FOREVER for
 *	no limit.  Else 0.
 * @id: with %TQUEUE_RECEIVE_BY_ID; else 0
 * @ack_id: with %TQUEUE_RECEIVE_ACK; else 0
 * @ack_delivery: with %TQUEUE_RECEIVE_ACK; else 0
 * @ack_result: out, with %TQUEUE_RECEIVE_ACK: 0, or why not: -ESTALE, -ENOENT
 *
 * Returns the number of records, or 0 at the end of file.  If the call leases
 * one message, its delivery has begun.  If it leases several, each delivery
 * begins with %TQUEUE_BEGIN or %TQUEUE_EXTEND.  Only a delivery that has begun
 * counts as an attempt when the message comes back.
 */
struct tqueue_receive {
	__aligned_u64 records;
	__aligned_u64 bytes;
	__aligned_u64 deadline;
	__u32 flags;
	__u32 count;
	__aligned_u64 dropped;
	__aligned_u64 limit;
	__aligned_u64 id;
	__aligned_u64 ack_id;
	__u32 ack_delivery;
	__s32 ack_result;
};

/*
 * tqueue_settlement.action
 *
 * %TQUEUE_ACKNOWLEDGE: the work is done, and the message is gone.
 *
 * %TQUEUE_REQUEUE: the message goes back to its place, now or after @time.
 *
 * %TQUEUE_BURY: the message is set aside until it is kicked or removed.
 *
 * %TQUEUE_EXTEND: the lease ends @time from now (0: the queue's lease_limit;
 * %TQUEUE_FOREVER: no limit).  The delivery has begun.
 *
 * %TQUEUE_BEGIN: the delivery has begun: see &struct tqueue_receive.
 *
 * %TQUEUE_HOLD: the lease moves to a file of its own.  @result is the
 * descriptor (O_CLOEXEC).  The lease ends with the last copy of that file.  The
 * file can do nothing else, except that it polls POLLHUP when the lease is
 * over.
 */
#define TQUEUE_ACKNOWLEDGE	1
#define TQUEUE_REQUEUE		2
#define TQUEUE_BURY		3
#define TQUEUE_EXTEND		4
#define TQUEUE_BEGIN		5
#define TQUEUE_HOLD		6
/* 7 is reserved for a move to another queue. */

/*
 * tqueue_settlement.flags
 *
 * %TQUEUE_SETTLE_PRIORITY: requeue or bury the message with @priority.
 *
 * %TQUEUE_SETTLE_UNCOUNTED: requeue it without counting an attempt.
 *
 * %TQUEUE_SETTLE_UNLEASED: the message is ready, delayed or buried.  Remove it
 * (ACKNOWLEDGE), make it ready or delay it (REQUEUE), or BURY it.  @delivery is
 * 0.
 *
 * %TQUEUE_SETTLE_FORCE: settle the lease of any holder.  Needs the right to SET
 * the queue.  @delivery is 0.
 */
#define TQUEUE_SETTLE_PRIORITY	0x1
#define TQUEUE_SETTLE_UNCOUNTED	0x2
#define TQUEUE_SETTLE_UNLEASED	0x4
#define TQUEUE_SETTLE_FORCE	0x8

/* tqueue_settlement.result: what happened to the message. */
#define TQUEUE_RESULT_DONE	0	/* as requested */
#define TQUEUE_RESULT_BURIED	1	/* buried: last attempt, or too old */
#define TQUEUE_RESULT_DROPPED	2	/* dropped, for the same reasons */
#define TQUEUE_RESULT_PUT_OFF	3	/* delayed, not buried: max_buried */

/* The delay of a message that could not be buried: one hour. */
#define TQUEUE_PUT_OFF_DELAY	3600000000000ULL

/**
 * struct tqueue_settlement - how one delivery ends
 * @id: the id of the message
 * @time: nanoseconds from now, below 2^63: the delay of REQUEUE, the limit of
 *	EXTEND; else 0
 * @delivery: the number of the delivery
 * @code: for REQUEUE and BURY: any number that the worker wants LIST to show;
 *	else 0
 * @result: out: TQUEUE_RESULT_*, or the descriptor of HOLD; or -ESTALE (the
 *	delivery is over), -ENOENT (no such message), -EBUSY (leased or in
 *	flight), -EINVAL, -EPERM, -EEXIST (another message has its key),
 *	-ENOMEM, -EMFILE, -ENFILE, -EIDRM, -EINTR (the caller is being killed)
 * @action: TQUEUE_ACKNOWLEDGE to TQUEUE_HOLD
 * @priority: with %TQUEUE_SETTLE_PRIORITY; else 0
 * @flags: TQUEUE_SETTLE_*
 */
struct tqueue_settlement {
	__aligned_u64 id;
	__aligned_u64 time;
	__u32 delivery;
	__s32 code;
	__s32 result;
	__u8  action;
	__u8  priority;
	__u16 flags;
};

/**
 * struct tqueue_settle - TQUEUE_SETTLE: settle deliveries
 * @settlements: address of an array of &struct tqueue_settlement
 * @count: the number of settlements
 * @flags: 0
 *
 * Each settlement has its own result, and none depends on another.  Returns how
 * many results are not negative.  A file can settle what any file of the queue
 * has leased: knowing the number of the delivery is enough.  The file must be
 * open for reading.
 */
struct tqueue_settle {
	__aligned_u64 settlements;
	__u32 count;
	__u32 flags;
};

/*
 * The states of a message: bits of tqueue_list.states and tqueue_kick.states.
 */
#define TQUEUE_READY		0x1
#define TQUEUE_LEASED		0x2
#define TQUEUE_DELAYED		0x4
#define TQUEUE_BURIED		0x8
#define TQUEUE_IN_FLIGHT	0x10

/**
 * struct tqueue_kick - TQUEUE_KICK: make messages ready
 * @id: kick messages up to this id; %TQUEUE_FOREVER for all
 * @count: the most messages to kick; 0 for all
 * @states: %TQUEUE_BURIED, %TQUEUE_DELAYED, or both
 * @left: out: how many buried messages stayed because other messages have their
 *	keys
 * @reserved: 0
 *
 * The attempts of a buried message start again at 0.  Returns how many messages
 * were made ready, lowest ids first.
 */
struct tqueue_kick {
	__aligned_u64 id;
	__u32 count;
	__u32 states;
	__u32 left;
	__u32 reserved;
};

/* tqueue_listed.reason: why a message is in its state. */
#define TQUEUE_REASON_NONE	0	/* unchanged since it was sent */
#define TQUEUE_REASON_WORKER	1	/* its worker requeued or buried it */
#define TQUEUE_REASON_CLOSED	2	/* the file that leased it was closed */
#define TQUEUE_REASON_LIMIT	3	/* the time limit of its lease passed */
#define TQUEUE_REASON_FORCED	4	/* settled by force, or by its id */
#define TQUEUE_REASON_ATTEMPTS	5	/* buried: max_attempts */
#define TQUEUE_REASON_EXPIRED	6	/* buried: older than ttl */
#define TQUEUE_REASON_KICKED	7	/* it was kicked */
#define TQUEUE_REASON_PUT_OFF	8	/* delayed: it could not be buried */

/* tqueue_listed.flags, besides %TQUEUE_FLAG_PARTIAL and the flags of keys. */
#define TQUEUE_LISTED_BEGUN	0x8000	/* the delivery has begun */

/**
 * struct tqueue_listed - what TQUEUE_LIST shows of one message
 * @id: its id
 * @sent_ns: see &struct tqueue_record
 * @since_ns: when it entered its state: CLOCK_BOOTTIME, nanoseconds, coarse
 * @due_ns: delayed: when it becomes ready, CLOCK_BOOTTIME.  Leased: when its
 *	limit passes, CLOCK_MONOTONIC, or %TQUEUE_FOREVER.  Else 0.
 * @key: its unique key, if its flags say that it has one
 * @length: payload bytes that have not been read
 * @uid: the sender's user id
 * @pid: the sender's process id
 * @holder: leased: the process that leased it
 * @delivery: leased: the number of the delivery
 * @code: the code that the last worker gave
 * @attempts: how many deliveries have begun before
 * @flags: TQUEUE_FLAG_UNIQUE, _UNSETTLED, _PARTIAL, TQUEUE_LISTED_BEGUN
 * @state: TQUEUE_READY, _LEASED, ...
 * @priority: its priority
 * @reason: TQUEUE_REASON_*
 * @reserved: 0
 */
struct tqueue_listed {
	__aligned_u64 id;
	__s64 sent_ns;
	__s64 since_ns;
	__aligned_u64 due_ns;
	__aligned_u64 key;
	__u32 length;
	__u32 uid;
	__u32 pid;
	__u32 holder;
	__u32 delivery;
	__s32 code;
	__u16 attempts;
	__u16 flags;
	__u8  state;
	__u8  priority;
	__u8  reason;
	__u8  reserved;
};

/**
 * struct tqueue_list - TQUEUE_LIST: list messages
 * @entries: address of an array of &struct tqueue_listed
 * @after: list messages after this id; 0 to start from the first
 * @count: the number of entries that there is room for
 * @entry_bytes: the caller's size of one entry
 * @states: bits: TQUEUE_READY, _LEASED, ...; 0 for all
 * @flags: 0
 *
 * Lists messages in the order of ids.  To list all, start each call after the
 * last id of the previous one: every message that exists all the time is then
 * listed once.  Does not change the messages.  Returns the number of entries; 0
 * at the end.
 */
struct tqueue_list {
	__aligned_u64 entries;
	__aligned_u64 after;
	__u32 count;
	__u32 entry_bytes;
	__u32 states;
	__u32 flags;
};

/**
 * struct tqueue_wait - TQUEUE_WAIT: wait until messages are settled
 * @id: the last of them, as TQUEUE_SEND returned it; %TQUEUE_FOREVER for all
 *	that were sent before this call
 * @deadline: when to stop waiting
 *
 * A message is settled when it was received whole, acknowledged, dropped or
 * buried.  A message that is ready, delayed, leased or in flight is not
 * settled.
 */
struct tqueue_wait {
	__aligned_u64 id;
	__aligned_u64 deadline;
};

/* tqueue_config.overflow: what happens to a send if the queue is full. */
#define TQUEUE_OVERFLOW_BLOCK		0	/* it waits for room */
#define TQUEUE_OVERFLOW_REJECT		1	/* it fails with ENOBUFS */
#define TQUEUE_OVERFLOW_DROP_OLDEST	2	/* the oldest messages are dropped */

/* tqueue_config.end_of_file: when readers get the end of file. */
#define TQUEUE_EOF_NEVER		0	/* only when it is stopped */
#define TQUEUE_EOF_LAST_WRITER		1	/* also after the last writer */

/* tqueue_config.no_reader: what happens to sends after the last reader left. */
#define TQUEUE_NO_READER_KEEP		0	/* messages wait for a reader */
#define TQUEUE_NO_READER_ERROR		1	/* EPIPE, as on a pipe */

/*
 * tqueue_config.on_expired: what happens to a message that is older than ttl.
 */
#define TQUEUE_EXPIRED_DROP		0
#define TQUEUE_EXPIRED_BURY		1

/* tqueue_config.on_exhausted: what happens to a message after max_attempts. */
#define TQUEUE_EXHAUSTED_BURY		0
#define TQUEUE_EXHAUSTED_DROP		1

/* tqueue_config.unique: among which messages a unique key is unique. */
#define TQUEUE_UNIQUE_USER		0	/* those of the same user */
#define TQUEUE_UNIQUE_QUEUE		1	/* all messages of the queue */

/* tqueue_config.fields: which of the other fields are set. */
#define TQUEUE_CONFIG_SIZE		0x1ULL
#define TQUEUE_CONFIG_MAX_MESSAGE	0x2ULL
#define TQUEUE_CONFIG_OVERFLOW		0x4ULL
#define TQUEUE_CONFIG_END_OF_FILE	0x8ULL
#define TQUEUE_CONFIG_NO_READER		0x10ULL
#define TQUEUE_CONFIG_OWNER		0x20ULL	/* in SET only; rules of chown() */
#define TQUEUE_CONFIG_TTL		0x40ULL
#define TQUEUE_CONFIG_ON_EXPIRED	0x80ULL
#define TQUEUE_CONFIG_MAX_ATTEMPTS	0x100ULL
#define TQUEUE_CONFIG_ON_EXHAUSTED	0x200ULL
#define TQUEUE_CONFIG_LEASE_LIMIT	0x400ULL
#define TQUEUE_CONFIG_MAX_LEASED	0x800ULL
#define TQUEUE_CONFIG_MAX_BURIED	0x1000ULL
#define TQUEUE_CONFIG_UNIQUE		0x2000ULL

/**
 * struct tqueue_config - the settings of a queue
 * @fields: TQUEUE_CONFIG_*.  Other fields are ignored: they stay as they are,
 *	or get their defaults in a new queue.
 * @size: the most bytes that the queue holds, rounded up to a power of two of
 *	whole pages
 * @max_message: the most payload bytes of a message; 0 for the most that @size
 *	allows, even after @size changes
 * @overflow: TQUEUE_OVERFLOW_*
 * @end_of_file: TQUEUE_EOF_*
 * @no_reader: TQUEUE_NO_READER_*
 * @uid: the owner, who may SET, START, STOP, PAUSE and RESUME the queue as the
 *	administrator may
 * @ttl: how long after its sending a message expires: nanoseconds of
 *	CLOCK_BOOTTIME, below 2^63; 0 for never.  Applies to messages that are
 *	ready or delayed, and to leased ones when they come back.
 * @lease_limit: how long a lease without a limit of its own lasts: nanoseconds
 *	of CLOCK_MONOTONIC, below 2^63; 0 for no limit
 * @max_buried: the most bytes of buried messages, as @size counts them; 0 for a
 *	quarter of @size, even after @size changes.  A message that would exceed
 *	it is delayed by %TQUEUE_PUT_OFF_DELAY instead of being buried.
 * @on_expired: TQUEUE_EXPIRED_*
 * @max_attempts: the most deliveries that may begin for a message, at most
 *	65535; 0 for no limit.  16 in a new queue.
 * @on_exhausted: TQUEUE_EXHAUSTED_*
 * @max_leased: the most messages that are leased at one time; 0 for no limit
 * @unique: TQUEUE_UNIQUE_*
 * @reserved: 0
 */
struct tqueue_config {
	__aligned_u64 fields;
	__aligned_u64 size;
	__aligned_u64 max_message;
	__u32 overflow;
	__u32 end_of_file;
	__u32 no_reader;
	__u32 uid;
	__aligned_u64 ttl;
	__aligned_u64 lease_limit;
	__aligned_u64 max_buried;
	__u32 on_expired;
	__u32 max_attempts;
	__u32 on_exhausted;
	__u32 max_leased;
	__u32 unique;
	__u32 reserved;
};

/* tqueue_info.features: what this driver can do. */
#define TQUEUE_FEATURE_BATCH		0x1ULL	/* SEND and RECEIVE */
#define TQUEUE_FEATURE_CONTROL		0x2ULL	/* named queues, SET, START, STOP */
#define TQUEUE_FEATURE_WAIT		0x4ULL	/* WAIT */
#define TQUEUE_FEATURE_NO_READER	0x8ULL	/* no_reader, owners, EPOLLMSG */
#define TQUEUE_FEATURE_PRIORITY		0x10ULL	/* priorities */
#define TQUEUE_FEATURE_DELAY		0x20ULL	/* delays */
#define TQUEUE_FEATURE_UNIQUE		0x40ULL	/* unique keys */
#define TQUEUE_FEATURE_LEASE		0x80ULL	/* leases, SETTLE, and their policies */
#define TQUEUE_FEATURE_TTL		0x100ULL /* ttl */
#define TQUEUE_FEATURE_LIST		0x200ULL /* LIST, KICK, RECEIVE by id */
#define TQUEUE_FEATURE_PAUSE		0x400ULL /* PAUSE, RESUME */

/*
 * tqueue_info.state
 *
 * %TQUEUE_STATE_HELD_UP: senders are blocked, nothing is ready, and messages
 * are leased.  Only the holders of the leases can make progress possible.  If
 * they are the blocked senders, this state never ends.
 */
#define TQUEUE_STATE_STOPPED		0x1
#define TQUEUE_STATE_PAUSED		0x2
#define TQUEUE_STATE_HELD_UP		0x4

/**
 * struct tqueue_info - the state of a queue
 * @name: its name, ended by a zero byte
 * @uuid: identifies this queue, and no later one of the same name
 * @features: TQUEUE_FEATURE_*
 * @size: see &struct tqueue_config
 * @max_message: the most payload bytes of a message now
 * @bytes: bytes of all messages that are ready, delayed, leased or buried.  May
 *	exceed @size because of messages that came back or overtook blocked
 *	senders.
 * @messages: how many messages are ready
 * @sent: how many messages were sent since the queue was made
 * @received: how many messages were received or acknowledged since the queue
 *	was made
 * @dropped: how many messages were dropped since the queue was made, for any
 *	reason
 * @last_id: the id of the message that was sent last, or 0
 * @overflow: TQUEUE_OVERFLOW_*
 * @end_of_file: TQUEUE_EOF_*
 * @no_reader: TQUEUE_NO_READER_*
 * @state: TQUEUE_STATE_*
 * @in_flight: how many messages are being copied or were read in part
 * @readers: how many open files have received, or waited or polled for a
 *	message
 * @writers: how many files are open for writing
 * @blocked_senders: how many calls wait for room
 * @uid: see &struct tqueue_config
 * @major: major number of its device
 * @minor: minor number of its device
 * @reserved: 0
 * @ttl: see &struct tqueue_config
 * @lease_limit: see &struct tqueue_config
 * @max_buried: the most bytes of buried messages now
 * @leased: how many messages are leased
 * @leased_bytes: their bytes, as @size counts them
 * @delayed: how many messages are delayed
 * @delayed_bytes: their bytes
 * @buried: how many messages are buried
 * @buried_bytes: their bytes
 * @ever_leased: how many deliveries were leased since the queue was made
 * @ever_acknowledged: how many of them were acknowledged
 * @ever_requeued: how many of them ended with the return of the message
 * @ever_expired: how many messages got older than ttl
 * @ever_buried: how often a message was buried
 * @on_expired: TQUEUE_EXPIRED_*
 * @max_attempts: see &struct tqueue_config
 * @on_exhausted: TQUEUE_EXHAUSTED_*
 * @max_leased: see &struct tqueue_config
 * @unique: TQUEUE_UNIQUE_*
 * @reserved2: 0
 */
struct tqueue_info {
	char name[TQUEUE_NAME_MAX + 1];
	__u8 uuid[16];
	__aligned_u64 features;
	__aligned_u64 size;
	__aligned_u64 max_message;
	__aligned_u64 bytes;
	__aligned_u64 messages;
	__aligned_u64 sent;
	__aligned_u64 received;
	__aligned_u64 dropped;
	__aligned_u64 last_id;
	__u32 overflow;
	__u32 end_of_file;
	__u32 no_reader;
	__u32 state;
	__u32 in_flight;
	__u32 readers;
	__u32 writers;
	__u32 blocked_senders;
	__u32 uid;
	__u32 major;
	__u32 minor;
	__u32 reserved;
	__aligned_u64 ttl;
	__aligned_u64 lease_limit;
	__aligned_u64 max_buried;
	__aligned_u64 leased;
	__aligned_u64 leased_bytes;
	__aligned_u64 delayed;
	__aligned_u64 delayed_bytes;
	__aligned_u64 buried;
	__aligned_u64 buried_bytes;
	__aligned_u64 ever_leased;
	__aligned_u64 ever_acknowledged;
	__aligned_u64 ever_requeued;
	__aligned_u64 ever_expired;
	__aligned_u64 ever_buried;
	__u32 on_expired;
	__u32 max_attempts;
	__u32 on_exhausted;
	__u32 max_leased;
	__u32 unique;
	__u32 reserved2;
};

#define TQUEUE_IOC_MAGIC	0xD7

/*
 * Requests on an open queue.  SET, START, STOP, PAUSE and RESUME are for the
 * owner of the queue and for the administrator.  SETTLE and KICK need a file
 * that is open for reading.
 *
 * Nothing can be received from a paused queue.  It looks empty to receivers and
 * pollers, but is not at its end.  Sending, settling and peeking go on.
 */
#define TQUEUE_INFO	_IOR(TQUEUE_IOC_MAGIC, 0x00, struct tqueue_info)
#define TQUEUE_SEND	_IOWR(TQUEUE_IOC_MAGIC, 0x01, struct tqueue_send)
#define TQUEUE_RECEIVE	_IOWR(TQUEUE_IOC_MAGIC, 0x02, struct tqueue_receive)
#define TQUEUE_SETTLE	_IOW(TQUEUE_IOC_MAGIC, 0x03, struct tqueue_settle)
#define TQUEUE_KICK	_IOWR(TQUEUE_IOC_MAGIC, 0x04, struct tqueue_kick)
#define TQUEUE_WAIT	_IOWR(TQUEUE_IOC_MAGIC, 0x05, struct tqueue_wait)
#define TQUEUE_START	_IO(TQUEUE_IOC_MAGIC, 0x06)
#define TQUEUE_STOP	_IO(TQUEUE_IOC_MAGIC, 0x07)
#define TQUEUE_SET	_IOW(TQUEUE_IOC_MAGIC, 0x08, struct tqueue_config)
#define TQUEUE_LIST	_IOW(TQUEUE_IOC_MAGIC, 0x09, struct tqueue_list)
#define TQUEUE_PAUSE	_IO(TQUEUE_IOC_MAGIC, 0x0a)
#define TQUEUE_RESUME	_IO(TQUEUE_IOC_MAGIC, 0x0b)

/**
 * struct tqueue_create - TQUEUE_CTL_CREATE: make a queue
 * @name: the name of the queue, ended by a zero byte.  Its node is
 *	/dev/tq/NAME.
 * @uid: the owner of the queue and of its node
 * @gid: the group of its node
 * @mode: the mode of its node: read and write bits only, at least one
 * @reserved: 0
 * @config: its settings.  May grow.
 */
struct tqueue_create {
	char name[TQUEUE_NAME_MAX + 1];
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 reserved;
	struct tqueue_config config;
};

/* tqueue_select.flags: remove a queue that is open or holds messages, too. */
#define TQUEUE_REMOVE_FORCE	0x1

/**
 * struct tqueue_select - TQUEUE_CTL_REMOVE, _START, _STOP, _PAUSE and _RESUME
 * @name: the name of the queue, ended by a zero byte
 * @flags: %TQUEUE_REMOVE_FORCE, or 0
 * @reserved: 0
 */
struct tqueue_select {
	char name[TQUEUE_NAME_MAX + 1];
	__u32 flags;
	__u32 reserved;
};

/**
 * struct tqueue_set - TQUEUE_CTL_SET: configure a queue by name
 * @name: the name of the queue, ended by a zero byte
 * @config: the settings to change.  May grow.
 */
struct tqueue_set {
	char name[TQUEUE_NAME_MAX + 1];
	struct tqueue_config config;
};

/*
 * Requests on /dev/tqueue-control.  FEATURES, GET and NEXT work on any open
 * file, the others need one that is open for writing.  GET describes the queue
 * of that name.  NEXT describes the queue that follows it in the order of
 * names, or the first one if @name is empty; it fails with ENOENT if there is
 * none.  The default queue is called "tqueue" and cannot be removed.
 */
#define TQUEUE_CTL_FEATURES	_IOR(TQUEUE_IOC_MAGIC, 0x40, __u64)
#define TQUEUE_CTL_CREATE	_IOW(TQUEUE_IOC_MAGIC, 0x41, struct tqueue_create)
#define TQUEUE_CTL_REMOVE	_IOW(TQUEUE_IOC_MAGIC, 0x42, struct tqueue_select)
#define TQUEUE_CTL_SET		_IOW(TQUEUE_IOC_MAGIC, 0x43, struct tqueue_set)
#define TQUEUE_CTL_START	_IOW(TQUEUE_IOC_MAGIC, 0x44, struct tqueue_select)
#define TQUEUE_CTL_STOP		_IOW(TQUEUE_IOC_MAGIC, 0x45, struct tqueue_select)
#define TQUEUE_CTL_GET		_IOWR(TQUEUE_IOC_MAGIC, 0x46, struct tqueue_info)
#define TQUEUE_CTL_NEXT		_IOWR(TQUEUE_IOC_MAGIC, 0x47, struct tqueue_info)
#define TQUEUE_CTL_PAUSE	_IOW(TQUEUE_IOC_MAGIC, 0x48, struct tqueue_select)
#define TQUEUE_CTL_RESUME	_IOW(TQUEUE_IOC_MAGIC, 0x49, struct tqueue_select)

#endif /* _UAPI_LINUX_TQUEUE_H */
