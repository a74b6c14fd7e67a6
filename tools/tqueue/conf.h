/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of queues that are created at boot: tqueue.conf(5).
 */
#ifndef CONF_H
#define CONF_H

#include <limits.h>
#include <stdio.h>

#include "settings.h"
#include "syntax.h"

/* The directories, that of the highest precedence first.  Tests change the list. */
extern const char *conf_directories[];

/*
 * Reads a file, and reports its errors up to a limit.  Returns 0, or -1 if there
 * were any.
 */
int conf_read(FILE *in, const char *path, struct settings *settings,
	      syntax_complain *complain);

/*
 * Finds the file that counts for a queue.  Returns 1 and its path; or 0 if there is
 * none, or if it is a link to /dev/null, which hides files of lower precedence.
 */
int conf_find(const char *name, char path[PATH_MAX]);

/* The path of the administrator's own file for a queue, whether it exists or not. */
void conf_own(const char *name, char path[PATH_MAX]);

/*
 * The sorted names of all queues that have files, followed by a null pointer.  The
 * caller frees each name and the array.  A name may be invalid.
 */
char **conf_names(void);

/*
 * Writes settings to the administrator's own file, and creates it if it is missing.
 * Lines that assign them are changed, and all others stay.  A reader sees either the
 * old or the new file.  Returns NULL, or what is wrong.
 */
const char *conf_write(const char *name, const struct settings *settings);

#endif /* CONF_H */
