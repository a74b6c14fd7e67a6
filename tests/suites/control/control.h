/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control device: queues made, found, configured and removed by name, what
 * is refused, who may, and that the node of a queue is never open to more than
 * was asked for.
 */
#ifndef TQUEUE_SUITE_CONTROL_H
#define TQUEUE_SUITE_CONTROL_H

#include "calls.h"

#include <sys/sysmacros.h>

#define LONGEST	"x23456789012345678901234567890123456789012345678901234567890123"

static inline bool exists(const char *name)
{
	struct tqueue_info info = { 0 };

	strcpy(info.name, name);
	if (!ioctl(t_control(), TQUEUE_CTL_GET, &info))
		return true;
	t_is(errno, ENOENT);
	return false;
}

static inline void works(const char *name)
{
	int fd = t_open_queue(name, O_RDWR | O_NONBLOCK);

	t_send(fd, 100, 1);
	t_send(fd, 200, 2);
	t_receive(fd, 100, 1);
	t_receive(fd, 200, 2);
	close(fd);
}

static inline void no_trace(const char *name)
{
	char path[128];
	int fd = t_open_queue_call(name, O_RDONLY);

	t_errno(fd, ENOENT);
	snprintf(path, sizeof(path), "/sys/class/tqueue/%s", name);
	t_errno(access(path, F_OK), ENOENT);
	t_is(exists(name), false);
	t_errno(t_remove_call(name, 0), ENOENT);
	t_errno(t_remove_call(name, TQUEUE_REMOVE_FORCE), ENOENT);
}

/* named.c */
void makes_a_queue(void);
void describes_itself(void);
void counts_what_is_in_flight(void);
void default_queue(void);
void defaults(void);
void rounds_sizes_up(void);
void two_queues_are_two(void);
void what_it_can_do(void);
void good_names(void);
void bad_names(void);
void too_long_a_name(void);
void taken_names(void);
void unknown_names(void);

/* refused.c */
void refused_creations(void);
void refused_max_message(void);
void refused_selections(void);
void refused_settings(void);
void bad_pointers(void);
void unknown_calls(void);

/* access.c */
void look_but_not_touch(void);
void access_is_as_asked(void);
void never_wider(void);

/* enumeration.c */
void in_order_of_names(void);
void while_others_come_and_go(void);

/* removal.c */
void only_when_unused(void);
void with_force(void);
void holds_the_module(void);
void holds_the_module_when_removed(void);
void gives_memory_back(void);
void numbers_are_not_used_again_at_once(void);

/* ceilings.c */
void too_many_queues(void);
void too_much_memory(void);
void memory_of_removed_queues(void);
void smaller_at_the_ceiling(void);
void memory_of_the_default_queue(void);
void memory_of_a_queue_in_dispute(void);
void one_name_for_many(void);

#endif
