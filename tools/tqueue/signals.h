/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals that ask the program to end.  The first one is noted, so that the program can
 * finish what it is doing.  A second one ends it at once.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>

#include "units.h"

/*
 * Starts noting SIGINT, SIGTERM and SIGHUP.  If @restart, calls that wait are restarted
 * after a signal.  Otherwise the signal interrupts a call that waits, even one that
 * begins to wait later.
 */
void signals_watch(int restart);

/* The last signal that arrived, or 0. */
int signals_caught(void);

/* How many signals arrived. */
int signals_count(void);

/* Blocks the signals, or lets them through again. */
void signals_hold(void);
void signals_release(void);

/*
 * Like ppoll(2), and lets the signals through while it waits.  @ns may be
 * UNITS_FOREVER.
 */
int signals_poll(struct pollfd *fds, nfds_t count, uint64_t ns);

/* Ends the program as the signal would have done. */
_Noreturn void signals_die(void);

#endif /* SIGNALS_H */
