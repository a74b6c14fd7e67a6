// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches, plain reads and plain writes by many processes on one queue: each
 * message arrives once, whole, and in the order of its sender.
 */
#include "calls.h"

#define NAME		"mix"
#define SENDERS		4
#define RECEIVERS	5
#define EACH		4000

/* Of a message: sender, number, and then a pattern of their own. */
#define HEAD		(2 * sizeof(uint32_t))

struct shared {
	atomic_uint sent[SENDERS];
	atomic_uchar received[SENDERS][EACH];
	atomic_uint count, batches, batched;
};

static struct shared *shared;

static size_t length_of(unsigned int sender, unsigned int number)
{
	return HEAD + (number * 37 + sender * 11) % 150;
}

static size_t make(char *buf, unsigned int sender, unsigned int number)
{
	size_t len = length_of(sender, number);

	memcpy(buf, &sender, sizeof(sender));
	memcpy(buf + sizeof(sender), &number, sizeof(number));
	t_pattern(buf + HEAD, len - HEAD, sender * EACH + number, 0);
	return len;
}

static void got(const char *buf, size_t len, unsigned int *last)
{
	unsigned int sender, number;

	t_true(len >= HEAD, "a message of %zu bytes", len);
	memcpy(&sender, buf, sizeof(sender));
	memcpy(&number, buf + sizeof(sender), sizeof(number));
	t_true(sender < SENDERS && number < EACH, "sender %u, number %u", sender,
	       number);
	t_is(len, length_of(sender, number));
	t_is(t_differs(buf + HEAD, len - HEAD, sender * EACH + number, 0), -1);
	t_true(number + 1 > last[sender], "number %u of sender %u after %u", number,
	       sender, last[sender] - 1);
	last[sender] = number + 1;
	t_is(atomic_exchange(&shared->received[sender][number], 1), 0);
	atomic_fetch_add(&shared->count, 1);
}

static void send_all(void *arg)
{
	unsigned int sender = (uintptr_t)arg, number = 0, state = sender + 1;
	int fd = t_open_queue(NAME, O_WRONLY);
	char buf[2 * TQ_PAGE];

	while (number < EACH) {
		struct tqueue_send send = {
			.records = (uintptr_t)buf, .deadline = TQUEUE_FOREVER,
		};
		size_t end = 0, len;
		unsigned int n, i;
		long sent;

		state = state * 1664525 + 1013904223;
		n = (state >> 16) % 33;
		if (n > EACH - number)
			n = EACH - number;
		if (sender == 0 || !n) {
			len = make(buf, sender, number);
			t_is(write(fd, buf, len), len);
			number++;
			continue;
		}
		for (i = 0; i < n; i++) {
			size_t at = end;

			len = length_of(sender, number + i);
			end = t_put(buf, at, len, 0);
			make((char *)t_at(buf, at)->payload, sender, number + i);
		}
		send.bytes = end;
		sent = ioctl(fd, TQUEUE_SEND, &send);
		t_true(sent > 0, "SEND fails with %s", strerrorname_np(errno));
		number += sent;
	}
}

static void receive_all(void *arg)
{
	unsigned int number = (uintptr_t)arg, state = number + 77;
	int fd = t_open_queue(NAME, O_RDONLY);
	unsigned int last[SENDERS] = { 0 };
	char buf[4 * TQ_PAGE];

	while (atomic_load(&shared->count) < SENDERS * EACH) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .deadline = t_deadline(0.05),
		};
		size_t at = 0;
		uint64_t id = 0;
		long n;

		state = state * 1664525 + 1013904223;
		if (number == 0 || (number == 1 && state >> 31)) {
			struct pollfd one = { .fd = fd, .events = POLLIN };

			/* Not to sleep on when it is over. */
			if (poll(&one, 1, 20) == 1) {
				fcntl(fd, F_SETFL, O_NONBLOCK);
				n = read(fd, buf, sizeof(buf));
				fcntl(fd, F_SETFL, 0);
				if (n > 0)
					got(buf, n, last);
				else
					t_errno(n, EAGAIN);
			}
			continue;
		}
		receive.bytes = 300 + (state >> 16) % (sizeof(buf) - 300);
		receive.count = (state >> 8) % 40;
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (n < 0) {
			t_is(errno, ETIMEDOUT);
			continue;
		}
		atomic_fetch_add(&shared->batches, 1);
		atomic_fetch_add(&shared->batched, n);
		while (n--) {
			struct tqueue_record *record = t_at(buf, at);

			t_true(record->id > id, "ids are not in order");
			id = record->id;
			got((char *)record->payload, record->length, last);
			at += t_record(record->length);
		}
		t_is(at, receive.bytes);
	}
}

static void exactly_once(size_t size)
{
	pid_t pids[SENDERS + RECEIVERS];
	int i, fd;

	shared = t_shared(sizeof(*shared));
	t_create(NAME, size);
	for (i = 0; i < SENDERS + RECEIVERS; i++)
		pids[i] = i < SENDERS ?
			  t_fork(send_all, (void *)(uintptr_t)i) :
			  t_fork(receive_all, (void *)(uintptr_t)(i - SENDERS));
	for (i = 0; i < SENDERS + RECEIVERS; i++)
		t_reap(pids[i]);
	t_is(atomic_load(&shared->count), SENDERS * EACH);
	fprintf(stderr, "# %u batches of %.1f messages\n",
		atomic_load(&shared->batches), (double)
		atomic_load(&shared->batched) / atomic_load(&shared->batches));
	fd = t_open_queue(NAME, O_RDONLY);
	t_empty(fd);
	t_is(t_info(fd).received, SENDERS * EACH);
	close(fd);
	t_remove(NAME);
}

static void on_a_small_queue(void)
{
	exactly_once(TQ_PAGE);
}

static void on_a_large_queue(void)
{
	exactly_once(1 << 18);
}

static const struct t_test tests[] = {
	TQ_TEST(on_a_small_queue),
	TQ_TEST(on_a_large_queue),
};

int main(int argc, char **argv)
{
	return t_main("mix", tests, ARRAY_SIZE(tests), argc, argv);
}
