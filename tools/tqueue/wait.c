// SPDX-License-Identifier: GPL-2.0-only
/* tqueue wait. */
#include <argp.h>
#include <errno.h>
#include <unistd.h>

#include "command.h"
#include "signals.h"
#include "options.h"
#include "queue.h"
#include "report.h"
#include "units.h"
#include "wait.h"

struct arguments {
	char **names;
	uint64_t timeout;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->timeout;
		return 0;
	default:
		return parse_queues(key, state, &arguments->names);
	}
}

static const struct argp_child children[] = {
	{ &timeout_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp argp = {
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Wait until all messages now in the queues are settled: received whole, acknowledged, dropped or buried.\v"
	       "Messages that are sent later do not count. "
	       "If messages were buried or dropped meanwhile, says so and exits with 8.",
	.children = children,
};

/* Reports messages that have failed since @before.  Returns 0 or EXIT_FAILED. */
static int check_failures(const char *name, int fd, const struct tqueue_info *before)
{
	struct tqueue_info after;
	uint64_t buried, dropped;

	if (tqueue_get(fd, &after))
		return report_error(name, errno);
	buried = after.ever_buried - before->ever_buried;
	dropped = after.dropped - before->dropped;
	if (!buried && !dropped)
		return EXIT_OK;
	report(name, "%llu message%s buried and %llu dropped meanwhile (\"tqueue jobs %s --state=buried\" shows the buried ones)",
	       (unsigned long long)buried, buried == 1 ? " was" : "s were",
	       (unsigned long long)dropped, name);
	return EXIT_FAILED;
}

int wait_for_settled(const char *name, int fd, uint64_t id,
		     const struct tqueue_info *before, uint64_t deadline)
{
	int result;

	/* After a signal, go on waiting for the same messages. */
	do
		result = tqueue_wait(fd, id, deadline);
	while (result && errno == EINTR && !signals_caught());
	if (!result)
		return check_failures(name, fd, before);
	if (errno == EINTR)
		return -1;
	if (errno != ETIMEDOUT && errno != EAGAIN)
		return report_error(name, errno);
	report(name, "not all messages are settled (\"tqueue jobs %s\" shows the rest)", name);
	return EXIT_TIMED_OUT;
}

/* Waits for one queue.  Returns the exit status. */
static int wait_for(const char *name, uint64_t deadline)
{
	struct tqueue_info info;
	int fd, status;

	fd = open_for_command(name);
	if (fd < 0)
		return report_error(name, errno);
	if (tqueue_get(fd, &info))
		status = report_error(name, errno);
	else
		status = wait_for_settled(name, fd, info.last_id, &info, deadline);
	close(fd);
	return status;
}

int command_wait(int argc, char **argv)
{
	struct arguments arguments = { .timeout = UNITS_FOREVER };
	uint64_t deadline;
	int status = EXIT_OK, one;
	char **name;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	deadline = deadline_after(arguments.timeout);
	for (name = arguments.names; *name; name++) {
		one = wait_for(*name, deadline);
		if (one)
			status = one;
	}
	return status;
}
