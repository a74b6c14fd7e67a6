/* SPDX-License-Identifier: GPL-2.0-only */
/* What may stand in front of each line that is sent: its priority, delay and key. */
#ifndef FIELDS_H
#define FIELDS_H

#include <stddef.h>
#include <tqueue.h>

enum field { FIELD_PRIORITY, FIELD_DELAY, FIELD_KEY, FIELDS };

/**
 * struct fields - which ones, in which order
 * @field: the first @count of them
 * @count: 0: none
 */
struct fields {
	enum field field[FIELDS];
	int count;
};

/* Takes "priority,delay,key"; NULL, or what is wrong with it (a constant text). */
const char *fields_choose(struct fields *fields, const char *text);

/*
 * Takes the fields off an item: each ends with a tab, and an empty one leaves the
 * options as they are.  The bytes of the item that they took; or -1, and what is
 * wrong in a text of the caller's.
 */
ssize_t fields_take(const struct fields *fields, const char *item, size_t length,
		    struct tqueue_send_options *options, char *wrong, size_t room);

#endif /* FIELDS_H */
