// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once on a small ring, for a set time, and then an exact account
 * of every message.
 *
 * Each worker is a process: senders and receivers of all kinds, pollers,
 * processes that open and close, that pass bad pointers, that look. The first
 * process sends signals at random: some interrupt, some stop for a moment, some
 * kill; who was killed is replaced. In between there are pauses in which senders
 * hold still: then everything must come through without any help, or a wake-up
 * was lost.
 *
 * The account. A message's length and bytes follow from the seed, its sender and
 * its number. The first byte is below 0x80, all others are not, so that what was
 * received is known for the start of a message or for a rest. Receivers receive
 * straight into memory that we share, zeroed before, so that of one who was
 * killed it is known what he had (his reads had returned), and what is in doubt:
 * bytes that are there though the read that brought them never returned. In the
 * end each message must have been received once and whole, or be made up of what
 * killed receivers had and of rests received after them, each of those used once.
 */
#include "calls.h"
#include "options.h"
#include "uring.h"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>

#define LENGTH_MAX	16384	/* bytes of the longest message */
#define TINY		11	/* up to here a message does not tell its sender */
#define NUMBERS		40000	/* messages of one sender, at most */
#define SENDERS		6
#define SLOTS		24
#define LOG		(NUMBERS * SENDERS)
#define PIECES		4000
#define FLIGHT		4	/* requests of an io_uring receiver */
#define BATCH_MAX	(LENGTH_MAX + 4096)	/* bytes of records in one call */
/*
 * The kernel's own ERESTARTSYS: io_uring of Linux 6.1 lets it through when a
 * worker thread of its own waits in the driver and the process is stopped.
 */
#define RESTART		512

enum { UNSENT, SENDING, SENT };

struct sender {
	atomic_uint next;
	atomic_int still;		/* holds still, as told */
	atomic_uchar state[NUMBERS];
	atomic_ushort received[NUMBERS];	/* tag of who did; 0: nobody */
};

/* Where one receiver puts its message together. */
struct slot {
	atomic_ullong at;	/* messages so far << 32 | bytes of the next one */
	atomic_uint clean;	/* @buf was zeroed for this message */
	unsigned short tag;	/* of the process that uses it */
	int last[SENDERS];	/* number received last */
	unsigned char log[LOG];	/* by message: length of a tiny one, 0: not tiny */
	unsigned char buf[LENGTH_MAX + 64];
	atomic_uint batch_nth;	/* which message is the first of @batch */
	uint64_t batch[BATCH_MAX / 8];	/* records, as received; zeros before */
};

/* What killed receivers had, and rests that followed. */
struct piece {
	unsigned int tag, nth;
	unsigned int len;	/* surely received */
	unsigned int doubt;	/* bytes more that may have been */
	bool dead;		/* its receiver was killed: more may follow */
	bool used;
	atomic_bool valid;	/* all of this has been written */
	unsigned char data[LENGTH_MAX];
};

static struct shared {
	atomic_int hold_still, stop;
	atomic_uint tags;
	atomic_ulong received, interrupted, refused, short_reads, opened, bad;
	struct sender senders[SENDERS];
	struct slot slots[SLOTS];
	atomic_uint piece_count;
	struct piece pieces[PIECES];
} *shared;

static size_t length_max;
static bool in_order;	/* nobody is killed: receivers can judge the order */

/* ---- messages ---------------------------------------------------------- */

static size_t message_length(int sender, unsigned int number)
{
	uint64_t h = mix(option_seed ^ ((uint64_t)sender << 32 | number));
	unsigned int kind = h % 100;
	size_t most = kind < 20 ? TINY : kind < 60 ? 200 : kind < 90 ? 1500 :
		      length_max;

	if (kind >= 98)
		return length_max;
	if (most > length_max)
		most = length_max;
	if (kind < 20)
		return 1 + (h >> 8) % most;
	return TINY + 1 + (h >> 8) % (most - TINY);
}

static void tiny_make(unsigned char *buf, size_t len)
{
	size_t i;

	buf[0] = len;
	for (i = 1; i < len; i++)
		buf[i] = 0x80 | (len * 11 + i * 7);
}

static size_t message_make(unsigned char *buf, int sender, unsigned int number)
{
	size_t len = message_length(sender, number), i;
	uint64_t word;

	if (len <= TINY) {
		tiny_make(buf, len);
		return len;
	}
	buf[0] = 0x7f;
	buf[1] = 0x80 | sender;
	for (i = 0; i < 5; i++)
		buf[2 + i] = 0x80 | number >> 7 * i;
	for (i = 0; i < 4; i++)
		buf[7 + i] = 0x80 | len >> 7 * i;
	word = (uint64_t)sender << 32 | number;
	for (i = TINY; i < len; i += 8) {
		word = mix(word);
		word |= 0x8080808080808080;
		memcpy(buf + i, &word, len - i < 8 ? len - i : 8);
	}
	return len;
}

/* The length that a message says of itself; 0: too little is there. */
static size_t message_claims(const unsigned char *buf, size_t have, int *sender,
			     unsigned int *number)
{
	size_t len = 0;
	int i;

	*sender = -1;
	if (buf[0] <= TINY)
		return buf[0];
	if (have < TINY)
		return 0;
	*sender = buf[1] & 0x7f;
	*number = 0;
	for (i = 0; i < 5; i++)
		*number |= (buf[2 + i] & 0x7f) << 7 * i;
	for (i = 0; i < 4; i++)
		len |= (size_t)(buf[7 + i] & 0x7f) << 7 * i;
	if (*sender >= SENDERS || *number >= NUMBERS)
		t_fail("bytes that no message begins with: sender %d, number %u",
		       *sender, *number);
	return len;
}

/* ---- receiving ----------------------------------------------------------- */

static unsigned int nth(struct slot *slot)
{
	return atomic_load(&slot->at) >> 32;
}

static unsigned int have(struct slot *slot)
{
	return atomic_load(&slot->at);
}

static void piece_add(struct slot *slot, size_t doubt, bool dead)
{
	unsigned int at = atomic_fetch_add(&shared->piece_count, 1);
	struct piece *piece = &shared->pieces[at];

	t_true(at < PIECES, "no room for more pieces");
	piece->len = have(slot);
	memcpy(piece->data, slot->buf, piece->len + doubt);
	piece->doubt = doubt;
	piece->dead = dead;
	piece->nth = nth(slot);
	piece->tag = slot->tag;
	atomic_store(&piece->valid, true);
}

static bool piece_noted(struct slot *slot)
{
	unsigned int i;

	for (i = 0; i < atomic_load(&shared->piece_count); i++) {
		struct piece *piece = &shared->pieces[i];

		if (atomic_load(&piece->valid) && piece->tag == slot->tag &&
		    piece->nth == nth(slot))
			return true;
	}
	return false;
}

/* Before each receive: where to, and with nothing in it. */
static unsigned char *slot_ready(struct slot *slot)
{
	if (atomic_load(&slot->clean) != nth(slot)) {
		memset(slot->buf, 0, sizeof(slot->buf));
		atomic_store(&slot->clean, nth(slot));
	}
	return slot->buf + have(slot);
}

static void slot_next(struct slot *slot, size_t tiny)
{
	unsigned int now = nth(slot);

	t_true(now + 1 < LOG, "too many messages for one receiver");
	slot->log[now] = tiny;
	atomic_store(&slot->at, (uint64_t)(now + 1) << 32);
	atomic_fetch_add(&shared->received, 1);
}

/* A whole message is there: check and count it. */
static void slot_complete(struct slot *slot, int sender, unsigned int number,
			  bool mine)
{
	unsigned char want[LENGTH_MAX];
	size_t len = have(slot), tiny = 0;

	if (sender < 0) {
		tiny_make(want, len);
		tiny = len;
	} else if (message_make(want, sender, number) != len) {
		t_fail("message %u of sender %d: %zu bytes", number, sender, len);
	}
	if (memcmp(want, slot->buf, len))
		t_fail("message %u of sender %d: wrong bytes", number, sender);
	if (sender >= 0) {
		struct sender *from = &shared->senders[sender];
		unsigned int old;

		if (atomic_load(&from->state[number]) == UNSENT)
			t_fail("message %u of sender %d was never sent", number,
			       sender);
		old = atomic_exchange(&from->received[number], slot->tag);
		if (old && !(mine && old == slot->tag))
			t_fail("message %u of sender %d was received twice",
			       number, sender);
		if (in_order && slot->last[sender] >= (int)number)
			t_fail("message %u of sender %d came after %d", number,
			       sender, slot->last[sender]);
		slot->last[sender] = number;
	}
	slot_next(slot, tiny);
}

/* How much of a partial message the open file still holds. */
static long file_rest(int fd)
{
	char path[64], text[1024];
	const char *line;
	ssize_t got;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	t_true(info >= 0, "cannot open %s: %s", path, strerror(errno));
	got = read(info, text, sizeof(text) - 1);
	close(info);
	t_true(got > 0, "cannot read %s", path);
	text[got] = '\0';
	line = strstr(text, "partial:");
	t_true(line, "%s says nothing of a partial message", path);
	return atol(line + strlen("partial:"));
}

/* @n bytes more came; @fd, if given, may hold a rest. */
static void slot_got(struct slot *slot, size_t n, int fd)
{
	size_t len = have(slot) + n, claimed;
	unsigned int number = 0;
	int sender;

	atomic_store(&slot->at, atomic_load(&slot->at) + n);
	if (slot->buf[0] & 0x80) {
		if (fd >= 0 && file_rest(fd))
			return;
		piece_add(slot, 0, false);
		slot_next(slot, 0);
		return;
	}
	claimed = message_claims(slot->buf, len, &sender, &number);
	if (!claimed)
		return;
	if (len > claimed)
		t_fail("%zu bytes received of a message of %zu", len, claimed);
	if (len == claimed)
		slot_complete(slot, sender, number, false);
	else if (fd < 0)
		t_fail("%zu bytes received of a message of %zu, with room for all",
		       len, claimed);
}

/* True when it is worth trying again; otherwise the call must have gone well. */
static bool try_again(ssize_t n, const char *what)
{
	if (n > 0)
		return false;
	if (n < 0 && (errno == EINTR || errno == RESTART))
		atomic_fetch_add(&shared->interrupted, 1);
	else if (n < 0 && errno == EAGAIN)
		atomic_fetch_add(&shared->refused, 1);
	else
		t_fail("%s gives %zd (%s)", what, n, n < 0 ? strerror(errno) : "");
	return true;
}

struct worker {
	void (*run)(struct worker *self);
	const char *name;
	int number;		/* of a sender */
	int slots;		/* how many a receiver needs */
	bool bystander;		/* neither sends nor receives */
	int first;		/* of its slots */
	pid_t pid;
	double stopped;		/* until then */
	int pipe[2];		/* of a splicing receiver: outlives it */
	uint64_t dice;
};

static bool over(struct worker *self, struct slot *slot)
{
	(void)self;
	return atomic_load(&shared->stop) && !have(slot);
}

static struct slot *slot_of(struct worker *self)
{
	return &shared->slots[self->first];
}

static void receive_whole(struct worker *self)
{
	struct slot *slot = slot_of(self);
	int fd = t_open(O_RDONLY);

	while (!over(self, slot)) {
		ssize_t n = read(fd, slot_ready(slot), LENGTH_MAX);

		if (!try_again(n, "read"))
			slot_got(slot, n, -1);
	}
}

static void receive_vector(struct worker *self)
{
	struct slot *slot = slot_of(self);
	int fd = t_open(O_RDWR);

	while (!over(self, slot)) {
		unsigned int a = random_below(&self->dice, 300);
		unsigned int b = random_below(&self->dice, 2000);
		unsigned char *to = slot_ready(slot);
		struct iovec parts[4] = {
			{ to, a }, { to + a, 0 }, { to + a, b },
			{ to + a + b, LENGTH_MAX - a - b },
		};
		ssize_t n = readv(fd, parts, 4);

		if (!try_again(n, "readv"))
			slot_got(slot, n, -1);
	}
}

/* Takes up to @most bytes at a time. */
static void receive_parts(struct worker *self, size_t most)
{
	struct slot *slot = slot_of(self);
	int fd = t_open(O_RDONLY);

	while (!over(self, slot)) {
		size_t room = 1 + random_below(&self->dice, most);
		ssize_t n;

		/* Not beyond the end of what the slot holds. */
		if (room > LENGTH_MAX - have(slot))
			room = LENGTH_MAX - have(slot);
		n = read(fd, slot_ready(slot), room);
		if (!try_again(n, "read"))
			slot_got(slot, n, fd);
		atomic_fetch_add(&shared->short_reads, 1);
	}
}

static void receive_short(struct worker *self)
{
	receive_parts(self, 600);
}

static void receive_bytes(struct worker *self)
{
	receive_parts(self, 1);
}

static void receive_poll(struct worker *self)
{
	struct slot *slot = slot_of(self);
	struct pollfd wait = { .fd = t_open(O_RDWR | O_NONBLOCK), .events = POLLIN };

	while (!over(self, slot)) {
		ssize_t n;

		if (try_again(poll(&wait, 1, -1), "poll"))
			continue;
		n = read(wait.fd, slot_ready(slot), LENGTH_MAX);
		if (!try_again(n, "read"))
			slot_got(slot, n, -1);
	}
}

static void receive_epoll(struct worker *self, unsigned int how)
{
	struct slot *slot = slot_of(self);
	int fd = t_open(O_RDONLY | O_NONBLOCK), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | how };
	bool all = how & EPOLLET;

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	while (!over(self, slot)) {
		ssize_t n;

		if (try_again(epoll_wait(epoll, &event, 1, -1), "epoll_wait"))
			continue;
		do {
			n = read(fd, slot_ready(slot), LENGTH_MAX);
			if (!try_again(n, "read"))
				slot_got(slot, n, -1);
		} while (all && (n > 0 || errno == EINTR));
	}
}

static void receive_epoll_level(struct worker *self)
{
	receive_epoll(self, 0);
}

static void receive_epoll_edge(struct worker *self)
{
	receive_epoll(self, EPOLLET);
}

static void receive_epoll_exclusive(struct worker *self)
{
	receive_epoll(self, EPOLLEXCLUSIVE);
}

/* Record number @index of the batch that was received last, or NULL. */
static struct tqueue_record *batch_record(struct slot *slot, unsigned int index)
{
	size_t at = 0;

	for (;;) {
		struct tqueue_record *record = t_at(slot->batch, at);

		if (at + TQ_HEADER > BATCH_MAX || !record->header_words)
			return NULL;
		if (!index--)
			return record;
		at += t_record(record->length);
	}
}

/* Batches of records, of which those that are rests say so. */
static void receive_batch(struct worker *self)
{
	struct slot *slot = slot_of(self);
	int fd = t_open(O_RDONLY);

	while (!over(self, slot)) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)slot->batch, .bytes = BATCH_MAX,
			.deadline = TQUEUE_FOREVER,
			.count = random_below(&self->dice, 12),
		};
		int n, i;

		memset(slot->batch, 0, sizeof(slot->batch));
		atomic_store(&slot->batch_nth, nth(slot));
		n = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (try_again(n, "RECEIVE"))
			continue;
		for (i = 0; i < n; i++) {
			struct tqueue_record *record = batch_record(slot, i);

			t_true(record, "RECEIVE gives %d records, %d are there", n, i);
			t_is(!!(record->flags & TQUEUE_FLAG_PARTIAL),
			     record->payload[0] >> 7);
			memcpy(slot_ready(slot), record->payload, record->length);
			slot_got(slot, record->length, -1);
		}
		t_true(!batch_record(slot, n), "more records than RECEIVE says");
	}
}

static void receive_splice(struct worker *self)
{
	struct slot *slot = slot_of(self);
	int fd = t_open(O_RDONLY);

	while (!over(self, slot)) {
		unsigned char *to = slot_ready(slot);
		ssize_t n, done, got;

		n = splice(fd, NULL, self->pipe[1], NULL, LENGTH_MAX, 0);
		if (try_again(n, "splice"))
			continue;
		for (done = 0; done < n; done += got) {
			got = read(self->pipe[0], to + done, n - done);
			if (got < 0 && errno == EINTR)
				got = 0;
			t_true(got >= 0, "reading the pipe gives %zd", got);
		}
		slot_got(slot, n, fd);
	}
}

static void receive_uring(struct worker *self)
{
	struct slot *slot = slot_of(self);
	int fd = t_open(O_RDONLY), i;
	struct uring ring;
	uint64_t name;
	int result;

	if (!uring_open(&ring, FLIGHT)) {
		receive_whole(self);
		return;
	}
	for (i = 0; i < FLIGHT; i++)
		uring_put(&ring, IORING_OP_READ, fd, slot_ready(&slot[i]),
			  LENGTH_MAX, i);
	for (;;) {
		bool stop = atomic_load(&shared->stop);

		if (uring_enter(&ring, !stop) < 0 && errno != EINTR)
			t_fail("io_uring_enter: %s", strerror(errno));
		while (uring_take(&ring, &name, &result)) {
			errno = -result;
			if (!try_again(result < 0 ? -1 : result, "io_uring read"))
				slot_got(&slot[name], result, -1);
			if (!stop)
				uring_put(&ring, IORING_OP_READ, fd,
					  slot_ready(&slot[name]), LENGTH_MAX,
					  name);
		}
		if (stop)
			return;
	}
}

struct sharing {
	struct worker *worker;
	struct slot *slot;
	int fd;
};

static void *share(void *arg)
{
	struct sharing *sharing = arg;

	while (!over(sharing->worker, sharing->slot)) {
		ssize_t n = read(sharing->fd, slot_ready(sharing->slot), LENGTH_MAX);

		if (!try_again(n, "read"))
			slot_got(sharing->slot, n, -1);
	}
	/* The signal that ended us may be needed by another of us. */
	kill(getpid(), SIGUSR1);
	return NULL;
}

/* Threads that share one open file. */
static void receive_threads(struct worker *self)
{
	struct sharing sharing[3];
	pthread_t threads[3];
	int i, fd = t_open(O_RDONLY);

	for (i = 0; i < 3; i++) {
		sharing[i].worker = self;
		sharing[i].slot = slot_of(self) + i;
		sharing[i].fd = fd;
		if (i)
			t_is(pthread_create(&threads[i], NULL, share, &sharing[i]), 0);
	}
	share(&sharing[0]);
	for (i = 1; i < 3; i++)
		while (pthread_tryjoin_np(threads[i], NULL)) {
			pthread_kill(threads[i], SIGUSR1);
			usleep(1000);
		}
}

/* ---- sending -------------------------------------------------------------- */

/* Makes the next message, and gives its number. */
static long send_take(struct worker *self, unsigned char *buf, size_t *len)
{
	struct sender *sender = &shared->senders[self->number];
	unsigned int number = atomic_fetch_add(&sender->next, 1);

	*len = message_make(buf, self->number, number);
	atomic_store(&sender->state[number], SENDING);
	return number;
}

/* The same when it is time for one; -1 when it is time to end. */
static long send_next(struct worker *self, unsigned char *buf, size_t *len)
{
	struct sender *sender = &shared->senders[self->number];

	while (atomic_load(&shared->hold_still) ||
	       atomic_load(&sender->next) >= NUMBERS) {
		atomic_store(&sender->still, 1);
		if (atomic_load(&shared->stop))
			return -1;
		usleep(500);
	}
	atomic_store(&sender->still, 0);
	return send_take(self, buf, len);
}

static void send_done(struct worker *self, long number)
{
	atomic_store(&shared->senders[self->number].state[number], SENT);
}

/* A call's result: true when the message is sent. */
static bool sent(ssize_t n, size_t len, const char *what)
{
	if (try_again(n, what))
		return false;
	t_true(n == (ssize_t)len, "%s of %zu bytes gives %zd", what, len, n);
	return true;
}

/* With pauses of up to @pause microseconds, in which receivers fall asleep. */
static void send_plain(struct worker *self, unsigned int pause)
{
	unsigned char buf[LENGTH_MAX];
	int fd = t_open(O_WRONLY);
	size_t len;
	long number;

	while ((number = send_next(self, buf, &len)) >= 0) {
		while (!sent(write(fd, buf, len), len, "write"))
			;
		send_done(self, number);
		if (pause)
			usleep(random_below(&self->dice, pause));
	}
}

static void send_write(struct worker *self)
{
	send_plain(self, 0);
}

static void send_slowly(struct worker *self)
{
	send_plain(self, 4000);
}

static void send_vector(struct worker *self)
{
	unsigned char buf[LENGTH_MAX];
	int fd = t_open(O_RDWR);
	size_t len;
	long number;

	while ((number = send_next(self, buf, &len)) >= 0) {
		unsigned int a = random_below(&self->dice, len + 1);
		unsigned int b = random_below(&self->dice, len - a + 1);
		struct iovec parts[4] = {
			{ buf, a }, { buf + a, b }, { NULL, 0 },
			{ buf + a + b, len - a - b },
		};

		while (!sent(writev(fd, parts, 4), len, "writev"))
			;
		send_done(self, number);
	}
}

/* As many as there are, or fit, in one call. */
static void send_batch(struct worker *self)
{
	struct sender *sender = &shared->senders[self->number];
	uint64_t records[BATCH_MAX / 8];
	unsigned char buf[LENGTH_MAX];
	int fd = t_open(O_WRONLY);
	long numbers[16], number;
	size_t len;

	while ((number = send_next(self, buf, &len)) >= 0) {
		unsigned int wanted = random_below(&self->dice, ARRAY_SIZE(numbers));
		size_t end = 0, at = 0;
		unsigned int n = 0;

		for (;;) {
			end = t_put(records, end, len, 0);
			memcpy(t_at(records, end - t_record(len))->payload, buf, len);
			numbers[n++] = number;
			if (n > wanted || end + t_record(length_max) > BATCH_MAX ||
			    atomic_load(&shared->hold_still) ||
			    atomic_load(&sender->next) >= NUMBERS)
				break;
			number = send_take(self, buf, &len);
		}
		wanted = n;
		for (n = 0; n < wanted;) {
			struct tqueue_send send = {
				.records = (uintptr_t)records + at,
				.bytes = end - at, .deadline = TQUEUE_FOREVER,
			};
			int sent = ioctl(fd, TQUEUE_SEND, &send);

			if (try_again(sent, "SEND"))
				continue;
			at += send.sent_bytes;
			while (sent--)
				send_done(self, numbers[n++]);
		}
		t_is(at, end);
	}
}

static void send_poll(struct worker *self)
{
	unsigned char buf[LENGTH_MAX];
	struct pollfd wait = { .fd = t_open(O_WRONLY | O_NONBLOCK), .events = POLLOUT };
	size_t len;
	long number;

	while ((number = send_next(self, buf, &len)) >= 0) {
		while (!sent(write(wait.fd, buf, len), len, "write"))
			poll(&wait, 1, -1);
		send_done(self, number);
	}
}

static void send_epoll_edge(struct worker *self)
{
	unsigned char buf[LENGTH_MAX];
	int fd = t_open(O_WRONLY | O_NONBLOCK), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	size_t len;
	long number;

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	while ((number = send_next(self, buf, &len)) >= 0) {
		while (!sent(write(fd, buf, len), len, "write")) {
			if (errno == EAGAIN)
				try_again(epoll_wait(epoll, &event, 1, -1),
					  "epoll_wait");
		}
		send_done(self, number);
	}
}

static void send_splice(struct worker *self)
{
	unsigned char buf[LENGTH_MAX];
	int fd = t_open(O_WRONLY), pipes[2];
	size_t len;
	long number;

	t_is(pipe(pipes), 0);
	while ((number = send_next(self, buf, &len)) >= 0) {
		size_t in = 0;

		while (in < len) {
			ssize_t n = write(pipes[1], buf + in, len - in);

			if (!try_again(n, "writing a pipe"))
				in += n;
		}
		while (!sent(splice(pipes[0], NULL, fd, NULL, len, 0), len,
			     "splice"))
			;
		send_done(self, number);
	}
}

static void send_file(struct worker *self)
{
	unsigned char buf[LENGTH_MAX];
	int fd = t_open(O_WRONLY), file = memfd_create("message", MFD_CLOEXEC);
	size_t len;
	long number;

	while ((number = send_next(self, buf, &len)) >= 0) {
		off_t at = 0;

		t_is(pwrite(file, buf, len, 0), len);
		while (!sent(sendfile(fd, file, &at, len), len, "sendfile"))
			t_is(at, 0);
		send_done(self, number);
	}
}

static void send_uring(struct worker *self)
{
	unsigned char buf[FLIGHT][LENGTH_MAX];
	int fd = t_open(O_WRONLY), flying = 0, result;
	size_t len[FLIGHT];
	long number[FLIGHT];
	struct uring ring;
	uint64_t name;

	if (!uring_open(&ring, FLIGHT)) {
		send_write(self);
		return;
	}
	for (;;) {
		/* All but one may still fly when the next set is begun. */
		while (flying < FLIGHT &&
		       !(flying && atomic_load(&shared->hold_still))) {
			number[flying] = send_next(self, buf[flying], &len[flying]);
			if (number[flying] < 0)
				break;
			uring_put(&ring, IORING_OP_WRITE, fd, buf[flying],
				  len[flying], flying);
			flying++;
			if (random_below(&self->dice, 3) == 0)
				break;
		}
		if (!flying)
			return;
		while (flying) {
			if (uring_enter(&ring, 1) < 0 && errno != EINTR)
				t_fail("io_uring_enter: %s", strerror(errno));
			while (uring_take(&ring, &name, &result)) {
				errno = -result;
				if (!sent(result < 0 ? -1 : result, len[name],
					  "io_uring write")) {
					uring_put(&ring, IORING_OP_WRITE, fd,
						  buf[name], len[name], name);
					continue;
				}
				send_done(self, number[name]);
				flying--;
			}
		}
	}
}

/* ---- bystanders ------------------------------------------------------------ */

/* Opens, uses a little, closes: the queue must not mind. */
static void open_and_close(struct worker *self)
{
	/* The last is neither a reader nor a writer. */
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, 3 };

	signal(SIGIO, SIG_IGN);
	while (!atomic_load(&shared->stop)) {
		int fd = t_open(modes[random_below(&self->dice, ARRAY_SIZE(modes))] |
				O_NONBLOCK);
		int other = -1;

		if (random_below(&self->dice, 2)) {
			fcntl(fd, F_SETOWN, getpid());
			fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC);
		}
		if (random_below(&self->dice, 2))
			other = dup(fd);
		poll(&(struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT }, 1, 0);
		if (random_below(&self->dice, 4) == 0)
			usleep(random_below(&self->dice, 2000));
		close(fd);
		if (other >= 0)
			close(other);
		atomic_fetch_add(&shared->opened, 1);
	}
}

static void look(struct worker *self)
{
	long size = t_size();
	int fd = t_open(O_RDWR);

	while (!atomic_load(&shared->stop)) {
		int next = t_fionread(fd);
		long n = t_value("messages");
		long bytes = t_value("bytes");

		t_true(next >= 0 && next <= (int)length_max,
		       "FIONREAD says %d", next);
		t_true(n >= 0, "there are %ld messages", n);
		t_true(bytes >= 0, "of %ld bytes", bytes);
		t_true(n <= size / 48 + 2 * SLOTS, "there are %ld messages", n);
		t_is(file_rest(fd), 0);
		usleep(random_below(&self->dice, 3000));
	}
}

/* Passes pointers to nowhere: EFAULT, and nothing has happened. */
static void pass_bad_pointers(struct worker *self)
{
	size_t page = t_page();
	char *edge = t_edge(page);
	int fd = t_open(O_RDWR | O_NONBLOCK);

	while (!atomic_load(&shared->stop)) {
		struct iovec parts[2] = { { edge, 10 }, { edge + page, 20 } };
		ssize_t n;

		switch (random_below(&self->dice, 4)) {
		case 0:
			n = read(fd, edge + page, LENGTH_MAX);
			break;
		case 1:
			n = write(fd, edge + page - 10, 20);
			break;
		case 2:
			n = writev(fd, parts, 2);
			break;
		default:
			n = readv(fd, parts + 1, 1);
			break;
		}
		t_true(n == -1 && (errno == EFAULT || errno == EAGAIN ||
				   errno == EINTR),
			"a bad pointer gives %zd (%s)", n, strerror(errno));
		atomic_fetch_add(&shared->bad, 1);
		if (random_below(&self->dice, 8) == 0)
			usleep(random_below(&self->dice, 1000));
	}
}

/* Sleeps for a message that it cannot take: others must be woken for it. */
static void wait_badly(struct worker *self)
{
	char *edge = t_edge(t_page());
	int fd = t_open(O_RDONLY);

	while (!atomic_load(&shared->stop)) {
		ssize_t n = read(fd, edge + t_page(), LENGTH_MAX);

		t_true(n == -1 && (errno == EFAULT || errno == EINTR),
		       "a bad pointer gives %zd (%s)", n, strerror(errno));
		atomic_fetch_add(&shared->bad, 1);
		if (random_below(&self->dice, 4) == 0)
			usleep(random_below(&self->dice, 1000));
	}
}

/* ---- the account ------------------------------------------------------------ */

/*
 * Whether unused pieces make up @want from @at to its end: @whole ones, or also
 * without the bytes that are in doubt.
 */
static bool covered(const unsigned char *want, size_t len, size_t at, bool whole)
{
	unsigned int i, round;

	if (at == len)
		return true;
	for (i = 0; i < atomic_load(&shared->piece_count); i++) {
		struct piece *piece = &shared->pieces[i];
		size_t n = piece->len + piece->doubt;

		if (!atomic_load(&piece->valid) || piece->used ||
		    !(piece->data[0] & 0x80) != !at)
			continue;
		if (!piece->dead && at + n != len)
			continue;
		for (round = 0; round < 2; round++) {
			if (n && at + n <= len && !memcmp(want + at, piece->data, n)) {
				piece->used = true;
				if (covered(want, len, at + n, whole))
					return true;
				piece->used = false;
			}
			if (whole || n == piece->len)
				break;
			n = piece->len;
		}
	}
	return false;
}

static void show_bytes(const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < 40; i++)
		fprintf(stderr, " %02x", data[i]);
	fprintf(stderr, "\n");
}

/* With what could tell whether it was lost, or taken for a part of another. */
static void report_loss(unsigned int number, unsigned int sender,
			const unsigned char *want, size_t len)
{
	unsigned int i;

	fprintf(stderr, "# it is");
	show_bytes(want, len);
	for (i = 0; i < atomic_load(&shared->piece_count); i++) {
		struct piece *piece = &shared->pieces[i];

		if (!atomic_load(&piece->valid) || piece->len + piece->doubt > len ||
		    !memmem(want, len, piece->data, piece->len))
			continue;
		fprintf(stderr, "# %s, %s: %u and %u bytes:",
			piece->used ? "used" : "left", piece->dead ? "dead" : "rest",
			(unsigned int)piece->len, (unsigned int)piece->doubt);
		show_bytes(piece->data, piece->len + piece->doubt);
	}
	t_fail("message %u of sender %u (%zu bytes) is lost", number, sender, len);
}

/* Of each length up to TINY: messages sent, perhaps sent, and received. */
struct tiny {
	long sure, maybe, got;
};

static unsigned long count_sent(struct tiny *tiny)
{
	unsigned int i, n, number;
	unsigned long total = 0;

	for (i = 0; i < SENDERS; i++) {
		for (number = 0; number < NUMBERS; number++) {
			int state = atomic_load(&shared->senders[i].state[number]);
			size_t len = message_length(i, number);

			if (state == UNSENT)
				continue;
			total++;
			if (len <= TINY && state == SENT)
				tiny[len].sure++;
			else if (len <= TINY)
				tiny[len].maybe++;
		}
	}
	for (i = 0; i < SLOTS; i++)
		for (n = 0; n < nth(&shared->slots[i]); n++)
			tiny[shared->slots[i].log[n]].got++;
	return total;
}

/* Put messages together from pieces; returns how many. */
static unsigned long mend(struct tiny *tiny, bool whole)
{
	unsigned char want[LENGTH_MAX];
	unsigned long mended = 0;
	unsigned int i, number;
	size_t len;

	for (i = 0; i < SENDERS; i++) {
		struct sender *sender = &shared->senders[i];

		for (number = 0; number < NUMBERS; number++) {
			int state = atomic_load(&sender->state[number]);

			len = message_length(i, number);
			if (state == UNSENT || len <= TINY ||
			    atomic_load(&sender->received[number]))
				continue;
			message_make(want, i, number);
			if (covered(want, len, 0, whole)) {
				atomic_store(&sender->received[number], -1);
				mended++;
			} else if (state == SENT && !whole) {
				report_loss(number, i, want, len);
			}
		}
	}
	for (len = 1; len <= TINY; len++) {
		tiny_make(want, len);
		while (tiny[len].got < tiny[len].sure + tiny[len].maybe &&
		       covered(want, len, 0, whole)) {
			tiny[len].got++;
			mended++;
		}
	}
	return mended;
}

static void account(void)
{
	struct tiny tiny[TINY + 1] = { 0 };
	unsigned long total = count_sent(tiny), mended;
	unsigned int i;
	size_t len;

	/* Those in doubt last: a part of one may look like the whole of another. */
	mended = mend(tiny, true);
	mended += mend(tiny, false);
	for (len = 1; len <= TINY; len++) {
		long lost = tiny[len].sure - tiny[len].got;
		long more = -lost - tiny[len].maybe;

		t_true(lost <= 0, "%ld messages of %zu bytes are lost", lost, len);
		t_true(more <= 0, "%ld messages of %zu bytes too many were received",
		       more, len);
	}
	for (i = 0; i < atomic_load(&shared->piece_count); i++) {
		struct piece *piece = &shared->pieces[i];

		if (atomic_load(&piece->valid) && !piece->used && piece->len)
			t_fail("%u bytes received belong to no message (%s; first %#x)",
			       piece->len, piece->dead ? "by one killed" : "a rest",
				piece->data[0]);
	}
	fprintf(stderr, "# %lu messages, %lu of them in pieces by way of killed receivers\n",
		total, mended);
	fprintf(stderr, "# %lu refused, %lu interrupted, %lu short reads, %lu opened, %lu bad\n",
		atomic_load(&shared->refused), atomic_load(&shared->interrupted),
		atomic_load(&shared->short_reads), atomic_load(&shared->opened),
		atomic_load(&shared->bad));
	t_true(total > 10, "only %lu messages were sent", total);
}

/* Of a batch that was received all is known: what was not looked at yet follows. */
static void autopsy_of_batch(struct slot *slot)
{
	struct tqueue_record *record;

	while ((record = batch_record(slot, nth(slot) -
				      atomic_load(&slot->batch_nth)))) {
		unsigned int number = 0;
		int sender = -1;

		memcpy(slot->buf, record->payload, record->length);
		atomic_store(&slot->at, (uint64_t)nth(slot) << 32 | record->length);
		if (slot->buf[0] & 0x80) {
			if (!piece_noted(slot))
				piece_add(slot, 0, false);
			slot_next(slot, 0);
		} else {
			t_is(message_claims(slot->buf, record->length, &sender,
					    &number), record->length);
			slot_complete(slot, sender, number, true);
		}
	}
}

/* What a killed receiver had and what is in doubt. */
static void autopsy(struct worker *worker, struct slot *slot)
{
	size_t doubt = 0, len, claimed;
	unsigned int number = 0;
	int sender = -1;

	if (worker->run == receive_batch) {
		autopsy_of_batch(slot);
		return;
	}
	if (atomic_load(&slot->clean) != nth(slot))
		return;
	len = have(slot);
	while (len + doubt < LENGTH_MAX && slot->buf[len + doubt])
		doubt++;
	if (worker->run == receive_splice) {
		int left = 0;

		/* What came out of the queue is in the slot or in the pipe. */
		ioctl(worker->pipe[0], FIONREAD, &left);
		if (left)
			t_is(read(worker->pipe[0], slot->buf + len + doubt, left),
			     left);
		len += doubt + left;
		doubt = 0;
		atomic_store(&slot->at, (uint64_t)nth(slot) << 32 | len);
	}
	if (!len && !doubt)
		return;
	if (len && !(slot->buf[0] & 0x80)) {
		claimed = message_claims(slot->buf, len, &sender, &number);
		if (claimed == len) {
			slot_complete(slot, sender, number, true);
			return;
		}
	}
	/* It may have been noting just this. */
	if (!piece_noted(slot))
		piece_add(slot, doubt, true);
	slot->log[nth(slot)] = 0;
	atomic_store(&slot->at, (uint64_t)(nth(slot) + 1) << 32);
}

/* ---- the first process ------------------------------------------------------ */

static void catch_signal(int number)
{
	(void)number;
}

static void start(struct worker *worker, uint64_t *dice)
{
	int i;

	for (i = 0; i < worker->slots; i++) {
		struct slot *slot = &shared->slots[worker->first + i];

		slot->tag = atomic_fetch_add(&shared->tags, 1);
		memset(slot->last, -1, sizeof(slot->last));
	}
	worker->dice = random_next(dice);
	worker->stopped = 0;
	fflush(NULL);
	worker->pid = fork();
	t_true(worker->pid >= 0, "fork fails with %s", strerror(errno));
	if (worker->pid)
		return;
	setpriority(PRIO_PROCESS, 0, 0);
	worker->run(worker);
	_exit(0);
}

static void show(struct worker *workers, int count)
{
	char path[64], text[2048];
	int i, fd;

	for (i = 0; i < count; i++) {
		static const char * const what[] = { "syscall", "stack" };
		size_t j;

		fprintf(stderr, "# %s:", workers[i].name);
		if (workers[i].slots)
			fprintf(stderr, " has %u bytes",
				have(&shared->slots[workers[i].first]));
		fputc('\n', stderr);
		for (j = 0; j < ARRAY_SIZE(what); j++) {
			ssize_t n;

			snprintf(path, sizeof(path), "/proc/%d/%s", workers[i].pid,
				 what[j]);
			fd = open(path, O_RDONLY);
			n = fd < 0 ? 0 : read(fd, text, sizeof(text));
			if (n > 0)
				fprintf(stderr, "%.*s", (int)n, text);
			close(fd);
		}
	}
}

/* Senders hold still, receivers receive what is there, and nobody helps. */
static void quiet(struct worker *workers, int count)
{
	double patience = 10 * t_slow(), end = t_now() + patience;
	unsigned long before = 0, now;
	int i, busy;

	for (i = 0; i < count; i++)
		if (workers[i].stopped) {
			kill(workers[i].pid, SIGCONT);
			workers[i].stopped = 0;
		}
	atomic_store(&shared->hold_still, 1);
	do {
		busy = t_value("messages") != 0;
		for (i = 0; i < count; i++) {
			struct worker *worker = &workers[i];

			if (worker->slots && have(&shared->slots[worker->first]))
				busy++;
			if (!worker->slots && !worker->bystander &&
			    !atomic_load(&shared->senders[worker->number].still))
				busy++;
		}
		now = atomic_load(&shared->received) +
		      atomic_load(&shared->short_reads);
		if (now != before) {
			before = now;
			end = t_now() + patience;
		}
		if (t_now() > end) {
			show(workers, count);
			t_fail("nothing moves any more: %ld messages, a wake-up is lost",
			       t_value("messages"));
		}
		usleep(1000);
	} while (busy);
	t_is(t_value("bytes"), 0);
}

static void disturb(struct worker *workers, int count, uint64_t *dice, int *kills)
{
	struct worker *worker = &workers[random_below(dice, count)];
	double now = t_now();
	int i;

	for (i = 0; i < count; i++)
		if (workers[i].stopped && workers[i].stopped < now) {
			kill(workers[i].pid, SIGCONT);
			workers[i].stopped = 0;
		}
	switch (random_below(dice, 8)) {
	case 0:
		if (!worker->stopped) {
			kill(worker->pid, SIGSTOP);
			worker->stopped = now + random_below(dice, 20) * 0.001 * t_slow();
		}
		break;
	case 1:
	case 2:
		if (in_order)
			break;
		/* Stopped ones die as well. */
		t_kill(worker->pid);
		(*kills)++;
		for (i = 0; i < worker->slots; i++)
			autopsy(worker, &shared->slots[worker->first + i]);
		start(worker, dice);
		break;
	case 3:
	case 4:
		kill(worker->pid, SIGUSR2);
		break;
	default:
		kill(worker->pid, SIGUSR1);
		break;
	}
}

static void finish(struct worker *workers, int count)
{
	double end = t_now() + 10 * t_slow();
	int i, status, left = count;

	atomic_store(&shared->stop, 1);
	while (left) {
		for (i = 0; i < count; i++) {
			if (!workers[i].pid)
				continue;
			kill(workers[i].pid, SIGUSR1);
			if (waitpid(workers[i].pid, &status, WNOHANG) > 0) {
				t_true(!status, "%s ends with status %#x",
				       workers[i].name, status);
				workers[i].pid = 0;
				left--;
			}
		}
		if (t_now() > end) {
			show(workers, count);
			t_fail("%d workers do not end", left);
		}
		usleep(2000);
	}
}

static void run(struct worker *workers, int count)
{
	struct sigaction stops = { .sa_handler = catch_signal };
	struct sigaction restarts = {
		.sa_handler = catch_signal, .sa_flags = SA_RESTART,
	};
	double end = t_now() + option_seconds;
	uint64_t dice = option_seed;
	int i, slots = 0, kills = 0, rounds = 0;

	/* Disturbs in time, however busy the workers keep the processors. */
	setpriority(PRIO_PROCESS, 0, -15);
	/* Before there is anyone to signal. */
	sigaction(SIGUSR1, &stops, NULL);
	sigaction(SIGUSR2, &restarts, NULL);
	shared = t_shared(sizeof(*shared));
	atomic_store(&shared->tags, 1);
	length_max = t_max_message();
	t_true(length_max <= LENGTH_MAX, "the queue is too large for this test");
	for (i = 0; i < count; i++) {
		struct worker *worker = &workers[i];

		worker->first = slots;
		slots += worker->slots;
		t_true(slots <= SLOTS, "too few slots");
		t_is(pipe2(worker->pipe, O_CLOEXEC), 0);
	}
	for (i = 0; i < slots; i++)
		atomic_store(&shared->slots[i].clean, -1);
	for (i = 0; i < count; i++)
		start(&workers[i], &dice);
	while (t_now() < end) {
		double pause = t_now() + 0.3 * t_slow();

		atomic_store(&shared->hold_still, 0);
		while (t_now() < pause) {
			for (i = 0; i < 3; i++)
				disturb(workers, count, &dice, &kills);
			usleep(1000 + random_below(&dice, 4000) * t_slow());
		}
		quiet(workers, count);
		rounds++;
	}
	finish(workers, count);
	fprintf(stderr, "# %d rounds, %d workers were killed\n", rounds, kills);
	account();
	t_nothing();
}

#define SENDER(fn, n)	{ .run = fn, .name = #fn, .number = n }
#define RECEIVER(fn, n)	{ .run = fn, .name = #fn, .slots = n }
#define BYSTANDER(fn)	{ .run = fn, .name = #fn, .bystander = true }

static void everything_at_once(void)
{
	struct worker workers[] = {
		SENDER(send_write, 0), SENDER(send_vector, 1),
		SENDER(send_poll, 2), SENDER(send_splice, 3),
		SENDER(send_uring, 4), SENDER(send_file, 5),
		RECEIVER(receive_whole, 1), RECEIVER(receive_vector, 1),
		RECEIVER(receive_short, 1), RECEIVER(receive_bytes, 1),
		RECEIVER(receive_poll, 1), RECEIVER(receive_epoll_level, 1),
		RECEIVER(receive_epoll_edge, 1),
		RECEIVER(receive_epoll_exclusive, 1),
		RECEIVER(receive_epoll_exclusive, 1),
		RECEIVER(receive_splice, 1), RECEIVER(receive_uring, FLIGHT),
		RECEIVER(receive_threads, 3),
		BYSTANDER(open_and_close), BYSTANDER(look),
		BYSTANDER(pass_bad_pointers),
	};

	run(workers, ARRAY_SIZE(workers));
}

/* Batches among single messages, and all of them killed at times. */
static void batches(void)
{
	struct worker workers[] = {
		SENDER(send_batch, 0), SENDER(send_batch, 1), SENDER(send_batch, 2),
		SENDER(send_write, 3), SENDER(send_poll, 4),
		RECEIVER(receive_batch, 1), RECEIVER(receive_batch, 1),
		RECEIVER(receive_batch, 1), RECEIVER(receive_whole, 1),
		RECEIVER(receive_short, 1), RECEIVER(receive_epoll_edge, 1),
		BYSTANDER(pass_bad_pointers), BYSTANDER(open_and_close),
	};

	run(workers, ARRAY_SIZE(workers));
}

/* Many senders, few slow receivers: the ring is full nearly all the time. */
static void mostly_full(void)
{
	struct worker workers[] = {
		SENDER(send_write, 0), SENDER(send_epoll_edge, 1),
		SENDER(send_epoll_edge, 2), SENDER(send_poll, 3),
		SENDER(send_uring, 4), SENDER(send_vector, 5),
		RECEIVER(receive_short, 1), RECEIVER(receive_bytes, 1),
		BYSTANDER(pass_bad_pointers),
	};

	run(workers, ARRAY_SIZE(workers));
}

/* Few senders, many receivers: the ring is empty nearly all the time. */
static void mostly_empty(void)
{
	struct worker workers[] = {
		SENDER(send_write, 0), SENDER(send_poll, 1),
		RECEIVER(receive_whole, 1), RECEIVER(receive_vector, 1),
		RECEIVER(receive_epoll_exclusive, 1),
		RECEIVER(receive_epoll_exclusive, 1),
		RECEIVER(receive_threads, 3), RECEIVER(receive_short, 1),
		RECEIVER(receive_splice, 1), RECEIVER(receive_uring, FLIGHT),
	};

	run(workers, ARRAY_SIZE(workers));
}

/* Who is woken often has no use for it: then the next one must be. */
static void woken_in_vain(void)
{
	struct worker workers[] = {
		SENDER(send_slowly, 0), SENDER(send_slowly, 1),
		RECEIVER(receive_whole, 1), RECEIVER(receive_short, 1),
		BYSTANDER(wait_badly), BYSTANDER(wait_badly),
	};

	run(workers, ARRAY_SIZE(workers));
}

/* Nobody is killed and nothing comes back: each receiver sees each sender's order. */
static void order(void)
{
	struct worker workers[] = {
		SENDER(send_write, 0), SENDER(send_vector, 1),
		SENDER(send_poll, 2), SENDER(send_splice, 3),
		SENDER(send_batch, 4), SENDER(send_file, 5),
		RECEIVER(receive_whole, 1), RECEIVER(receive_vector, 1),
		RECEIVER(receive_batch, 1), RECEIVER(receive_batch, 1),
		RECEIVER(receive_short, 1), RECEIVER(receive_poll, 1),
		RECEIVER(receive_epoll_edge, 1), RECEIVER(receive_splice, 1),
		BYSTANDER(open_and_close),
	};

	in_order = true;
	run(workers, ARRAY_SIZE(workers));
}

int main(int argc, char **argv)
{
	struct t_test tests[] = {
		TQ_TEST_WITH(everything_at_once, "size_l=16384"),
		TQ_TEST_WITH(batches, "size_l=16384"),
		TQ_TEST_WITH(mostly_full, "size_l=4096"),
		TQ_TEST_WITH(mostly_empty, "size_l=65536"),
		TQ_TEST_WITH(woken_in_vain, "size_l=65536"),
		TQ_TEST_WITH(order, "size_l=16384"),
	};
	size_t i;

	argc = options(argc, argv, 3);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i].seconds = 60 + option_seconds / t_slow();
	return t_main("traffic", tests, ARRAY_SIZE(tests), argc, argv);
}
