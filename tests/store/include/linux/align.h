/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STORE_ALIGN_H
#define STORE_ALIGN_H

#define ALIGN(x, to)	(((x) + (to) - 1) & ~((__typeof__(x))(to) - 1))

#endif
