// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "job.h"
#include "run_log.h"
#include "run_signals.h"
#include "run_status.h"
#include "service.h"
#include "spawn.h"
#include "units.h"

static const int ending[] = { SIGTERM, SIGINT, SIGHUP, 0 };

static struct {
	struct event_source source;
	struct run *run;
	sigset_t set;
} signals;

/* The first signal: starts no more jobs. */
static void ask_to_end(struct run *run, int number)
{
	uint64_t now = clock_ns();

	run->signal = number;
	if (run->options->drain_timeout < UNITS_FOREVER - now)
		run->drain_until = now + run->options->drain_timeout;
	run_drain(run, 0);
	if (run->running)
		run_log(LOG_NOTICE, NULL, "ends when %u running job%s ended; another signal stops %s",
			run->running, run->running == 1 ? " has" : "s have",
			run->running == 1 ? "it" : "them");
}

/* The second signal: stops the jobs. */
static void stop_jobs(struct run *run, uint64_t kill_after)
{
	uint32_t i;

	run->drain_until = UNITS_FOREVER;
	if (run->running)
		run_log(LOG_NOTICE, NULL, "stops %u running job%s; another signal kills %s",
			run->running, run->running == 1 ? "" : "s",
			run->running == 1 ? "it" : "them");
	for (i = 0; i < run->options->jobs; i++)
		if (run->jobs[i].pid)
			job_stop(&run->jobs[i], kill_after);
}

/* The third signal: kills the jobs. */
static void kill_jobs(struct run *run)
{
	struct job *job;
	uint32_t i;

	for (i = 0; i < run->options->jobs; i++) {
		job = &run->jobs[i];
		if (job->pid)
			job_kill(job, job->fate == JOB_RUNS ? JOB_STOPPED : job->fate);
	}
}

static void on_signal(struct event_source *source, uint32_t events)
{
	struct run *run = signals.run;
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		run_status_report(run);
		return;
	}
	run->signals++;
	if (run->signals == 1)
		ask_to_end(run, (int)info.ssi_signo);
	else if (run->signals == 2)
		stop_jobs(run, UNITS_FOREVER);
	else
		kill_jobs(run);
}

int run_signals_open(struct run *run)
{
	struct sigaction before;
	size_t i;

	signals.run = run;
	/* The write fails instead. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* If SIGCHLD were ignored, waitid(2) would not get the status of a process. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&signals.set);
	sigaddset(&signals.set, SIGUSR1);
	for (i = 0; ending[i]; i++) {
		sigaction(ending[i], NULL, &before);
		/* nohup(1) and shells without job control expect this. */
		if (before.sa_handler != SIG_IGN)
			sigaddset(&signals.set, ending[i]);
	}
	sigprocmask(SIG_BLOCK, &signals.set, NULL);
	signals.source.fd = signalfd(-1, &signals.set, SFD_CLOEXEC | SFD_NONBLOCK);
	signals.source.ready = on_signal;
	return signals.source.fd < 0 ? -1 : events_add(&signals.source, EPOLLIN);
}

void run_signals_check(struct run *run, uint64_t now)
{
	if (now < run->drain_until)
		return;
	run_log(LOG_WARNING, NULL, "the running jobs have used up their time to end (--drain-timeout)");
	run->signals++;
	stop_jobs(run, run->options->kill_after);
}

void run_signals_die(int number)
{
	signal(number, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &signals.set, NULL);
	raise(number);
	_exit(128 + number);
}
