// SPDX-License-Identifier: GPL-2.0-only
/* tqueue peek. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "signals.h"
#include "forward.h"
#include "options.h"
#include "output.h"
#include "queue.h"
#include "report.h"
#include "units.h"

struct arguments {
	const char *name;
	uint64_t id;	/* or 0 */
	uint64_t count;
	int count_given;
	int all;
	uint64_t timeout;
	enum format format;
};

/**
 * struct looker - a queue that is peeked at
 * @arguments: the arguments
 * @fd: the queue
 * @room: memory for records
 * @size: bytes of @room
 */
struct looker {
	const struct arguments *arguments;
	int fd;
	void *room;
	size_t size;
};

enum { KEY_COUNT = 'c', KEY_ALL = 'a', KEY_ID = 0x200 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->format;
		state->child_inputs[1] = &arguments->timeout;
		return 0;
	case KEY_COUNT:
		if (parse_number(argument, UINT64_MAX, &arguments->count) || !arguments->count)
			argp_error(state, "'%s': expected a number of messages", argument);
		arguments->count_given = 1;
		return 0;
	case KEY_ALL:
		arguments->all = 1;
		return 0;
	case KEY_ID:
		arguments->id = parse_id(argument, state);
		return 0;
	case ARGP_KEY_ARG:
		parse_queue(argument, state, &arguments->name);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no queue given");
		return 0;
	case ARGP_KEY_END:
		if (arguments->all + arguments->count_given + !!arguments->id > 1)
			argp_error(state, "--count, --all and --id exclude each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &format_argp, 0, NULL, 0 },
	{ &timeout_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp_option options[] = {
	{ "count", KEY_COUNT, "N", 0, "the first N messages instead of one", 1 },
	{ "all", KEY_ALL, NULL, 0, "all messages that are ready", 1 },
	{ "id", KEY_ID, "ID", 0, "this message, in any state except leased", 1 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "QUEUE",
	.doc = "Write the first message of a queue to standard output, and leave it in the queue.\v"
	       "Does not wait for a message unless --timeout is given.",
	.children = children,
};

/* Peeks once, with the memory that there is. */
static int look_once(const struct looker *looker, struct tqueue_batch *batch,
		     uint32_t count, uint64_t deadline)
{
	uint64_t id = looker->arguments->id;
	struct tqueue_record *record;
	int result;

	if (!id)
		return tqueue_peek_batch(looker->fd, batch, count, deadline);
	record = (void *)batch->buffer;
	result = tqueue_peek_id(looker->fd, id, record, batch->size);
	if (result > 0)
		tqueue_batch_load(batch, record, TQUEUE_RECORD_BYTES(record->length));
	else if (result < 0 && errno == EMSGSIZE)
		batch->needed = TQUEUE_RECORD_BYTES(record->length);
	return result;
}

/* Peeks.  Returns what tqueue_peek_batch() returns. */
static int look(struct looker *looker, struct tqueue_batch *batch)
{
	uint64_t deadline = deadline_after(looker->arguments->timeout);
	uint64_t wanted = looker->arguments->count;
	uint32_t count = wanted < UINT32_MAX ? (uint32_t)wanted : UINT32_MAX;
	struct tqueue_info info;
	size_t touched;
	int result;

	if (looker->arguments->all)
		count = 0;
	/* Everything that a queue holds fits into as many bytes as it has. */
	if (tqueue_get(looker->fd, &info))
		return -1;
	looker->size = info.size;
	touched = info.bytes + info.messages * TQUEUE_RECORD_BYTES(7);
	if (count == 1)
		looker->size = TQUEUE_RECORD_BYTES(info.max_message);
	do {
		free(looker->room);
		looker->room = xnonnull(malloc(looker->size));
		/* The driver stops early at memory that is not resident. */
		memset(looker->room, 0, touched < looker->size ? touched : looker->size);
		tqueue_batch_init(batch, looker->room, looker->size);
		result = look_once(looker, batch, count, deadline);
		/* The limits were raised meanwhile. */
		if (result < 0 && errno == EMSGSIZE)
			looker->size = batch->needed;
	} while (result < 0 && (errno == EMSGSIZE || errno == EINTR));
	return result;
}

/* Writes the messages.  Returns the exit status. */
static int write_peeked(const struct output *output, struct tqueue_batch *batch, int count)
{
	struct strbuf text = { 0 };
	int all, error;

	if (output->kind == OUTPUT_QUEUE) {
		signals_watch(0);
		signals_hold();
		all = forward(output->format, batch) == (uint64_t)count;
		if (!all && signals_caught())
			signals_die();
	} else {
		format_messages(&text, output->format, 0, batch, (size_t)count);
		all = output_write(&text) == text.length;
	}
	error = errno;
	free(text.data);
	if (all)
		return EXIT_OK;
	report(output->queue, "cannot write to standard output: %s",
	       output_strerror(output, error));
	return EXIT_ERROR;
}

/* Reports why there is no message.  Returns the exit status. */
static int failed(const struct arguments *arguments, int error)
{
	if (arguments->id && (error == ENOENT || error == EBUSY))
		return report_message(arguments->name, arguments->id, error);
	if (error == EAGAIN)
		report(arguments->name, "no message");
	else if (error == ETIMEDOUT)
		report(arguments->name, "timed out waiting for a message");
	else
		report_error(arguments->name, error);
	return status_of(error);
}

int command_peek(int argc, char **argv)
{
	struct arguments arguments = { .count = 1 };
	struct looker looker = { .arguments = &arguments };
	struct output output = { 0 };
	struct tqueue_batch batch;
	int count, status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	looker.fd = open_to_look(arguments.name);
	if (looker.fd < 0)
		return report_error(arguments.name, errno);
	status = output_open(&output, arguments.name, arguments.format, NULL);
	if (!status) {
		count = look(&looker, &batch);
		if (count > 0) {
			status = write_peeked(&output, &batch, count);
		} else if (count < 0) {
			status = failed(&arguments, errno);
		} else {
			report(arguments.name, "end of file: the queue is empty, and is stopped or has no writer");
			status = EXIT_STOPPED;
		}
	}
	free(looker.room);
	close(looker.fd);
	return status;
}
