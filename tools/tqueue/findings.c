// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "report.h"

void finding_add(struct findings *findings, enum severity severity, const char *problem,
		 const char *text, ...)
{
	struct finding *finding;
	va_list arguments;

	findings->list = xnonnull(realloc(findings->list, (findings->count + 1) *
							  sizeof(*finding)));
	finding = &findings->list[findings->count++];
	memset(finding, 0, sizeof(*finding));
	finding->severity = severity;
	finding->queue = findings->queue;
	finding->problem = problem;
	va_start(arguments, text);
	if (vasprintf(&finding->text, text, arguments) < 0)
		finding->text = xnonnull(NULL);
	va_end(arguments);
}

void finding_cure(struct findings *findings, const char *cure, ...)
{
	struct finding *finding = &findings->list[findings->count - 1];
	va_list arguments;

	va_start(arguments, cure);
	if (vasprintf(&finding->cure, cure, arguments) < 0)
		finding->cure = xnonnull(NULL);
	va_end(arguments);
}

/* An unknown state is less bad than one that is known to be wrong. */
static int rank(enum severity severity)
{
	static const int ranks[] = {
		[SEVERITY_OK] = 0, [SEVERITY_UNKNOWN] = 1,
		[SEVERITY_WARNING] = 2, [SEVERITY_CRITICAL] = 3,
	};

	return ranks[severity];
}

enum severity findings_worst(const struct findings *findings)
{
	enum severity worst = SEVERITY_OK;
	size_t i;

	for (i = 0; i < findings->count; i++)
		if (rank(findings->list[i].severity) > rank(worst))
			worst = findings->list[i].severity;
	return worst;
}

void findings_free(struct findings *findings)
{
	size_t i;

	for (i = 0; i < findings->count; i++) {
		free(findings->list[i].text);
		free(findings->list[i].cure);
	}
	free(findings->list);
	memset(findings, 0, sizeof(*findings));
}

const char *severity_word(enum severity severity)
{
	static const char *const words[] = {
		[SEVERITY_OK] = "ok", [SEVERITY_WARNING] = "warning",
		[SEVERITY_CRITICAL] = "critical", [SEVERITY_UNKNOWN] = "unknown",
	};

	return words[severity];
}
