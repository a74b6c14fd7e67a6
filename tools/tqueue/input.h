/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a file that is cut into messages.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stddef.h>
#include <sys/types.h>

/**
 * struct input - bytes that were read and not yet cut into messages
 * @fd: the file
 * @data: memory
 * @size: bytes of @data
 * @from: offset of the first byte that is left
 * @to: offset of the end
 */
struct input {
	int fd;
	char *data;
	size_t size;
	size_t from;
	size_t to;
};

/* Whether a read would wait. */
int input_would_wait(const struct input *input);

/*
 * Reads more.  Returns the number of bytes, 0 at the end, or -1 and errno; EINTR if a
 * signal arrived: see signals.h.
 */
ssize_t input_read(struct input *input);

#endif /* INPUT_H */
