// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attribute.h"
#include "queue.h"
#include "report.h"
#include "top_model.h"
#include "units.h"

#define NS_A_SECOND	1000000000ULL

const char *const top_sort_words[TOP_SORTS + 1] = {
	[TOP_NAME] = "name", [TOP_FILL] = "fill", [TOP_READY] = "ready",
	[TOP_LEASED] = "leased", [TOP_DELAYED] = "delayed", [TOP_BURIED] = "buried",
	[TOP_IN] = "in", [TOP_OUT] = "out", [TOP_OLDEST] = "oldest",
	[TOP_READERS] = "readers", [TOP_SORTS] = NULL
};

void top_model_init(struct top_model *model)
{
	memset(model, 0, sizeof(*model));
	/* If the driver is not loaded, opening the control device would load it. */
	model->control = access("/sys/class/tqueue", F_OK) ? -1 :
			 tqueue_control_open(O_RDONLY);
	model->messages = xnonnull(calloc(TOP_MESSAGES, sizeof(*model->messages)));
}

static void forget_detail(struct top_model *model)
{
	holders_free(&model->holders);
	processes_free(&model->processes);
	model->message_count = 0;
	model->messages_error = 0;
	model->queue = NULL;
}

void top_model_free(struct top_model *model)
{
	forget_detail(model);
	free(model->messages);
	free(model->all);
	free(model->shown);
	if (model->control >= 0)
		close(model->control);
}

double top_fill(const struct top_queue *queue)
{
	double fill = queue->info.size ? (double)queue->info.bytes / (double)queue->info.size : 0;

	return fill > 1 ? 1 : fill;
}

/* An array of queues that grows. */
struct queues {
	struct top_queue *list;
	size_t count;
	size_t room;
};

static void add(struct queues *queues, const struct tqueue_info *info)
{
	struct top_queue *queue;

	if (queues->count == queues->room) {
		queues->room = queues->room ? 2 * queues->room : 64;
		queues->list = xnonnull(realloc(queues->list,
						queues->room * sizeof(*queue)));
	}
	queue = &queues->list[queues->count++];
	memset(queue, 0, sizeof(*queue));
	queue->info = *info;
	queue->oldest = UNITS_FOREVER;
}

/* Lists queues through the control device, one call for each.  Returns 0, or -1 and errno. */
static int list_by_control(int control, struct queues *queues)
{
	struct tqueue_info info = { 0 };
	int result;

	while ((result = tqueue_control_next(control, &info)) > 0)
		add(queues, &info);
	return result;
}

/* Lists queues through sysfs, which every user can read. */
static int list_by_name(struct queues *queues)
{
	char **names = tqueue_list(), **name;
	struct tqueue_info info;

	if (!names)
		return -1;
	for (name = names; *name; name++)
		/* Skip queues that were removed meanwhile. */
		if (!tqueue_get_by_name(*name, &info))
			add(queues, &info);
	free(names);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct top_queue *left = a, *right = b;

	return strcmp(left->info.name, right->info.name);
}

static const struct top_queue *find(const struct top_queue *list, size_t count, const char *name)
{
	struct top_queue wanted;

	if (!count)
		return NULL;
	strncpy(wanted.info.name, name, sizeof(wanted.info.name) - 1);
	wanted.info.name[sizeof(wanted.info.name) - 1] = '\0';
	return bsearch(&wanted, list, count, sizeof(*list), compare_names);
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before && seconds > 0 ? (double)(now - before) / seconds : 0;
}

/* How old the oldest ready message is. */
static uint64_t oldest_of(const struct tqueue_info *info)
{
	uint64_t age;

	return info->messages && !attribute_number(info->name, "oldest", &age) ? age :
										 UNITS_FOREVER;
}

/* Computes rates from the counts now and at the look before. */
static void add_rates(struct top_model *model, struct queues *queues, uint64_t now)
{
	double seconds = (double)(now - model->taken) / (double)NS_A_SECOND;
	const struct top_queue *before;
	struct top_queue *queue;
	size_t i;

	for (i = 0; i < queues->count; i++) {
		queue = &queues->list[i];
		queue->oldest = oldest_of(&queue->info);
		before = find(model->all, model->all_count, queue->info.name);
		/* A new queue of the same name has counts of its own. */
		if (!before || memcmp(before->info.uuid, queue->info.uuid,
				      sizeof(queue->info.uuid)))
			continue;
		queue->in = rate(queue->info.sent, before->info.sent, seconds);
		queue->out = rate(queue->info.received, before->info.received, seconds);
	}
}

static int fill_message(const struct tqueue_listed *message, void *context)
{
	struct top_model *model = context;

	model->messages[model->message_count++] = *message;
	return model->message_count == TOP_MESSAGES;
}

/* Looks at the queue that is shown alone. */
static void look_at_detail(struct top_model *model)
{
	int fd;

	forget_detail(model);
	if (!model->detail[0])
		return;
	model->queue = find(model->all, model->all_count, model->detail);
	if (!model->queue)
		return;
	fd = open_to_look(model->detail);
	if (fd < 0 || messages_each(fd, model->states, fill_message, model) < 0)
		model->messages_error = errno;
	processes_scan(&model->processes);
	holders_find(&model->holders, &model->processes, &model->queue->info, fd);
	if (fd >= 0)
		close(fd);
	if (model->message_count && !model->message)
		model->message = model->messages[0].id;
}

void top_model_look(struct top_model *model)
{
	struct queues queues = { 0 };
	struct timespec time;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = (uint64_t)time.tv_sec * NS_A_SECOND + (uint64_t)time.tv_nsec;
	model->clocks = clocks_now();
	model->error = 0;
	if (model->control < 0 || list_by_control(model->control, &queues)) {
		/* The first way may have failed in the middle. */
		queues.count = 0;
		if (list_by_name(&queues))
			model->error = errno;
	}
	if (queues.count)
		qsort(queues.list, queues.count, sizeof(*queues.list), compare_names);
	add_rates(model, &queues, now);
	free(model->all);
	model->all = queues.list;
	model->all_count = queues.count;
	model->taken = now;
	look_at_detail(model);
	top_model_arrange(model);
}

static double value_of(const struct top_queue *queue, enum top_sort sort)
{
	switch (sort) {
	case TOP_FILL:
		return top_fill(queue);
	case TOP_READY:
		return (double)queue->info.messages;
	case TOP_LEASED:
		return (double)queue->info.leased;
	case TOP_DELAYED:
		return (double)queue->info.delayed;
	case TOP_BURIED:
		return (double)queue->info.buried;
	case TOP_IN:
		return queue->in;
	case TOP_OUT:
		return queue->out;
	case TOP_OLDEST:
		return queue->oldest == UNITS_FOREVER ? -1 : (double)queue->oldest;
	case TOP_READERS:
		return queue->info.readers;
	default:
		return 0;
	}
}

/* Compares queues: numbers in descending order, names in ascending order. */
static int compare_shown(const void *a, const void *b, void *context)
{
	const struct top_queue *const *left = a, *const *right = b;
	const struct top_model *model = context;
	double one = value_of(*left, model->sort), other = value_of(*right, model->sort);
	int order = one > other ? -1 : one < other;

	if (!order)
		order = strcmp((*left)->info.name, (*right)->info.name);
	return model->reverse ? -order : order;
}

void top_model_arrange(struct top_model *model)
{
	size_t i, count = 0;

	free(model->shown);
	model->shown = xnonnull(calloc(model->all_count + 1, sizeof(*model->shown)));
	for (i = 0; i < model->all_count; i++)
		if (strstr(model->all[i].info.name, model->filter))
			model->shown[count++] = &model->all[i];
	model->shown_count = count;
	qsort_r(model->shown, count, sizeof(*model->shown), compare_shown, model);
	/* If the selected queue is gone or hidden, select the first one. */
	if (count && top_model_position(model) == count)
		strcpy(model->selected, model->shown[0]->info.name);
}

size_t top_model_position(const struct top_model *model)
{
	size_t i;

	for (i = 0; i < model->shown_count; i++)
		if (!strcmp(model->shown[i]->info.name, model->selected))
			break;
	return i;
}

size_t top_model_message_position(const struct top_model *model)
{
	size_t i;

	/* If the selected message is gone, use the next one. */
	for (i = 0; i < model->message_count; i++)
		if (model->messages[i].id >= model->message)
			break;
	return i;
}

static size_t moved(size_t from, long by, size_t count)
{
	if (by < 0 && (size_t)-by > from)
		return 0;
	from += (size_t)by;
	return from < count ? from : count - 1;
}

void top_model_move(struct top_model *model, long by)
{
	size_t to;

	if (model->detail[0] && model->message_count) {
		to = moved(top_model_message_position(model), by, model->message_count);
		model->message = model->messages[to].id;
	} else if (!model->detail[0] && model->shown_count) {
		to = moved(top_model_position(model), by, model->shown_count);
		strcpy(model->selected, model->shown[to]->info.name);
	}
}
