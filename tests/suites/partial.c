// SPDX-License-Identifier: GPL-2.0-only
/*
 * A message that is read in part concerns one open file: those who wait on others
 * are not woken, however many bytes are taken one by one; those who share the file
 * are told whenever there is something for them.
 */
#include "calls.h"

#include <sys/epoll.h>

#define NAME	"partial"
#define LENGTH	100

/* ---- other files ------------------------------------------------------------ */

#define MANY	100

static void run_receive(struct t_task *task)
{
	char buf[TQ_PAGE];

	task->result = t_receive_call(task->fd, buf, sizeof(buf), TQUEUE_FOREVER);
	task->error = errno;
}

static void run_read(struct t_task *task)
{
	char buf[TQ_PAGE];

	task->result = read(task->fd, buf, sizeof(buf));
	task->error = errno;
}

static int watch(int fd, uint32_t events)
{
	struct epoll_event event;
	int epoll = t_epoll(fd, events);

	/* What is there now is no news. */
	if (events & EPOLLET)
		epoll_wait(epoll, &event, 1, 0);
	return epoll;
}

struct kind {
	const char *name;
	void (*run)(struct t_task *task);
	long call;
	uint32_t events;	/* of its epoll */
};

static const struct kind kinds[] = {
	{ "poll", t_run_poll, SYS_poll, 0 },
	{ "epoll", t_run_epoll_wait, SYS_epoll_wait, EPOLLIN },
	{ "edge-triggered epoll", t_run_epoll_wait, SYS_epoll_wait, EPOLLIN | EPOLLET },
	{ "exclusive epoll", t_run_epoll_wait, SYS_epoll_wait,
	  EPOLLIN | EPOLLET | EPOLLEXCLUSIVE },
	{ "read", run_read, SYS_read, 0 },
	{ "RECEIVE", run_receive, SYS_ioctl, 0 },
};

/*
 * @ready: with other messages in the queue, which all know of. Then only those who
 * wait for an edge can sleep.
 */
static void takes_bytes(bool ready)
{
	static struct t_task tasks[MANY];
	static long switches[MANY];
	int fd = t_open_small(NAME), files[MANY], holder, i, j;
	const struct kind *kind[MANY];
	char byte;

	holder = t_open_queue(NAME, O_RDONLY);
	t_send(fd, LENGTH, 1);
	t_send(fd, LENGTH, 2);
	t_is(read(holder, &byte, 1), 1);
	if (!ready)
		t_receive(fd, LENGTH, 2);
	for (i = 0; i < MANY; i++) {
		kind[i] = ready ? &kinds[2 + i % 2] :
				  &kinds[i % ARRAY_SIZE(kinds)];
		files[i] = t_open_queue(NAME, O_RDONLY);
		tasks[i] = (struct t_task){ .fd = files[i], .events = POLLIN };
		if (kind[i]->events)
			tasks[i].fd = watch(files[i], kind[i]->events);
		t_start(&tasks[i], kind[i]->run);
	}
	for (i = 0; i < MANY; i++) {
		t_asleep(&tasks[i], kind[i]->call);
		switches[i] = t_switches(tasks[i].tid);
	}
	for (j = 1; j < LENGTH; j++) {
		t_is(read(holder, &byte, 1), 1);
		t_is(t_differs(&byte, 1, 1, j), -1);
		if (j % 10 == 5)
			t_sleep_ms(2);
	}
	t_sleep_ms(20);
	for (i = 0; i < MANY; i++) {
		t_asleep(&tasks[i], kind[i]->call);
		if (t_switches(tasks[i].tid) != switches[i])
			t_fail("a reader of another file's partial message wakes %s %ld times",
			       kind[i]->name, t_switches(tasks[i].tid) - switches[i]);
	}
	/* They are there for what concerns them. */
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	if (ready)
		t_receive(fd, LENGTH, 2);
	for (i = 0; i < MANY; i++) {
		t_finish(&tasks[i]);
		if (kind[i]->events)
			close(tasks[i].fd);
		close(files[i]);
	}
	close(holder);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

static void others_sleep_on(void)
{
	takes_bytes(false);
}

static void others_sleep_on_beside_a_message(void)
{
	takes_bytes(true);
}

/* ---- those who share the file -------------------------------------------------- */

/* A message of 100 bytes, of which one reader holds what is left after 10. */
struct held {
	int fd, shared;
	struct t_stall stall;
	struct t_task reader;
};

static void hold(struct held *held, size_t want)
{
	char part[10];

	held->fd = t_open_small(NAME);
	held->shared = t_open_queue(NAME, O_RDONLY);
	t_send(held->fd, LENGTH, 1);
	t_is(read(held->shared, part, 10), 10);
	t_stall_make(&held->stall, t_page());
	t_start_read(&held->reader, held->shared, held->stall.map, want);
	t_stall_wait(&held->stall);
	/* By now it has it, and sleeps in the copy. */
	t_asleep_pid(held->reader.tid, SYS_read);
	t_sleep_ms(5);
}

static void let_go(struct held *held, size_t want)
{
	t_stall_release(&held->stall, NULL);
	t_result(&held->reader, want);
	t_is(t_differs(held->stall.map, want, 1, 10), -1);
	munmap(held->stall.map, held->stall.len);
}

/* Its file counts as readable; no other does. */
static void readable_while_held(void)
{
	struct held held;
	int other;

	hold(&held, 30);
	other = t_open_queue(NAME, O_RDONLY);
	t_is(t_poll(held.shared, POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
	t_is(t_poll(other, POLLIN | POLLRDNORM), 0);
	let_go(&held, 30);
	t_is(t_poll(held.shared, POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
	t_receive_rest(held.shared, 60, 1, 40);
	t_is(t_poll(held.shared, POLLIN | POLLRDNORM), 0);
	close(held.shared);
	close(other);
	t_end(held.fd);
}

/* That what is left was put back is an edge for all who share the file. */
static void put_back_is_an_edge(void)
{
	struct t_task loops[3];
	struct held held;
	int i;

	hold(&held, 30);
	for (i = 0; i < 3; i++) {
		loops[i].fd = watch(held.shared, EPOLLIN | EPOLLET |
				    (i == 2 ? EPOLLEXCLUSIVE : 0));
		t_start(&loops[i], t_run_epoll_wait);
		t_asleep(&loops[i], SYS_epoll_wait);
	}
	let_go(&held, 30);
	for (i = 0; i < 3; i++) {
		t_polled(&loops[i], EPOLLIN);
		close(loops[i].fd);
	}
	t_receive_rest(held.shared, 60, 1, 40);
	close(held.shared);
	t_end(held.fd);
}

/* Readers that sleep until what is left is put back: one after the other. */
static void sleeping_sharers(void)
{
	struct t_task readers[3];
	char buf[3][64];
	struct held held;
	bool seen[6] = { false };
	int i;

	hold(&held, 30);
	for (i = 0; i < 3; i++) {
		t_start_read(&readers[i], held.shared, buf[i], 20);
		t_asleep(&readers[i], SYS_read);
	}
	let_go(&held, 30);
	for (i = 0; i < 3; i++) {
		int at;

		t_result(&readers[i], 20);
		for (at = 0; at < 3; at++)
			if (t_differs(buf[i], 20, 1, 40 + 20 * at) < 0)
				break;
		t_true(at < 3 && !seen[at], "bytes come twice, or mixed");
		seen[at] = true;
	}
	close(held.shared);
	t_end(held.fd);
}

/*
 * All of it was taken: then the file is as any other, and a poller of it is told of
 * the message that is next.
 */
static void all_of_it_taken(void)
{
	struct t_task poller;
	struct held held;

	hold(&held, 200);
	t_is(t_poll(held.shared, POLLIN), POLLIN);
	t_stall_release(&held.stall, NULL);
	t_result(&held.reader, 90);
	t_is(t_poll(held.shared, POLLIN), 0);
	t_start_poll(&poller, held.shared, POLLIN);
	t_asleep(&poller, SYS_poll);
	t_send(held.fd, LENGTH, 2);
	t_result(&poller, 1);
	t_receive(held.shared, LENGTH, 2);
	close(held.shared);
	t_end(held.fd);
}

/* The end of a queue waits for what is held, and is told to all then. */
static void the_end_behind_it(void)
{
	struct t_task reader, poller;
	struct held held;
	char buf[64];

	hold(&held, 200);
	reader = (struct t_task){ .fd = t_open_queue(NAME, O_RDONLY) };
	t_is(ioctl(held.fd, TQUEUE_STOP), 0);
	t_start_read(&reader, reader.fd, buf, sizeof(buf));
	t_asleep(&reader, SYS_read);
	t_start_poll(&poller, t_open_queue(NAME, O_RDONLY), POLLIN);
	t_asleep(&poller, SYS_poll);
	t_stall_release(&held.stall, NULL);
	t_result(&held.reader, 90);
	t_result(&reader, 0);
	t_result(&poller, 1);
	t_is(read(held.shared, buf, sizeof(buf)), 0);
	close(reader.fd);
	close(poller.fd);
	close(held.shared);
	t_is(ioctl(held.fd, TQUEUE_START), 0);
	t_end(held.fd);
}

static const struct t_test tests[] = {
	TQ_TEST(others_sleep_on),
	TQ_TEST(others_sleep_on_beside_a_message),
	TQ_TEST(readable_while_held),
	TQ_TEST(put_back_is_an_edge),
	TQ_TEST(sleeping_sharers),
	TQ_TEST(all_of_it_taken),
	TQ_TEST(the_end_behind_it),
};

int main(int argc, char **argv)
{
	return t_main("partial", tests, ARRAY_SIZE(tests), argc, argv);
}
