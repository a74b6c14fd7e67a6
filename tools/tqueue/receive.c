// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue recv, drain.
 *
 * Messages are leased, written and acknowledged before more are leased.  No more are
 * leased than can be written without waiting, as far as that can be known.  Signals are
 * blocked in between.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "deliver.h"
#include "signals.h"
#include "options.h"
#include "queue.h"
#include "report.h"
#include "units.h"

/* The most bytes of one call, except for a larger message. */
#define BATCH_BYTES	(256 * 1024)

/*
 * The most messages of one call: an open file keeps spare memory for this many leases.
 */
#define BATCH_MESSAGES	128

/* How many are left if there is no limit. */
#define NO_BOUND	UINT64_MAX

struct arguments {
	const char *name;
	int fd;		/* the caller's, or -1 */
	uint64_t id;	/* or 0 */
	const char *to;
	uint64_t count;
	int count_given;
	int all;
	int follow;
	int discard;
	int lease;
	uint64_t limit;
	int limit_given;
	uint64_t timeout;
	enum format format;
	enum progress_wish progress;
};

/**
 * struct receiver - a queue that is received from
 * @arguments: the arguments
 * @deliverer: the queue, and where its messages go
 * @room: memory for records
 * @size: bytes of @room
 * @needed: bytes that the next message needs, if more than @size
 * @left: how many more messages are wanted
 * @received: how many messages were received
 */
struct receiver {
	const struct arguments *arguments;
	struct deliverer deliverer;
	void *room;
	size_t size;
	size_t needed;
	uint64_t left;
	uint64_t received;
};

enum {
	KEY_COUNT = 'c', KEY_ALL = 'a', KEY_FOLLOW = 'f', KEY_DISCARD = 0x200, KEY_LEASE,
	KEY_LIMIT, KEY_ID, KEY_TO
};

static void check_arguments(const struct arguments *arguments, struct argp_state *state)
{
	int several = arguments->all + arguments->follow + arguments->count_given;

	if (!arguments->name && arguments->fd < 0)
		argp_error(state, "no queue given");
	if (arguments->name && arguments->fd >= 0)
		argp_error(state, "'%s': --fd already names the queue", arguments->name);
	if (several > 1)
		argp_error(state, "--count, --all and --follow exclude each other");
	if (several && arguments->id)
		argp_error(state, "--id excludes --count, --all and --follow");
	if (arguments->lease && arguments->fd < 0)
		argp_error(state, "--lease needs --fd, because a lease ends when its file is closed (open one with \"exec 3< /dev/tq/%s\" and use --fd=3)",
			   arguments->name);
	if (arguments->limit_given && !arguments->lease)
		argp_error(state, "--limit needs --lease");
	if (arguments->lease && arguments->to)
		argp_error(state, "--lease and --to exclude each other");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->format;
		state->child_inputs[1] = &arguments->timeout;
		state->child_inputs[2] = &arguments->progress;
		state->child_inputs[3] = &arguments->fd;
		return 0;
	case KEY_COUNT:
		if (parse_number(argument, NO_BOUND - 1, &arguments->count) || !arguments->count)
			argp_error(state, "'%s': expected a number of messages", argument);
		arguments->count_given = 1;
		return 0;
	case KEY_ALL:
		arguments->all = 1;
		return 0;
	case KEY_FOLLOW:
		arguments->follow = 1;
		return 0;
	case KEY_DISCARD:
		arguments->discard = 1;
		return 0;
	case KEY_LEASE:
		arguments->lease = 1;
		return 0;
	case KEY_LIMIT:
		arguments->limit = parse_limit(argument, state);
		arguments->limit_given = 1;
		return 0;
	case KEY_ID:
		arguments->id = parse_id(argument, state);
		return 0;
	case KEY_TO:
		arguments->to = argument;
		return 0;
	case ARGP_KEY_ARG:
		parse_queue(argument, state, &arguments->name);
		return 0;
	case ARGP_KEY_END:
		check_arguments(arguments, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void start_progress(const struct receiver *receiver, const char *verb)
{
	progress_start(receiver->arguments->progress,
		       output_may_be_seen(&receiver->deliverer.output), verb, 0);
}

/* Opens the queue.  Returns 0, or an exit status after reporting the error. */
static int open_receiver(struct receiver *receiver)
{
	const struct arguments *arguments = receiver->arguments;

	receiver->deliverer.queue = arguments->name;
	receiver->deliverer.fd = arguments->fd;
	if (arguments->fd >= 0)
		return check_given_fd(arguments->fd, &receiver->deliverer.queue);
	receiver->deliverer.fd = tqueue_open(arguments->name, O_RDONLY);
	return receiver->deliverer.fd < 0 ? report_error(arguments->name, errno) : EXIT_OK;
}

/* Returns 0, or an exit status after reporting the error. */
static int open_output(struct receiver *receiver)
{
	const struct arguments *arguments = receiver->arguments;
	struct deliverer *deliverer = &receiver->deliverer;
	struct tqueue_info info;
	int status;

	receiver->room = xnonnull(malloc(BATCH_BYTES));
	receiver->size = BATCH_BYTES;
	deliverer->keep = arguments->lease;
	if (arguments->discard)
		return EXIT_OK;
	if (tqueue_get(deliverer->fd, &info))
		return report_error(deliverer->queue, errno);
	status = output_open(&deliverer->output, deliverer->queue, arguments->format, &info);
	if (!status && arguments->lease && deliverer->output.kind == OUTPUT_QUEUE) {
		report(deliverer->queue, "standard output is a queue, where leased messages cannot be settled; nothing was taken");
		status = EXIT_ERROR;
	}
	return status;
}

static void close_receiver(struct receiver *receiver)
{
	progress_stop();
	free(receiver->room);
	free(receiver->deliverer.text.data);
	if (receiver->deliverer.fd >= 0)
		close(receiver->deliverer.fd);
}

/*
 * Waits for a message, end of file or an error, until @deadline.  Returns 0 or an exit
 * status.
 */
static int wait_for_message(const struct receiver *receiver, uint64_t deadline)
{
	/* POLLMSG also reports messages of 0 bytes. */
	struct pollfd fds[2] = {
		{ .fd = receiver->deliverer.fd, .events = POLLIN | POLLMSG },
		{ .fd = receiver->arguments->discard ? -1 : STDOUT_FILENO },
	};
	uint64_t now, ns = UNITS_FOREVER;
	int ready;

	if (!receiver->arguments->timeout || receiver->arguments->all || receiver->arguments->id)
		return EXIT_NOTHING;
	for (;;) {
		if (deadline != UNITS_FOREVER) {
			now = deadline_after(1);
			if (now >= deadline)
				return EXIT_TIMED_OUT;
			ns = deadline - now;
		}
		ready = signals_poll(fds, 2, ns);
		if (signals_caught())
			return EXIT_ERROR;
		if (ready <= 0)
			continue;
		if (fds[1].revents & OUTPUT_GONE)
			return output_gone(&receiver->deliverer.output);
		return EXIT_OK;
	}
}

/* The most bytes of records that one call should receive. */
static size_t bytes_wanted(const struct receiver *receiver)
{
	size_t room = receiver->deliverer.output.room;

	if (receiver->arguments->discard || room == SIZE_MAX)
		return receiver->size;
	/* A record is longer than what is written of it, except in JSON. */
	if (receiver->deliverer.output.format == FORMAT_JSON)
		room /= 4;
	if (room < TQUEUE_RECORD_BYTES(0))
		room = TQUEUE_RECORD_BYTES(0);
	return room < receiver->size ? room : receiver->size;
}

/*
 * Takes messages into a batch, without waiting.  Returns what tqueue_receive_batch()
 * returns.
 */
static int take(const struct receiver *receiver, struct tqueue_batch *batch, uint32_t count)
{
	const struct arguments *arguments = receiver->arguments;
	int fd = receiver->deliverer.fd, result;
	struct tqueue_record *record;

	if (arguments->discard)
		return tqueue_receive_batch(fd, batch, count, 0);
	if (!arguments->id)
		return tqueue_lease_batch(fd, batch, count, arguments->limit, 0);
	record = (void *)batch->buffer;
	result = tqueue_lease_id(fd, arguments->id, record, batch->size, arguments->limit);
	if (result > 0)
		tqueue_batch_load(batch, record, TQUEUE_RECORD_BYTES(record->length));
	else if (result < 0 && errno == EMSGSIZE)
		batch->needed = TQUEUE_RECORD_BYTES(record->length);
	return result;
}

/* Receives one message that is larger than usual. */
static int receive_alone(struct receiver *receiver, struct tqueue_batch *batch, size_t needed)
{
	if (needed > receiver->size) {
		free(receiver->room);
		receiver->room = xnonnull(malloc(needed));
		receiver->size = needed;
	}
	tqueue_batch_init(batch, receiver->room, receiver->size);
	return take(receiver, batch, 1);
}

/*
 * Receives what there is, without waiting.  Returns what tqueue_receive_batch()
 * returns.  With EMSGSIZE, the output must have room for @needed bytes first.
 */
static int receive(struct receiver *receiver, struct tqueue_batch *batch)
{
	const struct output *output = &receiver->deliverer.output;
	uint32_t count = BATCH_MESSAGES;
	int result;

	if (receiver->left < count)
		count = (uint32_t)receiver->left;
	if (output->one)
		count = 1;
	tqueue_batch_init(batch, receiver->room, bytes_wanted(receiver));
	result = take(receiver, batch, count);
	while (result < 0 && errno == EMSGSIZE) {
		receiver->needed = batch->needed;
		if (output->kind == OUTPUT_QUEUE && batch->needed > output->room)
			return result;
		result = receive_alone(receiver, batch, batch->needed);
	}
	if (result > 0)
		receiver->needed = 0;
	return result;
}

/* Reports dropped messages before a batch, and counts its bytes. */
static void account(const struct receiver *receiver, struct tqueue_batch batch, int count)
{
	const struct tqueue_record *record;
	uint64_t bytes = 0;

	if (batch.dropped)
		report(receiver->deliverer.queue, "%llu message%s dropped here because the queue was full",
		       (unsigned long long)batch.dropped, batch.dropped == 1 ? " was" : "s were");
	while (tqueue_batch_next(&batch, &record) > 0)
		bytes += record->length;
	progress_add((uint64_t)count, bytes);
}

/* Reports why nothing was received.  Returns the exit status. */
static int failed(const struct receiver *receiver, int error)
{
	const struct arguments *arguments = receiver->arguments;

	if (arguments->id && (error == ENOENT || error == EBUSY))
		return report_message(receiver->deliverer.queue, arguments->id, error);
	report_error(receiver->deliverer.queue, error);
	/* No more messages may be leased. */
	return error == ENOSPC ? EXIT_NOTHING : status_of(error);
}

/* Receives until there is enough.  Returns 0 or an exit status. */
static int receive_all(struct receiver *receiver)
{
	uint64_t deadline = deadline_after(receiver->arguments->timeout);
	struct tqueue_batch batch;
	int count, status;

	while (receiver->left) {
		status = output_wait(&receiver->deliverer.output, receiver->needed);
		if (status)
			return status;
		count = receive(receiver, &batch);
		if (count < 0 && errno == EAGAIN) {
			status = wait_for_message(receiver, deadline);
			if (status)
				return status;
			continue;
		}
		if (count < 0 && errno == EMSGSIZE)
			continue;
		if (count < 0)
			return failed(receiver, errno);
		if (!count)
			return EXIT_STOPPED;
		account(receiver, batch, count);
		if (!receiver->arguments->discard) {
			status = deliver(&receiver->deliverer, &batch, (uint64_t)count);
			if (status)
				return status;
		}
		receiver->received += (uint64_t)count;
		deadline = deadline_after(receiver->arguments->timeout);
		if (receiver->left != NO_BOUND)
			receiver->left -= (uint64_t)count;
		if (signals_caught())
			return EXIT_ERROR;
	}
	return EXIT_OK;
}

/* The same, and reports how it ended. */
static int receive_and_end(struct receiver *receiver)
{
	const struct arguments *arguments = receiver->arguments;
	int unbounded = receiver->left == NO_BOUND;
	int status;

	/* The write reports this, and there may be messages to return. */
	signal(SIGPIPE, SIG_IGN);
	/*
	 * A wait for room in a queue ends with a signal, a write only with the second
	 * one.
	 */
	signals_watch(receiver->deliverer.output.kind != OUTPUT_QUEUE);
	signals_hold();
	status = receive_all(receiver);
	progress_stop();
	if (signals_caught()) {
		close_receiver(receiver);
		signals_die();
	}
	if (status == EXIT_NOTHING && arguments->all && receiver->received)
		status = EXIT_OK;
	else if (status == EXIT_STOPPED && unbounded)
		status = EXIT_OK;
	else if (status == EXIT_NOTHING)
		report(receiver->deliverer.queue, "no message");
	else if (status == EXIT_TIMED_OUT)
		report(receiver->deliverer.queue, "timed out waiting for a message");
	else if (status == EXIT_STOPPED)
		report(receiver->deliverer.queue, "end of file: the queue is empty, and is stopped or has no writer");
	close_receiver(receiver);
	return status;
}

static const struct argp_option recv_options[] = {
	{ "count", KEY_COUNT, "N", 0, "this many messages instead of one", 1 },
	{ "all", KEY_ALL, NULL, 0, "all messages until the queue is empty, without waiting", 1 },
	{ "follow", KEY_FOLLOW, NULL, 0, "one message after another, until the end of file", 1 },
	{ "id", KEY_ID, "ID", 0, "this message, even out of turn; does not wait", 1 },
	{ "to", KEY_TO, "QUEUE", 0, "send the messages to this queue", 1 },
	{ "lease", KEY_LEASE, NULL, 0,
	  "lease the messages for the file of --fd, and print ID:DELIVERY before each, for \"tqueue ack\" and others",
	  1 },
	{ "limit", KEY_LIMIT, "TIME", 0, "how long the lease lasts: 30s, 10min, infinity", 1 },
	{ 0 }
};

static const struct argp_child recv_children[] = {
	{ &format_argp, 0, NULL, 0 },
	{ &timeout_argp, 0, NULL, 0 },
	{ &progress_argp, 0, NULL, 0 },
	{ &fd_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp recv_argp = {
	.options = recv_options,
	.parser = parse,
	.args_doc = "QUEUE",
	.doc = "Receive a message and write it to standard output.\v"
	       "Waits for a message; --timeout limits the wait for each one. "
	       "A message leaves the queue after it was written. If the command is killed before, the message goes back. "
	       "If standard output is a queue, each message is sent there as one.",
	.children = recv_children,
};

/* Makes the queue of --to standard output.  Returns 0 or an exit status. */
static int redirect(const char *to)
{
	int fd = tqueue_open(to, O_WRONLY), status = EXIT_OK;

	if (fd < 0)
		return report_error(to, errno);
	if (dup2(fd, STDOUT_FILENO) < 0) {
		report(to, "%s", strerror(errno));
		status = EXIT_ERROR;
	}
	close(fd);
	return status;
}

int command_recv(int argc, char **argv)
{
	struct arguments arguments = {
		.fd = -1, .count = 1, .limit = TQUEUE_FOREVER, .timeout = UNITS_FOREVER,
	};
	struct receiver receiver = { .arguments = &arguments };
	int status;

	argp_parse(&recv_argp, argc, argv, 0, NULL, &arguments);
	/* The command's own leases last as long as it runs. */
	if (arguments.lease && !arguments.limit_given)
		arguments.limit = 0;
	receiver.left = arguments.all || arguments.follow ? NO_BOUND : arguments.count;
	status = open_receiver(&receiver);
	if (!status && arguments.to)
		status = redirect(arguments.to);
	if (!status)
		status = open_output(&receiver);
	if (status) {
		close_receiver(&receiver);
		return status;
	}
	start_progress(&receiver, "received");
	return receive_and_end(&receiver);
}

static const struct argp_option drain_options[] = {
	{ "discard", KEY_DISCARD, NULL, 0, "discard the messages instead of writing them", 1 },
	{ 0 }
};

static const struct argp_child drain_children[] = {
	{ &format_argp, 0, NULL, 0 },
	{ &timeout_argp, 0, NULL, 0 },
	{ &progress_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp drain_argp = {
	.options = drain_options,
	.parser = parse,
	.args_doc = "QUEUE",
	.doc = "Stop a queue, and write all its messages to standard output.\v"
	       "Ends when no message is ready, delayed or leased, and no other reader has the rest of one. "
	       "Buried messages stay. "
	       "The queue stays stopped until \"tqueue start\".",
	.children = drain_children,
};

int command_drain(int argc, char **argv)
{
	struct arguments arguments = {
		.fd = -1, .limit = TQUEUE_FOREVER, .timeout = UNITS_FOREVER,
	};
	struct receiver receiver = { .arguments = &arguments, .left = NO_BOUND };
	int status;

	argp_parse(&drain_argp, argc, argv, 0, NULL, &arguments);
	/* Open it before stopping it: a user who may not read it shall not stop it. */
	status = open_receiver(&receiver);
	if (!status)
		status = open_output(&receiver);
	if (!status && stop_queue(arguments.name))
		status = report_error(arguments.name, errno);
	if (status) {
		close_receiver(&receiver);
		return status;
	}
	start_progress(&receiver, arguments.discard ? "discarded" : "received");
	return receive_and_end(&receiver);
}
