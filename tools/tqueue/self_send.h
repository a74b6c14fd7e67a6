/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds jobs that wait for room in their own queue. */
#ifndef SELF_SEND_H
#define SELF_SEND_H

#include <sys/types.h>
#include <tqueue.h>

/*
 * Finds a process of the group that sleeps in a call that sends to the queue.  Returns
 * its id, or 0 if there is none or it cannot be seen.
 */
pid_t self_send_find(pid_t group, const struct tqueue_info *queue);

#endif /* SELF_SEND_H */
