// SPDX-License-Identifier: GPL-2.0-only
/* Other ends of the wait: a stop, another policy, files that go. */
#include "turns.h"

void the_queue_is_stopped(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_fails(&large.task, ESHUTDOWN);
	close(large.task.fd);
	t_is(t_poll(quick, POLLOUT), POLLOUT);
	t_errno(write(quick, buf, 1), ESHUTDOWN);
	t_is(ioctl(fd, TQUEUE_START), 0);
	/* Nobody waits, and it is full. */
	refused(quick);
	block(&large, TQ_SMALL_MAX, 51);
	passes(quick, SMALL, 61);
	refused(quick);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, SMALL, 60);
	t_receive(fd, SMALL, 61);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 51);
	close(quick);
	t_end(fd);
}

void the_policy_changes(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
			   TQUEUE_OVERFLOW_REJECT, 0), 0);
	t_fails(&large.task, ENOBUFS);
	close(large.task.fd);
	t_errno(write(quick, buf, 1), ENOBUFS);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
			   TQUEUE_OVERFLOW_BLOCK, 0), 0);
	refused(quick);
	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 61);
	refused(quick);
	/* Larger: there is room for all. */
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	admitted(&large, TQ_SMALL_MAX);
	passes(quick, SMALL, 62);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, SMALL, 60);
	t_receive(fd, SMALL, 61);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_receive(fd, SMALL, 62);
	close(quick);
	t_end(fd);
}

void to_drop_oldest(void)
{
	int fd = open_full(), quick = open_nonblocking();
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW,
			   TQUEUE_OVERFLOW_DROP_OLDEST, 0), 0);
	admitted(&large, TQ_SMALL_MAX);
	t_true(t_info(fd).bytes <= TQ_PAGE, "the queue holds %llu bytes",
	       (unsigned long long)t_info(fd).bytes);
	passes(quick, SMALL, 61);
	passes(quick, SMALL, 62);
	t_true(t_info(fd).bytes <= TQ_PAGE, "the queue holds %llu bytes",
	       (unsigned long long)t_info(fd).bytes);
	while (t_info(fd).messages)
		t_true(read(fd, buf, sizeof(buf)) > 0, "read fails");
	close(quick);
	t_end(fd);
}

/* Files that never come back for their next turn, and go at any time. */
void files_that_go(void)
{
	enum { MANY = 9 };
	int fd = open_full(), quick[MANY], i;
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	for (i = 0; i < MANY; i++) {
		quick[i] = open_nonblocking();
		passes(quick[i], SMALL, 60 + i);
	}
	for (i = 0; i < MANY; i += 2)
		close(quick[i]);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < MANY; i++)
		t_receive(fd, SMALL, 60 + i);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	for (i = 1; i < MANY; i += 2) {
		passes(quick[i], SMALL, i);
		close(quick[i]);
		t_receive(fd, SMALL, i);
	}
	/* And with a queue that is removed meanwhile. */
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	block(&large, TQ_SMALL_MAX, 50);
	for (i = 0; i < MANY; i++) {
		quick[i] = open_nonblocking();
		passes(quick[i], SMALL, 60 + i);
	}
	close(quick[3]);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	t_fails(&large.task, EIDRM);
	close(large.task.fd);
	for (i = 0; i < MANY; i++) {
		if (i == 3)
			continue;
		t_errno(write(quick[i], buf, 1), EIDRM);
		close(quick[i]);
	}
	close(fd);
}
