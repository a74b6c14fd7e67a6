// SPDX-License-Identifier: GPL-2.0-only
/*
 * One open file in the hands of several processes or threads: it has one rest,
 * which ends with the last of them.
 */
#include "common.h"

#include <sys/socket.h>

static void take_five(void *arg)
{
	t_read_part(*(int *)arg, 5, 1, 5);
}

static void children_share_the_rest(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY | O_NONBLOCK);
	char byte;

	t_send(fd, 20, 1);
	t_read_part(fd, 5, 1, 0);
	t_reap(t_fork(take_five, &fd));
	/* The child's exit was not the last close. */
	t_errno(read(other, &byte, 1), EAGAIN);
	t_receive_rest(fd, 10, 1, 10);
	t_nothing();
	close(fd);
	close(other);
}

static void wait_for_byte(void *arg)
{
	char byte;

	if (read(*(int *)arg, &byte, 1) != 1)
		_exit(1);
}

static void rest_outlives_its_reader(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDWR | O_NONBLOCK);
	char byte;
	int pipes[2];
	pid_t child;

	t_is(pipe(pipes), 0);
	t_send(fd, 20, 1);
	t_read_part(fd, 5, 1, 0);
	child = t_fork(wait_for_byte, pipes);
	close(fd);
	/* The child still has the file open. */
	t_errno(read(other, &byte, 1), EAGAIN);
	t_send(other, 6, 2);
	t_is(write(pipes[1], "x", 1), 1);
	t_reap(child);
	t_receive_rest(other, 15, 1, 5);
	t_receive(other, 6, 2);
	close(other);
}

/* A file in flight in a socket is open; receiving it brings the rest. */
static void passed_through_a_socket(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY | O_NONBLOCK);
	char room[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec one = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &one, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int pair[2], got;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		t_skip("no UNIX sockets");
	t_send(fd, 20, 1);
	t_read_part(fd, 5, 1, 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	t_is(sendmsg(pair[0], &message, 0), 1);
	close(fd);
	t_errno(read(other, &byte, 1), EAGAIN);
	t_is(recvmsg(pair[1], &message, 0), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
	t_read_part(got, 5, 1, 5);
	close(got);
	t_receive_rest(other, 10, 1, 10);
	t_nothing();
	close(other);
}

/* Nobody ever receives it: the socket's end is the file's end. */
static void lost_in_a_socket(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY);
	char room[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec one = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &one, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		t_skip("no UNIX sockets");
	t_send(fd, 20, 1);
	t_read_part(fd, 5, 1, 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	t_is(sendmsg(pair[0], &message, 0), 1);
	close(fd);
	close(pair[0]);
	close(pair[1]);
	/* Blocks until the returned rest wakes it. */
	t_receive_rest(other, 15, 1, 5);
	t_nothing();
	close(other);
}

#define READERS		4
#define MESSAGES	60
#define LENGTH		48

static atomic_int seen[MESSAGES][LENGTH / 8];

/* Every 8 bytes say where they belong. */
static void read_words(struct t_task *task)
{
	uint64_t words[2];

	for (;;) {
		size_t want = 8 * (1 + task->count++ % 2), i;
		ssize_t got = read(task->fd, words, want);

		if (got < 0 && errno == EAGAIN) {
			if (atomic_load((atomic_int *)task->arg))
				return;
			sched_yield();
			continue;
		}
		t_true(got == 8 || got == 16, "read gives %zd", got);
		for (i = 0; i < (size_t)got / 8; i++) {
			unsigned int message = words[i] >> 32;
			unsigned int at = words[i];

			t_true(message < MESSAGES && at < LENGTH / 8,
			       "these bytes were never sent");
			atomic_fetch_add(&seen[message][at], 1);
			/* Two words of one read are neighbours. */
			if (i)
				t_true(words[1] == words[0] + 1,
				       "a read gives bytes of two places");
		}
	}
}

/* Threads that read one file together get every byte once. */
static void concurrent_short_reads(void)
{
	int fd = t_open(O_RDONLY | O_NONBLOCK), out = t_open(O_WRONLY);
	struct t_task tasks[READERS] = { 0 };
	uint64_t words[LENGTH / 8];
	atomic_int sent = 0;
	int i, j;

	for (i = 0; i < READERS; i++) {
		tasks[i].fd = fd;
		tasks[i].arg = &sent;
		t_start(&tasks[i], read_words);
	}
	for (i = 0; i < MESSAGES; i++) {
		for (j = 0; j < LENGTH / 8; j++)
			words[j] = (uint64_t)i << 32 | j;
		t_is(write(out, words, LENGTH), LENGTH);
	}
	while (t_value("messages"))
		t_sleep_ms(1);
	atomic_store(&sent, 1);
	for (i = 0; i < READERS; i++)
		t_finish(&tasks[i]);
	/* Another reader of the file may have been busy with the last rest. */
	tasks[0].count = 0;
	read_words(&tasks[0]);
	for (i = 0; i < MESSAGES; i++)
		for (j = 0; j < LENGTH / 8; j++)
			t_is(seen[i][j], 1);
	close(fd);
	close(out);
}

/* Closing one descriptor while another thread sleeps on the same file. */
static void closed_under_a_sleeping_reader(void)
{
	int fd = t_open(O_RDWR), out = t_open(O_WRONLY);
	struct t_task reader;
	char buf[64];

	t_start_read(&reader, fd, buf, sizeof(buf));
	t_asleep(&reader, SYS_read);
	close(fd);
	t_still_asleep(&reader, SYS_read);
	t_send(out, 11, 1);
	t_finish(&reader);
	t_is(reader.result, 11);
	t_is(t_differs(buf, 11, 1, 0), -1);
	t_nothing();
	close(out);
}

/* Two sleepers on one file: two messages, one each. */
static void two_readers_of_one_file(void)
{
	int fd = t_open(O_RDWR);
	struct t_task readers[2];
	char buf[2][64];
	int i;

	for (i = 0; i < 2; i++) {
		t_start_read(&readers[i], fd, buf[i], sizeof(buf[i]));
		t_asleep(&readers[i], SYS_read);
	}
	t_send(fd, 11, 1);
	t_send(fd, 12, 2);
	for (i = 0; i < 2; i++)
		t_finish(&readers[i]);
	t_is(readers[0].result + readers[1].result, 23);
	for (i = 0; i < 2; i++)
		t_is(t_differs(buf[i], readers[i].result,
			       readers[i].result - 10, 0), -1);
	t_nothing();
	close(fd);
}

/* One message for two short readers of one file: a part, and its rest. */
static void rest_wakes_the_other_reader(void)
{
	int fd = t_open(O_RDWR);
	struct t_task readers[2];
	char buf[2][8];
	int i, first;

	for (i = 0; i < 2; i++) {
		t_start_read(&readers[i], fd, buf[i], sizeof(buf[i]));
		t_asleep(&readers[i], SYS_read);
	}
	t_send(fd, 16, 1);
	for (i = 0; i < 2; i++)
		t_finish(&readers[i]);
	t_is(readers[0].result, 8);
	t_is(readers[1].result, 8);
	first = t_differs(buf[0], 8, 1, 0) < 0 ? 0 : 1;
	t_is(t_differs(buf[first], 8, 1, 0), -1);
	t_is(t_differs(buf[!first], 8, 1, 8), -1);
	t_nothing();
	close(fd);
}

static void keep_busy(struct t_task *task)
{
	struct sched_param first = { .sched_priority = 1 };

	t_pin(1);
	t_is(sched_setscheduler(0, SCHED_FIFO, &first), 0);
	while (!atomic_load((atomic_int *)task->arg))
		atomic_store(&task->count, 1);
}

static void read_there(struct t_task *task)
{
	t_pin(1);
	task->result = read(task->fd, task->buf, task->len);
}

/*
 * A reader is woken for a message, and before it runs another call on the same
 * file has taken a part of it, and a third has the rest in flight, and stalls: the
 * woken one waits for what is left.
 */
static void woken_too_late(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDWR);
	struct t_task late = { .fd = fd }, busy = { 0 }, quick;
	char buf[100], part[10], *zeros = aligned_alloc(t_page(), t_page());
	atomic_int enough = 0;
	struct t_stall stall;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		t_skip("this machine has one processor");
	t_stall_make(&stall, t_page());
	late.buf = buf;
	late.len = sizeof(buf);
	t_start(&late, read_there);
	t_asleep(&late, SYS_read);
	t_pin(0);
	busy.arg = &enough;
	t_start(&busy, keep_busy);
	while (!atomic_load(&busy.count))
		sched_yield();
	t_send(other, 100, 1);
	t_is(read(fd, part, 10), 10);
	t_start_read(&quick, fd, stall.map, 10);
	t_stall_wait(&stall);
	atomic_store(&enough, 1);
	t_finish(&busy);
	t_still_asleep(&late, SYS_read);
	memset(zeros, 0, t_page());
	t_stall_release(&stall, zeros);
	t_finish(&quick);
	t_is(quick.result, 10);
	t_is(t_differs(stall.map, 10, 1, 10), -1);
	t_finish(&late);
	t_is(late.result, 80);
	t_is(t_differs(buf, 80, 1, 20), -1);
	t_nothing();
	close(other);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(children_share_the_rest),
	TQ_TEST(rest_outlives_its_reader),
	TQ_TEST(passed_through_a_socket),
	TQ_TEST(lost_in_a_socket),
	TQ_TEST(concurrent_short_reads),
	TQ_TEST(closed_under_a_sleeping_reader),
	TQ_TEST(two_readers_of_one_file),
	TQ_TEST(rest_wakes_the_other_reader),
	TQ_TEST(woken_too_late),
};

int main(int argc, char **argv)
{
	return t_main("shared", tests, ARRAY_SIZE(tests), argc, argv);
}
