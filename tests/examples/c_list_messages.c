// SPDX-License-Identifier: GPL-2.0-only
/* The loop of tqueue_list_messages(3). */
#include <stdio.h>

#include <tqueue.h>

int main(void)
{
	int fd = tqueue_open("jobs", O_RDONLY);

#include "c_list_messages"
	return got < 0;
}
