// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job.h"
#include "job_command.h"
#include "outcome.h"
#include "run_log.h"
#include "spawn.h"
#include "units.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U
#endif

#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static struct job *job_of(struct event_source *source, size_t offset)
{
	return (struct job *)((char *)source - offset);
}

/* Whether the process has ended, even if events_wait() has not reported that yet. */
static int has_ended(const struct job *job)
{
	siginfo_t info = { 0 };

	return waitid(P_PIDFD, (id_t)job->process.fd, &info,
		      WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

static void signal_group(const struct job *job, int number)
{
	/* The group exists as long as nobody has waited for its leader. */
	kill(-job->pid, number);
	/* A stopped process sees the signal only after SIGCONT. */
	if (number != SIGKILL)
		kill(-job->pid, SIGCONT);
}

/* Settles a job.  Its process has ended, or will end soon: waits for that. */
static void end(struct job *job)
{
	siginfo_t info = { 0 };

	/* If the job was stopped, the rest of its process group must end, too. */
	if (job->fate != JOB_RUNS)
		kill(-job->pid, SIGKILL);
	while (waitid(P_PIDFD, (id_t)job->process.fd, &info, WEXITED) && errno == EINTR)
		;
	events_close(&job->process);
	job->pid = 0;
	job->run->running--;
	job->run->dry = 0;
	/* What was short may be free now. */
	job->run->hold_until = 0;
	job_output_end(&job->output);
	outcome_settle(job, &info);
	/* Closing this file ends the lease, so the job must be settled before. */
	events_close(&job->lease);
}

static void on_process(struct event_source *source, uint32_t events)
{
	struct job *job = job_of(source, offsetof(struct job, process));

	(void)events;
	if (has_ended(job))
		end(job);
}

static void on_lease(struct event_source *source, uint32_t events)
{
	struct job *job = job_of(source, offsetof(struct job, lease));

	(void)events;
	/* Another worker may have the message by now. */
	if (!has_ended(job))
		job_kill(job, JOB_LOST);
}

void job_init(struct job *job, struct run *run, unsigned int slot)
{
	const struct run_options *options = run->options;
	enum job_output_mode mode = JOB_OUTPUT_OURS;

	if (options->group)
		mode = JOB_OUTPUT_GROUP;
	else if (options->jobs > 1 || options->tag)
		mode = JOB_OUTPUT_LINES;
	job->run = run;
	job->slot = slot;
	job->process = (struct event_source){ .fd = -1, .ready = on_process };
	job->lease = (struct event_source){ .fd = -1, .ready = on_lease };
	job_output_init(&job->output, mode);
}

/* Makes a file of the payload that can only be read.  Returns -1 and errno on failure. */
static int make_input(const struct tqueue_record *record)
{
	const char *data = tqueue_payload(record);
	size_t left = record->length;
	ssize_t length;
	int fd, error;

	fd = memfd_create("tqueue-job", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	/* Linux before 6.3 does not know MFD_NOEXEC_SEAL. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("tqueue-job", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	for (; left; left -= (size_t)length, data += length) {
		length = write(fd, data, left);
		if (length < 0 && errno == EINTR)
			length = 0;
		else if (length <= 0)
			break;
	}
	if (!left && !fcntl(fd, F_ADD_SEALS, SEALS) && !lseek(fd, 0, SEEK_SET))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static const char *tag_of(const struct job *job, char *text, size_t size)
{
	if (!job->run->options->tag)
		return NULL;
	snprintf(text, size, "%s:%llu", job->queue->name, (unsigned long long)job->id);
	return text;
}

/* What an error means for a job that was not started. */
static enum job_start why_not(const struct job *job, int error, int executing)
{
	switch (error) {
	case EAGAIN:
	case ENOMEM:
	case ETXTBSY:
	case EMFILE:
	case ENFILE:
		return JOB_LATER;
	case E2BIG:
		/* Without the payload the arguments are always the same. */
		if (job->run->options->replace)
			return JOB_OVER;
		return JOB_NEVER;
	default:
		return executing ? JOB_NEVER : JOB_LATER;
	}
}

/* Starts the process with its files.  *@executing: execve(2) is what failed. */
static int start_process(struct job *job, struct job_command *command,
			 const struct tqueue_record *record, int *executing)
{
	const struct run_options *options = job->run->options;
	struct spawn how = {
		.path = options->program,
		.argv = command->argv,
		.envp = command->envp,
		.keep = options->no_inherit ? -1 : job->lease.fd,
	};
	char tag[96];
	int error;

	how.in = make_input(record);
	if (how.in < 0)
		return -1;
	if (job_output_open(&job->output, tag_of(job, tag, sizeof(tag)))) {
		error = errno;
		close(how.in);
		errno = error;
		return -1;
	}
	how.out = job->output.ends[0];
	how.err = job->output.ends[1];
	job->pid = spawn(&how, &job->process.fd, executing);
	error = errno;
	close(how.in);
	if (job->pid < 0) {
		job->pid = 0;
		job_output_end(&job->output);
		errno = error;
		return -1;
	}
	job_output_begin(&job->output);
	return 0;
}

/* Watches a process that was started, and its lease. */
static enum job_start watch(struct job *job)
{
	const struct run_options *options = job->run->options;

	job->fate = JOB_RUNS;
	job->deadline = UNITS_FOREVER;
	if (options->timeout < UNITS_FOREVER - job->began)
		job->deadline = job->began + options->timeout;
	job->run->running++;
	if (events_add(&job->process, EPOLLIN) || events_add(&job->lease, EPOLLONESHOT)) {
		/* The end of the job would not be noticed. */
		run_log(LOG_ERR, job->queue->name, "cannot wait for job %llu: %m",
			(unsigned long long)job->id);
		job->fate = JOB_STOPPED;
		end(job);
	}
	return JOB_STARTED;
}

/* Buries or returns the message of a job that was not started. */
static enum job_start not_started(struct job *job, int error, int executing)
{
	enum job_start result = why_not(job, error, executing);

	if (result == JOB_OVER)
		outcome_bury(job, "its payload is too long for an argument");
	else
		outcome_give_back(job);
	events_close(&job->lease);
	errno = error;
	return result;
}

enum job_start job_start(struct job *job, struct run_queue *queue,
			 const struct tqueue_record *record)
{
	const struct run_options *options = job->run->options;
	struct job_command command;
	struct tqueue_info info;
	int executing = 0, error;

	job->queue = queue;
	job->id = record->id;
	job->delivery = record->delivery;
	job->attempt = record->attempts + 1U;
	job->max_attempts = tqueue_get(queue->source.fd, &info) ? 0 : info.max_attempts;
	job->began = clock_ns();
	job->lease.fd = tqueue_hold(queue->source.fd, job->id, job->delivery);
	if (job->lease.fd < 0) {
		/* The lease is over already, or the queue was removed. */
		if (errno == ESTALE || errno == EIDRM)
			return JOB_OVER;
		return not_started(job, errno, 0);
	}
	if (job_command_make(&command, options, job, record)) {
		outcome_bury(job, "its payload has a zero byte and cannot be an argument");
		events_close(&job->lease);
		return JOB_OVER;
	}
	error = start_process(job, &command, record, &executing) ? errno : 0;
	job_command_free(&command, options);
	return error ? not_started(job, error, executing) : watch(job);
}

void job_check_deadline(struct job *job, uint64_t now)
{
	if (now < job->deadline || has_ended(job))
		return;
	if (job->fate == JOB_RUNS) {
		job_stop(job, job->run->options->kill_after);
		job->fate = JOB_TIMED_OUT;
	} else {
		job_kill(job, job->fate);
	}
}

void job_stop(struct job *job, uint64_t kill_after)
{
	uint64_t now = clock_ns(), deadline = UNITS_FOREVER;

	if (has_ended(job))
		return;
	if (kill_after < UNITS_FOREVER - now)
		deadline = now + kill_after;
	/* A job that is being stopped already gets no more time. */
	if (job->fate == JOB_RUNS || deadline < job->deadline)
		job->deadline = deadline;
	if (job->fate == JOB_RUNS)
		job->fate = JOB_STOPPED;
	signal_group(job, SIGTERM);
}

void job_kill(struct job *job, enum job_fate fate)
{
	if (has_ended(job))
		return;
	job->fate = fate;
	job->deadline = UNITS_FOREVER;
	signal_group(job, SIGKILL);
}
