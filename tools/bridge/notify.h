/* SPDX-License-Identifier: GPL-2.0-only */
/* Notifications to the service manager: sd_notify(3), without its library. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

/* Sends a notification such as "READY=1", if a manager expects any. */
__attribute__((format(printf, 1, 2))) void notify(const char *format, ...);

/* The period of the manager's watchdog in nanoseconds, or 0. */
uint64_t notify_watchdog(void);

#endif /* NOTIFY_H */
