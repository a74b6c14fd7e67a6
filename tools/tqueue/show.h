/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue as a JSON object on one line.
 */
#ifndef SHOW_H
#define SHOW_H

#include <tqueue.h>

void show_json(const char *name, const struct tqueue_info *info);

#endif /* SHOW_H */
