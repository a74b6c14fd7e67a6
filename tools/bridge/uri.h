/* SPDX-License-Identifier: GPL-2.0-only */
/* The address of a broker. */
#ifndef URI_H
#define URI_H

#include "conf.h"

/**
 * struct uri - the parts of a broker's URI
 * @tls: whether it is amqps
 * @host: name or address
 * @port: its port
 * @user: the user who logs in; or empty
 * @vhost: the virtual host, by default "/"
 */
struct uri {
	int tls;
	int port;
	char host[256];
	char user[CONF_NAME_MAX + 1];
	char vhost[CONF_NAME_MAX + 1];
};

/* Parses a URI.  Returns NULL, or what is wrong with it in a text without the URI. */
const char *uri_parse(struct uri *uri, const char *text);

#endif /* URI_H */
