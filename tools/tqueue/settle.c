// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue ack, requeue, bury, extend, delete: settle messages that are named by their
 * ids and, if they are leased, the numbers of their deliveries.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "queue.h"
#include "report.h"
#include "units.h"

struct arguments {
	const char *name;
	int fd;		/* the caller's, or -1 */
	char **ids;
	int count;
	int is_delete;
	/* The fields that all settlements have in common. */
	struct tqueue_settlement common;
};

enum {
	KEY_DELAY = 'd', KEY_PRIORITY = 'p', KEY_FORCE = 'f', KEY_UNCOUNTED = 0x200,
	KEY_CODE, KEY_LIMIT
};

/* Parses a code: any number, such as an exit status or a signal. */
static int32_t parse_code(const char *text, const struct argp_state *state)
{
	int negative = *text == '-';
	uint64_t number = 0;

	if (parse_number(text + negative, INT32_MAX, &number))
		argp_error(state, "'%s': expected a number", text);
	return negative ? -(int32_t)number : (int32_t)number;
}

static void check_arguments(struct arguments *arguments, struct argp_state *state)
{
	if (arguments->fd < 0 && arguments->count) {
		arguments->name = arguments->ids[0];
		arguments->ids++;
		arguments->count--;
	}
	if (!arguments->name && arguments->fd < 0)
		argp_error(state, "no queue and no messages given");
	if (!arguments->count)
		argp_error(state, "no messages given (\"tqueue jobs %s\" lists them)",
			   arguments->name ? arguments->name : "QUEUE");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct tqueue_settlement *common = &arguments->common;

	switch (key) {
	case ARGP_KEY_INIT:
		if (state->child_inputs)
			state->child_inputs[0] = &arguments->fd;
		return 0;
	case KEY_DELAY:
		common->time = parse_delay(argument, state);
		return 0;
	case KEY_LIMIT:
		common->time = parse_limit(argument, state);
		return 0;
	case KEY_PRIORITY:
		common->priority = (uint8_t)parse_priority(argument, state);
		common->flags |= TQUEUE_SETTLE_PRIORITY;
		return 0;
	case KEY_UNCOUNTED:
		common->flags |= TQUEUE_SETTLE_UNCOUNTED;
		return 0;
	case KEY_CODE:
		common->code = parse_code(argument, state);
		return 0;
	case KEY_FORCE:
		common->flags |= TQUEUE_SETTLE_FORCE;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->ids = state->argv + state->next;
		arguments->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		check_arguments(arguments, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Parses "17:3", or "17" for a message that is not leased, or is settled by force. */
static int parse_name(const char *text, struct tqueue_settlement *settlement)
{
	const char *colon = strchr(text, ':');
	uint64_t id, delivery = 0;
	char digits[24];
	size_t length = colon ? (size_t)(colon - text) : strlen(text);

	if (length >= sizeof(digits))
		return -1;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (parse_number(digits, UINT64_MAX - 1, &id) || !id)
		return -1;
	if (colon && (parse_number(colon + 1, UINT32_MAX, &delivery) || !delivery))
		return -1;
	settlement->id = id;
	settlement->delivery = (uint32_t)delivery;
	return 0;
}

/*
 * Makes settlements of the ids.  Returns 0, or an exit status after reporting the
 * error.
 */
static int make_settlements(const struct arguments *arguments,
			    struct tqueue_settlement *settlements)
{
	struct tqueue_settlement *here;
	int i;

	for (i = 0; i < arguments->count; i++) {
		here = &settlements[i];
		*here = arguments->common;
		if (parse_name(arguments->ids[i], here)) {
			report(arguments->name, "'%s': expected the id of a message, or ID:DELIVERY as \"tqueue recv --lease\" prints it",
			       arguments->ids[i]);
			return EXIT_BAD_USAGE;
		}
		if (here->flags & TQUEUE_SETTLE_FORCE) {
			here->delivery = 0;
		} else if (arguments->is_delete) {
			here->delivery = 0;
			here->flags |= TQUEUE_SETTLE_UNLEASED;
		} else if (!here->delivery) {
			if (here->action == TQUEUE_EXTEND) {
				report(arguments->name, "'%s': expected ID:DELIVERY, as \"tqueue recv --lease\" prints it",
				       arguments->ids[i]);
				return EXIT_BAD_USAGE;
			}
			if (here->flags & TQUEUE_SETTLE_UNCOUNTED) {
				report(arguments->name, "'%s': --uncounted needs ID:DELIVERY, because only deliveries are counted",
				       arguments->ids[i]);
				return EXIT_BAD_USAGE;
			}
			here->flags |= TQUEUE_SETTLE_UNLEASED;
		}
	}
	return EXIT_OK;
}

/* Reports a result that is not the requested one.  Returns 0 or an exit status. */
static int report_result(const char *name, const struct tqueue_settlement *settlement)
{
	unsigned long long id = settlement->id;

	switch (settlement->result) {
	case TQUEUE_RESULT_DONE:
		break;
	case TQUEUE_RESULT_BURIED:
		report(name, "message %llu was buried: this was its last attempt, or it is too old (\"tqueue kick %s\" makes it ready)",
		       id, name);
		break;
	case TQUEUE_RESULT_DROPPED:
		report(name, "message %llu was dropped: this was its last attempt, or it is too old",
		       id);
		break;
	case TQUEUE_RESULT_PUT_OFF:
		report(name, "message %llu is delayed by an hour, because no more can be buried (\"tqueue set %s --max-buried\" allows more)",
		       id, name);
		break;
	default:
		if (settlement->result < 0)
			return report_message(name, id, -settlement->result);
	}
	return EXIT_OK;
}

/* Settles and reports.  Returns the exit status. */
static int settle(struct arguments *arguments, int fd)
{
	struct tqueue_settlement *settlements;
	int status, one, i;

	settlements = xnonnull(calloc((size_t)arguments->count, sizeof(*settlements)));
	status = make_settlements(arguments, settlements);
	if (!status && tqueue_settle(fd, settlements, (uint32_t)arguments->count) < 0)
		status = report_error(arguments->name, errno);
	else if (!status)
		for (i = 0; i < arguments->count; i++) {
			one = report_result(arguments->name, &settlements[i]);
			if (one)
				status = one;
		}
	free(settlements);
	return status;
}

static int run(const struct argp *argp, int argc, char **argv, struct arguments *arguments)
{
	int fd, status = EXIT_OK;

	arguments->fd = -1;
	argp_parse(argp, argc, argv, 0, NULL, arguments);
	if (arguments->fd >= 0) {
		status = check_given_fd(arguments->fd, &arguments->name);
		return status ? status : settle(arguments, arguments->fd);
	}
	fd = tqueue_open(arguments->name, O_RDONLY);
	if (fd < 0)
		return report_error(arguments->name, errno);
	status = settle(arguments, fd);
	close(fd);
	return status;
}

static const struct argp_child children[] = {
	{ &fd_argp, 0, NULL, 0 },
	{ 0 }
};

#define FORCE_OPTION \
	{ "force", KEY_FORCE, NULL, 0, \
	  "settle leases of other workers, too; for the owner of the queue and root", 2 }
#define CODE_OPTION \
	{ "code", KEY_CODE, "NUMBER", 0, \
	  "a number that \"tqueue jobs\" shows, such as an exit status", 1 }
#define PRIORITY_OPTION \
	{ "priority", KEY_PRIORITY, "N", 0, \
	  "new priority: 0 (usual) to 63 (first)", 1 }

static const struct argp_option ack_options[] = {
	FORCE_OPTION,
	{ 0 }
};

static const struct argp ack_argp = {
	.options = ack_options,
	.parser = parse,
	.args_doc = "QUEUE ID[:DELIVERY]...\n--fd=N ID[:DELIVERY]...",
	.doc = "Acknowledge messages that were leased with \"tqueue recv --lease\": the work is done, and they are gone.\v"
	       "An ID without the number of a delivery names a message that nobody has leased.",
	.children = children,
};

int command_ack(int argc, char **argv)
{
	struct arguments arguments = { .common.action = TQUEUE_ACKNOWLEDGE };

	return run(&ack_argp, argc, argv, &arguments);
}

static const struct argp_option requeue_options[] = {
	{ "delay", KEY_DELAY, "TIME", 0, "make it ready after this time: 10s, 5min, 1h 30min", 1 },
	PRIORITY_OPTION,
	{ "uncounted", KEY_UNCOUNTED, NULL, 0, "do not count the delivery as an attempt", 1 },
	CODE_OPTION,
	FORCE_OPTION,
	{ 0 }
};

static const struct argp requeue_argp = {
	.options = requeue_options,
	.parser = parse,
	.args_doc = "QUEUE ID[:DELIVERY]...\n--fd=N ID[:DELIVERY]...",
	.doc = "Return leased messages to their places in the queue, for another attempt.\v"
	       "After the last attempt that the queue allows (--max-attempts) a message is buried or dropped instead. "
	       "An ID without the number of a delivery names a message that nobody has leased.",
	.children = children,
};

int command_requeue(int argc, char **argv)
{
	struct arguments arguments = { .common.action = TQUEUE_REQUEUE };

	return run(&requeue_argp, argc, argv, &arguments);
}

static const struct argp_option bury_options[] = {
	PRIORITY_OPTION,
	CODE_OPTION,
	FORCE_OPTION,
	{ 0 }
};

static const struct argp bury_argp = {
	.options = bury_options,
	.parser = parse,
	.args_doc = "QUEUE ID[:DELIVERY]...\n--fd=N ID[:DELIVERY]...",
	.doc = "Set messages aside until \"tqueue kick\" makes them ready or \"tqueue delete\" removes them.\v"
	       "An ID without the number of a delivery names a message that nobody has leased.",
	.children = children,
};

int command_bury(int argc, char **argv)
{
	struct arguments arguments = { .common.action = TQUEUE_BURY };

	return run(&bury_argp, argc, argv, &arguments);
}

static const struct argp_option extend_options[] = {
	{ "limit", KEY_LIMIT, "TIME", 0,
	  "from now; the default is the limit of the queue (--lease-limit)", 1 },
	FORCE_OPTION,
	{ 0 }
};

static const struct argp extend_argp = {
	.options = extend_options,
	.parser = parse,
	.args_doc = "QUEUE ID:DELIVERY...\n--fd=N ID:DELIVERY...",
	.doc = "Set a new time limit for leases.",
	.children = children,
};

int command_extend(int argc, char **argv)
{
	struct arguments arguments = { .common.action = TQUEUE_EXTEND };

	return run(&extend_argp, argc, argv, &arguments);
}

static const struct argp_option delete_options[] = {
	FORCE_OPTION,
	{ 0 }
};

static const struct argp delete_argp = {
	.options = delete_options,
	.parser = parse,
	.args_doc = "QUEUE ID...",
	.doc = "Remove messages that are ready, delayed or buried; with --force, those that are leased.",
};

int command_delete(int argc, char **argv)
{
	struct arguments arguments = {
		.is_delete = 1, .common.action = TQUEUE_ACKNOWLEDGE,
	};

	return run(&delete_argp, argc, argv, &arguments);
}
