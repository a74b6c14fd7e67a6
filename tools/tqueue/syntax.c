// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syntax.h"
#include "utf8.h"

/* No sensible file is larger, and no user wants more complaints. */
#define MOST_BYTES	65536
#define MOST_COMPLAINTS	10

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r\n");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r\n", end[-1]))
		end--;
	*end = '\0';
	return text;
}

enum syntax syntax_cut(char *line, char **name, char **value)
{
	char *text = trim(line);
	size_t length = strlen(text);
	char *equals;

	if (!length || *text == '#' || *text == ';')
		return SYNTAX_NOTHING;
	if (*text == '[') {
		if (text[length - 1] != ']')
			return SYNTAX_WRONG;
		text[length - 1] = '\0';
		*name = text + 1;
		return SYNTAX_SECTION;
	}
	equals = strchr(text, '=');
	if (!equals)
		return SYNTAX_WRONG;
	*equals = '\0';
	*name = trim(text);
	*value = trim(equals + 1);
	return SYNTAX_ASSIGNMENT;
}

int syntax_is_foreign(const char *name)
{
	return !strncmp(name, "X-", 2);
}

FILE *syntax_open(const char *path, const char **wrong)
{
	/* Opening it like this has no effects and does not wait, whatever the file is. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	FILE *in = NULL;
	struct stat st;

	*wrong = NULL;
	if (fd >= 0 && !fstat(fd, &st)) {
		if (!S_ISREG(st.st_mode))
			*wrong = "not a regular file";
		else if (st.st_size > MOST_BYTES)
			*wrong = "too large (more than 64K)";
		else
			in = fdopen(fd, "r");
	}
	if (in)
		return in;
	if (!*wrong)
		*wrong = strerror(errno);
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* Whether a line is UTF-8 without control characters. */
static int is_text(const char *line)
{
	const char *c;

	for (c = line; *c; c++)
		if ((*c > 0 && *c < ' ' && !strchr("\t\r\n", *c)) || *c == 127)
			return 0;
	return is_utf8((const unsigned char *)line, strlen(line));
}

int syntax_read(FILE *in, const char *path, syntax_take *take, void *data,
		syntax_complain *complain)
{
	unsigned int complaints = 0, number = 0;
	const char *wrong;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int result = 0;

	while ((length = getline(&line, &size, in)) >= 0) {
		number++;
		if (strlen(line) != (size_t)length)
			wrong = "zero byte in this line";
		else if (!is_text(line))
			wrong = "not text";
		else
			wrong = take(data, line);
		if (!wrong)
			continue;
		complain(path, number, wrong);
		result = -1;
		if (++complaints == MOST_COMPLAINTS) {
			complain(path, 0, "too many errors; the rest was not read");
			break;
		}
	}
	if (ferror(in)) {
		complain(path, 0, strerror(errno));
		result = -1;
	}
	free(line);
	return result;
}
