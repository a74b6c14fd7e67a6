/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * End-of-file when the last writer left, where the queue is made so: for files
 * that have seen a writer or what one left, when everything has been read, and
 * until the next writer comes.
 */
#ifndef TQUEUE_SUITE_END_OF_FILE_H
#define TQUEUE_SUITE_END_OF_FILE_H

#include "calls.h"

#include <sys/epoll.h>

#define NAME	"eof"

static inline void make(void)
{
	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
}

static inline int reader(void)
{
	return t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
}

static inline int writer(void)
{
	return t_open_queue(NAME, O_WRONLY | O_NONBLOCK);
}

static inline void finish(int fd)
{
	t_is(t_info(fd).bytes, 0);
	close(fd);
	t_remove(NAME);
}

static inline void at_the_end(int fd)
{
	char buf[64];

	t_is(read(fd, buf, sizeof(buf)), 0);
	t_is(t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER), 0);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 0);
	t_true(t_poll(fd, POLLIN) & POLLHUP, "no POLLHUP at the end");
}

static inline void not_at_the_end(int fd)
{
	char buf[64];

	t_errno(read(fd, buf, sizeof(buf)), EAGAIN);
	t_errno(t_receive_call(fd, buf, sizeof(buf), 0), EAGAIN);
	t_is(t_poll(fd, POLLIN), 0);
}

/* end.c */
void when_the_last_writer_left(void);
void late_openers(void);
void a_writer_that_sends_nothing(void);
void taken_by_somebody_else(void);
void polls_do_not_tell_it(void);
void one_after_the_other(void);
void several_late_openers(void);
void a_stop_is_told_to_all(void);
void never_with_read_and_write(void);
void writing_without_a_reader(void);
void not_unless_it_is_asked_for(void);

/* sleepers.c */
void who_sleeps_is_woken(void);
void who_sleeps_is_woken_by_the_policy(void);
void a_writer_is_killed(void);
void duplicates(void);
void partials_in_flight(void);
void one_takes_what_comes_back(void);
void nobody_is_woken_for_nothing(void);
void who_polls_for_the_end_alone(void);
void a_sender_in_line(void);

/* traffic.c */
void exactly_all_of_it(void);
void a_writer_on_its_way(void);

#endif
