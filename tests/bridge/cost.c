// SPDX-License-Identifier: GPL-2.0-only
/*
 * cost COMMAND [ARGUMENT...]: the nanoseconds of processor that a command takes, with what the
 * kernel does for it; in a guest that counts instructions these are instructions.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = fork();
	if (!pid) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status))
		return 1;
	printf("%lld\n", ((long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
			  usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
				 1000);
	return 0;
}
