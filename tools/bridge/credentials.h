/* SPDX-License-Identifier: GPL-2.0-only */
/* The user who logs in to a broker, and the password. */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include "conf.h"

/**
 * struct credentials - for one login
 * @user: the name; if empty, that of the URI
 * @password: the password, which must not be in any message
 */
struct credentials {
	char user[CONF_NAME_MAX + 1];
	char password[1024];
};

/*
 * Reads the password from systemd (LoadCredential=password:...) or from the file.
 * Returns 0, or -1 and what is wrong in @wrong.
 */
int credentials_load(struct credentials *credentials, const struct conf *conf, char *wrong,
		     size_t room);

#endif /* CREDENTIALS_H */
