// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "report.h"
#include "seen.h"

#define MAGIC	"tq-seen1"

/**
 * struct seen_entry - one message-id
 * @hash: its hash; zeros: the entry is free
 * @id: the id of the message in the queue
 * @time: when it was seen: CLOCK_REALTIME, nanoseconds
 */
struct seen_entry {
	unsigned char hash[SEEN_HASH];
	uint64_t id;
	uint64_t time;
};

/**
 * struct seen_file - the file
 * @magic: MAGIC
 * @count: the number of entries
 * @at: where the next entry goes
 * @uuid: of the queue
 * @entries: the entries
 */
struct seen_file {
	char magic[8];
	uint32_t count;
	uint32_t at;
	unsigned char uuid[16];
	struct seen_entry entries[];
};

static const unsigned char none[SEEN_HASH];

static uint32_t *head_of(const struct seen *seen, const unsigned char hash[SEEN_HASH])
{
	uint64_t number;

	memcpy(&number, hash, sizeof(number));
	return &seen->heads[number % seen->count];
}

static void link_entry(struct seen *seen, uint32_t at)
{
	uint32_t *head = head_of(seen, seen->file->entries[at].hash);

	seen->next[at] = *head;
	*head = at + 1;
}

static void unlink_entry(struct seen *seen, uint32_t at)
{
	uint32_t *link = head_of(seen, seen->file->entries[at].hash);

	while (*link != at + 1)
		link = &seen->next[*link - 1];
	*link = seen->next[at];
}

/* Whether the file is for this queue, and of this size. */
static int is_usable(const struct seen *seen, size_t size, const unsigned char uuid[16])
{
	return size == seen->size && !memcmp(seen->file->magic, MAGIC, sizeof(seen->file->magic)) &&
	       seen->file->count == seen->count && seen->file->at < seen->count &&
	       !memcmp(seen->file->uuid, uuid, sizeof(seen->file->uuid));
}

/* Opens and locks the file, and makes it @size bytes long.  Returns -1 and errno on failure. */
static int open_file(const char *path, size_t size, size_t *was)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int error;

	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &st)) {
		*was = (size_t)st.st_size;
		/* Allocate now: on a full disk, a write to the mapping would raise SIGBUS. */
		if (*was == size || (!ftruncate(fd, 0) && !posix_fallocate(fd, 0, (off_t)size)))
			return fd;
	}
	error = errno ? errno : ENOSPC;
	close(fd);
	errno = error;
	return -1;
}

int seen_open(struct seen *seen, const char *path, uint32_t count, uint64_t keep_ns,
	      const unsigned char uuid[16], char *wrong, size_t room)
{
	size_t was;
	uint32_t i;

	memset(seen, 0, sizeof(*seen));
	seen->fd = -1;
	if (!count)
		return 0;
	seen->count = count;
	seen->keep_ns = keep_ns;
	seen->size = sizeof(*seen->file) + count * sizeof(struct seen_entry);
	errno = 0;
	seen->fd = open_file(path, seen->size, &was);
	if (seen->fd < 0) {
		snprintf(wrong, room, "cannot use %s, in which message-ids are remembered: %s",
			 path,
			 errno == EWOULDBLOCK ? "another tqueue-bridge of that name is running"
					      : strerror(errno));
		return -1;
	}
	seen->file = mmap(NULL, seen->size, PROT_READ | PROT_WRITE, MAP_SHARED, seen->fd, 0);
	if (seen->file == MAP_FAILED) {
		snprintf(wrong, room, "cannot map %s: %s", path, strerror(errno));
		seen->file = NULL;
		seen_close(seen);
		return -1;
	}
	if (!is_usable(seen, was, uuid)) {
		memset(seen->file, 0, seen->size);
		memcpy(seen->file->magic, MAGIC, sizeof(seen->file->magic));
		memcpy(seen->file->uuid, uuid, sizeof(seen->file->uuid));
		seen->file->count = count;
	}
	seen->heads = need_memory(calloc(count, sizeof(*seen->heads)));
	seen->next = need_memory(calloc(count, sizeof(*seen->next)));
	for (i = 0; i < count; i++)
		if (memcmp(seen->file->entries[i].hash, none, SEEN_HASH))
			link_entry(seen, i);
	return 0;
}

void seen_close(struct seen *seen)
{
	if (seen->file)
		munmap(seen->file, seen->size);
	if (seen->fd >= 0)
		close(seen->fd);
	free(seen->heads);
	free(seen->next);
	memset(seen, 0, sizeof(*seen));
	seen->fd = -1;
}

void seen_hash(unsigned char hash[SEEN_HASH], const void *message_id, size_t length)
{
	unsigned char all[EVP_MAX_MD_SIZE];
	unsigned int size;

	if (EVP_Digest(message_id, length, all, &size, EVP_sha256(), NULL) != 1) {
		report(LOG_ERR, "SHA-256 cannot be computed");
		exit(EXIT_FAILURE);
	}
	memcpy(hash, all, SEEN_HASH);
}

/* The index of the entry with this hash, or -1. */
static int64_t find(const struct seen *seen, const unsigned char hash[SEEN_HASH])
{
	uint32_t at;

	if (!seen->count)
		return -1;
	for (at = *head_of(seen, hash); at; at = seen->next[at - 1])
		if (!memcmp(seen->file->entries[at - 1].hash, hash, SEEN_HASH))
			return at - 1;
	return -1;
}

int seen_find(const struct seen *seen, const unsigned char hash[SEEN_HASH], uint64_t *id)
{
	uint64_t now = clock_ns(CLOCK_REALTIME);
	const struct seen_entry *entry;
	int64_t at = find(seen, hash);

	if (at < 0)
		return 0;
	entry = &seen->file->entries[at];
	/* If the clock was set back, entries are from the future, and do not expire. */
	if (entry->time < now && now - entry->time > seen->keep_ns)
		return 0;
	*id = entry->id;
	return 1;
}

void seen_forget(struct seen *seen, const unsigned char hash[SEEN_HASH])
{
	int64_t at = find(seen, hash);

	if (at < 0)
		return;
	unlink_entry(seen, (uint32_t)at);
	memset(seen->file->entries[at].hash, 0, SEEN_HASH);
}

void seen_add(struct seen *seen, const unsigned char hash[SEEN_HASH], uint64_t id)
{
	struct seen_entry *entry;
	uint32_t at;

	if (!seen->count)
		return;
	seen_forget(seen, hash);
	at = seen->file->at;
	entry = &seen->file->entries[at];
	if (memcmp(entry->hash, none, SEEN_HASH))
		unlink_entry(seen, at);
	/* Write the hash last, so that a half-written entry is free. */
	memset(entry->hash, 0, SEEN_HASH);
	entry->id = id;
	entry->time = clock_ns(CLOCK_REALTIME);
	memcpy(entry->hash, hash, SEEN_HASH);
	link_entry(seen, at);
	seen->file->at = at + 1 < seen->count ? at + 1 : 0;
}
