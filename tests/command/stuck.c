// SPDX-License-Identifier: GPL-2.0-only
/*
 * stuck: sleeps where no signal wakes it but the last (D state), with the files that
 * it was given: in vfork(), for a child that does not go on.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

int main(void)
{
	pid_t pid = vfork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid < 0;
}
