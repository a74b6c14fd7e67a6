// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <unistd.h>

#include "ending.h"

sigset_t ending_waiting;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, 0 };
static sigset_t held;
static volatile sig_atomic_t came;

static void note(int number)
{
	came = number;
}

void ending_watch(int restart)
{
	struct sigaction action = { .sa_handler = note }, before;
	size_t i;

	/* The second one is for whoever does not want to wait. */
	action.sa_flags = (int)SA_RESETHAND | (restart ? SA_RESTART : 0);
	sigemptyset(&held);
	for (i = 0; signals[i]; i++) {
		sigaction(signals[i], NULL, &before);
		/* As nohup(1) and shells without job control want it. */
		if (before.sa_handler == SIG_IGN)
			continue;
		sigaddset(&held, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, NULL, &ending_waiting);
}

int ending_signal(void)
{
	return came;
}

void ending_hold(void)
{
	sigprocmask(SIG_BLOCK, &held, NULL);
}

void ending_release(void)
{
	sigprocmask(SIG_SETMASK, &ending_waiting, NULL);
}

void ending_die(void)
{
	signal(came, SIG_DFL);
	ending_release();
	raise(came);
	_exit(128 + came);
}
