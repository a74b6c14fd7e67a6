// SPDX-License-Identifier: GPL-2.0-only
/* Traffic while messages are dropped, and each drop told once. */
#include "overflow.h"

static atomic_int stop;

/* Messages of 16 bytes and more: who, which number, and then filling. */
static void send_on(struct t_task *task)
{
	unsigned int state = task->number;
	uint64_t buf[60] = { task->number };

	while (!atomic_load(&stop)) {
		state = state * 1664525 + 1013904223;
		buf[1] = atomic_load(&task->count);
		t_is(write(task->fd, buf, 16 + (state >> 24)), 16 + (state >> 24));
		atomic_fetch_add(&task->count, 1);
	}
}

/*
 * Between two messages from one sender lie at most as many numbers as were said
 * to be dropped; in all, what is missing is what was dropped.
 */
void in_traffic(void)
{
	enum { SENDERS = 3 };
	struct t_task senders[SENDERS];
	double end = t_now() + t_seconds(3);
	uint64_t next[SENDERS] = { 0 }, missing = 0, dropped = 0, sent = 0, got = 0;
	int fd = open_dropping(), i;
	bool last = false;
	char buf[TQ_PAGE / 2];

	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct t_task){
			.number = i, .fd = t_open_queue(NAME, O_WRONLY),
		};
		t_start(&senders[i], send_on);
	}
	for (;;) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
		};
		uint64_t gap = 0;
		size_t at = 0;
		long n, j;

		if (!last && !t_goes_on(end, dropped)) {
			atomic_store(&stop, 1);
			for (i = 0; i < SENDERS; i++)
				t_finish(&senders[i]);
			last = true;
		}
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			t_is(errno, EAGAIN);
			if (last)
				break;
			continue;
		}
		for (j = 0; j < n; j++) {
			struct tqueue_record *record = t_at(buf, at);
			uint64_t head[2];

			memcpy(head, record->payload, sizeof(head));
			t_true(head[0] < SENDERS, "sender %llu",
			       (unsigned long long)head[0]);
			t_true(head[1] >= next[head[0]], "number %llu after %llu",
			       (unsigned long long)head[1],
				(unsigned long long)next[head[0]]);
			gap += head[1] - next[head[0]];
			next[head[0]] = head[1] + 1;
			/* Only where something was dropped is there a mark. */
			t_is(!!(record->flags & TQUEUE_FLAG_DROPPED),
			     !j && receive.dropped);
			at += t_record(record->length);
		}
		got += n;
		missing += gap;
		dropped += receive.dropped;
		if (!receive.dropped && !dropped)
			t_is(missing, 0);
		t_true(missing <= dropped, "%llu are missing, %llu were dropped",
		       (unsigned long long)missing, (unsigned long long)dropped);
		/* Falls behind, that something be dropped. */
		if (!last)
			usleep(got % 3 * 1000);
	}
	for (i = 0; i < SENDERS; i++) {
		sent += atomic_load(&senders[i].count);
		close(senders[i].fd);
	}
	t_is(t_info(fd).dropped, dropped);
	t_is(sent, got + dropped);
	fprintf(stderr, "# %llu sent, %llu dropped\n", (unsigned long long)sent,
		(unsigned long long)dropped);
	t_true(dropped, "nothing was ever dropped");
	t_end(fd);
}

enum { RECEIVERS = 4 };

struct tally {
	atomic_ulong told, received;
};

static struct tally tally;

/* Receives in ways that work and in ways that fail, and gives back what it began. */
static void receive_on(struct t_task *task)
{
	size_t page = t_page();
	char *edge = t_edge(page), part[4];
	unsigned int state = task->number;
	int fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);

	while (!atomic_load(&stop)) {
		struct tqueue_receive receive = { .count = state >> 20 & 7 };
		size_t at = 0;
		long n, i;

		state = state * 1664525 + 1013904223;
		switch (state >> 28) {
		case 0:		/* cannot be had, or not all of it */
			receive.records = (uintptr_t)edge + page - (state >> 16 & 0x3f8);
			break;
		case 1:		/* taken in part, and given back */
			if (read(fd, part, sizeof(part)) == sizeof(part)) {
				close(fd);
				fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
			}
			continue;
		case 2:
			receive.records = (uintptr_t)edge;
			receive.flags = TQUEUE_RECEIVE_PEEK;
			break;
		default:
			receive.records = (uintptr_t)edge;
			break;
		}
		receive.bytes = 2 * page;
		if (state >> 28 > 2)
			receive.bytes = page;
		receive.dropped = 99;
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			t_is(receive.dropped, 0);
			t_true(errno == EAGAIN || errno == EFAULT || errno == EMSGSIZE,
			       "RECEIVE fails with %s", strerrorname_np(errno));
			sched_yield();
			continue;
		}
		for (i = 0; i < n; i++) {
			struct tqueue_record *record =
				t_at((void *)(uintptr_t)receive.records, at);

			t_is(!!(record->flags & TQUEUE_FLAG_DROPPED),
			     !i && receive.dropped);
			at += t_record(record->length);
		}
		if (receive.flags & TQUEUE_RECEIVE_PEEK) {
			t_is(receive.dropped, 0);
			continue;
		}
		atomic_fetch_add(&tally.told, receive.dropped);
		atomic_fetch_add(&tally.received, n);
	}
	close(fd);
	t_edge_free(edge, page);
}

/*
 * Each message that was sent was received once or dropped once, and each drop was
 * told once, whoever received in whatever way.
 */
void all_is_told(void)
{
	struct t_task senders[2], receivers[RECEIVERS];
	double end = t_now() + t_seconds(3);
	int fd = open_dropping(), i;
	uint64_t sent = 1;
	char buf[2 * TQ_PAGE];
	long n;

	for (i = 0; i < 2; i++) {
		senders[i] = (struct t_task){
			.number = i, .fd = t_open_queue(NAME, O_WRONLY),
		};
		t_start(&senders[i], send_on);
	}
	for (i = 0; i < RECEIVERS; i++) {
		receivers[i] = (struct t_task){ .number = 77 + i };
		t_start(&receivers[i], receive_on);
	}
	while (t_goes_on(end, t_info(fd).dropped > 100 &&
			 atomic_load(&tally.told)))
		t_sleep_ms(10);
	atomic_store(&stop, 1);
	for (i = 0; i < RECEIVERS; i++)
		t_finish(&receivers[i]);
	for (i = 0; i < 2; i++) {
		t_finish(&senders[i]);
		sent += atomic_load(&senders[i].count);
		close(senders[i].fd);
	}
	/* The last one brings what was not told yet. */
	t_send(fd, 100, 1);
	do {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
		};

		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n > 0) {
			tally.told += receive.dropped;
			tally.received += n;
		}
	} while (n > 0);
	t_is(tally.told, t_info(fd).dropped);
	t_is(tally.received, t_info(fd).received);
	t_is(tally.received + tally.told, sent);
	t_true(tally.told, "nothing was ever dropped");
	t_end(fd);
}
