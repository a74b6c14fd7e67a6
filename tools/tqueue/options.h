/* SPDX-License-Identifier: GPL-2.0-only */
/* Options that several subcommands have, as children for their argp. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <argp.h>
#include <stdint.h>

#include "format.h"
#include "progress.h"
#include "settings.h"

/* --size, --mode and so on: the input is a struct settings. */
extern const struct argp settings_argp;

/* The name of the option for a setting, without the dashes. */
const char *setting_option(enum setting which);

/* --lines, --null, --raw, --json: the input is an enum format. */
extern const struct argp format_argp;

/* --progress, --no-progress: the input is an enum progress_wish. */
extern const struct argp progress_argp;

/* --timeout: the input is a uint64_t, nanoseconds. */
extern const struct argp timeout_argp;

/* --fd: the input is an int, -1 if it is not given. */
extern const struct argp fd_argp;

/*
 * A delay below 2^63 ns, the limit of a lease, and a priority; these end the program
 * if it is none.
 */
uint64_t parse_delay(const char *text, const struct argp_state *state);
uint64_t parse_limit(const char *text, const struct argp_state *state);
uint32_t parse_priority(const char *text, const struct argp_state *state);

/* The id of a message that was given; ends the program if it is none. */
uint64_t parse_id(const char *text, const struct argp_state *state);

/*
 * The deadline of something that begins now and may take so long: what
 * libtqueue's calls want.
 */
uint64_t deadline_after(uint64_t timeout);

#endif /* OPTIONS_H */
