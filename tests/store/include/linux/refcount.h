/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STORE_REFCOUNT_H
#define STORE_REFCOUNT_H

typedef struct { int refs; } refcount_t;

#endif
