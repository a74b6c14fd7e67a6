/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds out why there is no connection, and what to do about it. */
#ifndef DIAGNOSE_H
#define DIAGNOSE_H

#include <stddef.h>

struct conf;
struct connection;
struct uri;

/*
 * Looks for what prevents a connection, up to the certificate of the broker.  Returns 1
 * and writes what is wrong; or 0 if nothing was found.
 */
int diagnose(const struct conf *conf, const struct uri *uri, char *wrong, size_t room);

/* Writes to connection->wrong why the broker closed it: its @words, and the cure. */
void explain_close(struct connection *connection, const char *words);

#endif /* DIAGNOSE_H */
