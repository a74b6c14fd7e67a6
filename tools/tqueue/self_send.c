// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "self_send.h"

/* Reads the beginning of a small file of /proc.  Returns 0 or -1. */
static int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = read(fd, text, size - 1);
	close(fd);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	return 0;
}

/* The file through which the process sends in a call that sleeps, or -1. */
static int sending_through(pid_t pid)
{
	unsigned long file, second;
	char path[64], text[256];
	long call;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	/* The file has "running" instead of a number if the process does not sleep. */
	if (read_file(path, text, sizeof(text)) ||
	    sscanf(text, "%ld %lx %lx", &call, &file, &second) != 3)
		return -1;
	if (call == SYS_write || call == SYS_writev ||
	    (call == SYS_ioctl && (unsigned int)second == TQUEUE_SEND))
		return (int)file;
	return -1;
}

static int sends_to(pid_t pid, const struct tqueue_info *queue)
{
	int file = sending_through(pid);
	char path[64];
	struct stat st;

	if (file < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, file);
	return !stat(path, &st) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(queue->major, queue->minor);
}

pid_t self_send_find(pid_t group, const struct tqueue_info *queue)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	pid_t pid, found = 0;

	if (!directory)
		return 0;
	while (!found && (entry = readdir(directory))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = (pid_t)atoi(entry->d_name);
		if (getpgid(pid) == group && sends_to(pid, queue))
			found = pid;
	}
	closedir(directory);
	return found;
}
