/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of queues that come back after a restart: tqueue.conf(5).
 */
#ifndef CONF_H
#define CONF_H

#include <limits.h>
#include <stdio.h>

#include "settings.h"

/* Where they are, first the one that wins; tests put theirs in front. */
extern const char *conf_directories[];

/* What is told of a wrong line; 0: of the file. */
typedef void conf_complain(const char *path, unsigned int line, const char *wrong);

/* Opens a file for reading; NULL, and what is wrong with it. */
FILE *conf_open(const char *path, const char **wrong);

/*
 * Reads a file.  What is wrong with it is told, but for what comes after many
 * wrong lines; 0, or -1 if there was anything.
 */
int conf_read(FILE *in, const char *path, struct settings *settings,
	      conf_complain *complain);

/*
 * The file that counts for a queue: 1 and its path, or 0 if there is none, or
 * it is a link to /dev/null, which hides those that would count otherwise.
 */
int conf_find(const char *name, char path[PATH_MAX]);

/* The path of the administrator's own file for a queue, there or not. */
void conf_own(const char *name, char path[PATH_MAX]);

/*
 * The names of all queues that have files, sorted, a null pointer behind the
 * last; one free() each and one for all.  A name need not be a good one.
 */
char **conf_names(void);

/*
 * Puts settings into the administrator's own file, which it makes if need be:
 * lines that assign them are changed, others are left as they are.  Whoever
 * reads it meanwhile finds the old or the new file.  NULL, or what is wrong.
 */
const char *conf_write(const char *name, const struct settings *settings);

#endif /* CONF_H */
