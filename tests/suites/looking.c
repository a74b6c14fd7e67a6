// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking is not reading. A file that was opened with access mode 3 is neither a
 * reader nor a writer, and may do everything but move messages; one that is open
 * for reading is a reader from its first read, RECEIVE or poll on.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"looking"
#define LOOK	3	/* neither O_RDONLY, O_WRONLY nor O_RDWR: asks for both rights */

static void counts_at(int line, int fd, unsigned int readers, unsigned int writers)
{
	struct tqueue_info info = t_info(fd);

	t_is_at(__FILE__, line, "readers", info.readers, readers);
	t_is_at(__FILE__, line, "writers", info.writers, writers);
}

#define counts(fd, readers, writers)	counts_at(__LINE__, fd, readers, writers)

/* ---- access mode 3 ------------------------------------------------------------ */

static void moves_no_messages(void)
{
	int fd = t_open_small(NAME), look = t_open_queue(NAME, LOOK), ends[2];
	char buf[256];
	struct iovec one = { buf, 10 };
	size_t end;

	t_send(fd, 10, 1);
	end = t_put(buf, 0, 10, 2);
	t_errno(read(look, buf, sizeof(buf)), EBADF);
	t_errno(readv(look, &one, 1), EBADF);
	t_errno(write(look, buf, 10), EBADF);
	t_errno(writev(look, &one, 1), EBADF);
	t_errno(t_send_call(look, buf, end, 0), EBADF);
	t_errno(t_receive_call(look, buf, sizeof(buf), 0), EBADF);
	t_errno(t_receive_call(look, buf, sizeof(buf), TQUEUE_FOREVER), EBADF);
	t_is(pipe(ends), 0);
	t_errno(splice(look, NULL, ends[1], NULL, 10, 0), EBADF);
	t_is(write(ends[1], buf, 10), 10);
	t_errno(splice(ends[0], NULL, look, NULL, 10, 0), EBADF);
	close(ends[0]);
	close(ends[1]);
	t_receive(fd, 10, 1);
	close(look);
	t_end(fd);
}

static void looks_at_everything(void)
{
	int fd = t_open_small(NAME), look = t_open_queue(NAME, LOOK);
	char text[1024];
	struct tqueue_info info;
	size_t at = 0;
	uint64_t id;

	t_send(fd, 10, 1);
	t_send(fd, 20, 2);
	info = t_info(look);
	t_is(info.messages, 2);
	t_is(strcmp(info.name, NAME), 0);
	id = info.last_id;
	t_is(t_fionread(look), 10);
	t_errno(t_wait_call(look, id, 0), EAGAIN);
	t_fdinfo(look, text, sizeof(text));
	t_true(strstr(text, "messages:\t2"), "fdinfo says %s", text);
	t_is(t_peek_call(look, text, sizeof(text)), 2);
	t_record_is(text, &at, sizeof(text), 10, 1, 0);
	t_record_is(text, &at, sizeof(text), 20, 2, 0);
	t_receive(fd, 10, 1);
	t_is(t_fionread(look), 20);
	t_receive(fd, 20, 2);
	t_is(t_fionread(look), 0);
	t_is(t_wait_call(look, id, 0), 0);
	close(look);
	t_end(fd);
}

static void configures(void)
{
	struct tqueue_config larger = {
		.fields = TQUEUE_CONFIG_SIZE, .size = 4 * TQ_PAGE,
	};
	int fd = t_open_small(NAME), look = t_open_queue(NAME, LOOK);

	t_is(ioctl(look, TQUEUE_SET, &larger), 0);
	t_is(t_info(look).size, 4 * TQ_PAGE);
	t_is(ioctl(look, TQUEUE_STOP), 0);
	t_errno(write(fd, "x", 1), ESHUTDOWN);
	t_is(ioctl(look, TQUEUE_START), 0);
	t_send(fd, 1, 1);
	t_receive(fd, 1, 1);
	close(look);
	t_end(fd);
}

static void is_nobody(void)
{
	int look, fd, other;
	char buf[64];

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
	look = t_open_queue(NAME, LOOK);
	other = t_open_queue(NAME, LOOK | O_NONBLOCK);
	counts(look, 0, 0);
	t_poll(look, POLLIN | POLLOUT);
	t_fionread(look);
	counts(look, 0, 0);
	fd = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
	/* No writer came, and none left. */
	t_errno(read(fd, buf, sizeof(buf)), EAGAIN);
	close(other);
	t_errno(read(fd, buf, sizeof(buf)), EAGAIN);
	t_is(t_poll(fd, POLLIN), 0);
	other = t_open_queue(NAME, O_WRONLY);
	counts(look, 1, 1);
	close(other);
	t_is(read(fd, buf, sizeof(buf)), 0);
	close(fd);
	counts(look, 0, 0);
	close(look);
	t_remove(NAME);
}

static void polls(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLMSG };
	int fd = t_open_small(NAME), look = t_open_queue(NAME, LOOK), epoll;
	const short all = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI |
			  POLLRDHUP | POLLMSG;

	t_is(t_poll(look, all), 0);
	t_send(fd, 10, 1);
	t_is(t_poll(look, all), 0);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, look, &event), 0);
	t_is(epoll_wait(epoll, &event, 1, 0), 0);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_is(t_poll(look, all) & (POLLERR | POLLIN | POLLOUT), 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	t_is(t_poll(look, all) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
	t_is(epoll_wait(epoll, &event, 1, 5000 * t_slow()), 1);
	t_is(event.events & (EPOLLERR | EPOLLHUP), EPOLLERR | EPOLLHUP);
	t_errno(ioctl(look, TQUEUE_STOP), EIDRM);
	t_errno(ioctl(look, FIONREAD, &(int){ 0 }), EIDRM);
	close(epoll);
	close(look);
	close(fd);
}

/* Who waits for the removal alone sleeps until then. */
static void waits_for_the_removal(void)
{
	int fd = t_open_small(NAME);
	struct t_task poller;
	long before;

	t_start_poll(&poller, t_open_queue(NAME, LOOK), 0);
	t_asleep(&poller, SYS_poll);
	before = t_switches(poller.tid);
	t_send(fd, 10, 1);
	t_receive(fd, 10, 1);
	t_still_asleep(&poller, SYS_poll);
	t_true(t_switches(poller.tid) <= before + 2, "it was woken %ld times",
	       t_switches(poller.tid) - before);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	t_polled(&poller, POLLERR | POLLHUP);
	close(poller.fd);
	close(fd);
}

static void as_user(void *arg)
{
	(void)arg;
	if (setresgid(1234, 1234, 1234) || setresuid(1234, 1234, 1234))
		_exit(1);
	t_errno(t_open_queue_call(NAME, LOOK), EACCES);
}

/* It asks for both rights. */
static void rights(void)
{
	static const unsigned int modes[] = { 0400, 0200 };
	struct tqueue_create create = t_creation(NAME);
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		create.uid = 1234;
		create.gid = 1234;
		create.mode = modes[i];
		t_is(t_create_call(&create), 0);
		t_reap(t_fork(as_user, NULL));
		fd = t_open_queue(NAME, LOOK);
		close(fd);
		t_remove(NAME);
	}
}

/* The default queue as well, and by way of /proc/self/fd. */
static void the_default_queue(void)
{
	int fd = t_open(O_RDWR), look = open(TQ_DEVICE, LOOK), again;
	char path[64], byte;

	t_true(look >= 0, "open fails with %s", strerrorname_np(errno));
	t_send(fd, 7, 1);
	t_is(t_fionread(look), 7);
	t_errno(read(look, &byte, 1), EBADF);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, LOOK);
	t_true(again >= 0, "open(%s) fails with %s", path, strerrorname_np(errno));
	t_errno(read(again, &byte, 1), EBADF);
	t_is(t_info(again).messages, 1);
	t_receive(fd, 7, 1);
	close(again);
	close(look);
	close(fd);
}

/* ---- readers -------------------------------------------------------------------- */

/* Open for reading, and nothing was asked of it yet but what there is. */
static void open_is_not_reading(void)
{
	int fd = t_open_small(NAME), in = t_open_queue(NAME, O_RDONLY);
	char buf[256];

	counts(in, 0, 1);
	t_send(fd, 10, 1);
	t_is(t_peek_call(in, buf, sizeof(buf)), 1);
	t_fionread(in);
	t_errno(t_wait_call(in, TQUEUE_FOREVER, 0), EAGAIN);
	counts(in, 0, 1);
	t_receive(in, 10, 1);
	counts(in, 1, 1);
	close(in);
	counts(fd, 0, 1);
	/* One that finds nothing has read as well. */
	in = t_open_queue(NAME, O_RDONLY | O_NONBLOCK);
	t_errno(read(in, buf, sizeof(buf)), EAGAIN);
	counts(in, 1, 1);
	close(in);
	in = t_open_queue(NAME, O_RDONLY);
	t_errno(t_receive_call(in, buf, sizeof(buf), 0), EAGAIN);
	counts(in, 1, 1);
	close(in);
	t_end(fd);
}

static void by_read(int in)
{
	t_receive(in, 10, 1);
}

static void by_part(int in)
{
	char byte;

	t_is(read(in, &byte, 1), 1);
	counts(in, 1, 1);
	t_receive_rest(in, 9, 1, 1);
}

static void by_receive(int in)
{
	t_received(in, 1, 10, 1);
}

static void by_splice(int in)
{
	int ends[2];

	t_is(pipe(ends), 0);
	t_is(splice(in, NULL, ends[1], NULL, 10, 0), 10);
	close(ends[0]);
	close(ends[1]);
}

static void by_poll(int in)
{
	t_is(t_poll(in, POLLIN), POLLIN);
	counts(in, 1, 1);
	t_receive(in, 10, 1);
}

static void by_epoll(int in)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	t_is(epoll_ctl(epoll, EPOLL_CTL_ADD, in, &event), 0);
	counts(in, 1, 1);
	close(epoll);
	t_receive(in, 10, 1);
}

/* Each file counts once, and until its last descriptor is closed. */
static void first_use(void)
{
	static void (* const ways[])(int in) = {
		by_read, by_part, by_receive, by_splice, by_poll, by_epoll,
	};
	int fd = t_open_small(NAME), in, copy;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		in = t_open_queue(NAME, O_RDONLY);
		copy = dup(in);
		t_send(fd, 10, 1);
		counts(in, 0, 1);
		ways[i](in);
		counts(in, 1, 1);
		t_send(fd, 10, 1);
		ways[i](copy);
		counts(in, 1, 1);
		close(in);
		counts(fd, 1, 1);
		close(copy);
		counts(fd, 0, 1);
	}
	t_end(fd);
}

/* One that sleeps has not received, and is a reader. */
static void sleeping(void)
{
	int fd = t_open_small(NAME);
	struct t_batch receiver;
	struct t_task reader;
	char buf[2][256];

	t_start_read(&reader, t_open_queue(NAME, O_RDONLY), buf[0], 256);
	t_asleep(&reader, SYS_read);
	counts(fd, 1, 1);
	t_start_receive(&receiver, t_open_queue(NAME, O_RDONLY), buf[1], 256,
			TQUEUE_FOREVER);
	t_asleep(&receiver.task, SYS_ioctl);
	counts(fd, 2, 1);
	/* One by one: the second one would take both. */
	t_send(fd, 10, 0);
	t_result(&reader, 10);
	t_send(fd, 10, 1);
	t_result(&receiver.task, 1);
	counts(fd, 2, 1);
	close(reader.fd);
	close(receiver.task.fd);
	counts(fd, 0, 1);
	t_end(fd);
}

/* A file for both is a writer from the start, and a reader once it reads. */
static void both(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDWR);
	int out = t_open_queue(NAME, O_WRONLY);

	counts(fd, 0, 3);
	t_send(other, 10, 1);
	t_is(t_poll(out, POLLOUT), POLLOUT);
	counts(fd, 0, 3);
	t_receive(other, 10, 1);
	counts(fd, 1, 3);
	close(other);
	counts(fd, 0, 2);
	close(out);
	counts(fd, 0, 1);
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(moves_no_messages),
	TQ_TEST(looks_at_everything),
	TQ_TEST(configures),
	TQ_TEST(is_nobody),
	TQ_TEST(polls),
	TQ_TEST(waits_for_the_removal),
	TQ_TEST(rights),
	TQ_TEST(the_default_queue),
	TQ_TEST(open_is_not_reading),
	TQ_TEST(first_use),
	TQ_TEST(sleeping),
	TQ_TEST(both),
};

int main(int argc, char **argv)
{
	return t_main("looking", tests, ARRAY_SIZE(tests), argc, argv);
}
