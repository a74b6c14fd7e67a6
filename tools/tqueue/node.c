// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "node.h"
#include "queue.h"
#include "report.h"

#define CONTROL_PATH	"/dev/tqueue-control"

/**
 * struct device - a device of the driver, and how its file should be
 * @name: for messages
 * @path: of its file
 * @number: of the device
 * @uid: owner of the file
 * @gid: group of the file
 * @mode: mode of the file
 */
struct device {
	const char *name;
	char path[PATH_MAX - 32];
	dev_t number;
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

static int is_device(const struct stat *st, dev_t number)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == number;
}

int node_check(const char *name, const struct tqueue_info *info)
{
	char path[PATH_MAX];
	struct stat st;

	if (tqueue_path(name, path, sizeof(path)) || stat(path, &st))
		return -1;
	if (is_device(&st, makedev(info->major, info->minor)))
		return 0;
	errno = ENOTTY;
	return -1;
}

int node_is_taken(const char *name)
{
	struct tqueue_info info;
	char path[PATH_MAX];
	struct stat st;

	return !tqueue_path(name, path, sizeof(path)) && !lstat(path, &st) &&
	       tqueue_get_by_name(name, &info) && errno == ENOENT;
}

/* Finds out what the kernel would make of the file.  Returns 0, or -1 and errno. */
static int find_device(struct device *device, const char *directory)
{
	char path[PATH_MAX], line[256];
	unsigned int value, major_number = 0, minor_number = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s/uevent", directory, device->name);
	in = fopen(path, "re");
	if (!in)
		return -1;
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "MAJOR=%u", &value) == 1)
			major_number = value;
		else if (sscanf(line, "MINOR=%u", &value) == 1)
			minor_number = value;
		else if (sscanf(line, "DEVMODE=%o", &value) == 1)
			device->mode = value;
		else if (sscanf(line, "DEVUID=%u", &value) == 1)
			device->uid = value;
		else if (sscanf(line, "DEVGID=%u", &value) == 1)
			device->gid = value;
	}
	fclose(in);
	device->number = makedev(major_number, minor_number);
	return 0;
}

/* Moves a file to the first free name of the form PATH.~1~, as cp(1) does. */
static int move_aside(const char *name, const char *from, const char *path)
{
	char to[PATH_MAX];
	int i;

	for (i = 1; i < 1000; i++) {
		snprintf(to, sizeof(to), "%s.~%d~", path, i);
		if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)) {
			printf("%s: moved %s to %s\n", name, path, to);
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	report(name, "cannot move %s to %s: %s", from, to, strerror(errno));
	return -1;
}

/* Makes the directory of the file. */
static int make_directory(const struct device *device)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s", device->path);
	*strrchr(path, '/') = '\0';
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return 0;
	if (!lstat(path, &st) && move_aside(device->name, path, path))
		return -1;
	if (!mkdir(path, 0755))
		return 0;
	report(device->name, "cannot make %s: %s", path, strerror(errno));
	return -1;
}

/* Nobody can open the file before it has its owner and mode. */
static int make_file(const struct device *device, const char *path)
{
	if ((unlink(path) && errno != ENOENT) || mknod(path, S_IFCHR, device->number) ||
	    chown(path, device->uid, device->gid) || chmod(path, device->mode)) {
		report(device->name, "cannot make %s again: %s (a container or a sandbox must be given the device)",
		       device->path, strerror(errno));
		unlink(path);
		return -1;
	}
	return 0;
}

/* Puts the new file @made in place.  What was there is then at @made. */
static int exchange(const struct device *device, const char *made)
{
	struct stat st;

	if (lstat(device->path, &st))
		return renameat2(AT_FDCWD, made, AT_FDCWD, device->path, RENAME_NOREPLACE);
	/* The file of a queue that was removed holds nothing. */
	if (S_ISCHR(st.st_mode) && major(st.st_rdev) == major(device->number))
		return rename(made, device->path);
	if (renameat2(AT_FDCWD, made, AT_FDCWD, device->path, RENAME_EXCHANGE))
		return -1;
	return move_aside(device->name, made, device->path);
}

static int repair(struct device *device)
{
	char made[PATH_MAX];
	struct stat st;
	const char *base;

	if (!stat(device->path, &st) && is_device(&st, device->number))
		return 0;
	if (make_directory(device))
		return -1;
	base = strrchr(device->path, '/') + 1;
	snprintf(made, sizeof(made), "%.*s.%s.new", (int)(base - device->path),
		 device->path, base);
	if (make_file(device, made))
		return -1;
	if (exchange(device, made)) {
		report(device->name, "cannot put %s in its place: %s", device->path,
		       strerror(errno));
		unlink(made);
		return -1;
	}
	printf("%s: made %s again\n", device->name, device->path);
	return 1;
}

int node_repair(const char *name)
{
	struct device device = { .name = name, .mode = DEFAULT_MODE };
	const struct group *group = getgrnam(DEFAULT_GROUP);

	/* udev sets the group of the default queue.  The kernel knows all others. */
	if (!strcmp(name, "tqueue") && group)
		device.gid = group->gr_gid;
	if (tqueue_path(name, device.path, sizeof(device.path)))
		return -1;
	if (find_device(&device, "/sys/class/tqueue")) {
		report_error(name, errno);
		return -1;
	}
	return repair(&device);
}

int node_repair_control(void)
{
	struct device device = { .name = "tqueue-control", .mode = 0600, .path = CONTROL_PATH };

	/* Without the driver there is nothing to compare with. */
	if (find_device(&device, "/sys/class/misc"))
		return 0;
	return repair(&device);
}

void node_clear(const char *name, const struct tqueue_info *info)
{
	char path[PATH_MAX];
	struct stat st;

	if (tqueue_path(name, path, sizeof(path)) || lstat(path, &st))
		return;
	if (!is_device(&st, makedev(info->major, info->minor)))
		report(name, "removed; %s is not its device file and was left", path);
	else if (unlink(path))
		report(name, "removed, but its device file %s is left: %s", path, strerror(errno));
}
