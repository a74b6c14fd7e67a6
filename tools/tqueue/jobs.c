// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue jobs: lists the messages of a queue, whatever their state.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "format.h"
#include "listed.h"
#include "options.h"
#include "queue.h"
#include "report.h"
#include "units.h"

/* The most entries of one call. */
#define PAGE	256

struct arguments {
	const char *name;
	unsigned int states;	/* 0: all */
	int json;
	int no_header;
};

enum { KEY_STATE = 's', KEY_JSON = 0x200, KEY_NO_HEADER };

/* Parses "ready,leased".  Exits if a word is not a state. */
static unsigned int parse_states(char *list, const struct argp_state *state)
{
	unsigned int chosen = 0, one;
	char *word, *rest;

	for (word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		one = state_of_word(word);
		if (!one)
			argp_error(state, "'%s': expected a state: ready, leased, delayed, buried or in-flight",
				   word);
		chosen |= one;
	}
	if (!chosen)
		argp_error(state, "expected a state: ready, leased, delayed, buried or in-flight");
	return chosen;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_STATE:
		arguments->states |= parse_states(argument, state);
		return 0;
	case KEY_JSON:
		arguments->json = 1;
		return 0;
	case KEY_NO_HEADER:
		arguments->no_header = 1;
		return 0;
	case ARGP_KEY_ARG:
		parse_queue(argument, state, &arguments->name);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no queue given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "state", KEY_STATE, "STATE,...", 0,
	  "only messages in these states: ready, leased, delayed, buried, in-flight", 1 },
	{ "json", KEY_JSON, NULL, 0, "one line of JSON for each", 2 },
	{ "no-header", KEY_NO_HEADER, NULL, 0, "print no header", 2 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "QUEUE",
	.doc = "List the messages of a queue in the order of their ids. This does not change them.",
};

static void add_number(struct strbuf *text, const char *key, uint64_t number)
{
	strbuf_add(text, key);
	strbuf_add_number(text, number);
}

static void add_word(struct strbuf *text, const char *key, const char *word)
{
	strbuf_add(text, key);
	strbuf_add_quoted(text, word, strlen(word));
}

static void add_json(struct strbuf *text, const struct tqueue_listed *message,
		     const struct clocks *clocks)
{
	uint64_t left = message_left(message, clocks);
	char key[32];

	add_number(text, "{\"id\":", message->id);
	add_word(text, ",\"state\":", message_state_word(message));
	add_word(text, ",\"reason\":", message_reason_word(message));
	add_number(text, ",\"priority\":", message->priority);
	add_number(text, ",\"attempts\":", message->attempts);
	strbuf_add(text, message->code < 0 ? ",\"code\":-" : ",\"code\":");
	strbuf_add_number(text, message->code < 0 ? -(uint64_t)message->code :
						  (uint64_t)message->code);
	add_number(text, ",\"length\":", message->length);
	strbuf_add(text, ",\"time\":");
	strbuf_add_time(text, message->sent_ns);
	strbuf_add(text, ",\"since\":");
	strbuf_add_time(text, message->since_ns);
	if (left != UNITS_FOREVER) {
		strbuf_add(text, ",\"due\":");
		strbuf_add_time(text, clocks->boottime + (int64_t)left);
	}
	add_number(text, ",\"uid\":", message->uid);
	add_number(text, ",\"pid\":", message->pid);
	if (message->state == TQUEUE_LEASED) {
		add_number(text, ",\"holder\":", message->holder);
		add_number(text, ",\"delivery\":", message->delivery);
		add_number(text, ",\"lease\":\"", message->id);
		add_number(text, ":", message->delivery);
		strbuf_add(text, message->flags & TQUEUE_LISTED_BEGUN ? "\",\"begun\":true" :
								      "\",\"begun\":false");
	}
	if (message->flags & TQUEUE_FLAG_UNIQUE) {
		snprintf(key, sizeof(key), "%016llx", (unsigned long long)message->key);
		add_word(text, ",\"key\":", key);
	}
	if (message->flags & TQUEUE_FLAG_PARTIAL)
		strbuf_add(text, ",\"partial\":true");
	strbuf_add(text, "}\n");
}

static void print_row(const struct tqueue_listed *message, const struct clocks *clocks)
{
	uint64_t left = message_left(message, clocks);
	char since[24], due[24] = "-", holder[16] = "-";

	format_duration_short(message_age(message, clocks), since,
			      sizeof(since));
	if (left != UNITS_FOREVER)
		format_duration_short(left, due, sizeof(due));
	if (message->state == TQUEUE_LEASED)
		snprintf(holder, sizeof(holder), "%u", message->holder);
	printf("%8llu %-9s %6s %6s %3u %5u %9u %7s %-8s %5d\n",
	       (unsigned long long)message->id, message_state_word(message), since, due,
	       message->priority, message->attempts, message->length, holder,
	       message_reason_word(message), message->code);
}

static void print(const struct arguments *arguments, const struct tqueue_listed *messages,
		  int count)
{
	const struct clocks clocks = clocks_now();
	struct strbuf text = { 0 };
	int i;

	for (i = 0; i < count; i++) {
		if (arguments->json)
			add_json(&text, &messages[i], &clocks);
		else
			print_row(&messages[i], &clocks);
	}
	fwrite(text.data, 1, text.length, stdout);
	free(text.data);
}

int command_jobs(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct tqueue_listed page[PAGE];
	uint64_t after = 0;
	int fd, count;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	fd = open_to_look(arguments.name);
	if (fd < 0)
		return report_error(arguments.name, errno);
	if (!arguments.json && !arguments.no_header)
		printf("%8s %-9s %6s %6s %3s %5s %9s %7s %-8s %5s\n", "ID", "STATE", "SINCE",
		       "DUE", "PRI", "TRIES", "LENGTH", "HOLDER", "REASON", "CODE");
	while ((count = tqueue_list_messages(fd, page, sizeof(page[0]), PAGE, after,
					     arguments.states)) > 0) {
		print(&arguments, page, count);
		after = page[count - 1].id;
	}
	/* Print what is buffered before the error. */
	fflush(stdout);
	count = count < 0 ? report_error(arguments.name, errno) : EXIT_OK;
	close(fd);
	return count;
}
