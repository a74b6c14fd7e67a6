/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel logs. */
#ifndef TQUEUE_TESTS_KERNEL_LOG_H
#define TQUEUE_TESTS_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>

int t_log_open(void);			/* reads what is logged from now on */
/* How many new lines have @needle; the last of them comes to @last. */
int t_log_lines(int log, const char *needle, char *last, size_t len);
/* True if the kernel is in trouble, or the driver spoke; @logs: it may. */
bool t_log_trouble(int log, bool logs, char *text, size_t len);

#endif
