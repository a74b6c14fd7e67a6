/* SPDX-License-Identifier: GPL-2.0-only */
/* Senders and receivers of all kinds, pollers, and bystanders; each is a process. */
#ifndef TQUEUE_TRAFFIC_WORKERS_H
#define TQUEUE_TRAFFIC_WORKERS_H

#include "account.h"

#define FLIGHT		4	/* requests of an io_uring receiver */

struct worker {
	void (*run)(struct worker *self);
	const char *name;
	int number;		/* of a sender */
	int slots;		/* how many a receiver needs */
	bool bystander;		/* neither sends nor receives */
	int first;		/* of its slots */
	pid_t pid;
	double stopped;		/* until then */
	int pipe[2];		/* of a splicing receiver: outlives it */
	uint64_t dice;
};

/* True when it is worth trying again; otherwise the call must have gone well. */
bool try_again(ssize_t n, const char *what);

/* ---- receivers.c --------------------------------------------------------- */

void receive_whole(struct worker *self);
void receive_vector(struct worker *self);
void receive_short(struct worker *self);
void receive_bytes(struct worker *self);
void receive_poll(struct worker *self);
void receive_epoll_level(struct worker *self);
void receive_epoll_edge(struct worker *self);
void receive_epoll_exclusive(struct worker *self);
void receive_batch(struct worker *self);
void receive_splice(struct worker *self);
void receive_uring(struct worker *self);
void receive_threads(struct worker *self);

/* ---- senders.c ----------------------------------------------------------- */

void send_write(struct worker *self);
void send_slowly(struct worker *self);
void send_vector(struct worker *self);
void send_batch(struct worker *self);
void send_poll(struct worker *self);
void send_epoll_edge(struct worker *self);
void send_splice(struct worker *self);
void send_file(struct worker *self);
void send_uring(struct worker *self);

/* ---- bystanders.c -------------------------------------------------------- */

void open_and_close(struct worker *self);
void look(struct worker *self);
void pass_bad_pointers(struct worker *self);
void wait_badly(struct worker *self);

#endif
