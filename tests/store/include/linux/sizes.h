/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORE_SIZES_H
#define STORE_SIZES_H

#define SZ_256K	0x00040000
#define SZ_1G	0x40000000

#endif
