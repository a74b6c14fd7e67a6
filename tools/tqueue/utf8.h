/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

/* Is it valid UTF-8? */
int is_utf8(const unsigned char *data, size_t length);

#endif /* UTF8_H */
