/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The message-ids that were seen lately, up to a number and an age.  They are in a mapped
 * file, so they outlive the bridge.  They belong to one queue: after a restart of the
 * machine the queue is another one, and empty, and its messages must come again.
 */
#ifndef SEEN_H
#define SEEN_H

#include <stddef.h>
#include <stdint.h>

#define SEEN_HASH	16

struct seen_file;

/**
 * struct seen - the set
 * @fd: the file, locked as long as it is open
 * @file: the mapped file; its entries are a ring
 * @size: bytes of the mapping
 * @count: the most entries; 0: nothing is remembered
 * @keep_ns: how long an entry is kept, nanoseconds
 * @heads: by hash: the first entry of a chain, counted from 1
 * @next: by entry: the next entry of the chain
 */
struct seen {
	int fd;
	struct seen_file *file;
	size_t size;
	uint32_t count;
	uint64_t keep_ns;
	uint32_t *heads;
	uint32_t *next;
};

/*
 * Opens the set in the file @path, for the queue with this @uuid.  Returns 0, or -1 and
 * what is wrong.
 */
int seen_open(struct seen *seen, const char *path, uint32_t count, uint64_t keep_ns,
	      const unsigned char uuid[16], char *wrong, size_t room);
void seen_close(struct seen *seen);

/* The hash of a message-id, long enough that no two message-ids share one. */
void seen_hash(unsigned char hash[SEEN_HASH], const void *message_id, size_t length);

/* Returns 1 and the id of the message in the queue if it was seen, else 0. */
int seen_find(const struct seen *seen, const unsigned char hash[SEEN_HASH], uint64_t *id);

/* Remembers it, in place of the oldest one if the set is full. */
void seen_add(struct seen *seen, const unsigned char hash[SEEN_HASH], uint64_t id);

/* Forgets it, so that it is new if it comes again. */
void seen_forget(struct seen *seen, const unsigned char hash[SEEN_HASH]);

#endif /* SEEN_H */
