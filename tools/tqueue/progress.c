// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"
#include "units.h"

#define NS_A_SECOND	1000000000ULL

static struct {
	/* Written by the thread that works, and read by the other one. */
	atomic_ullong messages, bytes;
	/* The rest is set before the thread starts, or guarded by @lock. */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	const char *verb;
	uint64_t total, began;
	int running, stopping, shown, standing, always, to_terminal;
} progress = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_A_SECOND + (uint64_t)now.tv_nsec;
}

int progress_in_foreground(void)
{
	pid_t group = tcgetpgrp(STDERR_FILENO);

	return group < 0 || group == getpgrp();
}

void progress_cut_to_width(char *line)
{
	struct winsize window;

	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &window) && window.ws_col &&
	    strlen(line) >= window.ws_col)
		line[window.ws_col - 1] = '\0';
}

/* Shows the line.  The caller holds @lock. */
static void show(int last)
{
	uint64_t messages = atomic_load_explicit(&progress.messages, memory_order_relaxed);
	uint64_t bytes = atomic_load_explicit(&progress.bytes, memory_order_relaxed);
	double seconds = (double)(now_ns() - progress.began) / NS_A_SECOND;
	char size[32], rate[32], share[16] = "", line[256];

	if (!progress.always && !progress_in_foreground())
		return;
	if (seconds < 0.001)
		seconds = 0.001;
	format_size_short(bytes, size, sizeof(size));
	format_size_short((uint64_t)((double)bytes / seconds), rate, sizeof(rate));
	if (progress.total) {
		/* The file may have grown. */
		if (bytes > progress.total)
			progress.total = bytes;
		snprintf(share, sizeof(share), " (%d %%)",
			 (int)((double)bytes * 100 / (double)progress.total));
	}
	snprintf(line, sizeof(line), "%llu message%s %s, %s%s, %.0f s, %.0f/s, %s/s",
		 (unsigned long long)messages, messages == 1 ? "" : "s", progress.verb,
		 size, share, seconds, (double)messages / seconds, rate);
	if (progress.to_terminal) {
		/* The last line stays on the screen, so it may be wider than the screen. */
		if (!last)
			progress_cut_to_width(line);
		fprintf(stderr, "\r%s\033[K%s", line, last ? "\n" : "");
	} else {
		fprintf(stderr, "%s\n", line);
	}
	fflush(stderr);
	progress.shown = 1;
	progress.standing = !last && progress.to_terminal;
}

static void *run(void *unused)
{
	uint64_t next = progress.began;
	struct timespec when;

	(void)unused;
	pthread_mutex_lock(&progress.lock);
	while (!progress.stopping) {
		next += NS_A_SECOND;
		when.tv_sec = (time_t)(next / NS_A_SECOND);
		when.tv_nsec = (long)(next % NS_A_SECOND);
		while (!progress.stopping &&
		       pthread_cond_timedwait(&progress.wake, &progress.lock, &when) != ETIMEDOUT)
			;
		if (!progress.stopping)
			show(0);
	}
	pthread_mutex_unlock(&progress.lock);
	return NULL;
}

void progress_start(enum progress_wish wish, int quiet, const char *verb,
		    uint64_t total)
{
	pthread_condattr_t attributes;
	sigset_t all, before;

	progress.to_terminal = isatty(STDERR_FILENO);
	if (wish == PROGRESS_NO || (wish == PROGRESS_AUTO && (quiet || !progress.to_terminal)))
		return;
	progress.always = wish == PROGRESS_YES;
	progress.verb = verb;
	progress.total = total;
	progress.began = now_ns();

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress.wake, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Signals are for the thread that works. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	progress.running = !pthread_create(&progress.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void progress_add(uint64_t messages, uint64_t bytes)
{
	atomic_fetch_add_explicit(&progress.messages, messages, memory_order_relaxed);
	atomic_fetch_add_explicit(&progress.bytes, bytes, memory_order_relaxed);
}

void progress_clear(void)
{
	pthread_mutex_lock(&progress.lock);
	if (progress.standing && progress_in_foreground()) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	progress.standing = 0;
	pthread_mutex_unlock(&progress.lock);
}

void progress_stop(void)
{
	if (!progress.running)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.stopping = 1;
	pthread_cond_signal(&progress.wake);
	pthread_mutex_unlock(&progress.lock);
	pthread_join(progress.thread, NULL);
	progress.running = 0;
	if (progress.always || progress.shown)
		show(1);
}
