/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CHECK_H
#define CHECK_H

#include "conf.h"

/* Reports whether the bridge can work, and what prevents it.  Returns the exit status. */
int check(const struct conf *conf);

#endif /* CHECK_H */
