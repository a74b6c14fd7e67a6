// SPDX-License-Identifier: GPL-2.0-only
/* What tqueue_send_with(3) sends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <tqueue.h>

static void fail(const char *queue)
{
	perror(queue);
	exit(EXIT_FAILURE);
}

int main(void)
{
	const char *queue = "jobs";
	int fd = tqueue_open(queue, O_WRONLY);

#include "c_send_with"
	return 0;
}
