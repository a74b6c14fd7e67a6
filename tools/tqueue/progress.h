/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Progress on stderr, one line that is written anew every second.
 *
 * A thread of its own writes it, so that it goes on while the program waits in
 * a call, and no wait has to be cut short (which would cost a sender its place
 * in the line).
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

enum progress_wish {
	PROGRESS_AUTO,	/* if stderr is our terminal and the work takes a while */
	PROGRESS_YES,
	PROGRESS_NO,
};

/*
 * Begins.  @verb: "sent"; @total: bytes if known, else 0.  With PROGRESS_AUTO
 * nothing is shown if @quiet, say because messages go to the same terminal.
 */
void progress_start(enum progress_wish wish, int quiet, const char *verb,
		    uint64_t total);

/* So many more. */
void progress_add(uint64_t messages, uint64_t bytes);

/*
 * Is the terminal that is the standard error ours to write to?  In the background
 * others do, and the person types there.  Where we have no controlling terminal
 * there are no jobs.
 */
int progress_in_foreground(void);

/* A line that is longer than the terminal is wide could not be written anew. */
void progress_cut_to_width(char *line);

/* Takes the line away for a moment, before something else is written. */
void progress_clear(void);

/* Ends, and leaves the last numbers standing if any were shown. */
void progress_stop(void);

#endif /* PROGRESS_H */
