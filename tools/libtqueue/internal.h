/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libtqueue share.
 */
#ifndef INTERNAL_H
#define INTERNAL_H

#include <stdbool.h>
#include <string.h>

#include "tqueue.h"

#define EXPORT __attribute__((visibility("default")))

#define CLASS_PATH	"/sys/class/tqueue"
#define CONTROL_PATH	"/dev/tqueue-control"
#define QUEUE_DIRECTORY	"/dev/tq/"
#define DEFAULT_QUEUE	"tqueue"

/* ioctl(2), with TQUEUE_EOLDDRIVER for a request that the driver does not know. */
int libtq_ioctl(int fd, unsigned long request, void *argument);

/*
 * The same for requests that need certain features.  A driver without them would report
 * an invalid argument.
 */
int libtq_ioctl_for(int fd, unsigned long request, void *argument,
		    uint64_t features);

/* Sets errno and returns -1. */
int libtq_fail(int error);

/* Whether the driver is loaded. */
bool libtq_driver_is_loaded(void);

/* Copies a name into a field of the driver's structures.  Returns 0 or -1. */
int libtq_copy_name(char field[TQUEUE_NAME_MAX + 1], const char *name);

/* One RECEIVE.  Returns the number of records, or 0 at end of file. */
int libtq_receive(int fd, struct tqueue_receive *receive);

/* The same for one message, and for a batch.  These set the destination. */
int libtq_receive_one(int fd, struct tqueue_record *record, size_t size,
		      struct tqueue_receive *receive);
int libtq_receive_batch(int fd, struct tqueue_batch *batch,
			struct tqueue_receive *receive);

/*
 * Checks and copies the options of a caller of any release.  Adds TQUEUE_SEND_DELAY if
 * there is a delay.
 */
int libtq_take_options(struct tqueue_send_options *to,
		       const struct tqueue_send_options *from);

/* The features that the driver needs for such options. */
uint64_t libtq_features_of(uint32_t flags, uint32_t priority);

/* Fills in the header of a record. */
static inline void libtq_make_header(struct tqueue_record *record, size_t length)
{
	memset(record, 0, sizeof(*record));
	record->length = (uint32_t)length;
	record->header_words = TQUEUE_HEADER_WORDS;
}

/* Fills in the header of a record and the padding after its payload. */
void libtq_finish_record(struct tqueue_record *record, size_t length);

#endif /* INTERNAL_H */
