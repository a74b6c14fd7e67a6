/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * tqueue: what the driver and user space agree on.
 *
 * Installed as <linux/tqueue.h>.  Every field has a fixed width and the
 * layout is the same for 32-bit and 64-bit programs.
 */
#ifndef _UAPI_LINUX_TQUEUE_H
#define _UAPI_LINUX_TQUEUE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Most characters of a name: letters, digits, ._- and no dot in front. */
#define TQUEUE_NAME_MAX		63

/* The most bytes that one message may carry, whatever the size of its queue. */
#define TQUEUE_LENGTH_MAX	0x10000000

/* tqueue_record.header_words: the header's size in units of 8 bytes. */
#define TQUEUE_HEADER_WORDS	5

/* That of a record which a &struct tqueue_record_extra follows, to be sent. */
#define TQUEUE_HEADER_WORDS_EXTRA	7

/* The highest tqueue_record.priority. */
#define TQUEUE_PRIORITY_MAX	63

/*
 * tqueue_record.flags: the low byte is the sender's, the high byte the
 * driver's.  Those of the sender say what its &struct tqueue_record_extra holds;
 * a record that is received has none of them.
 *
 * %TQUEUE_FLAG_UNIQUE: a unique key, see %TQUEUE_SEND_UNIQUE.
 *
 * %TQUEUE_FLAG_UNSETTLED: the key stays taken while the message is leased, too.
 *
 * %TQUEUE_FLAG_DELAY: a delay, see %TQUEUE_SEND_DELAY.
 *
 * %TQUEUE_FLAG_PARTIAL: a reader took the first part of this message and
 * closed its file before it took the rest; this is the rest.
 *
 * %TQUEUE_FLAG_DROPPED: messages were dropped since the RECEIVE before this
 * one; it marks the first record, and tqueue_receive.dropped counts them.
 */
#define TQUEUE_FLAG_UNIQUE	0x0001
#define TQUEUE_FLAG_UNSETTLED	0x0002
#define TQUEUE_FLAG_DELAY	0x0004
#define TQUEUE_FLAG_PARTIAL	0x0100
#define TQUEUE_FLAG_DROPPED	0x0200

/**
 * struct tqueue_record - a message, as it stands in the ring and in batches
 * @length: payload bytes, at most %TQUEUE_LENGTH_MAX; the two highest bits
 *	are the driver's
 * @header_words: size of this header in units of 8 bytes.  The payload begins
 *	there: a later driver may put more words before it.
 * @priority: 0 (usual) to 63 (first)
 * @flags: TQUEUE_FLAG_*
 * @id: the message's place in the order of its queue; grows, not by ones
 * @sent_ns: when it was sent: CLOCK_BOOTTIME, nanoseconds, coarse.  Negative
 *	for a message that was sent before the machine was booted.
 * @uid: effective user id of the open file it was sent through
 * @pid: process id of the sender
 * @delivery: of a lease: the number of this delivery, never 0
 * @attempts: deliveries that had begun before this one, saturating
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
 * struct tqueue_record_extra - what may follow the header of a record to be sent
 * @key: with %TQUEUE_FLAG_UNIQUE, else 0
 * @delay: with %TQUEUE_FLAG_DELAY, else 0
 */
struct tqueue_record_extra {
	__aligned_u64 key;
	__aligned_u64 delay;
};

/*
 * Deadlines are CLOCK_MONOTONIC nanoseconds.  With 0, or on a file that is
 * O_NONBLOCK, a call never sleeps (EAGAIN); with %TQUEUE_FOREVER it sleeps for
 * ever; any other ends in ETIMEDOUT.
 */
#define TQUEUE_FOREVER		(~0ULL)

/*
 * How structures grow
 *
 * The size in a request's number is the caller's size of the structure.  A
 * driver takes a shorter structure as if zeros followed it, and a longer one
 * only if what it does not know is zero (%E2BIG); results are cut to the
 * caller's size.  So fields may be added at the end, and old and new programs
 * and drivers understand one another.
 */

/*
 * tqueue_send.flags: for those records of the call that do not say it themselves.
 *
 * %TQUEUE_SEND_DELAY: they become ready only after @delay.
 *
 * %TQUEUE_SEND_UNIQUE: they have the unique key @key.  While a message with that
 * key is ready or delayed no other is sent: %EEXIST, and @last_id tells which one
 * has it.  A buried message has no key.  Keys of different users do not meet,
 * unless the queue says so: tqueue_config.unique.
 *
 * %TQUEUE_SEND_UNSETTLED: with %TQUEUE_SEND_UNIQUE: the key stays taken while the
 * message is leased, too.
 */
#define TQUEUE_SEND_DELAY	0x1
#define TQUEUE_SEND_UNIQUE	0x2
#define TQUEUE_SEND_UNSETTLED	0x4

/**
 * struct tqueue_send - TQUEUE_SEND: send the records of a buffer
 * @records: address of the buffer.  Of each record, @length, @header_words,
 *	@priority and the low byte of @flags are the sender's and checked; the
 *	driver fills in the rest of the header.
 * @bytes: of the buffer: whole records, one after the other
 * @deadline: until when to wait for room for the first record
 * @flags: TQUEUE_SEND_*
 * @reserved: 0
 * @last_id: out: id of the last record that was sent; with %EEXIST, of the
 *	message that has the key
 * @sent_bytes: out: bytes of the records that were sent
 * @delay: with %TQUEUE_SEND_DELAY: nanoseconds from this call on, of
 *	CLOCK_BOOTTIME, below 2^63; else 0
 * @key: with %TQUEUE_SEND_UNIQUE; else 0
 *
 * Sends the records from the first on for which there is room, and waits only
 * for room for the first.  Returns the number of records sent.  A record that
 * is wrong ends the call, and is an error (%EINVAL, %EMSGSIZE, %EFAULT) if it
 * is the first.
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
 * %TQUEUE_RECEIVE_PEEK: look at the messages and leave them in the queue.
 *
 * %TQUEUE_RECEIVE_LEASE: lease them.  A leased message stays with the open file
 * until it is settled (TQUEUE_SETTLE), or its time limit passes, or the last copy
 * of the file is closed; then it goes back to its place.
 *
 * %TQUEUE_RECEIVE_ACK: first acknowledge the delivery (@ack_id, @ack_delivery).
 * @ack_result tells whether that was done, whatever the call returns.
 *
 * %TQUEUE_RECEIVE_BY_ID: the message @id alone, whatever its state: %ENOENT, or
 * %EBUSY while it is leased or in flight.  Never waits.
 */
#define TQUEUE_RECEIVE_PEEK	0x1
#define TQUEUE_RECEIVE_LEASE	0x2
#define TQUEUE_RECEIVE_ACK	0x4
#define TQUEUE_RECEIVE_BY_ID	0x8

/**
 * struct tqueue_receive - TQUEUE_RECEIVE: receive messages as records
 * @records: address of the buffer for them
 * @bytes: in: room there; out: bytes of the records received, or with
 *	%EMSGSIZE the room that the first one needs
 * @deadline: until when to wait for the first record
 * @flags: TQUEUE_RECEIVE_*
 * @count: the most records to receive; 0 for as many as fit
 * @dropped: out: messages that were dropped since this was told before.  Each
 *	drop is told once to one RECEIVE, and never to one that peeks.
 * @limit: with %TQUEUE_RECEIVE_LEASE: how long the leases last, nanoseconds of
 *	CLOCK_MONOTONIC; 0 for the queue's lease_limit, %TQUEUE_FOREVER for no
 *	limit.  Else 0.
 * @id: with %TQUEUE_RECEIVE_BY_ID; else 0
 * @ack_id: with %TQUEUE_RECEIVE_ACK; else 0
 * @ack_delivery: with %TQUEUE_RECEIVE_ACK; else 0
 * @ack_result: out, with %TQUEUE_RECEIVE_ACK: 0, or why not: -ESTALE, -ENOENT
 *
 * Returns the number of records, or 0 at end-of-file.  A call that leases
 * one message begins its delivery; of those that lease more, each is begun by
 * %TQUEUE_BEGIN or %TQUEUE_EXTEND.  Only a delivery that has begun counts as an
 * attempt when the message comes back.
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
 * %TQUEUE_ACKNOWLEDGE: the message is done, and gone.
 *
 * %TQUEUE_REQUEUE: it goes back to its place, at once or after @time.
 *
 * %TQUEUE_BURY: it is put aside until it is kicked or removed.
 *
 * %TQUEUE_EXTEND: the lease lasts for @time from now on (0: the queue's
 * lease_limit, %TQUEUE_FOREVER: no limit), and the delivery has begun.
 *
 * %TQUEUE_BEGIN: the delivery has begun: see &struct tqueue_receive.
 *
 * %TQUEUE_HOLD: the lease moves to a file of its own: @result is its descriptor
 * (O_CLOEXEC).  The lease ends with the last copy of that file.  The file can do
 * nothing else; it polls POLLHUP when the lease is over.
 */
#define TQUEUE_ACKNOWLEDGE	1
#define TQUEUE_REQUEUE		2
#define TQUEUE_BURY		3
#define TQUEUE_EXTEND		4
#define TQUEUE_BEGIN		5
#define TQUEUE_HOLD		6
/* 7 is kept for a move to another queue. */

/*
 * tqueue_settlement.flags
 *
 * %TQUEUE_SETTLE_PRIORITY: requeue or bury it with @priority.
 *
 * %TQUEUE_SETTLE_UNCOUNTED: requeue it as if it had not been delivered.
 *
 * %TQUEUE_SETTLE_UNLEASED: a message that is ready, delayed or buried: remove it
 * (ACKNOWLEDGE), make it ready or delay it (REQUEUE), or BURY it.  @delivery is 0.
 *
 * %TQUEUE_SETTLE_FORCE: whatever its delivery.  For those who may SET the queue.
 * @delivery is 0.
 */
#define TQUEUE_SETTLE_PRIORITY	0x1
#define TQUEUE_SETTLE_UNCOUNTED	0x2
#define TQUEUE_SETTLE_UNLEASED	0x4
#define TQUEUE_SETTLE_FORCE	0x8

/* tqueue_settlement.result: what became of a message instead. */
#define TQUEUE_RESULT_DONE	0	/* what was asked for */
#define TQUEUE_RESULT_BURIED	1	/* buried: after its last attempt, or too old */
#define TQUEUE_RESULT_DROPPED	2	/* dropped, for the same reasons */
#define TQUEUE_RESULT_PUT_OFF	3	/* delayed instead of buried: max_buried */

/* How long a message is delayed that cannot be buried: an hour. */
#define TQUEUE_PUT_OFF_DELAY	3600000000000ULL

/**
 * struct tqueue_settlement - what becomes of one message
 * @id: the message
 * @time: of REQUEUE the delay, of EXTEND the limit, nanoseconds below 2^63 from
 *	now on; else 0
 * @delivery: the number of its delivery
 * @code: of REQUEUE and BURY: the worker's own, which LIST shows; else 0
 * @result: out: one of the above; or -ESTALE (the delivery is over), -ENOENT
 *	(there is no such message), -EBUSY (it is leased, or in flight), -EINVAL,
 *	-EPERM, -EEXIST (another one has its key), -ENOMEM, -EMFILE, -ENFILE,
 *	-EIDRM, -EINTR (the caller is being killed).  Of HOLD, the new
 *	descriptor.
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
 * struct tqueue_settle - TQUEUE_SETTLE: end deliveries
 * @settlements: address of an array of &struct tqueue_settlement
 * @count: how many
 * @flags: 0
 *
 * Each has a result of its own, and none depends on another.  Returns how many of
 * them are not negative.  An open file settles what it or any other file of the
 * queue has leased: the number of the delivery is the ticket.  The file must be
 * open for reading.
 */
struct tqueue_settle {
	__aligned_u64 settlements;
	__u32 count;
	__u32 flags;
};

/* States of a message, each a bit of tqueue_list.states and tqueue_kick.states. */
#define TQUEUE_READY		0x1
#define TQUEUE_LEASED		0x2
#define TQUEUE_DELAYED		0x4
#define TQUEUE_BURIED		0x8
#define TQUEUE_IN_FLIGHT	0x10

/**
 * struct tqueue_kick - TQUEUE_KICK: make messages ready
 * @id: those up to this id; %TQUEUE_FOREVER for all
 * @count: at most so many; 0 for all
 * @states: %TQUEUE_BURIED, %TQUEUE_DELAYED, or both
 * @left: out: buried ones that were left, as others have their keys
 * @reserved: 0
 *
 * The attempts of a buried message begin at 0 again.  Returns how many were made
 * ready, lowest ids first.
 */
struct tqueue_kick {
	__aligned_u64 id;
	__u32 count;
	__u32 states;
	__u32 left;
	__u32 reserved;
};

/* tqueue_listed.reason: why a message is where it is. */
#define TQUEUE_REASON_NONE	0	/* it was sent so */
#define TQUEUE_REASON_WORKER	1	/* its worker requeued or buried it */
#define TQUEUE_REASON_CLOSED	2	/* the file that had leased it was closed */
#define TQUEUE_REASON_LIMIT	3	/* the time limit of its lease passed */
#define TQUEUE_REASON_FORCED	4	/* it was settled by force, or by its id */
#define TQUEUE_REASON_ATTEMPTS	5	/* buried: max_attempts */
#define TQUEUE_REASON_EXPIRED	6	/* buried: ttl */
#define TQUEUE_REASON_KICKED	7	/* it was kicked */
#define TQUEUE_REASON_PUT_OFF	8	/* delayed: it could not be buried */

/* tqueue_listed.flags, beside %TQUEUE_FLAG_PARTIAL and those of keys. */
#define TQUEUE_LISTED_BEGUN	0x8000	/* leased, and the delivery has begun */

/**
 * struct tqueue_listed - what TQUEUE_LIST shows of one message
 * @id: its id
 * @sent_ns: see &struct tqueue_record
 * @since_ns: when it got into its state: CLOCK_BOOTTIME, nanoseconds, coarse
 * @due_ns: delayed: when it becomes ready, CLOCK_BOOTTIME; leased: when its limit
 *	passes, CLOCK_MONOTONIC, or %TQUEUE_FOREVER; else 0
 * @key: its unique key, if its flags say that it has one
 * @length: payload bytes that are left of it
 * @uid: sender
 * @pid: sender
 * @holder: leased: the process that leased it
 * @delivery: leased: the number of the delivery
 * @code: the code of the worker that had it last
 * @attempts: deliveries that had begun before
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
 * struct tqueue_list - TQUEUE_LIST: what messages there are
 * @entries: address of an array of &struct tqueue_listed
 * @after: the id after which to begin; 0 for the first
 * @count: room for so many entries
 * @entry_bytes: the size of one, as the caller knows it
 * @states: bits: TQUEUE_READY, _LEASED, ...; 0 for all
 * @flags: 0
 *
 * In the order of ids.  A message that is there all the time is listed once by a
 * walk in which each call begins after the last id of the one before.  Has no
 * effect on the messages.  Returns the number of entries; 0 at the end.
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
 * @id: up to this one, which TQUEUE_SEND returned; %TQUEUE_FOREVER for all that
 *	were sent before this call
 * @deadline: until when
 *
 * A message is settled when it was received whole, acknowledged, dropped or
 * buried.  One that is ready, delayed, leased or in flight is not.
 */
struct tqueue_wait {
	__aligned_u64 id;
	__aligned_u64 deadline;
};

/* tqueue_config.overflow: what happens to a send when the queue is full. */
#define TQUEUE_OVERFLOW_BLOCK		0	/* it waits for room */
#define TQUEUE_OVERFLOW_REJECT		1	/* it fails with ENOBUFS */
#define TQUEUE_OVERFLOW_DROP_OLDEST	2	/* the oldest messages go */

/* tqueue_config.end_of_file: when readers find end-of-file. */
#define TQUEUE_EOF_NEVER		0	/* only when it is stopped */
#define TQUEUE_EOF_LAST_WRITER		1	/* and when the last writer left */

/* tqueue_config.no_reader: what happens to sends when the last reader left. */
#define TQUEUE_NO_READER_KEEP		0	/* the messages wait for another */
#define TQUEUE_NO_READER_ERROR		1	/* EPIPE, as on a pipe */

/* tqueue_config.on_expired: what becomes of a message that is older than ttl. */
#define TQUEUE_EXPIRED_DROP		0
#define TQUEUE_EXPIRED_BURY		1

/* tqueue_config.on_exhausted: what becomes of one after max_attempts. */
#define TQUEUE_EXHAUSTED_BURY		0
#define TQUEUE_EXHAUSTED_DROP		1

/* tqueue_config.unique: among which messages a unique key is unique. */
#define TQUEUE_UNIQUE_USER		0	/* those of the sender's user */
#define TQUEUE_UNIQUE_QUEUE		1	/* all */

/* tqueue_config.fields: which of the other fields are given. */
#define TQUEUE_CONFIG_SIZE		0x1ULL
#define TQUEUE_CONFIG_MAX_MESSAGE	0x2ULL
#define TQUEUE_CONFIG_OVERFLOW		0x4ULL
#define TQUEUE_CONFIG_END_OF_FILE	0x8ULL
#define TQUEUE_CONFIG_NO_READER		0x10ULL
#define TQUEUE_CONFIG_OWNER		0x20ULL	/* SET alone, by the rules of chown */
#define TQUEUE_CONFIG_TTL		0x40ULL
#define TQUEUE_CONFIG_ON_EXPIRED	0x80ULL
#define TQUEUE_CONFIG_MAX_ATTEMPTS	0x100ULL
#define TQUEUE_CONFIG_ON_EXHAUSTED	0x200ULL
#define TQUEUE_CONFIG_LEASE_LIMIT	0x400ULL
#define TQUEUE_CONFIG_MAX_LEASED	0x800ULL
#define TQUEUE_CONFIG_MAX_BURIED	0x1000ULL
#define TQUEUE_CONFIG_UNIQUE		0x2000ULL

/**
 * struct tqueue_config - what can be chosen for a queue, and chosen anew
 * @fields: TQUEUE_CONFIG_*; the others are not looked at: what is not given
 *	stays as it is, or gets its default in a new queue
 * @size: bytes of all that it holds, rounded up to a power of two of pages
 * @max_message: most payload bytes of a message; 0 for the most that @size
 *	allows, also when @size changes
 * @overflow: TQUEUE_OVERFLOW_*
 * @end_of_file: TQUEUE_EOF_*
 * @no_reader: TQUEUE_NO_READER_*
 * @uid: who else than the administrator may SET, START, STOP, PAUSE and RESUME
 *	it
 * @ttl: how long after it was sent a message is of use: nanoseconds of
 *	CLOCK_BOOTTIME, below 2^63; 0 for ever.  Ends those that are ready or
 *	delayed, and leased ones when they come back.
 * @lease_limit: how long a lease lasts that says nothing else: nanoseconds of
 *	CLOCK_MONOTONIC, below 2^63; 0 for no limit
 * @max_buried: most bytes of buried messages, as @size counts them; 0 for a
 *	quarter of @size, also when that changes.  What would be buried beyond
 *	it is delayed by %TQUEUE_PUT_OFF_DELAY instead.
 * @on_expired: TQUEUE_EXPIRED_*
 * @max_attempts: deliveries that may begin, at most 65535; 0 for no limit.  16 in
 *	a new queue.
 * @on_exhausted: TQUEUE_EXHAUSTED_*
 * @max_leased: messages that may be leased at a time; 0 for no limit
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
 * %TQUEUE_STATE_HELD_UP: senders wait for room, nothing is ready, and messages are
 * leased: only their holders can go on.  If these wait for room themselves, it
 * stays so for ever.
 */
#define TQUEUE_STATE_STOPPED		0x1
#define TQUEUE_STATE_PAUSED		0x2
#define TQUEUE_STATE_HELD_UP		0x4

/**
 * struct tqueue_info - what there is to know about a queue
 * @name: its name, ended by a zero byte
 * @uuid: of this queue alone, made with it
 * @features: TQUEUE_FEATURE_*
 * @size: see &struct tqueue_config
 * @max_message: the bytes that a message may have now
 * @bytes: of all messages that are ready, delayed, leased or buried.  May exceed
 *	@size by messages that came back, and by those of senders that may not
 *	wait.
 * @messages: that are ready
 * @sent: messages that were sent since the queue was made
 * @received: messages that were received or acknowledged since the queue was made
 * @dropped: messages that were dropped since the queue was made, old ones too
 * @last_id: id of the message that was sent last, or 0
 * @overflow: TQUEUE_OVERFLOW_*
 * @end_of_file: TQUEUE_EOF_*
 * @no_reader: TQUEUE_NO_READER_*
 * @state: TQUEUE_STATE_*
 * @in_flight: messages that left the queue and are not settled: read in part,
 *	or being copied
 * @readers: files open for reading through which something was received,
 *	waited for or polled for
 * @writers: files open for writing
 * @blocked_senders: calls that wait for room
 * @uid: see &struct tqueue_config
 * @major: of its device
 * @minor: of its device
 * @reserved: 0
 * @ttl: see &struct tqueue_config
 * @lease_limit: see &struct tqueue_config
 * @max_buried: the bytes of buried messages that it may have now
 * @leased: messages that are leased
 * @leased_bytes: their bytes, as @size counts them
 * @delayed: messages that are delayed
 * @delayed_bytes: their bytes
 * @buried: messages that are buried
 * @buried_bytes: their bytes
 * @ever_leased: deliveries that were leased since the queue was made
 * @ever_acknowledged: of them, those that were acknowledged
 * @ever_requeued: of them, those after which the message came back
 * @ever_expired: messages that got older than ttl
 * @ever_buried: messages that were buried, each time it happened
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
 * On an open queue.  SET, START, STOP, PAUSE and RESUME are for its owner and for
 * the administrator.  SETTLE and KICK need it open for reading.
 *
 * From a paused queue nothing is received: it looks empty to those who wait, but
 * is not at its end.  Sending, settling and looking go on.
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
 * @name: its name, ended by a zero byte: it becomes /dev/tq/NAME
 * @uid: owner of the queue and of its node
 * @gid: group of its node
 * @mode: of its node: read and write bits only, at least one
 * @reserved: 0
 * @config: how it shall be.  Grows.
 */
struct tqueue_create {
	char name[TQUEUE_NAME_MAX + 1];
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 reserved;
	struct tqueue_config config;
};

/* tqueue_select.flags: remove it even if it is open or holds messages. */
#define TQUEUE_REMOVE_FORCE	0x1

/**
 * struct tqueue_select - TQUEUE_CTL_REMOVE, _START, _STOP, _PAUSE and _RESUME
 * @name: its name, ended by a zero byte
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
 * @name: its name, ended by a zero byte
 * @config: what shall change.  Grows.
 */
struct tqueue_set {
	char name[TQUEUE_NAME_MAX + 1];
	struct tqueue_config config;
};

/*
 * On /dev/tqueue-control.  FEATURES, GET and NEXT need it open in any way, the
 * others open for writing.  GET fills in the queue of that name, NEXT the one
 * that follows in the order of names (the first if @name is empty), ENOENT when
 * there is none.  The default queue is called "tqueue" and cannot be removed.
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
