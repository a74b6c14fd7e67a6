/* SPDX-License-Identifier: GPL-2.0-only */
/* What several subcommands do with queues. */
#ifndef QUEUE_H
#define QUEUE_H

#include <tqueue.h>

#include "settings.h"

/* The group and the mode of queues, unless they are chosen. */
#define DEFAULT_GROUP	"tqueue"
#define DEFAULT_MODE	0660

/*
 * The name of a queue that was given by its name or by its path in /dev; NULL: it
 * was another path, and it has said so.
 */
const char *name_of_queue(const char *given);

/*
 * Opens a queue to look at its messages: as nobody's reader or writer, or, for
 * those who may only read, for reading.
 */
int open_to_look(const char *name);

/*
 * Opens a queue for a question or a command, not for messages: the same, or, for
 * those who may only write, for writing.
 */
int open_for_command(const char *name);

/*
 * Is this file of the caller's a queue that can be received from?  0 and its name, in
 * memory of this call, or an exit status, and it has said why.
 */
int check_given_fd(int fd, const char **name);

/*
 * The control device, for writing; or -1, an exit status, and it has said why.
 */
int open_control(int *status);

/*
 * Changes a queue: through the control device if we may, else as its owner.
 * 0, or -1 and errno.
 */
int change_queue(const char *name, const struct tqueue_config *config);

/* The same for stopping and starting, pausing and resuming. */
int start_queue(const char *name);
int stop_queue(const char *name);
int pause_queue(const char *name);
int resume_queue(const char *name);

/* The bytes of the longest message that a size allows. */
uint64_t most_of(uint64_t size);

/* The most bytes of buried messages that a size allows, unless that is set. */
uint64_t most_buried_of(uint64_t size);

/* Why a queue cannot be configured so; the exit status. */
int report_config(const char *name, int error);

/*
 * Gives a queue and its node to somebody, -1: leaves them, and sets the mode
 * unless that is 0.  0, or -1 and errno.
 */
int change_node(const char *name, uid_t uid, gid_t gid, mode_t mode);

/*
 * Makes a queue with the settings given, and the defaults of this command for
 * the others.  0, or an exit status, and it has said why.
 */
int make_queue(int control, const char *name, const struct settings *settings);

#endif /* QUEUE_H */
