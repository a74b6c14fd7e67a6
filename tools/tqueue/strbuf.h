/* SPDX-License-Identifier: GPL-2.0-only */
/* A buffer of bytes that grows as it is written to. */
#ifndef STRBUF_H
#define STRBUF_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct strbuf - bytes that will be written
 * @data: the bytes
 * @length: how many bytes there are
 * @size: how many bytes @data has room for
 */
struct strbuf {
	char *data;
	size_t length;
	size_t size;
};

/* Makes room for @more bytes.  Returns where the next byte goes. */
char *strbuf_room(struct strbuf *buf, size_t more);

void strbuf_add(struct strbuf *buf, const char *string);
void strbuf_add_bytes(struct strbuf *buf, const void *data, size_t length);
void strbuf_add_number(struct strbuf *buf, uint64_t number);

/* Adds a string as a JSON string.  It must be valid UTF-8. */
void strbuf_add_quoted(struct strbuf *buf, const char *string, size_t length);

#endif /* STRBUF_H */
