// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that comes and goes while the driver copies: another thread unmaps,
 * protects or drops the buffer in a loop. Every call gives success or EFAULT,
 * and what it says is what happened.
 */
#include "common.h"

enum way { UNMAP, PROTECT, DROP, WAYS };

enum { MOVES = 20 };	/* of the buffer, at the least, before a test ends */

/* Each way, with a buffer of one page and one of four. */
enum { VARIANTS = 2 * WAYS };

struct flipper {
	char *map;
	size_t len;
	enum way way;
	atomic_int stop;
};

static void run_flipper(struct t_task *task)
{
	struct flipper *flipper = task->arg;
	size_t page = t_page(), at = 0;

	while (!atomic_load(&flipper->stop)) {
		char *victim = flipper->map + at;

		at = (at + page) % flipper->len;
		switch (flipper->way) {
		case UNMAP:
			munmap(victim, page);
			mmap(victim, page, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case PROTECT:
			mprotect(victim, page, PROT_NONE);
			mprotect(victim, page, PROT_READ | PROT_WRITE);
			break;
		default:
			madvise(victim, page, MADV_DONTNEED);
			break;
		}
		task->count++;
	}
}

static void start_flipper(struct t_task *task, struct flipper *flipper,
			  enum way way, size_t pages)
{
	flipper->len = pages * t_page();
	flipper->way = way;
	flipper->map = mmap(NULL, flipper->len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	t_true(flipper->map != MAP_FAILED, "mmap fails");
	task->arg = flipper;
	t_start(task, run_flipper);
}

static void stop_flipper(struct t_task *task, struct flipper *flipper)
{
	atomic_store(&flipper->stop, 1);
	t_finish(task);
	munmap(flipper->map, flipper->len);
}

/*
 * Reading into such a buffer. What was read cannot be looked at (it may be gone
 * again), but its first 8 bytes are read into good memory: they name the message.
 */
static void readers_buffer(void)
{
	int way, fd = t_open(O_RDWR | O_NONBLOCK);
	size_t pages;

	for (way = 0; way < WAYS; way++) {
		for (pages = 1; pages <= 4; pages += 3) {
			struct t_task task = { 0 };
			struct flipper flipper = { 0 };
			char *message = calloc(1, pages * t_page());
			double end = t_now() + t_seconds(1.2) / VARIANTS;
			uint64_t sent = 0, got = 0, name;
			struct iovec two[2];

			start_flipper(&task, &flipper, way, pages);
			two[0] = (struct iovec){ &name, sizeof(name) };
			two[1] = (struct iovec){ flipper.map, flipper.len };
			while (t_goes_on(end, task.count >= MOVES)) {
				ssize_t n;

				if (sent < got + 3) {
					memcpy(message, &sent, sizeof(sent));
					t_is(write(fd, message, flipper.len),
					     flipper.len);
					sent++;
				}
				name = ~0ULL;
				n = readv(fd, two, 2);
				if (n < 0) {
					t_errno(n, EFAULT);
					continue;
				}
				t_is(n, flipper.len);
				t_is(name, got);
				got++;
			}
			stop_flipper(&task, &flipper);
			t_true(task.count >= MOVES, "the buffer hardly moved");
			for (; got < sent; got++) {
				t_is(read(fd, message, flipper.len), flipper.len);
				t_is(memcmp(message, &got, sizeof(got)), 0);
			}
			t_nothing();
			free(message);
		}
	}
	close(fd);
}

/* Sending out of it: each success is one message, each EFAULT is none. */
static void senders_buffer(void)
{
	int way, fd = t_open(O_RDWR | O_NONBLOCK);
	size_t pages;

	for (way = 0; way < WAYS; way++) {
		for (pages = 1; pages <= 4; pages += 3) {
			struct t_task task = { 0 };
			struct flipper flipper = { 0 };
			size_t len = pages * t_page();
			char *buf = malloc(8 + len);
			double end = t_now() + t_seconds(1.2) / VARIANTS;
			uint64_t name = 0, expect = 0;
			struct iovec two[2] = { { &name, sizeof(name) }, { 0 } };

			start_flipper(&task, &flipper, way, pages);
			two[1] = (struct iovec){ flipper.map, len };
			while (t_goes_on(end, task.count >= MOVES)) {
				ssize_t n = writev(fd, two, 2);

				if (n < 0) {
					t_errno(n, EFAULT);
					continue;
				}
				t_is(n, 8 + len);
				name++;
				if (name - expect < 3)
					continue;
				t_is(read(fd, buf, 8 + len), 8 + len);
				t_is(memcmp(buf, &expect, 8), 0);
				expect++;
			}
			stop_flipper(&task, &flipper);
			for (; expect < name; expect++) {
				t_is(read(fd, buf, 8 + len), 8 + len);
				t_is(memcmp(buf, &expect, 8), 0);
			}
			t_nothing();
			free(buf);
		}
	}
	close(fd);
}

/* Short reads into it: the rest neither moves on nor is lost by an EFAULT. */
static void short_reads(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	struct t_task task = { 0 };
	struct flipper flipper = { 0 };
	size_t page = t_page(), faults = 0;
	double end = t_now() + t_seconds(0.4);
	uint64_t words[3 * TQ_PAGE / 8], head;
	struct iovec two[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = i;
	start_flipper(&task, &flipper, UNMAP, 1);
	two[0] = (struct iovec){ &head, 8 };
	two[1] = (struct iovec){ flipper.map, page - 8 };
	while (t_goes_on(end, task.count >= MOVES)) {
		t_is(write(fd, words, sizeof(words)), sizeof(words));
		for (i = 0; i < 3;) {
			ssize_t n = readv(fd, two, 2);

			if (n < 0) {
				t_errno(n, EFAULT);
				faults++;
				t_is(t_fionread(fd), sizeof(words) - i * page);
				continue;
			}
			t_is(n, page);
			t_is(head, i * page / 8);
			i++;
		}
		t_is(t_fionread(fd), 0);
	}
	stop_flipper(&task, &flipper);
	t_nothing();
	close(fd);
}

static void run_transfer(struct t_task *task)
{
	char buf[256] = "";

	while (!atomic_load((atomic_int *)task->arg)) {
		t_is(write(task->fd, buf, 200), 200);
		t_is(read(task->fd, buf, 256) > 0, 1);
		task->count++;
	}
}

/* Meanwhile others get on with their work. */
static void others_go_on(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	struct t_task task = { 0 }, other = { 0 };
	struct flipper flipper = { 0 };
	atomic_int stop = 0;
	double end = t_now() + t_seconds(0.4);
	long sent = 0, got = 0;

	start_flipper(&task, &flipper, UNMAP, 1);
	other.fd = t_open(O_RDWR);
	other.arg = &stop;
	t_start(&other, run_transfer);
	while (t_goes_on(end, task.count >= MOVES && other.count > 50)) {
		ssize_t n = write(fd, flipper.map, 200);

		if (n > 0)
			sent++;
		else
			t_true(errno == EFAULT || errno == EAGAIN, "errno %d",
			       errno);
		n = read(fd, flipper.map, 256);
		if (n > 0)
			got++;
		else
			t_true(errno == EFAULT || errno == EAGAIN, "errno %d",
			       errno);
	}
	atomic_store(&stop, 1);
	/* The other one may wait for a message that we took. */
	if (sent < got)
		for (; sent < got; sent++)
			t_send(fd, 1, 1);
	t_finish(&other);
	t_true(other.count > 50, "the other one got through %ld times only",
	       (long)other.count);
	stop_flipper(&task, &flipper);
	t_is(t_drain(), sent - got);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(readers_buffer),
	TQ_TEST(senders_buffer),
	TQ_TEST(short_reads),
	TQ_TEST(others_go_on),
};

int main(int argc, char **argv)
{
	return t_main("unmap", tests, ARRAY_SIZE(tests), argc, argv);
}
