// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue send.
 *
 * Messages are gathered in a batch.  It is sent when it is full, and when the
 * input has nothing more at the moment: a line that is there never waits for
 * the next one.
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
#include "report.h"
#include "units.h"

/* What one call sends at most, and what one read asks for. */
#define BATCH_BYTES	(256 * 1024)
#define READ_BYTES	(128 * 1024)

/* How the input is cut into messages. */
enum cut { CUT_WHOLE, CUT_LINES, CUT_NULL };

struct arguments {
	const char *name;
	char **messages;
	int count;
	enum cut cut;
	const char **files;
	int file_count;
	int newline;
	int wait;
	uint64_t timeout;
	enum progress_wish progress;
};

/**
 * struct sender - a queue that is sent to
 * @arguments: what was asked for
 * @fd: the queue
 * @batch: messages that were not sent yet
 * @room: memory of @batch
 * @longest: most bytes of a message, when it was opened
 * @sent: messages that were sent
 * @what: what an item of the input is called: "line"
 * @file: the file that is read, NULL: the standard input or arguments
 * @before: messages sent before @file was begun
 */
struct sender {
	const struct arguments *arguments;
	int fd;
	struct tqueue_batch batch;
	void *room;
	uint64_t longest;
	uint64_t sent;
	const char *what;
	const char *file;
	uint64_t before;
};

enum { KEY_LINES = 'l', KEY_NULL = '0', KEY_FILE = 'f', KEY_NEWLINE = 'n', KEY_WAIT = 'w' };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->timeout;
		state->child_inputs[1] = &arguments->progress;
		arguments->files = need_memory(calloc((size_t)state->argc + 1, sizeof(char *)));
		return 0;
	case KEY_LINES:
		arguments->cut = CUT_LINES;
		return 0;
	case KEY_NULL:
		arguments->cut = CUT_NULL;
		return 0;
	case KEY_FILE:
		arguments->files[arguments->file_count++] = argument;
		return 0;
	case KEY_NEWLINE:
		arguments->newline = 1;
		return 0;
	case KEY_WAIT:
		arguments->wait = 1;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->name = state->argv[state->next];
		arguments->messages = state->argv + state->next + 1;
		arguments->count = state->argc - state->next - 1;
		if (arguments->count && arguments->file_count)
			argp_error(state, "messages come either from arguments or from files");
		if (arguments->count && arguments->cut != CUT_WHOLE)
			argp_error(state, "'%s': with --lines and --null messages come from the standard input, or from a file given with --file",
				   arguments->messages[0]);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which queue?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "lines", KEY_LINES, NULL, 0,
	  "each line of the input is a message, without its newline", 1 },
	{ "null", KEY_NULL, NULL, 0, "what ends with a zero byte is a message, without it", 1 },
	{ "file", KEY_FILE, "FILE", 0,
	  "the input is this file, '-' the standard input; may be given several times", 1 },
	{ "newline", KEY_NEWLINE, NULL, 0,
	  "end each message with a newline, for readers of the plain file that want lines", 1 },
	{ "wait", KEY_WAIT, NULL, 0,
	  "wait until all that was sent is done: received whole, or dropped", 2 },
	{ 0 }
};

static const struct argp_child children[] = {
	{ &timeout_argp, 0, NULL, 0 },
	{ &progress_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "QUEUE [MESSAGE...]",
	.doc = "Send messages: each MESSAGE, or else the standard input: the whole of it, or what --lines or --null make of it.\v"
	       "While the queue is full this waits; --timeout bounds each such wait. "
	       "A line that is there is sent at once when no other follows at the moment.",
	.children = children,
};

/* Says how far it got: what is behind that was not sent. */
static void report_sent(const struct sender *sender)
{
	const struct arguments *arguments = sender->arguments;

	/* Of a single message that is clear. */
	if (!sender->sent && arguments->cut == CUT_WHOLE && arguments->count < 2)
		return;
	report(arguments->name, "%llu message%s sent before",
	       (unsigned long long)sender->sent, sender->sent == 1 ? " was" : "s were");
}

/* Where the message comes from that is the next to be sent. */
static void name_item(const struct sender *sender, char *text, size_t room)
{
	if (sender->arguments->cut == CUT_WHOLE && !sender->arguments->count)
		snprintf(text, room, "%s", sender->file ? sender->file : "the standard input");
	else if (sender->file)
		snprintf(text, room, "%s %llu of %s", sender->what,
			 (unsigned long long)(sender->sent - sender->before + 1), sender->file);
	else
		snprintf(text, room, "%s %llu", sender->what,
			 (unsigned long long)(sender->sent - sender->before + 1));
}

/* The first message that was not sent is too long. */
static int too_long(const struct sender *sender)
{
	const char *name = sender->arguments->name;
	uint64_t longest = sender->longest;
	struct tqueue_info info;
	char item[512];

	/* It may have been changed meanwhile. */
	if (!tqueue_get(sender->fd, &info))
		longest = info.max_message;
	name_item(sender, item, sizeof(item));
	report(name, "%s is longer than the %llu bytes that a message of this queue may have; 'tqueue set --max-message' and '--size' allow more",
	       item, (unsigned long long)longest);
	return EXIT_ERROR;
}

/* Why sending failed; the exit status. */
static int failed(const struct sender *sender, int error)
{
	const char *name = sender->arguments->name;
	int status;

	if (error == EINTR && ending_signal()) {
		report(name, "interrupted");
		report_sent(sender);
		progress_stop();
		ending_die();
	}
	if (error == EMSGSIZE) {
		status = too_long(sender);
	} else if (is_full(error)) {
		report(name, "the queue is full; 'tqueue recv' makes room, 'tqueue set --size' gives it more");
		status = EXIT_NOTHING;
	} else if (error == ETIMEDOUT) {
		report(name, "the queue was full for all of the time; 'tqueue recv' makes room, 'tqueue set --size' gives it more");
		status = EXIT_TIMED_OUT;
	} else {
		status = report_error(name, error);
	}
	report_sent(sender);
	return status;
}

/* One wait for room; the deadline counts from its beginning. */
static uint64_t wait_until(const struct sender *sender)
{
	return deadline_after(sender->arguments->timeout);
}

static int flush(struct sender *sender)
{
	int sent;

	while (tqueue_batch_bytes(&sender->batch)) {
		if (ending_signal())
			return failed(sender, EINTR);
		sent = tqueue_send_batch(sender->fd, &sender->batch, wait_until(sender));
		if (sent < 0)
			return failed(sender, errno);
		sender->sent += (uint64_t)sent;
		progress_add((uint64_t)sent, 0);
	}
	return EXIT_OK;
}

/* A message that is too large for a batch goes alone. */
static int send_alone(struct sender *sender, const char *data, size_t length)
{
	int status = flush(sender);

	if (status)
		return status;
	if (length > sender->longest)
		return failed(sender, EMSGSIZE);
	if (tqueue_send(sender->fd, data, length, wait_until(sender)))
		return failed(sender, errno);
	sender->sent++;
	progress_add(1, 0);
	return EXIT_OK;
}

static int put(struct sender *sender, const char *data, size_t length)
{
	int status;

	if (!tqueue_batch_add(&sender->batch, data, length))
		return EXIT_OK;
	if (TQUEUE_RECORD_BYTES(length) > BATCH_BYTES)
		return send_alone(sender, data, length);
	status = flush(sender);
	if (!status && tqueue_batch_add(&sender->batch, data, length))
		status = failed(sender, errno);
	return status;
}

/* The same with a newline behind it, if that is wanted. */
static int put_ended(struct sender *sender, const char *data, size_t length)
{
	char *copy;
	int status;

	if (!sender->arguments->newline || (length && data[length - 1] == '\n'))
		return put(sender, data, length);
	copy = need_memory(malloc(length + 1));
	if (length)
		memcpy(copy, data, length);
	copy[length] = '\n';
	status = put(sender, copy, length + 1);
	free(copy);
	return status;
}

/**
 * struct input - what is read and was not yet cut into messages
 * @fd: where from
 * @data: memory
 * @size: bytes of it
 * @from: where the first byte is that is left
 * @to: where the last one ends
 */
struct input {
	int fd;
	char *data;
	size_t size;
	size_t from;
	size_t to;
};

/* Makes room for a read. */
static void make_room(struct input *input)
{
	if (input->from == input->to) {
		input->from = 0;
		input->to = 0;
	}
	if (input->size - input->to >= READ_BYTES)
		return;
	if (input->from) {
		memmove(input->data, input->data + input->from, input->to - input->from);
		input->to -= input->from;
		input->from = 0;
	}
	if (input->size - input->to >= READ_BYTES)
		return;
	input->size = input->size ? input->size * 2 : 2 * READ_BYTES;
	input->data = need_memory(realloc(input->data, input->size));
}

/* Would a read wait? */
static int has_more(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) > 0;
}

/*
 * Reads more.  Before it has to wait for that, what was gathered is sent.
 * 1, or 0 at the end, or -1 and the exit status in @status.
 */
static int read_more(struct sender *sender, struct input *input, int *status)
{
	struct pollfd poll_fd = { .fd = input->fd, .events = POLLIN };
	ssize_t length;

	make_room(input);
	if (tqueue_batch_bytes(&sender->batch) && !has_more(input->fd)) {
		*status = flush(sender);
		if (*status)
			return -1;
	}
	for (;;) {
		if (ending_signal()) {
			*status = failed(sender, EINTR);
			return -1;
		}
		length = read(input->fd, input->data + input->to, input->size - input->to);
		if (length >= 0)
			break;
		if (errno == EAGAIN)
			poll(&poll_fd, 1, -1);
		else if (errno != EINTR)
			break;
	}
	if (length < 0) {
		report(sender->file, "cannot read%s: %s",
		       sender->file ? "" : " the standard input", strerror(errno));
		*status = EXIT_ERROR;
		return -1;
	}
	input->to += (size_t)length;
	progress_add(0, (uint64_t)length);
	return length > 0;
}

/* Each part of the input up to @delimiter is a message. */
static int send_parts(struct sender *sender, struct input *input, char delimiter)
{
	int more = 1, status = EXIT_OK;
	/* A newline that belongs to the message is there already. */
	size_t kept = sender->arguments->newline && delimiter == '\n';
	const char *here, *end, *last;
	size_t seen = 0, left;

	while (more > 0) {
		more = read_more(sender, input, &status);
		if (more < 0)
			return status;
		here = input->data + input->from;
		last = input->data + input->to;
		while ((end = memchr(here + seen, delimiter, (size_t)(last - here) - seen))) {
			if (kept)
				status = put(sender, here, (size_t)(end - here) + kept);
			else
				status = put_ended(sender, here, (size_t)(end - here));
			if (status)
				return status;
			here = end + 1;
			seen = 0;
		}
		left = (size_t)(last - here);
		input->from = input->to - left;
		seen = left;
		/* No need to read on to its end to know this. */
		if (left > sender->longest)
			return send_alone(sender, here, left);
	}
	/* The last line may lack its newline. */
	if (seen)
		status = put_ended(sender, input->data + input->from, seen);
	return status ? status : flush(sender);
}

/* All of the input is one message. */
static int send_whole(struct sender *sender, struct input *input)
{
	int more = 1, status = EXIT_OK;

	while (more > 0) {
		if (input->to - input->from > sender->longest)
			return send_alone(sender, input->data + input->from,
					  input->to - input->from);
		more = read_more(sender, input, &status);
	}
	if (more < 0)
		return status;
	status = put_ended(sender, input->data + input->from, input->to - input->from);
	return status ? status : flush(sender);
}

static int send_input(struct sender *sender, int fd)
{
	struct input input = { .fd = fd };
	int status;

	sender->before = sender->sent;
	switch (sender->arguments->cut) {
	case CUT_LINES:
		status = send_parts(sender, &input, '\n');
		break;
	case CUT_NULL:
		status = send_parts(sender, &input, '\0');
		break;
	default:
		status = send_whole(sender, &input);
		break;
	}
	free(input.data);
	return status;
}

static int is_stdin(const char *file)
{
	return !strcmp(file, "-");
}

static int send_files(struct sender *sender)
{
	const struct arguments *arguments = sender->arguments;
	int fd, status = EXIT_OK, i;

	for (i = 0; i < arguments->file_count && !status; i++) {
		sender->file = is_stdin(arguments->files[i]) ? NULL : arguments->files[i];
		if (!sender->file) {
			status = send_input(sender, STDIN_FILENO);
			continue;
		}
		fd = open(sender->file, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			report(NULL, "%s: %s", sender->file, strerror(errno));
			return EXIT_ERROR;
		}
		status = send_input(sender, fd);
		close(fd);
	}
	return status;
}

static int send_messages(struct sender *sender)
{
	const struct arguments *arguments = sender->arguments;
	int status = EXIT_OK, i;

	for (i = 0; i < arguments->count && !status; i++)
		status = put_ended(sender, arguments->messages[i], strlen(arguments->messages[i]));
	return status ? status : flush(sender);
}

/* Bytes of all the input, 0 if that is not known. */
static uint64_t total_bytes(const struct arguments *arguments)
{
	uint64_t total = 0;
	struct stat st;
	int i;

	if (!arguments->file_count)
		return !fstat(STDIN_FILENO, &st) && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	for (i = 0; i < arguments->file_count; i++) {
		if (stat(arguments->files[i], &st) || !S_ISREG(st.st_mode))
			return 0;
		total += (uint64_t)st.st_size;
	}
	return total;
}

/* Is it typed?  Then no progress is to come in between by itself. */
static int is_typed(const struct arguments *arguments)
{
	int i;

	if (arguments->count || !isatty(STDIN_FILENO))
		return 0;
	for (i = 0; i < arguments->file_count; i++)
		if (is_stdin(arguments->files[i]))
			return 1;
	return !arguments->file_count;
}

static int wait_for_sent(const struct sender *sender)
{
	struct tqueue_info info;
	int result;

	result = tqueue_get(sender->fd, &info);
	/* After a signal it is still the same messages that are waited for. */
	if (!result) {
		do
			result = tqueue_wait(sender->fd, info.last_id, wait_until(sender));
		while (result && errno == EINTR && !ending_signal());
	}
	if (!result)
		return EXIT_OK;
	if (errno != ETIMEDOUT && errno != EAGAIN)
		return failed(sender, errno);
	report(sender->arguments->name, "everything was sent, but not all of it is done");
	return EXIT_TIMED_OUT;
}

int command_send(int argc, char **argv)
{
	static const char *const items[] = { "message", "line", "message" };
	struct arguments arguments = { .timeout = UNITS_FOREVER };
	struct sender sender = { .arguments = &arguments };
	struct tqueue_info info;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	sender.what = items[arguments.cut];
	sender.fd = tqueue_open(arguments.name, O_WRONLY);
	if (sender.fd < 0 || tqueue_get(sender.fd, &info)) {
		free(arguments.files);
		return report_error(arguments.name, errno);
	}
	sender.longest = info.max_message;
	sender.room = need_memory(malloc(BATCH_BYTES));
	tqueue_batch_init(&sender.batch, sender.room, BATCH_BYTES);

	ending_watch(0);
	progress_start(arguments.progress, is_typed(&arguments), "sent",
		       arguments.count ? 0 : total_bytes(&arguments));
	if (arguments.count)
		status = send_messages(&sender);
	else if (arguments.file_count)
		status = send_files(&sender);
	else
		status = send_input(&sender, STDIN_FILENO);
	if (!status && arguments.wait)
		status = wait_for_sent(&sender);
	progress_stop();
	free(sender.room);
	free(arguments.files);
	close(sender.fd);
	return status;
}
