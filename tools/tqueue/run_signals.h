/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals to tqueue run: requests to end, more and more urgent, and to report. */
#ifndef RUN_SIGNALS_H
#define RUN_SIGNALS_H

#include <stdint.h>

struct run;

/* Blocks the signals and reads them from a file from now on.  Returns 0, or -1 and errno. */
int run_signals_open(struct run *run);

/* Stops the jobs, as the second signal does, when --drain-timeout is over. */
void run_signals_check(struct run *run, uint64_t now);

/* Ends the program as the signal would have done. */
_Noreturn void run_signals_die(int number);

#endif /* RUN_SIGNALS_H */
