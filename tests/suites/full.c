// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fits: the account of the ring, checked against a model of its own. A
 * message of n bytes uses 40 + n rounded up to 8; all together use at most size.
 */
#include "common.h"

static void how_many_fit(void)
{
	static const size_t lengths[] = {
		1, 7, 8, 9, 16, 17, 24, 63, 64, 65, 88, 100, 471, 472, 473, 500,
		642, 643, TQ_SMALL_MAX,
	};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		n = t_fill(lengths[i], 0);
		t_true(n == TQ_PAGE / t_record(lengths[i]),
		       "%zu messages of %zu bytes fit, not %zu", n, lengths[i],
			TQ_PAGE / t_record(lengths[i]));
		t_is(t_value("messages"), n);
		t_is(t_value("bytes"), n * t_record(lengths[i]));
		t_is(t_drain(), n);
		t_is(t_value("messages"), 0);
		t_is(t_value("bytes"), 0);
	}
}

/* The same wherever the ring happens to start. */
static void one_out_one_in(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	char buf[104] = "";
	uint64_t i;
	size_t n;

	n = t_fill(100, 0);
	for (i = 0; i < 500; i++) {
		t_receive(fd, 100, i);
		t_send(fd, 100, n + i);
		t_errno(write(fd, buf, sizeof(buf)), EAGAIN);
	}
	for (; i < 500 + n; i++)
		t_receive(fd, 100, i);
	t_nothing();
	close(fd);
}

/* The last byte: what is left takes exactly what it can take. */
static void last_bytes(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	enum { MOST = TQ_PAGE / 4 };	/* the longest record */
	char buf[MOST] = "";
	size_t left;

	for (left = 48; left <= MOST; left += 8) {
		size_t used = 0;

		/* Fill up to @left bytes with the longest records. */
		while (TQ_PAGE - left - used > MOST + 48) {
			t_is(write(fd, buf, TQ_SMALL_MAX), TQ_SMALL_MAX);
			used += MOST;
		}
		while (TQ_PAGE - left - used) {
			size_t record = TQ_PAGE - left - used;

			if (record > MOST)
				record = MOST / 2;
			t_is(write(fd, buf, record - 40), record - 40);
			used += record;
		}
		t_is(t_value("bytes"), TQ_PAGE - left);
		if (left < MOST)
			t_errno(write(fd, buf, left - 40 + 1), EAGAIN);
		t_is(write(fd, buf, left - 40), left - 40);
		t_is(t_value("bytes"), TQ_PAGE);
		t_errno(write(fd, buf, 1), EAGAIN);
		t_drain();
	}
	close(fd);
}

struct model {
	size_t length[256];	/* a circle of what should be queued */
	unsigned int first, last;
	size_t used;
};

/* Random sends and receives: success exactly when the model says so. */
static void model(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	struct model model = { 0 };
	char *buf = malloc(2048);
	unsigned int state = 12345, i;
	size_t size = t_size(), max = t_max_message();

	for (i = 0; i < 20000; i++) {
		unsigned int coin;

		state = state * 1103515245 + 12345;
		coin = state >> 8;
		/* Long spells of mostly sending and mostly receiving. */
		if ((coin & 15) < (i & 512 ? 10U : 6U)) {
			size_t len = (coin >> 4) % 3 ? 1 + (coin >> 6) % 60 :
						      1 + (coin >> 6) % 1100;
			ssize_t sent;

			t_pattern(buf, len, model.last, 0);
			sent = write(fd, buf, len);
			if (len > max) {
				t_errno(sent, EMSGSIZE);
			} else if (model.used + t_record(len) > size) {
				t_errno(sent, EAGAIN);
			} else {
				t_is(sent, len);
				model.length[model.last++ % 256] = len;
				model.used += t_record(len);
			}
		} else {
			ssize_t got = read(fd, buf, 2048);
			size_t len = model.length[model.first % 256];

			if (model.first == model.last) {
				t_errno(got, EAGAIN);
			} else {
				t_is(got, len);
				t_is(t_differs(buf, len, model.first, 0), -1);
				model.first++;
				model.used -= t_record(len);
			}
		}
		if (i % 500 == 0) {
			t_is(t_value("bytes"), model.used);
			t_is(t_value("messages"), model.last - model.first);
		}
	}
	while (model.first != model.last) {
		t_receive(fd, model.length[model.first % 256], model.first);
		model.first++;
	}
	t_nothing();
	free(buf);
	close(fd);
}

/*
 * Rests taken and returned at random between sends and receives: the order and
 * the contents stay what a list that is kept by the order of sending gives.
 */
static void model_with_rests(void)
{
	enum { FILES = 5, KEPT = 512 };
	static struct {
		size_t length, offset;
		int holder;	/* 0: ready, 1..: file, -1: gone */
	} kept[KEPT];
	int fd = t_open(O_RDWR | O_NONBLOCK), in[FILES], i, step;
	int holds[FILES];
	unsigned int state = 99, sent = 0;
	char *buf = malloc(2048);

	for (i = 0; i < FILES; i++) {
		in[i] = t_open(O_RDONLY | O_NONBLOCK);
		holds[i] = -1;
	}
	for (step = 0; sent < KEPT || step < 4000; step++) {
		unsigned int coin;
		size_t first;

		state = state * 1103515245 + 12345;
		coin = state >> 8;
		for (first = 0; first < sent && kept[first].holder; first++)
			;
		if (coin % 8 < 3 && sent < KEPT) {
			size_t len = 1 + (coin >> 4) % 300;

			t_pattern(buf, len, sent, 0);
			if (write(fd, buf, len) < 0) {
				t_errno(-1, EAGAIN);
				continue;
			}
			kept[sent].length = len;
			kept[sent].offset = 0;
			kept[sent++].holder = 0;
		} else if (coin % 8 == 3) {
			/* Close one, with whatever it holds. */
			i = (coin >> 4) % FILES;
			close(in[i]);
			if (holds[i] >= 0)
				kept[holds[i]].holder = 0;
			holds[i] = -1;
			in[i] = t_open(O_RDONLY | O_NONBLOCK);
		} else {
			size_t want = 1 + (coin >> 7) % 350, at, left;
			ssize_t got;

			i = (coin >> 4) % FILES;
			got = read(in[i], buf, want);
			at = holds[i] >= 0 ? (size_t)holds[i] : first;
			if (at == sent) {
				t_errno(got, EAGAIN);
				continue;
			}
			left = kept[at].length - kept[at].offset;
			t_is(got, want < left ? want : left);
			t_is(t_differs(buf, got, at, kept[at].offset), -1);
			kept[at].offset += got;
			kept[at].holder = (size_t)got == left ? -1 : 1 + i;
			holds[i] = (size_t)got == left ? -1 : (int)at;
		}
	}
	for (i = 0; i < FILES; i++) {
		if (holds[i] >= 0)
			kept[holds[i]].holder = 0;
		close(in[i]);
	}
	for (i = 0; i < (int)sent; i++)
		if (!kept[i].holder)
			t_receive_rest(fd, kept[i].length - kept[i].offset, i,
				       kept[i].offset);
	t_nothing();
	t_is(t_value("bytes"), 0);
	free(buf);
	close(fd);
}

/* Waiting senders hold a message each; the queue itself stays bounded. */
static void bounded_with_a_line(void)
{
	enum { MANY = 30 };
	int fd = t_open(O_RDWR | O_NONBLOCK), i;
	struct t_task senders[MANY];
	char buf[TQ_SMALL_MAX] = "";

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	for (i = 0; i < MANY; i++) {
		t_start_write(&senders[i], t_open(O_WRONLY), buf, sizeof(buf));
		t_asleep(&senders[i], SYS_write);
		t_true(t_value("bytes") <= TQ_PAGE, "the queue holds %ld bytes",
		       t_value("bytes"));
	}
	for (i = 0; i < MANY + 4; i++) {
		t_is(read(fd, buf, sizeof(buf)), sizeof(buf));
		t_true(t_value("bytes") <= TQ_PAGE, "the queue holds %ld bytes",
		       t_value("bytes"));
	}
	for (i = 0; i < MANY; i++) {
		t_finish(&senders[i]);
		t_is(senders[i].result, sizeof(buf));
		close(senders[i].fd);
	}
	t_nothing();
	t_is(t_value("bytes"), 0);
	close(fd);
}

/* The default queue takes what it says, too. */
static void default_size(void)
{
	size_t max = t_max_message(), n;

	n = t_fill(max, 0);
	t_is(n, t_size() / t_record(max));
	t_is(t_drain(), n);
	n = t_fill(1000, 0);
	t_is(n, t_size() / t_record(1000));
	t_is(t_drain(), n);
}

static const struct t_test tests[] = {
	TQ_TEST_WITH(how_many_fit, TQ_SMALL),
	TQ_TEST_WITH(one_out_one_in, TQ_SMALL),
	TQ_TEST_WITH(last_bytes, TQ_SMALL),
	TQ_TEST_WITH(model, TQ_SMALL),
	TQ_TEST_WITH(model_with_rests, TQ_SMALL),
	TQ_TEST_WITH(bounded_with_a_line, TQ_SMALL),
	TQ_TEST(default_size),
};

int main(int argc, char **argv)
{
	return t_main("full", tests, ARRAY_SIZE(tests), argc, argv);
}
