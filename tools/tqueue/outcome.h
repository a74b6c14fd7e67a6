/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a job: it is settled, told and counted. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <signal.h>

struct job;

/* Its process has ended, as waitid(2) tells. */
void outcome_settle(struct job *job, const siginfo_t *info);

/* It was not started, and that is not its fault: it goes back to its place. */
void outcome_give_back(struct job *job);

/* It cannot be started, and that is its own fault. */
void outcome_bury(struct job *job, const char *why);

#endif /* OUTCOME_H */
