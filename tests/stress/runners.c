// SPDX-License-Identifier: GPL-2.0
/*
 * Runners ("tqueue run") and their jobs are killed at random moments, and in the end each
 * message was acknowledged exactly once, each delivery had the right number of its attempt,
 * and never did two jobs work on one message at a time.
 *
 * The jobs are this program, too. In memory that they share with the test each message has
 * an account, and each job an entry: what it works on, who runs it, whether it was killed,
 * how it meant to end. Whoever kills notes it first; so of every job that did not say how
 * it ends it is known why.
 */
#include "options.h"
#include "calls.h"

#include <limits.h>
#include <sys/prctl.h>

#define QUEUE		"runners"
#define LEDGER		"/tmp/runners-ledger"
#define LOG		"/tmp/runners-log"
#define RUNNERS		4
#define MOST_MESSAGES	0x10000
#define MOST_JOBS	0x40000
#define MOST_RUNNERS	0x4000
#define BACKLOG		60

/* How a job ended, as far as it could say. */
enum { RUNS, DONE, FAILED, DEFERRED, DIED };

struct job {
	atomic_int pid;
	unsigned int message;
	unsigned int runner;
	unsigned int attempt;
	unsigned int kills;		/* of runners, when it began */
	atomic_uint how;
	atomic_bool killed;
};

struct runner {
	pid_t pid;
	atomic_bool killed;
	atomic_bool pressed;		/* was told twice to stop: ends its jobs */
};

struct account {
	atomic_uint last;		/* the job that had it last, or 0 */
	atomic_uint done;
	atomic_uint done_by;		/* the job that was done last */
};

struct payload {
	uint64_t number, check;
};

static struct ledger {
	atomic_uint jobs;
	atomic_uint kills;		/* of runners */
	atomic_uint wrong;
	char text[200];			/* what was wrong first */
	bool calm;			/* jobs do what they are to, all of them */
	uint64_t seed;
	struct runner runners[MOST_RUNNERS];
	struct job entries[MOST_JOBS];
	struct account accounts[MOST_MESSAGES];
} *ledger;

static uint64_t check_of(uint64_t number)
{
	return mix(number ^ ledger->seed);
}

static void map_ledger(void)
{
	int fd = open(LEDGER, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*ledger)))
		_exit(111);
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ledger == MAP_FAILED)
		_exit(111);
	close(fd);
}

/* ---- a job ----------------------------------------------------------------------------- */

/* The first that finds something says it; the job goes on, and the test ends. */
__attribute__((format(printf, 1, 2)))
static void wrong(const char *format, ...)
{
	va_list list;

	if (atomic_fetch_add(&ledger->wrong, 1))
		return;
	va_start(list, format);
	vsnprintf(ledger->text, sizeof(ledger->text), format, list);
	va_end(list);
}

static unsigned int variable(const char *name)
{
	const char *text = getenv(name);

	if (!text)
		wrong("a job has no %s", name);
	return text ? strtoul(text, NULL, 10) : 0;
}

static unsigned int read_message(void)
{
	struct payload payload;
	char more;

	if (read(STDIN_FILENO, &payload, sizeof(payload)) != sizeof(payload) ||
	    read(STDIN_FILENO, &more, 1) != 0 || payload.number >= MOST_MESSAGES ||
	    payload.check != check_of(payload.number)) {
		wrong("a job has another message than was sent");
		_exit(111);
	}
	return payload.number;
}

static bool dead(const struct job *job)
{
	const struct runner *runner = &ledger->runners[job->runner];

	return atomic_load(&job->killed) || atomic_load(&runner->killed) ||
	       atomic_load(&runner->pressed);
}

/*
 * The job before must be over, and this attempt the one that follows it. What a runner
 * had when it was killed has been an attempt, begun or not, and how the job ended did
 * not matter any more.
 */
static void compare(const struct job *mine, unsigned int token)
{
	struct account *account = &ledger->accounts[mine->message];
	unsigned int last = atomic_exchange(&account->last, token), how, most, least;
	const struct job *before = &ledger->entries[last];
	const struct runner *runner;
	unsigned int done = atomic_load(&account->done);

	if (done && !dead(&ledger->entries[atomic_load(&account->done_by)]))
		wrong("message %u is delivered, and was done under a runner that lives",
		      mine->message);
	if (!last) {
		most = 1 + mine->kills;
		if (mine->attempt < 1 || mine->attempt > most)
			wrong("message %u has its first job at attempt %u, of at most %u",
			      mine->message, mine->attempt, most);
		return;
	}
	how = atomic_load(&before->how);
	if (how == RUNS && !dead(before))
		wrong("message %u has a job %u while %u works on it", mine->message, token, last);
	runner = &ledger->runners[before->runner];
	least = before->attempt;
	most = before->attempt + 1;
	if (!atomic_load(&runner->killed) && !atomic_load(&runner->pressed)) {
		if (how == DEFERRED && !atomic_load(&before->killed))
			most--;
		else if (how != DEFERRED)
			least++;
	}
	most += mine->kills - before->kills;
	if (mine->attempt < least || mine->attempt > most)
		wrong("message %u is at attempt %u, of %u to %u (it was at %u, and ended as %u)",
		      mine->message, mine->attempt, least, most, before->attempt, how);
}

static void finish(struct job *mine, unsigned int token, unsigned int how)
{
	struct account *account = &ledger->accounts[mine->message];

	if (atomic_load(&account->last) != token)
		wrong("message %u went to job %u while %u worked on it", mine->message,
		      atomic_load(&account->last), token);
	if (how == DONE) {
		atomic_store(&account->done_by, token);
		atomic_fetch_add(&account->done, 1);
	}
	atomic_store(&mine->how, how);
}

static void leave_behind(unsigned int useconds)
{
	if (fork())
		return;
	usleep(useconds);
	_exit(0);
}

static int work(void)
{
	unsigned int token, i;
	struct job *mine;
	uint64_t dice;

	map_ledger();
	token = atomic_fetch_add(&ledger->jobs, 1) + 1;
	if (token >= MOST_JOBS)
		return 75;
	mine = &ledger->entries[token];
	mine->runner = variable("RUNNER");
	mine->attempt = variable("TQUEUE_ATTEMPT");
	mine->kills = atomic_load(&ledger->kills);
	mine->message = read_message();
	compare(mine, token);
	/* kill_job() finds it from here on, when the account knows of it. */
	atomic_store(&mine->pid, getpid());
	dice = ledger->seed ^ token;
	i = ledger->calm ? 99 : random_below(&dice, 100);
	/* Some outlive their runner for a while, with the lease: long enough for another job. */
	if (i >= 40 && i < 55) {
		signal(SIGTERM, SIG_IGN);
		usleep(300000);
	}
	usleep(random_below(&dice, i < 40 ? 60000 : 5000));
	if (i < 8) {
		finish(mine, token, FAILED);
		return 1;
	}
	if (i < 14) {
		finish(mine, token, DEFERRED);
		return 75;
	}
	if (i < 18) {
		finish(mine, token, DIED);
		raise(SIGKILL);
	}
	if (i < 24)
		leave_behind(random_below(&dice, 100000));
	finish(mine, token, DONE);
	return 0;
}

/* ---- the test -------------------------------------------------------------------------- */

/* Slots of runners, each with the number of the one that is in it now. */
static unsigned int slots[RUNNERS], used_runners, sent;
static char command[PATH_MAX], self[PATH_MAX];
static uint64_t dice;

static void find_programs(void)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	t_true(n > 0, "/proc/self/exe: %s", strerror(errno));
	snprintf(command, sizeof(command), "%.*s/tqueue", (int)(strrchr(self, '/') - self), self);
	t_true(!access(command, X_OK), "%s is not there: tests/stress/run brings it", command);
}

static void start_runner(unsigned int slot)
{
	static const char *const counts[] = { "1", "2", "4" };
	unsigned int number = ++used_runners;
	struct runner *runner = &ledger->runners[number];
	const char *jobs = counts[random_below(&dice, 3)];
	char text[16];
	pid_t pid;

	t_true(number < MOST_RUNNERS, "too many runners");
	slots[slot] = number;
	pid = fork();
	t_true(pid >= 0, "fork: %s", strerror(errno));
	if (pid) {
		runner->pid = pid;
		return;
	}
	snprintf(text, sizeof(text), "%u", number);
	setenv("RUNNER", text, 1);
	t_true(freopen("/dev/null", "r", stdin) && freopen(LOG, "a", stdout) &&
	       freopen(LOG, "a", stderr), "%s: %s", LOG, strerror(errno));
	execl(command, "tqueue", "run", QUEUE, "-j", jobs, "--retry-delay=10ms", "--retry-delay-max=100ms",
	      "--defer-delay=20ms", "--stop-on-failure=0", "--", self, "job", NULL);
	_exit(127);
}

static struct runner *runner_in(unsigned int slot)
{
	return &ledger->runners[slots[slot]];
}

static int reap_runner(const struct runner *runner)
{
	double end = t_now() + 20 * t_slow();
	int status;

	while (!waitpid(runner->pid, &status, WNOHANG)) {
		t_true(t_now() < end, "a runner does not end");
		usleep(2000);
	}
	return status;
}

static void must_run(unsigned int slot)
{
	int status;

	t_true(!waitpid(runner_in(slot)->pid, &status, WNOHANG),
	       "a runner ended by itself, with status %#x", status);
}

static void kill_runner(unsigned int slot)
{
	struct runner *runner = runner_in(slot);

	must_run(slot);
	atomic_store(&runner->killed, true);
	atomic_fetch_add(&ledger->kills, 1);
	kill(runner->pid, SIGKILL);
	reap_runner(runner);
	start_runner(slot);
}

/* Once: it lets its jobs end. Twice: it ends them. */
static void stop_runner(unsigned int slot, bool pressed)
{
	struct runner *runner = runner_in(slot);
	int status;

	must_run(slot);
	kill(runner->pid, SIGTERM);
	if (pressed) {
		usleep(random_below(&dice, 30000));
		atomic_store(&runner->pressed, true);
		kill(runner->pid, SIGTERM);
	}
	status = reap_runner(runner);
	t_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
	       "a runner that got SIGTERM ended with %#x", status);
}

/* A job that runs, or with @group all of its processes; there may be none just now. */
static void kill_job(bool group)
{
	unsigned int n = atomic_load(&ledger->jobs), i;
	struct job *job;
	pid_t pid;

	if (n >= MOST_JOBS)
		t_fail("too many jobs");
	for (i = n; i && n - i < 16; i--) {
		job = &ledger->entries[i];
		pid = atomic_load(&job->pid);
		if (!pid || atomic_load(&job->how) != RUNS || dead(job) || random_below(&dice, 2))
			continue;
		atomic_store(&job->killed, true);
		kill(group ? -pid : pid, SIGKILL);
		return;
	}
}

static void hold_up_runner(unsigned int slot)
{
	kill(runner_in(slot)->pid, SIGSTOP);
	usleep(random_below(&dice, 100000));
	kill(runner_in(slot)->pid, SIGCONT);
}

static void send_some(int fd)
{
	struct tqueue_info info = t_info(fd);
	unsigned int n = random_below(&dice, 20);

	while (n-- && sent < MOST_MESSAGES &&
	       info.messages + info.delayed + info.leased < BACKLOG) {
		struct payload payload = { sent, check_of(sent) };

		t_is(write(fd, &payload, sizeof(payload)), sizeof(payload));
		sent++;
		info.messages++;
	}
}

/* What the runners have reported about the message that something was wrong with. */
static void show_log(void)
{
	char line[512], name[32];
	unsigned int message;
	FILE *log;

	if (sscanf(ledger->text, "message %u", &message) != 1)
		return;
	/* Ids begin with 1. */
	snprintf(name, sizeof(name), " job %u ", message + 1);
	log = fopen(LOG, "r");
	while (log && fgets(line, sizeof(line), log))
		if (strstr(line, name))
			fprintf(stderr, "# %s", line);
	if (log)
		fclose(log);
}

static void still_right(void)
{
	if (atomic_load(&ledger->wrong))
		show_log();
	t_true(!atomic_load(&ledger->wrong), "%s (and %u more)", ledger->text,
	       atomic_load(&ledger->wrong) - 1);
}

static void disturb(int fd)
{
	unsigned int slot = random_below(&dice, RUNNERS);

	send_some(fd);
	usleep(random_below(&dice, 60000));
	switch (random_below(&dice, 10)) {
	case 0:
	case 1:
	case 2:
		kill_runner(slot);
		break;
	case 3:
	case 4:
	case 5:
		kill_job(false);
		break;
	case 6:
		kill_job(true);
		break;
	case 7:
		stop_runner(slot, random_below(&dice, 2));
		start_runner(slot);
		break;
	case 8:
		hold_up_runner(slot);
		break;
	case 9:
		/* All at once. */
		for (slot = 0; slot < RUNNERS; slot++)
			kill_runner(slot);
		break;
	}
	still_right();
}

static void await_empty(int fd)
{
	double end = t_now() + 60 * t_slow();
	struct tqueue_info info;

	do {
		t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_DELAYED, NULL);
		usleep(10000);
		still_right();
		info = t_info(fd);
		t_true(t_now() < end, "%llu ready, %llu leased, %llu delayed are left",
		       (unsigned long long)info.messages, (unsigned long long)info.leased,
		       (unsigned long long)info.delayed);
	} while (info.messages || info.leased || info.delayed);
	t_is(info.buried, 0);
}

static void account_for(int fd)
{
	struct tqueue_info info = t_info(fd);
	unsigned int i, again = 0;

	t_is(info.sent, sent);
	t_is(info.dropped, 0);
	t_is(info.ever_acknowledged, sent);
	t_is(info.received, sent);
	t_is(info.ever_leased, info.ever_acknowledged + info.ever_requeued);
	for (i = 0; i < sent; i++) {
		struct account *account = &ledger->accounts[i];
		const struct job *last = &ledger->entries[atomic_load(&account->last)];

		t_true(atomic_load(&account->done) > 0, "message %u was never done", i);
		t_true(atomic_load(&last->how) == DONE, "the last job of message %u ended as %u",
		       i, atomic_load(&last->how));
		again += atomic_load(&account->done) - 1;
	}
	fprintf(stderr, "# %u messages, %u jobs, %u runners, %u of them killed; each acknowledged once, %u done again as their runner was killed before it said so\n",
		sent, atomic_load(&ledger->jobs), used_runners, atomic_load(&ledger->kills),
		again);
	t_true(again <= 4 * atomic_load(&ledger->kills), "%u jobs were done again", again);
	t_true(sent > 10 && atomic_load(&ledger->kills) > 5, "only %u messages and %u kills", sent,
	       atomic_load(&ledger->kills));
}

static void killed_at_random(void)
{
	double end = t_now() + option_seconds;
	unsigned int slot;
	int fd;

	find_programs();
	unlink(LEDGER);
	unlink(LOG);
	map_ledger();
	ledger->seed = option_seed;
	dice = option_seed;
	used_runners = 0;
	sent = 0;
	t_create(QUEUE, 1 << 18);
	fd = t_open_queue(QUEUE, O_RDWR);
	t_is(t_set_field(fd, MAX_ATTEMPTS, max_attempts, 0), 0);
	for (slot = 0; slot < RUNNERS; slot++)
		start_runner(slot);
	do {
		disturb(fd);
	} while (t_goes_on(end, atomic_load(&ledger->kills) > 5 && sent > 10));
	ledger->calm = true;
	await_empty(fd);
	for (slot = 0; slot < RUNNERS; slot++)
		stop_runner(slot, false);
	still_right();
	account_for(fd);
	t_end(fd);
	unlink(LEDGER);
	unlink(LOG);
}

int main(int argc, char **argv)
{
	struct t_test tests[] = {
		TQ_TEST(killed_at_random),
	};

	if (argc > 1 && !strcmp(argv[1], "job"))
		return work();
	argc = options(argc, argv, 3);
	tests[0].seconds = 120 + option_seconds / t_slow();
	return t_main("runners", tests, ARRAY_SIZE(tests), argc, argv);
}
