/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a message can be sent through: tqueue and the peers it is compared with,
 * behind one set of calls, so that each is measured by the same loop.
 */
#ifndef TQ_BENCH_PEERS_H
#define TQ_BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define BENCH_MAX_SIZE	65536
#define BENCH_MAX_BATCH	128	/* messages in one call */

/* One open peer. A process that inherited it across fork() attaches first. */
struct channel {
	const struct peer *peer;
	size_t size;		/* of every message, in bytes */
	int in;			/* where messages are sent, -1: not a file */
	int out;		/* where they are received */
	int id;			/* SysV: the queue */
	char *sent;		/* what is sent, and where it is received: on a page */
	char *received;		/*   boundary, with the room for SysV's type in front */
};

struct peer {
	const char *name;
	size_t min;		/* smallest and largest message it can carry */
	size_t max;
	bool boundaries;	/* keeps messages apart, whatever the reader's buffer */
	bool merges;		/* a counter: what was sent twice is received once */
	bool floor;		/* no queue at all: the price of the system calls */
	int (*open)(struct channel *c);
	int (*attach)(struct channel *c);
	ssize_t (*send)(struct channel *c);
	ssize_t (*receive)(struct channel *c);
	/* Of @n messages, in one call; returns how many. NULL: cannot. */
	int (*send_many)(struct channel *c, unsigned int n);
	int (*receive_many)(struct channel *c, unsigned int n);
	void (*close)(struct channel *c);
};

/* Ends with an entry whose name is NULL; tqueue is the first, the pipe the second. */
extern const struct peer peers[];

/* 0, or -1 with errno set when this machine does not have the peer. */
int channel_open(struct channel *c, const struct peer *peer, size_t size);
int channel_attach(struct channel *c);
/* One message there and back, compared byte by byte. */
bool channel_works(struct channel *c);
void channel_close(struct channel *c);

#endif
