/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORE_BYTEORDER_H
#define STORE_BYTEORDER_H

/* The system's has the types; this is what the kernel's has besides. */
#include_next <asm/byteorder.h>

#include <endian.h>

#define cpu_to_le64(x)	htole64(x)

#endif
