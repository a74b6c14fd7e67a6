// SPDX-License-Identifier: GPL-2.0-only
/*
 * See common.h. The parent half (t_main() and what is above it here) talks to
 * cmocka; everything else runs in the test's own process.
 */
#include "common.h"

#include "../../src/uapi/tqueue.h"

#include <dirent.h>
#include <fnmatch.h>
#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <sys/prctl.h>

#include <cmocka.h>

#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

/* What a test's processes tell the parent. */
static struct report {
	atomic_int verdict;		/* enum, below */
	atomic_int line;		/* of the last check that was reached */
	char file[64];
	char text[2048];
} *report;

enum { UNDECIDED, FAILED, SKIPPED };

static const char *suite_name;
static bool found_loaded;
static char found_params[512];
static char current_params[512];
static const char *broken;	/* why no further test can run */

/* ---- time ------------------------------------------------------------ */

double t_slow(void)
{
	static double slow;

	if (!slow) {
		const char *text = getenv("TQUEUE_SLOW");

		slow = text ? atof(text) : 1;
		if (slow < 0.1)
			slow = 1;
	}
	return slow;
}

double t_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void sleep_for(double seconds)
{
	struct timespec left;

	left.tv_sec = (time_t)seconds;
	left.tv_nsec = (long)((seconds - left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

void t_sleep_ms(unsigned int ms)
{
	sleep_for(ms * t_slow() / 1000);
}

double t_seconds(double otherwise)
{
	const char *text = getenv("TQUEUE_SECONDS");

	return text && atof(text) > 0 ? atof(text) : otherwise;
}

void t_runs(unsigned long *seed, void (*one_run)(void))
{
	double end = t_now() + t_seconds(5);
	const char *given = getenv("TQUEUE_SEED");
	int runs = 0;

	*seed = given ? strtoul(given, NULL, 0) :
		(unsigned long)(t_now() * 1e6) % 100000000;
	do {
		one_run();
		++*seed;
		runs++;
	} while (t_now() < end);
	fprintf(stderr, "# %d runs\n", runs);
}

/*
 * A timed test ends when its time is over and it has seen enough: what a slow
 * machine does not get done in time it may do later, but not never.
 */
bool t_goes_on(double end, bool enough)
{
	double now = t_now();

	return now < end || (!enough && now < end + 20 * t_slow());
}

/* How long something may take that should take no time at all. */
static double patience(void)
{
	return 10 * t_slow();
}

/* ---- verdicts --------------------------------------------------------- */

static void decide(int verdict, const char *format, va_list args)
{
	int undecided = UNDECIDED;

	if (atomic_compare_exchange_strong(&report->verdict, &undecided, -1)) {
		vsnprintf(report->text, sizeof(report->text), format, args);
		atomic_store(&report->verdict, verdict);
	} else {
		/* Somebody else is about to end us. */
		sleep_for(1);
	}
	kill(0, SIGKILL);
	for (;;)
		pause();
}

void t_fail_at(const char *file, int line, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	snprintf(text, sizeof(text), "%s:%d: %s", file, line, format);
	decide(FAILED, text, args);
	va_end(args);
	_exit(1);
}

void t_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	decide(SKIPPED, format, args);
	va_end(args);
	_exit(1);
}

static const char *error_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "unknown error";
}

void t_here(const char *file, int line)
{
	static __thread int in_main;	/* 0: not known yet */

	if (!in_main)
		in_main = gettid() == getpid() ? 1 : -1;
	if (in_main < 0)
		return;
	atomic_store_explicit(&report->line, line, memory_order_relaxed);
	strncpy(report->file, file, sizeof(report->file) - 1);
}

void t_is_at(const char *file, int line, const char *what, long long got,
	     long long want)
{
	int error = errno;

	if (got == want)
		return;
	if (got == -1)
		t_fail_at(file, line, "%s is -1 (%s), not %lld", what,
			  error_name(error), want);
	t_fail_at(file, line, "%s is %lld, not %lld", what, got, want);
}

void t_errno_at(const char *file, int line, const char *what, long long got,
		int want)
{
	int error = errno;

	if (got == -1 && error == want)
		return;
	if (got == -1)
		t_fail_at(file, line, "%s fails with %s, not %s", what,
			  error_name(error), error_name(want));
	t_fail_at(file, line, "%s is %lld, not -1 (%s)", what, got,
		  error_name(want));
}

/* ---- small files ------------------------------------------------------ */

static ssize_t slurp(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, text, len - 1);
	close(fd);
	if (got < 0)
		return -1;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return got;
}

long t_value(const char *attribute)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/sys/class/tqueue/tqueue/%s", attribute);
	if (slurp(path, text, sizeof(text)) < 0)
		t_fail("cannot read %s: %s", path, error_name(errno));
	return atol(text);
}

size_t t_size(void)
{
	return t_value("size");
}

size_t t_max_message(void)
{
	return t_value("max_message");
}

/* ---- the module ------------------------------------------------------- */

const char *t_module_file(void)
{
	static const char * const endings[] = { "", ".xz", ".zst", ".gz" };
	static char path[256], release[65];
	const char *given = getenv("TQUEUE_KO");
	size_t i;

	if (given && *given)
		return given;
	if (slurp("/proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(endings); i++) {
		snprintf(path, sizeof(path),
			 "/lib/modules/%s/updates/dkms/tqueue.ko%s", release,
			 endings[i]);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}

bool t_module_loaded(void)
{
	return !access("/sys/module/tqueue/initstate", F_OK);
}

int t_references(void)
{
	char text[32];

	if (slurp("/sys/module/tqueue/refcnt", text, sizeof(text)) < 0)
		return -1;
	return atoi(text);
}

int t_load(const char *params)
{
	const char *file = t_module_file();
	const char *dot = file ? strrchr(file, '.') : NULL;
	int flags = dot && strcmp(dot, ".ko") ? MODULE_INIT_COMPRESSED_FILE : 0;
	int fd, error;

	if (!file)
		return ENOENT;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	error = syscall(SYS_finit_module, fd, params, flags) ? errno : 0;
	close(fd);
	if (!error) {
		double end = t_now() + patience();

		/* devtmpfs has the node at once; udev may be replacing it. */
		while (access(TQ_DEVICE, F_OK) && t_now() < end)
			sleep_for(0.002);
	}
	return error;
}

int t_unload(void)
{
	return syscall(SYS_delete_module, "tqueue", O_NONBLOCK) ? errno : 0;
}

/* ---- the kernel log --------------------------------------------------- */

int t_log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0)
		lseek(log, 0, SEEK_END);
	return log;
}

int t_log_lines(int log, const char *needle, char *last, size_t len)
{
	char record[2 * TQ_PAGE];
	int lines = 0;

	if (log < 0)
		return 0;
	for (;;) {
		ssize_t got = read(log, record, sizeof(record) - 1);
		char *text;

		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			return lines;
		record[got] = '\0';
		text = strchr(record, ';');
		if (!text || !strcasestr(text, needle))
			continue;
		lines++;
		if (last) {
			text[strcspn(text, "\n")] = '\0';
			snprintf(last, len, "%s", text + 1);
		}
	}
}

/* The kernel's own words for trouble, and the driver speaking unasked. */
static bool log_trouble(int log, bool logs, char *text, size_t len)
{
	static const char * const words[] = {
		"BUG:", "WARNING:", "Oops", "INFO: task", "UBSAN", "KASAN",
		"general protection", "rcu: INFO", "usercopy",
	};
	char record[2 * TQ_PAGE];
	ssize_t got;
	size_t i;

	if (log < 0)
		return false;
	while ((got = read(log, record, sizeof(record) - 1)) > 0 ||
	       (got < 0 && errno == EPIPE)) {
		char *line;

		if (got < 0)
			continue;
		record[got] = '\0';
		line = strchr(record, ';');
		if (!line)
			continue;
		line[strcspn(line, "\n")] = '\0';
		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (strstr(line, words[i]))
				goto trouble;
		if (!logs && !strncasecmp(line + 1, "tqueue", 6))
			goto trouble;
		continue;
trouble:
		snprintf(text, len, "%s", line + 1);
		return true;
	}
	return false;
}

/* ---- the parent: one test after the other ------------------------------ */

static long drain(void)
{
	int fd = open(TQ_DEVICE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	size_t len = 1UL << 20;
	long reads = 0;
	char *buf;
	int error;

	if (fd < 0)
		return -errno;
	buf = malloc(len);
	while (buf && read(fd, buf, len) > 0)
		reads++;
	error = errno;
	free(buf);
	close(fd);
	return error == EAGAIN ? reads : -error;
}

long t_drain(void)
{
	long reads = drain();

	t_true(reads >= 0, "draining fails with %s", error_name(-reads));
	return reads;
}

/* Where everything of a hung test is: the first thing one wants to know. */
static void show_tasks(pid_t group)
{
	struct dirent *entry, *task;
	char path[320], text[4096];
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);
		DIR *tasks;

		if (pid <= 0 || getpgid(pid) != group)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task", pid);
		tasks = opendir(path);
		while (tasks && (task = readdir(tasks))) {
			static const char * const what[] = { "wchan", "syscall" };
			size_t i;

			if (task->d_name[0] == '.')
				continue;
			fprintf(stderr, "# %d/%s:", pid, task->d_name);
			for (i = 0; i < ARRAY_SIZE(what); i++) {
				snprintf(path, sizeof(path), "/proc/%d/task/%s/%s",
					 pid, task->d_name, what[i]);
				if (slurp(path, text, sizeof(text)) > 0)
					fprintf(stderr, " %s %s", what[i], text);
			}
			fputc('\n', stderr);
			snprintf(path, sizeof(path), "/proc/%d/task/%s/stack", pid,
				 task->d_name);
			if (slurp(path, text, sizeof(text)) > 0) {
				int fd = open(path, O_RDONLY | O_CLOEXEC);
				ssize_t got = read(fd, text, sizeof(text) - 1);

				close(fd);
				if (got > 0)
					fprintf(stderr, "%.*s", (int)got, text);
			}
		}
		if (tasks)
			closedir(tasks);
	}
	if (proc)
		closedir(proc);
}

/* True if nothing is left of the group after at most @seconds. */
static bool reap_all(pid_t group, double seconds)
{
	double end = t_now() + seconds;

	for (;;) {
		pid_t pid;

		kill(-group, SIGKILL);
		do {
			pid = waitpid(-1, NULL, WNOHANG);
		} while (pid > 0);
		if (pid < 0 && errno == ECHILD)
			return true;
		if (t_now() > end)
			return false;
		sleep_for(0.001);
	}
}

static bool ends_within(pid_t pid, double seconds, int *status)
{
	double end = t_now() + seconds;
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };
	pid_t got;

	do {
		if (pidfd >= 0)
			poll(&wait, 1, 100);
		else
			sleep_for(0.002);
		got = waitpid(pid, status, WNOHANG);
	} while (!got && t_now() < end);
	if (pidfd >= 0)
		close(pidfd);
	return got == pid;
}

static bool set_module(const char *params, char *why, size_t len)
{
	int error;

	if (!strcmp(params, current_params) && t_module_loaded())
		return true;
	if (t_module_loaded()) {
		error = t_unload();
		if (error) {
			snprintf(why, len, "cannot unload the module: %s",
				 error_name(error));
			return false;
		}
	}
	error = t_load(params);
	if (error) {
		snprintf(why, len, "cannot load the module with \"%s\": %s", params,
			 error_name(error));
		return false;
	}
	snprintf(current_params, sizeof(current_params), "%s", params);
	return true;
}

static void in_child(const struct t_test *test)
{
	static const int caught[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT,
	};
	size_t i;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < ARRAY_SIZE(caught); i++)
		signal(caught[i], SIG_DFL);
	alarm(0);
	test->run();
	fflush(NULL);
	_exit(0);
}

/* Removes what named queues there are. True if there were none. */
static bool no_queues(char *why, size_t len)
{
	int control = open("/dev/tqueue-control", O_RDWR | O_CLOEXEC);
	struct tqueue_info info = { 0 };
	bool none = true;

	while (control >= 0 && !ioctl(control, TQUEUE_CTL_NEXT, &info)) {
		struct tqueue_select select = { .flags = TQUEUE_REMOVE_FORCE };

		memcpy(select.name, info.name, sizeof(select.name));
		if (ioctl(control, TQUEUE_CTL_REMOVE, &select))
			continue;
		snprintf(why, len, "the queue %s was left", info.name);
		none = false;
	}
	if (control >= 0)
		close(control);
	return none;
}

/* Each message that was ever sent through the default queue is accounted for. */
static bool adds_up(char *why, size_t len)
{
	double end = t_now() + 2 * t_slow();
	struct tqueue_info info;
	int fd;

	do {
		fd = open(TQ_DEVICE, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, TQUEUE_INFO, &info)) {
			snprintf(why, len, "INFO fails: %s", strerror(errno));
			close(fd);
			return false;
		}
		close(fd);
		/* What was in flight when its reader was killed comes back soon. */
		if (!info.in_flight)
			break;
		sleep_for(0.001);
	} while (t_now() < end);
	if (info.sent == info.messages + info.received + info.dropped &&
	    !info.in_flight && !info.blocked_senders && !info.leased &&
	    !info.delayed && !info.buried)
		return true;
	snprintf(why, len, "%llu were sent, %llu received, %llu dropped; %llu are ready, %llu leased, %llu delayed, %llu buried, %u in flight, %u senders blocked",
		 (unsigned long long)info.sent, (unsigned long long)info.received,
		 (unsigned long long)info.dropped, (unsigned long long)info.messages,
		 (unsigned long long)info.leased, (unsigned long long)info.delayed,
		 (unsigned long long)info.buried, info.in_flight,
		 info.blocked_senders);
	return false;
}

/* The driver must be unused and empty again; gives it a moment for exits. */
static bool left_clean(char *why, size_t len)
{
	double end = t_now() + 2 * t_slow();
	long reads;

	if (!t_module_loaded()) {
		snprintf(why, len, "the test left the module unloaded");
		return false;
	}
	if (!no_queues(why, len))
		return false;
	reads = drain();
	if (reads) {
		snprintf(why, len, reads > 0 ? "%ld messages were left in the queue" :
			 "draining failed with errno %ld", labs(reads));
		return false;
	}
	if (!adds_up(why, len))
		return false;
	while (t_references() > 0) {
		if (t_now() > end) {
			snprintf(why, len, "the module has %d references left",
				 t_references());
			return false;
		}
		sleep_for(0.001);
	}
	return true;
}

static void run_one(void **state)
{
	const struct t_test *test = *state;
	const char *params = test->params ? test->params : found_params;
	double limit = (test->seconds ? test->seconds : 45) * t_slow();
	char why[2600] = "", dirt[256] = "";
	int status = 0, log, verdict;
	double began = t_now();
	bool ended, clean;
	pid_t pid;

	if (broken)
		fail_msg("not run: %s", broken);
	if (test->params && !t_module_file()) {
		fprintf(stderr, "# SKIP TQUEUE_KO names no module\n");
		skip();
	}
	if (!set_module(params, why, sizeof(why)))
		fail_msg("%s", why);

	memset(report, 0, sizeof(*report));
	log = t_log_open();
	fflush(NULL);
	pid = fork();
	if (!pid)
		in_child(test);
	setpgid(pid, pid);
	ended = ends_within(pid, limit, &status);
	verdict = atomic_load(&report->verdict);
	if (!ended) {
		fprintf(stderr, "# %s.%s hung, its tasks:\n", suite_name, test->name);
		show_tasks(pid);
	}
	if (!reap_all(pid, patience())) {
		show_tasks(pid);
		broken = "processes of an earlier test cannot be killed";
		printf("Bail out! %s.%s: a process cannot be killed\n", suite_name,
		       test->name);
	}

	if (verdict == FAILED)
		snprintf(why, sizeof(why), "%s", report->text);
	else if (verdict == SKIPPED)
		;
	else if (!ended)
		snprintf(why, sizeof(why),
			 "hung: not done after %.0f s, last check at %s:%d", limit,
			 report->file, atomic_load(&report->line));
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "died of signal %d after %s:%d",
			 WTERMSIG(status), report->file,
			 atomic_load(&report->line));
	else if (WEXITSTATUS(status))
		snprintf(why, sizeof(why), "exit status %d", WEXITSTATUS(status));

	if (!broken) {
		if (test->reloads) {
			strcpy(current_params, "?");
			if (!t_module_loaded())
				set_module(found_params, dirt, sizeof(dirt));
		}
		clean = left_clean(dirt, sizeof(dirt));
		/* A later test starts from a clean queue whatever happened. */
		if (clean && log_trouble(log, test->logs, dirt, sizeof(dirt)))
			clean = false;
		if (!clean && !*why)
			snprintf(why, sizeof(why), "%s", dirt);
	}
	close(log);
	if (*why)
		fail_msg("%s.%s: %s", suite_name, test->name, why);
	if (verdict == SKIPPED) {
		fprintf(stderr, "# SKIP %s.%s: %s\n", suite_name, test->name,
			report->text);
		skip();
	}
	if (getenv("TQUEUE_TIMES"))
		fprintf(stderr, "# %s.%s took %.2f s\n", suite_name, test->name,
			t_now() - began);
}

static void read_found_params(void)
{
	static const char * const names[] = {
		"size_l", "max_message", "max_queues", "max_memory", "name",
	};
	char path[128], text[256];
	size_t used = 0, i;

	found_params[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/module/tqueue/parameters/%s",
			 names[i]);
		if (slurp(path, text, sizeof(text)) <= 0 || !*text ||
		    !strcmp(text, "(null)"))
			continue;
		used += snprintf(found_params + used, sizeof(found_params) - used,
				 "%s%s=\"%s\"", used ? " " : "", names[i], text);
	}
}

int t_main(const char *suite, const struct t_test *tests, size_t count,
	   int argc, char **argv)
{
	const char *filter = "*";
	struct CMUnitTest *chosen;
	size_t n = 0, i;
	int option, failed;
	char why[256];

	while ((option = getopt(argc, argv, "f:")) != -1) {
		if (option != 'f') {
			fprintf(stderr, "usage: %s [-f FILTER]\n", argv[0]);
			return 2;
		}
		filter = optarg;
	}
	if (t_page() != TQ_PAGE) {
		fprintf(stderr, "%s: compiled for pages of %d bytes; here they have %zu\n", suite,
			TQ_PAGE, t_page());
		return 2;
	}
	suite_name = suite;
	chosen = calloc(count, sizeof(*chosen));
	report = t_shared(sizeof(*report));
	for (i = 0; chosen && i < count; i++) {
		if (fnmatch(filter, tests[i].name, 0))
			continue;
		chosen[n++] = (struct CMUnitTest) {
			.name = tests[i].name,
			.test_func = run_one,
			.initial_state = (void *)&tests[i],
		};
	}
	if (!n) {
		fprintf(stderr, "%s: no test is called %s\n", suite, filter);
		free(chosen);
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	found_loaded = t_module_loaded();
	if (found_loaded)
		read_found_params();
	snprintf(current_params, sizeof(current_params), "%s", found_params);
	if (found_loaded && drain() > 0)
		fprintf(stderr, "# %s: the queue was not empty\n", suite);

	/* By name: the number of TAP has changed between versions of cmocka. */
	setenv("CMOCKA_MESSAGE_OUTPUT", "TAP", 1);
	failed = _cmocka_run_group_tests(suite, chosen, n, NULL, NULL);
	free(chosen);

	if (!found_loaded && t_module_loaded() && !broken)
		t_unload();
	else if (found_loaded && !broken &&
		 !set_module(found_params, why, sizeof(why)))
		fprintf(stderr, "# %s: cannot restore the module: %s\n", suite, why);
	return failed ? 1 : 0;
}

/* ---- the queue --------------------------------------------------------- */

int t_open(int flags)
{
	int fd = open(TQ_DEVICE, flags | O_CLOEXEC);

	t_true(fd >= 0, "open(%s, %#x) fails with %s", TQ_DEVICE, flags,
	       error_name(errno));
	return fd;
}

size_t t_fill_file(int fd, size_t len, uint64_t seed)
{
	int flags = fcntl(fd, F_GETFL);
	char *buf = malloc(len);
	size_t n = 0;

	t_is(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	for (;;) {
		ssize_t sent;

		t_pattern(buf, len, seed + n, 0);
		sent = write(fd, buf, len);
		if (sent < 0) {
			t_errno(sent, EAGAIN);
			break;
		}
		t_is(sent, len);
		n++;
	}
	t_is(fcntl(fd, F_SETFL, flags), 0);
	free(buf);
	return n;
}

size_t t_fill(size_t len, uint64_t seed)
{
	int fd = t_open(O_WRONLY);
	size_t n = t_fill_file(fd, len, seed);

	close(fd);
	return n;
}

int t_fionread(int fd)
{
	int bytes = -1;

	t_is(ioctl(fd, FIONREAD, &bytes), 0);
	return bytes;
}

short t_poll(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };
	int n = poll(&one, 1, 0);

	t_true(n >= 0, "poll fails with %s", error_name(errno));
	return n ? one.revents : 0;
}

/* ---- messages ---------------------------------------------------------- */

static inline uint64_t pattern_word(uint64_t seed, size_t i)
{
	uint64_t word = (seed * 0x9e3779b97f4a7c15 + i) * 0xd6e8feb86659fd93;

	return word ^ word >> 32;
}

void t_pattern(void *buf, size_t len, uint64_t seed, size_t offset)
{
	unsigned char *at = buf;
	size_t end = offset + len;

	while (offset < end) {
		uint64_t word = pattern_word(seed, offset / 8);
		size_t skip = offset % 8;
		size_t n = end - offset < 8 - skip ? end - offset : 8 - skip;

		memcpy(at, (char *)&word + skip, n);
		at += n;
		offset += n;
	}
}

ssize_t t_differs(const void *buf, size_t len, uint64_t seed, size_t offset)
{
	const unsigned char *at = buf;
	size_t done = 0;

	while (done < len) {
		uint64_t word = pattern_word(seed, (offset + done) / 8);
		size_t skip = (offset + done) % 8;
		size_t n = len - done < 8 - skip ? len - done : 8 - skip;

		if (memcmp(at + done, (char *)&word + skip, n)) {
			while (at[done] == ((unsigned char *)&word)[skip]) {
				done++;
				skip++;
			}
			return done;
		}
		done += n;
	}
	return -1;
}

void t_send(int fd, size_t len, uint64_t seed)
{
	char *buf = malloc(len + 1);

	t_pattern(buf, len, seed, 0);
	t_is(write(fd, buf, len), len);
	free(buf);
}

void t_receive_at(const char *file, int line, int fd, size_t len,
		  uint64_t seed, size_t offset)
{
	size_t space = len + 64;
	unsigned char *buf = malloc(space);
	ssize_t got, at;

	t_here(file, line);
	memset(buf, 0xa5, space);
	got = read(fd, buf, space);
	if (got != (ssize_t)len)
		t_fail_at(file, line, "read gives %zd (%s), not the %zu bytes of message %llu",
			  got, got < 0 ? error_name(errno) : "", len,
			   (unsigned long long)seed);
	at = t_differs(buf, len, seed, offset);
	if (at >= 0)
		t_fail_at(file, line, "byte %zd of %zu is not that of message %llu",
			  at, len, (unsigned long long)seed);
	for (at = len; at < (ssize_t)space; at++)
		if (buf[at] != 0xa5)
			t_fail_at(file, line, "read of %zu bytes writes to byte %zd",
				  len, at);
	free(buf);
}

void t_nothing_at(const char *file, int line)
{
	int fd = t_open(O_RDONLY | O_NONBLOCK);
	char buf[64];
	ssize_t got = read(fd, buf, sizeof(buf));

	if (got >= 0)
		t_fail_at(file, line, "a message of %zd bytes or more is in the queue",
			  got);
	if (errno != EAGAIN)
		t_fail_at(file, line, "reading an empty queue fails with %s",
			  error_name(errno));
	close(fd);
}

/* ---- threads and processes ---------------------------------------------- */

static void *start_task(void *arg)
{
	struct t_task *task = arg;

	atomic_store(&task->tid, gettid());
	task->run(task);
	atomic_store(&task->done, 1);
	return NULL;
}

void t_start(struct t_task *task, void (*run)(struct t_task *self))
{
	pthread_attr_t attr;

	task->run = run;
	atomic_store(&task->done, 0);
	atomic_store(&task->tid, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	t_is(pthread_create(&task->thread, &attr, start_task, task), 0);
	pthread_attr_destroy(&attr);
}

static void run_read(struct t_task *task)
{
	task->result = read(task->fd, task->buf, task->len);
	task->error = errno;
}

static void run_write(struct t_task *task)
{
	task->result = write(task->fd, task->buf, task->len);
	task->error = errno;
}

void t_start_read(struct t_task *task, int fd, void *buf, size_t len)
{
	task->fd = fd;
	task->buf = buf;
	task->len = len;
	t_start(task, run_read);
}

void t_start_write(struct t_task *task, int fd, const void *buf, size_t len)
{
	task->fd = fd;
	task->buf = (void *)buf;
	task->len = len;
	t_start(task, run_write);
}

long t_switches(pid_t tid)
{
	char path[64], text[8192];
	const char *line;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	t_true(fd >= 0, "cannot open %s: %s", path, error_name(errno));
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	line = strstr(text, "\nvoluntary_ctxt_switches:");
	t_true(line, "%s does not count context switches", path);
	return atol(strchr(line, ':') + 1);
}

/*
 * 'S' or 'D' if it sleeps in the system call of that number, else 0. The state
 * is looked at too: one that was woken a moment ago still counts as being in
 * the call.
 */
static char how_asleep(pid_t tid, long call)
{
	char path[64], text[512];
	const char *end;
	char state;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (slurp(path, text, sizeof(text)) <= 0)
		return 0;
	end = strrchr(text, ')');
	state = end ? end[2] : 0;
	if (state != 'S' && state != 'D')
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	if (slurp(path, text, sizeof(text)) <= 0 || text[0] < '0' ||
	    text[0] > '9' || atol(text) != call)
		return 0;
	return state;
}

bool t_is_asleep(pid_t tid, long call)
{
	return how_asleep(tid, call);
}

/*
 * Waits until it sleeps, and for good: a sleep that a signal ends is not one
 * for a lock; of others (page faults) it must last a little.
 */
void t_asleep_pid(pid_t tid, long call)
{
	double end = t_now() + patience();
	long before = -1, now;
	int times = 0;

	while (times < 3) {
		if (t_now() > end)
			t_fail("task %d does not go to sleep in system call %ld", tid,
			       call);
		switch (how_asleep(tid, call)) {
		case 'S':
			return;
		case 'D':
			now = t_switches(tid);
			times = now == before ? times + 1 : 0;
			before = now;
			break;
		default:
			times = 0;
			before = -1;
		}
		sleep_for(times ? 0.001 : 0.0002);
	}
}

void t_asleep(struct t_task *task, long call)
{
	while (!atomic_load(&task->tid))
		sleep_for(0.0001);
	if (!atomic_load(&task->done)) {
		double end = t_now() + patience();

		while (!t_is_asleep(task->tid, call) && t_now() < end &&
		       !atomic_load(&task->done))
			sleep_for(0.0002);
	}
	if (atomic_load(&task->done))
		t_fail("system call %ld does not block: it gives %zd (%s)", call,
		       task->result, task->result < 0 ? error_name(task->error) : "");
	t_asleep_pid(task->tid, call);
}

void t_still_asleep(struct t_task *task, long call)
{
	t_sleep_ms(20);
	t_asleep(task, call);
}

bool t_done(struct t_task *task)
{
	return atomic_load(&task->done);
}

/* Has each of n tasks counted that far? */
bool t_all_did(struct t_task *tasks, size_t n, long count)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (atomic_load(&tasks[i].count) < count)
			return false;
	return true;
}

void t_finish_at(const char *file, int line, struct t_task *task)
{
	double end = t_now() + patience();

	while (!atomic_load(&task->done)) {
		if (t_now() > end) {
			show_tasks(getpgid(0));
			t_fail_at(file, line, "a thread does not come back");
		}
		sleep_for(0.0002);
	}
	pthread_join(task->thread, NULL);
}

static void ignore_signal(int number)
{
	(void)number;
}

void t_unblockable(void)
{
	struct sigaction action = { .sa_handler = ignore_signal };

	sigaction(SIGUSR1, &action, NULL);
}

pid_t t_fork(void (*run)(void *arg), void *arg)
{
	pid_t pid = fork();

	t_true(pid >= 0, "fork fails with %s", error_name(errno));
	if (pid)
		return pid;
	run(arg);
	_exit(0);
}

void t_reap_at(const char *file, int line, pid_t pid)
{
	int status;

	if (!ends_within(pid, patience(), &status)) {
		show_tasks(getpgid(0));
		t_fail_at(file, line, "process %d does not end", pid);
	}
	if (status)
		t_fail_at(file, line, "process %d ends with status %#x", pid, status);
}

void t_kill(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (!ends_within(pid, patience(), &status)) {
		show_tasks(getpgid(0));
		t_fail("process %d does not die of SIGKILL", pid);
	}
}

void t_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* ---- memory --------------------------------------------------------------- */

size_t t_page(void)
{
	return sysconf(_SC_PAGESIZE);
}

void t_needs_small_pages(void)
{
	if (t_page() != 4096)
		t_skip("it has sizes of its own, for pages of 4 KiB");
}

void *t_shared(size_t len)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED) {
		perror("mmap");
		_exit(1);
	}
	return map;
}

char *t_edge(size_t len)
{
	size_t page = t_page();
	size_t whole = (len + page - 1) / page * page;
	char *map = mmap(NULL, whole + page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	t_true(map != MAP_FAILED, "mmap fails with %s", error_name(errno));
	t_is(mprotect(map + whole, page, PROT_NONE), 0);
	memset(map, 0x5a, whole);
	return map + whole - len;
}

void t_edge_free(char *edge, size_t len)
{
	size_t page = t_page();
	size_t whole = (len + page - 1) / page * page;

	t_is(munmap(edge + len - whole, whole + page), 0);
}

void t_stall_make(struct t_stall *stall, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	size_t page = t_page();

	stall->len = (len + page - 1) / page * page;
	stall->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (stall->uffd < 0)
		t_skip("userfaultfd: %s", error_name(errno));
	t_is(ioctl(stall->uffd, UFFDIO_API, &api), 0);
	stall->map = mmap(NULL, stall->len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	t_true(stall->map != MAP_FAILED, "mmap fails");
	area.range.start = (uintptr_t)stall->map;
	area.range.len = stall->len;
	t_is(ioctl(stall->uffd, UFFDIO_REGISTER, &area), 0);
}

bool t_stall_hit(struct t_stall *stall, int timeout_ms)
{
	struct pollfd wait = { .fd = stall->uffd, .events = POLLIN };

	return poll(&wait, 1, timeout_ms) == 1;
}

void t_stall_wait(struct t_stall *stall)
{
	t_true(t_stall_hit(stall, patience() * 1000),
	       "nothing touches the stalled memory");
}

/* Gives some of its pages contents. */
void t_stall_give(struct t_stall *stall, const void *from, size_t at,
		  size_t len)
{
	size_t page = t_page(), end = at + len;

	for (; at < end; at += page) {
		struct uffdio_copy copy = {
			.dst = (uintptr_t)stall->map + at,
			.src = (uintptr_t)from + at,
			.len = page,
		};

		if (ioctl(stall->uffd, UFFDIO_COPY, &copy) && errno != EEXIST)
			t_fail("UFFDIO_COPY fails with %s", error_name(errno));
	}
}

/* Who waits for it finds bad memory, as does who comes later. */
void t_stall_spoil(struct t_stall *stall)
{
	struct uffdio_range all = {
		.start = (uintptr_t)stall->map, .len = stall->len,
	};

	t_is(mprotect(stall->map, stall->len, PROT_NONE), 0);
	t_is(ioctl(stall->uffd, UFFDIO_WAKE, &all), 0);
}

/* Gives all of it contents (or zeroes) and lets everybody go on. */
/*
 * Of two pages each is there only while the other is wanted: returns when the
 * first is wanted once more.
 */
void t_stall_by_turns(struct t_stall *stall, const void *from)
{
	size_t page = t_page();

	t_stall_wait(stall);
	t_stall_give(stall, from, 0, page);
	t_stall_wait(stall);
	t_is(madvise(stall->map, page, MADV_DONTNEED), 0);
	t_stall_give(stall, from, page, page);
	t_stall_wait(stall);
}

void t_stall_release(struct t_stall *stall, const void *from)
{
	struct uffdio_range all = {
		.start = (uintptr_t)stall->map, .len = stall->len,
	};

	if (from)
		t_stall_give(stall, from, 0, stall->len);
	/* Whatever is not there by now is an ordinary fault. */
	t_is(ioctl(stall->uffd, UFFDIO_UNREGISTER, &all), 0);
	close(stall->uffd);
}
