/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver's list of messages. */
#ifndef LISTED_H
#define LISTED_H

#include <stdint.h>
#include <tqueue.h>

/* The bit of a state that was given as a word, or 0. */
unsigned int state_of_word(const char *word);

const char *message_state_word(const struct tqueue_listed *message);
const char *message_reason_word(const struct tqueue_listed *message);

/* The clocks that messages are timed by, in nanoseconds. */
struct clocks {
	int64_t boottime;
	int64_t monotonic;
};

struct clocks clocks_now(void);

/* How long it has been in its state, in nanoseconds. */
uint64_t message_age(const struct tqueue_listed *message, const struct clocks *clocks);

/* How long until it becomes ready or its lease ends: nanoseconds, or UNITS_FOREVER. */
uint64_t message_left(const struct tqueue_listed *message, const struct clocks *clocks);

/*
 * Calls @visit for each message of an open queue that is in one of @states (0: any), in
 * the order of ids, until it returns a number other than 0.  Returns that number, 0 at
 * the end, or -1 and errno.
 */
int messages_each(int fd, unsigned int states,
		  int (*visit)(const struct tqueue_listed *message, void *context),
		  void *context);

#endif /* LISTED_H */
