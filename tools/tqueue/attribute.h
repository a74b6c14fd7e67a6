/* SPDX-License-Identifier: GPL-2.0-only */
/* Attributes of queues in sysfs that the library does not read. */
#ifndef ATTRIBUTE_H
#define ATTRIBUTE_H

#include <stdint.h>

/* Reads a number of a queue.  Returns 0, or -1 if an older driver does not have it. */
int attribute_number(const char *queue, const char *attribute, uint64_t *value);

#endif /* ATTRIBUTE_H */
