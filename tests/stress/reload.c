// SPDX-License-Identifier: GPL-2.0-only
/*
 * Things that go while they are in use.
 *
 * The module is loaded and unloaded in a loop while others use whatever is
 * there: the node, an own node of the same number, the files in /sys. Each use
 * either finds a queue that works or a clear error, and unloading succeeds
 * exactly when nobody has the queue open and it is empty.
 *
 * A queue is made and removed in a loop while processes that are killed at random
 * use it in all ways: whoever is not killed finds that it is gone, and when all
 * have gone so has everything that was removed.
 */
#include "calls.h"
#include "options.h"

#include <linux/sockios.h>
#include <sys/sysmacros.h>

#define USERS	5
#define NODE	"/tmp/tqueue-node"

static struct shared {
	atomic_int stop;
	atomic_uint number;	/* device number, as found last */
	atomic_ulong opened, missed, sent, received;
	atomic_int busy;	/* users with an open file */
} *shared;

static bool gone(int error)
{
	return error == ENOENT || error == ENXIO || error == ENODEV;
}

static void use(int fd, uint64_t *dice)
{
	struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };
	char buf[2000] = "";
	ssize_t n;
	int bytes;

	switch (random_below(dice, 6)) {
	case 0:
		n = write(fd, buf, 1 + random_below(dice, sizeof(buf)));
		t_true(n > 0 || errno == EAGAIN || errno == EBADF ||
		       errno == EMSGSIZE, "write: %s", strerror(errno));
		if (n > 0)
			atomic_fetch_add(&shared->sent, 1);
		break;
	case 1:
		/* A rest, perhaps: the close gives it back. */
		n = read(fd, buf, 1 + random_below(dice, 100));
		t_true(n > 0 || errno == EAGAIN || errno == EBADF, "read: %s",
		       strerror(errno));
		break;
	case 2:
		t_true(poll(&one, 1, 0) >= 0, "poll: %s", strerror(errno));
		break;
	case 3:
		t_is(ioctl(fd, FIONREAD, &bytes), 0);
		break;
	case 4:
		fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC);
		break;
	default:
		sched_yield();
		break;
	}
}

static void look(const char *name)
{
	char path[128], text[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/tqueue/tqueue/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		t_true(gone(errno), "%s: %s", path, strerror(errno));
		return;
	}
	if (read(fd, text, sizeof(text)) < 0)
		t_true(gone(errno), "reading %s: %s", path, strerror(errno));
	close(fd);
}

static void user(void *arg)
{
	static const char * const files[] = {
		"size", "max_message", "messages", "bytes", "dev", "uevent",
	};
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	uint64_t dice = option_seed + (uintptr_t)arg;

	signal(SIGIO, SIG_IGN);
	while (!atomic_load(&shared->stop)) {
		const char *path = random_below(&dice, 2) ? TQ_DEVICE : NODE;
		int mode = modes[random_below(&dice, 3)] | O_NONBLOCK;
		int fd, i;

		if (random_below(&dice, 4) == 0)
			look(files[random_below(&dice, ARRAY_SIZE(files))]);
		fd = open(path, mode);
		if (fd < 0) {
			t_true(gone(errno), "open: %s", strerror(errno));
			atomic_fetch_add(&shared->missed, 1);
			/* Leaves a gap, that there may be an unloading. */
			usleep(random_below(&dice, 3000));
			continue;
		}
		atomic_fetch_add(&shared->opened, 1);
		for (i = random_below(&dice, 4); i > 0; i--)
			use(fd, &dice);
		close(fd);
		usleep(random_below(&dice, 4000));
	}
}

/* A node that stays when the module goes, with the number of the last one. */
static void make_node(void)
{
	struct stat status;

	if (stat(TQ_DEVICE, &status))
		return;
	if (atomic_load(&shared->number) == status.st_rdev)
		return;
	unlink(NODE);
	t_is(mknod(NODE, S_IFCHR | 0600, status.st_rdev), 0);
	atomic_store(&shared->number, status.st_rdev);
}

static void drain(void)
{
	char buf[4096];
	int fd = open(TQ_DEVICE, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return;
	while (read(fd, buf, sizeof(buf)) > 0)
		atomic_fetch_add(&shared->received, 1);
	close(fd);
}

static void under_use(void)
{
	static const char * const params[] = {
		"size_l=4096", "size_l=16384 max_message=2000", "", "size_l=1",
	};
	double end = t_now() + option_seconds;
	uint64_t dice = option_seed;
	int loads = 0, refused = 0, i;
	pid_t users[USERS];

	shared = t_shared(sizeof(*shared));
	make_node();
	for (i = 0; i < USERS; i++)
		users[i] = t_fork(user, (void *)(uintptr_t)(i + 1));
	while (t_now() < end || !loads) {
		int error = t_unload();

		if (error) {
			t_true(error == EAGAIN || error == EBUSY,
			       "unloading fails with %s", strerror(error));
			refused++;
			drain();
			usleep(random_below(&dice, 1000));
			t_true(t_now() < end + 20 * t_slow(),
			       "the module never unloads");
			continue;
		}
		usleep(random_below(&dice, 2000));
		error = t_load(params[random_below(&dice, ARRAY_SIZE(params))]);
		t_true(!error, "loading fails with %s", strerror(error));
		loads++;
		make_node();
		usleep(random_below(&dice, 20000));
	}
	atomic_store(&shared->stop, 1);
	for (i = 0; i < USERS; i++)
		t_reap(users[i]);
	drain();
	unlink(NODE);
	fprintf(stderr, "# loaded %d times, refused to unload %d times\n", loads, refused);
	fprintf(stderr, "# %lu opens, %lu found nothing, %lu messages\n",
		atomic_load(&shared->opened), atomic_load(&shared->missed),
		atomic_load(&shared->sent));
	t_true(loads, "never loaded");
	t_true(atomic_load(&shared->opened), "never opened");
}

/* ---- a queue by name ----------------------------------------------------------- */

#define NAME	"reload"

/* One call that may sleep for ever, were the queue not removed. */
static long call_named(int fd, uint64_t *dice)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	char buf[2048] = "";

	switch (random_below(dice, 9)) {
	case 0:
		return read(fd, buf, sizeof(buf));
	case 1:
		return read(fd, buf, 1 + random_below(dice, 20));
	case 2:
	case 3:
		return write(fd, buf, 1 + random_below(dice, 900));
	case 4:
		return t_receive_call(fd, buf, sizeof(buf), TQUEUE_FOREVER);
	case 5:
	case 6:
		return t_send_call(fd, buf, t_put_many(buf, 80, 1, 10),
				    TQUEUE_FOREVER);
	case 7:
		return t_wait_call(fd, TQUEUE_FOREVER, TQUEUE_FOREVER);
	default:
		return poll(&one, 1, -1);
	}
}

static void user_named(void *arg)
{
	uint64_t dice = option_seed + (uintptr_t)arg;

	for (;;) {
		int fd = t_open_queue_call(NAME, O_RDWR);

		if (fd < 0) {
			t_true(gone(errno) || errno == EIDRM, "open: %s",
			       strerror(errno));
			atomic_fetch_add(&shared->missed, 1);
			continue;
		}
		atomic_fetch_add(&shared->opened, 1);
		while (call_named(fd, &dice) >= 0 || errno == EBUSY)
			atomic_fetch_add(&shared->sent, 1);
		t_is(errno, EIDRM);
		close(fd);
	}
}

static void removed_under_use(void)
{
	static const size_t sizes[] = { 4096, 65536, 16384 };
	double end = t_now() + option_seconds;
	uint64_t dice = option_seed;
	int removed = 0, killed = 0, i;
	pid_t users[USERS];

	shared = t_shared(sizeof(*shared));
	t_control();
	for (i = 0; i < USERS; i++)
		users[i] = t_fork(user_named, (void *)(uintptr_t)(i + 1));
	while (t_now() < end || !removed) {
		t_create(NAME, sizes[random_below(&dice, ARRAY_SIZE(sizes))]);
		usleep(random_below(&dice, 5000));
		for (i = 0; i < USERS; i++) {
			if (random_below(&dice, 8))
				continue;
			t_kill(users[i]);
			killed++;
			users[i] = t_fork(user_named,
					  (void *)(uintptr_t)random_next(&dice));
		}
		t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
		removed++;
	}
	for (i = 0; i < USERS; i++)
		t_kill(users[i]);
	fprintf(stderr, "# removed %d times, killed %d; %lu opens, %lu calls\n", removed,
		killed, atomic_load(&shared->opened), atomic_load(&shared->sent));
	t_true(atomic_load(&shared->opened), "never opened");
}

int main(int argc, char **argv)
{
	struct t_test tests[] = {
		{ .name = "under_use", .run = under_use, .reloads = true, .logs = true },
		TQ_TEST(removed_under_use),
	};
	size_t i;

	argc = options(argc, argv, 3);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i].seconds = 60 + option_seconds / t_slow();
	return t_main("reload", tests, ARRAY_SIZE(tests), argc, argv);
}
