/* SPDX-License-Identifier: GPL-2.0-only */
/* The first line of a small file, as those of /proc and /sys are. */
#ifndef TQUEUE_TESTS_FILES_H
#define TQUEUE_TESTS_FILES_H

#include <sys/types.h>

/* The whole file is read, but ends at the first newline. -1: it cannot be read. */
ssize_t t_slurp(const char *path, char *text, size_t len);

#endif
