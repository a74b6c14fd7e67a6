// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time: which clocks delays, ttl and the limits of leases go by, when the clock of the wall is
 * set and when the machine sleeps; and that nothing runs as long as nothing is due.
 */
#include "calls.h"
#include "files.h"

#include <dirent.h>

#define NAME	"time"
#define HOUR	(3600 * T_SECOND)

/* ---- the clock of the wall ----------------------------------------------------------- */

static void step_clock(int seconds)
{
	struct timespec now;

	t_is(clock_gettime(CLOCK_REALTIME, &now), 0);
	now.tv_sec += seconds;
	if (clock_settime(CLOCK_REALTIME, &now))
		t_skip("the clock cannot be set: %s", strerror(errno));
}

/* A queue with one message that is leased and one that is delayed, for as long. */
struct timed {
	int fd;
	uint64_t delayed, leased;
	double began;		/* CLOCK_MONOTONIC */
	double boot_began;	/* CLOCK_BOOTTIME */
};

static void begin(struct timed *timed, uint64_t duration)
{
	char buf[64] __attribute__((aligned(8)));

	timed->fd = t_open_small(NAME);
	timed->began = t_now();
	timed->boot_began = t_boot_time();
	timed->leased = t_send_id(timed->fd, 20, 1);
	t_is(t_lease_call(timed->fd, buf, sizeof(buf), 1, duration), 1);
	timed->delayed = t_send_delayed(timed->fd, 20, 2, duration);
}

/* Another one whose messages get too old: in the ring, and beside it. */
static int begin_ageing(uint64_t ttl)
{
	int fd;

	t_create("time-ttl", TQ_PAGE);
	fd = t_open_queue("time-ttl", O_RDWR);
	t_is(t_set_field(fd, TTL, ttl, ttl), 0);
	t_send(fd, 20, 1);
	t_send_priority(fd, 20, 2, 1);
	return fd;
}

static void too_old_at(int line, int fd, unsigned int want)
{
	double end = t_now() + 10 * t_slow();
	uint64_t found;

	while ((found = t_info(fd).ever_expired) != want) {
		if (t_now() > end)
			t_fail_at(__FILE__, line, "%llu got too old, not %u",
				  (unsigned long long)found, want);
		usleep(500);
	}
}

#define too_old(fd, want)	too_old_at(__LINE__, fd, want)

static void the_clock_is_set(void)
{
	static const int steps[] = { 1000000, -1000000 };
	struct timed soon, late;
	unsigned int i;
	int ageing;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		/* Nothing ends that is not due, ... */
		begin(&late, HOUR);
		ageing = begin_ageing(HOUR);
		step_clock(steps[i]);
		t_sleep_ms(50);
		t_counts(late.fd, 0, 1, 1, 0);
		t_counts(ageing, 2, 0, 0, 0);
		t_receive(ageing, 20, 2);
		t_receive(ageing, 20, 1);
		t_end(ageing);
		close(late.fd);
		t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);

		/* ... and what is due comes, neither earlier nor later. */
		begin(&soon, 300 * T_MS);
		ageing = begin_ageing(300 * T_MS);
		step_clock(-steps[i]);
		t_becomes(soon.fd, soon.delayed, TQUEUE_READY);
		t_true(t_boot_time() - soon.boot_began >= 0.3, "the delay was too short");
		t_becomes(soon.fd, soon.leased, TQUEUE_READY);
		t_true(t_now() - soon.began >= 0.3, "the lease was too short");
		too_old(ageing, 2);
		/* The clock that says when it was sent is coarse. */
		t_true(t_boot_time() - soon.boot_began >= 0.28, "they got old too soon");
		t_end(ageing);
		t_take(soon.fd, 20, 1);
		t_take(soon.fd, 20, 2);
		t_end(soon.fd);
	}
}

/* ---- sleep --------------------------------------------------------------------------- */

static bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/*
 * What the kernel offers those who test sleep: it does all that it does before and after,
 * and between waits for 5 s with its clocks at rest.  A machine that really slept would have
 * to be woken.
 */
static void needs_sleep(void)
{
	if (access("/sys/power/pm_test", W_OK))
		t_skip("this kernel cannot try to sleep (no CONFIG_PM_DEBUG), and a guest is not woken");
	if (!put_text("/sys/power/pm_test", "core"))
		t_skip("pm_test takes no \"core\": %s", strerror(errno));
}

/* Whether it did. */
static bool sleep_machine(void)
{
	bool did = put_text("/sys/power/state", "mem");

	if (!did)
		fprintf(stderr, "# the machine does not sleep: %s\n", strerror(errno));
	t_true(put_text("/sys/power/pm_test", "none"), "pm_test cannot be reset");
	return did;
}

/* Delays and ages go on while the machine sleeps; workers sleep, too, and so do limits. */
static void the_machine_sleeps(void)
{
	struct timed timed;
	double mono, slept, woke;
	int ageing;
	bool did;

	needs_sleep();
	begin(&timed, 3 * T_SECOND);
	ageing = begin_ageing(3 * T_SECOND);
	did = sleep_machine();
	woke = t_boot_time();
	mono = t_now() - timed.began;
	slept = woke - timed.boot_began - mono;
	fprintf(stderr, "# %.3f s passed, %.3f s of sleep\n", mono, slept);
	if (!did || slept < 3 || mono > 2.5) {
		t_remove_all();
		t_skip("%.1f s of sleep and %.1f s beside it are of no use", slept, mono);
	}

	t_becomes(timed.fd, timed.delayed, TQUEUE_READY);
	too_old(ageing, 2);
	t_true(t_listed(timed.fd, timed.delayed).since_ns / 1e9 < woke + t_slow(),
	       "it is ready only %.3f s after the machine woke",
	       t_listed(timed.fd, timed.delayed).since_ns / 1e9 - woke);
	/* First look at the lease, and then at the clock. */
	if (t_state(timed.fd, timed.leased) != TQUEUE_LEASED) {
		mono = t_now() - timed.began;
		t_true(mono >= 3, "the lease is over after %.3f s awake", mono);
	}
	t_becomes(timed.fd, timed.leased, TQUEUE_READY);
	mono = t_now() - timed.began;
	t_true(mono >= 3, "the lease is over after %.3f s awake", mono);
	t_end(ageing);
	t_take(timed.fd, 20, 1);
	t_take(timed.fd, 20, 2);
	t_end(timed.fd);
}

/* ---- rest ---------------------------------------------------------------------------- */

/* The thread that does what is due. */
static pid_t find_thread(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[64], text[64];
	pid_t found = 0;

	t_true(proc, "/proc cannot be opened");
	while (!found && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
		if (t_read_file(path, text, sizeof(text)) < 0)
			continue;
		/* A process of that name has a program. */
		snprintf(path, sizeof(path), "/proc/%.20s/exe", entry->d_name);
		if (!strcmp(text, "tqueue-timer\n") &&
		    readlink(path, text, sizeof(text)) < 0)
			found = atoi(entry->d_name);
	}
	closedir(proc);
	t_true(found, "the module has no thread");
	return found;
}

/* How often it has run: all context switches. */
static long runs_of(pid_t thread)
{
	char path[64], text[8192];
	const char *line;
	long runs = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", thread);
	t_true(t_read_file(path, text, sizeof(text)) > 0, "%s cannot be read", path);
	for (line = text; (line = strstr(line, "voluntary_ctxt_switches:")); line++)
		runs += atol(strchr(line, ':') + 1);
	return runs;
}

/* Its runs are over: it has done nothing for a while. */
static long runs_at_rest(pid_t thread)
{
	long runs = runs_of(thread), before;

	do {
		before = runs;
		t_sleep_ms(100);
		runs = runs_of(thread);
	} while (runs != before);
	return runs;
}

/* A queue that has something which is due some day. */
static int open_waiting(const char *name, uint64_t ttl)
{
	int fd;

	t_create(name, TQ_PAGE);
	fd = t_open_queue(name, O_RDWR);
	t_is(t_set_field(fd, TTL, ttl, ttl), 0);
	return fd;
}

static void nothing_runs_until_it_is_due(void)
{
	static const char * const names[] = {
		"time-empty", "time-emptied", "time-ages", "time-lease", "time-delay",
	};
	char buf[64] __attribute__((aligned(8)));
	double end;
	pid_t thread = find_thread();
	int fds[ARRAY_SIZE(names)];
	unsigned int i;
	long before;

	/* It does run when something is due. */
	before = runs_at_rest(thread);
	fds[0] = t_open_small(NAME);
	t_send_delayed(fds[0], 20, 1, 10 * T_MS);
	t_is(read(fds[0], buf, sizeof(buf)), 20);
	t_true(runs_at_rest(thread) > before, "this is not the thread that does it");
	t_end(fds[0]);

	for (i = 0; i < ARRAY_SIZE(names); i++)
		fds[i] = open_waiting(names[i], i < 3 ? HOUR : 0);
	/* What came was received, or got too old. */
	t_send(fds[1], 20, 1);
	t_receive(fds[1], 20, 1);
	t_is(t_set_field(fds[1], TTL, ttl, 10 * T_MS), 0);
	t_send(fds[1], 20, 1);
	too_old(fds[1], 1);
	/* In the ring, beside it, and delayed. */
	t_send(fds[2], 20, 1);
	t_send_priority(fds[2], 20, 2, 1);
	t_send_delayed(fds[2], 20, 3, 2 * HOUR);
	t_send(fds[3], 20, 1);
	t_lease(fds[3], 20, 1);
	t_send_delayed(fds[4], 20, 1, HOUR);

	before = runs_at_rest(thread);
	end = t_now() + t_seconds(10);
	do {
		t_sleep_ms(100);
	} while (t_goes_on(end, true));
	t_is(runs_of(thread), before);

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		close(fds[i]);
		t_is(t_remove_call(names[i], TQUEUE_REMOVE_FORCE), 0);
	}
}

static const struct t_test tests[] = {
	TQ_TEST(the_clock_is_set),
	{ .name = "the_machine_sleeps", .run = the_machine_sleeps, .logs = true },
	TQ_TEST(nothing_runs_until_it_is_due),
};

int main(int argc, char **argv)
{
	return t_main("time", tests, ARRAY_SIZE(tests), argc, argv);
}
