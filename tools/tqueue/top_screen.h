/* SPDX-License-Identifier: GPL-2.0-only */
/* The screen of 'tqueue top': draws the model on any terminal. */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include "top_model.h"

/**
 * struct top_screen - the screen
 * @colours: whether to use colours
 * @utf8: whether the terminal has more than ASCII
 * @first: the first row of the table that is visible
 * @help: the keys are shown instead of the queues
 * @editing: the user is typing the filter
 * @question: a question that the user answers with y or n, or ""
 * @notice: a message to the user, or ""
 * @content: the content of a message to show, or NULL
 */
struct top_screen {
	int colours;
	int utf8;
	size_t first;
	int help;
	int editing;
	char question[128];
	char notice[512];
	char *content;
};

/* Takes the terminal.  Returns 0, or an exit status after reporting the error. */
int top_screen_open(struct top_screen *screen, int colours);

/* Gives it back as it was. */
void top_screen_close(struct top_screen *screen);

void top_screen_draw(struct top_screen *screen, const struct top_model *model);

/* How many rows of a table are visible. */
long top_screen_page(void);

#endif /* TOP_SCREEN_H */
