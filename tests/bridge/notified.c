// SPDX-License-Identifier: GPL-2.0-only
/*
 * notified SOCKET: prints what services tell their manager, a line each, with the time
 * in milliseconds in front.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timespec now;
	char text[4096];
	ssize_t length;
	char *line;
	int fd;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("notified");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((length = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
		text[length] = '\0';
		clock_gettime(CLOCK_MONOTONIC, &now);
		for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			printf("%lld %s\n",
			       (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, line);
	}
	return 1;
}
