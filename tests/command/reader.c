// SPDX-License-Identifier: GPL-2.0-only
/*
 * reader KIND BYTES COMMAND...: runs a command whose standard output is one end of
 * such a thing, reads so many bytes of it (0: to the end), and leaves.  Writes what
 * it read, one read a line, and ends with the status of the command.
 *
 * KIND: stream, seqpacket (sockets, as Node.js and systemd give them to their
 * children), packets (a pipe in packet mode) or terminal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is read at [0] was written at [1]. */
static int connect_ends(const char *kind, int ends[2])
{
	if (!strcmp(kind, "stream"))
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
	if (!strcmp(kind, "seqpacket"))
		return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
	if (!strcmp(kind, "packets"))
		return pipe2(ends, O_CLOEXEC | O_DIRECT);
	if (strcmp(kind, "terminal"))
		return -1;
	ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ends[0] < 0 || grantpt(ends[0]) || unlockpt(ends[0]))
		return -1;
	ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return ends[1] < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	static char data[1 << 20];
	ssize_t length = 0;
	int ends[2], status;
	size_t wanted;
	pid_t pid;

	if (argc < 4 || connect_ends(argv[1], ends)) {
		fprintf(stderr, "reader: no such kind, or it cannot be made\n");
		return 99;
	}
	wanted = strtoul(argv[2], NULL, 10);
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		execvp(argv[3], argv + 3);
		_exit(98);
	}
	close(ends[1]);
	while (!wanted || (size_t)length < wanted) {
		ssize_t part = read(ends[0], data, sizeof(data));

		if (part <= 0)
			break;
		length += part;
		fwrite(data, 1, (size_t)part, stdout);
		putchar('\n');
	}
	fflush(stdout);
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid)
		return 97;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
