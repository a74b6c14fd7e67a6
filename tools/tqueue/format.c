// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "report.h"
#include "utf8.h"

#define NS_A_SECOND	1000000000LL

static void add_base64(struct strbuf *text, const unsigned char *data, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *to = strbuf_room(text, (length + 2) / 3 * 4 + 2);
	unsigned int word;
	size_t part, i;

	*to++ = '"';
	for (; length; data += part, length -= part) {
		part = length < 3 ? length : 3;
		word = 0;
		for (i = 0; i < 3; i++)
			word = word << 8 | (i < part ? data[i] : 0);
		for (i = 0; i < 4; i++)
			*to++ = i <= part ? digits[word >> (18 - 6 * i) & 63] : '=';
	}
	*to++ = '"';
	text->length = (size_t)(to - text->data);
}

/* The time of the boot since the epoch, in nanoseconds. */
static int64_t boot_epoch(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (int64_t)(real.tv_sec - boot.tv_sec) * NS_A_SECOND +
	       (real.tv_nsec - boot.tv_nsec);
}

/* "2026-11-21T08:15:00.123456789Z" */
static void add_time(struct strbuf *text, int64_t ns)
{
	time_t seconds = (time_t)(ns / NS_A_SECOND);
	char digits[64];
	struct tm tm;
	size_t length;

	gmtime_r(&seconds, &tm);
	length = strftime(digits, sizeof(digits), "\"%Y-%m-%dT%H:%M:%S", &tm);
	length += (size_t)snprintf(digits + length, sizeof(digits) - length,
				   ".%09lldZ\"", (long long)(ns % NS_A_SECOND));
	strbuf_add_bytes(text, digits, length);
}

static void add_field(struct strbuf *text, const char *key, uint64_t number)
{
	strbuf_add(text, key);
	strbuf_add_number(text, number);
}

void strbuf_add_time(struct strbuf *text, int64_t boottime_ns)
{
	add_time(text, boottime_ns + boot_epoch());
}

static void add_json(struct strbuf *text, const struct tqueue_record *record, int leases,
		     uint64_t dropped, int64_t epoch)
{
	const unsigned char *payload = tqueue_payload(record);
	const char *separator = "";

	add_field(text, "{\"id\":", record->id);
	if (leases) {
		add_field(text, ",\"lease\":\"", record->id);
		add_field(text, ":", record->delivery);
		add_field(text, "\",\"delivery\":", record->delivery);
	}
	strbuf_add(text, ",\"time\":");
	add_time(text, (int64_t)record->sent_ns + epoch);
	/* A negative time is before the boot.  add_field() writes no minus. */
	add_field(text, record->sent_ns < 0 ? ",\"sent_ns\":-" : ",\"sent_ns\":",
		  record->sent_ns < 0 ? -(uint64_t)record->sent_ns :
					(uint64_t)record->sent_ns);
	add_field(text, ",\"uid\":", record->uid);
	add_field(text, ",\"pid\":", record->pid);
	add_field(text, ",\"priority\":", record->priority);
	add_field(text, ",\"attempts\":", record->attempts);
	strbuf_add(text, ",\"flags\":[");
	if (record->flags & TQUEUE_FLAG_PARTIAL) {
		strbuf_add(text, "\"partial\"");
		separator = ",";
	}
	if (record->flags & TQUEUE_FLAG_DROPPED) {
		strbuf_add(text, separator);
		strbuf_add(text, "\"dropped\"");
	}
	strbuf_add(text, "]");
	if (dropped)
		add_field(text, ",\"dropped\":", dropped);
	add_field(text, ",\"length\":", record->length);
	if (is_utf8(payload, record->length)) {
		strbuf_add(text, ",\"text\":");
		strbuf_add_quoted(text, (const char *)payload, record->length);
	} else {
		strbuf_add(text, ",\"base64\":");
		add_base64(text, payload, record->length);
	}
	strbuf_add(text, "}\n");
}

/*
 * Writes the name of a lease: before a line it ends with a space, before bytes with a
 * newline.
 */
static char *put_lease(char *to, enum format format, const struct tqueue_record *record)
{
	to += sprintf(to, "%llu:%u", (unsigned long long)record->id, record->delivery);
	*to++ = format == FORMAT_LINES ? ' ' : format == FORMAT_NULL ? '\0' : '\n';
	return to;
}

/* Writes a message in one of the other formats; there is room.  Returns the end. */
static char *put_plain(char *to, enum format format, const struct tqueue_record *record)
{
	const char *payload = tqueue_payload(record);
	size_t length = record->length;

	memcpy(to, payload, length);
	to += length;
	if (format == FORMAT_NULL)
		*to++ = '\0';
	else if (format == FORMAT_LINES && (!length || to[-1] != '\n'))
		*to++ = '\n';
	return to;
}

uint64_t format_messages(struct strbuf *text, enum format format, int leases,
			 struct tqueue_batch *batch, size_t count)
{
	int64_t epoch = format == FORMAT_JSON ? boot_epoch() : 0;
	uint64_t dropped = batch->start ? 0 : batch->dropped, bytes = 0;
	const struct tqueue_record *record;
	char *to;

	/* The header of a record is longer than what is written around its message. */
	to = strbuf_room(text, tqueue_batch_bytes(batch));
	for (; count && tqueue_batch_next(batch, &record) > 0; count--) {
		bytes += record->length;
		if (format == FORMAT_JSON) {
			add_json(text, record, leases, dropped, epoch);
		} else {
			if (leases)
				to = put_lease(to, format, record);
			to = put_plain(to, format, record);
		}
		dropped = 0;
	}
	if (format != FORMAT_JSON)
		text->length = (size_t)(to - text->data);
	return bytes;
}
