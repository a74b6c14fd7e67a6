/* SPDX-License-Identifier: GPL-2.0-only */
/* How far tqueue run is: for a terminal, for the service manager, and on demand. */
#ifndef RUN_STATUS_H
#define RUN_STATUS_H

#include <stdint.h>

struct run;

/* Begins: all is ready. */
void run_status_open(struct run *run);

/* Looks whether there is something to tell; when to look again. */
uint64_t run_status_check(struct run *run, uint64_t now);

/* Ends soon. */
void run_status_ending(void);

/* Says what runs now. */
void run_status_report(struct run *run);

/* The last line, for those who wanted one. */
void run_status_close(struct run *run);

#endif /* RUN_STATUS_H */
