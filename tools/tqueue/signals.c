// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, 0 };
static sigset_t held, waiting;
static volatile sig_atomic_t came, count, restarts;

static void tick(int number)
{
	(void)number;
	alarm(1);
}

static void note(int number)
{
	const struct sigaction ticking = { .sa_handler = tick };

	came = number;
	count++;
	if (restarts)
		return;
	/*
	 * If the signal arrives just before a call that waits, it does not interrupt
	 * that call.  SIGALRM does, every second from now on.  Until now it belongs to
	 * our caller, who may use it as a time limit.
	 */
	sigaction(SIGALRM, &ticking, NULL);
	alarm(1);
}

void signals_watch(int restart)
{
	struct sigaction action = { .sa_handler = note }, before;
	size_t i;

	/* Earlier signals have interrupted what they had to. */
	if (count)
		alarm(0);
	restarts = restart;
	/* A second signal ends the program at once. */
	action.sa_flags = (int)SA_RESETHAND | (restart ? SA_RESTART : 0);
	sigemptyset(&held);
	for (i = 0; signals[i]; i++) {
		sigaction(signals[i], NULL, &before);
		/* nohup(1) and shells without job control expect this. */
		if (before.sa_handler == SIG_IGN)
			continue;
		sigaddset(&held, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, NULL, &waiting);
}

int signals_caught(void)
{
	return came;
}

int signals_count(void)
{
	return count;
}

void signals_hold(void)
{
	sigprocmask(SIG_BLOCK, &held, NULL);
}

void signals_release(void)
{
	sigprocmask(SIG_SETMASK, &waiting, NULL);
}

int signals_poll(struct pollfd *fds, nfds_t number, uint64_t ns)
{
	struct timespec left = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	return ppoll(fds, number, ns == UNITS_FOREVER ? NULL : &left, &waiting);
}

void signals_die(void)
{
	signal(came, SIG_DFL);
	signals_release();
	raise(came);
	_exit(128 + came);
}
