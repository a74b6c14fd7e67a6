/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options of several subcommands, as children for their argp.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <argp.h>
#include <stdint.h>

#include "format.h"
#include "progress.h"
#include "settings.h"

/* --size, --mode and so on.  The input is a struct settings. */
extern const struct argp settings_argp;

/* The name of the option of a setting, without dashes. */
const char *setting_option(enum setting which);

/* --lines, --null, --raw, --json.  The input is an enum format. */
extern const struct argp format_argp;

/* --progress, --no-progress.  The input is an enum progress_wish. */
extern const struct argp progress_argp;

/* --timeout.  The input is a uint64_t, nanoseconds. */
extern const struct argp timeout_argp;

/*
 * Parses arguments that are all names of queues, of which there must be one: a part of
 * the parser of a subcommand.  A null pointer follows the last of *@names.
 */
error_t parse_queues(int key, struct argp_state *state, char ***names);

/* Takes over the only argument of a subcommand, the name of a queue. */
void parse_queue(const char *argument, const struct argp_state *state, const char **name);

/* --fd.  The input is an int, -1 if it is not given. */
extern const struct argp fd_argp;

/*
 * These parse a delay below 2^63 ns, the limit of a lease, and a priority.  They exit
 * if the text is invalid.
 */
uint64_t parse_delay(const char *text, const struct argp_state *state);
uint64_t parse_limit(const char *text, const struct argp_state *state);
uint32_t parse_priority(const char *text, const struct argp_state *state);

/* Parses the id of a message.  Exits if it is invalid. */
uint64_t parse_id(const char *text, const struct argp_state *state);

/*
 * The deadline, as libtqueue takes it, of something that begins now and takes at most
 * @timeout.
 */
uint64_t deadline_after(uint64_t timeout);

#endif /* OPTIONS_H */
