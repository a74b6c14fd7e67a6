// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue show: the settings and the state of queues.
 */
#include <argp.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "conf.h"
#include "format.h"
#include "holders.h"
#include "listed.h"
#include "node.h"
#include "options.h"
#include "processes.h"
#include "queue.h"
#include "report.h"
#include "show.h"
#include "units.h"

struct arguments {
	char **names;
	int json;
};

enum { KEY_JSON = 0x100 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	switch (key) {
	case KEY_JSON:
		arguments->json = 1;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->names = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The owners, the access and the files of a queue. */
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

static void add_text(struct strbuf *text, const char *key, const char *value)
{
	strbuf_add(text, key);
	strbuf_add_quoted(text, value, strlen(value));
}

static void add_number(struct strbuf *text, const char *key, uint64_t value)
{
	strbuf_add(text, key);
	strbuf_add_number(text, value);
}

/* The form that sysfs uses. */
static const char *uuid_text(const struct tqueue_info *info, char text[40])
{
	const unsigned char *byte = info->uuid;
	char *to = text;
	int i;

	for (i = 0; i < 16; i++)
		to += sprintf(to, "%s%02x", i >= 4 && i <= 10 && !(i & 1) ? "-" : "", byte[i]);
	return text;
}

/* All but the brace at the end. */
static void add_queue(struct strbuf *text, const char *name, const struct tqueue_info *info)
{
	char mode[16], uuid[40];
	struct node node;

	find_node(name, info, &node);
	add_text(text, "{\"name\":", name);
	add_text(text, ",\"path\":", node.path);
	add_text(text, ",\"state\":",
		 info->state & TQUEUE_STATE_STOPPED ? "stopped" : "started");
	strbuf_add(text, info->state & TQUEUE_STATE_PAUSED ? ",\"paused\":true" :
							    ",\"paused\":false");
	strbuf_add(text, info->state & TQUEUE_STATE_HELD_UP ? ",\"held_up\":true" :
							     ",\"held_up\":false");
	add_number(text, ",\"messages\":", info->messages);
	add_number(text, ",\"leased\":", info->leased);
	add_number(text, ",\"delayed\":", info->delayed);
	add_number(text, ",\"buried\":", info->buried);
	add_number(text, ",\"bytes\":", info->bytes);
	add_number(text, ",\"size\":", info->size);
	add_number(text, ",\"max_message\":", info->max_message);
	add_text(text, ",\"overflow\":", overflow_word(info->overflow));
	add_text(text, ",\"end_of_file\":", end_of_file_word(info->end_of_file));
	add_text(text, ",\"no_reader\":", no_reader_word(info->no_reader));
	add_number(text, ",\"ttl\":", info->ttl);
	add_text(text, ",\"on_expired\":", on_expired_word(info->on_expired));
	add_number(text, ",\"max_attempts\":", info->max_attempts);
	add_text(text, ",\"on_exhausted\":", on_exhausted_word(info->on_exhausted));
	add_number(text, ",\"lease_limit\":", info->lease_limit);
	add_number(text, ",\"max_leased\":", info->max_leased);
	add_number(text, ",\"max_buried\":", info->max_buried);
	add_text(text, ",\"unique\":", unique_word(info->unique));
	add_number(text, ",\"readers\":", info->readers);
	add_number(text, ",\"writers\":", info->writers);
	add_number(text, ",\"blocked_senders\":", info->blocked_senders);
	add_number(text, ",\"in_flight\":", info->in_flight);
	add_number(text, ",\"sent\":", info->sent);
	add_number(text, ",\"received\":", info->received);
	add_number(text, ",\"dropped\":", info->dropped);
	add_number(text, ",\"leased_bytes\":", info->leased_bytes);
	add_number(text, ",\"delayed_bytes\":", info->delayed_bytes);
	add_number(text, ",\"buried_bytes\":", info->buried_bytes);
	add_number(text, ",\"ever_leased\":", info->ever_leased);
	add_number(text, ",\"ever_acknowledged\":", info->ever_acknowledged);
	add_number(text, ",\"ever_requeued\":", info->ever_requeued);
	add_number(text, ",\"ever_expired\":", info->ever_expired);
	add_number(text, ",\"ever_buried\":", info->ever_buried);
	add_text(text, ",\"uuid\":", uuid_text(info, uuid));
	add_text(text, ",\"queue_owner\":", node.queue_owner);
	if (node.there) {
		snprintf(mode, sizeof(mode), "%04o", node.mode);
		add_text(text, ",\"owner\":", node.owner);
		add_text(text, ",\"group\":", node.group);
		add_text(text, ",\"mode\":", mode);
	}
	if (node.conf[0])
		add_text(text, ",\"conf\":", node.conf);
}

static void write_object(struct strbuf *text)
{
	strbuf_add(text, "}\n");
	fwrite(text->data, 1, text->length, stdout);
	free(text->data);
}

void show_json(const char *name, const struct tqueue_info *info)
{
	struct strbuf text = { 0 };

	add_queue(&text, name, info);
	write_object(&text);
}

static void add_holder(struct strbuf *text, const struct holder *holder)
{
	char user[64], waits[64];

	find_user(holder->process.uid, user, sizeof(user));
	add_number(text, "{\"pid\":", (uint64_t)holder->process.pid);
	if (holder->process.command[0]) {
		add_text(text, ",\"user\":", user);
		add_text(text, ",\"process_state\":", (char[]){ holder->process.state, '\0' });
		add_text(text, ",\"command\":", holder->process.command);
	}
	if (holder->use) {
		add_number(text, ",\"fd\":", (uint64_t)holder->use->fd);
		add_text(text, ",\"access\":", access_word(holder->use));
		add_number(text, ",\"partial\":", holder->use->partial);
		if (holder->use->waits)
			add_text(text, ",\"waits\":",
				 waits_words(holder->use->waits, waits, sizeof(waits)));
	}
	add_number(text, ",\"leases\":", holder->leases);
	if (holder->oldest.id) {
		add_number(text, ",\"oldest_lease\":", holder->oldest.id);
		strbuf_add(text, ",\"oldest_lease_since\":");
		strbuf_add_time(text, holder->oldest.since_ns);
	}
	strbuf_add(text, "}");
}

static void show_json_with(const char *name, const struct tqueue_info *info,
			   const struct holders *holders, const struct processes *processes)
{
	struct strbuf text = { 0 };
	size_t i;

	add_queue(&text, name, info);
	strbuf_add(&text, ",\"files\":[");
	for (i = 0; i < holders->count; i++) {
		if (i)
			strbuf_add(&text, ",");
		add_holder(&text, &holders->list[i]);
	}
	strbuf_add(&text, processes->hidden ? "],\"files_hidden\":true" :
					    "],\"files_hidden\":false");
	write_object(&text);
}

static void print_number(const char *what, uint64_t number)
{
	printf("  %-12s %llu\n", what, (unsigned long long)number);
}

/* The settings with the names of their options; sizes in bytes. */
static void print_settings(const struct tqueue_info *info)
{
	struct settings settings = settings_of(info);
	enum setting which;
	char text[64];

	print_number("size", info->size);
	print_number("max-message", info->max_message);
	print_number("max-buried", info->max_buried);
	for (which = 0; which < SETTING_OWNER; which++) {
		if (which == SETTING_SIZE || which == SETTING_MAX_MESSAGE ||
		    which == SETTING_MAX_BURIED)
			continue;
		setting_text(&settings, which, text, sizeof(text));
		printf("  %-12s %s\n", setting_option(which), text);
	}
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
		printf("  access       none by this path (make the device file again with \"tqueue apply %s\")\n",
		       name);
	printf("  state        %s%s%s\n",
	       info->state & TQUEUE_STATE_STOPPED ? "stopped" : "started",
	       info->state & TQUEUE_STATE_PAUSED ? ", paused" : "",
	       info->state & TQUEUE_STATE_HELD_UP ? ", held up by its leases" : "");
	print_number("messages", info->messages);
	print_number("leased", info->leased);
	print_number("delayed", info->delayed);
	print_number("buried", info->buried);
	print_number("in-flight", info->in_flight);
	print_number("bytes", info->bytes);
	print_settings(info);
	print_number("readers", info->readers);
	print_number("writers", info->writers);
	print_number("blocked", info->blocked_senders);
	print_number("sent", info->sent);
	print_number("received", info->received);
	print_number("requeued", info->ever_requeued);
	print_number("dropped", info->dropped);
	print_number("expired", info->ever_expired);
	printf("  persistent   %s\n", node.conf[0] ? node.conf : "no");
}

/* Prints the processes that have it open, with a line for each file. */
static void print_holders(const struct holders *holders, const struct processes *processes)
{
	const struct clocks clocks = clocks_now();
	const struct holder *holder;
	char user[64], waits[64], oldest[24];
	size_t i;

	if (holders->count)
		printf("  %7s %-8s %s %4s %-6s %-8s %6s %6s %7s %s\n", "PID", "USER", "S", "FD",
		       "ACCESS", "WAITS", "LEASES", "OLDEST", "PARTIAL", "COMMAND");
	for (i = 0; i < holders->count; i++) {
		holder = &holders->list[i];
		snprintf(user, sizeof(user), "-");
		if (holder->process.command[0])
			find_user(holder->process.uid, user, sizeof(user));
		snprintf(oldest, sizeof(oldest), "-");
		if (holder->oldest.id)
			format_duration_short(message_age(&holder->oldest, &clocks), oldest,
					      sizeof(oldest));
		printf("  %7d %-8s %c ", holder->process.pid, user,
		       holder->process.command[0] ? holder->process.state : '-');
		if (holder->use)
			printf("%4d %-6s %-8s %6llu %6s %7llu", holder->use->fd,
			       access_word(holder->use),
			       waits_words(holder->use->waits, waits, sizeof(waits)),
			       (unsigned long long)holder->leases, oldest,
			       (unsigned long long)holder->use->partial);
		else
			printf("%4s %-6s %-8s %6llu %6s %7s", "-", "-", "-",
			       (unsigned long long)holder->leases, oldest, "-");
		printf(" %s\n", holder->process.command[0] ? holder->process.command :
							     "(ended)");
	}
	if (processes->hidden)
		printf("  (processes of other users are not shown; root sees them)\n");
}

static void show_one(const char *name, const struct tqueue_info *info,
		     const struct processes *processes, int json)
{
	int fd = open_to_look(name);
	struct holders holders;

	holders_find(&holders, processes, info, fd);
	if (json) {
		show_json_with(name, info, &holders, processes);
	} else {
		print_all(name, info);
		print_holders(&holders, processes);
	}
	holders_free(&holders);
	if (fd >= 0)
		close(fd);
}

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "one line of JSON for each", 1 },
	{ 0 }
};

static const struct argp show_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Show the settings and the state of queues, and the processes that have them open.\v"
	       "Root sees the processes of all users, others their own.",
};

int command_show(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct processes processes;
	struct tqueue_info info;
	int status = EXIT_OK;
	const char *name;
	char **given;

	argp_parse(&show_argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.names) {
		report(NULL, "no queue given (\"tqueue list\" lists them)");
		return EXIT_BAD_USAGE;
	}
	/* Without /proc, only the queues are shown. */
	processes_scan(&processes);
	for (given = arguments.names; *given; given++) {
		name = name_of_queue(*given);
		if (!name)
			status = EXIT_ERROR;
		else if (tqueue_get_by_name(name, &info))
			status = report_error(name, errno);
		else
			show_one(name, &info, &processes, arguments.json);
	}
	processes_free(&processes);
	return status;
}
