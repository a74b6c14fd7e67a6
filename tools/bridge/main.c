// SPDX-License-Identifier: GPL-2.0-only
/* tqueue-bridge: hands messages of queues over to RabbitMQ, and those of RabbitMQ to queues. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "in.h"
#include "notify.h"
#include "out.h"
#include "report.h"

/* EX_CONFIG of sysexits.h: starting again is useless until the file is changed. */
#define EXIT_CONFIG	78

/* How long one turn of a direction may exceed its own limits: a name service can be slow. */
#define HUNG	(60 * NS_PER_S)

/* How long the directions may take to end. */
#define END_LIMIT	(25 * NS_PER_S)

const char *argp_program_version = "tqueue-bridge " VERSION;

struct arguments {
	const char *name;
	const char *path;
	int check;
	int once;
};

static const struct argp_option options[] = {
	{ "check", 'c', NULL, 0, "say what prevents this bridge from working, and end", 0 },
	{ "once", '1', NULL, 0, "hand over what is there now, and end", 0 },
	{ "file", 'f', "FILE", 0, "read FILE instead of " CONF_DIRECTORY "/NAME.conf", 0 },
	{ 0 }
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'c':
		arguments->check = 1;
		return 0;
	case '1':
		arguments->once = 1;
		return 0;
	case 'f':
		arguments->path = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->name)
			argp_error(state, "expected only one bridge");
		arguments->name = argument;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->name)
			argp_error(state, "no bridge given");
		if (arguments->check && arguments->once)
			argp_error(state, "--check and --once exclude each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "NAME",
	.doc = "Hand messages over between queues and RabbitMQ, as " CONF_DIRECTORY "/NAME.conf says.\v"
	       "See tqueue-bridge(8).",
};

/* One or two directions, followed by a null pointer. */
struct bridge {
	struct worker *workers[3];
	int stop;
	int signals;
};

static struct worker *start(struct bridge *bridge, const struct conf *conf, const char *what,
			    int once, enum ending (*run)(struct worker *worker))
{
	struct worker *worker = need_memory(malloc(sizeof(*worker)));

	worker_start(worker, conf, what, once, bridge->stop, run);
	return worker;
}

static void start_all(struct bridge *bridge, const struct conf *conf, int once)
{
	struct worker **next = bridge->workers;

	bridge->stop = eventfd(0, EFD_CLOEXEC);
	if (conf->out.used)
		*next++ = start(bridge, conf, "out", once, out_run);
	if (conf->in.used)
		*next++ = start(bridge, conf, "in", once, in_run);
	*next = NULL;
}

/*
 * Whether each direction has ended, or has made a turn lately.  Ends calls of librabbitmq
 * that take too long.
 */
static int is_well(const struct bridge *bridge, const struct conf *conf)
{
	const uint64_t limit = HUNG + 2 * conf->broker.connect_limit;
	struct worker *const *worker;
	int well = 1;

	for (worker = bridge->workers; *worker; worker++) {
		connection_look(&(*worker)->connection);
		if (!atomic_load(&(*worker)->ended) &&
		    now_ns() > atomic_load(&(*worker)->turned) + limit)
			well = 0;
	}
	return well;
}

static void notify_status(const struct bridge *bridge, char last[1024])
{
	struct worker *const *worker;
	char text[1024] = "";
	size_t at;

	for (worker = bridge->workers; *worker; worker++) {
		at = strlen(text);
		pthread_mutex_lock(&(*worker)->lock);
		snprintf(text + at, sizeof(text) - at, "%s%s: %s", at ? "; " : "",
			 (*worker)->connection.what, (*worker)->status);
		pthread_mutex_unlock(&(*worker)->lock);
	}
	if (!strcmp(text, last))
		return;
	strcpy(last, text);
	notify("STATUS=%s", text);
}

static int is_ready(const struct bridge *bridge)
{
	struct worker *const *worker;

	for (worker = bridge->workers; *worker; worker++)
		if (!atomic_load(&(*worker)->ready))
			return 0;
	return 1;
}

/* Whether all directions have ended. */
static int is_over(const struct bridge *bridge)
{
	struct worker *const *worker;

	for (worker = bridge->workers; *worker; worker++)
		if (!atomic_load(&(*worker)->ended))
			return 0;
	return 1;
}

/* Whether a direction has failed.  Then the other one must end, too. */
static int has_failed(const struct bridge *bridge)
{
	struct worker *const *worker;

	for (worker = bridge->workers; *worker; worker++)
		if (atomic_load(&(*worker)->ended) && (*worker)->ending != ENDED_WELL)
			return 1;
	return 0;
}

static void stop(const struct bridge *bridge)
{
	const uint64_t one = 1;
	struct worker *const *worker;

	notify("STOPPING=1");
	for (worker = bridge->workers; *worker; worker++)
		atomic_store(&(*worker)->stopping, 1);
	if (write(bridge->stop, &one, sizeof(one)) != sizeof(one))
		_exit(EXIT_FAILURE);
}

/* Waits a moment for a signal.  Returns whether there was one. */
static int is_signalled(const struct bridge *bridge, int ms)
{
	struct pollfd signals = { .fd = bridge->signals, .events = POLLIN };
	struct signalfd_siginfo info;

	return poll(&signals, 1, ms) > 0 && read(bridge->signals, &info, sizeof(info)) > 0;
}

/* The main thread: signals, the watchdog, the line of status. */
static int watch(const struct bridge *bridge, const struct conf *conf)
{
	const uint64_t watchdog = notify_watchdog();
	struct worker *const *worker;
	uint64_t end_by = 0, fed = 0;
	char last[1024] = "";
	int signalled, ready = 0;

	while (!is_over(bridge)) {
		signalled = is_signalled(bridge, ready && !end_by ? 100 : 20);
		if (!ready && is_ready(bridge)) {
			notify("READY=1");
			ready = 1;
		}
		if (is_well(bridge, conf) && watchdog && now_ns() - fed > watchdog / 4) {
			notify("WATCHDOG=1");
			fed = now_ns();
		}
		notify_status(bridge, last);
		if (!end_by && (signalled || has_failed(bridge))) {
			stop(bridge);
			end_by = now_ns() + END_LIMIT;
		}
		if (end_by && now_ns() > end_by) {
			report(LOG_ERR,
			       "not stopped after %llu s, ending now (leased messages go back to their queue)",
			       END_LIMIT / NS_PER_S);
			_exit(EXIT_FAILURE);
		}
	}
	for (worker = bridge->workers; *worker; worker++)
		pthread_join((*worker)->thread, NULL);
	return has_failed(bridge) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Reads signals from a file, so that they interrupt no thread. */
static int take_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
	static struct bridge bridge;
	static struct conf conf;
	struct arguments arguments = { 0 };

	argp_err_exit_status = 2;
	if (argc > 0)
		argv[0] = "tqueue-bridge";
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	/* Files of the bridge are only for its user. */
	umask(077);
	report_name(arguments.name);
	if (conf_load(&conf, arguments.name, arguments.path))
		return EXIT_CONFIG;
	bridge.signals = take_signals();
	if (arguments.check)
		return check(&conf);
	start_all(&bridge, &conf, arguments.once);
	return watch(&bridge, &conf);
}
