// SPDX-License-Identifier: GPL-2.0-only
/* See workers.h. What they have in common. */
#include "workers.h"

/*
 * The kernel's own ERESTARTSYS: io_uring of Linux 6.1 lets it through when a
 * worker thread of its own waits in the driver and the process is stopped.
 */
#define RESTART		512

bool try_again(ssize_t n, const char *what)
{
	if (n > 0)
		return false;
	if (n < 0 && (errno == EINTR || errno == RESTART))
		atomic_fetch_add(&shared->interrupted, 1);
	else if (n < 0 && errno == EAGAIN)
		atomic_fetch_add(&shared->refused, 1);
	else
		t_fail("%s gives %zd (%s)", what, n, n < 0 ? strerror(errno) : "");
	return true;
}
