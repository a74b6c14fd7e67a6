// SPDX-License-Identifier: GPL-2.0-only
/* tqueue run: its options. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "program.h"
#include "report.h"
#include "run.h"
#include "units.h"

#define NS_A_SECOND	1000000000ULL

/* No machine runs more processes than that. */
#define MAX_JOBS	10000

enum {
	KEY_JOBS = 'j', KEY_REPLACE = 'I', KEY_ALL = 'a', KEY_COUNT = 'c', KEY_TIMEOUT = 't',
	KEY_QUIET = 'q',
	KEY_KILL_AFTER = 0x200, KEY_DRAIN_TIMEOUT, KEY_DEFER_DELAY, KEY_RETRY_DELAY,
	KEY_RETRY_DELAY_MAX, KEY_DONE_ON, KEY_RETRY_ON, KEY_BURY_ON, KEY_STOP_ON_FAILURE,
	KEY_RATE, KEY_TAG, KEY_GROUP, KEY_NO_INHERIT, KEY_DRY_RUN
};

struct arguments {
	struct run_options options;
	int dry_run;
};

static uint64_t parse_time(const char *text, const struct argp_state *state)
{
	uint64_t ns = 0;

	if (parse_duration(text, &ns))
		argp_error(state, "'%s': expected a time such as 10s, 5min or infinity", text);
	return ns;
}

/* Parses "10/s".  Returns the time from one start to the next. */
static uint64_t parse_rate(const char *text, const struct argp_state *state)
{
	const char *slash = strchrnul(text, '/');
	size_t length = (size_t)(slash - text);
	uint64_t count, period = NS_A_SECOND;
	char digits[24], unit[16];

	if (length < sizeof(digits) && strlen(slash) < sizeof(unit)) {
		memcpy(digits, text, length);
		digits[length] = '\0';
		/* A unit without a number stands for one: 10/min. */
		if (*slash)
			sprintf(unit, "1%s", slash + 1);
		if (!parse_number(digits, 1000000, &count) && count &&
		    (!*slash || (slash[1] && !parse_duration(unit, &period))) &&
		    period && period != UNITS_FOREVER)
			return period / count;
	}
	argp_error(state, "'%s': expected jobs and a time, such as 10/s, 100/min or 5/h", text);
	return 0;
}

static uint32_t parse_jobs(const char *text, const struct argp_state *state)
{
	uint64_t number = 0;
	long processors;

	if (parse_number(text, MAX_JOBS, &number))
		argp_error(state, "'%s': expected a number of jobs up to %d, or 0 for the number of processors",
			   text, MAX_JOBS);
	if (number)
		return (uint32_t)number;
	processors = sysconf(_SC_NPROCESSORS_ONLN);
	return processors > 0 ? (uint32_t)processors : 1;
}

static void choose(struct run_options *options, const char *list, enum verdict verdict,
		   const struct argp_state *state)
{
	const char *wrong = verdicts_choose(&options->verdicts, list, verdict);

	if (wrong)
		argp_error(state, "'%s': %s", list, wrong);
}

static void complain_of_no_command(const struct run_options *options,
				   const struct argp_state *state)
{
	static const char by_hand[] =
		"no command given (put it after two dashes: \"tqueue run %s -- COMMAND\")";
	static const char by_unit[] =
		"no command given (set it in a drop-in, as tqueue-run(1) shows: "
		"\"systemctl edit tqueue-run@%s\")";

	argp_error(state, getenv("NOTIFY_SOCKET") ? by_unit : by_hand, options->queues[0]);
}

static void check_options(const struct run_options *options, const struct argp_state *state)
{
	if (options->all && options->count)
		argp_error(state, "--all and --count exclude each other");
	if (!options->command || !options->command[0])
		complain_of_no_command(options, state);
	if (options->replace && strstr(options->command[0], options->replace))
		argp_error(state, "'%s': a message cannot choose the command, only its arguments",
			   options->command[0]);
}

/* Options with times and numbers, and the queues. */
static error_t parse_value(int key, char *argument, struct argp_state *state)
{
	struct run_options *options = &((struct arguments *)state->input)->options;

	switch (key) {
	case KEY_JOBS:
		options->jobs = parse_jobs(argument, state);
		return 0;
	case KEY_COUNT:
		if (parse_number(argument, UINT64_MAX - 1, &options->count) || !options->count)
			argp_error(state, "'%s': expected a number of jobs", argument);
		return 0;
	case KEY_TIMEOUT:
		options->timeout = parse_time(argument, state);
		if (!options->timeout)
			argp_error(state, "'%s': expected a time above 0", argument);
		options->timeout_given = 1;
		return 0;
	case KEY_KILL_AFTER:
		options->kill_after = parse_time(argument, state);
		return 0;
	case KEY_DRAIN_TIMEOUT:
		options->drain_timeout = parse_time(argument, state);
		return 0;
	case KEY_DEFER_DELAY:
		options->defer_delay = parse_delay(argument, state);
		return 0;
	case KEY_RETRY_DELAY:
		options->retry_delay = parse_delay(argument, state);
		return 0;
	case KEY_RETRY_DELAY_MAX:
		options->retry_delay_max = parse_delay(argument, state);
		return 0;
	case KEY_STOP_ON_FAILURE:
		if (!strcmp(argument, "infinity"))
			options->stop_on_failure = 0;
		else if (parse_number(argument, UINT64_MAX, &options->stop_on_failure))
			argp_error(state, "'%s': expected a number of failures, or infinity",
				   argument);
		return 0;
	case KEY_RATE:
		options->interval = parse_rate(argument, state);
		return 0;
	default:
		return parse_queues(key, state, &options->queues);
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct run_options *options = &arguments->options;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->progress;
		return 0;
	case KEY_REPLACE:
		if (!*argument)
			argp_error(state, "--replace: expected a text such as {}");
		options->replace = argument;
		return 0;
	case KEY_ALL:
		options->all = 1;
		return 0;
	case KEY_DONE_ON:
		choose(options, argument, VERDICT_DONE, state);
		return 0;
	case KEY_RETRY_ON:
		choose(options, argument, VERDICT_RETRY, state);
		return 0;
	case KEY_BURY_ON:
		choose(options, argument, VERDICT_BURY, state);
		return 0;
	case KEY_TAG:
		options->tag = 1;
		return 0;
	case KEY_GROUP:
		options->group = 1;
		return 0;
	case KEY_NO_INHERIT:
		options->no_inherit = 1;
		return 0;
	case KEY_DRY_RUN:
		arguments->dry_run = 1;
		return 0;
	case KEY_QUIET:
		options->quiet = 1;
		return 0;
	case ARGP_KEY_END:
		check_options(options, state);
		return 0;
	default:
		return parse_value(key, argument, state);
	}
}

static const struct argp_option run_options[] = {
	{ "jobs", KEY_JOBS, "N", 0,
	  "run up to N jobs at a time; 0 for the number of processors (1)", 1 },
	{ "replace", KEY_REPLACE, "TEXT", 0,
	  "replace this text, such as {}, in the arguments by the message; no shell sees it", 1 },
	{ "all", KEY_ALL, NULL, 0, "end when nothing is ready and no job runs", 1 },
	{ "count", KEY_COUNT, "N", 0, "end after this many jobs", 1 },
	{ "rate", KEY_RATE, "N/TIME", 0, "start no more jobs than this: 10/s, 100/min, 5/h", 1 },
	{ "dry-run", KEY_DRY_RUN, NULL, 0,
	  "run nothing, and print the command for each message that is ready", 1 },

	{ "timeout", KEY_TIMEOUT, "TIME", 0,
	  "a job that takes longer has failed, and its process group gets SIGTERM", 2 },
	{ "kill-after", KEY_KILL_AFTER, "TIME", 0,
	  "how long after SIGTERM the process group gets SIGKILL (10s)", 2 },
	{ "drain-timeout", KEY_DRAIN_TIMEOUT, "TIME", 0,
	  "how long jobs can go on after the first signal (infinity)", 2 },
	{ "no-inherit", KEY_NO_INHERIT, NULL, 0,
	  "jobs do not keep their leases if the worker is killed", 2 },

	{ "done-on", KEY_DONE_ON, "LIST", 0,
	  "exit statuses and signals after which a job is done (0): 0,3,10-20,SIGPIPE", 3 },
	{ "retry-on", KEY_RETRY_ON, "LIST", 0, "or tried again (all but 0 and 75)", 3 },
	{ "bury-on", KEY_BURY_ON, "LIST", 0, "or buried at once", 3 },
	{ "retry-delay", KEY_RETRY_DELAY, "TIME", 0,
	  "how long after its first failure a job is tried again (5s); it doubles each time", 3 },
	{ "retry-delay-max", KEY_RETRY_DELAY_MAX, "TIME", 0,
	  "the time after which it no longer doubles (1h)", 3 },
	{ "defer-delay", KEY_DEFER_DELAY, "TIME", 0,
	  "how long after exit status 75, which is no failure, a job is tried again (1min)", 3 },
	{ "stop-on-failure", KEY_STOP_ON_FAILURE, "N", 0,
	  "pause after this many failures in a row (20); 0 for never", 3 },

	{ "tag", KEY_TAG, NULL, 0, "begin each line of output with QUEUE:ID and a tab", 4 },
	{ "group", KEY_GROUP, NULL, 0, "write the output of a job when the job has ended", 4 },
	{ "quiet", KEY_QUIET, NULL, 0, "do not report what went well", 4 },
	{ 0 }
};

static const struct argp_child children[] = {
	{ &progress_argp, 0, NULL, 5 },
	{ 0 }
};

static const struct argp argp = {
	.options = run_options,
	.parser = parse,
	.args_doc = "QUEUE... -- COMMAND [ARGUMENT...]",
	.doc = "Run a command for each message. The command reads the message from its standard input.\v"
	       "Exit status 0 of the command acknowledges the message. Otherwise the job is tried again, with growing delays, and buried after the last attempt. "
	       "After the first SIGTERM or SIGINT the running jobs go on to their end, the second one stops them, and the third one kills them. "
	       "No message is lost if the worker or a job is killed.",
	.children = children,
};

/* Takes the command, which follows the first "--" and which argp must not parse. */
static int take_command(int argc, char **argv, struct run_options *options)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--")) {
			options->command = argv + i + 1;
			argv[i] = NULL;
			return i;
		}
	return argc;
}

int command_run(int argc, char **argv)
{
	struct arguments arguments = {
		.options = {
			.jobs = 1,
			.timeout = UNITS_FOREVER,
			.kill_after = 10 * NS_A_SECOND,
			.drain_timeout = UNITS_FOREVER,
			.defer_delay = 60 * NS_A_SECOND,
			.retry_delay = 5 * NS_A_SECOND,
			.retry_delay_max = 3600 * NS_A_SECOND,
			.stop_on_failure = 20,
		},
	};
	struct run_options *options = &arguments.options;
	struct run run = { .options = options };

	verdicts_init(&options->verdicts);
	argc = take_command(argc, argv, options);
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (arguments.dry_run)
		return run_dry(options);
	options->program = find_program(options->command[0]);
	if (!options->program) {
		report(NULL, "%s: %s; nothing was taken", options->command[0],
		       errno == ENOENT ? "there is no such command" : strerror(errno));
		return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_STARTED;
	}
	return run_jobs(&run);
}
