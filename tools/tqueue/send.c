// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue send.
 *
 * Messages are collected in a batch, which is sent when the input pauses.  So no line
 * waits for the next one.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "signals.h"
#include "fields.h"
#include "input.h"
#include "options.h"
#include "report.h"
#include "sender.h"
#include "units.h"
#include "wait.h"

/* The most bytes of fields in a line, beside its message. */
#define MOST_FIELD_BYTES	4096

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
	struct tqueue_send_options options;
	struct fields fields;
};

enum {
	KEY_LINES = 'l', KEY_NULL = '0', KEY_FILE = 'f', KEY_NEWLINE = 'n', KEY_WAIT = 'w',
	KEY_PRIORITY = 'p', KEY_DELAY = 'd', KEY_UNIQUE = 'u', KEY_UNSETTLED = 0x200, KEY_FIELDS
};

static void check_options(const struct arguments *arguments, struct argp_state *state)
{
	int unique = arguments->options.flags & TQUEUE_SEND_UNIQUE;
	int i, has_keys = unique;

	for (i = 0; i < arguments->fields.count; i++)
		has_keys |= arguments->fields.field[i] == FIELD_KEY;
	if (arguments->fields.count && arguments->cut == CUT_WHOLE)
		argp_error(state, "--fields needs --lines or --null");
	if (unique && (arguments->cut != CUT_WHOLE || arguments->count > 1 ||
		       arguments->file_count > 1))
		argp_error(state, "--unique is for one message (--lines --fields=key takes a key from each line)");
	if (arguments->options.flags & TQUEUE_SEND_UNSETTLED && !has_keys)
		argp_error(state, "--unsettled needs a key: --unique or --fields=key");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	const char *wrong;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->timeout;
		state->child_inputs[1] = &arguments->progress;
		arguments->files = xnonnull(calloc((size_t)state->argc + 1, sizeof(char *)));
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
	case KEY_PRIORITY:
		arguments->options.priority = parse_priority(argument, state);
		return 0;
	case KEY_DELAY:
		arguments->options.delay = parse_delay(argument, state);
		return 0;
	case KEY_UNIQUE:
		arguments->options.flags |= TQUEUE_SEND_UNIQUE;
		arguments->options.key = tqueue_key(argument, strlen(argument));
		return 0;
	case KEY_UNSETTLED:
		arguments->options.flags |= TQUEUE_SEND_UNSETTLED;
		return 0;
	case KEY_FIELDS:
		wrong = fields_choose(&arguments->fields, argument);
		if (wrong)
			argp_error(state, "'%s': %s", argument, wrong);
		return 0;
	case ARGP_KEY_ARGS:
		arguments->name = state->argv[state->next];
		arguments->messages = state->argv + state->next + 1;
		arguments->count = state->argc - state->next - 1;
		if (arguments->count && arguments->file_count)
			argp_error(state, "messages come from arguments or from files, not from both");
		if (arguments->count && arguments->cut != CUT_WHOLE)
			argp_error(state, "'%s': with --lines and --null, messages come from standard input or --file",
				   arguments->messages[0]);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no queue given");
		return 0;
	case ARGP_KEY_END:
		check_options(arguments, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "lines", KEY_LINES, NULL, 0,
	  "each line of the input is a message, without the newline", 1 },
	{ "null", KEY_NULL, NULL, 0, "each message in the input ends with a zero byte", 1 },
	{ "file", KEY_FILE, "FILE", 0,
	  "read this file, or standard input for '-'; can be repeated", 1 },
	{ "newline", KEY_NEWLINE, NULL, 0,
	  "end each message with a newline, for readers that read lines", 1 },
	{ "priority", KEY_PRIORITY, "N", 0, "0 (usual) to 63 (received first)", 2 },
	{ "delay", KEY_DELAY, "TIME", 0, "can be received after this time: 10s, 5min", 2 },
	{ "unique", KEY_UNIQUE, "KEY", 0,
	  "only if no message with this key is waiting in the queue", 2 },
	{ "unsettled", KEY_UNSETTLED, NULL, 0,
	  "the key stays taken while the message is leased, too", 2 },
	{ "fields", KEY_FIELDS, "FIELD,...", 0,
	  "each line begins with these fields (priority, delay, key), each followed by a tab",
	  2 },
	{ "wait", KEY_WAIT, NULL, 0,
	  "wait until the messages are settled: received whole, acknowledged, dropped or buried",
	  3 },
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
	.doc = "Send each MESSAGE, or else standard input: as one message, or cut by --lines or --null.\v"
	       "Waits while the queue is full; --timeout limits each wait. "
	       "A line is sent at once if no other follows it immediately.",
	.children = children,
};

/* The options of messages without fields, or NULL. */
static const struct tqueue_send_options *usual(const struct arguments *arguments)
{
	const struct tqueue_send_options *all = &arguments->options;

	return all->flags || all->priority || all->delay ? all : NULL;
}

/* Adds a message, with a newline if that is wanted. */
static int put(struct sender *sender, const struct arguments *arguments, const char *data,
	       size_t length, const struct tqueue_send_options *with)
{
	char *copy;
	int status;

	if (!arguments->newline || (length && data[length - 1] == '\n'))
		return sender_put(sender, data, length, with);
	copy = xnonnull(malloc(length + 1));
	if (length)
		memcpy(copy, data, length);
	copy[length] = '\n';
	status = sender_put(sender, copy, length + 1, with);
	free(copy);
	return status;
}

/* Adds an item that begins with fields. */
static int put_fields(struct sender *sender, const struct arguments *arguments,
		      const char *item, size_t length)
{
	struct tqueue_send_options with = arguments->options;
	char wrong[160];
	ssize_t taken;

	with.flags = 0;
	taken = fields_take(&arguments->fields, item, length, &with, wrong, sizeof(wrong));
	if (taken < 0)
		return sender_refuse(sender, wrong);
	if (with.flags & TQUEUE_SEND_UNIQUE)
		with.flags |= arguments->options.flags & TQUEUE_SEND_UNSETTLED;
	return put(sender, arguments, item + taken, length - (size_t)taken, &with);
}

/* Adds an item of the input. */
static int put_item(struct sender *sender, const struct arguments *arguments,
		    const char *item, size_t length)
{
	if (arguments->fields.count)
		return put_fields(sender, arguments, item, length);
	return put(sender, arguments, item, length, usual(arguments));
}

/*
 * Reads more.  Sends the batch before it waits.  Returns 1; 0 at the end; or -1 and the
 * exit status in @status.
 */
static int read_more(struct sender *sender, struct input *input, int *status)
{
	ssize_t length;

	if (tqueue_batch_bytes(&sender->batch) && input_would_wait(input)) {
		*status = sender_flush(sender);
		if (*status)
			return -1;
	}
	length = input_read(input);
	if (length < 0 && errno == EINTR) {
		*status = sender_fail(sender, EINTR);
	} else if (length < 0) {
		report(sender->file, "cannot read%s: %s",
		       sender->file ? "" : " standard input", strerror(errno));
		*status = EXIT_ERROR;
	} else {
		progress_add(0, (uint64_t)length);
	}
	return length < 0 ? -1 : length > 0;
}

/* Sends each part of the input up to @delimiter as one message. */
static int send_parts(struct sender *sender, const struct arguments *arguments,
		      struct input *input, char delimiter)
{
	int more = 1, status = EXIT_OK;
	/* The newline of the message is there already. */
	size_t kept = arguments->newline && delimiter == '\n';
	const char *here, *end, *last;
	size_t seen = 0, left;

	while (more > 0) {
		more = read_more(sender, input, &status);
		if (more < 0)
			return status;
		here = input->data + input->from;
		last = input->data + input->to;
		while ((end = memchr(here + seen, delimiter, (size_t)(last - here) - seen))) {
			status = put_item(sender, arguments, here, (size_t)(end - here) + kept);
			if (status)
				return status;
			here = end + 1;
			seen = 0;
		}
		left = (size_t)(last - here);
		input->from = input->to - left;
		seen = left;
		/* It is too long, whatever follows. */
		if (left > sender->longest + (arguments->fields.count ? MOST_FIELD_BYTES : 0))
			return sender_put_alone(sender, here, left, NULL);
	}
	/* The last line need not end with a newline. */
	if (seen)
		status = put_item(sender, arguments, input->data + input->from, seen);
	return status ? status : sender_flush(sender);
}

/* Sends all of the input as one message. */
static int send_whole(struct sender *sender, const struct arguments *arguments,
		      struct input *input)
{
	int more = 1, status = EXIT_OK;

	while (more > 0) {
		if (input->to - input->from > sender->longest)
			return sender_put_alone(sender, input->data + input->from,
						input->to - input->from, NULL);
		more = read_more(sender, input, &status);
	}
	if (more < 0)
		return status;
	status = put(sender, arguments, input->data + input->from, input->to - input->from,
		     usual(arguments));
	return status ? status : sender_flush(sender);
}

static int send_input(struct sender *sender, const struct arguments *arguments, int fd)
{
	struct input input = { .fd = fd };
	int status;

	switch (arguments->cut) {
	case CUT_LINES:
		status = send_parts(sender, arguments, &input, '\n');
		break;
	case CUT_NULL:
		status = send_parts(sender, arguments, &input, '\0');
		break;
	default:
		status = send_whole(sender, arguments, &input);
		break;
	}
	free(input.data);
	return status;
}

static int is_stdin(const char *file)
{
	return !strcmp(file, "-");
}

static int send_files(struct sender *sender, const struct arguments *arguments)
{
	int fd, status = EXIT_OK, i;

	for (i = 0; i < arguments->file_count && !status; i++) {
		sender_begin(sender, is_stdin(arguments->files[i]) ? NULL : arguments->files[i]);
		if (!sender->file) {
			status = send_input(sender, arguments, STDIN_FILENO);
			continue;
		}
		fd = open(sender->file, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			report(NULL, "%s: %s", sender->file, strerror(errno));
			return EXIT_ERROR;
		}
		status = send_input(sender, arguments, fd);
		close(fd);
	}
	return status;
}

static int send_messages(struct sender *sender, const struct arguments *arguments)
{
	int status = EXIT_OK, i;

	for (i = 0; i < arguments->count && !status; i++)
		status = put(sender, arguments, arguments->messages[i],
			     strlen(arguments->messages[i]), usual(arguments));
	return status ? status : sender_flush(sender);
}

/* Sends everything.  Returns the exit status. */
static int send_all(struct sender *sender, const struct arguments *arguments)
{
	if (arguments->count)
		return send_messages(sender, arguments);
	if (arguments->file_count)
		return send_files(sender, arguments);
	return send_input(sender, arguments, STDIN_FILENO);
}

/* The bytes of all input, or 0 if that is not known. */
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

/* Whether the input is typed.  Progress must not be mixed with it. */
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

static int wait_for_sent(const struct sender *sender, const struct tqueue_info *before)
{
	struct tqueue_info info;
	int status;

	if (tqueue_get(sender->fd, &info))
		return sender_fail(sender, errno);
	status = wait_for_settled(sender->name, sender->fd, info.last_id, before,
				  deadline_after(sender->timeout));
	return status < 0 ? sender_fail(sender, EINTR) : status;
}

int command_send(int argc, char **argv)
{
	static const char *const items[] = { "message", "line", "message" };
	struct arguments arguments = {
		.timeout = UNITS_FOREVER, .options = TQUEUE_SEND_OPTIONS_INIT,
	};
	struct sender sender = { .fd = -1 };
	struct tqueue_info info;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	sender.what = items[arguments.cut];
	sender.several = arguments.cut != CUT_WHOLE || arguments.count > 1;
	sender.is_whole = arguments.cut == CUT_WHOLE && !arguments.count;
	status = sender_open(&sender, arguments.name, arguments.timeout, &info);
	if (!status) {
		signals_watch(0);
		progress_start(arguments.progress, is_typed(&arguments), "sent",
			       arguments.count ? 0 : total_bytes(&arguments));
		status = send_all(&sender, &arguments);
		if (!status && arguments.wait)
			status = wait_for_sent(&sender, &info);
		if (!status && sender.skipped)
			status = EXIT_KEY_TAKEN;
		progress_stop();
	}
	sender_close(&sender);
	free(arguments.files);
	return status;
}
