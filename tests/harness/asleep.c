// SPDX-License-Identifier: GPL-2.0-only
/* See asleep.h. */
#include "asleep.h"

#include "check.h"
#include "clock.h"
#include "named.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void run_send(struct t_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_SEND, task->arg);
	task->error = errno;
}

static void run_receive(struct t_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_RECEIVE, task->arg);
	task->error = errno;
}

static void run_wait(struct t_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_WAIT, task->arg);
	task->error = errno;
}

void t_start_send(struct t_batch *batch, int fd, void *buf, size_t bytes,
		  uint64_t deadline)
{
	batch->send = (struct tqueue_send){
		.records = (uintptr_t)buf, .bytes = bytes, .deadline = deadline,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->send;
	t_start(&batch->task, run_send);
}

void t_start_receive(struct t_batch *batch, int fd, void *buf, size_t room,
		     uint64_t deadline)
{
	batch->receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->receive;
	t_start(&batch->task, run_receive);
}

void t_start_lease(struct t_batch *batch, int fd, void *buf, size_t room,
		   unsigned int count, uint64_t deadline)
{
	batch->receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
		.flags = TQUEUE_RECEIVE_LEASE, .count = count,
		.limit = TQUEUE_FOREVER,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->receive;
	t_start(&batch->task, run_receive);
}

void t_start_turn(struct t_batch *batch, int fd, void *buf, size_t room,
		  const struct tqueue_record *record, uint64_t deadline)
{
	batch->receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
		.flags = TQUEUE_RECEIVE_LEASE | TQUEUE_RECEIVE_ACK, .count = 1,
		.ack_id = record->id, .ack_delivery = record->delivery,
		.ack_result = 77,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->receive;
	t_start(&batch->task, run_receive);
}

void t_start_wait(struct t_batch *batch, int fd, uint64_t id,
		  uint64_t deadline)
{
	batch->wait = (struct tqueue_wait){ .id = id, .deadline = deadline };
	batch->task.fd = fd;
	batch->task.arg = &batch->wait;
	t_start(&batch->task, run_wait);
}

void t_blocked_at(const char *file, int line, int fd, unsigned int count)
{
	double end = t_now() + 10 * t_slow();
	unsigned int found;

	while ((found = t_info(fd).blocked_senders) != count) {
		if (t_now() > end)
			t_fail_at(file, line, "%u senders wait for room, not %u", found,
				  count);
		usleep(500);
	}
}
