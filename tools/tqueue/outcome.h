/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a job: settling, reporting and counting it. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <signal.h>

struct job;

/* Settles a job whose process has ended; @info is from waitid(2). */
void outcome_settle(struct job *job, const siginfo_t *info);

/* Returns a job that was not started, for no fault of its own, to its place. */
void outcome_give_back(struct job *job);

/* Buries a job that can never be started. */
void outcome_bury(struct job *job, const char *why);

#endif /* OUTCOME_H */
