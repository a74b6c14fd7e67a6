/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORE_MINMAX_H
#define STORE_MINMAX_H

#define min(a, b)						\
({								\
	__typeof__(a) min_a = (a);				\
	__typeof__(b) min_b = (b);				\
	min_a < min_b ? min_a : min_b;				\
})
#define min_t(type, a, b)	min((type)(a), (type)(b))

#endif
