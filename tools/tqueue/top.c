// SPDX-License-Identifier: GPL-2.0-only
/* tqueue top: all queues on one screen, as they are from second to second. */
#include <argp.h>
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "format.h"
#include "options.h"
#include "queue.h"
#include "report.h"
#include "top_model.h"
#include "top_screen.h"
#include "units.h"
#include "utf8.h"

#define ESCAPE	27

/* The most bytes of a message that are shown. */
#define MOST_CONTENT	16384

struct arguments {
	const char *name;
	uint64_t interval;
	enum top_sort sort;
	const char *filter;
	int no_color;
};

enum { KEY_INTERVAL = 'i', KEY_SORT = 0x200, KEY_FILTER, KEY_NO_COLOR };

/* What is done if the answer to a question is yes. */
enum act { ACT_NONE, ACT_PAUSE, ACT_RESUME, ACT_KICK, ACT_PEEK };

/**
 * struct top - the program
 * @model: what is shown
 * @screen: how it is shown
 * @act: what the present question is about
 * @queue: the queue of that question
 * @quit: whether to end
 */
struct top {
	struct top_model model;
	struct top_screen screen;
	enum act act;
	char queue[TQUEUE_NAME_MAX + 1];
	int quit;
};

static enum top_sort parse_sort(const char *word, const struct argp_state *state)
{
	enum top_sort sort;

	for (sort = 0; sort < TOP_SORTS; sort++)
		if (!strcmp(top_sort_words[sort], word))
			return sort;
	argp_error(state, "'%s': expected a column: name, fill, ready, leased, delayed, buried, in, out, oldest or readers",
		   word);
	return TOP_NAME;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_INTERVAL:
		if (parse_duration(argument, &arguments->interval) ||
		    arguments->interval < 100000000 || arguments->interval > 3600000000000)
			argp_error(state, "'%s': expected a time from 100ms to 1h", argument);
		return 0;
	case KEY_SORT:
		arguments->sort = parse_sort(argument, state);
		return 0;
	case KEY_FILTER:
		arguments->filter = argument;
		return 0;
	case KEY_NO_COLOR:
		arguments->no_color = 1;
		return 0;
	case ARGP_KEY_ARG:
		parse_queue(argument, state, &arguments->name);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "interval", KEY_INTERVAL, "TIME", 0, "time between two looks (1s)", 1 },
	{ "sort", KEY_SORT, "COLUMN", 0,
	  "name, fill, ready, leased, delayed, buried, in, out, oldest or readers", 1 },
	{ "filter", KEY_FILTER, "TEXT", 0, "only queues with this in their names", 1 },
	{ "no-color", KEY_NO_COLOR, NULL, 0, "use no colours, as with NO_COLOR in the environment",
	  1 },
	{ 0 }
};

static const struct argp top_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[QUEUE]",
	.doc = "Show all queues, or one, on the whole screen, as they are from second to second.\v"
	       "The key '?' shows the keys.",
};

__attribute__((format(printf, 2, 3)))
static void notice(struct top *top, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(top->screen.notice, sizeof(top->screen.notice), format, arguments);
	va_end(arguments);
}

static void notice_error(struct top *top, int error)
{
	tqueue_explain(top->queue, error, top->screen.notice, sizeof(top->screen.notice));
}

/* The queue that keys act on: the one that is shown alone, or the selected one. */
static const struct top_queue *queue_at_hand(const struct top *top)
{
	const struct top_model *model = &top->model;
	size_t position;

	if (model->detail[0])
		return model->queue;
	position = top_model_position(model);
	return position < model->shown_count ? model->shown[position] : NULL;
}

__attribute__((format(printf, 3, 4)))
static void ask(struct top *top, enum act act, const char *format, ...)
{
	va_list arguments;

	strcpy(top->queue, queue_at_hand(top)->info.name);
	top->act = act;
	va_start(arguments, format);
	vsnprintf(top->screen.question, sizeof(top->screen.question), format, arguments);
	va_end(arguments);
}

static void kick(struct top *top)
{
	int fd = tqueue_open(top->queue, O_RDONLY), count = -1, error;
	uint32_t left = 0;

	if (fd >= 0)
		count = tqueue_kick(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, &left);
	error = errno;
	if (fd >= 0)
		close(fd);
	if (count < 0)
		notice_error(top, error);
	else
		notice(top, "%s: kicked %d message%s%s", top->queue, count, count == 1 ? "" : "s",
		       left ? "; the keys of the others are taken" : "");
}

/* The bytes of a message as text or, if they are not text, in hexadecimal. */
static char *content_of(const struct tqueue_record *record)
{
	const unsigned char *data = tqueue_payload(record);
	size_t length = record->length, i;
	size_t shown = length < MOST_CONTENT ? length : MOST_CONTENT;
	int text = is_utf8(data, length);
	char *content = NULL;
	size_t size;
	FILE *out = open_memstream(&content, &size);

	if (!out)
		return xnonnull(NULL);
	fprintf(out, "message %llu, %zu byte%s%s\n\n", (unsigned long long)record->id, length,
		length == 1 ? "" : "s", shown < length ? ", of which these are the first" : "");
	for (i = 0; i < shown; i++) {
		if (text && (data[i] >= ' ' || data[i] == '\n') && data[i] != 0x7f)
			fputc(data[i], out);
		else if (text)
			fputc(data[i] == '\t' ? ' ' : '?', out);
		else
			fprintf(out, "%02x%s", data[i], i % 16 == 15 ? "\n" : " ");
	}
	fclose(out);
	return xnonnull(content);
}

static void peek(struct top *top)
{
	size_t size = TQUEUE_RECORD_BYTES(4096);
	struct tqueue_record *record = NULL;
	int fd = open_to_look(top->queue), result = -1, error = errno;

	while (fd >= 0) {
		record = xnonnull(realloc(record, size));
		result = tqueue_peek_id(fd, top->model.message, record, size);
		error = errno;
		if (result >= 0 || error != EMSGSIZE)
			break;
		size = TQUEUE_RECORD_BYTES(record->length);
	}
	if (fd >= 0)
		close(fd);
	if (result > 0)
		top->screen.content = content_of(record);
	else
		tqueue_explain_message(top->queue, top->model.message, error, top->screen.notice,
				       sizeof(top->screen.notice));
	free(record);
}

/* Does what the question was about. */
static void act(struct top *top)
{
	switch (top->act) {
	case ACT_PAUSE:
		if (pause_queue(top->queue))
			notice_error(top, errno);
		else
			notice(top, "%s: paused", top->queue);
		break;
	case ACT_RESUME:
		if (resume_queue(top->queue))
			notice_error(top, errno);
		else
			notice(top, "%s: resumed", top->queue);
		break;
	case ACT_KICK:
		kick(top);
		break;
	case ACT_PEEK:
		peek(top);
		break;
	case ACT_NONE:
		break;
	}
	top_model_look(&top->model);
}

static void answer(struct top *top, int key)
{
	top->screen.question[0] = '\0';
	if (key == 'y' || key == 'Y')
		act(top);
	else
		notice(top, "nothing was done");
	top->act = ACT_NONE;
}

static void edit(struct top *top, int key)
{
	char *filter = top->model.filter;
	size_t length = strlen(filter);

	switch (key) {
	case '\r':
	case '\n':
	case KEY_ENTER:
		top->screen.editing = 0;
		break;
	case ESCAPE:
		top->screen.editing = 0;
		filter[0] = '\0';
		break;
	case KEY_BACKSPACE:
	case 0x7f:
	case '\b':
		if (length)
			filter[length - 1] = '\0';
		break;
	default:
		/* Ignore characters that no name can have. */
		if (key > ' ' && key < 0x7f && length + 1 < sizeof(top->model.filter)) {
			filter[length] = (char)key;
			filter[length + 1] = '\0';
		}
	}
	top_model_arrange(&top->model);
}

static void open_detail(struct top *top, const char *name)
{
	struct top_model *model = &top->model;

	snprintf(model->detail, sizeof(model->detail), "%s", name);
	snprintf(model->selected, sizeof(model->selected), "%s", name);
	model->message = 0;
	model->states = 0;
	top->screen.first = 0;
	top_model_look(model);
}

static void close_detail(struct top *top)
{
	top->model.detail[0] = '\0';
	top->screen.first = 0;
	top_model_look(&top->model);
}

/* Shows messages in the next state; after the last state, all messages. */
static void next_states(struct top *top)
{
	static const unsigned int states[] = {
		0, TQUEUE_READY, TQUEUE_LEASED, TQUEUE_DELAYED, TQUEUE_BURIED, TQUEUE_IN_FLIGHT, 0
	};
	struct top_model *model = &top->model;
	struct tqueue_listed example;
	size_t i = 0;

	while (states[i] != model->states)
		i++;
	model->states = states[i + 1];
	model->message = 0;
	top->screen.first = 0;
	example.state = (__u8)model->states;
	notice(top, "shown messages: %s",
	       model->states ? message_state_word(&example) : "all");
	top_model_look(model);
}

static void press_in_detail(struct top *top, int key)
{
	switch (key) {
	case ESCAPE:
	case KEY_LEFT:
	case KEY_BACKSPACE:
		close_detail(top);
		break;
	case 'm':
		next_states(top);
		break;
	case 'v':
		if (top->model.queue && top->model.message_count)
			ask(top, ACT_PEEK, "show the content of message %llu?",
			    (unsigned long long)top->model.message);
		break;
	}
}

static void press_in_list(struct top *top, int key)
{
	const struct top_queue *queue = queue_at_hand(top);
	struct top_model *model = &top->model;

	switch (key) {
	case '\r':
	case '\n':
	case KEY_ENTER:
	case KEY_RIGHT:
		if (queue)
			open_detail(top, queue->info.name);
		break;
	case ESCAPE:
		model->filter[0] = '\0';
		break;
	case '/':
		top->screen.editing = 1;
		break;
	case 's':
		model->sort = (model->sort + 1) % TOP_SORTS;
		break;
	case 'S':
		model->sort = (model->sort + TOP_SORTS - 1) % TOP_SORTS;
		break;
	case 'r':
		model->reverse = !model->reverse;
		break;
	}
	top_model_arrange(model);
}

/* Handles keys that do the same whether one queue is shown or all are. */
static void press(struct top *top, int key)
{
	const struct top_queue *queue = queue_at_hand(top);
	struct top_model *model = &top->model;

	switch (key) {
	case 'q':
		top->quit = 1;
		break;
	case '?':
	case 'h':
		top->screen.help = 1;
		break;
	case ' ':
		top_model_look(model);
		break;
	case KEY_UP:
		top_model_move(model, -1);
		break;
	case KEY_DOWN:
		top_model_move(model, 1);
		break;
	case KEY_PPAGE:
		top_model_move(model, -top_screen_page());
		break;
	case KEY_NPAGE:
		top_model_move(model, top_screen_page());
		break;
	case KEY_HOME:
		top_model_move(model, -1000000);
		break;
	case KEY_END:
		top_model_move(model, 1000000);
		break;
	case 'p':
		if (queue && queue->info.state & TQUEUE_STATE_PAUSED)
			ask(top, ACT_RESUME, "resume %s?", queue->info.name);
		else if (queue)
			ask(top, ACT_PAUSE, "pause %s: give out no messages?", queue->info.name);
		break;
	case 'k':
		if (queue)
			ask(top, ACT_KICK, "kick %s: make its %llu buried messages ready?",
			    queue->info.name, (unsigned long long)queue->info.buried);
		break;
	default:
		if (model->detail[0])
			press_in_detail(top, key);
		else
			press_in_list(top, key);
	}
}

static void handle(struct top *top, int key)
{
	struct top_screen *screen = &top->screen;

	if (key == KEY_RESIZE)
		return;
	screen->notice[0] = '\0';
	if (screen->question[0]) {
		answer(top, key);
	} else if (screen->editing) {
		edit(top, key);
	} else if (screen->help || screen->content) {
		screen->help = 0;
		free(screen->content);
		screen->content = NULL;
	} else {
		press(top, key);
	}
}

/* Looks at everything again.  The queue that is shown alone may be gone. */
static void look(struct top *top)
{
	top_model_look(&top->model);
	if (!top->model.detail[0] || top->model.queue)
		return;
	notice(top, "%s was removed", top->model.detail);
	top->screen.question[0] = '\0';
	close_detail(top);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Waits for a key or until @until.  Returns whether there still is a terminal. */
static int wait_for_key(uint64_t until)
{
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t time = now(), left = until > time ? until - time : 0;
	struct timespec timeout = { (time_t)(left / 1000000000), (long)(left % 1000000000) };

	/* A resize of the terminal interrupts the call, and getch() then returns it as a key. */
	if (ppoll(&keys, 1, &timeout, NULL) < 0)
		return errno == EINTR;
	return !(keys.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void run(struct top *top, uint64_t interval)
{
	uint64_t due = now() + interval;
	int key;

	while (!top->quit) {
		top_screen_draw(&top->screen, &top->model);
		if (!wait_for_key(due))
			return;
		while ((key = getch()) != ERR && !top->quit)
			handle(top, key);
		if (now() >= due) {
			look(top);
			due = now() + interval;
		}
	}
}

int command_top(int argc, char **argv)
{
	struct arguments arguments = { .interval = 1000000000 };
	const char *no_color = getenv("NO_COLOR"), *name = NULL;
	struct top top = { 0 };
	int status;

	argp_parse(&top_argp, argc, argv, 0, NULL, &arguments);
	if (arguments.name) {
		name = name_of_queue(arguments.name);
		if (!name)
			return EXIT_ERROR;
	}
	top_model_init(&top.model);
	top.model.sort = arguments.sort;
	if (arguments.filter)
		snprintf(top.model.filter, sizeof(top.model.filter), "%s", arguments.filter);
	top_model_look(&top.model);
	if (name)
		open_detail(&top, name);
	if (top.model.error) {
		status = report_error(NULL, top.model.error);
	} else if (name && !top.model.queue) {
		status = report_error(name, ENOENT);
	} else {
		status = top_screen_open(&top.screen,
					 !arguments.no_color && !(no_color && *no_color));
		if (!status) {
			run(&top, arguments.interval);
			top_screen_close(&top.screen);
		}
	}
	top_model_free(&top.model);
	return status;
}
