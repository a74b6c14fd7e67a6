// SPDX-License-Identifier: GPL-2.0-only
/* See check.h. */
#include "check.h"

#include <errno.h>
#include <string.h>

const char *t_error_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "unknown error";
}

void t_is_at(const char *file, int line, const char *what, long long got,
	     long long want)
{
	int error = errno;

	if (got == want)
		return;
	if (got == -1)
		t_fail_at(file, line, "%s is -1 (%s), not %lld", what,
			  t_error_name(error), want);
	t_fail_at(file, line, "%s is %lld, not %lld", what, got, want);
}

void t_errno_at(const char *file, int line, const char *what, long long got,
		int want)
{
	int error = errno;

	if (got == -1 && error == want)
		return;
	if (got == -1)
		t_fail_at(file, line, "%s fails with %s, not %s", what,
			  t_error_name(error), t_error_name(want));
	t_fail_at(file, line, "%s is %lld, not -1 (%s)", what, got,
		  t_error_name(want));
}
