/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One direction of a bridge: a thread that has a connection.  The main thread checks that
 * it makes progress, and reports its status.
 */
#ifndef WORKER_H
#define WORKER_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "conf.h"
#include "connection.h"

/* How a worker ends: the exit status of the program. */
enum ending {
	ENDED_WELL = 0,
	ENDED_BADLY = 1, /* something could not be handed over, or done */
};

/* Why a direction's work on one connection is over. */
enum over {
	OVER_DONE,	 /* the bridge has to end, or all is handed over (--once) */
	OVER_CONNECTION, /* the connection is lost */
	OVER_QUEUE,	 /* the queue of this machine is lost; errno says why */
	OVER_HAND_BACK,	 /* the way in: the broker must send all messages again */
};

/**
 * struct worker - a direction
 * @conf: the settings
 * @once: hand over what is there now, then end
 * @run: the loop of this direction
 * @thread: the thread that runs it
 * @stopping: whether it has to end
 * @stop: an eventfd that is readable when it has to end
 * @connection: its connection; the main thread checks its guard
 * @at_uri: the index of the broker that it is connected to, or tries next
 * @delay: the delay before it connects again, nanoseconds
 * @connected: when it connected last
 * @reported: why there is no connection, as last reported
 * @turned: when the last turn of its loop began, for the main thread
 * @now: the same, for its own thread
 * @ready: the queues and files of this machine are open
 * @ended: its thread has ended, with @ending
 * @ending: how it ended
 * @lock: guards @status
 * @status: the line of status
 */
struct worker {
	const struct conf *conf;
	int once;
	enum ending (*run)(struct worker *worker);
	pthread_t thread;
	atomic_int stopping;
	int stop;
	struct connection connection;
	unsigned int at_uri;
	uint64_t delay;
	uint64_t connected;
	char reported[1024];
	atomic_uint_least64_t turned;
	uint64_t now;
	atomic_int ready;
	atomic_int ended;
	enum ending ending;
	pthread_mutex_t lock;
	char status[256];
};

/* Starts a direction; @what is "out" or "in". */
void worker_start(struct worker *worker, const struct conf *conf, const char *what, int once,
		  int stop, enum ending (*run)(struct worker *worker));

/* Notes that the direction is ready, and needs only the broker now. */
static inline void worker_is_ready(struct worker *worker)
{
	atomic_store(&worker->ready, 1);
}

/* Sets the line of status. */
__attribute__((format(printf, 2, 3))) void worker_status(struct worker *worker,
							 const char *format, ...);

/* Begins a turn of the loop: it does not hang.  Reads the clock. */
void worker_turn(struct worker *worker);

/* Whether it has to end. */
static inline int worker_stopping(const struct worker *worker)
{
	return atomic_load(&worker->stopping);
}

/*
 * Waits until one of the @files is ready, the direction has to end, or @ms have passed
 * (at most a second).  Files of -1 are ignored.
 */
void worker_wait(struct worker *worker, struct pollfd *files, unsigned int count, unsigned int ms);

/* Sleeps for any time.  Returns 0, or -1 if the direction has to end. */
int worker_sleep(struct worker *worker, uint64_t ns);

/*
 * Connects to one of the brokers, however long that takes.  Returns 0; or -1 if the
 * direction has to end, or with --once if it can reach no broker.
 */
int worker_connect(struct worker *worker);

/* Notes that the connection works, so that the next one is tried without a delay. */
void worker_is_well(struct worker *worker);

/* Ends a connection that was lost, and reports why. */
void worker_lost(struct worker *worker);

#endif /* WORKER_H */
