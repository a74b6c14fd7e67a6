// SPDX-License-Identifier: GPL-2.0
/*
 * Bad pointers, at every byte: EFAULT, nothing sent, nothing consumed. And good
 * memory that is not there yet, which must work like any other.
 */
#include "common.h"

/* Addresses that no process may use, or has not mapped. */
static void *bad_pointer(unsigned int i)
{
	static const uintptr_t bad[] = {
		0, 1, 4095, 0xffffffffffffffff, 0xffff888000000000,
		0xffffffff81000000, 0x8000000000000000, 0x00007ffffffff000,
		0x0000800000000000, 0xfffffffffffff000,
	};

	return i < ARRAY_SIZE(bad) ? (void *)bad[i] : NULL;
}

enum { BAD = 10 };

static void nowhere(void)
{
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	struct iovec one;
	unsigned int i;

	for (i = 0; i < BAD; i++) {
		void *bad = bad_pointer(i);

		one = (struct iovec){ bad, 100 };
		tq_errno(write(fd, bad, 100), EFAULT);
		tq_errno(writev(fd, &one, 1), EFAULT);
		tq_nothing();
		tq_send(fd, 100, i);
		tq_errno(read(fd, bad, 100), EFAULT);
		tq_errno(readv(fd, &one, 1), EFAULT);
		tq_is(tq_fionread(fd), 100);
		tq_receive(fd, 100, i);
		tq_nothing();
	}
	close(fd);
}

/* The first @good bytes of the message are there, the next one is not. */
static void write_at(int fd, size_t len, size_t good)
{
	char *buf = tq_edge(good);
	struct iovec two[2] = { { buf, good }, { buf + good, len - good } };

	tq_errno(write(fd, buf, len), EFAULT);
	tq_errno(writev(fd, two, 2), EFAULT);
	tq_is(tq_value("messages"), 0);
	tq_is(tq_value("bytes"), 0);
	munmap((void *)((uintptr_t)(buf + good) - tq_page() *
			((good + tq_page() - 1) / tq_page())),
	       tq_page() * ((good + tq_page() - 1) / tq_page() + 1));
}

static void write_every_offset(void)
{
	static const size_t lengths[] = { 1, 7, 8, 9, 64, 200 };
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	size_t i, good;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (good = 0; good < lengths[i]; good++)
			write_at(fd, lengths[i], good);
	tq_nothing();
	/* The queue is none the worse for it. */
	tq_send(fd, 200, 1);
	tq_receive(fd, 200, 1);
	close(fd);
}

static void write_large(void)
{
	static const size_t goods[] = {
		0, 1, 4095, 4096, 4097, 8191, 8192, 65535, 65536, 99999,
	};
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(goods); i++)
		write_at(fd, 100000, goods[i]);
	tq_nothing();
	close(fd);
}

/*
 * A read that has room for @room bytes before memory ends: short if it asks for
 * no more, EFAULT and nothing consumed if it asks for more than is there and
 * the message needs it, and no error if the message does not need it.
 */
static void read_at(int fd, size_t len, size_t room)
{
	char *buf = tq_edge(room);
	struct iovec two[2] = { { buf, room }, { buf + room, 5000 } };

	tq_send(fd, len, room);
	tq_send(fd, 3, 1);
	if (room < len) {
		tq_errno(read(fd, buf, len), EFAULT);
		tq_errno(readv(fd, two, 2), EFAULT);
		tq_is(tq_fionread(fd), len);
		tq_is(tq_value("messages"), 2);
	} else {
		tq_is(read(fd, buf, len + 5000), len);
		tq_is(tq_differs(buf, len, room, 0), -1);
	}
	if (room < len)
		tq_receive(fd, len, room);
	tq_receive(fd, 3, 1);
	munmap((void *)((uintptr_t)(buf + room) - tq_page() *
			((room + tq_page() - 1) / tq_page())),
	       tq_page() * ((room + tq_page() - 1) / tq_page() + 1));
}

static void read_every_offset(void)
{
	static const size_t lengths[] = { 1, 7, 8, 9, 64, 200 };
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	size_t i, room;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (room = 0; room <= lengths[i] + 1; room++)
			read_at(fd, lengths[i], room);
	tq_nothing();
	close(fd);
}

static void read_large(void)
{
	static const size_t rooms[] = {
		0, 1, 4095, 4096, 4097, 65535, 65536, 99999, 100000, 100001,
	};
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rooms); i++)
		read_at(fd, 100000, rooms[i]);
	tq_nothing();
	close(fd);
}

/* A hole in the middle, hit only on the third page. */
static void hole_in_the_middle(void)
{
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	size_t page = tq_page(), len = 6 * page;
	char *buf = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	tq_send(fd, len, 1);
	memset(buf, 1, len);
	munmap(buf + 2 * page, page);
	tq_errno(read(fd, buf, len), EFAULT);
	tq_errno(write(fd, buf, len), EFAULT);
	tq_errno(read(fd, buf + 1, len - 1), EFAULT);
	tq_receive(fd, len, 1);
	tq_nothing();
	close(fd);
}

/* Every segment of a vector can be the bad one. */
static void every_segment(void)
{
	enum { PARTS = 6, EACH = 20 };
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	char buf[PARTS * EACH];
	struct iovec parts[PARTS];
	int i, bad;

	for (bad = 0; bad < PARTS; bad++) {
		for (i = 0; i < PARTS; i++)
			parts[i] = (struct iovec){ buf + i * EACH, EACH };
		parts[bad].iov_base = bad_pointer(1 + bad);
		tq_errno(writev(fd, parts, PARTS), EFAULT);
		tq_nothing();
		tq_send(fd, sizeof(buf), bad);
		tq_errno(readv(fd, parts, PARTS), EFAULT);
		tq_receive(fd, sizeof(buf), bad);
		/* Not reached: not an error. */
		if (bad) {
			tq_send(fd, EACH * bad, bad);
			parts[bad].iov_base = (void *)16;
			tq_is(readv(fd, parts, PARTS), EACH * bad);
			tq_is(tq_differs(buf, EACH * bad, bad, 0), -1);
		}
		tq_nothing();
	}
	close(fd);
}

static void bad_vectors(void)
{
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	char byte = 0;
	struct iovec parts[2] = { { &byte, 1 }, { &byte, (size_t)-1 } };
	static struct iovec many[1025];

	tq_send(fd, 10, 1);
	tq_errno(writev(fd, (void *)16, 1), EFAULT);
	tq_errno(readv(fd, (void *)16, 1), EFAULT);
	tq_errno(writev(fd, (void *)tq_edge(8), 1), EFAULT);
	tq_errno(writev(fd, parts, 2), EINVAL);
	tq_errno(readv(fd, parts, 2), EINVAL);
	tq_errno(writev(fd, many, 1025), EINVAL);
	tq_errno(readv(fd, many, 1025), EINVAL);
	tq_errno(writev(fd, many, -1), EINVAL);
	tq_errno(readv(fd, many, -1), EINVAL);
	tq_receive(fd, 10, 1);
	tq_nothing();
	close(fd);
}

static void read_only_memory(void)
{
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	char *buf = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	tq_send(fd, 5000, 1);
	tq_errno(read(fd, buf, 8192), EFAULT);
	tq_receive(fd, 5000, 1);
	/* Reading from it is fine. */
	tq_is(write(fd, buf, 100), 100);
	tq_is(tq_drain(), 1);
	close(fd);
}

/* Mapped, but beyond the end of the file: SIGBUS to a program, EFAULT here. */
static void beyond_the_end_of_a_file(void)
{
	int fd = tq_open(O_RDWR | O_NONBLOCK);
	int file = syscall(SYS_memfd_create, "short", 0);
	char *map;

	tq_is(ftruncate(file, 4096), 0);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	tq_errno(write(fd, map, 4097), EFAULT);
	tq_nothing();
	tq_send(fd, 4097, 1);
	tq_errno(read(fd, map, 4097), EFAULT);
	tq_receive(fd, 4097, 1);
	tq_is(write(fd, map, 4096), 4096);
	tq_is(read(fd, map, 4096), 4096);
	close(file);
	close(fd);
}

/* A failed read of a rest leaves the rest as it was, with its file. */
static void rest_survives(void)
{
	int fd = tq_open(O_RDWR), other = tq_open(O_RDONLY | O_NONBLOCK);
	char buf[32], *edge = tq_edge(10);

	tq_send(fd, 100, 1);
	tq_is(read(fd, buf, 30), 30);
	tq_errno(read(fd, (void *)16, 30), EFAULT);
	tq_errno(read(fd, edge, 11), EFAULT);
	tq_is(tq_fionread(fd), 70);
	tq_errno(read(other, buf, 1), EAGAIN);
	tq_is(read(fd, edge, 10), 10);
	tq_is(tq_differs(edge, 10, 1, 30), -1);
	tq_errno(read(fd, (void *)16, 10), EFAULT);
	tq_receive_rest(fd, 60, 1, 40);
	tq_nothing();
	close(fd);
	close(other);
}

/* A read that failed at the very start leaves the whole message, ... */
static void first_part_fails(void)
{
	int fd = tq_open(O_RDWR), other = tq_open(O_RDONLY | O_NONBLOCK);

	tq_send(fd, 100, 1);
	tq_send(fd, 100, 2);
	tq_errno(read(fd, (void *)16, 30), EFAULT);
	/* ... for whoever comes next. */
	tq_is(tq_fionread(other), 100);
	tq_receive(other, 100, 1);
	tq_receive(fd, 100, 2);
	tq_nothing();
	close(fd);
	close(other);
}

/* ... and the file that failed, once closed, takes nothing with it. */
static void close_after_a_failure(void)
{
	int fd, other = tq_open(O_RDWR | O_NONBLOCK), i;

	tq_send(other, 100, 1);
	tq_send(other, 50, 2);
	for (i = 0; i < 10; i++) {
		fd = tq_open(O_RDONLY);
		tq_errno(read(fd, (void *)16, i % 2 ? 30 : 100), EFAULT);
		close(fd);
		tq_is(tq_value("messages"), 2);
	}
	tq_receive(other, 100, 1);
	tq_receive(other, 50, 2);
	tq_nothing();
	close(other);
}

static void full_queue(void)
{
	int fd = tq_open(O_RDWR), quick = tq_open(O_WRONLY | O_NONBLOCK), i;
	ssize_t sent;

	tq_is(tq_fill(TQ_SMALL_MAX, 0), 4);
	/* It would have to be copied before it can wait. */
	tq_errno(write(fd, (void *)16, 100), EFAULT);
	tq_errno(write(fd, tq_edge(99), 100), EFAULT);
	sent = write(quick, (void *)16, 100);
	tq_true(sent == -1 && (errno == EFAULT || errno == EAGAIN),
		"write gives %zd", sent);
	for (i = 0; i < 4; i++)
		tq_receive(fd, TQ_SMALL_MAX, i);
	tq_nothing();
	close(fd);
	close(quick);
}

static void blocked_reader(void)
{
	int fd = tq_open(O_RDWR);
	struct tq_task reader;

	tq_start_read(&reader, fd, tq_edge(10), 20);
	tq_asleep(&reader, SYS_read);
	tq_send(fd, 20, 1);
	tq_finish(&reader);
	tq_is(reader.result, -1);
	tq_is(reader.error, EFAULT);
	tq_receive(fd, 20, 1);
	tq_nothing();
	/* A message that the good part holds is no error. */
	tq_start_read(&reader, fd, tq_edge(10), 20);
	tq_asleep(&reader, SYS_read);
	tq_send(fd, 10, 2);
	tq_finish(&reader);
	tq_is(reader.result, 10);
	close(fd);
}

/* The first part of a vector is resident, the second not: nothing is skipped. */
static void second_part_not_there_yet(void)
{
	int fd = tq_open(O_RDWR), file = syscall(SYS_memfd_create, "x", 0);
	size_t page = tq_page();
	char *first = malloc(100), *expect = malloc(page), *map;
	struct iovec parts[2] = { { first, 100 }, { NULL, page - 100 } };

	tq_pattern(expect, page, 1, 0);
	tq_is(write(file, expect + 100, page - 100), page - 100);
	map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	tq_true(map != MAP_FAILED, "mmap fails");
	memcpy(first, expect, 100);
	parts[1].iov_base = map;
	tq_is(writev(fd, parts, 2), page);
	tq_receive(fd, page, 1);

	tq_send(fd, page, 1);
	memset(first, 0, 100);
	tq_is(madvise(map, page, MADV_DONTNEED), 0);
	tq_is(readv(fd, parts, 2), page);
	tq_is(tq_differs(first, 100, 1, 0), -1);
	tq_is(tq_differs(map, page - 100, 1, 100), -1);
	tq_nothing();
	munmap(map, page);
	close(file);
	close(fd);
	free(first);
	free(expect);
}

/* Memory that comes only when touched, in every state it can be in. */
static void memory_not_there_yet(void)
{
	int fd = tq_open(O_RDWR), file = syscall(SYS_memfd_create, "x", 0), i;
	size_t len = 100 * tq_page();
	char *expect = malloc(len), *map;

	tq_is(ftruncate(file, len), 0);
	for (i = 0; i < 4; i++) {
		tq_pattern(expect, len, i, 0);
		map = mmap(NULL, len, PROT_READ | PROT_WRITE,
			   (i & 1 ? MAP_SHARED : MAP_PRIVATE) |
			   (i & 2 ? MAP_ANONYMOUS : 0), i & 2 ? -1 : file, 0);
		tq_true(map != MAP_FAILED, "mmap fails");
		tq_is(write(fd, expect, len), len);
		/* Received into pages that nobody has touched. */
		tq_is(read(fd, map, len), len);
		tq_is(memcmp(map, expect, len), 0);
		/* Sent from pages whose mapping was taken away. */
		madvise(map, len, MADV_PAGEOUT);
		tq_is(write(fd, map, len), len);
		tq_receive(fd, len, i);
		munmap(map, len);
		map = mmap(NULL, len, PROT_READ, MAP_SHARED, file, 0);
		if (i == 1) {
			/* The file's pages through a fresh mapping. */
			tq_is(write(fd, map, len), len);
			tq_receive(fd, len, 1);
		}
		munmap(map, len);
	}
	close(file);
	close(fd);
	free(expect);
}

/* A buffer shared copy-on-write with a child: the child's copy stays. */
static char cow[32768] __attribute__((aligned(4096)));

static void hold_cow(void *arg)
{
	char byte;

	if (read(*(int *)arg, &byte, 1) != 1)
		_exit(1);
	if (tq_differs(cow, sizeof(cow), 1, 0) >= 0)
		_exit(2);
}

static void copy_on_write(void)
{
	int fd = tq_open(O_RDWR), pipes[2];
	pid_t child;

	tq_is(pipe(pipes), 0);
	tq_pattern(cow, sizeof(cow), 1, 0);
	child = tq_fork(hold_cow, pipes);
	tq_send(fd, sizeof(cow), 2);
	tq_is(read(fd, cow, sizeof(cow)), sizeof(cow));
	tq_is(tq_differs(cow, sizeof(cow), 2, 0), -1);
	tq_is(write(pipes[1], "x", 1), 1);
	tq_reap(child);
	close(fd);
}

/* The stack grows by being read into. */
static void growing_stack(void)
{
	int fd = tq_open(O_RDWR);
	size_t len = 200000;
	char *deep = __builtin_alloca(len);

	tq_send(fd, len, 1);
	tq_is(read(fd, deep, len), len);
	tq_is(tq_differs(deep, len, 1, 0), -1);
	close(fd);
}

static void size_to_nowhere(void)
{
	int fd = tq_open(O_RDWR);
	unsigned int i;

	tq_send(fd, 10, 1);
	for (i = 0; i < BAD; i++)
		tq_errno(ioctl(fd, FIONREAD, bad_pointer(i)), EFAULT);
	tq_errno(ioctl(fd, FIONREAD, tq_edge(3)), EFAULT);
	tq_receive(fd, 10, 1);
	close(fd);
}

static const struct tq_test tests[] = {
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
	return tq_main("fault", tests, ARRAY_SIZE(tests), argc, argv);
}
