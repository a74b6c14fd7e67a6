// SPDX-License-Identifier: GPL-2.0-only
/* tqueue start, stop, pause, resume. */
#include <argp.h>
#include <errno.h>

#include "command.h"
#include "options.h"
#include "queue.h"
#include "report.h"

struct arguments {
	char **names;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	return parse_queues(key, state, &arguments->names);
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
	       "Senders get an error. Readers receive what is left, and then end of file. "
	       "\"tqueue start\" undoes this.",
};

int command_stop(int argc, char **argv)
{
	struct arguments arguments = { 0 };

	argp_parse(&stop_argp, argc, argv, 0, NULL, &arguments);
	return for_each(&arguments, stop_queue);
}

static const struct argp pause_argp = {
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Let queues give out no messages.\v"
	       "Receivers wait as if the queues were empty, but do not get end of file. "
	       "Sending and work on leased messages go on. \"tqueue resume\" undoes this.",
};

int command_pause(int argc, char **argv)
{
	struct arguments arguments = { 0 };

	argp_parse(&pause_argp, argc, argv, 0, NULL, &arguments);
	return for_each(&arguments, pause_queue);
}

static const struct argp resume_argp = {
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Let paused queues give out messages again.",
};

int command_resume(int argc, char **argv)
{
	struct arguments arguments = { 0 };

	argp_parse(&resume_argp, argc, argv, 0, NULL, &arguments);
	return for_each(&arguments, resume_queue);
}
