// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue create, remove, set.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
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
	int force;
	int persist;
	struct settings settings;
};

enum { KEY_FORCE = 'f', KEY_PERSIST = 'p', KEY_LIKE_PIPE = 0x200 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		if (state->child_inputs)
			state->child_inputs[0] = &arguments->settings;
		return 0;
	case KEY_FORCE:
		arguments->force = 1;
		return 0;
	case KEY_PERSIST:
		arguments->persist = 1;
		return 0;
	case KEY_LIKE_PIPE:
		setting_assign(&arguments->settings, SETTING_END_OF_FILE, "last-writer");
		setting_assign(&arguments->settings, SETTING_NO_READER, "error");
		return 0;
	default:
		return parse_queues(key, state, &arguments->names);
	}
}

static const struct argp_child with_settings[] = {
	{ &settings_argp, 0, NULL, 0 },
	{ 0 }
};

static int persist(const char *name, const struct settings *settings)
{
	const char *wrong = conf_write(name, settings);
	char path[PATH_MAX];

	if (!wrong)
		return EXIT_OK;
	conf_own(name, path);
	report(name, "cannot write %s: %s (the queue has changed, but will be as before after a restart)",
	       path, wrong);
	return EXIT_ERROR;
}

static const struct argp_option create_options[] = {
	{ "like-pipe", KEY_LIKE_PIPE, NULL, 0,
	  "the same as --end-of-file=last-writer --no-reader=error", 1 },
	{ "persist", KEY_PERSIST, NULL, 0,
	  "also write /etc/tqueue/queues.d/QUEUE.conf, which creates the queue at each boot", 2 },
	{ 0 }
};

static const struct argp create_argp = {
	.options = create_options,
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Create queues. Each is a file /dev/tq/QUEUE.\v"
	       "A name has 1 to 63 letters, digits, '.', '_' and '-', and no leading '.'. "
	       "If another file is at /dev/tq/QUEUE, no queue is created. "
	       "By default the owner is the caller, the group is tqueue if it exists, and the mode is 0660.",
	.children = with_settings,
};

/* Creates a queue if its device file can be used. */
static int create_one(int control, const char *name, const struct settings *settings)
{
	struct tqueue_info info;
	int status, error;

	if (!tqueue_check_name(name) && node_is_taken(name))
		return report_error(name, ENOTTY);
	status = make_queue(control, name, settings);
	/* Check the file of an existing queue, too. */
	if (tqueue_get_by_name(name, &info) || !node_check(name, &info))
		return status;
	error = errno;
	report_error(name, error);
	if (!status && tqueue_control_remove(control, name, 0))
		report(name, "the queue was created, but without a configuration file");
	return EXIT_ERROR;
}

int command_create(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int control, status = EXIT_OK, one;
	char **at;
	const char *name;

	argp_parse(&create_argp, argc, argv, 0, NULL, &arguments);
	control = open_control(&status);
	if (control < 0)
		return status;
	for (at = arguments.names; *at; at++) {
		name = name_of_queue(*at);
		one = name ? create_one(control, name, &arguments.settings) : EXIT_ERROR;
		if (!one && arguments.persist)
			one = persist(name, &arguments.settings);
		if (one)
			status = one;
	}
	close(control);
	return status;
}

static const struct argp_option remove_options[] = {
	{ "force", KEY_FORCE, NULL, 0,
	  "even if it is open or holds messages, which are lost", 1 },
	{ "persist", KEY_PERSIST, NULL, 0,
	  "also remove /etc/tqueue/queues.d/QUEUE.conf, so that it does not come back", 1 },
	{ 0 }
};

static const struct argp remove_argp = {
	.options = remove_options,
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Remove queues that are empty and closed.\v"
	       "After --force, programs that have the queue open get errors.",
};

/* Removes the file of a queue.  Returns 1 if there was one, 0 if not, or -1. */
static int forget(const char *name)
{
	char path[PATH_MAX];

	conf_own(name, path);
	if (!unlink(path))
		return 1;
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	report(name, "cannot remove %s: %s", path, strerror(errno));
	return -1;
}

static int remove_one(int control, const char *name, const struct arguments *arguments)
{
	int gone, known, forgotten = 0, status = EXIT_OK;
	struct tqueue_info info;
	char path[PATH_MAX];

	known = !tqueue_get_by_name(name, &info);
	gone = !tqueue_control_remove(control, name,
			      arguments->force ? TQUEUE_REMOVE_FORCE : 0);
	if (!gone && errno != ENOENT) {
		if (errno == EPERM)
			report(name, "the default queue cannot be removed");
		else if (errno == EBUSY)
			report(name, "queue is in use or holds messages (see \"tqueue show %s\"; remove it anyway with \"tqueue remove --force %s\")",
			       name, name);
		else
			return report_error(name, errno);
		return EXIT_ERROR;
	}
	if (gone && known)
		node_clear(name, &info);
	if (arguments->persist && !tqueue_check_name(name)) {
		forgotten = forget(name);
		if (forgotten < 0)
			status = EXIT_ERROR;
	}
	/* It is enough if the queue's file was removed. */
	if (!gone && !forgotten)
		return report_error(name, ENOENT);
	if (status || !conf_find(name, path))
		return status;
	if (arguments->persist)
		report(name, "removed, but %s will create it again after a restart (to prevent that, link /etc/tqueue/queues.d/%s.conf to /dev/null)",
		       path, name);
	else
		report(name, "removed, but %s will create it again after a restart (remove that with \"tqueue remove --persist %s\")",
		       path, name);
	return status;
}

int command_remove(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int control, status = EXIT_OK, one;
	char **at;
	const char *name;

	argp_parse(&remove_argp, argc, argv, 0, NULL, &arguments);
	control = open_control(&status);
	if (control < 0)
		return status;
	for (at = arguments.names; *at; at++) {
		name = name_of_queue(*at);
		one = name ? remove_one(control, name, &arguments) : EXIT_ERROR;
		if (one)
			status = one;
	}
	close(control);
	return status;
}

static const struct argp_option set_options[] = {
	{ "persist", KEY_PERSIST, NULL, 0,
	  "also change /etc/tqueue/queues.d/QUEUE.conf", 2 },
	{ 0 }
};

static const struct argp set_argp = {
	.options = set_options,
	.parser = parse,
	.args_doc = "QUEUE...",
	.doc = "Change queues, while they are in use.\v"
	       "The owner of a queue and root may do that. A smaller size must fit what the queue holds.",
	.children = with_settings,
};

/*
 * Adds the present settings below the changed ones, so that the new file of a queue is
 * complete.
 */
static int add_present(const char *name, struct settings *settings)
{
	const struct passwd *user;
	const struct group *group;
	struct tqueue_info info;
	char path[PATH_MAX];
	enum setting which;
	struct settings all;
	struct stat st;
	char text[64];

	if (tqueue_get_by_name(name, &info) || node_check(name, &info) ||
	    tqueue_path(name, path, sizeof(path)) || stat(path, &st))
		return report_error(name, errno);
	all = settings_of(&info);
	all.mode = st.st_mode & 0666;
	/* If the owners differ, take the queue's, so that nobody gets more rights. */
	user = getpwuid(info.uid);
	group = getgrgid(st.st_gid);
	snprintf(all.owner, sizeof(all.owner), "%u", info.uid);
	snprintf(all.group, sizeof(all.group), "%u", st.st_gid);
	if (user)
		snprintf(all.owner, sizeof(all.owner), "%s", user->pw_name);
	if (group)
		snprintf(all.group, sizeof(all.group), "%s", group->gr_name);
	for (which = 0; which < SETTINGS; which++) {
		if (setting_given(settings, which))
			continue;
		/* The maximum follows the size. */
		if (which == SETTING_MAX_MESSAGE && info.max_message == most_of(info.size))
			continue;
		if (which == SETTING_MAX_BURIED && info.max_buried == most_buried_of(info.size))
			continue;
		setting_text(&all, which, text, sizeof(text));
		setting_assign(settings, which, text);
	}
	return 0;
}

static int set_one(const char *name, const struct arguments *arguments)
{
	struct settings settings = arguments->settings;
	struct tqueue_config config = settings_config(&settings);
	char path[PATH_MAX], text[128];
	const char *wrong;
	uid_t uid;
	gid_t gid;

	wrong = settings_owners(&settings, &uid, &gid, text, sizeof(text));
	if (wrong) {
		report(name, "%s", wrong);
		return EXIT_ERROR;
	}
	if (config.fields && change_queue(name, &config))
		return report_config(name, errno);
	if ((uid != (uid_t)-1 || gid != (gid_t)-1 || settings.mode) &&
	    change_node(name, uid, gid, settings.mode))
		return report_error(name, errno);
	if (!arguments->persist)
		return EXIT_OK;
	name = name_of_queue(name);
	if (!name)
		return EXIT_ERROR;
	if (!conf_find(name, path) && add_present(name, &settings))
		return EXIT_ERROR;
	return persist(name, &settings);
}

int command_set(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int status = EXIT_OK, one;
	char **at;

	argp_parse(&set_argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.settings.given && !arguments.persist) {
		report(NULL, "no setting given (see \"tqueue set --help\")");
		return EXIT_BAD_USAGE;
	}
	for (at = arguments.names; *at; at++) {
		one = set_one(*at, &arguments);
		if (one)
			status = one;
	}
	return status;
}
