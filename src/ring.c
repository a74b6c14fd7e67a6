// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocating, replacing and freeing the memory of a ring.
 */
#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "ring.h"

static_assert(sizeof(struct tqueue_record) == 8 * TQUEUE_HEADER_WORDS);
static_assert(offsetof(struct tqueue_record, payload) ==
	      sizeof(struct tqueue_record));
static_assert(TQ_RING_SIZE_MAX / 4 <= TQUEUE_LENGTH_MAX);

static void tq_ring_free_pages(struct page **pages, unsigned long count)
{
	while (count--)
		__free_page(pages[count]);
	kvfree(pages);
}

/**
 * tq_ring_alloc - allocate a ring
 * @ring: filled
 * @size: bytes, a power of two of whole pages, at most %TQ_RING_SIZE_MAX
 *
 * The memory is zeroed and charged to the caller's memory cgroup.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM; -EINTR if the caller is being killed.
 */
int tq_ring_alloc(struct tq_ring *ring, unsigned long size)
{
	unsigned long count = size >> PAGE_SHIFT;
	struct page **pages;
	unsigned long i;
	int ret;

	pages = kvmalloc_array(2 * count, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;

	for (i = 0; i < count; i++) {
		struct page *page;

		ret = -EINTR;
		if (fatal_signal_pending(current))
			goto free;
		ret = -ENOMEM;
		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO |
				  __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (!page)
			goto free;
		pages[i] = page;
		pages[count + i] = page;
	}

	ret = -ENOMEM;
	ring->base = vmap(pages, 2 * count, VM_MAP, PAGE_KERNEL);
	if (!ring->base)
		goto free;
	ring->size = size;
	ring->pages = pages;
	return 0;

free:
	tq_ring_free_pages(pages, i);
	return ret;
}

/**
 * tq_ring_replace - exchange two rings
 * @ring: the ring in use.  It becomes the new ring.
 * @other: the new ring.  It becomes the old one.
 * @from: the first position in use
 * @to: the end of the positions in use; both rings are at least that large
 *
 * Records keep their positions.
 *
 * Context: Any; no other call uses either ring.
 */
void tq_ring_replace(struct tq_ring *ring, struct tq_ring *other,
		     unsigned long from, unsigned long to)
{
	memcpy(tq_ring_at(other, from), tq_ring_at(ring, from), to - from);
	swap(*ring, *other);
}

/**
 * tq_ring_free - free the memory of a ring
 * @ring: made by tq_ring_alloc(), or all zero
 *
 * Context: Process context, may sleep.  The ring is not in use any more.
 */
void tq_ring_free(struct tq_ring *ring)
{
	if (!ring->size)
		return;
	vunmap(ring->base);
	tq_ring_free_pages(ring->pages, ring->size >> PAGE_SHIFT);
}
