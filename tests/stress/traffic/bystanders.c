// SPDX-License-Identifier: GPL-2.0-only
/* The workers that neither send nor receive, and must disturb nobody. */
#include "workers.h"

/* Opens, uses a little, closes: the queue must not mind. */
void open_and_close(struct worker *self)
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

void look(struct worker *self)
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
void pass_bad_pointers(struct worker *self)
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
void wait_badly(struct worker *self)
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
