/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sender that may not sleep gets its turns among those that wait for room: each
 * open file may put one message past them, and then none until all who waited at
 * that moment were admitted or left.
 */
#ifndef TQUEUE_SUITE_TURNS_H
#define TQUEUE_SUITE_TURNS_H

#include "calls.h"

#include <sys/epoll.h>

#define NAME	"turns"
#define LENGTH	(TQ_SMALL_MAX - 84)	/* four fill the queue */
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of 4096 */
#define SMALL	24	/* 64 bytes of the queue */

static char buf[2 * TQ_PAGE] __attribute__((unused));

static inline int open_full(void)
{
	int fd = t_open_small(NAME);

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	return fd;
}

static inline int open_nonblocking(void)
{
	return t_open_queue(NAME, O_WRONLY | O_NONBLOCK);
}

/* A sender that waits, of a message of @len bytes with contents of its own. */
struct blocked {
	struct t_task task;
	char buf[TQ_SMALL_MAX];
};

static inline void block(struct blocked *blocked, size_t len, uint64_t seed)
{
	t_pattern(blocked->buf, len, seed, 0);
	t_start_write(&blocked->task, t_open_queue(NAME, O_WRONLY), blocked->buf, len);
	t_asleep(&blocked->task, SYS_write);
}

static inline void admitted(struct blocked *blocked, size_t len)
{
	t_result(&blocked->task, len);
	close(blocked->task.fd);
}

static inline void refused_at(int line, int fd)
{
	t_is_at(__FILE__, line, "POLLOUT", t_poll(fd, POLLOUT), 0);
	t_errno_at(__FILE__, line, "write", write(fd, buf, 1), EAGAIN);
	t_errno_at(__FILE__, line, "SEND",
		   t_send_call(fd, buf, t_put(buf, 0, 1, 0), 0), EAGAIN);
}

#define refused(fd)	refused_at(__LINE__, fd)

static inline void passes_at(int line, int fd, size_t len, uint64_t seed)
{
	t_is_at(__FILE__, line, "POLLOUT", t_poll(fd, POLLOUT), POLLOUT);
	t_pattern(buf, len, seed, 0);
	t_is_at(__FILE__, line, "write", write(fd, buf, len), len);
}

#define passes(fd, len, seed)	passes_at(__LINE__, fd, len, seed)

static inline uint32_t events_of(int epoll, bool soon)
{
	struct epoll_event event = { 0 };

	return epoll_wait(epoll, &event, 1, soon ? 5000 * t_slow() : 0) == 1 ?
	       event.events : 0;
}

static atomic_int stop __attribute__((unused));

/* rule.c */
void nobody_waits(void);
void one_message_past_them(void);
void until_all_who_waited_are_gone(void);
void each_file(void);
void all_calls(void);
void who_may_sleep_waits(void);
void failures_use_no_turn(void);
void no_more_than_its_size(void);

/* ends.c */
void the_queue_is_stopped(void);
void the_policy_changes(void);
void to_drop_oldest(void);
void files_that_go(void);

/* edges.c */
void edges(void);
void start_is_an_edge(void);
void started_in_traffic(void);

/* shares.c */
void share_of_one(void);
void shares_of_several(void);
void nobody_starves(void);
void everybody_gets_on(void);

#endif
