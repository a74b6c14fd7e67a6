// SPDX-License-Identifier: GPL-2.0-only
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "command.h"
#include "report.h"
#include "top_screen.h"
#include "units.h"

/* Lines above the table of queues, and below it. */
#define ABOVE	3
#define BELOW	1

/* A screen with fewer lines is too small. */
#define LEAST_LINES	6
#define LEAST_COLUMNS	30

enum { PAIR_LOW = 1, PAIR_MIDDLE, PAIR_HIGH, PAIR_STATE };

int top_screen_open(struct top_screen *screen, int colours)
{
	SCREEN *terminal;

	memset(screen, 0, sizeof(*screen));
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		report(NULL, "top needs a terminal; use \"tqueue list\" or \"tqueue stats\"");
		return EXIT_ERROR;
	}
	terminal = newterm(NULL, stdout, stdin);
	/* The terminal must be able to move its cursor. */
	if (terminal && (intptr_t)tigetstr("cup") <= 0) {
		endwin();
		delscreen(terminal);
		terminal = NULL;
	}
	if (!terminal) {
		report(NULL, "the terminal '%s' (TERM) is not known here, or cannot show a whole screen (use \"tqueue list\")",
		       getenv("TERM") ? getenv("TERM") : "");
		return EXIT_ERROR;
	}
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	screen->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	screen->colours = colours && has_colors() && start_color() == OK &&
			  use_default_colors() == OK;
	if (screen->colours) {
		init_pair(PAIR_LOW, COLOR_GREEN, -1);
		init_pair(PAIR_MIDDLE, COLOR_YELLOW, -1);
		init_pair(PAIR_HIGH, COLOR_RED, -1);
		init_pair(PAIR_STATE, COLOR_MAGENTA, -1);
	}
	return EXIT_OK;
}

void top_screen_close(struct top_screen *screen)
{
	free(screen->content);
	endwin();
}

static void attribute_on(const struct top_screen *screen, int pair)
{
	if (screen->colours && pair)
		attron(COLOR_PAIR(pair));
}

static void attribute_off(const struct top_screen *screen, int pair)
{
	if (screen->colours && pair)
		attroff(COLOR_PAIR(pair));
}

/*
 * Writes a text, never beyond the edge of the screen, and fills up with blanks to @width.
 * If the terminal has only ASCII, question marks replace other characters.
 */
static void put(const struct top_screen *screen, int y, int x, int width, const char *text)
{
	mbstate_t state = { 0 };
	int column = 0, wide;
	wchar_t character;
	size_t length;

	if (y < 0 || y >= LINES || x >= COLS)
		return;
	if (width > COLS - x)
		width = COLS - x;
	move(y, x);
	while (*text && column < width) {
		length = mbrtowc(&character, text, strlen(text), &state);
		wide = length > 0 && length < (size_t)-2 ? wcwidth(character) : -1;
		if (wide < 0) {
			addch('?');
			column++;
			memset(&state, 0, sizeof(state));
			/* One question mark replaces all bytes of a character. */
			for (text++; ((unsigned char)*text & 0xc0) == 0x80; text++)
				;
			continue;
		}
		if (column + wide > width)
			break;
		if (screen->utf8 || character < 0x80)
			addnstr(text, (int)length);
		else
			addch('?');
		text += length;
		column += wide;
	}
	for (; column < width; column++)
		addch(' ');
}

__attribute__((format(printf, 5, 6)))
static void print(const struct top_screen *screen, int y, int x, int width,
		  const char *format, ...)
{
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put(screen, y, x, width, text);
}

/* A number in at most five columns: 12345, 123k, 12M. */
static const char *short_number(double value, char text[16])
{
	static const char units[] = " kMGT";
	int unit = 0;

	while (value >= 99999.5 && unit < 4) {
		value /= 1000;
		unit++;
	}
	if (unit)
		snprintf(text, 16, "%.0f%c", value, units[unit]);
	else if (value > 0 && value < 9.95)
		snprintf(text, 16, "%.1f", value);
	else
		snprintf(text, 16, "%.0f", value);
	return text;
}

static const char *count_text(uint64_t count, char text[16])
{
	if (count < 100000)
		snprintf(text, 16, "%llu", (unsigned long long)count);
	else
		short_number((double)count, text);
	return text;
}

static const char *age_text(uint64_t age, char text[24])
{
	if (age == UNITS_FOREVER)
		snprintf(text, 24, "-");
	else
		format_duration_short(age, text, 24);
	return text;
}

static void draw_bar(const struct top_screen *screen, int y, int x, int width, double fill)
{
	/* Eighths of a character, from the left. */
	static const char *const parts[] = {
		" ", "\342\226\217", "\342\226\216", "\342\226\215", "\342\226\214",
		"\342\226\213", "\342\226\212", "\342\226\211", "\342\226\210",
	};
	int pair = fill < 0.6 ? PAIR_LOW : fill < 0.9 ? PAIR_MIDDLE : PAIR_HIGH;
	int inside = width - 2, eighths = (int)(fill * inside * 8 + 0.5), i, part;

	/* A queue that is not empty shows at least one eighth. */
	if (fill > 0 && !eighths)
		eighths = 1;
	put(screen, y, x, 1, "[");
	attribute_on(screen, pair);
	for (i = 0; i < inside; i++) {
		part = eighths - 8 * i;
		part = part < 0 ? 0 : part > 8 ? 8 : part;
		if (screen->utf8)
			put(screen, y, x + 1 + i, 1, parts[part]);
		else
			put(screen, y, x + 1 + i, 1, part >= 4 || (part && !i) ? "#" : " ");
	}
	attribute_off(screen, pair);
	put(screen, y, x + width - 1, 1, "]");
}

/* One letter for the state of a queue. */
static char state_letter(const struct tqueue_info *info)
{
	if (info->state & TQUEUE_STATE_STOPPED)
		return 'S';
	if (info->state & TQUEUE_STATE_PAUSED)
		return 'P';
	return info->state & TQUEUE_STATE_HELD_UP ? 'H' : ' ';
}

/* Whether there is room for more columns. */
static int is_wide(void)
{
	int columns = COLS;

	return columns >= 104;
}

static int name_width(const struct top_model *model)
{
	size_t i, length, width = 10;
	int room = COLS - (is_wide() ? 86 : 66);

	for (i = 0; i < model->shown_count; i++) {
		length = strlen(model->shown[i]->info.name);
		if (length > width)
			width = length;
	}
	if (room < 10)
		room = 10;
	return (int)width < room ? (int)width : room;
}

static void draw_heads(const struct top_screen *screen, const struct top_model *model)
{
	int width = name_width(model), x = width + 3;

	attron(A_REVERSE);
	print(screen, 2, 0, COLS, "%-*s", width, "NAME");
	print(screen, 2, x, COLS - x, "%-10s %6s %6s %6s %6s %6s %6s %6s", "FILL", "READY",
	      "LEASED", "DELAY", "BURIED", "IN/s", "OUT/s", "OLDEST");
	if (is_wide())
		print(screen, 2, x + 60, COLS - x - 60, " %6s %6s %6s", "READRS", "WRITRS",
		      "BLOCKD");
	attroff(A_REVERSE);
}

static void draw_queue(const struct top_screen *screen, const struct top_queue *queue, int y,
		       int width, int selected)
{
	const struct tqueue_info *info = &queue->info;
	char text[8][16], age[24];
	int x = width + 3;

	if (selected)
		attron(A_REVERSE);
	put(screen, y, 0, COLS, info->name);
	if (selected)
		attroff(A_REVERSE);
	put(screen, y, width, 1, " ");
	attribute_on(screen, PAIR_STATE);
	print(screen, y, width + 1, 2, "%c", state_letter(info));
	attribute_off(screen, PAIR_STATE);
	draw_bar(screen, y, x, 10, top_fill(queue));
	print(screen, y, x + 10, COLS - x - 10, " %6s %6s %6s %6s %6s %6s %6s",
	      count_text(info->messages, text[0]), count_text(info->leased, text[1]),
	      count_text(info->delayed, text[2]), count_text(info->buried, text[3]),
	      short_number(queue->in, text[4]), short_number(queue->out, text[5]),
	      age_text(queue->oldest, age));
	if (is_wide())
		print(screen, y, x + 60, COLS - x - 60, " %6u %6u %6u", info->readers,
		      info->writers, info->blocked_senders);
}

/* Scrolls so that the selected row is visible. */
static void scroll_to(struct top_screen *screen, size_t at, size_t count, size_t rows)
{
	if (screen->first + rows > count)
		screen->first = count > rows ? count - rows : 0;
	if (at < screen->first)
		screen->first = at;
	else if (rows && at >= screen->first + rows)
		screen->first = at - rows + 1;
}

static void draw_totals(const struct top_screen *screen, const struct top_model *model)
{
	uint64_t ready = 0, leased = 0, delayed = 0, buried = 0;
	double in = 0, out = 0;
	char text[6][16], clock[16];
	const struct top_queue *queue;
	time_t now = time(NULL);
	struct tm local;
	size_t i;

	for (i = 0; i < model->all_count; i++) {
		queue = &model->all[i];
		ready += queue->info.messages;
		leased += queue->info.leased;
		delayed += queue->info.delayed;
		buried += queue->info.buried;
		in += queue->in;
		out += queue->out;
	}
	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	print(screen, 0, 0, COLS, "tqueue top - %s, %zu queue%s, by %s%s%s%s%s", clock,
	      model->all_count, model->all_count == 1 ? "" : "s", top_sort_words[model->sort],
	      model->reverse ? " (reversed)" : "", model->filter[0] ? ", only '" : "",
	      model->filter, model->filter[0] ? "'" : "");
	print(screen, 1, 0, COLS, "messages: %s ready, %s leased, %s delayed, %s buried; %s/s in, %s/s out",
	      count_text(ready, text[0]), count_text(leased, text[1]),
	      count_text(delayed, text[2]), count_text(buried, text[3]),
	      short_number(in, text[4]), short_number(out, text[5]));
}

long top_screen_page(void)
{
	int rows = LINES - ABOVE - BELOW - 1;

	return rows > 1 ? rows : 1;
}

static void draw_queues(struct top_screen *screen, const struct top_model *model)
{
	int rows = LINES - ABOVE - BELOW, width = name_width(model), i;
	size_t at = top_model_position(model), index;
	char text[512];

	draw_totals(screen, model);
	draw_heads(screen, model);
	if (model->error)
		put(screen, ABOVE + 1, 0, COLS,
		    tqueue_explain(NULL, model->error, text, sizeof(text)));
	else if (!model->shown_count)
		put(screen, ABOVE + 1, 0, COLS, "No queue has this text in its name.");
	scroll_to(screen, at, model->shown_count, (size_t)rows);
	for (i = 0; i < rows; i++) {
		index = screen->first + (size_t)i;
		if (index < model->shown_count)
			draw_queue(screen, model->shown[index], ABOVE + i, width, index == at);
	}
}

/* Draws the processes that use the queue.  Returns the number of lines. */
static int draw_holders(const struct top_screen *screen, const struct top_model *model, int y,
			int lines)
{
	const struct holders *holders = &model->holders;
	const struct holder *holder;
	char waits[40], age[24];
	size_t i;

	attron(A_REVERSE);
	print(screen, y, 0, COLS, "%7s %s %4s %-6s %-8s %6s %6s %7s %s", "PID", "S", "FD",
	      "ACCESS", "WAITS", "LEASES", "OLDEST", "PARTIAL", "COMMAND");
	attroff(A_REVERSE);
	for (i = 0; i < holders->count && (int)i < lines - 1; i++) {
		holder = &holders->list[i];
		if ((int)i == lines - 2 && holders->count > i + 1) {
			print(screen, y + 1 + (int)i, 0, COLS, "        and %zu more",
			      holders->count - i);
			return lines;
		}
		print(screen, y + 1 + (int)i, 0, COLS,
		      "%7d %c %4d %-6s %-8s %6llu %6s %7llu %s", holder->process.pid,
		      holder->process.command[0] ? holder->process.state : '-',
		      holder->use ? holder->use->fd : -1,
		      holder->use ? access_word(holder->use) : "-",
		      waits_words(holder->use ? holder->use->waits : 0, waits, sizeof(waits)),
		      (unsigned long long)holder->leases,
		      age_text(holder->oldest.id ? message_age(&holder->oldest, &model->clocks) :
						   UNITS_FOREVER, age),
		      holder->use ? (unsigned long long)holder->use->partial : 0,
		      holder->process.command[0] ? holder->process.command : "(ended)");
	}
	if (!holders->count) {
		put(screen, y + 1, 0, COLS, model->processes.hidden ?
		    "        (none of yours; root sees all)" : "        (none)");
		i++;
	}
	return (int)i + 1;
}

static void draw_message(const struct top_screen *screen, const struct tqueue_listed *message,
			 const struct clocks *clocks, int y, int selected)
{
	char since[24], due[24], holder[16] = "-";

	if (message->state == TQUEUE_LEASED)
		snprintf(holder, sizeof(holder), "%u", message->holder);
	if (selected)
		attron(A_REVERSE);
	print(screen, y, 0, COLS, "%10llu %-9s %6s %6s %3u %5u %9u %7s %-8s %5d",
	      (unsigned long long)message->id, message_state_word(message),
	      age_text(message_age(message, clocks), since),
	      age_text(message_left(message, clocks), due), message->priority,
	      message->attempts, message->length, holder, message_reason_word(message),
	      message->code);
	if (selected)
		attroff(A_REVERSE);
}

static void draw_messages(struct top_screen *screen, const struct top_model *model, int y)
{
	int rows = LINES - BELOW - y - 1, i;
	size_t at = top_model_message_position(model), index;
	char text[512];

	attron(A_REVERSE);
	print(screen, y, 0, COLS, "%10s %-9s %6s %6s %3s %5s %9s %7s %-8s %5s", "ID", "STATE",
	      "SINCE", "DUE", "PRI", "TRIES", "LENGTH", "HOLDER", "REASON", "CODE");
	attroff(A_REVERSE);
	if (model->messages_error)
		put(screen, y + 1, 0, COLS,
		    tqueue_explain(model->detail, model->messages_error, text, sizeof(text)));
	else if (!model->message_count)
		put(screen, y + 1, 0, COLS, "           (none)");
	if (rows <= 0)
		return;
	scroll_to(screen, at, model->message_count, (size_t)rows);
	for (i = 0; i < rows; i++) {
		index = screen->first + (size_t)i;
		if (index < model->message_count)
			draw_message(screen, &model->messages[index], &model->clocks, y + 1 + i,
				     index == at);
	}
}

static void draw_detail(struct top_screen *screen, const struct top_model *model)
{
	const struct tqueue_info *info = &model->queue->info;
	char text[6][16], bytes[24], size[24], age[24];
	int y = 4;

	format_size_short(info->bytes, bytes, sizeof(bytes));
	format_size_short(info->size, size, sizeof(size));
	attron(A_BOLD);
	print(screen, 0, 0, COLS, "%s: %s%s%s", info->name,
	      info->state & TQUEUE_STATE_STOPPED ? "stopped" : "started",
	      info->state & TQUEUE_STATE_PAUSED ? ", paused" : "",
	      info->state & TQUEUE_STATE_HELD_UP ? ", held up by its leases" : "");
	attroff(A_BOLD);
	draw_bar(screen, 1, 0, 22, top_fill(model->queue));
	print(screen, 1, 23, COLS - 23, "%s of %s, %s/s in, %s/s out", bytes, size,
	      short_number(model->queue->in, text[0]), short_number(model->queue->out, text[1]));
	print(screen, 2, 0, COLS, "ready %s (oldest %s), leased %s, delayed %s, buried %s, in flight %u",
	      count_text(info->messages, text[2]), age_text(model->queue->oldest, age),
	      count_text(info->leased, text[3]), count_text(info->delayed, text[4]),
	      count_text(info->buried, text[5]), info->in_flight);
	print(screen, 3, 0, COLS, "readers %u, writers %u, blocked senders %u", info->readers,
	      info->writers, info->blocked_senders);
	y += draw_holders(screen, model, y, (LINES - y - BELOW) / 2);
	draw_messages(screen, model, y);
}

static void draw_help(const struct top_screen *screen)
{
	static const char *const lines[] = {
		"Keys of tqueue top",
		"",
		"  Up, Down, PgUp, PgDn, Home, End   another queue, or message",
		"  Enter      one queue: who uses it, and its messages",
		"  Esc        back to all queues; no filter",
		"  s, S       sort by the next column, or the one before",
		"  r          reverse the order",
		"  /          only queues with a text in their names",
		"  p          pause or resume the queue",
		"  k          kick: make its buried messages ready",
		"  m          of one queue: messages of one state, or of all",
		"  v          of one queue: the content of a message (peek)",
		"  Space      look now",
		"  q          quit",
		"",
		"After a name: S stopped, P paused, H held up by its leases",
		NULL
	};
	int i;

	for (i = 0; lines[i]; i++)
		put(screen, i, 0, COLS, lines[i]);
}

/* Draws the content of a message, line by line. */
static void draw_content(const struct top_screen *screen)
{
	const char *line = screen->content, *end;
	char text[512];
	int y;

	for (y = 0; y < LINES - BELOW && *line; y++) {
		end = strchrnul(line, '\n');
		snprintf(text, sizeof(text), "%.*s", (int)(end - line), line);
		put(screen, y, 0, COLS, text);
		line = *end ? end + 1 : end;
	}
}

static void draw_foot(const struct top_screen *screen, const struct top_model *model)
{
	const char *text = "? help  Enter one queue  s sort  / filter  p pause  k kick  q quit";
	char line[sizeof(screen->question) + 16];

	if (screen->question[0]) {
		snprintf(line, sizeof(line), "%s (y/n) ", screen->question);
		text = line;
	} else if (screen->editing) {
		snprintf(line, sizeof(line), "only names with: %s_", model->filter);
		text = line;
	} else if (screen->notice[0]) {
		text = screen->notice;
	} else if (screen->help || screen->content) {
		text = "any key goes back";
	} else if (model->detail[0]) {
		text = "? help  Esc back  m messages by state  v content  p pause  k kick  q quit";
	}
	attron(A_REVERSE);
	put(screen, LINES - 1, 0, COLS - 1, text);
	attroff(A_REVERSE);
}

void top_screen_draw(struct top_screen *screen, const struct top_model *model)
{
	erase();
	if (LINES < LEAST_LINES || COLS < LEAST_COLUMNS) {
		put(screen, 0, 0, COLS, "too small");
	} else {
		if (screen->help)
			draw_help(screen);
		else if (screen->content)
			draw_content(screen);
		else if (model->queue)
			draw_detail(screen, model);
		else
			draw_queues(screen, model);
		draw_foot(screen, model);
	}
	refresh();
}
