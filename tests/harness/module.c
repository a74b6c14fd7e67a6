// SPDX-License-Identifier: GPL-2.0-only
/* See module.h. */
#include "module.h"

#include "check.h"
#include "clock.h"
#include "files.h"
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

const char *t_module_file(void)
{
	static const char * const endings[] = { "", ".xz", ".zst", ".gz" };
	static char path[256], release[65];
	const char *given = getenv("TQUEUE_KO");
	size_t i;

	if (given && *given)
		return given;
	if (t_slurp("/proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(endings); i++) {
		snprintf(path, sizeof(path),
			 "/lib/modules/%s/updates/dkms/tqueue.ko%s", release,
			 endings[i]);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}

bool t_module_loaded(void)
{
	return !access("/sys/module/tqueue/initstate", F_OK);
}

int t_references(void)
{
	char text[32];

	if (t_slurp("/sys/module/tqueue/refcnt", text, sizeof(text)) < 0)
		return -1;
	return atoi(text);
}

int t_load(const char *params)
{
	const char *file = t_module_file();
	const char *dot = file ? strrchr(file, '.') : NULL;
	int flags = dot && strcmp(dot, ".ko") ? MODULE_INIT_COMPRESSED_FILE : 0;
	int fd, error;

	if (!file)
		return ENOENT;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	error = syscall(SYS_finit_module, fd, params, flags) ? errno : 0;
	close(fd);
	if (!error) {
		double end = t_now() + t_patience();

		/* devtmpfs has the node at once; udev may be replacing it. */
		while (access(TQ_DEVICE, F_OK) && t_now() < end)
			t_sleep(0.002);
	}
	return error;
}

int t_unload(void)
{
	return syscall(SYS_delete_module, "tqueue", O_NONBLOCK) ? errno : 0;
}
