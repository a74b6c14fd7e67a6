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
	[SETTING_TTL] = "TTL",
	[SETTING_ON_EXPIRED] = "OnExpired",
	[SETTING_MAX_ATTEMPTS] = "MaxAttempts",
	[SETTING_ON_EXHAUSTED] = "OnExhausted",
	[SETTING_LEASE_LIMIT] = "LeaseLimit",
	[SETTING_MAX_LEASED] = "MaxLeased",
	[SETTING_MAX_BURIED] = "MaxBuried",
	[SETTING_UNIQUE] = "Unique",
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

static const char *const on_expired_words[] = {
	[TQUEUE_EXPIRED_DROP] = "drop",
	[TQUEUE_EXPIRED_BURY] = "bury",
	NULL
};

static const char *const on_exhausted_words[] = {
	[TQUEUE_EXHAUSTED_BURY] = "bury",
	[TQUEUE_EXHAUSTED_DROP] = "drop",
	NULL
};

static const char *const unique_words[] = {
	[TQUEUE_UNIQUE_USER] = "user",
	[TQUEUE_UNIQUE_QUEUE] = "queue",
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

const char *on_expired_word(uint32_t on_expired)
{
	return word_of(on_expired_words, on_expired);
}

const char *on_exhausted_word(uint32_t on_exhausted)
{
	return word_of(on_exhausted_words, on_exhausted);
}

const char *unique_word(uint32_t unique)
{
	return word_of(unique_words, unique);
}

/* Parses a number or "infinity", which becomes 0. */
static int parse_most(const char *text, uint64_t max, uint32_t *limit)
{
	uint64_t number = 0;

	if (strcmp(text, "infinity") && parse_number(text, max, &number))
		return -1;
	*limit = (uint32_t)number;
	return 0;
}

static int parse_span(const char *text, uint64_t *ns)
{
	if (parse_duration(text, ns))
		return -1;
	if (*ns == UNITS_FOREVER)
		*ns = 0;
	return *ns >> 63 ? -1 : 0;
}

static void format_span(uint64_t ns, char *text, size_t room)
{
	format_duration(ns ? ns : UNITS_FOREVER, text, room);
}

static void format_most(uint32_t limit, char *text, size_t room)
{
	if (limit)
		snprintf(text, room, "%u", limit);
	else
		snprintf(text, room, "infinity");
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
		return "expected a name or a number";
	strcpy(to, name);
	return NULL;
}

static const char *assign(struct settings *settings, enum setting which,
			  const char *value)
{
	switch (which) {
	case SETTING_SIZE:
		if (parse_size(value, &settings->size) || !settings->size)
			return "expected a size: bytes, or a number with K, M or G";
		return NULL;
	case SETTING_MAX_MESSAGE:
		if (parse_size(value, &settings->max_message))
			return "expected a size such as 4096 or 64K, or 0 for the most that fits";
		return NULL;
	case SETTING_OVERFLOW:
		if (number_of(overflow_words, value, &settings->overflow))
			return "expected block, reject or drop-oldest";
		return NULL;
	case SETTING_END_OF_FILE:
		if (number_of(end_of_file_words, value, &settings->end_of_file))
			return "expected never or last-writer";
		return NULL;
	case SETTING_NO_READER:
		if (number_of(no_reader_words, value, &settings->no_reader))
			return "expected keep or error";
		return NULL;
	case SETTING_TTL:
		if (parse_span(value, &settings->ttl))
			return "expected a time such as 10min or 1h 30min, or infinity";
		return NULL;
	case SETTING_ON_EXPIRED:
		if (number_of(on_expired_words, value, &settings->on_expired))
			return "expected drop or bury";
		return NULL;
	case SETTING_MAX_ATTEMPTS:
		if (parse_most(value, 65535, &settings->max_attempts))
			return "expected a number up to 65535, or infinity";
		return NULL;
	case SETTING_ON_EXHAUSTED:
		if (number_of(on_exhausted_words, value, &settings->on_exhausted))
			return "expected bury or drop";
		return NULL;
	case SETTING_LEASE_LIMIT:
		if (parse_span(value, &settings->lease_limit))
			return "expected a time such as 10min or 1h 30min, or infinity";
		return NULL;
	case SETTING_MAX_LEASED:
		if (parse_most(value, UINT32_MAX, &settings->max_leased))
			return "expected a number of messages, or infinity";
		return NULL;
	case SETTING_MAX_BURIED:
		if (parse_size(value, &settings->max_buried))
			return "expected a size such as 64K, or 0 for a quarter of --size";
		return NULL;
	case SETTING_UNIQUE:
		if (number_of(unique_words, value, &settings->unique))
			return "expected user or queue";
		return NULL;
	case SETTING_OWNER:
		return copy_owner(settings->owner, sizeof(settings->owner), value);
	case SETTING_GROUP:
		return copy_owner(settings->group, sizeof(settings->group), value);
	case SETTING_MODE:
		if (parse_mode(value, &settings->mode))
			return "expected octal read and write bits such as 0660";
		return NULL;
	case SETTINGS:
		break;
	}
	return "unknown setting";
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
	case SETTING_TTL:
		format_span(settings->ttl, text, room);
		break;
	case SETTING_ON_EXPIRED:
		snprintf(text, room, "%s", on_expired_word(settings->on_expired));
		break;
	case SETTING_MAX_ATTEMPTS:
		format_most(settings->max_attempts, text, room);
		break;
	case SETTING_ON_EXHAUSTED:
		snprintf(text, room, "%s", on_exhausted_word(settings->on_exhausted));
		break;
	case SETTING_LEASE_LIMIT:
		format_span(settings->lease_limit, text, room);
		break;
	case SETTING_MAX_LEASED:
		format_most(settings->max_leased, text, room);
		break;
	case SETTING_MAX_BURIED:
		format_size(settings->max_buried, text, room);
		break;
	case SETTING_UNIQUE:
		snprintf(text, room, "%s", unique_word(settings->unique));
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

struct settings settings_of(const struct tqueue_info *info)
{
	struct settings settings = {
		.size = info->size,
		.max_message = info->max_message,
		.overflow = info->overflow,
		.end_of_file = info->end_of_file,
		.no_reader = info->no_reader,
		.ttl = info->ttl,
		.on_expired = info->on_expired,
		.max_attempts = info->max_attempts,
		.on_exhausted = info->on_exhausted,
		.lease_limit = info->lease_limit,
		.max_leased = info->max_leased,
		.max_buried = info->max_buried,
		.unique = info->unique,
		.given = (1U << SETTING_OWNER) - 1,
	};

	return settings;
}

struct tqueue_config settings_config(const struct settings *settings)
{
	/* Settings of the node have none. */
	static const uint64_t fields[SETTINGS] = {
		[SETTING_SIZE] = TQUEUE_CONFIG_SIZE,
		[SETTING_MAX_MESSAGE] = TQUEUE_CONFIG_MAX_MESSAGE,
		[SETTING_OVERFLOW] = TQUEUE_CONFIG_OVERFLOW,
		[SETTING_END_OF_FILE] = TQUEUE_CONFIG_END_OF_FILE,
		[SETTING_NO_READER] = TQUEUE_CONFIG_NO_READER,
		[SETTING_TTL] = TQUEUE_CONFIG_TTL,
		[SETTING_ON_EXPIRED] = TQUEUE_CONFIG_ON_EXPIRED,
		[SETTING_MAX_ATTEMPTS] = TQUEUE_CONFIG_MAX_ATTEMPTS,
		[SETTING_ON_EXHAUSTED] = TQUEUE_CONFIG_ON_EXHAUSTED,
		[SETTING_LEASE_LIMIT] = TQUEUE_CONFIG_LEASE_LIMIT,
		[SETTING_MAX_LEASED] = TQUEUE_CONFIG_MAX_LEASED,
		[SETTING_MAX_BURIED] = TQUEUE_CONFIG_MAX_BURIED,
		[SETTING_UNIQUE] = TQUEUE_CONFIG_UNIQUE,
	};
	struct tqueue_config config = {
		.size = settings->size,
		.max_message = settings->max_message,
		.overflow = settings->overflow,
		.end_of_file = settings->end_of_file,
		.no_reader = settings->no_reader,
		.ttl = settings->ttl,
		.on_expired = settings->on_expired,
		.max_attempts = settings->max_attempts,
		.on_exhausted = settings->on_exhausted,
		.lease_limit = settings->lease_limit,
		.max_leased = settings->max_leased,
		.max_buried = settings->max_buried,
		.unique = settings->unique,
	};
	enum setting which;

	for (which = 0; which < SETTINGS; which++)
		if (setting_given(settings, which))
			config.fields |= fields[which];
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
			snprintf(text, room, "no user '%s'", settings->owner);
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
			snprintf(text, room, "no group '%s'", settings->group);
			return text;
		}
	}
	return NULL;
}
