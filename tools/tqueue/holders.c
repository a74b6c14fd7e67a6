// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "holders.h"
#include "listed.h"
#include "report.h"

/**
 * struct search - a search for the holders of one queue
 * @holders: the holders found so far
 * @room: room for holders
 */
struct search {
	struct holders *holders;
	size_t room;
};

static struct holder *add(struct search *search)
{
	struct holders *holders = search->holders;
	struct holder *holder;

	if (holders->count == search->room) {
		search->room = search->room ? 2 * search->room : 16;
		holders->list = xnonnull(realloc(holders->list,
						 search->room * sizeof(*holder)));
	}
	holder = &holders->list[holders->count++];
	memset(holder, 0, sizeof(*holder));
	return holder;
}

/* Whether a file is of this queue, and not of a removed one of the same name. */
static int is_of(const struct use *use, const struct tqueue_info *info)
{
	return !strcmp(use->queue, info->name) &&
	       (use->id || use->device == makedev(info->major, info->minor));
}

/* Finds the process of a lease: one with a file of the lease, or the one that leased. */
static struct holder *find_leaser(struct search *search, const struct tqueue_listed *message)
{
	struct holders *holders = search->holders;
	struct holder *holder, *found = NULL;
	size_t i;

	for (i = 0; i < holders->count; i++) {
		holder = &holders->list[i];
		if (holder->use && holder->use->id == message->id &&
		    holder->use->delivery == message->delivery)
			return holder;
		if (holder->process.pid != (pid_t)message->holder)
			continue;
		/* If the process has several files, take one that has leases. */
		if (!found || (holder->use && found->use && holder->use->leases &&
			       !found->use->leases))
			found = holder;
	}
	/* The process has ended, but others may share the file: commands of a shell do. */
	for (i = 0; i < holders->count && !found; i++) {
		holder = &holders->list[i];
		if (holder->use && holder->use->leases > holder->leases)
			found = holder;
	}
	if (found)
		return found;
	found = add(search);
	if (process_look((pid_t)message->holder, &found->process))
		found->process.pid = (pid_t)message->holder;
	return found;
}

static int add_lease(const struct tqueue_listed *message, void *context)
{
	struct holder *holder = find_leaser(context, message);

	if (!holder->leases++ || message->since_ns < holder->oldest.since_ns)
		holder->oldest = *message;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct holder *left = a, *right = b;
	int left_fd = left->use ? left->use->fd : -1;
	int right_fd = right->use ? right->use->fd : -1;

	if (left->process.pid != right->process.pid)
		return left->process.pid < right->process.pid ? -1 : 1;
	return left_fd < right_fd ? -1 : left_fd > right_fd;
}

void holders_find(struct holders *holders, const struct processes *processes,
		  const struct tqueue_info *info, int fd)
{
	struct search search = { .holders = holders };
	struct holder *holder;
	const struct use *use;
	size_t i;

	memset(holders, 0, sizeof(*holders));
	for (i = 0; i < processes->use_count; i++) {
		use = &processes->uses[i];
		if (!is_of(use, info))
			continue;
		holder = add(&search);
		holder->process = processes->list[use->process];
		holder->use = use;
	}
	holders->leases_known = fd >= 0 &&
				!messages_each(fd, TQUEUE_LEASED, add_lease, &search);
	for (i = 0; i < holders->count && !holders->leases_known; i++) {
		holder = &holders->list[i];
		if (holder->use)
			holder->leases = holder->use->id ? 1 : holder->use->leases;
	}
	if (holders->count)
		qsort(holders->list, holders->count, sizeof(*holders->list), compare);
}

void holders_free(struct holders *holders)
{
	free(holders->list);
	memset(holders, 0, sizeof(*holders));
}

const char *waits_words(unsigned int waits, char *text, size_t room)
{
	static const struct {
		unsigned int waits;
		const char *word;
	} words[] = {
		{ WAITS_TO_RECEIVE, "receive" }, { WAITS_TO_SEND, "send" },
		{ WAITS_FOR_SETTLED, "settled" }, { WAITS_IN_POLL, "poll" },
		{ 0 }
	};
	size_t i, length = 0;

	snprintf(text, room, "-");
	for (i = 0; words[i].waits && length < room; i++)
		if (waits & words[i].waits)
			length += (size_t)snprintf(text + length, room - length, "%s%s",
						   length ? "," : "", words[i].word);
	return text;
}

const char *access_word(const struct use *use)
{
	if (use->id)
		return "lease";
	switch (use->access) {
	case O_RDONLY:
		return "read";
	case O_WRONLY:
		return "write";
	case O_RDWR:
		return "both";
	default:
		return "look";
	}
}
