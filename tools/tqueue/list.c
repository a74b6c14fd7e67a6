// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue list: reads sysfs, so that every user can run it.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "report.h"
#include "show.h"
#include "units.h"

struct arguments {
	char **names;
	int json;
	int no_header;
};

enum { KEY_JSON = 0x100, KEY_NO_HEADER };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	switch (key) {
	case KEY_JSON:
		arguments->json = 1;
		return 0;
	case KEY_NO_HEADER:
		arguments->no_header = 1;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->names = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The width of the column of names. */
static int width_of(char **names)
{
	size_t width = 14;

	for (; *names; names++)
		if (strlen(*names) > width)
			width = strlen(*names);
	return (int)width;
}

/* The most important word about the state of a queue. */
static const char *state_word(const struct tqueue_info *info)
{
	if (info->state & TQUEUE_STATE_STOPPED)
		return "stopped";
	if (info->state & TQUEUE_STATE_PAUSED)
		return "paused";
	return info->state & TQUEUE_STATE_HELD_UP ? "held-up" : "started";
}

static void print_row(const char *name, int width, const struct tqueue_info *info)
{
	char size[24];

	format_size(info->size, size, sizeof(size));
	printf("%-*s %-7s %8llu %6llu %7llu %6llu %10llu %6s %7u\n", width, name,
	       state_word(info), (unsigned long long)info->messages,
	       (unsigned long long)info->leased, (unsigned long long)info->delayed,
	       (unsigned long long)info->buried, (unsigned long long)info->bytes,
	       size, info->blocked_senders);
}

static const struct argp_option list_options[] = {
	{ "json", KEY_JSON, NULL, 0, "one line of JSON for each", 1 },
	{ "no-header", KEY_NO_HEADER, NULL, 0, "print no header", 1 },
	{ 0 }
};

static const struct argp list_argp = {
	.options = list_options,
	.parser = parse,
	.doc = "List all queues.",
};

int command_list(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct tqueue_info info;
	char **names, **name;
	int width;

	argp_parse(&list_argp, argc, argv, 0, NULL, &arguments);
	if (arguments.names) {
		report(NULL, "list takes no names (use \"tqueue show %s\")", arguments.names[0]);
		return EXIT_BAD_USAGE;
	}
	names = tqueue_list();
	if (!names)
		return report_error(NULL, errno);
	width = width_of(names);
	if (!arguments.json && !arguments.no_header)
		printf("%-*s %-7s %8s %6s %7s %6s %10s %6s %7s\n", width, "NAME", "STATE", "READY",
		       "LEASED", "DELAYED", "BURIED", "BYTES", "SIZE", "BLOCKED");
	for (name = names; *name; name++) {
		/* The queue was removed meanwhile. */
		if (tqueue_get_by_name(*name, &info))
			continue;
		if (arguments.json)
			show_json(*name, &info);
		else
			print_row(*name, width, &info);
	}
	free(names);
	return EXIT_OK;
}
