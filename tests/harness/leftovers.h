/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test must not leave behind: queues, messages, references to the module. */
#ifndef TQUEUE_TESTS_LEFTOVERS_H
#define TQUEUE_TESTS_LEFTOVERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if the driver is unused and empty again; it gets a moment for exits. Else
 * says why not, and cleans up as far as it can.
 */
bool t_left_clean(char *why, size_t len);

#endif
