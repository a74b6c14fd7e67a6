// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "report.h"

#define ENDING		".conf"

const char *conf_directories[] = {
	"/etc/tqueue/queues.d",
	"/run/tqueue/queues.d",
	"/usr/lib/tqueue/queues.d",
	NULL
};

static enum setting find_setting(const char *name)
{
	enum setting which;

	for (which = 0; which < SETTINGS; which++)
		if (!strcmp(setting_names[which], name))
			break;
	return which;
}

enum section { SECTION_NONE, SECTION_QUEUE, SECTION_FOREIGN, SECTION_UNKNOWN };

static enum section find_section(const char *name)
{
	if (!strcmp(name, "Queue"))
		return SECTION_QUEUE;
	return syntax_is_foreign(name) ? SECTION_FOREIGN : SECTION_UNKNOWN;
}

/* Takes over a line.  Returns NULL, or what is wrong with it. */
static const char *take_line(char *line, enum section *section,
			     struct settings *settings, char *text, size_t room)
{
	enum setting which;
	const char *wrong;
	char *name, *value;

	switch (syntax_cut(line, &name, &value)) {
	case SYNTAX_NOTHING:
		return NULL;
	case SYNTAX_SECTION:
		*section = find_section(name);
		if (*section != SECTION_UNKNOWN)
			return NULL;
		snprintf(text, room, "unknown section [%s] (expected [Queue])", name);
		return text;
	case SYNTAX_WRONG:
		return "expected Name=Value";
	case SYNTAX_ASSIGNMENT:
		break;
	}
	if (*section == SECTION_NONE)
		return "expected [Queue] before this line";
	if (*section != SECTION_QUEUE || syntax_is_foreign(name))
		return NULL;
	which = find_setting(name);
	if (which == SETTINGS) {
		snprintf(text, room, "unknown setting '%s'", name);
		return text;
	}
	/* An empty value takes back what was assigned before. */
	if (!*value) {
		settings->given &= ~(1U << which);
		return NULL;
	}
	wrong = setting_assign(settings, which, value);
	if (!wrong)
		return NULL;
	snprintf(text, room, "%s=%s: %s", name, value, wrong);
	return text;
}

/* The state of reading a file. */
struct reading {
	enum section section;
	struct settings *settings;
	char text[256];
};

static const char *take(void *data, char *line)
{
	struct reading *reading = data;

	return take_line(line, &reading->section, reading->settings, reading->text,
			 sizeof(reading->text));
}

int conf_read(FILE *in, const char *path, struct settings *settings,
	      syntax_complain *complain)
{
	struct reading reading = { SECTION_NONE, settings, "" };

	memset(settings, 0, sizeof(*settings));
	return syntax_read(in, path, take, &reading, complain);
}

static void make_path(const char *directory, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s" ENDING, directory, name);
}

int conf_find(const char *name, char path[PATH_MAX])
{
	char target[sizeof("/dev/null")];
	const char **directory;
	ssize_t length;
	struct stat st;

	for (directory = conf_directories; *directory; directory++) {
		make_path(*directory, name, path);
		if (lstat(path, &st))
			continue;
		if (!S_ISLNK(st.st_mode))
			return 1;
		length = readlink(path, target, sizeof(target));
		return length != sizeof(target) - 1 ||
		       memcmp(target, "/dev/null", sizeof(target) - 1);
	}
	return 0;
}

void conf_own(const char *name, char path[PATH_MAX])
{
	make_path(conf_directories[0], name, path);
}

static int compare(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* The length of a file's name before ".conf", or 0 for other files. */
static size_t stem(const char *file)
{
	size_t length = strlen(file), ending = strlen(ENDING);

	/* Files that begin with a dot are hidden, or half-written. */
	if (*file == '.' || length <= ending || strcmp(file + length - ending, ENDING))
		return 0;
	return length - ending;
}

char **conf_names(void)
{
	const struct dirent *entry;
	const char **directory;
	size_t count = 0, kept, i, length;
	char **names = NULL;
	DIR *open_directory;

	for (directory = conf_directories; *directory; directory++) {
		open_directory = opendir(*directory);
		if (!open_directory)
			continue;
		while ((entry = readdir(open_directory))) {
			length = stem(entry->d_name);
			if (!length)
				continue;
			names = xnonnull(realloc(names, (count + 2) * sizeof(*names)));
			names[count++] = xnonnull(strndup(entry->d_name, length));
		}
		closedir(open_directory);
	}
	if (!names)
		return xnonnull(calloc(1, sizeof(*names)));
	qsort(names, count, sizeof(*names), compare);
	for (kept = 1, i = 1; i < count; i++) {
		if (!strcmp(names[i], names[kept - 1]))
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	names[kept] = NULL;
	return names;
}

/* The lines of a file that is being edited, without their newlines. */
struct lines {
	char **line;
	size_t count;
};

static void insert(struct lines *lines, size_t at, const char *text)
{
	lines->line = xnonnull(realloc(lines->line, (lines->count + 1) * sizeof(char *)));
	memmove(lines->line + at + 1, lines->line + at, (lines->count - at) * sizeof(char *));
	lines->line[at] = xnonnull(strdup(text));
	lines->count++;
}

/* Reads all lines.  Returns 0, or -1 and errno. */
static int read_lines(FILE *in, struct lines *lines)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		insert(lines, lines->count, line);
	}
	free(line);
	return ferror(in) ? -1 : 0;
}

/*
 * Finds the last line that assigns each setting, counted from 1.  Returns the number of
 * lines up to the end of the section, or 0 if there is no section.
 */
static size_t find_lines(const struct lines *lines, size_t last[SETTINGS])
{
	enum section section = SECTION_NONE;
	enum setting which;
	char *copy, *name, *value;
	enum syntax kind;
	size_t i, end = 0;

	for (i = 0; i < lines->count; i++) {
		copy = xnonnull(strdup(lines->line[i]));
		kind = syntax_cut(copy, &name, &value);
		if (kind == SYNTAX_SECTION)
			section = find_section(name);
		if (section == SECTION_QUEUE && kind != SYNTAX_NOTHING)
			end = i + 1;
		if (section == SECTION_QUEUE && kind == SYNTAX_ASSIGNMENT) {
			which = find_setting(name);
			if (which != SETTINGS)
				last[which] = i + 1;
		}
		free(copy);
	}
	return end;
}

static void edit(struct lines *lines, const struct settings *settings)
{
	size_t last[SETTINGS] = { 0 };
	size_t end = find_lines(lines, last);
	char value[64], text[128];
	enum setting which;

	if (!end) {
		insert(lines, lines->count, "[Queue]");
		end = lines->count;
	}
	for (which = 0; which < SETTINGS; which++) {
		if (!setting_given(settings, which))
			continue;
		setting_text(settings, which, value, sizeof(value));
		snprintf(text, sizeof(text), "%s=%s", setting_names[which], value);
		if (last[which]) {
			free(lines->line[last[which] - 1]);
			lines->line[last[which] - 1] = xnonnull(strdup(text));
		} else {
			insert(lines, end++, text);
		}
	}
}

static int make_directories(const char *directory)
{
	char path[PATH_MAX];
	char *slash = path;

	snprintf(path, sizeof(path), "%s/", directory);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

/* Writes the whole file to the disk.  Returns 0, or -1 and errno. */
static int write_lines(int fd, const struct lines *lines)
{
	FILE *out = fdopen(fd, "w");
	int error = 0;
	size_t i;

	if (!out) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	errno = 0;
	for (i = 0; i < lines->count; i++)
		fprintf(out, "%s\n", lines->line[i]);
	if (fflush(out) || ferror(out) || fchmod(fd, 0644) || fsync(fd))
		error = errno ? errno : EIO;
	if (fclose(out) && !error)
		error = errno;
	errno = error;
	return error ? -1 : 0;
}

/* Writes a directory to the disk: only then does a rename survive a crash. */
static int sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

static int replace(const char *name, const struct lines *lines)
{
	const char *directory = conf_directories[0];
	char path[PATH_MAX], temporary[PATH_MAX];
	int fd, error;

	conf_own(name, path);
	if (make_directories(directory))
		return -1;
	if (snprintf(temporary, sizeof(temporary), "%s/.%s" ENDING ".XXXXXX",
		     directory, name) >= (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!write_lines(fd, lines) && !rename(temporary, path))
		return sync_directory(directory);
	error = errno;
	unlink(temporary);
	errno = error;
	return -1;
}

const char *conf_write(const char *name, const struct settings *settings)
{
	struct lines lines = { 0 };
	const char *wrong = NULL;
	char path[PATH_MAX];
	FILE *in;
	size_t i;

	if (conf_find(name, path)) {
		in = syntax_open(path, &wrong);
		if (!in)
			return wrong;
		if (read_lines(in, &lines))
			wrong = strerror(errno);
		fclose(in);
	} else {
		insert(&lines, 0, "# A queue that tqueue creates at boot; see tqueue.conf(5).");
	}
	if (!wrong) {
		edit(&lines, settings);
		if (replace(name, &lines))
			wrong = strerror(errno);
	}
	for (i = 0; i < lines.count; i++)
		free(lines.line[i]);
	free(lines.line);
	return wrong;
}
