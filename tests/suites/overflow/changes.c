// SPDX-License-Identifier: GPL-2.0-only
/* A policy that changes while somebody waits, polls, sends. */
#include "overflow.h"

static void waiting_senders(unsigned int overflow)
{
	int fd = open_with(TQUEUE_OVERFLOW_BLOCK), i;
	struct t_batch batch;
	struct t_task sender;
	char buf[100], records[256];

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	t_pattern(buf, 100, 10, 0);
	t_start_write(&sender, fd, buf, 100);
	t_asleep(&sender, SYS_write);
	t_start_send(&batch, fd, records, t_put_many(records, 20, 11, 2),
		     TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	set_overflow(overflow);
	if (overflow == TQUEUE_OVERFLOW_REJECT) {
		t_fails(&sender, ENOBUFS);
		t_fails(&batch.task, ENOBUFS);
		t_received(fd, FULL, TQ_SMALL_MAX, 0);
		t_end(fd);
		return;
	}
	t_result(&sender, 100);
	t_finish(&batch.task);
	t_true(batch.task.result >= 1, "SEND gives %zd (%s)", batch.task.result,
	       strerrorname_np(batch.task.error));
	t_is(t_info(fd).dropped, 1);
	received(fd, TQ_SMALL_MAX, 1, 1);
	for (i = 2; i < FULL; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	received(fd, 100, 10, 0);
	t_received(fd, batch.task.result, 20, 11);
	t_end(fd);
}

void to_reject(void)
{
	waiting_senders(TQUEUE_OVERFLOW_REJECT);
}

void to_drop_oldest(void)
{
	waiting_senders(TQUEUE_OVERFLOW_DROP_OLDEST);
}

/* Who polls for room is told that there always is some now. */
void pollers(void)
{
	int fd = open_with(TQUEUE_OVERFLOW_BLOCK);
	struct t_task poller;

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	t_start_poll(&poller, fd, POLLOUT);
	t_asleep(&poller, SYS_poll);
	set_overflow(TQUEUE_OVERFLOW_DROP_OLDEST);
	t_polled(&poller, POLLOUT);
	t_received(fd, FULL, TQ_SMALL_MAX, 0);
	t_end(fd);
}

void back_to_block(void)
{
	int fd = open_dropping(), i;
	struct t_task sender;
	char buf[100] = "";

	for (i = 0; i < FULL + 1; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	set_overflow(TQUEUE_OVERFLOW_BLOCK);
	t_start_write(&sender, fd, buf, 100);
	t_asleep(&sender, SYS_write);
	t_is(t_info(fd).dropped, 1);
	received(fd, TQ_SMALL_MAX, 1, 1);
	t_result(&sender, 100);
	for (i = 2; i < FULL + 1; i++)
		received(fd, TQ_SMALL_MAX, i, 0);
	t_is(read(fd, buf, 100), 100);
	t_end(fd);
}
