/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes that use one queue: their open files, leases, partly read messages, and
 * calls that sleep.
 */
#ifndef HOLDERS_H
#define HOLDERS_H

#include "processes.h"

/**
 * struct holder - a process, with one of its files of the queue
 * @process: the process; its command is empty if the process has ended or may not be
 *	looked at
 * @use: the file, owned by struct processes; NULL if no file was found of a process
 *	that leased messages
 * @leases: messages that are leased; if processes share a file, those of this process
 * @oldest: the message that has been leased for the longest time; its id is 0 if there
 *	is none
 */
struct holder {
	struct process process;
	const struct use *use;
	uint64_t leases;
	struct tqueue_listed oldest;
};

/**
 * struct holders - all holders of one queue
 * @list: the holders, sorted by process id
 * @count: how many
 * @leases_known: whether the leases could be listed
 */
struct holders {
	struct holder *list;
	size_t count;
	int leases_known;
};

/*
 * Finds the holders of a queue among all processes.  @fd: the queue, open for looking; or
 * -1, and only the files of processes show leases.
 */
void holders_find(struct holders *holders, const struct processes *processes,
		  const struct tqueue_info *info, int fd);

void holders_free(struct holders *holders);

/* The words of WAITS_*, separated by commas; "-" for none. */
const char *waits_words(unsigned int waits, char *text, size_t room);

/* How a file was opened: "read", "write", "both", "look" or "lease". */
const char *access_word(const struct use *use);

#endif /* HOLDERS_H */
