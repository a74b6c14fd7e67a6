/* SPDX-License-Identifier: GPL-2.0-only */
/* What the end of a job's process means for the job. */
#ifndef VERDICT_H
#define VERDICT_H

#include <signal.h>

enum verdict {
	VERDICT_DONE,	/* acknowledged */
	VERDICT_RETRY,	/* requeued, with a growing delay */
	VERDICT_DEFER,	/* requeued, as if it had not been tried */
	VERDICT_BURY,
};

/* The status of a job that took too long, as timeout(1) has it. */
#define STATUS_TIMED_OUT	124

/* The status of a job that a signal ended is this plus the signal's number, as in shells. */
#define STATUS_SIGNAL		128

/**
 * struct verdicts - what each end means
 * @of_exit: by exit status
 * @of_signal: by signal
 * @chosen_exit: exit statuses that are in a list
 * @chosen_signal: signals that are in a list
 */
struct verdicts {
	unsigned char of_exit[256], of_signal[NSIG];
	unsigned char chosen_exit[256], chosen_signal[NSIG];
};

/* 0 is done, 75 (EX_TEMPFAIL) is deferred, and all else is tried again. */
void verdicts_init(struct verdicts *verdicts);

/*
 * Chooses a verdict for a list: "0,3,10-20,SIGSEGV".  Returns NULL, or what is wrong.
 */
const char *verdicts_choose(struct verdicts *verdicts, const char *list,
			    enum verdict verdict);

/* The verdict for an end that waitid(2) reports.  *@status: that end as in shells. */
enum verdict verdict_of(const struct verdicts *verdicts, const siginfo_t *info,
			int *status);

#endif /* VERDICT_H */
