/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding the program that a command names. */
#ifndef PROGRAM_H
#define PROGRAM_H

/*
 * The path of a program: as it is if it has a slash, else where PATH has it first.
 * NULL and errno: ENOENT, or why what was found cannot be executed.
 */
char *find_program(const char *name);

#endif /* PROGRAM_H */
