// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue against a model of it: one process makes random calls that never
 * wait, through three open files for both ways and one for writing, and after each
 * the queue must say, give and hold what the model does. The seed of a run is in
 * its message.
 */
#include "calls.h"

#define NAME	"model"
#define FILES	3	/* and one more that only writes */
#define WRITER	FILES
#define MOST	2000

struct item {
	uint64_t order, seed;
	size_t len, offset;
};

static struct item items[MOST], rests[FILES];
static bool has_rest[FILES];
static size_t count, size, max_message;
static uint64_t sent, dropped, told;
static unsigned int overflow, no_reader;
static bool follows, stopped;
static bool reads[FILES];	/* it has been read from, or polled */
static bool seen[FILES + 1];	/* it was open together with one that has */
static int files[FILES + 1];
static char buf[1 << 18];
static unsigned long seed, steps;
/* ---- the model ------------------------------------------------------------- */

static size_t held(void)
{
	size_t bytes = 0, i;

	for (i = 0; i < count; i++)
		bytes += t_record(items[i].len);
	return bytes;
}

static int in_flight(void)
{
	int n = 0, i;

	for (i = 0; i < FILES; i++)
		n += has_rest[i];
	return n;
}

static void take_first(size_t n)
{
	count -= n;
	memmove(items, items + n, count * sizeof(items[0]));
}

static void put_back(struct item item)
{
	size_t at = 0;

	while (at < count && items[at].order < item.order)
		at++;
	memmove(items + at + 1, items + at, (count - at) * sizeof(items[0]));
	items[at] = item;
	count++;
}

static int readers(void)
{
	int n = 0, i;

	for (i = 0; i < FILES; i++)
		n += reads[i];
	return n;
}

/* Something is received through this file, or polled for. */
static void reading(int file)
{
	int i;

	reads[file] = true;
	for (i = 0; i <= FILES; i++)
		seen[i] = true;
}

/* Why nothing can be sent through this file, or 0. */
static int refusal(int file)
{
	if (stopped)
		return ESHUTDOWN;
	if (no_reader == TQUEUE_NO_READER_ERROR && seen[file] && !readers())
		return EPIPE;
	return 0;
}

static int full_error(void)
{
	return overflow == TQUEUE_OVERFLOW_REJECT ? ENOBUFS : EAGAIN;
}

/* 0, EMSGSIZE, ESHUTDOWN, EPIPE, ENOBUFS or EAGAIN. */
static int send_one(int file, size_t len)
{
	if (len > max_message)
		return EMSGSIZE;
	if (refusal(file))
		return refusal(file);
	if (held() + t_record(len) > size && overflow != TQUEUE_OVERFLOW_DROP_OLDEST)
		return full_error();
	while (held() + t_record(len) > size) {
		take_first(1);
		dropped++;
	}
	sent++;
	put_back((struct item){ .order = sent, .seed = sent, .len = len });
	return 0;
}

/* What a read or a RECEIVE gives where there is nothing. */
static void at_the_end(long got)
{
	if (stopped && !in_flight())
		t_is(got, 0);
	else
		t_errno(got, EAGAIN);
}

/* ---- calls -------------------------------------------------------------------- */

static size_t any_length(bool empty)
{
	if (empty && !t_below(5))
		return 0;
	switch (t_below(8)) {
	case 0:
		return max_message - t_below(max_message < 3 ? 1 : 3);
	case 1:
		return max_message + 1 + t_below(100);
	case 2:
		return t_below(max_message + 1);
	default:
		return t_below(120);
	}
}

static void try_write(int file)
{
	size_t len = any_length(false);
	int error, why;
	long got;

	if (!len)
		len = 1;
	t_pattern(buf, len, sent + 1, 0);
	got = write(files[file], buf, len);
	error = errno;
	why = send_one(file, len);
	errno = error;
	if (why)
		t_errno(got, why);
	else
		t_is(got, len);
}

static void try_send(int file)
{
	size_t lens[12], end = 0;
	int n = 1 + t_below(ARRAY_SIZE(lens)), i, why = 0, error;
	struct tqueue_send send = { .records = (uintptr_t)buf };
	long got;

	for (i = 0; i < n; i++) {
		lens[i] = any_length(true);
		end = t_put(buf, end, lens[i], sent + 1 + i);
	}
	send.bytes = end;
	got = ioctl(files[file], TQUEUE_SEND, &send);
	error = errno;
	if (refusal(file)) {
		/* What is wrong with the first comes before the readers. */
		if (refusal(file) == EPIPE && lens[0] > max_message)
			t_errno(got, EMSGSIZE);
		else
			t_errno(got, refusal(file));
		return;
	}
	for (i = 0, end = 0; i < n; i++) {
		why = send_one(file, lens[i]);
		if (why)
			break;
		end += t_record(lens[i]);
	}
	errno = error;
	if (i) {
		t_is(got, i);
		t_is(send.sent_bytes, end);
	} else if (why == EMSGSIZE && error == full_error()) {
		/* It was too full to look at the first. */
		t_is(held() + TQ_HEADER > size, 1);
	} else {
		t_errno(got, why);
	}
}

static void try_read(int file)
{
	size_t room = t_below(2) ? 1 + t_below(200) : 40000, left, n;
	long got = read(files[file], buf, room);
	struct item *item = &rests[file];

	reading(file);
	if (!has_rest[file]) {
		while (count && items[0].len == items[0].offset)
			take_first(1);
		if (!count) {
			at_the_end(got);
			return;
		}
		*item = items[0];
		take_first(1);
	}
	left = item->len - item->offset;
	n = room < left ? room : left;
	t_is(got, n);
	t_is(t_differs(buf, n, item->seed, item->offset), -1);
	item->offset += n;
	has_rest[file] = n < left;
}

static void try_receive(int file, bool peek)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .count = t_below(2) ? t_below(10) : 0,
		.bytes = t_below(2) ? t_below(2000) : sizeof(buf),
		.flags = peek ? TQUEUE_RECEIVE_PEEK : 0, .dropped = 99,
	};
	size_t room = receive.bytes, at = 0, n = 0;
	long got = ioctl(files[file], TQUEUE_RECEIVE, &receive);
	int error = errno;

	if (!peek)
		reading(file);
	if (has_rest[file]) {
		t_errno(got, EBUSY);
		t_is(receive.dropped, 0);
		return;
	}
	if (!count) {
		at_the_end(got);
		t_is(receive.dropped, 0);
		return;
	}
	for (; n < count && (!receive.count || n < receive.count); n++) {
		size_t left = items[n].len - items[n].offset;
		struct tqueue_record *record = t_at(buf, at);

		if (at + t_record(left) > room)
			break;
		if (got > (long)n) {
			t_is(record->length, left);
			t_is(record->flags & TQUEUE_FLAG_PARTIAL,
			     items[n].offset ? TQUEUE_FLAG_PARTIAL : 0);
			t_is(!!(record->flags & TQUEUE_FLAG_DROPPED),
			     !n && !peek && dropped > told);
			t_is(t_differs(record->payload, left, items[n].seed, items[n].offset),
			     -1);
		}
		at += t_record(left);
	}
	errno = error;
	if (!n) {
		t_errno(got, EMSGSIZE);
		t_is(receive.dropped, 0);
		t_is(receive.bytes, t_record(items[0].len - items[0].offset));
		return;
	}
	t_is(got, n);
	t_is(receive.dropped, peek ? 0 : dropped - told);
	if (peek)
		return;
	take_first(n);
	told = dropped;
}

static void reopen(int file)
{
	close(files[file]);
	if (file == WRITER) {
		seen[file] = readers();
		files[file] = t_open_queue(NAME, O_WRONLY | O_NONBLOCK);
		return;
	}
	if (has_rest[file])
		put_back(rests[file]);
	has_rest[file] = false;
	reads[file] = false;
	seen[file] = readers();
	files[file] = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
}

/* Sometimes all readers leave. */
static void reopen_some(int file)
{
	int i;

	if (t_below(4)) {
		reopen(file);
		return;
	}
	for (i = 0; i < FILES; i++)
		reopen(i);
}

static void resize(void)
{
	size_t wanted = TQ_PAGE << t_below(5);
	size_t most = wanted / 4 - TQ_HEADER;
	long got = t_set_call(NAME, TQUEUE_CONFIG_SIZE, wanted, 0);

	if (wanted < size && held() > wanted) {
		t_errno(got, EBUSY);
	} else if (!follows && max_message > most) {
		t_errno(got, EINVAL);
	} else {
		t_is(got, 0);
		size = wanted;
		if (follows)
			max_message = most;
	}
}

static void set_max_message(void)
{
	size_t most = size / 4 - TQ_HEADER, wanted = t_below(2) ? 0 : t_below(most * 5 / 4);
	long got = t_set_call(NAME, TQUEUE_CONFIG_MAX_MESSAGE, 0, wanted);

	if (wanted > most) {
		t_errno(got, EINVAL);
		return;
	}
	t_is(got, 0);
	follows = !wanted;
	max_message = wanted ? wanted : most;
}

static void set_no_reader(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_NO_READER, .no_reader = t_below(2),
	};

	no_reader = config.no_reader;
	t_is(ioctl(files[0], TQUEUE_SET, &config), 0);
}

static void configure(void)
{
	switch (t_below(10)) {
	case 0 ... 2:
		overflow = t_below(3);
		t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, overflow, 0), 0);
		break;
	case 3:
		set_max_message();
		break;
	case 4:
		/* Stopped now and then, and not for long. */
		stopped = !stopped && !t_below(3);
		t_is(ioctl(files[0], stopped ? TQUEUE_STOP : TQUEUE_START), 0);
		break;
	case 5 ... 6:
		set_no_reader();
		break;
	default:
		resize();
		break;
	}
}

static void compare(void)
{
	int file = t_below(FILES);
	struct tqueue_info info = t_info(files[file]);
	bool ended = stopped && !count && !in_flight();
	size_t next = 0, i;
	short events = 0;

	t_is(info.sent, sent);
	t_is(info.received, sent - dropped - count - in_flight());
	t_is(info.readers, readers());
	t_is(info.writers, FILES + 1);
	t_is(info.blocked_senders, 0);
	t_is(info.no_reader, no_reader);
	t_is(info.messages, count);
	t_is(info.bytes, held());
	t_is(info.dropped, dropped);
	t_is(info.in_flight, in_flight());
	t_is(info.size, size);
	t_is(info.max_message, max_message);
	t_is(info.state, stopped);
	if (has_rest[file]) {
		next = rests[file].len - rests[file].offset;
	} else {
		for (i = 0; i < count && !next; i++)
			next = items[i].len - items[i].offset;
	}
	t_is(t_fionread(files[file]), next);
	if (t_below(2))
		goto wait;
	reading(file);
	/* Of empty messages alone a read returns nothing, but the end. */
	if (next || ended || (stopped && !in_flight()))
		events |= POLLIN;
	/* Who has a partial message receives no record. */
	if (count && !has_rest[file])
		events |= POLLMSG;
	if (stopped || overflow == TQUEUE_OVERFLOW_DROP_OLDEST ||
	    held() + t_record(max_message) <= size)
		events |= POLLOUT;
	t_is(t_poll(files[file], POLLIN | POLLOUT | POLLMSG), events);
wait:
	if (count || in_flight())
		t_errno(t_wait_call(files[file], TQUEUE_FOREVER, 0), EAGAIN);
	else
		t_is(t_wait_call(files[file], TQUEUE_FOREVER, 0), 0);
}

static void one_step(unsigned int bias)
{
	int file = t_below(FILES);
	unsigned int coin = t_below(100);

	if (coin < bias)
		try_write(t_below(FILES + 1));
	else if (coin < bias + 15)
		try_send(t_below(FILES + 1));
	else if (coin < 75)
		try_read(file);
	else if (coin < 85)
		try_receive(file, false);
	else if (coin < 90)
		try_receive(file, true);
	else if (coin < 96)
		reopen_some(t_below(FILES + 1));
	else
		configure();
}

static void one_run(void)
{
	int i;

	t_dice(seed);
	count = 0;
	sent = 0;
	dropped = 0;
	told = 0;
	no_reader = TQUEUE_NO_READER_KEEP;
	stopped = false;
	follows = true;
	size = TQ_PAGE;
	max_message = TQ_SMALL_MAX;
	overflow = t_below(3);
	t_create_with(NAME, size, overflow, TQUEUE_EOF_NEVER);
	for (i = 0; i < FILES; i++) {
		files[i] = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
		has_rest[i] = false;
		reads[i] = false;
		seen[i] = false;
	}
	files[WRITER] = t_open_queue(NAME, O_WRONLY | O_NONBLOCK);
	seen[WRITER] = false;
	for (steps = 0; steps < 600; steps++) {
		t_doing("seed %lu, step %lu: ", seed, steps);
		/* Now it fills, now it empties. */
		one_step(steps / 50 % 2 ? 10 : 40);
		/* Looking must not be what keeps it right. */
		if (!t_below(3))
			compare();
	}
	for (i = 0; i <= FILES; i++)
		close(files[i]);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

static void random_calls(void)
{
	signal(SIGPIPE, SIG_IGN);
	t_runs(&seed, one_run);
}

static const struct t_test tests[] = {
	TQ_TEST(random_calls),
};

int main(int argc, char **argv)
{
	return t_main("model", tests, ARRAY_SIZE(tests), argc, argv);
}
