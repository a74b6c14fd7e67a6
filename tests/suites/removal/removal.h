/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue removed by force while others are in the middle of using it: whoever
 * sleeps is woken with EIDRM, whoever polls finds POLLERR | POLLHUP, nobody
 * hangs, and the name can be used again at once. Without force a queue in use
 * stays, and nobody notices that it was tried.
 */
#ifndef TQUEUE_SUITE_REMOVAL_H
#define TQUEUE_SUITE_REMOVAL_H

#include "calls.h"

#include "uring.h"

#include <sys/epoll.h>

#define NAME	"gone"
#define ENDED	(POLLERR | POLLHUP)

static inline void remove_it(void)
{
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

static atomic_int stop __attribute__((unused));

static inline bool is_gone(int error)
{
	return error == ENOENT || error == ENXIO || error == ENODEV ||
	       error == EIDRM;
}

/* Opens the queue, whichever it is now; -1 when it is time to end. */
static inline int open_again(int flags)
{
	while (!atomic_load(&stop)) {
		int fd = t_open_queue_call(NAME, flags);

		if (fd >= 0)
			return fd;
		t_true(is_gone(errno), "open fails with %s", strerrorname_np(errno));
	}
	return -1;
}

static inline void until_gone(struct t_task *task, int flags,
			      long (*call)(struct t_task *task))
{
	int fd;

	while ((fd = open_again(flags)) >= 0) {
		task->fd = fd;
		while (call(task) >= 0)
			;
		if (errno != EIDRM)
			t_fail("a call fails with %s", strerrorname_np(errno));
		close(fd);
		atomic_fetch_add(&task->count, 1);
	}
}

static inline long once_write(struct t_task *task)
{
	static char buf[200];

	return write(task->fd, buf, sizeof(buf));
}

static inline void writes(struct t_task *task)
{
	until_gone(task, O_WRONLY, once_write);
}

/* sleepers.c */
void sleeping_readers(void);
void waiting_senders(void);
void sleeping_receivers_of_batches(void);
void waiting_senders_of_batches(void);
void who_waits_until_all_is_done(void);
void sleeping_pollers(void);
void pollers_for_room(void);
void sleeping_epolls(void);
void sleeping_splices(void);
void pending_requests(void);
void owners_are_signalled(void);

/* later.c */
void every_call_afterwards(void);
void nodes_left_behind(void);
void partials_in_flight(void);
void stalled_reader(void);
void stalled_sender(void);
void never_under_a_user(void);

/* loop.c */
void everybody_at_once(void);
void closed_while_it_is_cleared(void);

#endif
