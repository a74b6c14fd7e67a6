// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "command.h"
#include "deliver.h"
#include "signals.h"
#include "forward.h"
#include "report.h"

/* Settlements that one call takes. */
#define AT_ONCE	64

/* What came of writing. */
struct outcome {
	uint64_t done;	/* messages that were written whole */
	int in_part;	/* and the beginning of one more was */
	int error;	/* why not all were; EINTR: a signal came */
};

/*
 * How many messages are whole among the first @written bytes of the text, and in
 * *@part the bytes of the next one that were written.
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

/* Writes what was received as bytes. */
static void write_bytes(struct deliverer *deliverer, struct tqueue_batch *batch,
			uint64_t count, struct outcome *outcome)
{
	size_t written, part;

	deliverer->text.length = 0;
	batch->start = 0;
	format_messages(&deliverer->text, deliverer->output.format, deliverer->keep,
			batch, (size_t)count);
	/* What does not fit into a pipe may take its time: end then, if asked to. */
	signals_release();
	written = output_write(&deliverer->text);
	outcome->error = errno;
	signals_hold();
	outcome->done = count;
	if (written == deliverer->text.length)
		return;
	outcome->done = count_whole(deliverer, *batch, written, &part);
	/* Of a full disk it can be taken off; a pipe has gone on with it. */
	outcome->in_part = part && output_take_off(part);
}

/*
 * Settles a batch of which so many messages were written: they are acknowledged,
 * unless they are kept; the others go back, as if they had not been delivered.
 * How many of the latter did, or -1 and errno.
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

/* All of it was written: it is done. */
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
