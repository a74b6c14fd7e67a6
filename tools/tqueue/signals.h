/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals that ask to end: the first one is noted, so that what is at hand can
 * be brought to its end; a second one ends the program where it is.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>

#include "units.h"

/*
 * From now on SIGINT, SIGTERM and SIGHUP are noted.  Calls that wait are
 * started again after one if @restart; else one that waits is interrupted, even
 * if it began to wait only then.
 */
void signals_watch(int restart);

/* The signal that came, or 0. */
int signals_caught(void);

/* How many came. */
int signals_count(void);

/* Keeps them back, or lets them through again. */
void signals_hold(void);
void signals_release(void);

/*
 * A wait that lets them through, for so long or UNITS_FOREVER; what ppoll(2)
 * says.
 */
int signals_poll(struct pollfd *fds, nfds_t count, uint64_t ns);

/* Ends the program as the signal that came would have done it. */
_Noreturn void signals_die(void);

#endif /* SIGNALS_H */
