// SPDX-License-Identifier: GPL-2.0-only
/* tqueue kick. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "report.h"
#include "units.h"

struct arguments {
	const char *name;
	uint64_t id;		/* or 0 */
	uint64_t count;		/* 0: all */
	int delayed;
};

enum { KEY_ID = 0x200, KEY_DELAYED };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_ID:
		arguments->id = parse_id(argument, state);
		return 0;
	case KEY_DELAYED:
		arguments->delayed = 1;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "'%s': expected only one queue", argument);
		if (!state->arg_num)
			arguments->name = argument;
		else if (parse_number(argument, UINT32_MAX, &arguments->count) ||
			 !arguments->count)
			argp_error(state, "'%s': expected a number of messages", argument);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no queue given");
		return 0;
	case ARGP_KEY_END:
		if (arguments->id && (arguments->count || arguments->delayed))
			argp_error(state, "--id names one message, and excludes COUNT and --delayed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "id", KEY_ID, "ID", 0, "this message, whether it is buried or delayed", 1 },
	{ "delayed", KEY_DELAYED, NULL, 0, "delayed messages instead of buried ones", 1 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "QUEUE [COUNT]",
	.doc = "Make buried messages ready: all of them, or COUNT, the oldest first.\v"
	       "Their attempts start again at 0. Prints how many messages were made ready.",
};

/* Makes one message ready.  Returns the exit status. */
static int kick_one(const char *name, int fd, uint64_t id)
{
	if (tqueue_requeue(fd, id, 0, 0, 0, TQUEUE_SETTLE_UNLEASED) < 0)
		return errno == ENOENT || errno == EBUSY || errno == EEXIST ?
		       report_message(name, id, errno) : report_error(name, errno);
	return EXIT_OK;
}

static int kick(const struct arguments *arguments, int fd)
{
	unsigned int states = arguments->delayed ? TQUEUE_DELAYED : TQUEUE_BURIED;
	uint32_t left = 0;
	int count;

	count = tqueue_kick(fd, TQUEUE_FOREVER, (uint32_t)arguments->count, states, &left);
	if (count < 0)
		return report_error(arguments->name, errno);
	printf("%d\n", count);
	if (!left)
		return EXIT_OK;
	report(arguments->name, "%u stay%s buried because other messages have the same keys (\"tqueue jobs %s\" shows them)",
	       left, left == 1 ? "s" : "", arguments->name);
	return EXIT_KEY_TAKEN;
}

int command_kick(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int fd, status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	fd = tqueue_open(arguments.name, O_RDONLY);
	if (fd < 0)
		return report_error(arguments.name, errno);
	if (arguments.id)
		status = kick_one(arguments.name, fd, arguments.id);
	else
		status = kick(&arguments, fd);
	close(fd);
	return status;
}
