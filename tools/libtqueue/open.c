// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names of queues, opening them, and what all calls share.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

int libtq_fail(int error)
{
	errno = error;
	return -1;
}

bool libtq_driver_is_loaded(void)
{
	return !access(CLASS_PATH, F_OK);
}

/* Whether the file is one of the driver, according to sysfs. */
static bool is_of_driver(int fd, bool control)
{
	struct stat st;
	char path[64];
	char target[PATH_MAX];
	ssize_t length;

	if (fstat(fd, &st) || !S_ISCHR(st.st_mode))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u",
		 major(st.st_rdev), minor(st.st_rdev));
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strstr(target, control ? "/misc/tqueue-control" : "/tqueue/");
}

int libtq_ioctl(int fd, unsigned long request, void *argument)
{
	bool control = _IOC_NR(request) >= _IOC_NR(TQUEUE_CTL_FEATURES);
	int result = ioctl(fd, request, argument);

	if (result < 0 && errno == ENOTTY)
		errno = is_of_driver(fd, control) ? TQUEUE_EOLDDRIVER : ENOTTY;
	return result;
}

int libtq_ioctl_for(int fd, unsigned long request, void *argument,
		    uint64_t features)
{
	int result = libtq_ioctl(fd, request, argument);
	struct tqueue_info info;

	if (result >= 0 || errno != EINVAL || !features)
		return result;
	if (!tqueue_get(fd, &info) && features & ~info.features)
		return libtq_fail(TQUEUE_EOLDDRIVER);
	return libtq_fail(EINVAL);
}

/* As the driver decides, whatever the locale. */
static bool is_for_names(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

EXPORT int tqueue_check_name(const char *name)
{
	const char *end = name;

	while (is_for_names(*end))
		end++;
	if (*end || end == name || *name == '.')
		return libtq_fail(EINVAL);
	if (end - name > TQUEUE_NAME_MAX)
		return libtq_fail(ENAMETOOLONG);
	return 0;
}

int libtq_copy_name(char field[TQUEUE_NAME_MAX + 1], const char *name)
{
	if (tqueue_check_name(name))
		return -1;
	memset(field, 0, TQUEUE_NAME_MAX + 1);
	memcpy(field, name, strlen(name));
	return 0;
}

EXPORT int tqueue_path(const char *name, char *path, size_t size)
{
	const char *directory = QUEUE_DIRECTORY;

	if (strchr(name, '/'))
		directory = "";
	else if (tqueue_check_name(name))
		return -1;
	else if (!strcmp(name, DEFAULT_QUEUE))
		directory = "/dev/";
	if (strlen(directory) + strlen(name) >= size)
		return libtq_fail(ERANGE);
	stpcpy(stpcpy(path, directory), name);
	return 0;
}

/* Opening another kind of file could wait, or have effects. */
static int open_device(const char *path, int flags)
{
	struct stat st;

	if (!stat(path, &st) && !S_ISCHR(st.st_mode))
		return libtq_fail(ENOTTY);
	return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

/*
 * Whether the path leads to another queue although there is one of that name.  An
 * administrator's link to another name is fine.
 */
static bool is_of_other(const char *name, const struct tqueue_info *info)
{
	struct tqueue_info named;

	return !strchr(name, '/') && strcmp(name, info->name) &&
	       !tqueue_get_by_name(name, &named);
}

EXPORT int tqueue_open(const char *name, int flags)
{
	char of_name[TQUEUE_PATH_MAX];
	struct tqueue_info info;
	const char *path = name;
	int fd, error;

	if (flags & ~(O_ACCMODE | O_NONBLOCK | O_CLOEXEC))
		return libtq_fail(EINVAL);
	if (!strchr(name, '/')) {
		if (tqueue_path(name, of_name, sizeof(of_name)))
			return -1;
		path = of_name;
	}
	fd = open_device(path, flags);
	if (fd < 0) {
		/* Without the driver there is no node, or nothing behind it. */
		if ((errno == ENOENT || errno == ENXIO || errno == ENODEV) &&
		    !strncmp(path, "/dev/tq", strlen("/dev/tq")))
			errno = libtq_driver_is_loaded() ? ENOENT : TQUEUE_ENODRIVER;
		return -1;
	}
	error = tqueue_get(fd, &info) ? errno : 0;
	if (!error && !is_of_other(name, &info))
		return fd;
	if (!error)
		error = ENOTTY;
	close(fd);
	return libtq_fail(error);
}

EXPORT int tqueue_control_open(int flags)
{
	int fd;

	if (flags & ~(O_ACCMODE | O_NONBLOCK | O_CLOEXEC))
		return libtq_fail(EINVAL);
	fd = open_device(CONTROL_PATH, flags);
	if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV)) {
		if (!libtq_driver_is_loaded())
			errno = TQUEUE_ENODRIVER;
		else if (access("/sys/class/misc/tqueue-control", F_OK))
			errno = TQUEUE_EOLDDRIVER;
		else
			errno = ENOENT;
	}
	return fd;
}

EXPORT uint64_t tqueue_deadline(int64_t milliseconds)
{
	struct timespec now;
	uint64_t ns;

	if (milliseconds < 0)
		return TQUEUE_FOREVER;
	if (!milliseconds)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if ((uint64_t)milliseconds > (TQUEUE_FOREVER - ns) / 1000000)
		return TQUEUE_FOREVER;
	return ns + (uint64_t)milliseconds * 1000000;
}
