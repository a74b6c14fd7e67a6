/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals that ask to end: the first one is noted, so that what is at hand can
 * be brought to its end; a second one ends the program where it is.
 */
#ifndef ENDING_H
#define ENDING_H

#include <signal.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP are noted.  Calls that wait are
 * started again after one if @restart.
 */
void ending_watch(int restart);

/* The signal that came, or 0. */
int ending_signal(void);

/* Keeps them back, or lets them through again; a wait lets them through. */
void ending_hold(void);
void ending_release(void);
extern sigset_t ending_waiting;

/* Ends the program as the signal that came would have done it. */
_Noreturn void ending_die(void);

#endif /* ENDING_H */
