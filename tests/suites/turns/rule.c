// SPDX-License-Identifier: GPL-2.0-only
/* The rule: one message past those that wait. */
#include "turns.h"

void nobody_waits(void)
{
	int fd = open_full(), quick = open_nonblocking();

	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 0);
	passes(quick, TQ_SMALL_MAX, FULL);
	refused(quick);
	t_received(fd, FULL, TQ_SMALL_MAX, 1);
	close(quick);
	t_end(fd);
}

void one_message_past_them(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	struct blocked large;
	struct tqueue_info info;

	refused(quick);
	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	refused(quick);
	info = t_info(fd);
	t_is(info.messages, FULL + 1);
	t_is(info.bytes, TQ_PAGE + t_record(SMALL));
	t_is(info.blocked_senders, 1);
	/* It has no more than its turn, though there is room enough for it. */
	t_receive(fd, TQ_SMALL_MAX, 0);
	t_still_asleep(&large.task, SYS_write);
	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 1);
	admitted(&large, TQ_SMALL_MAX);
	/* Nobody waits: as long as it fits. */
	t_is(write(quick, buf, SMALL), SMALL);
	for (i = 2; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, SMALL, 60);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_is(read(fd, buf, sizeof(buf)), SMALL);
	close(quick);
	t_end(fd);
}

/* Those who came later need not be waited for; those who left need not, either. */
void until_all_who_waited_are_gone(void)
{
	static struct blocked waiting[3], later;
	int fd = open_full(), quick = open_nonblocking(), i;

	t_unblockable();
	for (i = 0; i < 3; i++)
		block(&waiting[i], TQ_SMALL_MAX, 50 + i);
	passes(quick, SMALL, 60);
	block(&later, TQ_SMALL_MAX, 53);
	refused(quick);
	/* One place, and 64 bytes less: too few. */
	t_receive(fd, TQ_SMALL_MAX, 0);
	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 1);
	admitted(&waiting[0], TQ_SMALL_MAX);
	refused(quick);
	/* The second goes by a signal. */
	pthread_kill(waiting[1].task.thread, SIGUSR1);
	t_fails(&waiting[1].task, EINTR);
	close(waiting[1].task.fd);
	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 2);
	admitted(&waiting[2], TQ_SMALL_MAX);
	/* Its next turn: only the one that came later waits. */
	t_is(t_info(fd).blocked_senders, 1);
	passes(quick, SMALL, 61);
	refused(quick);
	t_receive(fd, TQ_SMALL_MAX, 3);
	t_receive(fd, SMALL, 60);
	admitted(&later, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_receive(fd, TQ_SMALL_MAX, 52);
	t_receive(fd, SMALL, 61);
	t_receive(fd, TQ_SMALL_MAX, 53);
	close(quick);
	t_end(fd);
}

/* Each open file has a turn of its own; descriptors of one file share theirs. */
void each_file(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	int other = open_nonblocking(), copy = dup(quick);
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	passes(quick, SMALL, 60);
	refused(copy);
	passes(other, SMALL, 61);
	refused(other);
	refused(quick);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, SMALL, 60);
	t_receive(fd, SMALL, 61);
	t_receive(fd, TQ_SMALL_MAX, 50);
	close(copy);
	close(other);
	close(quick);
	t_end(fd);
}

static void run_send(struct t_task *task)
{
	task->result = write(task->fd, task->buf, task->len);
	task->error = errno;
}

/* Every call that may not sleep has it, and no call more than one message. */
void all_calls(void)
{
	int fd = open_full(), file, how, i;
	struct iovec two[2] = { { buf, 4 }, { buf + 4, SMALL - 4 } };
	struct blocked large;
	int ends[2];

	block(&large, TQ_SMALL_MAX, 50);
	for (how = 0; how < 5; how++) {
		size_t end;

		file = t_open_queue(NAME, O_WRONLY | (how < 2 ? 0 : O_NONBLOCK));
		if (how) {
			t_pattern(buf, SMALL, 60 + how, 0);
			end = SMALL;
		} else {
			end = t_put_many(buf, SMALL, 60, 3);
		}
		switch (how) {
		case 0:		/* a batch that must not wait */
			t_is(t_send_call(file, buf, end, 0), 1);
			t_errno(t_send_call(file, buf, end, 0), EAGAIN);
			break;
		case 1:
			t_is(pwritev2(file, two, 2, -1, RWF_NOWAIT), SMALL);
			t_errno(pwritev2(file, two, 2, -1, RWF_NOWAIT), EAGAIN);
			break;
		case 2:
			t_is(writev(file, two, 2), SMALL);
			t_errno(writev(file, two, 2), EAGAIN);
			break;
		case 3:		/* whatever its deadline */
			end = t_put_many(buf, SMALL, 60 + how, 3);
			t_is(t_send_call(file, buf, end, TQUEUE_FOREVER), 1);
			t_errno(t_send_call(file, buf, end, TQUEUE_FOREVER), EAGAIN);
			break;
		default:
			t_is(pipe(ends), 0);
			t_is(write(ends[1], buf, SMALL), SMALL);
			t_is(splice(ends[0], NULL, file, NULL, SMALL, 0), SMALL);
			t_is(write(ends[1], buf, SMALL), SMALL);
			t_errno(splice(ends[0], NULL, file, NULL, SMALL, 0), EAGAIN);
			close(ends[0]);
			close(ends[1]);
			break;
		}
		close(file);
	}
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (how = 0; how < 5; how++)
		t_receive(fd, SMALL, 60 + how);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_end(fd);
}

/* One that may sleep waits its turn, and its file's turn is not used up by it. */
void who_may_sleep_waits(void)
{
	int fd = open_full(), i;
	struct t_task second;
	struct blocked large;
	char small[SMALL];

	block(&large, TQ_SMALL_MAX, 50);
	t_pattern(small, SMALL, 51, 0);
	second = (struct t_task){
		.fd = t_open_queue(NAME, O_WRONLY), .buf = small, .len = SMALL,
	};
	t_start(&second, run_send);
	t_asleep(&second, SYS_write);
	t_is(t_info(fd).blocked_senders, 2);
	t_is(t_send_call(second.fd, buf, t_put(buf, 0, SMALL, 60), 0), 1);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	admitted(&large, TQ_SMALL_MAX);
	t_result(&second, SMALL);
	t_receive(fd, SMALL, 60);
	t_receive(fd, TQ_SMALL_MAX, 50);
	t_receive(fd, SMALL, 51);
	close(second.fd);
	t_end(fd);
}

/* What cannot be sent uses up no turn. */
void failures_use_no_turn(void)
{
	int fd = open_full(), quick = open_nonblocking(), i;
	char *edge = t_edge(t_page()) + t_page();
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	for (i = 0; i < 3; i++) {
		t_errno(write(quick, edge - i, SMALL), EFAULT);
		t_errno(write(quick, buf, TQ_SMALL_MAX + 1), EMSGSIZE);
		t_errno(t_send_call(quick, edge - 8 * i, 100, 0), EFAULT);
		memset(buf, 0, 100);
		t_errno(t_send_call(quick, buf, 100, 0), EINVAL);
		t_is(write(quick, buf, 0), 0);
	}
	passes(quick, SMALL, 60);
	refused(quick);
	for (i = 0; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_receive(fd, SMALL, 60);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	close(quick);
	t_end(fd);
}

/* All of them together put as many bytes past as the queue has. */
void no_more_than_its_size(void)
{
	enum { MANY = 12 };
	int fd = open_full(), quick[MANY], i, sent = 0;
	struct blocked large;

	block(&large, TQ_SMALL_MAX, 50);
	for (i = 0; i < MANY; i++) {
		long got;

		quick[i] = open_nonblocking();
		t_pattern(buf, TQ_SMALL_MAX, 60 + sent, 0);
		got = write(quick[i], buf, TQ_SMALL_MAX);
		if (got < 0)
			t_errno(got, EAGAIN);
		else
			sent++;
		t_true(t_info(fd).bytes <= 2 * TQ_PAGE, "the queue holds %llu bytes",
		       (unsigned long long)t_info(fd).bytes);
	}
	t_is(sent, FULL);
	/* One that was refused has used up its turn as well. */
	refused(quick[MANY - 1]);
	/* What is received is room for one more. */
	t_receive(fd, TQ_SMALL_MAX, 0);
	refused(quick[MANY - 1]);
	for (i = 0; i < 2; i++) {
		close(quick[i]);
		quick[i] = open_nonblocking();
	}
	passes(quick[0], TQ_SMALL_MAX, 60 + sent);
	t_errno(write(quick[1], buf, 1), EAGAIN);
	for (i = 1; i < FULL; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	for (i = 0; i < FULL + 1; i++)
		t_receive(fd, TQ_SMALL_MAX, 60 + i);
	admitted(&large, TQ_SMALL_MAX);
	t_receive(fd, TQ_SMALL_MAX, 50);
	for (i = 0; i < MANY; i++)
		close(quick[i]);
	t_end(fd);
}
