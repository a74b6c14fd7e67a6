// SPDX-License-Identifier: GPL-2.0-only
/* See files.h. */
#include "files.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

ssize_t t_read_file(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, text, len - 1);
	close(fd);
	if (got < 0)
		return -1;
	text[got] = '\0';
	return got;
}

ssize_t t_slurp(const char *path, char *text, size_t len)
{
	ssize_t got = t_read_file(path, text, len);

	if (got >= 0)
		text[strcspn(text, "\n")] = '\0';
	return got;
}
