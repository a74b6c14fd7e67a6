// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls on a queue with hostile arguments, for a set time: a grammar of
 * what can be done to a device, with pointers to nowhere and to memory that
 * others unmap meanwhile, absurd lengths, files closed and replaced under the
 * call, odd flags.
 *
 * Queues come and go under it by name, and the default queue is stopped, resized
 * and given other policies, too.
 *
 * It goes in rounds. In each, some processes of some threads call away until they
 * are killed, wherever they are; then the queue must work as if nothing had been:
 * it can be drained, a message goes through, and nothing is left. Meanwhile one
 * process that behaves well must never wait. The kernel's own checks tell the
 * rest. All choices follow from the seed and the number of the round, which is
 * printed when something is wrong: TQUEUE_ROUND starts there.
 *
 * It is one file of more than 700 lines because the calls are one table, and all of
 * them take their arguments out of the same hat; fuzz_calls.h has the driver's own.
 */
#include "calls.h"
#include "options.h"
#include "uring.h"

#include <linux/aio_abi.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#define PROCESSES	3
#define THREADS		3
#define FILES		12
#define POOL		(64 * 4096UL)

static struct shared {
	atomic_ulong calls, good;
	atomic_ulong beats;	/* of the process that behaves well */
	atomic_int round;
	atomic_int stop;
	atomic_int last[PROCESSES][THREADS];	/* what each did last */
} *shared;

/* Of one process, whose threads all use them. */
static atomic_int files[FILES];
static int control;
static char *pool;
static struct uring uring;
static pthread_mutex_t uring_lock = PTHREAD_MUTEX_INITIALIZER;
static aio_context_t aio;

struct fuzzer {
	uint64_t dice;
	int process, thread;
};

static unsigned int below(struct fuzzer *f, unsigned int end)
{
	return random_below(&f->dice, end);
}

static bool one_in(struct fuzzer *f, unsigned int n)
{
	return !below(f, n);
}

/* ---- arguments ---------------------------------------------------------------- */

static int any_file(struct fuzzer *f)
{
	static const int bad[] = { -1, 9999, AT_FDCWD, 1 << 30 };

	if (one_in(f, 40))
		return bad[below(f, ARRAY_SIZE(bad))];
	return atomic_load(&files[below(f, FILES)]);
}

static void *any_pointer(struct fuzzer *f)
{
	static const uintptr_t bad[] = {
		0, 1, 4095, 0x8000000000000000, 0xffff888000000000,
		0xffffffff81000000, 0xffffffffff600000, -1, -4096,
		0x7ffffffff000, 0x7fffffffefff, 0x800000000000,
	};

	switch (below(f, 8)) {
	case 0:
		return (void *)bad[below(f, ARRAY_SIZE(bad))];
	case 1:
		/* Near the end of a page. */
		return pool + 4096UL * (1 + below(f, POOL / 4096 - 1)) -
		       1 - below(f, 64);
	default:
		return pool + below(f, POOL);
	}
}

static size_t any_length(struct fuzzer *f)
{
	static const size_t odd[] = {
		0, 1, 7, 8, 9, 983, 984, 985, 4055, 4056, 4057, 4095, 4096, 4097,
		65535, 65536, 1 << 20, 0x7fffffff, 0x80000000, 0xffffffff,
		0x7ffff000, 0x7fffffffffffffff, 0x8000000000000000, -1, -4096,
	};

	if (one_in(f, 3))
		return odd[below(f, ARRAY_SIZE(odd))];
	return below(f, one_in(f, 2) ? 100 : 5000);
}

#define VECTOR	64

static int any_vector(struct fuzzer *f, struct iovec *vector)
{
	int n = below(f, one_in(f, 4) ? VECTOR : 5), i;

	for (i = 0; i < n; i++) {
		vector[i].iov_base = any_pointer(f);
		vector[i].iov_len = one_in(f, 10) ? any_length(f) : below(f, 1000);
	}
	if (one_in(f, 30))
		return below(f, 2) ? 1025 : -1;
	return n;
}

/* Few bits of many. */
static unsigned int any_bits(struct fuzzer *f, unsigned int usual)
{
	unsigned int bits = usual & random_next(&f->dice);

	if (one_in(f, 6))
		bits |= 1U << below(f, 32);
	return bits;
}

static long any_offset(struct fuzzer *f)
{
	return one_in(f, 2) ? 0 : one_in(f, 2) ? -1 : (long)random_next(&f->dice);
}

static void keep(struct fuzzer *f, int fd)
{
	int old;

	if (fd < 0)
		return;
	old = atomic_exchange(&files[below(f, FILES)], fd);
	close(old);
}

#include "fuzz_calls.h"

/* ---- calls ---------------------------------------------------------------------- */

static long call_open(struct fuzzer *f)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, 3 };
	int flags = modes[below(f, ARRAY_SIZE(modes))];

	if (!one_in(f, 3))
		flags |= O_NONBLOCK;
	if (one_in(f, 5))
		flags |= any_bits(f, O_APPEND | O_DIRECT | O_SYNC | O_ASYNC |
				  O_CLOEXEC | O_NOFOLLOW | O_NOATIME | O_TRUNC) &
			 ~(O_CREAT | O_PATH);
	keep(f, open(one_in(f, 2) ? TQ_DEVICE :
		     t_queue_path(names[below(f, ARRAY_SIZE(names))]), flags));
	return 0;
}

static long call_close(struct fuzzer *f)
{
	return close(any_file(f));
}

static long call_dup(struct fuzzer *f)
{
	if (one_in(f, 2)) {
		keep(f, dup(any_file(f)));
		return 0;
	}
	return dup3(any_file(f), atomic_load(&files[below(f, FILES)]), O_CLOEXEC);
}

static long call_read(struct fuzzer *f)
{
	return syscall(SYS_read, any_file(f), any_pointer(f), any_length(f));
}

static long call_write(struct fuzzer *f)
{
	return syscall(SYS_write, any_file(f), any_pointer(f), any_length(f));
}

static long call_vector(struct fuzzer *f)
{
	struct iovec vector[VECTOR];
	int n = any_vector(f, vector);
	void *from = one_in(f, 20) ? any_pointer(f) : vector;

	return syscall(one_in(f, 2) ? SYS_readv : SYS_writev, any_file(f), from, n);
}

static long call_vector_flags(struct fuzzer *f)
{
	struct iovec vector[VECTOR];
	int n = any_vector(f, vector);
	long at = one_in(f, 4) ? any_offset(f) : -1;

	return syscall(one_in(f, 2) ? SYS_preadv2 : SYS_pwritev2, any_file(f),
		       vector, n, at, at >> 63, any_bits(f, 0xff));
}

static long call_at(struct fuzzer *f)
{
	return syscall(one_in(f, 2) ? SYS_pread64 : SYS_pwrite64, any_file(f),
		       any_pointer(f), any_length(f), any_offset(f));
}

static long call_ioctl(struct fuzzer *f)
{
	static const unsigned long known[] = {
		FIONREAD, FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX, FIOQSIZE,
		0x5401 /* TCGETS */, SIOCOUTQ,
	};
	unsigned long command = one_in(f, 3) ? random_next(&f->dice) :
				known[below(f, ARRAY_SIZE(known))];

	/* Of the node itself, not of the device: frozen is frozen. */
	if ((command & 0xff00) == 'X' << 8)
		command = FIONREAD;
	return ioctl(any_file(f), command, any_pointer(f));
}

static long call_fcntl(struct fuzzer *f)
{
	static const int commands[] = {
		F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_SETFL, F_SETFL, F_GETOWN,
		F_SETSIG, F_GETSIG, F_SETPIPE_SZ, F_GETPIPE_SZ, F_GETLEASE,
		F_SETLEASE, F_GETLK, F_SETLK, F_ADD_SEALS, F_GET_SEALS,
		F_GET_RW_HINT, F_SET_RW_HINT,
	};
	int command = commands[below(f, ARRAY_SIZE(commands))];
	int fd = any_file(f);

	switch (command) {
	case F_SETFL:
		fcntl(fd, F_SETOWN, getpid());
		return fcntl(fd, command,
			     any_bits(f, O_NONBLOCK | O_ASYNC | O_APPEND | O_DIRECT));
	case F_GETLK:
	case F_SETLK:
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
		return fcntl(fd, command, any_pointer(f));
	case F_SETSIG:
		return fcntl(fd, command, one_in(f, 2) ? 0 : SIGIO);
	case F_SETPIPE_SZ:
		return fcntl(fd, command, 1 << below(f, 17));
	default:
		return fcntl(fd, command, below(f, 4));
	}
}

static long call_poll(struct fuzzer *f)
{
	struct pollfd several[8];
	int i, n = below(f, 8);

	for (i = 0; i < n; i++) {
		several[i].fd = any_file(f);
		several[i].events = random_next(&f->dice);
	}
	return syscall(SYS_poll, one_in(f, 20) ? any_pointer(f) : several, n,
		       below(f, 3));
}

static long call_select(struct fuzzer *f)
{
	struct timeval wait = { .tv_usec = below(f, 2000) };
	int fd = any_file(f);
	fd_set set;

	if (fd < 0 || fd >= FD_SETSIZE)
		return -1;
	FD_ZERO(&set);
	FD_SET(fd, &set);
	return syscall(SYS_select, fd + 1, one_in(f, 10) ? any_pointer(f) : &set,
		       one_in(f, 2) ? &set : NULL, one_in(f, 2) ? &set : NULL, &wait);
}

static long call_epoll(struct fuzzer *f)
{
	struct epoll_event event = { .events = random_next(&f->dice) };

	switch (below(f, 6)) {
	case 0:
		keep(f, epoll_create1(0));
		return 0;
	case 1:
	case 2:
		event.events = any_bits(f, EPOLLIN | EPOLLOUT | EPOLLET |
					EPOLLONESHOT | EPOLLEXCLUSIVE);
		return epoll_ctl(any_file(f), 1 + below(f, 3), any_file(f), &event);
	case 3:
		return syscall(SYS_epoll_ctl, any_file(f), below(f, 5), any_file(f),
			       any_pointer(f));
	default:
		return syscall(SYS_epoll_wait, any_file(f), any_pointer(f),
			       1 + below(f, 10), below(f, 3));
	}
}

static long call_splice(struct fuzzer *f)
{
	struct iovec vector[VECTOR];
	unsigned int flags = any_bits(f, 15);
	loff_t at = any_offset(f);
	int n;

	switch (below(f, 8)) {
	case 0:
		return tee(any_file(f), any_file(f), any_length(f), flags);
	case 1:
		n = any_vector(f, vector);
		return vmsplice(any_file(f), vector, n < 0 ? 1 : n, flags);
	case 2:
		return sendfile(any_file(f), any_file(f), NULL, any_length(f));
	case 3:
		return copy_file_range(any_file(f), NULL, any_file(f), NULL,
				       any_length(f), 0);
	default:
		return syscall(SYS_splice, any_file(f),
			       one_in(f, 10) ? &at : NULL, any_file(f),
			       one_in(f, 10) ? any_pointer(f) : NULL,
			       any_length(f), flags | (one_in(f, 3) ? 0 : 2));
	}
}

static long call_pipe(struct fuzzer *f)
{
	int pipes[2];

	if (pipe2(pipes, any_bits(f, O_NONBLOCK | O_DIRECT)))
		return -1;
	keep(f, pipes[0]);
	keep(f, pipes[1]);
	return 0;
}

static long call_odd(struct fuzzer *f)
{
	struct stat status;
	int fd = any_file(f);

	switch (below(f, 13)) {
	case 0:
		return fsync(fd);
	case 1:
		return fdatasync(fd);
	case 2:
		return lseek(fd, any_offset(f), below(f, 6));
	case 3:
		return ftruncate(fd, below(f, 100000));
	case 4:
		return fallocate(fd, below(f, 128), 0, below(f, 100000));
	case 5:
		return fstat(fd, &status);
	case 6:
		return posix_fadvise(fd, any_offset(f), any_length(f), below(f, 8));
	case 7:
		return readahead(fd, any_offset(f), any_length(f));
	case 8:
		return flock(fd, LOCK_NB | below(f, 16));
	case 9:
		return syscall(SYS_getdents64, fd, any_pointer(f), any_length(f));
	case 10:
		return sync_file_range(fd, any_offset(f), any_length(f), below(f, 8));
	case 11: {
		void *map = mmap(NULL, 4096 << below(f, 3), below(f, 8),
				 1 + below(f, 3), fd, 4096UL * below(f, 4));

		if (map != MAP_FAILED)
			munmap(map, 4096);
		return 0;
	}
	default: {
		char path[64], text[512];
		ssize_t got;
		int info;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		info = open(path, O_RDONLY);
		if (info < 0)
			return -1;
		got = read(info, text, sizeof(text));
		close(info);
		return got;
	}
	}
}

/* Moves the ground under the others. */
static long call_memory(struct fuzzer *f)
{
	unsigned int first = below(f, POOL / 4096), n = 1 + below(f, 8);
	char *at = pool + 4096UL * first;
	size_t len = 4096UL * n;

	if (first + n > POOL / 4096)
		len = pool + POOL - at;
	switch (below(f, 8)) {
	case 0:
		return madvise(at, len, MADV_DONTNEED);
	case 1:
		return madvise(at, len, below(f, 26));
	case 2:
		return munmap(at, len);
	case 3:
		return mprotect(at, len, below(f, 4));
	case 4: {
		void *moved = mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
				     pool + 4096UL * below(f, POOL / 4096 - 8));

		return moved == MAP_FAILED ? -1 : 0;
	}
	default:
		/* And makes some again. */
		return mmap(at, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
			    (one_in(f, 2) ? MAP_POPULATE : 0), -1, 0) == MAP_FAILED ?
			    -1 : 0;
	}
}

/* Memory that nobody will ever bring: who touches it stays there until killed. */
static long call_stall(struct fuzzer *f)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd;

	if (!one_in(f, 20))
		return 0;
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0)
		return -1;
	area.range.start = (uintptr_t)pool + 4096UL * below(f, POOL / 4096);
	area.range.len = 4096;
	if (ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &area))
		return close(uffd);
	madvise((void *)(uintptr_t)area.range.start, 4096, MADV_DONTNEED);
	keep(f, uffd);
	return 0;
}

static long call_pass_file(struct fuzzer *f)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec one = { .iov_base = "x", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &one, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int pair[2], fd = any_file(f);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	/* It may stay under way, and be closed with the sockets. */
	sendmsg(pair[0], &message, MSG_DONTWAIT);
	if (one_in(f, 2)) {
		close(pair[0]);
		close(pair[1]);
	} else {
		keep(f, pair[0]);
		keep(f, pair[1]);
	}
	return 0;
}

static long call_aio(struct fuzzer *f)
{
	struct io_event events[4];
	struct iocb request = {
		.aio_lio_opcode = below(f, 9),
		.aio_fildes = any_file(f),
		.aio_buf = (uintptr_t)any_pointer(f),
		.aio_nbytes = any_length(f),
		.aio_rw_flags = any_bits(f, 8),
	};
	struct iocb *requests[] = { &request };
	struct timespec none = { 0 };

	if (one_in(f, 3))
		return syscall(SYS_io_getevents, aio, 0, 4, events, &none);
	if (request.aio_lio_opcode == IOCB_CMD_POLL)
		request.aio_buf = POLLIN | POLLOUT;
	return syscall(SYS_io_submit, aio, 1, requests);
}

static long call_uring(struct fuzzer *f)
{
	static const int operations[] = {
		IORING_OP_NOP, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV,
		IORING_OP_WRITEV, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE,
		IORING_OP_ASYNC_CANCEL, IORING_OP_FSYNC, IORING_OP_SPLICE,
		IORING_OP_TEE, IORING_OP_READ, IORING_OP_WRITE,
	};
	struct io_uring_sqe *entry;
	uint64_t name;
	int result;

	if (uring.fd < 0 || pthread_mutex_trylock(&uring_lock))
		return -1;
	entry = uring_put(&uring, operations[below(f, ARRAY_SIZE(operations))],
			  any_file(f), any_pointer(f), any_length(f), below(f, 8));
	if (entry->opcode == IORING_OP_READV || entry->opcode == IORING_OP_WRITEV)
		entry->len = below(f, 4);
	if (entry->opcode == IORING_OP_POLL_ADD)
		entry->poll32_events = random_next(&f->dice);
	if (entry->opcode == IORING_OP_SPLICE || entry->opcode == IORING_OP_TEE) {
		entry->splice_fd_in = any_file(f);
		entry->splice_off_in = -1;
		entry->splice_flags = any_bits(f, 3);
	}
	if (one_in(f, 4))
		entry->flags = 1 << below(f, 6);
	if (one_in(f, 4))
		entry->rw_flags |= any_bits(f, 0x1f);
	syscall(SYS_io_uring_enter, uring.fd, uring.unsubmitted, 0, 0, NULL, 0);
	uring.unsubmitted = 0;
	while (uring_take(&uring, &name, &result))
		;
	pthread_mutex_unlock(&uring_lock);
	return 0;
}

static const struct call {
	const char *name;
	long (*call)(struct fuzzer *f);
	unsigned int weight;
} calls[] = {
	{ "open", call_open, 8 }, { "close", call_close, 2 },
	{ "dup", call_dup, 2 }, { "read", call_read, 14 },
	{ "write", call_write, 14 }, { "readv/writev", call_vector, 8 },
	{ "preadv2/pwritev2", call_vector_flags, 8 }, { "pread/pwrite", call_at, 1 },
	{ "ioctl", call_ioctl, 6 }, { "fcntl", call_fcntl, 6 },
	{ "poll", call_poll, 5 }, { "select", call_select, 2 },
	{ "epoll", call_epoll, 6 }, { "splice", call_splice, 10 },
	{ "pipe", call_pipe, 4 }, { "odd", call_odd, 4 },
	{ "memory", call_memory, 8 }, { "userfaultfd", call_stall, 3 },
	{ "sendmsg", call_pass_file, 2 }, { "aio", call_aio, 4 },
	{ "io_uring", call_uring, 8 }, { "SEND", call_send, 14 },
	{ "RECEIVE", call_receive, 14 }, { "queue ioctl", call_queue, 8 },
	{ "control ioctl", call_control, 6 }, { "SETTLE", call_settle, 14 },
	{ "KICK", call_kick, 3 }, { "LIST", call_list, 4 },
};

/* Nothing waits for long. */
static void interrupt_myself(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1,
	};
	struct itimerspec often = {
		.it_interval.tv_nsec = 7000000, .it_value.tv_nsec = 7000000,
	};
	timer_t timer;

	t_catch(SIGUSR1, 0);
	event._sigev_un._tid = gettid();
	if (!timer_create(CLOCK_MONOTONIC, &event, &timer))
		timer_settime(timer, 0, &often, NULL);
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;
	unsigned int total = 0, i;

	interrupt_myself();
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		total += calls[i].weight;
	for (;;) {
		unsigned int at = below(f, total);

		for (i = 0; at >= calls[i].weight; i++)
			at -= calls[i].weight;
		atomic_store(&shared->last[f->process][f->thread], i);
		if (calls[i].call(f) >= 0)
			atomic_fetch_add_explicit(&shared->good, 1,
						  memory_order_relaxed);
		atomic_fetch_add_explicit(&shared->calls, 1, memory_order_relaxed);
	}
	return NULL;
}

static void process(void *arg)
{
	static struct fuzzer fuzzers[THREADS];
	struct rlimit files_limit = { 256, 256 }, size_limit = { 1 << 20, 1 << 20 };
	int number = (int)(uintptr_t)arg, i;
	pthread_t thread;

	setrlimit(RLIMIT_NOFILE, &files_limit);
	setrlimit(RLIMIT_FSIZE, &size_limit);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	/* One page at either end is never given away: nothing lies beside it. */
	pool = mmap(NULL, POOL + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pool += 4096;
	mmap(pool, POOL, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
	control = open(TQ_CONTROL, O_RDWR | O_CLOEXEC);
	if (!uring_open(&uring, 8))
		uring.fd = -1;
	syscall(SYS_io_setup, 16, &aio);
	for (i = 0; i < FILES; i++)
		atomic_store(&files[i], open(TQ_DEVICE, i % 3 ? O_RDWR | O_NONBLOCK :
					     O_RDWR));
	for (i = 0; i < THREADS; i++) {
		fuzzers[i].process = number;
		fuzzers[i].thread = i;
		fuzzers[i].dice = mix(option_seed + 1000003 * atomic_load(&shared->round) +
				      1009 * number + i);
		if (i)
			pthread_create(&thread, NULL, fuzz, &fuzzers[i]);
	}
	fuzz(&fuzzers[0]);
}

/* Behaves well, and so never has to wait, whatever the others do. */
static void behave(void *arg)
{
	char text[4096] = "";
	int fd = t_open(O_RDWR | O_NONBLOCK), bytes;

	(void)arg;
	/* It is a reader itself: so nobody tells it that there is none. */
	t_poll(fd, POLLIN);
	while (!atomic_load(&shared->stop)) {
		ssize_t done = write(fd, text, 100);

		t_true(done == 100 || (done == -1 && (errno == EAGAIN ||
						      errno == ENOBUFS ||
						      errno == EMSGSIZE ||
						       errno == ESHUTDOWN)),
			"write gives %zd (%s)", done, strerror(errno));
		t_is(ioctl(fd, FIONREAD, &bytes), 0);
		t_poll(fd, POLLIN | POLLOUT);
		done = read(fd, text, sizeof(text));
		/* 0: somebody has stopped the queue. */
		t_true(done >= 0 || (done == -1 && errno == EAGAIN),
		       "read gives %zd (%s)", done, strerror(errno));
		atomic_fetch_add(&shared->beats, 1);
		usleep(500);
	}
}

static void wrong(const char *what, unsigned long number)
{
	int i, j;

	for (i = 0; i < PROCESSES; i++)
		for (j = 0; j < THREADS; j++)
			fprintf(stderr, "# process %d thread %d: %s\n", i, j,
				calls[atomic_load(&shared->last[i][j])].name);
	t_fail("%s (%lu); repeat with TQUEUE_SEED=%llu TQUEUE_ROUND=%d", what, number,
	       (unsigned long long)option_seed, atomic_load(&shared->round));
}

/* Nothing is put off, or aside; those go on whose keys others had. */
static void kick_all(void)
{
	int fd = t_open(O_RDWR);
	unsigned int left;

	do {
		t_true(t_kick_call(fd, TQUEUE_FOREVER, 0,
				   TQUEUE_BURIED | TQUEUE_DELAYED, &left) >= 0,
			"KICK fails with %s", strerror(errno));
		if (left)
			t_drain();
	} while (left);
	close(fd);
}

/* What the calls are allowed to change. */
static void restore(void)
{
	struct tqueue_set set = {
		.name = "tqueue",
		.config = {
			.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE |
				  TQUEUE_CONFIG_OVERFLOW |
				  TQUEUE_CONFIG_END_OF_FILE |
				  TQUEUE_CONFIG_NO_READER |
				  TQUEUE_CONFIG_OWNER | TQUEUE_CONFIG_TTL |
				  TQUEUE_CONFIG_ON_EXPIRED |
				  TQUEUE_CONFIG_MAX_ATTEMPTS |
				  TQUEUE_CONFIG_ON_EXHAUSTED |
				  TQUEUE_CONFIG_LEASE_LIMIT |
				  TQUEUE_CONFIG_MAX_LEASED |
				  TQUEUE_CONFIG_MAX_BURIED | TQUEUE_CONFIG_UNIQUE,
			.size = 16384, .max_attempts = 16,
		},
	};

	t_remove_all();
	t_is(t_select_call(TQUEUE_CTL_START, "tqueue"), 0);
	t_is(t_select_call(TQUEUE_CTL_RESUME, "tqueue"), 0);
	/* What is kicked must not be buried again, as it has expired. */
	set.config.fields &= ~TQUEUE_CONFIG_SIZE;
	t_is(ioctl(t_control(), TQUEUE_CTL_SET, &set), 0);
	set.config.fields |= TQUEUE_CONFIG_SIZE;
	kick_all();
	/* A ring may hold more than it is to be made, while others still send. */
	while (ioctl(t_control(), TQUEUE_CTL_SET, &set)) {
		t_is(errno, EBUSY);
		t_drain();
	}
}

static void one_round(pid_t *processes)
{
	double end = t_now() + 0.7 * t_slow(), beat_at = t_now();
	unsigned long beats = 0, now;
	int fd, i, status;

	for (i = 0; i < PROCESSES; i++)
		processes[i] = t_fork(process, (void *)(uintptr_t)i);
	while (t_now() < end) {
		usleep(10000);
		now = atomic_load(&shared->beats);
		if (now != beats) {
			beats = now;
			beat_at = t_now();
		} else if (t_now() - beat_at > 10 * t_slow()) {
			wrong("somebody who behaves well has to wait", beats);
		} else if (t_now() + 0.1 > end) {
			/* Not before it was seen to go on. */
			end = t_now() + 0.1;
		}
		/* One may have killed itself. */
		for (i = 0; i < PROCESSES; i++)
			if (waitpid(processes[i], &status, WNOHANG) > 0)
				processes[i] = t_fork(process, (void *)(uintptr_t)i);
	}
	for (i = 0; i < PROCESSES; i++)
		t_kill(processes[i]);

	/* As if nothing had been. */
	restore();
	fd = t_open(O_RDWR | O_NONBLOCK);
	end = t_now() + 10 * t_slow();
	for (;;) {
		t_drain();
		t_send(fd, 4056, 1);
		/* Unless the one that behaves has received it. */
		if (t_fionread(fd) == 4056) {
			char text[4096];
			ssize_t got = read(fd, text, sizeof(text));

			if (got == 4056) {
				t_is(t_differs(text, got, 1, 0), -1);
				break;
			}
		}
		if (t_now() > end)
			wrong("no message goes through", 0);
	}
	close(fd);
}

static void hostile_calls(void)
{
	const char *first = getenv("TQUEUE_ROUND");
	double end = t_now() + option_seconds;
	pid_t processes[PROCESSES], good;

	shared = t_shared(sizeof(*shared));
	atomic_store(&shared->round, first ? atoi(first) : 0);
	good = t_fork(behave, NULL);
	do {
		one_round(processes);
		atomic_fetch_add(&shared->round, 1);
	} while (t_now() < end);
	atomic_store(&shared->stop, 1);
	t_reap(good);
	t_drain();
	t_is(t_value("messages"), 0);
	t_is(t_value("bytes"), 0);
	fprintf(stderr, "# %d rounds, %lu calls, %lu of them went well; %lu beats\n",
		atomic_load(&shared->round), atomic_load(&shared->calls),
		atomic_load(&shared->good), atomic_load(&shared->beats));
	t_true(atomic_load(&shared->calls) > 100, "hardly anything was called");
}

int main(int argc, char **argv)
{
	struct t_test tests[] = {
		TQ_TEST_WITH(hostile_calls, "size_l=16384 max_memory=8388608"),
	};

	argc = options(argc, argv, 5);
	tests[0].seconds = 120 + option_seconds / t_slow();
	return t_main("fuzz", tests, ARRAY_SIZE(tests), argc, argv);
}
