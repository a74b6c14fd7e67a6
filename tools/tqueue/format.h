/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages as bytes for stdout, in the formats of recv, peek and drain. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <tqueue.h>

#include "strbuf.h"

enum format {
	FORMAT_UNSET,	/* what the output wants */
	FORMAT_LINES,	/* a newline behind each that does not end with one */
	FORMAT_NULL,	/* a zero byte behind each */
	FORMAT_RAW,	/* nothing behind */
	FORMAT_JSON,	/* one object a line */
};

/* Is it valid UTF-8? */
int is_utf8(const unsigned char *data, size_t length);

/*
 * Appends the next messages of a batch, at most @count.  The first of a batch
 * carries its @dropped.  With @leases each is named by its id and delivery,
 * "17:3".  Returns the bytes of the messages.
 */
uint64_t format_messages(struct strbuf *text, enum format format, int leases,
			 struct tqueue_batch *batch, size_t count);

/* The time of a record, or of a struct tqueue_listed, as a JSON string. */
void strbuf_add_time(struct strbuf *text, int64_t boottime_ns);

#endif /* FORMAT_H */
