// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue, and the daemons it is compared with: Debian's beanstalkd and Redis, each with
 * its own settings but for what writes to disks, on a UNIX socket and on TCP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobpeers.h"

#include "../../src/uapi/tqueue.h"

#define QUEUE		"jobs"
#define RECORD_BYTES	(sizeof(struct tqueue_record) + JOB_SIZE)
#define PORT		11300

const char job_payload[JOB_SIZE] =
	"what is to be done: sixty-four bytes, as many as a short order";

void die(const char *what)
{
	fprintf(stderr, "jobs: %s: %s\n", what, strerror(errno));
	exit(1);
}

void must(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

/* ---- tqueue ------------------------------------------------------------------------ */

/* Aligned, and large enough for all that goes in one call. */
static uint64_t records[JOB_MAX_BATCH * RECORD_BYTES / sizeof(uint64_t)];
static struct tqueue_settlement settlements[JOB_MAX_BATCH];

static int open_control(void)
{
	int fd = open("/dev/tqueue-control", O_RDWR | O_CLOEXEC);

	must(fd >= 0, "/dev/tqueue-control");
	return fd;
}

static void tqueue_start(const struct job_peer *peer, size_t jobs)
{
	struct tqueue_create create = { .name = QUEUE, .mode = 0600, .config = {
		.fields = TQUEUE_CONFIG_SIZE, .size = jobs * RECORD_BYTES,
	} };
	int fd = open_control();

	(void)peer;
	must(!ioctl(fd, TQUEUE_CTL_CREATE, &create), "create");
	close(fd);
}

static void tqueue_stop(const struct job_peer *peer)
{
	struct tqueue_select select = { .name = QUEUE, .flags = TQUEUE_REMOVE_FORCE };
	int fd = open_control();

	(void)peer;
	must(!ioctl(fd, TQUEUE_CTL_REMOVE, &select), "remove");
	close(fd);
}

static void tqueue_connect(struct worker *w)
{
	w->fd = open("/dev/tq/" QUEUE, O_RDWR | O_CLOEXEC);
	must(w->fd >= 0, "/dev/tq/" QUEUE);
}

/* The same ones in every run: xorshift. */
static unsigned int random_priority(void)
{
	static uint32_t x = 2463534242;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return 1 + x % TQUEUE_PRIORITY_MAX;
}

static void tqueue_put(struct worker *w, unsigned int n)
{
	struct tqueue_send send = {
		.records = (uintptr_t)records,
		.bytes = n * RECORD_BYTES,
		.deadline = TQUEUE_FOREVER,
	};
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct tqueue_record *record = (void *)((char *)records + i * RECORD_BYTES);

		memset(record, 0, sizeof(*record));
		record->length = JOB_SIZE;
		record->header_words = TQUEUE_HEADER_WORDS;
		if (w->priorities)
			record->priority = random_priority();
		memcpy(record->payload, job_payload, JOB_SIZE);
	}
	must(ioctl(w->fd, TQUEUE_SEND, &send) == (int)n, "SEND");
}

static void remember(struct worker *w, unsigned int n)
{
	const struct tqueue_record *record = (void *)records;
	unsigned int i;

	memcpy(w->payload, record->payload, JOB_SIZE);
	for (i = 0; i < n; i++) {
		w->jobs[i].id = record->id;
		w->jobs[i].delivery = record->delivery;
		record = (void *)((char *)record + RECORD_BYTES);
	}
}

static void tqueue_take(struct worker *w, unsigned int n)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)records,
		.bytes = n * RECORD_BYTES,
		.deadline = TQUEUE_FOREVER,
		.flags = TQUEUE_RECEIVE_LEASE,
		.count = n,
	};

	must(ioctl(w->fd, TQUEUE_RECEIVE, &receive) == (int)n, "RECEIVE");
	remember(w, n);
}

static void tqueue_done(struct worker *w, unsigned int n)
{
	struct tqueue_settle settle = {
		.settlements = (uintptr_t)settlements,
		.count = n,
	};
	unsigned int i;

	for (i = 0; i < n; i++) {
		settlements[i].id = w->jobs[i].id;
		settlements[i].delivery = w->jobs[i].delivery;
		settlements[i].action = TQUEUE_ACKNOWLEDGE;
	}
	must(ioctl(w->fd, TQUEUE_SETTLE, &settle) == (int)n, "SETTLE");
}

static void tqueue_next(struct worker *w)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)records,
		.bytes = RECORD_BYTES,
		.deadline = TQUEUE_FOREVER,
		.flags = TQUEUE_RECEIVE_LEASE | TQUEUE_RECEIVE_ACK,
		.count = 1,
		.ack_id = w->jobs[0].id,
		.ack_delivery = w->jobs[0].delivery,
	};

	must(ioctl(w->fd, TQUEUE_RECEIVE, &receive) == 1 && !receive.ack_result, "RECEIVE with ACK");
	remember(w, 1);
}

/* ---- what daemons have in common ------------------------------------------------------ */

/* One connection a process: what was read of it and is not used up. */
static char in[16384], out[16384];
static size_t in_from, in_to, out_to;
static pid_t daemon_pid;

/* All that a call says goes in one write. */
static void say(const char *text, size_t length)
{
	must(out_to + length <= sizeof(out), "a request is too long");
	memcpy(out + out_to, text, length);
	out_to += length;
}

static void flush(const struct worker *w)
{
	must(write(w->fd, out, out_to) == (ssize_t)out_to, "write");
	out_to = 0;
}

static void read_more(const struct worker *w)
{
	ssize_t n;

	if (in_from == in_to) {
		in_from = 0;
		in_to = 0;
	} else if (in_to > sizeof(in) / 2) {
		memmove(in, in + in_from, in_to - in_from);
		in_to -= in_from;
		in_from = 0;
	}
	n = read(w->fd, in + in_to, sizeof(in) - in_to);
	if (!n)
		errno = EPIPE;
	must(n > 0, "read");
	in_to += n;
}

/* The next line, without its end, which is as long as *@length. */
static const char *hear_line(const struct worker *w, size_t *length)
{
	const char *line, *end;

	while (!(end = memchr(in + in_from, '\n', in_to - in_from)))
		read_more(w);
	line = in + in_from;
	*length = end - line - 1;
	in_from = end + 1 - in;
	return line;
}

/* @length bytes and the end of a line. */
static const char *hear_bytes(const struct worker *w, size_t length)
{
	const char *bytes;

	while (in_to - in_from < length + 2)
		read_more(w);
	bytes = in + in_from;
	in_from += length + 2;
	return bytes;
}

static void expect(const struct worker *w, const char *wanted)
{
	size_t length, start = strlen(wanted);
	const char *line = hear_line(w, &length);

	if (length >= start && !memcmp(line, wanted, start))
		return;
	fprintf(stderr, "jobs: %s: it says '%.*s' and not '%s'\n", w->peer->name, (int)length,
		line, wanted);
	exit(1);
}

static void keep_name(struct worker *w, unsigned int i, const char *name, size_t length)
{
	must(length < sizeof(w->jobs[i].name), "an id is too long");
	memcpy(w->jobs[i].name, name, length);
	w->jobs[i].length = length;
}

static int connection(const struct job_peer *peer)
{
	struct sockaddr_in inet = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	int fd, failed, yes = 1;

	fd = socket(peer->address ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0, "socket");
	if (peer->address) {
		strcpy(local.sun_path, peer->address);
		failed = connect(fd, (struct sockaddr *)&local, sizeof(local));
	} else {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		failed = connect(fd, (struct sockaddr *)&inet, sizeof(inet));
	}
	if (!failed)
		return fd;
	close(fd);
	return -1;
}

static void daemon_connect(struct worker *w)
{
	in_from = 0;
	in_to = 0;
	w->fd = connection(w->peer);
	must(w->fd >= 0, w->peer->name);
}

static void start_daemon(const struct job_peer *peer, const char *const argv[])
{
	int fd, tries = 0;

	if (peer->address)
		unlink(peer->address);
	daemon_pid = fork();
	must(daemon_pid >= 0, "fork");
	if (!daemon_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* What it tells of its start is nobody's concern, what goes wrong is. */
		must(freopen("/dev/null", "w", stdout), "/dev/null");
		execvp(argv[0], (char *const *)argv);
		die(argv[0]);
	}
	while ((fd = connection(peer)) < 0) {
		must(tries++ < 1000 && !waitpid(daemon_pid, NULL, WNOHANG), argv[0]);
		usleep(10000);
	}
	close(fd);
}

static void daemon_stop(const struct job_peer *peer)
{
	(void)peer;
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
}

/* ---- beanstalkd ------------------------------------------------------------------------ */

static void beanstalkd_start(const struct job_peer *peer, size_t jobs)
{
	static const char *const tcp[] = {
		"beanstalkd", "-l", "127.0.0.1", "-p", "11300", NULL
	}, *const local[] = {
		"beanstalkd", "-l", "unix:/tmp/beanstalkd", NULL
	};

	(void)jobs;
	start_daemon(peer, peer->address ? local : tcp);
}

static void beanstalkd_put(struct worker *w, unsigned int n)
{
	static const char command[] = "put 0 0 3600 64\r\n";
	unsigned int i;

	for (i = 0; i < n; i++) {
		say(command, sizeof(command) - 1);
		say(job_payload, JOB_SIZE);
		say("\r\n", 2);
	}
	flush(w);
	for (i = 0; i < n; i++)
		expect(w, "INSERTED ");
}

static void beanstalkd_take(struct worker *w, unsigned int n)
{
	static const char answer[] = "RESERVED ", size[] = " 64";
	const size_t before = sizeof(answer) - 1, after = sizeof(size) - 1;
	const char *bytes;
	size_t length;
	unsigned int i;

	for (i = 0; i < n; i++)
		say("reserve\r\n", 9);
	flush(w);
	for (i = 0; i < n; i++) {
		const char *line = hear_line(w, &length);

		must(length > before + after && !memcmp(line, answer, before) &&
		     !memcmp(line + length - after, size, after), "RESERVED");
		keep_name(w, i, line + before, length - before - after);
		bytes = hear_bytes(w, JOB_SIZE);
		if (!i)
			memcpy(w->payload, bytes, JOB_SIZE);
	}
}

static void beanstalkd_done(struct worker *w, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		say("delete ", 7);
		say(w->jobs[i].name, w->jobs[i].length);
		say("\r\n", 2);
	}
	flush(w);
	for (i = 0; i < n; i++)
		expect(w, "DELETED");
}

/* ---- Redis ------------------------------------------------------------------------------ */

/* A command in Redis's form: its words, ended by NULL; all but "payload" are C strings. */
static void command(const char *word, ...)
{
	const char *words[8 + JOB_MAX_BATCH];
	int n = 0, i;
	char text[32];
	va_list more;

	va_start(more, word);
	for (; word; word = va_arg(more, const char *))
		words[n++] = word;
	va_end(more);
	say(text, sprintf(text, "*%d\r\n", n));
	for (i = 0; i < n; i++) {
		size_t length = words[i] == job_payload ? JOB_SIZE : strlen(words[i]);

		say(text, sprintf(text, "$%zu\r\n", length));
		say(words[i], length);
		say("\r\n", 2);
	}
}

static unsigned int hear_number(const struct worker *w, char kind)
{
	unsigned int n = 0;
	size_t length, i;
	const char *line = hear_line(w, &length);

	if (line[0] != kind)
		fprintf(stderr, "jobs: %s: it says '%.*s'\n", w->peer->name, (int)length, line);
	must(line[0] == kind, "another kind of answer");
	for (i = 1; i < length; i++)
		n = n * 10 + line[i] - '0';
	return n;
}

static const char *hear_string(const struct worker *w, size_t *length)
{
	*length = hear_number(w, '$');
	return hear_bytes(w, *length);
}

static void redis_start(const struct job_peer *peer, size_t jobs)
{
	static const char *const tcp[] = {
		"redis-server", "--bind", "127.0.0.1", "--port", "11300",
		"--save", "", "--appendonly", "no", NULL
	}, *const local[] = {
		"redis-server", "--unixsocket", "/tmp/redis", "--port", "0",
		"--save", "", "--appendonly", "no", NULL
	};
	struct worker w = { .peer = peer };

	(void)jobs;
	start_daemon(peer, peer->address ? local : tcp);
	if (peer->lists)
		return;
	daemon_connect(&w);
	command("XGROUP", "CREATE", "jobs", "all", "0", "MKSTREAM", NULL);
	flush(&w);
	expect(&w, "+OK");
	close(w.fd);
}

static void redis_put(struct worker *w, unsigned int n)
{
	unsigned int i;
	size_t length;

	for (i = 0; i < n; i++) {
		if (w->peer->lists)
			command("RPUSH", "jobs", job_payload, NULL);
		else
			command("XADD", "jobs", "*", "job", job_payload, NULL);
	}
	flush(w);
	for (i = 0; i < n; i++) {
		if (w->peer->lists)
			hear_number(w, ':');
		else
			hear_string(w, &length);
	}
}

/* The text of a command is made once: a client would spend little on it. */
static void say_often(const char *text, unsigned int n)
{
	size_t length = strlen(text);

	while (n--)
		say(text, length);
}

static void redis_list_take(struct worker *w, unsigned int n)
{
	const char *bytes;
	unsigned int i;
	size_t length;

	say_often("*5\r\n$5\r\nLMOVE\r\n$4\r\njobs\r\n$4\r\nmine\r\n"
		  "$4\r\nLEFT\r\n$5\r\nRIGHT\r\n", n);
	flush(w);
	for (i = 0; i < n; i++) {
		bytes = hear_string(w, &length);
		must(length == JOB_SIZE, "LMOVE");
		if (!i)
			memcpy(w->payload, bytes, JOB_SIZE);
	}
}

static void redis_list_done(struct worker *w, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		say_often("*4\r\n$4\r\nLREM\r\n$4\r\nmine\r\n$1\r\n1\r\n$64\r\n", 1);
		say(job_payload, JOB_SIZE);
		say("\r\n", 2);
	}
	flush(w);
	for (i = 0; i < n; i++)
		must(hear_number(w, ':') == 1, "LREM");
}

static void redis_stream_take(struct worker *w, unsigned int n)
{
	const char *bytes;
	unsigned int i;
	size_t length;
	char text[32];

	say_often("*9\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n$3\r\nall\r\n$2\r\nme\r\n"
		  "$5\r\nCOUNT\r\n", 1);
	say(text, sprintf(text, "$%d\r\n%u\r\n", n < 10 ? 1 : n < 100 ? 2 : 3, n));
	say_often("$7\r\nSTREAMS\r\n$4\r\njobs\r\n$1\r\n>\r\n", 1);
	flush(w);
	/* One stream, its name, and of each entry its id and one field. */
	must(hear_number(w, '*') == 1 && hear_number(w, '*') == 2, "XREADGROUP");
	hear_string(w, &length);
	must(hear_number(w, '*') == n, "XREADGROUP");
	for (i = 0; i < n; i++) {
		must(hear_number(w, '*') == 2, "XREADGROUP");
		bytes = hear_string(w, &length);
		keep_name(w, i, bytes, length);
		must(hear_number(w, '*') == 2, "XREADGROUP");
		hear_string(w, &length);
		bytes = hear_string(w, &length);
		must(length == JOB_SIZE, "XREADGROUP");
		if (!i)
			memcpy(w->payload, bytes, JOB_SIZE);
	}
}

static void redis_stream_done(struct worker *w, unsigned int n)
{
	unsigned int i;
	char text[32];

	say(text, sprintf(text, "*%u\r\n", 3 + n));
	say_often("$4\r\nXACK\r\n$4\r\njobs\r\n$3\r\nall\r\n", 1);
	for (i = 0; i < n; i++) {
		say(text, sprintf(text, "$%d\r\n", w->jobs[i].length));
		say(w->jobs[i].name, w->jobs[i].length);
		say("\r\n", 2);
	}
	flush(w);
	must(hear_number(w, ':') == n, "XACK");
}

void touch_buffers(void)
{
	memset(records, 0, sizeof(records));
	memset(settlements, 0, sizeof(settlements));
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
}

#define BEANSTALKD(where)					\
	.start = beanstalkd_start, .stop = daemon_stop,		\
	.connect = daemon_connect, .put = beanstalkd_put,	\
	.take = beanstalkd_take, .done = beanstalkd_done,	\
	.returns = true, .address = where

#define REDIS(kind, where)					\
	.start = redis_start, .stop = daemon_stop,		\
	.connect = daemon_connect, .put = redis_put,		\
	.take = redis_##kind##_take, .done = redis_##kind##_done, \
	.address = where

const struct job_peer job_peers[] = {
	{
		.name = "tqueue",
		.start = tqueue_start,
		.stop = tqueue_stop,
		.connect = tqueue_connect,
		.put = tqueue_put,
		.take = tqueue_take,
		.done = tqueue_done,
		.next = tqueue_next,
		.returns = true,
	},
	{ .name = "beanstalkd-unix", BEANSTALKD("/tmp/beanstalkd") },
	{ .name = "beanstalkd-tcp", BEANSTALKD(NULL) },
	{ .name = "redis-list-unix", .lists = true, REDIS(list, "/tmp/redis") },
	{ .name = "redis-list-tcp", .lists = true, REDIS(list, NULL) },
	{ .name = "redis-stream-unix", REDIS(stream, "/tmp/redis") },
	{ .name = "redis-stream-tcp", REDIS(stream, NULL) },
	{ .name = NULL }
};
