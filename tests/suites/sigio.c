// SPDX-License-Identifier: GPL-2.0-only
/* O_ASYNC: a signal for every arrival, for room that comes back, and for the end. */
#include "calls.h"

#define NAME	"sigio"

static atomic_int signals, in, out, hup;

static void handler(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_band & POLLIN)
		in++;
	if (info->si_band & POLLOUT)
		out++;
	if (info->si_code == POLL_HUP)
		hup++;
	signals++;
}

static void listen_on(int fd, bool on)
{
	struct sigaction action = {
		.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART,
	};
	int flags = fcntl(fd, F_GETFL);

	t_is(sigaction(SIGRTMIN, &action, NULL), 0);
	t_is(sigaction(SIGIO, &action, NULL), 0);
	t_is(fcntl(fd, F_SETOWN, getpid()), 0);
	/* Real-time signals are queued, each with its band. */
	t_is(fcntl(fd, F_SETSIG, SIGRTMIN), 0);
	t_is(fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC), 0);
}

static void at_least(atomic_int *what, int n)
{
	double end = t_now() + 10 * t_slow();

	while (atomic_load(what) < n)
		t_true(t_now() < end, "%d signals, not %d", atomic_load(what), n);
}

static void each_arrival(void)
{
	int fd = t_open(O_RDONLY), other = t_open(O_WRONLY), i;

	listen_on(fd, true);
	for (i = 1; i <= 20; i++) {
		t_send(other, 5, i);
		at_least(&in, i);
	}
	t_drain();
	t_send(other, 5, 1);
	at_least(&in, 21);
	t_is(t_drain(), 1);
	close(fd);
	close(other);
}

static void a_returned_rest(void)
{
	int fd = t_open(O_RDONLY), other = t_open(O_RDWR);
	char byte;

	t_send(other, 5, 1);
	t_is(read(other, &byte, 1), 1);
	listen_on(fd, true);
	close(other);
	at_least(&in, 1);
	t_receive_rest(fd, 4, 1, 1);
	close(fd);
}

static void room(void)
{
	int fd = t_open(O_WRONLY), other = t_open(O_RDONLY), i, before;

	t_is(t_fill(TQ_SMALL_MAX, 0), 4);
	listen_on(fd, true);
	for (i = 0; i < 10; i++) {
		before = out;
		t_receive(other, TQ_SMALL_MAX, i);
		at_least(&out, before + 1);
		t_is(t_fill(TQ_SMALL_MAX, 4 + i), 1);
	}
	t_is(t_drain(), 4);
	close(fd);
	close(other);
}

static void switched_off(void)
{
	int fd = t_open(O_RDWR), other = t_open(O_RDWR), before;

	listen_on(fd, true);
	t_send(other, 5, 1);
	at_least(&in, 1);
	listen_on(fd, false);
	before = signals;
	t_send(other, 5, 2);
	t_is(t_drain(), 2);
	t_sleep_ms(20);
	t_is(signals, before);
	close(fd);
	close(other);
}

/* A closed file sends no signals and is not touched again. */
static void closed(void)
{
	int other = t_open(O_RDWR), fd, i, before;

	for (i = 0; i < 50; i++) {
		fd = t_open(O_RDWR);
		listen_on(fd, true);
		close(fd);
	}
	before = signals;
	t_send(other, 5, 1);
	t_receive(other, 5, 1);
	t_sleep_ms(20);
	t_is(signals, before);
	close(other);
}

/* Several files of several owners: each hears of it. */
static void two_files(void)
{
	int a = t_open(O_RDONLY), b = t_open(O_RDONLY), other = t_open(O_WRONLY);

	listen_on(a, true);
	listen_on(b, true);
	t_send(other, 5, 1);
	at_least(&in, 2);
	t_is(t_drain(), 1);
	close(a);
	t_send(other, 5, 1);
	at_least(&in, 3);
	t_is(t_drain(), 1);
	close(b);
	close(other);
}

/* ---- the end ------------------------------------------------------------------ */

static void nothing_is_over(void)
{
	t_sleep_ms(20);
	t_is(hup, 0);
}

static int open_listening(int flags)
{
	int fd = t_open_queue(NAME, flags | O_NONBLOCK);

	listen_on(fd, true);
	return fd;
}

/* Neither a setting nor a stop before all was received is an end. */
static void no_end(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_OVERFLOW |
			  TQUEUE_CONFIG_END_OF_FILE,
		.size = 2 * TQ_PAGE,
	};
	int other = t_open_small(NAME), fd = open_listening(O_RDONLY);
	int both = open_listening(O_RDWR), i;

	for (i = 0; i < 3; i++) {
		config.size = 2 * TQ_PAGE << i;
		config.overflow = i;
		config.end_of_file = i & 1;
		t_is(ioctl(other, TQUEUE_SET, &config), 0);
	}
	nothing_is_over();
	t_send(other, 10, 1);
	t_send(other, 10, 2);
	t_is(ioctl(other, TQUEUE_STOP), 0);
	nothing_is_over();
	t_receive(fd, 10, 1);
	nothing_is_over();
	t_is(ioctl(other, TQUEUE_START), 0);
	nothing_is_over();
	t_receive(fd, 10, 2);
	nothing_is_over();
	close(both);
	close(fd);
	t_end(other);
}

/* That the last message of a stopped queue was received, is. */
static void stopped(void)
{
	int other = t_open_small(NAME), fd = open_listening(O_RDONLY);
	char part[4];
	int holder;

	t_is(ioctl(other, TQUEUE_STOP), 0);
	at_least(&hup, 1);
	t_is(ioctl(other, TQUEUE_START), 0);
	t_send(other, 10, 1);
	t_send(other, 10, 2);
	hup = 0;
	t_is(ioctl(other, TQUEUE_STOP), 0);
	t_receive(fd, 10, 1);
	nothing_is_over();
	/* In flight it may still come back. */
	holder = t_open_queue(NAME, O_RDONLY);
	t_is(read(holder, part, sizeof(part)), sizeof(part));
	nothing_is_over();
	close(holder);
	nothing_is_over();
	t_receive_rest(fd, 6, 2, 4);
	at_least(&hup, 1);
	t_is(ioctl(other, TQUEUE_START), 0);
	close(fd);
	t_end(other);
}

static void the_last_writer(void)
{
	int fd, out;

	t_create_with(NAME, TQ_PAGE, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_LAST_WRITER);
	fd = open_listening(O_RDONLY);
	out = t_open_queue(NAME, O_WRONLY);
	t_send(out, 10, 1);
	close(out);
	nothing_is_over();
	t_receive(fd, 10, 1);
	at_least(&hup, 1);
	close(fd);
	t_remove(NAME);
}

static void removed(void)
{
	int other = t_open_small(NAME), fd = open_listening(O_RDWR);

	t_send(other, 10, 1);
	nothing_is_over();
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	at_least(&hup, 1);
	close(fd);
	close(other);
}

static const struct t_test tests[] = {
	TQ_TEST(each_arrival),
	TQ_TEST(a_returned_rest),
	TQ_TEST(switched_off),
	TQ_TEST(closed),
	TQ_TEST(two_files),
	TQ_TEST(no_end),
	TQ_TEST(stopped),
	TQ_TEST(the_last_writer),
	TQ_TEST(removed),
	TQ_TEST_WITH(room, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("sigio", tests, ARRAY_SIZE(tests), argc, argv);
}
