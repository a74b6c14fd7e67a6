/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes and times as people write them. */
#ifndef UNITS_H
#define UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_FOREVER	UINT64_MAX

/*
 * A size as dd(1) takes it: a number, and K, M, G, T (1024), KiB and so on (the
 * same) or kB, MB and so on (1000).  0, or -1 if it is none.
 */
int parse_size(const char *text, uint64_t *size);

/* A size in the fewest characters that lose nothing: 65536 is 64K. */
void format_size(uint64_t size, char *text, size_t room);

/* A size for the eye: 12.3 MiB. */
void format_size_short(uint64_t size, char *text, size_t room);

/*
 * A span of time as systemd.time(7) has it: a number of seconds, or numbers
 * with units one behind the other ("1min 30s", "200ms", "1.5h"), or "infinity".
 * In nanoseconds; 0, or -1 if it is none.
 */
int parse_duration(const char *text, uint64_t *ns);

/* The same text for a span: the fewest units that lose nothing, "1h 30min". */
void format_duration(uint64_t ns, char *text, size_t room);

/* A span for the eye, in the largest unit of which there is a whole one: "90min". */
void format_duration_short(uint64_t ns, char *text, size_t room);

/* A decimal number and nothing else; 0, or -1. */
int parse_number(const char *text, uint64_t max, uint64_t *number);

#endif /* UNITS_H */
