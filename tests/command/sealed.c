// SPDX-License-Identifier: GPL-2.0-only
/* sealed: says what can be done with its standard input beside reading it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char data[64];
	ssize_t length;

	/* To the end, and back to the middle. */
	while (read(STDIN_FILENO, data, sizeof(data)) > 0)
		;
	if (lseek(STDIN_FILENO, 6, SEEK_SET) != 6)
		return 1;
	length = read(STDIN_FILENO, data, sizeof(data));
	if (length < 0)
		return 1;
	/* Newer kernels have one more, against execution. */
	printf("%.*s is what comes after lseek(); seals %d\n", (int)length, data,
	       fcntl(STDIN_FILENO, F_GET_SEALS) &
	       (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	return 0;
}
