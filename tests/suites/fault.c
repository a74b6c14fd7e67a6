// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad pointers, at every byte: EFAULT, nothing sent, nothing consumed. And good
 * memory that is not there yet, which must work like any other.
 */
#include "common.h"

/* Addresses that no process may use, or has not mapped. */
static void *bad_pointer(unsigned int i)
{
	/* On 32 bits the lower halves of these are no better. */
	static const uint64_t bad[] = {
		0, 1, TQ_PAGE - 1, 0xffffffffffffffff, 0xffff888000000000,
		0xffffffff81000000, 0x8000000000000000, 0x00007ffffffff000,
		0x0000800000000000, 0xfffffffffffff000,
	};

	return i < ARRAY_SIZE(bad) ? (void *)(uintptr_t)bad[i] : NULL;
}

enum { BAD = 10 };

static void nowhere(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	struct iovec one;
	unsigned int i;

	for (i = 0; i < BAD; i++) {
		void *bad = bad_pointer(i);

		one = (struct iovec){ bad, 100 };
		t_errno(write(fd, bad, 100), EFAULT);
		t_errno(writev(fd, &one, 1), EFAULT);
		t_nothing();
		t_send(fd, 100, i);
		t_errno(read(fd, bad, 100), EFAULT);
		t_errno(readv(fd, &one, 1), EFAULT);
		t_is(t_fionread(fd), 100);
		t_receive(fd, 100, i);
		t_nothing();
	}
	close(fd);
}

/* The first @good bytes of the message are there, the next one is not. */
static void write_at(int fd, size_t len, size_t good)
{
	char *buf = t_edge(good);
	struct iovec two[2] = { { buf, good }, { buf + good, len - good } };

	t_errno(write(fd, buf, len), EFAULT);
	t_errno(writev(fd, two, 2), EFAULT);
	t_is(t_value("messages"), 0);
	t_is(t_value("bytes"), 0);
	munmap((void *)((uintptr_t)(buf + good) - t_page() *
			((good + t_page() - 1) / t_page())),
	       t_page() * ((good + t_page() - 1) / t_page() + 1));
}

static void write_every_offset(void)
{
	static const size_t lengths[] = { 1, 7, 8, 9, 64, 200 };
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t i, good;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (good = 0; good < lengths[i]; good++)
			write_at(fd, lengths[i], good);
	t_nothing();
	/* The queue is none the worse for it. */
	t_send(fd, 200, 1);
	t_receive(fd, 200, 1);
	close(fd);
}

static void write_large(void)
{
	static const size_t goods[] = {
		0, 1, 4095, 4096, 4097, 8191, 8192, 65535, 65536, 99999,
	};
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(goods); i++)
		write_at(fd, 100000, goods[i]);
	t_nothing();
	close(fd);
}

/*
 * A read that has room for @room bytes before memory ends: short if it asks for
 * no more, EFAULT and nothing consumed if it asks for more than is there and
 * the message needs it, and no error if the message does not need it.
 */
static void read_at(int fd, size_t len, size_t room)
{
	char *buf = t_edge(room);
	struct iovec two[2] = { { buf, room }, { buf + room, 5000 } };

	t_send(fd, len, room);
	t_send(fd, 3, 1);
	if (room < len) {
		t_errno(read(fd, buf, len), EFAULT);
		t_errno(readv(fd, two, 2), EFAULT);
		t_is(t_fionread(fd), len);
		t_is(t_value("messages"), 2);
	} else {
		t_is(read(fd, buf, len + 5000), len);
		t_is(t_differs(buf, len, room, 0), -1);
	}
	if (room < len)
		t_receive(fd, len, room);
	t_receive(fd, 3, 1);
	munmap((void *)((uintptr_t)(buf + room) - t_page() *
			((room + t_page() - 1) / t_page())),
	       t_page() * ((room + t_page() - 1) / t_page() + 1));
}

static void read_every_offset(void)
{
	static const size_t lengths[] = { 1, 7, 8, 9, 64, 200 };
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t i, room;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (room = 0; room <= lengths[i] + 1; room++)
			read_at(fd, lengths[i], room);
	t_nothing();
	close(fd);
}

static void read_large(void)
{
	static const size_t rooms[] = {
		0, 1, 4095, 4096, 4097, 65535, 65536, 99999, 100000, 100001,
	};
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rooms); i++)
		read_at(fd, 100000, rooms[i]);
	t_nothing();
	close(fd);
}

/* A hole in the middle, hit only on the third page. */
static void hole_in_the_middle(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	size_t page = t_page(), len = 6 * page;
	char *buf = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	t_send(fd, len, 1);
	memset(buf, 1, len);
	munmap(buf + 2 * page, page);
	t_errno(read(fd, buf, len), EFAULT);
	t_errno(write(fd, buf, len), EFAULT);
	t_errno(read(fd, buf + 1, len - 1), EFAULT);
	t_receive(fd, len, 1);
	t_nothing();
	close(fd);
}

/* Every segment of a vector can be the bad one. */
static void every_segment(void)
{
	enum { PARTS = 6, EACH = 20 };
	int fd = t_open(O_RDWR | O_NONBLOCK);
	char buf[PARTS * EACH];
	struct iovec parts[PARTS];
	int i, bad;

	for (bad = 0; bad < PARTS; bad++) {
		for (i = 0; i < PARTS; i++)
			parts[i] = (struct iovec){ buf + i * EACH, EACH };
		parts[bad].iov_base = bad_pointer(1 + bad);
		t_errno(writev(fd, parts, PARTS), EFAULT);
		t_nothing();
		t_send(fd, sizeof(buf), bad);
		t_errno(readv(fd, parts, PARTS), EFAULT);
		t_receive(fd, sizeof(buf), bad);
		/* Not reached: not an error. */
		if (bad) {
			t_send(fd, EACH * bad, bad);
			parts[bad].iov_base = (void *)16;
			t_is(readv(fd, parts, PARTS), EACH * bad);
			t_is(t_differs(buf, EACH * bad, bad, 0), -1);
		}
		t_nothing();
	}
	close(fd);
}

static void bad_vectors(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	char byte = 0;
	struct iovec parts[2] = { { &byte, 1 }, { &byte, (size_t)-1 } };
	static struct iovec many[1025];

	t_send(fd, 10, 1);
	t_errno(writev(fd, (void *)16, 1), EFAULT);
	t_errno(readv(fd, (void *)16, 1), EFAULT);
	t_errno(writev(fd, (void *)t_edge(sizeof(parts[0]) / 2), 1), EFAULT);
	t_errno(writev(fd, parts, 2), EINVAL);
	t_errno(readv(fd, parts, 2), EINVAL);
	t_errno(writev(fd, many, 1025), EINVAL);
	t_errno(readv(fd, many, 1025), EINVAL);
	t_errno(writev(fd, many, -1), EINVAL);
	t_errno(readv(fd, many, -1), EINVAL);
	t_receive(fd, 10, 1);
	t_nothing();
	close(fd);
}

static void read_only_memory(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	char *buf = mmap(NULL, 2 * TQ_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	t_send(fd, 5000, 1);
	t_errno(read(fd, buf, 2 * TQ_PAGE), EFAULT);
	t_receive(fd, 5000, 1);
	/* Reading from it is fine. */
	t_is(write(fd, buf, 100), 100);
	t_is(t_drain(), 1);
	close(fd);
}

/* Mapped, but beyond the end of the file: SIGBUS to a program, EFAULT here. */
static void beyond_the_end_of_a_file(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);
	int file = syscall(SYS_memfd_create, "short", 0);
	char *map;

	t_is(ftruncate(file, TQ_PAGE), 0);
	map = mmap(NULL, 2 * TQ_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	t_errno(write(fd, map, TQ_PAGE + 1), EFAULT);
	t_nothing();
	t_send(fd, TQ_PAGE + 1, 1);
	t_errno(read(fd, map, TQ_PAGE + 1), EFAULT);
	t_receive(fd, TQ_PAGE + 1, 1);
	t_is(write(fd, map, TQ_PAGE), TQ_PAGE);
	t_is(read(fd, map, TQ_PAGE), TQ_PAGE);
	close(file);
	close(fd);
}

/* A failed read of a rest leaves the rest as it was, with its file. */
static void rest_survives(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY | O_NONBLOCK);
	char buf[32], *edge = t_edge(10);

	t_send(fd, 100, 1);
	t_is(read(fd, buf, 30), 30);
	t_errno(read(fd, (void *)16, 30), EFAULT);
	t_errno(read(fd, edge, 11), EFAULT);
	t_is(t_fionread(fd), 70);
	t_errno(read(other, buf, 1), EAGAIN);
	t_is(read(fd, edge, 10), 10);
	t_is(t_differs(edge, 10, 1, 30), -1);
	t_errno(read(fd, (void *)16, 10), EFAULT);
	t_receive_rest(fd, 60, 1, 40);
	t_nothing();
	close(fd);
	close(other);
}

/* A read that failed at the very start leaves the whole message, ... */
static void first_part_fails(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDONLY | O_NONBLOCK);

	t_send(fd, 100, 1);
	t_send(fd, 100, 2);
	t_errno(read(fd, (void *)16, 30), EFAULT);
	/* ... for whoever comes next. */
	t_is(t_fionread(other), 100);
	t_receive(other, 100, 1);
	t_receive(fd, 100, 2);
	t_nothing();
	close(fd);
	close(other);
}

/* ... and the file that failed, once closed, takes nothing with it. */
static void close_after_a_failure(void)
{
	int fd, other = t_open(O_RDWR | O_NONBLOCK), i;

	t_send(other, 100, 1);
	t_send(other, 50, 2);
	for (i = 0; i < 10; i++) {
		fd = t_open(O_RDONLY);
		t_errno(read(fd, (void *)16, i % 2 ? 30 : 100), EFAULT);
		close(fd);
		t_is(t_value("messages"), 2);
	}
	t_receive(other, 100, 1);
	t_receive(other, 50, 2);
	t_nothing();
	close(other);
}

static void full_queue(void)
{
	int fd = t_open(O_RDWR), quick = t_open(O_WRONLY | O_NONBLOCK), i;
	ssize_t sent;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	/* It would have to be copied before it can wait. */
	t_errno(write(fd, (void *)16, 100), EFAULT);
	t_errno(write(fd, t_edge(99), 100), EFAULT);
	sent = write(quick, (void *)16, 100);
	t_true(sent == -1 && (errno == EFAULT || errno == EAGAIN),
	       "write gives %zd", sent);
	for (i = 0; i < 4; i++)
		t_receive(fd, TQ_SMALL_MAX, i);
	t_nothing();
	close(fd);
	close(quick);
}

static void blocked_reader(void)
{
	int fd = t_open(O_RDWR);
	struct t_task reader;

	t_start_read(&reader, fd, t_edge(10), 20);
	t_asleep(&reader, SYS_read);
	t_send(fd, 20, 1);
	t_finish(&reader);
	t_is(reader.result, -1);
	t_is(reader.error, EFAULT);
	t_receive(fd, 20, 1);
	t_nothing();
	/* A message that the good part holds is no error. */
	t_start_read(&reader, fd, t_edge(10), 20);
	t_asleep(&reader, SYS_read);
	t_send(fd, 10, 2);
	t_finish(&reader);
	t_is(reader.result, 10);
	close(fd);
}

/* The first part of a vector is resident, the second not: nothing is skipped. */
static void second_part_not_there_yet(void)
{
	int fd = t_open(O_RDWR), file = syscall(SYS_memfd_create, "x", 0);
	size_t page = t_page();
	char *first = malloc(100), *expect = malloc(page), *map;
	struct iovec parts[2] = { { first, 100 }, { NULL, page - 100 } };

	t_pattern(expect, page, 1, 0);
	t_is(write(file, expect + 100, page - 100), page - 100);
	map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	t_true(map != MAP_FAILED, "mmap fails");
	memcpy(first, expect, 100);
	parts[1].iov_base = map;
	t_is(writev(fd, parts, 2), page);
	t_receive(fd, page, 1);

	t_send(fd, page, 1);
	memset(first, 0, 100);
	t_is(madvise(map, page, MADV_DONTNEED), 0);
	t_is(readv(fd, parts, 2), page);
	t_is(t_differs(first, 100, 1, 0), -1);
	t_is(t_differs(map, page - 100, 1, 100), -1);
	t_nothing();
	munmap(map, page);
	close(file);
	close(fd);
	free(first);
	free(expect);
}

/* Memory that comes only when touched, in every state it can be in. */
static void memory_not_there_yet(void)
{
	int fd = t_open(O_RDWR), file = syscall(SYS_memfd_create, "x", 0), i;
	size_t len = 409600;
	char *expect = malloc(len), *map;

	t_is(ftruncate(file, len), 0);
	for (i = 0; i < 4; i++) {
		t_pattern(expect, len, i, 0);
		map = mmap(NULL, len, PROT_READ | PROT_WRITE,
			   (i & 1 ? MAP_SHARED : MAP_PRIVATE) |
			   (i & 2 ? MAP_ANONYMOUS : 0), i & 2 ? -1 : file, 0);
		t_true(map != MAP_FAILED, "mmap fails");
		t_is(write(fd, expect, len), len);
		/* Received into pages that nobody has touched. */
		t_is(read(fd, map, len), len);
		t_is(memcmp(map, expect, len), 0);
		/* Sent from pages whose mapping was taken away. */
		madvise(map, len, MADV_PAGEOUT);
		t_is(write(fd, map, len), len);
		t_receive(fd, len, i);
		munmap(map, len);
		map = mmap(NULL, len, PROT_READ, MAP_SHARED, file, 0);
		if (i == 1) {
			/* The file's pages through a fresh mapping. */
			t_is(write(fd, map, len), len);
			t_receive(fd, len, 1);
		}
		munmap(map, len);
	}
	close(file);
	close(fd);
	free(expect);
}

/* A buffer shared copy-on-write with a child: the child's copy stays. */
static char cow[4 * TQ_PAGE] __attribute__((aligned(TQ_PAGE)));

static void hold_cow(void *arg)
{
	char byte;

	if (read(*(int *)arg, &byte, 1) != 1)
		_exit(1);
	if (t_differs(cow, sizeof(cow), 1, 0) >= 0)
		_exit(2);
}

static void copy_on_write(void)
{
	int fd = t_open(O_RDWR), pipes[2];
	pid_t child;

	t_is(pipe(pipes), 0);
	t_pattern(cow, sizeof(cow), 1, 0);
	child = t_fork(hold_cow, pipes);
	t_send(fd, sizeof(cow), 2);
	t_is(read(fd, cow, sizeof(cow)), sizeof(cow));
	t_is(t_differs(cow, sizeof(cow), 2, 0), -1);
	t_is(write(pipes[1], "x", 1), 1);
	t_reap(child);
	close(fd);
}

/* The stack grows by being read into. */
static void growing_stack(void)
{
	int fd = t_open(O_RDWR);
	size_t len = 200000;
	char *deep = __builtin_alloca(len);

	t_send(fd, len, 1);
	t_is(read(fd, deep, len), len);
	t_is(t_differs(deep, len, 1, 0), -1);
	close(fd);
}

static void size_to_nowhere(void)
{
	int fd = t_open(O_RDWR);
	unsigned int i;

	t_send(fd, 10, 1);
	for (i = 0; i < BAD; i++)
		t_errno(ioctl(fd, FIONREAD, bad_pointer(i)), EFAULT);
	t_errno(ioctl(fd, FIONREAD, t_edge(3)), EFAULT);
	t_receive(fd, 10, 1);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(nowhere),
	TQ_TEST(write_every_offset),
	TQ_TEST(write_large),
	TQ_TEST(read_every_offset),
	TQ_TEST(read_large),
	TQ_TEST(hole_in_the_middle),
	TQ_TEST(every_segment),
	TQ_TEST(bad_vectors),
	TQ_TEST(read_only_memory),
	TQ_TEST(beyond_the_end_of_a_file),
	TQ_TEST(rest_survives),
	TQ_TEST(first_part_fails),
	TQ_TEST(close_after_a_failure),
	TQ_TEST(blocked_reader),
	TQ_TEST(memory_not_there_yet),
	TQ_TEST(second_part_not_there_yet),
	TQ_TEST(copy_on_write),
	TQ_TEST(growing_stack),
	TQ_TEST(size_to_nowhere),
	TQ_TEST_WITH(full_queue, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("fault", tests, ARRAY_SIZE(tests), argc, argv);
}
