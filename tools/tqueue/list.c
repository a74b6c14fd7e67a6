// SPDX-License-Identifier: GPL-2.0-only
/* tqueue list, show: what sysfs tells everybody, so that anybody may ask. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "conf.h"
#include "node.h"
#include "options.h"
#include "queue.h"
#include "report.h"
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

static const char *state_word(const struct tqueue_info *info)
{
	return info->state & TQUEUE_STATE_STOPPED ? "stopped" : "started";
}

/*
 * Who it and its node belong to, what may be done with that, and where its file
 * is.
 */
struct node {
	char path[PATH_MAX];
	char queue_owner[64];
	char owner[64];
	char group[64];
	mode_t mode;
	int there;
	char conf[PATH_MAX];
};

static void find_user(uid_t uid, char *name, size_t room)
{
	const struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(name, room, "%s", user->pw_name);
	else
		snprintf(name, room, "%u", uid);
}

static void find_node(const char *name, const struct tqueue_info *info, struct node *node)
{
	const struct group *group;
	struct stat st;

	memset(node, 0, sizeof(*node));
	find_user(info->uid, node->queue_owner, sizeof(node->queue_owner));
	if (!conf_find(name, node->conf))
		node->conf[0] = '\0';
	if (tqueue_path(name, node->path, sizeof(node->path)) || node_check(name, info) ||
	    stat(node->path, &st))
		return;
	find_user(st.st_uid, node->owner, sizeof(node->owner));
	group = getgrgid(st.st_gid);
	snprintf(node->group, sizeof(node->group), "%u", st.st_gid);
	if (group)
		snprintf(node->group, sizeof(node->group), "%s", group->gr_name);
	node->mode = st.st_mode & 0777;
	node->there = 1;
}

static void add_text(struct text *text, const char *key, const char *value)
{
	text_add(text, key);
	text_add_quoted(text, value, strlen(value));
}

static void add_number(struct text *text, const char *key, uint64_t value)
{
	text_add(text, key);
	text_add_number(text, value);
}

/* As the driver writes it in /sys. */
static const char *uuid_text(const struct tqueue_info *info, char text[40])
{
	const unsigned char *byte = info->uuid;
	char *to = text;
	int i;

	for (i = 0; i < 16; i++)
		to += sprintf(to, "%s%02x", i >= 4 && i <= 10 && !(i & 1) ? "-" : "", byte[i]);
	return text;
}

static void print_json(const char *name, const struct tqueue_info *info)
{
	struct text text = { 0 };
	char mode[16], uuid[40];
	struct node node;

	find_node(name, info, &node);
	add_text(&text, "{\"name\":", name);
	add_text(&text, ",\"path\":", node.path);
	add_text(&text, ",\"state\":", state_word(info));
	add_number(&text, ",\"messages\":", info->messages);
	add_number(&text, ",\"bytes\":", info->bytes);
	add_number(&text, ",\"size\":", info->size);
	add_number(&text, ",\"max_message\":", info->max_message);
	add_text(&text, ",\"overflow\":", overflow_word(info->overflow));
	add_text(&text, ",\"end_of_file\":", end_of_file_word(info->end_of_file));
	add_text(&text, ",\"no_reader\":", no_reader_word(info->no_reader));
	add_number(&text, ",\"readers\":", info->readers);
	add_number(&text, ",\"writers\":", info->writers);
	add_number(&text, ",\"blocked_senders\":", info->blocked_senders);
	add_number(&text, ",\"in_flight\":", info->in_flight);
	add_number(&text, ",\"sent\":", info->sent);
	add_number(&text, ",\"received\":", info->received);
	add_number(&text, ",\"dropped\":", info->dropped);
	add_text(&text, ",\"uuid\":", uuid_text(info, uuid));
	add_text(&text, ",\"queue_owner\":", node.queue_owner);
	if (node.there) {
		snprintf(mode, sizeof(mode), "%04o", node.mode);
		add_text(&text, ",\"owner\":", node.owner);
		add_text(&text, ",\"group\":", node.group);
		add_text(&text, ",\"mode\":", mode);
	}
	if (node.conf[0])
		add_text(&text, ",\"conf\":", node.conf);
	text_add(&text, "}\n");
	fwrite(text.data, 1, text.length, stdout);
	free(text.data);
}

/* How wide the column of names is. */
static int width_of(char **names)
{
	size_t width = 19;

	for (; *names; names++)
		if (strlen(*names) > width)
			width = strlen(*names);
	return (int)width;
}

static void print_row(const char *name, int width, const struct tqueue_info *info)
{
	char size[24];

	format_size(info->size, size, sizeof(size));
	printf("%-*s %-7s %9llu %10llu %6s %7u %7u %7u\n", width, name, state_word(info),
	       (unsigned long long)info->messages, (unsigned long long)info->bytes,
	       size, info->readers, info->writers, info->blocked_senders);
}

static void print_all(const char *name, const struct tqueue_info *info)
{
	struct node node;
	char uuid[40];

	find_node(name, info, &node);
	printf("%s\n", name);
	printf("  path         %s\n", node.path);
	printf("  uuid         %s\n", uuid_text(info, uuid));
	printf("  owner        %s\n", node.queue_owner);
	if (node.there)
		printf("  access       %s:%s %04o\n", node.owner, node.group, node.mode);
	else
		printf("  access       none by this path; 'tqueue apply %s' makes its device file again\n",
		       name);
	printf("  state        %s\n", state_word(info));
	printf("  messages     %llu\n", (unsigned long long)info->messages);
	printf("  bytes        %llu\n", (unsigned long long)info->bytes);
	printf("  size         %llu\n", (unsigned long long)info->size);
	printf("  max-message  %llu\n", (unsigned long long)info->max_message);
	printf("  overflow     %s\n", overflow_word(info->overflow));
	printf("  end-of-file  %s\n", end_of_file_word(info->end_of_file));
	printf("  no-reader    %s\n", no_reader_word(info->no_reader));
	printf("  readers      %u\n", info->readers);
	printf("  writers      %u\n", info->writers);
	printf("  blocked      %u\n", info->blocked_senders);
	printf("  in-flight    %u\n", info->in_flight);
	printf("  sent         %llu\n", (unsigned long long)info->sent);
	printf("  received     %llu\n", (unsigned long long)info->received);
	printf("  dropped      %llu\n", (unsigned long long)info->dropped);
	printf("  persistent   %s\n", node.conf[0] ? node.conf : "no");
}

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "a JSON object a line", 1 },
	{ 0 }
};

static const struct argp_option list_options[] = {
	{ "json", KEY_JSON, NULL, 0, "a JSON object a line", 1 },
	{ "no-header", KEY_NO_HEADER, NULL, 0, "leave out the names of the columns", 1 },
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
		report(NULL, "list takes no names; 'tqueue show %s' does", arguments.names[0]);
		return EXIT_BAD_USAGE;
	}
	names = tqueue_list();
	if (!names)
		return report_error(NULL, errno);
	width = width_of(names);
	if (!arguments.json && !arguments.no_header)
		printf("%-*s %-7s %9s %10s %6s %7s %7s %7s\n", width, "NAME", "STATE", "MESSAGES",
		       "BYTES", "SIZE", "READERS", "WRITERS", "BLOCKED");
	for (name = names; *name; name++) {
		/* One that was removed meanwhile is not there. */
		if (tqueue_get_by_name(*name, &info))
			continue;
		if (arguments.json)
			print_json(*name, &info);
		else
			print_row(*name, width, &info);
	}
	free(names);
	return EXIT_OK;
}

static const struct argp show_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Show all there is to know of queues.",
};

int command_show(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct tqueue_info info;
	int status = EXIT_OK;
	const char *name;
	char **given;

	argp_parse(&show_argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.names) {
		report(NULL, "which queue? 'tqueue list' lists them");
		return EXIT_BAD_USAGE;
	}
	for (given = arguments.names; *given; given++) {
		name = name_of_queue(*given);
		if (!name)
			status = EXIT_ERROR;
		else if (tqueue_get_by_name(name, &info))
			status = report_error(name, errno);
		else if (arguments.json)
			print_json(name, &info);
		else
			print_all(name, &info);
	}
	return status;
}
