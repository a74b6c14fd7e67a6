// SPDX-License-Identifier: GPL-2.0-only
/* The loop of tqueue_list(3). */
#include <fcntl.h>
#include <stdio.h>

#include <tqueue.h>

int main(void)
{
	int control = tqueue_control_open(O_RDONLY);

#include "c_list"
	return 0;
}
