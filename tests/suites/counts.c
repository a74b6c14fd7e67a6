// SPDX-License-Identifier: GPL-2.0-only
/*
 * What INFO says adds up: each message that was ever sent is there, in flight,
 * received or dropped, whatever was done to it; senders that wait are counted; and
 * each queue has a uuid of its own.
 */
#include "calls.h"

#define NAME	"counts"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of 4096 */

static void counts_at(int line, int fd, uint64_t sent, uint64_t received,
		      uint64_t dropped, uint64_t messages, unsigned int in_flight)
{
	struct tqueue_info info = t_info(fd);

	t_is_at(__FILE__, line, "sent", info.sent, sent);
	t_is_at(__FILE__, line, "received", info.received, received);
	t_is_at(__FILE__, line, "dropped", info.dropped, dropped);
	t_is_at(__FILE__, line, "messages", info.messages, messages);
	t_is_at(__FILE__, line, "in_flight", info.in_flight, in_flight);
	t_adds_up_at(__FILE__, line, &info);
}

#define counts(fd, sent, received, dropped, messages, in_flight)		\
	counts_at(__LINE__, fd, sent, received, dropped, messages, in_flight)

/* ---- messages ------------------------------------------------------------------ */

static void plain(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY);
	char buf[TQ_PAGE / 2];

	counts(fd, 0, 0, 0, 0, 0);
	t_is(t_info(fd).last_id, 0);
	t_send(fd, 10, 1);
	counts(fd, 1, 0, 0, 1, 0);
	t_is(t_send_call(fd, buf, t_put_many(buf, 20, 2, 5), 0), 5);
	counts(fd, 6, 0, 0, 6, 0);
	t_receive(fd, 10, 1);
	counts(fd, 6, 1, 0, 5, 0);
	t_received(fd, 2, 20, 2);
	counts(fd, 6, 3, 0, 3, 0);
	t_is(t_peek_call(fd, buf, sizeof(buf)), 3);
	counts(fd, 6, 3, 0, 3, 0);
	/* In part, the rest of it, and given back. */
	t_is(read(other, buf, 5), 5);
	counts(fd, 6, 3, 0, 2, 1);
	t_receive_rest(other, 15, 4, 5);
	counts(fd, 6, 4, 0, 2, 0);
	t_is(read(other, buf, 5), 5);
	close(other);
	counts(fd, 6, 4, 0, 2, 0);
	t_receive_rest(fd, 15, 5, 5);
	t_receive(fd, 20, 6);
	counts(fd, 6, 6, 0, 0, 0);
	t_end(fd);
}

/* Whatever fails moves nothing. */
static void failures(void)
{
	int fd = t_open_small(NAME), i;
	char *edge = t_edge(t_page()) + t_page(), buf[TQ_PAGE / 2];

	t_send(fd, 100, 1);
	for (i = 0; i < 3; i++) {
		t_errno(write(fd, edge - 8 * i, 100), EFAULT);
		t_errno(read(fd, edge - 8 * i, 100), EFAULT);
		t_errno(t_send_call(fd, edge - 8 * i, 100, 0), EFAULT);
		t_errno(t_receive_call(fd, edge - 8 * i, TQ_PAGE, 0), EFAULT);
		t_errno(t_receive_call(fd, buf, 100, 0), EMSGSIZE);
		t_errno(write(fd, buf, TQ_SMALL_MAX + 1), EMSGSIZE);
		counts(fd, 1, 0, 0, 1, 0);
	}
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 2), 3);
	t_errno(t_send_call(fd, buf, t_put(buf, 0, TQ_SMALL_MAX, 1), 0), EAGAIN);
	counts(fd, 4, 0, 0, 4, 0);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_errno(write(fd, buf, 1), ESHUTDOWN);
	t_receive(fd, 100, 1);
	for (i = 0; i < 3; i++)
		t_receive(fd, TQ_SMALL_MAX, 2 + i);
	t_is(read(fd, buf, 10), 0);
	counts(fd, 4, 4, 0, 0, 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	counts(fd, 4, 4, 0, 0, 0);
	t_end(fd);
}

/* What a read passes over was received: it can come back no more. */
static void empty_ones(void)
{
	int fd = t_open_small(NAME);
	char buf[TQ_PAGE / 2];

	t_is(t_send_call(fd, buf, t_put_many(buf, 0, 0, 7), 0), 7);
	counts(fd, 7, 0, 0, 7, 0);
	t_received(fd, 2, 0, 0);
	counts(fd, 7, 2, 0, 5, 0);
	t_send(fd, 10, 1);
	t_receive(fd, 10, 1);
	counts(fd, 8, 8, 0, 0, 0);
	t_end(fd);
}

static void dropped_ones(void)
{
	int fd, holder, i;
	char part[8];

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_NEVER);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < FULL + 3; i++)
		t_send(fd, TQ_SMALL_MAX, i);
	counts(fd, FULL + 3, 0, 3, FULL, 0);
	holder = t_open_queue(NAME, O_RDONLY);
	t_is(read(holder, part, sizeof(part)), sizeof(part));
	t_send(fd, TQ_SMALL_MAX, 7);
	counts(fd, FULL + 4, 0, 3, FULL, 1);
	close(holder);
	counts(fd, FULL + 4, 0, 3, FULL + 1, 0);
	/* It is the oldest, and goes first. */
	t_send(fd, TQ_SMALL_MAX, 8);
	counts(fd, FULL + 5, 0, 5, FULL, 0);
	for (i = 5; i < 9; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	counts(fd, FULL + 5, FULL, 5, 0, 0);
	t_end(fd);
}

/* Held by a call that stalls, they are in flight. */
static void stalled_ones(void)
{
	size_t page = t_page();
	char *zeros = aligned_alloc(page, 2 * page);
	int fd = t_open_small(NAME), in = t_open_queue(NAME, O_RDONLY), fails;
	struct t_batch batch;
	struct t_stall stall;

	memset(zeros, 0, 2 * page);
	for (fails = 0; fails < 2; fails++) {
		t_send(fd, 100, fails);
		t_stall_make(&stall, 2 * page);
		t_start_receive(&batch, in, stall.map + page - 8, t_record(100),
				TQUEUE_FOREVER);
		t_stall_by_turns(&stall, zeros);
		counts(fd, 1 + fails, fails, 0, 0, 1);
		if (fails) {
			t_stall_spoil(&stall);
			t_fails(&batch.task, EFAULT);
			close(stall.uffd);
			counts(fd, 2, 1, 0, 1, 0);
			t_receive(fd, 100, 1);
		} else {
			t_stall_release(&stall, zeros);
			t_result(&batch.task, 1);
		}
		counts(fd, 1 + fails, 1 + fails, 0, 0, 0);
		munmap(stall.map, stall.len);
	}
	free(zeros);
	close(in);
	t_end(fd);
}

/* Whichever way it is asked, also of one that was resized and set anew. */
static void asked_otherwise(void)
{
	struct tqueue_info info, same, next = { .name = "" };
	int fd = t_open_small(NAME);

	t_send(fd, 10, 1);
	t_send(fd, 10, 2);
	t_receive(fd, 10, 1);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	counts(fd, 2, 1, 0, 1, 0);
	info = t_info(fd);
	same = t_get(NAME);
	t_is(memcmp(&info, &same, sizeof(info)), 0);
	t_is(ioctl(t_control(), TQUEUE_CTL_NEXT, &next), 0);
	t_is(memcmp(&info, &next, sizeof(info)), 0);
	t_receive(fd, 10, 2);
	t_end(fd);
}

/* ---- senders that wait ------------------------------------------------------------ */

static void write_once(void *arg)
{
	t_is(write(t_open_queue(NAME, O_WRONLY), arg, 100), 100);
}

static void blocked_senders(void)
{
	int fd = t_open_small(NAME), i;
	struct t_task writer, splicer, interrupted;
	char buf[100] = "", records[256];
	struct t_batch batch, late;
	pid_t child;
	size_t end;

	t_unblockable();
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 0), FULL);
	t_is(t_info(fd).blocked_senders, 0);
	t_start_write(&writer, t_open_queue(NAME, O_WRONLY), buf, sizeof(buf));
	t_asleep(&writer, SYS_write);
	t_is(t_info(fd).blocked_senders, 1);
	end = t_put_many(records, 20, 0, 3);
	t_start_send(&batch, t_open_queue(NAME, O_WRONLY), records, end,
		     TQUEUE_FOREVER);
	t_asleep(&batch.task, SYS_ioctl);
	t_is(t_info(fd).blocked_senders, 2);
	t_start_splice_in(&splicer, t_open_queue(NAME, O_WRONLY), 100);
	t_asleep(&splicer, SYS_splice);
	t_is(t_info(fd).blocked_senders, 3);
	/* Those that leave: by a signal, a kill, a deadline. */
	t_start_write(&interrupted, t_open_queue(NAME, O_WRONLY), buf, sizeof(buf));
	t_asleep(&interrupted, SYS_write);
	child = t_fork(write_once, buf);
	t_asleep_pid(child, SYS_write);
	t_start_send(&late, t_open_queue(NAME, O_WRONLY), records, end,
		     t_deadline(0.05));
	t_fails(&late.task, ETIMEDOUT);
	t_is(t_info(fd).blocked_senders, 5);
	pthread_kill(interrupted.thread, SIGUSR1);
	t_fails(&interrupted, EINTR);
	t_is(t_info(fd).blocked_senders, 4);
	t_kill(child);
	t_is(t_info(fd).blocked_senders, 3);
	counts(fd, FULL, 0, 0, FULL, 0);
	/* Who may not wait never does. */
	t_is(t_send_call(fd, records, end, 0), 1);
	t_is(t_info(fd).blocked_senders, 3);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_result(&writer, sizeof(buf));
	t_finish(&batch.task);
	t_result(&splicer, 100);
	t_is(t_info(fd).blocked_senders, 0);
	t_adds_up(fd);
	while (t_info(fd).messages)
		t_true(read(fd, records, sizeof(records)) > 0, "read fails");
	close(writer.fd);
	close(batch.task.fd);
	close(splicer.fd);
	close(interrupted.fd);
	close(late.task.fd);
	t_end(fd);
}

/* ---- uuid ------------------------------------------------------------------------- */

#define MANY	30

static void each_its_own(void)
{
	static const __u8 none[16];
	struct tqueue_info infos[MANY + 2];
	char name[16];
	int i, j;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "uuid%d", i);
		t_create(name, TQ_PAGE);
		infos[i] = t_get(name);
	}
	infos[MANY] = t_get("tqueue");
	/* The same name again is another queue. */
	t_remove("uuid0");
	t_create("uuid0", TQ_PAGE);
	infos[MANY + 1] = t_get("uuid0");
	for (i = 0; i < MANY + 2; i++) {
		t_true(memcmp(infos[i].uuid, none, 16), "%s has no uuid",
		       infos[i].name);
		for (j = 0; j < i; j++)
			t_true(memcmp(infos[i].uuid, infos[j].uuid, 16),
			       "%s and %s have the same uuid", infos[i].name,
				infos[j].name);
	}
	t_remove_all();
}

static void it_stays(void)
{
	int fd = t_open_small(NAME), i;
	struct tqueue_info first = t_info(fd), now;

	t_send(fd, 10, 1);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 16 * TQ_PAGE, 0), 0);
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW | TQUEUE_CONFIG_END_OF_FILE,
			   TQUEUE_OVERFLOW_DROP_OLDEST, TQUEUE_EOF_LAST_WRITER), 0);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	for (i = 0; i < 3; i++) {
		now = i == 1 ? t_get(NAME) : t_info(fd);
		t_is(memcmp(now.uuid, first.uuid, sizeof(first.uuid)), 0);
		if (!i)
			t_is(ioctl(fd, TQUEUE_START), 0);
		if (i == 1) {
			t_receive(fd, 10, 1);
			close(fd);
			fd = t_open_queue(NAME, O_RDWR);
		}
	}
	t_end(fd);
}

/* ---- in traffic --------------------------------------------------------------------- */

static atomic_int stop;

static void run_sender(struct t_task *task)
{
	unsigned int dice = task->number;
	char buf[TQ_PAGE / 2];

	while (!atomic_load(&stop)) {
		int n;

		dice = dice * 1664525 + 1013904223;
		n = 1 + (dice >> 20) % 5;
		if (task->number & 1)
			t_send_call(task->fd, buf,
				    t_put_many(buf, dice >> 25, 0, n), 0);
		else
			write(task->fd, buf, 1 + (dice >> 23) % 500);
	}
}

static void run_receiver(struct t_task *task)
{
	int fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
	unsigned int dice = task->number;
	char buf[TQ_PAGE / 2];

	while (!atomic_load(&stop)) {
		dice = dice * 1664525 + 1013904223;
		switch (dice >> 30) {
		case 0:
			t_receive_call(fd, buf, sizeof(buf), 0);
			break;
		case 1:
			read(fd, buf, 1 + (dice >> 20) % 50);
			break;
		case 2:
			read(fd, buf, sizeof(buf));
			break;
		default:
			if ((dice >> 20) % 16)
				break;
			close(fd);
			fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
			break;
		}
	}
	close(fd);
}

/* Whenever all have stopped, and at any time nearly. */
static void in_traffic(void)
{
	struct t_task tasks[6];
	struct tqueue_info last = { 0 }, info;
	int fd, round, i;
	char buf[TQ_PAGE / 2];

	for (round = 0; round < 6; round++) {
		double end = t_now() + t_seconds(3) / 6;

		t_create_with(NAME, TQ_PAGE, round % 3, TQUEUE_EOF_NEVER);
		fd = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
		memset(&last, 0, sizeof(last));
		atomic_store(&stop, 0);
		for (i = 0; i < 6; i++) {
			tasks[i] = (struct t_task){
				.fd = i < 3 ? t_open_queue(NAME, O_WRONLY | O_NONBLOCK) :
					      -1,
				.number = round + i,
			};
			t_start(&tasks[i], i < 3 ? run_sender : run_receiver);
		}
		while (t_goes_on(end, last.received > 100)) {
			info = t_info(fd);
			/* Counts only grow. */
			t_true(info.sent >= last.sent && info.received >= last.received &&
			       info.dropped >= last.dropped,
				"a count goes back: %llu, %llu, %llu after %llu, %llu, %llu",
				(unsigned long long)info.sent,
				(unsigned long long)info.received,
				(unsigned long long)info.dropped,
				(unsigned long long)last.sent,
				(unsigned long long)last.received,
				(unsigned long long)last.dropped);
			t_true(info.messages <= TQ_PAGE / TQ_HEADER + 6 && info.in_flight <= 3,
			       "%llu messages, %u in flight",
				(unsigned long long)info.messages, info.in_flight);
			last = info;
		}
		atomic_store(&stop, 1);
		for (i = 0; i < 6; i++) {
			t_finish(&tasks[i]);
			if (tasks[i].fd >= 0)
				close(tasks[i].fd);
		}
		t_adds_up(fd);
		while (t_receive_call(fd, buf, sizeof(buf), 0) > 0)
			;
		t_end(fd);
	}
}

static const struct t_test tests[] = {
	TQ_TEST(plain),
	TQ_TEST(failures),
	TQ_TEST(empty_ones),
	TQ_TEST(dropped_ones),
	TQ_TEST(stalled_ones),
	TQ_TEST(asked_otherwise),
	TQ_TEST(blocked_senders),
	TQ_TEST(each_its_own),
	TQ_TEST(it_stays),
	TQ_TEST(in_traffic),
};

int main(int argc, char **argv)
{
	return t_main("counts", tests, ARRAY_SIZE(tests), argc, argv);
}
