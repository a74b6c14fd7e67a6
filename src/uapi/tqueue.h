/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * tqueue: what the driver and user space agree on.
 *
 * Installed as <linux/tqueue.h>.  Every field has a fixed width and the
 * layout is the same for 32-bit and 64-bit programs.
 */
#ifndef _UAPI_LINUX_TQUEUE_H
#define _UAPI_LINUX_TQUEUE_H

#include <linux/types.h>

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
 */
#define TQUEUE_FLAG_PARTIAL	0x0100

/**
 * struct tqueue_record - a message, as it stands in the ring and in batches
 * @length: payload bytes, at most %TQUEUE_LENGTH_MAX; the two highest bits
 *	are the driver's
 * @header_words: size of this header in units of 8 bytes; walkers skip by it
 * @priority: 0 (usual) to 63 (first)
 * @flags: TQUEUE_FLAG_*
 * @id: the message's place in the order of its queue; grows, not by ones
 * @sent_ns: when it was sent: CLOCK_BOOTTIME, nanoseconds, coarse
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
	__aligned_u64 sent_ns;
	__u32 uid;
	__u32 pid;
	__u32 delivery;
	__u16 attempts;
	__u16 reserved;
	__u8  payload[];
};

#endif /* _UAPI_LINUX_TQUEUE_H */
