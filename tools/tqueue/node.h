/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device files of queues.  The kernel makes and removes them, with three
 * exceptions: it makes none if another file is in the place, it does not make one again
 * that was removed, and it leaves files that it did not make.
 */
#ifndef NODE_H
#define NODE_H

#include <sys/types.h>
#include <tqueue.h>

/*
 * Whether the path of a queue leads to that queue.  Returns 0, or -1: ENOENT, or ENOTTY
 * if it leads elsewhere.
 */
int node_check(const char *name, const struct tqueue_info *info);

/* Whether another file is in the place of a new queue. */
int node_is_taken(const char *name);

/*
 * Makes the device file of a queue if it is missing, and moves another file aside.
 * Returns 1 after reporting what it did; 0 if there was nothing to do; -1 after
 * reporting the error.
 */
int node_repair(const char *name);

/* The same for the control device. */
int node_repair_control(void);

/* Removes the device file of a queue that was removed.  Reports a file that stays. */
void node_clear(const char *name, const struct tqueue_info *info);

#endif /* NODE_H */
