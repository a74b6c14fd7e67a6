/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that is read and cut into messages. */
#ifndef INPUT_H
#define INPUT_H

#include <stddef.h>
#include <sys/types.h>

/**
 * struct input - what is read and was not yet cut into messages
 * @fd: where from
 * @data: memory
 * @size: bytes of it
 * @from: where the first byte is that is left
 * @to: where the last one ends
 */
struct input {
	int fd;
	char *data;
	size_t size;
	size_t from;
	size_t to;
};

/* Would a read wait? */
int input_would_wait(const struct input *input);

/*
 * Reads more.  The bytes, or 0 at the end, or -1 and errno; EINTR: a signal came, as
 * signals.h has it.
 */
ssize_t input_read(struct input *input);

#endif /* INPUT_H */
