// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue apply: creates queues and sets them as their files say.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "conf.h"
#include "node.h"
#include "options.h"
#include "queue.h"
#include "report.h"

struct arguments {
	char **names;
	const char *defer;
};

enum { KEY_DEFER = 0x100 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_DEFER:
		arguments->defer = argument;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->names = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "defer", KEY_DEFER, "FILE", 0,
	  "skip queues whose user or group does not exist yet, and write their names to FILE "
	  "for a later run", 1 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[QUEUE...]",
	.doc = "Create the queues that have a file in /etc/tqueue/queues.d, and set existing ones as the file says.\v"
	       "Without names, apply all files. Settings that a file does not mention stay as they are. "
	       "An error in a file affects only its own queue. See tqueue.conf(5). "
	       "Missing device files are made again, and other files in their place are moved aside, even for queues without a file.",
};

static void complain(const char *path, unsigned int line, const char *wrong)
{
	if (line)
		report(NULL, "%s:%u: %s", path, line, wrong);
	else
		report(NULL, "%s: %s", path, wrong);
}

/* The size after the driver has rounded it up. */
static uint64_t size_in_force(uint64_t size)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	while (bytes < size && bytes <= UINT64_MAX / 2)
		bytes *= 2;
	return bytes;
}

static void drop_field(struct tqueue_config *config, uint64_t field, int is_equal)
{
	if (is_equal)
		config->fields &= ~field;
}

/* Removes the settings that the queue has already. */
static void drop_equal(struct tqueue_config *config, const struct tqueue_info *info)
{
	uint64_t size = info->size, max_message = config->max_message, max_buried;

	if (config->fields & TQUEUE_CONFIG_SIZE)
		size = size_in_force(config->size);
	if (!max_message)
		max_message = most_of(size);
	/* These two go together: a new size can change max_message. */
	if (size == info->size &&
	    (!(config->fields & TQUEUE_CONFIG_MAX_MESSAGE) || max_message == info->max_message))
		config->fields &= ~(TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE);
	max_buried = config->max_buried ? config->max_buried : most_buried_of(size);
	if (max_buried == info->max_buried && size == info->size)
		config->fields &= ~TQUEUE_CONFIG_MAX_BURIED;
	drop_field(config, TQUEUE_CONFIG_OVERFLOW, config->overflow == info->overflow);
	drop_field(config, TQUEUE_CONFIG_END_OF_FILE, config->end_of_file == info->end_of_file);
	drop_field(config, TQUEUE_CONFIG_NO_READER, config->no_reader == info->no_reader);
	drop_field(config, TQUEUE_CONFIG_OWNER, config->uid == info->uid);
	drop_field(config, TQUEUE_CONFIG_TTL, config->ttl == info->ttl);
	drop_field(config, TQUEUE_CONFIG_ON_EXPIRED, config->on_expired == info->on_expired);
	drop_field(config, TQUEUE_CONFIG_MAX_ATTEMPTS, config->max_attempts == info->max_attempts);
	drop_field(config, TQUEUE_CONFIG_ON_EXHAUSTED, config->on_exhausted == info->on_exhausted);
	drop_field(config, TQUEUE_CONFIG_LEASE_LIMIT, config->lease_limit == info->lease_limit);
	drop_field(config, TQUEUE_CONFIG_MAX_LEASED, config->max_leased == info->max_leased);
	drop_field(config, TQUEUE_CONFIG_UNIQUE, config->unique == info->unique);
}

/*
 * Gives the node to @uid and @gid (-1: leaves them).  Returns 1 if something changed,
 * or -1.
 */
static int adjust_node(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	char path[PATH_MAX];
	struct stat st;

	if (tqueue_path(name, path, sizeof(path)) || stat(path, &st)) {
		report(name, "%s: %s", path, strerror(errno));
		return -1;
	}
	if ((uid == (uid_t)-1 || uid == st.st_uid) && (gid == (gid_t)-1 || gid == st.st_gid) &&
	    (!mode || mode == (st.st_mode & 07777)))
		return 0;
	if (!change_node(name, uid, gid, mode))
		return 1;
	report(name, "cannot change owner, group or mode of %s: %s", path, strerror(errno));
	return -1;
}

static int adjust(int control, const char *name, const struct settings *settings,
		  const struct tqueue_info *info)
{
	mode_t mode = setting_given(settings, SETTING_MODE) ? settings->mode : 0;
	struct tqueue_config config = settings_config(settings);
	const char *wrong;
	char text[128];
	int changed;
	uid_t uid;
	gid_t gid;

	wrong = settings_owners(settings, &uid, &gid, text, sizeof(text));
	if (wrong) {
		report(name, "%s", wrong);
		return EXIT_ERROR;
	}
	/*
	 * The owner of the queue can differ from that of the node, for example after
	 * chown(1).
	 */
	if (uid != (uid_t)-1) {
		config.fields |= TQUEUE_CONFIG_OWNER;
		config.uid = uid;
	}
	drop_equal(&config, info);
	if (config.fields && tqueue_control_set(control, name, &config))
		return report_config(name, errno);
	if (node_repair(name) < 0)
		return EXIT_ERROR;
	changed = adjust_node(name, uid, gid, mode);
	if (changed < 0)
		return EXIT_ERROR;
	if (changed || config.fields)
		printf("%s: changed\n", name);
	return EXIT_OK;
}

/* A queue without a file needs only its device file. */
static int apply_without(const char *name)
{
	struct tqueue_info info;
	char path[PATH_MAX];
	int repaired = 0;

	if (!tqueue_get_by_name(name, &info))
		repaired = node_repair(name);
	if (repaired)
		return repaired < 0 ? EXIT_ERROR : EXIT_OK;
	conf_own(name, path);
	report(name, "no configuration file (expected %s)", path);
	return EXIT_ERROR;
}

/* Repairs the device files of all queues. */
static int repair_all(void)
{
	char **names = tqueue_list(), **name;
	struct tqueue_info info;
	int status = EXIT_OK;

	for (name = names; name && *name; name++) {
		/* A queue that was removed meanwhile needs none. */
		if (node_repair(*name) < 0 && !tqueue_get_by_name(*name, &info))
			status = EXIT_ERROR;
	}
	free(names);
	return status;
}

/*
 * Writes the name of the queue to the file of --defer if its user or group does not
 * exist.  Returns whether it did.
 */
static int is_deferred(const char *name, const struct settings *settings, FILE *deferred)
{
	const char *wrong;
	char text[128];
	uid_t uid;
	gid_t gid;

	wrong = settings_owners(settings, &uid, &gid, text, sizeof(text));
	if (!wrong)
		return 0;
	report(name, "%s yet; leaving the queue for a later run", wrong);
	fprintf(deferred, "%s\n", name);
	return 1;
}

static int apply_one(int control, const char *name, FILE *deferred)
{
	struct settings settings;
	struct tqueue_info info;
	const char *wrong;
	char path[PATH_MAX];
	int status;
	FILE *in;

	if (!conf_find(name, path))
		return apply_without(name);
	if (tqueue_check_name(name)) {
		report(NULL, "%s: invalid queue name (1 to %d letters, digits, '.', '_' and '-', no leading '.')",
		       path, TQUEUE_NAME_MAX);
		return EXIT_ERROR;
	}
	in = syntax_open(path, &wrong);
	if (!in) {
		report(NULL, "%s: %s", path, wrong);
		return EXIT_ERROR;
	}
	status = conf_read(in, path, &settings, complain);
	fclose(in);
	if (status)
		return EXIT_ERROR;
	if (deferred && is_deferred(name, &settings, deferred))
		return EXIT_OK;
	if (!tqueue_control_get(control, name, &info))
		return adjust(control, name, &settings, &info);
	if (errno != ENOENT)
		return report_error(name, errno);
	status = make_queue(control, name, &settings);
	if (status)
		return status;
	printf("%s: created\n", name);
	return node_repair(name) < 0 ? EXIT_ERROR : EXIT_OK;
}

/* Applies the files of these queues, or all files if no names are given. */
static int apply(char **given, FILE *deferred)
{
	char **names = NULL, **name, path[PATH_MAX];
	int control, status = EXIT_OK, one;

	if (!given)
		names = conf_names();
	/* If there is nothing to do, a missing driver is no error. */
	if (names && !*names) {
		free(names);
		return repair_all();
	}
	if (node_repair_control() < 0)
		status = EXIT_ERROR;
	control = open_control(&status);
	for (name = names ? names : given; control >= 0 && *name; name++) {
		/* A link to /dev/null hides the file. */
		if (names && !conf_find(*name, path))
			continue;
		one = apply_one(control, *name, deferred);
		if (one && status != EXIT_OK && status != one)
			status = EXIT_ERROR;
		else if (one)
			status = one;
	}
	if (control >= 0 && names && repair_all() && !status)
		status = EXIT_ERROR;
	if (control >= 0)
		close(control);
	for (name = names; name && *name; name++)
		free(*name);
	free(names);
	return status;
}

int command_apply(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	FILE *deferred = NULL;
	int status, wrong;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (arguments.defer) {
		deferred = fopen(arguments.defer, "we");
		if (!deferred) {
			report(NULL, "%s: %s", arguments.defer, strerror(errno));
			return EXIT_ERROR;
		}
	}
	status = apply(arguments.names, deferred);
	if (deferred) {
		wrong = ferror(deferred);
		errno = EIO;
		if (fclose(deferred) || wrong) {
			report(NULL, "%s: %s", arguments.defer, strerror(errno));
			status = EXIT_ERROR;
		}
	}
	return status;
}
