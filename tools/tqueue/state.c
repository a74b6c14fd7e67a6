// SPDX-License-Identifier: GPL-2.0-only
/* tqueue start, stop, wait. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "queue.h"
#include "report.h"
#include "units.h"

struct arguments {
	char **names;
	uint64_t timeout;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		if (state->child_inputs)
			state->child_inputs[0] = &arguments->timeout;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->names = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which queue?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int for_each(const struct arguments *arguments, int (*act)(const char *name))
{
	int status = EXIT_OK;
	char **name;

	for (name = arguments->names; *name; name++)
		if (act(*name))
			status = report_error(*name, errno);
	return status;
}

static const struct argp start_argp = {
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Let stopped queues take messages again.",
};

int command_start(int argc, char **argv)
{
	struct arguments arguments = { 0 };

	argp_parse(&start_argp, argc, argv, 0, NULL, &arguments);
	return for_each(&arguments, start_queue);
}

static const struct argp stop_argp = {
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Let queues take no more messages.\v"
	       "Senders get an error. Readers receive what is there, and then find the end of the file. "
	       "'tqueue start' undoes it.",
};

int command_stop(int argc, char **argv)
{
	struct arguments arguments = { 0 };

	argp_parse(&stop_argp, argc, argv, 0, NULL, &arguments);
	return for_each(&arguments, stop_queue);
}

static const struct argp_child with_timeout[] = {
	{ &timeout_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp wait_argp = {
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Wait until all that is in queues now is done: received whole, or dropped.\v"
	       "What is sent later is not waited for.",
	.children = with_timeout,
};

/* Waits for one queue; the exit status. */
static int wait_for(const char *name, uint64_t deadline)
{
	struct tqueue_info info;
	int fd, result;

	fd = open_for_command(name);
	if (fd < 0)
		return report_error(name, errno);
	result = tqueue_get(fd, &info);
	/* After a signal it is still the same messages that are waited for. */
	if (!result) {
		do
			result = tqueue_wait(fd, info.last_id, deadline);
		while (result && errno == EINTR);
	}
	if (result && (errno == ETIMEDOUT || errno == EAGAIN)) {
		report(name, "not everything in it is done; 'tqueue show %s' tells what is left",
		       name);
		result = EXIT_TIMED_OUT;
	} else if (result) {
		result = report_error(name, errno);
	}
	close(fd);
	return result;
}

int command_wait(int argc, char **argv)
{
	struct arguments arguments = { .timeout = UNITS_FOREVER };
	uint64_t deadline;
	int status = EXIT_OK, one;
	char **name;

	argp_parse(&wait_argp, argc, argv, 0, NULL, &arguments);
	deadline = deadline_after(arguments.timeout);
	for (name = arguments.names; *name; name++) {
		one = wait_for(*name, deadline);
		if (one)
			status = one;
	}
	return status;
}
