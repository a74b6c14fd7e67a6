/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time: what it is, how long to wait, and how long a timed test goes on.
 *
 * Environment:
 *   TQUEUE_SLOW    factor on all time limits (1: a Debian kernel, emulated)
 *   TQUEUE_SECONDS how long each timed test runs, where it has a choice
 *   TQUEUE_SEED    the first seed of random tests
 */
#ifndef TQUEUE_TESTS_CLOCK_H
#define TQUEUE_TESTS_CLOCK_H

#include <stdbool.h>

double t_slow(void);
double t_now(void);			/* seconds, CLOCK_MONOTONIC */
double t_boot_time(void);		/* seconds, CLOCK_BOOTTIME */
void t_sleep(double seconds);
void t_sleep_ms(unsigned int ms);	/* scaled by TQUEUE_SLOW */
double t_patience(void);	/* how long to wait for what should take no time at all */
double t_seconds(double otherwise);	/* length of a timed test, unscaled */
bool t_goes_on(double end, bool enough);	/* is a timed test to go on? */
/* Runs of a random test for its time, each with the next seed; TQUEUE_SEED begins. */
void t_runs(unsigned long *seed, void (*one_run)(void));

#endif
