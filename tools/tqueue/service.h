/* SPDX-License-Identifier: GPL-2.0-only */
/* Notifications to the service manager: sd_notify(3). */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdint.h>

/* Whether there is a service manager that expects notifications. */
int service_open(void);

/* Sends a notification such as "READY=1". */
void service_notify(const char *state);

/* The period of its watchdog in nanoseconds, or 0. */
uint64_t service_watchdog(void);

/* Whether the journal reads standard error, and takes a priority before each line. */
int service_has_journal(void);

#endif /* SERVICE_H */
