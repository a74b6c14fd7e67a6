// SPDX-License-Identifier: GPL-2.0-only
/* The loop of tqueue_send_batch(3). */
#include <tqueue.h>

static int send_it(int fd)
{
	struct tqueue_batch batch;
	uint64_t space[64];

	tqueue_batch_init(&batch, space, sizeof(space));
	if (tqueue_batch_add(&batch, "one", 3) || tqueue_batch_add(&batch, "two", 3))
		return -2;
#include "c_send_batch"
	return 0;
}

int main(void)
{
	return send_it(tqueue_open("jobs", O_WRONLY)) != 0;
}
