// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue recv, peek, drain.
 *
 * What was received is written before more is received, and no more is received
 * than can be written without waiting, as far as that can be known.  Signals are
 * kept back from the one to the other.  So nothing is in the hands of this
 * program but what it is just writing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "ending.h"
#include "forward.h"
#include "options.h"
#include "output.h"
#include "queue.h"
#include "report.h"
#include "units.h"

/* What one call receives at most, but for a message that is larger. */
#define BATCH_BYTES	(256 * 1024)

/* What is left to receive when there is no bound. */
#define NO_BOUND	UINT64_MAX

struct arguments {
	const char *name;
	uint64_t count;
	int count_given;
	int all;
	int follow;
	int discard;
	uint64_t timeout;
	int timeout_given;
	enum format format;
	enum progress_wish progress;
	int is_long;	/* the work, so that there are options about progress */
};

/**
 * struct receiver - a queue that is received from
 * @arguments: what was asked for
 * @fd: the queue
 * @room: memory for records
 * @size: bytes of @room
 * @text: what is to be written
 * @output: where to
 * @needed: bytes that the next message needs, if it needed more than there were
 * @left: messages that are still wanted
 * @received: messages that were received
 */
struct receiver {
	const struct arguments *arguments;
	int fd;
	void *room;
	size_t size;
	struct text text;
	struct output output;
	size_t needed;
	uint64_t left;
	uint64_t received;
};

enum { KEY_COUNT = 'c', KEY_ALL = 'a', KEY_FOLLOW = 'f', KEY_DISCARD = 0x200 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->format;
		state->child_inputs[1] = &arguments->timeout;
		if (arguments->is_long)
			state->child_inputs[2] = &arguments->progress;
		return 0;
	case KEY_COUNT:
		if (parse_number(argument, NO_BOUND - 1, &arguments->count) || !arguments->count)
			argp_error(state, "'%s': a number of messages is wanted", argument);
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
	case ARGP_KEY_ARG:
		if (arguments->name)
			argp_error(state, "'%s': only one queue at a time", argument);
		arguments->name = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which queue?");
		return 0;
	case ARGP_KEY_END:
		if (arguments->all + arguments->follow + arguments->count_given > 1)
			argp_error(state, "only one of --count, --all and --follow at a time");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &format_argp, 0, NULL, 0 },
	{ &timeout_argp, 0, NULL, 0 },
	{ &progress_argp, 0, NULL, 0 },
	{ 0 }
};

static void start_progress(const struct receiver *receiver, const char *verb)
{
	progress_start(receiver->arguments->progress,
		       output_may_be_seen(&receiver->output), verb, 0);
}

/* 0, or an exit status, and it has said why. */
static int open_output(struct receiver *receiver)
{
	const struct arguments *arguments = receiver->arguments;
	struct tqueue_info info;

	receiver->room = need_memory(malloc(BATCH_BYTES));
	receiver->size = BATCH_BYTES;
	if (arguments->discard)
		return EXIT_OK;
	if (tqueue_get(receiver->fd, &info))
		return report_error(arguments->name, errno);
	return output_open(&receiver->output, arguments->name, arguments->format, &info);
}

static void close_receiver(struct receiver *receiver)
{
	progress_stop();
	free(receiver->room);
	free(receiver->text.data);
	close(receiver->fd);
}

/*
 * Waits until there is a message, or an end-of-file, or an error to be had; 0,
 * or an exit status.  @deadline: of the message that is waited for.
 */
static int wait_for_message(const struct receiver *receiver, uint64_t deadline)
{
	struct pollfd fds[2] = {
		{ .fd = receiver->fd, .events = POLLIN },
		{ .fd = receiver->arguments->discard ? -1 : STDOUT_FILENO },
	};
	uint64_t now, ns = UNITS_FOREVER;
	int ready;

	if (!receiver->arguments->timeout || receiver->arguments->all)
		return EXIT_NOTHING;
	for (;;) {
		if (deadline != UNITS_FOREVER) {
			now = deadline_after(1);
			if (now >= deadline)
				return EXIT_TIMED_OUT;
			ns = deadline - now;
		}
		ready = ending_poll(fds, 2, ns);
		if (ending_signal())
			return EXIT_ERROR;
		if (ready <= 0)
			continue;
		if (fds[1].revents & OUTPUT_GONE)
			return output_gone(&receiver->output);
		return EXIT_OK;
	}
}

/* Bytes of records that one call may receive. */
static size_t bytes_wanted(const struct receiver *receiver)
{
	size_t room = receiver->output.room;

	if (receiver->arguments->discard || room == SIZE_MAX)
		return receiver->size;
	/* A record is longer than what is written of it, except as JSON. */
	if (receiver->output.format == FORMAT_JSON)
		room /= 4;
	if (room < TQUEUE_RECORD_BYTES(0))
		room = TQUEUE_RECORD_BYTES(0);
	return room < receiver->size ? room : receiver->size;
}

/* One that is larger than what is received otherwise. */
static int receive_alone(struct receiver *receiver, struct tqueue_batch *batch, size_t needed)
{
	if (needed > receiver->size) {
		free(receiver->room);
		receiver->room = need_memory(malloc(needed));
		receiver->size = needed;
	}
	tqueue_batch_init(batch, receiver->room, receiver->size);
	return tqueue_receive_batch(receiver->fd, batch, 1, 0);
}

/*
 * Receives what there is, without waiting.  What tqueue_receive_batch() says; with
 * EMSGSIZE the output is to have room for @needed bytes first.
 */
static int receive(struct receiver *receiver, struct tqueue_batch *batch)
{
	uint32_t count = 0;
	int result;

	if (receiver->left < UINT32_MAX)
		count = (uint32_t)receiver->left;
	if (receiver->output.one)
		count = 1;
	tqueue_batch_init(batch, receiver->room, bytes_wanted(receiver));
	result = tqueue_receive_batch(receiver->fd, batch, count, 0);
	while (result < 0 && errno == EMSGSIZE) {
		receiver->needed = batch->needed;
		if (receiver->output.kind == OUTPUT_QUEUE && batch->needed > receiver->output.room)
			return result;
		result = receive_alone(receiver, batch, batch->needed);
	}
	if (result > 0)
		receiver->needed = 0;
	return result;
}

/* Makes text of a batch. */
static void format_batch(struct receiver *receiver, struct tqueue_batch *batch, int count)
{
	const struct tqueue_record *record;
	uint64_t dropped = batch->dropped, bytes = 0;

	if (dropped)
		report(receiver->arguments->name, "%llu message%s dropped here, because the queue was full",
		       (unsigned long long)dropped, dropped == 1 ? " was" : "s were");
	receiver->text.length = 0;
	/* To a queue they go as they are. */
	if (receiver->arguments->discard || receiver->output.kind == OUTPUT_QUEUE)
		while (tqueue_batch_next(batch, &record) > 0)
			bytes += record->length;
	else
		bytes = format_messages(&receiver->text, receiver->output.format,
					batch, (size_t)count);
	progress_add((uint64_t)count, bytes);
}

/*
 * Finds the first message that is not whole among the first @written bytes of the
 * text: the batch starts there then.  Returns how many stand before it, and in
 * *@part the bytes of it that were written.
 */
static uint64_t find_unwritten(const struct receiver *receiver, struct tqueue_batch *batch,
			       size_t written, size_t *part)
{
	size_t start = 0, whole = 0;
	struct text text = { 0 };
	uint64_t count = 0;

	batch->start = 0;
	while (tqueue_batch_bytes(batch)) {
		format_messages(&text, receiver->output.format, batch, 1);
		if (text.length > written)
			break;
		start = batch->start;
		whole = text.length;
		count++;
	}
	batch->start = start;
	*part = written - whole;
	free(text.data);
	return count;
}

/* Takes the last bytes off stdout again, if that is a file that ends with them. */
static int take_off(size_t bytes)
{
	off_t end = lseek(STDOUT_FILENO, 0, SEEK_CUR), begin = end - (off_t)bytes;
	struct stat st;

	if (begin < 0 || fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode) || st.st_size != end)
		return -1;
	if (ftruncate(STDOUT_FILENO, begin))
		return -1;
	return lseek(STDOUT_FILENO, begin, SEEK_SET) < 0 ? -1 : 0;
}

/* The flags of a record are the driver's, and not for sending. */
static void clear_flags(const struct tqueue_batch *batch)
{
	struct tqueue_batch all = *batch;
	const struct tqueue_record *record;

	while (tqueue_batch_next(&all, &record) > 0)
		((struct tqueue_record *)record)->flags = 0;
}

/*
 * Gives back what is left in a batch: it goes to the end of the queue.  A stopped
 * queue is opened for that moment, and in a full one it waits for room, until a
 * signal comes.  Returns how many messages that was; if not all, errno says why.
 */
static uint64_t give_back(const struct receiver *receiver, struct tqueue_batch *batch)
{
	const char *name = receiver->arguments->name;
	uint64_t count;
	int fd, error;

	clear_flags(batch);
	fd = tqueue_open(name, O_WRONLY);
	if (fd < 0)
		return 0;
	count = send_what_fits(fd, batch);
	error = errno;
	if (tqueue_batch_bytes(batch) && error == ESHUTDOWN && !start_queue(name)) {
		count += send_what_fits(fd, batch);
		error = errno;
		stop_queue(name);
	} else if (tqueue_batch_bytes(batch) && is_full(error)) {
		report(name, "the standard output takes no more, and the queue has no room for what was taken already; waiting to put that back, until there is room or a signal comes");
		ending_release();
		ending_watch(0);
		count += send_waiting(fd, batch);
		error = errno;
	}
	close(fd);
	errno = error;
	return count;
}

/* Writes all of the text; the bytes that could be written, and errno. */
static size_t write_text(const struct text *text)
{
	struct pollfd poll_fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	size_t written = 0;
	ssize_t length;

	while (written < text->length) {
		length = write(STDOUT_FILENO, text->data + written, text->length - written);
		if (length >= 0)
			written += (size_t)length;
		else if (errno == EAGAIN)
			poll(&poll_fd, 1, -1);
		else if (errno != EINTR)
			break;
	}
	return written;
}

/* What came of writing. */
struct outcome {
	uint64_t done;	/* messages that were written, also those in part */
	int in_part;	/* one of them was */
	int error;	/* why not all were; EINTR: a signal came */
};

/* Sends what was received to the queue that is the output. */
static void forward_batch(const struct receiver *receiver, struct tqueue_batch *batch,
			  struct outcome *outcome)
{
	const struct tqueue_record *record;
	uint64_t i;

	batch->start = 0;
	clear_flags(batch);
	outcome->done = forward(receiver->output.format, batch);
	outcome->error = errno;
	for (i = 0; i < outcome->done; i++)
		tqueue_batch_next(batch, &record);
}

/* Writes what was received as bytes. */
static void write_bytes(const struct receiver *receiver, struct tqueue_batch *batch,
			uint64_t count, struct outcome *outcome)
{
	const struct tqueue_record *record;
	size_t written, part;

	/* What does not fit into a pipe may take its time: end then, if asked to. */
	ending_release();
	written = write_text(&receiver->text);
	outcome->error = errno;
	ending_hold();
	outcome->done = count;
	if (written == receiver->text.length)
		return;
	outcome->done = find_unwritten(receiver, batch, written, &part);
	/* Of a full disk it can be taken off; a pipe has gone on with it. */
	if (part && take_off(part)) {
		tqueue_batch_next(batch, &record);
		outcome->done++;
		outcome->in_part = 1;
	}
}

/* What became of messages that were not written. */
static void report_outcome(const struct receiver *receiver, const struct outcome *outcome,
			   uint64_t back, uint64_t lost, int why)
{
	const char *name = receiver->arguments->name;

	report(name, "cannot write to the standard output: %s; %llu message%s put at the end of the queue again",
	       output_strerror(&receiver->output, outcome->error),
	       (unsigned long long)back, back == 1 ? " was" : "s were");
	if (outcome->in_part)
		report(name, "one message was written in part");
	if (lost)
		report(name, "%llu message%s lost, which could not be put into the queue again: %s",
		       (unsigned long long)lost, lost == 1 ? " is" : "s are",
		       tqueue_strerror(why));
}

/* Writes what was received; 0, or an exit status. */
static int write_batch(struct receiver *receiver, struct tqueue_batch *batch, int count)
{
	struct outcome outcome = { .done = (uint64_t)count };
	uint64_t all = (uint64_t)count, back;

	if (receiver->output.kind == OUTPUT_QUEUE)
		forward_batch(receiver, batch, &outcome);
	else if (!receiver->arguments->discard)
		write_bytes(receiver, batch, all, &outcome);
	if (outcome.done == all && !outcome.in_part)
		return EXIT_OK;
	back = give_back(receiver, batch);
	report_outcome(receiver, &outcome, back, all - outcome.done - back, errno);
	return EXIT_ERROR;
}

/* Receives until there is enough; 0, or an exit status. */
static int receive_all(struct receiver *receiver)
{
	uint64_t deadline = deadline_after(receiver->arguments->timeout);
	struct tqueue_batch batch;
	int count, status;

	while (receiver->left) {
		status = output_wait(&receiver->output, receiver->needed);
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
			return report_error(receiver->arguments->name, errno);
		if (!count)
			return EXIT_STOPPED;
		format_batch(receiver, &batch, count);
		status = write_batch(receiver, &batch, count);
		if (status)
			return status;
		receiver->received += (uint64_t)count;
		deadline = deadline_after(receiver->arguments->timeout);
		if (receiver->left != NO_BOUND)
			receiver->left -= (uint64_t)count;
		if (ending_signal())
			return EXIT_ERROR;
	}
	return EXIT_OK;
}

/* The same, and what there is to say about its end. */
static int receive_and_end(struct receiver *receiver)
{
	const struct arguments *arguments = receiver->arguments;
	int unbounded = receiver->left == NO_BOUND;
	int status;

	/* It is told by the write, and there may be something to put back. */
	signal(SIGPIPE, SIG_IGN);
	/* A wait for room in a queue ends with a signal, a write only with the second. */
	ending_watch(receiver->output.kind != OUTPUT_QUEUE);
	ending_hold();
	status = receive_all(receiver);
	progress_stop();
	if (ending_signal()) {
		close_receiver(receiver);
		ending_die();
	}
	if (status == EXIT_NOTHING && arguments->all && receiver->received)
		status = EXIT_OK;
	else if (status == EXIT_STOPPED && unbounded)
		status = EXIT_OK;
	else if (status == EXIT_NOTHING)
		report(arguments->name, "there is no message");
	else if (status == EXIT_TIMED_OUT)
		report(arguments->name, "no message came in time");
	else if (status == EXIT_STOPPED)
		report(arguments->name, "this is the end of the file: the queue is empty, and stopped or without a writer");
	close_receiver(receiver);
	return status;
}

static const struct argp_option recv_options[] = {
	{ "count", KEY_COUNT, "N", 0, "so many messages instead of one", 1 },
	{ "all", KEY_ALL, NULL, 0, "whatever is there, until it is empty, without waiting", 1 },
	{ "follow", KEY_FOLLOW, NULL, 0, "one after the other, until the end of the file", 1 },
	{ 0 }
};

static const struct argp recv_argp = {
	.options = recv_options,
	.parser = parse,
	.args_doc = "QUEUE",
	.doc = "Receive a message and write it to the standard output.\v"
	       "It waits for the message; --timeout bounds the wait for each. "
	       "It takes no more than it can write, and writes it before it takes more; see tqueue(1) for what happens when it is killed. "
	       "Into a queue each message goes as one.",
	.children = children,
};

int command_recv(int argc, char **argv)
{
	struct arguments arguments = { .count = 1, .timeout = UNITS_FOREVER, .is_long = 1 };
	struct receiver receiver = { .arguments = &arguments };
	int status;

	argp_parse(&recv_argp, argc, argv, 0, NULL, &arguments);
	receiver.fd = tqueue_open(arguments.name, O_RDONLY);
	if (receiver.fd < 0)
		return report_error(arguments.name, errno);
	receiver.left = arguments.all || arguments.follow ? NO_BOUND : arguments.count;
	status = open_output(&receiver);
	if (status) {
		close_receiver(&receiver);
		return status;
	}
	start_progress(&receiver, "received");
	return receive_and_end(&receiver);
}

static const struct argp_option drain_options[] = {
	{ "discard", KEY_DISCARD, NULL, 0, "throw the messages away instead of writing them", 1 },
	{ 0 }
};

static const struct argp drain_argp = {
	.options = drain_options,
	.parser = parse,
	.args_doc = "QUEUE",
	.doc = "Stop a queue, and write all that is in it to the standard output.\v"
	       "It ends at the end of the file: when nothing is in the queue, and no other reader holds the rest of a message. "
	       "The queue stays stopped; 'tqueue start' opens it again.",
	.children = children,
};

int command_drain(int argc, char **argv)
{
	struct arguments arguments = { .timeout = UNITS_FOREVER, .is_long = 1 };
	struct receiver receiver = { .arguments = &arguments, .left = NO_BOUND };
	int status;

	argp_parse(&drain_argp, argc, argv, 0, NULL, &arguments);
	/* Before it is stopped: who may not read it shall not stop it either. */
	receiver.fd = tqueue_open(arguments.name, O_RDONLY);
	if (receiver.fd < 0)
		return report_error(arguments.name, errno);
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

static const struct argp_child peek_children[] = {
	{ &format_argp, 0, NULL, 0 },
	{ &timeout_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp_option peek_options[] = {
	{ "count", KEY_COUNT, "N", 0, "the first N messages instead of one", 1 },
	{ "all", KEY_ALL, NULL, 0, "all that are there", 1 },
	{ 0 }
};

static const struct argp peek_argp = {
	.options = peek_options,
	.parser = parse,
	.args_doc = "QUEUE",
	.doc = "Write the first message of a queue to the standard output, and leave it where it is.\v"
	       "It does not wait for one, unless --timeout says so.",
	.children = peek_children,
};

/* Looks at what is there; what tqueue_peek_batch() says. */
static int look(struct receiver *receiver, struct tqueue_batch *batch)
{
	uint64_t deadline = deadline_after(receiver->arguments->timeout);
	uint64_t wanted = receiver->arguments->count;
	uint32_t count = wanted < UINT32_MAX ? (uint32_t)wanted : UINT32_MAX;
	struct tqueue_info info;
	size_t touched;
	int result;

	if (receiver->arguments->all)
		count = 0;
	/* All that a queue holds fits into as many bytes as it has. */
	if (tqueue_get(receiver->fd, &info))
		return -1;
	receiver->size = info.size;
	touched = info.bytes + info.messages * TQUEUE_RECORD_BYTES(7);
	if (count == 1)
		receiver->size = TQUEUE_RECORD_BYTES(info.max_message);
	do {
		free(receiver->room);
		receiver->room = need_memory(malloc(receiver->size));
		/* The driver stops short at memory that is not there yet. */
		memset(receiver->room, 0, touched < receiver->size ? touched : receiver->size);
		tqueue_batch_init(batch, receiver->room, receiver->size);
		result = tqueue_peek_batch(receiver->fd, batch, count, deadline);
		/* The limits were raised meanwhile. */
		if (result < 0 && errno == EMSGSIZE)
			receiver->size = batch->needed;
	} while (result < 0 && (errno == EMSGSIZE || errno == EINTR));
	return result;
}

/* Writes what was looked at; the exit status. */
static int write_peeked(struct receiver *receiver, struct tqueue_batch *batch, int count)
{
	size_t length;
	int all;

	format_batch(receiver, batch, count);
	if (receiver->output.kind == OUTPUT_QUEUE) {
		ending_watch(0);
		ending_hold();
		batch->start = 0;
		clear_flags(batch);
		all = forward(receiver->output.format, batch) == (uint64_t)count;
		if (!all && ending_signal())
			ending_die();
	} else {
		length = write_text(&receiver->text);
		all = length == receiver->text.length;
	}
	if (all)
		return EXIT_OK;
	report(receiver->arguments->name, "cannot write to the standard output: %s",
	       output_strerror(&receiver->output, errno));
	return EXIT_ERROR;
}

int command_peek(int argc, char **argv)
{
	struct arguments arguments = { .count = 1 };
	struct receiver receiver = { .arguments = &arguments };
	struct tqueue_batch batch;
	int count, status;

	argp_parse(&peek_argp, argc, argv, 0, NULL, &arguments);
	receiver.fd = open_to_look(arguments.name);
	if (receiver.fd < 0)
		return report_error(arguments.name, errno);
	status = output_open(&receiver.output, arguments.name, arguments.format, NULL);
	if (status) {
		close_receiver(&receiver);
		return status;
	}
	count = look(&receiver, &batch);
	if (count < 0 && errno == EAGAIN) {
		report(arguments.name, "there is no message");
		status = EXIT_NOTHING;
	} else if (count < 0 && errno == ETIMEDOUT) {
		report(arguments.name, "no message came in time");
		status = EXIT_TIMED_OUT;
	} else if (count < 0) {
		status = report_error(arguments.name, errno);
	} else if (!count) {
		report(arguments.name, "this is the end of the file: the queue is empty, and stopped or without a writer");
		status = EXIT_STOPPED;
	} else {
		status = write_peeked(&receiver, &batch, count);
	}
	close_receiver(&receiver);
	return status;
}
