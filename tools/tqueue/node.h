/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device files of queues.  The kernel makes them and takes them away; but
 * where something else stands already it makes none, what was removed it does not
 * make again, and what it did not make it leaves behind.
 */
#ifndef NODE_H
#define NODE_H

#include <sys/types.h>
#include <tqueue.h>

/*
 * Does the path of a queue lead to that queue?  0, or -1: ENOENT, ENOTTY (to
 * something else).
 */
int node_check(const char *name, const struct tqueue_info *info);

/* Would a new queue of that name find something in its place? */
int node_is_taken(const char *name);

/*
 * Makes the device file of a queue if it is not there, and moves aside what is
 * there instead.  1: it did, and has said so; 0: there was nothing to do; -1: it
 * failed, and has said why.
 */
int node_repair(const char *name);

/* The same for the control device. */
int node_repair_control(void);

/* Removes one that is left of a queue that was removed; says what stays there. */
void node_clear(const char *name, const struct tqueue_info *info);

#endif /* NODE_H */
