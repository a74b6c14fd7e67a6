/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a worker can get its jobs from: tqueue and the daemons it is compared with,
 * behind one set of calls.  A worker takes a job, which then is its own, and says
 * that it is done.
 */
#ifndef TQ_BENCH_JOBPEERS_H
#define TQ_BENCH_JOBPEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define JOB_SIZE	64
#define JOB_MAX_BATCH	128

/* One worker with its connection, and the jobs that it has taken. */
struct worker {
	const struct job_peer *peer;
	int fd;
	bool priorities;		/* put jobs at random priorities above 0 */
	char payload[JOB_SIZE];		/* of the first job that was taken last */
	struct {
		uint64_t id;		/* tqueue */
		uint32_t delivery;
		char name[32];		/* daemons: the id as they wrote it */
		int length;
	} jobs[JOB_MAX_BATCH];
};

struct job_peer {
	const char *name;
	const char *address;		/* daemons: a path, or NULL for TCP */
	bool lists;			/* Redis: a list, not a stream */
	/* The queue itself, empty, for so many jobs: makes it, or starts the daemon. */
	void (*start)(const struct job_peer *peer, size_t jobs);
	void (*stop)(const struct job_peer *peer);
	void (*connect)(struct worker *w);
	/* @n jobs at once, in as few calls as the peer can do with.  All die on any error. */
	void (*put)(struct worker *w, unsigned int n);
	void (*take)(struct worker *w, unsigned int n);
	void (*done)(struct worker *w, unsigned int n);
	/* Says that the one job is done and takes the next, in one call.  NULL: cannot. */
	void (*next)(struct worker *w);
	/* Others get what a worker has taken as soon as it dies. */
	bool returns;
};

/* Ends with an entry whose name is NULL; tqueue is the first. */
extern const struct job_peer job_peers[];
/* What every job carries. */
extern const char job_payload[JOB_SIZE];

/* Makes the memory that all peers work with this process's own, after a fork(). */
void touch_buffers(void);

void die(const char *what);
void must(bool ok, const char *what);

#endif
