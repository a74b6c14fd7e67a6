// SPDX-License-Identifier: GPL-2.0-only
/* The workers that receive, in every way there is. */
#include "uring.h"
#include "workers.h"

#include <sys/epoll.h>

static bool over(struct worker *self, struct slot *slot)
{
	(void)self;
	return atomic_load(&shared->stop) && !have(slot);
}

static struct slot *slot_of(struct worker *self)
{
	return &shared->slots[self->first];
}

void receive_whole(struct worker *self)
{
	struct slot *slot = slot_of(self);
	int fd = t_open(O_RDONLY);

	while (!over(self, slot)) {
		ssize_t n = read(fd, slot_ready(slot), LENGTH_MAX);

		if (!try_again(n, "read"))
			slot_got(slot, n, -1);
	}
}

void receive_vector(struct worker *self)
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

void receive_short(struct worker *self)
{
	receive_parts(self, 600);
}

void receive_bytes(struct worker *self)
{
	receive_parts(self, 1);
}

void receive_poll(struct worker *self)
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

void receive_epoll_level(struct worker *self)
{
	receive_epoll(self, 0);
}

void receive_epoll_edge(struct worker *self)
{
	receive_epoll(self, EPOLLET);
}

void receive_epoll_exclusive(struct worker *self)
{
	receive_epoll(self, EPOLLEXCLUSIVE);
}

/* Batches of records, of which those that are rests say so. */
void receive_batch(struct worker *self)
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

void receive_splice(struct worker *self)
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

void receive_uring(struct worker *self)
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
void receive_threads(struct worker *self)
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
