/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a queue, and the layout of a record in it.
 *
 * The ring is mapped twice in a row.  A record that crosses the end continues
 * in the second mapping, so no copy is split.  Positions count bytes since the
 * ring was made and only grow; masking a position gives its place.  The ring
 * knows nothing of senders, receivers or locks.
 */
#ifndef TQ_RING_H
#define TQ_RING_H

#include <linux/align.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include <asm/byteorder.h>

#include "uapi/tqueue.h"

struct page;

/* The largest ring.  Its largest message still fits tqueue_record.length. */
#define TQ_RING_SIZE_MAX	((unsigned long)SZ_1G)

/*
 * One piece: the most payload bytes copied, and the most records passed, while
 * a lock is held.  A longer message does not go through the ring.  Batches and
 * walks unlock after each piece.
 */
#define TQ_PIECE		((unsigned long)SZ_256K)
#define TQ_PIECE_RECORDS	1000

/* A detached message takes as long as this many records of the ring. */
#define TQ_DETACHED_RECORDS	16

/*
 * Bit 30 of tqueue_record.length, used only in the ring: the message was taken
 * out of the middle, and its space is skipped.
 */
#define TQ_RECORD_VOID		0x40000000U

/**
 * struct tq_ring - memory for records
 * @base: the first of the two mappings
 * @size: bytes, a power of two of whole pages
 * @pages: the pages that are mapped
 */
struct tq_ring {
	void *base;
	unsigned long size;
	struct page **pages;
};

int tq_ring_alloc(struct tq_ring *ring, unsigned long size);
void tq_ring_replace(struct tq_ring *ring, struct tq_ring *other,
		     unsigned long from, unsigned long to);
void tq_ring_free(struct tq_ring *ring);

/* The record at a position. */
static inline struct tqueue_record *tq_ring_at(const struct tq_ring *ring,
					       unsigned long pos)
{
	return ring->base + (pos & (ring->size - 1));
}

/* The bytes that a message of @length takes in a ring and in a queue. */
static inline unsigned long tq_record_bytes(unsigned long length)
{
	return sizeof(struct tqueue_record) + ALIGN(length, sizeof(u64));
}

/* The longest message of a queue of @size: four of them always fit. */
static inline unsigned long tq_length_max(unsigned long size)
{
	return size / 4 - sizeof(struct tqueue_record);
}

/*
 * Zero the padding after the payload, so that no old byte leaves with the
 * record.  Called before the payload is copied, so the last word needs no mask.
 */
static inline void tq_record_pad(struct tqueue_record *record,
				 unsigned long bytes)
{
	*(u64 *)((void *)record + bytes - sizeof(u64)) = 0;
}

/* Zero the padding of a record that user space has filled. */
static inline void tq_record_clear_pad(struct tqueue_record *record)
{
	unsigned int used = record->length % sizeof(__le64);
	__le64 *last = (__le64 *)(record->payload + record->length - used);

	if (used)
		*last &= cpu_to_le64(~0ULL >> (64 - 8 * used));
}

#endif /* TQ_RING_H */
