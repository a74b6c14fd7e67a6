/* SPDX-License-Identifier: GPL-2.0-only */
/* What the service manager is told: sd_notify(3). */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdint.h>

/* Is there one that wants to be told? */
int service_open(void);

/* Tells it something: "READY=1". */
void service_tell(const char *state);

/* How often it wants to be told that we are alive, in nanoseconds; 0: it does not. */
uint64_t service_watchdog(void);

/* Is the standard error the journal, so that lines may begin with their priorities? */
int service_has_journal(void);

#endif /* SERVICE_H */
