// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "command.h"
#include "deliver.h"
#include "signals.h"
#include "forward.h"
#include "report.h"

/* The most settlements of one call. */
#define AT_ONCE	64

/* How far a write got. */
struct outcome {
	uint64_t done;	/* messages that were written whole */
	int in_part;	/* a part of one more message was written */
	int error;	/* why not all were written; EINTR: a signal */
};

/*
 * How many messages are whole among the first @written bytes.  Sets *@part to the bytes
 * of the next message that were written.
 */
static uint64_t count_whole(const struct deliverer *deliverer, struct tqueue_batch batch,
			    size_t written, size_t *part)
{
	struct strbuf text = { 0 };
	uint64_t count = 0;
	size_t whole = 0;

	batch.start = 0;
	while (tqueue_batch_bytes(&batch)) {
		format_messages(&text, deliverer->output.format, deliverer->keep, &batch, 1);
		if (text.length > written)
			break;
		whole = text.length;
		count++;
	}
	*part = written - whole;
	free(text.data);
	return count;
}

/* Writes received messages as bytes. */
static void write_bytes(struct deliverer *deliverer, struct tqueue_batch *batch,
			uint64_t count, struct outcome *outcome)
{
	size_t written, part;

	deliverer->text.length = 0;
	batch->start = 0;
	format_messages(&deliverer->text, deliverer->output.format, deliverer->keep,
			batch, (size_t)count);
	/* The write may wait for the reader of a pipe: a signal can end it. */
	signals_release();
	written = output_write(&deliverer->text);
	outcome->error = errno;
	signals_hold();
	outcome->done = count;
	if (written == deliverer->text.length)
		return;
	outcome->done = count_whole(deliverer, *batch, written, &part);
	/* A full disk allows taking the part back; a pipe has passed it on. */
	outcome->in_part = part && output_take_off(part);
}

/*
 * Settles a batch of which some messages were written.  Acknowledges those, unless
 * their leases are kept.  Returns the others uncounted.  Returns how many of these went
 * back, or -1 and errno.
 */
static int64_t settle(const struct deliverer *deliverer, struct tqueue_batch batch,
		      uint64_t written)
{
	struct tqueue_settlement settlements[AT_ONCE];
	const struct tqueue_record *record;
	int64_t back = 0;
	uint64_t i = 0;
	uint32_t count, j;

	batch.start = 0;
	do {
		count = 0;
		while (count < AT_ONCE && tqueue_batch_next(&batch, &record) > 0) {
			if (i++ < written && deliverer->keep)
				continue;
			settlements[count] = (struct tqueue_settlement){
				.id = record->id,
				.delivery = record->delivery,
				.action = i <= written ? TQUEUE_ACKNOWLEDGE : TQUEUE_REQUEUE,
				.flags = i <= written ? 0 : TQUEUE_SETTLE_UNCOUNTED,
			};
			count++;
		}
		if (count && tqueue_settle(deliverer->fd, settlements, count) < 0)
			return -1;
		for (j = 0; j < count; j++)
			back += settlements[j].action == TQUEUE_REQUEUE &&
				settlements[j].result >= 0;
	} while (count == AT_ONCE);
	return back;
}

/* Acknowledges a batch that was written whole. */
static int acknowledge(const struct deliverer *deliverer, const struct tqueue_batch *batch,
		       uint64_t count)
{
	int done;

	if (deliverer->keep)
		return EXIT_OK;
	done = tqueue_acknowledge_batch(deliverer->fd, batch);
	if (done < 0)
		return report_error(deliverer->queue, errno);
	if ((uint64_t)done == count)
		return EXIT_OK;
	report(deliverer->queue, "the leases of %llu written messages had been ended by force; these messages may come again",
	       (unsigned long long)(count - (uint64_t)done));
	return EXIT_MESSAGE;
}

int deliver(struct deliverer *deliverer, struct tqueue_batch *batch, uint64_t count)
{
	struct outcome outcome = { 0 };
	int64_t back;

	if (deliverer->output.kind == OUTPUT_QUEUE) {
		outcome.done = forward(deliverer->output.format, batch);
		outcome.error = errno;
	} else {
		write_bytes(deliverer, batch, count, &outcome);
	}
	if (outcome.done == count)
		return acknowledge(deliverer, batch, count);
	back = settle(deliverer, *batch, outcome.done);
	if (back < 0)
		report_error(deliverer->queue, errno);
	report(deliverer->queue, "cannot write to standard output: %s; %lld message%s back to %s in the queue",
	       output_strerror(&deliverer->output, outcome.error), (long long)(back > 0 ? back : 0),
	       back == 1 ? " went" : "s went", back == 1 ? "its place" : "their places");
	if (outcome.in_part)
		report(deliverer->queue, "a part of the first of them had been written");
	return EXIT_ERROR;
}
