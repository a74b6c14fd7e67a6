/* SPDX-License-Identifier: GPL-2.0-only */
/* What 'tqueue top' shows: all queues with their rates, and one of them alone. */
#ifndef TOP_MODEL_H
#define TOP_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include <tqueue.h>

#include "holders.h"
#include "listed.h"
#include "processes.h"

enum top_sort {
	TOP_NAME, TOP_FILL, TOP_READY, TOP_LEASED, TOP_DELAYED, TOP_BURIED, TOP_IN, TOP_OUT,
	TOP_OLDEST, TOP_READERS, TOP_SORTS
};

/* The words of --sort, followed by a null pointer. */
extern const char *const top_sort_words[TOP_SORTS + 1];

/**
 * struct top_queue - a queue
 * @info: what the driver reports about it
 * @in: messages that are sent per second
 * @out: messages that are received per second
 * @oldest: how long ago the oldest ready message was sent, nanoseconds; UNITS_FOREVER
 *	if there is none or this is not known
 */
struct top_queue {
	struct tqueue_info info;
	double in;
	double out;
	uint64_t oldest;
};

/**
 * struct top_model - what is shown
 * @control: the control device, if we may use it, or -1
 * @taken: the time of the last look, CLOCK_MONOTONIC in nanoseconds
 * @error: why no queue could be seen, or 0
 * @all: all queues, sorted by name
 * @all_count: how many
 * @shown: the queues that pass the filter, sorted by @sort
 * @shown_count: how many
 * @filter: a text that the names of shown queues contain
 * @sort: the column to sort by
 * @reverse: whether to sort in the reverse order
 * @selected: the name of the selected queue
 * @detail: the name of the queue that is shown alone, or ""
 * @queue: that queue, or NULL if it is gone
 * @processes: all processes; only while a queue is shown alone
 * @holders: the holders of that queue
 * @states: the states of its messages that are shown, 0 for all
 * @messages: its first TOP_MESSAGES messages in these states
 * @message_count: how many
 * @messages_error: why they could not be listed, or 0
 * @message: the id of the selected message, or 0
 * @clocks: the time at which they were listed
 */
struct top_model {
	int control;
	uint64_t taken;
	int error;
	struct top_queue *all;
	size_t all_count;
	const struct top_queue **shown;
	size_t shown_count;
	char filter[TQUEUE_NAME_MAX + 1];
	enum top_sort sort;
	int reverse;
	char selected[TQUEUE_NAME_MAX + 1];
	char detail[TQUEUE_NAME_MAX + 1];
	const struct top_queue *queue;
	struct processes processes;
	struct holders holders;
	unsigned int states;
	struct tqueue_listed *messages;
	size_t message_count;
	int messages_error;
	uint64_t message;
	struct clocks clocks;
};

/* The most messages of a queue that are shown. */
#define TOP_MESSAGES	1000

void top_model_init(struct top_model *model);
void top_model_free(struct top_model *model);

/* Looks at everything that is shown. */
void top_model_look(struct top_model *model);

/* Filters and sorts the queues again, after @filter, @sort or @reverse has changed. */
void top_model_arrange(struct top_model *model);

/* The index of the selected queue in @shown. */
size_t top_model_position(const struct top_model *model);

/* Moves the selection by this many queues or, if one is shown alone, messages. */
void top_model_move(struct top_model *model, long by);

/* The index of the selected message. */
size_t top_model_message_position(const struct top_model *model);

/* How full a queue is, from 0 to 1. */
double top_fill(const struct top_queue *queue);

#endif /* TOP_MODEL_H */
