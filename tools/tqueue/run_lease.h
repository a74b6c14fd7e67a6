/* SPDX-License-Identifier: GPL-2.0-only */
/* Leasing messages for tqueue run. */
#ifndef RUN_LEASE_H
#define RUN_LEASE_H

#include "run.h"

/*
 * Leases the next message of a queue into run->record, without waiting.  Returns what
 * tqueue_lease() returns.
 */
int run_lease(struct run *run, struct run_queue *queue);

/* Makes the usual room for a message, or goes back to it.  Returns 0, or -1 and errno. */
int run_lease_room(struct run *run);

#endif /* RUN_LEASE_H */
