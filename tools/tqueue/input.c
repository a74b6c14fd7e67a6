// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"
#include "input.h"
#include "report.h"

/* The bytes of one read. */
#define READ_BYTES	(128 * 1024)

/* Makes room for one read. */
static void make_room(struct input *input)
{
	if (input->from == input->to) {
		input->from = 0;
		input->to = 0;
	}
	if (input->size - input->to >= READ_BYTES)
		return;
	if (input->from) {
		memmove(input->data, input->data + input->from, input->to - input->from);
		input->to -= input->from;
		input->from = 0;
	}
	if (input->size - input->to >= READ_BYTES)
		return;
	input->size = input->size ? input->size * 2 : 2 * READ_BYTES;
	input->data = xnonnull(realloc(input->data, input->size));
}

int input_would_wait(const struct input *input)
{
	struct pollfd poll_fd = { .fd = input->fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) <= 0;
}

ssize_t input_read(struct input *input)
{
	struct pollfd poll_fd = { .fd = input->fd, .events = POLLIN };
	ssize_t length;

	make_room(input);
	for (;;) {
		if (signals_caught()) {
			errno = EINTR;
			return -1;
		}
		length = read(input->fd, input->data + input->to, input->size - input->to);
		if (length >= 0)
			break;
		if (errno == EAGAIN)
			poll(&poll_fd, 1, -1);
		else if (errno != EINTR)
			return -1;
	}
	input->to += (size_t)length;
	return length;
}
