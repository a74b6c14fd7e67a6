// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "signals.h"
#include "forward.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "sender.h"

/* The most bytes of one call. */
#define BATCH_BYTES	(256 * 1024)

/* The most bytes of a record beside the payload. */
#define HEADER_BYTES	(sizeof(struct tqueue_record) + sizeof(struct tqueue_record_extra))

int sender_open(struct sender *sender, const char *name, uint64_t timeout,
		struct tqueue_info *info)
{
	sender->name = name;
	sender->timeout = timeout;
	sender->fd = tqueue_open(name, O_WRONLY);
	if (sender->fd < 0 || tqueue_get(sender->fd, info))
		return report_error(name, errno);
	sender->longest = info->max_message;
	sender->room = xnonnull(malloc(BATCH_BYTES));
	tqueue_batch_init(&sender->batch, sender->room, BATCH_BYTES);
	return EXIT_OK;
}

void sender_close(struct sender *sender)
{
	free(sender->room);
	if (sender->fd >= 0)
		close(sender->fd);
}

/* How many items are done. */
static uint64_t items(const struct sender *sender)
{
	return sender->sent + sender->skipped;
}

void sender_begin(struct sender *sender, const char *file)
{
	sender->file = file;
	sender->before = items(sender);
}

/* Reports how many messages were sent before the error. */
static void report_sent(const struct sender *sender)
{
	/* Obvious for a single message. */
	if (!sender->sent && !sender->several)
		return;
	report(sender->name, "%llu message%s sent before",
	       (unsigned long long)sender->sent, sender->sent == 1 ? " was" : "s were");
}

/* Names the source of the next message. */
static void name_item(const struct sender *sender, char *text, size_t room)
{
	unsigned long long number = items(sender) - sender->before + 1;

	if (sender->is_whole)
		snprintf(text, room, "%s", sender->file ? sender->file : "standard input");
	else if (sender->file)
		snprintf(text, room, "%s %llu of %s", sender->what, number, sender->file);
	else
		snprintf(text, room, "%s %llu", sender->what, number);
}

/* Reports that the next message is too long. */
static int too_long(const struct sender *sender)
{
	uint64_t longest = sender->longest;
	struct tqueue_info info;
	char item[512];

	/* The limit may have changed meanwhile. */
	if (!tqueue_get(sender->fd, &info))
		longest = info.max_message;
	name_item(sender, item, sizeof(item));
	report(sender->name, "%s is longer than %llu bytes, the limit of this queue (\"tqueue set --max-message\" and \"--size\" allow more)",
	       item, (unsigned long long)longest);
	return EXIT_ERROR;
}

int sender_fail(const struct sender *sender, int error)
{
	const char *name = sender->name;
	int status;

	if (error == EINTR && signals_caught()) {
		report(name, "interrupted");
		report_sent(sender);
		progress_stop();
		signals_die();
	}
	if (error == EMSGSIZE) {
		status = too_long(sender);
	} else if (is_full(error)) {
		report(name, "queue is full (\"tqueue recv\" makes room; \"tqueue set --size\" enlarges the queue)");
		status = EXIT_NOTHING;
	} else if (error == ETIMEDOUT) {
		report(name, "timed out, queue is full (\"tqueue recv\" makes room; \"tqueue set --size\" enlarges the queue)");
		status = EXIT_TIMED_OUT;
	} else {
		status = report_error(name, error);
	}
	report_sent(sender);
	return status;
}

int sender_refuse(struct sender *sender, const char *wrong)
{
	int status = sender_flush(sender);
	char item[512];

	if (status)
		return status;
	name_item(sender, item, sizeof(item));
	report(sender->name, "%s: %s", item, wrong);
	report_sent(sender);
	return EXIT_BAD_USAGE;
}

/* The deadline for one wait for room. */
static uint64_t wait_until(const struct sender *sender)
{
	return deadline_after(sender->timeout);
}

/* Skips the next message, whose key another one has, and reports that. */
static void skip(struct sender *sender, uint64_t id)
{
	char item[512];

	name_item(sender, item, sizeof(item));
	if (sender->several)
		report(sender->name, "%s was not sent: message %llu already has its key",
		       item, (unsigned long long)id);
	else
		report_message(sender->name, id, EEXIST);
	sender->skipped++;
}

int sender_flush(struct sender *sender)
{
	const struct tqueue_record *record;
	int sent;

	while (tqueue_batch_bytes(&sender->batch)) {
		if (signals_caught())
			return sender_fail(sender, EINTR);
		sent = tqueue_send_batch(sender->fd, &sender->batch, wait_until(sender));
		if (sent < 0 && errno == EEXIST) {
			skip(sender, sender->batch.last_id);
			tqueue_batch_next(&sender->batch, &record);
			continue;
		}
		if (sent < 0)
			return sender_fail(sender, errno);
		sender->sent += (uint64_t)sent;
		progress_add((uint64_t)sent, 0);
	}
	/* After a skipped message the memory is not free by itself. */
	tqueue_batch_init(&sender->batch, sender->room, BATCH_BYTES);
	return EXIT_OK;
}

int sender_put_alone(struct sender *sender, const char *data, size_t length,
		     const struct tqueue_send_options *options)
{
	int status = sender_flush(sender), result;
	uint64_t id;

	if (status)
		return status;
	if (length > sender->longest)
		return sender_fail(sender, EMSGSIZE);
	/* An unchanged message needs no copy. */
	if (!options)
		result = tqueue_send(sender->fd, data, length, wait_until(sender));
	else
		result = tqueue_send_with(sender->fd, data, length, options,
					  wait_until(sender), &id);
	if (result && errno == EEXIST) {
		skip(sender, id);
		return EXIT_OK;
	}
	if (result)
		return sender_fail(sender, errno);
	sender->sent++;
	progress_add(1, 0);
	return EXIT_OK;
}

static int add(struct sender *sender, const char *data, size_t length,
	       const struct tqueue_send_options *options)
{
	if (!options)
		return tqueue_batch_add(&sender->batch, data, length);
	return tqueue_batch_add_with(&sender->batch, data, length, options);
}

int sender_put(struct sender *sender, const char *data, size_t length,
	       const struct tqueue_send_options *options)
{
	int status;

	if (!add(sender, data, length, options))
		return EXIT_OK;
	if (HEADER_BYTES + length > BATCH_BYTES - 8)
		return sender_put_alone(sender, data, length, options);
	status = sender_flush(sender);
	if (!status && add(sender, data, length, options))
		status = sender_fail(sender, errno);
	return status;
}
