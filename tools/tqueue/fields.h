/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields that can precede each line that is sent: priority, delay, key.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <stddef.h>
#include <tqueue.h>

enum field { FIELD_PRIORITY, FIELD_DELAY, FIELD_KEY, FIELDS };

/**
 * struct fields - which fields precede each line
 * @field: the first @count are used, in this order
 * @count: how many; 0 for none
 */
struct fields {
	enum field field[FIELDS];
	int count;
};

/* Parses "priority,delay,key".  Returns NULL, or what is wrong (a constant text). */
const char *fields_choose(struct fields *fields, const char *text);

/*
 * Takes the fields off an item.  Each ends with a tab, and an empty one leaves the
 * options as they are.  Returns the bytes taken, or -1 and what is wrong in a buffer of
 * the caller.
 */
ssize_t fields_take(const struct fields *fields, const char *item, size_t length,
		    struct tqueue_send_options *options, char *wrong, size_t room);

#endif /* FIELDS_H */
