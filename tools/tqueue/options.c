// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <time.h>
#include <tqueue.h>

#include "options.h"
#include "units.h"

/* Keys of options without a short form.  Those of settings follow. */
enum {
	KEY_LINES = 0x100, KEY_RAW, KEY_JSON, KEY_PROGRESS, KEY_NO_PROGRESS, KEY_FD,
	KEY_SETTING
};

static error_t parse_setting(int key, char *argument, struct argp_state *state)
{
	const char *wrong;

	if (key < KEY_SETTING || key >= KEY_SETTING + SETTINGS)
		return ARGP_ERR_UNKNOWN;
	wrong = setting_assign(state->input, (enum setting)(key - KEY_SETTING), argument);
	if (wrong)
		argp_error(state, "'%s': %s", argument, wrong);
	return 0;
}

static const struct argp_option setting_options[] = {
	{ "size", KEY_SETTING + SETTING_SIZE, "BYTES", 0,
	  "bytes of everything the queue holds; suffixes K, M, G", 1 },
	{ "max-message", KEY_SETTING + SETTING_MAX_MESSAGE, "BYTES", 0,
	  "most bytes of a message; 0 for the most the size allows", 1 },
	{ "overflow", KEY_SETTING + SETTING_OVERFLOW, "WHAT", 0,
	  "what to do if the queue is full: block, reject or drop-oldest", 1 },
	{ "end-of-file", KEY_SETTING + SETTING_END_OF_FILE, "WHEN", 0,
	  "when readers get end of file, apart from a stop: never or last-writer", 1 },
	{ "no-reader", KEY_SETTING + SETTING_NO_READER, "WHAT", 0,
	  "what sends do after the last reader has left: keep (messages) or error", 1 },
	{ "ttl", KEY_SETTING + SETTING_TTL, "TIME", 0,
	  "how long after sending a message expires: 10min, 1h; infinity", 1 },
	{ "on-expired", KEY_SETTING + SETTING_ON_EXPIRED, "WHAT", 0,
	  "what to do with an expired message: drop or bury", 1 },
	{ "max-attempts", KEY_SETTING + SETTING_MAX_ATTEMPTS, "N", 0,
	  "most attempts for a message (default 16); infinity", 1 },
	{ "on-exhausted", KEY_SETTING + SETTING_ON_EXHAUSTED, "WHAT", 0,
	  "what to do with a message after that: bury or drop", 1 },
	{ "lease-limit", KEY_SETTING + SETTING_LEASE_LIMIT, "TIME", 0,
	  "time limit of leases that set none", 1 },
	{ "max-leased", KEY_SETTING + SETTING_MAX_LEASED, "N", 0,
	  "most messages leased at one time", 1 },
	{ "max-buried", KEY_SETTING + SETTING_MAX_BURIED, "BYTES", 0,
	  "most bytes of buried messages; 0 for a quarter of the size", 1 },
	{ "unique", KEY_SETTING + SETTING_UNIQUE, "AMONG", 0,
	  "whose messages a key is unique among: user or queue", 1 },
	{ "owner", KEY_SETTING + SETTING_OWNER, "USER", 0,
	  "who owns the queue and its file", 1 },
	{ "group", KEY_SETTING + SETTING_GROUP, "GROUP", 0, "group of the file", 1 },
	{ "mode", KEY_SETTING + SETTING_MODE, "MODE", 0,
	  "mode of the file, such as 0660", 1 },
	{ 0 }
};

const struct argp settings_argp = {
	.options = setting_options,
	.parser = parse_setting,
};

const char *setting_option(enum setting which)
{
	const struct argp_option *option;

	for (option = setting_options; option->name; option++)
		if (option->key == KEY_SETTING + (int)which)
			return option->name;
	return "";
}

static error_t parse_format(int key, char *argument, struct argp_state *state)
{
	enum format *format = state->input;

	(void)argument;
	switch (key) {
	case KEY_LINES:
		*format = FORMAT_LINES;
		return 0;
	case '0':
		*format = FORMAT_NULL;
		return 0;
	case KEY_RAW:
		*format = FORMAT_RAW;
		return 0;
	case KEY_JSON:
		*format = FORMAT_JSON;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option format_options[] = {
	{ "lines", KEY_LINES, NULL, 0,
	  "a newline after each message that does not end with one (the default, but not into a queue)",
	  2 },
	{ "null", '0', NULL, 0, "a zero byte after each message", 2 },
	{ "raw", KEY_RAW, NULL, 0, "nothing after a message, just its bytes", 2 },
	{ "json", KEY_JSON, NULL, 0,
	  "one line of JSON for each message, with its properties", 2 },
	{ 0 }
};

const struct argp format_argp = {
	.options = format_options,
	.parser = parse_format,
};

static error_t parse_progress(int key, char *argument, struct argp_state *state)
{
	enum progress_wish *wish = state->input;

	(void)argument;
	switch (key) {
	case KEY_PROGRESS:
		*wish = PROGRESS_YES;
		return 0;
	case KEY_NO_PROGRESS:
		*wish = PROGRESS_NO;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option progress_options[] = {
	{ "progress", KEY_PROGRESS, NULL, 0,
	  "show progress on stderr, even if that is not a terminal", 3 },
	{ "no-progress", KEY_NO_PROGRESS, NULL, 0, "show no progress, even on a terminal", 3 },
	{ 0 }
};

const struct argp progress_argp = {
	.options = progress_options,
	.parser = parse_progress,
};

static error_t parse_timeout(int key, char *argument, struct argp_state *state)
{
	if (key != 't')
		return ARGP_ERR_UNKNOWN;
	if (parse_duration(argument, state->input))
		argp_error(state, "'%s': expected a time such as 5s, 200ms or 1min", argument);
	return 0;
}

static const struct argp_option timeout_options[] = {
	{ "timeout", 't', "TIME", 0,
	  "wait at most this long: 5s, 200ms, 1min; 0 does not wait", 0 },
	{ 0 }
};

const struct argp timeout_argp = {
	.options = timeout_options,
	.parser = parse_timeout,
};

static error_t parse_fd(int key, char *argument, struct argp_state *state)
{
	uint64_t number;

	if (key != KEY_FD)
		return ARGP_ERR_UNKNOWN;
	if (parse_number(argument, INT_MAX, &number))
		argp_error(state, "'%s': expected the number of an open file", argument);
	*(int *)state->input = (int)number;
	return 0;
}

static const struct argp_option fd_options[] = {
	{ "fd", KEY_FD, "N", 0,
	  "use the queue that the caller has open as file N, for example after \"exec 3< /dev/tq/QUEUE\"",
	  1 },
	{ 0 }
};

const struct argp fd_argp = {
	.options = fd_options,
	.parser = parse_fd,
};

uint64_t parse_delay(const char *text, const struct argp_state *state)
{
	uint64_t ns = 0;

	if (parse_duration(text, &ns) || ns >> 63)
		argp_error(state, "'%s': expected a time such as 10s, 5min or 1h 30min", text);
	return ns;
}

uint64_t parse_limit(const char *text, const struct argp_state *state)
{
	uint64_t ns = 0;

	if (parse_duration(text, &ns) || !ns || (ns >> 63 && ns != TQUEUE_FOREVER))
		argp_error(state, "'%s': expected a time such as 5s or 10min, or infinity", text);
	return ns;
}

uint32_t parse_priority(const char *text, const struct argp_state *state)
{
	uint64_t priority = 0;

	if (parse_number(text, TQUEUE_PRIORITY_MAX, &priority))
		argp_error(state, "'%s': expected a priority from 0 (usual) to %d (first)", text,
			   TQUEUE_PRIORITY_MAX);
	return (uint32_t)priority;
}

uint64_t parse_id(const char *text, const struct argp_state *state)
{
	uint64_t id = 0;

	if (parse_number(text, UINT64_MAX - 1, &id) || !id)
		argp_error(state, "'%s': expected the id of a message", text);
	return id;
}

error_t parse_queues(int key, struct argp_state *state, char ***names)
{
	switch (key) {
	case ARGP_KEY_ARGS:
		*names = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no queue given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void parse_queue(const char *argument, const struct argp_state *state, const char **name)
{
	if (*name)
		argp_error(state, "'%s': expected only one queue", argument);
	*name = argument;
}

uint64_t deadline_after(uint64_t timeout)
{
	struct timespec now;
	uint64_t ns;

	if (!timeout || timeout == UNITS_FOREVER)
		return timeout;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return timeout > TQUEUE_FOREVER - 1 - ns ? TQUEUE_FOREVER : ns + timeout;
}
