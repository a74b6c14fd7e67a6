// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "units.h"

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Parses leading digits.  Returns their end, or NULL if there are none or too many. */
static const char *take_digits(const char *text, uint64_t *number)
{
	uint64_t n = 0;

	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++) {
		if (n > (UINT64_MAX - 9) / 10)
			return NULL;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*number = n;
	return text;
}

int parse_number(const char *text, uint64_t max, uint64_t *number)
{
	uint64_t n;

	text = take_digits(text, &n);
	if (!text || *text || n > max)
		return -1;
	*number = n;
	return 0;
}

int parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	uint64_t number, factor = 1, base = 1024;
	const char *unit;

	text = take_digits(text, &number);
	if (!text)
		return -1;
	if (*text && strcmp(text, "B")) {
		/* kB has a small k, and k alone is common for K. */
		unit = strchr(units, *text == 'k' ? 'K' : *text);
		if (!unit)
			return -1;
		if (!strcmp(text + 1, "B"))
			base = 1000;
		else if (text[1] && strcmp(text + 1, "iB"))
			return -1;
		for (; unit >= units; unit--)
			factor *= base;
	}
	if (number > UINT64_MAX / factor)
		return -1;
	*size = number * factor;
	return 0;
}

void format_size(uint64_t size, char *text, size_t room)
{
	static const char units[] = "KMGT";
	int unit = -1;

	while (unit < 3 && size && !(size % 1024)) {
		size /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, room, "%llu", (unsigned long long)size);
	else
		snprintf(text, room, "%llu%c", (unsigned long long)size, units[unit]);
}

void format_size_short(uint64_t size, char *text, size_t room)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)size;
	int unit = -1;

	while (unit < 3 && value >= 1024) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, room, "%llu B", (unsigned long long)size);
	else
		snprintf(text, room, "%.1f %s", value, units[unit]);
}

static const struct {
	const char *name;
	uint64_t ns;
} spans[] = {
	{ "ns", 1 }, { "nsec", 1 },
	{ "us", 1000 }, { "usec", 1000 }, { "\302\265s", 1000 }, { "\316\274s", 1000 },
	{ "ms", 1000000 }, { "msec", 1000000 },
	{ "", 1000000000 }, { "s", 1000000000 }, { "sec", 1000000000 },
	{ "second", 1000000000 }, { "seconds", 1000000000 },
	{ "m", 60000000000 }, { "min", 60000000000 },
	{ "minute", 60000000000 }, { "minutes", 60000000000 },
	{ "h", 3600000000000 }, { "hr", 3600000000000 },
	{ "hour", 3600000000000 }, { "hours", 3600000000000 },
	{ "d", 86400000000000 }, { "day", 86400000000000 }, { "days", 86400000000000 },
	{ "w", 604800000000000 }, { "week", 604800000000000 }, { "weeks", 604800000000000 },
	{ 0 }
};

/* The nanoseconds of a unit, or 0 if there is no such unit. */
static uint64_t find_span(const char *name, size_t length)
{
	size_t i;

	for (i = 0; spans[i].name; i++)
		if (strlen(spans[i].name) == length && !memcmp(spans[i].name, name, length))
			return spans[i].ns;
	return 0;
}

int parse_duration(const char *text, uint64_t *ns)
{
	uint64_t total = 0, number, unit, part, digit;
	const char *fraction;
	size_t length;

	text += strspn(text, " \t");
	if (!strcmp(text, "infinity")) {
		*ns = UNITS_FOREVER;
		return 0;
	}
	if (!*text)
		return -1;
	while (*text) {
		number = 0;
		if (*text != '.') {
			text = take_digits(text, &number);
			if (!text)
				return -1;
		}
		fraction = NULL;
		if (*text == '.') {
			fraction = ++text;
			text += strspn(text, "0123456789");
			if (text == fraction)
				return -1;
		}
		text += strspn(text, " \t");
		length = strcspn(text, "0123456789. \t");
		unit = find_span(text, length);
		if (!unit || number > (UNITS_FOREVER - 1) / unit)
			return -1;
		part = number * unit;
		for (; fraction && is_digit(*fraction); fraction++) {
			digit = (uint64_t)(*fraction - '0');
			unit /= 10;
			if (digit * unit > UNITS_FOREVER - 1 - part)
				return -1;
			part += digit * unit;
		}
		if (part > UNITS_FOREVER - 1 - total)
			return -1;
		total += part;
		text += length;
		text += strspn(text, " \t");
	}
	*ns = total;
	return 0;
}

/* The units that are written, the largest first. */
static const struct {
	const char *name;
	uint64_t ns;
} written[] = {
	{ "w", 604800000000000 }, { "d", 86400000000000 }, { "h", 3600000000000 },
	{ "min", 60000000000 }, { "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 },
	{ "ns", 1 }, { 0 }
};

void format_duration(uint64_t ns, char *text, size_t room)
{
	size_t length = 0, i;

	if (ns == UNITS_FOREVER) {
		snprintf(text, room, "infinity");
		return;
	}
	snprintf(text, room, "0");
	for (i = 0; written[i].name && length < room; i++) {
		if (ns < written[i].ns)
			continue;
		length += (size_t)snprintf(text + length, room - length, "%s%llu%s",
					   length ? " " : "",
					   (unsigned long long)(ns / written[i].ns),
					   written[i].name);
		ns %= written[i].ns;
	}
}

void format_duration_short(uint64_t ns, char *text, size_t room)
{
	size_t i;

	/* Nothing larger than days or smaller than milliseconds is shown. */
	for (i = 1; i < 5 && ns < 2 * written[i].ns; i++)
		;
	snprintf(text, room, "%llu%s", (unsigned long long)(ns / written[i].ns), written[i].name);
}
