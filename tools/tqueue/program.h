/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding the program that a command names. */
#ifndef PROGRAM_H
#define PROGRAM_H

/*
 * The path of a program: the name itself if it has a slash, else the first match in PATH.
 * Returns NULL and errno if there is none: ENOENT, or why a file of that name cannot be
 * executed.
 */
char *find_program(const char *name);

#endif /* PROGRAM_H */
