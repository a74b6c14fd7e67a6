// SPDX-License-Identifier: GPL-2.0-only
/* "reject": a full queue refuses at once. */
#include "overflow.h"

/* Every way to send, to a file that may wait and to one that may not. */
static void all_are_refused(int fd, int error)
{
	char buf[TQ_PAGE];
	size_t end = t_put_many(buf, TQ_SMALL_MAX, 1, 3);
	struct iovec two[2] = { { buf, 1 }, { buf, 99 } };
	int ends[2];

	t_errno(write(fd, buf, 1), error);
	t_errno(write(fd, buf, TQ_SMALL_MAX), error);
	t_errno(writev(fd, two, 2), error);
	t_errno(pwritev2(fd, two, 2, -1, RWF_NOWAIT), error);
	t_errno(t_send_call(fd, buf, end, 0), error);
	t_errno(t_send_call(fd, buf, end, TQUEUE_FOREVER), error);
	t_errno(t_send_call(fd, buf, end, t_deadline(10)), error);
	t_errno(t_send_call(fd, buf, t_record(TQ_SMALL_MAX), TQUEUE_FOREVER), error);
	t_is(pipe(ends), 0);
	t_is(write(ends[1], buf, 10), 10);
	t_errno(splice(ends[0], NULL, fd, NULL, 10, 0), error);
	t_errno(splice(ends[0], NULL, fd, NULL, 10, SPLICE_F_NONBLOCK), error);
	close(ends[0]);
	close(ends[1]);
}

/*
 * Not EAGAIN, which says that waiting helps: a program of an event loop would poll
 * for ever, and a blocking one does not expect it.
 */
void refuses_at_once(void)
{
	int fd = open_with(TQUEUE_OVERFLOW_REJECT);
	char *buf = malloc(2 * TQ_PAGE);
	size_t end;

	t_is(t_info(fd).overflow, TQUEUE_OVERFLOW_REJECT);
	end = t_put_many(buf, TQ_SMALL_MAX, 1, FULL);
	t_is(t_send_call(fd, buf, end, TQUEUE_FOREVER), FULL);
	all_are_refused(fd, ENOBUFS);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	all_are_refused(fd, ENOBUFS);
	t_is(fcntl(fd, F_SETFL, 0), 0);
	t_is(t_poll(fd, POLLIN | POLLOUT), POLLIN);
	t_received(fd, 2, TQ_SMALL_MAX, 1);
	t_is(t_poll(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	/* What there is room for goes. */
	end = t_put_many(buf, TQ_SMALL_MAX, 1, 3);
	t_is(t_send_call(fd, buf, end, TQUEUE_FOREVER), 2);
	t_received(fd, 2, TQ_SMALL_MAX, 3);
	t_received(fd, 2, TQ_SMALL_MAX, 1);
	t_is(t_info(fd).dropped, 0);
	/* A receiver waits as ever. */
	t_errno(t_receive_call(fd, buf, 100, t_deadline(0.01)), ETIMEDOUT);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	t_errno(read(fd, buf, 100), EAGAIN);
	free(buf);
	t_end(fd);
}

/* What is wrong with the message or with the queue comes first. */
void refuses_for_other_reasons(void)
{
	int fd = open_with(TQUEUE_OVERFLOW_REJECT);
	char buf[TQ_PAGE];
	size_t end = t_put_many(buf, TQ_SMALL_MAX, 1, FULL - 1);

	t_is(t_send_call(fd, buf, end, 0), FULL - 1);
	t_is(t_send_call(fd, buf, t_record(TQ_SMALL_MAX), 0), 1);
	t_errno(write(fd, buf, TQ_SMALL_MAX + 1), EMSGSIZE);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	all_are_refused(fd, ESHUTDOWN);
	t_is(t_poll(fd, POLLOUT), POLLOUT);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_is(t_poll(fd, POLLOUT), 0);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	all_are_refused(fd, EIDRM);
	close(fd);
}

/* A file that may not wait at a queue that blocks, and one that may. */
void blocks(void)
{
	int fd = open_with(TQUEUE_OVERFLOW_BLOCK);
	char buf[TQ_PAGE];
	size_t end = t_put_many(buf, TQ_SMALL_MAX, 1, 2);

	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), FULL);
	t_errno(t_send_call(fd, buf, end, 0), EAGAIN);
	t_errno(t_send_call(fd, buf, end, t_deadline(0.01)), ETIMEDOUT);
	t_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	all_are_refused(fd, EAGAIN);
	t_received(fd, FULL, TQ_SMALL_MAX, 1);
	t_end(fd);
}
