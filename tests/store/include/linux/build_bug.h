/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORE_BUILD_BUG_H
#define STORE_BUILD_BUG_H

#include <assert.h>

#undef static_assert
#define static_assert(condition)	_Static_assert(condition, #condition)

#endif
