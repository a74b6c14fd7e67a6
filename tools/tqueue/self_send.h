/* SPDX-License-Identifier: GPL-2.0-only */
/* A job that waits for room in the queue that it is from. */
#ifndef SELF_SEND_H
#define SELF_SEND_H

#include <sys/types.h>
#include <tqueue.h>

/*
 * Does a process of that group sleep in a call that sends to the queue?  Its id, or 0:
 * there is none, or it cannot be seen.
 */
pid_t self_send_find(pid_t group, const struct tqueue_info *queue);

#endif /* SELF_SEND_H */
