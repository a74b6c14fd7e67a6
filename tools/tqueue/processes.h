/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes that have queues open, as /proc shows them.  Root sees all of them,
 * other users their own.  Looking takes no message, and opens no queue.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <tqueue.h>

/* What threads of a process wait for on a file of a queue: bits. */
#define WAITS_TO_RECEIVE	0x1
#define WAITS_TO_SEND		0x2
#define WAITS_FOR_SETTLED	0x4	/* TQUEUE_WAIT */
#define WAITS_IN_POLL		0x8	/* poll(2), epoll(7) */

/**
 * struct process - a process that has a queue open
 * @pid: its id
 * @uid: the user it runs as
 * @state: as in ps(1): 'R', 'S', 'D', 'T' (stopped), 'Z'
 * @name: the name of the process
 * @command: its command line, or its name; printable UTF-8
 */
struct process {
	pid_t pid;
	uid_t uid;
	char state;
	char name[32];
	char command[160];
};

/**
 * struct use - an open file of a queue, as one process has it
 * @process: index of the process
 * @fd: the number of the file there
 * @queue: the name of the queue
 * @device: the number of its device; 0 for the file of one lease
 * @access: O_RDONLY, O_WRONLY, O_RDWR or TQUEUE_O_LOOK
 * @partial: bytes that are left of a message that was read in part
 * @leases: messages that are leased through it
 * @id: for the file of one lease: the message; else 0
 * @delivery: for the file of one lease: the number of the delivery
 * @waits: WAITS_*
 *
 * Processes that inherited a file share it, and each has a use of it.
 */
struct use {
	size_t process;
	int fd;
	char queue[TQUEUE_NAME_MAX + 1];
	dev_t device;
	int access;
	uint64_t partial;
	uint64_t leases;
	uint64_t id;
	uint32_t delivery;
	unsigned int waits;
};

/**
 * struct processes - all processes that have queues open
 * @list: the processes, sorted by id
 * @count: how many
 * @uses: their files, grouped by process
 * @use_count: how many
 * @hidden: how many processes could not be looked at
 */
struct processes {
	struct process *list;
	size_t count;
	struct use *uses;
	size_t use_count;
	size_t hidden;
};

/* Looks at all processes.  Returns 0, or -1 and errno if there is no /proc. */
int processes_scan(struct processes *processes);

void processes_free(struct processes *processes);

/*
 * Finds a process by its id.  Returns NULL if it has no queue open, or may not be looked
 * at.
 */
const struct process *processes_find(const struct processes *processes, pid_t pid);

/*
 * Looks at one process, whether it has a queue open or not.  Returns 0, or -1 and errno
 * if there is none.
 */
int process_look(pid_t pid, struct process *process);

#endif /* PROCESSES_H */
