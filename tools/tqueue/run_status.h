/* SPDX-License-Identifier: GPL-2.0-only */
/* The progress of tqueue run: on a terminal, for the service manager, and on demand. */
#ifndef RUN_STATUS_H
#define RUN_STATUS_H

#include <stdint.h>

struct run;

/* Tells the service manager that the worker is ready. */
void run_status_open(struct run *run);

/* Shows the progress when that is due.  Returns when it is due next. */
uint64_t run_status_check(struct run *run, uint64_t now);

/* Tells the service manager that the worker is ending. */
void run_status_ending(void);

/* Reports each running job. */
void run_status_report(struct run *run);

/* Shows the last line, if progress is shown. */
void run_status_close(struct run *run);

#endif /* RUN_STATUS_H */
