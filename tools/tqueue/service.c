// SPDX-License-Identifier: GPL-2.0-only
/*
 * The protocol is a datagram, and sd_notify(3) promises that it stays the same.  So this
 * needs no library.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service.h"
#include "units.h"

static struct {
	int fd;
	struct sockaddr_un address;
	socklen_t length;
} manager = { .fd = -1 };

int service_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;

	if (!length || length >= sizeof(manager.address.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return 0;
	manager.address.sun_family = AF_UNIX;
	memcpy(manager.address.sun_path, path, length);
	/* '@' stands for the zero byte of an abstract socket. */
	if (path[0] == '@')
		manager.address.sun_path[0] = '\0';
	manager.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return manager.fd >= 0;
}

void service_notify(const char *state)
{
	if (manager.fd >= 0)
		sendto(manager.fd, state, strlen(state), MSG_NOSIGNAL,
		       (const struct sockaddr *)&manager.address, manager.length);
}

uint64_t service_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t number;

	if (manager.fd < 0 || !usec)
		return 0;
	if (pid && (parse_number(pid, INT32_MAX, &number) || number != (uint64_t)getpid()))
		return 0;
	if (parse_number(usec, UINT64_MAX / 1000, &number))
		return 0;
	return number * 1000;
}

int service_has_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st))
		return 0;
	snprintf(here, sizeof(here), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return !strcmp(stream, here);
}
