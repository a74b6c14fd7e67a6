/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of libtqueue share. */
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

/* -1, with that errno. */
int libtq_fail(int error);

/* Is there a driver that has queues? */
bool libtq_driver_is_loaded(void);

/* A name for the driver: -1, or 0 and the name in a field of its structures. */
int libtq_copy_name(char field[TQUEUE_NAME_MAX + 1], const char *name);

/* One RECEIVE: records, or 0 at end-of-file. */
int libtq_receive(int fd, struct tqueue_receive *receive);

/* Makes the header of a record. */
static inline void libtq_make_header(struct tqueue_record *record, size_t length)
{
	memset(record, 0, sizeof(*record));
	record->length = (uint32_t)length;
	record->header_words = TQUEUE_HEADER_WORDS;
}

/* The same, and the zeros behind the payload that stands there. */
void libtq_finish_record(struct tqueue_record *record, size_t length);

#endif /* INTERNAL_H */
