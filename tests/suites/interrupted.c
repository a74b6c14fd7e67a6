// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers that are killed, stopped, frozen or interrupted in their sleep take
 * nothing, also when a message comes before they run: the next one gets it.
 *
 * The test and its readers are kept on one processor, where the test goes first:
 * what it does after the signal happens before the reader runs.
 *
 * It is one file of more than 700 lines because nearly all of them serve one loop:
 * each way to wait for a message with each way to end that sleep.
 */
#include "calls.h"

#include <sys/mount.h>
#include <sys/time.h>

#define LENGTH	10

/* Nobody else runs on this processor until we sleep. */
static void go_first(void)
{
	struct sched_param first = { .sched_priority = 1 };

	t_pin(0);
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first))
		t_skip("no real-time priority: %s", strerror(errno));
}

/* ---- ways to wait for a message ----------------------------------------- */

static long by_read(int fd, char *buf)
{
	return read(fd, buf, 64);
}

static long by_short_read(int fd, char *buf)
{
	return read(fd, buf, 1);
}

static long by_readv(int fd, char *buf)
{
	struct iovec two[2] = { { buf, 4 }, { buf + 4, 60 } };

	return readv(fd, two, 2);
}

static long by_receive(int fd, char *buf)
{
	char records[256];
	long got = t_receive_call(fd, records, sizeof(records), TQUEUE_FOREVER);

	if (got < 0)
		return got;
	memcpy(buf, t_at(records, 0)->payload, LENGTH);
	return t_at(records, 0)->length;
}

static long by_receive_until(int fd, char *buf)
{
	char records[256];
	long got = t_receive_call(fd, records, sizeof(records), t_deadline(1000));

	if (got < 0)
		return got;
	memcpy(buf, t_at(records, 0)->payload, LENGTH);
	return t_at(records, 0)->length;
}

static long by_splice(int fd, char *buf)
{
	int ends[2];
	long got;

	if (pipe(ends))
		return -1;
	got = splice(fd, NULL, ends[1], NULL, 64, 0);
	return got < 0 ? got : read(ends[0], buf, 64);
}

static const struct waiting {
	const char *name;
	long (*receive)(int fd, char *buf);
	long call;
	long gives;
} waiting[] = {
	{ "read", by_read, SYS_read, LENGTH },
	{ "short read", by_short_read, SYS_read, 1 },
	{ "readv", by_readv, SYS_readv, LENGTH },
	{ "RECEIVE", by_receive, SYS_ioctl, LENGTH },
	{ "RECEIVE with a deadline", by_receive_until, SYS_ioctl, LENGTH },
	{ "splice", by_splice, SYS_splice, LENGTH },
};

/* ---- a reader in a process of its own ------------------------------------- */

struct victim {
	const struct waiting *waiting;
	int flags;		/* of its signal's handler */
	pid_t pid;
	atomic_int handled;
	atomic_int done;
	long result;
	int error;
	char buf[64];
};

static struct victim *victim;

static void handler(int number)
{
	(void)number;
	atomic_fetch_add(&victim->handled, 1);
}

static void run_victim(void *arg)
{
	struct sigaction action = {
		.sa_handler = handler, .sa_flags = victim->flags,
	};

	(void)arg;
	sigaction(SIGUSR1, &action, NULL);
	victim->result = victim->waiting->receive(t_open(O_RDONLY), victim->buf);
	victim->error = errno;
	atomic_store(&victim->done, 1);
	for (;;)
		pause();
}

static void victim_start(const struct waiting *how, int flags)
{
	if (!victim)
		victim = t_shared(sizeof(*victim));
	memset(victim, 0, sizeof(*victim));
	victim->waiting = how;
	victim->flags = flags;
	victim->pid = t_fork(run_victim, NULL);
	t_asleep_pid(victim->pid, how->call);
}

static void victim_finish(void)
{
	double end = t_now() + 10 * t_slow();

	while (!atomic_load(&victim->done)) {
		t_true(t_now() < end, "the %s does not come back",
		       victim->waiting->name);
		t_sleep_ms(1);
	}
}

/* ---- ways to end its sleep ------------------------------------------------- */

static char group[128];	/* a control group, to freeze what is in it */

static void set_frozen(bool on)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.freeze", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	t_true(fd >= 0, "open(%s) fails with %s", path, strerrorname_np(errno));
	t_is(write(fd, on ? "1" : "0", 1), 1);
	close(fd);
}

static void make_group(void)
{
	char path[160], pid[16];
	int fd;

	snprintf(group, sizeof(group), "/sys/fs/cgroup/cgroup.controllers");
	if (!access(group, F_OK)) {
		snprintf(group, sizeof(group), "/sys/fs/cgroup/tqueue-%d", getpid());
	} else {
		char where[] = "/tmp/tqueue-cgroup-XXXXXX";

		t_true(mkdtemp(where), "mkdtemp fails");
		if (mount("none", where, "cgroup2", 0, NULL))
			t_skip("no control groups: %s", strerror(errno));
		snprintf(group, sizeof(group), "%s/tqueue", where);
	}
	if (mkdir(group, 0700) && errno != EEXIST)
		t_skip("no control group can be made: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	snprintf(pid, sizeof(pid), "%d", victim->pid);
	t_is(write(fd, pid, strlen(pid)), strlen(pid));
	close(fd);
}

static void end_group(void)
{
	char *slash = strrchr(group, '/');

	t_is(rmdir(group), 0);
	*slash = '\0';
	if (!strncmp(group, "/tmp/", 5)) {
		t_is(umount(group), 0);
		rmdir(group);
	}
}

static void do_kill(void)
{
	kill(victim->pid, SIGKILL);
}

static void do_stop(void)
{
	kill(victim->pid, SIGSTOP);
}

static void do_continue(void)
{
	kill(victim->pid, SIGCONT);
}

static void do_freeze(void)
{
	set_frozen(true);
}

static void do_thaw(void)
{
	set_frozen(false);
}

static void do_signal(void)
{
	kill(victim->pid, SIGUSR1);
}

static void nothing_to_undo(void)
{
}

struct way {
	void (*end)(void);
	void (*undo)(void);	/* NULL: it is dead */
	int flags;
};

static const struct way killing = { do_kill, NULL, 0 };
static const struct way stopping = { do_stop, do_continue, 0 };
static const struct way freezing = { do_freeze, do_thaw, 0 };
static const struct way interrupting = { do_signal, nothing_to_undo, 0 };
static const struct way restarting = { do_signal, nothing_to_undo, SA_RESTART };

/* Alone: the message stays in the queue, whole, for whoever comes. */
static void takes_nothing(const struct way *way, const struct waiting *how)
{
	int fd = t_open(O_RDWR);

	victim_start(how, way->flags);
	if (way->end == do_freeze)
		make_group();
	way->end();
	t_send(fd, LENGTH, 1);
	if (way->flags & SA_RESTART) {
		/* Its handler ran first, and then it has slept no more. */
		victim_finish();
		t_is(victim->handled, 1);
		t_is(victim->result, how->gives);
		t_is(t_differs(victim->buf, how->gives, 1, 0), -1);
		t_kill(victim->pid);
		if (how->gives < LENGTH)
			t_receive_rest(fd, LENGTH - how->gives, 1, how->gives);
		t_nothing();
		close(fd);
		return;
	}
	/* As long as it likes. */
	t_sleep_ms(10);
	t_true(t_value("messages") == 1 && !t_value("in_flight"),
	       "the %s takes the message: %ld are left, %ld in flight", how->name,
		t_value("messages"), t_value("in_flight"));
	if (way->end == do_signal) {
		victim_finish();
		t_is(victim->result, -1);
		t_is(victim->error, EINTR);
		t_kill(victim->pid);
		t_receive(fd, LENGTH, 1);
	} else {
		t_is(victim->done, 0);
		t_receive(fd, LENGTH, 1);
		if (way->undo) {
			/* It goes on as if nothing had been. */
			way->undo();
			t_asleep_pid(victim->pid, how->call);
			t_send(fd, LENGTH, 2);
			victim_finish();
			t_is(victim->result, how->gives);
			t_is(t_differs(victim->buf, how->gives, 2, 0), -1);
		}
		t_kill(victim->pid);
		if (way->undo && how->gives < LENGTH)
			t_receive_rest(fd, LENGTH - how->gives, 2, how->gives);
	}
	if (way->end == do_freeze)
		end_group();
	t_nothing();
	close(fd);
}

/* A second reader sleeps behind it, and is woken in its stead. */
static void wakes_the_next(const struct way *way, const struct waiting *how)
{
	struct t_task next;
	int fd = t_open(O_RDWR), in = t_open(O_RDONLY), i;
	char buf[64];

	victim_start(how, way->flags);
	if (way->end == do_freeze)
		make_group();
	t_start_read(&next, in, buf, sizeof(buf));
	t_asleep(&next, SYS_read);
	way->end();
	t_send(fd, LENGTH, 1);
	if (way->flags & SA_RESTART) {
		/* Either may have it: a restarted call is a new one. */
		for (i = 0; i < 1000 && !t_done(&next) && !victim->done; i++)
			t_sleep_ms(5);
		t_true(t_done(&next) || victim->done,
		       "neither the %s nor the next reader has the message",
			how->name);
		t_send(fd, LENGTH, 1);
		victim_finish();
		t_is(victim->result, how->gives);
	}
	t_finish(&next);
	t_is(next.result, LENGTH);
	t_is(t_differs(buf, LENGTH, 1, 0), -1);
	if (way->undo)
		way->undo();
	t_kill(victim->pid);
	if (way->end == do_freeze)
		end_group();
	if (way->flags & SA_RESTART && how->gives < LENGTH)
		t_receive_rest(fd, LENGTH - how->gives, 1, how->gives);
	t_nothing();
	close(in);
	close(fd);
}

static void in_all_calls(const struct way *way)
{
	size_t i;

	go_first();
	for (i = 0; i < ARRAY_SIZE(waiting); i++) {
		takes_nothing(way, &waiting[i]);
		wakes_the_next(way, &waiting[i]);
	}
}

static void killed(void)
{
	in_all_calls(&killing);
}

static void stopped(void)
{
	in_all_calls(&stopping);
}

static void frozen(void)
{
	in_all_calls(&freezing);
}

static void interrupted(void)
{
	in_all_calls(&interrupting);
}

static void restarted(void)
{
	in_all_calls(&restarting);
}

/* One that only looks has used up a wake-up all the same. */
static void run_peeker(void *arg)
{
	char records[256];
	struct tqueue_receive receive = {
		.records = (uintptr_t)records, .bytes = sizeof(records),
		.deadline = TQUEUE_FOREVER, .flags = TQUEUE_RECEIVE_PEEK,
	};

	(void)arg;
	ioctl(t_open(O_RDONLY), TQUEUE_RECEIVE, &receive);
}

static void killed_peeker(void)
{
	int fd = t_open(O_RDWR), i;
	struct t_task next;
	char buf[64];

	go_first();
	for (i = 0; i < 5; i++) {
		pid_t peeker = t_fork(run_peeker, NULL);

		t_asleep_pid(peeker, SYS_ioctl);
		t_start_read(&next, fd, buf, sizeof(buf));
		t_asleep(&next, SYS_read);
		kill(peeker, SIGKILL);
		t_send(fd, LENGTH, i);
		t_result(&next, LENGTH);
		t_kill(peeker);
		t_nothing();
	}
	close(fd);
}

/* As many messages as were sent, however many of the sleepers died. */
static void several_killed(void)
{
	enum { MANY = 6, DEAD = 4 };
	int fd = t_open(O_RDWR), i, in[MANY - DEAD];
	struct t_task next[MANY - DEAD];
	char buf[MANY - DEAD][64], records[MANY * 64];
	size_t end = t_put_many(records, LENGTH, 0, MANY);
	pid_t dead[DEAD];

	go_first();
	victim_start(&waiting[0], 0);
	t_kill(victim->pid);
	for (i = 0; i < DEAD; i++) {
		dead[i] = t_fork(run_victim, NULL);
		t_asleep_pid(dead[i], SYS_read);
	}
	for (i = 0; i < MANY - DEAD; i++) {
		in[i] = t_open(O_RDONLY);
		t_start_read(&next[i], in[i], buf[i], sizeof(buf[i]));
		t_asleep(&next[i], SYS_read);
	}
	for (i = 0; i < DEAD; i++)
		kill(dead[i], SIGKILL);
	t_is(t_send_call(fd, records, end, 0), MANY);
	for (i = 0; i < MANY - DEAD; i++) {
		t_result(&next[i], LENGTH);
		close(in[i]);
	}
	for (i = 0; i < DEAD; i++)
		t_kill(dead[i]);
	t_is(t_drain(), DEAD);
	close(fd);
}

/*
 * Two share a file. One that sleeps until the other is done with a partial
 * message, and is killed or stopped, takes no byte of it.
 */
static int shared_file;

static void run_sharer(void *arg)
{
	(void)arg;
	t_is(read(shared_file, victim->buf, 20), 20);
}

static void run_stalled(struct t_task *task)
{
	struct sched_param first = { .sched_priority = 1 };

	t_is(sched_setscheduler(0, SCHED_FIFO, &first), 0);
	task->result = read(task->fd, task->buf, task->len);
	task->error = errno;
}

static void behind_a_sharer(int signal)
{
	struct t_task stalled;
	struct t_stall stall;
	char buf[128];
	pid_t sharer;

	shared_file = t_open(O_RDWR);
	t_send(shared_file, 100, 1);
	t_is(read(shared_file, buf, 10), 10);
	t_stall_make(&stall, t_page());
	stalled = (struct t_task){
		.fd = shared_file, .buf = stall.map, .len = 30,
	};
	t_start(&stalled, run_stalled);
	t_stall_wait(&stall);
	t_sleep_ms(5);
	sharer = t_fork(run_sharer, NULL);
	t_asleep_pid(sharer, SYS_read);
	kill(sharer, signal);
	t_stall_release(&stall, NULL);
	t_result(&stalled, 30);
	t_sleep_ms(5);
	t_is(t_fionread(shared_file), 60);
	if (signal == SIGSTOP) {
		kill(sharer, SIGCONT);
		t_reap(sharer);
		t_is(t_differs(victim->buf, 20, 1, 40), -1);
		t_receive_rest(shared_file, 40, 1, 60);
	} else {
		t_kill(sharer);
		t_receive_rest(shared_file, 60, 1, 40);
	}
	t_nothing();
	close(shared_file);
}

static void sharers(void)
{
	go_first();
	victim = t_shared(sizeof(*victim));
	behind_a_sharer(SIGKILL);
	behind_a_sharer(SIGSTOP);
}

/* ---- interval timers --------------------------------------------------------- */

#define TICKS_US	500
#define MESSAGES	300

struct ticked {
	const struct waiting *waiting;
	atomic_int taken[2];
	atomic_int ticks;
};

static struct ticked *ticked;

static void tick(int number)
{
	(void)number;
	atomic_fetch_add(&ticked->ticks, 1);
}

static void run_ticked(void *arg)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct itimerval often = {
		{ .tv_usec = TICKS_US }, { .tv_usec = TICKS_US },
	};
	int fd = t_open(O_RDONLY), i = (long)arg;
	char buf[64];

	if (!i) {
		sigaction(SIGALRM, &action, NULL);
		setitimer(ITIMER_REAL, &often, NULL);
	}
	for (;;) {
		t_is(ticked->waiting->receive(fd, buf), LENGTH);
		atomic_fetch_add(&ticked->taken[i], 1);
	}
}

/*
 * A reader whose sleep an interval timer ends all the time gets its messages, and
 * takes none away from another.
 */
static void interval_timer(void)
{
	static const size_t ways[] = { 0, 2, 3 };	/* whole messages */
	int fd = t_open(O_WRONLY), i, readers;
	pid_t pids[2];
	size_t way;

	ticked = t_shared(sizeof(*ticked));
	for (way = 0; way < 2 * ARRAY_SIZE(ways); way++) {
		memset(ticked, 0, sizeof(*ticked));
		ticked->waiting = &waiting[ways[way / 2]];
		readers = 1 + way % 2;
		for (i = 0; i < readers; i++)
			pids[i] = t_fork(run_ticked, (void *)(long)i);
		for (i = 0; i < MESSAGES; i++) {
			double end = t_now() + 10 * t_slow();

			t_send(fd, LENGTH, i);
			while (ticked->taken[0] + ticked->taken[1] <= i) {
				t_true(t_now() < end,
				       "message %d of %d reaches nobody in a %s", i,
					MESSAGES, ticked->waiting->name);
				usleep(100);
			}
			usleep(i * 37 % (3 * TICKS_US));
		}
		for (i = 0; i < readers; i++)
			t_kill(pids[i]);
		t_is(ticked->taken[0] + ticked->taken[1], MESSAGES);
		t_true(ticked->ticks > 10, "the timer ticked %d times",
		       ticked->ticks);
		t_nothing();
	}
	close(fd);
}

/* ---- killed in its sleep, at random --------------------------------------------- */

#define CREW	4
#define NAMES	20000

static struct {
	atomic_uchar taken[NAMES];
} *ledger;

static void run_crew(void *arg)
{
	int fd = t_open(O_RDONLY);
	uint32_t name;

	(void)arg;
	for (;;) {
		t_is(read(fd, &name, sizeof(name)), sizeof(name));
		atomic_fetch_add(&ledger->taken[name], 1);
	}
}

/*
 * All sleep, and the queue is empty: then one is killed and some messages come,
 * from another processor or this one, while it wakes. Each of them is taken by
 * one that lives.
 */
static void killed_asleep_at_random(void)
{
	double end = t_now() + t_seconds(3);
	int fd = t_open(O_RDWR), i, kills = 0;
	unsigned int dice = 5;
	pid_t crew[CREW];
	uint32_t name = 0, n;

	ledger = t_shared(sizeof(*ledger));
	for (i = 0; i < CREW; i++)
		crew[i] = t_fork(run_crew, NULL);
	while (t_goes_on(end, kills >= 50) && name < NAMES - CREW) {
		uint32_t first = name;

		dice = dice * 1103515245 + 12345;
		n = 1 + (dice >> 16) % CREW;
		for (i = 0; i < CREW; i++)
			t_asleep_pid(crew[i], SYS_read);
		i = (dice >> 20) % CREW;
		kill(crew[i], SIGKILL);
		for (; name < first + n; name++)
			t_is(write(fd, &name, sizeof(name)), sizeof(name));
		t_kill(crew[i]);
		kills++;
		crew[i] = t_fork(run_crew, NULL);
		for (; first < name; first++) {
			double late = t_now() + 10 * t_slow();

			while (!ledger->taken[first]) {
				t_true(t_now() < late,
				       "message %u dies with a reader that slept (kill %d), %ld are left",
					first, kills, t_value("messages"));
				usleep(100);
			}
		}
	}
	for (i = 0; i < CREW; i++)
		t_kill(crew[i]);
	for (n = 0; n < name; n++)
		t_is(ledger->taken[n], 1);
	t_nothing();
	close(fd);
}

/* ---- senders ------------------------------------------------------------------ */

#define SENDERS	3
#define EACH	200

static void run_ticked_sender(void *arg)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct itimerval often = {
		{ .tv_usec = TICKS_US }, { .tv_usec = TICKS_US },
	};
	int fd = t_open(O_WRONLY);
	uint32_t message[100] = { (long)arg };
	char records[2 * 512];
	uint32_t i;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (i = 0; i < EACH; i++) {
		message[1] = i;
		if (i % 2) {
			t_is(write(fd, message, sizeof(message)), sizeof(message));
			continue;
		}
		t_put(records, 0, sizeof(message), 0);
		memcpy(t_at(records, 0)->payload, message, sizeof(message));
		t_is(t_send_call(fd, records, t_record(sizeof(message)),
				 TQUEUE_FOREVER), 1);
	}
}

/*
 * A signal with SA_RESTART costs a blocked sender its place and nothing else: each
 * message is there once, and those of one sender are in their order.
 */
static void restarted_senders(void)
{
	int fd = t_open(O_RDONLY), i;
	uint32_t message[100], next[SENDERS] = { 0 };
	pid_t pids[SENDERS];

	ticked = t_shared(sizeof(*ticked));
	for (i = 0; i < SENDERS; i++)
		pids[i] = t_fork(run_ticked_sender, (void *)(long)i);
	for (i = 0; i < SENDERS * EACH; i++) {
		/* Let them wait, and be interrupted. */
		if (i % 8 == 0)
			usleep(2 * TICKS_US);
		t_is(read(fd, message, sizeof(message)), sizeof(message));
		t_true(message[0] < SENDERS, "a message from %u", message[0]);
		t_is(message[1], next[message[0]]++);
	}
	for (i = 0; i < SENDERS; i++)
		t_reap(pids[i]);
	t_true(ticked->ticks > 10, "the timers ticked %d times", ticked->ticks);
	t_nothing();
	t_is(t_value("bytes"), 0);
	close(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(killed),
	TQ_TEST(stopped),
	TQ_TEST(frozen),
	TQ_TEST(interrupted),
	TQ_TEST(restarted),
	TQ_TEST(killed_peeker),
	TQ_TEST(several_killed),
	TQ_TEST(sharers),
	TQ_TEST(interval_timer),
	TQ_TEST(killed_asleep_at_random),
	TQ_TEST_WITH(restarted_senders, TQ_SMALL),
};

int main(int argc, char **argv)
{
	return t_main("interrupted", tests, ARRAY_SIZE(tests), argc, argv);
}
