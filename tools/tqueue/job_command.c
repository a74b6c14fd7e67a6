// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "job.h"
#include "job_command.h"
#include "report.h"
#include "run.h"

/* The number of variables that a process gets in addition to ours, and a NULL. */
#define ADDED	13

/*
 * Variables that a process does not inherit: they are for us alone, or describe the job
 * that we are ourselves.
 */
static const char *const taken_off[] = {
	"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
	"TQUEUE_QUEUE", "TQUEUE_ID", "TQUEUE_ATTEMPT", "TQUEUE_MAX_ATTEMPTS",
	"TQUEUE_PRIORITY", "TQUEUE_SENT", "TQUEUE_UID", "TQUEUE_PID", "TQUEUE_SLOT",
	"TQUEUE_DELIVERY", "TQUEUE_LEASE_FD",
};

/* Variables that all processes get. */
static struct {
	char **variables;
	size_t count;
} inherited;

static int is_taken_off(const char *variable)
{
	size_t length = strcspn(variable, "="), i;

	for (i = 0; i < sizeof(taken_off) / sizeof(*taken_off); i++)
		if (strlen(taken_off[i]) == length && !strncmp(variable, taken_off[i], length))
			return 1;
	return 0;
}

static void inherit(void)
{
	char **variable;
	size_t count = 0;

	while (environ[count])
		count++;
	inherited.variables = xnonnull(calloc(count + 1, sizeof(char *)));
	for (variable = environ; *variable; variable++)
		if (!is_taken_off(*variable))
			inherited.variables[inherited.count++] = *variable;
}

__attribute__((format(printf, 2, 3)))
static void add(char ***to, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf((*to)++, format, arguments) < 0)
		xnonnull(NULL);
	va_end(arguments);
}

static char **make_environment(const struct run_options *options, const struct job *job,
			       const struct tqueue_record *record)
{
	struct strbuf sent = { 0 };
	char **envp, **to;

	if (!inherited.variables)
		inherit();
	envp = xnonnull(calloc(inherited.count + ADDED, sizeof(char *)));
	memcpy(envp, inherited.variables, inherited.count * sizeof(char *));
	to = envp + inherited.count;
	add(&to, "TQUEUE_QUEUE=%s", job->queue->name);
	add(&to, "TQUEUE_ID=%llu", (unsigned long long)job->id);
	add(&to, "TQUEUE_DELIVERY=%u", job->delivery);
	add(&to, "TQUEUE_ATTEMPT=%u", job->attempt);
	add(&to, "TQUEUE_MAX_ATTEMPTS=%u", job->max_attempts);
	add(&to, "TQUEUE_PRIORITY=%u", record->priority);
	add(&to, "TQUEUE_UID=%u", record->uid);
	add(&to, "TQUEUE_PID=%u", record->pid);
	add(&to, "TQUEUE_SLOT=%u", job->slot);
	strbuf_add_time(&sent, record->sent_ns);
	/* The text has the quotes of JSON: leave them out. */
	add(&to, "TQUEUE_SENT=%.*s", (int)sent.length - 2, sent.data + 1);
	free(sent.data);
	if (!options->no_inherit && job->lease.fd >= 0)
		add(&to, "TQUEUE_LEASE_FD=%d", job->lease.fd);
	return envp;
}

/* Makes an argument, with the payload in each place of @place. */
static char *replace(const char *argument, const char *place, const char *payload,
		     size_t length)
{
	struct strbuf text = { 0 };
	const char *found;

	for (; (found = strstr(argument, place)); argument = found + strlen(place)) {
		strbuf_add_bytes(&text, argument, (size_t)(found - argument));
		strbuf_add_bytes(&text, payload, length);
	}
	strbuf_add_bytes(&text, argument, strlen(argument) + 1);
	return text.data;
}

int job_command_make(struct job_command *command, const struct run_options *options,
		     const struct job *job, const struct tqueue_record *record)
{
	const char *payload = tqueue_payload(record);
	size_t length = record->length, count, i;

	command->argv = options->command;
	if (options->replace) {
		/* A message that was sent as a line may end with a newline. */
		if (length && payload[length - 1] == '\n')
			length--;
		if (memchr(payload, '\0', length))
			return -1;
		for (count = 0; options->command[count]; count++)
			;
		command->argv = xnonnull(calloc(count + 1, sizeof(char *)));
		for (i = 0; i < count; i++)
			command->argv[i] = replace(options->command[i], options->replace,
						   payload, length);
	}
	command->envp = make_environment(options, job, record);
	return 0;
}

void job_command_free(struct job_command *command, const struct run_options *options)
{
	char **at;

	if (command->argv != options->command) {
		for (at = command->argv; *at; at++)
			free(*at);
		free(command->argv);
	}
	for (at = command->envp + inherited.count; *at; at++)
		free(*at);
	free(command->envp);
}
