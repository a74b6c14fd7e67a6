// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "report.h"

/* Returns 0 if the file can be executed, else -1 and errno. */
static int check(const char *path)
{
	struct stat st;

	if (eaccess(path, X_OK) || stat(path, &st))
		return -1;
	if (S_ISREG(st.st_mode))
		return 0;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
	return -1;
}

char *find_program(const char *name)
{
	const char *directories = getenv("PATH"), *end;
	int error = ENOENT;
	char *path;

	if (strchr(name, '/'))
		return check(name) ? NULL : xnonnull(strdup(name));
	if (!directories)
		directories = "/usr/local/bin:/usr/bin:/bin";
	for (;; directories = end + 1) {
		end = strchrnul(directories, ':');
		/* An empty name in PATH stands for the current directory. */
		if (asprintf(&path, "%.*s%s%s", (int)(end - directories), directories,
			     end == directories ? "./" : "/", name) < 0)
			path = xnonnull(NULL);
		if (!check(path))
			return path;
		/* This error says more than ENOENT, if no other directory has the program. */
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
		free(path);
		if (!*end)
			break;
	}
	errno = error;
	return NULL;
}
