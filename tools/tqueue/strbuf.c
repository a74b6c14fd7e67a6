// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "strbuf.h"

char *strbuf_room(struct strbuf *buf, size_t more)
{
	size_t size = buf->size;

	if (more > size - buf->length) {
		while (more > size - buf->length)
			size = size ? size * 2 : 65536;
		buf->data = xnonnull(realloc(buf->data, size));
		buf->size = size;
	}
	return buf->data + buf->length;
}

void strbuf_add_bytes(struct strbuf *buf, const void *data, size_t length)
{
	char *to = strbuf_room(buf, length);

	if (length)
		memcpy(to, data, length);
	buf->length += length;
}

void strbuf_add(struct strbuf *buf, const char *string)
{
	strbuf_add_bytes(buf, string, strlen(string));
}

void strbuf_add_number(struct strbuf *buf, uint64_t number)
{
	char digits[24];
	int length;

	length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	strbuf_add_bytes(buf, digits, (size_t)length);
}

void strbuf_add_quoted(struct strbuf *buf, const char *string, size_t length)
{
	/* The letters of these escapes; 0: escaped by number. */
	static const char escapes[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	};
	const char *end = string + length;
	unsigned char c;
	char *to;

	/* The longest escape has six bytes. */
	to = strbuf_room(buf, length * 6 + 2);
	*to++ = '"';
	for (; string < end; string++) {
		c = (unsigned char)*string;
		if (c == '"' || c == '\\') {
			*to++ = '\\';
			*to++ = (char)c;
		} else if (c < 32 && escapes[c]) {
			*to++ = '\\';
			*to++ = escapes[c];
		} else if (c < 32 || c == 127) {
			to += sprintf(to, "\\u%04x", c);
		} else {
			*to++ = (char)c;
		}
	}
	*to++ = '"';
	buf->length = (size_t)(to - buf->data);
}
