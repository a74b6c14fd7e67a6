// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests on a queue, through its open file or the control device.
 */
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

/* The features that the driver needs for these settings. */
static uint64_t features_for(const struct tqueue_config *config)
{
	uint64_t features = 0;

	if (config->fields & (TQUEUE_CONFIG_TTL | TQUEUE_CONFIG_ON_EXPIRED))
		features |= TQUEUE_FEATURE_TTL;
	if (config->fields & TQUEUE_CONFIG_UNIQUE)
		features |= TQUEUE_FEATURE_UNIQUE;
	if (config->fields & (TQUEUE_CONFIG_MAX_ATTEMPTS | TQUEUE_CONFIG_ON_EXHAUSTED |
			      TQUEUE_CONFIG_LEASE_LIMIT | TQUEUE_CONFIG_MAX_LEASED |
			      TQUEUE_CONFIG_MAX_BURIED))
		features |= TQUEUE_FEATURE_LEASE;
	return features;
}

EXPORT int tqueue_set(int fd, const struct tqueue_config *config)
{
	struct tqueue_config copy = *config;

	return libtq_ioctl_for(fd, TQUEUE_SET, &copy, features_for(config));
}

EXPORT int tqueue_start(int fd)
{
	return libtq_ioctl(fd, TQUEUE_START, NULL);
}

EXPORT int tqueue_stop(int fd)
{
	return libtq_ioctl(fd, TQUEUE_STOP, NULL);
}

EXPORT int tqueue_pause(int fd)
{
	return libtq_ioctl(fd, TQUEUE_PAUSE, NULL);
}

EXPORT int tqueue_resume(int fd)
{
	return libtq_ioctl(fd, TQUEUE_RESUME, NULL);
}

EXPORT int tqueue_kick(int fd, uint64_t id, uint32_t count, unsigned int states,
		       uint32_t *left)
{
	struct tqueue_kick kick = { .id = id, .count = count, .states = states };
	int result = libtq_ioctl_for(fd, TQUEUE_KICK, &kick, TQUEUE_FEATURE_LIST);

	if (left && result >= 0)
		*left = kick.left;
	return result;
}

EXPORT int tqueue_list_messages(int fd, struct tqueue_listed *messages,
				size_t size, uint32_t count, uint64_t after,
				unsigned int states)
{
	struct tqueue_list list = {
		.entries = (uintptr_t)messages,
		.after = after,
		.count = count,
		.entry_bytes = (__u32)size,
		.states = states,
	};

	return libtq_ioctl_for(fd, TQUEUE_LIST, &list, TQUEUE_FEATURE_LIST);
}

EXPORT int tqueue_control_features(int control, uint64_t *features)
{
	__u64 value;

	if (libtq_ioctl(control, TQUEUE_CTL_FEATURES, &value))
		return -1;
	*features = value;
	return 0;
}

/* libtq_ioctl_for() on the control device. */
static int control_ioctl(int control, unsigned long request, void *argument,
			 uint64_t features)
{
	int result = libtq_ioctl(control, request, argument);
	uint64_t known;

	if (result >= 0 || errno != EINVAL || !features)
		return result;
	if (!tqueue_control_features(control, &known) && features & ~known)
		return libtq_fail(TQUEUE_EOLDDRIVER);
	return libtq_fail(EINVAL);
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
	return control_ioctl(control, TQUEUE_CTL_CREATE, &create, features_for(&create.config));
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

EXPORT int tqueue_control_pause(int control, const char *name)
{
	return select_queue(control, TQUEUE_CTL_PAUSE, name, 0);
}

EXPORT int tqueue_control_resume(int control, const char *name)
{
	return select_queue(control, TQUEUE_CTL_RESUME, name, 0);
}

EXPORT int tqueue_control_set(int control, const char *name,
			      const struct tqueue_config *config)
{
	struct tqueue_set set = { .config = *config };

	if (libtq_copy_name(set.name, name))
		return -1;
	return control_ioctl(control, TQUEUE_CTL_SET, &set, features_for(config));
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
