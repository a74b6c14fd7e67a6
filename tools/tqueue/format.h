/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages as bytes for stdout, in the formats of recv, peek and drain. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <tqueue.h>

#include "strbuf.h"

enum format {
	FORMAT_UNSET,	/* depends on the output */
	FORMAT_LINES,	/* a newline after each that does not end with one */
	FORMAT_NULL,	/* a zero byte after each */
	FORMAT_RAW,	/* nothing after a message */
	FORMAT_JSON,	/* one object on each line */
};

/*
 * Appends the next messages of a batch, at most @count.  In JSON the first one has the
 * @dropped of the batch.  With @leases, the id and delivery ("17:3") precede each
 * message.  Returns the bytes of the messages.
 */
uint64_t format_messages(struct strbuf *text, enum format format, int leases,
			 struct tqueue_batch *batch, size_t count);

/* The time of a record, or of a struct tqueue_listed, as a JSON string. */
void strbuf_add_time(struct strbuf *text, int64_t boottime_ns);

#endif /* FORMAT_H */
