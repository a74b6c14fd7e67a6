/* SPDX-License-Identifier: GPL-2.0-only */
/* The default queue, and what is asked of any open queue. */
#ifndef TQUEUE_TESTS_QUEUE_H
#define TQUEUE_TESTS_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#define TQ_DEVICE	"/dev/tqueue"
#define TQ_HEADER	40UL	/* bytes of a record before its payload */
#define TQ_SMALL	"size_l=4096"	/* parameters of the smallest queue, of a page */
#define TQ_SMALL_MAX	(TQ_PAGE / 4UL - TQ_HEADER)	/* its max_message */

/* Bytes of the ring that a message of @len bytes uses. */
static inline size_t t_record(size_t len)
{
	return TQ_HEADER + ((len + 7) & ~(size_t)7);
}

int t_open(int flags);
size_t t_size(void);
size_t t_max_message(void);
long t_value(const char *attribute);	/* /sys/class/tqueue/tqueue/... */
long t_drain(void);			/* how many reads it took */
long t_try_drain(void);			/* the same, or minus an errno */
size_t t_fill(size_t len, uint64_t seed);	/* seed, seed + 1, ... */
size_t t_fill_file(int fd, size_t len, uint64_t seed);
int t_fionread(int fd);
void t_fdinfo(int fd, char *text, size_t len);	/* /proc/self/fdinfo/FD */
short t_poll(int fd, short events);	/* what is there now */
int t_epoll(int fd, unsigned int events);	/* a new epoll instance for it */

#endif
