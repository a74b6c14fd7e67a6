// SPDX-License-Identifier: LGPL-2.1-or-later
/* What can be asked of a queue, by its open file or by the control device. */
#include <string.h>
#include <unistd.h>

#include "internal.h"

EXPORT int tqueue_wait(int fd, uint64_t id, uint64_t deadline)
{
	struct tqueue_wait wait = { .id = id, .deadline = deadline };

	return libtq_ioctl(fd, TQUEUE_WAIT, &wait);
}

EXPORT int tqueue_get(int fd, struct tqueue_info *info)
{
	memset(info, 0, sizeof(*info));
	return libtq_ioctl(fd, TQUEUE_INFO, info);
}

EXPORT int tqueue_set(int fd, const struct tqueue_config *config)
{
	struct tqueue_config copy = *config;

	return libtq_ioctl(fd, TQUEUE_SET, &copy);
}

EXPORT int tqueue_start(int fd)
{
	return libtq_ioctl(fd, TQUEUE_START, NULL);
}

EXPORT int tqueue_stop(int fd)
{
	return libtq_ioctl(fd, TQUEUE_STOP, NULL);
}

EXPORT int tqueue_control_features(int control, uint64_t *features)
{
	__u64 value;

	if (libtq_ioctl(control, TQUEUE_CTL_FEATURES, &value))
		return -1;
	*features = value;
	return 0;
}

EXPORT int tqueue_control_create(int control, const char *name,
				 const struct tqueue_config *config,
				 uid_t uid, gid_t gid, mode_t mode)
{
	struct tqueue_create create = {
		.uid = uid == (uid_t)-1 ? geteuid() : uid,
		.gid = gid == (gid_t)-1 ? getegid() : gid,
		.mode = mode,
	};

	if (config)
		create.config = *config;
	if (libtq_copy_name(create.name, name))
		return -1;
	return libtq_ioctl(control, TQUEUE_CTL_CREATE, &create);
}

static int select_queue(int control, unsigned long request, const char *name,
			unsigned int flags)
{
	struct tqueue_select selected = { .flags = flags };

	if (libtq_copy_name(selected.name, name))
		return -1;
	return libtq_ioctl(control, request, &selected);
}

EXPORT int tqueue_control_remove(int control, const char *name, unsigned int flags)
{
	return select_queue(control, TQUEUE_CTL_REMOVE, name, flags);
}

EXPORT int tqueue_control_start(int control, const char *name)
{
	return select_queue(control, TQUEUE_CTL_START, name, 0);
}

EXPORT int tqueue_control_stop(int control, const char *name)
{
	return select_queue(control, TQUEUE_CTL_STOP, name, 0);
}

EXPORT int tqueue_control_set(int control, const char *name,
			      const struct tqueue_config *config)
{
	struct tqueue_set set = { .config = *config };

	if (libtq_copy_name(set.name, name))
		return -1;
	return libtq_ioctl(control, TQUEUE_CTL_SET, &set);
}

EXPORT int tqueue_control_get(int control, const char *name,
			      struct tqueue_info *info)
{
	memset(info, 0, sizeof(*info));
	if (libtq_copy_name(info->name, name))
		return -1;
	return libtq_ioctl(control, TQUEUE_CTL_GET, info);
}

EXPORT int tqueue_control_next(int control, struct tqueue_info *info)
{
	char name[TQUEUE_NAME_MAX + 1];

	memcpy(name, info->name, sizeof(name));
	memset(info, 0, sizeof(*info));
	memcpy(info->name, name, sizeof(name));
	if (!libtq_ioctl(control, TQUEUE_CTL_NEXT, info))
		return 1;
	return errno == ENOENT ? 0 : -1;
}
