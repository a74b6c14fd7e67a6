/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The settings of a queue as text.  Options and files accept the same values, and
 * report the same errors.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <tqueue.h>

enum setting {
	SETTING_SIZE,
	SETTING_MAX_MESSAGE,
	SETTING_OVERFLOW,
	SETTING_END_OF_FILE,
	SETTING_NO_READER,
	SETTING_TTL,
	SETTING_ON_EXPIRED,
	SETTING_MAX_ATTEMPTS,
	SETTING_ON_EXHAUSTED,
	SETTING_LEASE_LIMIT,
	SETTING_MAX_LEASED,
	SETTING_MAX_BURIED,
	SETTING_UNIQUE,
	SETTING_OWNER,
	SETTING_GROUP,
	SETTING_MODE,
	SETTINGS
};

/* The names in configuration files: "MaxMessage".  The options are "--max-message". */
extern const char *const setting_names[SETTINGS];

/**
 * struct settings - some or all of them
 * @given: a bit for each enum setting that was given
 * @size: bytes
 * @max_message: bytes, 0 for what @size allows
 * @overflow: TQUEUE_OVERFLOW_*
 * @end_of_file: TQUEUE_EOF_*
 * @no_reader: TQUEUE_NO_READER_*
 * @ttl: nanoseconds, 0 for ever
 * @on_expired: TQUEUE_EXPIRED_*
 * @max_attempts: 0 for no limit
 * @on_exhausted: TQUEUE_EXHAUSTED_*
 * @lease_limit: nanoseconds, 0 for none
 * @max_leased: messages, 0 for no limit
 * @max_buried: bytes, 0 for a quarter of @size
 * @unique: TQUEUE_UNIQUE_*
 * @owner: name or number
 * @group: name or number
 * @mode: permission bits
 */
struct settings {
	unsigned int given;
	uint64_t size;
	uint64_t max_message;
	uint32_t overflow;
	uint32_t end_of_file;
	uint32_t no_reader;
	uint64_t ttl;
	uint32_t on_expired;
	uint32_t max_attempts;
	uint32_t on_exhausted;
	uint64_t lease_limit;
	uint32_t max_leased;
	uint64_t max_buried;
	uint32_t unique;
	char owner[64];
	char group[64];
	mode_t mode;
};

static inline int setting_given(const struct settings *settings, enum setting which)
{
	return settings->given >> which & 1;
}

/* Sets a value.  Returns NULL, or what is wrong (a constant text). */
const char *setting_assign(struct settings *settings, enum setting which,
			   const char *value);

/* The value as a text that setting_assign() accepts. */
void setting_text(const struct settings *settings, enum setting which,
		  char *text, size_t room);

/* The settings of a queue that the driver knows: all except owner, group and mode. */
struct settings settings_of(const struct tqueue_info *info);

/* The settings for the driver.  The others are for the node. */
struct tqueue_config settings_config(const struct settings *settings);

/*
 * Looks up the owner and the group; -1 if they are not given.  Returns NULL, or what is
 * wrong in a buffer of the caller.
 */
const char *settings_owners(const struct settings *settings, uid_t *uid,
			    gid_t *gid, char *text, size_t room);

/* The policies as words. */
const char *overflow_word(uint32_t overflow);
const char *end_of_file_word(uint32_t end_of_file);
const char *no_reader_word(uint32_t no_reader);
const char *on_expired_word(uint32_t on_expired);
const char *on_exhausted_word(uint32_t on_exhausted);
const char *unique_word(uint32_t unique);

#endif /* SETTINGS_H */
