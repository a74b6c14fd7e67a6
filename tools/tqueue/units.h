/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sizes and times as people write them.
 */
#ifndef UNITS_H
#define UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_FOREVER	UINT64_MAX

/*
 * Parses a size as dd(1) does: a number, perhaps with K, M, G, T or KiB and so on
 * (powers of 1024), or kB, MB and so on (powers of 1000).  Returns 0 or -1.
 */
int parse_size(const char *text, uint64_t *size);

/* Formats a size exactly, as short as possible: 65536 is 64K. */
void format_size(uint64_t size, char *text, size_t room);

/* Formats a size for people: 12.3 MiB. */
void format_size_short(uint64_t size, char *text, size_t room);

/*
 * Parses a time span as in systemd.time(7): a number of seconds, or numbers with units
 * ("1min 30s", "200ms", "1.5h"), or "infinity".  Returns 0 or -1.
 */
int parse_duration(const char *text, uint64_t *ns);

/* Formats a span exactly, with as few units as possible: "1h 30min". */
void format_duration(uint64_t ns, char *text, size_t room);

/* Formats a span for people, in the largest unit that fits: "90min". */
void format_duration_short(uint64_t ns, char *text, size_t room);

/* Parses a decimal number.  Returns 0 or -1. */
int parse_number(const char *text, uint64_t max, uint64_t *number);

#endif /* UNITS_H */
