/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORE_REFCOUNT_H
#define STORE_REFCOUNT_H

typedef struct { int refs; } refcount_t;

static inline void refcount_set(refcount_t *refs, int count)
{
	refs->refs = count;
}

#endif
