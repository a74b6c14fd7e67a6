/* SPDX-License-Identifier: GPL-2.0-only */
/* Small files, as those of /proc and /sys are. */
#ifndef TQUEUE_TESTS_FILES_H
#define TQUEUE_TESTS_FILES_H

#include <sys/types.h>

/* The whole file, as a string. Returns its bytes; -1: it cannot be read. */
ssize_t t_read_file(const char *path, char *text, size_t len);

/* The same, but the string ends at the first newline. */
ssize_t t_slurp(const char *path, char *text, size_t len);

#endif
