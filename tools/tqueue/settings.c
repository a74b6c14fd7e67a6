// SPDX-License-Identifier: GPL-2.0-only
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "settings.h"
#include "units.h"

const char *const setting_names[SETTINGS] = {
	[SETTING_SIZE] = "Size",
	[SETTING_MAX_MESSAGE] = "MaxMessage",
	[SETTING_OVERFLOW] = "Overflow",
	[SETTING_END_OF_FILE] = "EndOfFile",
	[SETTING_NO_READER] = "NoReader",
	[SETTING_OWNER] = "Owner",
	[SETTING_GROUP] = "Group",
	[SETTING_MODE] = "Mode",
};

static const char *const overflow_words[] = {
	[TQUEUE_OVERFLOW_BLOCK] = "block",
	[TQUEUE_OVERFLOW_REJECT] = "reject",
	[TQUEUE_OVERFLOW_DROP_OLDEST] = "drop-oldest",
	NULL
};

static const char *const end_of_file_words[] = {
	[TQUEUE_EOF_NEVER] = "never",
	[TQUEUE_EOF_LAST_WRITER] = "last-writer",
	NULL
};

static const char *const no_reader_words[] = {
	[TQUEUE_NO_READER_KEEP] = "keep",
	[TQUEUE_NO_READER_ERROR] = "error",
	NULL
};

static const char *word_of(const char *const *words, uint32_t number)
{
	uint32_t i;

	for (i = 0; words[i]; i++)
		if (i == number)
			return words[i];
	return "unknown";
}

static int number_of(const char *const *words, const char *word, uint32_t *number)
{
	uint32_t i;

	for (i = 0; words[i]; i++) {
		if (!strcmp(words[i], word)) {
			*number = i;
			return 0;
		}
	}
	return -1;
}

const char *overflow_word(uint32_t overflow)
{
	return word_of(overflow_words, overflow);
}

const char *end_of_file_word(uint32_t end_of_file)
{
	return word_of(end_of_file_words, end_of_file);
}

const char *no_reader_word(uint32_t no_reader)
{
	return word_of(no_reader_words, no_reader);
}

static int parse_mode(const char *text, mode_t *mode)
{
	mode_t bits = 0;
	size_t length = strlen(text);

	if (!length || length > 5)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return -1;
		bits = bits << 3 | (mode_t)(*text - '0');
	}
	if (!bits || bits & ~(mode_t)0666)
		return -1;
	*mode = bits;
	return 0;
}

static const char *copy_owner(char *to, size_t room, const char *name)
{
	if (!*name || strlen(name) >= room)
		return "a name or a number is wanted";
	strcpy(to, name);
	return NULL;
}

static const char *assign(struct settings *settings, enum setting which,
			  const char *value)
{
	switch (which) {
	case SETTING_SIZE:
		if (parse_size(value, &settings->size) || !settings->size)
			return "a size is wanted: a number of bytes, or one with K, M or G";
		return NULL;
	case SETTING_MAX_MESSAGE:
		if (parse_size(value, &settings->max_message))
			return "a size is wanted, such as 4096 or 64K, or 0 for the most that fits";
		return NULL;
	case SETTING_OVERFLOW:
		if (number_of(overflow_words, value, &settings->overflow))
			return "it can be block, reject or drop-oldest";
		return NULL;
	case SETTING_END_OF_FILE:
		if (number_of(end_of_file_words, value, &settings->end_of_file))
			return "it can be never or last-writer";
		return NULL;
	case SETTING_NO_READER:
		if (number_of(no_reader_words, value, &settings->no_reader))
			return "it can be keep or error";
		return NULL;
	case SETTING_OWNER:
		return copy_owner(settings->owner, sizeof(settings->owner), value);
	case SETTING_GROUP:
		return copy_owner(settings->group, sizeof(settings->group), value);
	case SETTING_MODE:
		if (parse_mode(value, &settings->mode))
			return "octal read and write bits are wanted, such as 0660";
		return NULL;
	case SETTINGS:
		break;
	}
	return "there is no such setting";
}

const char *setting_assign(struct settings *settings, enum setting which,
			   const char *value)
{
	const char *wrong = assign(settings, which, value);

	if (!wrong)
		settings->given |= 1U << which;
	return wrong;
}

void setting_text(const struct settings *settings, enum setting which,
		  char *text, size_t room)
{
	switch (which) {
	case SETTING_SIZE:
		format_size(settings->size, text, room);
		break;
	case SETTING_MAX_MESSAGE:
		format_size(settings->max_message, text, room);
		break;
	case SETTING_OVERFLOW:
		snprintf(text, room, "%s", overflow_word(settings->overflow));
		break;
	case SETTING_END_OF_FILE:
		snprintf(text, room, "%s", end_of_file_word(settings->end_of_file));
		break;
	case SETTING_NO_READER:
		snprintf(text, room, "%s", no_reader_word(settings->no_reader));
		break;
	case SETTING_OWNER:
		snprintf(text, room, "%s", settings->owner);
		break;
	case SETTING_GROUP:
		snprintf(text, room, "%s", settings->group);
		break;
	case SETTING_MODE:
		snprintf(text, room, "%04o", settings->mode);
		break;
	case SETTINGS:
		break;
	}
}

struct tqueue_config settings_config(const struct settings *settings)
{
	struct tqueue_config config = {
		.size = settings->size,
		.max_message = settings->max_message,
		.overflow = settings->overflow,
		.end_of_file = settings->end_of_file,
		.no_reader = settings->no_reader,
	};

	if (setting_given(settings, SETTING_SIZE))
		config.fields |= TQUEUE_CONFIG_SIZE;
	if (setting_given(settings, SETTING_MAX_MESSAGE))
		config.fields |= TQUEUE_CONFIG_MAX_MESSAGE;
	if (setting_given(settings, SETTING_OVERFLOW))
		config.fields |= TQUEUE_CONFIG_OVERFLOW;
	if (setting_given(settings, SETTING_END_OF_FILE))
		config.fields |= TQUEUE_CONFIG_END_OF_FILE;
	if (setting_given(settings, SETTING_NO_READER))
		config.fields |= TQUEUE_CONFIG_NO_READER;
	return config;
}

const char *settings_owners(const struct settings *settings, uid_t *uid,
			    gid_t *gid, char *text, size_t room)
{
	const struct passwd *user;
	const struct group *group;
	uint64_t number;

	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (setting_given(settings, SETTING_OWNER)) {
		user = getpwnam(settings->owner);
		if (user) {
			*uid = user->pw_uid;
		} else if (!parse_number(settings->owner, (uid_t)-2, &number)) {
			*uid = (uid_t)number;
		} else {
			snprintf(text, room, "there is no user '%s'", settings->owner);
			return text;
		}
	}
	if (setting_given(settings, SETTING_GROUP)) {
		group = getgrnam(settings->group);
		if (group) {
			*gid = group->gr_gid;
		} else if (!parse_number(settings->group, (gid_t)-2, &number)) {
			*gid = (gid_t)number;
		} else {
			snprintf(text, room, "there is no group '%s'", settings->group);
			return text;
		}
	}
	return NULL;
}
