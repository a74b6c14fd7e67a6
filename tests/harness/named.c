// SPDX-License-Identifier: GPL-2.0-only
/* See named.h. */
#include "named.h"

#include "check.h"
#include "queue.h"
#include "records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int t_control(void)
{
	static int control = -1;

	if (control < 0) {
		control = open(TQ_CONTROL, O_RDWR | O_CLOEXEC);
		t_true(control >= 0, "open(%s) fails with %s", TQ_CONTROL,
		       strerrorname_np(errno));
	}
	return control;
}

struct tqueue_create t_creation(const char *name)
{
	struct tqueue_create create = { .mode = 0600 };

	t_true(strlen(name) <= TQUEUE_NAME_MAX, "the name %s is too long", name);
	strcpy(create.name, name);
	return create;
}

int t_create_call(const struct tqueue_create *create)
{
	return ioctl(t_control(), TQUEUE_CTL_CREATE, create);
}

void t_create_with(const char *name, size_t size, unsigned int overflow,
		   unsigned int end_of_file)
{
	struct tqueue_create create = t_creation(name);

	create.config.size = size;
	create.config.overflow = overflow;
	create.config.end_of_file = end_of_file;
	create.config.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_OVERFLOW |
			       TQUEUE_CONFIG_END_OF_FILE;
	t_is(t_create_call(&create), 0);
}

void t_create(const char *name, size_t size)
{
	t_create_with(name, size, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_NEVER);
}

static struct tqueue_select selection(const char *name)
{
	struct tqueue_select select = { 0 };

	t_true(strlen(name) <= TQUEUE_NAME_MAX, "the name %s is too long", name);
	strcpy(select.name, name);
	return select;
}

int t_select_call(unsigned long request, const char *name)
{
	struct tqueue_select select = selection(name);

	return ioctl(t_control(), request, &select);
}

int t_remove_call(const char *name, unsigned int flags)
{
	struct tqueue_select select = selection(name);

	select.flags = flags;
	return ioctl(t_control(), TQUEUE_CTL_REMOVE, &select);
}

void t_remove(const char *name)
{
	t_is(t_remove_call(name, 0), 0);
}

void t_remove_all(void)
{
	struct tqueue_info info = { 0 };

	while (!ioctl(t_control(), TQUEUE_CTL_NEXT, &info))
		if (strcmp(info.name, "tqueue"))
			t_remove_call(info.name, TQUEUE_REMOVE_FORCE);
}

char *t_queue_path(const char *name)
{
	static __thread char path[sizeof(TQ_DIRECTORY) + TQUEUE_NAME_MAX + 2];

	snprintf(path, sizeof(path), TQ_DIRECTORY "/%s", name);
	return path;
}

int t_open_queue_call(const char *name, int flags)
{
	return open(t_queue_path(name), flags | O_CLOEXEC);
}

int t_open_queue(const char *name, int flags)
{
	int fd = t_open_queue_call(name, flags);

	t_true(fd >= 0, "open(%s, %#x) fails with %s", t_queue_path(name), flags,
	       strerrorname_np(errno));
	return fd;
}

int t_open_small(const char *name)
{
	t_create(name, TQ_PAGE);
	return t_open_queue(name, O_RDWR);
}

struct tqueue_info t_get(const char *name)
{
	struct tqueue_info info = { 0 };

	strcpy(info.name, name);
	t_is(ioctl(t_control(), TQUEUE_CTL_GET, &info), 0);
	return info;
}

struct tqueue_info t_info(int fd)
{
	struct tqueue_info info;

	memset(&info, 0xa5, sizeof(info));
	t_is(ioctl(fd, TQUEUE_INFO, &info), 0);
	return info;
}

static int set_call(const char *name, const struct tqueue_config *config)
{
	struct tqueue_set set = { .config = *config };

	strcpy(set.name, name);
	return ioctl(t_control(), TQUEUE_CTL_SET, &set);
}

int t_set_call(const char *name, unsigned int fields, uint64_t size,
	       uint64_t max_message)
{
	struct tqueue_config config = {
		.fields = fields, .size = size, .max_message = max_message,
	};

	return set_call(name, &config);
}

int t_policy_call(const char *name, unsigned int fields, unsigned int overflow,
		  unsigned int end_of_file)
{
	struct tqueue_config config = {
		.fields = fields, .overflow = overflow,
		.end_of_file = end_of_file,
	};

	return set_call(name, &config);
}

/* At a quiet point each message that was ever sent is somewhere. */
void t_adds_up_at(const char *file, int line, const struct tqueue_info *info)
{
	uint64_t sum = info->messages + info->leased + info->delayed +
		       info->buried + info->received + info->dropped +
		       info->in_flight;

	if (info->sent != sum)
		t_fail_at(file, line,
			  "%llu were sent, but %llu are ready, %llu leased, %llu delayed, %llu buried, %llu were received, %llu dropped and %u are in flight",
			   (unsigned long long)info->sent,
			   (unsigned long long)info->messages,
			   (unsigned long long)info->leased,
			   (unsigned long long)info->delayed,
			   (unsigned long long)info->buried,
			   (unsigned long long)info->received,
			   (unsigned long long)info->dropped, info->in_flight);
	if (!info->last_id != !info->sent)
		t_fail_at(file, line, "%llu were sent, and the last has id %llu",
			  (unsigned long long)info->sent,
			   (unsigned long long)info->last_id);
}

void t_end_at(const char *file, int line, int fd)
{
	struct tqueue_info info;

	t_empty_at(file, line, fd);
	info = t_info(fd);
	t_adds_up_at(file, line, &info);
	if (info.messages || info.bytes || info.in_flight || info.blocked_senders)
		t_fail_at(file, line,
			  "%llu messages, %llu bytes, %u in flight and %u blocked senders are left",
			   (unsigned long long)info.messages,
			   (unsigned long long)info.bytes,
			   info.in_flight, info.blocked_senders);
	if (info.leased || info.delayed || info.buried || info.leased_bytes ||
	    info.delayed_bytes || info.buried_bytes)
		t_fail_at(file, line,
			  "%llu leased messages (%llu bytes), %llu delayed (%llu) and %llu buried (%llu) are left",
			   (unsigned long long)info.leased,
			   (unsigned long long)info.leased_bytes,
			   (unsigned long long)info.delayed,
			   (unsigned long long)info.delayed_bytes,
			   (unsigned long long)info.buried,
			   (unsigned long long)info.buried_bytes);
	close(fd);
	t_remove(info.name);
}
