/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORE_ALIGN_H
#define STORE_ALIGN_H

#define ALIGN(x, to)					\
({							\
	__typeof__(x) align_mask = (to) - 1;		\
	((x) + align_mask) & ~align_mask;		\
})

#endif
