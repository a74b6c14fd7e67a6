// SPDX-License-Identifier: GPL-2.0-only
/* The workers that send, in every way there is. */
#include "uring.h"
#include "workers.h"

#include <sys/epoll.h>
#include <sys/sendfile.h>

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

void send_write(struct worker *self)
{
	send_plain(self, 0);
}

void send_slowly(struct worker *self)
{
	send_plain(self, 4000);
}

void send_vector(struct worker *self)
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
void send_batch(struct worker *self)
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

void send_poll(struct worker *self)
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

void send_epoll_edge(struct worker *self)
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

void send_splice(struct worker *self)
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

void send_file(struct worker *self)
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

void send_uring(struct worker *self)
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
