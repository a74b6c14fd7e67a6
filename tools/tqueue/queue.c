// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "node.h"
#include "queue.h"
#include "report.h"

const char *name_of_queue(const char *given)
{
	static const char directory[] = "/dev/tq/";
	const char *name = given;

	if (!strcmp(given, "/dev/tqueue"))
		name = "tqueue";
	else if (!strncmp(given, directory, strlen(directory)))
		name = given + strlen(directory);
	if (!strchr(name, '/'))
		return name;
	report(given, "expected the name of a queue or its path in /dev/tq");
	return NULL;
}

/* The mode of the device file, or the device policy of a sandbox. */
static int is_denied(int error)
{
	return error == EACCES || error == EPERM;
}

int open_to_look(const char *name)
{
	int fd = tqueue_open(name, TQUEUE_O_LOOK);

	/* The file becomes a reader only if it receives. */
	if (fd < 0 && is_denied(errno))
		fd = tqueue_open(name, O_RDONLY);
	return fd;
}

int open_for_command(const char *name)
{
	int fd = open_to_look(name);

	/* A writer that leaves can bring end of file to readers. */
	if (fd < 0 && is_denied(errno))
		fd = tqueue_open(name, O_WRONLY);
	return fd;
}

int check_given_fd(int fd, const char **name)
{
	static struct tqueue_info info;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0) {
		report(NULL, "--fd=%d: no such open file (in a shell, open it with \"exec %d< /dev/tq/QUEUE\")",
		       fd, fd);
		return EXIT_ERROR;
	}
	if (tqueue_get(fd, &info)) {
		if (errno != ENOTTY)
			return report_error(NULL, errno);
		report(NULL, "--fd=%d: not a tqueue queue (in a shell, open one with \"exec %d< /dev/tq/QUEUE\")",
		       fd, fd);
		return EXIT_ERROR;
	}
	*name = info.name;
	if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR)
		return EXIT_OK;
	report(info.name, "--fd=%d: not open for reading (in a shell, open it with \"exec %d< /dev/tq/%s\")",
	       fd, fd, info.name);
	return EXIT_ERROR;
}

int open_control(int *status)
{
	static const char path[] = "/dev/tqueue-control";
	int control = tqueue_control_open(O_RDWR);

	if (control >= 0)
		return control;
	*status = EXIT_ERROR;
	switch (errno) {
	case EPERM:
		report(NULL, "device policy forbids this program to use %s (a systemd unit with DevicePolicy= or PrivateDevices= needs DeviceAllow=%s)",
		       path, path);
		break;
	case EACCES:
		report(NULL, "not permitted to create or remove queues (this needs root, or write access to %s)",
		       path);
		break;
	case ENOENT:
		report(NULL, "%s is not in the /dev of this program, although the driver is loaded (a systemd unit hides it with PrivateDevices=yes)",
		       path);
		break;
	case ENOTTY:
		report(NULL, "%s is not the device file of the driver (\"tqueue apply\" as root moves it aside and makes the device file)",
		       path);
		break;
	default:
		*status = report_error(NULL, errno);
	}
	return -1;
}

/* What can be done through the control device, or as the owner. */
struct act {
	int (*by_name)(int control, const char *name);
	int (*by_file)(int fd);
};

/*
 * Opens the control device if permitted, else the queue.  @by_file says which.  Returns
 * -1 and errno on failure.
 */
static int open_to_act(const char *name, int *by_file)
{
	int fd = -1;

	if (!strchr(name, '/'))
		fd = tqueue_control_open(O_RDWR);
	*by_file = fd < 0;
	return fd < 0 ? open_for_command(name) : fd;
}

static int close_acted(int fd, int result)
{
	int error = errno;

	close(fd);
	errno = error;
	return result;
}

int change_queue(const char *name, const struct tqueue_config *config)
{
	int by_file, fd = open_to_act(name, &by_file);

	if (fd < 0)
		return -1;
	return close_acted(fd, by_file ? tqueue_set(fd, config) :
					 tqueue_control_set(fd, name, config));
}

static int act_on(const char *name, const struct act *act)
{
	int by_file, fd = open_to_act(name, &by_file);

	if (fd < 0)
		return -1;
	return close_acted(fd, by_file ? act->by_file(fd) : act->by_name(fd, name));
}

int start_queue(const char *name)
{
	static const struct act start = { tqueue_control_start, tqueue_start };

	return act_on(name, &start);
}

int stop_queue(const char *name)
{
	static const struct act stop = { tqueue_control_stop, tqueue_stop };

	return act_on(name, &stop);
}

int pause_queue(const char *name)
{
	static const struct act pause_it = { tqueue_control_pause, tqueue_pause };

	return act_on(name, &pause_it);
}

int resume_queue(const char *name)
{
	static const struct act resume = { tqueue_control_resume, tqueue_resume };

	return act_on(name, &resume);
}

/* Describes a queue that is given by name or path. */
static int find_queue(const char *name, struct tqueue_info *info)
{
	int fd, result, error;

	if (!strchr(name, '/'))
		return tqueue_get_by_name(name, info);
	fd = open_for_command(name);
	if (fd < 0)
		return -1;
	result = tqueue_get(fd, info);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

/* Changes the user who may configure the queue. */
static int change_owner(const char *name, uid_t uid)
{
	struct tqueue_config config = { .fields = TQUEUE_CONFIG_OWNER, .uid = uid };

	return change_queue(name, &config);
}

int change_node(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	struct tqueue_info info;
	char path[PATH_MAX];
	struct stat st;

	if (find_queue(name, &info) || node_check(name, &info))
		return -1;
	if (tqueue_path(name, path, sizeof(path)) || stat(path, &st))
		return -1;
	/* Remove rights first, so that nobody has more in between. */
	if (mode && chmod(path, st.st_mode & mode & 0777))
		return -1;
	if (uid != (uid_t)-1 && change_owner(name, uid))
		return -1;
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && chown(path, uid, gid))
		return -1;
	return mode ? chmod(path, mode) : 0;
}

uint64_t most_of(uint64_t size)
{
	return size / 4 - sizeof(struct tqueue_record);
}

uint64_t most_buried_of(uint64_t size)
{
	return size / 4;
}

int report_config(const char *name, int error)
{
	if (error == EBUSY)
		report(name, "queue holds more than fits into that size (see \"tqueue show %s\")",
		       name);
	else if (error == EINVAL && !tqueue_check_name(name))
		report(name, "the driver refuses these settings (a size is at most 1G, a message at most a quarter of the size minus 40 bytes)");
	else
		return report_error(name, error);
	return EXIT_ERROR;
}

int make_queue(int control, const char *name, const struct settings *settings)
{
	struct tqueue_config config = settings_config(settings);
	const struct group *group;
	const char *wrong;
	mode_t mode = DEFAULT_MODE;
	char text[128];
	uid_t uid;
	gid_t gid;

	wrong = settings_owners(settings, &uid, &gid, text, sizeof(text));
	if (wrong) {
		report(name, "%s", wrong);
		return EXIT_ERROR;
	}
	if (!setting_given(settings, SETTING_GROUP)) {
		group = getgrnam(DEFAULT_GROUP);
		if (group)
			gid = group->gr_gid;
	}
	if (setting_given(settings, SETTING_MODE))
		mode = settings->mode;
	if (!tqueue_control_create(control, name, &config, uid, gid, mode))
		return 0;
	if (errno == EEXIST) {
		report(name, "queue already exists (change it with \"tqueue set %s\")", name);
		return EXIT_ERROR;
	}
	return report_config(name, errno);
}
