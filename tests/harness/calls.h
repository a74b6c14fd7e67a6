/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's own calls. A check that fails ends the test, as in check.h; what is
 * meant to fail is left to functions whose names end in _call, and to ioctl().
 */
#ifndef TQUEUE_TESTS_CALLS_H
#define TQUEUE_TESTS_CALLS_H

#include "common.h"

#include "asleep.h"
#include "named.h"
#include "records.h"
#include "work.h"

#endif
