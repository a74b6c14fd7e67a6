// SPDX-License-Identifier: GPL-2.0-only
/* tqueue doctor: says what is wrong, and the cure. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "doctor.h"
#include "format.h"
#include "queue.h"
#include "report.h"
#include "units.h"

/* The default of --age: five minutes. */
#define USUAL_AGE	300000000000ULL

struct arguments {
	char **names;
	uint64_t age;
	int json;
};

enum { KEY_JSON = 0x100, KEY_AGE };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_JSON:
		arguments->json = 1;
		return 0;
	case KEY_AGE:
		if (parse_duration(argument, &arguments->age))
			argp_error(state, "'%s': expected a time such as 30s, 5min or 1h",
				   argument);
		return 0;
	case ARGP_KEY_ARGS:
		arguments->names = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "age", KEY_AGE, "TIME", 0,
	  "messages that wait and leases that last for longer are a problem (default 5min)", 1 },
	{ "json", KEY_JSON, NULL, 0, "one JSON object", 1 },
	{ 0 }
};

static const struct argp doctor_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[QUEUE...]",
	.doc = "Say what is wrong with the driver and with all queues, or the named ones, and the cure. "
	       "It changes nothing.\v"
	       "The exit status is that of a Nagios plugin: 0 all is well, 1 there are warnings, "
	       "2 something is critical, 3 the state is unknown.",
};

static void print_json(const struct findings *findings, size_t queues)
{
	struct strbuf text = { 0 };
	const struct finding *finding;
	const char *word = severity_word(findings_worst(findings));
	size_t i;

	strbuf_add(&text, "{\"status\":");
	strbuf_add_quoted(&text, word, strlen(word));
	strbuf_add(&text, ",\"queues\":");
	strbuf_add_number(&text, queues);
	strbuf_add(&text, ",\"problems\":[");
	for (i = 0; i < findings->count; i++) {
		finding = &findings->list[i];
		strbuf_add(&text, i ? ",{\"severity\":" : "{\"severity\":");
		word = severity_word(finding->severity);
		strbuf_add_quoted(&text, word, strlen(word));
		if (finding->queue) {
			strbuf_add(&text, ",\"queue\":");
			strbuf_add_quoted(&text, finding->queue, strlen(finding->queue));
		}
		strbuf_add(&text, ",\"problem\":");
		strbuf_add_quoted(&text, finding->problem, strlen(finding->problem));
		strbuf_add(&text, ",\"text\":");
		strbuf_add_quoted(&text, finding->text, strlen(finding->text));
		if (finding->cure) {
			strbuf_add(&text, ",\"cure\":");
			strbuf_add_quoted(&text, finding->cure, strlen(finding->cure));
		}
		strbuf_add(&text, "}");
	}
	strbuf_add(&text, "]}\n");
	fwrite(text.data, 1, text.length, stdout);
	free(text.data);
}

/* The first line is what Nagios shows. */
static void print_text(const struct findings *findings, size_t queues)
{
	static const char *const summaries[] = {
		[SEVERITY_OK] = "OK", [SEVERITY_WARNING] = "WARNING",
		[SEVERITY_CRITICAL] = "CRITICAL", [SEVERITY_UNKNOWN] = "UNKNOWN",
	};
	const struct finding *finding;
	size_t i;

	printf("TQUEUE %s: ", summaries[findings_worst(findings)]);
	if (findings->count)
		printf("%zu problem%s, ", findings->count, findings->count == 1 ? "" : "s");
	printf("%zu queue%s checked\n", queues, queues == 1 ? "" : "s");
	for (i = 0; i < findings->count; i++) {
		finding = &findings->list[i];
		printf("%s%s%s: %s [%s]\n", finding->queue ? finding->queue : "",
		       finding->queue ? ": " : "", severity_word(finding->severity),
		       finding->text, finding->problem);
		if (finding->cure)
			printf("    %s\n", finding->cure);
	}
}

/* Checks queues.  Returns how many. */
static size_t look_at_queues(const struct arguments *arguments, struct findings *findings,
			     const struct processes *processes, struct tqueue_info *infos,
			     char **names)
{
	size_t count = 0;
	const char *name;
	char text[512];

	for (; *names; names++) {
		name = arguments->names ? name_of_queue(*names) : *names;
		if (name && !tqueue_get_by_name(name, &infos[count])) {
			/* The findings keep pointers to the name in infos[]. */
			doctor_queue(findings, &infos[count], processes, arguments->age,
				     !!arguments->names);
			count++;
		} else if (!name) {
			finding_add(findings, SEVERITY_UNKNOWN, "no-queue",
				    "%s is not the name of a queue", *names);
		} else if (arguments->names) {
			finding_add(findings, SEVERITY_CRITICAL, "no-queue", "%s",
				    tqueue_explain(name, errno, text, sizeof(text)));
		}
	}
	return count;
}

static size_t count_of(char **names)
{
	size_t count = 0;

	while (names[count])
		count++;
	return count;
}

int command_doctor(int argc, char **argv)
{
	struct arguments arguments = { .age = USUAL_AGE };
	struct findings findings = { 0 };
	struct tqueue_info *infos;
	struct processes processes;
	char **names, **all = NULL;
	size_t queues = 0;
	int status;

	argp_err_exit_status = SEVERITY_UNKNOWN;
	argp_parse(&doctor_argp, argc, argv, 0, NULL, &arguments);
	processes_scan(&processes);
	if (doctor_module(&findings)) {
		names = arguments.names;
		if (!names) {
			all = tqueue_list();
			names = all;
		}
		if (names) {
			infos = xnonnull(calloc(count_of(names) + 1, sizeof(*infos)));
			queues = look_at_queues(&arguments, &findings, &processes, infos, names);
		}
		doctor_memory(&findings, &processes);
		doctor_units(&findings);
	}
	if (arguments.json)
		print_json(&findings, queues);
	else
		print_text(&findings, queues);
	status = findings_worst(&findings);
	return status;
}
