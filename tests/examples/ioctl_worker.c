// SPDX-License-Identifier: GPL-2.0-only
/* The worker of tqueue(4): prints jobs until the queue ends; "bad" fails. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/tqueue.h>

static int work(const void *payload, size_t length)
{
	if (length == 3 && !memcmp(payload, "bad", 3))
		return -1;
	printf("%.*s\n", (int)length, (const char *)payload);
	return 0;
}

int main(void)
{
	static char job[65536] __attribute__((aligned(8)));
	int jobs = open("/dev/tq/jobs", O_RDONLY);

#include "ioctl_worker"
	return 0;
}
