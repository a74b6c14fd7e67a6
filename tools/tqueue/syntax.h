/* SPDX-License-Identifier: GPL-2.0-only */
/* Files in systemd's style: sections, and lines of the form Name=Value. */
#ifndef SYNTAX_H
#define SYNTAX_H

#include <stdio.h>

/* The kinds of lines: nothing (blank, comment), a section, an assignment, or wrong. */
enum syntax { SYNTAX_NOTHING, SYNTAX_SECTION, SYNTAX_ASSIGNMENT, SYNTAX_WRONG };

/* Parses a line.  *@name and *@value point into it. */
enum syntax syntax_cut(char *line, char **name, char **value);

/* Sections and names that begin with X- are for other programs, as in systemd's files. */
int syntax_is_foreign(const char *name);

/* Reports what is wrong with a line or, if @line is 0, with the file. */
typedef void syntax_complain(const char *path, unsigned int line, const char *wrong);

/* Opens a file for reading.  Returns NULL and what is wrong on failure. */
FILE *syntax_open(const char *path, const char **wrong);

/* Takes one line, which it may change.  Returns NULL, or what is wrong with it. */
typedef const char *syntax_take(void *data, char *line);

/*
 * Calls @take for each line of a file that is text, and @complain for each error, up to a
 * limit.  Returns 0, or -1 if there were errors.
 */
int syntax_read(FILE *in, const char *path, syntax_take *take, void *data,
		syntax_complain *complain);

#endif /* SYNTAX_H */
