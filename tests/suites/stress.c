// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once for a while (TQUEUE_SECONDS), and then an exact account:
 * each 8 bytes of each message were received once, whole messages in order.
 */
#include "common.h"

#define SENDERS		3
#define READERS		4
#define WORDS_MAX	120		/* of 8 bytes: 960, below 984 */
#define MESSAGES_MAX	60000		/* of each sender */

/* What a word says of itself. */
struct word {
	uint32_t sequence;
	uint16_t index;
	uint8_t sender;
	uint8_t words;		/* of its message */
};

static struct account {
	atomic_int stop;
	atomic_int sent[SENDERS];
	atomic_ullong words_sent, words_received;
	/* A bit for each word would do; a count of words does for a message. */
	atomic_uchar received[SENDERS][MESSAGES_MAX];
	atomic_ullong sum[SENDERS];	/* of all indexes received */
	atomic_ullong sum_sent[SENDERS];
	atomic_long refused, interrupted, faulted, short_reads, returned;
} *account;

static unsigned int roll(unsigned int *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static unsigned int words_of(int sender, uint32_t sequence)
{
	unsigned int hash = (sender * 31 + sequence) * 2654435761u >> 10;

	return 1 + (hash % 5 ? hash % 12 : hash % WORDS_MAX);
}

static void expect_error(void)
{
	if (errno == EAGAIN)
		account->refused++;
	else if (errno == EINTR)
		account->interrupted++;
	else if (errno == EFAULT)
		account->faulted++;
	else
		t_fail("errno %d", errno);
}

static void run_sender(struct t_task *task)
{
	unsigned int me = task->number, state = me + 1, n, i;
	int fd = t_open(O_WRONLY), quick = t_open(O_WRONLY | O_NONBLOCK);
	struct word words[WORDS_MAX + 1];
	uint32_t sequence = 0;

	while (!atomic_load(&account->stop) && sequence < MESSAGES_MAX) {
		unsigned int coin = roll(&state);
		ssize_t sent;

		n = words_of(me, sequence);
		for (i = 0; i < n; i++)
			words[i] = (struct word){ sequence, i, me, n };
		switch (coin % 8) {
		case 0:
			sent = write(quick, words, n * 8);
			break;
		case 1:
			/* All but its end is there. */
			sent = write(fd, t_edge(0) - 0, n * 8);
			t_is(sent, -1);
			break;
		case 2: {
			struct iovec two[2] = {
				{ words, n / 2 * 8 },
				{ words + n / 2, (n - n / 2) * 8 },
			};

			sent = writev(fd, two, 2);
			break;
		}
		case 3: {
			struct iovec one = { words, n * 8 };

			sent = pwritev2(fd, &one, 1, -1, RWF_NOWAIT);
			break;
		}
		default:
			sent = write(fd, words, n * 8);
		}
		if (sent < 0) {
			expect_error();
			continue;
		}
		t_is(sent, n * 8);
		account->words_sent += n;
		account->sum_sent[me] += (uint64_t)n * (n - 1) / 2;
		atomic_store(&account->sent[me], ++sequence);
	}
	close(fd);
	close(quick);
}

/* Books what was received; returns how much of the message is still to come. */
static unsigned int book(const struct word *words, size_t n, long *last)
{
	size_t i;

	t_true(words[0].sender < SENDERS && words[0].sequence < MESSAGES_MAX,
	       "this was never sent");
	t_is(words[0].words, words_of(words[0].sender, words[0].sequence));
	for (i = 0; i < n; i++) {
		t_is(words[i].sender, words[0].sender);
		t_is(words[i].sequence, words[0].sequence);
		t_is(words[i].words, words[0].words);
		t_is(words[i].index, words[0].index + i);
		account->sum[words[i].sender] += words[i].index;
	}
	t_true(words[0].index + n <= words[0].words, "more than the message");
	/* Whole messages come in order; a returned rest is out of turn. */
	if (!words[0].index) {
		t_true((long)words[0].sequence > last[words[0].sender],
		       "%u comes after %ld", words[0].sequence,
			last[words[0].sender]);
		last[words[0].sender] = words[0].sequence;
	}
	t_true(atomic_fetch_add(&account->received[words[0].sender]
					 [words[0].sequence], n) + n <=
		words[0].words, "more words than message %u of %u has",
		words[0].sequence, words[0].sender);
	account->words_received += n;
	return words[0].words - words[0].index - n;
}

static void run_reader(struct t_task *task)
{
	unsigned int state = task->number + 100;
	int fd = t_open(O_RDONLY | O_NONBLOCK), slow = -1;
	struct word words[WORDS_MAX + 1];
	char *bad = t_edge(4);
	long last[SENDERS] = { -1, -1, -1 };

	for (;;) {
		unsigned int coin = roll(&state);
		size_t want = sizeof(words);
		ssize_t got;
		int which = fd;

		switch (coin % 16) {
		case 0 ... 3:
			want = 8 * (1 + coin / 16 % 20);
			break;
		case 4:
			/* With whatever it holds. */
			close(fd);
			fd = t_open(O_RDONLY | O_NONBLOCK);
			account->returned++;
			continue;
		case 5:
			got = read(fd, bad, want);
			t_is(got, -1);
			expect_error();
			continue;
		case 6: {
			struct pollfd one = { .fd = fd, .events = POLLIN };

			if (poll(&one, 1, 2) < 0)
				expect_error();
			continue;
		}
		case 7 ... 9:
			/* Blocking; a signal ends it if nothing else does. */
			if (slow < 0)
				slow = t_open(O_RDONLY);
			which = slow;
			break;
		default:
			break;
		}
		if (coin & 64) {
			struct iovec two[2] = {
				{ words, 8 }, { words + 1, want - 8 },
			};

			got = readv(which, two, 2);
		} else {
			got = read(which, words, want);
		}
		if (got < 0) {
			expect_error();
			if (atomic_load(&account->stop) > 1)
				break;
			continue;
		}
		t_true(got > 0 && got % 8 == 0, "%zd bytes", got);
		if (book(words, got / 8, last))
			account->short_reads++;
	}
	close(fd);
	if (slow >= 0)
		close(slow);
}

static bool all_sent(int messages)
{
	int i;

	for (i = 0; i < SENDERS; i++)
		if (atomic_load(&account->sent[i]) <= messages)
			return false;
	return true;
}

static void everything_at_once(void)
{
	double end = t_now() + t_seconds(3);
	struct t_task senders[SENDERS], readers[READERS];
	struct word words[WORDS_MAX + 1];
	long last[SENDERS] = { -1, -1, -1 };
	uint64_t total = 0;
	ssize_t got;
	int i, fd;
	uint32_t j;

	account = t_shared(sizeof(*account));
	t_unblockable();
	for (i = 0; i < READERS; i++) {
		readers[i] = (struct t_task){ .number = i };
		t_start(&readers[i], run_reader);
	}
	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct t_task){ .number = i };
		t_start(&senders[i], run_sender);
	}
	while (t_goes_on(end, all_sent(10))) {
		t_sleep_ms(3);
		i = (unsigned int)(t_now() * 1e6) % (SENDERS + READERS);
		if (i < SENDERS && !t_done(&senders[i]))
			pthread_kill(senders[i].thread, SIGUSR1);
		else if (i >= SENDERS)
			pthread_kill(readers[i - SENDERS].thread, SIGUSR1);
		t_value("messages");
	}
	atomic_store(&account->stop, 1);
	for (i = 0; i < SENDERS; i++)
		t_finish(&senders[i]);
	/* Readers end when they find nothing; those asleep need a signal. */
	atomic_store(&account->stop, 2);
	for (i = 0; i < READERS; i++) {
		while (!t_done(&readers[i])) {
			pthread_kill(readers[i].thread, SIGUSR1);
			t_sleep_ms(2);
		}
		t_finish(&readers[i]);
	}
	/* Rests that the last ones gave back. */
	fd = t_open(O_RDONLY | O_NONBLOCK);
	while ((got = read(fd, words, sizeof(words))) > 0)
		book(words, got / 8, last);
	t_errno(got, EAGAIN);
	close(fd);

	for (i = 0; i < SENDERS; i++) {
		t_true(account->sent[i] > 10, "sender %d sent %d messages", i,
		       account->sent[i]);
		for (j = 0; j < (uint32_t)account->sent[i]; j++)
			t_true(account->received[i][j] == words_of(i, j),
			       "%d words of message %u of sender %d, not %u",
				account->received[i][j], j, i, words_of(i, j));
		for (; j < MESSAGES_MAX; j++)
			t_is(account->received[i][j], 0);
		t_is(account->sum[i], account->sum_sent[i]);
		total += account->sent[i];
	}
	t_is(account->words_received, account->words_sent);
	t_is(t_value("messages"), 0);
	t_is(t_value("bytes"), 0);
	fprintf(stderr, "# %llu messages, %ld short reads, %ld closes,",
		(unsigned long long)total, (long)account->short_reads,
		(long)account->returned);
	fprintf(stderr, " %ld refused, %ld interrupted, %ld faulted\n",
		(long)account->refused, (long)account->interrupted,
		(long)account->faulted);
}

static const struct t_test tests[] = {
	{ .name = "small_queue", .run = everything_at_once, .params = TQ_SMALL,
	  .seconds = 55 },
	{ .name = "default_queue", .run = everything_at_once, .seconds = 55 },
};

int main(int argc, char **argv)
{
	return t_main("stress", tests, ARRAY_SIZE(tests), argc, argv);
}
