/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a queue, and how a record lies in it.
 *
 * The ring is mapped twice in a row.  A record that reaches over the end goes
 * on in the second mapping, and so every copy is one copy.  Positions count
 * bytes since the ring was made and only ever grow; the place of a position is
 * found by masking.  The ring knows nothing of senders, receivers or locks.
 */
#ifndef TQ_RING_H
#define TQ_RING_H

#include <linux/align.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include <asm/byteorder.h>

#include "uapi/tqueue.h"

struct page;

/* The largest ring: its largest message still fits tqueue_record.length. */
#define TQ_RING_SIZE_MAX	((unsigned long)SZ_1G)

/*
 * One piece: the most payload bytes that are copied, and the most records that
 * are passed, while a lock is held.  A longer message never goes through the
 * ring; batches and walks let the lock go after each piece.
 */
#define TQ_PIECE		((unsigned long)SZ_256K)
#define TQ_PIECE_RECORDS	1000

/* A detached message takes as long as so many records of a ring. */
#define TQ_DETACHED_RECORDS	16

/*
 * Bit 30 of tqueue_record.length, in the ring alone: the message was taken out
 * of the middle.  Walkers skip it.
 */
#define TQ_RECORD_VOID		0x40000000U

/**
 * struct tq_ring - memory for records
 * @base: the first of the two mappings
 * @size: bytes, a power of two of whole pages
 * @charged: what it counts for in the memory of all rings
 * @owed: what it is to count for as well, once it has replaced a ring that
 *	counts for at least so much
 * @pages: what is mapped
 */
struct tq_ring {
	void *base;
	unsigned long size;
	unsigned long charged;
	unsigned long owed;
	struct page **pages;
};

/*
 * main.c: bytes that the rings of all named queues may have; 0 means a quarter
 * of the memory.
 */
extern unsigned long tq_max_memory;

int tq_ring_alloc(struct tq_ring *ring, unsigned long size,
		  unsigned long uncharged, unsigned long credit);
void tq_ring_replace(struct tq_ring *ring, struct tq_ring *other,
		     unsigned long from, unsigned long to);
void tq_ring_free(struct tq_ring *ring);

/* Where the record of this position stands. */
static inline struct tqueue_record *tq_ring_at(const struct tq_ring *ring,
					       unsigned long pos)
{
	return ring->base + (pos & (ring->size - 1));
}

/* The bytes that a message of @length takes up, in a ring and in a queue. */
static inline unsigned long tq_record_bytes(unsigned long length)
{
	return sizeof(struct tqueue_record) + ALIGN(length, sizeof(u64));
}

/* The longest message that a queue of @size may hold: four always fit. */
static inline unsigned long tq_length_max(unsigned long size)
{
	return size / 4 - sizeof(struct tqueue_record);
}

/*
 * Zero what follows the payload up to a multiple of 8, so that no old byte
 * can leave with the record.  Done before the payload is copied: the last
 * word then needs no masking.
 */
static inline void tq_record_pad(struct tqueue_record *record,
				 unsigned long bytes)
{
	*(u64 *)((void *)record + bytes - sizeof(u64)) = 0;
}

/* Zero what follows the payload of a record that user space has filled. */
static inline void tq_record_clear_pad(struct tqueue_record *record)
{
	unsigned int used = record->length % sizeof(__le64);
	__le64 *last = (__le64 *)(record->payload + record->length - used);

	if (used)
		*last &= cpu_to_le64(~0ULL >> (64 - 8 * used));
}

#endif /* TQ_RING_H */
