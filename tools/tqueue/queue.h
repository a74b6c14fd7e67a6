/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What several subcommands do with queues.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <tqueue.h>

#include "settings.h"

/* The default group and mode of queues. */
#define DEFAULT_GROUP	"tqueue"
#define DEFAULT_MODE	0660

/*
 * The name of a queue that is given by its name or by its path in /dev.  Returns NULL
 * after reporting another path.
 */
const char *name_of_queue(const char *given);

/*
 * Opens a queue for looking at its messages: as neither reader nor writer or, without
 * the permission to write, for reading.
 */
int open_to_look(const char *name);

/*
 * Opens a queue for a request, not for messages: as above or, without the permission to
 * read, for writing.
 */
int open_for_command(const char *name);

/*
 * Checks that the caller's file @fd is a queue that can be received from.  Returns 0
 * and its name, in static memory; or an exit status after reporting the error.
 */
int check_given_fd(int fd, const char **name);

/*
 * Opens the control device for writing.  Returns -1 and an exit status after reporting
 * an error.
 */
int open_control(int *status);

/*
 * Changes a queue: through the control device if permitted, else as its owner.  Returns
 * 0, or -1 and errno.
 */
int change_queue(const char *name, const struct tqueue_config *config);

/* The same for starting, stopping, pausing and resuming. */
int start_queue(const char *name);
int stop_queue(const char *name);
int pause_queue(const char *name);
int resume_queue(const char *name);

/* The most bytes of a message that a size allows. */
uint64_t most_of(uint64_t size);

/* The most bytes of buried messages for a size, if that is not set. */
uint64_t most_buried_of(uint64_t size);

/* Reports why a queue cannot be configured so.  Returns the exit status. */
int report_config(const char *name, int error);

/*
 * Changes the owner and group of a queue and its node (-1: leaves them), and the mode
 * unless it is 0.  Returns 0, or -1 and errno.
 */
int change_node(const char *name, uid_t uid, gid_t gid, mode_t mode);

/*
 * Creates a queue with the given settings, and this command's defaults for the others.
 * Returns 0, or an exit status after reporting the error.
 */
int make_queue(int control, const char *name, const struct settings *settings);

#endif /* QUEUE_H */
