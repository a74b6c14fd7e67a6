/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One kind of call with the first, the second, the third ... thing in it failing that
 * may fail: see faultn.c.
 */
#ifndef TQUEUE_STRESS_FAULTN_H
#define TQUEUE_STRESS_FAULTN_H

#include "calls.h"
#include "options.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>

#define MANY	5000	/* more faults than there are in any call */
#define NEVER	1000000
#define DEBUG	"/sys/kernel/debug/"

/* What may fail inside the driver in one kind of call. */
#define MEMORY	1	/* allocations */
#define COPY	2	/* copies from or to user space */
#define LEAN	4	/* and no allocation: it is on the common path */

static int nth_fd;
static int fd;			/* on the queue, non-blocking, stays open */
static int other;		/* on the queue, for one try */
static int pipes[2];
static char *buf;		/* resident */
static char *fresh;		/* not resident */
static int file;		/* of 1000 bytes: message 1 */
static int batch_file;		/* of the records that make_batch() makes */
static unsigned int n;		/* which fault */

#define BATCH		5	/* messages 1, 2 ... */
#define BATCH_LENGTH	300
#define BATCH_BYTES	(BATCH * t_record(BATCH_LENGTH))

static void make_batch(void)
{
	t_put_many(buf, BATCH_LENGTH, 1, BATCH);
}

static ssize_t call_close(void)
{
	return close(other);
}

/* ---- faults ---------------------------------------------------------------- */

static bool set(const char *path, const char *value)
{
	int control = open(path, O_WRONLY);
	bool done;

	if (control < 0)
		return false;
	done = write(control, value, strlen(value)) > 0;
	close(control);
	return done;
}

static const char * const injectors[] = {
	"failslab", "fail_page_alloc", "fail_usercopy",
};

static bool set_injector(const char *name, const char *attribute, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUG "%s/%s", name, attribute);
	return set(path, value);
}

/* Lets things fail that lie between these addresses in a stack trace. */
static void only_between(const char *name, unsigned long start, unsigned long end)
{
	char text[32];

	snprintf(text, sizeof(text), "%#lx", start);
	if (!set_injector(name, "require-start", text))
		t_skip("this kernel does not choose faults by stack trace: no %s%s/require-start",
		       DEBUG, name);
	snprintf(text, sizeof(text), "%#lx", end);
	t_true(set_injector(name, "require-end", text), "cannot set require-end");
}

static void prepare(void)
{
	size_t i;

	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	if (nth_fd < 0)
		t_skip("this kernel injects no faults: /proc/thread-self/fail-nth: %s",
		       strerror(errno));
	if (!set_injector("failslab", "ignore-gfp-wait", "0") ||
	    !set_injector("fail_page_alloc", "ignore-gfp-wait", "0") ||
	    !set_injector("fail_page_alloc", "min-order", "0"))
		t_skip("this kernel does not let allocations fail: no %sfailslab",
		       DEBUG);
	for (i = 0; i < ARRAY_SIZE(injectors); i++) {
		if (!set_injector(injectors[i], "verbose", "0"))
			t_skip("cannot set %s%s/verbose", DEBUG, injectors[i]);
		/* A test that failed may have left it otherwise. */
		only_between(injectors[i], 0, ULONG_MAX);
	}

	fd = t_module_loaded() ? t_open(O_RDWR | O_NONBLOCK) : -1;
	buf = t_shared(1 << 16);
	memset(buf, 0, 1 << 16);
	fresh = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	t_true(fresh != MAP_FAILED, "mmap fails");
	t_is(pipe2(pipes, O_NONBLOCK), 0);
	file = memfd_create("message", 0);
	t_pattern(buf, 1000, 1, 0);
	t_is(write(file, buf, 1000), 1000);
	batch_file = memfd_create("batch", 0);
	make_batch();
	t_is(write(batch_file, buf, BATCH_BYTES), BATCH_BYTES);
	/* Opened before anything fails. A test that failed may have left it so. */
	if (fd >= 0)
		t_is(t_policy_call("tqueue", TQUEUE_CONFIG_OVERFLOW,
				   TQUEUE_OVERFLOW_BLOCK, 0), 0);
}

static void arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	/* Disarming may be what fails. */
	while (pwrite(nth_fd, text, len, 0) != len)
		t_true(errno == EFAULT || errno == ENOMEM,
		       "fail-nth cannot be set: %s", strerror(errno));
}

/* True if the fault has happened. */
static bool disarm(void)
{
	char text[16] = "";
	bool happened = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 &&
			!atoi(text);

	arm(0);
	return happened;
}

/* How many things might have failed since arm(NEVER). */
static unsigned int counted(void)
{
	char text[16] = "";

	t_true(pread(nth_fd, text, sizeof(text) - 1, 0) > 0,
	       "fail-nth is unreadable: %s", strerror(errno));
	arm(0);
	return NEVER - atoi(text);
}

/* Where the driver's code lies: @size is more than enough. */
static unsigned long driver(unsigned long *size)
{
	char text[64] = "";
	int from = open("/sys/module/tqueue/sections/.text", O_RDONLY);

	t_true(from >= 0 && read(from, text, sizeof(text) - 1) > 0,
	       "cannot see where the module lies");
	close(from);
	from = open("/sys/module/tqueue/coresize", O_RDONLY);
	*size = strtoul(text, NULL, 16);
	t_true(from >= 0 && read(from, text, sizeof(text) - 1) > 0,
	       "cannot see how large the module is");
	close(from);
	return *size + strtoul(text, NULL, 10);
}

/* Counts what can fail inside the driver, by kind; @sees is what has to. */
static void see(void (*before)(void), ssize_t (*call)(void),
		void (*after)(ssize_t result), int sees)
{
	unsigned int found[ARRAY_SIZE(injectors)];
	unsigned long start, end;
	size_t i, j;

	end = driver(&start);
	for (i = 0; i < ARRAY_SIZE(injectors); i++) {
		ssize_t result;

		for (j = 0; j < ARRAY_SIZE(injectors); j++)
			only_between(injectors[j], i == j ? start : 0,
				     i == j ? end : 0);
		if (before)
			before();
		arm(NEVER);
		result = call();
		found[i] = counted();
		if (after)
			after(result);
	}
	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		only_between(injectors[i], 0, ULONG_MAX);
	fprintf(stderr, "# in the driver may fail: %u slab allocations, %u of pages, %u copies\n",
		found[0], found[1], found[2]);
	t_true(!(sees & MEMORY) || found[0] + found[1], "no allocation may fail");
	t_true(!(sees & COPY) || found[2], "no copy may fail");
	t_true(!(sees & LEAN) || !found[0], "it allocates memory");
}

static bool makes_sense(int error)
{
	return error == ENOMEM || error == EFAULT;
}

/*
 * Without a fault @call gives @result, and fails with @error if that is -1. An
 * @error beside that is one that a fault may lead to. @sees: see see().
 */
static void try_all(void (*before)(void), ssize_t (*call)(void),
		    void (*after)(ssize_t result), ssize_t result, int error,
		    int sees)
{
	int failed = 0;

	prepare();
	see(before, call, after, sees);
	for (n = 1;; n++) {
		bool happened;
		ssize_t got;
		int why;

		if (before)
			before();
		arm(n);
		got = call();
		why = errno;
		happened = disarm();
		if (got < 0)
			failed++;
		if (got < 0 && why != error && !(happened && makes_sense(why)))
			t_fail("fault %u (%s): fails with %s", n,
			       happened ? "happened" : "did not happen",
				strerror(why));
		if (!happened && got != result)
			t_fail("gives %zd and not %zd without a fault", got,
			       result);
		if (after)
			after(got);
		if (!happened)
			break;
		t_true(n < MANY, "%d faults, and no end", MANY);
	}
	if (fd >= 0)
		t_nothing();
	fprintf(stderr, "# %u faults, %d of them made it fail\n", n - 1, failed);
}

#define KIND(fn)	{ .name = #fn, .run = fn, .params = "size_l=16384", .seconds = 60 }

#endif
