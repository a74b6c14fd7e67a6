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

/*
 * tqueue_record.flags: the low byte is the sender's, the high byte the
 * driver's.
 *
 * %TQUEUE_FLAG_PARTIAL: a reader took the first part of this message and
 * closed its file before it took the rest; this is the rest.
 *
 * %TQUEUE_FLAG_DROPPED: messages were dropped since the RECEIVE before this
 * one; it marks the first record, and tqueue_receive.dropped counts them.
 */
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
 * @delivery: of a lease: the number of this delivery
 * @attempts: deliveries before this one, saturating
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

/**
 * struct tqueue_send - TQUEUE_SEND: send the records of a buffer
 * @records: address of the buffer.  Of each record, @length, @header_words,
 *	@priority (0) and @flags (0) are the sender's and checked; the driver
 *	fills in the rest of the header.
 * @bytes: of the buffer: whole records, one after the other
 * @deadline: until when to wait for room for the first record
 * @flags: 0
 * @reserved: 0
 * @last_id: out: id of the last record that was sent
 * @sent_bytes: out: bytes of the records that were sent
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
};

/*
 * tqueue_receive.flags
 *
 * %TQUEUE_RECEIVE_PEEK: look at the messages and leave them in the queue.
 */
#define TQUEUE_RECEIVE_PEEK	0x1

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
 *
 * Returns the number of records, or 0 at end-of-file.
 */
struct tqueue_receive {
	__aligned_u64 records;
	__aligned_u64 bytes;
	__aligned_u64 deadline;
	__u32 flags;
	__u32 count;
	__aligned_u64 dropped;
};

/**
 * struct tqueue_wait - TQUEUE_WAIT: wait until messages are settled
 * @id: up to this one, which TQUEUE_SEND returned; %TQUEUE_FOREVER for all that
 *	were sent before this call
 * @deadline: until when
 *
 * A message is settled when it was received whole or dropped, and so can come
 * back no more.
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

/* tqueue_config.fields: which of the other fields are given. */
#define TQUEUE_CONFIG_SIZE		0x1ULL
#define TQUEUE_CONFIG_MAX_MESSAGE	0x2ULL
#define TQUEUE_CONFIG_OVERFLOW		0x4ULL
#define TQUEUE_CONFIG_END_OF_FILE	0x8ULL
#define TQUEUE_CONFIG_NO_READER		0x10ULL
#define TQUEUE_CONFIG_OWNER		0x20ULL	/* SET alone, by the rules of chown */

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
 * @uid: who else than the administrator may SET, START and STOP it
 */
struct tqueue_config {
	__aligned_u64 fields;
	__aligned_u64 size;
	__aligned_u64 max_message;
	__u32 overflow;
	__u32 end_of_file;
	__u32 no_reader;
	__u32 uid;
};

/* tqueue_info.features: what this driver can do. */
#define TQUEUE_FEATURE_BATCH		0x1ULL	/* SEND and RECEIVE */
#define TQUEUE_FEATURE_CONTROL		0x2ULL	/* named queues, SET, START, STOP */
#define TQUEUE_FEATURE_WAIT		0x4ULL	/* WAIT */
#define TQUEUE_FEATURE_NO_READER	0x8ULL	/* no_reader, owners, EPOLLMSG */

/* tqueue_info.state */
#define TQUEUE_STATE_STOPPED		0x1

/**
 * struct tqueue_info - what there is to know about a queue
 * @name: its name, ended by a zero byte
 * @uuid: of this queue alone, made with it
 * @features: TQUEUE_FEATURE_*
 * @size: see &struct tqueue_config
 * @max_message: the bytes that a message may have now
 * @bytes: of all messages that are ready.  May exceed @size by messages that
 *	came back, and by those of senders that may not wait.
 * @messages: that are ready
 * @sent: messages that were sent since the queue was made
 * @received: messages that were received since the queue was made
 * @dropped: messages that were dropped since the queue was made
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
};

#define TQUEUE_IOC_MAGIC	0xD7

/*
 * On an open queue.  SET, START and STOP are for its owner and for the
 * administrator.
 */
#define TQUEUE_INFO	_IOR(TQUEUE_IOC_MAGIC, 0x00, struct tqueue_info)
#define TQUEUE_SEND	_IOWR(TQUEUE_IOC_MAGIC, 0x01, struct tqueue_send)
#define TQUEUE_RECEIVE	_IOWR(TQUEUE_IOC_MAGIC, 0x02, struct tqueue_receive)
#define TQUEUE_WAIT	_IOWR(TQUEUE_IOC_MAGIC, 0x05, struct tqueue_wait)
#define TQUEUE_START	_IO(TQUEUE_IOC_MAGIC, 0x06)
#define TQUEUE_STOP	_IO(TQUEUE_IOC_MAGIC, 0x07)
#define TQUEUE_SET	_IOW(TQUEUE_IOC_MAGIC, 0x08, struct tqueue_config)

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
 * struct tqueue_select - TQUEUE_CTL_REMOVE, _START and _STOP: a queue by name
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

#endif /* _UAPI_LINUX_TQUEUE_H */
