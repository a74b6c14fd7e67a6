// SPDX-License-Identifier: GPL-2.0-only
/* tqueue stats: what queues count, for people and for monitoring systems. */
#include <argp.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribute.h"
#include "command.h"
#include "histogram.h"
#include "queue.h"
#include "report.h"

enum style { STYLE_TABLE, STYLE_JSON, STYLE_PROMETHEUS };

struct arguments {
	char **names;
	enum style style;
	int no_header;
	int histograms;
};

enum { KEY_JSON = 0x100, KEY_PROMETHEUS, KEY_NO_HEADER, KEY_HISTOGRAMS };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	switch (key) {
	case KEY_JSON:
	case KEY_PROMETHEUS:
		if (arguments->style != STYLE_TABLE)
			argp_error(state, "--json and --prometheus exclude each other");
		arguments->style = key == KEY_JSON ? STYLE_JSON : STYLE_PROMETHEUS;
		return 0;
	case KEY_HISTOGRAMS:
		arguments->histograms = 1;
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

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "one line of JSON for each", 1 },
	{ "prometheus", KEY_PROMETHEUS, NULL, 0,
	  "the text format of Prometheus, as node_exporter's textfile collector takes it", 1 },
	{ "histograms", KEY_HISTOGRAMS, NULL, 0,
	  "how long messages waited and leases lasted, for queues that count this", 1 },
	{ "no-header", KEY_NO_HEADER, NULL, 0, "print no header", 1 },
	{ 0 }
};

static const struct argp stats_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[QUEUE...]",
	.doc = "Show what all queues, or the named ones, have counted since they were created.",
};

/**
 * struct queue - one queue
 * @name: its name
 * @info: what the driver reports about it
 * @ready_bytes: bytes that ready messages take up
 * @stopped: whether it is stopped
 * @paused: whether it is paused
 * @held_up: whether it is held up by its leases
 * @oldest: how long ago the oldest ready message was sent, nanoseconds
 * @sleeping_readers: calls that sleep until there is something to receive
 */
struct queue {
	const char *name;
	struct tqueue_info info;
	uint64_t ready_bytes;
	uint32_t stopped;
	uint32_t paused;
	uint32_t held_up;
	uint64_t oldest;
	uint64_t sleeping_readers;
};

static void fill_in(struct queue *queue)
{
	const struct tqueue_info *info = &queue->info;
	uint64_t others = info->leased_bytes + info->delayed_bytes + info->buried_bytes;

	/* The numbers were not read at the same moment. */
	queue->ready_bytes = info->bytes > others ? info->bytes - others : 0;
	queue->stopped = !!(info->state & TQUEUE_STATE_STOPPED);
	queue->paused = !!(info->state & TQUEUE_STATE_PAUSED);
	queue->held_up = !!(info->state & TQUEUE_STATE_HELD_UP);
	attribute_number(queue->name, "oldest", &queue->oldest);
	attribute_number(queue->name, "sleeping_readers", &queue->sleeping_readers);
}

/* The place of a number in a struct queue. */
struct place {
	size_t offset;
	size_t size;
};

#define U32(field)	{ offsetof(struct queue, field), sizeof(uint32_t) }
#define U64(field)	{ offsetof(struct queue, field), sizeof(uint64_t) }

static uint64_t number_at(const struct queue *queue, const struct place *place)
{
	const char *at = (const char *)queue + place->offset;
	uint64_t large;
	uint32_t small;

	if (place->size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&large, at, sizeof(large));
	return large;
}

/**
 * struct metric - a number of each queue
 * @name: in JSON
 * @family: in Prometheus; those of one family follow one another
 * @label: what distinguishes it from the others of its family, or NULL
 * @help: the description, in the first one of a family
 * @place: where the number is
 */
static const struct metric {
	const char *name;
	const char *family;
	const char *label;
	const char *help;
	struct place place;
} metrics[] = {
	{ "messages", "messages", "state=\"ready\"",
	  "Messages in the queue, by state.", U64(info.messages) },
	{ "leased", "messages", "state=\"leased\"", NULL, U64(info.leased) },
	{ "delayed", "messages", "state=\"delayed\"", NULL, U64(info.delayed) },
	{ "buried", "messages", "state=\"buried\"", NULL, U64(info.buried) },
	{ "in_flight", "messages", "state=\"in_flight\"", NULL, U32(info.in_flight) },
	{ "ready_bytes", "bytes", "state=\"ready\"",
	  "Bytes that messages take up in the queue, by state.", U64(ready_bytes) },
	{ "leased_bytes", "bytes", "state=\"leased\"", NULL, U64(info.leased_bytes) },
	{ "delayed_bytes", "bytes", "state=\"delayed\"", NULL, U64(info.delayed_bytes) },
	{ "buried_bytes", "bytes", "state=\"buried\"", NULL, U64(info.buried_bytes) },
	{ "oldest", "oldest_seconds", NULL,
	  "How long ago the oldest ready message was sent; 0 if there is none.", U64(oldest) },
	{ "size", "size_bytes", NULL, "Bytes that the queue may hold.", U64(info.size) },
	{ "readers", "readers", NULL, "Open files that receive.", U32(info.readers) },
	{ "writers", "writers", NULL, "Files that are open for writing.", U32(info.writers) },
	{ "sleeping_readers", "sleeping_readers", NULL,
	  "Calls that sleep until there is something to receive.", U64(sleeping_readers) },
	{ "blocked_senders", "blocked_senders", NULL, "Senders that wait for room.",
	  U32(info.blocked_senders) },
	{ "stopped", "stopped", NULL, "Whether the queue is stopped.", U32(stopped) },
	{ "paused", "paused", NULL, "Whether the queue is paused.", U32(paused) },
	{ "held_up", "held_up", NULL,
	  "Whether senders wait for room that only holders of leases can make.", U32(held_up) },
	{ "sent", "sent_total", NULL, "Messages that were sent.", U64(info.sent) },
	{ "received", "received_total", NULL,
	  "Messages that were received or acknowledged.", U64(info.received) },
	{ "dropped", "dropped_total", NULL, "Messages that were dropped.", U64(info.dropped) },
	{ "ever_leased", "leases_total", NULL, "Deliveries that were leased.",
	  U64(info.ever_leased) },
	{ "ever_acknowledged", "acknowledged_total", NULL,
	  "Deliveries that were acknowledged.", U64(info.ever_acknowledged) },
	{ "ever_requeued", "requeued_total", NULL,
	  "Deliveries after which the message came back.", U64(info.ever_requeued) },
	{ "ever_expired", "expired_total", NULL, "Messages that expired.",
	  U64(info.ever_expired) },
	{ "ever_buried", "buried_total", NULL, "Messages that were buried.",
	  U64(info.ever_buried) },
	{ 0 }
};

/* The histograms. */
static const struct {
	const char *name;
	const char *family;
	const char *help;
	const char *title;
} times[] = {
	{ "wait", "wait_seconds", "How long messages were ready until they were received.",
	  "messages that were received, by how long they had been ready" },
	{ "lease", "lease_seconds", "How long leases lasted.",
	  "leases that ended, by how long they lasted" },
	{ 0 }
};

static void print_json_histogram(const char *name, const struct histogram *histogram)
{
	int i;

	printf(",\"%s_histogram\":[", name);
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		printf("%s%llu", i ? "," : "", (unsigned long long)histogram->buckets[i]);
	printf("],\"%s_ns\":%llu", name, (unsigned long long)histogram->sum);
}

static void print_json(const struct queue *queue)
{
	struct histogram histogram;
	size_t i;
	const struct metric *metric;

	/* No character of a name needs to be escaped. */
	printf("{\"name\":\"%s\"", queue->name);
	for (metric = metrics; metric->name; metric++)
		printf(",\"%s\":%llu", metric->name,
		       (unsigned long long)number_at(queue, &metric->place));
	for (i = 0; times[i].name; i++)
		if (!histogram_read(queue->name, times[i].name, &histogram))
			print_json_histogram(times[i].name, &histogram);
	printf("}\n");
}

static int ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), least = strlen(end);

	return length >= least && !strcmp(text + length - least, end);
}

/* Prints one number of all queues. */
static void print_metric(const struct metric *metric, const struct queue *queues, size_t count)
{
	uint64_t number;
	size_t i;

	if (metric->help)
		printf("# HELP tqueue_%s %s\n# TYPE tqueue_%s %s\n", metric->family, metric->help,
		       metric->family, ends_with(metric->family, "_total") ? "counter" : "gauge");
	for (i = 0; i < count; i++) {
		number = number_at(&queues[i], &metric->place);
		printf("tqueue_%s{queue=\"%s\"%s%s} ", metric->family, queues[i].name,
		       metric->label ? "," : "", metric->label ? metric->label : "");
		/* In Prometheus, times are in seconds. */
		if (ends_with(metric->family, "_seconds"))
			printf("%llu.%09llu\n", (unsigned long long)(number / 1000000000),
			       (unsigned long long)(number % 1000000000));
		else
			printf("%llu\n", (unsigned long long)number);
	}
}

/* Prometheus gets the buckets from a microsecond to a quarter of an hour. */
#define FIRST_BUCKET	10
#define LAST_BUCKET	40

static void print_buckets(const char *family, const char *queue,
			  const struct histogram *histogram)
{
	uint64_t count = 0;
	int i;

	for (i = 0; i <= LAST_BUCKET; i++) {
		count += histogram->buckets[i];
		if (i >= FIRST_BUCKET)
			printf("tqueue_%s_bucket{queue=\"%s\",le=\"%.9f\"} %llu\n", family, queue,
			       (double)(UINT64_C(1) << i) / 1e9, (unsigned long long)count);
	}
	count = histogram_count(histogram);
	printf("tqueue_%s_bucket{queue=\"%s\",le=\"+Inf\"} %llu\n", family, queue,
	       (unsigned long long)count);
	printf("tqueue_%s_sum{queue=\"%s\"} %.9f\n", family, queue,
	       (double)histogram->sum / 1e9);
	printf("tqueue_%s_count{queue=\"%s\"} %llu\n", family, queue,
	       (unsigned long long)count);
}

/* Prints the histograms of all queues that have some. */
static void print_histograms(const struct queue *queues, size_t count)
{
	struct histogram histogram;
	size_t i, j;
	int begun;

	for (i = 0; times[i].name; i++) {
		begun = 0;
		for (j = 0; j < count; j++) {
			if (histogram_read(queues[j].name, times[i].name, &histogram))
				continue;
			if (!begun)
				printf("# HELP tqueue_%s %s\n# TYPE tqueue_%s histogram\n",
				       times[i].family, times[i].help, times[i].family);
			begun = 1;
			print_buckets(times[i].family, queues[j].name, &histogram);
		}
	}
}

/* The same for people.  Returns whether there were any. */
static int show_histograms(const struct queue *queues, size_t count)
{
	struct histogram histogram;
	int shown = 0;
	size_t i, j;

	for (j = 0; j < count; j++) {
		for (i = 0; times[i].name; i++) {
			if (histogram_read(queues[j].name, times[i].name, &histogram))
				continue;
			printf("%s: %s: %llu\n", queues[j].name, times[i].title,
			       (unsigned long long)histogram_count(&histogram));
			if (histogram_count(&histogram))
				histogram_print(&histogram);
			shown = 1;
		}
	}
	return shown;
}

static void print_row(const struct queue *queue, int width)
{
	const struct tqueue_info *info = &queue->info;

	printf("%-*s %10llu %10llu %10llu %10llu %10llu %8llu %8llu %8llu\n", width, queue->name,
	       (unsigned long long)info->sent, (unsigned long long)info->received,
	       (unsigned long long)info->ever_leased,
	       (unsigned long long)info->ever_acknowledged,
	       (unsigned long long)info->ever_requeued, (unsigned long long)info->ever_buried,
	       (unsigned long long)info->ever_expired, (unsigned long long)info->dropped);
}

static void print_table(const struct queue *queues, size_t count, int no_header)
{
	size_t width = 14, i;

	for (i = 0; i < count; i++)
		if (strlen(queues[i].name) > width)
			width = strlen(queues[i].name);
	if (!no_header)
		printf("%-*s %10s %10s %10s %10s %10s %8s %8s %8s\n", (int)width, "NAME", "SENT",
		       "RECEIVED", "LEASED", "ACKED", "REQUEUED", "BURIED", "EXPIRED", "DROPPED");
	for (i = 0; i < count; i++)
		print_row(&queues[i], (int)width);
}

static void print_all(const struct arguments *arguments, const struct queue *queues, size_t count)
{
	const struct metric *metric;
	size_t i;

	switch (arguments->style) {
	case STYLE_TABLE:
		print_table(queues, count, arguments->no_header);
		break;
	case STYLE_JSON:
		for (i = 0; i < count; i++)
			print_json(&queues[i]);
		break;
	case STYLE_PROMETHEUS:
		for (metric = metrics; metric->name; metric++)
			print_metric(metric, queues, count);
		print_histograms(queues, count);
		break;
	}
}

/* Looks at one queue.  Returns the exit status, and reports an error unless @quiet. */
static int look(struct queue *queue, const char *given, int quiet)
{
	queue->name = name_of_queue(given);
	if (!queue->name)
		return EXIT_ERROR;
	if (!tqueue_get_by_name(queue->name, &queue->info)) {
		fill_in(queue);
		return EXIT_OK;
	}
	return quiet ? EXIT_NO_QUEUE : report_error(queue->name, errno);
}

static size_t count_of(char **names)
{
	size_t count = 0;

	while (names[count])
		count++;
	return count;
}

int command_stats(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	char **names, **all = NULL;
	struct queue *queues;
	int status = EXIT_OK, one;
	size_t count = 0;

	argp_parse(&stats_argp, argc, argv, 0, NULL, &arguments);
	names = arguments.names;
	if (!names) {
		all = tqueue_list();
		if (!all)
			return report_error(NULL, errno);
		names = all;
	}
	queues = xnonnull(calloc(count_of(names) + 1, sizeof(*queues)));
	for (; *names; names++) {
		one = look(&queues[count], *names, !!all);
		if (!one)
			count++;
		/* Among all queues, one that was removed meanwhile is no error. */
		else if (!all)
			status = one;
	}
	if (!arguments.histograms) {
		print_all(&arguments, queues, count);
	} else if (!show_histograms(queues, count) && !status) {
		report(NULL, "no queue counts histograms (\"echo 1 > /sys/class/tqueue/QUEUE/histograms\" turns them on)");
		status = EXIT_NOTHING;
	}
	free(queues);
	free(all);
	return status;
}
