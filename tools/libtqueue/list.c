// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What sysfs shows of queues, to every user.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static int compare(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* Makes an array of pointers, followed by the names, in one allocation. */
static char **pack(const char *names, size_t bytes, size_t count)
{
	char **list = malloc((count + 1) * sizeof(*list) + bytes);
	char *name;
	size_t i;

	if (!list)
		return NULL;
	name = (char *)(list + count + 1);
	if (bytes)
		memcpy(name, names, bytes);
	for (i = 0; i < count; i++) {
		list[i] = name;
		name += strlen(name) + 1;
	}
	list[count] = NULL;
	qsort(list, count, sizeof(*list), compare);
	return list;
}

EXPORT char **tqueue_list(void)
{
	DIR *directory = opendir(CLASS_PATH);
	char *names = NULL, **list = NULL, *more;
	size_t bytes = 0, count = 0, length;
	const struct dirent *entry;
	int error, before = errno;

	if (!directory) {
		if (errno == ENOENT)
			errno = TQUEUE_ENODRIVER;
		return NULL;
	}
	while (errno = 0, (entry = readdir(directory))) {
		if (tqueue_check_name(entry->d_name))
			continue;
		length = strlen(entry->d_name) + 1;
		more = realloc(names, bytes + length);
		if (!more)
			break;
		names = more;
		memcpy(names + bytes, entry->d_name, length);
		bytes += length;
		count++;
	}
	error = errno;
	if (!error) {
		list = pack(names, bytes, count);
		error = list ? before : errno;
	}
	free(names);
	closedir(directory);
	errno = error;
	return list;
}

/* Reads an attribute without its newline; "" if there is none. */
static void read_text(int directory, const char *attribute, char *text,
		      size_t size)
{
	int fd = openat(directory, attribute, O_RDONLY | O_CLOEXEC);
	ssize_t length = 0;

	if (fd >= 0) {
		length = read(fd, text, size - 1);
		close(fd);
	}
	if (length < 0)
		length = 0;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static uint64_t read_number(int directory, const char *attribute)
{
	char text[32];

	read_text(directory, attribute, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* The index of the word that an attribute contains. */
static uint32_t read_word(int directory, const char *attribute,
			  const char *const *words)
{
	char text[32];
	uint32_t i;

	read_text(directory, attribute, text, sizeof(text));
	for (i = 0; words[i]; i++)
		if (!strcmp(text, words[i]))
			return i;
	return 0;
}

/* The bits of the words that an attribute contains. */
static uint32_t read_state(int directory)
{
	static const struct {
		const char *word;
		uint32_t state;
	} states[] = {
		{ "stopped", TQUEUE_STATE_STOPPED },
		{ "paused", TQUEUE_STATE_PAUSED },
		{ "held-up", TQUEUE_STATE_HELD_UP },
		{ NULL, 0 }
	};
	char text[64], *word, *rest;
	uint32_t state = 0;
	size_t i;

	read_text(directory, "state", text, sizeof(text));
	for (word = strtok_r(text, " ,", &rest); word; word = strtok_r(NULL, " ,", &rest))
		for (i = 0; states[i].word; i++)
			if (!strcmp(word, states[i].word))
				state |= states[i].state;
	return state;
}

/* Parses "c3cf0d6c-6d24-4d6e-8d6f-0f2b5b2c8a11"; zeros if it is invalid. */
static void read_uuid(int directory, __u8 uuid[16])
{
	unsigned int byte, i;
	char text[40];
	const char *at = text;

	read_text(directory, "uuid", text, sizeof(text));
	for (i = 0; i < 16; i++) {
		at += *at == '-';
		if (sscanf(at, "%2x", &byte) != 1)
			break;
		uuid[i] = (__u8)byte;
		at += 2;
	}
}

/* Reads counters of messages and bytes. */
static void read_counts(int directory, struct tqueue_info *info)
{
	info->bytes = read_number(directory, "bytes");
	info->messages = read_number(directory, "messages");
	info->leased = read_number(directory, "leased");
	info->leased_bytes = read_number(directory, "leased_bytes");
	info->delayed = read_number(directory, "delayed");
	info->delayed_bytes = read_number(directory, "delayed_bytes");
	info->buried = read_number(directory, "buried");
	info->buried_bytes = read_number(directory, "buried_bytes");
	info->in_flight = (uint32_t)read_number(directory, "in_flight");
	info->sent = read_number(directory, "sent");
	info->received = read_number(directory, "received");
	info->dropped = read_number(directory, "dropped");
	info->ever_leased = read_number(directory, "ever_leased");
	info->ever_acknowledged = read_number(directory, "ever_acknowledged");
	info->ever_requeued = read_number(directory, "ever_requeued");
	info->ever_expired = read_number(directory, "ever_expired");
	info->ever_buried = read_number(directory, "ever_buried");
	info->readers = (uint32_t)read_number(directory, "readers");
	info->writers = (uint32_t)read_number(directory, "writers");
	info->blocked_senders = (uint32_t)read_number(directory, "blocked_senders");
}

static void read_settings(int directory, struct tqueue_info *info)
{
	static const char *const overflow[] = {
		"block", "reject", "drop-oldest", NULL
	};
	static const char *const end_of_file[] = { "never", "last-writer", NULL };
	static const char *const no_reader[] = { "keep", "error", NULL };
	static const char *const on_expired[] = { "drop", "bury", NULL };
	static const char *const on_exhausted[] = { "bury", "drop", NULL };
	static const char *const unique[] = { "user", "queue", NULL };

	info->size = read_number(directory, "size");
	info->max_message = read_number(directory, "max_message");
	info->overflow = read_word(directory, "overflow", overflow);
	info->end_of_file = read_word(directory, "end_of_file", end_of_file);
	info->no_reader = read_word(directory, "no_reader", no_reader);
	info->uid = (uint32_t)read_number(directory, "owner");
	info->ttl = read_number(directory, "ttl");
	info->lease_limit = read_number(directory, "lease_limit");
	info->max_buried = read_number(directory, "max_buried");
	info->on_expired = read_word(directory, "on_expired", on_expired);
	info->max_attempts = (uint32_t)read_number(directory, "max_attempts");
	info->on_exhausted = read_word(directory, "on_exhausted", on_exhausted);
	info->max_leased = (uint32_t)read_number(directory, "max_leased");
	info->unique = read_word(directory, "unique", unique);
}

EXPORT int tqueue_get_by_name(const char *name, struct tqueue_info *info)
{
	char path[sizeof(CLASS_PATH) + 1 + TQUEUE_NAME_MAX];
	char number[32];
	int directory;

	memset(info, 0, sizeof(*info));
	if (libtq_copy_name(info->name, name))
		return -1;
	snprintf(path, sizeof(path), CLASS_PATH "/%s", name);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0) {
		if (errno == ENOENT && !libtq_driver_is_loaded())
			errno = TQUEUE_ENODRIVER;
		return -1;
	}
	read_counts(directory, info);
	read_settings(directory, info);
	read_uuid(directory, info->uuid);
	info->state = read_state(directory);
	read_text(directory, "dev", number, sizeof(number));
	/* A queue that was removed meanwhile has no number. */
	if (sscanf(number, "%u:%u", &info->major, &info->minor) != 2) {
		close(directory);
		return libtq_fail(ENOENT);
	}
	close(directory);
	return 0;
}
