// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "units.h"
#include "verdict.h"

#define EX_TEMPFAIL	75

void verdicts_init(struct verdicts *verdicts)
{
	memset(verdicts, 0, sizeof(*verdicts));
	memset(verdicts->of_exit, VERDICT_RETRY, sizeof(verdicts->of_exit));
	memset(verdicts->of_signal, VERDICT_RETRY, sizeof(verdicts->of_signal));
	verdicts->of_exit[0] = VERDICT_DONE;
	verdicts->of_exit[EX_TEMPFAIL] = VERDICT_DEFER;
}

/* The number of a signal such as "SIGSEGV", or 0 if there is none of that name. */
static int find_signal(const char *name)
{
	const char *known;
	int number;

	if (strncmp(name, "SIG", 3))
		return 0;
	for (number = 1; number < NSIG; number++) {
		known = sigabbrev_np(number);
		if (known && !strcmp(known, name + 3))
			return number;
	}
	return 0;
}

/* Parses "10" or "10-20".  Returns 0 or -1. */
static int parse_range(const char *item, uint64_t *first, uint64_t *last)
{
	const char *dash = strchr(item, '-');
	char digits[8];

	if (!dash) {
		if (parse_number(item, 255, first))
			return -1;
		*last = *first;
		return 0;
	}
	if ((size_t)(dash - item) >= sizeof(digits))
		return -1;
	memcpy(digits, item, (size_t)(dash - item));
	digits[dash - item] = '\0';
	return parse_number(digits, 255, first) || parse_number(dash + 1, 255, last) ||
	       *first > *last ? -1 : 0;
}

static const char *choose_one(struct verdicts *verdicts, const char *item,
			      enum verdict verdict)
{
	static const char twice[] = "each status and signal can be in one list only, and only once";
	uint64_t first, last;
	int number = find_signal(item);

	if (number) {
		if (verdicts->chosen_signal[number]++)
			return twice;
		verdicts->of_signal[number] = (unsigned char)verdict;
		return NULL;
	}
	if (parse_range(item, &first, &last))
		return "expected exit statuses (0 to 255) and signals, such as 0,3,10-20,SIGSEGV";
	for (; first <= last; first++) {
		if (verdicts->chosen_exit[first]++)
			return twice;
		verdicts->of_exit[first] = (unsigned char)verdict;
	}
	return NULL;
}

const char *verdicts_choose(struct verdicts *verdicts, const char *list,
			    enum verdict verdict)
{
	const char *wrong = NULL, *end;
	char item[32];
	size_t length;

	for (; !wrong; list = end + 1) {
		end = strchrnul(list, ',');
		length = (size_t)(end - list);
		if (length >= sizeof(item))
			length = sizeof(item) - 1;
		memcpy(item, list, length);
		item[length] = '\0';
		wrong = choose_one(verdicts, item, verdict);
		if (!*end)
			break;
	}
	return wrong;
}

enum verdict verdict_of(const struct verdicts *verdicts, const siginfo_t *info,
			int *status)
{
	if (info->si_code == CLD_EXITED) {
		*status = info->si_status;
		return verdicts->of_exit[info->si_status & 255];
	}
	*status = STATUS_SIGNAL + info->si_status;
	return verdicts->of_signal[info->si_status < NSIG ? info->si_status : 0];
}
