// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "units.h"

static const char *const names[FIELDS] = {
	[FIELD_PRIORITY] = "priority",
	[FIELD_DELAY] = "delay",
	[FIELD_KEY] = "key",
};

static int is_chosen(const struct fields *fields, enum field field)
{
	int i;

	for (i = 0; i < fields->count; i++)
		if (fields->field[i] == field)
			return 1;
	return 0;
}

const char *fields_choose(struct fields *fields, const char *text)
{
	enum field field;
	size_t length;

	fields->count = 0;
	for (;;) {
		length = strcspn(text, ",");
		for (field = 0; field < FIELDS; field++)
			if (strlen(names[field]) == length && !memcmp(names[field], text, length))
				break;
		if (field == FIELDS)
			return "expected priority, delay or key";
		if (is_chosen(fields, field))
			return "each field can be given once";
		fields->field[fields->count++] = field;
		if (!text[length])
			return NULL;
		text += length + 1;
	}
}

/* Returns NULL, or what is wrong. */
static const char *assign(enum field field, const char *text, struct tqueue_send_options *options)
{
	uint64_t number;

	switch (field) {
	case FIELD_PRIORITY:
		if (parse_number(text, TQUEUE_PRIORITY_MAX, &number))
			return "expected a priority from 0 (usual) to 63 (first)";
		options->priority = (uint32_t)number;
		return NULL;
	case FIELD_DELAY:
		if (parse_duration(text, &number) || number >> 63)
			return "expected a delay such as 10s or 5min";
		options->delay = number;
		return NULL;
	default:
		return NULL;
	}
}

ssize_t fields_take(const struct fields *fields, const char *item, size_t length,
		    struct tqueue_send_options *options, char *wrong, size_t room)
{
	const char *here = item, *end, *why;
	size_t size;
	char text[64];
	int i;

	for (i = 0; i < fields->count; i++) {
		end = memchr(here, '\t', length - (size_t)(here - item));
		if (!end) {
			snprintf(wrong, room, "expected a tab after each field");
			return -1;
		}
		size = (size_t)(end - here);
		if (fields->field[i] == FIELD_KEY && size) {
			options->flags |= TQUEUE_SEND_UNIQUE;
			options->key = tqueue_key(here, size);
		} else if (size) {
			snprintf(text, sizeof(text), "%.*s", (int)(size < 60 ? size : 60), here);
			why = assign(fields->field[i], text, options);
			if (why) {
				snprintf(wrong, room, "'%s': %s", text, why);
				return -1;
			}
		}
		here = end + 1;
	}
	return here - item;
}
