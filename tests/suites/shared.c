// SPDX-License-Identifier: GPL-2.0
/*
 * One open file in the hands of several processes or threads: it has one rest,
 * which ends with the last of them.
 */
#include "common.h"

#include <sys/socket.h>

static void take(int fd, size_t len, uint64_t seed, size_t offset)
{
	char buf[4096];

	tq_is(read(fd, buf, len), len);
	tq_is(tq_differs(buf, len, seed, offset), -1);
}

static void take_five(void *arg)
{
	take(*(int *)arg, 5, 1, 5);
}

static void children_share_the_rest(void)
{
	int fd = tq_open(O_RDWR), other = tq_open(O_RDONLY | O_NONBLOCK);
	char byte;

	tq_send(fd, 20, 1);
	take(fd, 5, 1, 0);
	tq_reap(tq_fork(take_five, &fd));
	/* The child's exit was not the last close. */
	tq_errno(read(other, &byte, 1), EAGAIN);
	tq_receive_rest(fd, 10, 1, 10);
	tq_nothing();
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
	int fd = tq_open(O_RDWR), other = tq_open(O_RDWR | O_NONBLOCK);
	char byte;
	int pipes[2];
	pid_t child;

	tq_is(pipe(pipes), 0);
	tq_send(fd, 20, 1);
	take(fd, 5, 1, 0);
	child = tq_fork(wait_for_byte, pipes);
	close(fd);
	/* The child still has the file open. */
	tq_errno(read(other, &byte, 1), EAGAIN);
	tq_send(other, 6, 2);
	tq_is(write(pipes[1], "x", 1), 1);
	tq_reap(child);
	tq_receive_rest(other, 15, 1, 5);
	tq_receive(other, 6, 2);
	close(other);
}

/* A file in flight in a socket is open; receiving it brings the rest. */
static void passed_through_a_socket(void)
{
	int fd = tq_open(O_RDWR), other = tq_open(O_RDONLY | O_NONBLOCK);
	char room[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec one = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &one, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int pair[2], got;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		tq_skip("no UNIX sockets");
	tq_send(fd, 20, 1);
	take(fd, 5, 1, 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	tq_is(sendmsg(pair[0], &message, 0), 1);
	close(fd);
	tq_errno(read(other, &byte, 1), EAGAIN);
	tq_is(recvmsg(pair[1], &message, 0), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
	take(got, 5, 1, 5);
	close(got);
	tq_receive_rest(other, 10, 1, 10);
	tq_nothing();
	close(other);
}

/* Nobody ever receives it: the socket's end is the file's end. */
static void lost_in_a_socket(void)
{
	int fd = tq_open(O_RDWR), other = tq_open(O_RDONLY);
	char room[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec one = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &one, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		tq_skip("no UNIX sockets");
	tq_send(fd, 20, 1);
	take(fd, 5, 1, 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	tq_is(sendmsg(pair[0], &message, 0), 1);
	close(fd);
	close(pair[0]);
	close(pair[1]);
	/* Blocks until the returned rest wakes it. */
	tq_receive_rest(other, 15, 1, 5);
	tq_nothing();
	close(other);
}

#define READERS		4
#define MESSAGES	60
#define LENGTH		48

static atomic_int seen[MESSAGES][LENGTH / 8];

/* Every 8 bytes say where they belong. */
static void read_words(struct tq_task *task)
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
		tq_true(got == 8 || got == 16, "read gives %zd", got);
		for (i = 0; i < (size_t)got / 8; i++) {
			unsigned int message = words[i] >> 32;
			unsigned int at = words[i];

			tq_true(message < MESSAGES && at < LENGTH / 8,
				"these bytes were never sent");
			atomic_fetch_add(&seen[message][at], 1);
			/* Two words of one read are neighbours. */
			if (i)
				tq_true(words[1] == words[0] + 1,
					"a read gives bytes of two places");
		}
	}
}

/* Threads that read one file together get every byte once. */
static void concurrent_short_reads(void)
{
	int fd = tq_open(O_RDONLY | O_NONBLOCK), out = tq_open(O_WRONLY);
	struct tq_task tasks[READERS] = { 0 };
	uint64_t words[LENGTH / 8];
	atomic_int sent = 0;
	int i, j;

	for (i = 0; i < READERS; i++) {
		tasks[i].fd = fd;
		tasks[i].arg = &sent;
		tq_start(&tasks[i], read_words);
	}
	for (i = 0; i < MESSAGES; i++) {
		for (j = 0; j < LENGTH / 8; j++)
			words[j] = (uint64_t)i << 32 | j;
		tq_is(write(out, words, LENGTH), LENGTH);
	}
	while (tq_value("messages"))
		tq_sleep_ms(1);
	atomic_store(&sent, 1);
	for (i = 0; i < READERS; i++)
		tq_finish(&tasks[i]);
	/* Another reader of the file may have been busy with the last rest. */
	tasks[0].count = 0;
	read_words(&tasks[0]);
	for (i = 0; i < MESSAGES; i++)
		for (j = 0; j < LENGTH / 8; j++)
			tq_is(seen[i][j], 1);
	close(fd);
	close(out);
}

/* Closing one descriptor while another thread sleeps on the same file. */
static void closed_under_a_sleeping_reader(void)
{
	int fd = tq_open(O_RDWR), out = tq_open(O_WRONLY);
	struct tq_task reader;
	char buf[64];

	tq_start_read(&reader, fd, buf, sizeof(buf));
	tq_asleep(&reader, SYS_read);
	close(fd);
	tq_still_asleep(&reader, SYS_read);
	tq_send(out, 11, 1);
	tq_finish(&reader);
	tq_is(reader.result, 11);
	tq_is(tq_differs(buf, 11, 1, 0), -1);
	tq_nothing();
	close(out);
}

/* Two sleepers on one file: two messages, one each. */
static void two_readers_of_one_file(void)
{
	int fd = tq_open(O_RDWR);
	struct tq_task readers[2];
	char buf[2][64];
	int i;

	for (i = 0; i < 2; i++) {
		tq_start_read(&readers[i], fd, buf[i], sizeof(buf[i]));
		tq_asleep(&readers[i], SYS_read);
	}
	tq_send(fd, 11, 1);
	tq_send(fd, 12, 2);
	for (i = 0; i < 2; i++)
		tq_finish(&readers[i]);
	tq_is(readers[0].result + readers[1].result, 23);
	for (i = 0; i < 2; i++)
		tq_is(tq_differs(buf[i], readers[i].result,
				 readers[i].result - 10, 0), -1);
	tq_nothing();
	close(fd);
}

/* One message for two short readers of one file: a part, and its rest. */
static void rest_wakes_the_other_reader(void)
{
	int fd = tq_open(O_RDWR);
	struct tq_task readers[2];
	char buf[2][8];
	int i, first;

	for (i = 0; i < 2; i++) {
		tq_start_read(&readers[i], fd, buf[i], sizeof(buf[i]));
		tq_asleep(&readers[i], SYS_read);
	}
	tq_send(fd, 16, 1);
	for (i = 0; i < 2; i++)
		tq_finish(&readers[i]);
	tq_is(readers[0].result, 8);
	tq_is(readers[1].result, 8);
	first = tq_differs(buf[0], 8, 1, 0) < 0 ? 0 : 1;
	tq_is(tq_differs(buf[first], 8, 1, 0), -1);
	tq_is(tq_differs(buf[!first], 8, 1, 8), -1);
	tq_nothing();
	close(fd);
}

static void keep_busy(struct tq_task *task)
{
	struct sched_param first = { .sched_priority = 1 };

	tq_pin(1);
	tq_is(sched_setscheduler(0, SCHED_FIFO, &first), 0);
	while (!atomic_load((atomic_int *)task->arg))
		atomic_store(&task->count, 1);
}

static void read_there(struct tq_task *task)
{
	tq_pin(1);
	task->result = read(task->fd, task->buf, task->len);
}

/*
 * A reader is woken for a message, and before it runs another call on the same
 * file has taken a part of it, and a third has the rest in hand, and stalls: the
 * woken one waits for what is left.
 */
static void woken_too_late(void)
{
	int fd = tq_open(O_RDWR), other = tq_open(O_RDWR);
	struct tq_task late = { .fd = fd }, busy = { 0 }, quick;
	char buf[100], part[10], *zeros = aligned_alloc(tq_page(), tq_page());
	atomic_int enough = 0;
	struct tq_stall stall;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		tq_skip("this machine has one processor");
	tq_stall_make(&stall, tq_page());
	late.buf = buf;
	late.len = sizeof(buf);
	tq_start(&late, read_there);
	tq_asleep(&late, SYS_read);
	tq_pin(0);
	busy.arg = &enough;
	tq_start(&busy, keep_busy);
	while (!atomic_load(&busy.count))
		sched_yield();
	tq_send(other, 100, 1);
	tq_is(read(fd, part, 10), 10);
	tq_start_read(&quick, fd, stall.map, 10);
	tq_stall_wait(&stall);
	atomic_store(&enough, 1);
	tq_finish(&busy);
	tq_still_asleep(&late, SYS_read);
	memset(zeros, 0, tq_page());
	tq_stall_release(&stall, zeros);
	tq_finish(&quick);
	tq_is(quick.result, 10);
	tq_is(tq_differs(stall.map, 10, 1, 10), -1);
	tq_finish(&late);
	tq_is(late.result, 80);
	tq_is(tq_differs(buf, 80, 1, 20), -1);
	tq_nothing();
	close(other);
	close(fd);
}

static const struct tq_test tests[] = {
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
	return tq_main("shared", tests, ARRAY_SIZE(tests), argc, argv);
}
