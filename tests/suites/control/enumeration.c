// SPDX-License-Identifier: GPL-2.0-only
/* All queues, one after the other, in the order of their names. */
#include "control.h"

void in_order_of_names(void)
{
	static const char * const names[] = {
		"zz", "b", "a", "A", "0", "aa", "-", "tqueue0", "tq", "_",
	};
	struct tqueue_info info = { 0 };
	char last[TQUEUE_NAME_MAX + 1] = "";
	size_t i, seen = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		t_create(names[i], TQ_PAGE);
	while (!ioctl(t_control(), TQUEUE_CTL_NEXT, &info)) {
		t_true(strcmp(last, info.name) < 0, "%s after %s", info.name, last);
		strcpy(last, info.name);
		seen++;
	}
	t_is(errno, ENOENT);
	t_is(seen, ARRAY_SIZE(names) + 1);
	/* From a name that is none: the next one all the same. */
	memset(&info, 0, sizeof(info));
	strcpy(info.name, "aaa");
	t_is(ioctl(t_control(), TQUEUE_CTL_NEXT, &info), 0);
	t_is(strcmp(info.name, "b"), 0);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		t_remove(names[i]);
}

static atomic_int watching;

static void come_and_go(struct t_task *task)
{
	unsigned int state = task->number;

	while (atomic_load(&watching)) {
		struct tqueue_create create;
		char name[16];

		state = state * 1664525 + 1013904223;
		snprintf(name, sizeof(name), "n%02u-", state >> 24 & 15);
		create = t_creation(name);
		create.config.fields = TQUEUE_CONFIG_SIZE;
		create.config.size = TQ_PAGE;
		if (state >> 20 & 1) {
			if (t_create_call(&create))
				t_is(errno, EEXIST);
		} else if (t_remove_call(name, 0)) {
			t_is(errno, ENOENT);
		}
		atomic_fetch_add(&task->count, 1);
	}
}

void while_others_come_and_go(void)
{
	struct t_task tasks[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
	double end = t_now() + t_seconds(2);
	int i, rounds = 0;
	char name[16];

	for (i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "n%02u", i);
		t_create(name, TQ_PAGE);
	}
	atomic_store(&watching, 1);
	for (i = 0; i < 3; i++)
		t_start(&tasks[i], come_and_go);
	while (t_goes_on(end, rounds > 3 && t_all_did(tasks, 3, 4))) {
		struct tqueue_info info = { 0 };
		char last[TQUEUE_NAME_MAX + 1] = "";
		int stable = 0;

		while (!ioctl(t_control(), TQUEUE_CTL_NEXT, &info)) {
			t_true(strcmp(last, info.name) < 0, "%s after %s",
			       info.name, last);
			strcpy(last, info.name);
			if (strlen(info.name) == 3)
				stable++;
		}
		t_is(errno, ENOENT);
		t_is(stable, 16);
		rounds++;
	}
	atomic_store(&watching, 0);
	for (i = 0; i < 3; i++)
		t_finish(&tasks[i]);
	t_true(t_all_did(tasks, 3, 4), "hardly anything was made");
	t_true(rounds > 3, "only %d rounds", rounds);
	t_remove_all();
}
