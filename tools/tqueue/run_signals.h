/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals to tqueue run: to end, more and more urgently, and for a report. */
#ifndef RUN_SIGNALS_H
#define RUN_SIGNALS_H

#include <stdint.h>

struct run;

/* From now on they are read, not delivered; 0, or -1 and errno. */
int run_signals_open(struct run *run);

/* What the second signal does is due (--drain-timeout)? */
void run_signals_check(struct run *run, uint64_t now);

/* Ends the program as that signal would have done it. */
_Noreturn void run_signals_die(int number);

#endif /* RUN_SIGNALS_H */
