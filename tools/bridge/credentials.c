// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "credentials.h"

/* Finds the file of the password.  Returns 1 if it is from systemd, which protects it. */
static int find_password(const struct conf *conf, char path[PATH_MAX])
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	if (*conf->broker.password_file) {
		strcpy(path, conf->broker.password_file);
		return 0;
	}
	if (directory) {
		snprintf(path, PATH_MAX, "%s/password", directory);
		if (!access(path, F_OK))
			return 1;
	}
	snprintf(path, PATH_MAX, CONF_DIRECTORY "/%s.password", conf->name);
	return 0;
}

/* Checks that only root and the user of this program can read or replace the file. */
static int check_secrecy(int fd, const char *path, char *wrong, size_t room)
{
	struct stat st;

	if (fstat(fd, &st)) {
		snprintf(wrong, room, "cannot examine %s: %s", path, strerror(errno));
		return -1;
	}
	if (st.st_uid && st.st_uid != geteuid()) {
		snprintf(wrong, room,
			 "%s, which has the password, belongs to neither root nor the user of this program (chown root %s)",
			 path, path);
		return -1;
	}
	if (st.st_mode & 077) {
		snprintf(wrong, room,
			 "users other than the owner may read %s, which has the password (chmod 600 %s)",
			 path, path);
		return -1;
	}
	return 0;
}

/* Reads the first line of an open file.  Returns 0 or -1. */
static int read_line(int fd, const char *path, char *line, size_t size, char *wrong, size_t room)
{
	ssize_t length = read(fd, line, size - 1);

	if (length < 0) {
		snprintf(wrong, room, "cannot read the password from %s: %s", path,
			 strerror(errno));
		return -1;
	}
	line[length] = '\0';
	if ((size_t)length == size - 1 && !strpbrk(line, "\r\n")) {
		snprintf(wrong, room, "the password in %s is too long", path);
		return -1;
	}
	line[strcspn(line, "\r\n")] = '\0';
	if (*line)
		return 0;
	snprintf(wrong, room, "there is no password in the first line of %s", path);
	return -1;
}

int credentials_load(struct credentials *credentials, const struct conf *conf, char *wrong,
		     size_t room)
{
	char path[PATH_MAX];
	int from_systemd = find_password(conf, path);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int result = 0;

	if (fd < 0) {
		snprintf(wrong, room,
			 "cannot read the password from %s: %s (see CREDENTIALS in tqueue-bridge(8))",
			 path, strerror(errno));
		return -1;
	}
	strcpy(credentials->user, conf->broker.user);
	if (!from_systemd)
		result = check_secrecy(fd, path, wrong, room);
	if (!result)
		result = read_line(fd, path, credentials->password,
				   sizeof(credentials->password), wrong, room);
	close(fd);
	return result;
}
