/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Progress on stderr: one line that is updated every second.
 *
 * A separate thread writes it, even while the program waits in a call.  So no wait
 * must be interrupted, which would cost a blocked sender its turn.
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
 * Starts showing progress.  @verb: such as "sent"; @total: bytes if known, else 0.
 * PROGRESS_AUTO shows nothing if @quiet, for example because messages go to the same
 * terminal.
 */
void progress_start(enum progress_wish wish, int quiet, const char *verb,
		    uint64_t total);

/* Counts this many more. */
void progress_add(uint64_t messages, uint64_t bytes);

/*
 * Whether we may write to the terminal that is standard error: not if we are in its
 * background, where other programs use it.  Without a controlling terminal there is no
 * background.
 */
int progress_in_foreground(void);

/* Cuts a line to the width of the terminal: a longer one could not be updated. */
void progress_cut_to_width(char *line);

/* Removes the line until the next update, before something else is written. */
void progress_clear(void);

/* Ends.  If numbers were shown, the last ones stay on the screen. */
void progress_stop(void);

#endif /* PROGRESS_H */
