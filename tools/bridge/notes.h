/* SPDX-License-Identifier: GPL-2.0-only */
/* Notes about what a queue at the broker does not keep, and where messages may be lost. */
#ifndef NOTES_H
#define NOTES_H

#include "conf.h"
#include "facts.h"

typedef void notes_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Note what the queue at the broker does to messages that go to it, or come from it.
 * @version: the release of the broker.
 */
void notes_out(const struct conf_out *conf, const struct facts *facts, unsigned int version,
	       notes_say *say);
void notes_in(const struct conf_in *conf, const struct facts *facts, notes_say *say);

#endif /* NOTES_H */
