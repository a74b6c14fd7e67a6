// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue and its peers, each with the settings it has by default but for the
 * size of a message, which is raised where the peer lets root raise it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "peers.h"

#include "../../src/uapi/tqueue.h"

#define TQUEUE_PATH	"/dev/tqueue"
#define FIFO_PATH	"/tmp/tqueue-bench.fifo"
#define MQ_NAME		"/tqueue-bench"
#define MQ_MESSAGES	8	/* 65536 bytes each stay below RLIMIT_MSGQUEUE */
#define PIPE_PACKET	4096	/* of an O_DIRECT pipe: PIPE_BUF */
#define PAGE		4096

static ssize_t file_send(struct channel *c)
{
	return write(c->in, c->sent, c->size);
}

static ssize_t file_receive(struct channel *c)
{
	return read(c->out, c->received, c->size);
}

/* A peer that keeps no boundaries may stop anywhere: its reader goes on. */
static ssize_t stream_receive(struct channel *c)
{
	size_t got = 0;
	ssize_t n;

	do {
		n = read(c->out, c->received + got, c->size - got);
		if (n <= 0)
			return n;
		got += n;
	} while (got < c->size);
	return got;
}

static void file_close(struct channel *c)
{
	close(c->in);
	if (c->out != c->in)
		close(c->out);
}

static int open_both(struct channel *c, const char *in, const char *out)
{
	c->in = open(in, O_WRONLY | O_CLOEXEC);
	if (c->in < 0)
		return -1;
	c->out = open(out, O_RDONLY | O_CLOEXEC);
	if (c->out >= 0)
		return 0;
	close(c->in);
	return -1;
}

static int tqueue_open(struct channel *c)
{
	return open_both(c, TQUEUE_PATH, TQUEUE_PATH);
}

/* The rest of a message belongs to an open file: every process has its own. */
static int tqueue_attach(struct channel *c)
{
	file_close(c);
	return tqueue_open(c);
}

static size_t record_bytes(const struct channel *c)
{
	return sizeof(struct tqueue_record) + (c->size + 7) / 8 * 8;
}

/* The records are there from the first call on: sending does not change them. */
static int tqueue_send_many(struct channel *c, unsigned int n)
{
	struct tqueue_record *record = (struct tqueue_record *)c->sent;
	struct tqueue_send send = {
		.records = (uintptr_t)c->sent,
		.bytes = n * record_bytes(c),
		.deadline = TQUEUE_FOREVER,
	};
	unsigned int i;

	if (record->header_words != TQUEUE_HEADER_WORDS ||
	    record->length != c->size) {
		memset(c->sent, 0, BENCH_MAX_SIZE);
		for (i = 0; i < BENCH_MAX_BATCH; i++) {
			record->length = c->size;
			record->header_words = TQUEUE_HEADER_WORDS;
			record = (void *)((char *)record + record_bytes(c));
		}
	}
	return ioctl(c->in, TQUEUE_SEND, &send);
}

static int tqueue_receive_many(struct channel *c, unsigned int n)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)c->received,
		.bytes = BENCH_MAX_SIZE,
		.deadline = TQUEUE_FOREVER,
		.count = n,
	};

	return ioctl(c->out, TQUEUE_RECEIVE, &receive);
}

static int pipe_open_flags(struct channel *c, int flags)
{
	int fds[2];

	if (pipe2(fds, flags))
		return -1;
	c->out = fds[0];
	c->in = fds[1];
	return 0;
}

static int pipe_open(struct channel *c)
{
	return pipe_open_flags(c, 0);
}

static int packet_pipe_open(struct channel *c)
{
	return pipe_open_flags(c, O_DIRECT);
}

static int fifo_open(struct channel *c)
{
	int hold, err;

	unlink(FIFO_PATH);
	if (mkfifo(FIFO_PATH, 0600))
		return -1;
	/* Opened for both, so that neither of the two opens below waits for the other. */
	hold = open(FIFO_PATH, O_RDWR | O_CLOEXEC);
	err = hold < 0 ? -1 : open_both(c, FIFO_PATH, FIFO_PATH);
	if (hold >= 0)
		close(hold);
	unlink(FIFO_PATH);
	return err;
}

/* A limit of the system, raised for as long as the machine runs, where we may. */
static void raise_limit(const char *path, long to)
{
	FILE *f = fopen(path, "r+");
	long now;

	if (!f)
		return;
	if (fscanf(f, "%ld", &now) == 1 && now < to) {
		rewind(f);
		fprintf(f, "%ld\n", to);
	}
	fclose(f);
}

static int mq_peer_open(struct channel *c)
{
	struct mq_attr attr = {
		.mq_maxmsg = MQ_MESSAGES,
		.mq_msgsize = c->size,
	};

	raise_limit("/proc/sys/fs/mqueue/msgsize_max", BENCH_MAX_SIZE);
	mq_unlink(MQ_NAME);
	c->in = mq_open(MQ_NAME, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (c->in < 0)
		return -1;
	c->out = c->in;
	mq_unlink(MQ_NAME);
	return 0;
}

static ssize_t mq_peer_send(struct channel *c)
{
	return mq_send(c->in, c->sent, c->size, 0) ? -1 : (ssize_t)c->size;
}

static ssize_t mq_peer_receive(struct channel *c)
{
	return mq_receive(c->out, c->received, c->size, NULL);
}

static int sysv_open(struct channel *c)
{
	raise_limit("/proc/sys/kernel/msgmax", BENCH_MAX_SIZE);
	raise_limit("/proc/sys/kernel/msgmnb", 2 * BENCH_MAX_SIZE);
	c->id = msgget(IPC_PRIVATE, 0600);
	c->in = -1;
	c->out = -1;
	return c->id < 0 ? -1 : 0;
}

/* The type stands in front of the payload, in the caller's own buffer. */
static ssize_t sysv_send(struct channel *c)
{
	long *message = (long *)c->sent - 1;

	*message = 1;
	return msgsnd(c->id, message, c->size, 0) ? -1 : (ssize_t)c->size;
}

static ssize_t sysv_receive(struct channel *c)
{
	return msgrcv(c->id, (long *)c->received - 1, c->size, 0, 0);
}

static void sysv_close(struct channel *c)
{
	msgctl(c->id, IPC_RMID, NULL);
}

static int socket_open_type(struct channel *c, int type)
{
	int fds[2];

	if (socketpair(AF_UNIX, type, 0, fds))
		return -1;
	c->in = fds[0];
	c->out = fds[1];
	return 0;
}

static int stream_open(struct channel *c)
{
	return socket_open_type(c, SOCK_STREAM);
}

static int seqpacket_open(struct channel *c)
{
	return socket_open_type(c, SOCK_SEQPACKET);
}

static void prepare_many(struct mmsghdr *headers, struct iovec *parts,
			 struct channel *c, char *buffer)
{
	unsigned int i;

	for (i = 0; i < BENCH_MAX_BATCH; i++) {
		parts[i].iov_base = buffer + i * c->size;
		parts[i].iov_len = c->size;
		headers[i].msg_hdr.msg_iov = &parts[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
}

static int socket_send_many(struct channel *c, unsigned int n)
{
	static struct mmsghdr headers[BENCH_MAX_BATCH];
	static struct iovec parts[BENCH_MAX_BATCH];

	if (parts[0].iov_len != c->size)
		prepare_many(headers, parts, c, c->sent);
	return sendmmsg(c->in, headers, n, 0);
}

static int socket_receive_many(struct channel *c, unsigned int n)
{
	static struct mmsghdr headers[BENCH_MAX_BATCH];
	static struct iovec parts[BENCH_MAX_BATCH];

	if (parts[0].iov_len != c->size)
		prepare_many(headers, parts, c, c->received);
	return recvmmsg(c->out, headers, n, 0, NULL);
}

/* A counter, not a queue: a message is any number of 8 bytes but the largest. */
static int eventfd_open(struct channel *c)
{
	c->in = eventfd(0, 0);
	c->out = c->in;
	return c->in < 0 ? -1 : 0;
}

static int floor_open(struct channel *c)
{
	return open_both(c, "/dev/null", "/dev/zero");
}

const struct peer peers[] = {
	{
		.name = "tqueue",
		.min = 1,
		.max = BENCH_MAX_SIZE,
		.boundaries = true,
		.open = tqueue_open,
		.attach = tqueue_attach,
		.send = file_send,
		.receive = file_receive,
		.send_many = tqueue_send_many,
		.receive_many = tqueue_receive_many,
		.close = file_close,
	},
	{
		.name = "pipe",
		.min = 1,
		.max = BENCH_MAX_SIZE,
		.open = pipe_open,
		.send = file_send,
		.receive = stream_receive,
		.close = file_close,
	},
	{
		.name = "pipe-O_DIRECT",
		.min = 1,
		.max = PIPE_PACKET,
		.boundaries = true,
		.open = packet_pipe_open,
		.send = file_send,
		.receive = file_receive,
		.close = file_close,
	},
	{
		.name = "fifo",
		.min = 1,
		.max = BENCH_MAX_SIZE,
		.open = fifo_open,
		.send = file_send,
		.receive = stream_receive,
		.close = file_close,
	},
	{
		.name = "posix-mqueue",
		.min = 1,
		.max = BENCH_MAX_SIZE,
		.boundaries = true,
		.open = mq_peer_open,
		.send = mq_peer_send,
		.receive = mq_peer_receive,
		.close = file_close,
	},
	{
		.name = "sysv-msg",
		.min = 1,
		.max = BENCH_MAX_SIZE,
		.boundaries = true,
		.open = sysv_open,
		.send = sysv_send,
		.receive = sysv_receive,
		.close = sysv_close,
	},
	{
		.name = "unix-stream",
		.min = 1,
		.max = BENCH_MAX_SIZE,
		.open = stream_open,
		.send = file_send,
		.receive = stream_receive,
		.close = file_close,
	},
	{
		.name = "unix-seqpacket",
		.min = 1,
		.max = BENCH_MAX_SIZE,
		.boundaries = true,
		.open = seqpacket_open,
		.send = file_send,
		.receive = file_receive,
		.send_many = socket_send_many,
		.receive_many = socket_receive_many,
		.close = file_close,
	},
	{
		.name = "eventfd",
		.min = 8,
		.max = 8,
		.merges = true,
		.open = eventfd_open,
		.send = file_send,
		.receive = file_receive,
		.close = file_close,
	},
	{
		.name = "floor",
		.min = 1,
		.max = BENCH_MAX_SIZE,
		.floor = true,
		.open = floor_open,
		.send = file_send,
		.receive = file_receive,
		.close = file_close,
	},
	{ .name = NULL }
};

int channel_open(struct channel *c, const struct peer *peer, size_t size)
{
	static char *buffers[2];
	size_t i;

	for (i = 0; i < 2; i++) {
		if (buffers[i])
			continue;
		buffers[i] = aligned_alloc(PAGE, PAGE + BENCH_MAX_SIZE);
		if (!buffers[i])
			return -1;
		memset(buffers[i], 0, PAGE + BENCH_MAX_SIZE);
	}
	memset(c, 0, sizeof(*c));
	c->peer = peer;
	c->size = size;
	c->sent = buffers[0] + PAGE;
	c->received = buffers[1] + PAGE;
	return peer->open(c);
}

int channel_attach(struct channel *c)
{
	return c->peer->attach ? c->peer->attach(c) : 0;
}

bool channel_works(struct channel *c)
{
	size_t i;

	for (i = 0; i < c->size; i++)
		c->sent[i] = 1 + i % 251;
	memset(c->received, 0, c->size);
	if (c->peer->send(c) != (ssize_t)c->size ||
	    c->peer->receive(c) != (ssize_t)c->size)
		return false;
	return c->peer->floor || !memcmp(c->sent, c->received, c->size);
}

void channel_close(struct channel *c)
{
	c->peer->close(c);
}
