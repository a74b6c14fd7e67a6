/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORE_BARRIER_H
#define STORE_BARRIER_H

/* One thread does all. */
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)

#endif
