// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no sane program does: system calls that make no sense here, unknown
 * ioctls, files closed and replaced in mid-use, random calls. A clear error for
 * each, and the queue is the same afterwards.
 */
#include "calls.h"
#include "calls32.h"

#include <dirent.h>
#include <linux/falloc.h>
#include <sys/resource.h>

#ifndef close_range
#include <linux/close_range.h>
#endif

static void works(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK);

	t_send(fd, 1000, 1);
	t_send(fd, 1, 2);
	t_receive(fd, 1000, 1);
	t_receive(fd, 1, 2);
	t_nothing();
	close(fd);
}

static void not_a_file(void)
{
	int fd = t_open(O_RDWR | O_NONBLOCK), ends[2];
	char buf[64] = "";
	struct iovec one = { buf, 10 };

	t_send(fd, 10, 1);
	t_errno(lseek(fd, 0, SEEK_SET), ESPIPE);
	t_errno(lseek(fd, 0, SEEK_CUR), ESPIPE);
	t_errno(lseek(fd, -1, SEEK_END), ESPIPE);
	t_errno(pread(fd, buf, 10, 0), ESPIPE);
	t_errno(pwrite(fd, buf, 10, 0), ESPIPE);
	t_errno(preadv(fd, &one, 1, 5), ESPIPE);
	t_errno(pwritev(fd, &one, 1, 5), ESPIPE);
	t_errno(fsync(fd), EINVAL);
	t_errno(fdatasync(fd), EINVAL);
	t_errno(ftruncate(fd, 0), EINVAL);
	t_true(mmap(NULL, TQ_PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
	       errno == ENODEV, "mmap gives errno %d", errno);
	t_true(mmap(NULL, TQ_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) ==
		MAP_FAILED && errno == ENODEV, "mmap gives errno %d", errno);
	t_true(fallocate(fd, 0, 0, 10) == -1, "fallocate works");
	t_true(readahead(fd, 0, 10) == -1, "readahead works");
	t_is(pipe(ends), 0);
	t_errno(copy_file_range(fd, NULL, ends[1], NULL, 10, 0), EINVAL);
	t_errno(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOTDIR);
	t_errno(fchdir(fd), ENOTDIR);
	t_receive(fd, 10, 1);
	t_nothing();
	close(fd);
}

static void unknown_ioctls(void)
{
	static const char types[] = { 0, 't', 'q', 'Q', 0x54, 0x89, 0xae, 0xff };
	int fd = t_open(O_RDWR);
	unsigned int state = 5, i, j;
	char buf[TQ_PAGE] = "";

	t_send(fd, 10, 1);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (j = 0; j < 256; j++) {
			unsigned int request = (unsigned char)types[i] << 8 | j;

			/* FIOCLEX and its like belong to the kernel. */
			if (request >= 0x5450 && request <= 0x5460)
				continue;
			if (request == FIONREAD || request == FIONBIO || request < 4)
				continue;
			t_errno(ioctl(fd, request, buf), ENOTTY);
			t_errno(ioctl(fd, request | 0xc0080000, NULL), ENOTTY);
		}
	}
	for (i = 0; i < 2000; i++) {
		state = state * 1664525 + 1013904223;
		/* 'X' and 0x94 are those of file systems, 0x54.. as above. */
		if ((state >> 8 & 0xff) == 'X' || (state >> 8 & 0xff) == 0x94 ||
		    (state >> 8 & 0xff) == 'f' || (state >> 8 & 0xff) == 0x54 ||
		    (state & 0xffff) < 4 || (state >> 8 & 0xff) == 0x15)
			continue;
		t_errno(ioctl(fd, state, i % 2 ? (void *)buf : (void *)16), ENOTTY);
	}
	t_errno(ioctl(fd, FIONREAD | 0x80000000, buf), ENOTTY);
	t_receive(fd, 10, 1);
	t_nothing();
	close(fd);
}

/* Those that the kernel answers for every file. */
static void general_ioctls(void)
{
	int fd = t_open(O_RDWR), on = 1;
	char byte;

	t_is(ioctl(fd, FIONBIO, &on), 0);
	t_errno(read(fd, &byte, 1), EAGAIN);
	on = 0;
	t_is(ioctl(fd, FIONBIO, &on), 0);
	t_is(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	t_is(ioctl(fd, FIOCLEX), 0);
	t_is(ioctl(fd, FIOASYNC, &on), 0);
	close(fd);
}

static void not_open(void)
{
	int fd = t_open(O_RDWR);
	char byte = 0;

	close(fd);
	t_errno(read(fd, &byte, 1), EBADF);
	t_errno(write(fd, &byte, 1), EBADF);
	t_errno(ioctl(fd, FIONREAD, &byte), EBADF);
	fd = open(TQ_DEVICE, O_PATH);
	t_errno(read(fd, &byte, 1), EBADF);
	t_errno(ioctl(fd, FIONREAD, &byte), EBADF);
	close(fd);
	t_errno(open(TQ_DEVICE, O_RDONLY | O_DIRECTORY), ENOTDIR);
	t_errno(open(TQ_DEVICE "/x", O_RDONLY), ENOTDIR);
	t_nothing();
}

/* dup2 over a descriptor that another thread sleeps on. */
static void replaced_in_mid_use(void)
{
	int i, other = t_open(O_RDWR);

	for (i = 0; i < 20; i++) {
		struct t_task reader;
		char buf[16];
		int fd = t_open(O_RDONLY), null = open("/dev/null", O_RDWR);

		t_start_read(&reader, fd, buf, sizeof(buf));
		t_asleep(&reader, SYS_read);
		t_is(dup2(null, fd), fd);
		close(null);
		t_send(other, 10, i);
		t_finish(&reader);
		t_is(reader.result, 10);
		t_is(t_differs(buf, 10, i, 0), -1);
		close(fd);
	}
	t_nothing();
	close(other);
}

static void sender_closed_in_mid_use(void)
{
	int other = t_open(O_RDWR), fd = t_open(O_WRONLY), i;
	struct t_task sender;
	char buf[100];

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	t_pattern(buf, sizeof(buf), 4, 0);
	t_start_write(&sender, fd, buf, sizeof(buf));
	t_asleep(&sender, SYS_write);
	close(fd);
	for (i = 0; i < 4; i++)
		t_receive(other, TQ_SMALL_MAX, i);
	t_finish(&sender);
	t_is(sender.result, sizeof(buf));
	t_receive(other, sizeof(buf), 4);
	t_nothing();
	close(other);
}

static void many_files(void)
{
	struct rlimit limit = { TQ_PAGE, TQ_PAGE };
	int fds[1500], i, n;
	char byte;

	setrlimit(RLIMIT_NOFILE, &limit);
	for (n = 0; n < 1500; n++) {
		fds[n] = open(TQ_DEVICE, O_RDWR | O_NONBLOCK);
		if (fds[n] < 0)
			break;
	}
	t_true(n > 900, "only %d files", n);
	for (i = 0; i < n; i++)
		t_send(fds[i], 16, i);
	/* Each holds a rest. */
	for (i = 0; i < n; i++)
		t_is(read(fds[i], &byte, 1), 1);
	t_errno(read(t_open(O_RDONLY | O_NONBLOCK), &byte, 1), EAGAIN);
	for (i = n - 1; i >= 0; i--)
		close(fds[i]);
	i = t_open(O_RDONLY | O_NONBLOCK);
	for (n--; n >= 0; n--) {
		char buf[32];

		t_is(read(i, buf, sizeof(buf)), 15);
	}
	t_nothing();
	close(i);
}

static void reopened_through_proc(void)
{
	int fd = t_open(O_RDWR), again;
	char path[64], byte;

	t_send(fd, 20, 1);
	t_is(read(fd, &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_NONBLOCK);
	t_true(again >= 0, "open(%s) fails", path);
	/* Another open file: it has no part in the rest. */
	t_errno(read(again, &byte, 1), EAGAIN);
	t_receive_rest(fd, 19, 1, 1);
	close(fd);
	close(again);
}

/* A node made by hand works as the one that is there. */
static void node_made_by_hand(void)
{
	/* Elsewhere devices may not be opened. */
	static const char node[] = "/dev/tqueue-by-hand";
	struct stat st;
	int fd, other = t_open(O_RDWR);

	t_is(stat(TQ_DEVICE, &st), 0);
	unlink(node);
	t_is(mknod(node, S_IFCHR | 0600, st.st_rdev), 0);
	fd = open(node, O_RDWR);
	unlink(node);
	t_true(fd >= 0, "it cannot be opened: errno %d", errno);
	t_send(fd, 20, 1);
	t_receive(other, 20, 1);
	close(fd);
	close(other);
	/* There is no queue of the next number. */
	t_is(mknod(node, S_IFCHR | 0600, st.st_rdev + 1), 0);
	fd = open(node, O_RDWR);
	unlink(node);
	t_errno(fd, ENXIO);
}

static void *anything(unsigned int coin, char *buf)
{
	switch (coin % 6) {
	case 0:
		return NULL;
	case 1:
		return (void *)(uintptr_t)(coin * 4096ULL);
	case 2:
		return (void *)0xffffffff81000000;
	case 3:
		return buf + 2 * TQ_PAGE - coin % 64;	/* the next page is not there */
	default:
		return buf + coin % TQ_PAGE;
	}
}

/* Random calls with random arguments; what the queue holds can be anything. */
static void random_calls(void)
{
	double end = t_now() + t_seconds(1.5);
	int fds[4] = {
		t_open(O_RDWR | O_NONBLOCK), t_open(O_RDONLY | O_NONBLOCK),
		t_open(O_WRONLY | O_NONBLOCK), t_open(O_RDWR | O_NONBLOCK),
	};
	unsigned int state = getpid();
	char *buf = t_edge(2 * TQ_PAGE);
	struct iovec parts[8];
	int i, last;

	while (t_now() < end) {
		int fd;
		size_t len;
		void *at;

		state = state * 1664525 + 1013904223;
		fd = fds[state >> 30];
		at = anything(state >> 4, buf);
		len = state >> 8 & 1 ? state >> 10 & 0xff : state >> 10 & 0x3fff;
		for (i = 0; i < 8; i++) {
			parts[i].iov_base = anything((state >> i) * 7, buf);
			parts[i].iov_len = (state >> (i * 2)) & 0x1ff;
		}
		switch (state >> 24 & 15) {
		case 0 ... 2:
			write(fd, at, len);
			break;
		case 3 ... 5:
			read(fd, at, len);
			break;
		case 6:
			writev(fd, parts, state >> 16 & 7);
			break;
		case 7:
			readv(fd, parts, state >> 16 & 7);
			break;
		case 8:
			preadv2(fd, parts, state >> 16 & 7, -1, state & 0x1f);
			break;
		case 9:
			pwritev2(fd, parts, state >> 16 & 7, -1, state & 0x1f);
			break;
		case 10:
			ioctl(fd, state & 1 ? FIONREAD : state, at);
			break;
		case 11:
			t_poll(fd, state);
			break;
		case 12:
			splice(fd, NULL, fds[3], NULL, len, SPLICE_F_NONBLOCK);
			break;
		case 13:
			i = state >> 16 & 3;
			close(fds[i]);
			fds[i] = t_open((i == 1 ? O_RDONLY : O_RDWR) | O_NONBLOCK);
			break;
		case 14:
			write(fd, at, (size_t)state << (state & 31));
			break;
		default:
			lseek(fd, state, state & 3);
			break;
		}
	}
	for (i = 0; i < 4; i++)
		close(fds[i]);
	/* TQUEUE_PAUSE may have been among the requests, and is kept. */
	last = t_open(O_RDWR);
	t_is(ioctl(last, TQUEUE_RESUME), 0);
	close(last);
	t_drain();
	t_is(t_value("messages"), 0);
	t_is(t_value("bytes"), 0);
	works();
}

/* A 32-bit program's calls: the same queue, the same answers. */
static void calls_of_32_bits(void)
{
	struct { uint32_t base, len; } *vector;
	int fd = t_open(O_RDWR);
	char *low = calls32_memory(2 * TQ_PAGE);
	int *bytes = (int *)(low + TQ_PAGE);

	t_pattern(low, 100, 1, 0);
	t_is(call32(CALL32_WRITE, fd, (long)low, 100), 100);
	t_is(call32(CALL32_IOCTL, fd, FIONREAD, (long)bytes), 0);
	t_is(*bytes, 100);
	t_is(call32(CALL32_IOCTL, fd, 0x7412, (long)bytes), -ENOTTY);
	t_is(call32(CALL32_IOCTL, fd, FIONREAD, 16), -EFAULT);
	t_receive(fd, 100, 1);
	vector = (void *)(low + 5000);
	vector[0].base = (uint32_t)(uintptr_t)low;
	vector[0].len = 60;
	vector[1].base = (uint32_t)(uintptr_t)low + 60;
	vector[1].len = 40;
	t_is(call32(CALL32_WRITEV, fd, (long)vector, 2), 100);
	memset(low, 0, 100);
	t_is(call32(CALL32_READV, fd, (long)vector, 2), 100);
	t_is(t_differs(low, 100, 1, 0), -1);
	t_send(fd, 5, 1);
	t_is(call32(CALL32_READ, fd, 16, 100), -EFAULT);
	t_is(call32(CALL32_READ, fd, (long)low, 100), 5);
	t_nothing();
	close(fd);
}

/* Neither world nor a user without rights gets at it. */
static void try_as_nobody(void *arg)
{
	struct stat st;

	(void)arg;
	stat(TQ_DEVICE, &st);
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		_exit(1);
	if (open(TQ_DEVICE, O_RDONLY) >= 0 || errno != EACCES)
		_exit(2);
	if (open(TQ_DEVICE, O_WRONLY) >= 0 || errno != EACCES)
		_exit(3);
}

static void nobody(void)
{
	t_reap(t_fork(try_as_nobody, NULL));
}

static const struct t_test tests[] = {
	TQ_TEST(not_a_file),
	TQ_TEST(unknown_ioctls),
	TQ_TEST(general_ioctls),
	TQ_TEST(not_open),
	TQ_TEST(replaced_in_mid_use),
	TQ_TEST(many_files),
	TQ_TEST(reopened_through_proc),
	TQ_TEST(node_made_by_hand),
	TQ_TEST(calls_of_32_bits),
	TQ_TEST(nobody),
	TQ_TEST_WITH(sender_closed_in_mid_use, TQ_SMALL),
	TQ_TEST_WITH(random_calls, "size_l=65536"),
};

int main(int argc, char **argv)
{
	return t_main("abuse", tests, ARRAY_SIZE(tests), argc, argv);
}
