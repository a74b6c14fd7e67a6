/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * No call of librabbitmq may hang a bridge.  Some can, whatever limits are set: a publish
 * when buffers are full, and any call after the broker has closed the channel.  So each
 * call is made between guard_begin() and guard_end().  If it takes too long, another
 * thread shuts the socket down, and the call fails.
 *
 * The calls are numbered.  The other thread measures how long it has seen the same
 * number, so the calling thread does not need to read the clock.
 */
#ifndef GUARD_H
#define GUARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/**
 * struct guard - guards the calls on one connection
 * @call: the number of the call; odd while a call is made
 * @cut: the number of a call that was ended
 * @lock: keeps @fd from being closed and reused before it is shut down
 * @fd: the socket, or -1
 * @seen: the call that the other thread saw last
 * @since: when it saw that call first
 */
struct guard {
	atomic_uint call;
	atomic_uint cut;
	pthread_mutex_t lock;
	int fd;
	unsigned int seen;
	uint64_t since;
};

void guard_init(struct guard *guard);

/* Sets the socket; -1: none. */
void guard_socket(struct guard *guard, int fd);

/* A call begins. */
static inline void guard_begin(struct guard *guard)
{
	atomic_store_explicit(&guard->call,
			      atomic_load_explicit(&guard->call, memory_order_relaxed) + 1,
			      memory_order_release);
}

/* It has ended.  Returns whether its socket was shut down for it. */
static inline int guard_end(struct guard *guard)
{
	unsigned int call = atomic_load_explicit(&guard->call, memory_order_relaxed);

	atomic_store_explicit(&guard->call, call + 1, memory_order_release);
	return atomic_load_explicit(&guard->cut, memory_order_relaxed) == call;
}

/* Shuts down the socket of a call that takes longer than @limit. */
void guard_look(struct guard *guard, uint64_t limit);

#endif /* GUARD_H */
