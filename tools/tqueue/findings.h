/* SPDX-License-Identifier: GPL-2.0-only */
/* The findings of 'tqueue doctor': what is wrong, and the cure. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stddef.h>

/* Severities with the names and exit statuses of Nagios. */
enum severity { SEVERITY_OK, SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITY_UNKNOWN };

/**
 * struct finding - one thing that is wrong
 * @severity: how bad it is
 * @queue: the queue that it is about, or NULL
 * @problem: a word for programs, the same in every release
 * @text: what is wrong
 * @cure: what to do
 */
struct finding {
	enum severity severity;
	const char *queue;
	const char *problem;
	char *text;
	char *cure;
};

/**
 * struct findings - all findings
 * @list: the findings, in the order in which they were added
 * @count: how many
 * @queue: the queue that the next ones are about, or NULL
 */
struct findings {
	struct finding *list;
	size_t count;
	const char *queue;
};

/* Adds a finding.  It keeps the pointers to @problem and to findings->queue. */
__attribute__((format(printf, 4, 5)))
void finding_add(struct findings *findings, enum severity severity, const char *problem,
		 const char *text, ...);

/* Sets the cure of the finding that was added last. */
__attribute__((format(printf, 2, 3)))
void finding_cure(struct findings *findings, const char *cure, ...);

/* The worst severity of all findings. */
enum severity findings_worst(const struct findings *findings);

void findings_free(struct findings *findings);

const char *severity_word(enum severity severity);

#endif /* FINDINGS_H */
