// SPDX-License-Identifier: GPL-2.0-only
/*
 * See run.h. Only this talks to cmocka, and it runs in the parent of the tests'
 * processes.
 */
#include "run.h"

#include "check.h"
#include "clock.h"
#include "files.h"
#include "kernel_log.h"
#include "leftovers.h"
#include "memory.h"
#include "module.h"
#include "queue.h"
#include "tasks.h"
#include "verdict.h"

#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *suite_name;
static bool found_loaded;
static char found_params[512];
static char current_params[512];
static const char *broken;	/* why no further test can run */

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
		t_sleep(0.001);
	}
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
				 t_error_name(error));
			return false;
		}
	}
	error = t_load(params);
	if (error) {
		snprintf(why, len, "cannot load the module with \"%s\": %s", params,
			 t_error_name(error));
		return false;
	}
	snprintf(current_params, sizeof(current_params), "%s", params);
	return true;
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
		if (t_slurp(path, text, sizeof(text)) <= 0 || !*text ||
		    !strcmp(text, "(null)"))
			continue;
		used += snprintf(found_params + used, sizeof(found_params) - used,
				 "%s%s=\"%s\"", used ? " " : "", names[i], text);
	}
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

	memset(t_report, 0, sizeof(*t_report));
	log = t_log_open();
	fflush(NULL);
	pid = fork();
	if (!pid)
		in_child(test);
	setpgid(pid, pid);
	ended = t_ends_within(pid, limit, &status);
	verdict = atomic_load(&t_report->verdict);
	if (!ended) {
		fprintf(stderr, "# %s.%s hung, its tasks:\n", suite_name, test->name);
		t_show_tasks(pid);
	}
	if (!reap_all(pid, t_patience())) {
		t_show_tasks(pid);
		broken = "processes of an earlier test cannot be killed";
		printf("Bail out! %s.%s: a process cannot be killed\n", suite_name,
		       test->name);
	}

	if (verdict == T_FAILED)
		snprintf(why, sizeof(why), "%s", t_report->text);
	else if (verdict == T_SKIPPED)
		;
	else if (!ended)
		snprintf(why, sizeof(why),
			 "hung: not done after %.0f s, last check at %s:%d", limit,
			 t_report->file, atomic_load(&t_report->line));
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "died of signal %d after %s:%d",
			 WTERMSIG(status), t_report->file,
			 atomic_load(&t_report->line));
	else if (WEXITSTATUS(status))
		snprintf(why, sizeof(why), "exit status %d", WEXITSTATUS(status));

	if (!broken) {
		if (test->reloads) {
			strcpy(current_params, "?");
			if (!t_module_loaded())
				set_module(found_params, dirt, sizeof(dirt));
		}
		clean = t_left_clean(dirt, sizeof(dirt));
		/* A later test starts from a clean queue whatever happened. */
		if (clean && t_log_trouble(log, test->logs, dirt, sizeof(dirt)))
			clean = false;
		if (!clean && !*why)
			snprintf(why, sizeof(why), "%s", dirt);
	}
	close(log);
	if (*why)
		fail_msg("%s.%s: %s", suite_name, test->name, why);
	if (verdict == T_SKIPPED) {
		fprintf(stderr, "# SKIP %s.%s: %s\n", suite_name, test->name,
			t_report->text);
		skip();
	}
	if (getenv("TQUEUE_TIMES"))
		fprintf(stderr, "# %s.%s took %.2f s\n", suite_name, test->name,
			t_now() - began);
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
	t_report = t_shared(sizeof(*t_report));
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
	if (found_loaded && t_try_drain() > 0)
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
